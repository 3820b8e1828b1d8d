//! Which of several nodes that fit a job gets.

use insta::assert_snapshot;

use crate::notation::check;

#[test]
fn first_fit_takes_the_first_by_name() {
    assert_snapshot!(check("
        cluster main policy=first-fit
        node b used=7/0/0
        node a
        node c used=7/0/0
        job j
    "), @"j on a");
}

#[test]
fn best_fit_leaves_the_least() {
    assert_snapshot!(check("
        cluster main policy=best-fit
        node a
        node b used=6/24Gi/0
        node c used=4/16Gi/0
        job j
    "), @"j on b");
}

#[test]
fn best_fit_ignores_what_the_job_does_not_ask_for() {
    // The disk of `a` is nearly full, which says nothing to a job without a disk.
    assert_snapshot!(check("
        node a used=0/0/99Gi
        node b used=0/16Gi/0
        job j
    "), @"j on b");
}

#[test]
fn best_fit_looks_first_at_what_the_job_takes_most_of() {
    // Over all dimensions, less is left of `b`.
    assert_snapshot!(check("
        node a used=4/0/0
        node b used=0/24Gi/0
        job thinks cpu=1 mem=1Gi at=1
        job remembers cpu=500m mem=8Gi at=2
    "), @r"
    thinks on a
    remembers on b
    ");
}

#[test]
fn best_fit_looks_at_the_rest_where_that_is_equal() {
    assert_snapshot!(check("
        node a
        node b used=0/16Gi/0
        job j
    "), @"j on b");
}

#[test]
fn best_fit_keeps_gpu_nodes_for_gpu_jobs() {
    assert_snapshot!(check("
        node a gpus=1*T4/16Gi used=6/24Gi/0
        node b cpu=1
        job j1 at=1
        job j2 at=2
    "), @r"
    j1 on b
    j2 on a
    ");
}

#[test]
fn best_fit_fills_the_gpu_node_that_is_nearly_full() {
    assert_snapshot!(check("
        node a gpus=8*H100/80Gi used=4/16Gi/0
        node b gpus=8*H100/80Gi used=1/1Gi/0 busy=0,1,2,3,4,5
        job j gpus=2
    "), @"j on b with GPUs 6,7");
}

#[test]
fn equal_nodes_are_taken_by_name_then_id() {
    assert_snapshot!(check("
        node b
        node a#2 cpu=1 mem=1Gi
        node a#1 cpu=1 mem=1Gi
        job j1 at=1
        job j2 at=2
        job j3 at=3
    "), @r"
    j1 on a#1
    j2 on a#2
    j3 on b
    ");
}

#[test]
fn each_cluster_has_its_own_policy() {
    assert_snapshot!(check("
        cluster one policy=first-fit
        cluster two policy=best-fit
        node a1 cluster=one
        node a2 cluster=one used=7/31Gi/0
        node b1 cluster=two
        node b2 cluster=two used=7/31Gi/0
        queue q1 clusters=one
        queue q2 clusters=two
        job j1 queue=q1
        job j2 queue=q2
    "), @r"
    j1 on a1
    j2 on b2
    ");
}
