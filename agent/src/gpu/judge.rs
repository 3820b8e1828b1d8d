//! What is made of a look: which GPU is which, and which is given to nobody, and why. Knows no driver.

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::{fs, io};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Fault, Seen};
use crate::files::{self, Durability};

/// Errors that a driver reports by number (XID) after which a GPU is of no use until it is reset. Those that a
/// program causes to itself are not among them.
const FATAL_ERRORS: [(u64, &str); 9] = [
    (46, "it stopped processing"),
    (48, "a double bit error in its memory"),
    (62, "its microcontroller halted"),
    (64, "its memory cannot be mended"),
    (74, "its link to the other GPUs failed"),
    (79, "it has fallen off the bus"),
    (95, "an error in its memory that was not contained"),
    (119, "its firmware does not answer"),
    (120, "its firmware failed"),
];
/// More used memory than this is somebody's, even where no process is to be seen. What a driver keeps for itself
/// is less.
const FOREIGN_BYTES: u64 = 1 << 30;

/// A GPU that was seen since the machine was booted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Known {
    uuid: String,
    model: String,
    memory_bytes: u64,
}

/// What is remembered across restarts of the agent: the place of each GPU. The control plane knows GPUs by their
/// place, and a driver counts anew when one is lost: the others must not move up.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Places {
    boot_id: Uuid,
    gpus: Vec<Known>,
}

/// The places of the GPUs, and what is known of each.
#[derive(Debug, Default)]
pub(super) struct Bench {
    path: PathBuf,
    places: Places,
    /// The fatal error that the driver told of.
    errors: HashMap<String, u64>,
    /// Which processes were seen, at the last look, on GPUs that nobody holds.
    strays: HashMap<String, BTreeSet<u32>>,
    has_looked: bool,
}

impl Bench {
    /// The places as an earlier run of the agent left them, unless the machine was booted since.
    pub(super) fn load(state_dir: &Path, boot_id: Uuid) -> Self {
        let path = state_dir.join("gpus.json");
        let read = fs::read(&path)
            .and_then(|bytes| serde_json::from_slice::<Places>(&bytes).map_err(io::Error::other));
        let places = read.ok().filter(|places| places.boot_id == boot_id);
        let places = places.unwrap_or_else(|| Places { boot_id, gpus: Vec::new() });
        Self { path, places, ..Self::default() }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.places.gpus.is_empty()
    }

    /// The driver told of an error.
    pub(super) fn note_error(&mut self, uuid: &str, number: u64) {
        if FATAL_ERRORS.iter().any(|(fatal, _)| *fatal == number) {
            tracing::error!(gpu = uuid, xid = number, "a GPU failed");
            self.errors.insert(uuid.to_owned(), number);
        } else {
            tracing::warn!(gpu = uuid, xid = number, "the GPU driver reports an error");
        }
    }

    /// All GPUs by their places, each with what is wrong with it. `refused` are those that could not be handed over;
    /// those that are free again are taken out.
    pub(super) fn judge(
        &mut self,
        found: Result<Vec<Seen>, String>,
        is_held: impl Fn(&str) -> bool,
        refused: &mut HashMap<String, String>,
    ) -> Vec<Seen> {
        let silence = found.as_ref().err().cloned();
        let mut found: HashMap<String, Seen> =
            found.unwrap_or_default().into_iter().map(|gpu| (gpu.uuid.clone(), gpu)).collect();
        self.take_places(&found);
        let mut strays = HashMap::new();
        let mut judged = Vec::with_capacity(self.places.gpus.len());
        for (index, known) in (0..).zip(&self.places.gpus) {
            let mut gpu = found.remove(&known.uuid).unwrap_or_else(|| missing(known, silence.as_deref()));
            gpu.index = index;
            let error = self.errors.get(&gpu.uuid).map(|number| fatal(*number));
            gpu.fault = error.or(gpu.fault);
            if gpu.fault.is_none() && (!is_held(&gpu.uuid) || refused.contains_key(&gpu.uuid)) {
                gpu.fault = self.foreign(&gpu, &mut strays, refused);
            }
            judged.push(gpu);
        }
        self.strays = strays;
        self.has_looked = true;
        judged
    }

    /// Whether somebody else uses a GPU that nobody holds. Who has just left it may still be listed: only what is
    /// seen twice counts, but for the first look, before which there was nobody.
    fn foreign(
        &self,
        gpu: &Seen,
        strays: &mut HashMap<String, BTreeSet<u32>>,
        refused: &mut HashMap<String, String>,
    ) -> Option<Fault> {
        let Some(words) = foreign_use(gpu) else {
            refused.remove(&gpu.uuid);
            return None;
        };
        let now: BTreeSet<u32> = gpu.processes.iter().map(|process| process.pid).collect();
        let before = self.strays.get(&gpu.uuid);
        let stays =
            before.is_some_and(|before| (now.is_empty() && before.is_empty()) || !before.is_disjoint(&now));
        strays.insert(gpu.uuid.clone(), now);
        let is_sure = stays || !self.has_looked || refused.contains_key(&gpu.uuid);
        is_sure.then_some(Fault { words, is_lost: false })
    }

    /// Gives a place to each GPU that has none yet.
    fn take_places(&mut self, found: &HashMap<String, Seen>) {
        let is_known = |uuid: &str| self.places.gpus.iter().any(|known| known.uuid == uuid);
        let mut new: Vec<&Seen> = found.values().filter(|gpu| !is_known(&gpu.uuid)).collect();
        if new.is_empty() {
            return;
        }
        new.sort_by(|one, other| (one.index, &one.uuid).cmp(&(other.index, &other.uuid)));
        self.places.gpus.extend(new.into_iter().map(|gpu| Known {
            uuid: gpu.uuid.clone(),
            model: gpu.model.clone(),
            memory_bytes: gpu.memory_bytes,
        }));
        let written = serde_json::to_vec(&self.places)
            .map_err(io::Error::other)
            .and_then(|bytes| files::replace(&self.path, &bytes, Durability::Name));
        if let Err(error) = written {
            tracing::warn!(%error, "cannot write down the places of the GPUs");
        }
    }
}

/// A GPU that does not answer. Where the whole driver is silent, nobody can say that its work is lost.
fn missing(known: &Known, silence: Option<&str>) -> Seen {
    let fault = match silence {
        None => Fault {
            words: "it does not answer any more: it may have fallen off the bus".to_owned(),
            is_lost: true,
        },
        Some(error) => Fault { words: format!("its driver does not answer: {error}"), is_lost: false },
    };
    Seen {
        uuid: known.uuid.clone(),
        model: known.model.clone(),
        memory_bytes: known.memory_bytes,
        fault: Some(fault),
        ..Seen::default()
    }
}

fn fatal(number: u64) -> Fault {
    let words =
        FATAL_ERRORS.iter().find(|(fatal, _)| *fatal == number).map_or("it failed", |(_, words)| words);
    Fault { words: format!("{words} (XID {number})"), is_lost: true }
}

/// How somebody uses the GPU, if anybody does.
pub(super) fn foreign_use(gpu: &Seen) -> Option<String> {
    if let Some(process) = gpu.processes.first() {
        let name = fs::read_to_string(format!("/proc/{}/comm", process.pid)).unwrap_or_default();
        let name = if name.trim().is_empty() { String::new() } else { format!(" ({})", name.trim()) };
        return Some(format!("the process {}{name} uses it outside Lilac", process.pid));
    }
    let mebibytes = gpu.used_bytes >> 20;
    (gpu.used_bytes > FOREIGN_BYTES).then(|| format!("{mebibytes} MiB of its memory are used outside Lilac"))
}

#[cfg(test)]
mod tests {
    use super::super::Process;
    use super::*;

    fn gpu(index: u16, uuid: &str) -> Seen {
        Seen { index, uuid: uuid.into(), model: "H100".into(), memory_bytes: 80 << 30, ..Seen::default() }
    }

    fn busy(gpu: Seen, pid: u32) -> Seen {
        Seen { processes: vec![Process { pid, memory_bytes: 1 << 20, percent: None }], ..gpu }
    }

    fn bench(folder: &Path) -> Bench {
        Bench::load(folder, Uuid::from_u128(1))
    }

    fn look(bench: &mut Bench, found: Vec<Seen>, held: &[&str]) -> Vec<(u16, String, Option<Fault>)> {
        let judged = bench.judge(Ok(found), |uuid| held.contains(&uuid), &mut HashMap::new());
        judged.into_iter().map(|gpu| (gpu.index, gpu.uuid, gpu.fault)).collect()
    }

    #[test]
    fn a_gpu_keeps_its_place_when_another_is_lost_until_the_machine_is_booted() {
        let folder = tempfile::tempdir().unwrap();
        look(&mut bench(folder.path()), vec![gpu(0, "a"), gpu(1, "b")], &[]);
        // The agent was started anew, and the driver counts what is left.
        let seen = look(&mut bench(folder.path()), vec![gpu(0, "b")], &["a", "b"]);
        assert_eq!((seen[1].0, seen[1].1.as_str(), &seen[1].2), (1, "b", &None));
        assert!(seen[0].2.as_ref().unwrap().is_lost, "{seen:?}");
        let mut rebooted = Bench::load(folder.path(), Uuid::from_u128(2));
        assert_eq!(look(&mut rebooted, vec![gpu(0, "b")], &[]), [(0, "b".into(), None)]);
    }

    #[test]
    fn a_silent_driver_is_no_lost_gpu() {
        let folder = tempfile::tempdir().unwrap();
        let mut bench = bench(folder.path());
        look(&mut bench, vec![gpu(0, "a")], &[]);
        let judged = bench.judge(Err("not loaded".into()), |_| false, &mut HashMap::new());
        let fault = judged[0].fault.as_ref().unwrap();
        assert!(!fault.is_lost && fault.words.contains("not loaded"), "{fault:?}");
        assert_eq!(look(&mut bench, vec![gpu(0, "a")], &[]), [(0, "a".into(), None)]);
    }

    #[test]
    fn who_uses_a_gpu_that_nobody_holds_is_a_stranger_once_seen_twice() {
        let folder = tempfile::tempdir().unwrap();
        let mut first = bench(folder.path());
        let fault = look(&mut first, vec![busy(gpu(0, "a"), u32::MAX)], &[])[0].2.clone().unwrap();
        assert_eq!(fault.words, format!("the process {} uses it outside Lilac", u32::MAX));
        let mut bench = bench(folder.path());
        let is_masked =
            |bench: &mut Bench, gpu: Seen, held: &[&str]| look(bench, vec![gpu], held)[0].2.is_some();
        assert!(!is_masked(&mut bench, gpu(0, "a"), &[]));
        assert!(!is_masked(&mut bench, busy(gpu(0, "a"), 7), &["a"]), "a job's own process");
        assert!(!is_masked(&mut bench, busy(gpu(0, "a"), 7), &[]), "the job has just ended");
        assert!(!is_masked(&mut bench, busy(gpu(0, "a"), 8), &[]), "another one");
        assert!(is_masked(&mut bench, busy(gpu(0, "a"), 8), &[]));
        assert!(!is_masked(&mut bench, gpu(0, "a"), &[]));
        let full = Seen { used_bytes: 2 << 30, ..gpu(0, "a") };
        assert!(!is_masked(&mut bench, full.clone(), &[]));
        assert!(is_masked(&mut bench, full, &[]), "memory without a process that is to be seen");
    }

    #[test]
    fn what_could_not_be_handed_over_is_masked_until_it_is_free() {
        let folder = tempfile::tempdir().unwrap();
        let mut bench = bench(folder.path());
        look(&mut bench, vec![gpu(0, "a")], &[]);
        let mut refused = HashMap::from([("a".to_owned(), "used".to_owned())]);
        let judged = bench.judge(Ok(vec![busy(gpu(0, "a"), 9)]), |_| false, &mut refused);
        assert!(judged[0].fault.is_some(), "at once");
        bench.judge(Ok(vec![gpu(0, "a")]), |_| false, &mut refused);
        assert!(refused.is_empty());
    }

    #[test]
    fn a_fatal_error_is_told_from_a_program_s_own() {
        let folder = tempfile::tempdir().unwrap();
        let mut bench = bench(folder.path());
        bench.note_error("a", 31);
        assert_eq!(look(&mut bench, vec![gpu(0, "a")], &["a"])[0].2, None);
        bench.note_error("a", 79);
        let fault = look(&mut bench, vec![gpu(0, "a")], &["a"])[0].2.clone().unwrap();
        assert_eq!((fault.words.as_str(), fault.is_lost), ("it has fallen off the bus (XID 79)", true));
    }
}
