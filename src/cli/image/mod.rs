//! Commands about image.

pub mod diff;
pub mod exists;
pub mod history;
pub mod import;
pub mod inspect;
pub mod list;
pub mod load;
pub mod login;
pub mod logout;
pub mod mount;
pub mod prune;
pub mod pull;
pub mod push;
pub mod registry_flags;
pub mod rm;
pub mod save;
pub mod scp;
pub mod search;
pub mod sign;
pub mod tag;
pub mod tree;
pub mod trust;
pub mod unmount;
pub mod untag;
