//! Flags that speak of networks, from what was typed to what is meant.

use std::net::IpAddr;
use std::path::Path;

use super::{Invocation, words};
use crate::bail;
use crate::cli::create_options::network::NetworkArgs;
use crate::container::network::Egress;
use crate::container::ports;
use crate::error::Result;
use crate::network;
use crate::network::egress::List;
use crate::network::files::{HostsFile, hosts, resolv};

/// What the room of networks would refuse later, when an image has been pulled in vain.
pub(super) fn check(args: &NetworkArgs, at: &Invocation) -> Result<()> {
    let hosts_file = hosts_file(args.hosts_file.as_deref().unwrap_or_default(), at);
    HostsFile::parse(&hosts_file)?;
    let no_hosts = args.no_hosts.is_some_and(|no_hosts| *no_hosts);
    if no_hosts && !words(&args.add_host).is_empty() {
        bail!("--no-hosts and --add-host cannot be set together");
    }
    if no_hosts && !hosts_file.is_empty() {
        bail!("--no-hosts and --hosts-file cannot be set together");
    }
    words(&args.add_host).iter().try_for_each(|text| hosts::check_add_host(text))?;
    let (search, options) = (words(&args.dns_search), words(&args.dns_option));
    let ours = resolv::check(&words(&args.dns), &search, &options)?;
    for (given, what) in [(search, "DNSSearch"), (options, "DNSOption")] {
        if !ours && !given.is_empty() {
            // With `--dns none` the file is the image's.
            bail!("invalid config provided: UseImageResolvConf and {what} are mutually exclusive options");
        }
    }
    words(&args.publish).iter().try_for_each(|text| network::ports::parse(text).map(drop))
}

/// What may be reached, each entry in its one form.
pub(super) fn egress(args: &NetworkArgs) -> Result<Option<Egress>> {
    let allow = match args.egress.as_slice() {
        [] => None,
        values => Some(List::parse(values)?.texts()),
    };
    let log = *args.egress_log;
    Ok((allow.is_some() || log).then_some(Egress { allow, log }))
}

/// Each port by itself.
pub(super) fn expose(values: &[String]) -> Result<Vec<String>> {
    let mut exposed = Vec::new();
    for value in words(values) {
        exposed.extend(ports::parse_expose(&value)?);
    }
    Ok(exposed)
}

/// A file of the host's is found from where the command was typed.
pub(super) fn hosts_file(text: &str, at: &Invocation) -> String {
    match text {
        "" | "image" | "none" => text.to_owned(),
        path => at.cwd.join(Path::new(path)).display().to_string(),
    }
}

/// Of `--ip` and `--ip6`.
pub(super) fn addresses(args: &NetworkArgs) -> Result<Vec<IpAddr>> {
    let mut addresses = Vec::new();
    for (text, v4) in [(&args.ip, true), (&args.ip6, false)] {
        let Some(text) = text.as_deref().filter(|text| !text.is_empty()) else { continue };
        match text.parse::<IpAddr>() {
            Ok(address) if address.is_ipv4() == v4 => addresses.push(address),
            Ok(_) => bail!("{text} is not an IPv{} address", if v4 { 4 } else { 6 }),
            Err(_) => bail!("{text:?} is not an ip address"),
        }
    }
    Ok(addresses)
}

/// In the kernel's form; empty where none was asked for.
pub(super) fn mac(args: &NetworkArgs) -> Result<String> {
    args.mac_address.as_deref().filter(|text| !text.is_empty()).map_or(Ok(String::new()), network::mac)
}
