//! The host's resolvers, as its resolv.conf says, followed when it changes: a laptop that moves, a VPN.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, SocketAddrV6};
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;
use std::time::Duration;

use rustix::net::{AddressFamily, SocketFlags, SocketType, netdevice, socket_with};

/// More are not looked at (resolv.conf(5): MAXNS).
const MAX_SERVERS: usize = 3;
/// A file that is longer is not read to its end.
const MAX_LENGTH: usize = 64 << 10;

/// What resolv.conf says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Resolvers {
    /// At least one.
    pub servers: Vec<SocketAddr>,
    /// `options timeout:`
    pub timeout: Duration,
    /// `options attempts:`
    pub attempts: u32,
}

/// The file and what it said last.
pub(super) struct Host {
    path: PathBuf,
    port: u16,
    stamp: Option<Stamp>,
    resolvers: Resolvers,
}

/// What changes with a file's content: device, inode, size, times of change.
type Stamp = (u64, u64, u64, (i64, i64), (i64, i64));

impl Host {
    /// The file need not be there.
    pub(super) fn new(path: PathBuf, port: u16) -> Host {
        let resolvers = parse("", port).0;
        Host { path, port, stamp: None, resolvers }
    }

    /// What the file says now. Costs one stat(2) where nothing has changed.
    pub(super) fn resolvers(&mut self) -> &Resolvers {
        let stamp = std::fs::metadata(&self.path)
            .ok()
            .map(|m| (m.dev(), m.ino(), m.size(), (m.mtime(), m.mtime_nsec()), (m.ctime(), m.ctime_nsec())));
        if stamp.is_some() && stamp != self.stamp {
            let text = std::fs::read(&self.path).unwrap_or_default();
            let text = String::from_utf8_lossy(text.get(..MAX_LENGTH).unwrap_or(&text));
            let (resolvers, named) = parse(&text, self.port);
            // A file without servers may be one that is just being written: those that were known go on.
            if named || self.stamp.is_none() {
                self.resolvers = resolvers;
            }
            self.stamp = stamp;
        }
        &self.resolvers
    }
}

/// What a resolv.conf says, and whether it names servers at all.
fn parse(text: &str, port: u16) -> (Resolvers, bool) {
    // The defaults of resolv.conf(5).
    let mut resolvers = Resolvers { servers: Vec::new(), timeout: Duration::from_secs(5), attempts: 2 };
    for line in text.lines() {
        let mut words = line.split_whitespace();
        match words.next() {
            Some("nameserver") if resolvers.servers.len() < MAX_SERVERS => {
                resolvers.servers.extend(words.next().and_then(|word| server(word, port)));
            }
            Some("options") => {
                for option in words {
                    let number = |name: &str| option.strip_prefix(name).and_then(|text| text.parse::<u32>().ok());
                    if let Some(seconds) = number("timeout:") {
                        resolvers.timeout = Duration::from_secs(seconds.clamp(1, 30).into());
                    } else if let Some(attempts) = number("attempts:") {
                        resolvers.attempts = attempts.clamp(1, 5);
                    }
                }
            }
            _ => {}
        }
    }
    let named = !resolvers.servers.is_empty();
    if !named {
        resolvers.servers.push(SocketAddr::new(Ipv4Addr::LOCALHOST.into(), port));
    }
    (resolvers, named)
}

/// An address, of IPv6 perhaps with its zone (`fe80::1%eth0`).
fn server(word: &str, port: u16) -> Option<SocketAddr> {
    let Some((address, zone)) = word.split_once('%') else {
        return Some(SocketAddr::new(word.parse::<IpAddr>().ok()?, port));
    };
    let scope = match zone.parse() {
        Ok(number) => number,
        Err(_) => {
            let socket = socket_with(AddressFamily::INET, SocketType::DGRAM, SocketFlags::CLOEXEC, None).ok()?;
            netdevice::name_to_index(&socket, zone).ok()?
        }
    };
    Some(SocketAddrV6::new(address.parse().ok()?, port, 0, scope).into())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn addresses(text: &str) -> Vec<String> {
        parse(text, 53).0.servers.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn servers_and_options() {
        assert_eq!(addresses(""), ["127.0.0.1:53"]);
        assert_eq!(
            addresses("# nameserver 1.1.1.1\n;nameserver 1.1.1.1\nnameserver\nnameserver x\n"),
            ["127.0.0.1:53"]
        );
        assert_eq!(
            addresses(
                "search a b\nnameserver 192.0.2.1\nnameserver\t2001:db8::1 # x\nnameserver 3.3.3.3\nnameserver 4.4.4.4"
            ),
            ["192.0.2.1:53", "[2001:db8::1]:53", "3.3.3.3:53"]
        );
        assert_eq!(addresses("nameserver fe80::1%7\nnameserver fe80::2%lo"), ["[fe80::1%7]:53", "[fe80::2%1]:53"]);
        assert_eq!(addresses("nameserver fe80::1%no-such-device\nnameserver 1.1.1.1"), ["1.1.1.1:53"]);
        let (resolvers, named) = parse("options timeout:1 rotate attempts:99 ndots:3\n", 53);
        assert_eq!((resolvers.timeout.as_secs(), resolvers.attempts, named), (1, 5, false));
    }

    #[test]
    fn a_changed_file_is_seen_and_an_empty_one_is_not_believed() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("resolv.conf");
        let mut host = Host::new(path.clone(), 53);
        let mut first = || host.resolvers().servers[0].to_string();
        assert_eq!(first(), "127.0.0.1:53");
        std::fs::write(&path, "nameserver 192.0.2.1\n").unwrap();
        assert_eq!(first(), "192.0.2.1:53");
        std::fs::write(&path, "").unwrap();
        assert_eq!(first(), "192.0.2.1:53");
        std::fs::write(dir.path().join("new"), "nameserver 192.0.2.2\n").unwrap();
        std::fs::rename(dir.path().join("new"), &path).unwrap();
        assert_eq!(first(), "192.0.2.2:53");
        std::fs::remove_file(&path).unwrap();
        assert_eq!(first(), "192.0.2.2:53");
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "(nameserver|options|timeout:|attempts:|%|:|[0-9a-f. \n])*") {
            prop_assert!(!parse(&text, 53).0.servers.is_empty());
        }
    }
}
