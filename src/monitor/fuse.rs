//! fuse-overlayfs, where the kernel's overlay is not to be had.

use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::config::Fuse;
use crate::error::{Context, Error, Result};

/// Mounts the root file system. The process ends when it is unmounted, or with the monitor.
pub fn mount(fuse: &Fuse) -> Result<Child> {
    let lower: Vec<String> = fuse.lower.iter().map(|p| p.display().to_string()).collect();
    let options =
        format!("lowerdir={},upperdir={},workdir={}", lower.join(":"), fuse.upper.display(), fuse.work.display());
    let mut command = Command::new("fuse-overlayfs");
    command.args(["-f", "-o", &options]).arg(&fuse.merged);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).process_group(0);
    let mut child = crate::sys::process::spawn_tied(&mut command).map_err(|e| match e.kind() {
        std::io::ErrorKind::NotFound => Error::new("mounting the root file system: `fuse-overlayfs` is not installed")
            .hint("install it, or use `--storage-driver overlay` or `vfs`"),
        _ => Error::from(e).wrap("starting `fuse-overlayfs`"),
    })?;
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        if is_mounted(&fuse.merged) {
            return Ok(child);
        }
        if let Some(status) = child.try_wait().context("waiting for `fuse-overlayfs`")? {
            let mut text = String::new();
            if let Some(mut stderr) = child.stderr.take() {
                let _ = std::io::Read::read_to_string(&mut stderr, &mut text);
            }
            return Err(Error::new(format!(
                "mounting the root file system: `fuse-overlayfs` {status}: {}",
                text.trim()
            ))
            .hint("check that /dev/fuse is there and may be opened by you"));
        }
        if Instant::now() > deadline {
            let _ = child.kill();
            return Err(Error::new(
                "mounting the root file system: `fuse-overlayfs` did not mount it within 10 seconds",
            ));
        }
        // It says nothing when it is ready; the mount point says it.
        let _ = rustix::event::poll(&mut [], Some(&rustix::event::Timespec { tv_sec: 0, tv_nsec: 500_000 }));
    }
}

/// Unmounts it, which ends the process.
pub fn unmount(fuse: &Fuse, mut child: Child) {
    let _ = rustix::mount::unmount(&fuse.merged, rustix::mount::UnmountFlags::DETACH);
    let _ = child.kill();
    let _ = child.wait();
}

fn is_mounted(path: &std::path::Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    let device = |p: &std::path::Path| std::fs::metadata(p).map(|m| m.dev()).ok();
    device(path) != path.parent().and_then(device)
}
