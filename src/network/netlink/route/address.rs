//! Addresses of interfaces.

use std::net::IpAddr;

use super::family;
use crate::network::netlink::attributes::u32_at;
use crate::network::netlink::{Message, Packet, Refused, Socket};

const IFADDRMSG: usize = 8;

/// An address of an interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Address {
    /// The interface's index.
    pub link: u32,
    pub address: IpAddr,
    pub prefix: u8,
    /// RT_SCOPE_*: 0 is the whole world, 253 the link, 254 the host.
    pub scope: u8,
}

/// Gives an interface an address, or does nothing if it has it. An IPv6 address can be used at once: whether another one
/// has it is not asked.
pub fn add(link: u32, address: IpAddr, prefix: u8) -> Message {
    let flags = (libc::NLM_F_CREATE | libc::NLM_F_REPLACE) as u16;
    let message = Message::new(libc::RTM_NEWADDR, flags, "adding an address")
        .fixed(&ifaddrmsg(link, family(address), prefix))
        .ip(libc::IFA_LOCAL, address)
        .ip(libc::IFA_ADDRESS, address);
    match address {
        IpAddr::V4(v4) if prefix < 31 => {
            let hosts = u32::MAX.checked_shr(u32::from(prefix)).unwrap_or(0);
            message.bytes(libc::IFA_BROADCAST, &(v4.to_bits() | hosts).to_be_bytes())
        }
        IpAddr::V4(_) => message,
        IpAddr::V6(_) => message.u32(libc::IFA_FLAGS, libc::IFA_F_NODAD),
    }
}

/// Takes an address from an interface.
pub fn remove(link: u32, address: IpAddr, prefix: u8) -> Message {
    Message::new(libc::RTM_DELADDR, 0, "removing an address")
        .fixed(&ifaddrmsg(link, family(address), prefix))
        .ip(libc::IFA_LOCAL, address)
}

/// All addresses.
pub fn list(socket: &mut Socket) -> Result<Vec<Address>, Refused> {
    let message = Message::new(libc::RTM_GETADDR, 0, "listing the addresses").fixed(&ifaddrmsg(0, 0, 0));
    socket.dump(&message, |addresses: &mut Vec<Address>, packet| addresses.extend(parse(&packet)))
}

/// The address that an RTM_NEWADDR speaks of.
pub fn parse(packet: &Packet<'_>) -> Option<Address> {
    if packet.kind != libc::RTM_NEWADDR {
        return None;
    }
    let (fixed, attributes) = packet.split(IFADDRMSG)?;
    // IFA_ADDRESS is the other end's where the link has but two ends.
    let address = attributes.find(libc::IFA_LOCAL).or_else(|| attributes.find(libc::IFA_ADDRESS))?.ip()?;
    Some(Address { link: u32_at(fixed, 4)?, address, prefix: *fixed.get(1)?, scope: *fixed.get(3)? })
}

/// struct ifaddrmsg: family, length of the prefix, flags, scope, index.
fn ifaddrmsg(link: u32, family: u8, prefix: u8) -> [u8; IFADDRMSG] {
    let [a, b, c, d] = link.to_ne_bytes();
    [family, prefix, 0, 0, a, b, c, d]
}
