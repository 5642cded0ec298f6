//! Who a container's process is: `--user` and `--group-add` by the image's own /etc/passwd and /etc/group.
//!
//! Both files come from an image, so nothing in them is believed but ids in range: lines that are not well-formed are
//! skipped, of several that match the first counts, and the files are opened without leaving the container's root.
//! The rules for what `--user` means are Docker's, which Podman shares:
//!
//! | `--user` | user | group | supplementary groups |
//! |---|---|---|---|
//! | (empty) | 0 | of uid 0 in passwd, else 0 | of uid 0's name |
//! | `name`, `uid` | by name or number | the user's in passwd, else 0 | those that list the user's name |
//! | `user:group` | as above | by name or number | none |
//! | `:group` | 0 | by name or number | none |
//!
//! Only a number may be missing from the files.

use std::collections::HashSet;
use std::io::Read as _;
use std::os::fd::BorrowedFd;

use rustix::fs::{FileType, Mode, OFlags, ResolveFlags};
use rustix::io::Errno;

use crate::bail;
use crate::error::{Context, Error, Kind, Result};

/// Files larger than this are refused.
pub(super) const MAX_FILE: u64 = 16 << 20;
/// Lines longer than this are skipped. A group with ten thousand members fits.
const MAX_LINE: usize = 1 << 20;
/// Ids from here on are not taken: -1 means "no change" to the kernel, and Docker and Podman draw the line here.
const MAX_ID: u32 = i32::MAX as u32;
/// The most that setgroups(2) takes (`NGROUPS_MAX`).
const MAX_GROUPS: usize = 65536;

/// A line of /etc/passwd.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct User<'a> {
    /// The login name; not empty.
    pub name: &'a [u8],
    /// The user id, at most 2147483647.
    pub uid: u32,
    /// The id of the user's own group, at most 2147483647.
    pub gid: u32,
    /// The home directory as it stands there; may be empty.
    pub home: &'a [u8],
}

/// A line of /etc/group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Group<'a> {
    /// The name; not empty.
    pub name: &'a [u8],
    /// The group id, at most 2147483647.
    pub gid: u32,
    members: &'a [u8],
}

impl<'a> Group<'a> {
    /// The names of the users who have this as a supplementary group.
    pub fn members(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        self.members.split(|byte| *byte == b',').map(<[u8]>::trim_ascii).filter(|name| !name.is_empty())
    }
}

/// The well-formed lines of a passwd file, in order.
pub fn users(passwd: &[u8]) -> impl Iterator<Item = User<'_>> {
    lines(passwd).filter_map(|line| {
        let mut fields = line.split(|byte| *byte == b':');
        let (name, _password) = (fields.next()?, fields.next()?);
        let (uid, gid) = (id(fields.next()?)?, id(fields.next()?)?);
        let (_comment, home) = (fields.next(), fields.next().unwrap_or_default());
        (!name.is_empty()).then_some(User { name, uid, gid, home })
    })
}

/// The well-formed lines of a group file, in order.
pub fn groups(group: &[u8]) -> impl Iterator<Item = Group<'_>> {
    lines(group).filter_map(|line| {
        let mut fields = line.split(|byte| *byte == b':');
        let (name, _password) = (fields.next()?, fields.next()?);
        let gid = id(fields.next()?)?;
        let members = fields.next().unwrap_or_default();
        (!name.is_empty()).then_some(Group { name, gid, members })
    })
}

/// The lines that can be entries: no comments, and none of NIS (`+` and `-`).
fn lines(file: &[u8]) -> impl Iterator<Item = &[u8]> {
    let lines = file.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
    lines.filter(|line| {
        line.len() <= MAX_LINE && !line.contains(&0) && !matches!(line.first(), Some(b'#' | b'+' | b'-'))
    })
}

/// An id of digits only, in range.
fn id(field: &[u8]) -> Option<u32> {
    if field.is_empty() || !field.iter().all(u8::is_ascii_digit) {
        return None;
    }
    str::from_utf8(field).ok()?.parse().ok().filter(|id| *id <= MAX_ID)
}

/// Who the process will be.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ResolvedUser {
    /// The user id in the container.
    pub uid: u32,
    /// The group id in the container.
    pub gid: u32,
    /// Supplementary group ids, without repetition, in the order of the group file and then of `--group-add`.
    pub groups: Vec<u32>,
    /// The home directory from passwd. `None` means `/`.
    pub home: Option<String>,
    /// The login name from passwd.
    pub name: Option<String>,
}

/// Resolves `--user` and `--group-add` in the container's root directory.
///
/// # Errors
/// A name that is not in the files, an id out of range, or a file that cannot be read or is none.
pub fn resolve(user: &str, extra_groups: &[String], root: BorrowedFd<'_>) -> Result<ResolvedUser> {
    let passwd = read(root, "etc/passwd")?;
    let group = read(root, "etc/group")?;
    resolve_in(user, extra_groups, &passwd, &group)
}

/// The same, from the contents of the two files (empty where they do not exist).
pub fn resolve_in(user: &str, extra_groups: &[String], passwd: &[u8], group: &[u8]) -> Result<ResolvedUser> {
    let (user, own_group) = match user.split_once(':') {
        Some((_, group)) if group.contains(':') => {
            return Err(
                cannot_invoke(format!("invalid user `{user}`")).hint("give it as USER, UID, USER:GROUP or UID:GID")
            );
        }
        Some((user, group)) => (user, group),
        None => (user, ""),
    };
    let mut resolved = resolve_user(if user.is_empty() { "0" } else { user }, passwd)?;
    let mut supplementary = Vec::new();
    if !own_group.is_empty() {
        resolved.user.gid = resolve_group(own_group, group)?;
    } else if let Some(name) = resolved.name_bytes {
        let of_user = groups(group).filter(|group| group.members().any(|member| member == name));
        supplementary.extend(of_user.map(|group| group.gid));
    }
    for name in extra_groups {
        supplementary.push(resolve_group(name, group)?);
    }
    let mut seen = HashSet::new();
    supplementary.retain(|gid| seen.insert(*gid));
    if supplementary.len() > MAX_GROUPS {
        let count = supplementary.len();
        return Err(cannot_invoke(format!("user `{user}` is in {count} groups, and a process can have {MAX_GROUPS}")));
    }
    resolved.user.groups = supplementary;
    Ok(resolved.user)
}

struct Found<'a> {
    user: ResolvedUser,
    name_bytes: Option<&'a [u8]>,
}

fn resolve_user<'a>(wanted: &str, passwd: &'a [u8]) -> Result<Found<'a>> {
    let number = number(wanted)?;
    // By name or number, whichever line is first: a name may be a number.
    let entry = users(passwd).find(|user| user.name == wanted.as_bytes() || Some(user.uid) == number);
    match (entry, number) {
        (Some(User { name, uid, gid, home }), _) => {
            let text = |bytes: &[u8]| str::from_utf8(bytes).ok().filter(|s| !s.is_empty()).map(str::to_owned);
            let user = ResolvedUser { uid, gid, groups: Vec::new(), home: text(home), name: text(name) };
            Ok(Found { user, name_bytes: Some(name) })
        }
        (None, Some(uid)) => Ok(Found { user: ResolvedUser { uid, ..ResolvedUser::default() }, name_bytes: None }),
        (None, None) => Err(cannot_invoke(format!("unable to find user {wanted}: no matching entries in passwd file"))),
    }
}

fn resolve_group(wanted: &str, group: &[u8]) -> Result<u32> {
    let number = number(wanted)?;
    let entry = groups(group).find(|group| group.name == wanted.as_bytes() || Some(group.gid) == number);
    match entry.map(|group| group.gid).or(number) {
        Some(gid) => Ok(gid),
        None => Err(cannot_invoke(format!("unable to find group {wanted}: no matching entries in group file"))),
    }
}

/// The id that a text of digits means; `None` where it is a name.
fn number(text: &str) -> Result<Option<u32>> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Ok(None);
    }
    match id(text.as_bytes()) {
        Some(id) => Ok(Some(id)),
        None => Err(cannot_invoke(format!("id {text} is out of range: user and group ids are 0 to {MAX_ID}"))),
    }
}

fn cannot_invoke(message: String) -> Error {
    Error::of(Kind::CannotInvoke, message)
}

/// The contents of a file in the container; nothing where it does not exist.
pub(super) fn read(root: BorrowedFd<'_>, path: &str) -> Result<Vec<u8>> {
    let file = match open(root, path) {
        Ok(file) => file,
        Err(Errno::NOENT | Errno::NOTDIR) => return Ok(Vec::new()),
        Err(e) => return Err(Error::from(e).wrap(format!("opening `/{path}` in the container"))),
    };
    let read = || -> Result<Vec<u8>> {
        let status = rustix::fs::fstat(&file)?;
        if FileType::from_raw_mode(status.st_mode) != FileType::RegularFile {
            bail!("it is not a regular file");
        }
        let mut bytes = Vec::new();
        std::fs::File::from(file).take(MAX_FILE + 1).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > MAX_FILE {
            bail!("it is larger than {} MiB", MAX_FILE >> 20);
        }
        Ok(bytes)
    };
    read().with_context(|| format!("reading `/{path}` in the container"))
}

/// Opens without waiting for the other end of a fifo, and without leaving `root` by links.
fn open(root: BorrowedFd<'_>, path: &str) -> rustix::io::Result<rustix::fd::OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
    let resolve = ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS;
    let mut tries = 0;
    loop {
        match rustix::fs::openat2(root, path, flags, Mode::empty(), resolve) {
            // Something on the path was renamed meanwhile, so that the kernel cannot vouch for a `..`.
            Err(Errno::AGAIN) if tries < 32 => tries += 1,
            result => return result,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsFd as _;
    use std::path::Path;

    use super::*;

    const PASSWD: &[u8] = b"root:x:0:0:root:/root:/bin/sh\n\
        # comment:x:7:7::/:/\n\
        +nis:x:8:8::/:/\n\
        \n\
        bad\n\
        alice:x:1000:1000:A:/home/alice:/bin/sh\n\
        alice:x:0:0::/root:/bin/sh\n\
        bob:x:1001:100:\xff\xfe:/home/bob\r\n\
        big:x:2147483648:1::/:/\n\
        minus:x:-1:1::/:/\n\
        :x:5:5::/:/\n\
        short:x:1002:1002\n\
        1003:x:1004:1004::/home/numeric:/bin/sh\n\
        zed:x:1003:1003::/home/zed:/bin/sh\n\
        nul\0:x:1005:1005::/:/\n\
        \xe9t\xe9:x:1006:1006::\xff:/";
    const GROUP: &[u8] = b"root:x:0:root\nadm:x:4:root,alice,root\nwheel:x:10: alice , bob \nusers:x:100:\n\
        huge:x:4294967296:alice\nalice:x:1000:\nagain:x:10:alice\n:x:6:alice\nbare:x:55\n20:x:21:\n";

    fn ids(user: &str, extra: &[&str]) -> Result<(u32, u32, Vec<u32>, Option<String>), String> {
        let extra: Vec<String> = extra.iter().map(|s| (*s).to_owned()).collect();
        let resolved = resolve_in(user, &extra, PASSWD, GROUP);
        resolved.map(|u| (u.uid, u.gid, u.groups, u.home)).map_err(|e| {
            assert_eq!(e.kind(), Kind::CannotInvoke);
            e.to_string()
        })
    }

    #[test]
    fn users_are_resolved_as_docker_does() {
        type Case<'a> = (&'a str, &'a [&'a str], (u32, u32, &'a [u32], Option<&'a str>));
        let cases: &[Case<'_>] = &[
            ("", &[], (0, 0, &[0, 4], Some("/root"))),
            ("0", &[], (0, 0, &[0, 4], Some("/root"))),
            ("root", &[], (0, 0, &[0, 4], Some("/root"))),
            ("alice", &[], (1000, 1000, &[4, 10], Some("/home/alice"))),
            ("1000", &[], (1000, 1000, &[4, 10], Some("/home/alice"))),
            ("alice:", &[], (1000, 1000, &[4, 10], Some("/home/alice"))),
            ("alice:users", &[], (1000, 100, &[], Some("/home/alice"))),
            ("alice:0", &[], (1000, 0, &[], Some("/home/alice"))),
            ("alice:777", &[], (1000, 777, &[], Some("/home/alice"))),
            (":users", &[], (0, 100, &[], Some("/root"))),
            (":", &[], (0, 0, &[0, 4], Some("/root"))),
            ("bob", &[], (1001, 100, &[10], Some("/home/bob"))),
            ("short", &[], (1002, 1002, &[], None)),
            ("4242", &[], (4242, 0, &[], None)),
            ("4242:4343", &[], (4242, 4343, &[], None)),
            ("2147483647", &[], (2147483647, 0, &[], None)),
            ("007", &[], (7, 0, &[], None)),
            ("1003", &[], (1004, 1004, &[], Some("/home/numeric"))),
            ("alice:20", &[], (1000, 21, &[], Some("/home/alice"))),
            ("alice", &["users", "10", "9"], (1000, 1000, &[4, 10, 100, 9], Some("/home/alice"))),
            ("alice:bare", &["wheel"], (1000, 55, &[10], Some("/home/alice"))),
        ];
        for (user, extra, (uid, gid, groups, home)) in cases {
            let expected = (*uid, *gid, groups.to_vec(), home.map(str::to_owned));
            assert_eq!(ids(user, extra), Ok(expected), "{user} {extra:?}");
        }
    }

    #[test]
    fn who_is_not_there_is_told_in_podmans_words() {
        let no_user = |name: &str| format!("unable to find user {name}: no matching entries in passwd file");
        let no_group = |name: &str| format!("unable to find group {name}: no matching entries in group file");
        let range = |id: &str| format!("id {id} is out of range: user and group ids are 0 to 2147483647");
        for (user, extra, message) in [
            ("nosuch", &[][..], no_user("nosuch")),
            ("bad", &[], no_user("bad")),
            ("big", &[], no_user("big")),
            ("minus", &[], no_user("minus")),
            ("-1", &[], no_user("-1")),
            ("+nis", &[], no_user("+nis")),
            ("# comment", &[], no_user("# comment")),
            ("nul\0", &[], no_user("nul\0")),
            ("alice:nosuch", &[], no_group("nosuch")),
            ("alice:huge", &[], no_group("huge")),
            ("alice", &["nosuch"], no_group("nosuch")),
            ("alice", &[""], no_group("")),
            ("2147483648", &[], range("2147483648")),
            ("99999999999999999999", &[], range("99999999999999999999")),
            ("alice:4294967295", &[], range("4294967295")),
            ("a:b:c", &[], "invalid user `a:b:c`".to_owned()),
        ] {
            assert_eq!(ids(user, extra), Err(message), "{user} {extra:?}");
        }
    }

    #[test]
    fn no_files_are_needed_for_root_and_numbers() {
        for user in ["", "0", "0:0"] {
            assert_eq!(resolve_in(user, &[], b"", b"").unwrap(), ResolvedUser::default(), "{user}");
        }
        assert!(resolve_in("root", &[], b"", b"").is_err());
    }

    #[test]
    fn lines_too_long_and_groups_too_many_are_no_danger() {
        let long = [b"long:x:5:5:".as_slice(), &vec![b'a'; MAX_LINE], b":/\nnext:x:6:6::/"].concat();
        assert_eq!(users(&long).map(|user| user.uid).collect::<Vec<_>>(), [6]);
        let many: String = (0..70_000).map(|gid| format!("g{gid}:x:{gid}:u\n")).collect();
        let user = resolve_in("u", &[], b"u:x:1:1::/:", many.repeat(2).get(..500_000).unwrap().as_bytes()).unwrap();
        assert!(user.groups.len() > 10_000);
        let error = resolve_in("u", &[], b"u:x:1:1::/:", many.as_bytes()).unwrap_err();
        assert!(error.to_string().contains("in 70000 groups"), "{error}");
    }

    fn resolve_at(root: &Path, user: &str) -> Result<ResolvedUser> {
        let root = std::fs::File::open(root).unwrap();
        resolve(user, &[], root.as_fd())
    }

    #[test]
    fn links_do_not_lead_out_of_the_root() {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path().join("root");
        std::fs::create_dir_all(root.join("etc")).unwrap();
        std::fs::create_dir_all(root.join("usr")).unwrap();
        let outside = directory.path().join("outside");
        std::fs::write(&outside, "alice:x:1:1::/outside:").unwrap();
        let inside = "alice:x:2:2::/inside:";
        let passwd = root.join("etc/passwd");
        for (target, expected) in [
            (outside.to_str().unwrap(), None),
            ("../../outside", None),
            ("/proc/self/root/etc/passwd", None),
            ("/usr/passwd", Some(2)),
            ("../../../../usr/passwd", Some(2)),
        ] {
            std::fs::write(root.join("usr/passwd"), inside).unwrap();
            std::os::unix::fs::symlink(target, &passwd).unwrap();
            let user = resolve_at(&root, "alice");
            match expected {
                Some(uid) => assert_eq!(user.unwrap().uid, uid, "{target}"),
                None => assert!(user.unwrap_err().to_string().contains("no matching entries"), "{target}"),
            }
            std::fs::remove_file(&passwd).unwrap();
        }
        std::os::unix::fs::symlink("passwd", &passwd).unwrap();
        let error = resolve_at(&root, "alice").unwrap_err().to_string();
        assert!(error.starts_with("opening `/etc/passwd` in the container: "), "{error}");
    }

    #[test]
    fn only_regular_files_are_read() {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir(root.path().join("etc")).unwrap();
        let passwd = root.path().join("etc/passwd");
        rustix::fs::mknodat(rustix::fs::CWD, &passwd, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
        let error = resolve_at(root.path(), "alice").unwrap_err().to_string();
        assert_eq!(error, "reading `/etc/passwd` in the container: it is not a regular file");
        std::fs::remove_file(&passwd).unwrap();
        std::fs::create_dir(&passwd).unwrap();
        assert!(resolve_at(root.path(), "0").unwrap_err().to_string().ends_with("it is not a regular file"));
        std::fs::remove_dir(&passwd).unwrap();
        std::fs::File::create(&passwd).unwrap().set_len(MAX_FILE + 1).unwrap();
        assert!(resolve_at(root.path(), "0").unwrap_err().to_string().ends_with("it is larger than 16 MiB"));
        std::fs::remove_file(&passwd).unwrap();
        std::fs::remove_dir(root.path().join("etc")).unwrap();
        assert_eq!(resolve_at(root.path(), "0").unwrap().uid, 0);
        std::fs::write(root.path().join("etc"), "").unwrap();
        assert_eq!(resolve_at(root.path(), "5").unwrap().uid, 5);
    }
}
