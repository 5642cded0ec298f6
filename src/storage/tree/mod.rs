//! Whole file trees, seen through descriptors: walking a stack of layers as the one tree that they make, copying it,
//! writing it as a tar archive.
//!
//! Trees are filled by images and containers, so nothing here follows a link or trusts a name, a depth or a type.

pub mod archive;
pub mod copy;
pub mod data;
pub mod limit;
pub mod links;
mod parallel;
pub mod pax;
pub mod put;
pub mod read;
pub mod walk;
pub mod xattr;

/// Path names of trees as they are shown in errors.
pub fn shown(path: &[u8]) -> String {
    String::from_utf8_lossy(path).escape_debug().to_string()
}

/// Seconds and nanoseconds of the last modification.
pub fn mtime(stat: &rustix::fs::Stat) -> (i64, u32) {
    (stat.st_mtime, u32::try_from(stat.st_mtime_nsec).unwrap_or(0))
}
