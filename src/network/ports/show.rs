//! Mappings as people see them in `ps` and `port`.

use super::PortMapping;
use super::free::show_address;

/// `0.0.0.0:18080->80/tcp, 0.0.0.0:8000-8002->8000-8002/udp`, as in the PORTS column of `ps`.
pub fn display(mappings: &[PortMapping]) -> String {
    display_with_exposed(mappings, &[])
}

/// The same, followed by the exposed ports (`80/tcp`) that are not published.
pub fn display_with_exposed(mappings: &[PortMapping], exposed: &[String]) -> String {
    let mut words: Vec<String> = mappings.iter().map(one).collect();
    let published = |port: &str| expand(mappings).any(|p| format!("{}/{}", p.container_port, p.protocol) == port);
    words.extend(exposed.iter().filter(|port| !published(port)).cloned());
    words.join(", ")
}

fn one(mapping: &PortMapping) -> String {
    let host = show_address(&mapping.host_ip, mapping.host_port);
    let more = mapping.range.saturating_sub(1);
    if more == 0 {
        return format!("{host}->{}/{}", mapping.container_port, mapping.protocol);
    }
    let (last_host, last) = (mapping.host_port.saturating_add(more), mapping.container_port.saturating_add(more));
    format!("{host}-{last_host}->{}-{last}/{}", mapping.container_port, mapping.protocol)
}

/// One published port of a mapping.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Published<'a> {
    pub container_port: u16,
    pub protocol: &'a str,
    /// `0.0.0.0` where the mapping says none.
    pub host_ip: &'a str,
    /// As the mapping says it.
    pub mapped_ip: &'a str,
    pub host_port: u16,
}

impl Published<'_> {
    /// `0.0.0.0:18080`, as `port NAME 80` prints it.
    pub fn host(&self) -> String {
        show_address(self.host_ip, self.host_port)
    }
}

/// Each port of each mapping. A line of `port` is `80/tcp -> 0.0.0.0:18080`.
pub fn expand(mappings: &[PortMapping]) -> impl Iterator<Item = Published<'_>> {
    mappings.iter().flat_map(|mapping| {
        (0..mapping.range.max(1)).map(|n| Published {
            container_port: mapping.container_port.saturating_add(n),
            protocol: &mapping.protocol,
            mapped_ip: &mapping.host_ip,
            host_ip: if mapping.host_ip.is_empty() { "0.0.0.0" } else { &mapping.host_ip },
            host_port: mapping.host_port.saturating_add(n),
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mapping(host_ip: &str, host_port: u16, container_port: u16, range: u16) -> PortMapping {
        PortMapping { host_ip: host_ip.into(), container_port, host_port, range, protocol: "tcp".into() }
    }

    #[test]
    fn as_in_ps() {
        assert_eq!(display(&[]), "");
        assert_eq!(display(&[mapping("", 18080, 80, 1)]), "0.0.0.0:18080->80/tcp");
        assert_eq!(display(&[mapping("", 8000, 8000, 3)]), "0.0.0.0:8000-8002->8000-8002/tcp");
        assert_eq!(
            display(&[mapping("127.0.0.1", 1, 2, 1), mapping("::1", 5, 6, 2)]),
            "127.0.0.1:1->2/tcp, [::1]:5-6->6-7/tcp"
        );
        let exposed = ["80/tcp".to_owned(), "81/tcp".to_owned(), "80/udp".to_owned()];
        assert_eq!(display_with_exposed(&[mapping("", 9, 80, 1)], &exposed), "0.0.0.0:9->80/tcp, 81/tcp, 80/udp");
    }

    #[test]
    fn as_in_port() {
        let mappings = [mapping("", 8000, 80, 2)];
        let lines: Vec<String> =
            expand(&mappings).map(|p| format!("{}/{} -> {}", p.container_port, p.protocol, p.host())).collect();
        assert_eq!(lines, ["80/tcp -> 0.0.0.0:8000", "81/tcp -> 0.0.0.0:8001"]);
    }
}
