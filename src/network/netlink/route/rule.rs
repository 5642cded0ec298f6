//! Rules that send marked packets to a table of their own.

use super::routes::{Kind, Route};
use crate::network::netlink::Message;

// linux/fib_rules.h
const PRIORITY: u16 = 6;
const MARK: u16 = 10;
const TABLE: u16 = 15;
const MASK: u16 = 16;
const TO_TABLE: u8 = 1;

/// Packets with `mark` in the bits of `mask` look into `table` before they look elsewhere.
pub fn add_mark(v6: bool, mark: u32, mask: u32, table: u32, priority: u32) -> Message {
    let family = if v6 { libc::AF_INET6 } else { libc::AF_INET } as u8;
    let small = u8::try_from(table).unwrap_or(libc::RT_TABLE_UNSPEC);
    Message::new(libc::RTM_NEWRULE, (libc::NLM_F_CREATE | libc::NLM_F_EXCL) as u16, "adding a rule for routes")
        .fixed(&[family, 0, 0, 0, small, 0, 0, TO_TABLE, 0, 0, 0, 0])
        .u32(TABLE, table)
        .u32(PRIORITY, priority)
        .u32(MARK, mark)
        .u32(MASK, mask)
}

/// The route that makes everything local, for such a table. `loopback` is the index of `lo`.
pub fn everything_is_local(v6: bool, loopback: u32, table: u32) -> Route {
    let any: std::net::IpAddr =
        if v6 { std::net::Ipv6Addr::UNSPECIFIED.into() } else { std::net::Ipv4Addr::UNSPECIFIED.into() };
    Route { kind: Kind::Local, table, link: Some(loopback), ..Route::to(any, 0) }
}
