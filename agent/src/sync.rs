//! The one connection to the control plane: sync after sync, one at a time.
//!
//! A sync is held open until there is something to do. When something changes here meanwhile, the held
//! request is dropped and a new one sent: it carries everything, so what the old one would have brought
//! is asked for again.

use std::pin::Pin;
use std::time::Duration;

use lilac_api::agent::{SyncRequest, SyncResponse};
use lilac_api::client::{Client, ClientError};
use lilac_api::problem::ErrorCode;
use tokio::time::{Instant, timeout};

use crate::clock::{self, Millis};

/// The least time between two requests.
const SPACING: Duration = Duration::from_millis(10);
/// What the spacing grows to while requests are overtaken by changes before they are answered.
const MAX_SPACING: Duration = Duration::from_secs(1);
/// A request that was held for this long had its chance to be answered.
const HELD: Duration = Duration::from_millis(300);
/// An answer that comes this fast and says nothing new came too fast.
const TOO_FAST: Duration = Duration::from_millis(50);
/// How long an answer may take that was asked for at once.
const PROMPT_TIMEOUT: Duration = Duration::from_secs(5);

/// Waits between tries, the longer the more fail, with full jitter: a control plane that comes back
/// must not be met by all its agents at once.
#[derive(Clone, Copy, Debug, Default)]
pub struct Backoff {
    failures: u32,
}

impl Backoff {
    const FIRST: Duration = Duration::from_millis(200);
    const LONGEST: Duration = Duration::from_secs(5);

    /// How long to wait before the next try.
    pub fn pause(&mut self) -> Duration {
        let longest = Self::FIRST.saturating_mul(1 << self.failures.min(10)).min(Self::LONGEST);
        self.failures = self.failures.saturating_add(1);
        longest.mul_f64(rand::random_range(0.0..=1.0))
    }

    pub fn reset(&mut self) {
        self.failures = 0;
    }
}

/// The longest pause between tries while a lease has so much time left.
#[must_use]
pub fn hurried(left: Duration) -> Duration {
    (left / 4).max(Backoff::FIRST)
}

type Answer = Result<SyncResponse, ClientError>;

struct Flight {
    answer: Pin<Box<dyn Future<Output = Answer>>>,
    sent_at: Millis,
    sent: Instant,
    is_prompt: bool,
}

/// Sends syncs and hears their answers.
pub struct Courier {
    client: Client,
    flight: Option<Flight>,
    sequence: u64,
    /// Whether any sync of this session was answered. Until then all are the first: had the first one
    /// got lost, a second would look like a session that is not known any more.
    was_answered: bool,
    /// Something is to be said that the request under way does not say.
    has_news: bool,
    /// Requests ask to be answered at once, until one of them was: a request that overtakes another one has what
    /// that was for as well.
    wants_prompt: bool,
    spacing: Duration,
    last_sent: Option<Instant>,
    /// Nothing is sent before.
    retry_at: Option<Instant>,
    /// Nothing is sent before, unless there are news.
    quiet_until: Option<Instant>,
    empty_answers: u32,
    backoff: Backoff,
    is_failing: bool,
    /// The control plane refuses this agent's version.
    does_not_fit: bool,
}

/// What became of a sync.
pub enum Heard {
    Answer {
        sent_at: Millis,
        answer: SyncResponse,
        was_fast: bool,
    },
    /// It failed and is sent again.
    Nothing,
    /// The control plane wants no more of this agent.
    Halt(String),
}

impl Courier {
    #[must_use]
    pub fn new(client: Client) -> Self {
        Self {
            client,
            flight: None,
            sequence: 0,
            was_answered: false,
            has_news: false,
            wants_prompt: true,
            spacing: SPACING,
            last_sent: None,
            retry_at: None,
            quiet_until: None,
            empty_answers: 0,
            backoff: Backoff::default(),
            is_failing: false,
            does_not_fit: false,
        }
    }

    /// Something changed that is to be said without delay.
    pub fn tell(&mut self) {
        self.has_news = true;
    }

    /// Leases are needed: the next answer is wanted at once.
    pub fn renew(&mut self) {
        self.has_news = true;
        self.wants_prompt = true;
    }

    /// When the next request is to be sent; `None` while one is under way and nothing is new.
    #[must_use]
    pub fn due(&self) -> Option<Instant> {
        if self.flight.is_some() && !self.has_news {
            return None;
        }
        let now = Instant::now();
        let spaced = self.last_sent.map_or(now, |sent| sent + self.spacing);
        let quiet = if self.has_news { None } else { self.quiet_until };
        Some([self.retry_at, quiet].into_iter().flatten().fold(spaced, Instant::max))
    }

    /// Number and urgency of the request to be sent next.
    #[must_use]
    pub fn next_request(&self) -> (u64, bool) {
        (self.sequence, self.wants_prompt)
    }

    /// Sends a request in place of the one under way, if there is one.
    pub fn send(&mut self, request: SyncRequest) {
        let now = Instant::now();
        if let Some(overtaken) = self.flight.take() {
            // Under a storm of changes every request would be overtaken before it is answered.
            let held = now.duration_since(overtaken.sent) >= HELD;
            self.spacing = if held { SPACING } else { (self.spacing * 2).min(MAX_SPACING) };
        }
        let client = self.client.clone();
        let is_prompt = request.no_wait;
        let sent_at = clock::boot_ms();
        let answer = Box::pin(async move {
            if !is_prompt {
                return client.sync(&request).await;
            }
            let late = || ClientError::Broken {
                url: client.base_url().to_owned(),
                message: "no answer in time".to_owned(),
            };
            timeout(PROMPT_TIMEOUT, client.sync(&request)).await.unwrap_or_else(|_| Err(late()))
        });
        self.flight = Some(Flight { answer, sent_at, sent: now, is_prompt });
        self.last_sent = Some(now);
        self.has_news = false;
        if self.was_answered {
            self.sequence += 1;
        }
    }

    /// Waits for the answer to the request under way; for ever if there is none.
    pub async fn heard(&mut self) -> Heard {
        let Some(flight) = &mut self.flight else { return std::future::pending().await };
        let answer = flight.answer.as_mut().await;
        let (sent_at, held, is_prompt) = (flight.sent_at, flight.sent.elapsed(), flight.is_prompt);
        let was_fast = !is_prompt && held < TOO_FAST;
        self.flight = None;
        match answer {
            Ok(answer) => {
                self.wants_prompt &= !is_prompt;
                if !self.was_answered {
                    self.was_answered = true;
                    self.sequence = 1;
                    tracing::info!(server = self.client.base_url(), "connected to the control plane");
                } else if self.is_failing {
                    tracing::info!(server = self.client.base_url(), "the control plane answers again");
                }
                self.is_failing = false;
                self.does_not_fit = false;
                self.spacing = SPACING;
                self.retry_at = None;
                self.backoff.reset();
                Heard::Answer { sent_at, answer, was_fast }
            }
            Err(error) => self.failed(&error),
        }
    }

    fn failed(&mut self, error: &ClientError) -> Heard {
        if error.code() == Some(ErrorCode::Fenced) {
            return Heard::Halt(format!("another agent has taken this node's place: {error}"));
        }
        let pause = self.backoff.pause();
        // Whichever of the two is upgraded next, it goes on then: a release in between must cost no job.
        let does_not_fit = error.code() == Some(ErrorCode::UpgradeRequired);
        if does_not_fit && !self.does_not_fit {
            tracing::error!(%error, "this agent does not fit the control plane; jobs run on until their leases end");
        } else if self.is_failing {
            tracing::debug!(%error, retry_in_ms = pause.as_millis(), "the control plane still does not answer");
        } else {
            tracing::warn!(%error, "the control plane does not answer; jobs run on until their leases end");
        }
        self.does_not_fit = does_not_fit;
        self.is_failing = true;
        self.wants_prompt = true;
        self.retry_at = Some(Instant::now() + pause);
        Heard::Nothing
    }

    /// A lease has so much time left: whatever the pauses have grown to, there is to be time for several more tries.
    pub fn hurry(&mut self, left: Duration) {
        let latest = Instant::now() + hurried(left);
        self.retry_at = self.retry_at.map(|at| at.min(latest));
    }

    /// Whether the answer just heard changed anything. A control plane that answers and answers and has
    /// nothing to say is asked less and less often.
    pub fn note_effect(&mut self, was_fast: bool, had_effect: bool) {
        self.empty_answers = if was_fast && !had_effect { self.empty_answers + 1 } else { 0 };
        let pause = TOO_FAST.saturating_mul(1 << self.empty_answers.min(8)).min(Backoff::LONGEST);
        self.quiet_until = (self.empty_answers > 0).then(|| Instant::now() + pause);
    }
}
