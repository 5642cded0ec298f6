//! What `run` and `create` mean: every option typed and checked as far as it can be without the image.
//!
//! The command line makes a [`CreateOptions`] of what was typed; [`super::spec::prepare`] makes a record and an OCI spec of
//! it. Nothing here knows how an option is spelled.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use super::devices::Device;
use super::environment::Environment;
use super::limits::Ulimits;
use super::logging::LogOptions;
use super::mounts::{ImageVolumes, UserMount, VolumesFrom};
use super::namespaces::{IpcMode, Sharing};
use super::network::Egress;
use super::personality::Personality;
use super::record::RestartPolicy;
use super::secrets::SecretRequest;
use super::security::Security;
use super::userns::Request;
use crate::image::Credentials;

/// Everything that decides what a new container is.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct CreateOptions {
    /// What its root file system comes from.
    pub source: Source,
    /// How the image is got when it is not there.
    pub pull: Pull,
    /// `--name`; one is made up otherwise.
    pub name: Option<String>,
    /// `--replace`: a container of the same name is removed first.
    pub replace: bool,

    /// The command given after the image; empty means the image's.
    pub command: Vec<String>,
    /// `--entrypoint`: `Some` of an empty list or of one empty word clears the image's.
    pub entrypoint: Option<Vec<String>>,
    pub environment: Environment,
    /// `--workdir`, absolute.
    pub workdir: Option<PathBuf>,
    /// `--user`, unresolved: it is looked up in the container's own files when it starts.
    pub user: Option<String>,
    pub group_add: Vec<String>,
    pub tty: bool,
    pub interactive: bool,
    /// `--attach`; `None` when it was not given.
    pub attach: Option<Streams>,
    pub init: bool,
    /// `--stop-signal`, a signal number.
    pub stop_signal: Option<i32>,
    /// `--stop-timeout`, seconds.
    pub stop_timeout: Option<u32>,
    /// `--timeout`, seconds; 0 means none.
    pub timeout: u32,
    /// `--umask`.
    pub umask: Option<u32>,
    /// `--tz`: a name of the time zone database, or `local`.
    pub timezone: Option<String>,
    /// `--personality`.
    pub personality: Option<Personality>,
    /// `--passwd=false`: no entries for the user are added to the container's passwd and group files.
    pub no_passwd: bool,
    /// `--passwd-entry` and `--group-entry`: how these entries are to look.
    pub passwd_entry: Option<String>,
    pub group_entry: Option<String>,
    /// `--hostuser`: names or IDs of users of the host, who are added as well.
    pub host_users: Vec<String>,
    /// `--group-add keep-groups`.
    pub keep_groups: bool,
    /// `--requires`: names or IDs of the containers that must run first.
    pub requires: Vec<String>,
    /// `--chrootdirs`: directories of the container in which the engine's files are to be as well.
    pub chroot_dirs: Vec<PathBuf>,

    pub labels: BTreeMap<String, String>,
    pub annotations: BTreeMap<String, String>,
    pub auto_remove: bool,
    pub auto_remove_image: bool,
    pub restart: RestartPolicy,
    pub log: LogOptions,
    /// `--no-healthcheck`: the image's healthcheck is not taken over.
    pub no_healthcheck: bool,
    pub cid_file: Option<PathBuf>,
    pub pid_file: Option<PathBuf>,
    pub monitor_pid_file: Option<PathBuf>,

    pub mounts: Vec<UserMount>,
    /// `--volumes-from`, with the value as typed.
    pub volumes_from: Vec<(String, VolumesFrom)>,
    /// What `volumes_from` brings, looked up when the container is made. Mounts of the user's own go before.
    pub inherited: Vec<UserMount>,
    pub devices: Vec<Device>,
    /// Devices by name (`--device` with a name of CDI, `--gpus`).
    pub cdi: Vec<String>,
    /// Where they are described.
    pub cdi_directories: Vec<PathBuf>,
    pub image_volumes: ImageVolumes,
    /// `--secret`.
    pub secrets: Vec<SecretRequest>,
    pub read_only: bool,
    /// `--read-only-tmpfs=false`.
    pub no_read_only_tmpfs: bool,
    /// Bytes of /dev/shm; `None` means the default.
    pub shm_size: Option<u64>,

    /// Every `--network` as typed. The room of networks parses them: [`super::spec::Place`] says what they mean.
    pub network: Vec<String>,
    /// `--ip` and `--ip6`: for the only network.
    pub addresses: Vec<std::net::IpAddr>,
    /// `--mac-address`, for the only network, in the kernel's form; empty: any.
    pub mac: String,
    /// `--network-alias`: on each network.
    pub network_aliases: Vec<String>,
    /// `--egress` and `--egress-log`, if one of them was given.
    pub egress: Option<Egress>,
    /// Something holds its packets, its own policy or a network's: it has a user namespace of its own. Decided, not typed.
    pub restricted: bool,
    /// `--publish` as typed; parsed by the room of networks as well.
    pub publish: Vec<String>,
    pub publish_all: bool,
    /// `80/tcp` and so on, one port each.
    pub expose: Vec<String>,
    pub dns: Vec<String>,
    pub dns_search: Vec<String>,
    pub dns_option: Vec<String>,
    /// `NAME:ADDRESS`, where the address may be `host-gateway`.
    pub add_host: Vec<String>,
    /// `--no-hosts`, if given.
    pub no_hosts: Option<bool>,
    /// `--hosts-file`: where /etc/hosts starts from (a path, `image` or `none`); empty means the default.
    pub hosts_file: String,
    pub hostname: Option<String>,
    pub no_hostname: bool,

    /// `--userns`, `--uidmap` and so on.
    pub userns: Request,
    pub pid: Sharing,
    pub ipc: IpcMode,
    pub uts: Sharing,
    pub cgroup: Sharing,
    /// `--cgroups=disabled`: no cgroup of its own.
    pub no_cgroup: bool,

    pub privileged: bool,
    pub cap_add: Vec<String>,
    pub cap_drop: Vec<String>,
    pub security: Security,
    pub sysctls: BTreeMap<String, String>,
    pub ulimits: Ulimits,
    pub oom_score_adj: Option<i32>,
}

/// What the root file system comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// An image, by name or ID as typed.
    Image(String),
    /// `--rootfs`: a directory of the host, absolute.
    Rootfs {
        path: PathBuf,
        /// `:O`: it is only read; what the container writes stays with the container.
        overlay: bool,
    },
}

impl Default for Source {
    fn default() -> Self {
        Source::Image(String::new())
    }
}

/// How an image is got.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pull {
    pub policy: PullPolicy,
    pub platform: Platform,
    pub quiet: bool,
    /// `--tls-verify`; `None` means what the configuration says.
    pub tls_verify: Option<bool>,
    /// `--retry`; `None` means the default.
    pub retry: Option<u32>,
    pub retry_delay: Option<Duration>,
    /// `--authfile`.
    pub authfile: Option<PathBuf>,
    /// `--cert-dir`.
    pub cert_dir: Option<PathBuf>,
    /// `--creds`.
    pub credentials: Option<Credentials>,
}

/// `--pull`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum PullPolicy {
    #[default]
    Missing,
    Always,
    Never,
    /// When the registry has a newer one.
    Newer,
}

/// The platform that is wanted; an empty field means the host's own.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Platform {
    pub os: String,
    pub arch: String,
    pub variant: String,
}

/// The standard streams that a client attaches to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Streams {
    pub stdin: bool,
    pub stdout: bool,
    pub stderr: bool,
}
