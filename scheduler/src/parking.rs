//! Classes that wait for room, found by what they need: where something ended on a node, only those that could go
//! there are tried again.
//!
//! Classes of like needs stand together in blocks, each with the least that one of its classes needs: a look at what
//! is free on a node passes over all blocks that need more. How many classes could go there is not counted to the
//! end. While they stand in few lines they are named, with these lines; of many, nearly every line has one among its
//! first.

use smallvec::SmallVec;

use crate::class::{ClassId, Classes, Need};
use crate::fleet::{Fleet, Free, HostId};
use crate::ledger::LaneIndex;

/// Classes of a block: one bit each says whether it is parked.
const BLOCK: usize = 64;
/// So many classes that could go to a node are named, while they stand in so many lines at most; more of them are looked for
/// from the front of each line.
const FEW: usize = 64;
const LINES: usize = 4_096;

/// Classes that are named.
type Few = SmallVec<[ClassId; 16]>;

/// Which classes wait for room, and which of them may have it again.
#[derive(Default)]
pub(crate) struct Parking {
    blocks: Vec<Block>,
    /// By slot.
    classes: Vec<ClassId>,
    needs: Vec<Need>,
    /// By class.
    slots: Vec<u32>,
    /// How many jobs of a class stand in line.
    waiting: Vec<u32>,
    /// The lanes in which jobs of a class stand that wait for no quota.
    lanes: Vec<Vec<LaneIndex>>,
    /// The wake in which a class was last tried in vain.
    refused: Vec<u32>,
    wake: u32,
    /// How many classes stood in order when they were last put in order.
    arranged: usize,
    /// Nodes where something ended, with what could go there.
    places: Vec<Place>,
    /// Parked classes that are tried again wherever they may fit: on nodes that are kept for others.
    also: Vec<ClassId>,
}

struct Block {
    least: Need,
    parked: u64,
}

struct Place {
    host: HostId,
    free: Free,
    /// Those of the slots that were looked at so far; and in how many lines they stood then.
    few: Few,
    lines: usize,
    /// The first slot that was not. In a wake a node only gets fuller: what did not fit need not be looked at again.
    next: usize,
}

/// The parked classes that may fit again.
pub(crate) enum Roused {
    Nobody,
    Few(Few),
    Many,
}

impl Parking {
    /// A class that is new stands at the end, until there are enough of them to put all in order.
    pub(crate) fn enter(&mut self, class: ClassId, classes: &Classes) {
        if (class as usize) < self.slots.len() {
            return;
        }
        // Of several resources that would do, it needs no less than the least.
        let needs = classes.get(class).options(class).map(|option| classes.get(option).need);
        let need = needs.reduce(|one, other| least(&one, &other)).unwrap_or_default();
        self.slots.push(self.classes.len() as u32);
        self.waiting.push(0);
        self.lanes.push(Vec::new());
        self.refused.push(0);
        self.classes.push(class);
        self.needs.push(need);
        self.enter_block(need, false);
        if self.classes.len() > BLOCK + self.arranged + self.arranged / 4 {
            self.arrange();
        }
    }

    /// The class that was entered last, in its block.
    fn enter_block(&mut self, need: Need, is_parked: bool) {
        let bit = (self.classes.len() - 1) % BLOCK;
        if bit == 0 {
            self.blocks.push(Block { least: need, parked: 0 });
        }
        if let Some(block) = self.blocks.last_mut() {
            block.least = least(&block.least, &need);
            block.parked |= u64::from(is_parked) << bit;
        }
    }

    /// Puts classes of like needs together: halved again and again, by one thing and then by another.
    fn arrange(&mut self) {
        let parked: Vec<bool> = self.classes.iter().map(|class| self.is_parked(*class)).collect();
        let mut all: Vec<(Need, ClassId, bool)> = (0..self.classes.len())
            .map(|slot| (self.needs[slot], self.classes[slot], parked[slot]))
            .collect();
        halve(&mut all, 0);
        self.arranged = all.len();
        self.places.iter_mut().for_each(|place| (place.few, place.lines, place.next) = (Few::new(), 0, 0));
        self.blocks.clear();
        self.classes.clear();
        self.needs.clear();
        for (need, class, is_parked) in all {
            self.slots[class as usize] = self.classes.len() as u32;
            self.classes.push(class);
            self.needs.push(need);
            self.enter_block(need, is_parked);
        }
    }

    pub(crate) fn is_parked(&self, class: ClassId) -> bool {
        let slot = self.slots[class as usize] as usize;
        self.blocks[slot / BLOCK].parked >> (slot % BLOCK) & 1 == 1
    }

    /// The class fits nowhere: it is not tried again in this wake.
    pub(crate) fn park(&mut self, class: ClassId) {
        let slot = self.slots[class as usize] as usize;
        self.blocks[slot / BLOCK].parked |= 1 << (slot % BLOCK);
        self.refused[class as usize] = self.wake;
        self.also.retain(|other| *other != class);
        let slots = self.classes.len();
        self.places.retain_mut(|place| {
            place.few.retain(|other| *other != class);
            !place.few.is_empty() || place.next < slots
        });
    }

    pub(crate) fn unpark_all(&mut self) {
        self.blocks.iter_mut().for_each(|block| block.parked = 0);
        self.places.clear();
        self.also.clear();
    }

    /// One more job of the class stands in line, or one less.
    pub(crate) fn count(&mut self, class: ClassId, more: i32) {
        let waiting = &mut self.waiting[class as usize];
        *waiting = waiting.saturating_add_signed(more);
    }

    /// From now on jobs of a class stand in a lane and wait for no quota.
    pub(crate) fn joins(&mut self, class: ClassId, lane: LaneIndex) {
        self.lanes[class as usize].push(lane);
    }

    pub(crate) fn leaves(&mut self, class: ClassId, lane: LaneIndex) {
        let lanes = &mut self.lanes[class as usize];
        if let Some(position) = lanes.iter().rposition(|other| *other == lane) {
            lanes.swap_remove(position);
        }
    }

    /// The lanes in which jobs of a class stand that wait for no quota.
    pub(crate) fn lanes(&self, class: ClassId) -> &[LaneIndex] {
        &self.lanes[class as usize]
    }

    /// A parked class is tried again, until it is refused.
    pub(crate) fn rouse(&mut self, class: ClassId) {
        if !self.also.contains(&class) {
            self.also.push(class);
        }
    }

    /// What was refused is tried again, as far as it could go to one of these nodes.
    pub(crate) fn wake(&mut self, hosts: &[HostId], fleet: &Fleet, classes: &Classes) {
        if hosts.is_empty() {
            return;
        }
        self.wake += 1;
        for host in hosts {
            self.places.retain(|place| place.host != *host);
            self.look(*host, Few::new(), 0, fleet, classes);
        }
    }

    /// Something was placed on a node.
    pub(crate) fn taken(&mut self, host: HostId, fleet: &Fleet, classes: &Classes) {
        if let Some(position) = self.places.iter().position(|place| place.host == host) {
            let Place { few, next, .. } = self.places.swap_remove(position);
            self.look(host, few, next, fleet, classes);
        }
    }

    /// All that could be tried was. What could go somewhere and was not tried is held up by something else than room:
    /// these classes are parked no more.
    pub(crate) fn rest(&mut self, fleet: &Fleet, classes: &Classes) -> Vec<ClassId> {
        let mut untried = std::mem::take(&mut self.also);
        for mut place in std::mem::take(&mut self.places) {
            self.look_on(&mut place, (usize::MAX, usize::MAX), fleet, classes);
            untried.extend(place.few);
        }
        untried.sort_unstable();
        untried.dedup();
        untried.iter().for_each(|class| self.unpark(*class));
        untried
    }

    fn unpark(&mut self, class: ClassId) {
        let slot = self.slots[class as usize] as usize;
        self.blocks[slot / BLOCK].parked &= !(1 << (slot % BLOCK));
    }

    /// The one node where a parked class fits, where there is but one to look at: it fits nowhere else.
    pub(crate) fn only_place(&self, class: ClassId) -> Option<HostId> {
        match self.places.as_slice() {
            [place] if self.is_parked(class) && !self.also.contains(&class) => Some(place.host),
            _ => None,
        }
    }

    /// Looks for classes that could go to a node: of those that were found before, and from a slot on.
    fn look(&mut self, host: HostId, mut few: Few, next: usize, fleet: &Fleet, classes: &Classes) {
        let Some(free) = fleet.free_on(host) else { return };
        few.retain(|class| {
            free.holds(&self.needs[self.slots[*class as usize] as usize])
                && fleet.fits_on(host, *class, classes)
        });
        let lines = few.iter().map(|class| self.lanes(*class).len()).sum();
        let mut place = Place { host, free, few, lines, next };
        self.look_on(&mut place, (FEW, LINES), fleet, classes);
        // One of whom nobody waits is tried when somebody comes.
        while let Some(idle) = place.few.iter().position(|class| self.waiting[*class as usize] == 0) {
            self.unpark(place.few.swap_remove(idle));
            self.look_on(&mut place, (FEW, LINES), fleet, classes);
        }
        if !place.few.is_empty() {
            self.places.push(place);
        }
    }

    /// Adds parked classes that could go to a node, until they are more than so many, or stand in more lines than that.
    fn look_on(&self, place: &mut Place, most: (usize, usize), fleet: &Fleet, classes: &Classes) {
        let Place { host, free, few, lines, next } = place;
        while few.len() <= most.0 && *lines <= most.1 && *next < self.classes.len() {
            let block = &self.blocks[*next / BLOCK];
            let bits = block.parked >> (*next % BLOCK);
            if bits == 0 || !free.holds(&block.least) {
                *next = (*next / BLOCK + 1) * BLOCK;
                continue;
            }
            *next += bits.trailing_zeros() as usize;
            let (slot, class) = (*next, self.classes[*next]);
            if free.holds(&self.needs[slot])
                && self.refused[class as usize] != self.wake
                && fleet.fits_on(*host, class, classes)
            {
                few.push(class);
                *lines += self.lanes(class).len();
            }
            *next += 1;
        }
    }

    pub(crate) fn roused(&self) -> Roused {
        let mut all = Few::from_slice(&self.also);
        let mut lines: usize = self.also.iter().map(|class| self.lanes(*class).len()).sum();
        for place in &self.places {
            lines += place.lines;
            if self.is_many(place) || lines > LINES {
                return Roused::Many;
            }
            all.extend_from_slice(&place.few);
        }
        if self.places.len() + self.also.len() > 1 {
            all.sort_unstable();
            all.dedup();
        }
        if all.is_empty() { Roused::Nobody } else { Roused::Few(all) }
    }

    /// Whether there may be more than were found.
    fn is_many(&self, place: &Place) -> bool {
        place.next < self.classes.len()
    }

    /// Whether a parked class may fit again.
    pub(crate) fn is_roused(&self, class: ClassId, fleet: &Fleet, classes: &Classes) -> bool {
        let need = &self.needs[self.slots[class as usize] as usize];
        let fits = |place: &Place| match self.is_many(place) {
            true => place.free.holds(need) && fleet.fits_on(place.host, class, classes),
            false => place.few.contains(&class),
        };
        self.also.contains(&class)
            || self.refused[class as usize] != self.wake && self.places.iter().any(fits)
    }
}

fn least(one: &Need, other: &Need) -> Need {
    // The GPUs of a block are compared by their sum only.
    let gpus = if one.total_gpu_milli() <= other.total_gpu_milli() { one } else { other };
    Need {
        cpu_milli: one.cpu_milli.min(other.cpu_milli),
        gpus: gpus.gpus,
        gpu_milli: gpus.gpu_milli,
        memory_bytes: one.memory_bytes.min(other.memory_bytes),
        disk_bytes: one.disk_bytes.min(other.disk_bytes),
    }
}

fn halve(part: &mut [(Need, ClassId, bool)], depth: usize) {
    if part.len() <= BLOCK {
        return;
    }
    let middle = (part.len() / 2).next_multiple_of(BLOCK).min(part.len() - 1);
    part.select_nth_unstable_by_key(middle, |(need, class, _)| {
        let by = match depth % 3 {
            0 => need.total_gpu_milli(),
            1 => need.cpu_milli.into(),
            _ => need.memory_bytes,
        };
        (by, *class)
    });
    let (low, high) = part.split_at_mut(middle);
    halve(low, depth + 1);
    halve(high, depth + 1);
}
