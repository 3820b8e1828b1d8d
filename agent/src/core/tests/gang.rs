//! A rank of a gang: made as soon as it may be, started when all are ready, stopped soon when another has failed.

use lilac_api::agent::Gang;

use super::*;

fn rank() -> Scene {
    let mut scene = Scene::new();
    scene.task.gang = Some(Gang { addresses: vec!["10.0.0.1".into(), "10.0.0.2".into()] });
    scene
}

/// A rank whose container is made.
fn ready() -> Scene {
    let mut scene = rank();
    scene.want();
    scene.step(Event::IntentSaved(scene.id));
    let actions = scene.step(Event::Created(scene.id));
    assert_eq!(actions, [Action::NoteCreated(scene.id), Action::Report]);
    scene
}

fn go(scene: &mut Scene) -> Vec<Action> {
    let desired = DesiredAttempt { go: true, ..scene.desired(false) };
    scene.answer(vec![desired], Vec::new())
}

fn says_ready(scene: &Scene) -> bool {
    scene.state.reports()[0].is_ready
}

#[test]
fn it_is_made_at_once_and_started_when_all_are_ready() {
    let mut scene = ready();
    assert!(says_ready(&scene));
    assert_eq!(scene.phase(), Phase::Preparing);
    // Wanted still, as often as it is said: it waits, and does not speak of it again.
    assert_eq!(scene.want(), []);
    assert_eq!(scene.after(60_000), []);
    assert!(go(&mut scene).contains(&Action::Start(scene.id)));
    assert!(!says_ready(&scene));
    scene.step(Event::Started(scene.id));
    assert_eq!(scene.phase(), Phase::Running);
}

#[test]
fn word_that_all_are_ready_may_come_before_its_own_container_is_made() {
    let mut scene = rank();
    scene.want();
    scene.step(Event::IntentSaved(scene.id));
    go(&mut scene);
    assert_eq!(scene.step(Event::Created(scene.id)), [Action::Start(scene.id)]);
}

#[test]
fn it_does_not_start_past_its_lease_or_when_it_is_to_stop() {
    let mut scene = ready();
    scene.after(LEASE_MS);
    assert!(!go(&mut scene).contains(&Action::Start(scene.id)));
    let mut scene = ready();
    let actions = scene.want_stopped();
    assert!(!says_ready(&scene));
    // Its lease is taken back and it is looked at once more, as whatever was about to start it may come late.
    assert!(actions.contains(&Action::WriteLease(scene.id, 0)), "{actions:?}");
    let draft = conclusion(&scene.saw(Sight::Created)).unwrap();
    assert_eq!(draft.outcome, Outcome::Stopped);
}

#[test]
fn a_restarted_agent_waits_again() {
    let mut scene = ready();
    scene.restart(100, Boot::Same, |_| {});
    scene.docker_lists(&[]);
    scene.saw(Sight::Created);
    assert!(says_ready(&scene));
    assert_eq!(scene.want(), []);
    assert_eq!(go(&mut scene), [Action::Start(scene.id)]);
}

#[test]
fn ports_are_told_at_once_and_again_after_a_restart() {
    let mut scene = rank();
    scene.want();
    scene.step(Event::IntentSaved(scene.id));
    let taken = TakenPorts { rendezvous: Some(29_500), published: vec![29_501] };
    assert_eq!(scene.step(Event::PortsTaken(scene.id, taken.clone())), [Action::Report]);
    assert_eq!(scene.state.reports()[0].ports.as_ref(), Some(&taken));
    scene.restart(100, Boot::Same, |_| {});
    scene.step(Event::PortsTaken(scene.id, taken.clone()));
    assert_eq!(scene.state.reports()[0].ports, Some(taken));
}

#[test]
fn a_port_that_cannot_be_had_is_no_fault_of_the_job() {
    let mut scene = rank();
    scene.want();
    scene.step(Event::IntentSaved(scene.id));
    let actions = scene.step(Event::CreateFailed(scene.id, Failure::Ports("all in use".into())));
    let draft = conclusion(&actions).unwrap();
    assert_eq!((draft.outcome, draft.reason), (Outcome::NotStarted, Some(Reason::Infrastructure)));
}

#[test]
fn with_another_rank_failed_little_grace_is_left() {
    let mut scene = rank();
    scene.task.stop_grace = Span(Duration::from_secs(600));
    scene.want();
    scene.step(Event::IntentSaved(scene.id));
    go(&mut scene);
    scene.step(Event::Created(scene.id));
    scene.step(Event::Started(scene.id));
    let hurried = |scene: &Scene| DesiredAttempt {
        stop_within: Some(Span(Duration::from_secs(5))),
        ..scene.desired(true)
    };
    let actions = scene.answer(vec![hurried(&scene)], Vec::new());
    assert!(actions.contains(&Action::Signal(scene.id, Signal::SigTerm)), "{actions:?}");
    assert!(!kills(&scene.after(4_000)));
    // Said again, it gives no more time.
    scene.answer(vec![hurried(&scene)], Vec::new());
    assert!(kills(&scene.after(1_000)));
    // One that was told to stop before, with all of its grace, is hastened too.
    let mut scene = ready();
    scene.task.stop_grace = Span(Duration::from_secs(600));
    go(&mut scene);
    scene.step(Event::Started(scene.id));
    scene.want_stopped();
    assert!(!kills(&scene.answer(vec![hurried(&scene)], Vec::new())));
    assert!(kills(&scene.after(5_000)));
}
