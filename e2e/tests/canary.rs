//! Recognisable secrets go through a platform that runs, breaks and cancels jobs. Afterwards none of them is
//! anywhere but where it belongs.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use lilac_api::auth::{CreateApiKey, CreateUser, LoginRequest, Role, Secret};
use lilac_api::client::Client;
use lilac_api::hook::{CreateHook, RotateHook};
use lilac_api::job::{JobState, Reason};
use lilac_api::secret::{CreateRegistry, CreateSecret};
use lilac_api::spec::{JobSpec, Notify};
use lilac_api::{HookId, JobId};
use lilac_e2e::hostile::admin_token;
use lilac_e2e::jobs::{end, script, small, until_state, whole_log};
use lilac_e2e::{Bed, ENCRYPTION_KEY, Outsider, Raw, eventually, with_bed};
use reqwest::Method;
use reqwest::header::{CONTENT_TYPE, COOKIE, LOCATION, SET_COOKIE};
use sqlx::{AssertSqlSafe, PgPool};
use tokio::task::JoinHandle;
use uuid::Uuid;

/// What must not be found, and by which name a finding is told: never by its value.
type Canaries = Vec<(&'static str, String)>;

fn fresh(kind: &str) -> String {
    format!("canary-{kind}-{}", Uuid::new_v4().simple())
}

#[tokio::test]
async fn no_secret_is_found_where_it_does_not_belong() -> Result<()> {
    with_bed(async |bed| {
        let mut canaries: Canaries = vec![
            ("secret's value", fresh("secret")),
            ("registry password", fresh("registry")),
            ("user's password", fresh("user")),
            ("secret of a hook", fresh("hook")),
            ("secret of single sign-on", fresh("sso")),
            ("encryption key", ENCRYPTION_KEY.to_owned()),
            ("administrator's password", bed.admin_password().0.clone()),
        ];
        let value = |index: usize| Secret(canaries[index].1.clone());
        let (secret, registry, password, hook, sso) = (value(0), value(1), value(2), value(3), value(4));
        let outsider = Outsider::start(&sso.0).await?;
        set_up(bed, &outsider, &sso).await?;
        bed.add_node("a", None).await?;
        let told = Told::begin(bed).await?;

        let user = CreateUser::new("ada", password.clone(), Role::Member);
        bed.client.create_user(&user).await?;
        let as_ada = LoginRequest { username: "ada".into(), password: password.clone() };
        let login = bed.client.login(&as_ada).await?;
        let ada = bed.client.with_token(login.access_token.clone());
        let key = ada.create_api_key(&CreateApiKey::named("canary")).await?.secret;
        let ada = bed.client.with_token(key.clone());
        canaries.push(("access token", login.access_token.0));
        canaries.push(("API key", key.0));
        canaries.push(("node credential", node_credential(bed)?));
        canaries.push(("join key", join_key(bed)?));
        canaries.push(("join key that nobody used", bed.join_key("b").await?.0));
        canaries.push(("server's own key", server_key(bed)?));
        stay_logged_in(bed, &password, &mut canaries).await?;
        sign_on(bed, &outsider, &mut canaries).await?;

        ada.create_secret(&CreateSecret { name: "token".into(), team: None, value: secret }).await?;
        ada.create_registry(&CreateRegistry {
            name: "login".into(),
            team: None,
            server: "127.0.0.1:1".into(),
            username: "ada".into(),
            password: registry,
        })
        .await?;
        let hooks = make_hooks(&ada, &outsider, hook, &mut canaries).await?;
        let with_secret = |name: &str, run: &str| {
            let mut spec = script(name, run);
            spec.secrets.insert("TOKEN".into(), "token".into());
            spec
        };
        let reads = "case $TOKEN in canary-secret-*) echo got it;; esac";
        let mut reads = with_secret("reads", reads);
        let all = |name: &str| Notify { on: vec![JobState::Running, JobState::Succeeded], to: name.into() };
        reads.notify.extend(["own", "made"].map(all));
        let reads = ada.submit(&reads, None).await?.id;
        ensure!(end(&ada, reads).await?.state == JobState::Succeeded, "it reads its secret");
        assert_eq!(whole_log(&ada, reads).await?, "got it\n");
        let pulls = JobSpec { command: vec!["true".into()], ..small("pulls", "127.0.0.1:1/team/app:1") };
        let pulls = ada.submit(&pulls, None).await?.id;
        let pulled = end(&ada, pulls).await?;
        assert_eq!((pulled.state, pulled.reason), (JobState::Failed, Some(Reason::ImagePull)), "{pulled:?}");
        hooks_are_refused(&ada, &hooks, &outsider).await?;

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
        find(&canaries, "the live events", &told.so_far(reads).await?)?;
        find(&canaries, "what hooks were told", &at_the_hooks(&outsider).join("\n"))?;
        look_at_answers(bed, &canaries, &[reads, pulls, runs].map(|id| id.to_string()), &hooks).await?;
        look_at_tables(bed, &canaries).await?;
        let state = bed.nodes[0].agent.state_dir();
        look_at_files(&canaries, &state, &|path| path.ends_with("credential.json"))?;
        // The database's own files, its write-ahead log too.
        look_at_files(&canaries, bed.database.data_dir(), &|path| path.ends_with("secret.key"))
    })
    .await
}

/// A server that says all it can, and knows an outsider whom it may call.
async fn set_up(bed: &mut Bed, outsider: &Outsider, sso: &Secret) -> Result<()> {
    let server = &mut bed.servers[0];
    let url = server.url();
    for (name, value) in [
        ("LILAC_LOG", "debug"),
        ("LILAC_PUBLIC_URL", url.as_str()),
        ("LILAC_OIDC_ISSUER", outsider.url("").as_str()),
        ("LILAC_OIDC_CLIENT_ID", "lilac"),
        ("LILAC_OIDC_CLIENT_SECRET", &sso.0),
        ("LILAC_HOOK_ALLOW", "127.0.0.1"),
        ("LILAC_HOOK_HTTP", "true"),
    ] {
        server.configure(name, value);
    }
    server.kill()?;
    server.start_again().await
}

/// A browser that leaves redirects to us.
fn browser() -> Result<reqwest::Client> {
    Ok(reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build()?)
}

/// The cookie that an answer sets, as it is sent back.
fn cookie(answer: &reqwest::Response) -> Result<String> {
    let set = answer.headers().get(SET_COOKIE).context("no cookie")?.to_str()?;
    Ok(set.split(';').next().unwrap_or_default().to_owned())
}

fn value_of(cookie: &str) -> Result<String> {
    Ok(cookie.split_once('=').context("no cookie")?.1.to_owned())
}

/// Logs in as a browser does, and renews the login, once more than the answers arrive.
async fn stay_logged_in(bed: &Bed, password: &Secret, canaries: &mut Canaries) -> Result<()> {
    let (http, url) = (browser()?, format!("{}/api/v1/auth", bed.servers[0].url()));
    let login = serde_json::json!({ "username": "ada", "password": password.0 }).to_string();
    let answer =
        http.post(format!("{url}/login")).header(CONTENT_TYPE, "application/json").body(login).send().await?;
    let first = cookie(&answer)?;
    canaries.push(("refresh token", value_of(&first)?));
    for _ in 0..2 {
        let renew = http.post(format!("{url}/refresh")).header(COOKIE, &first).header("x-lilac-csrf", "1");
        let answer = renew.send().await?;
        ensure!(answer.status().is_success(), "a refresh was answered {}", answer.status());
        canaries.push(("renewed refresh token", value_of(&cookie(&answer)?)?));
    }
    Ok(())
}

/// Comes back from a provider that refuses the exchange, and repeats in its refusal what it knows.
async fn sign_on(bed: &Bed, outsider: &Outsider, canaries: &mut Canaries) -> Result<()> {
    let (http, url) = (browser()?, format!("{}/api/v1/auth/oidc", bed.servers[0].url()));
    let begun = http.get(format!("{url}/login")).send().await?;
    let flow = cookie(&begun)?;
    let to = begun.headers().get(LOCATION).context("no redirect")?.to_str()?;
    let to = reqwest::Url::parse(to)?;
    let (_, state) = to.query_pairs().find(|(name, _)| name == "state").context("no state")?;
    let code = fresh("code");
    let back = http.get(format!("{url}/callback?code={code}&state={state}")).header(COOKIE, &flow);
    let back = back.send().await?;
    let to = back.headers().get(LOCATION).context("no redirect")?.to_str()?;
    ensure!(to == "/login?sso=failed", "to {to}");
    let heard = outsider.heard();
    let exchange = heard.iter().find(|request| request.starts_with("POST /token")).context("no exchange")?;
    ensure!(exchange.contains(&code), "the code was not traded: {exchange}");
    canaries.push(("code of single sign-on", code));
    canaries.push(("what the browser keeps meanwhile", value_of(&flow)?));
    Ok(())
}

/// One hook with a secret of its owner's, and one with a secret that the server made, twice.
async fn make_hooks(
    ada: &Client,
    outsider: &Outsider,
    own: Secret,
    canaries: &mut Canaries,
) -> Result<[HookId; 2]> {
    let hook = |name: &str| CreateHook::new(name, &outsider.url(&format!("/hooks/{name}")));
    let own = ada.create_hook(&CreateHook { secret: Some(own), ..hook("own") }).await?.hook.id;
    let made = ada.create_hook(&hook("made")).await?;
    let rotated = ada.rotate_hook(made.hook.id, &RotateHook::default()).await?;
    for secret in [made.secret, rotated.secret] {
        canaries.push(("secret of a hook that the server made", secret.context("no secret")?.0));
    }
    Ok([own, made.hook.id])
}

fn at_the_hooks(outsider: &Outsider) -> Vec<String> {
    outsider.heard().into_iter().filter(|request| request.starts_with("POST /hooks/")).collect()
}

/// Waits until each hook was told, signed, and its refusal was noted.
async fn hooks_are_refused(ada: &Client, hooks: &[HookId], outsider: &Outsider) -> Result<()> {
    for hook in hooks {
        eventually("a hook that was told", async || {
            let told = ada.hook_deliveries(*hook, None).await?.items;
            Ok(told.iter().any(|delivery| delivery.status == Some(400)).then_some(()))
        })
        .await?;
    }
    let told = at_the_hooks(outsider);
    ensure!(told.iter().all(|request| request.contains("lilac-signature: v1=")), "{told:?}");
    Ok(())
}

/// What the live events say, whoever serves them.
struct Told {
    heard: Arc<Mutex<String>>,
    listening: JoinHandle<()>,
}

impl Told {
    async fn begin(bed: &Bed) -> Result<Self> {
        let (url, token) = (format!("{}/api/v1/events", bed.servers[0].url()), admin_token(bed).await?);
        let (http, heard) = (browser()?, Arc::new(Mutex::new(String::new())));
        let hears = heard.clone();
        let listening = tokio::spawn(async move {
            loop {
                if let Ok(mut answer) = http.get(&url).bearer_auth(&token).send().await {
                    while let Ok(Some(part)) = answer.chunk().await {
                        let mut hears = hears.lock().unwrap_or_else(PoisonError::into_inner);
                        hears.push_str(&String::from_utf8_lossy(&part));
                    }
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        });
        Ok(Self { heard, listening })
    }

    /// All of it, once it tells of a job.
    async fn so_far(&self, job: JobId) -> Result<String> {
        eventually("an event of a job", async || {
            let heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
            Ok(heard.contains(&job.to_string()).then(|| heard.clone()))
        })
        .await
    }
}

impl Drop for Told {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

fn server_key(bed: &Bed) -> Result<String> {
    Ok(std::fs::read_to_string(bed.database.data_dir().join("secret.key"))?.trim().to_owned())
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

async fn look_at_answers(bed: &Bed, canaries: &Canaries, jobs: &[String], hooks: &[HookId]) -> Result<()> {
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
        "audit/verify",
        "auth/me",
        "auth/methods",
        "hooks",
        "schedules",
        "teams",
        "usage",
        "server",
        "openapi.json",
    ]
    .map(str::to_owned)
    .into();
    for job in jobs {
        paths.extend(
            ["", "/events", "/attempts", "/logs", "/explain", "/receipt", "/metrics"]
                .map(|part| format!("jobs/{job}{part}")),
        );
    }
    for cluster in bed.client.clusters().await?.items {
        paths.push(format!("clusters/{}/api-keys", cluster.id));
    }
    for node in bed.client.nodes().await?.items {
        paths.extend(["", "/events", "/metrics"].map(|part| format!("nodes/{}{part}", node.id)));
    }
    for hook in hooks {
        paths.extend(["", "/deliveries"].map(|part| format!("hooks/{hook}{part}")));
    }
    let mut paths: Vec<String> = paths.iter().map(|path| format!("/api/v1/{path}")).collect();
    paths.push("/metrics".to_owned());
    for path in paths {
        let answer = raw.json(Method::GET, &path, Some(&token), String::new()).await?;
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
