//! A job goes to a node that has its image, where the policy leaves several equal.

use insta::assert_snapshot;

use crate::notation::check;

#[test]
fn of_equal_nodes_the_first_with_the_image_is_taken() {
    assert_snapshot!(check("
        cluster main policy=spread
        node a
        node b images=app:1
        node c images=other:1,app:1
        job with image=app:1
        job more image=app:1 at=1
        job else image=nowhere:1 at=2
        job none at=3
    "), @r"
    with on b
    more on c
    else on a
    none on a
    ");
}

#[test]
fn the_policy_goes_before_the_image() {
    assert_snapshot!(check("
        cluster main policy=best-fit
        node a used=4/8Gi/0
        node b images=app:1
        job j image=app:1
    "), @"j on a");
    assert_snapshot!(check("
        cluster main policy=first-fit
        node a
        node b images=app:1
        job j image=app:1
    "), @"j on a");
}

#[test]
fn a_node_that_may_not_be_taken_is_not_taken_for_its_image() {
    assert_snapshot!(check("
        node a images=app:1 is=cordoned
        node b images=app:1 cpu=16
        node c images=app:1 labels=pool:x
        node d
        node e images=app:1
        job j image=app:1 where=label.pool~!=~x
        job k image=app:1 where=node~==~d at=1
    "), @r"
    j on e
    k on d
    ");
}

#[test]
fn a_gang_goes_to_nodes_with_its_image() {
    assert_snapshot!(check("
        cluster main policy=fragmentation-aware
        node a
        node b images=app:1
        node c
        node d images=app:1
        job j nodes=2 image=app:1
        job k nodes=2 image=app:1 at=1
    "), @r"
    j on b and d
    k on b and d
    ");
}
