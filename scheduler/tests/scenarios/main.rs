//! The scheduler's rules, one scenario each: a fleet and its jobs as text in, the plan as text out.
//! How the text is read stands in `notation.rs`.

mod ageing;
mod explanations;
mod kept;
mod notation;
mod preemption;

use insta::assert_snapshot;

use crate::notation::check;

mod order {
    use super::{assert_snapshot, check};

    #[test]
    fn higher_queue_goes_first_whatever_its_jobs_say() {
        assert_snapshot!(check("
            node a cpu=1
            queue low priority=-5
            queue high priority=10
            job early queue=low priority=100 at=1
            job late queue=high priority=0 at=2
        "), @r"
        late on a
        early waiting-for-capacity: waits for 1 CPU on one node: the one node large enough has 0 free
        ");
    }

    #[test]
    fn equal_queues_interleave_by_job_priority_then_arrival_then_id() {
        assert_snapshot!(check("
            node a
            queue one
            queue two
            job e queue=one at=5
            job d queue=two at=4
            job z queue=one priority=90 at=9
            job c queue=two at=5
            job y queue=two priority=10 at=1
        "), @r"
        z on a
        d on a
        c on a
        e on a
        y on a
        ");
    }

    #[test]
    fn job_that_does_not_fit_does_not_block_smaller_ones_behind_it() {
        assert_snapshot!(check("
            node a used=6/0/0
            job large cpu=4 at=1
            job small cpu=2 at=2
        "), @r"
        small on a
        large waiting-for-capacity: waits for 4 CPUs on one node: the one node large enough has 0 free
        ");
    }

    #[test]
    fn many_jobs_share_a_node_until_it_is_full() {
        assert_snapshot!(check("
            node a cpu=2
            job one cpu=500m at=1
            job two cpu=1 at=2
            job three cpu=750m at=3
            job four cpu=500m at=4
            job five cpu=1m at=5
        "), @r"
        one on a
        two on a
        four on a
        three waiting-for-capacity: waits for 0.75 CPUs on one node: the one node large enough has 0 free
        five waiting-for-capacity: waits for 0.001 CPUs on one node: the one node large enough has 0 free
        ");
    }
}

mod share {
    use super::{assert_snapshot, check};

    #[test]
    fn equal_queues_share_by_what_they_hold_not_by_who_came_first() {
        assert_snapshot!(check("
            node a cpu=8
            queue one
            queue two
            held x queue=one cpu=4
            job a1 queue=one at=1
            job a2 queue=one at=2
            job b1 queue=two at=8
            job b2 queue=two at=9
        "), @r"
        b1 on a
        b2 on a
        a1 on a
        a2 on a
        ");
    }

    #[test]
    fn twice_the_weight_gets_twice_as_much() {
        assert_snapshot!(check("
            node a cpu=6
            queue heavy weight=2
            queue light
            job h1 queue=heavy at=5
            job h2 queue=heavy at=6
            job h3 queue=heavy at=7
            job h4 queue=heavy at=8
            job h5 queue=heavy at=9
            job l1 queue=light at=1
            job l2 queue=light at=2
            job l3 queue=light at=3
        "), @r"
        l1 on a
        h1 on a
        h2 on a
        l2 on a
        h3 on a
        h4 on a
        l3 waiting-for-capacity: waits for 1 CPU on one node: the one node large enough has 0 free
        h5 waiting-for-capacity: waits for 1 CPU on one node: the one node large enough has 0 free
        ");
    }

    #[test]
    fn the_dominant_resource_decides_what_is_much() {
        assert_snapshot!(check("
            node a cpu=8 gpus=4*A100/40Gi
            queue chips
            queue cores
            held x queue=chips cpu=1 gpus=2
            held y queue=cores cpu=3
            job g queue=chips gpus=1 at=1
            job c queue=cores at=2
        "), @r"
        c on a
        g on a with GPUs 0
        ");
    }

    #[test]
    fn a_higher_queue_goes_first_whatever_it_holds() {
        assert_snapshot!(check("
            node a cpu=1
            queue high priority=1
            queue low
            held x queue=high cpu=100
            job h queue=high at=2
            job l queue=low at=1
        "), @r"
        h on a
        l waiting-for-capacity: waits for 1 CPU on one node: the one node large enough has 0 free
        ");
    }

    #[test]
    fn inside_a_queue_users_take_turns_at_one_priority() {
        assert_snapshot!(check("
            node a
            job a1 user=ann at=1
            job a2 user=ann at=2
            job a3 user=ann at=3
            job b1 user=bob at=7
            job b2 user=bob at=8
            job b3 user=bob at=9 priority=60
        "), @r"
        b3 on a
        a1 on a
        a2 on a
        b1 on a
        a3 on a
        b2 on a
        ");
    }
}

mod quota {
    use super::{assert_snapshot, check};

    #[test]
    fn what_would_exceed_a_quota_waits_and_smaller_jobs_pass_it() {
        assert_snapshot!(check("
            node a cpu=64
            queue default quota=cpu:8
            held x cpu=5
            job large cpu=4 at=1
            job small cpu=3 at=2
        "), @r"
        small on a
        large quota-exceeded: the quota of queue default is 8 CPUs: the queue holds 8 and this job asks for 4, 4 too much
        ");
    }

    #[test]
    fn every_dimension_has_its_quota() {
        assert_snapshot!(check("
            node a cpu=64 mem=256Gi gpus=8*A100/40Gi
            queue jobs quota=jobs:1
            queue mem quota=mem:3Gi
            queue gpus quota=gpus:2
            held x queue=jobs
            held x queue=mem mem=2560Mi
            held x queue=gpus gpus=1
            job j queue=jobs
            job m queue=mem
            job g queue=gpus gpus=2
        "), @r"
        j quota-exceeded: the quota of queue jobs is 1 job at a time: the queue has 1 already, this one is 1 too many
        m quota-exceeded: the quota of queue mem is 3Gi of memory: the queue holds 2.5Gi and this job asks for 1Gi, 512Mi too much
        g quota-exceeded: the quota of queue gpus is 2 GPUs: the queue holds 1 and this job asks for 2, 1 too much
        ");
    }

    #[test]
    fn the_quota_of_one_user_leaves_the_others_theirs() {
        assert_snapshot!(check("
            node a cpu=64
            queue default each=jobs:2
            held ann jobs=1
            job a1 user=ann at=1
            job a2 user=ann at=2
            job b1 user=bob at=3
        "), @r"
        b1 on a
        a1 on a
        a2 quota-exceeded: the quota of one user in queue default is 2 jobs at a time: its user has 2 already, this one is 1 too many
        ");
    }

    #[test]
    fn a_job_larger_than_the_whole_quota_says_so() {
        assert_snapshot!(check("
            node a cpu=64
            queue default each=cpu:2
            job j cpu=3
        "), @"j quota-exceeded: the quota of one user in queue default is 2 CPUs in all: this job alone asks for 3, 1 too much");
    }

    #[test]
    fn a_quota_on_what_a_job_does_not_ask_for_does_not_hold_it_up() {
        assert_snapshot!(check("
            node a
            queue default quota=gpus:0
            held x gpus=1
            job j
        "), @"j on a");
    }
}

mod fit {
    use super::{assert_snapshot, check};

    #[test]
    fn every_dimension_has_to_fit() {
        assert_snapshot!(check("
            node cpu-short cpu=1
            node disk-short disk=10Gi
            node mem-short mem=1Gi
            node right
            job j cpu=2 mem=2Gi disk=20Gi
        "), @"j on right");
    }

    #[test]
    fn only_ready_nodes_take_jobs() {
        assert_snapshot!(check("
            node a is=down
            node b is=cordoned
            node c used=1/1Gi/0
            job j
        "), @"j on c");
    }

    #[test]
    fn avoided_node_is_avoided_even_where_it_fits_better() {
        assert_snapshot!(check("
            node a used=7/0/0
            node b
            job j avoid=a
        "), @"j on b");
    }

    #[test]
    fn clusters_are_tried_in_the_order_of_the_queue() {
        assert_snapshot!(check("
            node a cluster=spare
            node b cluster=home cpu=1
            node c cluster=foreign
            queue default clusters=home,spare
            job j1 at=1
            job j2 at=2
        "), @r"
        j1 on b
        j2 on a
        ");
    }

    #[test]
    fn node_with_more_allocated_than_it_has_takes_nothing() {
        assert_snapshot!(check("
            node a used=9/0/0
            job j
        "), @"j waiting-for-capacity: waits for 1 CPU on one node: the one node large enough has 0 free");
    }

    #[test]
    fn gpu_model_matches_by_a_word_in_any_case_and_any_of_several() {
        assert_snapshot!(check("
            node a gpus=1*Tesla-T4/16Gi
            node b gpus=1*NVIDIA-H100-80GB/80Gi
            node c gpus=1*NVIDIA-A100-SXM4/40Gi
            job j1 gpus=h100:1 at=1
            job j2 gpus=H100|a100:1 at=2
            job j3 gpus=H100|A100:1 at=3
        "), @r"
        j1 on b with GPUs 0
        j2 on c with GPUs 0
        j3 waiting-for-gpus: waits for 1 H100 or A100 GPU on one node: the freest of 2 nodes with room for the rest has 0 free
        ");
    }

    #[test]
    fn gpu_memory_is_a_minimum_for_each() {
        assert_snapshot!(check("
            node a gpus=2*A100/40Gi
            node b gpus=1*A100/40Gi,2*A100/80Gi
            job j gpus=2 gpumem=41Gi
        "), @"j on b with GPUs 1,2");
    }

    #[test]
    fn lowest_free_gpus_that_match_are_taken_and_never_twice() {
        assert_snapshot!(check("
            node a gpus=2*T4/16Gi,4*A100/40Gi busy=0,3
            job j1 gpus=A100:2 at=1
            job j2 gpus=2 at=2
            job j3 gpus=1 at=3
        "), @r"
        j1 on a with GPUs 2,4
        j2 on a with GPUs 1,5
        j3 waiting-for-gpus: waits for 1 GPU on one node: the one node with room for the rest has 0 free
        ");
    }
}

mod policy {
    use super::{assert_snapshot, check};

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
}

mod held_back {
    use super::{assert_snapshot, check};

    #[test]
    fn paused_queue_starts_nothing_and_others_go_on() {
        assert_snapshot!(check("
            node a
            queue asleep paused=yes priority=9
            queue awake
            job j1 queue=asleep
            job j2 queue=asleep after=2000000
            job j3 queue=awake
        "), @r"
        j3 on a
        j1 queue-paused: queue asleep is paused and starts no jobs
        j2 queue-paused: queue asleep is paused and starts no jobs
        ");
    }

    #[test]
    fn backoff_holds_until_its_time_and_the_earliest_one_wakes() {
        assert_snapshot!(check("
            now 1000000
            node a
            job over after=1000000
            job soon after=1000001
            job later after=1060000 priority=60
        "), @r"
        over on a
        later backoff: is not tried again before 1970-01-01T00:17:40Z
        soon backoff: is not tried again before 1970-01-01T00:16:40Z
        wake at 1000001
        ");
    }

    #[test]
    fn job_of_an_unknown_queue_waits_behind_all_others() {
        assert_snapshot!(check("
            node a
            job lost queue=nowhere priority=100
            job j
            job k cpu=9
        "), @r"
        j on a
        k exceeds-any-node: 1 node has 8 CPUs at most; the job asks for 9 CPUs
        lost no-matching-nodes: its queue does not exist
        ");
    }
}

mod reasons {
    use super::{assert_snapshot, check};

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
}

mod constraints {
    use super::*;

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
}
