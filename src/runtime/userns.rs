//! The user's user namespace: which IDs it maps, making it, joining it.
//!
//! Container ID 0 is the user, 1 and up are the user's ranges of /etc/subuid and /etc/subgid, one after the other, as
//! newuidmap(1) and newgidmap(1) permit. Where there are none, only ID 0 is mapped. The namespace has no anchor of its
//! own: it is joined from a live monitor where there is one, and made anew where there is none.
//!
//! Making it costs two executions of set-user-ID programs, 1.5 ms each, so they run side by side and beside whatever
//! the caller does between [`begin`] and [`Pending::finish`].

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::fd::{AsFd as _, AsRawFd as _, OwnedFd};
use std::path::Path;
use std::time::{Duration, Instant};

use nix::sched::CloneFlags;

use super::idmap::{IdMap, parse_map};
use super::subid;
use crate::error::{Context, Error, Kind, Result};
use crate::storage::{Roots, fs};
use crate::sys::process::{self, Forked};

/// One line of a uid_map or gid_map.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Extent {
    #[serde(rename = "c")]
    pub container_id: u32,
    #[serde(rename = "h")]
    pub host_id: u32,
    #[serde(rename = "n")]
    pub size: u32,
}

/// What the namespace maps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mapping {
    pub uids: Vec<Extent>,
    pub gids: Vec<Extent>,
    /// Why only one ID is mapped, if that is so: a warning for the user.
    pub single_because: Option<String>,
}

impl Mapping {
    /// Whether only ID 0 exists in the namespace.
    pub fn is_single(&self) -> bool {
        self.uids.len() == 1 && self.uids.first().is_some_and(|e| e.size == 1)
    }

    /// Whether root of the namespace is the host's root. (In a container, whose own root is 0 as well, it looks so too.)
    pub fn maps_host_root(&self) -> bool {
        self.uids.first().is_some_and(|e| e.host_id == 0)
    }

    /// The same without the reason.
    pub fn id_map(&self) -> IdMap {
        IdMap { uids: self.uids.clone(), gids: self.gids.clone() }
    }

    /// Whether this group exists in the namespace.
    pub fn has_gid(&self, gid: u32) -> bool {
        self.gids.iter().any(|e| gid >= e.container_id && gid - e.container_id < e.size)
    }
}

/// The mapping that this user is entitled to.
///
/// # Errors
/// Malformed lines of the user in /etc/subuid or /etc/subgid.
pub fn mapping() -> Result<Mapping> {
    let uid = nix::unistd::getuid().as_raw();
    let gid = nix::unistd::getgid().as_raw();
    let name = user_name(uid);
    let uids = ranges_of(Path::new("/etc/subuid"), &name, uid)?;
    let gids = ranges_of(Path::new("/etc/subgid"), &name, uid)?;
    let single_because = match (uids.is_empty(), gids.is_empty()) {
        (false, false) => None,
        _ if uid == 0 => return Ok(mapping_of_root()),
        (true, _) => Some(format!("no subordinate user IDs for `{name}` in /etc/subuid")),
        (_, true) => Some(format!("no subordinate group IDs for `{name}` in /etc/subgid")),
    };
    if single_because.is_some() {
        return Ok(Mapping { uids: extents(uid, &[]), gids: extents(gid, &[]), single_because });
    }
    Ok(Mapping { uids: extents(uid, &uids), gids: extents(gid, &gids), single_because })
}

/// Root needs nobody's permission. Without ranges of its own it takes those above what systemd and useradd give out; in
/// a user namespace that does not have them (a container), all that it has.
fn mapping_of_root() -> Mapping {
    let read = |file: &str| parse_map(&std::fs::read_to_string(file).unwrap_or_default());
    let uids = root_extents(&read("/proc/self/uid_map"));
    let gids = root_extents(&read("/proc/self/gid_map"));
    let is_single = |all: &[Extent]| all.iter().map(|e| e.size).sum::<u32>() <= 1;
    if is_single(&uids) || is_single(&gids) {
        let because = Some("this user namespace has no other IDs".to_owned());
        return Mapping { uids: extents(0, &[]), gids: extents(0, &[]), single_because: because };
    }
    Mapping { uids, gids, single_because: None }
}

/// What root of a namespace with this map can map.
fn root_extents(own: &[Extent]) -> Vec<Extent> {
    const HIGH: subid::Range = subid::Range { start: 2_130_706_432, count: 65536 };
    let has_high = |e: &Extent| {
        e.container_id <= HIGH.start
            && u64::from(HIGH.start) + u64::from(HIGH.count) <= u64::from(e.container_id) + u64::from(e.size)
    };
    if own.iter().any(has_high) {
        return extents(0, &[HIGH]);
    }
    own.iter().map(|e| Extent { host_id: e.container_id, ..*e }).collect()
}

fn extents(own: u32, ranges: &[subid::Range]) -> Vec<Extent> {
    let mut all = vec![Extent { container_id: 0, host_id: own, size: 1 }];
    let mut next = 1_u32;
    for range in ranges {
        all.push(Extent { container_id: next, host_id: range.start, size: range.count });
        next = next.saturating_add(range.count);
    }
    all
}

/// The ranges of the user of this name in /etc/subuid or /etc/subgid.
pub fn named_ranges(path: &Path, name: &str) -> Result<Vec<subid::Range>> {
    let id = crate::runtime::passwd::users(&fs::read_optional(Path::new("/etc/passwd"))?.unwrap_or_default())
        .find(|user| user.name == name.as_bytes())
        .map_or(u32::MAX, |user| user.uid);
    ranges_of(path, name, id)
}

/// The map of the user namespace that a file stands for, to the IDs of the one that this process is in; `None` if it is
/// the same. The process has one thread.
///
/// # Errors
/// There is no such file, or the namespace may not be joined.
pub fn map_of_file(path: &Path) -> Result<Option<IdMap>> {
    use std::os::unix::fs::MetadataExt as _;
    let named = || format!("`{}`", path.display());
    let file = File::open(path).with_context(named)?;
    let (theirs, own) = (file.metadata().with_context(named)?, std::fs::metadata("/proc/self/ns/user")?);
    if (theirs.dev(), theirs.ino()) == (own.dev(), own.ino()) {
        return Ok(None);
    }
    let (mut reader, mut writer) = std::io::pipe().context("creating a pipe")?;
    match process::fork().context("forking")? {
        Forked::Child => {
            let told =
                nix::sched::setns(&file, CloneFlags::CLONE_NEWUSER).map_err(std::io::Error::from).and_then(|()| {
                    let read = |name: &str| std::fs::read_to_string(format!("/proc/self/{name}"));
                    writer.write_all(format!("{}\n\n{}", read("uid_map")?, read("gid_map")?).as_bytes())
                });
            process::exit_now(
                told.map_or_else(|e| e.raw_os_error().and_then(|n| n.try_into().ok()).unwrap_or(1), |()| 0),
            );
        }
        Forked::Parent(pid) => {
            drop(writer);
            let mut text = String::new();
            let read = reader.read_to_string(&mut text);
            let status = process::wait(pid).context("waiting for a child")?;
            if status != 0 {
                let errno = nix::errno::Errno::from_raw(process::exit_code(status));
                let error = Error::from(errno).wrap(format!("joining the user namespace {}", named()));
                return Err(match errno {
                    nix::errno::Errno::EINVAL => error.hint("it must be a file like /proc/PID/ns/user"),
                    _ => error,
                });
            }
            read.context("reading a pipe")?;
            let (uids, gids) = text.split_once("\n\n\n").unwrap_or((&text, ""));
            Ok(Some(IdMap { uids: parse_map(uids), gids: parse_map(gids) }))
        }
    }
}

fn ranges_of(path: &Path, name: &str, id: u32) -> Result<Vec<subid::Range>> {
    let Some(bytes) = fs::read_optional(path)? else { return Ok(Vec::new()) };
    subid::ranges(&String::from_utf8_lossy(&bytes), name, id).map_err(|e| {
        Error::new(format!("reading `{}`: line {} for `{name}`: {}", path.display(), e.line, e.reason))
            .hint(format!("as root, write a line like `{name}:100000:65536` there"))
    })
}

/// The login name of a user, by /etc/passwd, else by the system's other sources, else the number.
pub fn user_name(uid: u32) -> String {
    let passwd = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    if let Some(name) = name_in_passwd(&passwd, uid) {
        return name.to_owned();
    }
    // Users of a directory service are not in the file; a static program cannot load the plugins that know them.
    let output = std::process::Command::new("getent").args(["passwd", &uid.to_string()]).output();
    let text = output.map(|o| String::from_utf8_lossy(&o.stdout).into_owned()).unwrap_or_default();
    name_in_passwd(&text, uid).map_or_else(|| uid.to_string(), str::to_owned)
}

fn name_in_passwd(passwd: &str, uid: u32) -> Option<&str> {
    passwd.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)?.parse() == Ok(uid)).then_some(name)
    })
}

/// A namespace whose mapping is being written.
#[derive(Debug)]
#[must_use = "the namespace has no IDs before `finish`"]
pub struct Pending {
    mapping: Mapping,
    writers: Vec<Writer>,
}

/// A child in the namespace that we came from, which writes one map.
#[derive(Debug)]
struct Writer {
    pid: i32,
    program: &'static str,
    stderr: File,
}

/// Which living process's user namespace is joined, rather than making another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whose {
    /// The network anchor's, or a monitor's.
    Anyone,
    /// The network anchor's, which lives.
    Anchor,
    /// A monitor's, best one whose namespace has this number: it was that of the last network anchor.
    Like(Option<u64>),
}

/// Moves this process (which has one thread) into the user's user namespace and a mount namespace of its own.
///
/// # Errors
/// User namespaces are disabled or used up, newuidmap is missing or refuses.
pub fn begin(roots: &Roots) -> Result<Pending> {
    begin_with(roots, Whose::Anyone)
}

/// The same, where it matters whose namespace is joined.
pub fn begin_with(roots: &Roots, whose: Whose) -> Result<Pending> {
    let mapping = mapping()?;
    if join_live(roots, &mapping, whose)? {
        unshare(CloneFlags::CLONE_NEWNS)?;
        return Ok(Pending { mapping, writers: Vec::new() });
    }
    let pid = std::process::id();
    if mapping.single_because.is_some() {
        let (uid, gid) = (nix::unistd::getuid(), nix::unistd::getgid());
        unshare(CloneFlags::CLONE_NEWUSER | CloneFlags::CLONE_NEWNS)?;
        fs::write(Path::new("/proc/self/setgroups"), b"deny")?;
        fs::write(Path::new("/proc/self/uid_map"), format!("0 {uid} 1").as_bytes())?;
        fs::write(Path::new("/proc/self/gid_map"), format!("0 {gid} 1").as_bytes())?;
        return Ok(Pending { mapping, writers: Vec::new() });
    }
    // The children start before we leave the namespace in which the maps may be written, and wait until we have.
    let (waiting, mut go) = std::io::pipe().context("creating a pipe")?;
    let mut writers = Vec::new();
    for (program, file, extents) in
        [("newuidmap", "uid_map", mapping.uids.clone()), ("newgidmap", "gid_map", mapping.gids.clone())]
    {
        writers.push(start_writer(program, file, pid, &extents, &waiting, &go)?);
    }
    unshare(CloneFlags::CLONE_NEWUSER | CloneFlags::CLONE_NEWNS)?;
    go.write_all(b"gg").context("writing to a pipe")?;
    Ok(Pending { mapping, writers })
}

impl Pending {
    /// Waits until the maps are written and becomes root of the namespace.
    pub fn finish(self) -> Result<Mapping> {
        for mut writer in self.writers {
            let status = process::wait(writer.pid).with_context(|| format!("waiting for {}", writer.program))?;
            if status != 0 {
                let mut text = String::new();
                let _ = writer.stderr.read_to_string(&mut text);
                return Err(writer_failed(writer.program, process::exit_code(status), text.trim()));
            }
        }
        let root = nix::unistd::Gid::from_raw(0);
        nix::unistd::setresgid(root, root, root).context("becoming group 0 of the user namespace")?;
        let root = nix::unistd::Uid::from_raw(0);
        nix::unistd::setresuid(root, root, root).context("becoming user 0 of the user namespace")?;
        Ok(self.mapping)
    }
}

/// [`begin`] and [`Pending::finish`] in one.
pub fn enter(roots: &Roots) -> Result<Mapping> {
    begin(roots)?.finish()
}

fn writer_failed(program: &str, code: i32, stderr: &str) -> Error {
    if code == 127 {
        return Error::new(format!("mapping user IDs: `{program}` is not installed"))
            .hint("install it: `apt install uidmap` (Debian, Ubuntu) or `dnf install shadow-utils` (Fedora)");
    }
    if code == 126 {
        return Error::new(format!("mapping user IDs: `{program}` cannot be executed"))
            .hint("install it again: the package is called uidmap or shadow-utils");
    }
    let file = if program == "newuidmap" { "/etc/subuid" } else { "/etc/subgid" };
    Error::new(format!("mapping user IDs: `{program}` failed: {stderr}"))
        .hint(format!("check that your ranges in {file} belong to you and that {program} is set-user-ID root"))
}

fn unshare(flags: CloneFlags) -> Result<()> {
    nix::sched::unshare(flags).map_err(|errno| {
        let error = Error::from(errno).wrap("creating a user namespace");
        match errno {
            nix::errno::Errno::ENOSPC | nix::errno::Errno::EUSERS => {
                error.hint("user namespaces are disabled or used up: as root, raise `sysctl user.max_user_namespaces`")
            }
            _ => error.hint(
                "unprivileged user namespaces are disabled: as root, `sysctl kernel.unprivileged_userns_clone=1`, \
                 or allow this program in AppArmor (kernel.apparmor_restrict_unprivileged_userns)",
            ),
        }
    })
}

fn start_writer(
    program: &'static str,
    file: &str,
    target: u32,
    extents: &[Extent],
    waiting: &std::io::PipeReader,
    go: &std::io::PipeWriter,
) -> Result<Writer> {
    let (stderr, stderr_of_child) = std::io::pipe().context("creating a pipe")?;
    let is_root = nix::unistd::geteuid().is_root();
    match process::fork().context("forking")? {
        Forked::Parent(pid) => Ok(Writer { pid, program, stderr: File::from(OwnedFd::from(stderr)) }),
        Forked::Child => {
            let code = (|| -> std::io::Result<u8> {
                // The last writer of this pipe must be the parent: if it dies, the read below ends.
                rustix::io::fcntl_setfd(go, rustix::io::FdFlags::CLOEXEC)?;
                process::dup_onto(stderr_of_child.as_raw_fd(), 2)?;
                let copy = waiting.as_fd().try_clone_to_owned()?;
                drop_writer_end(go);
                if File::from(copy).read(&mut [0; 1])? == 0 {
                    return Ok(1);
                }
                if is_root {
                    let text: String =
                        extents.iter().map(|e| format!("{} {} {}\n", e.container_id, e.host_id, e.size)).collect();
                    std::fs::write(format!("/proc/{target}/{file}"), text)?;
                    return Ok(0);
                }
                let mut command = std::process::Command::new(program);
                command.arg(target.to_string());
                for extent in extents {
                    command.args([
                        extent.container_id.to_string(),
                        extent.host_id.to_string(),
                        extent.size.to_string(),
                    ]);
                }
                let error = std::os::unix::process::CommandExt::exec(&mut command);
                Ok(if error.kind() == std::io::ErrorKind::NotFound { 127 } else { 126 })
            })();
            process::exit_now(code.unwrap_or_else(|error| {
                let _ = std::io::stderr().write_all(error.to_string().as_bytes());
                1
            }));
        }
    }
}

/// Closes the child's copy of the parent's end of the pipe.
fn drop_writer_end(go: &std::io::PipeWriter) {
    let _ = nix::unistd::close(go.as_raw_fd());
}

/// How long a network anchor that has just been started may take to say who it is: moments, but for a disk that is busy.
const PATIENCE: Duration = Duration::from_secs(10);

/// Joins the namespace of a live process of this user, if there is one with the same mapping.
///
/// # Errors
/// It must be the network anchor's, and cannot be joined.
fn join_live(roots: &Roots, mapping: &Mapping, whose: Whose) -> Result<bool> {
    let deadline = Instant::now() + PATIENCE;
    if whose == Whose::Anchor {
        loop {
            match try_join(&roots.anchor_lock(), mapping, None) {
                Joined::Yes => return Ok(true),
                Joined::OtherIds => {
                    return Err(Error::new("joining the user namespace of the network anchor: it has other IDs")
                        .hint("your ranges in /etc/subuid have changed: stop all containers, and start them again"));
                }
                Joined::No => {}
            }
            // It holds its lock from before anybody can connect to it until its end.
            let lives = File::open(roots.anchor_lock()).is_ok_and(|lock| crate::sys::lock::is_held(&lock));
            if !lives {
                return Err(Error::of(Kind::NoSuch, "the network anchor has ended"));
            }
            if Instant::now() > deadline {
                return Err(Error::new("joining the user namespace of the network anchor: it does not say who it is"));
            }
            std::thread::sleep(Duration::from_micros(200));
        }
    }
    if whose == Whose::Anyone && try_join(&roots.anchor_lock(), mapping, None) == Joined::Yes {
        return Ok(true);
    }
    let wanted = if let Whose::Like(Some(inode)) = whose { &[Some(inode), None][..] } else { &[None][..] };
    for inode in wanted {
        let Ok(entries) = std::fs::read_dir(roots.run_containers()) else { return Ok(false) };
        for entry in entries.flatten() {
            if try_join(&entry.path().join("lock"), mapping, *inode) == Joined::Yes {
                return Ok(true);
            }
        }
    }
    Ok(false)
}

/// What [`try_join`] found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Joined {
    Yes,
    /// Nobody holds the lock, or has not said yet who it is, or is in another namespace than the one that is wanted.
    No,
    OtherIds,
}

/// The PID is in the lock file; it is believed only while the lock is held, looked at after the pidfd is open.
/// With `inode` only if its user namespace has this number.
fn try_join(path: &Path, mapping: &Mapping, inode: Option<u64>) -> Joined {
    let Some((pid, pidfd)) = holder(path) else { return Joined::No };
    let Ok(map) = std::fs::read_to_string(format!("/proc/{pid}/uid_map")) else { return Joined::No };
    // It is empty when the process has ended meanwhile.
    if !map.is_empty() && parse_map(&map) != mapping.uids {
        return Joined::OtherIds;
    }
    if let Some(inode) = inode {
        let theirs = std::fs::metadata(format!("/proc/{pid}/ns/user"));
        if !theirs.is_ok_and(|theirs| std::os::unix::fs::MetadataExt::ino(&theirs) == inode) {
            return Joined::No;
        }
    }
    match nix::sched::setns(&pidfd, CloneFlags::CLONE_NEWUSER) {
        Ok(()) => Joined::Yes,
        Err(_) => Joined::No,
    }
}

/// The process that holds a lock, if its file says which.
fn holder(path: &Path) -> Option<(i32, OwnedFd)> {
    let lock = File::open(path).ok()?;
    let read = || std::fs::read_to_string(path).ok()?.split_whitespace().next()?.parse::<i32>().ok();
    let pid = read()?;
    let pidfd =
        rustix::process::pidfd_open(rustix::process::Pid::from_raw(pid)?, rustix::process::PidfdFlags::empty()).ok()?;
    // Held, and by the same one: an earlier monitor's PID may stand there while a new one has just taken the lock.
    (crate::sys::lock::is_held(&lock) && read() == Some(pid)).then_some((pid, pidfd))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_id_comes_first_then_the_ranges_one_after_the_other() {
        let ranges = [subid::Range { start: 100_000, count: 10 }, subid::Range { start: 7000, count: 5 }];
        let all = extents(1001, &ranges);
        let lines: Vec<_> = all.iter().map(|e| (e.container_id, e.host_id, e.size)).collect();
        assert_eq!(lines, [(0, 1001, 1), (1, 100_000, 10), (11, 7000, 5)]);
        let text = "         0       1001          1\n         1     100000         10\n        11 7000 5\n";
        assert_eq!(parse_map(text), all);
    }

    #[test]
    fn root_maps_high_ids_or_what_its_own_namespace_has() {
        let line = |container_id, host_id, size| Extent { container_id, host_id, size };
        let initial = [line(0, 0, u32::MAX)];
        assert_eq!(root_extents(&initial), [line(0, 0, 1), line(1, 2_130_706_432, 65536)]);
        let container = [line(0, 1001, 1), line(1, 100_000, 65536)];
        assert_eq!(root_extents(&container), [line(0, 0, 1), line(1, 1, 65536)]);
        assert_eq!(root_extents(&[line(0, 1001, 1)]), [line(0, 0, 1)]);
    }

    #[test]
    fn names_come_from_the_third_field() {
        let passwd = "root:x:0:0::/root:/bin/sh\nbad\ndev:x:1001:1001::/home/dev:/bin/sh\n";
        assert_eq!(name_in_passwd(passwd, 1001), Some("dev"));
        assert_eq!(name_in_passwd(passwd, 5), None);
    }
}
