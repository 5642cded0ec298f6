//! `port`: where the ports of a container are published.

use super::ports::{bracketed, host_ip};
use crate::cli::format::short_id;
use crate::container::record::PortMapping;
use crate::container::store::Container;
use crate::error::{Error, Result};
use crate::network::ports::{Published, expand};

/// Shows the published ports of containers. With `wanted` (`80` or `80/udp`) only the addresses of that port, and with
/// `with_ids` (`--all`) each line begins with the container's ID.
///
/// # Errors
/// When `wanted` is malformed or not published.
pub fn render(containers: &[Container], wanted: Option<&str>, with_ids: bool) -> Result<String> {
    let filter = wanted.map(parse).transpose()?;
    let mut out = String::new();
    for container in containers {
        let record = &container.record;
        for mapping in &record.ports {
            for i in 0..mapping.range.max(1) {
                let pair = mapping.container_port.checked_add(i).zip(mapping.host_port.checked_add(i));
                let Some((container_port, host_port)) = pair else { continue };
                let address = format!("{}:{host_port}", bracketed(host_ip(mapping)));
                match filter {
                    Some((port, protocol)) if port == container_port && protocol == mapping.protocol => {
                        out.push_str(&format!("{address}\n"));
                    }
                    Some(_) => {}
                    None => {
                        let id = if with_ids { format!("{}\t", short_id(&record.id)) } else { String::new() };
                        out.push_str(&format!("{id}{container_port}/{} -> {address}\n", mapping.protocol));
                    }
                }
            }
        }
    }
    match wanted {
        Some(port) if out.is_empty() => Err(Error::new(format!("failed to find published port \"{port}\""))),
        _ => Ok(out),
    }
}

/// `80/tcp -> 0.0.0.0:8080` for each port.
pub fn lines(mappings: &[PortMapping]) -> String {
    let line = |p: Published<'_>| format!("{}/{} -> {}\n", p.container_port, p.protocol, p.host());
    expand(mappings).map(line).collect()
}

fn parse(text: &str) -> Result<(u16, &str)> {
    let (port, protocol) = text.split_once('/').unwrap_or((text, "tcp"));
    match port.parse() {
        Ok(port) if !protocol.contains('/') => Ok((port, protocol)),
        _ => Err(Error::new(format!("port formats are port/protocol. '{text}' is invalid"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::container::Record;
    use crate::container::record::PortMapping;

    fn container(id: &str, ports: &[(&str, u16, u16, u16, &str)]) -> Container {
        let ports = ports
            .iter()
            .map(|(ip, host_port, container_port, range, protocol)| PortMapping {
                host_ip: (*ip).to_owned(),
                container_port: *container_port,
                host_port: *host_port,
                range: *range,
                protocol: (*protocol).to_owned(),
            })
            .collect();
        Container {
            record: Record { id: id.into(), ports, ..Record::default() },
            state: Default::default(),
            is_lost: false,
        }
    }

    #[test]
    fn all_ports_are_those_of_the_sample() {
        let all = [
            container("5814d761c23a9228", &[("", 18080, 80, 1, "tcp")]),
            container("b90c0e01adf1deb2", &[("", 18081, 81, 1, "tcp")]),
            container("ee400786853d5ea4", &[("", 18081, 81, 1, "tcp")]),
        ];
        assert_eq!(render(&all, None, true).unwrap(), include_str!("../../../tests/data/samples/port.txt"));
    }

    #[test]
    fn one_port_is_looked_up() {
        let one =
            [container("ab", &[("", 2000, 80, 2, "tcp"), ("::1", 53, 53, 1, "udp"), ("127.0.0.1", 90, 80, 1, "tcp")])];
        let cases = [
            (None, Ok("80/tcp -> 0.0.0.0:2000\n81/tcp -> 0.0.0.0:2001\n53/udp -> [::1]:53\n80/tcp -> 127.0.0.1:90\n")),
            (Some("80"), Ok("0.0.0.0:2000\n127.0.0.1:90\n")),
            (Some("81/tcp"), Ok("0.0.0.0:2001\n")),
            (Some("53/udp"), Ok("[::1]:53\n")),
            (Some("53"), Err("failed to find published port \"53\"")),
            (Some("x/tcp"), Err("port formats are port/protocol. 'x/tcp' is invalid")),
            (Some("1/tcp/x"), Err("port formats are port/protocol. '1/tcp/x' is invalid")),
        ];
        for (wanted, want) in cases {
            let got = render(&one, wanted, false).map_err(|e| e.to_string());
            assert_eq!(got, want.map(str::to_owned).map_err(str::to_owned), "{wanted:?}");
        }
    }
}
