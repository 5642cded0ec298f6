//! What the runtime needs to start a container, besides the OCI spec. Small, because the monitor keeps it in memory.

use std::os::fd::{OwnedFd, RawFd};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// How to start one container's process.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Launch {
    /// The OCI runtime spec (config.json).
    pub spec: PathBuf,
    /// The compiled seccomp filter, 8 bytes an instruction; `None` is unconfined.
    pub seccomp: Option<PathBuf>,
    pub root: Root,
    /// CLONE_NEW* flags of the namespaces that the spec asks for.
    pub namespaces: u64,
    /// A terminal instead of pipes.
    pub tty: bool,
    /// Rows and columns of the terminal.
    pub window: Option<(u16, u16)>,
    /// Standard input is a pipe and not /dev/null.
    pub stdin: bool,
    /// The container gets the standard streams of the command line itself.
    pub passthrough: bool,
    /// A network helper will give it an IPv6 address.
    pub ipv6: bool,
    /// Our init is PID 1.
    pub init: bool,
    /// Make the working directory where it is missing: the image's is made, one that was asked for is not.
    pub create_cwd: bool,
    /// `--group-add`: names or numbers, looked up in the container.
    pub groups: Vec<String>,
    /// A user namespace other than the user's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub userns: Option<super::idmap::Userns>,
}

/// A descriptor of the caller's that the command gets.
#[derive(Debug)]
pub struct Given {
    /// Its number in the command, from 3.
    pub number: RawFd,
    pub fd: OwnedFd,
}

/// Where the root file system comes from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Root {
    /// The kernel's overlay, mounted in the container's own mount namespace.
    Overlay {
        /// Topmost first.
        lower: Vec<PathBuf>,
        /// Layers that give data only, to files of the others that refer to them. Topmost first.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        data: Vec<PathBuf>,
        upper: PathBuf,
        work: PathBuf,
        /// An empty directory to mount it on.
        merged: PathBuf,
        /// Do not flush the upper layer when it is unmounted: the container goes with it (`--rm`), and the flush takes
        /// longer than all the rest.
        volatile: bool,
    },
    /// A directory that is ready: `--rootfs`, vfs, or what fuse-overlayfs has mounted.
    Directory(PathBuf),
}

impl Default for Root {
    fn default() -> Self {
        Root::Directory(PathBuf::new())
    }
}

/// A root file system that fuse-overlayfs mounts in the monitor's mount namespace.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Fuse {
    /// Topmost first.
    pub lower: Vec<PathBuf>,
    pub upper: PathBuf,
    pub work: PathBuf,
    pub merged: PathBuf,
    /// IDs that are shown otherwise than they are stored: `STORED:SHOWN:SIZE`, joined by colons. Empty means none.
    pub uids: String,
    pub gids: String,
}
