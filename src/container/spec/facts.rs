//! What must be known of the host to decide what a container is.

use std::path::Path;

use nix::sys::resource::Resource;

use crate::container::devices::{self, Device};
use crate::container::limits::{self, HostLimit};
use crate::error::{Context, Error, Result};
use crate::storage::fs;

/// Facts of the host, gathered once so that everything else is a pure function.
#[derive(Debug, Clone, Default)]
pub struct HostFacts {
    pub uid: u32,
    pub gid: u32,
    pub nofile: HostLimit,
    pub nproc: HostLimit,
    pub hostname: String,
    /// How likely this process is killed when memory runs out.
    pub oom_score_adj: i32,
    /// The user has no subordinate IDs: the container has one user and one group.
    pub single_id_mapping: bool,
    /// The devices that a privileged container gets.
    pub devices: Vec<Device>,
}

impl HostFacts {
    /// Gathers them for this process.
    pub fn gather(single_id_mapping: bool, privileged: bool) -> Result<Self> {
        let hostname = nix::unistd::gethostname().context("reading the host's name")?;
        Ok(HostFacts {
            uid: nix::unistd::getuid().as_raw(),
            gid: nix::unistd::getgid().as_raw(),
            nofile: limits::of_this_process(Resource::RLIMIT_NOFILE)?,
            nproc: limits::of_this_process(Resource::RLIMIT_NPROC)?,
            hostname: hostname.into_string().map_err(|_| Error::new("the host's name is not UTF-8"))?,
            oom_score_adj: oom_score_adj()?,
            single_id_mapping,
            devices: if privileged { devices::of_the_host(Path::new("/dev"))? } else { Vec::new() },
        })
    }
}

fn oom_score_adj() -> Result<i32> {
    let path = Path::new("/proc/self/oom_score_adj");
    let text = fs::read_to_string(path)?;
    text.trim().parse().map_err(|_| Error::new(format!("reading `{}`: not a number", path.display())))
}
