//! The mounts of the spec, made as detached mounts and attached through descriptors beneath the container's root.

use std::os::fd::{AsFd as _, OwnedFd};
use std::path::{Path, PathBuf};

use oci_spec::runtime::{Mount, Spec};
use rustix::fs::{CWD, Mode, OFlags};
use rustix::io::Errno;
use rustix::mount::{FsMountFlags, FsOpenFlags, MountAttrFlags, MoveMountFlags, OpenTreeFlags};

use super::options::{self, Options};
use super::target::{self, Wanted};
use super::{chown, dev, idmap, tree};
use crate::error::{Context, Error, Result};
use crate::runtime::idmap::IdMap;
use crate::runtime::joined::{self, Joined};
use crate::runtime::launch::{JOINED_SHM, POINT};
use crate::runtime::overlay::{self, Layers};
use crate::sys::mount::{Attributes, RDONLY, set_attributes};

/// What later steps need of the mounts.
pub struct Mounted {
    /// The root of /dev, if it is a tmpfs of ours.
    pub dev: Option<OwnedFd>,
    /// The root of /dev/pts.
    pub devpts: Option<OwnedFd>,
    /// The host's /dev/null, checked.
    pub null: OwnedFd,
    /// What the container's user is to own.
    pub chown: Vec<OwnedFd>,
}

/// Sources of mounts that were opened beforehand, by their place in the spec's list.
pub type Opened = Vec<Option<OwnedFd>>;

/// Opens what of the host's is mounted, and makes overlays. For a container whose own user namespace may not: done before
/// that is entered, in a mount namespace of this process's own.
pub fn open_all(spec: &Spec, joined: &[Joined], map: &IdMap) -> Result<Opened> {
    let mounts = spec.mounts().as_deref().unwrap_or_default();
    let open = |mount: &Mount| -> Result<Option<OwnedFd>> {
        let options = options::parse(mount.options().as_deref().unwrap_or_default())?;
        let Some(opened) = of_the_host(mount, &options, joined)? else { return Ok(None) };
        if options.chown {
            // To the container's root, which can then give it to the user.
            let (uid, gid) = map.owner();
            let source = if mount.typ().as_deref() == Some("bind") {
                open_source(mount, &options)?
            } else {
                opened.try_clone()?
            };
            chown::recursive(&source, uid, gid)?;
        }
        if options.copy_up && is_directory(&opened)? && tree::is_empty(&opened)? {
            give(&opened, map)?;
        }
        Ok(Some(opened))
    };
    let named = |mount: &Mount| {
        open(mount).map_err(|e| e.wrap(format!("mounting `{}` in the container", mount.destination().display())))
    };
    mounts.iter().map(named).collect()
}

/// A new volume belongs to the container's root, which can then give what is in it the owners that the image says.
fn give(volume: &OwnedFd, map: &IdMap) -> Result<()> {
    let (uid, gid) = map.owner();
    let owner = (rustix::fs::Uid::from_raw(uid), rustix::fs::Gid::from_raw(gid));
    let dir = rustix::fs::openat(volume, c".", OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty());
    rustix::fs::fchown(dir.context("opening a volume")?, Some(owner.0), Some(owner.1))
        .context("giving it to the container's root")
}

/// Makes every mount of the spec, in its order. `opened` is what [`open_all`] has opened, or nothing.
pub fn mount_all(root: &OwnedFd, spec: &Spec, tty: bool, joined: &[Joined], opened: Opened) -> Result<Mounted> {
    let mut opened = opened.into_iter();
    let mut frozen = Vec::new();
    let mut mounted = Mounted { dev: None, devpts: None, null: dev::open_null()?, chown: Vec::new() };
    for mount in spec.mounts().as_deref().unwrap_or_default() {
        let source = opened.next().flatten();
        let destination = mount.destination();
        let named = |e: Error| e.wrap(format!("mounting `{}` in the container", destination.display()));
        let mut options = options::parse(mount.options().as_deref().unwrap_or_default()).map_err(named)?;
        // A read-only file system that is still to be filled becomes read-only afterwards.
        let fresh = matches!(mount.typ().as_deref(), Some("tmpfs" | "ramfs"));
        let freeze = options.attributes.set & RDONLY != 0 && fresh;
        if freeze {
            options.attributes.set &= !RDONLY;
        }
        if options.copy_symlink && copy_symlink(root, mount).map_err(named)? {
            continue;
        }
        let wants_chown = options.chown;
        if wants_chown && mount.typ().as_deref() == Some("bind") {
            // Not by the new mount, which may be read-only.
            mounted.chown.push(match &source {
                Some(opened) => opened.try_clone().context("duplicating a mount")?,
                None => open_source(mount, &options).map_err(named)?,
            });
        }
        let attached = mount_one(root, mount, options, joined, source).map_err(named)?;
        if wants_chown && mount.typ().as_deref() != Some("bind") {
            mounted.chown.push(attached.try_clone().context("duplicating a mount")?);
        }
        if freeze {
            frozen.push(attached.try_clone().context("duplicating a mount")?);
        }
        match destination.to_str() {
            Some("/dev") if mount.typ().as_deref() == Some("tmpfs") => {
                dev::populate(&attached, tty)?;
                mounted.dev = Some(attached);
            }
            Some("/dev/pts") => mounted.devpts = Some(attached),
            _ => {}
        }
    }
    if mounted.dev.is_some() {
        let devices = spec.linux().as_ref().and_then(|l| l.devices().as_deref()).unwrap_or_default();
        for device in devices {
            dev::bind(root, device.path())?;
        }
    }
    for mount in frozen {
        let read_only = Attributes { set: RDONLY, ..Attributes::default() };
        set_attributes(mount.as_fd(), read_only, false).context("making a mount read-only")?;
    }
    Ok(mounted)
}

/// A symbolic link of the host's that is to be a link in the container as well. Whether the source is one.
fn copy_symlink(root: &OwnedFd, mount: &Mount) -> Result<bool> {
    let source = mount.source().as_deref().ok_or_else(|| Error::new("a bind mount has no source"))?;
    let link = match rustix::fs::readlink(source, Vec::new()) {
        Ok(link) => link,
        Err(Errno::INVAL) => return Ok(false),
        Err(errno) => return Err(Error::from(errno).wrap(format!("reading the link `{}`", source.display()))),
    };
    let (parent, name) = match (mount.destination().parent(), mount.destination().file_name()) {
        (Some(parent), Some(name)) => (parent.strip_prefix("/").unwrap_or(parent), name),
        _ => return Err(Error::new("the destination has no name")),
    };
    let parent = target::open_or_create(root, parent, Wanted::Directory)?;
    match rustix::fs::symlinkat(link.as_c_str(), &parent, name) {
        Err(Errno::EXIST) if rustix::fs::readlinkat(&parent, name, Vec::new()).as_ref() == Ok(&link) => Ok(true),
        other => other.context("creating the symbolic link").map(|()| true),
    }
}

/// The source of a bind mount, opened as a place.
fn open_source(mount: &Mount, options: &Options) -> Result<OwnedFd> {
    let source = mount.source().as_deref().ok_or_else(|| Error::new("a bind mount has no source"))?;
    let place = rustix::fs::open(source, OFlags::PATH | OFlags::CLOEXEC, Mode::empty())
        .with_context(|| format!("opening `{}`", source.display()))?;
    match &options.subpath {
        Some(subpath) => inside(&place, subpath),
        None => Ok(place),
    }
}

/// A path inside a mount, as if that were the root: no link and no `..` leads out of it.
fn inside(place: &OwnedFd, subpath: &Path) -> Result<OwnedFd> {
    let relative = subpath.strip_prefix("/").unwrap_or(subpath);
    target::open_place(place, relative).with_context(|| format!("opening the subpath `{}`", subpath.display()))
}

/// What is mounted and not made in the container's own namespaces, as a detached mount.
fn of_the_host(mount: &Mount, options: &Options, joined: &[Joined]) -> Result<Option<OwnedFd>> {
    let kind = mount.typ().as_deref().unwrap_or("none");
    let source = mount.source().as_deref();
    Ok(if kind == "overlay" {
        Some(overlay(options)?)
    } else if source == Some(Path::new(JOINED_SHM)) {
        let shm = joined::shm(joined)?;
        set(&shm, options)?;
        Some(shm)
    } else if options.bind || kind == "bind" {
        Some(bind(source.ok_or_else(|| Error::new("a bind mount has no source"))?, options)?)
    } else {
        None
    })
}

fn mount_one(
    root: &OwnedFd,
    mount: &Mount,
    options: Options,
    joined: &[Joined],
    opened: Option<OwnedFd>,
) -> Result<OwnedFd> {
    let kind = mount.typ().as_deref().unwrap_or("none");
    let source = mount.source().as_deref();
    let opened = match opened {
        None => of_the_host(mount, &options, joined)?,
        opened => opened,
    };
    let detached = if let Some(opened) = opened {
        opened
    } else {
        match file_system(kind, source, &options) {
            Ok(fd) => fd,
            // These show a namespace that this user namespace may not own (`--network host`, `--pid host`): then the
            // host's own mount is shown instead.
            Err(Errno::PERM | Errno::BUSY) if matches!(kind, "sysfs" | "proc" | "mqueue") => {
                let host = Path::new(match kind {
                    "sysfs" => "/sys",
                    "proc" => "/proc",
                    _ => "/dev/mqueue",
                });
                let options =
                    Options { bind: true, recursive: true, recursive_read_only: kind == "sysfs", ..options.clone() };
                bind(host, &options)?
            }
            // Where cgroups cannot be shown, nothing is: a container rarely looks.
            Err(_) if kind.starts_with("cgroup") => empty_read_only()?,
            Err(errno) => {
                let error = Error::from(errno).wrap(format!("creating a `{kind}` file system"));
                return Err(match (kind, errno) {
                    ("proc", Errno::INVAL) => {
                        error.hint("the kernel does not know an option of `--security-opt proc-opts`")
                    }
                    _ => error,
                });
            }
        }
    };
    let wanted = if is_directory(&detached)? { Wanted::Directory } else { Wanted::File };
    let own_root = options.data.iter().any(|(key, _)| matches!(key.as_str(), "mode" | "uid" | "gid"));
    let is_memory = matches!(kind, "tmpfs" | "ramfs");
    let is_new = is_memory && !own_root && is_missing(root, mount.destination());
    let place = open_mount_point(root, mount.destination(), kind, wanted)?;
    if let Some(map) = &options.idmap {
        idmap::apply(&detached, map)?;
    }
    if is_new {
        // As in the reference, everybody's (the kernel's own default), and not as the directory that was made for it.
    } else if options.copy_up && tree::is_empty(&detached)? {
        tree::copy(&place, &detached, !own_root).context("copying what the image has there")?;
    } else if is_memory && !own_root {
        tree::like(&place, &detached)?;
    }
    attach(&detached, &place)?;
    Ok(detached)
}

/// Whether nothing is at this path of the container's.
fn is_missing(root: &OwnedFd, path: &Path) -> bool {
    let relative = path.strip_prefix("/").unwrap_or(path);
    matches!(target::open_place(root, relative), Err(Errno::NOENT))
}

/// /proc and /sys must be where they are said to be: a symbolic link in the image would leave the real ones unmasked.
fn open_mount_point(root: &OwnedFd, path: &Path, kind: &str, wanted: Wanted) -> Result<OwnedFd> {
    let relative = path.strip_prefix("/").unwrap_or(path);
    if matches!(kind, "proc" | "sysfs") {
        use rustix::fs::ResolveFlags;
        let flags = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS;
        match rustix::fs::openat2(root, relative, OFlags::PATH | OFlags::CLOEXEC, Mode::empty(), flags) {
            Err(Errno::LOOP | Errno::NOTDIR) => {
                return Err(Error::new(format!("`{}` in the image is not a directory", path.display())));
            }
            Ok(fd) => return Ok(fd),
            Err(Errno::NOENT) => {}
            Err(errno) => return Err(Error::from(errno).wrap(format!("opening `{}` in the image", path.display()))),
        }
    }
    target::open_or_create(root, relative, wanted)
}

/// Attaches a detached mount to an open place.
pub fn attach(mount: &OwnedFd, place: &OwnedFd) -> Result<()> {
    let flags = MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH | MoveMountFlags::MOVE_MOUNT_T_EMPTY_PATH;
    rustix::mount::move_mount(mount, c"", place, c"", flags).context("attaching the mount")
}

/// The host's `source` as a detached mount.
pub fn bind(source: &Path, options: &Options) -> Result<OwnedFd> {
    if let Some(subpath) = &options.subpath {
        return part(source, subpath, options);
    }
    let base = OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC;
    let recursive = base | OpenTreeFlags::AT_RECURSIVE;
    let opened = match rustix::mount::open_tree(CWD, source, if options.recursive { recursive } else { base }) {
        // What is mounted beneath was put there by the host and may not be uncovered by a user namespace.
        Err(Errno::INVAL) if !options.recursive => rustix::mount::open_tree(CWD, source, recursive),
        other => other,
    };
    let fd = opened.with_context(|| format!("opening `{}`", source.display()))?;
    set(&fd, options)?;
    Ok(fd)
}

/// A part of what is mounted at `path`, as a detached mount.
fn part(path: &Path, subpath: &Path, options: &Options) -> Result<OwnedFd> {
    let place = rustix::fs::open(path, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())
        .with_context(|| format!("opening `{}`", path.display()))?;
    let wanted = inside(&place, subpath)?;
    let flags = OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC | OpenTreeFlags::AT_EMPTY_PATH;
    let fd = rustix::mount::open_tree(&wanted, c"", flags)
        .with_context(|| format!("opening the subpath `{}`", subpath.display()))?;
    set(&fd, options)?;
    Ok(fd)
}

/// Layers over each other: `lowerdir+=` topmost first, perhaps `upperdir=` and `workdir=`.
fn overlay(options: &Options) -> Result<OwnedFd> {
    let all = |wanted: &str| -> Vec<PathBuf> {
        let values = options.data.iter().filter(|(key, _)| key == wanted);
        values.filter_map(|(_, value)| value.as_ref().map(PathBuf::from)).collect()
    };
    let (lower, upper, work) = (all("lowerdir+"), all("upperdir"), all("workdir"));
    let writable = upper.first().zip(work.first()).map(|(upper, work)| (upper.as_path(), work.as_path()));
    let fd = overlay::mount(&Layers { lower: &lower, writable, ..Layers::default() }).map_err(|errno| {
        let shown = writable.map_or(lower.first().map(PathBuf::as_path), |(upper, _)| Some(upper));
        Error::from(errno)
            .wrap(format!("mounting an overlay over `{}`", shown.unwrap_or(Path::new("")).display()))
            .hint("an upper directory must be on a file system that can be one, and on the same as its work directory")
    })?;
    match &options.subpath {
        None => {
            set(&fd, options)?;
            Ok(fd)
        }
        Some(subpath) => {
            // A part can only be taken of what is attached: here, where the container will not see it.
            let point = all(POINT).pop().ok_or_else(|| Error::new("the spec names no place for the overlay"))?;
            rustix::mount::move_mount(&fd, c"", CWD, &point, MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH)
                .with_context(|| format!("mounting the overlay on `{}`", point.display()))?;
            part(&point, subpath, options)
        }
    }
}

fn set(fd: &OwnedFd, options: &Options) -> Result<()> {
    let Attributes { set, clear, propagation } = options.attributes;
    let own = Attributes { set, clear, propagation: 0 };
    set_attributes(fd.as_fd(), own, false).context("setting mount options")?;
    if options.recursive_read_only {
        let read_only = Attributes { set: RDONLY, ..Attributes::default() };
        set_attributes(fd.as_fd(), read_only, true).context("making the mount recursively read-only")?;
    }
    let propagation = Attributes { propagation, ..Attributes::default() };
    set_attributes(fd.as_fd(), propagation, options.recursive_propagation).context("setting the propagation")
}

/// A new file system as a detached mount.
pub fn file_system(kind: &str, source: Option<&Path>, options: &Options) -> rustix::io::Result<OwnedFd> {
    let kind = if kind == "cgroup" { "cgroup2" } else { kind };
    let fs = rustix::mount::fsopen(kind, FsOpenFlags::FSOPEN_CLOEXEC)?;
    if let Some(source) = source {
        rustix::mount::fsconfig_set_string(&fs, c"source", source)?;
    }
    for (key, value) in &options.data {
        match value {
            Some(value) => rustix::mount::fsconfig_set_string(&fs, key.as_str(), value.as_str())?,
            None => rustix::mount::fsconfig_set_flag(&fs, key.as_str())?,
        }
    }
    rustix::mount::fsconfig_create(&fs)?;
    let flags = MountAttrFlags::from_bits_retain(u32::try_from(options.attributes.set).unwrap_or(0));
    let fd = rustix::mount::fsmount(&fs, FsMountFlags::FSMOUNT_CLOEXEC, flags)?;
    if options.attributes.propagation != 0 {
        let propagation = Attributes { propagation: options.attributes.propagation, ..Attributes::default() };
        set_attributes(fd.as_fd(), propagation, false).map_err(|e| Errno::from_io_error(&e).unwrap_or(Errno::INVAL))?;
    }
    Ok(fd)
}

/// An empty read-only directory.
pub fn empty_read_only() -> Result<OwnedFd> {
    let options = options::parse(&["ro", "nosuid", "nodev", "noexec", "size=0k", "nr_inodes=1", "mode=555"])?;
    file_system("tmpfs", Some(Path::new("tmpfs")), &options).context("creating an empty file system")
}

/// Whether what was opened is a directory.
pub fn is_directory(fd: &OwnedFd) -> Result<bool> {
    let stat = rustix::fs::fstat(fd).context("looking at the mount")?;
    Ok(rustix::fs::FileType::from_raw_mode(stat.st_mode) == rustix::fs::FileType::Directory)
}
