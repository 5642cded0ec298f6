//! What a monitor is told when it is started: one JSON document in a memory file, written by the engine.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::container::record::{LogConfig, PortMapping, RestartPolicy};
use crate::network::config::{Location, RootlessCmd};
use crate::runtime::launch::{Fuse, Launch};

/// What the network anchor must know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bridges {
    /// Where networks are defined.
    pub location: Location,
    /// What leads out.
    pub uplink: RootlessCmd,
}

/// Everything a monitor knows about its container.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Config {
    pub id: String,
    /// `--root` and `--runroot`.
    pub root: PathBuf,
    pub runroot: PathBuf,
    pub launch: Launch,
    pub log: LogConfig,
    pub restart: RestartPolicy,
    pub auto_remove: bool,
    pub auto_remove_image: bool,
    /// Seconds after which the container is killed; 0 means never.
    pub timeout: u32,
    /// As in the record.
    pub network: String,
    pub ports: Vec<PortMapping>,
    /// What the network anchor must know, with the mode `bridge`.
    pub bridges: Option<Bridges>,
    /// The network helper's or the uplink's program, where it is not the one on PATH.
    pub network_program: Option<PathBuf>,
    /// Everything is set up, but the command waits for a start message (`init`).
    pub hold: bool,
    /// fuse-overlayfs, if it makes the root file system: its command line.
    pub fuse: Option<Fuse>,
    pub pid_file: Option<PathBuf>,
    pub monitor_pid_file: Option<PathBuf>,
    /// The first client is inherited as a connected socket, and gets all of the output.
    pub first_client: bool,
    /// Numbers that the command's further descriptors have in the container; they are inherited from
    /// [`super::GIVEN_FD`] on, in this order.
    pub preserved: Vec<i32>,
}
