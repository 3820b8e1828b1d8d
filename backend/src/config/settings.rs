//! The table of all settings: name, default and what each is for, spelled once. `.env.example` and the table in
//! `docs/operating.md` are written from it, and a test holds the three together.

use std::fmt::Write;

/// One variable of the environment.
#[derive(Debug)]
pub struct Setting {
    pub name: &'static str,
    /// What holds when it is not set, as one would write it; empty where nothing does.
    pub default: &'static str,
    /// Sentences for the operator.
    pub about: &'static str,
}

#[rustfmt::skip]
pub const SETTINGS: &[Setting] = &[
    // Which database, and where things are kept.
    Setting { name: "DATABASE_URL", default: "", about: "The database: `postgres://user:password@host:port/name`, PostgreSQL 14 or newer. Without it the server starts an embedded PostgreSQL of its own in its data folder. `./dev db` starts one that serves exactly the address in `.env.example`." },
    Setting { name: "LILAC_DATABASE_CONNECTIONS", default: "16", about: "Connections to the database at most, per server, beside a few that it keeps for itself: 2 to 500." },
    Setting { name: "LILAC_DATA_DIR", default: "", about: "The folder of the key and the embedded database. By default `/var/lib/lilac` for root, otherwise `~/.local/share/lilac`." },
    Setting { name: "LILAC_STORE_URL", default: "", about: "Where logs and outputs are kept: `s3://bucket/prefix`, or the absolute path of a folder. By default `objects` in the data folder. Several servers on one database must see the same store." },
    Setting { name: "LILAC_STORE_ENDPOINT", default: "", about: "Address of a server that speaks S3, as in `https://minio.example.org:9000`; Amazon's by default." },
    Setting { name: "LILAC_STORE_REGION", default: "", about: "Region of the bucket. This and the keys are taken from `AWS_…` where they are not set." },
    Setting { name: "LILAC_STORE_ACCESS_KEY", default: "", about: "Access key of the bucket." },
    Setting { name: "LILAC_STORE_SECRET_KEY", default: "", about: "Secret key of the bucket." },
    Setting { name: "LILAC_LOG_KEEP", default: "90d", about: "How long logs are kept after their attempt ended; at least `1h`." },
    Setting { name: "LILAC_OUTPUT_MAX_SIZE", default: "10Gi", about: "The most that one of a job's outputs may hold, as an archive." },
    Setting { name: "LILAC_OUTPUT_MAX_FILE_SIZE", default: "10Gi", about: "The most that one file of an output may hold." },
    Setting { name: "LILAC_OUTPUT_KEEP", default: "30d", about: "How long outputs are kept whose job does not say; at least `1h`." },
    // Who may in.
    Setting { name: "LILAC_SECRET_KEY", default: "", about: "Signs logins and turns API keys into what is stored of them: at least 32 characters, random, the same for all servers of one database. By default one is made and kept in the data folder. `openssl rand -hex 32` makes one." },
    Setting { name: "LILAC_ENCRYPTION_KEY", default: "", about: "Seals secrets and registry passwords before they come into the database: 32 bytes in base64, the same for all servers of one database. By default it follows from LILAC_SECRET_KEY. `openssl rand -base64 32` makes one." },
    Setting { name: "LILAC_ENCRYPTION_KEYS_OLD", default: "", about: "Earlier LILAC_ENCRYPTION_KEYs, with commas between them: they open what they sealed until `server rotate-keys` was run." },
    Setting { name: "LILAC_ADMIN_PASSWORD", default: "", about: "Password of the first user, `admin`; looked at only while there is no user. By default a random one is made and shown once, where the server was started." },
    Setting { name: "LILAC_SIGN_UP", default: "false", about: "Whether anyone who reaches the server may make an account: `true` or `false`. Such a user is a member of the team `default`." },
    Setting { name: "LILAC_OIDC_ISSUER", default: "", about: "The provider of single sign-on by OpenID Connect, as it writes itself: `https://login.example.org/realms/main`. Needs `LILAC_PUBLIC_URL`; the provider must know `LILAC_PUBLIC_URL/api/v1/auth/oidc/callback` as the address to send browsers back to." },
    Setting { name: "LILAC_OIDC_CLIENT_ID", default: "", about: "What the provider knows this server as." },
    Setting { name: "LILAC_OIDC_CLIENT_SECRET", default: "", about: "The secret that the provider gave this server; none for a public client." },
    Setting { name: "LILAC_OIDC_NAME", default: "single sign-on", about: "What the login page calls the provider." },
    Setting { name: "LILAC_OIDC_USERS", default: "create", about: "Who may in: `create` makes an account for everyone whom the provider knows; `existing` lets in who has an account of the name that the provider tells, and trusts the provider with these names." },
    Setting { name: "LILAC_OIDC_USERNAME_CLAIM", default: "preferred_username", about: "The claim that holds the username; of an address the part before the `@`." },
    Setting { name: "LILAC_OIDC_ROLE_CLAIM", default: "", about: "The claim that says what a person may do, such as `groups`. Looked at at every login. The last administrator stays one." },
    Setting { name: "LILAC_OIDC_ROLES", default: "", about: "What its values mean: `lilac-admins=admin,staff=member`. The highest role counts." },
    Setting { name: "LILAC_OIDC_DEFAULT_ROLE", default: "member", about: "The role of who has none by that claim: `viewer`, `member`, `admin`, or `none` to refuse them." },
    Setting { name: "LILAC_OIDC_TEAMS_CLAIM", default: "", about: "The claim that names a person's teams. At every login the person is put into the existing teams of these names and out of all others." },
    // How it is reached.
    Setting { name: "LILAC_LISTEN", default: "127.0.0.1:8080", about: "Where the server listens. It speaks plain HTTP: put a proxy that speaks TLS before it when it is to be reached from other machines." },
    Setting { name: "LILAC_PUBLIC_URL", default: "", about: "Where users reach this server, as `https://lilac.example.org`, when a proxy stands before it. If it begins with `https`, cookies are sent by https alone and browsers are told to stay with it." },
    Setting { name: "LILAC_ADVERTISE_URL", default: "", about: "Where agents reach this server and no other, as `http://10.0.0.7:8080`; for several servers behind a balancer. `exec`, `shell` and `port-forward` need the agent to come to the server that the user is connected to; without this it comes by the balancer and tries until it meets the right one." },
    Setting { name: "LILAC_TRUSTED_PROXIES", default: "", about: "Networks and addresses of proxies before the server, with commas between them: of requests from there, `X-Forwarded-For` says who sent them. Without it everybody behind a proxy shares one address, and the limit on logins with it." },
    Setting { name: "LILAC_MAX_CONNECTIONS", default: "10000", about: "Connections of clients and agents at most, per server; further ones wait. An agent holds one or two, an open page of the UI as many." },
    Setting { name: "LILAC_LOGINS_PER_MINUTE", default: "120", about: "Tries to log in from one address, beyond which the answer is 429; 0 for no limit. Wrong passwords close a name sooner." },
    Setting { name: "LILAC_WRITES_PER_SECOND", default: "1000", about: "Changes by one user over time, beyond which the answer is 429; ten times as many at once. 0 for no limit. A batch or an array is one change." },
    Setting { name: "LILAC_STOP_DELAY", default: "0s", about: "How long a server that was told to stop goes on to take requests, while `/readyz` answers 503 and another replica leads: as long as the balancer before it needs to notice. A second signal ends the wait." },
    // Whom it calls.
    Setting { name: "LILAC_HOOK_ALLOW", default: "", about: "Where hooks may lead beyond the public internet: names of hosts, addresses and networks with commas between them, like `chat.internal, 10.1.0.0/16`. A host that is named here may be anywhere and have any port. All else inside is refused, whatever name or spelling leads to it." },
    Setting { name: "LILAC_HOOK_HTTP", default: "false", about: "Whether hooks may lead to `http://` addresses: `true` or `false`. What is sent there can be read on the way." },
    // How long things are kept.
    Setting { name: "LILAC_JOB_KEEP", default: "never", about: "How long after its end a job is deleted, with its attempts, history, log and outputs: from `1h` to `10years`, as in `90d`; `never` keeps all. A deleted job's idempotency key is free again." },
    Setting { name: "LILAC_NODE_HISTORY_KEEP", default: "180d", about: "How long what happens to a node stays in its history, as in `180d`; `never` for as long as there is room: of each node the latest thousand entries are kept." },
    // What it tells.
    Setting { name: "LILAC_LOG", default: "info,sqlx=warn", about: "What is logged: `error`, `warn`, `info`, `debug`, `trace`, also by module as in `info,lilac_server::scheduler=debug`." },
    Setting { name: "LILAC_LOG_FORMAT", default: "text", about: "How it is logged: `text` or `json`, an object a line." },
    Setting { name: "LILAC_METRICS_LISTEN", default: "", about: "An address of its own for `/metrics`, without a credential: keep it in a network that only operators reach. Without it `/metrics` is on the server's address alone, for administrators." },
    Setting { name: "OTEL_EXPORTER_OTLP_ENDPOINT", default: "", about: "Where traces go: a receiver of OTLP over HTTP, like `http://127.0.0.1:4318`. Without it there are none." },
];

/// Variables that begin alike and are for the other programs: they may be there, and mean nothing here.
pub const OF_OTHER_PROGRAMS: &[&str] = &[
    "LILAC_CONFIG",
    "LILAC_DOCKER_HOST",
    "LILAC_HOME",
    "LILAC_NVML_PATH",
    "LILAC_PASSWORD",
    "LILAC_PORT",
    "LILAC_SERVER",
    "LILAC_TEST_IMAGE",
    "LILAC_TEST_NODE_TOOLS",
    "LILAC_TOKEN",
    "LILAC_URL",
    "LILAC_USERNAME",
    "LILAC_WRITE_DOCS",
];

/// What `.env.example` sets rather than only names: the address that `./dev db` serves.
const EXAMPLE_DATABASE_URL: &str = "postgres://lilac:lilac@127.0.0.1:5433/lilac";

/// The text of `.env.example`.
pub fn env_example() -> String {
    let mut text = "# Settings of the server, for running it by hand. Copy this file to `.env`, from where the server reads it;\n\
        # what the environment sets itself goes first. `./dev up` does not read it: it brings its own settings.\n"
        .to_owned();
    for Setting { name, default, about } in SETTINGS {
        let line = match *name {
            "DATABASE_URL" => format!("{name}={EXAMPLE_DATABASE_URL}"),
            _ => format!("#{name}={default}"),
        };
        // Writing to a String cannot fail.
        let _ = write!(text, "\n{}{line}\n", commented(about));
    }
    text
}

/// The table of `docs/operating.md`.
pub fn markdown() -> String {
    let mut text = "| setting | default | what for |\n|---|---|---|\n".to_owned();
    for Setting { name, default, about } in SETTINGS {
        let default = if default.is_empty() { String::new() } else { format!("`{default}`") };
        let _ = writeln!(text, "| `{name}` | {default} | {about} |");
    }
    text
}

/// A text as lines of comment.
fn commented(text: &str) -> String {
    const WIDTH: usize = 110;
    let mut lines = vec!["#".to_owned()];
    for word in text.split(' ') {
        if lines.last().is_some_and(|line| line.len() + 1 + word.len() > WIDTH) {
            lines.push("#".to_owned());
        }
        if let Some(line) = lines.last_mut() {
            line.push(' ');
            line.push_str(word);
        }
    }
    lines.join("\n") + "\n"
}
