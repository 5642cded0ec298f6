//! Commands about image.

pub mod list;
pub mod load;
