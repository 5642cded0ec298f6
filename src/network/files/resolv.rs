//! The container's /etc/resolv.conf.

use std::net::{IpAddr, Ipv4Addr};

use crate::bail;
use crate::error::Result;

/// The domain of containers' names, as in the reference.
pub const DOMAIN: &str = "dns.podman";
/// More than these no resolver library asks.
const MAX_SERVERS: usize = 3;

/// What goes into /etc/resolv.conf.
#[derive(Debug, Clone, Default)]
pub struct Resolv<'a> {
    /// Content of the host's file.
    pub base: &'a str,
    /// The container has a network of its own: name servers on the host's loopback are not to be reached from there.
    pub private: bool,
    /// Whether the container has IPv6.
    pub ipv6: bool,
    /// The DNS forwarder of the network helper.
    pub forwarder: Option<IpAddr>,
    /// The gateways of bridge networks, which answer and forward: who asks them needs nobody else.
    pub gateways: &'a [IpAddr],
    /// Names of containers resolve there.
    pub names: bool,
    /// `--dns`: replaces all name servers, but for gateways that know names, who ask these servers then.
    pub dns: &'a [String],
    /// `--dns-search`: replaces the search list; `.` means none.
    pub search: &'a [String],
    /// `--dns-option`: replaces the options.
    pub options: &'a [String],
}

/// Checks `--dns`, `--dns-search` and `--dns-option` as typed. Whether the file is ours to write: not with `--dns none`.
pub fn check(dns: &[String], search: &[String], options: &[String]) -> Result<bool> {
    if dns.iter().any(|dns| dns == "none") {
        if dns.len() > 1 {
            bail!("none is not allowed to be specified with other DNS ip addresses");
        }
        return Ok(false);
    }
    if let Some(dns) = dns.iter().find(|dns| dns.parse::<IpAddr>().is_err()) {
        bail!("{dns} is not an ip address");
    }
    if search.len() > 1 && search.iter().any(|domain| domain == ".") {
        bail!("cannot pass additional search domains when also specifying '.'");
    }
    if let Some(domain) = search.iter().find(|domain| *domain != "." && !is_domain(domain)) {
        bail!("{domain:?} is not a valid domain");
    }
    if let Some(option) = options.iter().find(|option| !is_word(option)) {
        bail!("{option:?} is not a valid option for resolv.conf");
    }
    Ok(true)
}

fn is_word(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_graphic())
}

fn is_domain(text: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len()) && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
    };
    text.len() <= 254 && text.strip_suffix('.').unwrap_or(text).split('.').all(label)
}

/// Whether a host's file names nothing but the stub of systemd-resolved, which keeps the real one elsewhere.
pub fn is_stub(base: &str) -> bool {
    let stub = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 53));
    let mut servers = values(base, "nameserver").peekable();
    servers.peek().is_some() && servers.all(|server| server.parse() == Ok(stub))
}

/// The whole file.
pub fn render(resolv: &Resolv<'_>) -> String {
    let mut servers: Vec<String> = Vec::new();
    if !resolv.gateways.is_empty() && (resolv.names || resolv.dns.is_empty()) {
        servers.extend(resolv.gateways.iter().take(MAX_SERVERS).map(ToString::to_string));
    } else if resolv.dns.is_empty() {
        servers.extend(resolv.forwarder.map(|ip| ip.to_string()));
        servers.extend(values(resolv.base, "nameserver").filter(|ip| resolv.is_reachable(ip)).map(str::to_owned));
    } else {
        servers.extend(resolv.dns.iter().cloned());
    }
    // Of several such lines the last counts; `domain` is an older form of `search`.
    let base_search: Option<Vec<String>> = resolv.base.lines().rev().map(str::trim_start).find_map(|line| {
        let mut words = line.split_whitespace();
        matches!(words.next(), Some("search" | "domain")).then(|| words.map(str::to_owned).collect())
    });
    let search: Vec<String> = if resolv.search.is_empty() {
        // First, so that a container's name is not asked of the host's resolvers in all their domains.
        resolv.names.then(|| DOMAIN.to_owned()).into_iter().chain(base_search.unwrap_or_default()).collect()
    } else {
        resolv.search.to_vec()
    };
    let options: Vec<String> = if resolv.options.is_empty() {
        resolv
            .base
            .lines()
            .filter_map(|line| line.trim_start().strip_prefix("options"))
            .flat_map(str::split_whitespace)
            .map(str::to_owned)
            .collect()
    } else {
        resolv.options.to_vec()
    };
    let mut text = String::new();
    if search.iter().any(|domain| domain != ".") {
        text.push_str(&format!("search {}\n", search.join(" ")));
    }
    for server in servers {
        text.push_str(&format!("nameserver {server}\n"));
    }
    if !options.is_empty() {
        text.push_str(&format!("options {}\n", options.join(" ")));
    }
    text
}

impl Resolv<'_> {
    fn is_reachable(&self, server: &str) -> bool {
        if !self.private {
            return true;
        }
        match server.parse::<IpAddr>() {
            Ok(IpAddr::V4(ip)) => !ip.is_loopback(),
            Ok(IpAddr::V6(ip)) => self.ipv6 && !ip.is_loopback() && !ip.is_unicast_link_local(),
            // With a zone (fe80::1%eth0), which means nothing in another namespace.
            Err(_) => false,
        }
    }
}

/// The first word after each `keyword` at the beginning of a line.
fn values<'a>(text: &'a str, keyword: &'a str) -> impl Iterator<Item = &'a str> {
    text.lines().filter_map(move |line| {
        let mut words = line.split_whitespace();
        (words.next() == Some(keyword)).then(|| words.next()).flatten()
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const BASE: &str = "# host\ndomain old.example\nsearch a.example b.example\nnameserver 127.0.0.1\nnameserver 192.168.1.1\n\
                        nameserver ::1\nnameserver fd00::1\nnameserver fe80::1%eth0\noptions edns0 trust-ad\n";

    fn strings(words: &[&str]) -> Vec<String> {
        words.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn behind_a_helper() {
        let resolv =
            Resolv { base: BASE, private: true, ipv6: true, forwarder: "10.0.2.3".parse().ok(), ..Resolv::default() };
        assert_eq!(
            render(&resolv),
            "search a.example b.example\nnameserver 10.0.2.3\nnameserver 192.168.1.1\nnameserver fd00::1\n\
             options edns0 trust-ad\n"
        );
        let without_ipv6 = render(&Resolv { ipv6: false, ..resolv });
        assert!(!without_ipv6.contains("fd00"), "{without_ipv6}");
    }

    #[test]
    fn on_the_host_network_nothing_is_left_out() {
        let text = render(&Resolv { base: BASE, ..Resolv::default() });
        assert_eq!(text.matches("nameserver").count(), 5, "{text}");
    }

    #[test]
    fn flags_replace() {
        let (dns, search, options) = (strings(&["1.1.1.1", "::1"]), strings(&["x.example"]), strings(&["ndots:2"]));
        let resolv = Resolv {
            base: BASE,
            private: true,
            forwarder: "10.0.2.3".parse().ok(),
            dns: &dns,
            search: &search,
            options: &options,
            ..Resolv::default()
        };
        assert_eq!(render(&resolv), "search x.example\nnameserver 1.1.1.1\nnameserver ::1\noptions ndots:2\n");
        let none = strings(&["."]);
        assert!(!render(&Resolv { search: &none, ..resolv }).contains("search"));
    }

    #[test]
    fn on_bridges() {
        let gateways: Vec<IpAddr> =
            ["10.89.0.1", "10.88.0.1", "fd00::1", "fd01::1"].into_iter().map(|ip| ip.parse().unwrap()).collect();
        let (dns, search) = (strings(&["1.1.1.1"]), strings(&["x.example"]));
        let resolv = Resolv { base: BASE, private: true, gateways: &gateways, ..Resolv::default() };
        let servers = "nameserver 10.89.0.1\nnameserver 10.88.0.1\nnameserver fd00::1\n";
        let options = "options edns0 trust-ad\n";
        assert_eq!(render(&resolv), format!("search a.example b.example\n{servers}{options}"));
        let named = Resolv { names: true, ..resolv.clone() };
        assert_eq!(render(&named), format!("search dns.podman a.example b.example\n{servers}{options}"));
        let searched = render(&Resolv { search: &search, ..named.clone() });
        assert_eq!(searched, format!("search x.example\n{servers}{options}"));
        assert_eq!(render(&Resolv { dns: &dns, ..named.clone() }), render(&named));
        let without_names = render(&Resolv { dns: &dns, ..resolv });
        assert_eq!(without_names, format!("search a.example b.example\nnameserver 1.1.1.1\n{options}"));
    }

    #[test]
    fn what_flags_may_say() {
        let check = |dns: &[&str], search: &[&str], options: &[&str]| {
            check(&strings(dns), &strings(search), &strings(options)).map_err(|e| e.to_string())
        };
        assert_eq!(check(&[], &[], &[]), Ok(true));
        assert_eq!(check(&["8.8.8.8", "::1"], &["a.example.", "_x.y-z"], &["ndots:2", "edns0"]), Ok(true));
        assert_eq!(check(&["none"], &[], &[]), Ok(false));
        for (dns, search, options, message) in [
            (&["none", "1.1.1.1"][..], &[][..], &[][..], "none is not allowed to be specified with other DNS"),
            (&["1.1.1"], &[], &[], "1.1.1 is not an ip address"),
            (&[], &[".", "a"], &[], "cannot pass additional search domains when also specifying '.'"),
            (&[], &["a b"], &[], "\"a b\" is not a valid domain"),
            (&[], &[""], &[], "\"\" is not a valid domain"),
            (&[], &["a..b"], &[], "is not a valid domain"),
            (&[], &[], &["a\nnameserver 6.6.6.6"], "is not a valid option"),
        ] {
            let error = check(dns, search, options).unwrap_err();
            assert!(error.contains(message), "{dns:?} {search:?}: {error}");
        }
    }

    #[test]
    fn the_stub_of_systemd_resolved() {
        assert!(is_stub("nameserver 127.0.0.53\noptions edns0\n"));
        assert!(!is_stub("nameserver 127.0.0.53\nnameserver 1.1.1.1\n"));
        assert!(!is_stub("search x\n"));
    }

    proptest! {
        #[test]
        fn any_base_will_do(base in "([a-z#.: 0-9]{0,20}\n){0,5}") {
            let _ = render(&Resolv { base: &base, private: true, ipv6: true, ..Resolv::default() });
            let _ = is_stub(&base);
        }
    }
}
