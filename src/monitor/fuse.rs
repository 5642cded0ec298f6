//! fuse-overlayfs, where the kernel's overlay is not to be had.

use std::fs::File;
use std::io::{Read as _, Seek as _};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::fs::{MemfdFlags, SealFlags};
use rustix::mount::UnmountFlags;

use crate::error::{Context, Error, Result};
use crate::runtime::launch::Fuse;

/// How long it may take to mount.
const MOUNT_DEADLINE: Duration = Duration::from_secs(10);
/// How long it may take to end after it was unmounted.
const END_DEADLINE: Duration = Duration::from_secs(2);

/// Mounts the root file system. The process ends when it is unmounted, or with the monitor.
pub fn mount(fuse: &Fuse) -> Result<Child> {
    start(fuse, true, true)
}

/// The same without a monitor: the process ends only when it is unmounted, or with its mount namespace.
pub fn mount_untied(fuse: &Fuse) -> Result<Child> {
    start(fuse, true, false)
}

/// Mounts an overlay beside the root: writable if it has an upper directory.
pub fn mount_overlay(fuse: &Fuse) -> Result<Child> {
    start(fuse, !fuse.upper.as_os_str().is_empty(), true)
}

/// Mounts the same for reading, on the same mount point but in another mount namespace. The writable layer may be in use.
pub fn mount_read_only(fuse: &Fuse) -> Result<Child> {
    start(fuse, false, true)
}

fn start(fuse: &Fuse, writable: bool, tied: bool) -> Result<Child> {
    // Names relative to the data root are short, and the root's own path may have characters that mean something in the
    // option: commas and colons.
    let root = fuse.merged.ancestors().nth(3).unwrap_or(Path::new("/")).to_owned();
    let name = |path: &Path| path.strip_prefix(&root).unwrap_or(path).display().to_string();
    // A directory of the user's may have them as well: then it goes by a link beside the mount point.
    let safe = |path: &Path, link: &str| -> Result<String> {
        let plain = name(path);
        if !plain.contains([',', ':', '\\', '"']) {
            return Ok(plain);
        }
        let link = fuse.merged.with_file_name(link);
        crate::storage::fs::remove_file_if_exists(&link)?;
        std::os::unix::fs::symlink(path, &link).with_context(|| format!("creating `{}`", link.display()))?;
        Ok(name(&link))
    };
    let mut lower = Vec::new();
    for (number, path) in fuse.lower.iter().enumerate() {
        lower.push(safe(path, &format!("lower-{number}"))?);
    }
    let options = if writable {
        if lower.is_empty() {
            // It wants one. The mount point is empty.
            lower.push(name(&fuse.merged));
        }
        let (upper, work) = (safe(&fuse.upper, "upper-link")?, safe(&fuse.work, "work-link")?);
        format!("lowerdir={},upperdir={upper},workdir={work}", lower.join(":"))
    } else {
        if !fuse.upper.as_os_str().is_empty() {
            lower.insert(0, name(&fuse.upper));
        }
        format!("lowerdir={}", lower.join(":"))
    };
    // Who only reads wants the owners as they are stored: the container's own.
    let shift = |name: &str, map: &str| match (writable, map) {
        (false, _) | (_, "") => String::new(),
        _ => format!(",{name}={map}"),
    };
    let options = [options, shift("uidmapping", &fuse.uids), shift("gidmapping", &fuse.gids)].concat();
    // What it says is read if it fails, and cannot grow any more once it runs: nobody would read it, and a pipe would
    // fill up and block it.
    let memory = rustix::fs::memfd_create(c"fuse-overlayfs", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING);
    let mut said = File::from(memory.context("creating a memory file")?);
    let stderr = said.try_clone().context("duplicating a descriptor")?;
    let mut command = Command::new("fuse-overlayfs");
    command.args(["-f", "-o", &options]).arg(name(&fuse.merged)).current_dir(&root);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(stderr).process_group(0);
    let before = device(&fuse.merged);
    let spawned = if tied { crate::sys::process::spawn_tied(&mut command) } else { command.spawn() };
    let mut child = spawned.map_err(|e| match e.kind() {
        std::io::ErrorKind::NotFound => Error::new("mounting the root file system: `fuse-overlayfs` is not installed")
            .hint("install it, or use `--storage-driver overlay` or `vfs`"),
        _ => Error::from(e).wrap("starting `fuse-overlayfs`"),
    })?;
    let deadline = Instant::now() + MOUNT_DEADLINE;
    loop {
        if let Some(status) = child.try_wait().context("waiting for `fuse-overlayfs`")? {
            let mut text = String::new();
            let _ = said.rewind().and_then(|()| said.read_to_string(&mut text));
            return Err(Error::new(format!(
                "mounting the root file system: `fuse-overlayfs` {status}: {}",
                text.trim()
            ))
            .hint("check that /dev/fuse is there and may be opened by you"));
        }
        if device(&fuse.merged).is_some_and(|now| Some(now) != before) {
            let _ = rustix::fs::fcntl_add_seals(&said, SealFlags::GROW);
            return Ok(child);
        }
        if Instant::now() > deadline {
            let _ = child.kill();
            let _ = child.wait();
            return Err(Error::new(
                "mounting the root file system: `fuse-overlayfs` did not mount it within 10 seconds",
            ));
        }
        // It says nothing when it is ready; the mount point says it.
        rest(Duration::from_micros(500));
    }
}

/// Unmounts it, which ends the process.
pub fn unmount(fuse: &Fuse, mut child: Child) {
    // Not lazily if possible: that writes what the kernel still holds back. The last process of the container may not be
    // quite gone.
    let deadline = Instant::now() + Duration::from_millis(100);
    while rustix::mount::unmount(&fuse.merged, UnmountFlags::empty()) == Err(rustix::io::Errno::BUSY) {
        if Instant::now() > deadline {
            let _ = rustix::mount::unmount(&fuse.merged, UnmountFlags::DETACH);
            break;
        }
        rest(Duration::from_millis(1));
    }
    let deadline = Instant::now() + END_DEADLINE;
    while let Ok(None) = child.try_wait() {
        if Instant::now() > deadline {
            let _ = child.kill();
            let _ = child.wait();
            return;
        }
        rest(Duration::from_millis(1));
    }
}

/// The file system at `path`; `None` also when a dead process has mounted it.
fn device(path: &Path) -> Option<u64> {
    use std::os::unix::fs::MetadataExt as _;
    std::fs::metadata(path).map(|m| m.dev()).ok()
}

fn rest(time: Duration) {
    let time = rustix::event::Timespec { tv_sec: 0, tv_nsec: i64::from(time.subsec_nanos()) };
    let _ = rustix::event::poll(&mut [], Some(&time));
}
