//! Interfaces: bridges, veth pairs, what exists.

use std::os::fd::{AsRawFd as _, BorrowedFd};

use crate::network::netlink::attributes::u32_at;
use crate::network::netlink::{Message, Packet, Refused, Socket};

const IFINFOMSG: usize = 16;
// linux/if_link.h, linux/veth.h
const BRIDGE_FORWARD_DELAY: u16 = 1;
const BRIDGE_STP_STATE: u16 = 5;
const BRIDGE_VLAN_DEFAULT_PVID: u16 = 39;
const VETH_PEER: u16 = 1;
const IFLA_GSO_IPV4_MAX_SIZE: u16 = 63;
/// How large a TCP packet may be on its way between two ends on this machine, in IPv4. Linux has more than 64 KiB since 6.3 ("BIG TCP");
/// older ones do not know the attribute, and ignore it. What leads out (a tap) takes less, and the kernel cuts the packets up before that.
const GSO_SIZE: u32 = 256 << 10;
/// Interfaces' indices are never negative.
const UP: u32 = libc::IFF_UP as u32;

/// An interface, as far as anybody here wants to know.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Link {
    pub index: u32,
    pub name: String,
    /// `bridge`, `veth`, `tun`; empty for hardware and `lo`.
    pub kind: String,
    pub mac: Option<[u8; 6]>,
    pub mtu: u32,
    pub up: bool,
    /// Of a veth: its peer's index, in the peer's namespace.
    pub peer: Option<u32>,
    /// The bridge that it is a port of.
    pub master: Option<u32>,
}

/// A new bridge: it has no spanning tree and forwards at once.
#[derive(Debug, Clone, Copy)]
pub struct Bridge<'a> {
    pub name: &'a str,
    pub mac: [u8; 6],
    pub mtu: u32,
}

/// A new veth pair: the near end is a port of a bridge in this namespace and (if so wanted) up, the far end in another one and down (the
/// kernel makes it first, and an end without the other cannot be up).
#[derive(Debug, Clone, Copy)]
pub struct Veth<'a> {
    pub name: &'a str,
    pub mac: [u8; 6],
    /// The bridge's index.
    pub master: u32,
    /// The near end is up at once.
    pub up: bool,
    pub mtu: u32,
    pub far_name: &'a str,
    pub far_mac: [u8; 6],
    pub far_namespace: BorrowedFd<'a>,
}

/// Makes a bridge and sets it up. Fails with EEXIST if there is an interface of this name.
pub fn add_bridge(bridge: &Bridge<'_>) -> Message {
    create("adding a bridge")
        .fixed(&ifinfomsg(0, UP, UP))
        .text(libc::IFLA_IFNAME, bridge.name)
        .bytes(libc::IFLA_ADDRESS, &bridge.mac)
        .u32(libc::IFLA_MTU, bridge.mtu)
        .nest(libc::IFLA_LINKINFO, |info| {
            info.text(libc::IFLA_INFO_KIND, "bridge").nest(libc::IFLA_INFO_DATA, |data| {
                data.u32(BRIDGE_FORWARD_DELAY, 0).u32(BRIDGE_STP_STATE, 0).u16(BRIDGE_VLAN_DEFAULT_PVID, 0)
            })
        })
}

/// Makes a veth pair.
///
/// The far end is made where it belongs: to move it there would cost the kernel a grace period, some milliseconds.
pub fn add_veth(veth: &Veth<'_>) -> Message {
    let namespace = veth.far_namespace.as_raw_fd().cast_unsigned();
    create("adding a veth pair")
        .fixed(&ifinfomsg(0, if veth.up { UP } else { 0 }, UP))
        .text(libc::IFLA_IFNAME, veth.name)
        .bytes(libc::IFLA_ADDRESS, &veth.mac)
        .u32(libc::IFLA_MTU, veth.mtu)
        .u32(IFLA_GSO_IPV4_MAX_SIZE, GSO_SIZE)
        .u32(libc::IFLA_MASTER, veth.master)
        .nest(libc::IFLA_LINKINFO, |info| {
            info.text(libc::IFLA_INFO_KIND, "veth").nest(libc::IFLA_INFO_DATA, |data| {
                data.nest(VETH_PEER, |peer| {
                    peer.fixed(&ifinfomsg(0, 0, 0))
                        .text(libc::IFLA_IFNAME, veth.far_name)
                        .bytes(libc::IFLA_ADDRESS, &veth.far_mac)
                        .u32(libc::IFLA_MTU, veth.mtu)
                        .u32(IFLA_GSO_IPV4_MAX_SIZE, GSO_SIZE)
                        .u32(libc::IFLA_NET_NS_FD, namespace)
                })
            })
        })
}

/// Sets an interface up and gives it an MTU.
pub fn set_up(index: u32, mtu: Option<u32>) -> Message {
    Message::new(libc::RTM_NEWLINK, 0, "setting an interface up")
        .fixed(&ifinfomsg(index, UP, UP))
        .with(mtu, |message, mtu| message.u32(libc::IFLA_MTU, mtu))
}

/// Lets a bridge carry packets as large as its ports do. It can as soon as it has one.
pub fn widen(index: u32) -> Message {
    Message::new(libc::RTM_NEWLINK, 0, "setting the size of packets")
        .fixed(&ifinfomsg(index, 0, 0))
        .u32(IFLA_GSO_IPV4_MAX_SIZE, GSO_SIZE)
}

/// Sets the interface of this name up.
pub fn set_up_by_name(name: &str) -> Message {
    Message::new(libc::RTM_NEWLINK, 0, "setting an interface up")
        .fixed(&ifinfomsg(0, UP, UP))
        .text(libc::IFLA_IFNAME, name)
}

/// Removes an interface; the other end of a veth pair goes with it.
pub fn remove(name: &str) -> Message {
    Message::new(libc::RTM_DELLINK, 0, "removing an interface").fixed(&ifinfomsg(0, 0, 0)).text(libc::IFLA_IFNAME, name)
}

/// The interface of this name, if there is one.
pub fn find(socket: &mut Socket, name: &str) -> Result<Option<Link>, Refused> {
    let mut found = None;
    match socket.ask(&[question(name)], |packet| found = parse(&packet)) {
        Ok(()) => Ok(found),
        Err(refused) if refused.is(rustix::io::Errno::NODEV) => Ok(None),
        Err(refused) => Err(refused),
    }
}

/// Whether there is an interface of this name; quicker than [`find`], as it takes no lock.
pub fn exists(socket: &Socket, name: &str) -> bool {
    rustix::net::netdevice::name_to_index(socket, name).is_ok()
}

/// Asks for the interface of this name: the answer is for [`parse`].
pub fn question(name: &str) -> Message {
    Message::new(libc::RTM_GETLINK, 0, "looking at an interface")
        .fixed(&ifinfomsg(0, 0, 0))
        .text(libc::IFLA_IFNAME, name)
}

/// All interfaces.
pub fn list(socket: &mut Socket) -> Result<Vec<Link>, Refused> {
    let message = Message::new(libc::RTM_GETLINK, 0, "listing the interfaces").fixed(&ifinfomsg(0, 0, 0));
    socket.dump(&message, |links: &mut Vec<Link>, packet| links.extend(parse(&packet)))
}

/// The interface that an RTM_NEWLINK speaks of.
pub fn parse(packet: &Packet<'_>) -> Option<Link> {
    if packet.kind != libc::RTM_NEWLINK {
        return None;
    }
    let (fixed, attributes) = packet.split(IFINFOMSG)?;
    let mut link = Link { index: u32_at(fixed, 4)?, up: u32_at(fixed, 8)? & UP != 0, ..Link::default() };
    for attribute in attributes {
        match attribute.kind {
            libc::IFLA_IFNAME => link.name = attribute.text().unwrap_or_default().to_owned(),
            libc::IFLA_ADDRESS => link.mac = attribute.mac(),
            libc::IFLA_MTU => link.mtu = attribute.u32().unwrap_or_default(),
            libc::IFLA_LINK => link.peer = attribute.u32(),
            libc::IFLA_MASTER => link.master = attribute.u32(),
            libc::IFLA_LINKINFO => {
                let kind = attribute.nested().find(libc::IFLA_INFO_KIND);
                link.kind = kind.and_then(|kind| kind.text()).unwrap_or_default().to_owned();
            }
            _ => {}
        }
    }
    Some(link)
}

fn create(about: &'static str) -> Message {
    Message::new(libc::RTM_NEWLINK, (libc::NLM_F_CREATE | libc::NLM_F_EXCL) as u16, about)
}

/// struct ifinfomsg: family, padding, type, index, flags, which flags to change.
fn ifinfomsg(index: u32, flags: u32, change: u32) -> [u8; IFINFOMSG] {
    let mut bytes = [0; IFINFOMSG];
    for (place, value) in bytes.chunks_exact_mut(4).zip([0, index, flags, change]) {
        place.copy_from_slice(&value.to_ne_bytes());
    }
    bytes
}
