//! What every verb that only shows prints, kept: a change of it is seen in a review. None of it needs a node, so all of
//! it is the same on every machine.

use anyhow::{Result, ensure};
use lilac_api::job::JobFilter;
use lilac_e2e::{Cli, eventually, with_bed};
use regex::Regex;

/// What differs from run to run, and what stands for it.
const VARYING: [(&str, &str); 9] = [
    (r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "[id]"),
    (r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?( UTC|Z)?", "[time]"),
    (r"http://127\.0\.0\.1:\d+", "[server]"),
    (r"(\d+[smhd] ago|\bnow\b)", "[age]"),
    (r"\bin \d+[smhd]\b", "in [span]"),
    (r"\b[0-9a-f]{8}\b", "[short]"),
    (r#""hash": ?"[^"]*""#, "[hash]"),
    (r"lilac_cli-[^ ]+  ", "[machine]  "),
    (r" {2,}", "  "),
];

const SHOWN: &[&[&str]] = &[
    &["whoami"],
    &["ls"],
    &["ls", "--folded"],
    &["ls", "-o", "wide"],
    &["ls", "-o", "name"],
    &["ls", "--state", "failed"],
    &["show", "alone"],
    &["events", "alone"],
    &["explain", "alone"],
    &["receipt", "alone"],
    &["logs", "alone"],
    &["outputs", "alone"],
    &["plan", "--image", "busybox", "--name", "planned"],
    &["array", "show", "sweep"],
    &["queue", "ls"],
    &["queue", "show", "default"],
    &["cluster", "ls"],
    &["cluster", "show", "default"],
    &["cluster", "join-key", "ls", "default"],
    &["node", "ls"],
    &["user", "ls"],
    &["user", "show", "admin"],
    &["team", "ls"],
    &["key", "ls"],
    &["secret", "ls"],
    &["registry", "ls"],
    &["volume", "ls"],
    &["hook", "ls"],
    &["hook", "deliveries", "told"],
    &["schedule", "ls"],
    &["schedule", "show", "nightly"],
    &["profile", "ls"],
    &["audit", "--action", "hook.create"],
    &["audit", "--verify"],
    &["show", "no-such-job"],
    &["node", "show", "no-such-node"],
    &["cancel", "last", "--mine"],
    &["submit", "--image", "busybox", "--name", "a b"],
];

#[tokio::test]
async fn what_the_verbs_print_is_kept() -> Result<()> {
    with_bed(async |bed| {
        let cli = Cli::new(&bed.scratch().path("user"))?;
        cli.ok(&["configure", "--server", &bed.servers[0].url()]).await?;
        let login = ["login", "--username", "admin", "--password-stdin"];
        let login = cli.run_with_input(&login, &format!("{}\n", bed.admin_password().0)).await?;
        ensure!(login.code == Some(0), "{login:?}");
        let secret = cli.run_with_input(&["secret", "set", "token"], "a value\n").await?;
        ensure!(secret.code == Some(0), "{secret:?}");
        cli.ok(&["hook", "create", "told", "https://example.org/told"]).await?;
        let nightly = bed.scratch().path("nightly.yaml");
        std::fs::write(&nightly, "name: nightly\nimage: busybox\nschedule: {cron: \"0 2 1 1 *\"}\n")?;
        cli.ok(&["submit", "-f", &nightly.to_string_lossy()]).await?;
        let sweep = ["submit", "--image", "busybox", "--name", "sweep", "--sweep", "LR=1e-4,3e-4"];
        cli.ok(&sweep).await?;
        cli.ok(&["submit", "--image", "busybox", "--name", "alone", "-l", "exp=a12", "--", "echo", "hello"])
            .await?;
        eventually("reasons", async || {
            let jobs = bed.client.jobs(&JobFilter::default()).await?.items;
            Ok(jobs.iter().all(|job| job.reason.is_some()).then_some(()))
        })
        .await?;

        let mut printed = String::new();
        for words in SHOWN {
            let output = cli.run(words).await?;
            let code = output.code.filter(|code| *code != 0).map(|code| format!("[exit code {code}]\n"));
            printed += &format!(
                "$ lilac_cli {}\n{}{}{}\n",
                words.join(" "),
                output.stdout,
                output.stderr,
                code.unwrap_or_default()
            );
        }
        for (varying, stands) in VARYING {
            printed = Regex::new(varying)?.replace_all(&printed, stands).into_owned();
        }
        insta::assert_snapshot!(printed);
        Ok(())
    })
    .await
}
