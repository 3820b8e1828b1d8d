//! The time that a job has: its warning, its extension, and the time that its container is kept.

use lilac_api::spec::Warn;

use super::*;

fn timed(max_secs: u64) -> Scene {
    let mut scene = Scene::new();
    scene.task.max_runtime = Some(Span(Duration::from_secs(max_secs)));
    scene.task.stop_warn = Some(Warn { signal: Signal::SigUsr1, before: Span(Duration::from_secs(20)) });
    scene
}

fn extended(scene: &Scene, secs: u64) -> DesiredAttempt {
    DesiredAttempt { max_runtime: Some(Span(Duration::from_secs(secs))), ..scene.desired(false) }
}

#[test]
fn a_job_is_warned_once_before_its_end() {
    let mut scene = timed(60);
    scene.run();
    let id = scene.id;
    assert_eq!(scene.state.next_wake(), Some(START_MS + 40_000));
    assert_eq!(scene.after(39_999), []);
    assert_eq!(scene.after(1), [Action::Signal(id, Signal::SigUsr1)]);
    assert_eq!(scene.after(1), []);
    assert_eq!(scene.state.next_wake(), Some(START_MS + 60_000));
    assert!(scene.after(20_000).contains(&Action::Signal(id, Signal::SigTerm)));
}

#[test]
fn an_extended_job_is_warned_and_ended_later() {
    let mut scene = timed(60);
    scene.run();
    let id = scene.id;
    scene.after(50_000);
    let more = extended(&scene, 120);
    scene.answer(vec![more.clone()], Vec::new());
    assert_eq!(scene.after(49_999), []);
    assert_eq!(scene.after(1), [Action::Signal(id, Signal::SigUsr1)]);
    // Told again, it changes nothing: there is no second warning.
    scene.answer(vec![more], Vec::new());
    assert_eq!(scene.after(1), []);
    assert!(scene.after(20_000).contains(&Action::Signal(id, Signal::SigTerm)));
}

#[test]
fn an_extension_survives_a_restart_of_the_agent() {
    let mut scene = timed(60);
    scene.run();
    let more = extended(&scene, 120);
    scene.answer(vec![more.clone()], Vec::new());
    scene.restart(70_000, Boot::Same, |_| {});
    scene.docker_lists(&[]);
    scene.saw(Sight::Running { started_at: moment(START_MS).wall });
    assert_eq!(scene.after(1_000), [], "nothing ends by what the agent knew at the start");
    scene.answer(vec![more], Vec::new());
    assert_eq!(scene.phase(), Phase::Running);
    assert!(scene.after(50_000).contains(&Action::Signal(scene.id, Signal::SigTerm)));
}

#[test]
fn a_failed_container_is_kept_for_its_time_and_its_result_told_at_once() {
    for (code, kept) in [(3, true), (0, false)] {
        let mut scene = Scene::new();
        scene.task.hold_on_failure = Some(Span(Duration::from_secs(60)));
        scene.run();
        let id = scene.id;
        let result = scene.exit(code).with_log(0);
        assert_eq!(scene.step(Event::Concluded(id, result.clone())), [Action::Report]);
        assert_eq!(scene.state.reports()[0].result, Some(result));
        scene.now += 1_000;
        let actions = scene.answer(Vec::new(), vec![id]);
        assert_eq!(actions, if kept { Vec::new() } else { vec![Action::Drop(id)] });
        assert_eq!(scene.state.reports(), [], "what is forgotten is not reported again");
        if kept {
            assert!(scene.state.all_ended());
            assert_eq!(scene.state.next_wake(), Some(START_MS + 60_000));
            assert_eq!(scene.answer(Vec::new(), Vec::new()), [], "nobody names it any more");
            assert_eq!(scene.after(58_999), []);
            assert_eq!(scene.after(1), [Action::Drop(id)]);
        }
    }
}

#[test]
fn a_lease_that_is_over_when_it_comes_is_asked_for_again() {
    let mut scene = Scene::new();
    let (id, sent_at) = (scene.id, scene.now);
    // The question was held open for as long as the lease lasts.
    scene.now += LEASE_MS;
    let answer = SyncResponse { desired: vec![scene.desired(false)], ..SyncResponse::default() };
    assert_eq!(scene.step(Event::Answered { sent_at, answer }), [Action::Renew]);
    assert!(scene.state.attempts.is_empty());
    assert!(scene.want().contains(&Action::SaveIntent(id)));
}
