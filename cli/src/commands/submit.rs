//! `submit`: a job from flags, from a file, or from a file with flags on top.

use std::time::Duration;

use clap::Args;
use lilac_api::client::ClientError;
use lilac_api::job::Job;
use lilac_api::quantity::{Bytes, Cpus, Span};
use lilac_api::spec::{Gpus, JobSpec, Network, Notify, PullPolicy, VolumeMount};
use lilac_api::validate;

use crate::args::{Global, key_value};
use crate::commands::many::ManyArgs;
use crate::commands::values::{gpus, notify, secret, variable, volume, words};
use crate::failure::{Exit, Failure, fields};
use crate::follow::{self, Show, Stay};
use crate::job_ref::short;
use crate::printer::note;
use crate::session::{self, Again, Session};
use crate::spec_file::{self, SpecFile};
use crate::spec_set;

/// How long the answer is still waited for when somebody interrupts.
const LAST_WORD: Duration = Duration::from_secs(3);

/// What a job is to be: a file, or flags, or both.
#[derive(Args, Debug)]
pub struct SpecArgs {
    /// Job file in YAML or JSON; `-` reads standard input. Flags override it.
    #[arg(short, long, value_name = "FILE")]
    file: Option<String>,
    /// Name of the job; without a file, that of the image by default.
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// Image to run.
    #[arg(long, value_name = "IMAGE")]
    image: Option<String>,
    /// Queue to wait in.
    #[arg(long, value_name = "QUEUE")]
    queue: Option<String>,
    /// Team that the job belongs to, where you could mean several.
    #[arg(long, value_name = "TEAM")]
    team: Option<String>,
    /// 0 to 100 inside the queue: the higher goes first.
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u8).range(0..=100))]
    priority: Option<u8>,
    /// CPUs: 2, 0.5 or 500m.
    #[arg(long, value_name = "CPUS")]
    cpus: Option<Cpus>,
    /// Memory: 512Mi, 8Gi.
    #[arg(long, value_name = "BYTES")]
    memory: Option<Bytes>,
    /// Disk: 20Gi.
    #[arg(long, value_name = "BYTES")]
    disk: Option<Bytes>,
    /// GPUs: 2, or H100:2 for a model.
    #[arg(long, value_name = "[MODEL:]NUMBER", value_parser = gpus)]
    gpus: Option<Gpus>,
    /// Size of /dev/shm.
    #[arg(long, value_name = "BYTES")]
    shm_size: Option<Bytes>,
    /// Variable for the container; KEY alone takes the value from here. May be repeated.
    #[arg(short, long, value_name = "KEY[=VALUE]", value_parser = variable)]
    env: Vec<(String, String)>,
    /// Variable that holds a stored secret, by its name. May be repeated.
    #[arg(long, value_name = "VARIABLE=SECRET", value_parser = secret)]
    secret: Vec<(String, String)>,
    /// Volume that an administrator allowed, and where it is in the container. May be repeated.
    #[arg(long, value_name = "NAME:TARGET[:ro]", value_parser = volume)]
    volume: Vec<VolumeMount>,
    /// Label of the job. May be repeated.
    #[arg(short, long, value_name = "KEY=VALUE", value_parser = key_value)]
    label: Vec<(String, String)>,
    /// Which network the container sees.
    #[arg(long, value_parser = words::<Network>(&["bridge", "host", "none"]))]
    network: Option<Network>,
    /// Working directory in the container.
    #[arg(short, long, value_name = "PATH")]
    workdir: Option<String>,
    /// User in the container: uid, uid:gid or a name.
    #[arg(short, long, value_name = "USER")]
    user: Option<String>,
    /// When to ask the registry for the image.
    #[arg(long, value_parser = words::<PullPolicy>(&["always", "if-not-present", "never"]))]
    pull: Option<PullPolicy>,
    /// End the job as failed when it ran for this long: 90s, 10m, 24h.
    #[arg(long, value_name = "TIME")]
    max_runtime: Option<Span>,
    /// Attempts that count, the first included.
    #[arg(long, value_name = "NUMBER")]
    max_attempts: Option<u32>,
    /// Tell a hook of your team of its end, or of these states. May be repeated.
    #[arg(long, value_name = "HOOK[=STATE,STATE…]", value_parser = notify)]
    notify: Vec<Notify>,
    /// Set any field, by the path that errors name: resources.gpus=8, env.LR=0.1, command[2]=x. May be repeated.
    #[arg(long, value_name = "PATH=VALUE", value_parser = key_value)]
    set: Vec<(String, String)>,
    /// Fill in ${NAME} in the file from the environment; ${NAME:-text} has a default, $${ is a plain ${.
    #[arg(long, requires = "file")]
    substitute: bool,
    /// Script for the image's /bin/sh, instead of a command.
    #[arg(long, value_name = "SCRIPT", conflicts_with = "command")]
    run: Option<String>,
    /// Program and arguments, after `--`.
    #[arg(last = true, value_name = "COMMAND")]
    command: Vec<String>,
    #[command(flatten)]
    many: ManyArgs,
}

#[derive(Args, Debug)]
pub struct SubmitArgs {
    /// Say what would become of the job now, and submit nothing.
    #[arg(long, conflicts_with_all = ["follow", "wait", "idempotency_key", "propagate"])]
    plan: bool,
    /// Print the log until the job ends; the exit code tells how it ended.
    #[arg(long)]
    follow: bool,
    /// Wait until the job ends; the exit code tells how it ended.
    #[arg(long, conflicts_with = "follow")]
    wait: bool,
    /// Submitting twice with the same key gives one job. Every invocation has its own by default.
    #[arg(long, value_name = "KEY")]
    idempotency_key: Option<String>,
    /// End with the exit code of the job's own program, or 128 and the signal that ended it.
    #[arg(long)]
    propagate: bool,
    #[command(flatten)]
    spec: SpecArgs,
}

impl SubmitArgs {
    pub fn awaits(&self) -> bool {
        self.follow || self.wait
    }
}

pub async fn run(global: &Global, args: SubmitArgs) -> Result<Exit, Failure> {
    let (follow, wait, plan, propagate) = (args.follow, args.wait, args.plan, args.propagate);
    if propagate && !args.awaits() {
        let hint = "add --follow or --wait";
        return Err(Failure::usage("--propagate tells of the job's end, which is not waited for", hint));
    }
    let key = args.idempotency_key.clone().unwrap_or_else(|| uuid::Uuid::new_v4().to_string());
    let (spec, file) = spec(args.spec)?;
    if spec.array.is_some() && (follow || wait) {
        return Err(Failure::usage(
            "an array is many jobs: none of them stands for all",
            "submit it, then `lilac_cli array show last`, or `lilac_cli wait` for each of its jobs",
        ));
    }
    let session = session::open(global)?;
    if plan {
        return super::plan::run(&session, &spec, file.as_ref()).await;
    }
    if spec.schedule.is_some() {
        return super::schedule::create(&session, &spec).await;
    }
    let job = submit(&session, &spec, file.as_ref(), &key).await?;
    if !follow && !wait {
        let printer = session.printer;
        printer.one(
            &job,
            |job| job.id.to_string(),
            |job| {
                let (id, name, queue) = (short(job.id), &job.name, &job.queue);
                if let Some(array) = &job.array {
                    let (jobs, of) = (array.size, array.id);
                    printer
                        .line(&format!("Submitted {name} as {jobs} jobs to queue {queue} (array {of})"))?;
                    return printer.line(&format!("Look at them: `lilac_cli array show {of}`"));
                }
                printer.line(&format!("Submitted {name} as {id} to queue {queue} ({})", job.id))?;
                printer.line(&format!("Follow it: `lilac_cli logs -f {id}`"))
            },
        )?;
        return Ok(Exit::Ok);
    }
    if session.printer.quiet {
        session.printer.line(&job.id.to_string())?;
    } else {
        note(&format!("{} is submitted as {}", crate::text::clean(&job.name), short(job.id)));
    }
    follow::until_interrupted(job.id, async {
        let stay = Stay { show: follow.then(Show::default), attempt: None };
        let job = follow::to_end(&session, job.id, stay).await?;
        let told = follow::conclude(session.printer, &job)?;
        Ok(if propagate { follow::propagated(&job) } else { told })
    })
    .await
}

/// Says what would become of a job, and submits nothing.
pub async fn plan(global: &Global, args: SpecArgs) -> Result<Exit, Failure> {
    let (spec, file) = spec(args)?;
    super::plan::run(&session::open(global)?, &spec, file.as_ref()).await
}

/// Sends the job; a broken connection is no reason to have it twice, thanks to the key.
async fn submit(
    session: &Session,
    spec: &JobSpec,
    file: Option<&SpecFile>,
    key: &str,
) -> Result<Job, Failure> {
    let submitting =
        session::attempt(Again::WhateverHappened, async || session.client.submit(spec, Some(key)).await);
    let mut submitting = std::pin::pin!(submitting);
    let submitted = tokio::select! {
        // Where both come at once, who interrupted is told so.
        biased;
        signal = tokio::signal::ctrl_c() => {
            signal?;
            return Err(interrupted(submitting, key).await);
        }
        submitted = &mut submitting => submitted,
    };
    match (submitted, file) {
        (Err(ClientError::Refused(problem)), Some(file)) if !problem.errors.is_empty() => {
            Err(Failure::Refused(file.complain(&problem.errors)))
        }
        (submitted, _) => Ok(submitted?),
    }
}

/// Who interrupts wants to know whether there is a job now: the answer is waited for a little longer.
async fn interrupted(submitting: impl Future<Output = Result<Job, ClientError>>, key: &str) -> Failure {
    let answer = tokio::select! {
        answer = tokio::time::timeout(LAST_WORD, submitting) => answer.ok(),
        _ = tokio::signal::ctrl_c() => None,
    };
    let (message, hint) = match answer {
        Some(Ok(job)) => {
            let id = short(job.id);
            let message = format!("interrupted; the job was accepted as {} and goes on", job.id);
            (message, format!("`lilac_cli cancel {id}` stops it, `lilac_cli logs -f {id}` follows it"))
        }
        Some(Err(error @ (ClientError::Refused(_) | ClientError::Unreachable { .. }))) => {
            (format!("interrupted; the job was not accepted: {error}"), String::new())
        }
        Some(Err(_)) | None => (
            "interrupted; whether the job was accepted is not known".to_owned(),
            format!("the same submit with `--idempotency-key {key}` tells, and makes no second job"),
        ),
    };
    Failure::Interrupted { message, hint }
}

/// The spec that file and flags make together, checked.
fn spec(args: SpecArgs) -> Result<(JobSpec, Option<SpecFile>), Failure> {
    let file = args.file.as_deref().map(spec_file::open).transpose()?;
    let file = match file {
        Some(file) if args.substitute => Some(file.substituted(|name| std::env::var(name).ok())?),
        file => file,
    };
    let set_to =
        |field: &str| args.set.iter().rfind(|(path, _)| path == field).map(|(_, value)| value.clone());
    let (name, image) = (args.name.clone().or(set_to("name")), args.image.clone().or(set_to("image")));
    let mut spec = match &file {
        Some(file) => {
            let given = [("name", &name), ("image", &image)];
            let given: Vec<_> =
                given.into_iter().filter_map(|(field, value)| Some((field, value.clone()?))).collect();
            file.spec(&given)?
        }
        None => {
            let Some(image) = image.as_deref() else {
                return Err(Failure::usage(
                    "there is nothing to run",
                    "give a job file (-f job.yaml) or an image: \
                     `lilac_cli submit --image busybox -- echo hello`",
                ));
            };
            JobSpec::new(&name_of(image), image)
        }
    };
    spec.array = args.many.apply(spec.array.take())?;
    let sets = args.set.clone();
    apply(&mut spec, args);
    let spec = spec_set::apply(spec, &sets)?;
    let errors = validate::job_spec(&spec);
    match (&file, errors.as_slice()) {
        (_, []) => Ok((spec, file)),
        (Some(file), errors) => Err(Failure::Input(file.complain(errors))),
        (None, errors) => Err(Failure::Input(fields(errors))),
    }
}

/// Flags win over what the file says.
fn apply(spec: &mut JobSpec, args: SpecArgs) {
    fn set<T>(field: &mut T, flag: Option<T>) {
        if let Some(value) = flag {
            *field = value;
        }
    }
    set(&mut spec.name, args.name);
    set(&mut spec.image, args.image);
    set(&mut spec.queue, args.queue);
    set(&mut spec.team, args.team.map(Some));
    set(&mut spec.priority, args.priority);
    set(&mut spec.resources.cpus, args.cpus);
    set(&mut spec.resources.memory, args.memory);
    set(&mut spec.resources.disk, args.disk.map(Some));
    set(&mut spec.resources.gpus, args.gpus.map(Some));
    set(&mut spec.shm_size, args.shm_size.map(Some));
    set(&mut spec.network, args.network);
    set(&mut spec.workdir, args.workdir.map(Some));
    set(&mut spec.user, args.user.map(Some));
    set(&mut spec.pull.policy, args.pull);
    set(&mut spec.max_runtime, args.max_runtime.map(Some));
    set(&mut spec.retry.max_attempts, args.max_attempts);
    spec.notify.extend(args.notify);
    spec.env.extend(args.env);
    spec.secrets.extend(args.secret);
    for mount in args.volume {
        // One given here takes the place of what the file has there.
        spec.volumes.retain(|other| other.target != mount.target);
        spec.volumes.push(mount);
    }
    spec.labels.extend(args.label);
    // A script and a command exclude each other, so one given here takes the other's place.
    if let Some(script) = args.run {
        spec.run = Some(script);
        spec.command.clear();
        spec.entrypoint.clear();
    } else if !args.command.is_empty() {
        spec.command = args.command;
        spec.run = None;
    }
}

/// `registry:5000/team/train:2.4` makes `train`.
fn name_of(image: &str) -> String {
    let last = image.split('@').next().unwrap_or_default().rsplit('/').next().unwrap_or_default();
    let name: String = last.split(':').next().unwrap_or_default().chars().take(128).collect();
    let legal = name.starts_with(|c: char| c.is_ascii_alphanumeric());
    if legal { name } else { "job".to_owned() }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::args::{Cli, Verb};

    fn made(words: &[&str]) -> Result<JobSpec, String> {
        let words = ["lilac_cli", "submit"].iter().chain(words);
        let cli = Cli::try_parse_from(words).map_err(|error| error.to_string())?;
        let Verb::Submit(args) = cli.verb else { unreachable!("the verb is submit") };
        spec(args.spec).map(|(spec, _)| spec).map_err(|failure| failure.to_string())
    }

    fn file(text: &str) -> (tempfile::TempDir, String) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("job.yaml");
        std::fs::write(&path, text).unwrap();
        let path = path.to_str().unwrap().to_owned();
        (folder, path)
    }

    #[test]
    fn flags_make_a_job() {
        let spec = made(&[
            "--image",
            "r:5000/a/train:2",
            "--cpus",
            "500m",
            "--memory",
            "1Gi",
            "--gpus",
            "H100:2",
            "-e",
            "A=b=c",
            "--label",
            "exp=1",
            "--network",
            "none",
            "--pull",
            "never",
            "--max-runtime",
            "1h",
            "--",
            "echo",
            "-n",
        ])
        .unwrap();
        insta::assert_snapshot!(serde_json::to_string(&spec).unwrap());
    }

    #[test]
    fn flags_win_over_the_file() {
        let (_folder, path) = file("name: a\nimage: x\nrun: ls\nenv: {A: 1, B: 2}\npriority: 7\n");
        let spec = made(&["-f", &path, "--name", "b", "-e", "B=3", "--", "true"]).unwrap();
        assert_eq!((spec.name.as_str(), spec.image.as_str(), spec.priority), ("b", "x", 7));
        assert_eq!((spec.command, spec.run), (vec!["true".to_owned()], None));
        assert_eq!(spec.env.values().collect::<Vec<_>>(), ["1", "3"]);
    }

    #[test]
    fn flags_name_secrets_volumes_and_arrays() {
        let (_folder, path) = file(
            "name: a\nimage: x\nsecrets: {A: a}\nvolumes: [{name: old, target: /data}]\narray: {matrix: {LR: [\"1\"]}, max_failures: 3}\n",
        );
        let spec = made(&[
            "-f",
            &path,
            "--secret",
            "B=b",
            "--volume",
            "new:/data:ro",
            "--volume",
            "more:/more",
            "--array",
            "4",
            "--max-parallel",
            "2",
            "--team",
            "vision",
        ])
        .unwrap();
        assert_eq!(spec.team.as_deref(), Some("vision"));
        assert_eq!(spec.secrets.values().collect::<Vec<_>>(), ["a", "b"]);
        let mounts: Vec<_> =
            spec.volumes.iter().map(|mount| (mount.name.as_str(), mount.read_only)).collect();
        assert_eq!(mounts, [("new", true), ("more", false)]);
        let array = spec.array.unwrap();
        assert_eq!((array.count, array.max_parallel, array.max_failures), (Some(4), Some(2), Some(3)));
        assert!(array.matrix.is_empty(), "the number takes the matrix's place");
    }

    #[test]
    fn any_field_is_set_and_sweeps_make_arrays() {
        let (_folder, path) = file("image: ${IMAGE:-busybox}\nresources: {cpus: 2}\n");
        let words = ["-f", &path, "--substitute", "--set", "name=n", "--set", "resources.cpus=500m"];
        let more = ["--sweep", "LR=1e-4,3e-4", "--array", "1-3", "--notify", "hook=failed"];
        let spec = made(&[words.as_slice(), &more].concat()).unwrap();
        assert_eq!((spec.name.as_str(), spec.image.as_str()), ("n", "busybox"));
        assert_eq!(spec.resources.cpus.milli, 500);
        let array = spec.array.unwrap();
        assert_eq!((array.size(), array.values(5)["INDEX"], array.values(5)["LR"]), (Some(6), "3", "3e-4"));
        assert_eq!(spec.notify[0].to, "hook");
    }

    #[test]
    fn flags_fill_what_the_file_lacks() {
        let (_folder, path) = file("image: busybox\n");
        assert_eq!(made(&["-f", &path, "--name", "n"]).unwrap().name, "n");
        assert!(made(&["-f", &path]).unwrap_err().contains("`name` is missing"));
    }

    #[test]
    fn wrong_flags_name_themselves() {
        for (words, message) in [
            (&["--image", "x", "--network", "brige"][..], "bridge"),
            (&["--image", "x", "--cpus", "many"], "--cpus"),
            (&["--image", "x", "--priority", "101"], "--priority"),
            (&["--image", "x", "-e", "=1"], "--env"),
            (&["--image", "x", "--gpus", "H100:few"], "is not a number of GPUs"),
            (&["--image", "x", "--cpus", "0"], "resources.cpus: must be 1"),
            (&["--image", "x", "--name", "a b"], "name: may hold"),
            (&["--image", "x", "--secret", "A"], "VARIABLE=SECRET"),
            (&["--image", "x", "--volume", "/etc:/etc"], "volumes[0].name"),
            (&["--image", "x", "--volume", "data"], "NAME:TARGET"),
            (&["--image", "x", "--array", "0"], "--array"),
            (&["--image", "x", "--max-parallel", "2"], "array"),
            (&["--image", "x", "--plan", "--follow"], "--follow"),
            (&["--image", "x", "--set", "resources.gpu=1"], "did you mean `gpus`"),
            (&["--image", "x", "--sweep", "LR"], "NAME=VALUE"),
            (&["--image", "x", "--substitute"], "--file"),
            (&["--image", "x", "--notify", "h=sometimes"], "--notify"),
            (&[], "nothing to run"),
        ] {
            let error = made(words).unwrap_err();
            assert!(error.contains(message), "{words:?}: {error}");
        }
    }

    #[test]
    fn a_job_is_called_like_its_image() {
        for (image, name) in [
            ("busybox", "busybox"),
            ("r:5000/a/b:1", "b"),
            ("a/b@sha256:00", "b"),
            ("_x", "job"),
            ("/", "job"),
        ] {
            assert_eq!(name_of(image), name);
        }
    }
}
