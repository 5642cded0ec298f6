//! Whether a network is one that can be made: what stands in a file is believed no more than what was typed.

use std::net::IpAddr;

use super::definition::{LeaseRange, Network, Subnet};
use super::net::Net;
use crate::bail;
use crate::error::{Error, Result};
use crate::storage::id;

/// More would fill resolv.conf and routing tables of all its containers.
const MAX_SUBNETS: usize = 64;
const MAX_ROUTES: usize = 256;
const MAX_SERVERS: usize = 32;
/// Labels and options, and the bytes of one.
const MAX_PAIRS: usize = 1024;
const MAX_TEXT: usize = 64 << 10;

/// Checks everything that would be used of it.
///
/// # Errors
/// Says what is wrong.
pub fn network(network: &Network) -> Result<()> {
    name(&network.name)?;
    if network.id.len() != 64 || !id::is_hex(&network.id) {
        bail!("invalid network ID {:?}", network.id);
    }
    if network.driver == "bridge" {
        bridge(&network.network_interface)?;
    } else if !network.network_interface.is_empty() {
        interface(&network.network_interface)?;
    }
    for (count, most, what) in [
        (network.subnets.len(), MAX_SUBNETS, "subnets"),
        (network.routes.len(), MAX_ROUTES, "routes"),
        (network.network_dns_servers.len(), MAX_SERVERS, "DNS servers"),
        (network.labels.len() + network.options.len() + network.ipam_options.len(), MAX_PAIRS, "labels and options"),
    ] {
        if count > most {
            bail!("the network has {count} {what}, more than {most}");
        }
    }
    let pairs = network.labels.iter().chain(&network.options).chain(&network.ipam_options);
    if pairs.map(|(key, value)| key.len() + value.len()).any(|length| length > MAX_TEXT) {
        bail!("a label or option of the network is too long");
    }
    for (i, one) in network.subnets.iter().enumerate() {
        subnet(one)?;
        if network.subnets.iter().take(i).any(|other| other.subnet.overlaps(one.subnet)) {
            bail!("subnet {} overlaps with another one of the same network", one.subnet);
        }
    }
    for route in &network.routes {
        if route.destination.is_ipv4() != route.gateway.is_ipv4() {
            bail!("the route to {} has the gateway {} of another address family", route.destination, route.gateway);
        }
    }
    Ok(())
}

/// Whether a network may have this name.
pub fn name(text: &str) -> Result<()> {
    if id::is_valid_name(text) && text.len() <= 240 {
        return Ok(());
    }
    bail!("network name {text} invalid: names must match [a-zA-Z0-9][a-zA-Z0-9_.-]*: invalid argument")
}

/// Whether the kernel would take it as the name of an interface (`dev_valid_name`).
pub fn is_interface_name(text: &str) -> bool {
    (1..=15).contains(&text.len())
        && text != "."
        && text != ".."
        && !text.starts_with('-')
        && text.bytes().all(|b| b.is_ascii_graphic() && b != b'/' && b != b':' && b != b'%')
}

/// Whether a bridge or an interface may have this name.
pub fn interface(text: &str) -> Result<()> {
    if is_interface_name(text) && text != "lo" {
        return Ok(());
    }
    Err(Error::new(format!("interface name {text:?} is invalid"))
        .hint("at most 15 letters, digits, hyphens and dots, and not `lo`"))
}

/// Whether this is the name of an interface that the network anchor has beside the bridges: the uplink's, and the ends of containers'
/// pairs (`v1`, `v2` and so on).
pub fn is_anchors(name: &str) -> bool {
    let is_pair = |rest: &str| !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_digit());
    name == "tap0" || name.strip_prefix('v').is_some_and(is_pair)
}

fn bridge(text: &str) -> Result<()> {
    interface(text)?;
    if is_anchors(text) {
        bail!("interface name {text:?} is invalid: the engine has interfaces of that name itself");
    }
    Ok(())
}

fn subnet(subnet: &Subnet) -> Result<()> {
    let net = subnet.subnet;
    if net.network() != net {
        bail!("subnet {net} is not the address of a network: it would be {}", net.network());
    }
    if !is_usable(net.address) {
        bail!("subnet {net} cannot be a network's: these addresses have another meaning");
    }
    let most = if net.is_ipv4() { 30 } else { 126 };
    if net.prefix > most || net.prefix == 0 {
        bail!("subnet {net} has no room for a gateway and a container: the prefix must be between 1 and {most}");
    }
    if let Some(gateway) = subnet.gateway {
        if !net.contains(gateway) {
            bail!("gateway {gateway} not in subnet {net}");
        }
        if gateway == net.address || (net.is_ipv4() && gateway == net.last()) {
            bail!("gateway {gateway} is the address of the subnet {net} itself or its broadcast address");
        }
    }
    if let Some(range) = subnet.lease_range {
        lease_range(range, net)?;
    }
    Ok(())
}

/// Loopback, multicast and what is reserved are no container's.
fn is_usable(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(ip) => !ip.is_loopback() && !ip.is_multicast() && ip.octets()[0] != 0 && ip.octets()[0] < 240,
        IpAddr::V6(ip) => {
            !ip.is_loopback() && !ip.is_multicast() && !ip.is_unspecified() && ip.to_ipv4_mapped().is_none()
        }
    }
}

fn lease_range(range: LeaseRange, net: Net) -> Result<()> {
    for (what, ip) in [("start", range.start_ip), ("end", range.end_ip)] {
        if let Some(ip) = ip.filter(|ip| !net.contains(*ip)) {
            bail!("lease range {what} ip {ip} not in subnet {net}");
        }
    }
    match (range.start_ip, range.end_ip) {
        (Some(start), Some(end)) if start > end => bail!("the lease range of subnet {net} ends before it begins"),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Network {
        Network::default_network("x", "10.89.0.0/24".parse().unwrap())
    }

    #[test]
    fn what_is_refused() {
        let subnet = |text: &str, gateway: Option<&str>, range: Option<(&str, &str)>| {
            let mut network = sample();
            network.subnets = vec![Subnet {
                subnet: text.parse().unwrap(),
                gateway: gateway.map(|ip| ip.parse().unwrap()),
                lease_range: range
                    .map(|(start, end)| LeaseRange { start_ip: start.parse().ok(), end_ip: end.parse().ok() }),
            }];
            network
        };
        let mut several = sample();
        several.subnets = vec![several.subnets[0].clone(), several.subnets[0].clone()];
        let mut bad_route = sample();
        bad_route.routes = vec![super::super::Route {
            destination: "10.0.0.0/8".parse().unwrap(),
            gateway: "fd00::1".parse().unwrap(),
            metric: None,
        }];
        for (candidate, message) in [
            (Network { name: "../x".into(), ..sample() }, "network name ../x invalid"),
            (Network { id: "zz".into(), ..sample() }, "invalid network ID"),
            (Network { network_interface: "a/b".into(), ..sample() }, "interface name \"a/b\" is invalid"),
            (Network { network_interface: String::new(), ..sample() }, "interface name \"\" is invalid"),
            (Network { network_interface: "lo".into(), ..sample() }, "interface name \"lo\" is invalid"),
            (Network { network_interface: "v12".into(), ..sample() }, "interface name \"v12\" is invalid: the engine"),
            (
                Network { network_interface: "tap0".into(), ..sample() },
                "interface name \"tap0\" is invalid: the engine",
            ),
            (subnet("10.89.0.5/24", None, None), "is not the address of a network"),
            (subnet("127.0.0.0/8", None, None), "another meaning"),
            (subnet("224.0.0.0/24", None, None), "another meaning"),
            (subnet("ff00::/64", None, None), "another meaning"),
            (subnet("10.0.0.0/31", None, None), "no room"),
            (subnet("10.0.0.0/24", Some("10.0.1.1"), None), "gateway 10.0.1.1 not in subnet 10.0.0.0/24"),
            (subnet("10.0.0.0/24", Some("10.0.0.255"), None), "broadcast address"),
            (subnet("10.0.0.0/24", Some("fd00::1"), None), "not in subnet"),
            (subnet("10.0.0.0/24", None, Some(("10.0.1.1", "10.0.0.9"))), "lease range start ip 10.0.1.1 not in"),
            (subnet("10.0.0.0/24", None, Some(("10.0.0.9", "10.0.0.1"))), "ends before it begins"),
            (several, "overlaps with another one"),
            (bad_route, "of another address family"),
        ] {
            let error = network(&candidate).unwrap_err().to_string();
            assert!(error.contains(message), "{error}");
        }
        network(&sample()).unwrap();
        network(&Network { network_interface: "v".into(), ..sample() }).unwrap();
        network(&Network { network_interface: "v1x".into(), ..sample() }).unwrap();
        network(&subnet("fd00::/64", Some("fd00::1"), None)).unwrap();
    }
}
