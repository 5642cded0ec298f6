//! What can be written to: a registry, a layout, an archive, a directory.

use crate::error::{Error, Result};
use crate::image::content::{Content, Known};
use crate::image::manifest::Manifest;

/// How a destination wants layers when the user does not say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Want {
    /// As they are.
    AsIs,
    /// Those that are not compressed are to be.
    Compressed,
    /// None may be compressed.
    Plain,
}

/// What a blob is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    Layer,
    Config,
}

/// A manifest whose blobs are all there.
#[derive(Debug, Clone)]
pub struct Finished {
    pub bytes: Vec<u8>,
    pub media_type: String,
    /// `sha256:...` of `bytes`.
    pub digest: String,
    pub manifest: Manifest,
    /// Whether the destination's name is for this one; an instance of an index has none of its own.
    pub named: bool,
}

/// How a manifest was received.
#[derive(Debug)]
pub enum Answer {
    Taken,
    /// The destination does not know this format; another may do.
    FormatRefused(Error),
}

/// A destination. Called from several threads.
pub trait Sink: Sync {
    fn want(&self) -> Want;

    /// Whether a blob is there already, or can be made to be there without sending it.
    fn has(&self, blob: &Known, what: What) -> Result<bool>;

    /// Takes a blob and returns when it is there. `advanced` is told how many bytes more have been taken.
    fn put(&self, content: &Content, what: What, advanced: &(dyn Fn(u64) + Sync)) -> Result<()>;

    /// Takes a manifest.
    fn put_manifest(&self, manifest: &Finished) -> Result<Answer>;
}
