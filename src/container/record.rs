//! The record of a container: everything decided when it was created. `record.json` in the container's directory.
//!
//! The record does not change afterwards, but for its name (`rename`). What changes while a container lives is in
//! [`super::state`]. What the runtime needs is in `config.json` beside it, an OCI runtime spec.

use std::collections::BTreeMap;
use std::path::PathBuf;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::secrets::{SecretFile, SecretVariable};
use super::userns::Shift;
use crate::runtime::idmap::IdMap;

/// Everything decided at creation. Paths are the host's unless said otherwise.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Record {
    /// 64 hexadecimal digits.
    pub id: String,
    pub name: String,
    pub created: Timestamp,
    /// The image's name as resolved (`localhost/busybox:latest`), or the ID where it was run by ID. Empty with `--rootfs`.
    pub image_name: String,
    /// The image's ID: hexadecimal digest of its configuration, without `sha256:`.
    pub image_id: String,
    /// The manifest's digest, with `sha256:`.
    pub image_digest: String,
    /// `--rootfs`: the directory of the host that is the root; `None` with an image.
    pub rootfs: Option<PathBuf>,
    /// `--rootfs PATH:O`: that directory is only read; what the container writes is in its own directory.
    pub rootfs_overlay: bool,
    /// `overlay`, `fuse-overlayfs` or `vfs`: how the root file system is put together.
    pub driver: String,
    /// Diff IDs (hexadecimal, without `sha256:`) of the unpacked layers, lowest first.
    pub layers: Vec<String>,
    /// The command line of the engine that created it.
    pub create_command: Vec<String>,
    /// Entrypoint and command together, as they are executed.
    pub command: Vec<String>,
    pub entrypoint: Option<Vec<String>>,
    /// The command without the entrypoint.
    pub cmd: Vec<String>,
    pub env: Vec<String>,
    /// `--user` or the image's; empty means root.
    pub user: String,
    pub working_dir: String,
    pub hostname: String,
    pub labels: BTreeMap<String, String>,
    pub annotations: BTreeMap<String, String>,
    /// A terminal (`-t`).
    pub tty: bool,
    /// Standard input is kept open (`-i`).
    pub open_stdin: bool,
    /// Signal number sent by `stop`.
    pub stop_signal: i32,
    /// Seconds that `stop` waits before SIGKILL.
    pub stop_timeout: u32,
    /// Seconds after which the monitor kills the container (`--timeout`); 0 means never.
    pub timeout: u32,
    pub umask: String,
    /// `--tz`: a name of the time zone database, or `local`; empty means the image's own.
    pub timezone: String,
    /// `--passwd=false`.
    pub no_passwd: bool,
    pub auto_remove: bool,
    pub auto_remove_image: bool,
    /// `--init`: an init of ours is PID 1.
    pub init: bool,
    pub privileged: bool,
    pub read_only: bool,
    pub log: LogConfig,
    pub restart: RestartPolicy,
    /// `bridge`, `none`, `host`, `container:ID`, `ns:PATH`, `slirp4netns[:options]`, `pasta[:options]`, as typed or as the
    /// default.
    pub network: String,
    /// With `bridge`: the names of its networks. A copy of what `network.json` says, for listings.
    pub networks: Vec<String>,
    pub ports: Vec<PortMapping>,
    /// `80/tcp` and so on: what the image and `--expose` declare.
    pub exposed_ports: Vec<String>,
    /// `--publish-all`.
    pub publish_all: bool,
    pub mounts: Vec<MountPoint>,
    /// `--volumes-from`, as typed.
    pub volumes_from: Vec<String>,
    /// What `--mount type=image` shows in it, and so must stay.
    pub mounted_images: Vec<MountedImage>,
    /// IDs of the containers that must run for this one to run: it has a namespace of theirs, or requires them. They cannot be
    /// removed before it.
    pub dependencies: Vec<String>,
    /// Destination to options of tmpfs mounts.
    pub tmpfs: BTreeMap<String, String>,
    /// `--secret` as a file. The values are encrypted in `secrets/` of the container, by their number here.
    pub secrets: Vec<SecretFile>,
    /// `--secret` as a variable, which is in no `env` above.
    pub env_secrets: Vec<SecretVariable>,
    /// `--device`.
    pub devices: Vec<super::devices::Device>,
    /// `--device` and `--gpus` by name: `vendor.com/class=name`.
    pub cdi: Vec<String>,
    pub effective_caps: Vec<String>,
    pub bounding_caps: Vec<String>,
    pub cap_add: Vec<String>,
    pub cap_drop: Vec<String>,
    pub security_opt: Vec<String>,
    pub group_add: Vec<String>,
    pub dns: Vec<String>,
    pub dns_search: Vec<String>,
    pub dns_option: Vec<String>,
    pub add_host: Vec<String>,
    /// `--no-hosts`: /etc/hosts is the image's own.
    pub no_hosts: bool,
    /// `--hosts-file`: where /etc/hosts starts from (a path, `image` or `none`); empty means the default.
    pub hosts_file: String,
    /// `--no-hostname`: /etc/hostname is the image's own.
    pub no_hostname: bool,
    pub ulimits: Vec<Ulimit>,
    pub sysctls: BTreeMap<String, String>,
    pub oom_score_adj: Option<i32>,
    /// Bytes of /dev/shm.
    pub shm_size: u64,
    pub ipc_mode: String,
    pub pid_mode: String,
    pub uts_mode: String,
    pub userns_mode: String,
    /// The container's own mapping of IDs; `None` is the user's.
    pub id_map: Option<IdMap>,
    /// No other container may have any of these IDs (`--userns=auto`).
    pub auto_ids: bool,
    /// As typed for these: what a clone needs for its own.
    pub auto_userns: String,
    /// What of the image's files is shown with other owners than it is stored with.
    pub shift: Option<Shift>,
    /// The tree that shows the image's files so, where the kernel's overlay does it: see [`super::snapshot::shown`].
    pub shown: Option<String>,
    /// Its network is held by a policy (`--egress`), its own or a network's, at creation, or it shares such a network: whoever joins
    /// its network namespace joins its user namespace as well, and sockets of other kinds are fenced off.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub restricted: bool,
    /// What `--userns=container:` means, by ID, or the file of `ns:`.
    pub userns_of: Option<UsernsOf>,
    pub cgroup_mode: String,
    /// `--cgroups=disabled`: no cgroup of its own.
    pub no_cgroup: bool,
    /// `--cidfile`.
    pub cid_file: Option<PathBuf>,
    /// `--pidfile`.
    pub pid_file: Option<PathBuf>,
    /// `--conmon-pidfile`.
    pub monitor_pid_file: Option<PathBuf>,
    /// The healthcheck of the image, as it stands there; kept for `inspect`.
    pub healthcheck: Option<serde_json::Value>,
}

impl Record {
    /// Whether its root file system is a directory of the host as it is, without layers and without a writable one.
    pub fn is_on_directory(&self) -> bool {
        self.image_id.is_empty() && !self.rootfs_overlay
    }

    /// Whether it is on bridge networks, which can be changed later.
    pub fn is_on_bridge(&self) -> bool {
        self.network == "bridge"
    }

    /// Whether it has this image as its root or mounted in it.
    pub fn uses_image(&self, id: &str) -> bool {
        self.image_id == id || self.mounted_images.iter().any(|image| image.id == id)
    }
}

/// A user namespace that is not made for this container.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum UsernsOf {
    /// Another container, by ID.
    Container(String),
    /// A file of it.
    Path(PathBuf),
}

/// Where the output of the container goes.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct LogConfig {
    /// `k8s-file`, `json-file`, `none` or `passthrough`.
    pub driver: String,
    /// The log file; `None` with `none` and `passthrough`.
    pub path: Option<PathBuf>,
    /// Rotate when the file is larger than this many bytes; 0 means never.
    pub max_size: u64,
    /// How many rotated files are kept beside the current one.
    pub max_files: u32,
    pub tag: String,
}

/// `--restart`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct RestartPolicy {
    /// `no`, `on-failure`, `always` or `unless-stopped`.
    pub name: String,
    /// With `on-failure`: give up after this many restarts; 0 means never.
    pub max_retries: u32,
}

/// One published range of ports.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct PortMapping {
    /// Address on the host; empty means all.
    pub host_ip: String,
    pub container_port: u16,
    /// Never 0 in a record: random ports are chosen at creation.
    pub host_port: u16,
    /// How many consecutive ports; at least 1.
    pub range: u16,
    /// `tcp` or `udp`.
    pub protocol: String,
}

/// A bind mount, image volume or similar, for `inspect`. Tmpfs mounts are in [`Record::tmpfs`].
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct MountPoint {
    /// `bind`, `volume`, `image`.
    pub kind: String,
    /// Of a volume.
    pub name: String,
    pub source: PathBuf,
    /// Path in the container.
    pub destination: PathBuf,
    /// `z` or `Z`, for `inspect`.
    pub mode: String,
    pub options: Vec<String>,
    pub rw: bool,
    pub propagation: String,
    /// What of a volume or image is mounted; empty means all of it.
    pub subpath: PathBuf,
}

/// An image that is mounted in a container.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct MountedImage {
    /// As [`Record::image_id`].
    pub id: String,
    /// As [`Record::layers`].
    pub layers: Vec<String>,
}

/// `--ulimit`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Ulimit {
    /// `RLIMIT_NOFILE` and so on.
    pub name: String,
    /// `u64::MAX` means unlimited.
    pub soft: u64,
    pub hard: u64,
}
