//! The `mounts` of the spec: what every container has, what the user asked for, what the image declares.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use oci_spec::runtime::{Mount, MountBuilder};
use sha2::{Digest as _, Sha256};

use super::{Place, built};
use crate::container::defaults;
use crate::container::mounts::{ImageVolumes, MountKind, UserMount, VolumeSource, clean_destination};
use crate::container::namespaces::{IpcMode, Sharing};
use crate::container::options::CreateOptions;
use crate::container::record::{MountPoint, MountedImage};
use crate::error::{Error, Result};
use crate::image::ImageConfig;
use crate::runtime::launch::{Fuse, JOINED_SHM, Scratch};

/// A volume that the container needs, made with it where there is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NeededVolume {
    pub name: String,
    /// Nobody gave it a name: it goes with the container.
    pub anonymous: bool,
    /// What the driver is told when it is made.
    pub options: BTreeMap<String, String>,
}

/// Everything that is mounted, and how it is told about.
#[derive(Debug, Clone, Default)]
pub(super) struct Plan {
    pub mounts: Vec<Mount>,
    pub mount_points: Vec<MountPoint>,
    pub tmpfs: BTreeMap<String, String>,
    pub volumes: Vec<NeededVolume>,
    pub mounted_images: Vec<MountedImage>,
    pub scratch: Vec<Scratch>,
    pub overlays: Vec<Fuse>,
    /// How many mounts with layers there are.
    pub layered: usize,
    /// Directories to make in the container's own.
    pub directories: Vec<PathBuf>,
    pub warnings: Vec<String>,
}

/// The options of the image's volumes and of the file systems that make a read-only container usable.
const VOLUME_OPTIONS: &str = "rw,rprivate,nosuid,nodev,rbind";
const TMPFS_OPTIONS: &str = "rw,rprivate,nosuid,nodev,tmpcopyup";

pub(super) fn plan(options: &CreateOptions, config: &ImageConfig, place: &Place, network: &Sharing) -> Result<Plan> {
    let mut plan = Plan::default();
    let mut asked = Vec::new();
    for user in &options.mounts {
        asked.push(plan.user_mount(user, place)?);
    }
    // The last one wins.
    for user in options.inherited.iter().rev() {
        if !asked.iter().any(|m: &Mount| *m.destination() == user.destination) {
            asked.push(plan.user_mount(user, place)?);
        }
    }
    plan.image_declared(options, config, place, &mut asked)?;
    let taken = |asked: &[Mount], path: &Path| asked.iter().any(|m| m.destination() == path);
    let own_dev = taken(&asked, Path::new("/dev"));
    let every_device: &[_] = if options.privileged && !own_dev { &place.host.devices } else { &[] };
    let mut devices = Vec::new();
    for device in &options.devices {
        devices.extend(device.nodes()?);
    }
    devices.extend(place.cdi.devices.iter().chain(every_device).cloned());
    for other in &place.cdi.mounts {
        if !taken(&asked, &other.destination) {
            asked.push(mount(&other.destination, &other.kind, &other.source, other.options.clone())?);
        }
    }
    for device in &devices {
        if !taken(&asked, &device.container) {
            asked.push(mount(&device.container, "bind", &device.host, device.mount_options())?);
        }
    }
    if options.read_only && !options.no_read_only_tmpfs {
        for path in defaults::READ_ONLY_TMPFS.map(Path::new) {
            if !taken(&asked, path) {
                asked.push(mount(path, "tmpfs", Path::new("tmpfs"), list(TMPFS_OPTIONS))?);
            }
        }
    }

    let is_kept = |m: &Mount| {
        let covered = own_dev && m.destination().starts_with("/dev");
        !covered && !taken(&asked, m.destination())
    };
    let (first, second) = (kernel(options, place, network)?, files(options, place)?);
    plan.mounts.extend(first.into_iter().filter(is_kept));
    let kept: Vec<Mount> = second.into_iter().filter(is_kept).collect();
    plan.mounts.extend(asked);
    plan.mounts.extend(kept);
    // A mount comes after those that it lies in.
    plan.mounts.sort_by_key(|m| m.destination().components().count());
    Ok(plan)
}

impl Plan {
    fn user_mount(&mut self, user: &UserMount, place: &Place) -> Result<Mount> {
        let (kind, source) = match &user.kind {
            MountKind::Volume(volume) => return self.volume(volume, user, place),
            MountKind::Bind(source) => ("bind", source.as_path()),
            MountKind::Overlay { source, kept } => return self.overlay(user, source, kept.as_ref(), place),
            MountKind::Image(image) => return self.image(user, image, place),
            MountKind::Tmpfs => ("tmpfs", Path::new("tmpfs")),
            MountKind::Ramfs => ("ramfs", Path::new("ramfs")),
            MountKind::Devpts => ("devpts", Path::new("devpts")),
        };
        match &user.kind {
            MountKind::Tmpfs => {
                self.tmpfs.insert(user.destination.display().to_string(), user.options.join(","));
            }
            _ => self.mount_points.push(MountPoint {
                kind: kind.to_owned(),
                source: source.to_owned(),
                destination: user.destination.clone(),
                mode: user.relabel.clone(),
                options: user.options.iter().filter(|o| !is_access_or_propagation(o)).cloned().collect(),
                rw: user.is_writable(),
                propagation: if kind == "bind" { user.propagation().to_owned() } else { String::new() },
                ..Default::default()
            }),
        }
        mount(&user.destination, kind, source, user.options.clone())
    }

    /// A volume, mounted from its directory; a part of it from a place where it is mounted before the container starts.
    fn volume(&mut self, volume: &VolumeSource, user: &UserMount, place: &Place) -> Result<Mount> {
        let own_name = volume_name(&place.id, &user.destination);
        let name = volume.name.clone().unwrap_or_else(|| own_name.clone());
        let data = place.volumes.join(&name).join("_data");
        self.mount_points.push(MountPoint {
            kind: "volume".to_owned(),
            name: name.clone(),
            source: data.clone(),
            destination: user.destination.clone(),
            options: user.options.iter().skip(2).cloned().collect(),
            rw: user.is_writable(),
            propagation: user.propagation().to_owned(),
            subpath: volume.subpath.clone().unwrap_or_default(),
            mode: user.relabel.clone(),
        });
        if !self.volumes.iter().any(|known| known.name == name) {
            let options = volume.options.clone();
            self.volumes.push(NeededVolume { name, anonymous: volume.name.is_none(), options });
        }
        let source = match &volume.subpath {
            Some(_) => place.container_dir.join("volumes").join(own_name),
            None => data,
        };
        if user.options.iter().any(|o| o == "O") {
            let layer = self.scratch(place, &source);
            let mut user = user.clone();
            user.options.retain(|o| matches!(o.as_str(), "rw" | "rprivate" | "U"));
            return self.layered(&user, vec![source], Some(layer), place, None);
        }
        // Who copies what the image has there: not the runtime.
        let options = user.options.iter().filter(|o| !matches!(o.as_str(), "copy" | "nocopy")).cloned().collect();
        mount(&user.destination, "bind", &source, options)
    }

    /// The volumes of the image, where the user has not mounted something else.
    fn image_declared(
        &mut self,
        options: &CreateOptions,
        config: &ImageConfig,
        place: &Place,
        asked: &mut Vec<Mount>,
    ) -> Result<()> {
        if options.image_volumes == ImageVolumes::Ignore {
            return Ok(());
        }
        for declared in &config.volumes {
            let Ok(destination) = clean_destination(declared) else {
                self.warnings.push(format!("the image declares a volume at `{}`: skipped", declared.escape_debug()));
                continue;
            };
            if asked.iter().any(|m| *m.destination() == destination) {
                continue;
            }
            // There it would hide what the kernel shows, with the masks over it. (That is up to the user, not to an image.)
            if destination == Path::new("/dev") || ["/proc", "/sys"].iter().any(|path| destination.starts_with(path)) {
                return Err(Error::new(format!(
                    "the image declares a volume at `{}`, where the kernel's own files have to be",
                    destination.display()
                ))
                .hint("run it without the volumes that it declares: --image-volume=ignore"));
            }
            if options.image_volumes == ImageVolumes::Tmpfs {
                self.tmpfs.insert(destination.display().to_string(), TMPFS_OPTIONS.to_owned());
                asked.push(mount(&destination, "tmpfs", Path::new("tmpfs"), list(TMPFS_OPTIONS))?);
                continue;
            }
            let kind = MountKind::Volume(VolumeSource::default());
            let user = UserMount { kind, destination, options: list(VOLUME_OPTIONS), relabel: String::new() };
            asked.push(self.user_mount(&user, place)?);
        }
        Ok(())
    }
}

fn is_access_or_propagation(option: &str) -> bool {
    matches!(option, "rw" | "ro" | "rro") || crate::container::mounts::is_propagation(option)
}

/// The name of a container's own volume: 64 hexadecimal digits, as every volume without a name has; the same for the same container and place.
pub fn volume_name(id: &str, destination: &Path) -> String {
    use std::os::unix::ffi::OsStrExt as _;
    let digest = Sha256::new().chain_update(id).chain_update([0]).chain_update(destination.as_os_str().as_bytes());
    crate::storage::id::hex(&digest.finalize())
}

/// The file systems of the kernel.
fn kernel(options: &CreateOptions, place: &Place, network: &Sharing) -> Result<Vec<Mount>> {
    // A namespace by its path may be anybody's.
    let shares_network = matches!(network, Sharing::Host | Sharing::Path(_));
    let access = if options.privileged { "rw" } else { "ro" };
    // The host's /sys has file systems mounted in it, the cgroups' among them.
    let deep_access = if options.privileged { "rw" } else { "rro" };
    let mut mounts = Vec::new();
    let mut push = |destination: &str, kind: &str, source: &str, options: &str| -> Result<()> {
        mounts.push(mount(Path::new(destination), kind, Path::new(source), list(options))?);
        Ok(())
    };
    if shares_network {
        // sysfs shows the network namespace, so that only the namespace's owner may mount it.
        push("/sys", "bind", "/sys", &format!("rprivate,nosuid,noexec,nodev,{deep_access},rbind"))?;
    } else {
        push("/sys", "sysfs", "sysfs", &format!("nosuid,noexec,nodev,{access}"))?;
    }
    let shares_pids = options.pid == Sharing::Host;
    let mut proc_options =
        if shares_pids { "rprivate,nosuid,noexec,nodev,rbind" } else { "nosuid,noexec,nodev" }.to_owned();
    let proc_kind = if shares_pids { ("bind", "/proc") } else { ("proc", "proc") };
    for option in &options.security.proc_options {
        proc_options.push(',');
        proc_options.push_str(option);
    }
    push("/proc", proc_kind.0, proc_kind.1, &proc_options)?;
    let frozen_dev = options.read_only && options.no_read_only_tmpfs;
    let ro = if frozen_dev { ",ro" } else { "" };
    push("/dev", "tmpfs", "tmpfs", &format!("nosuid,strictatime,mode=755,size=65536k{ro}"))?;
    // Without subordinate groups there is no group 5 in the container.
    let tty_group = if place.host.single_id_mapping { "" } else { ",gid=5" };
    push("/dev/pts", "devpts", "devpts", &format!("nosuid,noexec,newinstance,ptmxmode=0666,mode=0620{tty_group}"))?;
    let shm_size = options.shm_size.unwrap_or(defaults::SHM_SIZE);
    match options.ipc {
        IpcMode::Host => push("/dev/shm", "bind", "/dev/shm", "bind,rprivate,nosuid,noexec,nodev")?,
        IpcMode::None => {}
        // The other container's.
        IpcMode::Container(_) if place.joins_shm => {
            push("/dev/shm", "bind", JOINED_SHM, &format!("bind,rprivate,nosuid,noexec,nodev{ro}"))?;
        }
        _ => {
            push("/dev/shm", "tmpfs", "shm", &format!("nosuid,noexec,nodev,mode=1777,size={shm_size}{ro}"))?;
        }
    }
    match options.ipc {
        IpcMode::Host if !Path::new("/dev/mqueue").is_dir() => {}
        IpcMode::Host => push("/dev/mqueue", "bind", "/dev/mqueue", "bind,nosuid,noexec,nodev")?,
        _ => push("/dev/mqueue", "mqueue", "mqueue", "nosuid,noexec,nodev")?,
    }
    match options.cgroup {
        // Only the owner of a cgroup namespace may mount its hierarchy. A bind of /sys has it already.
        Sharing::Host if shares_network => {}
        Sharing::Host => push(
            "/sys/fs/cgroup",
            "bind",
            "/sys/fs/cgroup",
            &format!("rprivate,nosuid,noexec,nodev,{deep_access},rbind"),
        )?,
        _ => push("/sys/fs/cgroup", "cgroup", "cgroup", &format!("rprivate,nosuid,noexec,nodev,relatime,{access}"))?,
    }
    Ok(mounts)
}

/// The files that the engine writes into the container's directory at each start.
fn files(options: &CreateOptions, place: &Place) -> Result<Vec<Mount>> {
    let own = |wanted: bool, name: &str| wanted.then(|| place.container_dir.join(name));
    let no_hosts = options.no_hosts.unwrap_or(false);
    let (hosts, resolv_conf) = match &place.joined_network {
        Some(joined) => (joined.hosts.clone().filter(|_| !no_hosts), joined.resolv_conf.clone()),
        None => (own(!no_hosts, "hosts"), own(options.dns.first().is_none_or(|dns| dns != "none"), "resolv.conf")),
    };
    let wanted = [
        (hosts, "/etc/hosts"),
        (own(true, ".containerenv"), "/run/.containerenv"),
        (own(!options.no_hostname, "hostname"), "/etc/hostname"),
        (resolv_conf, "/etc/resolv.conf"),
        (own(options.timezone.is_some(), "localtime"), "/etc/localtime"),
    ];
    let tail = if options.read_only { ",ro,nosuid,noexec,nodev" } else { "" };
    let mut mounts = Vec::new();
    for (source, destination) in wanted {
        let Some(source) = source else { continue };
        mounts.push(mount(Path::new(destination), "bind", &source, list(&format!("bind,rprivate{tail}")))?);
        for dir in options.chroot_dirs.iter().filter(|_| destination.starts_with("/etc/")) {
            let destination = dir.join(destination.trim_start_matches('/'));
            mounts.push(mount(&destination, "bind", &source, list(&format!("bind,rprivate{tail}")))?);
        }
    }
    Ok(mounts)
}

/// Mounts that are to reach the host, or come from it, need a root that lets them through.
pub(super) fn root_propagation(mounts: &[UserMount]) -> &'static str {
    let any = |wanted: &[&str]| mounts.iter().any(|m| wanted.contains(&m.propagation()));
    if any(&["shared", "rshared"]) {
        "shared"
    } else if any(&["slave", "rslave"]) {
        "rslave"
    } else {
        "rprivate"
    }
}

pub(super) fn mount(destination: &Path, kind: &str, source: &Path, options: Vec<String>) -> Result<Mount> {
    built(MountBuilder::default().destination(destination).typ(kind).source(source).options(options).build())
}

fn list(options: &str) -> Vec<String> {
    options.split(',').map(str::to_owned).collect()
}
