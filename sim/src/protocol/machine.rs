//! What an agent stands on: a machine with clocks of its own, a disk that may lose what was not yet safe, a Docker
//! daemon, containers that outlive both, and the init in each of them.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};
use lilac_agent::clock::{Millis, Moment};
use lilac_agent::core::Exit;
use lilac_agent::journal::{Entry, ExitNote, Intent, StopNote};
use lilac_agent::log_spool::{Sum, Told};
use lilac_api::ids::{AttemptId, JobId};
use uuid::Uuid;

use super::random::Random;

/// Milliseconds of the time that nobody in the world can read.
pub type Ms = i64;

/// Wall time at the beginning of the world.
fn beginning() -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::days(20_000)
}

/// A clock that runs too fast, by so many millionths.
pub fn drifted(elapsed: Ms, ppm: i64) -> Ms {
    elapsed + elapsed * ppm / 1_000_000
}

/// A wall clock.
pub fn wall(now: Ms, ppm: i64, offset: Ms) -> DateTime<Utc> {
    beginning() + TimeDelta::milliseconds(drifted(now, ppm) + offset)
}

#[derive(Debug)]
pub struct Machine {
    pub booted_at: Ms,
    pub boot_id: Uuid,
    pub ppm: i64,
    /// How far its wall clock is off.
    pub offset: Ms,
    pub is_on: bool,
    /// Whether messages to and from the control plane get through.
    pub is_linked: bool,
    /// What had befallen it that may cost a container.
    pub excuse: Option<&'static str>,
    /// A second agent had its identity.
    pub is_copied: bool,
    /// How long it was out of touch, all in all.
    pub outage_ms: Ms,
    /// Until when something is amiss that may hold up what is done there.
    pub trouble_until: Ms,
    pub off_since: Ms,
}

impl Machine {
    pub fn moment(&self, now: Ms) -> Moment {
        let boot_ms = drifted(now - self.booted_at, self.ppm) + 1_000;
        Moment { boot_ms: Millis::try_from(boot_ms).unwrap_or(0), wall: wall(now, self.ppm, self.offset) }
    }

    /// When its boot clock shows that time, or a little later.
    pub fn when(&self, boot_ms: Millis) -> Ms {
        let elapsed = i64::try_from(boot_ms).unwrap_or(i64::MAX / 4).min(i64::MAX / 4_000_000) - 1_000;
        let mut at = self.booted_at + elapsed - elapsed * self.ppm / 1_000_000 - 1 - elapsed.abs() / 30_000;
        while self.moment(at).boot_ms < boot_ms {
            at += 1;
        }
        at
    }
}

/// What the agent wrote of one attempt, and what of it a power cut leaves.
#[derive(Clone, Debug)]
pub struct Stored {
    pub entry: Entry,
    /// Its intent, under its name.
    pub is_named: bool,
    pub created_is_safe: bool,
    pub stop_is_safe: bool,
    pub exit_is_safe: bool,
}

/// The folders of one installation of the agent.
#[derive(Debug, Default)]
pub struct Disk {
    pub journal: BTreeMap<AttemptId, Stored>,
    /// The lease files; on a tmpfs.
    pub leases: BTreeMap<AttemptId, Millis>,
    /// Whose code was begun: their inits have written it into their logs.
    pub begun: BTreeSet<AttemptId>,
    /// How their code ended, where their inits could still say.
    pub told: BTreeMap<AttemptId, Told>,
    /// Who took the port where the ranks of a gang meet.
    pub ports: BTreeSet<AttemptId>,
}

impl Disk {
    pub fn save_intent(&mut self, intent: Intent) {
        let id = intent.attempt_id;
        let entry = Entry { intent, created: false, stop: None, exit: None };
        let stored = Stored {
            entry,
            is_named: false,
            created_is_safe: false,
            stop_is_safe: false,
            exit_is_safe: false,
        };
        self.journal.insert(id, stored);
    }

    pub fn note_created(&mut self, id: AttemptId) {
        if let Some(stored) = self.journal.get_mut(&id) {
            stored.entry.created = true;
        }
    }

    /// What the init has written of an attempt, as its agent reads it.
    pub fn log(&self, id: AttemptId) -> Sum {
        let (begun, told) = (self.begun.contains(&id), self.told.get(&id).cloned());
        Sum { begun, told, ..Sum::default() }
    }

    pub fn note_stop(&mut self, id: AttemptId, note: StopNote) {
        if let Some(stored) = self.journal.get_mut(&id) {
            stored.entry.stop = Some(note);
        }
    }

    /// Safe with its name, and so is all that the folder holds.
    pub fn write_exit(&mut self, id: AttemptId, exit: ExitNote) {
        if let Some(stored) = self.journal.get_mut(&id) {
            stored.entry.exit = Some(exit);
            stored.exit_is_safe = true;
            stored.is_named = true;
        }
    }

    /// What a power cut leaves.
    pub fn cut_power(&mut self, random: &mut Random, keeps_leases: bool) {
        if !keeps_leases {
            self.leases.clear();
        }
        self.journal.retain(|_, stored| stored.is_named || random.chance(500));
        for stored in self.journal.values_mut() {
            if !stored.created_is_safe && random.chance(500) {
                stored.entry.created = false;
            }
            if !stored.stop_is_safe && random.chance(500) {
                stored.entry.stop = None;
            }
            if !stored.exit_is_safe && random.chance(500) {
                stored.entry.exit = None;
            }
            // What is there after a power cut has been on the disk.
            (stored.is_named, stored.created_is_safe) = (true, true);
            (stored.stop_is_safe, stored.exit_is_safe) = (true, true);
        }
    }
}

/// How a container ended, as the world knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The user's code ended by itself, or upon a signal that the user's code was sent.
    Own,
    /// Somebody of the platform killed it.
    Killed,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    Created,
    /// Docker starts it.
    Starting,
    Running {
        since: Ms,
    },
    Exited(Exit, End),
}

#[derive(Clone, Debug)]
pub struct Container {
    pub attempt: AttemptId,
    pub job: JobId,
    /// Whose lease file its init reads.
    pub disk: usize,
    pub standing: Standing,
    /// Who waits for its start.
    pub starters: Vec<(usize, u32)>,
}

impl Container {
    pub fn is_running(&self) -> bool {
        matches!(self.standing, Standing::Running { .. })
    }
}

/// A container's name, and which of that name where Docker did not mind.
pub type Name = (Uuid, u32);

#[derive(Debug)]
pub struct Docker {
    pub machine: usize,
    pub is_up: bool,
    pub containers: BTreeMap<Name, Container>,
}

impl Docker {
    /// The latest container of that name.
    pub fn find(&self, name: Uuid) -> Option<Name> {
        self.containers.range((name, 0)..=(name, u32::MAX)).next_back().map(|(name, _)| *name)
    }
}
