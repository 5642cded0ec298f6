//! Netlink, synchronous: messages, attributes, a socket that asks and reads answers; [`route`] is rtnetlink upon it, and
//! nf_tables is beside it in `network::nft`.
//!
//! Written here because the crates that exist cost 40 seconds of build and several hundred kilobytes for the few messages
//! that a container network needs, and change their interface with every release. docs/design/networks.md has more.
//!
//! ```text
//! request   header (16)  fixed structure  attribute attribute (attribute attribute) ...   many of these in one send(2)
//! answer    header       errno, header of the request, attributes (text of the kernel)    one for each
//! ```
//!
//! Lengths that come in are never believed: what does not fit ends the reading.

mod attributes;
mod message;
pub mod route;
mod socket;

pub use attributes::{Attribute, Attributes};
pub use message::{Message, Packet, Packets};
pub use socket::{Notice, Protocol, Refused, Socket};

/// Attributes and messages begin at multiples of this (NLA_ALIGNTO, NLMSG_ALIGNTO).
const ALIGN: usize = 4;

/// The next multiple of [`ALIGN`].
fn aligned(length: usize) -> usize {
    length.saturating_add(ALIGN - 1) & !(ALIGN - 1)
}
