//! What the runtime needs to start a container, besides the OCI spec. Small, because the monitor keeps it in memory.

use std::os::fd::{OwnedFd, RawFd};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::secrets::Secrets;

/// How to start one container's process.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Launch {
    /// The OCI runtime spec (config.json).
    pub spec: PathBuf,
    /// The compiled seccomp filter, 8 bytes an instruction; `None` is unconfined.
    pub seccomp: Option<PathBuf>,
    /// Its network is held: no sockets but those that a network namespace holds (`super::seccomp::fence`).
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub fenced: bool,
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
    /// A user namespace other than the user's. Set when the container is started.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub userns: Option<super::idmap::Userns>,
    /// What is added to the container's passwd and group files; `None`: nothing.
    pub accounts: Option<Accounts>,
    /// Set when the container is started, never on disk.
    pub secrets: Option<Secrets>,
    /// Namespaces of others that it joins, beside those of its own.
    pub joins: Vec<Join>,
    /// Writable layers that begin empty at each start, and are emptied at each end.
    pub scratch: Vec<Scratch>,
    /// Mounts that fuse-overlayfs makes for it beside the root, where the kernel's overlay is not to be had.
    pub overlays: Vec<Fuse>,
}

/// Entries for the container's passwd and group files.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Accounts {
    /// How the entry of a user without one is to look, instead of the usual one.
    pub passwd_entry: Option<String>,
    /// The same for its group.
    pub group_entry: Option<String>,
    /// Users of the host who are added whoever the command's user is.
    pub host_users: Vec<HostUser>,
}

/// A user of the host.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct HostUser {
    pub name: String,
    pub uid: u32,
    pub gid: u32,
    pub comment: String,
    pub home: String,
    /// Added only where no other has the ID, and not missed where it cannot be: the user with `--userns=keep-id`.
    pub only_if_free: bool,
}

impl Launch {
    /// CLONE_NEW* flags of the namespaces that it does not share with the host: its own, and those that it joins.
    pub fn foreign(&self) -> u64 {
        self.joins.iter().fold(self.namespaces, |flags, join| flags | join.namespace)
    }
}

/// A namespace that a container joins when it starts.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Join {
    /// One CLONE_NEW* flag.
    pub namespace: u64,
    pub of: Donor,
}

/// Whose namespace is joined.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Donor {
    /// A container, by ID.
    Container(String),
    /// A file of the host's that stands for a namespace.
    Path(PathBuf),
}

impl Default for Donor {
    fn default() -> Self {
        Donor::Path(PathBuf::new())
    }
}

/// A writable layer of an overlay that does not outlive a run of the container.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Scratch {
    pub upper: PathBuf,
    pub work: PathBuf,
    /// The directory below it, whose mode and owner it has.
    pub like: PathBuf,
}

/// As the source of a bind mount in a spec: the /dev/shm of the container whose IPC namespace is joined.
pub const JOINED_SHM: &str = "coracle-joined-shm";

/// The mount option of ours that says what of a source is mounted.
pub const SUBPATH: &str = "x-subpath";

/// Says where an overlay can be mounted to take a part of it: an empty directory of the host's.
pub const POINT: &str = "x-point";

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
