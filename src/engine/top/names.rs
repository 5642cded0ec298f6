//! Users and groups of a container by name: IDs of the host are turned into the container's by its user namespace, and
//! those into names by the container's own passwd and group, which are not trusted.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, Mode, OFlags, ResolveFlags, openat, openat2};

/// No more of a passwd file is read.
const MAX_SIZE: u64 = 1 << 20;

/// The ID that stands for all that a user namespace does not map.
const OVERFLOW: u32 = 65534;

/// Names and mappings of one container, and names of the host.
#[derive(Debug, Default)]
pub(super) struct Names {
    uid_map: Vec<Extent>,
    gid_map: Vec<Extent>,
    users: Vec<(u32, String)>,
    groups: Vec<(u32, String)>,
    host_users: Vec<(u32, String)>,
    host_groups: Vec<(u32, String)>,
}

/// Consecutive IDs inside and outside of a user namespace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Extent {
    inside: u32,
    outside: u32,
    count: u32,
}

impl Names {
    /// Those of the container whose first process is `init`, and whose files are in `layers` if its root cannot be opened.
    /// What cannot be read is not there: numbers must do.
    pub fn of(init: i32, layers: &[PathBuf]) -> Self {
        let host = |path: &str| File::open(path).map(read_table).unwrap_or_default();
        let map = |name: &str| parse_map(&std::fs::read_to_string(format!("/proc/{init}/{name}")).unwrap_or_default());
        let inside = |path: &str| match open_inside(init, path) {
            Ok(file) => read_table(file),
            Err(rustix::io::Errno::ACCESS | rustix::io::Errno::PERM) => {
                let bytes = crate::storage::tree::read::read_file(layers, path.as_bytes(), MAX_SIZE);
                bytes.ok().flatten().map(|bytes| parse_table(&bytes)).unwrap_or_default()
            }
            Err(_) => Vec::new(),
        };
        Names {
            uid_map: map("uid_map"),
            gid_map: map("gid_map"),
            users: inside("etc/passwd"),
            groups: inside("etc/group"),
            host_users: host("/etc/passwd"),
            host_groups: host("/etc/group"),
        }
    }

    /// The container's number of a user of the host.
    pub fn uid(&self, host: u32) -> u32 {
        to_inside(&self.uid_map, host)
    }

    pub fn user(&self, host: u32) -> String {
        name(&self.users, self.uid(host))
    }

    pub fn group(&self, host: u32) -> String {
        name(&self.groups, to_inside(&self.gid_map, host))
    }

    pub fn host_user(&self, host: u32) -> String {
        name(&self.host_users, host)
    }

    pub fn host_group(&self, host: u32) -> String {
        name(&self.host_groups, host)
    }
}

fn name(table: &[(u32, String)], id: u32) -> String {
    table.iter().find(|(known, _)| *known == id).map_or_else(|| id.to_string(), |(_, name)| name.clone())
}

fn to_inside(map: &[Extent], outside: u32) -> u32 {
    let within = |extent: &Extent| {
        let distance = outside.checked_sub(extent.outside).filter(|distance| *distance < extent.count)?;
        extent.inside.checked_add(distance)
    };
    map.iter().find_map(within).unwrap_or(OVERFLOW)
}

/// Reads `/proc/PID/uid_map`: `INSIDE OUTSIDE COUNT` lines, outside as the reader sees it.
fn parse_map(text: &str) -> Vec<Extent> {
    let line = |line: &str| {
        let mut numbers = line.split_whitespace().map(str::parse::<u32>);
        let mut next = || numbers.next()?.ok();
        Some(Extent { inside: next()?, outside: next()?, count: next()? })
    };
    text.lines().filter_map(line).collect()
}

/// Opens a file of the container without leaving its root, whatever links are in the way.
fn open_inside(init: i32, path: &str) -> rustix::io::Result<File> {
    // Anything but a regular file is not waited for.
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
    let root =
        openat(CWD, format!("/proc/{init}/root"), OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
    let resolve = ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS;
    Ok(File::from(openat2(root, Path::new(path), flags, Mode::empty(), resolve)?))
}

fn read_table(file: File) -> Vec<(u32, String)> {
    let mut bytes = Vec::new();
    if file.metadata().is_ok_and(|metadata| metadata.is_file()) {
        let _ = file.take(MAX_SIZE).read_to_end(&mut bytes);
    }
    parse_table(&bytes)
}

/// Reads passwd(5) or group(5): in both the name comes first and the number third.
fn parse_table(bytes: &[u8]) -> Vec<(u32, String)> {
    let line = |line: &[u8]| {
        let line = std::str::from_utf8(line).ok()?;
        let mut fields = line.split(':');
        let name = fields.next().filter(|name| !name.is_empty() && !name.chars().any(char::is_control))?;
        Some((fields.nth(1)?.parse().ok()?, name.to_owned()))
    };
    bytes.split(|b| *b == b'\n').filter_map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn host_ids_become_names_of_the_container() {
        let map = parse_map("         0       1000          1\n         1     100000      65536\n");
        let names = Names {
            uid_map: map.clone(),
            gid_map: map,
            users: parse_table(
                b"root:x:0:0:root:/root:/bin/sh\nweb:x:33:33::/:\n\nbroken\n:x:5\nes\x1bc:x:7:7\n\xff:x:8\n",
            ),
            groups: parse_table(b"root:x:0:\nwheel:x:10:root,web\n"),
            host_users: parse_table(b"dev:x:1000:1000::/home/dev:/bin/sh\n"),
            host_groups: Vec::new(),
        };
        let cases = [(1000, "root", 0), (100_032, "web", 33), (100_006, "7", 7), (5, "65534", 65534)];
        for (host, user, uid) in cases {
            assert_eq!((names.user(host).as_str(), names.uid(host)), (user, uid), "{host}");
        }
        assert_eq!((names.group(100_009).as_str(), names.group(100_008).as_str()), ("wheel", "9"));
        assert_eq!((names.host_user(1000).as_str(), names.host_group(1000).as_str()), ("dev", "1000"));
    }

    #[test]
    fn files_are_opened_in_the_root_of_a_process() {
        let own = std::process::id() as i32;
        assert!(open_inside(own, "etc/passwd").is_ok());
        assert!(open_inside(own, "../../etc/passwd").is_ok(), "the root is the root");
        assert!(open_inside(own, "proc/self/root/etc/passwd").is_err(), "no magic links");
        assert!(open_inside(0, "etc/passwd").is_err());
        assert!(!Names::of(own, &[]).users.is_empty());
    }
}
