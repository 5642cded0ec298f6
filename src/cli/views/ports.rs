//! Ports in the words of `ps` and `port`.

use crate::container::record::PortMapping;

/// The address that a mapping is published on, for people: an empty one means all.
pub fn host_ip(mapping: &PortMapping) -> &str {
    if mapping.host_ip.is_empty() { "0.0.0.0" } else { &mapping.host_ip }
}

/// `80/tcp` as a number and a protocol; `tcp` when none is named.
pub fn parse_exposed(text: &str) -> Option<(u16, &str)> {
    let (port, protocol) = text.split_once('/').unwrap_or((text, "tcp"));
    Some((port.parse().ok()?, protocol))
}

/// Published and exposed ports as `ps` shows them: `0.0.0.0:8080->80/tcp, 90-92/tcp`.
pub fn summary(ports: &[PortMapping], exposed: &[String]) -> String {
    let mut parts: Vec<String> = ports.iter().map(published).collect();
    let is_published = |port: u16, protocol: &str| {
        ports
            .iter()
            .any(|p| p.protocol == protocol && port >= p.container_port && port - p.container_port < p.range.max(1))
    };
    let mut left: Vec<(&str, u16)> = exposed
        .iter()
        .filter_map(|text| parse_exposed(text))
        .filter(|(port, protocol)| !is_published(*port, protocol))
        .map(|(port, protocol)| (protocol, port))
        .collect();
    left.sort_unstable();
    left.dedup();
    let mut rest = left.into_iter().peekable();
    while let Some((protocol, first)) = rest.next() {
        let mut last = first;
        while rest.next_if(|next| next.0 == protocol && Some(next.1) == last.checked_add(1)).is_some() {
            last += 1;
        }
        parts.push(if last > first { format!("{first}-{last}/{protocol}") } else { format!("{first}/{protocol}") });
    }
    parts.join(", ")
}

fn published(mapping: &PortMapping) -> String {
    let PortMapping { container_port, host_port, range, protocol, .. } = mapping;
    let ip = bracketed(host_ip(mapping));
    match range.checked_sub(1) {
        Some(more @ 1..) => {
            let (host_end, container_end) =
                (u32::from(*host_port) + u32::from(more), u32::from(*container_port) + u32::from(more));
            format!("{ip}:{host_port}-{host_end}->{container_port}-{container_end}/{protocol}")
        }
        _ => format!("{ip}:{host_port}->{container_port}/{protocol}"),
    }
}

/// An IPv6 address in brackets, so that the port can be told from it.
pub fn bracketed(ip: &str) -> String {
    if ip.contains(':') { format!("[{ip}]") } else { ip.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mapping(host_ip: &str, host_port: u16, container_port: u16, range: u16, protocol: &str) -> PortMapping {
        PortMapping { host_ip: host_ip.into(), container_port, host_port, range, protocol: protocol.into() }
    }

    #[test]
    fn ports_are_summed_up() {
        let cases: [(&[PortMapping], &[&str], &str); 6] = [
            (&[], &[], ""),
            (&[mapping("", 18080, 80, 1, "tcp")], &["80/tcp"], "0.0.0.0:18080->80/tcp"),
            (
                &[mapping("127.0.0.1", 2000, 3000, 7, "udp")],
                &["3003/udp", "3003/tcp"],
                "127.0.0.1:2000-2006->3000-3006/udp, 3003/tcp",
            ),
            (&[], &["81/tcp", "80/tcp", "82/tcp", "90/tcp", "81/udp", "x"], "80-82/tcp, 90/tcp, 81/udp"),
            (&[mapping("::1", 1, 2, 0, "tcp")], &[], "[::1]:1->2/tcp"),
            (&[], &["65535/tcp", "65534/tcp"], "65534-65535/tcp"),
        ];
        for (ports, exposed, want) in cases {
            let exposed: Vec<String> = exposed.iter().map(|&e| e.to_owned()).collect();
            assert_eq!(summary(ports, &exposed), want);
        }
    }
}
