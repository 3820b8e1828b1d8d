//! Typed ids. Every id is a UUIDv7, so that ids sort by the time they were made.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
        #[serde(transparent)]
        #[schema(value_type = Uuid)]
        pub struct $name(pub Uuid);

        impl $name {
            /// A fresh id, later in order than all made before it on this machine.
            #[must_use]
            #[expect(clippy::new_without_default, reason = "a fresh id is no default value")]
            pub fn new() -> Self {
                Self(Uuid::now_v7())
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }

        impl std::str::FromStr for $name {
            type Err = uuid::Error;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map(Self)
            }
        }
    )+};
}

ids! {
    /// A person or program with an account.
    UserId,
    /// People who see each other's jobs.
    TeamId,
    /// A user's API key.
    ApiKeyId,
    /// A set of nodes that share a policy.
    ClusterId,
    /// A key with which new nodes join a cluster.
    JoinKeyId,
    /// A machine that runs jobs.
    NodeId,
    /// One run of an agent process on a node; a newer session fences an older one.
    SessionId,
    /// A job that is submitted by the clock.
    ScheduleId,
    /// A queue of jobs.
    QueueId,
    /// A secret of a team.
    SecretId,
    /// A team's login to a registry.
    RegistryId,
    /// A folder of the nodes that jobs may see.
    VolumeId,
    /// An address that a team's jobs notify.
    HookId,
    /// One message to a hook.
    DeliveryId,
    /// What a user submitted.
    JobId,
    /// One submit that made many jobs.
    ArrayId,
    /// One try at a job.
    AttemptId,
    /// A program or a port in a container, reached from outside.
    StreamId,
}
