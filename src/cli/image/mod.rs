//! Commands about image.

pub mod import;
pub mod inspect;
pub mod list;
pub mod load;
pub mod pull;
pub mod push;
pub mod registry_flags;
pub mod rm;
pub mod save;
pub mod tag;
pub mod untag;
