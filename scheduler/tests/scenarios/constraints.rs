//! What a job asks of its node beside room.

use insta::assert_snapshot;

use crate::notation::check;

#[test]
fn a_job_goes_where_its_constraints_hold() {
    assert_snapshot!(check("
        node a labels=pool:x
        node b labels=pool:y,rack:r1
        node c
        job is where=label.pool==y
        job is_not where=label.pool!=x&node!=c
        job in where=label.pool~in~(x,z)
        job name where=node==c
    "), @r"
    in on a
    is on b
    is_not on b
    name on c
    ");
}

#[test]
fn what_holds_of_no_node_is_said() {
    assert_snapshot!(check("
        node a labels=pool:x
        node b
        job j where=label.pool==z&node!=b
    "), @"j no-matching-nodes: asks for a node with `label.pool == z` and `node != b`; none of 2 nodes is so");
}

#[test]
fn room_counts_only_where_the_constraints_hold() {
    assert_snapshot!(check("
        node a labels=pool:x used=8/0/0
        node b
        job j where=label.pool==x
    "), @"j waiting-for-capacity: waits for 1 CPU on one node: the one node large enough has 0 free");
}
