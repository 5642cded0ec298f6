//! Commands about system.

pub mod unshare;
