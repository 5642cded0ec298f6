//! Commands about system.

pub mod check;
pub mod df;
pub mod diff;
pub mod info;
pub mod inspect;
pub mod prune;
pub mod reset;
pub mod unshare;
pub mod version;
