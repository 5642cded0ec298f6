//! The files of a container that does not run, where somebody writes into them (`cp`).
//!
//! Two mounts of an overlay on one upper directory go wrong, so there is one writer at a time, and none while the container
//! starts. The writer takes `view.lock` in the container's directory and then looks whether a monitor lives; a monitor has
//! its own lock and then takes `view.lock` until it has said that the container runs: whoever comes second sees the other. A
//! container that nobody ever wrote into so has no such file, and its first start costs one look for it.

use std::path::Path;
use std::time::{Duration, Instant};

use crate::error::{Error, Result};
use crate::storage::lock::{self, Lock};

const NAME: &str = "view.lock";

/// How long a start waits for a writer.
const PATIENCE: Duration = Duration::from_secs(10);

/// Waits until nobody else writes into the container whose directory this is, nor starts it with the file there. Whether its
/// monitor lives is to be asked afterwards.
pub fn lock(dir: &Path) -> Result<Lock> {
    lock::exclusive(&dir.join(NAME))
}

/// To be called by the monitor before the container is mounted, under its own lock: waits for who writes there. `again`: the
/// container has run, so that others cannot tell from a living monitor that it starts.
///
/// # Errors
/// That takes too long.
pub fn starting(dir: &Path, again: bool) -> Result<Option<Lock>> {
    let path = dir.join(NAME);
    if !again && !path.exists() {
        return Ok(None);
    }
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(lock) = lock::try_exclusive(&path)? {
            return Ok(Some(lock));
        }
        if Instant::now() > deadline {
            return Err(
                Error::new("files are being copied into the container").hint("start it again when `cp` has ended")
            );
        }
        let _ = rustix::event::poll(&mut [], Some(&rustix::event::Timespec { tv_sec: 0, tv_nsec: 5_000_000 }));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_starts_waits_for_who_writes() {
        let dir = tempfile::tempdir().unwrap();
        assert!(starting(dir.path(), false).unwrap().is_none() && !dir.path().join(NAME).exists());
        let writer = lock(dir.path()).unwrap();
        let waiting = std::thread::spawn({
            let dir = dir.path().to_owned();
            move || starting(&dir, false)
        });
        assert!(!waiting.is_finished());
        drop(writer);
        let held = waiting.join().unwrap().unwrap();
        assert!(held.is_some() && lock::try_exclusive(&dir.path().join(NAME)).unwrap().is_none());
    }

    #[test]
    fn a_restart_is_always_seen() {
        let dir = tempfile::tempdir().unwrap();
        let held = starting(dir.path(), true).unwrap();
        assert!(held.is_some() && lock::try_exclusive(&dir.path().join(NAME)).unwrap().is_none());
    }
}
