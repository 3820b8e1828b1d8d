//! The decisions, one situation at a time.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::TimeDelta;
use lilac_api::agent::{DesiredAttempt, Outcome};
use lilac_api::ids::JobId;
use lilac_api::job::Reason;
use lilac_api::quantity::Span;
use lilac_api::queue::{ContainerPolicy, default_networks};
use lilac_api::spec::{Network, PullPolicy};
use uuid::Uuid;

use super::*;
use crate::clock::Moment;
use crate::journal::{Intent, StopCause};

mod faults;
mod gang;
mod images;
mod recovery;
mod time;

pub(super) const LEASE_MS: Millis = 300_000;
const START_MS: Millis = 1_000_000;

pub(super) fn moment(boot_ms: Millis) -> Moment {
    let wall =
        DateTime::UNIX_EPOCH + TimeDelta::milliseconds(i64::try_from(boot_ms).unwrap() + 1_000_000_000);
    Moment { boot_ms, wall }
}

pub(crate) fn task() -> TaskSpec {
    TaskSpec {
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
        cpu_milli: 1_000,
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
    }
}

/// One attempt on one node, step by step.
struct Scene {
    state: State,
    now: Millis,
    id: AttemptId,
    task: TaskSpec,
}

impl Scene {
    fn new() -> Self {
        let mut scene = Self { state: State::default(), now: START_MS, id: AttemptId::new(), task: task() };
        scene.docker_lists(&[]);
        scene
    }

    fn step(&mut self, event: Event) -> Vec<Action> {
        step(&mut self.state, event, moment(self.now))
    }

    fn after(&mut self, ms: Millis) -> Vec<Action> {
        self.now += ms;
        self.step(Event::Tick)
    }

    fn docker_lists(&mut self, containers: &[Listed]) -> Vec<Action> {
        let (taken_at, containers) = (self.now, containers.to_vec());
        self.step(Event::DockerUp { version: "20.10".into(), taken_at, containers })
    }

    fn desired(&self, stop: bool) -> DesiredAttempt {
        let task = Some(self.task.clone());
        DesiredAttempt {
            attempt_id: self.id,
            epoch: 1,
            lease_ms: LEASE_MS,
            stop,
            max_runtime: None,
            go: false,
            stop_within: None,
            task,
        }
    }

    fn answer(&mut self, desired: Vec<DesiredAttempt>, forget: Vec<AttemptId>) -> Vec<Action> {
        let sent_at = self.now;
        self.step(Event::Answered {
            sent_at,
            answer: SyncResponse { desired, forget, ..SyncResponse::default() },
        })
    }

    fn want(&mut self) -> Vec<Action> {
        self.answer(vec![self.desired(false)], Vec::new())
    }

    fn want_stopped(&mut self) -> Vec<Action> {
        self.answer(vec![self.desired(true)], Vec::new())
    }

    fn run(&mut self) {
        self.want();
        self.step(Event::IntentSaved(self.id));
        self.step(Event::Created(self.id));
        let actions = self.step(Event::Started(self.id));
        assert!(
            actions.contains(&Action::Attach(self.id)) && actions.contains(&Action::Report),
            "{actions:?}"
        );
    }

    fn exit(&mut self, code: i32) -> Draft {
        self.step(Event::Died(self.id));
        let finished_at = moment(self.now).wall;
        let exit = Exit { code, oom_killed: false, started_at: None, finished_at };
        let actions = self.saw(Sight::Exited(exit));
        conclusion(&actions).unwrap_or_else(|| panic!("nothing was concluded: {actions:?}"))
    }

    fn saw(&mut self, sight: Sight) -> Vec<Action> {
        let (attempt, taken_at) = (self.id, self.now);
        self.step(Event::Seen { attempt, taken_at, sight })
    }

    fn phase(&self) -> Phase {
        self.state.reports()[0].phase
    }

    /// The same node after its agent was started again, `ms` later.
    fn restart(&mut self, ms: Millis, boot: Boot, change: impl FnOnce(&mut Entry)) {
        self.now += ms;
        let old = &self.state.attempts[&self.id];
        let boot_id = Uuid::from_u128(1);
        let intent = Intent {
            attempt_id: self.id,
            epoch: old.epoch,
            boot_id,
            lease_until: old.lease_until,
            task: self.task.clone(),
        };
        let exit = None;
        let mut entry = Entry { intent, created: old.created, stop: old.stop.map(|stop| stop.note), exit };
        change(&mut entry);
        let lease_until = old.lease_until;
        self.state = State::default();
        let boot_id = if boot == Boot::Same { boot_id } else { Uuid::from_u128(2) };
        self.step(Event::Recovered { entries: vec![(entry, lease_until)], boot_id });
    }
}

#[derive(PartialEq)]
enum Boot {
    Same,
    Another,
}

fn conclusion(actions: &[Action]) -> Option<Draft> {
    actions.iter().find_map(|action| match action {
        Action::Conclude(_, _, draft) => Some(draft.clone()),
        _ => None,
    })
}

fn kills(actions: &[Action]) -> bool {
    actions.iter().any(|action| matches!(action, Action::Signal(_, Signal::SigKill)))
}

#[test]
fn a_job_runs_from_grant_to_oblivion() {
    let mut scene = Scene::new();
    let id = scene.id;
    let actions = scene.want();
    assert_eq!(actions, [Action::WriteLease(id, lease_deadline(START_MS, LEASE_MS)), Action::SaveIntent(id)]);
    assert_eq!(scene.phase(), Phase::Preparing);
    // Nothing is created before the intent is on the disk.
    assert_eq!(scene.step(Event::IntentSaved(id)), [Action::Create(id, Arc::new(scene.task.clone()))]);
    assert_eq!(scene.step(Event::Created(id)), [Action::Start(id)]);
    scene.step(Event::Started(id));
    assert_eq!(scene.phase(), Phase::Running);
    assert_eq!(scene.state.reports()[0].started_at, Some(moment(START_MS).wall));
    scene.after(5_000);
    let draft = scene.exit(3);
    assert_eq!((draft.outcome, draft.exit_code), (Outcome::Exited, Some(3)));
    // It is not reported as ended before its result is on the disk.
    assert_eq!(scene.phase(), Phase::Running);
    let result = draft.with_log(7);
    assert_eq!(scene.step(Event::Concluded(id, result.clone())), [Action::Report]);
    assert_eq!(scene.state.reports()[0].result, Some(result));
    assert_eq!(scene.answer(Vec::new(), vec![id]), [Action::Drop(id)]);
    assert_eq!(scene.state.reports(), []);
    scene.step(Event::Dropped(id));
    assert!(scene.state.attempts.is_empty());
}

#[test]
fn a_repeated_answer_changes_nothing() {
    let mut scene = Scene::new();
    scene.want();
    let before = scene.state.clone();
    assert_eq!(scene.want(), []);
    assert_eq!(scene.state, before);
}

#[test]
fn the_stop_ladder_has_three_rungs() {
    let mut scene = Scene::new();
    scene.run();
    scene.now += 1_000;
    let actions = scene.want_stopped();
    assert!(actions.contains(&Action::Signal(scene.id, Signal::SigTerm)), "{actions:?}");
    assert_eq!(scene.phase(), Phase::Stopping);
    // Asked again and again, it is signalled once.
    assert_eq!(scene.want_stopped(), []);
    assert!(!kills(&scene.after(9_999)));
    assert!(kills(&scene.after(1)));
    assert!(!kills(&scene.after(KILL_AGAIN_MS - 1)));
    assert!(kills(&scene.after(1)), "a kill that did nothing is repeated");
    assert_eq!(scene.exit(137).outcome, Outcome::Stopped);
}

#[test]
fn a_job_without_grace_is_killed_at_once() {
    let mut scene = Scene::new();
    scene.task.stop_grace = Span(Duration::ZERO);
    scene.run();
    assert!(kills(&scene.want_stopped()));
}

#[test]
fn what_ended_by_itself_before_the_stop_is_not_called_stopped() {
    let mut scene = Scene::new();
    scene.run();
    let finished_at = moment(scene.now).wall;
    scene.now += 10;
    scene.want_stopped();
    let exit = Exit { code: 0, oom_killed: false, started_at: None, finished_at };
    let actions = scene.saw(Sight::Exited(exit));
    assert_eq!(conclusion(&actions).unwrap().outcome, Outcome::Exited);
}

#[test]
fn a_stop_before_the_start_starts_nothing() {
    for stage in 0..3 {
        let mut scene = Scene::new();
        let id = scene.id;
        scene.want();
        if stage >= 1 {
            scene.step(Event::IntentSaved(id));
        }
        let actions = scene.want_stopped();
        assert_eq!(actions.contains(&Action::CancelPull(id)), stage >= 1);
        let actions = match stage {
            0 => scene.step(Event::IntentSaved(id)),
            1 => scene.step(Event::Created(id)),
            _ => scene.step(Event::CreateFailed(id, Failure::Cancelled)),
        };
        assert!(!actions.iter().any(|action| matches!(action, Action::Create(..) | Action::Start(_))));
        assert_eq!(conclusion(&actions).unwrap().outcome, Outcome::Stopped, "stage {stage}");
    }
}

#[test]
fn a_stop_during_the_start_reaches_the_container() {
    let mut scene = Scene::new();
    scene.want();
    scene.step(Event::IntentSaved(scene.id));
    scene.step(Event::Created(scene.id));
    scene.want_stopped();
    let actions = scene.step(Event::Started(scene.id));
    assert!(actions.contains(&Action::Signal(scene.id, Signal::SigTerm)), "{actions:?}");
}

#[test]
fn a_job_has_its_time_and_no_more() {
    let mut scene = Scene::new();
    scene.task.max_runtime = Some(Span(Duration::from_secs(60)));
    scene.run();
    assert_eq!(scene.state.next_wake(), Some(START_MS + 60_000));
    scene.after(59_999);
    assert_eq!(scene.phase(), Phase::Running);
    let actions = scene.after(1);
    assert!(actions.contains(&Action::Signal(scene.id, Signal::SigTerm)), "{actions:?}");
    let draft = scene.exit(143);
    assert_eq!((draft.outcome, draft.reason), (Outcome::Exited, Some(Reason::Timeout)));
}

#[test]
fn a_lease_ends_the_container_before_the_control_plane_counts_it_out() {
    let mut scene = Scene::new();
    scene.run();
    let deadline = lease_deadline(START_MS, LEASE_MS);
    assert!(deadline < START_MS + LEASE_MS);
    scene.now = deadline - 1;
    assert!(!kills(&scene.step(Event::Tick)));
    scene.now = deadline;
    assert!(kills(&scene.step(Event::Tick)));
    assert_eq!(scene.exit(137).outcome, Outcome::Lost);
}

#[test]
fn a_lease_cuts_the_grace_short() {
    let mut scene = Scene::new();
    scene.task.stop_grace = Span(Duration::from_secs(3_600));
    scene.run();
    scene.want_stopped();
    scene.now = lease_deadline(START_MS, LEASE_MS);
    assert!(kills(&scene.step(Event::Tick)));
}

#[test]
fn a_renewed_lease_counts_from_the_sending() {
    let mut scene = Scene::new();
    scene.run();
    let sent_at = scene.now + 20_000;
    scene.now += 40_000;
    let answer = SyncResponse { desired: vec![scene.desired(false)], ..SyncResponse::default() };
    let actions = scene.step(Event::Answered { sent_at, answer: answer.clone() });
    assert_eq!(actions, [Action::WriteLease(scene.id, lease_deadline(sent_at, LEASE_MS))]);
    // A late answer to an early request takes nothing away.
    assert_eq!(scene.step(Event::Answered { sent_at: START_MS, answer }), []);
}

#[test]
fn a_short_lease_is_renewed_before_a_held_sync_would_come_back() {
    let mut scene = Scene::new();
    let short = |scene: &Scene| DesiredAttempt { lease_ms: 10_000, ..scene.desired(false) };
    let desired = short(&scene);
    scene.answer(vec![desired], Vec::new());
    assert_eq!(scene.state.next_wake(), Some(START_MS + 5_000));
    assert_eq!(scene.after(5_000), [Action::Renew]);
    assert_eq!(scene.step(Event::Tick), [], "asked once");
    let desired = short(&scene);
    scene.answer(vec![desired], Vec::new());
    assert_eq!(scene.state.attempts[&scene.id].lease_until, lease_deadline(scene.now, 10_000));
}

#[test]
fn nothing_starts_when_its_lease_is_over() {
    let mut scene = Scene::new();
    scene.want();
    scene.step(Event::IntentSaved(scene.id));
    // The pull took longer than anybody was patient.
    scene.now += LEASE_MS;
    let actions = scene.step(Event::Created(scene.id));
    assert!(!actions.contains(&Action::Start(scene.id)));
    assert_eq!(conclusion(&actions).unwrap().outcome, Outcome::Lost);
}

#[test]
fn what_the_control_plane_no_longer_names_is_ended() {
    let mut scene = Scene::new();
    scene.run();
    let id = scene.id;
    assert!(kills(&scene.answer(Vec::new(), Vec::new())));
    let result = scene.exit(137).with_log(0);
    assert_eq!(result.outcome, Outcome::Stopped);
    scene.step(Event::Concluded(id, result));
    // It is reported until it is forgotten.
    assert_eq!(scene.answer(Vec::new(), Vec::new()), []);
    assert_eq!(scene.phase(), Phase::Ended);
}

#[test]
fn what_is_forgotten_while_it_runs_is_killed_and_dropped() {
    let mut scene = Scene::new();
    scene.run();
    let id = scene.id;
    assert!(kills(&scene.answer(Vec::new(), vec![id])));
    let result = scene.exit(137).with_log(0);
    assert!(scene.step(Event::Concluded(id, result)).contains(&Action::Drop(id)));
}

#[test]
fn failures_to_start_keep_their_words() {
    let cases = [
        (Failure::Image("no such image: x".into()), Reason::ImagePull),
        (Failure::Refused("invalid mount".into()), Reason::Unstartable),
    ];
    for (failure, reason) in cases {
        let mut scene = Scene::new();
        scene.want();
        scene.step(Event::IntentSaved(scene.id));
        let actions = scene.step(Event::CreateFailed(scene.id, failure.clone()));
        let draft = conclusion(&actions).unwrap();
        assert_eq!((draft.outcome, draft.reason), (Outcome::NotStarted, Some(reason)));
        let (Failure::Image(words) | Failure::Refused(words)) = failure else { unreachable!() };
        assert_eq!(draft.message, words);
    }
}

#[test]
fn a_journal_that_cannot_be_written_starts_nothing() {
    let mut scene = Scene::new();
    scene.want();
    let actions = scene.step(Event::IntentFailed(scene.id, "disk full".into()));
    assert_eq!(actions, [Action::Report]);
    let result = scene.state.reports()[0].result.clone().unwrap();
    assert_eq!((result.outcome, result.reason), (Outcome::NotStarted, Some(Reason::Infrastructure)));
}

#[test]
fn a_container_that_dies_while_its_start_is_under_way_is_seen() {
    let mut scene = Scene::new();
    scene.want();
    scene.step(Event::IntentSaved(scene.id));
    scene.step(Event::Created(scene.id));
    assert_eq!(scene.step(Event::Died(scene.id)), []);
    assert!(scene.step(Event::Started(scene.id)).contains(&Action::Look(scene.id)));
}

#[test]
fn a_silent_docker_kills_nothing() {
    let mut scene = Scene::new();
    scene.run();
    assert_eq!(scene.step(Event::DockerDown("gone".into())), [Action::Report]);
    assert_eq!(scene.phase(), Phase::Unknown);
    assert!(!scene.state.reports().is_empty());
    assert_eq!(scene.after(60_000), []);
    // It is back, and the container too.
    let running = Listed { container: "c".into(), attempt: Some(scene.id), running: true };
    scene.docker_lists(&[running]);
    assert_eq!(scene.phase(), Phase::Running);
    assert_eq!(scene.exit(137).outcome, Outcome::Exited, "it was seen again before it died");
}

#[test]
fn a_daemon_that_took_the_container_along_loses_it() {
    let mut scene = Scene::new();
    scene.run();
    scene.step(Event::DockerDown("gone".into()));
    let dead = Listed { container: "c".into(), attempt: Some(scene.id), running: false };
    scene.now += 1;
    assert!(scene.docker_lists(&[dead]).contains(&Action::Look(scene.id)));
    assert_eq!(scene.exit(137).outcome, Outcome::Lost);
}

#[test]
fn a_create_without_an_answer_is_looked_after() {
    let mut scene = Scene::new();
    let id = scene.id;
    scene.want();
    scene.step(Event::IntentSaved(id));
    scene.step(Event::CreateFailed(id, Failure::Unclear("timeout".into())));
    assert_eq!(scene.after(LOOK_AGAIN_MS), [Action::Look(id)]);
    // An old look tells nothing.
    let stale = Event::Seen { attempt: id, taken_at: START_MS - 1, sight: Sight::Created };
    assert_eq!(scene.step(stale), []);
    assert_eq!(scene.saw(Sight::Created), [Action::Start(id)]);

    let mut scene = Scene::new();
    let id = scene.id;
    scene.want();
    scene.step(Event::IntentSaved(id));
    scene.step(Event::CreateFailed(id, Failure::Unclear("timeout".into())));
    let again = scene.saw(Sight::Missing);
    assert!(matches!(again[..], [Action::Create(..)]), "{again:?}");
    // The first create had gone through after all.
    let actions = scene.step(Event::CreateFailed(id, Failure::Exists));
    assert_eq!(actions, [Action::NoteCreated(id), Action::Look(id)]);
    assert_eq!(scene.saw(Sight::Created), [Action::Start(id)]);
}

#[test]
fn a_stop_of_what_was_never_here_is_answered_truthfully() {
    let mut scene = Scene::new();
    assert_eq!(scene.want_stopped(), [Action::Report]);
    assert_eq!(scene.state.reports()[0].result.as_ref().unwrap().outcome, Outcome::Stopped);

    // While Docker is silent, a container of it may run.
    let mut scene = Scene::new();
    scene.step(Event::DockerDown("gone".into()));
    assert_eq!(scene.want_stopped(), []);
    assert_eq!(scene.state.reports(), []);

    // A container whose journal was lost goes first.
    let mut scene = Scene::new();
    scene.docker_lists(&[Listed { container: "c".into(), attempt: Some(scene.id), running: true }]);
    assert_eq!(scene.want_stopped(), [Action::Reap("c".into())]);
    assert_eq!(scene.state.reports(), []);
    scene.step(Event::Reaped("c".into()));
    scene.want_stopped();
    assert_eq!(scene.phase(), Phase::Ended);
}

#[test]
fn a_fenced_agent_lets_its_leases_run_out() {
    let mut scene = Scene::new();
    scene.run();
    scene.step(Event::Halted("fenced".into()));
    assert!(!scene.state.all_ended());
    assert_eq!(scene.after(LEASE_MS / 2), []);
    scene.now = lease_deadline(START_MS, LEASE_MS);
    assert!(kills(&scene.step(Event::Tick)));
    let result = scene.exit(137).with_log(0);
    assert_eq!(result.outcome, Outcome::Lost);
    scene.step(Event::Concluded(scene.id, result));
    assert!(scene.state.all_ended());
}

#[test]
fn a_look_that_fails_is_repeated_and_kills_nothing() {
    let mut scene = Scene::new();
    scene.run();
    scene.step(Event::Died(scene.id));
    assert_eq!(scene.step(Event::LookFailed(scene.id)), []);
    assert_eq!(scene.phase(), Phase::Unknown);
    assert_eq!(scene.after(LOOK_AGAIN_MS), [Action::Look(scene.id)]);
}

#[test]
fn the_first_cause_of_a_stop_stays() {
    let mut scene = Scene::new();
    scene.run();
    scene.now += 1;
    scene.want_stopped();
    scene.now = lease_deadline(START_MS, LEASE_MS) + LEASE_MS;
    scene.step(Event::Tick);
    let stop = scene.state.attempts[&scene.id].stop.unwrap();
    assert_eq!((stop.note.cause, stop.at_once), (StopCause::Asked, true));
}

fn lose_gpu(scene: &mut Scene, uuid: &str) -> Vec<Action> {
    let lost = [(uuid.to_owned(), "it has fallen off the bus".to_owned())];
    scene.step(Event::GpusLost(lost.into()))
}

#[test]
fn a_job_whose_gpu_is_lost_is_ended_and_its_end_is_the_gpu_s_fault() {
    let mut scene = Scene::new();
    scene.task.gpu_uuids = vec!["GPU-1".into(), "GPU-2".into()];
    scene.run();
    assert_eq!(lose_gpu(&mut scene, "GPU-3"), [], "another's");
    let actions = lose_gpu(&mut scene, "GPU-2");
    assert!(actions.contains(&Action::Signal(scene.id, Signal::SigTerm)), "{actions:?}");
    assert_eq!(lose_gpu(&mut scene, "GPU-2"), [], "once is enough");
    let draft = scene.exit(143);
    assert_eq!((draft.outcome, draft.reason), (Outcome::Exited, Some(Reason::GpuLost)));
    assert_eq!(draft.message, "The GPU GPU-2 failed: it has fallen off the bus.");
}

#[test]
fn finished_work_is_not_thrown_away_with_the_gpu() {
    let mut scene = Scene::new();
    scene.task.gpu_uuids = vec!["GPU-1".into()];
    scene.run();
    lose_gpu(&mut scene, "GPU-1");
    let draft = scene.exit(0);
    assert_eq!((draft.outcome, draft.exit_code, draft.reason), (Outcome::Exited, Some(0), None));
}

#[test]
fn a_gpu_that_cannot_be_handed_over_is_no_fault_of_the_job() {
    let mut scene = Scene::new();
    scene.task.gpu_uuids = vec!["GPU-1".into()];
    scene.want();
    scene.step(Event::IntentSaved(scene.id));
    let actions = scene.step(Event::CreateFailed(scene.id, Failure::Gpu("used by another".into())));
    let draft = conclusion(&actions).unwrap();
    assert_eq!((draft.outcome, draft.reason), (Outcome::NotStarted, Some(Reason::GpuLost)));
    assert_eq!(draft.message, "used by another");
}

#[test]
fn a_restarted_agent_still_knows_that_the_gpu_was_lost() {
    let mut scene = Scene::new();
    scene.task.gpu_uuids = vec!["GPU-1".into()];
    scene.run();
    lose_gpu(&mut scene, "GPU-1");
    scene.restart(100, Boot::Same, |_| {});
    scene.want();
    assert_eq!(scene.exit(137).reason, Some(Reason::GpuLost));
}
