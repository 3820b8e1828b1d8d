//! What an agent makes of what an earlier run of it left: attempts, and containers without any.

use super::*;

#[test]
fn a_restarted_agent_adopts_what_runs() {
    let mut scene = Scene::new();
    scene.task.max_runtime = Some(Span(Duration::from_secs(60)));
    scene.run();
    let id = scene.id;
    let started_at = moment(START_MS).wall;
    scene.restart(20_000, Boot::Same, |_| {});
    assert_eq!(scene.phase(), Phase::Unknown);
    assert!(scene.docker_lists(&[]).contains(&Action::Look(id)));
    let actions = scene.saw(Sight::Running { started_at });
    assert!(actions.contains(&Action::Attach(id)), "{actions:?}");
    assert!(!actions.iter().any(|action| matches!(action, Action::Create(..) | Action::Start(_))));
    assert_eq!(scene.state.reports()[0].started_at, Some(started_at));
    // Its time goes on, it does not begin anew. It may have been extended, so the control plane speaks first.
    assert_eq!(scene.after(40_000), [Action::Renew]);
    let wake = scene.want();
    assert!(wake.contains(&Action::Signal(id, Signal::SigTerm)), "{wake:?}");
}

#[test]
fn a_restarted_agent_starts_what_is_still_wanted_and_only_that() {
    for (sight, wanted) in [(Sight::Missing, true), (Sight::Created, true), (Sight::Created, false)] {
        let mut scene = Scene::new();
        scene.want();
        let id = scene.id;
        scene.restart(1_000, Boot::Same, |entry| entry.created = sight == Sight::Created);
        scene.docker_lists(&[]);
        let actions = scene.saw(sight.clone());
        assert_eq!(actions, [Action::Report], "nothing starts before the control plane wants it");
        let actions = if wanted { scene.want() } else { scene.answer(Vec::new(), Vec::new()) };
        let launches = actions.iter().any(|action| matches!(action, Action::Create(..) | Action::Start(_)));
        assert_eq!(launches, wanted, "{sight:?} {actions:?}");
        if !wanted {
            assert!(
                actions.ends_with(&[Action::WriteLease(id, 0), Action::Look(id)]) || kills(&actions),
                "{actions:?}"
            );
            assert_eq!(conclusion(&scene.saw(sight)).unwrap().outcome, Outcome::Stopped);
        }
        assert!(scene.state.attempts.contains_key(&id));
    }
}

#[test]
fn a_container_that_was_made_and_is_gone_is_not_made_again() {
    let mut scene = Scene::new();
    scene.run();
    scene.restart(1_000, Boot::Same, |_| {});
    scene.docker_lists(&[]);
    scene.want();
    // A call of the earlier run may be carried out late, so it may not run from now on; then it is looked at again.
    let actions = scene.saw(Sight::Missing);
    assert_eq!(actions[..2], [Action::WriteLease(scene.id, 0), Action::Look(scene.id)]);
    let actions = scene.saw(Sight::Missing);
    assert_eq!(conclusion(&actions).unwrap().outcome, Outcome::Lost);
}

/// What is left of the lease decides how long the first sync may take, not how long it usually takes.
#[test]
fn a_restart_late_in_the_lease_asks_for_a_new_one_in_time() {
    for (gone_by, asks_after) in [(20_000, 3_000), (LEASE_MS - 6_000, 2_000)] {
        let mut scene = Scene::new();
        scene.run();
        scene.restart(gone_by, Boot::Same, |_| {});
        let left = lease_deadline(START_MS, LEASE_MS) - scene.now;
        assert_eq!(scene.state.next_wake(), Some(scene.now + asks_after), "{left} ms are left");
        assert_eq!(scene.after(asks_after), [Action::Renew]);
    }
}

#[test]
fn a_restart_after_the_lease_kills() {
    let mut scene = Scene::new();
    scene.run();
    scene.restart(LEASE_MS + 1, Boot::Same, |_| {});
    scene.docker_lists(&[]);
    let actions = scene.saw(Sight::Running { started_at: moment(START_MS).wall });
    assert!(kills(&actions), "{actions:?}");
    assert_eq!(scene.exit(137).outcome, Outcome::Lost);
}

#[test]
fn what_ended_while_no_agent_ran_keeps_its_exit() {
    let mut scene = Scene::new();
    scene.run();
    let finished_at = moment(scene.now).wall;
    scene.restart(LEASE_MS + 1, Boot::Same, |_| {});
    scene.docker_lists(&[]);
    let exit = Exit { code: 5, oom_killed: false, started_at: None, finished_at };
    let draft = conclusion(&scene.saw(Sight::Exited(exit))).unwrap();
    assert_eq!((draft.outcome, draft.exit_code), (Outcome::Exited, Some(5)));
}

#[test]
fn a_restart_goes_on_with_the_stop_ladder() {
    let mut scene = Scene::new();
    scene.run();
    scene.want_stopped();
    scene.restart(4_000, Boot::Same, |_| {});
    scene.docker_lists(&[]);
    let actions = scene.saw(Sight::Running { started_at: moment(START_MS).wall });
    assert!(actions.contains(&Action::Signal(scene.id, Signal::SigTerm)), "{actions:?}");
    assert!(!kills(&scene.after(5_999)));
    assert!(kills(&scene.after(1)), "the grace counts from the first asking");
}

#[test]
fn another_boot_leaves_nothing_alive() {
    let cases = [
        (Sight::Missing, false),
        (Sight::Created, false),
        (
            Sight::Exited(Exit {
                code: 255,
                oom_killed: false,
                started_at: None,
                finished_at: moment(START_MS + 2_000).wall,
            }),
            false,
        ),
        (Sight::Running { started_at: moment(START_MS).wall }, true),
    ];
    for (sight, is_killed) in cases {
        let mut scene = Scene::new();
        scene.run();
        scene.restart(1_000, Boot::Another, |_| {});
        // The boot clock began anew.
        scene.docker_lists(&[]);
        scene.want();
        let actions = scene.saw(sight.clone());
        if is_killed {
            assert!(kills(&actions), "{sight:?} {actions:?}");
            scene.now += 1;
            assert_eq!(scene.exit(137).outcome, Outcome::Lost);
        } else {
            let draft = conclusion(&actions).unwrap_or_else(|| panic!("{sight:?} {actions:?}"));
            assert!(matches!(draft.outcome, Outcome::Lost), "{sight:?} {draft:?}");
        }
    }
}

#[test]
fn a_result_survives_a_restart_unchanged() {
    let mut scene = Scene::new();
    scene.run();
    let result = scene.exit(3).with_log(9);
    let exit = crate::journal::ExitNote { started_at: Some(moment(START_MS).wall), result: result.clone() };
    scene.restart(1_000, Boot::Another, |entry| entry.exit = Some(exit));
    let report = scene.state.reports().remove(0);
    assert_eq!((report.phase, report.result), (Phase::Ended, Some(result)));
    assert_eq!(report.started_at, Some(moment(START_MS).wall));
}

#[test]
fn orphans_are_left_alone_for_a_while_and_then_removed() {
    let mut scene = Scene::new();
    let orphan = Listed { container: "c".into(), attempt: Some(AttemptId::new()), running: true };
    let nameless = Listed { container: "d".into(), attempt: None, running: false };
    assert_eq!(scene.docker_lists(&[orphan.clone(), nameless]), []);
    assert_eq!(scene.after(ORPHAN_GRACE_MS - 1), []);
    assert_eq!(scene.after(1), [Action::Reap("c".into()), Action::Reap("d".into())]);
    scene.step(Event::Reaped("d".into()));
    assert_eq!(scene.after(KILL_AGAIN_MS), [Action::Reap("c".into())]);
    scene.docker_lists(&[]);
    assert_eq!(scene.after(60_000), []);
}

#[test]
fn an_orphan_that_is_named_again_is_adopted() {
    let mut scene = Scene::new();
    let id = scene.id;
    scene.docker_lists(&[Listed { container: "c".into(), attempt: Some(id), running: true }]);
    scene.want();
    scene.step(Event::IntentSaved(id));
    let actions = scene.step(Event::CreateFailed(id, Failure::Exists));
    assert_eq!(actions, [Action::NoteCreated(id), Action::Look(id)]);
    scene.saw(Sight::Running { started_at: moment(START_MS).wall });
    assert_eq!(scene.phase(), Phase::Running);
    let actions = scene.after(ORPHAN_GRACE_MS);
    assert!(!actions.contains(&Action::Reap("c".into())), "{actions:?}");
}
