use std::collections::BTreeMap;
use std::time::Duration;

use lilac_api::agent::Outcome;
use lilac_api::ids::JobId;
use lilac_api::quantity::Span;
use lilac_api::queue::{ContainerPolicy, default_networks};
use lilac_api::spec::{Network, PullPolicy, Signal};
use proptest::prelude::*;

use super::*;

fn intent(attempt: AttemptId) -> Intent {
    let task = TaskSpec {
        job_id: JobId::new(),
        job_name: "job".into(),
        rank: 0,
        runtime: Default::default(),
        image: "busybox".into(),
        pull: PullPolicy::IfNotPresent,
        command: vec!["true".into()],
        entrypoint: Vec::new(),
        workdir: None,
        user: None,
        env: BTreeMap::new(),
        network: Network::None,
        policy: ContainerPolicy::default(),
        networks: default_networks(),
        cpu_milli: 1000,
        memory_bytes: 1 << 26,
        disk_bytes: None,
        shm_bytes: None,
        gpu_uuids: Vec::new(),
        stop_signal: Signal::SigTerm,
        stop_grace: Span(Duration::from_secs(10)),
        max_runtime: None,
        stop_warn: None,
        hold_on_failure: None,
        needs_supplies: false,
        outputs: Vec::new(),
        gang: None,
        ports: Vec::new(),
    };
    Intent { attempt_id: attempt, epoch: 1, boot_id: Uuid::new_v4(), lease_until: 9, task }
}

fn exit() -> ExitNote {
    let result = TaskResult {
        outcome: Outcome::Exited,
        exit_code: Some(3),
        signal: None,
        reason: Some(lilac_api::job::Reason::ExitCode),
        message: "The process ended with exit code 3.".into(),
        finished_at: DateTime::UNIX_EPOCH,
        log_bytes: 7,
    };
    ExitNote { started_at: Some(DateTime::UNIX_EPOCH), result }
}

#[test]
fn every_fact_is_read_back_until_it_is_forgotten() {
    let state = tempfile::tempdir().unwrap();
    let attempt = AttemptId::new();
    let mut expected = Entry { intent: intent(attempt), created: false, stop: None, exit: None };
    write_intent(state.path(), &expected.intent).unwrap();
    assert_eq!(recover(state.path()).unwrap(), std::slice::from_ref(&expected));

    note_created(state.path(), attempt).unwrap();
    let note = StopNote { cause: StopCause::Asked, asked_at: DateTime::UNIX_EPOCH };
    note_stop(state.path(), attempt, &note).unwrap();
    write_exit(state.path(), attempt, &exit()).unwrap();
    expected = Entry { created: true, stop: Some(note), exit: Some(exit()), ..expected };
    assert_eq!(recover(state.path()).unwrap(), [expected]);

    forget(state.path(), attempt).unwrap();
    forget(state.path(), attempt).unwrap();
    assert_eq!(recover(state.path()).unwrap(), []);
}

#[test]
fn a_crash_before_the_rename_leaves_no_attempt() {
    let state = tempfile::tempdir().unwrap();
    let attempt = AttemptId::new();
    let folder = folder(state.path(), attempt);
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("intent.tmp"), b"{\"attempt_id\":").unwrap();
    assert_eq!(recover(state.path()).unwrap(), []);
    // It is out of the way: the same attempt can be accepted anew.
    write_intent(state.path(), &intent(attempt)).unwrap();
    assert_eq!(recover(state.path()).unwrap().len(), 1);
}

#[test]
fn a_damaged_exit_counts_as_missing() {
    let state = tempfile::tempdir().unwrap();
    let attempt = AttemptId::new();
    write_intent(state.path(), &intent(attempt)).unwrap();
    fs::write(folder(state.path(), attempt).join("exit.json"), b"{\"outcome\":\"exi").unwrap();
    let entries = recover(state.path()).unwrap();
    assert_eq!(entries[0].exit, None);
    assert!(folder(state.path(), attempt).join("exit.damaged").exists());
}

proptest! {
    // Every case waits for the disk.
    #![proptest_config(ProptestConfig::with_cases(32))]

    /// Whatever bytes stand in one attempt's intent, the other attempts live on, and a second recovery
    /// finds the same.
    #[test]
    fn damage_stays_where_it_is(garbage in proptest::collection::vec(any::<u8>(), 0..200), cut in 0_usize..400) {
        let state = tempfile::tempdir().unwrap();
        let (sound, torn, noise) = (AttemptId::new(), AttemptId::new(), AttemptId::new());
        for attempt in [sound, torn, noise] {
            write_intent(state.path(), &intent(attempt)).unwrap();
        }
        let path = folder(state.path(), torn).join("intent.json");
        let content = fs::read(&path).unwrap();
        fs::write(&path, &content[..cut.min(content.len() - 1)]).unwrap();
        fs::write(folder(state.path(), noise).join("intent.json"), &garbage).unwrap();
        for _ in 0..2 {
            let found: Vec<AttemptId> =
                recover(state.path()).unwrap().into_iter().map(|entry| entry.intent.attempt_id).collect();
            prop_assert_eq!(found, vec![sound]);
        }
    }
}
