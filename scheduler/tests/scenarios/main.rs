//! The scheduler's rules, one scenario each: a fleet and its jobs as text in, the plan as text out.
//! How the text is read stands in `notation.rs`.

mod ageing;
mod constraints;
mod explanations;
mod images;

mod kept;
mod notation;
mod policy;
mod preemption;
mod reasons;

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
