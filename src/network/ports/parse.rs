//! The forms of `-p` and `--expose`. Pure: nothing is looked up and nothing is bound.

use std::net::{IpAddr, Ipv6Addr};

use super::{HostPort, Protocol, Request};
use crate::bail;
use crate::error::{Context, Error, Result};

const FORMAT: &str = "the format is [[hostIP:][hostPort]:]containerPort[/protocol]";

/// One `-p`: `[[ip:][hostPort]:]containerPort[/protocol[,protocol]]`, each port a number or `first-last`.
pub fn parse(spec: &str) -> Result<Vec<Request>> {
    let (ports, protocols) = split_protocols(spec)?;
    let (host_ip, host, container) = split_addresses(ports)?;
    if container.is_empty() {
        bail!("must provide a non-empty container port to publish");
    }
    let (container_port, range) = parse_range(container).context("parsing container port")?;
    let host_ip = host_ip.map(check_host_ip).transpose()?.unwrap_or_default();
    let host = match host {
        None | Some("") => HostPort::Any,
        Some(text) => {
            let (first, count) = parse_range(text).context("parsing host port")?;
            if count == range {
                HostPort::Exact(first)
            } else if range == 1 {
                HostPort::OneOf { first, count }
            } else {
                bail!("host and container port ranges have different lengths: {count} vs {range}")
            }
        }
    };
    let request = |protocol| Request { host_ip: host_ip.clone(), host, container_port, range, protocol };
    Ok(protocols.into_iter().map(request).collect())
}

/// One `--expose` or `EXPOSE`: `port[-port][/protocol]`, as a list of `80/tcp`.
pub fn expose(spec: &str) -> Result<Vec<String>> {
    let (ports, protocols) = split_protocols(spec)?;
    let (first, count) = parse_range(ports).with_context(|| format!("parsing exposed port `{spec}`"))?;
    let one = |protocol: Protocol| {
        // The range was checked to end at 65535, so that nothing can overflow.
        (0..count).map(move |n| format!("{}/{}", first.saturating_add(n), protocol.as_str()))
    };
    Ok(protocols.into_iter().flat_map(one).collect())
}

/// What stands before the slash, and the protocols after it.
fn split_protocols(spec: &str) -> Result<(&str, Vec<Protocol>)> {
    let Some((ports, protocols)) = spec.split_once('/') else { return Ok((spec, vec![Protocol::Tcp])) };
    if protocols.contains('/') {
        bail!("invalid port format - protocol can only be specified once");
    }
    let mut list = Vec::new();
    for name in protocols.split(',') {
        let protocol = parse_protocol(name)?;
        if !list.contains(&protocol) {
            list.push(protocol);
        }
    }
    Ok((ports, list))
}

fn parse_protocol(name: &str) -> Result<Protocol> {
    match name.to_ascii_lowercase().as_str() {
        "tcp" => Ok(Protocol::Tcp),
        "udp" => Ok(Protocol::Udp),
        "" => bail!("invalid port format - the protocol is empty"),
        "sctp" => Err(Error::new("cannot publish sctp ports: slirp4netns and pasta forward tcp and udp only")
            .hint("use --network host to have sctp in a container")),
        _ => bail!("unrecognized protocol \"{name}\" in port mapping"),
    }
}

/// Address (brackets removed), host port and container port.
fn split_addresses(text: &str) -> Result<(Option<&str>, Option<&str>, &str)> {
    if let Some(rest) = text.strip_prefix('[') {
        let invalid = || Error::new(format!("invalid port format `{text}`")).hint(FORMAT);
        let (ip, rest) = rest.split_once(']').ok_or_else(invalid)?;
        if ip.parse::<Ipv6Addr>().is_err() {
            bail!("cannot parse {ip:?} as an IPv6 address");
        }
        let rest = rest.strip_prefix(':').ok_or_else(invalid)?;
        let Some((host, container)) = rest.split_once(':') else { return Ok((Some(ip), None, rest)) };
        return if container.contains(':') { Err(invalid()) } else { Ok((Some(ip), Some(host), container)) };
    }
    let mut parts = text.split(':');
    match (parts.next(), parts.next(), parts.next(), parts.next()) {
        (Some(container), None, ..) => Ok((None, None, container)),
        (Some(host), Some(container), None, _) => Ok((None, Some(host), container)),
        (Some(ip), Some(host), Some(container), None) => Ok((Some(ip), Some(host), container)),
        _ => Err(Error::new(format!("invalid port format `{text}`")).hint(format!("{FORMAT}; IPv6 in brackets"))),
    }
}

/// The address as it goes into a mapping, in its shortest form.
fn check_host_ip(text: &str) -> Result<String> {
    if text.is_empty() {
        bail!("must provide a non-empty container host IP to publish");
    }
    let ip: IpAddr = text.parse().map_err(|_| Error::new(format!("cannot parse {text:?} as an IP address")))?;
    Ok(ip.to_string())
}

/// `80` or `80-90`: the first port and how many.
fn parse_range(text: &str) -> Result<(u16, u16)> {
    let Some((first, last)) = text.split_once('-') else { return Ok((parse_port(text)?, 1)) };
    if last.contains('-') {
        bail!("invalid port format - port ranges are formatted as startPort-stopPort");
    }
    if first.is_empty() || last.is_empty() {
        bail!("invalid port format - port ranges need a start and an end");
    }
    let (first, last) = (parse_port(first)?, parse_port(last)?);
    match last.checked_sub(first) {
        // Ports begin at 1, so that even the whole range has only 65535.
        Some(more) => Ok((first, more.saturating_add(1))),
        None => {
            bail!("the end port of a range must be higher than the start port - {last} is not higher than {first}")
        }
    }
}

fn parse_port(text: &str) -> Result<u16> {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        bail!("invalid port number: {text:?} is not a number");
    }
    match text.parse::<i128>() {
        Ok(port @ 1..=65535) if digits.len() == text.len() => Ok(port as u16),
        _ => bail!("port numbers must be between 1 and 65535 (inclusive), got {text}"),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn one(ip: &str, host: HostPort, container_port: u16, range: u16, protocol: Protocol) -> Request {
        Request { host_ip: ip.into(), host, container_port, range, protocol }
    }

    #[test]
    fn forms() {
        use HostPort::{Any, Exact, OneOf};
        use Protocol::{Tcp, Udp};
        for (spec, expected) in [
            ("80", one("", Any, 80, 1, Tcp)),
            (":80", one("", Any, 80, 1, Tcp)),
            ("8080:80", one("", Exact(8080), 80, 1, Tcp)),
            ("8080:80/udp", one("", Exact(8080), 80, 1, Udp)),
            ("8080:80/TCP", one("", Exact(8080), 80, 1, Tcp)),
            ("127.0.0.1:8080:80", one("127.0.0.1", Exact(8080), 80, 1, Tcp)),
            ("127.0.0.1::80", one("127.0.0.1", Any, 80, 1, Tcp)),
            ("0.0.0.0:8080:80", one("0.0.0.0", Exact(8080), 80, 1, Tcp)),
            ("[::1]:8080:80", one("::1", Exact(8080), 80, 1, Tcp)),
            ("[::1]::80", one("::1", Any, 80, 1, Tcp)),
            ("[0:0:0:0:0:0:0:1]:80", one("::1", Any, 80, 1, Tcp)),
            ("8000-8002:9000-9002", one("", Exact(8000), 9000, 3, Tcp)),
            ("8000-8000:80", one("", Exact(8000), 80, 1, Tcp)),
            ("8000-8010:80", one("", OneOf { first: 8000, count: 11 }, 80, 1, Tcp)),
            ("8000-8010", one("", Any, 8000, 11, Tcp)),
            ("1-65535:1-65535", one("", Exact(1), 1, 65535, Tcp)),
        ] {
            assert_eq!(parse(spec).unwrap(), vec![expected], "{spec}");
        }
        let protocols: Vec<Protocol> = parse("53:53/udp,tcp,udp").unwrap().iter().map(|r| r.protocol).collect();
        assert_eq!(protocols, [Udp, Tcp]);
    }

    #[test]
    fn what_is_refused() {
        for (spec, message) in [
            ("99999:1", "parsing host port: port numbers must be between 1 and 65535 (inclusive), got 99999"),
            ("0:1", "parsing host port: port numbers must be between 1 and 65535 (inclusive), got 0"),
            ("-1:1", "parsing host port: invalid port format - port ranges need a start and an end"),
            ("+5:1", "parsing host port: port numbers must be between"),
            ("99999999999999999999999:1", "must be between 1 and 65535 (inclusive), got 99999999999999999999999"),
            ("1:99999", "parsing container port: port numbers must be between"),
            ("abc:1", "parsing host port: invalid port number: \"abc\" is not a number"),
            ("8080:", "must provide a non-empty container port"),
            ("", "must provide a non-empty container port"),
            (":8080:80", "must provide a non-empty container host IP"),
            ("1.2.3:80:80", "cannot parse \"1.2.3\" as an IP address"),
            ("1.2.3.4:5:6:7", "invalid port format `1.2.3.4:5:6:7`"),
            ("::1:80:80", "invalid port format"),
            ("[::1:80:80", "invalid port format"),
            ("[::1]80", "invalid port format"),
            ("[::1]:1:2:3", "invalid port format"),
            ("[127.0.0.1]:1:2", "cannot parse \"127.0.0.1\" as an IPv6 address"),
            ("80/tcp/udp", "protocol can only be specified once"),
            ("80/", "the protocol is empty"),
            ("80/icmp", "unrecognized protocol \"icmp\""),
            ("80:80/sctp", "cannot publish sctp ports"),
            ("8010-8000:80", "8000 is not higher than 8010"),
            ("1-2-3:80", "port ranges are formatted as startPort-stopPort"),
            ("8000-8001:80-82", "host and container port ranges have different lengths: 2 vs 3"),
            ("8000:80-82", "host and container port ranges have different lengths: 1 vs 3"),
        ] {
            let error = parse(spec).unwrap_err().to_string();
            assert!(error.contains(message), "{spec}: {error}");
        }
    }

    #[test]
    fn exposed_ports() {
        assert_eq!(expose("80").unwrap(), ["80/tcp"]);
        assert_eq!(expose("80-82/udp").unwrap(), ["80/udp", "81/udp", "82/udp"]);
        assert_eq!(expose("1-65535").unwrap().len(), 65535);
        for bad in ["", "80:80", "0", "80/sctp", "a"] {
            assert!(expose(bad).is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_parsed_or_refused(spec in "[\\[\\]0-9a-f:./,tcpu-]{0,30}") {
            for request in parse(&spec).unwrap_or_default() {
                prop_assert!(request.range >= 1 && request.container_port >= 1);
                prop_assert!(u32::from(request.container_port) + u32::from(request.range) <= 65536);
                if let HostPort::Exact(first) = request.host {
                    prop_assert!(first >= 1 && u32::from(first) + u32::from(request.range) <= 65536);
                }
            }
            let _ = expose(&spec);
        }
    }
}
