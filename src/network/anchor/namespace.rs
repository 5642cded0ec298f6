//! Network namespaces: the anchor's own, with its settings, and short visits to those of containers.

use std::fs::File;
use std::os::fd::{AsFd as _, BorrowedFd};

use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

use crate::error::{Context as _, Error, Result};
use crate::network::netlink::{Protocol, Socket};
use crate::runtime::netns;
use crate::sys::process;

/// Settings of the inner namespace below /proc/sys/net. Those that a kernel lacks (IPv6, br_netfilter) are left out.
const SETTINGS: [(&str, &str); 11] = [
    ("ipv4/ip_forward", "1"),
    ("ipv4/tcp_congestion_control", netns::CONGESTION_CONTROL),
    ("ipv6/conf/all/forwarding", "1"),
    // Nobody else is on these links: addresses need not be tried before they are used.
    ("ipv6/conf/default/accept_dad", "0"),
    // Ports of bridges need no addresses of their own.
    ("ipv6/conf/default/addr_gen_mode", "1"),
    // No container may say where the way out is.
    ("ipv6/conf/all/accept_ra", "0"),
    ("ipv6/conf/default/accept_ra", "0"),
    // A container of two networks may answer on another one than it was asked on.
    ("ipv4/conf/all/rp_filter", "2"),
    ("ipv4/conf/default/rp_filter", "2"),
    // What goes from one port of a bridge to another is no routed packet.
    ("bridge/bridge-nf-call-iptables", "0"),
    ("bridge/bridge-nf-call-ip6tables", "0"),
];

/// Settings of a container's namespace, which interfaces take over when they are made.
const THEIRS: [(&str, &str); 2] = [("ipv6/conf/default/accept_dad", "0"), ("ipv6/conf/default/accept_ra", "0")];

/// The namespace of the anchor.
#[derive(Debug)]
pub(super) struct Inner {
    file: File,
}

impl Inner {
    /// Moves the calling thread into a new network namespace, with its settings and its loopback interface.
    pub(super) fn enter() -> Result<Inner> {
        nix::sched::unshare(nix::sched::CloneFlags::CLONE_NEWNET).context("creating a network namespace")?;
        crate::sys::net::loopback_up().context("setting the loopback interface up")?;
        for (name, value) in SETTINGS {
            set(name, value);
        }
        let file = File::open("/proc/thread-self/ns/net").context("opening the network namespace")?;
        Ok(Inner { file })
    }

    /// A netlink socket in a container's namespace, which gets its settings: it can be used from here.
    ///
    /// A thread that cannot come back would do everything else in the wrong place: then the anchor ends.
    pub(super) fn socket_in(&self, other: BorrowedFd<'_>) -> Result<Socket> {
        let network = Some(LinkNameSpaceType::Network);
        move_into_link_name_space(other, network)
            .map_err(|errno| Error::from(errno).wrap("entering the container's network namespace"))?;
        for (name, value) in THEIRS {
            set(name, value);
        }
        let socket = Socket::open(Protocol::Route);
        if move_into_link_name_space(self.file.as_fd(), network).is_err() {
            process::exit_now(1);
        }
        socket
    }
}

/// Sets one of /proc/sys/net.
fn set(name: &str, value: &str) {
    let _ = std::fs::write(format!("/proc/sys/net/{name}"), value);
}
