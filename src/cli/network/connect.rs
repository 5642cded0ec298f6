//! `coracle network connect`

use std::net::IpAddr;

use crate::bail;
use crate::cli::cx::Cx;
use crate::engine::network;
use crate::error::Result;
use crate::network::{Asked, mac};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Name in the network, besides the container's own
    #[arg(long, value_name = "strings", value_delimiter = ',')]
    alias: Vec<String>,
    /// Set an IPv4 address
    #[arg(long, value_name = "ip")]
    ip: Option<String>,
    /// Set an IPv6 address
    #[arg(long, value_name = "ip")]
    ip6: Option<String>,
    /// Set a MAC address
    #[arg(long, value_name = "string")]
    mac_address: Option<String>,
    #[arg(value_name = "NETWORK")]
    network: String,
    #[arg(value_name = "CONTAINER")]
    container: String,
}

pub fn run(cx: &Cx<'_>, args: Args) -> Result<u8> {
    let mut addresses = Vec::new();
    for (text, v4) in [(&args.ip, true), (&args.ip6, false)] {
        let Some(text) = text.as_deref().filter(|text| !text.is_empty()) else { continue };
        match text.parse::<IpAddr>() {
            Ok(address) if address.is_ipv4() == v4 => addresses.push(address),
            _ => {
                bail!("invalid argument {text:?} for \"--ip{}\" flag: it is no such address", if v4 { "" } else { "6" })
            }
        }
    }
    let asked = Asked {
        name: args.network.clone(),
        addresses,
        mac: args.mac_address.as_deref().filter(|text| !text.is_empty()).map(mac).transpose()?.unwrap_or_default(),
        aliases: args.alias.into_iter().filter(|alias| !alias.is_empty()).collect(),
        interface: String::new(),
    };
    network::connect(&cx.engine()?, &args.network, &args.container, asked).map(|()| 0)
}
