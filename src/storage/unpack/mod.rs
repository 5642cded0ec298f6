//! Unpacking of layers: tar archives, plain or compressed, into directories that overlayfs stacks.
//!
//! Everything here reads input that may be hostile. Parsers are pure functions on bytes; what they say is written only
//! beneath one directory, through the kernel's own path resolution.

pub mod beneath;
pub mod compression;
pub mod digest;
pub mod extract;
pub mod header;
pub mod pax;
pub mod pipe;
pub mod pipeline;
pub mod reader;
pub mod remove;
#[cfg(test)]
pub(crate) mod tests;
pub mod times;
pub mod warnings;
pub mod write;

pub use extract::{Owners, Unpacked, unpack};
pub use pipeline::{Flow, Sinks};
pub use reader::{Entry, Kind, Reader};
pub use remove::remove_tree;
pub use warnings::Warnings;
