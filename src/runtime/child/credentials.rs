//! Who the process is: user, groups, capabilities.

use std::os::fd::OwnedFd;

use caps::{CapSet, Capability, CapsHashSet};
use nix::unistd::{Gid, Uid};
use oci_spec::runtime::{Capabilities, LinuxCapabilities, Process};

use crate::error::{Context, Result};
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

/// Gives up root for `user` and every capability that the spec does not grant.
///
/// Root keeps the spec's sets. Another user keeps only what was added for it by name (the ambient set), as an execve
/// would clear the rest anyway; the bounding set stays, for set-user-ID programs.
pub fn become_user(user: &User, capabilities: Option<&LinuxCapabilities>) -> Result<()> {
    let set = |of: fn(&LinuxCapabilities) -> &Option<Capabilities>| to_set(capabilities.and_then(|c| of(c).as_ref()));
    let bounding = set(LinuxCapabilities::bounding);
    let (permitted, effective, inheritable, ambient) = if user.uid == 0 {
        (
            set(LinuxCapabilities::permitted),
            set(LinuxCapabilities::effective),
            set(LinuxCapabilities::inheritable),
            CapsHashSet::new(),
        )
    } else {
        let added = set(LinuxCapabilities::ambient);
        (added.clone(), added.clone(), added.clone(), added)
    };
    for capability in caps::all() {
        if !bounding.contains(&capability) && caps::has_cap(None, CapSet::Bounding, capability).unwrap_or(false) {
            caps::drop(None, CapSet::Bounding, capability)
                .map_err(|e| crate::error::Error::new(e.to_string()).wrap(format!("dropping {capability}")))?;
        }
    }
    nix::sys::prctl::set_keepcaps(true).context("keeping capabilities")?;
    change_ids(user)?;
    let apply = |which, set: &CapsHashSet| {
        caps::set(None, which, set)
            .map_err(|e| crate::error::Error::new(e.to_string()).wrap(format!("setting the {which:?} capabilities")))
    };
    // Effective first shrinks to what stays permitted; inheritable must be there before ambient.
    let still: CapsHashSet = effective.intersection(&permitted).copied().collect();
    apply(CapSet::Effective, &still)?;
    apply(CapSet::Inheritable, &inheritable)?;
    apply(CapSet::Permitted, &permitted)?;
    if ambient.is_empty() { Ok(()) } else { apply(CapSet::Ambient, &ambient) }
}

fn change_ids(user: &User) -> Result<()> {
    let single = std::fs::read("/proc/self/setgroups").is_ok_and(|text| text.starts_with(b"deny"));
    if !single {
        let groups: Vec<Gid> = user.groups.iter().map(|g| Gid::from_raw(*g)).collect();
        nix::unistd::setgroups(&groups).context("setting the groups")?;
    }
    let unmapped = |what: &str, id: u32| format!("becoming {what} {id}");
    let hint = "the ID is outside of your range in /etc/subuid and /etc/subgid";
    let gid = Gid::from_raw(user.gid);
    nix::unistd::setresgid(gid, gid, gid)
        .with_context(|| unmapped("group", user.gid))
        .map_err(|e| e.hint(hint).with_kind(crate::error::Kind::CannotInvoke))?;
    let uid = Uid::from_raw(user.uid);
    nix::unistd::setresuid(uid, uid, uid)
        .with_context(|| unmapped("user", user.uid))
        .map_err(|e| e.hint(hint).with_kind(crate::error::Kind::CannotInvoke))
}

fn to_set(capabilities: Option<&Capabilities>) -> CapsHashSet {
    capabilities
        .into_iter()
        .flatten()
        .filter_map(|c| {
            let name = c.to_string();
            let name = if name.starts_with("CAP_") { name } else { format!("CAP_{name}") };
            name.parse::<Capability>().ok()
        })
        .collect()
}
