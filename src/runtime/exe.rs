//! A copy of the running program that nobody can write to.
//!
//! A process that is about to become a container still has this program as its executable. An image may make the
//! kernel execute it again inside the container (`#!/proc/self/exe`), and from there open it for writing: the user's
//! own binary, on the host (the CVE-2019-5736 family). So the monitor, from which every container process is forked,
//! is executed through a mount of its own: the file alone, read-only, detached. Once the descriptor that made it is
//! closed it belongs to no mount namespace, so that no capability can make it writable again.

use std::ffi::CString;
use std::fs::File;
use std::os::fd::{AsFd as _, AsRawFd as _, OwnedFd, RawFd};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;

use rustix::fs::{MemfdFlags, Mode, OFlags, SealFlags};
use rustix::mount::OpenTreeFlags;

use crate::error::{Context, Result};
use crate::sys::mount::{Attributes, NODEV, NOSUID, RDONLY, set_attributes};
use crate::sys::process;

/// A descriptor of this program's file to execute with fexecve(3). The caller must have CAP_SYS_ADMIN over its mount
/// namespace for the quick way; otherwise, or when the file was replaced on disk, it is copied to a sealed memfd.
pub fn protected() -> Result<OwnedFd> {
    match read_only_mount() {
        Ok(Some(fd)) => Ok(fd),
        Ok(None) | Err(_) => sealed_copy(),
    }
}

/// Makes a process that was just forked ready to be executed as another face of this program (`whose`, for errors): a
/// session of its own, the descriptors of `passed` under the numbers that go with them and no others, and /dev/null as its
/// standard streams unless it keeps the caller's. What is to be executed is returned: a file that nobody can write to.
pub fn prepare(whose: &str, passed: &[(RawFd, RawFd)], keep_streams: bool) -> Result<OwnedFd> {
    let _ = nix::unistd::setsid();
    // First out of the way of the numbers that are to be taken, then onto them.
    let above = passed.iter().map(|(_, number)| number + 1).fold(3, i32::max);
    let copy =
        |fd: RawFd| rustix::io::fcntl_dupfd_cloexec(process::borrow(fd), above).context("duplicating a descriptor");
    let onto = |fd: &OwnedFd, number| {
        process::dup_onto(fd.as_raw_fd(), number).with_context(|| format!("passing descriptors to {whose}"))
    };
    let program = copy(protected()?.as_raw_fd())?;
    let copies = passed.iter().map(|(fd, _)| copy(*fd)).collect::<Result<Vec<_>>>()?;
    for (fd, (_, number)) in copies.iter().zip(passed) {
        onto(fd, *number)?;
    }
    if !keep_streams {
        let null = rustix::fs::open(c"/dev/null", OFlags::RDWR, Mode::empty()).context("opening `/dev/null`")?;
        let null = copy(null.as_raw_fd())?;
        for number in 0..3 {
            onto(&null, number)?;
        }
    }
    let numbers: Vec<RawFd> = passed.iter().map(|(_, number)| *number).collect();
    process::cloexec_all_but(&numbers).context("marking descriptors close-on-exec")?;
    process::default_signals();
    let _ = rustix::process::chdir(c"/");
    Ok(program)
}

/// What a process of this program's that lives on keeps of its environment: all that helpers need (slirp4netns, pasta,
/// fuse-overlayfs). No secret of the caller's stays in memory.
pub fn environment() -> Vec<CString> {
    let kept = |key: &std::ffi::OsStr| matches!(key.to_str(), Some("PATH" | "HOME" | "XDG_RUNTIME_DIR" | "TZ"));
    std::env::vars_os()
        .filter(|(key, _)| kept(key))
        .filter_map(|(key, value)| CString::new([key.as_bytes(), b"=", value.as_bytes()].concat()).ok())
        .collect()
}

/// `None` when the name of the executable does not lead to it any more.
fn read_only_mount() -> std::io::Result<Option<OwnedFd>> {
    // The magic link leads to a mount of the namespace that we came from; only a mount of our own can be cloned.
    let path = std::fs::read_link("/proc/self/exe")?;
    let flags = OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC;
    let mount = rustix::mount::open_tree(rustix::fs::CWD, &path, flags)?;
    let running = std::fs::metadata("/proc/self/exe")?;
    let found = rustix::fs::fstat(&mount)?;
    if (found.st_dev, found.st_ino) != (running.dev(), running.ino()) {
        return Ok(None);
    }
    set_attributes(mount.as_fd(), Attributes { set: RDONLY | NOSUID | NODEV, ..Attributes::default() }, false)?;
    Ok(Some(mount))
}

fn sealed_copy() -> Result<OwnedFd> {
    let mut from = File::open("/proc/self/exe").context("opening `/proc/self/exe`")?;
    let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
    let memfd = rustix::fs::memfd_create(c"coracle", flags).context("creating a memory file")?;
    let mut to = File::from(memfd);
    std::io::copy(&mut from, &mut to).context("copying `/proc/self/exe` to memory")?;
    let seals = SealFlags::SEAL | SealFlags::SHRINK | SealFlags::GROW | SealFlags::WRITE;
    rustix::fs::fcntl_add_seals(&to, seals).context("sealing the copy of `/proc/self/exe`")?;
    Ok(to.into())
}
