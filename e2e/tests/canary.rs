//! Recognisable secrets go through a platform that runs, breaks and cancels jobs. Afterwards none of them is
//! anywhere but where it belongs.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use lilac_api::auth::{CreateApiKey, CreateUser, LoginRequest, Role, Secret};
use lilac_api::job::{JobState, Reason};
use lilac_api::secret::{CreateRegistry, CreateSecret};
use lilac_api::spec::JobSpec;
use lilac_e2e::hostile::admin_token;
use lilac_e2e::jobs::{end, script, small, until_state, whole_log};
use lilac_e2e::{Bed, ENCRYPTION_KEY, Raw, with_bed};
use reqwest::Method;
use sqlx::{AssertSqlSafe, PgPool};
use uuid::Uuid;

/// What must not be found, and by which name a finding is told: never by its value.
type Canaries = Vec<(&'static str, String)>;

fn fresh(kind: &str) -> String {
    format!("canary-{kind}-{}", Uuid::new_v4().simple())
}

#[tokio::test]
async fn no_secret_is_found_where_it_does_not_belong() -> Result<()> {
    with_bed(async |bed| {
        bed.add_node("a", None).await?;
        let mut canaries: Canaries = vec![
            ("secret's value", fresh("secret")),
            ("registry password", fresh("registry")),
            ("user's password", fresh("user")),
            ("encryption key", ENCRYPTION_KEY.to_owned()),
            ("administrator's password", bed.admin_password().0.clone()),
        ];
        let value = |index: usize| Secret(canaries[index].1.clone());
        let (secret, registry, password) = (value(0), value(1), value(2));
        let user = CreateUser::new("ada", password.clone(), Role::Member);
        bed.client.create_user(&user).await?;
        let login = bed.client.login(&LoginRequest { username: "ada".into(), password }).await?;
        let ada = bed.client.with_token(login.access_token.clone());
        let key = ada.create_api_key(&CreateApiKey::named("canary")).await?.secret;
        let ada = bed.client.with_token(key.clone());
        canaries.push(("access token", login.access_token.0));
        canaries.push(("API key", key.0));
        canaries.push(("node credential", node_credential(bed)?));
        canaries.push(("join key", join_key(bed)?));

        ada.create_secret(&CreateSecret { name: "token".into(), team: None, value: secret }).await?;
        ada.create_registry(&CreateRegistry {
            name: "login".into(),
            team: None,
            server: "127.0.0.1:1".into(),
            username: "ada".into(),
            password: registry,
        })
        .await?;
        let with_secret = |name: &str, run: &str| {
            let mut spec = script(name, run);
            spec.secrets.insert("TOKEN".into(), "token".into());
            spec
        };
        let reads = "case $TOKEN in canary-secret-*) echo got it;; esac";
        let reads = ada.submit(&with_secret("reads", reads), None).await?.id;
        ensure!(end(&ada, reads).await?.state == JobState::Succeeded, "it reads its secret");
        assert_eq!(whole_log(&ada, reads).await?, "got it\n");
        let pulls = JobSpec { command: vec!["true".into()], ..small("pulls", "127.0.0.1:1/team/app:1") };
        let pulls = ada.submit(&pulls, None).await?.id;
        let pulled = end(&ada, pulls).await?;
        assert_eq!((pulled.state, pulled.reason), (JobState::Failed, Some(Reason::ImagePull)), "{pulled:?}");

        // Everything dies under a job that runs with the secret; then it is cancelled.
        let runs = ada.submit(&with_secret("runs", "sleep 1000"), None).await?.id;
        until_state(&ada, runs, JobState::Running).await?;
        look_at_arguments(&canaries)?;
        bed.nodes[0].agent.kill()?;
        bed.nodes[0].agent.start_again()?;
        bed.servers[0].kill()?;
        bed.servers[0].start_again().await?;
        bed.until_answered().await?;
        ada.cancel(runs).await?;
        ensure!(end(&ada, runs).await?.state == JobState::Cancelled, "it is cancelled");

        // A secret that is gone is named by its name.
        bed.client.cordon(bed.client.nodes().await?.items[0].id).await?;
        let late = ada.submit(&with_secret("late", "true"), None).await?.id;
        let stored = ada.secrets(None).await?.items.pop().context("the secret")?;
        ada.delete_secret(stored.id).await?;
        bed.client.uncordon(bed.client.nodes().await?.items[0].id).await?;
        let late = end(&ada, late).await?;
        assert_eq!((late.state, late.reason), (JobState::Failed, Some(Reason::Unstartable)), "{late:?}");
        ensure!(late.message.contains("`token`"), "{}", late.message);

        look_at_arguments(&canaries)?;
        find(&canaries, "the server's log", &bed.servers[0].output())?;
        find(&canaries, "the agent's log", &bed.nodes[0].agent.output())?;
        look_at_answers(bed, &canaries, &[reads, pulls, runs].map(|id| id.to_string())).await?;
        look_at_tables(bed, &canaries).await?;
        let state = bed.nodes[0].agent.state_dir();
        look_at_files(&canaries, &state, &|path| path.ends_with("credential.json"))?;
        // The database's own files, its write-ahead log too.
        look_at_files(&canaries, bed.database.data_dir(), &|_| false)
    })
    .await
}

fn node_credential(bed: &Bed) -> Result<String> {
    let text = std::fs::read_to_string(bed.nodes[0].agent.state_dir().join("credential.json"))?;
    let credential: serde_json::Value = serde_json::from_str(&text)?;
    Ok(credential["credential"].as_str().context("no credential")?.to_owned())
}

fn join_key(bed: &Bed) -> Result<String> {
    let state = bed.nodes[0].agent.state_dir();
    let config = std::fs::read_to_string(state.with_file_name("agent.toml"))?;
    let line = config.lines().find_map(|line| line.strip_prefix("join_key = \"")).context("no join key")?;
    Ok(line.trim_end_matches('"').to_owned())
}

/// Fails when one of them is in the text, as it is or in hexadecimal.
fn find(canaries: &Canaries, place: &str, text: &str) -> Result<()> {
    for (name, value) in canaries {
        let hex: String = value.bytes().map(|byte| format!("{byte:02x}")).collect();
        ensure!(!text.contains(value.as_str()) && !text.contains(&hex), "the {name} is in {place}");
    }
    Ok(())
}

fn look_at_arguments(canaries: &Canaries) -> Result<()> {
    for process in std::fs::read_dir("/proc")?.flatten() {
        // Processes that end meanwhile have no arguments any more.
        let arguments = std::fs::read(process.path().join("cmdline")).unwrap_or_default();
        let text = String::from_utf8_lossy(&arguments);
        let name = process.file_name().to_string_lossy().into_owned();
        find(canaries, &format!("the arguments of process {name}"), &text)?;
    }
    Ok(())
}

async fn look_at_answers(bed: &Bed, canaries: &Canaries, jobs: &[String]) -> Result<()> {
    let raw = Raw::new(&bed.servers[0].url())?;
    let token = admin_token(bed).await?;
    let mut paths: Vec<String> = [
        "jobs",
        "secrets",
        "registries",
        "volumes",
        "users",
        "api-keys",
        "nodes",
        "clusters",
        "queues",
        "audit",
        "auth/me",
        "openapi.json",
    ]
    .map(str::to_owned)
    .into();
    for job in jobs {
        paths.extend(["", "/events", "/attempts", "/logs"].map(|part| format!("jobs/{job}{part}")));
    }
    for cluster in bed.client.clusters().await?.items {
        paths.push(format!("clusters/{}/api-keys", cluster.id));
    }
    for path in paths {
        let answer = raw.json(Method::GET, &format!("/api/v1/{path}"), Some(&token), String::new()).await?;
        ensure!(answer.status < 500, "{path}: {}", answer.status);
        find(canaries, &format!("the answer of {path}"), &answer.body)?;
    }
    Ok(())
}

async fn look_at_tables(bed: &Bed, canaries: &Canaries) -> Result<()> {
    let pool = PgPool::connect(bed.database.url()).await?;
    let tables: Vec<String> = sqlx::query_scalar(
        "SELECT table_name::text FROM information_schema.tables WHERE table_schema = 'public'",
    )
    .fetch_all(&pool)
    .await?;
    ensure!(tables.iter().any(|table| table == "secrets"), "no tables: {tables:?}");
    for table in tables {
        let rows = format!("SELECT row_to_json(t)::text FROM \"{table}\" t");
        let rows: Vec<String> = sqlx::query_scalar(AssertSqlSafe(rows)).fetch_all(&pool).await?;
        find(canaries, &format!("the table {table}"), &rows.join("\n"))?;
    }
    pool.close().await;
    Ok(())
}

fn look_at_files(canaries: &Canaries, folder: &Path, skip: &dyn Fn(&Path) -> bool) -> Result<()> {
    for entry in std::fs::read_dir(folder)?.flatten() {
        let (path, kind) = (entry.path(), entry.file_type()?);
        if kind.is_dir() {
            look_at_files(canaries, &path, skip)?;
        } else if kind.is_file() && !skip(&path) {
            // Files of a database that works come and go.
            let bytes = std::fs::read(&path).unwrap_or_default();
            find(canaries, &path.display().to_string(), &String::from_utf8_lossy(&bytes))?;
        }
    }
    Ok(())
}
