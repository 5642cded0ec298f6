//! nf_tables, synchronous: tables, chains, sets, maps and rules, sent as batches of which each is one transaction; and the
//! reader of what rules log.
//!
//! ```text
//! expression.rs  what of a packet is looked at (Field), what a rule does: the kernel's small machine of registers
//! rule.rs        rules as a chain of conditions and statements
//! set.rs         sets and maps, and their elements
//! batch.rs       one transaction
//! log.rs         NFLOG: packets that rules have logged
//! connections.rs what nf_conntrack remembers, forgotten
//! ```
//!
//! Nothing here knows what the rules are for. Source of all numbers: linux/netfilter/nf_tables.h and its kin, as of Linux 6.1; nothing
//! is used that is newer than 5.15.

mod batch;
mod connections;
mod expression;
mod log;
mod rule;
mod set;
#[cfg(test)]
mod tests;

pub use batch::{Batch, Chain, Hook};
pub use connections::forget as forget_connections;
pub use expression::{Field, Reject, Verdict, name, state};
pub use log::{Log, Logged};
pub use rule::Rule;
pub use set::{Element, Set};

/// Which packets a table sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    /// IPv4 and IPv6.
    Inet,
    /// What an interface receives.
    Netdev,
    /// What bridges carry.
    Bridge,
}

impl Family {
    /// NFPROTO_*.
    fn number(self) -> u8 {
        match self {
            Family::Inet => 1,
            Family::Netdev => 5,
            Family::Bridge => 7,
        }
    }
}

/// A table: family and name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    pub family: Family,
    pub name: String,
}

impl Table {
    pub fn new(family: Family, name: impl Into<String>) -> Table {
        Table { family, name: name.into() }
    }
}
