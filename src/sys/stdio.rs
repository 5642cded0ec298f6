//! The three standard descriptors as such, without the buffers and locks of the standard library.

use std::os::fd::{BorrowedFd, RawFd};

/// Descriptor 0.
pub fn input() -> BorrowedFd<'static> {
    standard(libc::STDIN_FILENO)
}

/// Descriptor 1.
pub fn output() -> BorrowedFd<'static> {
    standard(libc::STDOUT_FILENO)
}

/// Descriptor 2.
pub fn error() -> BorrowedFd<'static> {
    standard(libc::STDERR_FILENO)
}

fn standard(fd: RawFd) -> BorrowedFd<'static> {
    // SAFETY: the Rust runtime opens the three on /dev/null where they are closed at start, and nothing closes them.
    unsafe { BorrowedFd::borrow_raw(fd) }
}
