//! Images with other owners, for the kernel's overlay: where fuse-overlayfs is not to be had, or not wanted.
//!
//! ```text
//! <root>/shown/<key>/layers   the layers that it stands on, one diff ID a line
//!                    refers   is there when files have no data of their own
//!                    root/    what the layers make together, owned as the container shall see it
//! ```
//!
//! The key is made of the layers and of the mapping, so that the next container of both finds the tree. Where the kernel
//! can (Linux 6.16), a file in it is an empty one that refers to the layer's (`user.overlay.metacopy` and an absolute
//! `user.overlay.redirect` into data-only layers): nothing is copied but names and owners. Elsewhere everything is.
//!
//! A tree is made in `tmp/`, outside of every lock, and renamed into place. Whoever removes one holds `shown.lock` alone;
//! whoever is about to write it into a record shares it until that is done.

use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags, XattrFlags};
use rustix::mount::{FsMountFlags, FsOpenFlags, MountAttrFlags};
use sha2::{Digest as _, Sha256};

use crate::container::userns::Shift;
use crate::error::{Context, Result};
use crate::runtime::userns::Extent;
use crate::storage::atomic;
use crate::storage::lock::{self, Lock};
use crate::storage::tree::copy::{self, Data, Renumber};
use crate::storage::unpack::extract::Owners;
use crate::storage::workdir::WorkDir;
use crate::storage::{Roots, fs, id};

/// A tree that nobody removes as long as this lives.
#[derive(Debug)]
pub struct Shown {
    pub key: String,
    _kept: Lock,
}

/// Finds or makes the tree of these layers (diff IDs, lowest first) with these owners. `making` is called before it is
/// made, which takes a while. The caller is root of the user namespace and has one thread.
pub fn obtain(roots: &Roots, layers: &[String], shift: &Shift, making: &dyn Fn()) -> Result<Shown> {
    let key = key(layers, shift);
    loop {
        let kept = lock::shared(&lock_path(roots))?;
        if root(roots, &key).is_dir() {
            return Ok(Shown { key, _kept: kept });
        }
        drop(kept);
        // Whoever comes second waits for the first, and finds it made.
        let work = WorkDir::wait(&roots.tmp().join(format!("shown-{key}")))?;
        if !root(roots, &key).is_dir() {
            making();
            make(roots, layers, shift, &work)
                .context("showing the image with the owners of the container's mapping")?;
            fs::create_private_dir_all(&roots.shown())?;
            fs::rename(&work.path("made"), &roots.shown().join(&key))?;
            atomic::sync_dir(&roots.shown())?;
        }
    }
}

/// The tree itself.
pub fn root(roots: &Roots, key: &str) -> PathBuf {
    roots.shown().join(key).join("root")
}

/// Whether it has no data of its own.
pub fn refers(roots: &Roots, key: &str) -> bool {
    roots.shown().join(key).join("refers").exists()
}

/// Removes the trees that `in_use` does not have; of those, if `all` is false, only such as have lost a layer.
pub fn prune(roots: &Roots, all: bool, in_use: &dyn Fn() -> Result<Vec<String>>) -> Result<()> {
    let Ok(entries) = std::fs::read_dir(roots.shown()) else { return Ok(()) };
    let keys: Vec<String> = entries.flatten().filter_map(|e| e.file_name().into_string().ok()).collect();
    let mut removed = Vec::new();
    let alone = lock::exclusive(&lock_path(roots))?;
    let used = in_use()?;
    for key in keys.iter().filter(|key| !used.contains(key)) {
        let dir = roots.shown().join(key);
        let layers = std::fs::read_to_string(dir.join("layers")).unwrap_or_default();
        if all || layers.is_empty() || layers.lines().any(|layer| !roots.layers().join(layer).is_dir()) {
            let work = WorkDir::random(roots, "removed-shown-")?;
            fs::rename(&dir, &work.path("tree"))?;
            removed.push(work);
        }
    }
    drop(alone);
    removed.into_iter().try_for_each(WorkDir::remove)
}

fn lock_path(roots: &Roots) -> PathBuf {
    roots.data().join("shown.lock")
}

fn key(layers: &[String], shift: &Shift) -> String {
    let mut hash = Sha256::new();
    for layer in layers {
        hash.update(layer);
        hash.update(b"\n");
    }
    let (uids, gids) = shift.options();
    hash.update(format!("{uids}\n{gids}"));
    id::hex(&hash.finalize())
}

fn make(roots: &Roots, layers: &[String], shift: &Shift, work: &WorkDir) -> Result<()> {
    let made = work.path("made");
    fs::create_dir(&made, 0o700)?;
    let paths: Vec<PathBuf> = layers.iter().rev().map(|layer| roots.layers().join(layer)).collect();
    let refers = can_refer(work)?;
    fs::create_dir(&made.join("root"), 0o755)?;
    fs::write(&made.join("layers"), layers.join("\n").as_bytes())?;
    let sources = paths.iter().map(|path| open(path)).collect::<Result<Vec<_>>>()?;
    let data = if refers { Data::Refer } else { Data::Copy };
    let renumber = renumber(shift);
    let to = open(&made.join("root"))?;
    copy::copy(
        sources,
        to.try_clone().context("duplicating a descriptor")?,
        Owners::of_this_process(),
        Some(&renumber),
        data,
    )?;
    if refers {
        fs::write(&made.join("refers"), b"")?;
    }
    // Renamed into place, it is complete, whatever happens to the power.
    rustix::fs::syncfs(&to).context("flushing the file system")
}

/// Owners as a copy needs them.
pub fn renumber(shift: &Shift) -> Renumber {
    let side = |side: &[Extent]| side.iter().map(|e| (e.container_id, e.host_id, e.size)).collect();
    Renumber { uids: side(&shift.uids), gids: side(&shift.gids) }
}

/// Tries whether the kernel follows a file without data into a layer of data, in a user namespace as well.
fn can_refer(work: &WorkDir) -> Result<bool> {
    let path = |name: &str| work.path(name);
    for name in ["low", "data", "up", "work"] {
        fs::create_dir(&path(name), 0o700)?;
    }
    fs::write(&path("data/f"), b"x")?;
    fs::write(&path("low/g"), b"")?;
    let attempt = || -> rustix::io::Result<bool> {
        let file = rustix::fs::open(path("low/g"), OFlags::RDWR | OFlags::CLOEXEC, Mode::empty())?;
        rustix::fs::ftruncate(&file, 1)?;
        copy::refer(&file, b"f")?;
        rustix::fs::fsetxattr(&file, "user.coracle.test", b"1", XattrFlags::empty())?;
        let fs = rustix::mount::fsopen(c"overlay", FsOpenFlags::FSOPEN_CLOEXEC)?;
        rustix::mount::fsconfig_set_string(&fs, c"lowerdir+", path("low"))?;
        rustix::mount::fsconfig_set_string(&fs, c"datadir+", path("data"))?;
        rustix::mount::fsconfig_set_string(&fs, c"upperdir", path("up"))?;
        rustix::mount::fsconfig_set_string(&fs, c"workdir", path("work"))?;
        rustix::mount::fsconfig_set_flag(&fs, c"userxattr")?;
        rustix::mount::fsconfig_create(&fs)?;
        let mount = rustix::mount::fsmount(&fs, FsMountFlags::FSMOUNT_CLOEXEC, MountAttrFlags::empty())?;
        let file = rustix::fs::openat(&mount, c"g", OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?;
        let mut byte = [0; 2];
        Ok(rustix::io::read(&file, &mut byte)? == 1 && byte.first() == Some(&b'x'))
    };
    Ok(attempt().unwrap_or(false))
}

fn open(path: &Path) -> Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    rustix::fs::open(path, flags, Mode::empty()).with_context(|| format!("opening `{}`", path.display()))
}
