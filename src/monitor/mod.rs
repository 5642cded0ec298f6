//! The monitor: one small process per container, forked by the command line, that owns the container until it ends.
//!
//! It is single-threaded, built around one epoll, and keeps no more than 300 kB of private memory, which is why it does
//! its few JSON documents at the beginning and the end of its life or in children. It owns the pty or the pipes, writes
//! the log, serves attached clients, executes further processes in the container, records how it ended, restarts it and
//! cleans up. It survives the command line that started it, and the container does not survive it.

pub mod config;
pub mod launch;
pub mod log;
pub mod protocol;

mod client;
mod donors;
mod exec;
pub mod fuse;
mod life;
mod network;
mod oom;
mod pause;
mod scratch;
mod serve;
pub mod stray;
mod watch;

use std::os::fd::OwnedFd;

use crate::error::{Context, Error, Result};
use crate::runtime::channel;
use crate::runtime::launch::Given;
use crate::storage::Roots;
use crate::sys::process;

/// `argv[0]` of a monitor.
pub const NAME: &str = "coracle-monitor";

/// Inherited descriptors: the starter's end of a packet socket, the configuration, the first client, ...
pub const REPORT_FD: i32 = 3;
pub const CONFIG_FD: i32 = 4;
pub const CLIENT_FD: i32 = 5;
/// The container's secrets, which the monitor does not look into.
pub const SECRETS_FD: i32 = 6;
/// The first of those that the container's command gets.
pub const GIVEN_FD: i32 = 7;

/// Packets to the starter: started (PID), or set up and waiting (PID), or failed (see [`channel::encode_error`]).
pub const REPORT_STARTED: u8 = b'S';
pub const REPORT_WAITING: u8 = b'I';
pub const REPORT_FAILED: u8 = b'E';

/// The monitor's process. Never returns.
pub fn main() -> ! {
    let Some(report) = process::inherited(REPORT_FD) else { process::exit_now(125) };
    let code = match run(&report) {
        Ok(()) => 0,
        Err(error) => {
            report_failure(&report, &error);
            1
        }
    };
    process::exit_now(code)
}

fn run(report: &OwnedFd) -> Result<()> {
    let config = read_config()?;
    let client = if config.first_client { process::inherited(CLIENT_FD) } else { None };
    let secrets = if config.launch.secrets.is_some() { process::inherited(SECRETS_FD) } else { None };
    if let Some(secrets) = &secrets {
        rustix::io::fcntl_setfd(secrets, rustix::io::FdFlags::CLOEXEC).context("marking a descriptor close-on-exec")?;
    }
    let given = inherited_for(&config.preserved)?;
    // Not dumpable: nothing in the container may look into its monitor.
    nix::sys::prctl::set_dumpable(false).context("making the monitor undumpable")?;
    nix::sys::prctl::set_child_subreaper(true).context("becoming the reaper of the container")?;
    let roots = Roots::reopen(&config.root, &config.runroot);
    life::Life::new(config, &roots, life::Inherited { client, given, secrets })?.live(report)
}

/// The descriptors that the command gets. Nobody else does: the monitor starts helpers as well.
fn inherited_for(numbers: &[i32]) -> Result<Vec<Given>> {
    let mut given = Vec::with_capacity(numbers.len());
    for (inherited, number) in (GIVEN_FD..).zip(numbers) {
        let fd = process::inherited(inherited).ok_or_else(|| Error::new(format!("descriptor {number} was lost")))?;
        rustix::io::fcntl_setfd(&fd, rustix::io::FdFlags::CLOEXEC).context("marking a descriptor close-on-exec")?;
        given.push(Given { number: *number, fd });
    }
    Ok(given)
}

fn read_config() -> Result<config::Config> {
    let file = process::inherited(CONFIG_FD).ok_or_else(|| Error::new("the monitor was not started by coracle"))?;
    let mut text = Vec::new();
    let mut file = std::fs::File::from(file);
    std::io::Seek::rewind(&mut file).context("reading the monitor's configuration")?;
    std::io::Read::read_to_end(&mut file, &mut text).context("reading the monitor's configuration")?;
    serde_json::from_slice(&text).context("reading the monitor's configuration")
}

fn report_failure(report: &OwnedFd, error: &Error) {
    let mut packet = vec![REPORT_FAILED];
    packet.extend(channel::encode_error(error));
    let _ = channel::send(report, &packet, &[]);
}
