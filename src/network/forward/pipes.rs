//! Pipes that splice(2) moves bytes through. An empty one serves any connection, so a few are enough for many.

use std::os::fd::OwnedFd;

use rustix::pipe::{PipeFlags, fcntl_setpipe_size, pipe_with};

/// What a pipe can hold. A mebibyte was not faster.
pub(super) const SIZE: usize = 256 << 10;
/// The kernel grants a user 64 MiB of pipes (fs.pipe-user-pages-soft) and then only pipes of a page or two; a quarter of
/// it is for the four threads that there may be.
const MOST: usize = 16;

#[derive(Debug)]
pub(super) struct Pipe {
    pub(super) read: OwnedFd,
    pub(super) write: OwnedFd,
}

#[derive(Debug, Default)]
pub(super) struct Pipes {
    idle: Vec<Pipe>,
    /// All that there are, idle or not.
    count: usize,
}

impl Pipes {
    /// An empty pipe, if there is still one to be had.
    pub(super) fn take(&mut self) -> Option<Pipe> {
        if let Some(pipe) = self.idle.pop() {
            return Some(pipe);
        }
        if self.count >= MOST {
            return None;
        }
        let (read, write) = pipe_with(PipeFlags::CLOEXEC | PipeFlags::NONBLOCK).ok()?;
        // Without the right to it, the usual size does as well.
        let _ = fcntl_setpipe_size(&write, SIZE);
        self.count += 1;
        Some(Pipe { read, write })
    }

    /// Takes back a pipe; it is closed unless it is empty.
    pub(super) fn give_back(&mut self, pipe: Pipe, empty: bool) {
        if empty {
            self.idle.push(pipe);
        } else {
            self.count = self.count.saturating_sub(1);
        }
    }
}
