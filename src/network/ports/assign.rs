//! From requests to mappings: choosing the ports of the host, merging neighbours, refusing conflicts.

use rustix::io::Errno;

use super::free::{show_address, try_bind};
use super::{HostPort, PortMapping, Request};
use crate::bail;
use crate::error::{Error, Kind, Result};

/// How often a run of consecutive free ports is looked for at another place.
const ATTEMPTS: u32 = 200;

/// Requests for the exposed ports (`80/tcp`) that no request publishes yet, each with a random host port (`-P`).
pub fn publish_all(exposed: &[String], published: &[Request]) -> Result<Vec<Request>> {
    let mut requests: Vec<Request> = Vec::new();
    for spec in exposed {
        for request in super::parse(spec)? {
            let known = |other: &Request| covers(other, &request);
            if !published.iter().any(known) && !requests.iter().any(known) {
                requests.push(request);
            }
        }
    }
    Ok(requests)
}

fn covers(outer: &Request, inner: &Request) -> bool {
    let end = |r: &Request| u32::from(r.container_port) + u32::from(r.range);
    outer.protocol == inner.protocol && outer.container_port <= inner.container_port && end(inner) <= end(outer)
}

/// The mappings that these requests come to: every host port chosen, neighbours merged, sorted.
///
/// Host ports that were left open are ones that nobody has bound at this moment.
///
/// # Errors
/// Two requests for the same host port; no free port to be had.
pub fn assign(requests: Vec<Request>) -> Result<Vec<PortMapping>> {
    let mut mappings = Vec::new();
    for request in &requests {
        if let HostPort::Exact(port) = request.host {
            mappings.push(mapping(request, port));
        }
    }
    let mut mappings = merge(mappings)?;
    for request in &requests {
        let port = match request.host {
            HostPort::Exact(_) => continue,
            HostPort::Any => any_free(request, &mappings)?,
            HostPort::OneOf { first, count } => one_of(request, first, count, &mappings)?,
        };
        mappings.push(mapping(request, port));
    }
    merge(mappings)
}

fn mapping(request: &Request, host_port: u16) -> PortMapping {
    PortMapping {
        host_ip: request.host_ip.clone(),
        container_port: request.container_port,
        host_port,
        range: request.range,
        protocol: request.protocol.as_str().to_owned(),
    }
}

fn any_free(request: &Request, taken: &[PortMapping]) -> Result<u16> {
    for _ in 0..ATTEMPTS {
        let first = match try_bind(&request.host_ip, 0, request.protocol) {
            Ok(port) => port,
            Err(errno) => return Err(none_free(request, errno)),
        };
        if first.checked_add(request.range - 1).is_some()
            && !overlaps_any(&mapping(request, first), taken)
            && (1..request.range).all(|n| try_bind(&request.host_ip, first + n, request.protocol).is_ok())
        {
            return Ok(first);
        }
    }
    Err(none_free(request, Errno::ADDRINUSE))
}

fn one_of(request: &Request, first: u16, count: u16, taken: &[PortMapping]) -> Result<u16> {
    let candidates = (0..count).map(|n| first.saturating_add(n));
    let mut free = candidates.filter(|port| !overlaps_any(&mapping(request, *port), taken));
    match free.find(|port| try_bind(&request.host_ip, *port, request.protocol).is_ok()) {
        Some(port) => Ok(port),
        None => Err(Error::of(
            Kind::InUse,
            format!(
                "publishing container port {}/{}: all host ports from {} to {} are in use",
                request.container_port,
                request.protocol.as_str(),
                show_address(&request.host_ip, first),
                first.saturating_add(count - 1)
            ),
        )),
    }
}

fn none_free(request: &Request, errno: Errno) -> Error {
    let what = match request.range {
        1 => "a free port".to_owned(),
        n => format!("{n} consecutive free ports"),
    };
    Error::from(errno).wrap(format!(
        "choosing {what} of the host for container port {}/{}",
        request.container_port,
        request.protocol.as_str()
    ))
}

fn last(mapping: &PortMapping) -> u32 {
    u32::from(mapping.host_port) + u32::from(mapping.range) - 1
}

fn overlaps(a: &PortMapping, b: &PortMapping) -> bool {
    a.protocol == b.protocol
        && same_address(&a.host_ip, &b.host_ip)
        && u32::from(a.host_port) <= last(b)
        && u32::from(b.host_port) <= last(a)
}

fn overlaps_any(one: &PortMapping, others: &[PortMapping]) -> bool {
    others.iter().any(|other| overlaps(one, other))
}

/// Whether sockets bound to both addresses could get in each other's way.
fn same_address(a: &str, b: &str) -> bool {
    let any = |ip: &str, other: &str| match ip {
        "" => true,
        "0.0.0.0" => !other.contains(':'),
        "::" => other.contains(':'),
        _ => false,
    };
    a == b || any(a, b) || any(b, a)
}

/// Sorts, makes one mapping of neighbours and of repetitions, and refuses what contradicts.
fn merge(mut mappings: Vec<PortMapping>) -> Result<Vec<PortMapping>> {
    mappings.sort_by(|a, b| {
        let key = |m: &PortMapping| (m.host_port, m.container_port, m.range);
        (&a.protocol, &a.host_ip).cmp(&(&b.protocol, &b.host_ip)).then_with(|| key(a).cmp(&key(b)))
    });
    let mut merged: Vec<PortMapping> = Vec::with_capacity(mappings.len());
    for next in mappings {
        match merged.last_mut() {
            Some(current) if continues(current, &next) => {
                let end = last(current).max(last(&next));
                // At most 65535, since both ends are ports.
                current.range = (end - u32::from(current.host_port) + 1) as u16;
            }
            _ => merged.push(next),
        }
    }
    for (i, a) in merged.iter().enumerate() {
        if let Some(b) = merged.iter().skip(i + 1).find(|b| overlaps(a, b)) {
            let port = a.host_port.max(b.host_port);
            bail!("conflicting port mappings for host port {port} (protocol {})", a.protocol);
        }
    }
    Ok(merged)
}

/// Whether `next` (which does not begin before `current`) only goes on with it, or repeats a part of it.
fn continues(current: &PortMapping, next: &PortMapping) -> bool {
    current.protocol == next.protocol
        && current.host_ip == next.host_ip
        && u32::from(next.host_port) <= last(current) + 1
        && i32::from(current.container_port) - i32::from(current.host_port)
            == i32::from(next.container_port) - i32::from(next.host_port)
}

#[cfg(test)]
mod tests {
    use super::super::{Protocol, display, parse};
    use super::*;

    fn requests(specs: &[&str]) -> Vec<Request> {
        specs.iter().flat_map(|spec| parse(spec).unwrap()).collect()
    }

    #[test]
    fn neighbours_and_repetitions_are_merged() {
        for (specs, expected) in [
            (&["8000:80", "8001:81", "8002:82"][..], "0.0.0.0:8000-8002->80-82/tcp"),
            (&["8001:81", "8000:80"], "0.0.0.0:8000-8001->80-81/tcp"),
            (&["8000:80", "8000:80"], "0.0.0.0:8000->80/tcp"),
            (&["8000-8005:80-85", "8002:82"], "0.0.0.0:8000-8005->80-85/tcp"),
            (&["8000:80", "8001:80"], "0.0.0.0:8000->80/tcp, 0.0.0.0:8001->80/tcp"),
            (&["8000:80", "8001:81/udp"], "0.0.0.0:8000->80/tcp, 0.0.0.0:8001->81/udp"),
            (&["127.0.0.1:8000:80", "8001:81"], "0.0.0.0:8001->81/tcp, 127.0.0.1:8000->80/tcp"),
            (&["65535:65535", "65534:65534"], "0.0.0.0:65534-65535->65534-65535/tcp"),
        ] {
            assert_eq!(display(&assign(requests(specs)).unwrap()), expected, "{specs:?}");
        }
    }

    #[test]
    fn contradictions_are_refused() {
        for (specs, port) in [
            (&["8000:80", "8000:81"][..], "8000 (protocol tcp)"),
            (&["8000-8005:80-85", "8002:99"], "8002 (protocol tcp)"),
            (&["8000:80", "127.0.0.1:8000:80"], "8000 (protocol tcp)"),
            (&["0.0.0.0:8000:80/udp", "127.0.0.1:8000:80/udp"], "8000 (protocol udp)"),
            (&["[::]:8000:80", "[::1]:8000:80"], "8000 (protocol tcp)"),
        ] {
            let error = assign(requests(specs)).unwrap_err().to_string();
            assert_eq!(error, format!("conflicting port mappings for host port {port}"), "{specs:?}");
        }
        for specs in [&["8000:80", "8000:80/udp"][..], &["127.0.0.1:8000:80", "127.0.0.2:8000:81"]] {
            assert_eq!(assign(requests(specs)).unwrap().len(), 2, "{specs:?}");
        }
        assert_eq!(assign(requests(&["0.0.0.0:8000:80", "[::1]:8000:80"])).unwrap().len(), 2);
    }

    #[test]
    fn random_ports_are_free_and_differ() {
        let mappings = assign(requests(&["80", "80/udp", "127.0.0.1::90", "5000-5004"])).unwrap();
        assert_eq!(mappings.len(), 4);
        assert!(mappings.iter().all(|m| m.host_port > 0));
        assert_eq!(mappings.iter().filter(|m| m.range == 5).count(), 1);
        super::super::check_free(&mappings).unwrap();
    }

    #[test]
    fn of_a_range_the_first_free_port_is_taken() {
        // Two free ports side by side, the first of which is then taken.
        let pair = assign(requests(&["127.0.0.1::80-81"])).unwrap();
        let first = pair[0].host_port;
        let _taken = std::net::TcpListener::bind(("127.0.0.1", first)).unwrap();
        let spec = format!("127.0.0.1:{first}-{}:80", first + 1);
        assert_eq!(assign(requests(&[&spec])).unwrap()[0].host_port, first + 1);
        let error = assign(requests(&[&spec, &spec])).unwrap_err();
        assert_eq!(error.kind(), Kind::InUse);
        assert!(error.to_string().ends_with(&format!("from 127.0.0.1:{first} to {} are in use", first + 1)), "{error}");
    }

    #[test]
    fn all_exposed_ports_but_those_published() {
        let exposed: Vec<String> = ["80/tcp", "443", "53/udp", "443/tcp"].iter().map(ToString::to_string).collect();
        let published = requests(&["8000-8100:1-101"]);
        let ports: Vec<_> = publish_all(&exposed, &published).unwrap();
        let ports: Vec<_> = ports.iter().map(|r| (r.container_port, r.protocol, r.host)).collect();
        assert_eq!(ports, [(443, Protocol::Tcp, HostPort::Any), (53, Protocol::Udp, HostPort::Any)]);
    }
}
