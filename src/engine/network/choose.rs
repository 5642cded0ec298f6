//! Which networks a new container gets, from its flags.

use super::{Engine, conf, store_of};
use crate::bail;
use crate::container::network::{Attachment, Egress, Wanted};
use crate::container::options::CreateOptions;
use crate::container::record::Record;
use crate::error::{Error, Result};
use crate::network::config::{Conf, Network, Store};
use crate::network::{Asked, DEFAULT, Mode, Request};

/// What was chosen.
#[derive(Debug, Clone, Default)]
pub struct Choice {
    /// For the record: the mode as typed, or the default's name.
    pub mode: String,
    /// With a bridge: what goes into `network.json`.
    pub attachments: Vec<Attachment>,
    /// What the container itself may reach.
    pub egress: Option<Egress>,
    /// It is held by that, or by the policy of a network.
    pub held: bool,
}

/// Chooses by the flags of `run` and `create`.
///
/// # Errors
/// There is no such network; flags contradict each other; an address does not fit.
pub fn choose(engine: &Engine, options: &CreateOptions) -> Result<Choice> {
    let conf = conf(engine)?;
    let request = Request::parse(&options.network, conf.netns.as_deref())?;
    if request.mode != Mode::Bridge {
        check_no_bridge(options)?;
        super::egress::check_mode(options, &request.mode)?;
        let typed = options.network.first().filter(|typed| typed.starts_with(request.mode.name()));
        let mode = conf.defaults.mode(&typed.cloned().unwrap_or_else(|| request.mode.to_string()));
        return Ok(Choice { mode, ..Choice::default() });
    }
    let store = store_of(engine, conf);
    let attachments = attachments(&store, conf, request.networks, options)?;
    let held = super::egress::is_held(&store, options, &attachments)?;
    Ok(Choice { mode: Mode::Bridge.name().to_owned(), attachments, egress: options.egress.clone(), held })
}

/// Flags that speak of bridge networks mean nothing elsewhere.
fn check_no_bridge(options: &CreateOptions) -> Result<()> {
    let is = |v4: bool| options.addresses.iter().any(|address| address.is_ipv4() == v4);
    let given = [
        (is(true), "ip"),
        (is(false), "ip6"),
        (!options.mac.is_empty(), "mac-address"),
        (!options.network_aliases.is_empty(), "network-alias"),
    ];
    if let Some((_, flag)) = given.iter().find(|(given, _)| *given) {
        bail!("--{flag} can only be set when the network mode is bridge: invalid argument");
    }
    Ok(())
}

fn attachments(store: &Store, conf: &Conf, asked: Vec<Asked>, options: &CreateOptions) -> Result<Vec<Attachment>> {
    let several = asked.len() > 1;
    if let Some(address) = options.addresses.first().filter(|_| several) {
        let flag = if address.is_ipv4() { "ip" } else { "ip6" };
        bail!("--{flag} can only be set for a single network: invalid argument");
    }
    if several && !options.mac.is_empty() {
        bail!("--mac-address can only be set for a single network: invalid argument");
    }
    let mut attachments: Vec<Attachment> = Vec::new();
    for mut one in asked {
        one.addresses.extend(options.addresses.iter().copied());
        one.aliases.extend(options.network_aliases.iter().cloned());
        if !options.mac.is_empty() {
            one.mac.clone_from(&options.mac);
        }
        let name = if one.name == DEFAULT { &conf.default_network } else { &one.name };
        let network = store.get(name)?;
        if attachments.iter().any(|other| other.network == network.name) {
            bail!("network {:?} is given twice: invalid argument", network.name);
        }
        attachments.push(attachment(&network, one)?);
    }
    name_interfaces(&mut attachments)?;
    Ok(attachments)
}

/// One network of a container, checked. Its interface has no name yet unless one was asked for.
pub(super) fn attachment(network: &Network, asked: Asked) -> Result<Attachment> {
    check_driver(network)?;
    for address in &asked.addresses {
        let subnet = network.subnets.iter().map(|subnet| subnet.subnet).find(|subnet| subnet.contains(*address));
        let Some(subnet) = subnet else {
            bail!("requested static ip {address} not in any subnet on network {}", network.name)
        };
        let taken = network.gateways().any(|gateway| gateway == *address)
            || *address == subnet.address
            || (subnet.is_ipv4() && *address == subnet.last());
        if taken {
            bail!("requested static ip {address} is the gateway or belongs to the subnet {subnet} itself");
        }
        if asked.addresses.iter().filter(|other| subnet.contains(**other)).count() > 1 {
            bail!("more than one static ip of subnet {subnet} was requested on network {}", network.name);
        }
    }
    if let Some(alias) = asked.aliases.iter().find(|alias| !is_alias(alias)) {
        bail!("network alias {alias:?} is no name of a host");
    }
    let mut aliases = asked.aliases;
    aliases.dedup();
    Ok(Attachment {
        network: network.name.clone(),
        interface: asked.interface,
        addresses: asked.addresses,
        mac: asked.mac,
        aliases,
    })
}

/// Gives the interfaces without a name the next ones that are free: eth0, eth1 and so on.
pub(super) fn name_interfaces(attachments: &mut [Attachment]) -> Result<()> {
    let mut taken: Vec<String> = Vec::new();
    for given in attachments.iter().map(|one| &one.interface).filter(|name| !name.is_empty()) {
        if taken.contains(given) {
            bail!("interface name {given:?} is given twice: invalid argument");
        }
        taken.push(given.clone());
    }
    for one in attachments.iter_mut().filter(|one| one.interface.is_empty()) {
        let free = (0..=taken.len()).map(|i| format!("eth{i}")).find(|name| !taken.contains(name));
        one.interface = free.unwrap_or_default();
        taken.push(one.interface.clone());
    }
    Ok(())
}

/// What only root can have.
pub(super) fn check_driver(network: &Network) -> Result<()> {
    let option = |key: &str| network.options.get(key).map_or("", String::as_str);
    let (what, hint) = match network.ipam_options.get("driver").map_or("", String::as_str) {
        _ if network.driver != "bridge" => (
            format!("the driver {:?}", network.driver),
            "it needs an interface of the host, which only root can give away: use a network with the driver bridge",
        ),
        "dhcp" => ("addresses by DHCP".to_owned(), "use a network with addresses of its own"),
        _ if option("mode") == "unmanaged" => {
            ("a bridge of the host's".to_owned(), "use a network without that option")
        }
        _ if !matches!(option("vlan"), "" | "0") => ("a VLAN".to_owned(), "use a network without that option"),
        _ if !option("vrf").is_empty() => ("a VRF".to_owned(), "use a network without that option"),
        _ => return Ok(()),
    };
    Err(Error::new(format!("network {} has {what}, which no rootless container can have", network.name)).hint(hint))
}

/// Names with dots are possible; each part has at most 63 bytes.
fn is_alias(text: &str) -> bool {
    let part = |part: &str| {
        (1..=63).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
    };
    text.len() <= 253 && text.split('.').all(part)
}

impl Choice {
    /// What goes into the container's `network.json`, if it has one.
    pub fn wanted(self, record: &Record) -> Result<Option<Wanted>> {
        if !record.is_on_bridge() {
            return Ok(None);
        }
        let dns = record.dns.iter().filter(|text| *text != "none");
        let dns = dns.map(|text| text.parse().map_err(|_| Error::new(format!("{text} is not an ip address"))));
        Ok(Some(Wanted {
            id: record.id.clone(),
            name: record.name.clone(),
            hostname: record.hostname.clone(),
            networks: self.attachments,
            ports: record.ports.clone(),
            dns: dns.collect::<Result<_>>()?,
            egress: self.egress,
        }))
    }
}
