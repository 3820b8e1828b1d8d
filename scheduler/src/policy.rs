//! How a node is chosen where several fit.

use lilac_api::cluster::PlacementPolicy;
use strum::{Display, EnumString, VariantArray};

/// The words of the API, each of which the core carries out.
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
            PlacementPolicy::Spread => Self::Spread,
            PlacementPolicy::FragmentationAware => Self::FragmentationAware,
        }
    }
}
