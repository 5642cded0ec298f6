//! The network anchor: one process per user and run directory that owns the network namespace with the bridges of all
//! networks, and the uplink out of it. docs/design/networks.md says why it is made as it is.
//!
//! ```text
//! monitor, command                                   anchor
//! client::connect_or_start  -- anchor.sock -->       serve       one epoll: connections, the uplink's process, signals
//!   launch (nobody was there: anchor.lock)             attach    what one container wants against what it has
//!   protocol                                           bridges   bridges, by need, and who has which address
//!                                                      services  rules, names and published ports of all that
//!                                                      uplink    slirp4netns or pasta, started again when it dies
//!                                                      outer     the thread that stays in the host's namespace
//! ```
//!
//! It is started by the first who needs it and ends some seconds after its last connection. Nothing that it knows is on
//! disk: whoever holds a connection says again what it wants to the next anchor.

mod addresses;
mod attach;
mod bridges;
pub mod client;
mod hold;
mod launch;
mod namespace;
pub mod outer;
pub mod protocol;
mod recover;
mod serve;
mod services;
mod uplink;

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::config::{Location, RootlessCmd};
use crate::error::{Context as _, Error, Result};
use crate::sys::process;

/// `argv[0]` of an anchor.
pub const NAME: &str = "coracle-anchor";

/// Inherited descriptors: the lock that it holds as long as it lives, and the socket that it is found at.
const LOCK_FD: i32 = 3;
const LISTENER_FD: i32 = 4;

/// Where an anchor is, and what it is to do: its only argument, as JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// `--runroot`; the socket and the lock are in `network/` below it.
    pub runroot: PathBuf,
    /// Where networks are defined.
    pub location: Location,
    /// What leads out.
    pub uplink: RootlessCmd,
    /// The uplink's program instead of the one in `PATH`.
    pub program: Option<PathBuf>,
    /// What is usual for it on this host: options of `--network slirp4netns` or `pasta`.
    #[serde(default)]
    pub options: Vec<String>,
    /// The containers' directories.
    pub containers: PathBuf,
}

impl Place {
    fn dir(&self) -> PathBuf {
        self.runroot.join("network")
    }
}

/// The anchor's process. Never returns.
pub fn main() -> ! {
    let code = match run() {
        Ok(()) => 0,
        // Whoever waits has been told.
        Err(_) => 1,
    };
    process::exit_now(code)
}

fn run() -> Result<()> {
    let lost = || Error::new("the network anchor was not started by coracle");
    let lock = process::inherited(LOCK_FD).ok_or_else(lost)?;
    let listener = process::inherited(LISTENER_FD).ok_or_else(lost)?;
    for fd in [&lock, &listener] {
        rustix::io::fcntl_setfd(fd, rustix::io::FdFlags::CLOEXEC).context("marking a descriptor close-on-exec")?;
    }
    let place = std::env::args().nth(1).ok_or_else(lost)?;
    let place: Place = serde_json::from_str(&place).context("reading the network anchor's place")?;
    // Nothing of the user's other processes may look into it.
    nix::sys::prctl::set_dumpable(false).context("making the network anchor undumpable")?;
    serve::serve(place, listener, Lock(lock.into()))
}

/// Held until the process ends. Its text is the PID and the user namespace, and `left` where that of an anchor was found
/// that had not taken its own away.
#[derive(Debug)]
struct Lock(File);

impl Lock {
    /// Whether the last anchor was killed.
    fn was_left(&self) -> bool {
        let mut text = [0; 64];
        let length = self.0.read_at(&mut text, 0).unwrap_or(0);
        text.get(..length).is_some_and(|text| text.trim_ascii_end().ends_with(b"left"))
    }

    /// Takes the text away: nobody is waiting for another one.
    fn leave(self) {
        let _ = self.0.set_len(0);
    }
}
