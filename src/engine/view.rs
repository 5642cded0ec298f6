//! The file system of a container as it sees it, running or not (see [`crate::runtime::child::view`]).

use std::path::{Path, PathBuf};
use std::process::Child;

use oci_spec::runtime::{Mount, Spec};

use super::{Engine, containers};
use crate::container::snapshot;
use crate::container::store::Container;
use crate::error::{Context, Error, Result};
use crate::monitor::fuse;
use crate::runtime::child::view::{self, View};
use crate::runtime::launch::{Fuse, Launch, Root};
use crate::storage::lock::Lock;
use crate::storage::unpack::remove_tree;
use crate::storage::{fs, id};

/// The view, and what has to be undone after it.
#[derive(Debug)]
pub struct Open {
    view: Option<View>,
    fuse: Option<(Fuse, Child)>,
    /// See [`with_own_work`].
    work: Option<PathBuf>,
    /// Dropped last.
    _lock: Option<Lock>,
}

impl Open {
    /// The view.
    pub fn view(&self) -> Result<&View> {
        self.view.as_ref().ok_or_else(|| Error::new("the container's file system is closed"))
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        drop(self.view.take());
        if let Some((fuse, child)) = self.fuse.take() {
            fuse::unmount(&fuse, child);
        }
        if let Some(work) = self.work.take() {
            // What is left goes with the container.
            let _ = remove_tree(&work);
        }
    }
}

/// The root with a work directory of this name in the container's, and where that is. An overlay empties its work directory
/// when it is mounted: with the same one, a container that is just being started, or another cp, could change no file of
/// its image any more.
pub(super) fn with_own_work(mut root: Root, dir: &Path, name: &str) -> Result<(Root, Option<PathBuf>)> {
    let Root::Overlay { work, .. } = &mut root else { return Ok((root, None)) };
    let own = dir.join(format!("work-{name}"));
    fs::create_private_dir_all(&own)?;
    work.clone_from(&own);
    Ok((root, Some(own)))
}

/// The view of a container that runs; `None` of one that does not. To be called before this process enters the user
/// namespace.
pub fn if_running(engine: &Engine, container: &Container) -> Result<Option<Open>> {
    let state = &container.state;
    if !state.status.is_alive() || state.pid == 0 {
        return Ok(None);
    }
    match view::of_running(state.pid, state.pid_started) {
        Ok(view) => Ok(Some(Open { view: Some(view), fuse: None, work: None, _lock: None })),
        Err(error) => match containers(engine).load(&container.record.id)?.state.status.is_alive() {
            true => Err(error.wrap(format!("opening the file system of container `{}`", container.record.name))),
            // It has ended just now.
            false => Ok(None),
        },
    }
}

/// The view of a container that does not run: its root file system, with the volumes and the directories and files of the
/// host that it will have when it runs. What begins empty at each start is not there. To be called in the user namespace.
/// `lock`: that of who writes ([`crate::container::resting`]). Whoever reads takes none, so that no two wait for each other.
pub fn stopped(engine: &Engine, container: &Container, lock: Option<Lock>) -> Result<Open> {
    let record = &container.record;
    let context = || format!("opening the file system of container `{}`", record.name);
    let dir = engine.roots.container(&record.id);
    let (root, fuse) = if record.is_on_directory() {
        let path = dir.join("launch.json");
        let launch: Launch = fs::read_json(&path)?;
        (launch.root, None)
    } else {
        snapshot::root(record, &dir, &engine.roots)
    };
    let path = dir.join("config.json");
    let spec: Spec = fs::read_json(&path)?;
    let mut mounts = spec.mounts().clone().unwrap_or_default();
    mounts.retain(|mount| lasts(mount, &dir));
    for mount in &mut mounts {
        // A writable layer that begins empty at each start is not there now: what it lies on is seen, and cannot be written.
        let fresh = |option: &String| {
            let upper = option.strip_prefix("upperdir=").or_else(|| option.strip_prefix("workdir="));
            upper.is_some_and(|path| Path::new(path).starts_with(&dir))
        };
        if let Some(options) = mount.options_mut() {
            options.retain(|option| !fresh(option));
        }
    }
    let fuse = match fuse {
        Some(fuse) => {
            let child = fuse::mount(&fuse).with_context(context)?;
            Some((fuse, child))
        }
        None => None,
    };
    // As when it starts: filled, and what is mounted over them mounted here.
    let _volumes = super::volumes::ready(engine, record).with_context(context)?;
    let (root, work) = with_own_work(root, &dir, &id::hex(&id::random::<8>()?))?;
    let mut open = Open { view: None, fuse, work, _lock: lock };
    open.view = Some(view::of_stopped(&root, mounts).with_context(context)?);
    Ok(open)
}

/// Whether a mount shows the same in every run: a volume, or something of the host's. The files that the engine writes at
/// each start are none of these.
fn lasts(mount: &Mount, container_dir: &Path) -> bool {
    let destination = mount.destination();
    let of_the_kernel = ["/proc", "/sys", "/dev"].iter().any(|path| destination.starts_with(path));
    let kind = mount.typ().as_deref();
    let fresh = matches!(kind, Some("tmpfs" | "ramfs" | "proc" | "sysfs" | "devpts" | "mqueue" | "cgroup" | "cgroup2"));
    // What an overlay takes goes with the run.
    let fresh = fresh || kind == Some("overlay");
    let source = mount.source().as_deref();
    let ours = source.is_some_and(|source| {
        source.parent() == Some(container_dir) || source.starts_with(container_dir.join("overlays"))
    });
    // One that is gone cannot be shown, and is no reason not to show the rest.
    let gone = mount.typ().as_deref() == Some("bind") && source.is_none_or(|source| !source.exists());
    !of_the_kernel && !fresh && !ours && !gone
}
