//! The root file systems of containers, mounted to look into them and to change them: `mount`, within `coracle unshare`.
//!
//! A mount is seen in one mount namespace only, that of `coracle unshare`, and goes with the last process in it. So what is
//! mounted is what is mounted here on the container's own mount point, and nothing is written down.

use std::os::fd::AsRawFd as _;
use std::path::{Path, PathBuf};

use rustix::fs::CWD;
use rustix::mount::MoveMountFlags;

use super::image_mount::{is_mounted, unmount_all};
use super::{Engine, containers, settle};
use crate::container::Record;
use crate::container::snapshot;
use crate::container::store::Container;
use crate::error::{Context, Result};
use crate::image::mounts::number_here;
use crate::monitor::fuse;
use crate::runtime::child::view;
use crate::runtime::launch::{Launch, Root};
use crate::storage::fs;

/// Where a container's root file system is, once it is mounted.
pub fn point(engine: &Engine, record: &Record) -> Result<PathBuf> {
    let dir = engine.roots.container(&record.id);
    if record.is_on_directory() {
        let path = dir.join("launch.json");
        let launch: Launch = fs::read_json(&path)?;
        return match launch.root {
            Root::Directory(path) => Ok(path),
            Root::Overlay { merged, .. } => Ok(merged),
        };
    }
    match snapshot::root(record, &dir, &engine.roots) {
        (Root::Overlay { merged, .. }, _) | (Root::Directory(merged), _) => Ok(merged),
    }
}

/// Mounts the root file system of a container, unless it is mounted already. Returns where.
pub fn mount(engine: &Engine, id: &str) -> Result<PathBuf> {
    let container = settle(engine, id)?;
    let record = &container.record;
    let point = point(engine, record)?;
    if record.is_on_directory() || is_mounted(&point)? {
        return Ok(point);
    }
    let attempt = || -> Result<()> {
        if container.state.status.is_alive() && container.state.pid != 0 {
            return shown_from(&container, &point);
        }
        match snapshot::root(record, &engine.roots.container(&record.id), &engine.roots) {
            // It must outlive this command.
            (_, Some(fuse)) => fuse::mount_untied(&fuse).map(drop),
            (root, None) => {
                // There is one such mount in each mount namespace.
                let dir = engine.roots.container(&record.id);
                let (root, _) = super::view::with_own_work(root, &dir, &number_here()?)?;
                view::attach_here(&root)
            }
        }
    };
    attempt().with_context(|| format!("mounting container `{}`", record.name))?;
    Ok(point)
}

/// The very mount that a running container has: with one of its own, neither would see what the other changes.
fn shown_from(container: &Container, point: &Path) -> Result<()> {
    let mount = view::mount_of_running(container.state.pid, container.state.pid_started).map_err(|error| {
        error.hint("the container was started outside of this `coracle unshare`: begin a new one while it runs")
    })?;
    rustix::mount::move_mount(&mount, c"", CWD, point, MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH)
        .with_context(|| format!("mounting on `{}` (descriptor {})", point.display(), mount.as_raw_fd()))
}

/// Containers whose root file system is mounted in this mount namespace, and where.
pub fn list(engine: &Engine) -> Result<Vec<(Record, PathBuf)>> {
    let mut found = Vec::new();
    for container in containers(engine).list()? {
        // One that is just being removed has none.
        if let Ok(point) = point(engine, &container.record)
            && is_mounted(&point)?
        {
            found.push((container.record, point));
        }
    }
    Ok(found)
}

/// Unmounts it. With `force`, even if something in it is open. One that is not mounted is left as it is.
pub fn unmount(engine: &Engine, id: &str, force: bool) -> Result<()> {
    let container = containers(engine).load(id)?;
    let point = point(engine, &container.record)?;
    if container.record.is_on_directory() {
        return Ok(());
    }
    unmount_all(&point, force)
}
