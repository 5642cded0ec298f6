//! The container's /etc/hosts.
//!
//! First the entries that the user adds, then those of the base file (the host's) that they do not override, then names
//! for the host, then the container's own. A name appears in the first of these places only.

use std::collections::HashSet;
use std::net::IpAddr;

use crate::bail;
use crate::error::Result;

/// Names under which a container finds its host.
const HOST_NAMES: [&str; 2] = ["host.containers.internal", "host.docker.internal"];

/// What goes into /etc/hosts.
#[derive(Debug, Clone, Default)]
pub struct Hosts<'a> {
    /// Content of the base file.
    pub base: &'a str,
    /// `--add-host`, as typed.
    pub add_host: &'a [String],
    /// The host as the container reaches it, if it does.
    pub host: Option<IpAddr>,
    /// What `host-gateway` means: the same, or an address of the host that is out of its reach.
    pub gateway: Option<IpAddr>,
    /// The container's own address; `None` where it has the host's.
    pub own: Option<IpAddr>,
    pub hostname: &'a str,
    pub container_name: &'a str,
}

/// One `--add-host`: names, and an address or `None` for `host-gateway`.
type Entry<'a> = (Vec<&'a str>, Option<IpAddr>);

/// Checks one `--add-host` as typed: `name[;name...]:address`, the address being `host-gateway` perhaps.
pub fn check_add_host(text: &str) -> Result<()> {
    parse_add_host(text).map(drop)
}

fn parse_add_host(text: &str) -> Result<Entry<'_>> {
    let Some((names, address)) = text.split_once(':') else { bail!("bad format for add-host: {text:?}") };
    let names: Vec<&str> = names.split(';').collect();
    if !names.iter().all(|name| is_name(name)) {
        bail!("hostname in host entry {text:?} is empty or not a name");
    }
    if address == "host-gateway" {
        return Ok((names, None));
    }
    let inner = address.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(address);
    match inner.parse() {
        Ok(ip) => Ok((names, Some(ip))),
        Err(_) => bail!("invalid IP address in add-host: {address:?}"),
    }
}

/// What cannot break a line of the file.
fn is_name(text: &str) -> bool {
    !text.is_empty() && !text.chars().any(|c| c.is_whitespace() || c.is_control() || c == '#')
}

/// The whole file.
pub fn render(hosts: &Hosts<'_>) -> Result<String> {
    let mut file = File::default();
    for text in hosts.add_host {
        let (names, ip) = parse_add_host(text)?;
        let Some(ip) = ip.or(hosts.gateway) else {
            bail!("unable to replace \"host-gateway\" of host entry {text:?}: no address of the host is known")
        };
        file.add(&ip.to_string(), &names);
    }
    // Lines of the base file may repeat names among each other (127.0.0.1 and ::1 are both localhost).
    let overridden = file.names.clone();
    for line in hosts.base.lines() {
        let mut words = line.split('#').next().unwrap_or_default().split_whitespace();
        let Some(ip) = words.next() else { continue };
        let names: Vec<&str> = words.filter(|name| !overridden.contains(*name)).collect();
        file.line(ip, &names);
    }
    if !file.names.contains("localhost") {
        file.line("127.0.0.1", &["localhost"]);
        file.line("::1", &["localhost"]);
    }
    if let Some(ip) = hosts.host {
        file.add(&ip.to_string(), &HOST_NAMES);
    }
    if let Some(ip) = hosts.own {
        let names: Vec<&str> =
            [hosts.hostname, hosts.container_name].into_iter().filter(|name| is_name(name)).collect();
        file.add(&ip.to_string(), &names);
    }
    Ok(file.text)
}

/// The text of a hosts file in which the container's own names have these addresses, and no longer those of before.
/// Everything else stays as it is, also what the container itself has written; names that stand elsewhere in it stay there.
pub fn with_addresses(text: &str, before: &[IpAddr], now: &[IpAddr], names: &[&str]) -> String {
    let is_own = |line: &str| {
        let mut words = line.split_whitespace();
        let address = words.next().and_then(|word| word.parse().ok());
        address.is_some_and(|ip| before.contains(&ip)) && words.all(|word| names.contains(&word))
    };
    let mut changed = String::with_capacity(text.len() + 64);
    let mut taken = HashSet::new();
    for line in text.split_inclusive('\n').filter(|line| !is_own(line)) {
        changed.push_str(line);
        taken.extend(line.split('#').next().unwrap_or_default().split_whitespace().skip(1));
    }
    if !changed.is_empty() && !changed.ends_with('\n') {
        changed.push('\n');
    }
    let mut own: Vec<&str> = Vec::new();
    for name in names {
        if is_name(name) && !taken.contains(name) && !own.contains(name) {
            own.push(name);
        }
    }
    if !own.is_empty() {
        let own = own.join(" ");
        now.iter().for_each(|ip| changed.push_str(&format!("{ip}\t{own}\n")));
    }
    changed
}

#[derive(Default)]
struct File {
    text: String,
    names: HashSet<String>,
}

impl File {
    /// A line with those names that are not there yet.
    fn add(&mut self, ip: &str, names: &[&str]) {
        let mut new: Vec<&str> = Vec::new();
        for name in names {
            if !self.names.contains(*name) && !new.contains(name) {
                new.push(name);
            }
        }
        self.line(ip, &new);
    }

    fn line(&mut self, ip: &str, names: &[&str]) {
        if !names.is_empty() {
            self.text.push_str(&format!("{ip}\t{}\n", names.join(" ")));
            self.names.extend(names.iter().map(|name| (*name).to_owned()));
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const BASE: &str =
        "127.0.0.1 localhost # me\n\n# a comment\n::1 localhost ip6-localhost\n10.1.1.1\tprinter other\n";

    #[test]
    fn the_whole_file() {
        let add = ["db;cache:10.0.0.9".to_owned(), "printer:10.0.0.8".into(), "gw:host-gateway".into()];
        let hosts = Hosts {
            base: BASE,
            add_host: &add,
            host: Some("192.168.1.5".parse().unwrap()),
            gateway: Some("192.168.1.5".parse().unwrap()),
            own: Some("10.0.2.100".parse().unwrap()),
            hostname: "5814d761c23a",
            container_name: "web",
        };
        assert_eq!(
            render(&hosts).unwrap(),
            "10.0.0.9\tdb cache\n\
             10.0.0.8\tprinter\n\
             192.168.1.5\tgw\n\
             127.0.0.1\tlocalhost\n\
             ::1\tlocalhost ip6-localhost\n\
             10.1.1.1\tother\n\
             192.168.1.5\thost.containers.internal host.docker.internal\n\
             10.0.2.100\t5814d761c23a web\n"
        );
    }

    #[test]
    fn without_base_host_and_address() {
        assert_eq!(render(&Hosts::default()).unwrap(), "127.0.0.1\tlocalhost\n::1\tlocalhost\n");
        let same = Hosts { own: "127.0.0.1".parse().ok(), hostname: "web", container_name: "web", ..Hosts::default() };
        assert!(render(&same).unwrap().ends_with("127.0.0.1\tweb\n"));
        let add = ["a:host-gateway".to_owned()];
        let error = render(&Hosts { add_host: &add, ..Hosts::default() }).unwrap_err().to_string();
        assert!(error.starts_with("unable to replace \"host-gateway\" of host entry \"a:host-gateway\""), "{error}");
    }

    #[test]
    fn addresses_come_and_go() {
        let ip = |text: &str| text.parse::<IpAddr>().unwrap();
        let (a, b) = (ip("10.88.0.2"), ip("fd00::2"));
        let names = ["5814d761c23a", "web"];
        let text = "127.0.0.1\tlocalhost\n10.0.0.9\tdb";
        let first = with_addresses(text, &[], &[a], &names);
        assert_eq!(first, "127.0.0.1\tlocalhost\n10.0.0.9\tdb\n10.88.0.2\t5814d761c23a web\n");
        // The container has added a line, and one of its address.
        let written = format!("{first}1.1.1.1 own\n10.88.0.2 mine # me\n");
        assert_eq!(
            with_addresses(&written, &[a], &[b, a], &names),
            "127.0.0.1\tlocalhost\n10.0.0.9\tdb\n1.1.1.1 own\n10.88.0.2 mine # me\nfd00::2\t5814d761c23a web\n\
             10.88.0.2\t5814d761c23a web\n"
        );
        assert_eq!(with_addresses(&first, &[a], &[], &names), format!("{text}\n"));
        assert_eq!(with_addresses(&first, &[a], &[a], &names), first);
        // Line ends are the container's own.
        assert_eq!(with_addresses("1.1.1.1 a\r\n10.88.0.2 web\r\n\r", &[a], &[], &names), "1.1.1.1 a\r\n\r\n");
        // A name that the user gave another address keeps it.
        let given = with_addresses("10.0.0.9\tweb\n", &[], &[a], &names);
        assert_eq!(given, "10.0.0.9\tweb\n10.88.0.2\t5814d761c23a\n");
    }

    #[test]
    fn add_host_forms() {
        for good in ["a:1.2.3.4", "a;b:1.2.3.4", "a:::1", "a:[::1]", "a:host-gateway"] {
            assert!(check_add_host(good).is_ok(), "{good}");
        }
        for (bad, message) in [
            ("a", "bad format for add-host: \"a\""),
            ("a:", "invalid IP address in add-host: \"\""),
            ("a:b", "invalid IP address in add-host: \"b\""),
            (":1.2.3.4", "is empty or not a name"),
            ("a;:1.2.3.4", "is empty or not a name"),
            ("a\n6.6.6.6 b:1.2.3.4", "is empty or not a name"),
        ] {
            let error = check_add_host(bad).unwrap_err().to_string();
            assert!(error.contains(message), "{bad}: {error}");
        }
    }

    proptest! {
        #[test]
        fn any_file_gets_addresses(text in "([0-9.:a-z# \t]{0,20}\n?){0,6}") {
            let ip: [IpAddr; 1] = ["10.88.0.2".parse().unwrap()];
            let with = with_addresses(&text, &[], &ip, &["web"]);
            prop_assert_eq!(with_addresses(&with, &ip, &ip, &["web"]), with);
        }

        #[test]
        fn added_hosts_never_add_lines(text in "\\PC{0,20}:1\\.2\\.3\\.4") {
            let add = [text];
            if let Ok(file) = render(&Hosts { add_host: &add, ..Hosts::default() }) {
                prop_assert_eq!(file.lines().count(), 3);
            }
        }
    }
}
