//! Places for all ranks of a job at once: on as many nodes of one cluster, or nowhere.
//!
//! The nodes are those that the policy of the cluster would choose one after the other. Where they have to share the
//! value of a label, all of them are from the value with the fewest nodes that could take a rank, so that the larger
//! groups stay whole for larger jobs.

use std::collections::BTreeMap;

use crate::class::{ClassId, Classes};
use crate::fleet::choice::Candidate;
use crate::fleet::kind::KindId;
use crate::fleet::{Fleet, HostId, ImageId, Spot};
use crate::gang::Spots;
use crate::policy::Policy;

/// So many equal nodes are looked at for such as have the image.
const EQUAL: usize = 256;

/// What asks for no GPU takes the CPUs beside them last; then as the policy says.
type Choice = (bool, Candidate);

impl Fleet {
    /// A place for each rank of the next job of a class, in the first of its clusters that has room for all.
    pub(crate) fn find_all(
        &mut self,
        class: ClassId,
        classes: &Classes,
        image: Option<ImageId>,
    ) -> Option<Spots> {
        if classes.get(class).nodes == 1 {
            return self.find(class, classes, image).map(|spot| Spots::from_iter([spot]));
        }
        for position in 0..self.terms[class as usize].sites.len() {
            let site = self.terms[class as usize].sites[position] as usize;
            let policy = self.sites[site].policy;
            let Some(mut chosen) = self.choose(site, (policy, image), class, classes) else { continue };
            // Ranks follow the names of their nodes.
            chosen.sort_unstable_by_key(|(_, candidate)| candidate.rank);
            let spots = chosen.iter().map(|(_, candidate)| self.spot(candidate, class, classes, policy));
            return Some(spots.collect());
        }
        None
    }

    fn choose(
        &mut self,
        site: usize,
        (policy, image): (Policy, Option<ImageId>),
        class: ClassId,
        classes: &Classes,
    ) -> Option<Vec<Choice>> {
        let class_of = classes.get(class);
        let nodes = class_of.nodes as usize;
        let mut groups: BTreeMap<Option<String>, Vec<Choice>> = BTreeMap::new();
        for kind in self.sites[site].kinds.clone() {
            for choice in self.choices(kind, (policy, image), class, classes) {
                let value = match &class_of.same {
                    None => None,
                    Some(label) => {
                        let host = self.host(self.by_rank[choice.1.rank as usize]);
                        let Some(value) = host.labels.get(label) else { continue };
                        Some(value.clone())
                    }
                };
                groups.entry(value).or_default().push(choice);
            }
        }
        let (_, mut group) = groups
            .into_iter()
            .filter(|(_, group)| group.len() >= nodes)
            .min_by(|(one, group), (other, larger)| group.len().cmp(&larger.len()).then(one.cmp(other)))?;
        group.sort_by(|(strands, one), (other_strands, other)| {
            strands.cmp(other_strands).then_with(|| one.compare(other))
        });
        group.truncate(nodes);
        Some(group)
    }

    /// The nodes of a kind that could take a rank. Where any of equal ones will do, no more of them than there are ranks.
    fn choices(
        &mut self,
        kind: KindId,
        (policy, image): (Policy, Option<ImageId>),
        class: ClassId,
        classes: &Classes,
    ) -> Vec<Choice> {
        let class_of = classes.get(class);
        let strands =
            class_of.need.gpus == 0 && policy != Policy::FirstFit && self.kinds[kind as usize].slots() > 0;
        let most = if class_of.same.is_some() { usize::MAX } else { class_of.nodes as usize };
        let mut levels = Vec::new();
        self.fitting(kind, class, class_of, usize::MAX, &mut levels);
        let mut choices = Vec::new();
        for level in levels {
            let ranks = &self.levels.get(level).ranks;
            let allows = |rank: &u32| {
                !class_of.is_picky() || self.host(self.by_rank[*rank as usize]).is_allowed(class_of)
            };
            let image = image.filter(|_| policy != Policy::FirstFit);
            let looked_at = if image.is_some() { most.max(EQUAL) } else { most };
            let ranks = ranks.iter().filter(allows).take(looked_at);
            let mut ranks: Vec<(bool, u32)> =
                ranks.map(|rank| (!self.has_image(rank, image), rank)).collect();
            ranks.sort_unstable();
            ranks.truncate(most);
            let Some((_, first)) = ranks.first() else { continue };
            let weighed = self.weigh(level, *first, class, class_of, policy);
            choices.extend(ranks.into_iter().map(|(lacks, rank)| (strands, weighed.at(rank, lacks))));
        }
        choices
    }

    /// The place that a rank of a class would get on this node, if it has room.
    pub(crate) fn spot_at(&mut self, host: HostId, class: ClassId, classes: &Classes) -> Option<Spot> {
        if !self.fits_as(host, class, classes) {
            return None;
        }
        let on_host = self.host(host);
        let (level, rank) = (on_host.level, on_host.rank);
        let policy = self.sites[self.kinds[on_host.kind as usize].total.site as usize].policy;
        let candidate = self.weigh(level, rank, class, classes.get(class), policy);
        Some(self.spot(&candidate, class, classes, policy))
    }
}
