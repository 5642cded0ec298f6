//! Commands about secrets.

pub mod create;
pub mod exists;
pub mod inspect;
pub mod list;
pub mod rm;
