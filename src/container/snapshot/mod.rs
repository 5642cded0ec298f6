//! The writable file system of a container, put together from the unpacked layers of its image by a storage driver.
//!
//! ```text
//! <container>/upper/ work/ merged/   overlay, fuse-overlayfs: the writable layer, scratch space, the mount point
//! <container>/rootfs/                vfs: a copy of everything
//! ```

pub mod shown;
pub mod vfs;

use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use rustix::mount::{FsMountFlags, FsOpenFlags, MountAttrFlags};

use super::Record;
use super::userns::Shift;
use crate::error::{Context, Error, Result};
use crate::runtime::launch::{Fuse, Root};
use crate::storage::{Roots, fs};

/// The names that `--storage-driver` takes.
pub const DRIVERS: [&str; 3] = ["overlay", "fuse-overlayfs", "vfs"];

/// The driver to use: the one asked for, else the best that works here. The answer is remembered until the next boot.
///
/// The caller is root of the user namespace, with a mount namespace of its own.
pub fn choose_driver(roots: &Roots, asked: Option<&str>) -> Result<String> {
    if let Some(asked) = asked {
        return match DRIVERS.into_iter().find(|d| *d == asked) {
            Some(driver) => Ok(driver.to_owned()),
            None => Err(Error::new(format!("storage driver `{asked}` is not known"))
                .hint(format!("use one of {}", DRIVERS.join(", ")))),
        };
    }
    let memory = roots.run().join("storage-driver");
    if let Ok(text) = std::fs::read_to_string(&memory)
        && DRIVERS.contains(&text.as_str())
    {
        return Ok(text);
    }
    let driver = if kernel_overlay_works(roots)? {
        "overlay"
    } else if fuse_works() {
        "fuse-overlayfs"
    } else {
        "vfs"
    };
    crate::storage::atomic::write(&memory, driver.as_bytes(), crate::storage::atomic::Durability::Process)?;
    Ok(driver.to_owned())
}

/// The driver for a container that shows its files with other owners than they are stored with. fuse-overlayfs does it at
/// once; the kernel's overlay, where there is no fuse or the user wants it, needs a tree that is made first ([`shown`]).
pub fn shifting_driver(driver: String, asked: bool) -> String {
    if driver == "overlay" && !asked && fuse_works() { "fuse-overlayfs".to_owned() } else { driver }
}

/// The driver that is used, without trying anything: the one asked for, else the one that worked last, else the usual one.
pub fn known_driver(roots: &Roots, asked: Option<&str>) -> String {
    let memory = std::fs::read_to_string(roots.run().join("storage-driver")).unwrap_or_default();
    let known = asked.unwrap_or(&memory);
    DRIVERS.iter().find(|driver| **driver == known).unwrap_or(&"overlay").to_string()
}

/// Tries it on the file system of the data root: some cannot be an upper layer.
fn kernel_overlay_works(roots: &Roots) -> Result<bool> {
    let dir = tempfile::Builder::new().prefix("overlay-test-").tempdir_in(roots.tmp()).context("testing overlay")?;
    let path = |name: &str| dir.path().join(name);
    for name in ["lower", "upper", "work"] {
        fs::create_dir(&path(name), 0o700)?;
    }
    let attempt = || -> rustix::io::Result<()> {
        let fs = rustix::mount::fsopen(c"overlay", FsOpenFlags::FSOPEN_CLOEXEC)?;
        rustix::process::chdir(dir.path())?;
        rustix::mount::fsconfig_set_string(&fs, c"lowerdir", c"lower")?;
        rustix::mount::fsconfig_set_string(&fs, c"upperdir", c"upper")?;
        rustix::mount::fsconfig_set_string(&fs, c"workdir", c"work")?;
        rustix::mount::fsconfig_set_flag(&fs, c"userxattr")?;
        rustix::mount::fsconfig_create(&fs)?;
        rustix::mount::fsmount(&fs, FsMountFlags::FSMOUNT_CLOEXEC, MountAttrFlags::empty()).map(drop)
    };
    // As a descriptor: it may have been removed, and nobody needs it here.
    let flags = rustix::fs::OFlags::PATH | rustix::fs::OFlags::CLOEXEC;
    let cwd = rustix::fs::open(c".", flags, rustix::fs::Mode::empty()).context("opening the working directory")?;
    let works = attempt().is_ok();
    rustix::process::fchdir(&cwd).context("going back to the working directory")?;
    Ok(works)
}

/// Whether fuse-overlayfs can be used.
pub fn fuse_works() -> bool {
    let device = std::fs::OpenOptions::new().read(true).write(true).open("/dev/fuse").is_ok();
    device && crate::network::lookup::find("fuse-overlayfs").is_some()
}

/// Makes the writable part in `dir`, the directory of a container that is being made. `layers` are topmost first.
pub fn create(dir: &Path, driver: &str, layers: &[PathBuf], shift: Option<&Shift>) -> Result<()> {
    if driver == "vfs" {
        return vfs::create(&dir.join("rootfs"), layers, shift);
    }
    for name in ["upper", "work", "merged"] {
        fs::create_dir(&dir.join(name), 0o700)?;
    }
    // The root directory of the container is the upper one; it looks like that of the topmost layer.
    let upper = dir.join("upper");
    let (mode, uid, gid) = match layers.first().map(std::fs::metadata) {
        Some(Ok(meta)) => (meta.mode() & 0o7777, meta.uid(), meta.gid()),
        _ => (0o755, 0, 0),
    };
    if (uid, gid) != (0, 0) {
        let _ = std::os::unix::fs::chown(&upper, Some(uid), Some(gid));
    }
    std::fs::set_permissions(&upper, std::fs::Permissions::from_mode(mode))
        .with_context(|| format!("setting the mode of `{}`", upper.display()))
}

/// How the runtime gets at the root file system of a container in `dir`.
pub fn root(record: &Record, dir: &Path, roots: &Roots) -> (Root, Option<Fuse>) {
    let lower = layer_paths(record, roots);
    let (upper, work, merged) = (dir.join("upper"), dir.join("work"), dir.join("merged"));
    match record.driver.as_str() {
        "vfs" => (Root::Directory(dir.join("rootfs")), None),
        "fuse-overlayfs" => {
            let (uids, gids) = record.shift.as_ref().map(Shift::options).unwrap_or_default();
            (Root::Directory(merged.clone()), Some(Fuse { lower, upper, work, merged, uids, gids }))
        }
        _ => {
            let (lower, data) = match &record.shown {
                None => (lower, Vec::new()),
                Some(key) if shown::refers(roots, key) => (vec![shown::root(roots, key)], lower),
                Some(key) => (vec![shown::root(roots, key)], Vec::new()),
            };
            (Root::Overlay { lower, data, upper, work, merged, volatile: record.auto_remove }, None)
        }
    }
}

/// What a container's writable part is made upon, topmost first: its layers, or what shows them with other owners.
pub fn base(record: &Record, roots: &Roots) -> Vec<PathBuf> {
    match &record.shown {
        None => layer_paths(record, roots),
        Some(key) => vec![shown::root(roots, key)],
    }
}

/// The directories of a container's layers, topmost first.
pub fn layer_paths(record: &Record, roots: &Roots) -> Vec<PathBuf> {
    if let Some(rootfs) = record.rootfs.as_ref().filter(|_| record.rootfs_overlay) {
        return vec![rootfs.clone()];
    }
    record.layers.iter().rev().map(|diff_id| roots.layers().join(diff_id)).collect()
}
