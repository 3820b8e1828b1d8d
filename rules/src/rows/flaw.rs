//! Ways to get it wrong, each known to break a promise: so that a test can see that the simulator finds it.

/// One thing that is wrong with the control plane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// What was read of an older attempt decides about the job.
    NoEpochCheck,
    /// Each attempt is number one again.
    EpochRestarts,
    /// The end of an older attempt ends the job.
    ResultAfterPlacedAgain,
    /// Whoever has the credential speaks for the node.
    NoSessionCheck,
    /// A task is handed to every session of its node.
    HandedOutTwice,
    /// What a new session does not know of is taken for dead.
    TakeOverIsDeath,
    /// An attempt is taken for dead as soon as its lease is over.
    NoMargin,
    /// An attempt is taken for dead when its node was silent for a while.
    SilenceIsDeath,
    /// A running job is cancelled without asking its node.
    CancelAtOnce,
    /// Leases are promised and not written down.
    ForgottenRenewal,
    /// Who was told of a task is written down later, and may be lost with the database.
    UnsyncedNote,
    /// The first rank of a gang that ends, ends the attempt.
    FirstRankConcludes,
    /// With one rank the whole attempt is lost, and its job free to be placed again.
    RankLossIsAll,
    /// The ranks of a gang are let go when one of them is ready.
    BarrierOpensEarly,
    /// Nobody tells the other ranks that one has failed.
    SiblingsGoOn,
    /// The other ranks of one that failed have all of their grace.
    GraceKept,
}
