//! Starting a monitor: the starter's side.

use std::ffi::CString;
use std::fs::File;
use std::io::Write as _;
use std::os::fd::{AsRawFd as _, OwnedFd};

use nix::libc;
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::config::Config;
use super::{
    CLIENT_FD, CONFIG_FD, GIVEN_FD, NAME, REPORT_FAILED, REPORT_FD, REPORT_STARTED, REPORT_WAITING, SECRETS_FD,
};
use crate::error::{Context, Error, Result};
use crate::runtime::{channel, exe};
use crate::sys::process::{self, Forked};
use crate::sys::signal::{Held, SignalFd, SignalSet, die_by};

/// The signals that end a start.
const ENDING: [i32; 4] = [libc::SIGHUP, libc::SIGINT, libc::SIGQUIT, libc::SIGTERM];
/// How long after one of them the container may still come to run and get it.
const PATIENCE: Timespec = Timespec { tv_sec: 2, tv_nsec: 0 };

/// A monitor whose container has been started, or waits for its start message.
#[derive(Debug)]
pub struct Launched {
    /// The container's PID 1.
    pub pid: i32,
    /// The signals that were to be held.
    pub held: Option<Held>,
}

/// Forks a monitor and waits until its container runs. The caller is root of the user namespace and has one thread.
///
/// `client` is a connected packet socket for the first client, `given` what `config.preserved` speaks of, `secrets` what
/// `config.launch.secrets` does. Signals in `hold` are for the container: they are kept from before it runs, for whoever takes them.
pub fn launch(
    config: &Config,
    client: Option<OwnedFd>,
    given: Vec<OwnedFd>,
    secrets: Option<OwnedFd>,
    hold: Option<&SignalSet>,
) -> Result<Launched> {
    let mut memory = File::from(
        rustix::fs::memfd_create(c"monitor", rustix::fs::MemfdFlags::CLOEXEC).context("creating a memory file")?,
    );
    memory.write_all(&serde_json::to_vec(config)?).context("writing the monitor's configuration")?;
    let (ours, theirs) = channel::pair()?;
    match process::fork().context("forking the monitor")? {
        Forked::Child => {
            let error = match become_monitor(config, &theirs, &memory, client.as_ref(), &given, secrets.as_ref()) {
                Ok(never) => match never {},
                Err(error) => error,
            };
            super::report_failure(&theirs, &error);
            process::exit_now(1)
        }
        Forked::Parent(_) => {
            drop(theirs);
            drop((client, given, secrets));
            let held = hold.map(Held::new);
            if let Some(signals) = hold {
                await_report(&ours, signals)?;
            }
            read_report(&ours).map(|pid| Launched { pid, held })
        }
    }
}

/// Waits until there is a report to read. Somebody who wants to end a start that takes long must not wait for it.
fn await_report(report: &OwnedFd, held: &SignalSet) -> Result<()> {
    let ending = SignalSet::of(ENDING.into_iter().filter(|signal| held.contains(*signal))).unless_ignored();
    let signals = SignalFd::new(&ending).context("opening a descriptor for signals")?;
    let wait = |fds: &mut [PollFd<'_>], timeout: Option<&Timespec>| {
        rustix::io::retry_on_intr(|| poll(fds, timeout)).context("waiting for the monitor")
    };
    let mut fds = [PollFd::new(report, PollFlags::IN), PollFd::new(&signals, PollFlags::IN)];
    wait(&mut fds, None)?;
    if fds[0].revents().is_empty() && wait(&mut fds[..1], Some(&PATIENCE))? == 0 {
        die_by(signals.next().unwrap_or(libc::SIGTERM));
    }
    Ok(())
}

/// The PID of what was started.
fn read_report(report: &OwnedFd) -> Result<i32> {
    let mut buffer = vec![0; 6 * 1024];
    let (length, _) = channel::receive(report, &mut buffer).context("waiting for the monitor")?;
    match buffer.get(..length).and_then(<[u8]>::split_first) {
        Some((&(REPORT_STARTED | REPORT_WAITING), payload)) => {
            Ok(payload.try_into().map(i32::from_le_bytes).unwrap_or(0))
        }
        Some((&REPORT_FAILED, payload)) => Err(channel::decode_error(payload)),
        _ => Err(Error::new("the container's monitor died while it started the container")),
    }
}

/// Executes this program as a monitor, from a place where nobody can write to it.
fn become_monitor(
    config: &Config,
    report: &OwnedFd,
    memory: &File,
    client: Option<&OwnedFd>,
    given: &[OwnedFd],
    secrets: Option<&OwnedFd>,
) -> Result<std::convert::Infallible> {
    let mut passed = vec![(report.as_raw_fd(), REPORT_FD), (memory.as_raw_fd(), CONFIG_FD)];
    passed.extend(client.map(|client| (client.as_raw_fd(), CLIENT_FD)));
    passed.extend(secrets.map(|secrets| (secrets.as_raw_fd(), SECRETS_FD)));
    passed.extend(given.iter().map(OwnedFd::as_raw_fd).zip(GIVEN_FD..));
    let program = exe::prepare("the monitor", &passed, config.launch.passthrough)?;
    let name = CString::new(NAME).map_err(|_| Error::new("the monitor's name has a NUL byte"))?;
    nix::unistd::fexecve(&program, &[name], &exe::environment()).context("executing the monitor")
}
