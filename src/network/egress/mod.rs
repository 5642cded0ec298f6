//! What a restricted container may reach: `--egress`.
//!
//! ```text
//! policy.rs    text -> lists of names and nets with ports
//! name.rs      names as they are compared: lower case, Punycode, no dot at the end
//! special.rs   addresses that a name never opens
//! control.rs   who is restricted by what; opens the answers to names that are listed (dns::Gate)
//! owner.rs     whose network namespace can be held
//! packet.rs    a refused packet -> protocol, addresses, port
//! journal.rs   what was refused, one JSON line each, in the container's directory
//! watch.rs     the thread that reads refused packets from the kernel
//! ```
//!
//! The rules in the kernel are `network::firewall`'s. docs/design/egress-attacks.md says what holds, and why.

mod control;
mod journal;
mod name;
mod owner;
mod packet;
mod policy;
mod special;
mod watch;

pub use control::Control;
pub(in crate::network) use control::{MAX_OPEN, open4, open6};
pub use journal::{FILE, Journal, OLD_FILE};
pub use owner::check as check_owner;
pub use packet::{Flow, parse as parse_packet};
pub use policy::{Entry, LOG_OPTION, List, OPTION, Policy, Ports, What};
pub(in crate::network) use policy::{mask4, mask6};
pub(in crate::network) use watch::{GROUP, start as start_watch};
