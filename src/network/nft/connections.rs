//! The table of connections (nf_conntrack), as far as one must be forgotten before its time.

use std::net::IpAddr;

use rustix::io::Errno;

use super::super::netlink::{Attributes, Message, Packet, Refused, Socket};

/// The number of connection tracking among the parts of netfilter (NFNL_SUBSYS_CTNETLINK).
const SUBSYSTEM: u16 = 1;
const NEW: u16 = 0;
const GET: u16 = 1;
const DELETE: u16 = 2;

/// Of a connection: how its first packets look, how answers do, its mark.
const ORIGINAL: u16 = 1;
const REPLY: u16 = 2;
const MARK: u16 = 8;

/// Forgets the connections from and to an address whose mark has one of these bits: the next packet of each is a first one again.
///
/// # Errors
/// The kernel cannot list connections (it has no nf_conntrack_netlink), or does not let us.
pub fn forget(socket: &mut Socket, address: IpAddr, bits: u32) -> Result<(), Refused> {
    let family = if address.is_ipv4() { libc::AF_INET } else { libc::AF_INET6 } as u8;
    let list = message(GET, family, "listing connections");
    let found: Vec<Vec<u8>> =
        socket.dump(&list, |all: &mut Vec<Vec<u8>>, packet| all.extend(of(packet, address, bits)))?;
    for original in found {
        let delete = message(DELETE, family, "forgetting a connection").nest(ORIGINAL, |m| m.fixed(&original));
        match socket.request(&[delete]) {
            // It has ended meanwhile.
            Err(refused) if refused.is(Errno::NOENT) => {}
            done => done?,
        }
    }
    Ok(())
}

fn message(kind: u16, family: u8, about: &'static str) -> Message {
    Message::new(SUBSYSTEM << 8 | kind, 0, about).fixed(&[family, 0, 0, 0])
}

/// What a connection is named by, if it is one of those.
fn of(packet: Packet<'_>, address: IpAddr, bits: u32) -> Option<Vec<u8>> {
    if packet.kind != SUBSYSTEM << 8 | NEW {
        return None;
    }
    let (_, attributes) = packet.split(4)?;
    let mark = attributes.find(MARK).and_then(|mark| mark.be32()).unwrap_or(0);
    let has = |kind: u16| attributes.find(kind).is_some_and(|tuple| ends(tuple.nested()).contains(&Some(address)));
    let is_one = mark & bits != 0 && (has(ORIGINAL) || has(REPLY));
    attributes.find(ORIGINAL).filter(|_| is_one).map(|original| original.value.to_vec())
}

/// Source and destination.
fn ends(tuple: Attributes<'_>) -> [Option<IpAddr>; 2] {
    const IP: u16 = 1;
    // Of IPv4 and IPv6.
    const SOURCES: [u16; 2] = [1, 3];
    const DESTINATIONS: [u16; 2] = [2, 4];
    let Some(ip) = tuple.find(IP) else { return [None; 2] };
    let one = |kinds: [u16; 2]| kinds.into_iter().find_map(|kind| ip.nested().find(kind)?.ip());
    [one(SOURCES), one(DESTINATIONS)]
}
