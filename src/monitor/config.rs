//! What a monitor is told when it is started: one JSON document in a memory file, written by the engine.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::container::record::{LogConfig, PortMapping, RestartPolicy};
use crate::network::anchor::Place;
use crate::runtime::launch::{Fuse, Launch};

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
    /// The network anchor, with the mode `bridge`.
    pub anchor: Option<Place>,
    /// The network helper's program, where it is not the one on PATH.
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
