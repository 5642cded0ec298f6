//! From options and image to a record and an OCI runtime spec.
//!
//! [`prepare`] decides everything there is to decide at creation and does nothing: the only looks at the host are
//! whether the sources of mounts exist. The user namespace is not in the spec, because the runtime is in it already;
//! users and groups are names in it, because the container's own files say what they mean.

mod facts;
mod filesystems;
mod overlays;
mod process;
mod record;

use std::collections::BTreeMap;
use std::path::PathBuf;

use jiff::Timestamp;
use oci_spec::runtime::{
    Linux, LinuxBuilder, LinuxIdMapping, LinuxIdMappingBuilder, LinuxNamespace, LinuxNamespaceBuilder,
    LinuxNamespaceType, LinuxPersonalityBuilder, LinuxResources, RootBuilder, Spec, SpecBuilder,
};

pub use facts::HostFacts;
pub use filesystems::{NeededVolume, volume_name};

use super::cdi::Edits;
use super::namespaces::{self, IpcMode, Sharing};
use super::options::{CreateOptions, Source};
use super::record::{MountedImage, Record};
use super::security::SeccompChoice;
use super::{capabilities, limits, mounts, sysctl, userns};
use crate::bail;
use crate::error::{Error, Result};
use crate::image::{Image, ImageConfig};
use crate::runtime::child::KEEP_GROUPS;
use crate::runtime::idmap::IdMap;
use crate::runtime::launch::{Donor, Fuse, Join, Scratch};
use crate::runtime::userns::Extent;

/// The version of the runtime specification that is followed.
pub const OCI_VERSION: &str = "1.2.0";

/// Whose network namespace a container has, by its mode of the network.
fn network_sharing(mode: &str) -> Sharing {
    match mode.split_once(':') {
        None if mode == "host" => Sharing::Host,
        Some(("container", id)) => Sharing::Container(id.to_owned()),
        Some(("ns", path)) => Sharing::Path(path.into()),
        _ => Sharing::Private,
    }
}

/// A network that is shared with another container, the one that it belongs to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct JoinedNetwork {
    /// It is the host's.
    pub is_host: bool,
    /// That container's files, which speak of the same names and addresses; `None` where it has none of ours.
    pub hosts: Option<PathBuf>,
    pub resolv_conf: Option<PathBuf>,
}

/// Where a container is made, and on what host.
#[derive(Debug, Clone, Default)]
pub struct Place {
    /// 64 hexadecimal digits.
    pub id: String,
    pub name: String,
    pub created: Timestamp,
    /// Its persistent directory, when it is finished.
    pub container_dir: PathBuf,
    /// Its directory that is gone after a reboot.
    pub run_dir: PathBuf,
    /// The directory of all volumes.
    pub volumes: PathBuf,
    /// The storage driver.
    pub driver: String,
    /// The command line that makes it.
    pub create_command: Vec<String>,
    /// The mode of the network, decided: `bridge`, `none`, `host`, `container:ID`, `ns:PATH`, `slirp4netns[:options]`,
    /// `pasta[:options]`.
    pub network: String,
    /// With `container:ID`: what that means.
    pub joined_network: Option<JoinedNetwork>,
    pub host: HostFacts,
    pub userns: userns::Decided,
    /// fuse-overlayfs is there to show mounted images with the owners of the container's mapping.
    pub fuse_shows: bool,
    /// Where unpacked layers are.
    pub layers_dir: PathBuf,
    /// The images of `type=image` mounts, by the names typed.
    pub images: BTreeMap<String, MountedImage>,
    /// The host name of the container whose UTS namespace is joined.
    pub joined_hostname: Option<String>,
    /// The container whose IPC namespace is joined has a /dev/shm.
    pub joins_shm: bool,
    /// The IDs of the containers that this one depends on.
    pub dependencies: Vec<String>,
    /// What it gets with its devices.
    pub cdi: Edits,
}

/// What is to be made.
#[derive(Debug, Clone)]
pub struct Prepared {
    pub record: Record,
    /// Without `linux.seccomp`.
    pub spec: Spec,
    pub seccomp: SeccompChoice,
    /// Volumes to make where they are missing.
    pub volumes: Vec<NeededVolume>,
    /// What the runtime makes for mounts with a writable layer.
    pub scratch: Vec<Scratch>,
    pub overlays: Vec<Fuse>,
    /// Directories to make in the container's own.
    pub directories: Vec<PathBuf>,
    /// The namespaces that it joins.
    pub joins: Vec<Join>,
    /// Further groups of its user, by number: those of devices.
    pub device_groups: Vec<String>,
    /// What is odd, but no reason to stop.
    pub warnings: Vec<String>,
}

/// Decides what a container is. `image` is `None` with `--rootfs`.
///
/// Not decided here: [`Record::ports`], which the caller fills in when random ports have been chosen.
pub fn prepare(options: &CreateOptions, image: Option<&Image>, place: &Place) -> Result<Prepared> {
    let no_config = ImageConfig::default();
    let config = image.map_or(&no_config, |image| &image.config);
    let mut warnings = Vec::new();
    let network = network_sharing(&place.network);
    let on_host = network == Sharing::Host || place.joined_network.as_ref().is_some_and(|joined| joined.is_host);
    // As a flag of the kernel's: there is nothing to join where the host's network is shared through another container.
    let network = if on_host { Sharing::Host } else { network };
    check(options, &place.network)?;
    let publishes = options.publish_all || !options.publish.is_empty();
    if publishes && (network != Sharing::Private || place.network == "none") {
        warnings.push(
            "Port mappings have been discarded as one of the Host, Container, Pod, and None network modes are in use"
                .to_owned(),
        );
    }

    let hostname = hostname(options, place, place.network == "host");
    let default_user = || place.userns.default_user.clone().unwrap_or_else(|| config.user.clone());
    let user = options.user.clone().unwrap_or_else(default_user);
    let caps = capabilities::compute(options.privileged, &user, &options.cap_add, &options.cap_drop)?;
    let ulimits = limits::effective(&options.ulimits, place.host.nofile, place.host.nproc);
    let mut filesystems = filesystems::plan(options, config, place, &network)?;
    warnings.append(&mut filesystems.warnings);
    let decided = Decided {
        command: super::process::command(options, config)?,
        env: with_devices(options.environment.build(&config.env, options.tty, &hostname)?, &place.cdi.env),
        working_dir: working_dir(options, config),
        stop_signal: stop_signal(options, config, &mut warnings),
        hostname,
        user,
        caps,
        ulimits,
        oom_score_adj: oom_score_adj(options, place, &mut warnings),
        filesystems,
    };

    let annotations = annotations(options, &decided);
    let spec = SpecBuilder::default()
        .version(OCI_VERSION)
        .process(process::build(options, &decided)?)
        .root(built(RootBuilder::default().path(root_path(options, place)).readonly(options.read_only).build())?)
        .hostname(decided.hostname.clone())
        .mounts(decided.filesystems.mounts.clone())
        .annotations(annotations.clone().into_iter().collect::<std::collections::HashMap<_, _>>())
        .linux(linux(options, &network, place.userns.map.as_ref())?)
        .build();
    let mut spec = built(spec)?;
    if !place.cdi.hooks.is_empty() {
        spec.set_hooks(Some(hooks(&place.cdi)?));
    }
    if options.uts != Sharing::Private {
        spec.set_hostname(None);
    }
    let record = record::build(options, image, place, &decided, annotations, &mut warnings);
    Ok(Prepared {
        record,
        spec,
        seccomp: options.security.seccomp_for(options.privileged),
        volumes: decided.filesystems.volumes,
        scratch: decided.filesystems.scratch,
        directories: decided.filesystems.directories,
        joins: joins(options, &network),
        device_groups: place.cdi.groups.iter().map(u32::to_string).collect(),
        overlays: decided.filesystems.overlays,
        warnings,
    })
}

/// What several parts of the result are made from.
struct Decided {
    command: super::process::Command,
    env: Vec<String>,
    working_dir: PathBuf,
    stop_signal: i32,
    hostname: String,
    user: String,
    caps: capabilities::Sets,
    ulimits: Vec<super::record::Ulimit>,
    oom_score_adj: Option<i32>,
    filesystems: filesystems::Plan,
}

/// Finds what would make [`prepare`] fail whatever the image is: options that contradict each other, sources of mounts
/// that do not exist. `network` is the mode decided. To be called before an image is pulled in vain.
pub fn check(options: &CreateOptions, network: &str) -> Result<()> {
    let shared = sysctl::Shared { network: network == "host", ipc: options.ipc == IpcMode::Host };
    sysctl::check(&options.sysctls, shared)?;
    check_network(options, network)?;
    if options.uts != Sharing::Private && options.hostname.is_some() {
        bail!(
            "invalid config provided: cannot set hostname when running in the host UTS namespace: invalid configuration"
        );
    }
    if matches!(options.ipc, IpcMode::Host | IpcMode::None) && options.shm_size.is_some() {
        bail!("invalid config provided: cannot set shmsize when running in the {{{} }} IPC Namespace", options.ipc);
    }
    for (kind, mode) in [("PID", &options.pid), ("UTS", &options.uts), ("cgroup", &options.cgroup)] {
        if let Sharing::Path(path) = mode {
            namespaces::check_path(kind, path)?;
        }
    }
    if let IpcMode::Path(path) = &options.ipc {
        namespaces::check_path("IPC", path)?;
    }
    if options.auto_remove && super::restart::is_active(&options.restart) && options.restart.name != "on-failure" {
        bail!("the --rm option conflicts with --restart, when the restartPolicy is not \"\" and \"no\"");
    }
    if let Some(name) = &options.hostname {
        check_hostname(name)?;
    }
    capabilities::compute(options.privileged, "", &options.cap_add, &options.cap_drop)?;
    mounts::check_duplicates(&options.mounts)?;
    for device in &options.devices {
        let taken = options.mounts.iter().any(|mount| mount.destination == device.container)
            || options.devices.iter().any(|other| other != device && other.container == device.container);
        if taken {
            bail!("{}: duplicate mount destination", device.container.display());
        }
    }
    options.mounts.iter().try_for_each(mounts::UserMount::check)?;
    options.devices.iter().try_for_each(super::devices::Device::check)
}

/// Names and addresses of a shared network, or of none, are not this container's to set.
fn check_network(options: &CreateOptions, network: &str) -> Result<()> {
    let mode = network.split(':').next().unwrap_or_default();
    if matches!(mode, "none" | "container") {
        let given = [&options.dns, &options.dns_search, &options.dns_option];
        if given.iter().any(|values| !values.is_empty()) {
            bail!("conflicting options: dns and the network mode: {mode}");
        }
    }
    if mode == "container" && !options.add_host.is_empty() {
        bail!(
            "invalid config provided: cannot set extra host entries when the container is joined to another containers network namespace: invalid configuration"
        );
    }
    match network_sharing(network) {
        Sharing::Path(path) => namespaces::check_path("network", &path),
        _ => Ok(()),
    }
}

fn hostname(options: &CreateOptions, place: &Place, shares_network: bool) -> String {
    match &options.hostname {
        Some(name) => name.clone(),
        None if options.uts == Sharing::Host => place.host.hostname.clone(),
        None if place.joined_hostname.is_some() => place.joined_hostname.clone().unwrap_or_default(),
        None if shares_network => place.host.hostname.clone(),
        None => place.id.chars().take(12).collect(),
    }
}

/// The name goes into /etc/hosts, where white space would make it something else, and the kernel takes 64 bytes.
fn check_hostname(name: &str) -> Result<()> {
    let plain = name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._".contains(&b));
    if name.is_empty() || name.len() > 64 || !plain || name.starts_with('-') {
        return Err(
            Error::new(format!("invalid hostname `{name}`")).hint("use at most 64 letters, digits, hyphens and dots")
        );
    }
    Ok(())
}

/// The environment with what devices add: a variable of theirs takes the place of one of the same name.
fn with_devices(mut env: Vec<String>, added: &[String]) -> Vec<String> {
    for variable in added {
        let name = |text: &str| text.split('=').next().map(str::to_owned);
        env.retain(|other| name(other) != name(variable));
        env.push(variable.clone());
    }
    env
}

fn hooks(edits: &Edits) -> Result<oci_spec::runtime::Hooks> {
    let one = |hook: &super::cdi::Hook| {
        let built = oci_spec::runtime::HookBuilder::default()
            .path(hook.path.clone())
            .args(hook.args.clone())
            .env(hook.env.clone());
        self::built(hook.timeout.into_iter().fold(built, |built, seconds| built.timeout(seconds)).build())
    };
    let all = edits.hooks.iter().map(one).collect::<Result<Vec<_>>>()?;
    built(oci_spec::runtime::HooksBuilder::default().create_container(all).build())
}

/// An unprivileged process can make itself a likelier victim, but not a less likely one.
fn oom_score_adj(options: &CreateOptions, place: &Place, warnings: &mut Vec<String>) -> Option<i32> {
    let asked = options.oom_score_adj?;
    let least = place.host.oom_score_adj;
    if asked < least {
        warnings.push(format!("requested oom_score_adj={asked} is lower than the current one, changing to {least}"));
    }
    Some(asked.max(least))
}

fn working_dir(options: &CreateOptions, config: &ImageConfig) -> PathBuf {
    match &options.workdir {
        Some(dir) => mounts::clean(dir),
        None => mounts::clean(std::path::Path::new(config.working_dir.split('\0').next().unwrap_or_default())),
    }
}

fn stop_signal(options: &CreateOptions, config: &ImageConfig, warnings: &mut Vec<String>) -> i32 {
    let parsed = match (options.stop_signal, &config.stop_signal) {
        (Some(number), _) => return number,
        (None, None) => return nix::libc::SIGTERM,
        (None, Some(text)) => super::signal::parse(text),
    };
    parsed.unwrap_or_else(|_| {
        warnings.push("the image's stop signal is not a signal: SIGTERM is used".to_owned());
        nix::libc::SIGTERM
    })
}

fn root_path(options: &CreateOptions, place: &Place) -> PathBuf {
    match &options.source {
        Source::Image(_) => place.container_dir.join("merged"),
        Source::Rootfs { overlay: true, .. } => place.container_dir.join("merged"),
        Source::Rootfs { path, .. } => path.clone(),
    }
}

fn annotations(options: &CreateOptions, decided: &Decided) -> BTreeMap<String, String> {
    let mut annotations = BTreeMap::from([
        ("io.container.manager".to_owned(), "libpod".to_owned()),
        ("org.opencontainers.image.stopSignal".to_owned(), decided.stop_signal.to_string()),
    ]);
    if options.keep_groups {
        annotations.insert(KEEP_GROUPS.to_owned(), "1".to_owned());
    }
    annotations.extend(options.annotations.clone());
    annotations
}

fn linux(options: &CreateOptions, network: &Sharing, map: Option<&IdMap>) -> Result<Linux> {
    let mut sysctls = options.sysctls.clone();
    if *network == Sharing::Private && map.is_none_or(|map| map.root().1.is_some()) {
        // So that ping works without a capability; the range is of the container's own groups.
        sysctls.entry("net.ipv4.ping_group_range".to_owned()).or_insert_with(|| "0 0".to_owned());
    }
    let mut linux = LinuxBuilder::default();
    if let Some(personality) = options.personality {
        linux = linux.personality(built(LinuxPersonalityBuilder::default().domain(personality.to_oci()).build())?);
    }
    if let Some(map) = map {
        linux = linux.uid_mappings(mappings(&map.uids)?).gid_mappings(mappings(&map.gids)?);
    }
    let linux = linux
        .sysctl(sysctls.into_iter().collect::<std::collections::HashMap<_, _>>())
        .resources(LinuxResources::default())
        .namespaces(namespaces(options, network, map.is_some())?)
        .masked_paths(options.security.masked_paths(options.privileged))
        .readonly_paths(options.security.readonly_paths(options.privileged))
        .rootfs_propagation(filesystems::root_propagation(&options.mounts))
        .build();
    built(linux)
}

/// Gives the container of this spec another map.
pub fn set_id_map(spec: &mut Spec, map: &IdMap) -> Result<()> {
    let mut linux = spec.linux().clone().unwrap_or_default();
    linux.set_uid_mappings(Some(mappings(&map.uids)?)).set_gid_mappings(Some(mappings(&map.gids)?));
    spec.set_linux(Some(linux));
    Ok(())
}

fn mappings(side: &[Extent]) -> Result<Vec<LinuxIdMapping>> {
    let one = |e: &Extent| {
        built(LinuxIdMappingBuilder::default().container_id(e.container_id).host_id(e.host_id).size(e.size).build())
    };
    side.iter().map(one).collect()
}

fn namespaces(options: &CreateOptions, network: &Sharing, own_users: bool) -> Result<Vec<LinuxNamespace>> {
    let wanted = [
        (own_users, LinuxNamespaceType::User),
        (options.pid == Sharing::Private, LinuxNamespaceType::Pid),
        (*network == Sharing::Private, LinuxNamespaceType::Network),
        (options.ipc.is_own(), LinuxNamespaceType::Ipc),
        (options.uts == Sharing::Private, LinuxNamespaceType::Uts),
        (true, LinuxNamespaceType::Mount),
        (options.cgroup == Sharing::Private, LinuxNamespaceType::Cgroup),
    ];
    // Those that are joined are not in it: which they are is known when the container starts.
    let kinds = wanted.into_iter().filter(|(wanted, _)| *wanted).map(|(_, kind)| kind);
    kinds.map(|kind| built(LinuxNamespaceBuilder::default().typ(kind).build())).collect()
}

/// The namespaces of others that a container joins.
fn joins(options: &CreateOptions, network: &Sharing) -> Vec<Join> {
    let mut joins = Vec::new();
    let mut add = |namespace: i32, mode: &Sharing| {
        let of = match mode {
            Sharing::Container(id) => Donor::Container(id.clone()),
            Sharing::Path(path) => Donor::Path(path.clone()),
            Sharing::Private | Sharing::Host => return,
        };
        joins.push(Join { namespace: u64::from(namespace.unsigned_abs()), of });
    };
    add(nix::libc::CLONE_NEWPID, &options.pid);
    add(nix::libc::CLONE_NEWUTS, &options.uts);
    add(nix::libc::CLONE_NEWNET, network);
    add(nix::libc::CLONE_NEWCGROUP, &options.cgroup);
    let ipc = match &options.ipc {
        IpcMode::Container(id) => Sharing::Container(id.clone()),
        IpcMode::Path(path) => Sharing::Path(path.clone()),
        _ => Sharing::Host,
    };
    add(nix::libc::CLONE_NEWIPC, &ipc);
    joins
}

/// The builders of the specification fail only where a field is missing.
fn built<T>(result: std::result::Result<T, oci_spec::OciSpecError>) -> Result<T> {
    result.map_err(|error| Error::new(error.to_string()).wrap("building the OCI spec"))
}

#[cfg(test)]
mod tests;
