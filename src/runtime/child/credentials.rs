//! Who the process is: user, groups, capabilities.

use std::os::fd::OwnedFd;

use nix::unistd::{Gid, Uid};
use oci_spec::runtime::{LinuxCapabilities, Process};

use crate::error::{Context, Result};
use crate::runtime::caps::{self, CapSet, ProcessCaps};
use crate::runtime::passwd;

/// The user as the container's files name it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    pub uid: u32,
    pub gid: u32,
    pub groups: Vec<u32>,
    pub home: Option<String>,
}

/// Looks the spec's user up in the container's passwd and group files.
///
/// # Errors
/// No such user or group: [`crate::error::Kind::CannotInvoke`].
pub fn resolve(process: &Process, extra_groups: &[String], root: &OwnedFd) -> Result<User> {
    use std::os::fd::AsFd as _;
    let user = process.user();
    let by_number;
    let (name, mut groups) = match user.username() {
        Some(name) => (name.as_str(), Vec::new()),
        None => {
            by_number = format!("{}:{}", user.uid(), user.gid());
            (by_number.as_str(), user.additional_gids().clone().unwrap_or_default())
        }
    };
    let found = passwd::resolve(name, extra_groups, root.as_fd())?;
    for group in &found.groups {
        if !groups.contains(group) {
            groups.push(*group);
        }
    }
    Ok(User { uid: found.uid, gid: found.gid, groups, home: found.home })
}

/// Pipes and terminals belong to the user, so that a program may open `/dev/stdout` again.
pub fn give_streams(streams: &[OwnedFd; 3], uid: u32) {
    use rustix::fs::FileType;
    for stream in streams {
        let Ok(stat) = rustix::fs::fstat(stream) else { continue };
        let kind = FileType::from_raw_mode(stat.st_mode);
        let is_null = kind == FileType::CharacterDevice && stat.st_rdev == rustix::fs::makedev(1, 3);
        if matches!(kind, FileType::Fifo | FileType::CharacterDevice) && !is_null {
            let _ = rustix::fs::fchown(stream, Some(rustix::fs::Uid::from_raw(uid)), None);
        }
    }
}

/// Whether this process may change its groups: not in a user namespace that was mapped without newgidmap. To be asked
/// while /proc is still the host's, as an image may have a file of its own there, and the groups of the user would stay.
pub fn may_set_groups() -> bool {
    !std::fs::read("/proc/self/setgroups").is_ok_and(|text| text.starts_with(b"deny"))
}

/// Gives up root for `user` and every capability that the spec does not grant.
///
/// Root keeps the spec's sets. Another user keeps only what was added for it by name (the ambient set), as an execve
/// would clear the rest anyway; the bounding set stays, for set-user-ID programs.
pub fn become_user(user: &User, capabilities: Option<&LinuxCapabilities>, may_set_groups: bool) -> Result<()> {
    let sets = sets_of(user.uid, &capabilities.map(ProcessCaps::from_oci).unwrap_or_default());
    sets.limit_bounding().context("limiting the capabilities")?;
    caps::keep_across_setuid()?;
    change_ids(user, may_set_groups)?;
    sets.apply().context("setting the capabilities")
}

/// What the user with this ID gets of the spec's sets.
fn sets_of(uid: u32, spec: &ProcessCaps) -> ProcessCaps {
    if uid == 0 {
        let effective = spec.effective.intersection(spec.permitted);
        return ProcessCaps { effective, ambient: CapSet::EMPTY, ..*spec };
    }
    ProcessCaps::for_user(spec.bounding, spec.ambient, uid)
}

fn change_ids(user: &User, may_set_groups: bool) -> Result<()> {
    let unmapped = |what: &str, id: u32| format!("becoming {what} {id}");
    let hint = "the container's user namespace does not have this ID: give it more with `--userns` or `--uidmap`, or \
                yourself in /etc/subuid and /etc/subgid";
    if may_set_groups {
        let groups: Vec<Gid> = user.groups.iter().map(|g| Gid::from_raw(*g)).collect();
        nix::unistd::setgroups(&groups)
            .with_context(|| format!("joining the groups {:?}", user.groups))
            .map_err(|e| e.hint(hint).with_kind(crate::error::Kind::CannotInvoke))?;
    }
    let gid = Gid::from_raw(user.gid);
    nix::unistd::setresgid(gid, gid, gid)
        .with_context(|| unmapped("group", user.gid))
        .map_err(|e| e.hint(hint).with_kind(crate::error::Kind::CannotInvoke))?;
    let uid = Uid::from_raw(user.uid);
    nix::unistd::setresuid(uid, uid, uid)
        .with_context(|| unmapped("user", user.uid))
        .map_err(|e| e.hint(hint).with_kind(crate::error::Kind::CannotInvoke))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_users_keep_only_what_was_added_for_them() -> Result<()> {
        let (all, added) = (CapSet::from_names(&["CHOWN", "KILL"])?, CapSet::from_names(&["KILL"])?);
        let spec = ProcessCaps { bounding: all, effective: all, permitted: all, inheritable: added, ambient: added };
        let own = sets_of(1000, &spec);
        assert_eq!((own.bounding, own.effective, own.permitted), (all, added, added));
        assert_eq!((own.inheritable, own.ambient), (added, added));
        let root = sets_of(0, &spec);
        assert_eq!((root.bounding, root.effective, root.permitted), (all, all, all));
        assert_eq!((root.inheritable, root.ambient), (added, CapSet::EMPTY));
        let none = sets_of(1000, &ProcessCaps { ambient: CapSet::EMPTY, ..spec });
        assert_eq!((none.bounding, none.permitted), (all, CapSet::EMPTY));
        Ok(())
    }
}
