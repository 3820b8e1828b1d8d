//! What jobs leave, from the container to the user's disk.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use futures::TryStreamExt;
use lilac_api::JobId;
use lilac_api::client::Client;
use lilac_api::job::JobState;
use lilac_api::output::{JobOutput, OutputFileQuery, OutputQuery, OutputState};
use lilac_api::spec::{JobSpec, Output};
use lilac_e2e::jobs::{SOON, end, script, until_state};
use lilac_e2e::{Cli, eventually_within, with_bed};

/// A job that leaves these paths.
fn leaving(name: &str, paths: &[&str], text: &str) -> JobSpec {
    let output = |path: &&str| Output { path: (*path).to_owned(), keep: None };
    JobSpec { outputs: paths.iter().map(output).collect(), ..script(name, text) }
}

/// Waits until the job's outputs are there, or will never be.
async fn settled(client: &Client, id: JobId) -> Result<Vec<JobOutput>> {
    eventually_within(SOON, "outputs", async || {
        let outputs = client.outputs(id, &OutputQuery::default()).await?;
        let is_pending = outputs.iter().any(|output| output.state == OutputState::Pending);
        Ok((!is_pending).then_some(outputs))
    })
    .await
}

fn state(output: &JobOutput) -> (&str, OutputState) {
    (&output.path, output.state)
}

/// Lines of the numbers 1 to `last`, as `seq` writes them.
fn numbers(last: u32) -> Vec<u8> {
    (1..=last).map(|number| format!("{number}\n")).collect::<String>().into_bytes()
}

fn check(path: &Path, expected: &[u8]) -> Result<()> {
    let found = std::fs::read(path).with_context(|| path.display().to_string())?;
    ensure!(found == expected, "{}: {} bytes, {} expected", path.display(), found.len(), expected.len());
    Ok(())
}

#[tokio::test]
async fn what_jobs_leave_comes_byte_for_byte() -> Result<()> {
    with_bed(async |bed| {
        bed.add_node("a", None).await?;
        let client = &bed.client;
        let deep = "d".repeat(120);
        let text = format!(
            "mkdir -p /results/out/{deep} /results/out/none && cd /results/out && seq 1 300000 > numbers \
             && seq 1 1000 > {deep}/ü.txt && : > empty && ln -s numbers link && ln numbers hard \
             && ln -s /etc/passwd away && mkfifo pipe && chmod 700 empty && echo model > /results/model.bin"
        );
        let job =
            client.submit(&leaving("good", &["/results/out", "/results/model.bin"], &text), None).await?.id;
        until_state(client, job, JobState::Succeeded).await?;
        let outputs = settled(client, job).await?;
        let states: Vec<_> = outputs.iter().map(state).collect();
        assert_eq!(
            states,
            [("/results/out", OutputState::Stored), ("/results/model.bin", OutputState::Stored)],
            "{outputs:?}"
        );
        let query = OutputFileQuery { path: "numbers".to_owned(), ..OutputFileQuery::default() };
        let pieces: Vec<_> = client.download_output_file(job, 0, &query).await?.try_collect().await?;
        assert!(pieces.concat() == numbers(300_000));

        let text = "mkdir -p /results/out; seq 1 70000 > /results/out/partial; exit 3";
        let failed =
            client.submit(&leaving("bad", &["/results/out", "/results/absent"], text), None).await?.id;
        until_state(client, failed, JobState::Failed).await?;
        let outputs = settled(client, failed).await?;
        let states: Vec<_> = outputs.iter().map(state).collect();
        assert_eq!(states, [("/results/out", OutputState::Stored), ("/results/absent", OutputState::Failed)]);
        assert!(outputs.iter().any(|output| output.message.contains("/results/absent")), "{outputs:?}");

        // As a user has them.
        let cli = Cli::new(&bed.scratch().path("user"))?;
        cli.ok(&["configure", "--server", &bed.servers[0].url()]).await?;
        let login = ["login", "--username", "admin", "--password-stdin"];
        cli.run_with_input(&login, &format!("{}\n", bed.admin_password().0)).await?;
        let listed = cli.ok(&["outputs", "good", "--files"]).await?;
        assert!(listed.contains("/results/out/numbers") && listed.contains("/results/model.bin"), "{listed}");
        assert!(!listed.contains("pipe") && !listed.contains("away"), "{listed}");
        let listed = cli.ok(&["outputs", "bad"]).await?;
        assert!(listed.contains("/results/absent") && listed.contains("failed"), "{listed}");
        let dest = bed.scratch().path("copied");
        let dest_text = dest.display().to_string();
        cli.ok(&["cp", "good:/results/out", &dest_text]).await?;
        for name in ["numbers", "link", "hard"] {
            check(&dest.join(name), &numbers(300_000))?;
        }
        check(&dest.join(&deep).join("ü.txt"), &numbers(1000))?;
        check(&dest.join("empty"), b"")?;
        ensure!(dest.join("none").is_dir() && std::fs::symlink_metadata(dest.join("away")).is_err());
        cli.ok(&["cp", "bad:/results/out/partial", &dest_text]).await?;
        check(&dest.join("partial"), &numbers(70_000))?;
        let model = dest.join("weights").display().to_string();
        cli.ok(&["cp", "good:/results/model.bin", &model]).await?;
        check(Path::new(&model), b"model\n")?;
        let absent = cli.run(&["cp", "bad:/results/absent", &dest_text]).await?;
        assert_eq!(absent.code, Some(1), "{absent:?}");
        bed.nodes[0].machine.empty(SOON).await
    })
    .await
}

#[tokio::test]
async fn outputs_wait_for_a_server_that_is_away() -> Result<()> {
    with_bed(async |bed| {
        bed.add_node("a", None).await?;
        let text = "mkdir -p /results; seq 1 50000 > /results/numbers; sleep 5";
        let job = bed.client.submit(&leaving("patient", &["/results/numbers"], text), None).await?.id;
        until_state(&bed.client, job, JobState::Running).await?;
        bed.servers[0].kill()?;
        // It ends meanwhile, and the agent starts anew on top of it.
        eventually_within(SOON, "an ended container", async || {
            Ok(bed.nodes[0].machine.running().await?.is_empty().then_some(()))
        })
        .await?;
        bed.nodes[0].agent.kill()?;
        bed.nodes[0].agent.start_again()?;
        bed.servers[0].start_again().await?;
        end(&bed.client, job).await?;
        let outputs = settled(&bed.client, job).await?;
        assert_eq!(state(&outputs[0]), ("/results/numbers", OutputState::Stored), "{outputs:?}");
        let query = OutputFileQuery { path: "numbers".to_owned(), ..OutputFileQuery::default() };
        let pieces: Vec<_> = bed.client.download_output_file(job, 0, &query).await?.try_collect().await?;
        assert!(pieces.concat() == numbers(50_000));
        bed.nodes[0].machine.empty(Duration::from_secs(60)).await
    })
    .await
}
