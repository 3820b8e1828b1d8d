//! How a node is chosen where several fit.

use lilac_api::cluster::PlacementPolicy;
use strum::{Display, EnumString, VariantArray};

/// What the API offers is a part of this: a policy comes here first, and is offered once the database knows its word.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Display, EnumString, VariantArray)]
#[strum(serialize_all = "kebab-case")]
pub enum Policy {
    /// The first node by name.
    FirstFit,
    /// The node that is left with the least.
    BestFit,
    /// The node that is left with the most.
    Spread,
    /// The node where the GPU share that the usual jobs cannot use grows least; best fit between equals.
    #[default]
    FragmentationAware,
}

impl From<PlacementPolicy> for Policy {
    fn from(policy: PlacementPolicy) -> Self {
        match policy {
            PlacementPolicy::FirstFit => Self::FirstFit,
            PlacementPolicy::BestFit => Self::BestFit,
        }
    }
}
