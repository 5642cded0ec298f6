//! `network ls` and `network inspect`: the keys of the reference in their order.

use serde_json::{Map, Value, json};

use crate::cli::format::go_json::{self, Shape};
use crate::cli::format::table::Table;
use crate::cli::format::template::{self, Empty, Schema};
use crate::cli::format::{Format, is_json, time};
use crate::container::network::Interface;
use crate::container::store::Container;
use crate::error::{Error, Result};
use crate::network::config::{Net, Network};

/// Fields that exist although they are not there when they are empty.
const OMITTED: &[(&str, &str, Empty)] = &[
    ("", "NetworkInterface", Empty::Text),
    ("", "Subnets", Empty::List),
    ("", "Routes", Empty::List),
    ("", "NetworkDNSServers", Empty::List),
    ("", "Labels", Empty::Map),
    ("", "Options", Empty::Map),
    ("", "IPAMOptions", Empty::Map),
    ("Subnets", "Gateway", Empty::Nothing),
    ("Subnets", "LeaseRange", Empty::Nothing),
    ("LeaseRange", "StartIP", Empty::Nothing),
    ("LeaseRange", "EndIP", Empty::Nothing),
    ("Routes", "Metric", Empty::Nothing),
];

const ALIASES: &[(&str, &str)] = &[
    ("name", "Name"),
    ("id", "ID"),
    ("driver", "Driver"),
    ("network_interface", "NetworkInterface"),
    ("created", "Created"),
    ("subnets", "Subnets"),
    ("subnet", "Subnet"),
    ("gateway", "Gateway"),
    ("lease_range", "LeaseRange"),
    ("start_ip", "StartIP"),
    ("end_ip", "EndIP"),
    ("routes", "Routes"),
    ("destination", "Destination"),
    ("metric", "Metric"),
    ("ipv6_enabled", "IPv6Enabled"),
    ("internal", "Internal"),
    ("dns_enabled", "DNSEnabled"),
    ("network_dns_servers", "NetworkDNSServers"),
    ("labels", "Labels"),
    ("options", "Options"),
    ("ipam_options", "IPAMOptions"),
    ("containers", "Containers"),
    ("interfaces", "Interfaces"),
    ("ipnet", "IPNet"),
    ("mac_address", "MacAddress"),
];

const FREE: &[&str] = &[
    "labels",
    "options",
    "ipam_options",
    "containers",
    "interfaces",
    "Labels",
    "Options",
    "IPAMOptions",
    "Containers",
    "Interfaces",
];

/// What templates of `network inspect` know.
pub const INSPECT: Schema = Schema {
    command: "inspect",
    type_name: "interface {}",
    free_maps: FREE,
    aliases: ALIASES,
    omitted: OMITTED,
    headings: &[],
};

const LIST: Schema = Schema {
    command: "ls",
    type_name: "network.ListPrintReports",
    free_maps: FREE,
    aliases: ALIASES,
    omitted: OMITTED,
    headings: &[("ID", "NETWORK ID")],
};

/// How networks are listed.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options<'a> {
    pub format: Option<&'a str>,
    pub quiet: bool,
    pub no_heading: bool,
    pub no_trunc: bool,
}

/// Lists networks.
///
/// # Errors
/// When the template is wrong.
pub fn render(networks: &[Network], options: &Options<'_>) -> Result<String> {
    let id = |network: &Network| {
        let length = if options.no_trunc { 64 } else { 12 };
        network.id.get(..length).unwrap_or(&network.id).to_owned()
    };
    if options.quiet && options.format.is_none() {
        return Ok(networks.iter().map(|network| format!("{}\n", network.name)).collect());
    }
    // Unlike other lists of the reference, this one takes only the word for all of it as JSON.
    if options.format.is_some_and(|format| format.trim() != "json" && is_json(format)) {
        let lines = networks.iter().map(|network| Ok(go_json::compact(&object(network)?)? + "\n"));
        return lines.collect();
    }
    match options.format.map(Format::parse).transpose()?.flatten() {
        Some(Format::Json) => go_json::pretty(&networks.iter().map(object).collect::<Result<Value>>()?, Shape::Listing),
        Some(format) => {
            let row = |network: &Network| -> Result<Value> {
                let mut row = object(network)?;
                if let Value::Object(row) = &mut row {
                    let labels: Vec<String> = network.labels.iter().map(|(k, v)| format!("{k}={v}")).collect();
                    row.insert("labels".to_owned(), json!(labels.join(",")));
                    row.insert("created".to_owned(), json!(time::go_string_utc(network.created)));
                    row.insert("id".to_owned(), json!(id(network)));
                }
                Ok(row)
            };
            let rows = networks.iter().map(row).collect::<Result<Vec<_>>>()?;
            template::render_list(format, &rows, &LIST, options.no_heading)
        }
        None => {
            let mut table = Table::new();
            if !options.no_heading {
                table.row(["NETWORK ID", "NAME", "DRIVER"]);
            }
            networks.iter().for_each(|network| table.row([id(network).as_str(), &network.name, &network.driver]));
            table.render()
        }
    }
}

/// The object of a network, as in its file.
fn object(network: &Network) -> Result<Value> {
    serde_json::to_value(network).map_err(|e| Error::new(e.to_string()))
}

/// The object of a network with the containers that are connected to it now.
pub fn inspect(network: &Network, connected: &[(Container, Interface)]) -> Result<Value> {
    let mut value = object(network)?;
    let mut containers = Map::new();
    for (container, interface) in connected {
        let interfaces = Map::from_iter([(interface.interface.clone(), endpoint(interface))]);
        containers
            .insert(container.record.id.clone(), json!({"name": container.record.name, "interfaces": interfaces}));
    }
    if let Value::Object(value) = &mut value {
        value.insert("containers".to_owned(), Value::Object(containers));
    }
    Ok(value)
}

fn endpoint(interface: &Interface) -> Value {
    let subnet = |(address, prefix): &(std::net::IpAddr, u8)| {
        let net = Net::new(*address, *prefix);
        let mut subnet = Map::from_iter([("ipnet".to_owned(), json!(net))]);
        if let Some(gateway) = interface.gateways.iter().find(|gateway| net.contains(**gateway)) {
            subnet.insert("gateway".to_owned(), json!(gateway));
        }
        Value::Object(subnet)
    };
    let mut endpoint = Map::new();
    if !interface.addresses.is_empty() {
        endpoint.insert("subnets".to_owned(), interface.addresses.iter().map(subnet).collect());
    }
    endpoint.insert("mac_address".to_owned(), json!(interface.mac));
    Value::Object(endpoint)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::container::{Record, State};

    const LS: &str = include_str!("../../../tests/data/samples/network-ls.json");
    const INSPECTED: &str = include_str!("../../../tests/data/samples/network-inspect.json");

    #[test]
    fn in_the_shape_of_the_samples() {
        let networks: Vec<Network> = serde_json::from_str(LS).unwrap();
        let list = |options: Options<'_>| render(&networks, &options).unwrap();
        assert_eq!(list(Options { format: Some("json"), ..Options::default() }), LS);
        let lines = list(Options { format: Some("{{json .}}"), ..Options::default() });
        let each: Vec<Network> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(each, networks);
        assert_eq!(list(Options::default()), include_str!("../../../tests/data/samples/network-ls.txt"));
        assert_eq!(list(Options { quiet: true, ..Options::default() }), "mynet\npodman\n");
        let text = |format| list(Options { format: Some(format), ..Options::default() });
        assert_eq!(
            text("{{.ID}} {{.Name}} {{.Labels}} {{.Created}} {{.IPv6Enabled}} {{.Options}} {{.IPAMOptions}}")
                .lines()
                .next(),
            Some("6e7ac31169c5 mynet a=b 2026-11-22 01:13:19.412675759 +0000 UTC false map[] map[driver:host-local]")
        );
        assert_eq!(text("table {{.Name}}\t{{.DNSEnabled}}").lines().nth(1), Some("mynet       true"));
        assert_eq!(
            text("{{range .Subnets}}{{.Subnet}} {{.Gateway}}{{end}}").lines().next(),
            Some("10.89.0.0/24 10.89.0.1")
        );
    }

    #[test]
    fn who_is_connected() {
        let networks: Vec<Network> = serde_json::from_str(LS).unwrap();
        let record = Record {
            id: "5814d761c23a9228ea46ba42038526976718411c9a07ad668e72aa5006e8bb4b".into(),
            name: "web".into(),
            ..Record::default()
        };
        let interface = Interface {
            network: "mynet".into(),
            interface: "eth0".into(),
            mac: "02:bb:42:9c:cf:1d".into(),
            addresses: vec![("10.89.0.2".parse().unwrap(), 24)],
            gateways: vec!["10.89.0.1".parse().unwrap()],
        };
        let object =
            inspect(&networks[0], &[(Container { record, state: State::default(), is_lost: false }, interface)])
                .unwrap();
        assert_eq!(super::super::inspect::render(&[(object.clone(), &INSPECT)], None).unwrap(), INSPECTED);
        let text = |format| super::super::inspect::render(&[(object.clone(), &INSPECT)], Some(format)).unwrap();
        assert_eq!(
            text(
                "{{.Name}} {{.DNSEnabled}} {{.Internal}} {{.NetworkDNSServers}}{{range .Containers}} {{.Name}}{{end}}"
            ),
            "mynet true false [] web\n"
        );
        assert_eq!(
            text(
                "{{range $id, $c := .Containers}}{{range $c.Interfaces}}{{.MacAddress}}{{range .Subnets}} {{.IPNet}}{{end}}{{end}}{{end}}"
            ),
            "02:bb:42:9c:cf:1d 10.89.0.2/24\n"
        );
    }
}
