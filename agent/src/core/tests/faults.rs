//! What schedules of faults have found, each in a few steps.

use super::*;

fn exited(code: i32, finished_at: Millis) -> Sight {
    let finished_at = moment(finished_at).wall;
    Sight::Exited(Exit { code, oom_killed: false, started_at: None, finished_at })
}

#[test]
fn a_start_that_is_carried_out_late_finds_its_lease_taken_back() {
    let mut scene = Scene::new();
    let id = scene.id;
    scene.want();
    scene.step(Event::IntentSaved(id));
    scene.step(Event::Created(id));
    scene.step(Event::StartFailed(id, Failure::Unclear("timeout".into())));
    scene.want_stopped();
    // What was seen may have changed before the lease was taken back.
    let actions = scene.saw(Sight::Created);
    assert_eq!(actions[..2], [Action::WriteLease(id, 0), Action::Look(id)]);
    let before = scene.state.clone();
    let actions = scene.saw(Sight::Created);
    assert_eq!(conclusion(&actions).unwrap().outcome, Outcome::Stopped);
    scene.state = before;
    assert!(kills(&scene.saw(Sight::Running { started_at: moment(scene.now).wall })));
}

#[test]
fn the_agent_holds_a_lease_for_over_no_later_than_its_file() {
    let mut scene = Scene::new();
    scene.run();
    let before = scene.state.attempts[&scene.id].lease_until;
    scene.now += 500;
    assert_eq!(scene.want(), [], "too small a step for a file");
    assert_eq!(scene.state.attempts[&scene.id].lease_until, before);
}

#[test]
fn a_lease_that_is_over_is_not_brought_back() {
    let mut scene = Scene::new();
    scene.run();
    // The agent was frozen, and an answer waited for it.
    let deadline = lease_deadline(START_MS, LEASE_MS);
    scene.now = deadline + 5_000;
    assert!(kills(&scene.want()));
    assert_eq!(scene.state.attempts[&scene.id].lease_until, deadline);
    let draft = conclusion(&scene.saw(exited(137, deadline + 100))).unwrap();
    assert_eq!(draft.outcome, Outcome::Lost, "its init ended it, not its code");
}

#[test]
fn a_daemon_that_goes_while_it_starts_a_container_may_have_taken_it_along() {
    for late in [false, true] {
        let mut scene = Scene::new();
        let id = scene.id;
        scene.want();
        scene.step(Event::IntentSaved(id));
        scene.step(Event::Created(id));
        scene.step(Event::DockerDown("gone".into()));
        let heard =
            if late { Event::Started(id) } else { Event::StartFailed(id, Failure::Unclear("gone".into())) };
        scene.step(heard);
        scene.docker_lists(&[Listed { container: "c".into(), attempt: Some(id), running: false }]);
        let draft = conclusion(&scene.saw(exited(137, scene.now))).unwrap();
        assert_eq!(draft.outcome, Outcome::Lost, "late: {late}");
    }
}

#[test]
fn a_kill_while_no_agent_watched_is_not_held_against_the_job() {
    let mut scene = Scene::new();
    scene.run();
    scene.restart(1_000, Boot::Same, |_| {});
    scene.docker_lists(&[]);
    let draft = conclusion(&scene.saw(exited(137, START_MS + 500))).unwrap();
    assert_eq!(draft.outcome, Outcome::Lost);
}

#[test]
fn a_fenced_agent_starts_nothing_more() {
    for created in [false, true] {
        let mut scene = Scene::new();
        let id = scene.id;
        scene.want();
        if created {
            scene.step(Event::IntentSaved(id));
        }
        scene.step(Event::Halted("fenced".into()));
        let actions = scene.step(if created { Event::Created(id) } else { Event::IntentSaved(id) });
        assert_eq!(actions, [Action::Report], "{created}");
        let mut actions = scene.after(LEASE_MS);
        if created {
            actions = scene.saw(Sight::Created);
        }
        assert_eq!(conclusion(&actions).unwrap().outcome, Outcome::Lost);
    }
}

#[test]
fn a_container_that_was_made_again_after_it_ran_is_not_started() {
    let mut scene = Scene::new();
    scene.run();
    scene.step(Event::Died(scene.id));
    let actions = scene.saw(Sight::Created);
    assert_eq!(conclusion(&actions).unwrap().outcome, Outcome::Lost);
}

#[test]
fn a_sight_from_before_the_daemon_went_does_not_tell_that_it_stayed() {
    for (looked_later, outcome) in [(0, Outcome::Lost), (1_000, Outcome::Exited)] {
        let mut scene = Scene::new();
        scene.run();
        // A look is answered; the news that the daemon went, and took the container along, overtakes the answer.
        let (attempt, taken_at) = (scene.id, scene.now + looked_later);
        scene.step(Event::DockerDown("gone".into()));
        scene.now += looked_later;
        let sight = Sight::Running { started_at: moment(START_MS).wall };
        scene.step(Event::Seen { attempt, taken_at, sight });
        assert_eq!(scene.exit(137).outcome, outcome, "looked {looked_later} ms later");
    }
}

#[test]
fn a_container_that_was_removed_is_not_run_by_calls_that_come_late() {
    let mut scene = Scene::new();
    let id = scene.id;
    scene.want();
    scene.step(Event::IntentSaved(id));
    scene.step(Event::Created(id));
    scene.step(Event::StartFailed(id, Failure::Unclear("timeout".into())));
    let actions = scene.saw(Sight::Missing);
    assert_eq!(actions[..2], [Action::WriteLease(id, 0), Action::Look(id)], "nothing is said of its end yet");
    let before = scene.state.clone();
    assert_eq!(conclusion(&scene.saw(Sight::Missing)).unwrap().outcome, Outcome::Lost);
    scene.state = before;
    assert!(kills(&scene.saw(Sight::Running { started_at: moment(scene.now).wall })));
    assert_eq!(scene.exit(137).outcome, Outcome::Lost);
}
