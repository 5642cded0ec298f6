//! What a process does inside a fresh network namespace before anything else uses it.

use crate::error::{Context as _, Result};

/// All connections of a private namespace end on this machine: at a neighbour, at a published port, at the uplink, which makes
/// one of its own to the world. Nothing is lost there and nobody else waits, so that the host's default, if it is one that
/// paces what it sends (`bbr`), is a third slower than the simplest one, which every kernel has.
pub const CONGESTION_CONTROL: &str = "reno";

/// Sets the loopback interface up, and with `ipv6` does not let addresses that a network helper will set wait. Called in
/// the new namespace while the host's /proc is still mounted.
pub fn prepare(ipv6: bool) -> Result<()> {
    crate::sys::net::loopback_up().context("setting the loopback interface up")?;
    let _ = std::fs::write("/proc/sys/net/ipv4/tcp_congestion_control", CONGESTION_CONTROL);
    if ipv6 {
        // Nobody else is on this link: without detection of duplicates, which takes a second or two, its IPv6 address
        // can be used at once. Interfaces take the default over when they are made. Where the host has no IPv6 the
        // file is missing, and where it cannot be written the first second goes over IPv4: neither is an error.
        let _ = std::fs::write("/proc/sys/net/ipv6/conf/default/accept_dad", "0");
    }
    Ok(())
}
