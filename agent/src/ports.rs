//! Ports of the node that attempts take before their containers are made, so that others can be told where to reach
//! them: where the ranks of a gang meet, and what a job serves something on.
//!
//! They come from one range, which a firewall can let through, and the next one is tried first: who still looks for a
//! job that is gone finds nobody at its port, rather than the next job. What was taken is written down, so that an
//! agent that starts again gives no port away twice and says the same as before.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::net::{Ipv4Addr, TcpListener, ToSocketAddrs, UdpSocket};
use std::path::Path;
use std::str::FromStr;
use std::sync::{Arc, Mutex, PoisonError};

use lilac_api::agent::{TakenPorts, TaskSpec};
use lilac_api::ids::AttemptId;
use lilac_api::spec::Network;
use lilac_init::LEASE_FOLDER;
use serde::{Deserialize, Serialize};

use crate::{journal, lease};

/// A range of ports, `first-last`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PortRange {
    pub first: u16,
    pub last: u16,
}

impl Default for PortRange {
    /// Below what kernels give to connections, and apart from what programs listen on by habit.
    fn default() -> Self {
        Self { first: 29_500, last: 29_999 }
    }
}

impl FromStr for PortRange {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let range = text.split_once('-').and_then(|(first, last)| {
            Some(Self { first: first.trim().parse().ok()?, last: last.trim().parse().ok()? })
        });
        range
            .filter(|range| 0 < range.first && range.first <= range.last)
            .ok_or_else(|| format!("`{text}` is not a range of ports like `29500-29999`"))
    }
}

impl TryFrom<String> for PortRange {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<PortRange> for String {
    fn from(range: PortRange) -> Self {
        range.to_string()
    }
}

impl fmt::Display for PortRange {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}-{}", self.first, self.last)
    }
}

/// Who has which ports of the node.
#[derive(Clone)]
pub struct Ports(Arc<Mutex<Held>>);

struct Held {
    range: PortRange,
    /// Where the search goes on.
    next: u16,
    by_attempt: HashMap<AttemptId, Vec<u16>>,
}

impl Ports {
    #[must_use]
    pub fn new(range: PortRange) -> Self {
        let next = rand::random_range(range.first..=range.last);
        Self(Arc::new(Mutex::new(Held { range, next, by_attempt: HashMap::new() })))
    }

    /// Takes what the task needs, or what it has taken before; none where it needs none. Waits for the disk.
    pub fn take(
        &self,
        state_dir: &Path,
        id: AttemptId,
        task: &TaskSpec,
    ) -> Result<Option<TakenPorts>, String> {
        let needs = Needs::of(task);
        if needs == Needs::default() {
            return Ok(None);
        }
        if let Some(taken) = journal::read_ports(state_dir, id) {
            self.hold(id, &taken);
            return Ok(Some(taken));
        }
        let taken = self.choose(id, &needs)?;
        match journal::write_ports(state_dir, id, &taken) {
            Ok(()) => Ok(Some(taken)),
            Err(error) => {
                self.release(id);
                Err(format!("The node cannot write its journal: {error}"))
            }
        }
    }

    fn choose(&self, id: AttemptId, needs: &Needs) -> Result<TakenPorts, String> {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut taken = TakenPorts::default();
        if needs.rendezvous {
            taken.rendezvous = Some(held.next_free(id)?);
        }
        for wanted in &needs.published {
            let port = match wanted {
                Some(port) => held.just(id, *port),
                None => held.next_free(id),
            };
            match port {
                Ok(port) => taken.published.push(port),
                Err(words) => {
                    held.by_attempt.remove(&id);
                    return Err(words);
                }
            }
        }
        Ok(taken)
    }

    /// Notes what an earlier run of the agent gave away.
    pub fn hold(&self, id: AttemptId, taken: &TakenPorts) {
        let ports = taken.rendezvous.into_iter().chain(taken.published.iter().copied()).collect();
        self.0.lock().unwrap_or_else(PoisonError::into_inner).by_attempt.insert(id, ports);
    }

    pub fn release(&self, id: AttemptId) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).by_attempt.remove(&id);
    }
}

impl Held {
    fn next_free(&mut self, id: AttemptId) -> Result<u16, String> {
        let count = u32::from(self.range.last - self.range.first) + 1;
        for _ in 0..count {
            let port = self.next;
            self.next = if port == self.range.last { self.range.first } else { port + 1 };
            if self.is_free(port) {
                self.by_attempt.entry(id).or_default().push(port);
                return Ok(port);
            }
        }
        Err(format!("All ports of the node from {} to {} are in use.", self.range.first, self.range.last))
    }

    /// A port that the container listens on itself, in the node's network.
    fn just(&mut self, id: AttemptId, port: u16) -> Result<u16, String> {
        if !self.is_free(port) {
            return Err(format!("The port {port} of the node is in use."));
        }
        self.by_attempt.entry(id).or_default().push(port);
        Ok(port)
    }

    fn is_free(&self, port: u16) -> bool {
        let is_given = self.by_attempt.values().flatten().any(|taken| *taken == port);
        !is_given && TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)).is_ok()
    }
}

/// The ports that a task needs of its node.
#[derive(Debug, Default, PartialEq)]
struct Needs {
    rendezvous: bool,
    /// For each of the task's ports: that very port, or any.
    published: Vec<Option<u16>>,
}

impl Needs {
    fn of(task: &TaskSpec) -> Self {
        let one = |port: &u16| match task.network {
            Network::Bridge => Some(None),
            Network::Host => Some(Some(*port)),
            Network::None => None,
        };
        Self {
            rendezvous: task.gang.is_some() && task.rank == 0,
            published: task.ports.iter().filter_map(one).collect(),
        }
    }
}

/// Ports of a container, each with the node's port that leads to it.
#[must_use]
pub fn bindings(task: &TaskSpec, taken: Option<&TakenPorts>) -> Vec<(u16, u16)> {
    let Some(taken) = taken.filter(|_| task.network == Network::Bridge) else { return Vec::new() };
    let met = taken.rendezvous.map(|port| (port, port));
    met.into_iter().chain(task.ports.iter().copied().zip(taken.published.iter().copied())).collect()
}

/// What a rank of a gang finds in its environment that only its node can say.
#[must_use]
pub fn env(task: &TaskSpec, taken: Option<&TakenPorts>) -> BTreeMap<String, String> {
    if task.gang.is_none() {
        return BTreeMap::new();
    }
    let mut env = BTreeMap::from([("LILAC_HOSTFILE".to_owned(), format!("{LEASE_FOLDER}/{}", lease::HOSTS))]);
    let rendezvous = taken.and_then(|taken| taken.rendezvous);
    env.extend(rendezvous.map(|port| ("MASTER_PORT".to_owned(), port.to_string())));
    env
}

/// The hosts file of a gang, as MPI and DeepSpeed read it: a node a line, with how many processes it is for.
#[must_use]
pub fn hosts(task: &TaskSpec) -> Option<String> {
    let gang = task.gang.as_ref()?;
    let slots = task.gpu_uuids.len().max(1);
    Some(gang.addresses.iter().map(|address| format!("{address} slots={slots}\n")).collect())
}

/// The address of this machine that others most likely reach: the one from which it speaks to the control plane. Where
/// that is on the machine itself, the one from which it speaks to the rest of the world. Asks the routes and sends
/// nothing.
#[must_use]
pub fn own_address(server: &str) -> Option<String> {
    let from = |to: &str| {
        let to = to.to_socket_addrs().ok()?.next()?;
        let socket = UdpSocket::bind(if to.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" }).ok()?;
        socket.connect(to).ok()?;
        Some(socket.local_addr().ok()?.ip())
    };
    let rest = server.split_once("://").map_or(server, |(_, rest)| rest);
    let authority = rest.split(['/', '?']).next().unwrap_or_default();
    let has_port = authority.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok());
    let to = if has_port { authority.to_owned() } else { format!("{authority}:443") };
    let near = from(&to);
    // An address that is kept for documentation: the route to it is the default one.
    let far = || from("192.0.2.1:9");
    near.filter(|ip| !ip.is_loopback()).or_else(far).or(near).map(|ip| ip.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::tests::task;
    use lilac_api::agent::Gang;

    fn first(network: Network) -> TaskSpec {
        let gang = Some(Gang { addresses: vec!["10.0.0.1".into(), "10.0.0.2".into()] });
        TaskSpec { gang, network, ports: vec![6_006], ..task() }
    }

    /// Ports that nobody listens on, most likely.
    fn range() -> PortRange {
        let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let first = free.clamp(1_024, u16::MAX - 8);
        PortRange { first, last: first + 7 }
    }

    #[test]
    fn no_port_is_given_away_twice_not_even_after_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let range = range();
        let ports = Ports::new(range);
        let (one, other) = (AttemptId::new(), AttemptId::new());
        for id in [one, other] {
            std::fs::create_dir_all(journal::folder(folder.path(), id)).unwrap();
        }
        let task = first(Network::Bridge);
        let taken = ports.take(folder.path(), one, &task).unwrap().unwrap();
        assert_eq!(ports.take(folder.path(), one, &task).unwrap().as_ref(), Some(&taken), "asked twice");
        assert_eq!(
            bindings(&task, Some(&taken)),
            [(taken.rendezvous.unwrap(), taken.rendezvous.unwrap()), (6_006, taken.published[0]),]
        );
        let again = Ports::new(range);
        again.hold(one, &journal::read_ports(folder.path(), one).unwrap());
        let others = again.take(folder.path(), other, &task).unwrap().unwrap();
        let of = |taken: &TakenPorts| [taken.rendezvous.unwrap(), taken.published[0]];
        assert!(of(&others).iter().all(|port| !of(&taken).contains(port)), "{taken:?} {others:?}");
    }

    #[test]
    fn a_port_that_somebody_listens_on_is_passed_over() {
        let listener = TcpListener::bind("0.0.0.0:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let ports = Ports::new(PortRange { first: port, last: port });
        let folder = tempfile::tempdir().unwrap();
        let refusal = ports.take(folder.path(), AttemptId::new(), &first(Network::Bridge)).unwrap_err();
        assert!(refusal.contains("in use"), "{refusal}");
        // In the node's own network a job listens where it says, or not at all.
        let own = TaskSpec { ports: vec![port], gang: None, ..first(Network::Host) };
        let refusal = ports.take(folder.path(), AttemptId::new(), &own).unwrap_err();
        assert_eq!(refusal, format!("The port {port} of the node is in use."));
    }

    #[test]
    fn a_task_on_one_node_without_ports_needs_none() {
        let ports = Ports::new(PortRange::default());
        let none = ports.take(Path::new("/nonexistent"), AttemptId::new(), &task()).unwrap();
        assert_eq!((none, env(&task(), None), hosts(&task())), (None, BTreeMap::new(), None));
        let second = TaskSpec { rank: 1, ports: Vec::new(), ..first(Network::Host) };
        assert_eq!(Needs::of(&second), Needs::default());
        assert_eq!(hosts(&second).unwrap(), "10.0.0.1 slots=1\n10.0.0.2 slots=1\n");
    }

    #[test]
    fn a_range_is_read() {
        assert_eq!("1-2".parse(), Ok(PortRange { first: 1, last: 2 }));
        for text in ["", "1", "2-1", "0-5", "1-70000", "a-b"] {
            assert!(text.parse::<PortRange>().is_err(), "{text}");
        }
    }

    #[test]
    fn an_address_is_found_by_the_way_to_the_server() {
        for server in ["http://127.0.0.1:8080", "https://127.0.0.1/x"] {
            let address = own_address(server).unwrap();
            assert!(address.parse::<std::net::IpAddr>().is_ok(), "{address}");
        }
    }
}
