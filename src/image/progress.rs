//! What a pull, load or import tells while it works. Drawing it is the command line's matter.

/// One event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A step in words: `Trying to pull docker.io/library/busybox:latest...`.
    Line(String),
    /// A layer will be fetched or unpacked; `total` is the size of its blob. Tells bars what is to come.
    Queued { digest: String, total: Option<u64> },
    /// Another process fetches or unpacks the layer: this one waits for it.
    Waiting { digest: String },
    /// A blob begins to flow. `what` is `blob` or `config`; `total` is `None` where the size is not known.
    Started { digest: String, what: &'static str, total: Option<u64> },
    /// So many bytes more of a blob. Sent now and then, not for every piece.
    Advanced { digest: String, bytes: u64 },
    /// A blob has been read to its end; its unpacking goes on for a moment.
    Unpacking { digest: String },
    /// A blob is complete.
    Finished { digest: String },
    /// A blob was not needed: it is there already.
    Skipped { digest: String },
    /// A signal ends the process, now. What that means for the user, in words.
    Stopped(&'static str),
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
