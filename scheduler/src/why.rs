//! Why a class of jobs waits: what stands against each of the resources that would do, and the nodes that are kept for
//! others.

use chrono::{DateTime, SecondsFormat};
use lilac_api::JobId;
use lilac_api::job::Reason;

use crate::class::ClassId;
use crate::explain::{Dimension, explain, has_room, takes_now};
use crate::ledger::{LaneIndex, QueueIndex};
use crate::reserve::Reservation;
use crate::room::Room;
use crate::shape::Shape;
use crate::state::State;

/// A code and its sentence.
pub(crate) type Refusal = (Reason, String);

impl State {
    /// What stands against a class; `None` where there is room that is kept for nobody. Of several resources that would
    /// do, what time mends is told before what it does not.
    pub(crate) fn why_not(&self, class: ClassId, rooms: &[Room<'_>]) -> Option<Refusal> {
        let mut told: Option<Refusal> = None;
        let options = self.classes.get(class).options(class).count();
        for option in self.classes.get(class).options(class) {
            let shape = self.classes.get(option).shape();
            let found =
                if has_room(rooms, &shape) { self.kept_from(&shape, rooms)? } else { explain(rooms, &shape) };
            if told.as_ref().is_none_or(|(reason, _)| rank(found.0) < rank(*reason)) {
                told = Some(found);
            }
        }
        match options {
            1 => told,
            _ => told.map(|(reason, message)| {
                (reason, format!("{message}; none of the {options} resources that would do has room"))
            }),
        }
    }

    /// Where there is room on nodes that are kept, and only there: for whom, and until when.
    fn kept_from(&self, shape: &Shape<'_>, rooms: &[Room<'_>]) -> Option<Refusal> {
        let (one, node) = self.keeper(shape, rooms)?;
        let until = match one.until_ms.and_then(DateTime::from_timestamp_millis) {
            Some(at) => format!("until {}", at.to_rfc3339_opts(SecondsFormat::Secs, true)),
            None => "as its nodes empty".to_owned(),
        };
        let message = format!(
            "node {node} has room, which is kept {until} for a job that goes first and would be delayed"
        );
        Some((Reason::ReservedForHigher, message))
    }

    /// The reservation on whose nodes there is room for a shape, where there is none elsewhere; and the first such node.
    pub(crate) fn keeper<'r>(
        &self,
        shape: &Shape<'_>,
        rooms: &'r [Room<'_>],
    ) -> Option<(&Reservation, &'r str)> {
        let asked = Dimension::asked_by(shape);
        let keeper = |room: &Room<'_>| {
            let host = self.fleet.host_of(room.node.id)?;
            self.reserve.list.iter().find(|one| one.hosts.contains(&host))
        };
        let mut fitting = rooms.iter().filter(|room| takes_now(room, shape, &asked));
        if shape.nodes > 1 {
            // Without those that are kept there are too few.
            return fitting.find_map(|room| Some((keeper(room)?, room.node.name.as_str())));
        }
        let first = fitting.next()?;
        let kept = (keeper(first)?, first.node.name.as_str());
        fitting.all(|room| keeper(room).is_some()).then_some(kept)
    }

    /// The job for which nodes are kept that have room for this class, and when that ends.
    pub(crate) fn kept_for(&self, class: ClassId, rooms: &[Room<'_>]) -> Option<(JobId, Option<i64>)> {
        let mut options = self.classes.get(class).options(class);
        let (one, _) = options.find_map(|option| self.keeper(&self.classes.get(option).shape(), rooms))?;
        Some((self.rows[self.holder(one)? as usize].id, one.until_ms))
    }

    /// Which quota a job is over, whatever of what would do it is given.
    pub(crate) fn over_quota(&self, queue: QueueIndex, lane: LaneIndex, class: ClassId) -> Option<String> {
        let rules = &self.queues[queue as usize].queue;
        let over = |option| self.ledger.explain(queue, lane, rules, &self.classes.get(option).total);
        let mut options = self.classes.get(class).options(class);
        let first = over(options.next()?)?;
        options.all(|option| over(option).is_some()).then_some(first)
    }
}

/// What time mends comes first.
fn rank(reason: Reason) -> u8 {
    match reason {
        Reason::ReservedForHigher => 0,
        Reason::GangIncomplete | Reason::WaitingForGpus | Reason::WaitingForCapacity => 1,
        Reason::NodeDown => 2,
        Reason::ExceedsAnyNode => 3,
        _ => 4,
    }
}
