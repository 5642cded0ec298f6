//! Commands about system.

pub mod inspect;
pub mod unshare;
pub mod version;
