//! When a job will start, if nothing else arrives: what runs is let end, one by one, and the planner is asked each
//! time. Afterwards the state is as it was. It is the same planner, so no second opinion on whose turn it is.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use lilac_api::JobId;
use rustc_hash::FxHashSet;

use crate::class::ClassId;
use crate::fleet::HostId;
use crate::gang::Spots;
use crate::ledger::LaneIndex;
use crate::line::Row;
use crate::state::State;

/// So many ends and starts are followed at most; what lies further off is not foreseen.
const STEPS: usize = 20_000;
/// The most jobs that are named as what it waits for.
const NAMED: usize = 10;

/// When a job starts, and after what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Foreseen {
    /// Milliseconds since the Unix epoch.
    pub at_ms: i64,
    /// Jobs that run now and have to end first: those on the nodes that it gets, or, where none has to, those of its
    /// queue. The one that ends first comes first.
    pub after: Vec<JobId>,
}

/// What has to be undone.
#[derive(Default)]
struct Trial {
    /// Ran before, and ended here: with its place.
    ended: Vec<(Row, ClassId, Spots)>,
    /// Waited before, and started here.
    started: Vec<Row>,
    is_started: FxHashSet<JobId>,
}

impl State {
    /// When a job that waits starts, where each job that runs ends when `ends` says and those that start meanwhile
    /// take as long as `length_ms` says. `None` where that does not come, or not within what is looked at: a job
    /// without an end, or one whose length is not known, keeps its place for ever. Jobs in a backoff stay out of it.
    pub fn foresee(
        &mut self,
        job: JobId,
        ends: &[(i64, JobId)],
        length_ms: impl Fn(JobId) -> Option<i64>,
    ) -> Option<Foreseen> {
        let row = *self.row_of.get(&job)?;
        let queue = self.lanes[self.rows[row as usize].lane as usize].queue;
        let later = std::mem::take(&mut self.later);
        let (kept, ages, now_ms) = (self.kept(), self.ages.clone(), self.now_ms);
        self.yielding.is_frozen = true;
        let mut trial = Trial::default();
        let found = self.let_end(job, ends, length_ms, &mut trial);
        let found = found.map(|(at_ms, hosts)| {
            let id = |row: &Row| self.rows[*row as usize].id;
            let is_there = |spots: &Spots| spots.iter().any(|spot| hosts.contains(&spot.host));
            let on_hosts =
                trial.ended.iter().filter(|(_, _, spots)| is_there(spots)).map(|(row, _, _)| id(row));
            let mut after: Vec<JobId> = on_hosts.collect();
            if after.is_empty() {
                let queue_of = |row: &Row| self.lanes[self.rows[*row as usize].lane as usize].queue;
                let of_queue = trial.ended.iter().map(|(row, _, _)| row).filter(|row| queue_of(row) == queue);
                after = of_queue.map(id).collect();
            }
            after.drain(..after.len().saturating_sub(NAMED));
            Foreseen { at_ms, after }
        });
        self.roll_back(trial);
        self.put_back(kept);
        (self.ages, self.now_ms) = (ages, now_ms);
        self.yielding.is_frozen = false;
        self.later = later;
        found
    }

    fn let_end(
        &mut self,
        job: JobId,
        ends: &[(i64, JobId)],
        length_ms: impl Fn(JobId) -> Option<i64>,
        trial: &mut Trial,
    ) -> Option<(i64, Vec<HostId>)> {
        let mut ends: BinaryHeap<Reverse<(i64, JobId)>> = ends.iter().copied().map(Reverse).collect();
        let mut steps = 0;
        while let Some(Reverse((at_ms, id))) = ends.pop() {
            steps += 1;
            if let Some(row) = self.row_of.get(&id).copied()
                && let Some(spots) = self.spots(row)
            {
                let class = self.held_class(row);
                self.give_back(row);
                if !trial.is_started.contains(&id) {
                    trial.ended.push((row, class, spots));
                }
            }
            // What ends at the same moment ends together.
            if ends.peek().is_some_and(|Reverse((next, _))| *next == at_ms) {
                continue;
            }
            let mut found = None;
            // All of them are noted, also those after it: all are to be undone.
            for placement in self.schedule(at_ms, STEPS) {
                steps += 1;
                let row = self.row_of[&placement.job];
                trial.started.push(row);
                trial.is_started.insert(placement.job);
                if placement.job == job {
                    let spots = self.spots(row).unwrap_or_default();
                    found = Some((at_ms, spots.iter().map(|spot| spot.host).collect()));
                }
                let length = length_ms(placement.job);
                ends.extend(length.map(|length| Reverse((at_ms.saturating_add(length), placement.job))));
            }
            if found.is_some() || steps > STEPS {
                return found;
            }
        }
        None
    }

    fn roll_back(&mut self, trial: Trial) {
        for row in trial.started {
            self.give_back(row);
            self.line_up(row);
        }
        for (row, class, spots) in trial.ended {
            if class != self.rows[row as usize].class {
                self.chosen.insert(row, class);
            }
            self.hold_spots(row, spots);
        }
        // What was found out meanwhile about room and quotas holds no more.
        self.has_new_room = true;
        (0..self.lanes.len() as LaneIndex).for_each(|lane| self.uncap(lane));
    }
}
