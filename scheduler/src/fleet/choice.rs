//! The choice between the nodes that fit, by the policy of their cluster.

use std::cmp::Ordering;
use std::ops::ControlFlow;

use rustc_hash::FxHashMap;
use smallvec::SmallVec;

use crate::class::{Class, ClassId, Classes, Need, WHOLE_MILLI};
use crate::fleet::kind::{GroupMask, Kind, KindId};
use crate::fleet::level::{Left, Level, LevelId};
use crate::fleet::{Fleet, ImageId, Spot};
use crate::policy::Policy;

/// How many levels of a kind are weighed by what they lose, the tightest first: the best is nearly always among them.
const WEIGHED: usize = 24;
/// As many where there are no GPUs to lose, and only the fit is weighed.
const WEIGHED_WITHOUT_GPUS: usize = 6;
/// How many results are kept before all are forgotten.
const REMEMBERED: usize = 1 << 19;

/// What fragmentation costs, which holds until the mix changes.
#[derive(Default)]
pub(crate) struct Memo {
    /// By level.
    unusable: Vec<Option<u64>>,
    /// What a level loses to a class, and the slot that loses least where a share of one GPU is asked for.
    losses: FxHashMap<u64, (i64, u16)>,
}

impl Memo {
    pub(crate) fn clear(&mut self) {
        self.unusable.clear();
        self.losses.clear();
    }
}

/// A level that fits, as its policy sees it; the least is best.
#[derive(Clone, Copy)]
pub(super) struct Candidate {
    loss: i64,
    fit: Leftover,
    /// Another node as good as this one has the image.
    lacks_image: bool,
    pub(super) rank: u32,
    level: LevelId,
}

impl Candidate {
    /// Another node of the same level.
    pub(super) fn at(self, rank: u32, lacks_image: bool) -> Self {
        Self { rank, lacks_image, ..self }
    }

    pub(super) fn compare(&self, other: &Self) -> Ordering {
        let last = self.lacks_image.cmp(&other.lacks_image).then(self.rank.cmp(&other.rank));
        self.by_policy(other).then(last)
    }

    fn by_policy(&self, other: &Self) -> Ordering {
        self.loss.cmp(&other.loss).then(self.fit.compare(&other.fit))
    }
}

impl Fleet {
    /// The node and the GPUs for the next job of a class, in the first of its clusters that has room.
    pub(crate) fn find(&mut self, class: ClassId, classes: &Classes, image: Option<ImageId>) -> Option<Spot> {
        for position in 0..self.terms[class as usize].sites.len() {
            let site = self.terms[class as usize].sites[position] as usize;
            let policy = self.sites[site].policy;
            // What asks for no GPU takes the CPUs beside them last.
            let strands = classes.get(class).need.gpus == 0 && policy != Policy::FirstFit;
            let best = if strands {
                self.best(site, (policy, image), class, classes, |kind| kind.slots() == 0)
                    .or_else(|| self.best(site, (policy, image), class, classes, |kind| kind.slots() > 0))
            } else {
                self.best(site, (policy, image), class, classes, |_| true)
            };
            if let Some(best) = best {
                return Some(self.spot(&best, class, classes, policy));
            }
        }
        None
    }

    fn best(
        &mut self,
        site: usize,
        (policy, image): (Policy, Option<ImageId>),
        class: ClassId,
        classes: &Classes,
        among: impl Fn(&Kind) -> bool,
    ) -> Option<Candidate> {
        let class_of = classes.get(class);
        let mut found = std::mem::take(&mut self.found);
        found.clear();
        for kind in self.sites[site].kinds.iter().copied().filter(|kind| among(&self.kinds[*kind as usize])) {
            let most = match policy {
                Policy::FragmentationAware if self.kinds[kind as usize].slots() > 0 => WEIGHED,
                Policy::FragmentationAware => WEIGHED_WITHOUT_GPUS,
                _ => usize::MAX,
            };
            self.fitting(kind, class, class_of, most, &mut found);
        }
        let mut best: Option<Candidate> = None;
        // Levels that are as good as the best.
        let mut equal: SmallVec<[LevelId; 8]> = SmallVec::new();
        for level in &found {
            let Some(rank) = self.first_allowed(*level, class_of) else { continue };
            let candidate = self.weigh(*level, rank, class, class_of, policy);
            let order = best.as_ref().map_or(Ordering::Less, |best| candidate.by_policy(best));
            if order.is_lt() {
                equal.clear();
            }
            if order.is_le() {
                equal.push(*level);
            }
            if best.as_ref().is_none_or(|best| candidate.compare(best).is_lt()) {
                best = Some(candidate);
            }
        }
        self.found = found;
        // To the simplest policy no two nodes are equal: it takes the first.
        let image = image.filter(|_| policy != Policy::FirstFit);
        let with = image.and_then(|image| self.first_with(image, &equal, class_of));
        best.map(|best| Candidate {
            rank: with.unwrap_or(best.rank),
            level: with.map_or(best.level, |rank| self.level_of(rank)),
            ..best
        })
    }

    /// Collects the levels of a kind that fit, the tightest first.
    pub(super) fn fitting(
        &self,
        kind: KindId,
        class: ClassId,
        class_of: &Class,
        most: usize,
        found: &mut Vec<LevelId>,
    ) {
        let Some(accepted) = self.terms[class as usize].accepted[kind as usize] else { return };
        let kind = &self.kinds[kind as usize];
        let mut room = most;
        kind.visit(&class_of.need, |level| {
            let level_of = self.levels.get(level);
            if level_of.left.fits(&class_of.need, kind, accepted)
                && (!class_of.is_picky() || self.first_allowed(level, class_of).is_some())
            {
                found.push(level);
                room -= 1;
                // Where no GPU is free none is lost, and the tightest fit decides.
                if level_of.gauge.milli == 0 && most == WEIGHED && most - room >= WEIGHED_WITHOUT_GPUS {
                    room = 0;
                }
            }
            if room == 0 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
    }

    fn first_allowed(&self, level: LevelId, class: &Class) -> Option<u32> {
        let allows = |rank: &u32| self.host(self.by_rank[*rank as usize]).is_allowed(class);
        let ranks = &self.levels.get(level).ranks;
        if class.is_picky() { ranks.iter().find(allows) } else { ranks.first() }
    }

    pub(super) fn weigh(
        &mut self,
        level: LevelId,
        rank: u32,
        class: ClassId,
        class_of: &Class,
        policy: Policy,
    ) -> Candidate {
        let (loss, fit) = match policy {
            Policy::FirstFit => (0, Leftover::default()),
            Policy::BestFit => (0, self.leftover(level, &class_of.need)),
            Policy::Spread => (0, self.leftover(level, &class_of.need).reversed()),
            Policy::FragmentationAware => {
                (self.loss(level, class, class_of).0, self.leftover(level, &class_of.need))
            }
        };
        Candidate { loss, fit, lacks_image: false, rank, level }
    }

    /// By how much the usual jobs can use less of a level once the class has a job there.
    fn loss(&mut self, level: LevelId, class: ClassId, class_of: &Class) -> (i64, u16) {
        let level_of = self.levels.get(level);
        // Where nothing is free of GPUs nothing can be lost.
        if level_of.gauge.milli == 0 {
            return (0, 0);
        }
        let key = u64::from(level) << 32 | u64::from(class);
        if let Some(known) = self.memo.losses.get(&key) {
            return *known;
        }
        let left = &level_of.left;
        let (kind, need) = (&self.kinds[left.kind as usize], &class_of.need);
        let accepted = self.terms[class as usize].accepted[left.kind as usize].unwrap_or_default();
        let mix = &self.mix;
        if self.memo.unusable.len() <= level as usize {
            self.memo.unusable.resize(level as usize + 1, None);
        }
        let before = *self.memo.unusable[level as usize].get_or_insert_with(|| mix.unusable(left, kind));
        let after = |slots: &[usize]| mix.unusable(&left.after(need, kind, slots), kind);
        let (after, slot) = if is_share(need) {
            let options = shares(left, kind, need, accepted);
            options.map(|slot| (after(&[slot]), slot)).min().unwrap_or((u64::MAX >> 1, 0))
        } else {
            (after(&tightest(left, kind, need, accepted)), 0)
        };
        let loss = (after as i64 - before as i64, slot as u16);
        if self.memo.losses.len() >= REMEMBERED {
            self.memo.losses.clear();
        }
        self.memo.losses.insert(key, loss);
        loss
    }

    fn leftover(&self, level: LevelId, need: &Need) -> Leftover {
        let Level { left, gauge, .. } = self.levels.get(level);
        let kind = &self.kinds[left.kind as usize];
        let dimensions: [(u64, u64, u64); 4] = [
            (need.total_gpu_milli(), gauge.milli, kind.gpu_milli),
            (need.cpu_milli.into(), left.cpu_milli.into(), kind.total.cpu_milli.into()),
            (need.memory_bytes, left.memory_bytes, kind.total.memory_bytes),
            (need.disk_bytes, left.disk_bytes, kind.total.disk_bytes),
        ];
        Leftover::of(dimensions)
    }

    /// The slots of the level's GPUs become those of the node's: of equal ones the lowest index.
    pub(super) fn spot(
        &mut self,
        best: &Candidate,
        class: ClassId,
        classes: &Classes,
        policy: Policy,
    ) -> Spot {
        let class_of = classes.get(class);
        let host = self.by_rank[best.rank as usize];
        if class_of.need.gpus == 0 {
            return Spot { host, slots: Vec::new() };
        }
        let aware = policy == Policy::FragmentationAware && is_share(&class_of.need);
        let least = if aware { Some(self.loss(best.level, class, class_of).1) } else { None };
        let left = &self.levels.get(best.level).left;
        let (kind, need) = (&self.kinds[left.kind as usize], &class_of.need);
        let accepted = self.terms[class as usize].accepted[left.kind as usize].unwrap_or_default();
        let chosen = match (least, policy) {
            (Some(slot), _) => Slots::from_slice(&[usize::from(slot)]),
            (None, Policy::Spread) => freest(left, kind, need, accepted),
            (None, _) => tightest(left, kind, need, accepted),
        };
        let on_host = self.host(host);
        let mut slots: Vec<u16> = Vec::with_capacity(chosen.len());
        for slot in chosen {
            let mut of_group = kind.groups[kind.group_of(slot)].slots.clone();
            let same =
                |other: &usize| on_host.gpus[*other] == left.gpus[slot] && !slots.contains(&(*other as u16));
            let found = of_group.find(same);
            slots.extend(found.map(|slot| slot as u16));
        }
        Spot { host, slots }
    }
}

fn is_share(need: &Need) -> bool {
    need.gpus == 1 && need.gpu_milli < WHOLE_MILLI
}

/// One slot for each different rest of a GPU that suffices.
fn shares<'a>(
    left: &'a Left,
    kind: &'a Kind,
    need: &'a Need,
    accepted: GroupMask,
) -> impl Iterator<Item = usize> + 'a {
    (0..left.gpus.len()).filter(move |slot| {
        let same_before = *slot > 0
            && kind.group_of(*slot) == kind.group_of(*slot - 1)
            && left.gpus[*slot] == left.gpus[*slot - 1];
        left.gpus[*slot] >= need.gpu_milli && kind.is_accepted(*slot, accepted) && !same_before
    })
}

/// Positions of GPUs.
type Slots = SmallVec<[usize; 8]>;

/// The slots with the least left that suffice.
fn tightest(left: &Left, kind: &Kind, need: &Need, accepted: GroupMask) -> Slots {
    let mut slots = freest_first(left, kind, need, accepted);
    slots.sort_by_key(|slot| left.gpus[*slot]);
    slots.truncate(need.gpus as usize);
    slots
}

fn freest(left: &Left, kind: &Kind, need: &Need, accepted: GroupMask) -> Slots {
    let mut slots = freest_first(left, kind, need, accepted);
    slots.sort_by_key(|slot| std::cmp::Reverse(left.gpus[*slot]));
    slots.truncate(need.gpus as usize);
    slots
}

fn freest_first(left: &Left, kind: &Kind, need: &Need, accepted: GroupMask) -> Slots {
    if need.gpus == 0 {
        return Slots::new();
    }
    (0..left.gpus.len())
        .filter(|slot| left.gpus[*slot] >= need.gpu_milli && kind.is_accepted(*slot, accepted))
        .collect()
}

/// What would be left on a node, as parts of what it has; less is better. Only what the job asks for counts: a disk
/// that nobody asks for would otherwise make all nodes look alike.
#[derive(Clone, Copy, Default)]
struct Leftover {
    /// What is left of that of which the job takes the largest share of this node: its dominant
    /// resource (Ghodsi et al., Dominant Resource Fairness, NSDI 2011). For a job with GPUs that is
    /// mostly those, so that nodes with few free GPUs fill up and others stay whole for larger jobs.
    dominant: f64,
    /// What is left of everything, where the dominant resource does not decide.
    sum: f64,
}

impl Leftover {
    /// Of what is asked for, free, and there in all.
    fn of(dimensions: [(u64, u64, u64); 4]) -> Self {
        let mut leftover = Self::default();
        let mut largest_share = 0.0;
        for (asked, free, capacity) in dimensions.into_iter().filter(|(asked, _, _)| *asked > 0) {
            let share = asked as f64 / capacity as f64;
            let left = (free - asked) as f64 / capacity as f64;
            if share > largest_share {
                largest_share = share;
                leftover.dominant = left;
            }
            leftover.sum += left;
        }
        leftover
    }

    fn reversed(self) -> Self {
        Self { dominant: -self.dominant, sum: -self.sum }
    }

    fn compare(&self, other: &Self) -> Ordering {
        self.dominant.total_cmp(&other.dominant).then(self.sum.total_cmp(&other.sum))
    }
}
