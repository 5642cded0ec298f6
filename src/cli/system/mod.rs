//! Commands about system.

pub mod info;
pub mod inspect;
pub mod unshare;
pub mod version;
