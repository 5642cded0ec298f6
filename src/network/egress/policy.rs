//! The text of `--egress`, and what it says.
//!
//! ```text
//! none                              nothing
//! example.org                       a name, any port
//! *.example.org:443                 all names below it, one port (TCP and UDP)
//! 192.0.2.7  192.0.2.0/24:8000-8010 an address, a net
//! 2001:db8::/32  [2001:db8::1]:443  the same of IPv6
//! ```
//!
//! Separated by commas, and said several times over. `allow=` may stand in front.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::name;
use crate::bail;
use crate::container::network::Egress;
use crate::error::{Context as _, Error, Result};
use crate::network::config::Network;

/// The options of a network's definition that say what its containers may reach, and whether what is refused is written down.
pub const OPTION: &str = "egress";
pub const LOG_OPTION: &str = "egress_log";

/// More are no policy but a database; each of them is a rule in the kernel.
const MAX_ENTRIES: usize = 1024;

/// What holds for one container: each of the lists, so that a packet must be in all of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Policy {
    pub lists: Vec<List>,
    /// What is refused is written down.
    pub log: bool,
}

/// What may be reached, as one container or one network has it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct List {
    pub entries: Vec<Entry>,
}

/// A name or net, with ports.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Entry {
    pub what: What,
    /// TCP and UDP; `None`: every port and protocol.
    pub ports: Option<Ports>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum What {
    /// As DNS has it. `below`: not this one, but all below it.
    Name { name: String, below: bool },
    /// No bit beyond the prefix is set.
    Net { address: IpAddr, prefix: u8 },
}

/// From one port to another, inclusive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Ports {
    pub first: u16,
    pub last: u16,
}

impl Policy {
    /// What holds for a container: its own policy, and those of its networks. `None`: nothing does.
    ///
    /// # Errors
    /// A policy is none.
    pub fn of<N: std::borrow::Borrow<Network>>(own: Option<&Egress>, networks: &[N]) -> Result<Option<Policy>> {
        let mut all: Vec<Policy> = Vec::new();
        if let Some(allow) = own.and_then(|own| own.allow.as_ref()) {
            all.push(List::of_texts(allow)?.into());
        }
        for network in networks {
            let network: &Network = network.borrow();
            let log = matches!(network.options.get(LOG_OPTION).map(String::as_str), Some("true" | "1"));
            if let Some(text) = network.options.get(OPTION) {
                let list = List::parse(&[text]).with_context(|| format!("reading network `{}`", network.name))?;
                all.push(Policy { lists: vec![list], log });
            }
        }
        let policy = all.into_iter().reduce(Policy::and);
        Ok(policy.map(|policy| Policy { log: policy.log || own.is_some_and(|own| own.log), ..policy }))
    }

    /// Both this and the other one.
    #[must_use]
    pub fn and(mut self, other: Policy) -> Policy {
        for list in other.lists {
            if !self.lists.contains(&list) {
                self.lists.push(list);
            }
        }
        self.log |= other.log;
        self
    }
}

/// As much of a text as fits a line.
fn shortened(text: &str) -> String {
    const MOST: usize = 200;
    match text.char_indices().nth(MOST) {
        Some((at, _)) => format!("{}...", text.get(..at).unwrap_or_default()),
        None => text.to_owned(),
    }
}

impl From<List> for Policy {
    fn from(list: List) -> Policy {
        Policy { lists: vec![list], log: false }
    }
}

impl List {
    /// Reads the values of all `--egress` flags.
    ///
    /// # Errors
    /// What is no name, address or net; `none` beside something else; nothing at all.
    pub fn parse<T: AsRef<str>>(values: &[T]) -> Result<List> {
        let mut list = List::default();
        let mut none = false;
        let mut given = false;
        for value in values {
            let value = value.as_ref();
            for word in value.split(',').map(str::trim) {
                given = true;
                // In front of each: a network's values are kept as one.
                let word = word.strip_prefix("allow=").unwrap_or(word);
                if word == "none" {
                    none = true;
                    continue;
                }
                let entry = Entry::parse(word).with_context(|| format!("reading `--egress {}`", shortened(value)))?;
                if !list.entries.contains(&entry) {
                    list.entries.push(entry);
                }
                if list.entries.len() > MAX_ENTRIES {
                    bail!("`--egress` has more than {MAX_ENTRIES} entries");
                }
            }
        }
        if none && !list.entries.is_empty() {
            bail!("`--egress none` allows nothing and cannot stand beside what is allowed");
        }
        if !given {
            bail!("`--egress` says nothing: name what may be reached, or `none`");
        }
        Ok(list)
    }

    /// From a record: what [`List::texts`] gave.
    pub fn of_texts<T: AsRef<str>>(texts: &[T]) -> Result<List> {
        if texts.is_empty() { Ok(List::default()) } else { List::parse(texts) }
    }

    /// Its entries in their one form; nothing for `none`.
    pub fn texts(&self) -> Vec<String> {
        self.entries.iter().map(Entry::to_string).collect()
    }

    /// The entries that a name matches (as DNS has it).
    pub fn entries_of(&self, name: &str) -> impl Iterator<Item = &Entry> {
        self.entries.iter().filter(move |entry| entry.is_of(name))
    }

    /// Whether an address is in one of its nets, on any port.
    pub fn has_net_of(&self, address: IpAddr) -> bool {
        self.entries.iter().any(|entry| entry.what.contains(address))
    }

    /// The different ports of its names, in their order. The sets of opened addresses are made of these.
    pub fn ports_of_names(&self) -> Vec<Option<Ports>> {
        let mut all = Vec::new();
        for entry in self.entries.iter().filter(|entry| matches!(entry.what, What::Name { .. })) {
            if !all.contains(&entry.ports) {
                all.push(entry.ports);
            }
        }
        all
    }
}

impl What {
    fn contains(&self, other: IpAddr) -> bool {
        match self {
            What::Net { address, prefix } => {
                address.is_ipv4() == other.is_ipv4() && network(other, *prefix) == *address
            }
            What::Name { .. } => false,
        }
    }
}

impl Entry {
    /// Reads one entry.
    pub fn parse(text: &str) -> Result<Entry> {
        if text.is_empty() {
            return Err(Error::new("there is an empty entry").hint("separate entries by single commas"));
        }
        if text == "*" {
            return Err(Error::new("`*` is everything").hint("leave --egress out to allow everything"));
        }
        if text.contains("://") {
            return Err(Error::new(format!("`{text}` is a URL")).hint("name its host: example.org:443"));
        }
        let (host, ports) = split(text)?;
        let ports = ports.map(Ports::parse).transpose().with_context(|| format!("reading `{text}`"))?;
        Ok(Entry { what: What::parse(host)?, ports })
    }

    fn is_of(&self, asked: &str) -> bool {
        match &self.what {
            What::Name { name, below: false } => asked == name,
            What::Name { name, below: true } => {
                // A dot that is part of a label stands with a backslash in front of it.
                let below = |rest: &str| rest.len() > 1 && rest.ends_with('.') && !rest.ends_with("\\.");
                asked.strip_suffix(name.as_str()).is_some_and(below)
            }
            What::Net { .. } => false,
        }
    }
}

/// Host and port of an entry.
fn split(text: &str) -> Result<(&str, Option<&str>)> {
    if let Some(rest) = text.strip_prefix('[') {
        let Some((host, rest)) = rest.split_once(']') else { bail!("`{text}` lacks a `]`") };
        return match rest.strip_prefix(':') {
            Some(ports) => Ok((host, Some(ports))),
            None if rest.is_empty() => Ok((host, None)),
            // [2001:db8::]/32:443
            None => bail!("`{text}` has something else than a port behind the `]`"),
        };
    }
    // An IPv6 address has colons of its own; behind a prefix there can be one for a port.
    let (start, rest) = text.split_at(text.find('/').unwrap_or(0));
    Ok(match rest.rsplit_once(':') {
        Some(_) if rest.len() == text.len() && text.matches(':').count() > 1 => (text, None),
        Some((host, ports)) => (text.get(..start.len() + host.len()).unwrap_or(text), Some(ports)),
        None => (text, None),
    })
}

impl What {
    fn parse(text: &str) -> Result<What> {
        if let Some((address, prefix)) = text.split_once('/') {
            let Ok(address) = address.parse::<IpAddr>() else { bail!("`{address}` in `{text}` is no address") };
            let longest = if address.is_ipv4() { 32 } else { 128 };
            let number = prefix.parse::<u8>().ok().filter(|_| prefix.bytes().all(|b| b.is_ascii_digit()));
            let Some(prefix) = number.filter(|prefix| *prefix <= longest) else {
                bail!("`{prefix}` in `{text}` is no length of a prefix: it is a number up to {longest}");
            };
            let first = network(address, prefix);
            if first != address {
                return Err(Error::new(format!("`{text}` has bits beyond its prefix"))
                    .hint(format!("use {first}/{prefix}, or {address} alone")));
            }
            return Ok(mapped(address, prefix));
        }
        if let Ok(address) = text.parse::<IpAddr>() {
            return Ok(mapped(address, if address.is_ipv4() { 32 } else { 128 }));
        }
        if text.contains(':') {
            return Err(Error::new(format!("`{text}` is no address"))
                .hint("write an IPv6 address with a port as [ADDRESS]:PORT"));
        }
        Ok(match text.strip_prefix("*.") {
            Some(name) => What::Name { name: name::normal(name)?, below: true },
            None if text.contains('*') => {
                return Err(Error::new(format!("`{text}` has a `*` that is not in front"))
                    .hint("`*.example.org` stands for all names below example.org"));
            }
            None => What::Name { name: name::normal(text)?, below: false },
        })
    }
}

/// An IPv4 address in IPv6's clothes is one of IPv4 on the wire.
fn mapped(address: IpAddr, prefix: u8) -> What {
    match (address.to_canonical(), prefix.checked_sub(96)) {
        (IpAddr::V4(v4), Some(prefix)) if address.is_ipv6() => What::Net { address: v4.into(), prefix },
        _ => What::Net { address, prefix },
    }
}

/// The address without the bits beyond the prefix.
pub(in crate::network) fn network(address: IpAddr, prefix: u8) -> IpAddr {
    match address {
        IpAddr::V4(v4) => Ipv4Addr::from_bits(v4.to_bits() & mask4(prefix)).into(),
        IpAddr::V6(v6) => Ipv6Addr::from_bits(v6.to_bits() & mask6(prefix)).into(),
    }
}

/// The first bits of an IPv4 address.
pub(in crate::network) fn mask4(prefix: u8) -> u32 {
    u32::MAX.checked_shl(32_u32.saturating_sub(prefix.into())).unwrap_or(0)
}

/// The first bits of an IPv6 address.
pub(in crate::network) fn mask6(prefix: u8) -> u128 {
    u128::MAX.checked_shl(128_u32.saturating_sub(prefix.into())).unwrap_or(0)
}

impl Ports {
    fn parse(text: &str) -> Result<Ports> {
        let (first, last) = text.split_once('-').unwrap_or((text, text));
        let port = |text: &str| {
            let number = text.parse::<u16>().ok().filter(|n| *n > 0 && text.bytes().all(|b| b.is_ascii_digit()));
            number.ok_or_else(|| Error::new(format!("`{text}` is no port: it is a number from 1 to 65535")))
        };
        let (first, last) = (port(first)?, port(last)?);
        if first > last {
            bail!("the first port of {first}-{last} is larger than the last");
        }
        Ok(Ports { first, last })
    }
}

impl fmt::Display for Ports {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.first == self.last { write!(f, "{}", self.first) } else { write!(f, "{}-{}", self.first, self.last) }
    }
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bracket = self.ports.is_some();
        match &self.what {
            What::Name { name, below } => write!(f, "{}{name}", if *below { "*." } else { "" })?,
            What::Net { address, prefix } => {
                let whole = if address.is_ipv4() { 32 } else { 128 };
                let bracket = bracket && address.is_ipv6();
                let prefix = if *prefix == whole { String::new() } else { format!("/{prefix}") };
                if bracket { write!(f, "[{address}{prefix}]")? } else { write!(f, "{address}{prefix}")? }
            }
        }
        match self.ports {
            Some(ports) => write!(f, ":{ports}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_have_one_form() {
        for (text, normal) in [
            ("Example.org.", "example.org"),
            ("*.Example.org:443", "*.example.org:443"),
            ("db:5432", "db:5432"),
            ("192.0.2.7", "192.0.2.7"),
            ("192.0.2.7/32:80", "192.0.2.7:80"),
            ("10.0.0.0/8:8000-8010", "10.0.0.0/8:8000-8010"),
            ("0.0.0.0/0", "0.0.0.0/0"),
            ("::/0", "::/0"),
            ("2001:db8::1", "2001:db8::1"),
            ("[2001:db8::1]", "2001:db8::1"),
            ("[2001:DB8::1]:443", "[2001:db8::1]:443"),
            ("2001:db8::/32", "2001:db8::/32"),
            ("2001:db8::/32:443", "[2001:db8::/32]:443"),
            ("[2001:db8::/32]:1-65535", "[2001:db8::/32]:1-65535"),
            ("::ffff:192.0.2.1", "192.0.2.1"),
            ("::ffff:192.0.2.0/120", "192.0.2.0/24"),
        ] {
            let entry = Entry::parse(text).unwrap_or_else(|e| panic!("{text}: {e}"));
            assert_eq!(entry.to_string(), normal, "{text}");
            assert_eq!(Entry::parse(normal).unwrap(), entry, "{text}");
        }
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (text, wrong) in [
            ("*", "`*` is everything"),
            ("", "there is an empty entry"),
            ("10.0.0.1/8", "`10.0.0.1/8` has bits beyond its prefix"),
            ("10.0.0.0/33", "`33` in `10.0.0.0/33` is no length of a prefix: it is a number up to 32"),
            ("10.0.0.0/+8", "`+8` in `10.0.0.0/+8` is no length of a prefix: it is a number up to 32"),
            ("example.org/8", "`example.org` in `example.org/8` is no address"),
            ("a.*.org", "`a.*.org` has a `*` that is not in front"),
            ("1.2.3", "`1.2.3` is neither an address nor a host name"),
            ("example.org:0", "reading `example.org:0`: `0` is no port: it is a number from 1 to 65535"),
            ("example.org:", "reading `example.org:`: `` is no port: it is a number from 1 to 65535"),
            ("example.org:9-8", "reading `example.org:9-8`: the first port of 9-8 is larger than the last"),
            ("example.org:http", "reading `example.org:http`: `http` is no port: it is a number from 1 to 65535"),
            ("[::1", "`[::1` lacks a `]`"),
            ("[::1]x", "`[::1]x` has something else than a port behind the `]`"),
            ("2001:db8::1:x:1", "`2001:db8::1:x:1` is no address"),
            ("https://example.org", "`https://example.org` is a URL"),
            ("exa mple", "`exa mple` is no host name"),
        ] {
            assert_eq!(Entry::parse(text).map_err(|e| e.to_string()), Err(wrong.to_owned()), "{text}");
        }
    }

    #[test]
    fn lists() {
        let list = |values: &[&str]| List::parse(values).map(|list| list.texts()).map_err(|e| e.to_string());
        assert_eq!(list(&["none"]), Ok(vec![]));
        assert_eq!(list(&["allow=a,allow=c"]), Ok(vec!["a".into(), "c".into()]));
        assert_eq!(list(&["allow=a, b", "B:1"]), Ok(vec!["a".into(), "b".into(), "b:1".into()]));
        assert_eq!(list(&["a,A."]), Ok(vec!["a".into()]));
        assert!(list(&["none,a"]).unwrap_err().contains("cannot stand beside"));
        assert!(list(&["a,"]).unwrap_err().contains("empty entry"));
        assert!(list(&[]).unwrap_err().contains("says nothing"));
        assert!(list(&[""]).unwrap_err().contains("empty entry"));
        assert_eq!(List::of_texts::<&str>(&[]), Ok(List::default()));
    }

    #[test]
    fn names_match_as_a_whole() {
        let list = List::parse(&["example.org,*.example.net:443,10.0.0.0/8"]).unwrap();
        let matches = |name: &str| list.entries_of(name).count();
        for name in ["example.org", "a.example.net", "a.b.example.net"] {
            assert_eq!(matches(name), 1, "{name}");
        }
        for name in [
            "www.example.org",
            "example.net",
            ".example.net",
            "a\\.example.net",
            "badexample.org",
            "xexample.net",
            "",
            "10.0.0.1",
        ] {
            assert_eq!(matches(name), 0, "{name}");
        }
        assert!(list.has_net_of("10.1.2.3".parse().unwrap()));
        assert!(!list.has_net_of("11.1.2.3".parse().unwrap()));
        assert!(!list.has_net_of("::10.1.2.3".parse().unwrap()));
        assert_eq!(list.ports_of_names(), [None, Some(Ports { first: 443, last: 443 })]);
    }

    #[test]
    fn both_policies_hold() {
        let policy = |text: &str| Policy::from(List::parse(&[text]).unwrap());
        let both = policy("a").and(policy("b")).and(policy("a"));
        assert_eq!(both.lists.len(), 2);
    }

    #[test]
    fn prefixes() {
        assert_eq!((mask4(0), mask4(8), mask4(32)), (0, 0xff00_0000, u32::MAX));
        assert_eq!((mask6(0), mask6(128), mask6(1)), (0, u128::MAX, 1 << 127));
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "\\PC{0,60}") {
            let _ = List::parse(&[&text]);
        }

        #[test]
        fn the_one_form_means_the_same(text in "(\\*\\.)?[a-zA-Z0-9.:/\\[\\]-]{1,24}(:[0-9-]{1,6})?") {
            if let Ok(entry) = Entry::parse(&text) {
                proptest::prop_assert_eq!(Entry::parse(&entry.to_string()), Ok(entry));
            }
        }
    }
}
