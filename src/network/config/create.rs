//! A new network, from what was typed: what is missing is filled in with what is free.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv6Addr};

use jiff::Timestamp;

use super::check;
use super::conf::Pool;
use super::definition::{LeaseRange, Network, Route, Subnet};
use super::net::Net;
use super::routes::HostRoutes;
use crate::bail;
use crate::error::{Context as _, Error, Result};
use crate::network::{egress, parse_bool};

/// What was typed, in part or in full.
#[derive(Debug, Clone, Default)]
pub struct New {
    /// Empty: podman1, podman2 and so on.
    pub name: String,
    /// Empty: bridge.
    pub driver: String,
    pub subnets: Vec<Subnet>,
    /// Both address families.
    pub ipv6: bool,
    pub internal: bool,
    pub disable_dns: bool,
    pub dns: Vec<IpAddr>,
    pub routes: Vec<Route>,
    pub labels: BTreeMap<String, String>,
    pub options: BTreeMap<String, String>,
    /// Empty: host-local.
    pub ipam_driver: String,
    /// The bridge's name; empty: the next one that is free.
    pub interface: String,
}

/// What there is already.
#[derive(Debug)]
pub struct Around<'a> {
    pub networks: &'a [Network],
    pub routes: &'a HostRoutes,
    pub pools: &'a [Pool],
}

/// What `--network` means by these is no network.
const MODES: [&str; 10] =
    ["bridge", "slirp4netns", "pasta", "pod", "none", "default", "private", "ns", "container", "host"];

/// Interfaces that are in the namespace of all bridges besides.
const TAKEN: [&str; 2] = ["lo", "podman0"];

/// A network of its own: with these `random` bits it gets its ID, and an IPv6 network from them where it needs one.
///
/// # Errors
/// What was asked for cannot be, or overlaps with what is there.
pub fn create(mut new: New, id: String, random: [u8; 8], around: &Around<'_>) -> Result<Network> {
    driver(&new)?;
    if MODES.contains(&new.name.as_str()) {
        bail!("cannot create network with name {:?} because it conflicts with a valid network mode", new.name);
    }
    let interface = interface(&new, around)?;
    if new.name.is_empty() {
        new.name = if free_name(&interface, around) { interface.clone() } else { next_name(around)? };
    }
    check::name(&new.name)?;
    if around.networks.iter().any(|other| other.name == new.name) {
        return Err(super::store::exists(&new.name));
    }
    let has_addresses = match new.ipam_driver.as_str() {
        "" | "host-local" => true,
        "none" if !new.subnets.is_empty() => bail!("none ipam driver is set but subnets are given"),
        "none" => false,
        "dhcp" => {
            return Err(Error::new(
                "ipam driver dhcp is not supported: a bridge of a rootless user leads to no DHCP server",
            )
            .hint("leave the option out: addresses are given by the engine"));
        }
        other => bail!("unsupported ipam driver {other:?}"),
    };
    let options = options(&new.options)?;
    let subnets = if has_addresses { subnets(&new, random, around)? } else { Vec::new() };
    let dns_enabled = has_addresses && !new.disable_dns;
    if !new.dns.is_empty() && !dns_enabled {
        bail!("cannot set NetworkDNSServers if DNS is not enabled for the network: invalid argument");
    }
    let network = Network {
        ipv6_enabled: subnets.iter().any(|subnet| !subnet.subnet.is_ipv4()),
        name: new.name,
        id,
        driver: "bridge".to_owned(),
        network_interface: interface,
        created: Timestamp::now(),
        subnets,
        routes: new.routes,
        internal: new.internal,
        dns_enabled,
        network_dns_servers: new.dns,
        labels: new.labels,
        options,
        ipam_options: BTreeMap::from([(
            "driver".to_owned(),
            if has_addresses { "host-local" } else { "none" }.to_owned(),
        )]),
    };
    check::network(&network)?;
    Ok(network)
}

fn driver(new: &New) -> Result<()> {
    match new.driver.as_str() {
        "" | "bridge" => Ok(()),
        kind @ ("macvlan" | "ipvlan") => Err(Error::new(format!(
            "cannot create a network with the driver {kind}: it needs an interface of the host, and a rootless user has none to give"
        ))
        .hint("a bridge has addresses of its own and publishes ports with the caller's address; or use --network host")),
        other => bail!("failed to find driver or plugin {other:?}"),
    }
}

fn free_name(name: &str, around: &Around<'_>) -> bool {
    check::name(name).is_ok() && !around.networks.iter().any(|other| other.name == name)
}

/// podman1 and so on: neither a network's name nor a bridge's.
fn next_name(around: &Around<'_>) -> Result<String> {
    let mut names = (1..=around.networks.len().saturating_add(1)).map(|i| format!("podman{i}"));
    let is_free =
        |name: &String| !around.networks.iter().any(|other| other.name == *name || other.network_interface == *name);
    names.find(is_free).ok_or_else(|| Error::new("no name is free for the network"))
}

fn interface(new: &New, around: &Around<'_>) -> Result<String> {
    let from_option = new.options.get("com.docker.network.bridge.name").map_or("", String::as_str);
    let asked = if new.interface.is_empty() { from_option } else { &new.interface };
    if asked.is_empty() {
        return next_name(around);
    }
    check::interface(asked)?;
    // The default network's bridge is there also where no file says so.
    let taken = around.networks.iter().any(|other| other.network_interface == asked) || TAKEN.contains(&asked);
    if taken || asked.starts_with("veth") || check::is_anchors(asked) {
        bail!("bridge name {asked} already in use");
    }
    Ok(asked.to_owned())
}

fn subnets(new: &New, random: [u8; 8], around: &Around<'_>) -> Result<Vec<Subnet>> {
    let used: Vec<Net> =
        around.networks.iter().flat_map(|network| network.subnets.iter().map(|subnet| subnet.subnet)).collect();
    let mut subnets: Vec<Subnet> = Vec::new();
    for given in &new.subnets {
        let subnet = given.subnet.network();
        let here = subnets.iter().map(|other| &other.subnet);
        if here.chain(&used).chain(&around.routes.connected).any(|other| other.overlaps(subnet)) {
            bail!("subnet {subnet} is already used on the host or by another config");
        }
        subnets.push(Subnet { subnet, ..given.clone() });
    }
    let has = |v4: bool, subnets: &[Subnet]| subnets.iter().any(|subnet| subnet.subnet.is_ipv4() == v4);
    if subnets.is_empty() || (new.ipv6 && !has(true, &subnets)) {
        subnets.push(Subnet { subnet: free_ipv4(&used, around)?, gateway: None, lease_range: None });
    }
    if new.ipv6 && !has(false, &subnets) {
        subnets.push(Subnet { subnet: free_ipv6(&used, random, around)?, gateway: None, lease_range: None });
    }
    // Where nothing leads out and nobody answers questions, nothing is to be found at a gateway.
    if !new.internal || !new.disable_dns {
        for subnet in &mut subnets {
            subnet.gateway.get_or_insert_with(|| subnet.subnet.first());
        }
    }
    Ok(subnets)
}

/// The first subnet of the pools that nobody has. One that the host has a route to is taken only where there is no other:
/// a VPN may claim all private addresses.
fn free_ipv4(used: &[Net], around: &Around<'_>) -> Result<Net> {
    let candidates = || around.pools.iter().filter(|pool| pool.base.is_ipv4()).flat_map(|pool| pool.subnets());
    let is_free = |net: &Net, taken: &[Net]| !taken.iter().chain(used).any(|other| other.overlaps(*net));
    candidates()
        .find(|net| is_free(net, &around.routes.all))
        .or_else(|| candidates().find(|net| is_free(net, &around.routes.connected)))
        .ok_or_else(|| {
            Error::new("could not find free subnet from subnet pools")
                .hint("give one with --subnet, or more of them in `default_subnet_pools` of containers.conf")
        })
}

/// A random unique local subnet (RFC 4193).
fn free_ipv6(used: &[Net], random: [u8; 8], around: &Around<'_>) -> Result<Net> {
    let mut bits = u64::from_be_bytes(random);
    for _ in 0..1000 {
        let prefix = (0xfd << 56) | (bits >> 8);
        let net = Net::new(IpAddr::V6(Ipv6Addr::from_bits(u128::from(prefix) << 64)), 64);
        if !used.iter().chain(&around.routes.all).any(|other| other.overlaps(net)) {
            return Ok(net);
        }
        bits = bits.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    }
    bail!("could not find a free IPv6 subnet")
}

/// Checks the options and writes them as the reference does.
fn options(given: &BTreeMap<String, String>) -> Result<BTreeMap<String, String>> {
    let mut options = BTreeMap::new();
    for (key, value) in given {
        let (key, value) = match key.as_str() {
            "com.docker.network.bridge.name" => continue,
            "mtu" | "com.docker.network.driver.mtu" => ("mtu", mtu(value)?),
            "isolate" if value == "strict" => ("isolate", value.clone()),
            "isolate" => ("isolate", boolean(value).context("failed to parse isolate option")?.to_string()),
            "metric" => match value.parse::<u32>() {
                Ok(metric) => ("metric", metric.to_string()),
                Err(_) => bail!("invalid value {value:?} of the option metric: a number is wanted"),
            },
            "no_default_route" => {
                ("no_default_route", boolean(value).context("failed to parse no_default_route option")?.to_string())
            }
            egress::OPTION => (egress::OPTION, allowed(value)?),
            egress::LOG_OPTION => {
                (egress::LOG_OPTION, boolean(value).context("failed to parse egress_log option")?.to_string())
            }
            "mode" if value == "managed" => ("mode", value.clone()),
            "mode" if value == "unmanaged" => {
                bail!("the option mode=unmanaged is not supported: a bridge of the host's is out of reach without root")
            }
            "mode" => bail!("unknown bridge mode {value:?}"),
            "vlan" => bail!("the option vlan is not supported: what is behind a rootless bridge has no VLANs"),
            "vrf" => bail!("the option vrf is not supported: a VRF is a device of root's"),
            other => bail!("unsupported bridge network option {other}"),
        };
        options.insert(key.to_owned(), value);
    }
    Ok(options)
}

/// What containers of the network may reach, in one form.
fn allowed(text: &str) -> Result<String> {
    let texts = egress::List::parse(&[text])?.texts();
    Ok(if texts.is_empty() { "none".to_owned() } else { texts.join(",") })
}

fn mtu(text: &str) -> Result<String> {
    match text.parse::<i64>() {
        Ok(mtu) if mtu < 0 => bail!("mtu {mtu} is less than zero"),
        Ok(mtu) if mtu != 0 && !(68..=65535).contains(&mtu) => {
            bail!("the MTU {mtu} cannot be: it must be between 68 and 65535")
        }
        Ok(mtu) => Ok(mtu.to_string()),
        Err(_) => bail!("invalid value {text:?} of the option mtu: a number is wanted"),
    }
}

fn boolean(text: &str) -> Result<bool> {
    parse_bool(text).ok_or_else(|| Error::new(format!("{text:?} is neither true nor false")))
}

/// `--ip-range`: a CIDR, or `START-END`.
pub fn parse_range(text: &str) -> Result<LeaseRange> {
    if let Some((start, end)) = text.split_once('-') {
        let ip = |text: &str| match text.trim().parse::<IpAddr>() {
            Ok(ip) => Ok(ip),
            Err(_) => Err(Error::new(format!("range start and end must be ip addresses, not {text:?}"))),
        };
        return Ok(LeaseRange { start_ip: Some(ip(start)?), end_ip: Some(ip(end)?) });
    }
    let net: Net = text.parse()?;
    Ok(LeaseRange { start_ip: Some(net.first()), end_ip: Some(net.last()) })
}

/// `--route`: `DESTINATION,GATEWAY[,METRIC]`.
pub fn parse_route(text: &str) -> Result<Route> {
    let mut words = text.split(',');
    let (destination, gateway) = match (words.next(), words.next()) {
        (Some(destination), Some(gateway)) => (destination, gateway),
        _ => return Err(bad_route(text)),
    };
    let metric = match words.next() {
        None => None,
        Some(metric) => match metric.parse::<u32>() {
            Ok(metric) => Some(metric),
            Err(_) => bail!("invalid route metric {metric}"),
        },
    };
    if words.next().is_some() {
        return Err(bad_route(text));
    }
    let Ok(net) = destination.parse::<Net>() else { bail!("invalid route destination {destination}") };
    let Ok(gateway) = gateway.parse() else { bail!("invalid route gateway {gateway}") };
    if net.network() != net {
        return Err(Error::new("route destination invalid").hint(format!("use {}", net.network())));
    }
    Ok(Route { destination: net, gateway, metric })
}

fn bad_route(text: &str) -> Error {
    Error::new(format!("invalid route: {text}")).hint("--route <destination in CIDR>,<gateway>,<metric (optional)>")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::conf::Conf;
    use super::super::store::to_text;
    use super::*;

    fn make(new: New, networks: &[Network], routes: &[&str]) -> Result<Network> {
        let nets: Vec<Net> = routes.iter().map(|text| text.parse().unwrap()).collect();
        let routes = HostRoutes { connected: nets.clone(), all: nets };
        let pools = Conf::default().pools;
        let around = Around { networks, routes: &routes, pools: &pools };
        create(new, "a".repeat(64), [0x12; 8], &around)
    }

    fn subnet(text: &str) -> Subnet {
        Subnet { subnet: text.parse().unwrap(), gateway: None, lease_range: None }
    }

    fn options(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
    }

    fn nets(network: &Network) -> Vec<String> {
        network.subnets.iter().map(|s| format!("{} {:?}", s.subnet, s.gateway.map(|g| g.to_string()))).collect()
    }

    #[test]
    fn what_is_missing_is_filled_in() {
        let default = Network::default_network("podman", "10.88.0.0/16".parse().unwrap());
        let first = make(New::default(), std::slice::from_ref(&default), &["10.89.0.0/24", "192.168.0.0/16"]).unwrap();
        assert_eq!((first.name.as_str(), first.network_interface.as_str()), ("podman1", "podman1"));
        assert_eq!(nets(&first), ["10.89.1.0/24 Some(\"10.89.1.1\")"]);
        assert!(first.dns_enabled && !first.ipv6_enabled);
        let second = make(New { ipv6: true, name: "x".into(), ..New::default() }, &[default, first], &[]).unwrap();
        assert_eq!(second.network_interface, "podman2");
        assert_eq!(
            nets(&second),
            ["10.89.0.0/24 Some(\"10.89.0.1\")", "fd12:1212:1212:1212::/64 Some(\"fd12:1212:1212:1212::1\")"]
        );
        assert!(second.ipv6_enabled);
        let six = make(New { ipv6: true, subnets: vec![subnet("fd79::5/64")], ..New::default() }, &[], &[]).unwrap();
        assert_eq!(nets(&six), ["fd79::/64 Some(\"fd79::1\")", "10.89.0.0/24 Some(\"10.89.0.1\")"]);
        let closed = New { internal: true, disable_dns: true, ..New::default() };
        assert_eq!(nets(&make(closed, &[], &[]).unwrap()), ["10.89.0.0/24 None"]);
        let bare = make(New { ipam_driver: "none".into(), ..New::default() }, &[], &[]).unwrap();
        assert!(bare.subnets.is_empty() && !bare.dns_enabled);
        assert!(to_text(&bare).unwrap().contains("\"driver\": \"none\""));
    }

    #[test]
    fn a_vpn_that_claims_all_addresses() {
        let network = make(New::default(), &[], &["10.0.0.0/8"]);
        let error = network.unwrap_err();
        assert_eq!(error.to_string(), "could not find free subnet from subnet pools");
        let routes =
            HostRoutes { connected: vec!["10.89.0.0/30".parse().unwrap()], all: vec!["10.0.0.0/8".parse().unwrap()] };
        let pools = Conf::default().pools;
        let around = Around { networks: &[], routes: &routes, pools: &pools };
        let network = create(New::default(), "a".repeat(64), [0; 8], &around).unwrap();
        assert_eq!(nets(&network), ["10.89.1.0/24 Some(\"10.89.1.1\")"]);
    }

    #[test]
    fn options_are_written_as_the_reference_does() {
        let given = options(&[
            ("com.docker.network.bridge.name", "br7"),
            ("com.docker.network.driver.mtu", "1400"),
            ("isolate", "1"),
            ("metric", "50"),
            ("no_default_route", "t"),
        ]);
        let network = make(New { options: given, ..New::default() }, &[], &[]).unwrap();
        assert_eq!(network.network_interface, "br7");
        let want = options(&[("isolate", "true"), ("metric", "50"), ("mtu", "1400"), ("no_default_route", "true")]);
        assert_eq!(network.options, want);
    }

    #[test]
    fn what_is_refused() {
        let other = Network::default_network("other", "10.77.0.0/16".parse().unwrap());
        let option = |key: &str, value: &str| New { options: options(&[(key, value)]), ..New::default() };
        let with = |text: &str| New { subnets: vec![subnet(text)], ..New::default() };
        for (new, message) in [
            (New { name: "a/b".into(), ..New::default() }, "network name a/b invalid: names must match"),
            (New { name: "host".into(), ..New::default() }, "because it conflicts with a valid network mode"),
            (New { name: "other".into(), ..New::default() }, "network name other already used: network already exists"),
            (New { driver: "macvlan".into(), ..New::default() }, "a rootless user has none to give"),
            (New { driver: "foo".into(), ..New::default() }, "failed to find driver or plugin \"foo\""),
            (New { ipam_driver: "dhcp".into(), ..New::default() }, "ipam driver dhcp is not supported"),
            (New { ipam_driver: "foo".into(), ..New::default() }, "unsupported ipam driver \"foo\""),
            (
                New { ipam_driver: "none".into(), ..with("10.1.0.0/24") },
                "none ipam driver is set but subnets are given",
            ),
            (New { interface: "podman0".into(), ..New::default() }, "bridge name podman0 already in use"),
            (New { interface: "vethx".into(), ..New::default() }, "bridge name vethx already in use"),
            (New { interface: "v7".into(), ..New::default() }, "bridge name v7 already in use"),
            (New { interface: "tap0".into(), ..New::default() }, "bridge name tap0 already in use"),
            (New { interface: "toolonginterfacename".into(), ..New::default() }, "interface name"),
            (
                New { dns: vec!["1.1.1.1".parse().unwrap()], disable_dns: true, ..New::default() },
                "cannot set NetworkDNSServers if DNS is not enabled for the network",
            ),
            (with("10.77.1.0/24"), "subnet 10.77.1.0/24 is already used on the host or by another config"),
            (with("192.168.1.0/25"), "is already used on the host"),
            (
                New { subnets: vec![subnet("10.1.0.0/24"), subnet("10.1.0.0/24")], ..New::default() },
                "subnet 10.1.0.0/24 is already used",
            ),
            (option("vlan", "5"), "the option vlan is not supported"),
            (option("vrf", "x"), "the option vrf is not supported"),
            (option("mode", "unmanaged"), "mode=unmanaged is not supported"),
            (option("mtu", "x"), "invalid value \"x\" of the option mtu"),
            (option("mtu", "-1"), "mtu -1 is less than zero"),
            (option("metric", "-1"), "invalid value \"-1\" of the option metric"),
            (option("isolate", "maybe"), "failed to parse isolate option"),
            (option("foo", "bar"), "unsupported bridge network option foo"),
        ] {
            let error = make(new, std::slice::from_ref(&other), &["192.168.1.0/24"]).unwrap_err().to_string();
            assert!(error.contains(message), "{error}");
        }
    }

    #[test]
    fn ranges_and_routes() {
        let range = parse_range("10.77.0.128/25").unwrap();
        assert_eq!(range.start_ip.unwrap().to_string(), "10.77.0.129");
        assert_eq!(range.end_ip.unwrap().to_string(), "10.77.0.255");
        assert_eq!(parse_range("fd::5-fd::9").unwrap().end_ip.unwrap().to_string(), "fd::9");
        let route = parse_route("10.9.0.0/24,10.82.0.5,50").unwrap();
        assert_eq!((route.destination.to_string(), route.metric), ("10.9.0.0/24".to_owned(), Some(50)));
        for (text, message) in [
            ("10.9.0.0/24", "invalid route: 10.9.0.0/24"),
            ("x,10.0.0.1", "invalid route destination x"),
            ("10.9.0.7/24,10.0.0.1", "route destination invalid"),
            ("10.9.0.0/24,y", "invalid route gateway y"),
            ("10.9.0.0/24,10.0.0.1,z", "invalid route metric z"),
            ("10.9.0.0/24,10.0.0.1,5,6", "invalid route"),
        ] {
            assert!(parse_route(text).unwrap_err().to_string().contains(message), "{text}");
        }
        assert!(parse_range("a-b").is_err() && parse_range("x").is_err());
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "[0-9a-f.:/,-]{0,30}|\\PC{0,20}") {
            let _ = (parse_range(&text), parse_route(&text));
        }

        #[test]
        fn what_is_made_is_good(seed in any::<[u8; 8]>(), count in 0usize..6) {
            let mut networks = vec![];
            let routes = HostRoutes::default();
            let pools = [Pool { base: "10.89.0.0/28".parse().unwrap(), size: 30 }];
            for i in 0..count {
                let around = Around { networks: &networks, routes: &routes, pools: &pools };
                let new = New { ipv6: true, ..New::default() };
                match create(new, format!("{i:064x}"), seed, &around) {
                    Ok(network) => networks.push(network),
                    Err(_) => prop_assert!(i >= 4),
                }
            }
            for (i, one) in networks.iter().enumerate() {
                let others = networks.iter().skip(i + 1).flat_map(|n| &n.subnets);
                prop_assert!(!others.clone().any(|o| one.subnets.iter().any(|s| s.subnet.overlaps(o.subnet))));
            }
        }
    }
}
