//! What a process does inside a fresh network namespace before anything else uses it.

use super::Mode;
use crate::error::{Context as _, Result};

/// Sets the loopback interface up.
pub fn loopback_up() -> Result<()> {
    crate::sys::net::loopback_up().context("setting the loopback interface up")
}

/// Called by the container's init, as soon as it runs, in its new network namespace and while the host's /proc is still
/// mounted: loopback up, and no waiting for addresses that the helper will set.
pub fn prepare_namespace(mode: &Mode) -> Result<()> {
    loopback_up()?;
    let ipv6 = match mode {
        Mode::None | Mode::Host => false,
        Mode::Slirp4netns(options) => options.enable_ipv6,
        Mode::Pasta(_) => true,
    };
    if ipv6 {
        // Nobody else is on this link: without detection of duplicates, which takes a second or two, its IPv6 address
        // can be used at once. Interfaces take the default over when they are made. Where the host has no IPv6 the
        // file is missing, and where it cannot be written the first second goes over IPv4: neither is an error.
        let _ = std::fs::write("/proc/sys/net/ipv6/conf/default/accept_dad", "0");
    }
    Ok(())
}
