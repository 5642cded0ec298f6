//! Commands about system.

pub mod check;
pub mod df;
pub mod info;
pub mod inspect;
pub mod reset;
pub mod unshare;
pub mod version;
