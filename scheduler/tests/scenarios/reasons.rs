//! Why a job waits, in a word and in a sentence.

use insta::assert_snapshot;

use crate::notation::check;

#[test]
fn no_nodes_at_all() {
    assert_snapshot!(check("
        node a cluster=other
        queue q1
        queue q2 clusters=none
        job j1 queue=q1
        job j2 queue=q2
    "), @r"
    j1 no-matching-nodes: the clusters of its queue have no nodes
    j2 no-matching-nodes: its queue has no cluster
    ");
}

#[test]
fn no_node_with_such_gpus() {
    assert_snapshot!(check("
        node a cluster=bare
        node b cluster=main gpus=2*A100/40Gi
        node c cluster=main gpus=1*T4/16Gi is=down
        queue default
        queue bare clusters=bare
        job j1 gpus=1 queue=bare
        job j2 gpus=H100:2
        job j3 gpus=T4|A100:1 gpumem=80Gi
    "), @r"
    j1 no-matching-nodes: asks for 1 GPU; the only node has no GPU
    j2 no-matching-nodes: asks for 2 H100 GPUs; the GPUs of its clusters are A100 with 40Gi and T4 with 16Gi
    j3 no-matching-nodes: asks for 1 T4 or A100 GPU with 80Gi; the GPUs of its clusters are A100 with 40Gi and T4 with 16Gi
    ");
}

#[test]
fn more_than_any_node_has() {
    assert_snapshot!(check("
        node a cpu=4
        node b used=8/0/0
        node c is=down gpus=1*T4/16Gi
        job j1 cpu=64
        job j2 cpu=64 mem=64Gi disk=1Ti
        job j3 gpus=t4:2
    "), @r"
    j1 exceeds-any-node: 3 nodes have 8 CPUs at most; the job asks for 64 CPUs
    j2 exceeds-any-node: 3 nodes have 8 CPUs, 32Gi of memory and 100Gi of disk at most; the job asks for 64 CPUs, 64Gi of memory and 1Ti of disk
    j3 exceeds-any-node: 3 nodes have 1 t4 GPU at most; the job asks for 2 t4 GPUs
    ");
}

#[test]
fn more_than_any_one_node_has_together() {
    assert_snapshot!(check("
        node a cpu=64
        node b mem=256Gi
        node c mem=256Gi
        job j cpu=32 mem=128Gi
    "), @"j exceeds-any-node: asks for 32 CPUs and 128Gi of memory on one node: none of 3 nodes is large enough in all of them, 1 in CPUs and 2 in memory");
}

#[test]
fn the_only_node_is_too_small() {
    assert_snapshot!(check("
        node a cpu=1500m mem=16000000000
        job j1 cpu=2
        job j2 mem=16Gi
    "), @r"
    j1 exceeds-any-node: 1 node has 1.5 CPUs at most; the job asks for 2 CPUs
    j2 exceeds-any-node: 1 node has 14.9Gi of memory at most; the job asks for 16Gi of memory
    ");
}

#[test]
fn nodes_large_enough_are_out() {
    assert_snapshot!(check("
        node a is=down
        node b is=cordoned
        node c
        node small cpu=1
        node other cluster=lone is=down
        queue default
        queue lone clusters=lone
        job j1 cpu=4 avoid=c
        job j2 queue=lone
    "), @r"
    j1 node-down: all 3 nodes large enough are out: a is down, b is cordoned and c could not start it before
    j2 node-down: the one node large enough is out: other is down
    ");
}

#[test]
fn many_nodes_are_counted_rather_than_named() {
    assert_snapshot!(check("
        node a is=down
        node b is=down
        node c is=down
        node d is=down
        node e is=down
        job j
    "), @"j node-down: all 5 nodes large enough are out: a is down, b is down, c is down and 2 more");
}

#[test]
fn gpus_are_taken_where_the_rest_would_fit() {
    assert_snapshot!(check("
        node a gpus=4*H100/80Gi busy=0,1,2
        node b gpus=4*H100/80Gi busy=0,1
        node c gpus=8*H100/80Gi used=8/0/0
        job j1 gpus=H100:3
        job j2 gpus=8 at=1
    "), @r"
    j1 waiting-for-gpus: waits for 3 H100 GPUs on one node: the freest of 2 nodes with room for the rest has 2 free
    j2 waiting-for-capacity: waits for 1 CPU on one node: the one node large enough has 0 free
    ");
}

#[test]
fn capacity_is_taken_though_gpus_are_free() {
    assert_snapshot!(check("
        node a gpus=2*H100/80Gi used=8/0/0
        job j gpus=1
    "), @"j waiting-for-capacity: waits for 1 CPU on one node: the one node large enough has 0 free");
}

#[test]
fn capacity_is_taken() {
    assert_snapshot!(check("
        node a used=6500m/0/0
        node b used=7/0/0
        node c used=8/0/0
        node d used=8/0/0
        node e is=cordoned
        job j1 cpu=2
        job j2 cpu=2 mem=4Gi
    "), @r"
    j1 waiting-for-capacity: waits for 2 CPUs on one node: the freest of 4 nodes large enough has 1.5 free; 1 more is down, cordoned or avoided
    j2 waiting-for-capacity: waits for 2 CPUs on one node: the freest of 4 nodes large enough has 1.5 free; 1 more is down, cordoned or avoided
    ");
}

#[test]
fn capacity_is_taken_in_several_dimensions() {
    assert_snapshot!(check("
        node a used=7/31Gi/0
        node b used=6500m/31.5Gi/0
        job j cpu=2 mem=2Gi
    "), @"j waiting-for-capacity: waits for 2 CPUs and 2Gi of memory on one node: the most that any of 2 nodes large enough has free is 1.5 CPUs and 1Gi of memory");
}

#[test]
fn what_is_free_is_on_different_nodes() {
    assert_snapshot!(check("
        node a used=7/0/0
        node b used=0/31Gi/0
        job j cpu=4 mem=16Gi
    "), @"j waiting-for-capacity: waits for 4 CPUs and 16Gi of memory on one node: none of 2 nodes has enough free in all of them, 1 in CPUs and 1 in memory");
}

#[test]
fn evidence_is_what_is_left_after_the_whole_plan() {
    // `large` is refused while 6 CPUs are free; `small` then takes 2 of them.
    assert_snapshot!(check("
        node a used=2/0/0
        job large cpu=8 at=1
        job small cpu=2 at=2
        job twin cpu=8 at=3
    "), @r"
    small on a
    large waiting-for-capacity: waits for 8 CPUs on one node: the one node large enough has 4 free
    twin waiting-for-capacity: waits for 8 CPUs on one node: the one node large enough has 4 free
    ");
}
