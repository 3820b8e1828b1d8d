//! Where hooks may lead. An address comes from a member of a team, and the server goes there from inside its own
//! network: without this, a hook would be a way to everything that the server can reach.
//!
//! The address is checked three times: when it is set, before each try, and, what counts, each time a connection
//! is made, on the very addresses that are then connected to ([`Targets`] is the client's resolver). A name
//! that leads somewhere else a moment later gains nothing.

use std::error::Error;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, LazyLock};

use ipnet::IpNet;
use lilac_api::hook::MAX_HOOK_URL_BYTES;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

/// Networks that are no place for a hook: hosts of one's own, of one's neighbours, of nobody, of everybody.
const REFUSED: [&str; 31] = [
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    // An address of a cloud's own, though it looks like a public one.
    "168.63.129.16/32",
    // Link-local: here clouds keep the credentials of their machines.
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.0.0.0/24",
    "192.0.2.0/24",
    "192.88.99.0/24",
    "192.168.0.0/16",
    "198.18.0.0/15",
    "198.51.100.0/24",
    "203.0.113.0/24",
    "224.0.0.0/4",
    "240.0.0.0/4",
    // Unspecified, loopback, and IPv4 in IPv6 as it was once written.
    "::/96",
    // IPv4 in IPv6: as mapped, translated, through NAT64, 6to4 and Teredo.
    "::ffff:0:0/96",
    "::ffff:0:0:0/96",
    "64:ff9b::/96",
    "64:ff9b:1::/48",
    "2002::/16",
    // The IETF's own, Teredo and ORCHID among them.
    "2001::/23",
    "100::/64",
    "2001:db8::/32",
    "3fff::/20",
    "5f00::/16",
    "fc00::/7",
    "fe80::/10",
    "fec0::/10",
    "ff00::/8",
];

static REFUSED_NETWORKS: LazyLock<Vec<IpNet>> =
    LazyLock::new(|| REFUSED.iter().filter_map(|network| network.parse().ok()).collect());

/// Ports from 1024 on which other protocols than HTTP are common, and would take a request for their own words.
const OTHER_PROTOCOLS: [u16; 13] =
    [2049, 2375, 2376, 3306, 5432, 5060, 5061, 6000, 6379, 6667, 10080, 10250, 11211];

/// What the operator lets hooks do beyond the public internet.
#[derive(Clone, Debug, Default)]
pub struct Targets {
    /// Whether `http://` will do.
    pub http: bool,
    /// Names of hosts that hooks may lead to, wherever they are; in lower case.
    pub hosts: Vec<String>,
    /// Networks that hooks may lead to.
    pub networks: Vec<IpNet>,
}

/// Why an address is refused: a code and a sentence.
pub type Refusal = (&'static str, String);

/// A host's name leads to no address that hooks may be sent to.
#[derive(Debug, thiserror::Error)]
#[error("its host is at no address that hooks may be sent to")]
pub struct NoAddress;

impl Targets {
    /// Reads what the operator allows: names of hosts, addresses and networks, with commas between them.
    pub fn parse(text: &str, http: bool) -> Option<Self> {
        let mut targets = Self { http, ..Self::default() };
        for word in text.split(',').map(str::trim).filter(|word| !word.is_empty()) {
            if let Ok(network) = word.parse::<IpNet>() {
                targets.networks.push(network);
            } else if let Ok(address) = word.parse::<IpAddr>() {
                targets.networks.push(address.into());
            } else {
                match Host::parse(word).ok()? {
                    Host::Domain(name) if !name.ends_with('.') => targets.hosts.push(name),
                    _ => return None,
                }
            }
        }
        Some(targets)
    }

    /// Reads a hook's address, as far as that can be judged without asking for the host.
    pub fn check(&self, text: &str) -> Result<Url, Refusal> {
        let refuse = |code, message: &str| Err((code, message.to_owned()));
        if text.len() > MAX_HOOK_URL_BYTES {
            return Err(("too-long", format!("must have at most {MAX_HOOK_URL_BYTES} bytes")));
        }
        if text.chars().any(|c| c.is_whitespace() || c.is_control() || c == '\\') {
            return refuse("invalid-url", "must not contain white space, control characters or `\\`");
        }
        let Ok(url) = Url::parse(text) else {
            return refuse("invalid-url", "write an address like https://example.org/hooks/lilac");
        };
        if url.scheme() != "https" && !(self.http && url.scheme() == "http") {
            return refuse("invalid-url", "must begin with https://");
        }
        if !url.username().is_empty() || url.password().is_some() {
            return refuse("invalid-url", "must not name a user or password");
        }
        if url.fragment().is_some() {
            return refuse("invalid-url", "must not have a fragment, the part after `#`");
        }
        self.check_host(&url)?;
        let is_named = url.host_str().is_some_and(|host| self.hosts.iter().any(|known| known == host));
        if !is_named && !port_is_fine(&url) {
            return refuse("refused-address", "its port is not for HTTP: 443, or one from 1024 on");
        }
        Ok(url)
    }

    fn check_host(&self, url: &Url) -> Result<(), Refusal> {
        // The parser has turned every spelling of an IPv4 address (decimal, octal, hexadecimal, with fewer parts,
        // in other digits) into the address itself.
        let address = match url.host() {
            Some(Host::Domain(name)) => return self.check_name(name),
            Some(Host::Ipv4(address)) => IpAddr::from(address),
            Some(Host::Ipv6(address)) => IpAddr::from(address),
            None => return Err(("invalid-url", "must name a host".to_owned())),
        };
        if self.allows(address) {
            return Ok(());
        }
        Err((
            "refused-address",
            format!("{address} is no public address, and the operator has not allowed it"),
        ))
    }

    fn check_name(&self, name: &str) -> Result<(), Refusal> {
        if self.hosts.iter().any(|known| known == name) {
            return Ok(());
        }
        if name.ends_with('.') || name.is_empty() {
            return Err(("invalid-url", "the host must not end with a dot".to_owned()));
        }
        let own =
            ["localhost", "local", "localdomain", "internal", "intranet", "lan", "corp", "arpa", "onion"];
        let last = name.rsplit('.').next().unwrap_or_default();
        if !name.contains('.') || own.contains(&last) {
            let message = format!("`{name}` is no public host, and the operator has not allowed it");
            return Err(("refused-address", message));
        }
        Ok(())
    }

    /// Whether a connection to this address may be made.
    pub fn allows(&self, address: IpAddr) -> bool {
        if self.networks.iter().any(|network| network.contains(&address)) {
            return true;
        }
        // Of IPv6 only what is global unicast at all.
        let is_public = match address {
            IpAddr::V4(_) => true,
            IpAddr::V6(address) => is_global_unicast(address),
        };
        is_public && !REFUSED_NETWORKS.iter().any(|network| network.contains(&address))
    }
}

fn is_global_unicast(address: Ipv6Addr) -> bool {
    address.segments()[0] & 0xe000 == 0x2000
}

fn port_is_fine(url: &Url) -> bool {
    match url.port_or_known_default() {
        Some(443) => true,
        Some(80) => url.scheme() == "http",
        Some(port) => port >= 1024 && !OTHER_PROTOCOLS.contains(&port),
        None => false,
    }
}

/// The resolver of the client that sends: what it gives is what is connected to.
#[derive(Clone, Debug)]
pub struct Resolver(pub Arc<Targets>);

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let targets = self.0.clone();
        Box::pin(async move {
            let is_named = targets.hosts.iter().any(|known| known == name.as_str());
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let allowed: Vec<SocketAddr> =
                found.filter(|address| is_named || targets.allows(address.ip())).collect();
            if allowed.is_empty() {
                return Err(Box::new(NoAddress) as Box<dyn Error + Send + Sync>);
            }
            Ok(Box::new(allowed.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn targets(allow: &str) -> Targets {
        Targets::parse(allow, true).unwrap()
    }

    #[test]
    fn every_network_of_the_list_is_one() {
        assert_eq!(REFUSED_NETWORKS.len(), REFUSED.len());
    }

    #[test]
    fn no_spelling_of_a_host_inside_gets_through() {
        let none = targets("");
        for host in [
            "127.0.0.1",
            "127.1",
            "127.0.1",
            "2130706433",
            "0x7f000001",
            "0x7f.0.0.1",
            "0X7F.1",
            "0177.0.0.1",
            "017700000001",
            "0177.0.0.0x1",
            "127.0.0.1.",
            "127.255.255.254",
            "%31%32%37.0.0.1",
            "１２７.0.0.1",
            "127。0。0。1",
            "①②⑦.⓪.⓪.①",
            "0",
            "0.0.0.0",
            "0x0",
            "00",
            "localhost",
            "LOCALHOST",
            "localhost.",
            "a.localhost",
            "ｌocalhost",
            "printer",
            "printer.local",
            "db.internal",
            "metadata.google.internal",
            "metadata",
            "example.org.",
            "10.0.0.1",
            "10.255.255.255",
            "012.0.0.1",
            "167772161",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "0xc0a80101",
            "100.64.0.1",
            "100.100.100.200",
            "169.254.169.254",
            "0xa9fea9fe",
            "2852039166",
            "0251.0376.0251.0376",
            "168.63.129.16",
            "192.0.0.192",
            "198.18.0.1",
            "192.0.2.1",
            "203.0.113.7",
            "224.0.0.1",
            "239.255.255.250",
            "240.0.0.1",
            "255.255.255.255",
            "[::]",
            "[::1]",
            "[0:0:0:0:0:0:0:1]",
            "[::127.0.0.1]",
            "[::7f00:1]",
            "[::ffff:127.0.0.1]",
            "[::ffff:7f00:1]",
            "[::ffff:10.0.0.1]",
            "[::ffff:8.8.8.8]",
            "[::ffff:0:127.0.0.1]",
            "[64:ff9b::7f00:1]",
            "[64:ff9b::169.254.169.254]",
            "[64:ff9b:1::a00:1]",
            "[2002:7f00:1::]",
            "[2002:a9fe:a9fe::1]",
            "[2001::1]",
            "[2001:0:53aa:64c:0:0:80ff:fffe]",
            "[2001:db8::1]",
            "[fc00::1]",
            "[fd00:ec2::254]",
            "[fe80::1]",
            "[fe80::a9fe:a9fe]",
            "[fec0::1]",
            "[ff02::1]",
            "[100::1]",
            "[4000::1]",
        ] {
            let refused = none.check(&format!("https://{host}/x"));
            assert!(refused.is_err(), "{host}: {refused:?}");
        }
    }

    #[test]
    fn what_is_no_plain_address_is_refused() {
        let https_only = Targets::default();
        for url in [
            "",
            "x",
            "example.org",
            "//example.org",
            "https://",
            "https:///x",
            "ftp://example.org/",
            "file:///etc/passwd",
            "gopher://example.org/",
            "http://example.org/",
            "unix:///run/docker.sock",
            "https://user@example.org/",
            "https://user:pass@example.org/",
            "https://:pass@example.org/",
            "https://example.org@127.0.0.1/",
            "https://example.org\\@127.0.0.1/",
            "https://example.org/#x",
            "https://exa mple.org/",
            " https://example.org/",
            "https://example.org/\r\nhost: x",
            "https://example.org/\tx",
            "https://example.org:22/",
            "https://example.org:25/",
            "https://example.org:80/",
            "https://example.org:0/",
            "https://example.org:65536/",
            "https://example.org:6379/",
            "https://example.org:2375/",
            "https://1.2.3.4.5/",
            "https://256.1.1.1/",
            "https://[::1/",
            "https://[::1%25eth0]/",
        ] {
            let refused = https_only.check(url);
            assert!(refused.is_err(), "{url}: {refused:?}");
        }
        assert!(https_only.check(&format!("https://example.org/{}", "x".repeat(2048))).is_err());
    }

    #[test]
    fn a_public_host_is_fine() {
        for url in [
            "https://example.org/",
            "https://example.org",
            "https://hooks.example.org:8443/a?b=c",
            "https://8.8.8.8/",
            "https://[2606:4700::1111]/",
            "https://bücher.example/x",
            "https://172.32.0.1/",
            "https://100.128.0.1/",
        ] {
            Targets::default().check(url).unwrap_or_else(|refusal| panic!("{url}: {refusal:?}"));
        }
        targets("").check("http://example.org/").unwrap();
    }

    #[test]
    fn the_operator_may_allow_more() {
        let allowed = targets("127.0.0.0/8, ::1, ci.internal, chat, 10.1.2.3");
        for url in [
            "http://127.0.0.1:8080/",
            "http://[::1]:8080/",
            "https://ci.internal/",
            "https://CI.internal/",
            "https://chat:90/",
            "https://10.1.2.3/",
        ] {
            allowed.check(url).unwrap_or_else(|refusal| panic!("{url}: {refusal:?}"));
        }
        for url in [
            "http://10.1.2.4/",
            "https://other.internal/",
            "https://[::ffff:127.0.0.1]/",
            "http://0.0.0.0:8080/",
        ] {
            assert!(allowed.check(url).is_err(), "{url}");
        }
        for nonsense in ["https://x", "10.0.0.0/33", "a b", "x:80", "trailing."] {
            assert!(Targets::parse(nonsense, false).is_none(), "{nonsense}");
        }
    }

    /// What is connected to is looked at by its address, not by its name: here a name that leads to loopback.
    #[tokio::test]
    async fn a_name_that_leads_inside_is_not_followed() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let serving = tokio::spawn(async move { listener.accept().await });
        let get = async |allow: &str| {
            let client = super::super::send::client(&Arc::new(targets(allow))).unwrap();
            client.get(format!("http://localhost:{port}/")).send().await
        };
        let refused = get("").await.unwrap_err();
        assert!(super::super::send::leads_inside(&refused), "{refused:?}");
        assert!(!serving.is_finished(), "nobody was called");
        // The same name reaches it as soon as the operator allows that: the test could fail.
        let reached = tokio::spawn(async move {
            let client = super::super::send::client(&Arc::new(targets("localhost"))).unwrap();
            let _ = client.get(format!("http://localhost:{port}/")).send().await;
        });
        serving.await.unwrap().unwrap();
        reached.abort();
    }
}
