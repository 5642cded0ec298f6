//! The container's terminal, from its own devpts.

use std::os::fd::OwnedFd;

use rustix::fs::{Mode, OFlags};
use rustix::pty::OpenptFlags;
use rustix::termios::Winsize;

use super::dev::is_device;
use crate::error::{Context, Error, Result};

/// Both ends of a terminal.
#[derive(Debug)]
pub struct Console {
    pub master: OwnedFd,
    pub slave: OwnedFd,
}

/// Opens a new terminal of this many rows and columns in the devpts whose root is `devpts`. No path in the container is looked at.
pub fn open(devpts: &OwnedFd, size: Option<(u16, u16)>) -> Result<Console> {
    let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC | OFlags::NOFOLLOW;
    let master = rustix::fs::openat(devpts, "ptmx", flags, Mode::empty()).context("opening a new terminal")?;
    // A volume or a mount of the container's may be in its place.
    if !is_device(&master, 5, 2)? {
        return Err(Error::new("`/dev/pts/ptmx` in the container is not a terminal multiplexer"));
    }
    rustix::pty::unlockpt(&master).context("unlocking the terminal")?;
    let open_flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
    let slave = rustix::pty::ioctl_tiocgptpeer(&master, open_flags).context("opening the terminal's other end")?;
    if let Some((ws_row, ws_col)) = size {
        let size = Winsize { ws_row, ws_col, ws_xpixel: 0, ws_ypixel: 0 };
        rustix::termios::tcsetwinsize(&master, size).context("setting the size of the terminal")?;
    }
    Ok(Console { master, slave })
}
