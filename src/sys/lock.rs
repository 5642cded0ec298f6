//! Asking whether a flock is held, without taking it.

use std::fs::File;
use std::os::fd::AsRawFd as _;

/// Whether some process holds an open-file-description write lock on `file` (see `hold`). Takes nothing.
pub fn is_held(file: &File) -> bool {
    let mut query = whole_file(libc::F_WRLCK);
    // SAFETY: the descriptor is open for the time of the call and `query` is a valid flock structure.
    let result = unsafe { libc::fcntl(file.as_raw_fd(), libc::F_OFD_GETLK, &raw mut query) };
    result == 0 && i32::from(query.l_type) != libc::F_UNLCK
}

/// Takes the open-file-description write lock; it is held until every copy of the descriptor is closed.
///
/// This and not flock(2) is the monitor's lock, because only this kind can be asked about without being taken.
///
/// # Errors
/// `EAGAIN` when another holds it.
pub fn hold(file: &File) -> std::io::Result<()> {
    let request = whole_file(libc::F_WRLCK);
    // SAFETY: the descriptor is open for the time of the call and `request` is a valid flock structure.
    if unsafe { libc::fcntl(file.as_raw_fd(), libc::F_OFD_SETLK, &raw const request) } < 0 {
        return Err(std::io::Error::last_os_error());
    }
    Ok(())
}

/// The same, but waits for the short time that another holds it. Locks of `fcntl(F_SETLK)`, which other programs take, count.
pub fn wait(file: &File) -> std::io::Result<()> {
    let request = whole_file(libc::F_WRLCK);
    loop {
        // SAFETY: the descriptor is open for the time of the call and `request` is a valid flock structure.
        if unsafe { libc::fcntl(file.as_raw_fd(), libc::F_OFD_SETLKW, &raw const request) } == 0 {
            return Ok(());
        }
        let error = std::io::Error::last_os_error();
        if error.kind() != std::io::ErrorKind::Interrupted {
            return Err(error);
        }
    }
}

fn whole_file(kind: i32) -> libc::flock {
    // SAFETY: all zeroes is a valid flock structure (l_pid must be 0 for open-file-description locks).
    let mut lock: libc::flock = unsafe { std::mem::zeroed() };
    lock.l_type = kind as libc::c_short;
    lock.l_whence = libc::SEEK_SET as libc::c_short;
    lock
}
