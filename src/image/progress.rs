//! What a pull, load or import tells while it works. Drawing it is the command line's matter.

/// One event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A step in words: `Trying to pull docker.io/library/busybox:latest...`.
    Line(String),
    /// A blob begins to flow. `what` is `blob` or `config`; `total` is `None` where the size is not known.
    Started { digest: String, what: &'static str, total: Option<u64> },
    /// So many bytes more of a blob.
    Advanced { digest: String, bytes: u64 },
    /// A blob is complete.
    Finished { digest: String },
    /// A blob was not needed: it is there already.
    Skipped { digest: String },
}

/// Who listens. Called from several threads.
pub trait Progress: Sync {
    fn event(&self, event: Event);
}

/// Listens to nothing (`--quiet`).
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Progress for Silent {
    fn event(&self, _event: Event) {}
}
