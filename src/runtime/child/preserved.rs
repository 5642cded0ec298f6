//! Descriptors of the caller's that the command is to have, at numbers that the caller chose (`--preserve-fds`).
//!
//! These numbers may be those of descriptors that are still needed until the exec. So first everything moves above the
//! highest of them, and shortly before the exec, when hardly anything is open, they go to their places.

use std::os::fd::{AsRawFd as _, BorrowedFd, OwnedFd, RawFd};

use crate::error::{Context, Result};
use crate::runtime::launch::Given;
use crate::sys::process;

/// Descriptors on their way.
#[derive(Debug, Default)]
pub struct Preserved {
    /// The number wanted, and the descriptor, which is above all of them.
    list: Vec<(RawFd, OwnedFd)>,
}

impl Preserved {
    /// Copies them above the highest number wanted.
    pub fn stage(given: &[Given]) -> Result<Self> {
        let above = above(given.iter().map(|one| one.number));
        let copy = |one: &Given| Ok((one.number, duplicate(&one.fd, above)?));
        Ok(Preserved { list: given.iter().map(copy).collect::<Result<_>>()? })
    }

    /// A copy of another descriptor that is not in the way.
    pub fn out_of_the_way(&self, fd: BorrowedFd<'_>) -> Result<OwnedFd> {
        duplicate(fd, above(self.list.iter().map(|(number, _)| *number)))
    }

    /// Where they are, until they are placed.
    pub fn staged(&self) -> impl Iterator<Item = RawFd> {
        self.list.iter().map(|(_, fd)| fd.as_raw_fd())
    }

    /// Puts them in their places, whatever is there, and returns the numbers.
    pub fn place(self) -> Result<Vec<RawFd>> {
        for (number, fd) in &self.list {
            process::dup_onto(fd.as_raw_fd(), *number).with_context(|| format!("passing descriptor {number} on"))?;
        }
        Ok(self.list.iter().map(|(number, _)| *number).collect())
    }
}

fn above(numbers: impl Iterator<Item = RawFd>) -> RawFd {
    numbers.max().unwrap_or(2).saturating_add(1)
}

fn duplicate(fd: impl std::os::fd::AsFd, above: RawFd) -> Result<OwnedFd> {
    rustix::io::fcntl_dupfd_cloexec(fd, above).context("duplicating a descriptor")
}
