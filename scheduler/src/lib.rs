//! Lilac's scheduler as a pure function: a [`Snapshot`] of the fleet and of what waits goes in, a
//! [`Plan`] comes out.
//!
//! There is no IO, no clock and no ambient randomness, so that a plan can be tested by the million,
//! replayed from a snapshot, and explained. Equal input gives an equal plan, in whatever order the
//! snapshot's vectors are. The caller applies a plan and verifies every placement again when it does:
//! the world may have moved since the snapshot was taken.
//!
//! The core is a [`State`], which is told what changes and remembers what it found out: a cycle then costs what has
//! changed. [`plan`] makes one from nothing and asks it once.
//!
//! Jobs are taken one by one: by the priority of their queue (higher first), by their queue's share of the
//! fleet for its weight (the least first), by their own priority (higher first), by their user's share, by the
//! time they were submitted, by id. Queues of equal priority therefore share by weight, and users inside a queue
//! evenly. No job is placed over a quota of its queue or user. Each job gets a node in the first of its queue's
//! clusters that has one with room; the cluster's policy chooses between several.
//!
//! A job on several nodes gets all of its places at once, in one cluster. One with alternatives is placed with the
//! first of its resources that there is room for.
//!
//! Of every eight jobs that a queue starts one is that which has waited longest, once that is an hour: so priorities and
//! shares hold nobody back for ever. See `age.rs`.
//!
//! The order is no strict queue: a job that does not fit does not block the smaller ones behind it. So that a stream of
//! small jobs does not hold back a large one, nodes are kept for the first in turn that found no room in each cluster,
//! and the others fill in only where that delays nobody. `reserve/` tells the rule. What fits nowhere may take the place
//! of what may be put back: [`State::preempt`]. It takes no node that is kept from it, and what it takes is kept for it
//! alone.

mod age;
mod class;
mod estimates;
mod evidence;
mod explain;
mod fleet;
mod follow;
mod foresee;
mod gang;
mod gpu;
mod inquiry;
mod ledger;
mod line;
mod parking;
mod plan;
mod policy;
mod preempt;
mod ranks;
mod remedy;
mod reserve;
mod room;
mod shape;
mod snapshot;
mod state;
mod why;
mod words;

pub use estimates::{Estimates, Outcome};
pub use foresee::Foreseen;
pub use inquiry::{Explanation, Inquiry};
pub use plan::{Part, Placement, Plan, Waiting, plan, plan_with};
pub use policy::Policy;
pub use preempt::{Preemption, awaits_place};
pub use reserve::{Kept, Reserved};
pub use snapshot::{
    Alternative, Availability, Bounds, Cluster, Held, Job, Node, NodeGpu, NodeImages, Queue, Snapshot,
};
pub use state::State;
