//! Writing to the disk beside the work: what comes in is on its way there long before the last of it has come.
//!
//! This promises nothing: whose files must survive a power cut flushes at the end (see [`super::layers::Layers::flush`]),
//! and finds that little is left to do. An error of the disk is told to one flush only, so the work fails with it here.

use std::fs::File;
use std::os::fd::AsFd as _;
use std::path::Path;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use crate::error::{Context, Result};

/// So many bytes are worth a flush of their own: a hundredth of a second of a fast disk, so that it never waits for long.
const ENOUGH: u64 = 8 << 20;

/// Counts what is written, and flushes now and then.
#[derive(Debug, Default)]
pub struct Behind {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// Bytes written since the last flush began.
    written: u64,
    ended: bool,
}

impl Behind {
    /// Does `work`, and flushes the file system of `dir` beside it, on a thread that is joined before this returns.
    pub fn run<T>(dir: &Path, work: impl FnOnce(&Self) -> Result<T>) -> Result<T> {
        let context = || format!("flushing the file system of `{}`", dir.display());
        let file = File::open(dir).with_context(context)?;
        let behind = Self::default();
        std::thread::scope(|scope| {
            let flusher = scope.spawn(|| behind.flush(&file));
            let ended = Ended(&behind);
            let result = work(&behind);
            drop(ended);
            let flushed = flusher.join().unwrap_or(Ok(()));
            result.and_then(|done| flushed.with_context(context).map(|()| done))
        })
    }

    /// Says that so many bytes were written.
    pub fn wrote(&self, bytes: usize) {
        let mut state = self.lock();
        state.written += bytes as u64;
        if state.written >= ENOUGH {
            self.changed.notify_one();
        }
    }

    fn flush(&self, file: &File) -> rustix::io::Result<()> {
        loop {
            let mut state = self.lock();
            while state.written < ENOUGH && !state.ended {
                state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
            }
            if state.ended {
                return Ok(());
            }
            state.written = 0;
            drop(state);
            rustix::fs::syncfs(file.as_fd())?;
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Ends the flushing, however the work ends.
struct Ended<'a>(&'a Behind);

impl Drop for Ended<'_> {
    fn drop(&mut self) {
        self.0.lock().ended = true;
        self.0.changed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_work_is_what_counts() {
        let home = tempfile::tempdir().unwrap();
        let done = Behind::run(home.path(), |behind| {
            for _ in 0..10 {
                behind.wrote(5 << 20);
            }
            Ok(7)
        });
        assert_eq!(done.unwrap(), 7);
        let failed: Result<()> = Behind::run(home.path(), |_| crate::bail!("no"));
        assert_eq!(failed.unwrap_err().to_string(), "no");
        assert!(Behind::run(&home.path().join("none"), |_| Ok(())).is_err());
    }
}
