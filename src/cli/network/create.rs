//! `coracle network create`

use std::collections::BTreeMap;
use std::net::IpAddr;

use crate::bail;
use crate::cli::args::GoBool;
use crate::cli::cx::Cx;
use crate::engine::network;
use crate::error::{Kind, Result};
use crate::network::config::create::{New, parse_range, parse_route};
use crate::network::config::{Net, Subnet};
use crate::network::egress;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Names of containers do not resolve on it
    #[arg(long)]
    disable_dns: GoBool,
    /// Resolver that is asked instead of the host's
    #[arg(long, value_name = "strings", value_delimiter = ',')]
    dns: Vec<String>,
    /// Driver of the network: bridge
    #[arg(short, long, value_name = "string")]
    driver: Option<String>,
    /// What containers of the network may reach: names, *.names, addresses and nets, each with an optional :PORT, or none
    #[arg(long, value_name = "stringArray")]
    egress: Vec<String>,
    /// Write down what is refused by --egress
    #[arg(long)]
    egress_log: GoBool,
    /// Address of the bridge in the subnet of the same place
    #[arg(long, value_name = "ipSlice", value_delimiter = ',')]
    gateway: Vec<String>,
    /// Do not fail when there is a network of this name
    #[arg(long)]
    ignore: GoBool,
    /// Name of the bridge
    #[arg(long, value_name = "string")]
    interface_name: Option<String>,
    /// Nothing outside of it can be reached
    #[arg(long)]
    internal: GoBool,
    /// Addresses for containers in the subnet of the same place (CIDR or FIRST-LAST)
    #[arg(long, value_name = "stringArray")]
    ip_range: Vec<String>,
    /// Who gives addresses: host-local, or none
    #[arg(long, value_name = "string")]
    ipam_driver: Option<String>,
    /// Both IPv4 and IPv6
    #[arg(long)]
    ipv6: GoBool,
    /// Set a label (KEY=VALUE)
    #[arg(long, value_name = "stringArray")]
    label: Vec<String>,
    /// Set an option (mtu, metric, isolate, no_default_route)
    #[arg(short, long, value_name = "stringArray")]
    opt: Vec<String>,
    /// Route for containers (DESTINATION,GATEWAY[,METRIC])
    #[arg(long, value_name = "stringArray")]
    route: Vec<String>,
    /// Subnet in CIDR notation
    #[arg(long, value_name = "stringArray")]
    subnet: Vec<String>,
    #[arg(value_name = "NAME")]
    name: Option<String>,
}

pub fn run(cx: &Cx<'_>, args: Args) -> Result<u8> {
    let name = args.name.clone().unwrap_or_default();
    let new = New {
        name: name.clone(),
        driver: args.driver.clone().unwrap_or_default(),
        subnets: subnets(&args)?,
        ipv6: *args.ipv6,
        internal: *args.internal,
        disable_dns: *args.disable_dns,
        dns: super::servers(&args.dns, "NetworkDNSServers")?,
        routes: args.route.iter().map(|text| parse_route(text)).collect::<Result<_>>()?,
        labels: pairs(&args.label, "failed to parse labels: invalid label format")?,
        options: options(&args)?,
        ipam_driver: args.ipam_driver.clone().unwrap_or_default(),
        interface: args.interface_name.clone().unwrap_or_default(),
    };
    match network::create(&cx.engine()?, new) {
        Ok(network) => cx.printer.line(network.name),
        Err(error) if error.kind() == Kind::InUse && *args.ignore => cx.printer.line(name),
        Err(error) => return Err(error),
    }
    Ok(0)
}

/// Subnets, gateways and ranges belong together by their places.
fn subnets(args: &Args) -> Result<Vec<Subnet>> {
    let gateways = args.gateway.iter().map(|text| match text.parse::<IpAddr>() {
        Ok(address) => Ok(address),
        Err(_) => bail!(
            "invalid argument {text:?} for \"--gateway\" flag: invalid string being converted to IP address: {text}"
        ),
    });
    let gateways: Vec<IpAddr> = gateways.collect::<Result<_>>()?;
    if args.subnet.is_empty() && !(gateways.is_empty() && args.ip_range.is_empty()) {
        bail!("cannot set gateway or range without subnet");
    }
    for (count, what) in [(gateways.len(), "gateways"), (args.ip_range.len(), "ranges")] {
        if count > args.subnet.len() {
            bail!("cannot set more {what} than subnets");
        }
    }
    let one = |(i, text): (usize, &String)| {
        let lease_range = args.ip_range.get(i).map(|text| parse_range(text)).transpose()?;
        Ok(Subnet { subnet: text.parse::<Net>()?.network(), gateway: gateways.get(i).copied(), lease_range })
    };
    args.subnet.iter().enumerate().map(one).collect()
}

/// Options, and what has flags of its own beyond the reference.
fn options(args: &Args) -> Result<BTreeMap<String, String>> {
    let mut options = pairs(&args.opt, "unable to process options: invalid option format")?;
    if !args.egress.is_empty() {
        options.insert(egress::OPTION.to_owned(), args.egress.join(","));
    }
    if *args.egress_log {
        if !options.contains_key(egress::OPTION) {
            bail!("`--egress-log` has nothing to write down without `--egress`");
        }
        options.insert(egress::LOG_OPTION.to_owned(), "true".to_owned());
    }
    Ok(options)
}

fn pairs(given: &[String], complaint: &str) -> Result<BTreeMap<String, String>> {
    let one = |text: &String| {
        let (key, value) = text.split_once('=').unwrap_or((text, ""));
        if key.is_empty() {
            bail!("{complaint}: {text:?}");
        }
        Ok((key.to_owned(), value.to_owned()))
    };
    given.iter().map(one).collect()
}
