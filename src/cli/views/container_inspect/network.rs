//! The part `NetworkSettings`, and the bindings of ports.

use serde_json::{Map, Value, json};

use crate::cli::views::ports;
use crate::container::{Record, State};

/// The network mode without its options.
pub(super) fn mode(record: &Record) -> &str {
    record.network.split(':').next().unwrap_or_default()
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

pub(super) fn settings(record: &Record, state: &State) -> Value {
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
    let own_namespace = state.pid > 0 && mode(record) != "host";
    let key = if own_namespace { format!("/proc/{}/ns/net", state.pid) } else { String::new() };
    object.insert("SandboxKey".to_owned(), json!(key));
    let mut networks = Map::new();
    if !mode(record).is_empty() && mode(record) != "none" {
        let mut network = endpoint();
        network.insert("NetworkID".to_owned(), json!(mode(record)));
        for absent in ["DriverOpts", "IPAMConfig", "Links"] {
            network.insert(absent.to_owned(), Value::Null);
        }
        networks.insert(mode(record).to_owned(), Value::Object(network));
    }
    object.insert("Networks".to_owned(), Value::Object(networks));
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
