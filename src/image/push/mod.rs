//! Images on their way out of the store: to a registry, a layout, an archive or a directory.
//!
//! - `plan.rs`      what is to be done with each layer
//! - `destination.rs` all that together, for each kind of place
//! - `copy.rs`      doing it, several layers at once
//! - `compress.rs`  gzip on all processors, zstd
//! - `convert.rs`   manifests in another format or with other layers, pure
//! - `hints.rs`     what is remembered from one push to the next
//! - `sink.rs`      what can be written to
//! - `registry.rs`  a registry as something to write to
//!
//! What was pulled goes out bit for bit: manifest and blobs are in the store as they came. Layers without compression
//! (loaded and imported ones) are compressed where the destination wants that.

pub mod compress;
pub mod convert;
mod copy;
mod destination;
pub mod hints;
mod plan;
pub mod registry;
pub mod sink;

pub use compress::{Codec, Format};
pub use convert::ManifestFormat;

use std::sync::Arc;

use super::trust::Signing;

/// How to push.
#[derive(Debug, Clone, Default)]
pub struct PushOptions {
    /// `--format`; `None` keeps what it is, unless the registry refuses that.
    pub format: Option<ManifestFormat>,
    /// How layers are compressed that have to be.
    pub codec: Option<Codec>,
    /// `codec` was asked for, so that layers that are compressed differently are compressed anew.
    pub codec_is_explicit: bool,
    /// Compress all layers anew.
    pub force_compression: bool,
    /// Compress layers where the destination does not ask for it.
    pub compress: bool,
    /// Leave layers without compression even where the destination asks for it.
    pub accept_uncompressed: bool,
    /// Keys to sign with.
    pub signing: Arc<Signing>,
}

/// A manifest that has arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pushed {
    /// `sha256:...` of the manifest.
    pub digest: String,
    pub manifest: Vec<u8>,
    pub media_type: String,
}
