//! The file system of a container as a tar archive.

use std::io::Write;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::Child;

use rustix::fs::{Mode, OFlags};
use rustix::mount::{FsMountFlags, FsOpenFlags, MountAttrFlags};

use super::{Engine, containers, enter_userns};
use crate::container::{Record, snapshot, userns};
use crate::error::{Context, Error, Result};
use crate::monitor::fuse;
use crate::runtime::launch::Fuse;
use crate::runtime::launch::{Launch, Root};
use crate::storage::fs;
use crate::storage::tree::archive::{self, End};

/// Writes the whole root file system of a container, running or not, as it is without its mounts. Owners are those that
/// the container sees. That nobody reads to the end is no error.
pub fn export(engine: &Engine, id: &str, output: &mut dyn Write) -> Result<()> {
    let container = containers(engine).load(id)?;
    enter_userns(engine)?;
    let source = Source::open(engine, &container.record)?;
    let root = source.root.try_clone().context("duplicating a descriptor")?;
    let numbers = userns::disk_map(&container.record).map(userns::to_own);
    let options = archive::Options { renumber: numbers.as_ref(), ..archive::Options::default() };
    let end = archive::write_with(root, &options, output);
    let end = end.with_context(|| format!("exporting container `{}`", container.record.name));
    source.close();
    match end? {
        End::Complete | End::ReaderGone => Ok(()),
    }
}

/// The root directory of a container to read from, and what has to be undone.
pub(super) struct Source {
    pub root: OwnedFd,
    fuse: Option<(Fuse, Child)>,
}

impl Source {
    /// Opens it as it is without its mounts. Its own first process may have it mounted at the same time.
    pub fn open(engine: &Engine, record: &Record) -> Result<Self> {
        let dir = engine.roots.container(&record.id);
        let directory = |path: &Path| Ok(Source { root: open(path)?, fuse: None });
        if record.is_on_directory() {
            let path = dir.join("launch.json");
            let launch: Launch = fs::read_json(&path)?;
            return match &launch.root {
                Root::Directory(path) => directory(path),
                Root::Overlay { .. } => Err(Error::new("the root file system of the container is not known")),
            };
        }
        match snapshot::root(record, &dir, &engine.roots) {
            (Root::Overlay { lower, data, upper, merged, .. }, _) => {
                let root = read_only_overlay(upper, lower, &data, merged)
                    .map_err(|e| Error::from(e).wrap("mounting the container's root file system to read it"))?;
                Ok(Source { root, fuse: None })
            }
            (Root::Directory(merged), Some(fuse)) => {
                let child = fuse::mount_read_only(&fuse)?;
                let root = open(&merged)?;
                Ok(Source { root, fuse: Some((fuse, child)) })
            }
            (Root::Directory(path), None) => directory(&path),
        }
    }

    pub fn close(self) {
        drop(self.root);
        if let Some((fuse, child)) = self.fuse {
            fuse::unmount(&fuse, child);
        }
    }
}

/// The writable layer and the image's, all read-only: the container may have them mounted itself. The mount is attached
/// nowhere and goes with its descriptor.
fn read_only_overlay(
    upper: PathBuf,
    lower: Vec<PathBuf>,
    data: &[PathBuf],
    empty: PathBuf,
) -> rustix::io::Result<OwnedFd> {
    let mut layers = vec![upper];
    layers.extend(lower);
    if layers.len() == 1 {
        // There must be two; the mount point is an empty directory in this mount namespace.
        layers.push(empty);
    }
    let mount = |by_layers: bool| -> rustix::io::Result<OwnedFd> {
        let fs = rustix::mount::fsopen(c"overlay", FsOpenFlags::FSOPEN_CLOEXEC)?;
        if by_layers {
            for layer in &layers {
                rustix::mount::fsconfig_set_string(&fs, c"lowerdir+", layer)?;
            }
            for layer in data {
                rustix::mount::fsconfig_set_string(&fs, c"datadir+", layer)?;
            }
        } else {
            let fds = layers.iter().map(|path| open_path(path)).collect::<rustix::io::Result<Vec<_>>>()?;
            let names: Vec<_> = fds.iter().map(name_of).collect();
            rustix::mount::fsconfig_set_string(&fs, c"lowerdir", names.join(":"))?;
            return finish(&fs);
        }
        finish(&fs)
    };
    match mount(true) {
        // Before Linux 6.5 there is no `lowerdir+`.
        Err(rustix::io::Errno::INVAL) => mount(false),
        result => result,
    }
}

fn finish(fs: &OwnedFd) -> rustix::io::Result<OwnedFd> {
    rustix::mount::fsconfig_set_flag(fs, c"userxattr")?;
    // An index would make the kernel refuse layers that a running container has mounted.
    rustix::mount::fsconfig_set_string(fs, c"index", c"off")?;
    rustix::mount::fsconfig_create(fs)?;
    let mount = rustix::mount::fsmount(fs, FsMountFlags::FSMOUNT_CLOEXEC, MountAttrFlags::MOUNT_ATTR_RDONLY)?;
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    rustix::fs::openat(&mount, c".", flags, Mode::empty())
}

fn open_path(path: &Path) -> rustix::io::Result<OwnedFd> {
    rustix::fs::open(path, OFlags::PATH | OFlags::CLOEXEC, Mode::empty())
}

/// A name short enough for many of them to fit in one string.
fn name_of(fd: &OwnedFd) -> String {
    use std::os::fd::AsRawFd as _;
    format!("/proc/self/fd/{}", fd.as_raw_fd())
}

pub(super) fn open(path: &Path) -> Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    rustix::fs::open(path, flags, Mode::empty()).with_context(|| format!("opening `{}`", path.display()))
}
