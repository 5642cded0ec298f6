//! What the files of a container need to know of the host: its own files, and its addresses.

use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;

use super::resolv;
use crate::error::{Context as _, Result};
use crate::network::{Mode, PastaOptions, lookup, pasta};
use crate::storage::fs;
use crate::sys::net::{InterfaceAddress, interface_addresses};

/// Where the host is, if somebody has said so (`host_containers_internal_ip` in containers.conf).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HostAddress {
    At(IpAddr),
    /// There is no name for it.
    Nowhere,
}

/// Facts of the host, gathered in its network namespace.
#[derive(Debug, Clone, Default)]
pub struct Host {
    /// Content of /etc/hosts.
    pub hosts: String,
    /// Content of /etc/resolv.conf, or of the one behind systemd-resolved's stub.
    pub resolv: String,
    pub addresses: Vec<InterfaceAddress>,
    /// The interface of the default IPv4 route.
    pub default_interface: Option<String>,
    /// The pasta of the container is one that has an address for the host.
    pub pasta_maps_host: bool,
    /// Said, not found out.
    pub said: Option<HostAddress>,
}

impl Host {
    /// Gathers them for a container of this mode. Files that are missing count as empty.
    pub fn gather(mode: &Mode) -> Result<Host> {
        let mut host =
            Host { hosts: read_text("/etc/hosts")?, resolv: read_text("/etc/resolv.conf")?, ..Host::default() };
        if mode.has_namespace() && resolv::is_stub(&host.resolv) {
            let real = read_text("/run/systemd/resolve/resolv.conf")?;
            if !real.is_empty() {
                host.resolv = real;
            }
        }
        if !matches!(mode, Mode::None) {
            host.find_addresses()?;
        }
        if matches!(mode, Mode::Pasta(_)) {
            host.pasta_maps_host = lookup::find("pasta").is_some_and(|program| pasta::is_modern(&program));
        }
        Ok(host)
    }

    /// Gathers its addresses as well.
    pub fn find_addresses(&mut self) -> Result<()> {
        self.addresses = interface_addresses().context("listing the addresses of the host")?;
        self.default_interface = default_interface(&read_text("/proc/net/route")?);
        Ok(())
    }

    /// What `--add-host NAME:host-gateway` means. As in the reference, it is no error where nothing leads there.
    pub fn gateway(&self, mode: &Mode) -> Option<IpAddr> {
        match mode {
            Mode::None => self.outer_address(None, None),
            mode => self.seen_from(mode),
        }
    }

    /// The host as a container of this mode reaches it, if it does.
    pub fn seen_from(&self, mode: &Mode) -> Option<IpAddr> {
        if let Some(said) = self.said.filter(|_| !matches!(mode, Mode::None | Mode::Container(_))) {
            return match said {
                HostAddress::At(address) => Some(address),
                HostAddress::Nowhere => None,
            };
        }
        match mode {
            // The files of the second are the other container's.
            Mode::None | Mode::Container(_) => None,
            Mode::Host | Mode::Path(_) => self.outer_address(None, None),
            Mode::Slirp4netns(options) if options.allow_host_loopback => Some(options.cidr.gateway().into()),
            Mode::Slirp4netns(_) => self.outer_address(None, None),
            Mode::Bridge => self.outer_address(None, None),
            Mode::Pasta(options) => {
                let given = options.value_of(None, "--map-guest-addr").and_then(|text| text.parse().ok());
                let mapped = (self.pasta_maps_host && options.maps_host()).then_some(IpAddr::V4(pasta::HOST));
                // The container has the same address as the host's uplink: that one is not the host.
                given.or(mapped).or_else(|| self.outer_address(None, self.own(mode)))
            }
        }
    }

    /// The container's own address for its names; `None` where it is on the host's network.
    pub fn own(&self, mode: &Mode) -> Option<IpAddr> {
        match mode {
            Mode::Host | Mode::Container(_) => None,
            // Known when it is connected: see `hosts::with_addresses`.
            Mode::Bridge => None,
            // What addresses another's namespace has is not known.
            Mode::None | Mode::Path(_) => Some(Ipv4Addr::LOCALHOST.into()),
            Mode::Slirp4netns(options) => Some(options.cidr.container().into()),
            // Where it cannot be known, the container's own name must be found all the same.
            Mode::Pasta(options) => Some(self.pasta_address(options).unwrap_or(Ipv4Addr::LOCALHOST.into())),
        }
    }

    fn pasta_address(&self, options: &PastaOptions) -> Option<IpAddr> {
        if let Some(given) = options.value_of(Some("-a"), "--address") {
            return given.parse().ok();
        }
        let interface = options.value_of(Some("-i"), "--interface").or(self.default_interface.as_deref())?;
        self.outer_address(Some(interface), None)
    }

    /// An address of the host that is not only its own: of `interface`, else preferably of the default route's; IPv4
    /// before IPv6; never `not`.
    fn outer_address(&self, interface: Option<&str>, not: Option<IpAddr>) -> Option<IpAddr> {
        let usable = |a: &&InterfaceAddress| {
            let local = match a.address {
                IpAddr::V4(ip) => ip.is_link_local() || ip.is_loopback(),
                IpAddr::V6(ip) => ip.is_unicast_link_local() || ip.is_loopback(),
            };
            !a.loopback && !local && Some(a.address) != not && interface.is_none_or(|name| name == a.interface)
        };
        let rank = |a: &&InterfaceAddress| (a.address.is_ipv6(), Some(&a.interface) != self.default_interface.as_ref());
        self.addresses.iter().filter(usable).min_by_key(rank).map(|a| a.address)
    }
}

fn read_text(path: &str) -> Result<String> {
    let bytes = fs::read_optional(Path::new(path))?.unwrap_or_default();
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// The interface of the first default route in /proc/net/route.
fn default_interface(table: &str) -> Option<String> {
    table.lines().skip(1).find_map(|line| {
        let mut words = line.split_whitespace();
        let interface = words.next()?;
        let destination = words.next()?;
        // Destination, gateway, flags, reference count, use, metric, mask.
        let mask = words.nth(5)?;
        (destination == "00000000" && mask == "00000000").then(|| interface.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host() -> Host {
        let address = |interface: &str, address: &str| InterfaceAddress {
            interface: interface.into(),
            address: address.parse().unwrap(),
            loopback: interface == "lo",
        };
        Host {
            addresses: vec![
                address("lo", "127.0.0.1"),
                address("lo", "10.255.0.1"),
                address("eth1", "fd00::5"),
                address("eth1", "192.168.7.7"),
                address("eth0", "169.254.3.3"),
                address("eth0", "192.168.1.5"),
            ],
            default_interface: Some("eth0".into()),
            ..Host::default()
        }
    }

    #[test]
    fn addresses_by_mode() {
        for (mode, maps_host, seen, own) in [
            ("none", false, None, Some("127.0.0.1")),
            ("host", false, Some("192.168.1.5"), None),
            ("bridge", false, Some("192.168.1.5"), None),
            ("slirp4netns", false, Some("192.168.1.5"), Some("10.0.2.100")),
            ("slirp4netns:allow_host_loopback=true,cidr=10.9.0.0/24", false, Some("10.9.0.2"), Some("10.9.0.100")),
            ("pasta", true, Some("169.254.1.2"), Some("192.168.1.5")),
            ("pasta", false, Some("192.168.7.7"), Some("192.168.1.5")),
            ("pasta:-i,eth1", false, Some("192.168.1.5"), Some("192.168.7.7")),
            ("pasta:-a,10.7.7.7", true, Some("192.168.1.5"), Some("10.7.7.7")),
            ("bridge", true, Some("192.168.1.5"), None),
            ("pasta:-a,10.7.7.7,--map-guest-addr,10.7.7.1", true, Some("10.7.7.1"), Some("10.7.7.7")),
        ] {
            let host = Host { pasta_maps_host: maps_host, ..host() };
            let mode = Mode::parse(mode).unwrap();
            let text = |ip: Option<IpAddr>| ip.map(|ip| ip.to_string());
            assert_eq!(text(host.seen_from(&mode)).as_deref(), seen, "{mode}");
            assert_eq!(text(host.own(&mode)).as_deref(), own, "{mode}");
        }
    }

    #[test]
    fn a_host_without_any_network() {
        let host = Host::default();
        for mode in ["host", "slirp4netns", "pasta"] {
            let mode = Mode::parse(mode).unwrap();
            assert_eq!(host.seen_from(&mode), None, "{mode}");
        }
        assert_eq!(host.own(&Mode::parse("pasta").unwrap()), Some(Ipv4Addr::LOCALHOST.into()));
    }

    #[test]
    fn default_route() {
        let table = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\n\
                     eth1\t000200C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\n\
                     tun0\t00000000\t00000000\t0001\t0\t0\t0\t00000080\n\
                     eth0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\n";
        assert_eq!(default_interface(table).as_deref(), Some("eth0"));
        assert_eq!(default_interface(""), None);
    }
}
