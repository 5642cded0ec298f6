//! Cloning a container's first process: the parent's side.

use std::fs::File;
use std::os::fd::{AsFd as _, AsRawFd as _, OwnedFd, RawFd};

use super::joined::{self, Joined};
use super::launch::{Given, Launch};
use super::{channel, child};
use crate::error::{Context, Error, Result};
use crate::sys::process::{self, Forked};

/// A container process that is being set up, or runs. The parent reaps it.
#[derive(Debug)]
pub struct Started {
    pub pid: i32,
    pub pidfd: OwnedFd,
    /// See [`channel`].
    pub channel: OwnedFd,
    /// Ends of the pipes, where there are pipes.
    pub stdin: Option<OwnedFd>,
    pub stdout: Option<OwnedFd>,
    pub stderr: Option<OwnedFd>,
}

/// What the child says on its channel.
#[derive(Debug)]
pub enum Report {
    /// Everything stands but the exec.
    Ready { terminal: Option<OwnedFd> },
    /// It failed, and has exited or will.
    Failed(Error),
    /// End of file: the exec has succeeded (after `Ready` and [`go`]), or the child died.
    Closed,
}

/// The child's ends of the standard streams.
#[derive(Debug)]
pub enum Streams {
    /// A terminal in the container.
    Terminal,
    /// These, as they are: numbers in this process.
    Inherit,
    /// Pipes, or /dev/null for standard input.
    Pipes { stdin: OwnedFd, stdout: OwnedFd, stderr: OwnedFd },
}

impl Streams {
    /// Every descriptor number that must survive in the child.
    pub fn numbers(&self) -> Option<[RawFd; 3]> {
        match self {
            Streams::Terminal => None,
            Streams::Inherit => Some([0, 1, 2]),
            Streams::Pipes { stdin, stdout, stderr } => {
                Some([stdin.as_raw_fd(), stdout.as_raw_fd(), stderr.as_raw_fd()])
            }
        }
    }
}

/// Clones the process that becomes the container's PID 1. It sets itself up and waits for [`go`].
///
/// The caller is root of the user namespace, has one thread, and reads `started.channel` with [`read_report`]. `given` is
/// what the command gets besides the standard streams, `joined` the namespaces of [`Launch::joins`].
pub fn spawn(launch: &Launch, given: &[Given], joined: &[Joined]) -> Result<Started> {
    let (ours, theirs) = channel::pair()?;
    let mut started_stdin = None;
    let mut started_out = (None, None);
    let streams = if launch.tty {
        Streams::Terminal
    } else if launch.passthrough {
        Streams::Inherit
    } else {
        let stdin = if launch.stdin {
            let (read, write) = pipe()?;
            started_stdin = Some(write);
            read
        } else {
            File::open("/dev/null").context("opening `/dev/null`")?.into()
        };
        let (stdout_read, stdout) = pipe()?;
        let (stderr_read, stderr) = pipe()?;
        started_out = (Some(stdout_read), Some(stderr_read));
        Streams::Pipes { stdin, stdout, stderr }
    };
    let cloned = match joined::with_pids(joined) {
        _ if launch.userns.is_some() => process::clone3(0).context("forking")?,
        None => process::clone3(launch.namespaces).context("creating the container's namespaces")?,
        Some(other) => clone_in(other, launch.namespaces)?,
    };
    match cloned {
        Forked::Child => child::start(launch, &streams, given, joined, theirs.as_fd()),
        Forked::Parent(cloned) => {
            // Nobody but us may hold the other end, or a helper that dies is never noticed.
            drop(theirs);
            let cloned = match launch.userns {
                Some(_) => made_by(&ours, cloned.pid)?,
                None => cloned,
            };
            Ok(Started {
                pid: cloned.pid,
                pidfd: cloned.pidfd,
                channel: ours,
                stdin: started_stdin,
                stdout: started_out.0,
                stderr: started_out.1,
            })
        }
    }
}

/// As clone3, in the PID namespace of another. A process cannot leave a PID namespace that it has joined, so a child joins
/// it, and makes the process as its sibling.
fn clone_in(other: &Joined, namespaces: u64) -> Result<Forked<process::Child>> {
    let (ours, theirs) = channel::pair()?;
    let helper = match process::fork().context("forking")? {
        Forked::Child => {
            let cloned = other
                .enter(joined::PID)
                .and_then(|()| process::clone_sibling(namespaces).context("creating the container's namespaces"));
            let packet = match cloned {
                Ok(Forked::Child) => return Ok(Forked::Child),
                Ok(Forked::Parent(sibling)) => [&b"C"[..], &sibling.pid.to_le_bytes()].concat(),
                Err(error) => [&b"E"[..], &channel::encode_error(&error)].concat(),
            };
            let _ = channel::send(&theirs, &packet, &[]);
            process::exit_now(0)
        }
        Forked::Parent(helper) => helper,
    };
    drop(theirs);
    made_by(&ours, helper).map(Forked::Parent)
}

/// The process that a helper has made as its sibling, and says so on the channel.
fn made_by(channel: &OwnedFd, helper: i32) -> Result<process::Child> {
    let pid = read_pid(channel);
    let _ = process::wait(helper);
    let pid = pid?;
    let number = rustix::process::Pid::from_raw(pid).ok_or_else(|| Error::new("the container's process has no PID"))?;
    // It is a child of this process that nobody has reaped.
    let pidfd = rustix::process::pidfd_open(number, rustix::process::PidfdFlags::empty())
        .context("opening the container's process")?;
    Ok(process::Child { pid, pidfd })
}

/// Reads the PID of a further process in the container, which its maker sends. The process itself may be quicker with
/// what it has to say.
///
/// # Errors
/// The maker's, or the process's.
pub fn read_pid(channel: &OwnedFd) -> Result<i32> {
    let mut buffer = vec![0; 6 * 1024];
    let mut failure = None;
    loop {
        let (length, _) = channel::receive(channel, &mut buffer).context("waiting for a process in the container")?;
        match buffer.get(..length).and_then(<[u8]>::split_first) {
            Some((b'C', payload)) => {
                let pid = payload.try_into().map(i32::from_le_bytes).unwrap_or(0);
                return failure.map_or(Ok(pid), Err);
            }
            Some((b'R', _)) => {}
            Some((b'E', payload)) => failure = Some(channel::decode_error(payload)),
            _ => return Err(failure.unwrap_or_else(|| Error::new("a process in the container died before it began"))),
        }
    }
}

/// Reads the next packet of the child.
pub fn read_report(channel: &OwnedFd) -> Report {
    let mut buffer = vec![0; 6 * 1024];
    match channel::receive(channel, &mut buffer) {
        Ok((0, _)) | Err(_) => Report::Closed,
        Ok((length, mut descriptors)) => {
            let packet = buffer.get(..length).unwrap_or_default();
            match packet.split_first() {
                Some((b'R', _)) => Report::Ready { terminal: descriptors.pop() },
                Some((b'E', payload)) => Report::Failed(channel::decode_error(payload)),
                _ => Report::Failed(Error::new("the container's process sent an unknown message")),
            }
        }
    }
}

/// Lets a ready child execute its command.
pub fn go(channel: &OwnedFd) -> Result<()> {
    channel::send(channel, b"G", &[]).context("starting the container's command")
}

fn pipe() -> Result<(OwnedFd, OwnedFd)> {
    rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC).context("creating a pipe")
}
