//! What changes while a container lives. `state.json` in the container's directory, replaced atomically: by its creator,
//! then by its monitor, and by whoever finds (through the monitor's lock) that the monitor died without a last word.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The state as last written. Use [`super::store::Store::load`], which corrects it by what the kernel says.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct State {
    pub status: Status,
    /// The container's PID 1 as the host sees it; 0 when there is none.
    pub pid: i32,
    /// When that process started, in clock ticks since boot: with the PID, who it is.
    pub pid_started: u64,
    /// The monitor; 0 when there is none.
    pub monitor_pid: i32,
    pub started_at: Option<Timestamp>,
    pub finished_at: Option<Timestamp>,
    pub exit_code: i32,
    pub oom_killed: bool,
    /// Why it could not be started, or why its end is not known.
    pub error: String,
    /// How often the restart policy started it again.
    pub restart_count: u32,
    /// A person stopped it: `unless-stopped` and `always` do not bring it back.
    pub stopped_by_user: bool,
    /// How it is connected to bridge networks, as long as it runs.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub network: Vec<super::network::Interface>,
}

/// Where in its life a container is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    #[default]
    Created,
    /// Namespaces and mounts stand; the command has not been started (`init`).
    Initialized,
    Running,
    Paused,
    Stopping,
    /// `exited` for people and JSON.
    Exited,
    Removing,
}

impl Status {
    /// The word that `ps` and `inspect` show.
    pub fn as_str(self) -> &'static str {
        match self {
            Status::Created => "created",
            Status::Initialized => "initialized",
            Status::Running => "running",
            Status::Paused => "paused",
            Status::Stopping => "stopping",
            Status::Exited => "exited",
            Status::Removing => "removing",
        }
    }

    /// Whether processes of the container exist.
    pub fn is_alive(self) -> bool {
        matches!(self, Status::Initialized | Status::Running | Status::Paused | Status::Stopping)
    }
}
