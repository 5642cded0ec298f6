//! The first process of a container with a user namespace of its own.
//!
//! ```text
//! monitor --fork--> helper  (root of the user's namespace: opens what only that may)
//!                     '--clone3(NEWUSER | NEWNS | ..., CLONE_PARENT)--> the container's first process, the monitor's child
//!                     writes its maps, says its PID, ends
//! ```
//!
//! In its namespace the process may own nothing of the user's: not the files in the container's directory, not the
//! directories that lead to the sources of mounts. So the helper makes all of these as detached mounts, which the process
//! then only attaches. The overlay, too, is the user's namespace's: its layers may be read by nobody else.

use std::io::{Read as _, Write as _};
use std::os::fd::{BorrowedFd, OwnedFd};
use std::path::Path;

use nix::sched::CloneFlags;
use nix::unistd::{Gid, Uid};
use oci_spec::runtime::Spec;

use super::{hide_and_tie, mounts, report_and_exit, root};
use crate::error::{Context, Error, Result};
use crate::runtime::channel;
use crate::runtime::idmap::{self, IdMap, Userns};
use crate::runtime::joined::{self, Joined, PID, USER};
use crate::runtime::launch::Launch;
use crate::runtime::spawn::Streams;
use crate::storage::fs;
use crate::sys::process::{self, Forked};

/// What the helper has made for the process.
pub(super) struct Nested {
    /// The root file system, attached nowhere yet.
    pub root: OwnedFd,
    /// Mounts of the spec, by their place in its list.
    pub opened: mounts::Opened,
}

/// Called in the helper; returns in the container's first process only, which is then root of its namespace. The helper
/// ends in here.
pub(super) fn enter(
    userns: &Userns,
    launch: &Launch,
    spec: &Spec,
    streams: &Streams,
    joined: &[Joined],
    channel: BorrowedFd<'_>,
) -> Result<Nested> {
    let map = userns.map();
    if let Streams::Pipes { stdin, stdout, stderr } = streams {
        give([stdin, stdout, stderr], map);
    }
    // What has to be attached for a moment is nobody else's to see.
    nix::sched::unshare(CloneFlags::CLONE_NEWNS).context("creating a mount namespace")?;
    root::make_slaves()?;
    let nested = Nested { root: root::detached(&launch.root)?, opened: mounts::open_all(spec, joined, map)? };
    // Those of others are for the user's root to join, not for the container's.
    for one in joined {
        one.enter(!(PID | USER))?;
    }
    // For children only: this process stays where it is.
    if let Some(other) = joined::with_pids(joined) {
        other.enter(PID)?;
    }
    let own = IdMap { uids: own_map("uid_map")?, gids: own_map("gid_map")? };
    let (mut waiting, mut go) = std::io::pipe().context("creating a pipe")?;
    let mut flags = launch.namespaces & !(libc::CLONE_NEWUSER as u64);
    match userns {
        Userns::Own(_) => flags |= libc::CLONE_NEWUSER as u64,
        Userns::Join(_) => joined::with_users(joined)
            .ok_or_else(|| Error::new("there is no user namespace to join"))
            .and_then(|other| other.enter(USER))?,
    }
    match process::clone_sibling(flags).context("creating the container's namespaces")? {
        Forked::Child => {
            drop(go);
            hide_and_tie()?;
            if !matches!(waiting.read(&mut [0]), Ok(1)) {
                // The helper has said why.
                process::exit_now(125);
            }
            become_root(map)?;
            Ok(nested)
        }
        Forked::Parent(child) => {
            let mut told = || -> Result<()> {
                if let Userns::Own(map) = userns {
                    write_maps(child.pid, map, &own)?;
                }
                let mut packet = vec![b'C'];
                packet.extend(child.pid.to_le_bytes());
                channel::send(channel, &packet, &[]).context("reporting to the monitor")?;
                go.write_all(b"g").context("writing to a pipe")
            };
            match told() {
                Ok(()) => process::exit_now(0),
                Err(error) => {
                    let _ = process::pidfd_kill(&child.pidfd, libc::SIGKILL);
                    report_and_exit(&error, channel)
                }
            }
        }
    }
}

/// The map of the namespace that this process is in, from its IDs to those of the one above.
fn own_map(file: &str) -> Result<Vec<crate::runtime::userns::Extent>> {
    Ok(idmap::parse_map(&fs::read_to_string(&Path::new("/proc/self").join(file))?))
}

fn write_maps(pid: i32, map: &IdMap, own: &IdMap) -> Result<()> {
    for (file, side, parent) in [("uid_map", &map.uids, &own.uids), ("gid_map", &map.gids, &own.gids)] {
        let path = format!("/proc/{pid}/{file}");
        // In one write, and without what truncating would mean here.
        let text = idmap::map_text(side, parent);
        let opened = std::fs::OpenOptions::new().write(true).open(&path);
        opened.and_then(|mut file| file.write_all(text.as_bytes())).with_context(|| {
            format!("mapping the container's IDs: writing `{}` into `{path}`", text.trim().replace('\n', ", "))
        })?;
    }
    Ok(())
}

/// Becomes user and group 0 of the namespace, or what it has instead.
pub(super) fn become_root(map: &IdMap) -> Result<()> {
    let first = |side: &[crate::runtime::userns::Extent]| match idmap::to_parent(side, 0) {
        Some(_) => Some(0),
        None => side.first().map(|e| e.container_id),
    };
    let none = || Error::new("the container's user namespace has no IDs");
    let gid = Gid::from_raw(first(&map.gids).ok_or_else(none)?);
    nix::unistd::setresgid(gid, gid, gid).context("becoming a group of the container's user namespace")?;
    let uid = Uid::from_raw(first(&map.uids).ok_or_else(none)?);
    nix::unistd::setresuid(uid, uid, uid).context("becoming a user of the container's user namespace")
}

/// Pipes are the container's: its root can then give them to whom they shall belong.
pub(super) fn give<'a>(streams: impl IntoIterator<Item = &'a OwnedFd>, map: &IdMap) {
    use rustix::fs::{FileType, Gid, Uid};
    let (uid, gid) = map.owner();
    for stream in streams {
        if rustix::fs::fstat(stream).is_ok_and(|s| FileType::from_raw_mode(s.st_mode) == FileType::Fifo) {
            let _ = rustix::fs::fchown(stream, Some(Uid::from_raw(uid)), Some(Gid::from_raw(gid)));
        }
    }
}
