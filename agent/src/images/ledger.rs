//! Which images this agent pulled, and when they were last used. Only what stands in here is ever removed: an
//! image that somebody else brought to the node, or built on it, cannot be had again.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::Path;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use crate::files::{self, Durability};

/// The most images that are remembered; what is beyond, the longest unused, is left to the node's owner.
const MAX_ENTRIES: usize = 2_048;

/// An image that was pulled.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Entry {
    /// Its id: what the name meant when it was pulled.
    pub id: String,
    pub last_used_at: DateTime<Utc>,
}

/// What was pulled, by the name that it was pulled as; by its id, where the name has moved on to a newer one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Ledger {
    images: BTreeMap<String, Entry>,
    #[serde(skip)]
    is_changed: bool,
}

impl Ledger {
    /// What an earlier run of the agent left. One that cannot be read is forgotten: its images stay.
    pub(super) fn load(path: &Path) -> Self {
        match files::read_if_there(path) {
            Ok(Some(content)) => serde_json::from_slice(&content).unwrap_or_else(|error| {
                tracing::warn!(path = %path.display(), %error, "the list of pulled images is damaged and begun anew");
                Self::default()
            }),
            Ok(None) => Self::default(),
            Err(error) => {
                tracing::warn!(path = %path.display(), %error, "cannot read the list of pulled images");
                Self::default()
            }
        }
    }

    /// Writes it down, if there is anything new.
    pub(super) fn save(&mut self, path: &Path) -> io::Result<()> {
        if !self.is_changed {
            return Ok(());
        }
        files::replace(path, &serde_json::to_vec(self)?, Durability::Process)?;
        self.is_changed = false;
        Ok(())
    }

    /// It was pulled, whether or not anything came that was not there.
    pub(super) fn note_pulled(&mut self, name: &str, id: &str, now: DateTime<Utc>) {
        let entry = Entry { id: id.to_owned(), last_used_at: now };
        let before = self.images.insert(name.to_owned(), entry);
        if let Some(before) = before.filter(|before| before.id != id) {
            self.images.insert(before.id.clone(), before);
        }
        while self.images.len() > MAX_ENTRIES {
            let Some(oldest) = self.by_age().first().map(|(name, _)| (*name).clone()) else { break };
            self.images.remove(&oldest);
        }
        self.is_changed = true;
    }

    /// A job used it, or stopped using it.
    pub(super) fn note_used(&mut self, name: &str, now: DateTime<Utc>) {
        if let Some(entry) = self.images.get_mut(name) {
            entry.last_used_at = now;
            self.is_changed = true;
        }
    }

    pub(super) fn forget(&mut self, name: &str) {
        self.is_changed |= self.images.remove(name).is_some();
    }

    pub(super) fn last_used(&self, names: &[String]) -> Option<DateTime<Utc>> {
        names.iter().filter_map(|name| self.images.get(name)).map(|entry| entry.last_used_at).max()
    }

    /// What may go, the longest unused first: unused for as long as `keep`, or all where there is want of
    /// room; never what `wanted` names.
    pub(super) fn disposable(
        &self,
        now: DateTime<Utc>,
        keep: TimeDelta,
        wants_room: bool,
        wanted: &BTreeSet<String>,
    ) -> Vec<(String, Entry)> {
        let is_over = |entry: &Entry| wants_room || now - entry.last_used_at >= keep;
        let mut due = self.by_age();
        due.retain(|(name, entry)| is_over(entry) && !wanted.contains(*name));
        due.into_iter().map(|(name, entry)| (name.clone(), entry.clone())).collect()
    }

    fn by_age(&self) -> Vec<(&String, &Entry)> {
        let mut images: Vec<_> = self.images.iter().collect();
        images.sort_by_key(|(_, entry)| entry.last_used_at);
        images
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(hours: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::hours(hours)
    }

    fn names(ledger: &Ledger, hours: i64, wants_room: bool, wanted: &[&str]) -> Vec<String> {
        let wanted = wanted.iter().map(ToString::to_string).collect();
        let due = ledger.disposable(at(hours), TimeDelta::hours(10), wants_room, &wanted);
        due.into_iter().map(|(name, _)| name).collect()
    }

    #[test]
    fn the_longest_unused_goes_first_and_what_is_wanted_stays() {
        let mut ledger = Ledger::default();
        for (name, hours) in [("a", 1), ("b", 0), ("c", 9)] {
            ledger.note_pulled(name, &format!("sha256:{name}"), at(hours));
        }
        assert!(names(&ledger, 9, false, &[]).is_empty());
        assert_eq!(names(&ledger, 11, false, &[]), ["b", "a"]);
        assert_eq!(names(&ledger, 11, true, &[]), ["b", "a", "c"]);
        assert_eq!(names(&ledger, 11, true, &["b", "c"]), ["a"]);
        ledger.note_used("b", at(8));
        ledger.note_used("never pulled", at(8));
        assert_eq!(names(&ledger, 12, false, &[]), ["a"]);
        assert_eq!(ledger.last_used(&["x".into(), "b".into()]), Some(at(8)));
        ledger.forget("a");
        assert!(names(&ledger, 12, false, &[]).is_empty());
    }

    #[test]
    fn what_a_name_meant_before_is_not_forgotten() {
        let mut ledger = Ledger::default();
        ledger.note_pulled("app:latest", "sha256:1", at(0));
        ledger.note_pulled("app:latest", "sha256:1", at(1));
        ledger.note_pulled("app:latest", "sha256:2", at(2));
        assert_eq!(names(&ledger, 3, true, &[]), ["sha256:1", "app:latest"]);
    }

    #[test]
    fn it_survives_a_restart_and_damage() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("images.json");
        let mut ledger = Ledger::load(&path);
        ledger.note_pulled("a", "sha256:a", at(0));
        ledger.save(&path).unwrap();
        assert_eq!(Ledger::load(&path), ledger);
        std::fs::write(&path, "{\"images\": {\"a\"").unwrap();
        assert_eq!(Ledger::load(&path), Ledger::default());
    }

    #[test]
    fn it_is_bounded() {
        let mut ledger = Ledger::default();
        for hours in 0..i64::try_from(MAX_ENTRIES).unwrap() + 5 {
            ledger.note_pulled(&hours.to_string(), "sha256:x", at(hours));
        }
        assert_eq!(ledger.images.len(), MAX_ENTRIES);
        assert!(!ledger.images.contains_key("4") && ledger.images.contains_key("5"));
    }
}
