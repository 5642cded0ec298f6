//! What is answered here, and what may be asked of others: the decision, without any of its effects.
//!
//! A name without dots is never asked of the outside by a container that has a network with names, nor is one below
//! `dns.podman`: who mistypes a container's name does not tell the world, and gets an answer at once. Names of an intranet
//! have dots by the time they come here, from the search list in the container's resolv.conf. All this is as the reference does it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use hickory_proto::op::ResponseCode;
use hickory_proto::rr::{DNSClass, RData, RecordType};

use super::answer;
use super::question::Question;
use super::table::{Asker, Found, Table, Way};
use crate::network::files::resolv::DOMAIN;

/// What becomes of a question.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Decision {
    /// An answer without records.
    Code(ResponseCode),
    Records(Vec<RData>),
    /// The containers behind a name, which is without the suffix here.
    Containers {
        name: String,
        found: Found,
    },
    /// The name of the container that has an address.
    Pointer {
        name: String,
        /// Its short ID, where the name is none in DNS.
        id: String,
        address: IpAddr,
    },
    /// To be asked of others.
    Ask(Way),
}

/// Decides on a question that came over the network `over`.
pub(super) fn decide(table: &Table, asker: &Asker, over: &str, question: &Question, turn: usize) -> Decision {
    if let Some(code) = unsupported(question) {
        return Decision::Code(code);
    }
    let name = question.name.as_str();
    // RFC 6761, 6.3.
    if name == "localhost" || name.ends_with(".localhost") {
        return addresses(question, &[Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()]);
    }
    let stripped = name.strip_suffix(DOMAIN).and_then(|name| name.strip_suffix('.'));
    let bare = stripped.unwrap_or(name);
    if let Some(found) = table.find(asker, over, bare, turn) {
        return Decision::Containers { name: bare.to_owned(), found };
    }
    if question.kind() == RecordType::PTR
        && let Some(address) = reversed(question)
    {
        if let Some((name, id)) = table.reverse(asker, address) {
            return Decision::Pointer { name, id, address };
        }
        if table.is_ours(address) {
            return Decision::Code(ResponseCode::NXDomain);
        }
    }
    let is_single = !name.is_empty() && !name.contains('.') && !is_of_zones(question.kind());
    if stripped.is_some() || name == DOMAIN || is_single && table.has_names(asker) {
        return Decision::Code(ResponseCode::NXDomain);
    }
    Decision::Ask(table.way(asker, over))
}

/// Of these addresses, what was asked for: none is an answer, too, when the name has others.
pub(super) fn addresses(question: &Question, addresses: &[IpAddr]) -> Decision {
    let wanted = |address: &&IpAddr| match question.kind() {
        RecordType::A => address.is_ipv4(),
        RecordType::AAAA => address.is_ipv6(),
        kind => kind == RecordType::ANY,
    };
    Decision::Records(addresses.iter().filter(wanted).copied().map(answer::address).collect())
}

/// The code for what nobody is asked.
fn unsupported(question: &Question) -> Option<ResponseCode> {
    if question.edns.as_ref().is_some_and(|edns| edns.version() > 0) {
        return Some(ResponseCode::BADVERS);
    }
    if !matches!(question.class(), DNSClass::IN | DNSClass::ANY) {
        return Some(ResponseCode::Refused);
    }
    match u16::from(question.kind()) {
        // OPT is no question; TKEY, TSIG, IXFR, AXFR, MAILB and MAILA are for servers among themselves.
        41 | 249..=254 => Some(ResponseCode::NotImp),
        _ => None,
    }
}

/// Types that tell of zones and not of hosts. Resolvers that validate ask for those of top-level domains.
fn is_of_zones(kind: RecordType) -> bool {
    matches!(kind, RecordType::NS | RecordType::SOA | RecordType::DS | RecordType::DNSKEY | RecordType::RRSIG)
}

/// The address in a name like 1.2.0.192.in-addr.arpa.
fn reversed(question: &Question) -> Option<IpAddr> {
    let net = question.query.name().parse_arpa_name().ok()?;
    (net.prefix_len() == net.max_prefix_len()).then(|| net.addr())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::dns::{Bridge, Container, Membership};

    fn table(names: bool, internal: bool) -> Table {
        let mut table = Table::default();
        table.set_bridge(Bridge {
            network: "n".into(),
            subnets: vec![("10.89.0.0".parse().unwrap(), 24), ("fd00::".parse().unwrap(), 64)],
            names,
            internal,
            ..Bridge::default()
        });
        for (id, name, last) in [("111111111111aaaa", "me", 2), ("222222222222bbbb", "web", 3)] {
            let addresses = vec![format!("10.89.0.{last}").parse().unwrap(), format!("fd00::{last}").parse().unwrap()];
            let networks = vec![Membership { network: "n".into(), addresses, aliases: vec!["a.b".into()] }];
            table.set_container(id, Container { name: name.into(), networks, ..Container::default() });
        }
        table
    }

    fn decision(table: &Table, name: &str, kind: u16) -> Decision {
        let mut bytes = vec![0, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
        for label in name.split('.').filter(|label| !label.is_empty()) {
            bytes.push(label.len().try_into().unwrap());
            bytes.extend_from_slice(label.as_bytes());
        }
        bytes.push(0);
        bytes.extend_from_slice(&kind.to_be_bytes());
        bytes.extend_from_slice(&[0, 1]);
        let asker = table.asker("10.89.0.2".parse().unwrap()).unwrap();
        decide(table, &asker, "n", &Question::parse(&bytes).unwrap(), 0)
    }

    fn container(decision: Decision) -> Option<(String, usize)> {
        match decision {
            Decision::Containers { name, found } => Some((name, found.addresses.len())),
            _ => None,
        }
    }

    #[test]
    fn names_with_and_without_suffix() {
        let table = table(true, false);
        for name in ["web", "WEB", "web.dns.podman", "Web.DNS.podman", "222222222222"] {
            let found = container(decision(&table, name, 1)).unwrap_or_else(|| panic!("{name}"));
            assert_eq!(found.1, 2, "{name}");
            assert!(!found.0.contains('.'), "{name}");
        }
        assert_eq!(container(decision(&table, "a.b", 28)), Some(("a.b".into(), 4)));
        // Whatever is asked of a name that is there, it is not said to be nowhere.
        assert!(container(decision(&table, "web", 15)).is_some());
        let nowhere = Decision::Code(ResponseCode::NXDomain);
        for name in ["wep", "wep.dns.podman", "x.y.dns.podman", "dns.podman"] {
            assert_eq!(decision(&table, name, 1), nowhere, "{name}");
        }
        for (name, kind) in [("wep.example", 1), ("notdns.podman", 1), ("", 2), ("com", 43), ("com", 2)] {
            assert_eq!(decision(&table, name, kind), Decision::Ask(Way::Host), "{name}");
        }
    }

    #[test]
    fn without_names_all_is_asked() {
        let table = table(false, false);
        for name in ["web", "wep"] {
            assert_eq!(decision(&table, name, 1), Decision::Ask(Way::Host), "{name}");
        }
        assert_eq!(decision(&table, "3.0.89.10.in-addr.arpa", 12), Decision::Code(ResponseCode::NXDomain));
    }

    #[test]
    fn internal_networks_ask_nobody() {
        let table = table(true, true);
        assert_eq!(decision(&table, "example.org", 1), Decision::Ask(Way::None));
        assert!(container(decision(&table, "web", 1)).is_some());
    }

    #[test]
    fn reverse_names() {
        let table = table(true, false);
        let pointer = |address: &str| {
            let (name, id, address) = ("web".into(), "222222222222".into(), address.parse().unwrap());
            Decision::Pointer { name, id, address }
        };
        assert_eq!(decision(&table, "3.0.89.10.in-addr.arpa", 12), pointer("10.89.0.3"));
        assert_eq!(decision(&table, "3.0.89.10.IN-ADDR.arpa", 12), pointer("10.89.0.3"));
        let v6 = format!("3.{}0.0.d.f.ip6.arpa", "0.".repeat(27));
        assert_eq!(decision(&table, &v6, 12), pointer("fd00::3"));
        assert_eq!(decision(&table, "9.0.89.10.in-addr.arpa", 12), Decision::Code(ResponseCode::NXDomain));
        assert_eq!(decision(&table, "8.8.8.8.in-addr.arpa", 12), Decision::Ask(Way::Host));
        assert_eq!(decision(&table, "0.89.10.in-addr.arpa", 12), Decision::Ask(Way::Host), "a zone");
    }

    #[test]
    fn families_and_localhost() {
        let table = table(true, false);
        let records = |name: &str, kind: u16| match decision(&table, name, kind) {
            Decision::Records(records) => records.len(),
            other => panic!("{other:?}"),
        };
        assert_eq!((records("localhost", 1), records("x.LocalHost", 28), records("localhost", 255)), (1, 1, 2));
        assert_eq!(records("localhost", 15), 0);
        assert_eq!(decision(&table, "web", 252), Decision::Code(ResponseCode::NotImp));
    }
}
