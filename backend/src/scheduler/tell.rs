//! Tells jobs why they wait: in words that are stored, so that lists and pages show them without asking the scheduler.
//!
//! Those that come next are told, as many as people look at; with a million waiting, to tell each would be more work
//! than to place it. Whoever asks for one that stands further behind is answered from memory (`explain`).

use std::collections::HashMap;
use std::time::{Duration, Instant};

use lilac_api::JobId;
use lilac_api::job::Reason;

use super::apply;
use super::leader::Term;
use super::world::World;
use crate::app::App;
use crate::error::ApiResult;
use crate::training_job::transitions::Waiting;

/// The first so many jobs of the line are told.
const TOLD: usize = 5_000;
/// So many shapes are looked into at a time: each costs a look at all nodes.
const LOOKS: usize = 200;
/// Words that tell a job why it waits are renewed at most this often while the reason stays the same.
const WORDS_EVERY: Duration = Duration::from_secs(10);
/// Telling may take this part of the time, as one in so many.
const SHARE: u32 = 10;
/// However quick it is, it is not done more often. Whoever comes first after a while is told at once.
const TELL_AFTER: Duration = Duration::from_millis(250);

/// What jobs were told, and when.
#[derive(Default)]
pub struct Telling {
    told: HashMap<JobId, Told>,
    next: Option<Instant>,
    /// Something is left to be told.
    is_due: bool,
}

struct Told {
    reason: Reason,
    message: String,
    at: Instant,
}

impl Telling {
    /// Whether it is time to tell somebody something. To be asked once, before [`Telling::tell`].
    pub fn is_time(&mut self, world: &mut World) -> bool {
        for job in world.take_anew() {
            self.told.remove(&job);
            self.is_due = true;
        }
        world.count_waiting() > 0 && self.next.is_none_or(|next| next <= Instant::now())
    }

    /// Stores the reasons that are news. Work that was done for it since a time counts as its own.
    pub async fn tell(&mut self, app: &App, term: Term, world: &World, since: Instant) -> ApiResult<()> {
        let now = Instant::now();
        let news = self.news(world, now);
        apply::reasons(app, term, &news).await?;
        for one in news {
            let told = Told { reason: one.reason, message: one.message, at: now };
            self.told.insert(one.job_id, told);
        }
        self.next = Some(Instant::now() + (since.elapsed() * SHARE).max(TELL_AFTER));
        Ok(())
    }

    fn news(&mut self, world: &World, now: Instant) -> Vec<Waiting> {
        let mut inquiry = world.ask();
        let line = inquiry.line(TOLD);
        let mut news = Vec::new();
        self.is_due = false;
        for job in &line {
            let told = self.told.get(job);
            let is_fresh = told.is_some_and(|told| now.duration_since(told.at) < WORDS_EVERY);
            if inquiry.looks() >= LOOKS {
                self.is_due = true;
                break;
            }
            let Some((reason, message)) = inquiry.why(*job) else { continue };
            let is_known =
                told.is_some_and(|told| told.reason == reason && (is_fresh || told.message == message));
            if let Some(epoch) = world.waiting_epoch(*job).filter(|_| !is_known) {
                news.push(Waiting { job_id: *job, epoch, reason, message });
            }
        }
        if self.told.len() > 2 * TOLD {
            self.told.retain(|job, _| world.waiting_epoch(*job).is_some());
            // What waits and is told of no more is told again should it come up again.
            if self.told.len() > 4 * TOLD {
                self.told.clear();
            }
        }
        news
    }

    /// How long until there is something to tell, where that is known.
    pub fn due_in(&self) -> Option<Duration> {
        let next = self.next.filter(|_| self.is_due)?;
        Some(next.saturating_duration_since(Instant::now()))
    }
}
