//! Places besides the store that hold images: how they are named, reading from them, writing to them.
//!
//! - `name.rs`     `docker://`, `oci:`, `oci-archive:`, `docker-archive:`, `dir:`, pure
//! - `source.rs`   images from a layout, an archive or a directory
//! - `layout.rs`   an OCI layout to write to
//! - `dir.rs`      a directory of manifest and blobs to write to
//!
//! Archives to write to are in [`save`](super::save).

pub mod dir;
pub mod layout;
pub mod name;
pub mod source;

pub use name::{Location, Pick};
