//! Commands about image.

pub mod diff;
pub mod exists;
pub mod history;
pub mod import;
pub mod inspect;
pub mod list;
pub mod load;
pub mod mount;
pub mod prune;
pub mod pull;
pub mod registry_flags;
pub mod rm;
pub mod scp;
pub mod tag;
pub mod tree;
pub mod unmount;
pub mod untag;
