//! Volumes as containers use them: made with the container, ready before it starts.

mod copies;
mod manage;

use std::cell::OnceCell;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags, ResolveFlags};
use rustix::io::Errno;

use super::export::Source;
use super::{Engine, containers};
use crate::container::record::MountPoint;
use crate::container::spec::{NeededVolume, volume_name};
use crate::container::{Record, userns, volumes};
use crate::error::{Context, Error, Result};
use crate::runtime::passwd;
use crate::storage::atomic::Durability;
use crate::storage::lock::Lock;
use crate::storage::tree::copy::{Renumber, attributes_of};
use crate::storage::unpack::Owners;
use crate::volume::store::no_such;
use crate::volume::{New, Store, Volume, attach, fill};

pub use copies::{CopyOptions, clone, export, import, snapshot};
pub use manage::{RemoveOptions, Usage, create, mount, mount_counts, remove, unmount, unused, usage, usage_of};

/// The volumes.
pub fn store(engine: &Engine) -> Store {
    Store::new(&engine.roots)
}

/// Makes the named volumes that a container needs where they are missing. As long as the result lives, no volume is removed.
pub fn named(engine: &Engine, needed: &[NeededVolume]) -> Result<Option<Lock>> {
    if needed.is_empty() {
        return Ok(None);
    }
    let store = store(engine);
    let kept = store.keep()?;
    for volume in needed.iter().filter(|volume| !volume.anonymous) {
        let new = New { name: volume.name.clone(), options: volume.options.clone(), ..New::default() };
        let made = store.ensure(new, Durability::Power);
        made.with_context(|| format!("creating named volume \"{}\"", volume.name))?;
    }
    Ok(Some(kept))
}

/// Keeps the volumes that a container shares with another one from being removed as long as the result lives.
///
/// # Errors
/// [`Kind::NoSuch`](crate::error::Kind::NoSuch) when one has been removed already.
pub fn kept(engine: &Engine, record: &Record) -> Result<Option<Lock>> {
    if volumes::of(record).next().is_none() {
        return Ok(None);
    }
    let store = store(engine);
    let kept = store.keep()?;
    for mount in volumes::of(record) {
        store.load(&mount.name)?.ok_or_else(|| no_such(&mount.name))?;
    }
    Ok(Some(kept))
}

/// Makes the container's own volumes, when the container is there: whoever is killed before has left none, and one that is
/// missing is made when the container starts.
pub fn anonymous(engine: &Engine, needed: &[NeededVolume], durability: Durability) -> Result<()> {
    let store = store(engine);
    for volume in needed.iter().filter(|volume| volume.anonymous) {
        let (name, options) = (volume.name.clone(), volume.options.clone());
        let new = New { name, options, anonymous: true, ..New::default() };
        store.ensure(new, durability).context("creating an anonymous volume")?;
    }
    Ok(())
}

/// Makes the volumes of a container ready to be mounted: filled from the image where they are empty, their file systems and
/// the parts of them that are wanted mounted in this mount namespace, which the monitor inherits. What it returns is to be
/// kept until the container runs.
pub fn ready(engine: &Engine, record: &Record) -> Result<Vec<Lock>> {
    let mut locks = Vec::new();
    let mut done: Vec<&str> = Vec::new();
    let image = Image { engine, record, source: OnceCell::new() };
    // Before anything is locked.
    volumes::of(record).try_for_each(|mount| image.make_missing(mount))?;
    let mut result = Ok(());
    let mut mounts: Vec<&MountPoint> = volumes::of(record).collect();
    // In the same order for everybody, so that nobody waits for a lock of somebody who waits for his.
    mounts.sort_by(|a, b| a.name.cmp(&b.name));
    for mount in mounts {
        result = image.ready(mount, done.contains(&mount.name.as_str()), &mut locks);
        if result.is_err() {
            break;
        }
        done.push(&mount.name);
    }
    if let Some(source) = image.source.into_inner() {
        source.close();
    }
    result.map(|()| locks)
}

/// The container's own file system, opened when somebody wants to see it.
struct Image<'a> {
    engine: &'a Engine,
    record: &'a Record,
    source: OnceCell<Source>,
}

impl Image<'_> {
    fn ready(&self, mount: &MountPoint, again: bool, locks: &mut Vec<Lock>) -> Result<()> {
        let store = store(self.engine);
        let volume = store.load(&mount.name)?.ok_or_else(|| no_such(&mount.name))?;
        let options = volume.record.parsed()?;
        let no_copy = options.no_copy || mount.options.iter().any(|option| option == "nocopy");
        // An overlay on the volume does not change it.
        let untouched = mount.options.iter().any(|option| option == "O");
        if let Some(over) = &options.mount
            && !again
        {
            // Held until the container runs: whoever comes next finds the mount in its monitor's namespace.
            locks.push(store.lock(&mount.name)?);
            let fresh = attach::attach(&volume, over, &holders(self.engine, &mount.name)?)?;
            if fresh && !no_copy && !untouched && fill::is_empty(&volume.data())? {
                let own_root = matches!(over.kind, crate::volume::options::Kind::Tmpfs(ref data) if !data.iter().any(|(key, _)| matches!(key.as_str(), "mode" | "uid" | "gid")));
                if let Some(dir) = self.directory(&mount.destination)? {
                    fill::fill_in_place(dir, &volume.data(), own_root, self.numbers().as_ref())
                        .with_context(|| format!("filling volume `{}`", mount.name))?;
                }
            }
            attach::freeze(&volume, over)?;
        } else if options.mount.is_none()
            && !untouched
            && (volume.record.needs_chown || volume.record.needs_copy_up || fill::is_pending(&volume))
        {
            self.settle(&store, mount, no_copy)?;
        }
        if mount.subpath.as_os_str().is_empty() {
            return Ok(());
        }
        let point = self.part(&mount.destination);
        attach::attach_part(&volume.data(), &mount.subpath, &point)
            .with_context(|| format!("mounting volume `{}`", mount.name))
    }

    /// Where a part of a volume is mounted before the container starts, as its spec says.
    fn part(&self, destination: &Path) -> PathBuf {
        let dir = self.engine.roots.container(&self.record.id).join("volumes");
        dir.join(volume_name(&self.record.id, destination))
    }

    /// Somebody was killed before he could make the container's own volume, or somebody has removed it by hand.
    fn make_missing(&self, mount: &MountPoint) -> Result<()> {
        let store = store(self.engine);
        if store.load(&mount.name)?.is_some() {
            return Ok(());
        }
        if mount.name != volume_name(&self.record.id, &mount.destination) {
            return Err(no_such(&mount.name).hint(format!("make it again: coracle volume create {}", mount.name)));
        }
        let _kept = store.keep()?;
        // Whoever removes the container has removed its volumes with it.
        containers(self.engine).load(&self.record.id)?;
        let new = New { name: mount.name.clone(), anonymous: true, ..New::default() };
        let durability = if self.record.auto_remove { Durability::Process } else { Durability::Power };
        store.ensure(new, durability).map(drop)
    }

    /// The first use of a volume: it gets what the image has where it is mounted, and the owner of that place, or the
    /// container's user. One that has something in it is left alone.
    fn settle(&self, store: &Store, mount: &MountPoint, no_copy: bool) -> Result<()> {
        let _lock = store.lock(&mount.name)?;
        // Somebody may have been quicker.
        let volume = store.load(&mount.name)?.ok_or_else(|| no_such(&mount.name))?;
        let mut record = volume.record.clone();
        let goes = record.anonymous && self.record.auto_remove;
        let durability = if goes { Durability::Process } else { Durability::Power };
        if fill::is_pending(&volume) {
            fill::move_in(&volume)?;
            fill::apply_owner(&record, &volume.data())?;
            (record.needs_copy_up, record.needs_chown) = (false, false);
        } else if !fill::is_empty(&volume.data())? {
            (record.needs_copy_up, record.needs_chown) = (false, false);
        } else {
            let there = self.directory(&mount.destination)?;
            match there {
                Some(dir) if record.needs_copy_up && !no_copy && !is_empty(&dir)? => {
                    let make = |to: OwnedFd| {
                        fill::copy(dir.try_clone().context("duplicating a descriptor")?, to, self.numbers().as_ref())
                    };
                    fill::fill(store, &volume, durability, &make)
                        .with_context(|| format!("filling volume `{}`", mount.name))?;
                    fill::apply_owner(&record, &volume.data())?;
                    record.needs_copy_up = false;
                }
                Some(dir) if record.needs_chown => {
                    let data = fill::open_dir(&volume.data())?;
                    attributes_of(&dir, &data, Owners::of_this_process(), self.numbers().as_ref())?;
                }
                None if record.needs_chown => self.give_to_user(&volume)?,
                _ => {}
            }
            record.needs_chown = false;
        }
        if record == volume.record { Ok(()) } else { store.write(&record, durability) }
    }

    /// A new volume where the image has nothing belongs to the container's user.
    fn give_to_user(&self, volume: &Volume) -> Result<()> {
        // A user that is not known is told when the container starts.
        let Ok(user) = passwd::resolve(&self.record.user, &[], std::os::fd::AsFd::as_fd(self.root()?)) else {
            return Ok(());
        };
        let own = (user.uid, user.gid);
        let (uid, gid) = self.record.id_map.as_ref().map_or(own, |map| userns::to_parent(map).owner(own));
        if (uid, gid) == (0, 0) {
            return Ok(());
        }
        std::os::unix::fs::chown(volume.data(), Some(uid), Some(gid))
            .with_context(|| format!("giving volume `{}` to user {}", volume.record.name, user.uid))
            .map_err(|e| e.hint("the ID is outside of your range in /etc/subuid and /etc/subgid"))
    }

    /// What the owners of the container's files on disk are in its volumes, which it sees without a translation. `None`
    /// where they are the same.
    fn numbers(&self) -> Option<Renumber> {
        match userns::disk_map(self.record) {
            Some(_) => None,
            None => self.record.id_map.as_ref().map(userns::to_parent),
        }
    }

    fn root(&self) -> Result<&OwnedFd> {
        if self.source.get().is_none() {
            let source = Source::open(self.engine, self.record)?;
            let _ = self.source.set(source);
        }
        self.source.get().map(|source| &source.root).ok_or_else(|| Error::new("opening the container's file system"))
    }

    /// The directory that the container's file system has at a path, `None` where there is none. Links stay inside of it.
    fn directory(&self, path: &Path) -> Result<Option<OwnedFd>> {
        let root = self.root()?;
        let relative = path.strip_prefix("/").unwrap_or(path);
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let resolve = ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS;
        loop {
            return match rustix::fs::openat2(root, relative, flags, Mode::empty(), resolve) {
                Err(Errno::AGAIN) => continue,
                Ok(dir) => Ok(Some(dir)),
                Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => Ok(None),
                Err(e) => Err(e).with_context(|| format!("opening `{}` in the container", path.display())),
            };
        }
    }
}

fn is_empty(dir: &OwnedFd) -> Result<bool> {
    let mut entries = rustix::fs::Dir::read_from(dir).context("listing a directory of the image")?;
    Ok(!entries.any(|entry| entry.is_ok_and(|entry| !matches!(entry.file_name().to_bytes(), b"." | b".."))))
}

/// The monitors of containers that use a volume, alive when they were looked at.
fn holders(engine: &Engine, name: &str) -> Result<Vec<OwnedFd>> {
    let store = containers(engine);
    let mut holders = Vec::new();
    for container in store.list()? {
        let (record, pid) = (&container.record, container.state.monitor_pid);
        if !volumes::of(record).any(|mount| mount.name == name) {
            continue;
        }
        if let Some(pid) = rustix::process::Pid::from_raw(pid)
            && let Ok(fd) = rustix::process::pidfd_open(pid, rustix::process::PidfdFlags::empty())
            // Looked at when the descriptor is open: a number may be another's.
            && store.monitor_is_alive(&record.id)
        {
            holders.push(fd);
        }
    }
    Ok(holders)
}
