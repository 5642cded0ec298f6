//! The part `NetworkSettings`, and the bindings of ports.

use serde_json::{Map, Value, json};

use std::net::IpAddr;

use crate::cli::views::ports;
use crate::container::network::{Attachment, Interface};
use crate::container::store::Container;
use crate::container::{Record, State};
use crate::engine::network::Shown;
use crate::network::config::{DEFAULT_ID, Net};

/// The network mode without the options of a helper.
pub(super) fn mode(record: &Record) -> &str {
    match record.network.split_once(':') {
        Some(("container" | "ns", _)) => &record.network,
        Some((name, _)) => name,
        None => &record.network,
    }
}

/// Published ports: `80/tcp` to the addresses of the host.
pub(super) fn bindings(record: &Record) -> Value {
    let mut bindings: Map<String, Value> = Map::new();
    for mapping in &record.ports {
        for i in 0..mapping.range.max(1) {
            let pair = mapping.container_port.checked_add(i).zip(mapping.host_port.checked_add(i));
            let Some((container_port, host_port)) = pair else { continue };
            let key = format!("{container_port}/{}", mapping.protocol);
            let addresses = bindings.entry(key).or_insert_with(|| json!([]));
            if let Value::Array(addresses) = addresses {
                addresses.push(json!({"HostIp": ports::host_ip(mapping), "HostPort": host_port.to_string()}));
            }
        }
    }
    Value::Object(bindings)
}

pub(super) fn settings(container: &Container, shown: &Shown) -> Value {
    // Who shares the network of another is found where that one is.
    let Container { record, state, .. } = shown.of.as_deref().unwrap_or(container);
    let mut object = endpoint();
    object.insert("Bridge".to_owned(), json!(""));
    object.insert("SandboxID".to_owned(), json!(""));
    object.insert("HairpinMode".to_owned(), json!(false));
    object.insert("LinkLocalIPv6Address".to_owned(), json!(""));
    object.insert("LinkLocalIPv6PrefixLen".to_owned(), json!(0));
    let mut published = bindings(record);
    if let Value::Object(published) = &mut published {
        for port in &record.exposed_ports {
            published.entry(port.clone()).or_insert(Value::Null);
        }
    }
    object.insert("Ports".to_owned(), published);
    object.insert("SandboxKey".to_owned(), json!(sandbox_key(record, state)));
    let mut networks = Map::new();
    for (attachment, id) in &shown.networks {
        let interface = state.network.iter().find(|one| one.network == attachment.network);
        let connection = connection(attachment, id, interface, record);
        if id == DEFAULT_ID && shown.networks.len() == 1 {
            // As in the reference: who is on the default network only has its addresses here as well.
            for (key, value) in &mut object {
                if let Some(known) = connection.get(key) {
                    value.clone_from(known);
                }
            }
        }
        networks.insert(attachment.network.clone(), connection);
    }
    let kind = mode(record);
    if networks.is_empty() && !kind.is_empty() {
        let mut network = endpoint();
        network.insert("NetworkID".to_owned(), json!(kind));
        for absent in ["DriverOpts", "IPAMConfig", "Links"] {
            network.insert(absent.to_owned(), Value::Null);
        }
        networks.insert(kind.to_owned(), Value::Object(network));
    }
    let foreign = kind.starts_with("ns:");
    object.insert("Networks".to_owned(), if foreign { Value::Null } else { Value::Object(networks) });
    Value::Object(object)
}

/// The file of the network namespace.
fn sandbox_key(record: &Record, state: &State) -> String {
    match mode(record).strip_prefix("ns:") {
        Some(path) => path.to_owned(),
        None if state.pid > 0 && mode(record) != "host" => format!("/proc/{}/ns/net", state.pid),
        None => String::new(),
    }
}

/// The container on one network. The addresses are there while it runs.
fn connection(attachment: &Attachment, id: &str, interface: Option<&Interface>, record: &Record) -> Value {
    let mut object = endpoint();
    let mut put = |key: &str, value: Value| object.insert(key.to_owned(), value);
    if let Some(interface) = interface {
        put("MacAddress", json!(interface.mac));
        let of = |v4: bool| interface.addresses.iter().filter(move |(ip, _)| ip.is_ipv4() == v4);
        let gateway = |(ip, prefix): &(IpAddr, u8)| {
            let net = Net::new(*ip, *prefix);
            interface
                .gateways
                .iter()
                .find(|gateway| net.contains(**gateway))
                .map(ToString::to_string)
                .unwrap_or_default()
        };
        if let Some(first) = of(true).next() {
            put("IPAddress", json!(first.0));
            put("IPPrefixLen", json!(first.1));
            put("Gateway", json!(gateway(first)));
        }
        if let Some(first) = of(false).next() {
            put("GlobalIPv6Address", json!(first.0));
            put("GlobalIPv6PrefixLen", json!(first.1));
            put("IPv6Gateway", json!(gateway(first)));
        }
        for (v4, key) in [(true, "SecondaryIPAddresses"), (false, "SecondaryIPv6Addresses")] {
            let more: Vec<Value> =
                of(v4).skip(1).map(|(ip, prefix)| json!({"Addr": ip, "PrefixLength": prefix})).collect();
            if !more.is_empty() {
                put(key, Value::Array(more));
            }
        }
    }
    put("NetworkID", json!(id));
    for absent in ["DriverOpts", "IPAMConfig", "Links"] {
        put(absent, Value::Null);
    }
    let mut aliases = attachment.aliases.clone();
    aliases.push(record.id.chars().take(12).collect());
    put("Aliases", json!(aliases));
    Value::Object(object)
}

/// The addresses of one connection; of the networks without a bridge none are known.
fn endpoint() -> Map<String, Value> {
    let mut object = Map::new();
    for (key, value) in [
        ("EndpointID", json!("")),
        ("Gateway", json!("")),
        ("IPAddress", json!("")),
        ("IPPrefixLen", json!(0)),
        ("IPv6Gateway", json!("")),
        ("GlobalIPv6Address", json!("")),
        ("GlobalIPv6PrefixLen", json!(0)),
        ("MacAddress", json!("")),
    ] {
        object.insert(key.to_owned(), value);
    }
    object
}
