//! What a network is: the JSON that netavark and the reference read and write, one document a network.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::net::Net;

/// The name of the network that containers have where nothing else is said.
pub const DEFAULT_NAME: &str = "podman";
/// SHA-256 of that name, as in the reference.
pub const DEFAULT_ID: &str = "2f259bab93aaaaa2542ba43ef33eb990d0999ee1b9924b557b7be53c0b7a1bb9";
/// Where the default network is.
pub const DEFAULT_SUBNET: Net = Net { address: IpAddr::V4(Ipv4Addr::new(10, 88, 0, 0)), prefix: 16 };

/// One network. Field names, order and what is left out are the reference's.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Network {
    pub name: String,
    /// 64 hexadecimal digits.
    pub id: String,
    /// `bridge`; `macvlan` and `ipvlan` may stand in a file, but no container of ours can have them.
    pub driver: String,
    /// The bridge's name in the anchor's namespace.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub network_interface: String,
    pub created: Timestamp,
    #[serde(deserialize_with = "nullable", skip_serializing_if = "Vec::is_empty")]
    pub subnets: Vec<Subnet>,
    #[serde(deserialize_with = "nullable", skip_serializing_if = "Vec::is_empty")]
    pub routes: Vec<Route>,
    pub ipv6_enabled: bool,
    /// No way out of it.
    pub internal: bool,
    /// Names of containers resolve.
    pub dns_enabled: bool,
    /// Who is asked for names that are no container's, instead of the host's resolvers.
    #[serde(deserialize_with = "nullable", skip_serializing_if = "Vec::is_empty")]
    pub network_dns_servers: Vec<IpAddr>,
    #[serde(deserialize_with = "nullable", skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// `mtu`, `isolate`, `metric` and so on.
    #[serde(deserialize_with = "nullable", skip_serializing_if = "BTreeMap::is_empty")]
    pub options: BTreeMap<String, String>,
    /// `driver`: `host-local` or `none`.
    #[serde(deserialize_with = "nullable", skip_serializing_if = "BTreeMap::is_empty")]
    pub ipam_options: BTreeMap<String, String>,
}

/// One range of addresses.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subnet {
    pub subnet: Net,
    /// The bridge's address in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gateway: Option<IpAddr>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lease_range: Option<LeaseRange>,
}

/// Which addresses are given to containers that ask for none; without a bound, the subnet's.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeaseRange {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_ip: Option<IpAddr>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end_ip: Option<IpAddr>,
}

/// A route that containers get.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Route {
    pub destination: Net,
    pub gateway: IpAddr,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metric: Option<u32>,
}

/// Go writes an empty list or map that is not there as `null`.
fn nullable<'de, D: serde::Deserializer<'de>, T: Default + Deserialize<'de>>(deserializer: D) -> Result<T, D::Error> {
    Ok(Option::<T>::deserialize(deserializer)?.unwrap_or_default())
}

/// Whether containers of a network may reach those of other networks: the option `isolate`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Isolate {
    #[default]
    No,
    /// Not those of other isolated networks.
    Yes,
    /// Those of no other network.
    Strict,
}

impl Network {
    /// The default network where no file says what it is.
    pub fn default_network(name: &str, subnet: Net) -> Network {
        Network {
            name: name.to_owned(),
            id: DEFAULT_ID.to_owned(),
            driver: "bridge".to_owned(),
            network_interface: "podman0".to_owned(),
            created: Timestamp::now(),
            subnets: vec![Subnet { subnet: subnet.network(), gateway: Some(subnet.first()), lease_range: None }],
            ipv6_enabled: !subnet.is_ipv4(),
            ipam_options: BTreeMap::from([("driver".to_owned(), "host-local".to_owned())]),
            ..Network::default()
        }
    }

    /// The bridge's addresses: resolvers of the containers, and their way out unless the network is internal.
    pub fn gateways(&self) -> impl Iterator<Item = IpAddr> + '_ {
        self.subnets.iter().filter_map(|subnet| subnet.gateway)
    }

    /// The option `mtu`.
    pub fn mtu(&self) -> Option<u32> {
        self.options.get("mtu")?.parse().ok()
    }

    /// The option `metric`, of the default route.
    pub fn metric(&self) -> Option<u32> {
        self.options.get("metric")?.parse().ok()
    }

    /// The option `no_default_route`: containers get no default route through it.
    pub fn no_default_route(&self) -> bool {
        matches!(self.options.get("no_default_route").map(String::as_str), Some("true" | "1"))
    }

    /// The option `isolate`.
    pub fn isolate(&self) -> Isolate {
        match self.options.get("isolate").map(String::as_str) {
            Some("strict") => Isolate::Strict,
            Some("true" | "1") => Isolate::Yes,
            _ => Isolate::No,
        }
    }

    /// Whether containers get addresses in it.
    pub fn has_addresses(&self) -> bool {
        self.ipam_options.get("driver").is_none_or(|driver| driver != "none")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_the_reference_is_read_and_written_as_it_is() {
        let text = r#"{
     "name": "mynet",
     "id": "6e7ac31169c531a973998fb3a88f6309bf1af7ffaa78f7fbbe756ee612211ba2",
     "driver": "bridge",
     "network_interface": "podman1",
     "created": "2026-11-22T01:13:19.412675759Z",
     "subnets": [
          {
               "subnet": "10.89.0.0/24",
               "gateway": "10.89.0.1",
               "lease_range": {
                    "start_ip": "10.89.0.64",
                    "end_ip": "10.89.0.127"
               }
          }
     ],
     "routes": [
          {
               "destination": "10.21.0.0/24",
               "gateway": "10.89.0.5",
               "metric": 50
          }
     ],
     "ipv6_enabled": false,
     "internal": false,
     "dns_enabled": true,
     "network_dns_servers": [
          "10.1.1.1"
     ],
     "labels": {
          "a": "b"
     },
     "options": {
          "isolate": "strict",
          "mtu": "1400"
     },
     "ipam_options": {
          "driver": "host-local"
     }
}"#;
        let network: Network = serde_json::from_str(text).unwrap();
        assert_eq!((network.mtu(), network.isolate()), (Some(1400), Isolate::Strict));
        assert_eq!(super::super::store::to_text(&network).unwrap().trim_end(), text);
    }

    #[test]
    fn what_go_leaves_out_or_writes_as_null() {
        let network: Network =
            serde_json::from_str(r#"{"name":"x","subnets":null,"labels":null,"created":"0001-01-01T00:00:00Z"}"#)
                .unwrap();
        assert!(network.subnets.is_empty() && network.labels.is_empty());
    }

    #[test]
    fn the_default_one() {
        let network = Network::default_network("podman", DEFAULT_SUBNET);
        assert_eq!(network.gateways().map(|ip| ip.to_string()).collect::<Vec<_>>(), ["10.88.0.1"]);
        assert!(!network.dns_enabled && !network.ipv6_enabled);
    }
}
