//! Images, and what a container writes to the disk.

use lilac_api::image::{ImageProblem, LayerProgress, LayerState, PullProgress, TaskImage};

use super::*;

fn progress(bytes: u64) -> PullProgress {
    let layer = LayerProgress { id: "a".into(), state: LayerState::Downloading, bytes, total_bytes: 100 };
    PullProgress { layers: vec![layer] }
}

#[test]
fn a_pull_is_told_of_while_it_goes_on() {
    let mut scene = Scene::new();
    let id = scene.id;
    let image = |scene: &Scene| scene.state.reports()[0].image.clone();
    scene.want();
    assert_eq!(image(&scene), None, "nothing is known yet");
    scene.step(Event::IntentSaved(id));
    assert_eq!(scene.step(Event::Pulling(id, progress(7))), [Action::Report]);
    assert_eq!(image(&scene), Some(TaskImage { pull: Some(progress(7)), ..TaskImage::default() }));
    scene.step(Event::Created(id));
    assert_eq!(image(&scene), None, "the pull is over");
    assert_eq!(scene.step(Event::Pulling(id, progress(8))), [], "a late word");
    let (name, digest) = ("sha256:1".to_owned(), Some("sha256:2".to_owned()));
    let known = Event::ImageKnown { attempt: id, id: name.clone(), digest: digest.clone() };
    assert_eq!(scene.step(known), [], "it waits for the next word");
    let known = Some(TaskImage { id: Some(name), digest, ..TaskImage::default() });
    assert_eq!(image(&scene), known);
    scene.step(Event::Started(id));
    scene.exit(0);
    assert_eq!(image(&scene), known);
}

#[test]
fn why_there_is_no_image_goes_up_with_the_end() {
    for (failure, problem) in [
        (Failure::Image("no such image".into()), ImageProblem::NotOnNode),
        (Failure::Pull(ImageProblem::Denied, "denied".into()), ImageProblem::Denied),
    ] {
        let mut scene = Scene::new();
        let id = scene.id;
        scene.want();
        scene.step(Event::IntentSaved(id));
        scene.step(Event::Pulling(id, progress(7)));
        let draft = conclusion(&scene.step(Event::CreateFailed(id, failure))).unwrap();
        assert_eq!((draft.outcome, draft.reason), (Outcome::NotStarted, Some(Reason::ImagePull)));
        let expected = TaskImage { problem: Some(problem), ..TaskImage::default() };
        assert_eq!(scene.state.reports()[0].image, Some(expected));
    }
}

#[test]
fn what_fills_the_disk_is_killed_at_once_and_failed() {
    let mut scene = Scene::new();
    scene.run();
    assert!(kills(&scene.step(Event::DiskExceeded(scene.id))), "a grace would be time to write more");
    scene.after(100);
    let draft = scene.exit(137);
    assert_eq!((draft.outcome, draft.reason), (Outcome::Exited, Some(Reason::DiskLimit)));
    assert!(draft.message.contains("resources.disk"), "{draft:?}");

    // What ended well before the kill ended well.
    let mut scene = Scene::new();
    scene.run();
    scene.step(Event::DiskExceeded(scene.id));
    assert_eq!(scene.exit(0).reason, None);
}
