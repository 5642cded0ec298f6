//! A child process of the monitor, held by a pidfd: it can be ended and waited for, but never mistaken for another.

use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::time::Instant;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::{
    Pid, PidfdFlags, Signal, WaitId, WaitIdOptions, WaitIdStatus, pidfd_open, pidfd_send_signal, waitid,
};

use crate::error::{Context as _, Error, Result};

/// A child that is killed when it is dropped.
#[derive(Debug)]
pub(super) struct Child {
    pid: Pid,
    pidfd: OwnedFd,
    ended: bool,
}

/// What [`Child::wait_for`] found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Report {
    /// It wrote to its pipe: the first byte.
    Wrote(u8),
    /// It ended, or is about to, without writing.
    Died,
    /// Neither until the deadline.
    Late,
}

impl Child {
    /// Takes hold of a child that nobody has waited for.
    pub(super) fn adopt(pid: Pid) -> Result<Child> {
        let pidfd = pidfd_open(pid, PidfdFlags::empty()).context("watching the network helper")?;
        Ok(Child { pid, pidfd, ended: false })
    }

    pub(super) fn pid(&self) -> i32 {
        self.pid.as_raw_nonzero().get()
    }

    pub(super) fn pidfd(&self) -> BorrowedFd<'_> {
        self.pidfd.as_fd()
    }

    /// Waits for its first byte in `pipe`.
    pub(super) fn wait_for(&self, pipe: &OwnedFd, deadline: Instant) -> Result<Report> {
        let mut pipe = Some(pipe);
        loop {
            let timeout = until(deadline);
            let died = PollFd::new(&self.pidfd, PollFlags::IN);
            // After the end of the pipe only the end of the process is of interest.
            let mut fds = [died, PollFd::new(pipe.unwrap_or(&self.pidfd), PollFlags::IN)];
            match poll(&mut fds, Some(&timeout)) {
                Ok(0) => return Ok(Report::Late),
                Ok(_) | Err(Errno::INTR) => {}
                Err(errno) => return Err(Error::from(errno).wrap("waiting for the network helper")),
            }
            let [died, written] = fds.map(|fd| !fd.revents().is_empty());
            if written && let Some(fd) = pipe {
                let mut byte = [0u8; 1];
                match rustix::io::read(fd, &mut byte) {
                    Ok(0) => pipe = None,
                    Ok(_) => return Ok(Report::Wrote(byte[0])),
                    Err(Errno::INTR | Errno::AGAIN) => {}
                    Err(errno) => return Err(Error::from(errno).wrap("waiting for the network helper")),
                }
            } else if died {
                return Ok(Report::Died);
            }
        }
    }

    /// Kills it if it lives, and does not wait.
    pub(super) fn kill(&self) {
        if !self.ended {
            let _ = pidfd_send_signal(&self.pidfd, Signal::KILL);
        }
    }

    /// Kills it if it lives, and waits for its end.
    pub(super) fn end(&mut self) {
        self.kill();
        self.reap();
    }

    /// Waits for its end and says in words what it was.
    pub(super) fn reap(&mut self) -> String {
        if !self.ended {
            self.ended = true;
            loop {
                match waitid(WaitId::PidFd(self.pidfd.as_fd()), WaitIdOptions::EXITED) {
                    Err(Errno::INTR) => {}
                    Ok(Some(status)) => return describe(&status),
                    // Somebody who waits for all children was faster.
                    Ok(None) | Err(_) => break,
                }
            }
        }
        "it ended".to_owned()
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        self.end();
    }
}

fn until(deadline: Instant) -> Timespec {
    let left = deadline.saturating_duration_since(Instant::now());
    Timespec { tv_sec: left.as_secs().try_into().unwrap_or(i64::MAX), tv_nsec: left.subsec_nanos().into() }
}

fn describe(status: &WaitIdStatus) -> String {
    match (status.exit_status(), status.terminating_signal()) {
        (Some(code), _) => format!("it exited with status {code}"),
        (_, Some(signal)) => format!("it was killed by signal {signal}"),
        _ => "it ended".to_owned(),
    }
}
