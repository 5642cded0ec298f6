//! Routes.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::family;
use crate::network::netlink::attributes::u32_at;
use crate::network::netlink::{Message, Packet, Refused, Socket};

const RTMSG: usize = 12;
/// The table of the host's own routes.
pub const MAIN: u32 = libc::RT_TABLE_MAIN as u32;

/// A route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Route {
    /// Where to; everywhere with a prefix of 0.
    pub destination: IpAddr,
    pub prefix: u8,
    pub gateway: Option<IpAddr>,
    /// The interface's index.
    pub link: Option<u32>,
    /// The lowest wins.
    pub metric: Option<u32>,
    pub table: u32,
    pub kind: Kind,
}

/// What becomes of a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// It goes to the gateway, or onto the link.
    Unicast,
    /// It is for this host itself.
    Local,
    /// It is dropped without a word.
    Blackhole,
    /// The sender hears that there is no way.
    Unreachable,
    /// The sender hears that it is forbidden.
    Prohibit,
    /// RTN_*: another.
    Other(u8),
}

impl Route {
    /// The way to everywhere else.
    pub fn default_by(gateway: IpAddr) -> Route {
        let destination: IpAddr = match gateway {
            IpAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
            IpAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
        };
        Route { gateway: Some(gateway), ..Route::to(destination, 0) }
    }

    /// A route in the main table, with neither gateway nor link yet.
    pub fn to(destination: IpAddr, prefix: u8) -> Route {
        Route { destination, prefix, gateway: None, link: None, metric: None, table: MAIN, kind: Kind::Unicast }
    }
}

/// Adds a route, or replaces the one that leads there with the same metric.
pub fn set(route: &Route) -> Message {
    build(route, (libc::NLM_F_CREATE | libc::NLM_F_REPLACE) as u16, libc::RTM_NEWROUTE, "adding a route")
}

/// Removes a route.
pub fn remove(route: &Route) -> Message {
    build(route, 0, libc::RTM_DELROUTE, "removing a route")
}

fn build(route: &Route, flags: u16, message: u16, about: &'static str) -> Message {
    let scope = match (route.kind, route.gateway) {
        (Kind::Local, _) => libc::RT_SCOPE_HOST,
        (Kind::Unicast, None) if route.destination.is_ipv4() => libc::RT_SCOPE_LINK,
        _ => libc::RT_SCOPE_UNIVERSE,
    };
    // The field in the structure has one byte; RTA_TABLE says it anyway.
    let table = u8::try_from(route.table).unwrap_or(libc::RT_TABLE_UNSPEC);
    let rtmsg = [
        family(route.destination),
        route.prefix,
        0,
        0,
        table,
        libc::RTPROT_STATIC,
        scope,
        kind_number(route.kind),
        0,
        0,
        0,
        0,
    ];
    Message::new(message, flags, about)
        .fixed(&rtmsg)
        .u32(libc::RTA_TABLE, route.table)
        .with((route.prefix > 0).then_some(route.destination), |m, to| m.ip(libc::RTA_DST, to))
        .with(route.gateway, |m, gateway| m.ip(libc::RTA_GATEWAY, gateway))
        .with(route.link, |m, link| m.u32(libc::RTA_OIF, link))
        .with(route.metric, |m, metric| m.u32(libc::RTA_PRIORITY, metric))
}

/// All routes of all tables.
pub fn list(socket: &mut Socket) -> Result<Vec<Route>, Refused> {
    let message = Message::new(libc::RTM_GETROUTE, 0, "listing the routes").fixed(&[0; RTMSG]);
    socket.dump(&message, |routes: &mut Vec<Route>, packet| routes.extend(parse(&packet)))
}

/// The route that an RTM_NEWROUTE speaks of.
pub fn parse(packet: &Packet<'_>) -> Option<Route> {
    if packet.kind != libc::RTM_NEWROUTE {
        return None;
    }
    let (fixed, attributes) = packet.split(RTMSG)?;
    let unspecified: IpAddr = match i32::from(*fixed.first()?) {
        libc::AF_INET => Ipv4Addr::UNSPECIFIED.into(),
        libc::AF_INET6 => Ipv6Addr::UNSPECIFIED.into(),
        _ => return None,
    };
    let mut route = Route::to(unspecified, *fixed.get(1)?);
    route.table = u32::from(*fixed.get(4)?);
    route.kind = kind_of(*fixed.get(7)?);
    for attribute in attributes {
        match attribute.kind {
            libc::RTA_DST => route.destination = attribute.ip()?,
            libc::RTA_GATEWAY => route.gateway = attribute.ip(),
            libc::RTA_OIF => route.link = attribute.u32(),
            libc::RTA_PRIORITY => route.metric = attribute.u32(),
            libc::RTA_TABLE => route.table = attribute.u32()?,
            // Several ways at once: the first one stands for all.
            libc::RTA_MULTIPATH => route.link = u32_at(attribute.value, 4),
            _ => {}
        }
    }
    Some(route)
}

fn kind_number(kind: Kind) -> u8 {
    match kind {
        Kind::Unicast => libc::RTN_UNICAST,
        Kind::Local => libc::RTN_LOCAL,
        Kind::Blackhole => libc::RTN_BLACKHOLE,
        Kind::Unreachable => libc::RTN_UNREACHABLE,
        Kind::Prohibit => libc::RTN_PROHIBIT,
        Kind::Other(number) => number,
    }
}

fn kind_of(number: u8) -> Kind {
    match number {
        libc::RTN_UNICAST => Kind::Unicast,
        libc::RTN_LOCAL => Kind::Local,
        libc::RTN_BLACKHOLE => Kind::Blackhole,
        libc::RTN_UNREACHABLE => Kind::Unreachable,
        libc::RTN_PROHIBIT => Kind::Prohibit,
        other => Kind::Other(other),
    }
}
