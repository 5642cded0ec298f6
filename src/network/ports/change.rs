//! Ports that are published, and taken back, after the container was made.

use std::collections::HashSet;

use super::{HostPort, PortMapping, Protocol, Published, Request, assign, expand};
use crate::bail;
use crate::error::{Context as _, Error, Kind, Result};

/// What one argument of `port rm` says: these ports of the host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unpublish {
    pub first: u16,
    pub last: u16,
    pub protocol: Protocol,
}

/// Reads `8080`, `8080/udp`, `8000-8010/tcp`.
pub fn parse_unpublish(text: &str) -> Result<Unpublish> {
    let (ports, protocol) = text.split_once('/').unwrap_or((text, "tcp"));
    let protocol = match protocol {
        "tcp" => Protocol::Tcp,
        "udp" => Protocol::Udp,
        _ => bail!("port formats are port/protocol. '{text}' is invalid"),
    };
    let number = |text: &str| text.parse::<u16>().ok().filter(|port| *port > 0);
    let (first, last) = ports.split_once('-').unwrap_or((ports, ports));
    match (number(first), number(last)) {
        (Some(first), Some(last)) if first <= last => Ok(Unpublish { first, last, protocol }),
        _ => Err(Error::new(format!("parsing port `{text}`: it is no port of the host"))
            .hint("the format is hostPort[-hostPort][/protocol], such as 8080 or 5353/udp")),
    }
}

/// `current` and these besides; what is published already is no error. Also returns what is new.
///
/// # Errors
/// As [`assign`].
pub fn add(current: &[PortMapping], requests: Vec<Request>) -> Result<(Vec<PortMapping>, Vec<PortMapping>)> {
    let all = assign(as_requests(expand(current))?.into_iter().chain(requests).collect())?;
    let known: HashSet<Published<'_>> = expand(current).collect();
    let is_new = |port: &Published<'_>| !known.contains(port);
    let new = assign(as_requests(expand(&all).filter(is_new))?)?;
    Ok((all, new))
}

/// `current` without these.
///
/// # Errors
/// One of them is not published ([`Kind::NoSuch`]).
pub fn remove(current: &[PortMapping], gone: &[Unpublish]) -> Result<Vec<PortMapping>> {
    let known: HashSet<(&str, u16)> = expand(current).map(|port| (port.protocol, port.host_port)).collect();
    for one in gone {
        let published = |port: u16| known.contains(&(one.protocol.as_str(), port));
        if let Some(port) = (one.first..=one.last).find(|port| !published(*port)) {
            let message = format!("failed to find published port \"{port}/{}\"", one.protocol.as_str());
            return Err(Error::of(Kind::NoSuch, message).hint("`port CONTAINER` lists what is published"));
        }
    }
    let stays = |port: &Published<'_>| {
        !gone
            .iter()
            .any(|one| port.protocol == one.protocol.as_str() && (one.first..=one.last).contains(&port.host_port))
    };
    assign(as_requests(expand(current).filter(stays))?)
}

/// Published ports as requests for just these.
fn as_requests<'a>(ports: impl Iterator<Item = Published<'a>>) -> Result<Vec<Request>> {
    let request = |port: Published<'a>| {
        let protocol = match port.protocol {
            "tcp" | "" => Protocol::Tcp,
            "udp" => Protocol::Udp,
            other => bail!("unknown protocol `{other}`"),
        };
        Ok(Request {
            host_ip: port.mapped_ip.to_owned(),
            host: HostPort::Exact(port.host_port),
            container_port: port.container_port,
            range: 1,
            protocol,
        })
    };
    ports.map(request).collect::<Result<_>>().context("reading the published ports")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::{display, parse};
    use super::*;

    fn mappings(specs: &[&str]) -> Vec<PortMapping> {
        assign(requests(specs)).unwrap()
    }

    fn requests(specs: &[&str]) -> Vec<Request> {
        specs.iter().flat_map(|spec| parse(spec).unwrap()).collect()
    }

    #[test]
    fn ports_are_added() {
        for (current, more, all, new) in [
            (&[][..], &["8080:80"][..], "0.0.0.0:8080->80/tcp", "0.0.0.0:8080->80/tcp"),
            (&["8080:80"], &["8080:80"], "0.0.0.0:8080->80/tcp", ""),
            (&["8080:80"], &["8081:81"], "0.0.0.0:8080-8081->80-81/tcp", "0.0.0.0:8081->81/tcp"),
            (&["[::1]:53:53/udp"], &["53:53"], "0.0.0.0:53->53/tcp, [::1]:53->53/udp", "0.0.0.0:53->53/tcp"),
        ] {
            let (got_all, got_new) = add(&mappings(current), requests(more)).unwrap();
            assert_eq!((display(&got_all).as_str(), display(&got_new).as_str()), (all, new), "{current:?} {more:?}");
        }
        // An address that was left out stays so: it means IPv6 as well.
        assert_eq!(add(&mappings(&["8080:80"]), requests(&["90:90"])).unwrap().0[0].host_ip, "");
        let error = add(&mappings(&["8080:80"]), requests(&["8080:81"])).unwrap_err().to_string();
        assert_eq!(error, "conflicting port mappings for host port 8080 (protocol tcp)");
    }

    #[test]
    fn ports_are_removed() {
        for (current, gone, left) in [
            (&["8080:80"][..], "8080", ""),
            (&["8080:80", "8080:80/udp"], "8080/udp", "0.0.0.0:8080->80/tcp"),
            (&["8000-8004:90-94"], "8002", "0.0.0.0:8000-8001->90-91/tcp, 0.0.0.0:8003-8004->93-94/tcp"),
            (&["8000-8004:90-94"], "8001-8004", "0.0.0.0:8000->90/tcp"),
            (&["127.0.0.1:80:80", "127.0.0.2:80:80", "81:81"], "80", "0.0.0.0:81->81/tcp"),
        ] {
            let result = remove(&mappings(current), &[parse_unpublish(gone).unwrap()]).unwrap();
            assert_eq!(display(&result), left, "{current:?} {gone}");
        }
        for (gone, missing) in [("81", "81/tcp"), ("80/udp", "80/udp"), ("79-80", "79/tcp")] {
            let error = remove(&mappings(&["80:1"]), &[parse_unpublish(gone).unwrap()]).unwrap_err();
            assert_eq!(error.to_string(), format!("failed to find published port \"{missing}\""));
        }
    }

    proptest! {
        #[test]
        fn any_text_is_a_range_or_refused(text in "[0-9/tcpud-]{0,14}") {
            if let Ok(one) = parse_unpublish(&text) {
                prop_assert!(1 <= one.first && one.first <= one.last);
            }
        }
    }
}
