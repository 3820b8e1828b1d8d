//! Known mistakes, each built into the simulator's wiring by a switch, never into what is shipped: a simulator that
//! does not find them finds nothing.

use clap::ValueEnum;
use lilac_rules::rows::Flaw;

/// A mistake. Its name on the command line is its own in kebab case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Bug {
    /// The agent counts its lease from when the answer came.
    LeaseFromReply,
    /// An agent that is started again gives its attempts a whole new lease.
    RestartResetsLease,
    /// Nothing but the agent ends a container in time.
    InitIgnoresLease,
    /// A second create makes a second container.
    NoStartDedupe,
    /// Containers are named by the job, so an older attempt's is taken for the new one's.
    AdoptsByJobName,
    /// The intent is said to be on the disk, and is not.
    StartWithoutIntent,
    /// A result is dropped when it was sent, not when it was taken in.
    ForgetsBeforeAcknowledged,
    /// What was accepted before a reboot is taken to go on, with a lease that is counted by the clock of then.
    OtherBootAlive,
    /// A Docker that does not answer is taken for one that has no container.
    SilentDockerIsEmpty,
    /// A lease is not taken back when it is said that the container never started.
    LeaseNotTakenBack,
    NoEpochCheck,
    EpochRestarts,
    ResultAfterPlacedAgain,
    NoSessionCheck,
    HandedOutTwice,
    TakeOverIsDeath,
    NoMargin,
    SilenceIsDeath,
    CancelAtOnce,
    ForgottenRenewal,
    UnsyncedNote,
    FirstRankConcludes,
    RankLossIsAll,
    BarrierOpensEarly,
    SiblingsGoOn,
    GraceKept,
}

impl Bug {
    /// The control plane's mistakes are made by its rows.
    pub(super) fn flaw(self) -> Option<Flaw> {
        match self {
            Self::NoEpochCheck => Some(Flaw::NoEpochCheck),
            Self::EpochRestarts => Some(Flaw::EpochRestarts),
            Self::ResultAfterPlacedAgain => Some(Flaw::ResultAfterPlacedAgain),
            Self::NoSessionCheck => Some(Flaw::NoSessionCheck),
            Self::HandedOutTwice => Some(Flaw::HandedOutTwice),
            Self::TakeOverIsDeath => Some(Flaw::TakeOverIsDeath),
            Self::NoMargin => Some(Flaw::NoMargin),
            Self::SilenceIsDeath => Some(Flaw::SilenceIsDeath),
            Self::CancelAtOnce => Some(Flaw::CancelAtOnce),
            Self::ForgottenRenewal => Some(Flaw::ForgottenRenewal),
            Self::UnsyncedNote => Some(Flaw::UnsyncedNote),
            Self::FirstRankConcludes => Some(Flaw::FirstRankConcludes),
            Self::RankLossIsAll => Some(Flaw::RankLossIsAll),
            Self::BarrierOpensEarly => Some(Flaw::BarrierOpensEarly),
            Self::SiblingsGoOn => Some(Flaw::SiblingsGoOn),
            Self::GraceKept => Some(Flaw::GraceKept),
            _ => None,
        }
    }
}
