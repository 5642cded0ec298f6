//! Entries of the user in the container's passwd and group files, where they are missing: many programs do not work for
//! a user without a name.
//!
//! As in the reference: only for a user or group given by number, only where there is such a file, and only in the
//! container's own root file system. What is mounted on the files, or on the way to them, is not ours to change.

use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::os::fd::{AsFd as _, OwnedFd};
use std::path::Path;

use oci_spec::runtime::Process;
use rustix::fs::{FileType, Mode, OFlags, ResolveFlags};
use rustix::io::Errno;

use super::credentials::{self, User};
use crate::bail;
use crate::error::{Context, Error, Result};
use crate::runtime::launch::{Accounts, HostUser, Launch};
use crate::runtime::passwd;

/// Who the process is; after that, they have a name. The groups are those without the entries that are added.
///
/// The group of a user who was asked for is one of its further groups as well, so that no set-group-ID program loses it
/// on the way (CVE-2022-2989).
pub fn resolve(launch: &Launch, process: &Process, root: &OwnedFd) -> Result<User> {
    let Some(user) = process.user().username() else {
        if let Some(accounts) = launch.accounts.as_ref().filter(|accounts| !accounts.host_users.is_empty()) {
            add(accounts, "", process.cwd(), root)?;
        }
        return credentials::resolve(process, &launch.groups, root);
    };
    let accounts = launch.accounts.as_ref().filter(|all| !all.host_users.is_empty() || has_numbers(user));
    if let Some(accounts) = accounts.filter(|accounts| !accounts.host_users.is_empty()) {
        // They may be who is meant.
        add(accounts, user, process.cwd(), root)?;
    }
    let mut resolved = credentials::resolve(process, &launch.groups, root)?;
    if !resolved.groups.contains(&resolved.gid) {
        resolved.groups.insert(0, resolved.gid);
    }
    if let Some(accounts) = accounts {
        add(accounts, user, process.cwd(), root)?;
        resolved.home = credentials::resolve(process, &[], root)?.home;
    }
    Ok(resolved)
}

fn has_numbers(user: &str) -> bool {
    user.split(':').any(is_number)
}

/// Adds what is missing for `user`, as `--user` or the image says it. `cwd` is the home of who has no other.
fn add(accounts: &Accounts, user: &str, cwd: &Path, root: &OwnedFd) -> Result<()> {
    let cwd = cwd.to_string_lossy();
    let (name, group) = user.split_once(':').map_or((user, user), |(name, group)| (name, group));
    let (is_number, group_is_number) = (is_number(name), is_number(group));
    let explicit = accounts.passwd_entry.is_some()
        || accounts.group_entry.is_some()
        || accounts.host_users.iter().any(|host_user| !host_user.only_if_free);
    let added = (|| {
        if !accounts.host_users.is_empty() || is_number {
            append(root, "etc/passwd", |text| {
                let mut lines = Vec::new();
                for host_user in &accounts.host_users {
                    let is_same = |known: passwd::User<'_>| {
                        known.name == host_user.name.as_bytes()
                            || (host_user.only_if_free && known.uid == host_user.uid)
                    };
                    if !passwd::users(text).any(is_same) {
                        lines.push(host_entry(host_user, root, &cwd));
                    }
                }
                let text = [text, b"\n", lines.join("\n").as_bytes()].concat();
                if is_number && !passwd::users(&text).any(|known| is(known.name, known.uid, name)) {
                    let group = passwd::read(root.as_fd(), "etc/group")?;
                    let gid = passwd::resolve_in(user, &[], &text, &group)?.gid;
                    lines.push(user_entry(accounts.passwd_entry.as_deref(), name, gid, &cwd));
                }
                Ok(lines)
            })?;
        }
        if group_is_number {
            append(root, "etc/group", |text| {
                if passwd::groups(text).any(|known| is(known.name, known.gid, group)) {
                    return Ok(Vec::new());
                }
                let own = accounts.host_users.iter().find(|u| u.only_if_free && group.parse() == Ok(u.gid));
                let own = own.map(|user| format!("{}:x:$GID:{}", user.name, user.name));
                Ok(vec![group_entry(accounts.group_entry.as_deref().or(own.as_deref()), group, name)])
            })?;
        }
        Ok(())
    })();
    match added {
        // Without a wish of the user's, a root that cannot be written to stays as it is.
        Err(_) if !explicit => Ok(()),
        added => added,
    }
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether an entry is what a user or group given by number means.
fn is(name: &[u8], id: u32, wanted: &str) -> bool {
    name == wanted.as_bytes() || wanted.parse() == Ok(id)
}

fn user_entry(template: Option<&str>, uid: &str, gid: u32, home: &str) -> String {
    let gid = gid.to_string();
    let values = [("USERNAME", uid), ("UID", uid), ("GID", &gid), ("NAME", "container user"), ("HOME", home)];
    expand(template.unwrap_or("$USERNAME:*:$UID:$GID:$NAME:$HOME:/bin/sh"), &values)
}

fn group_entry(template: Option<&str>, gid: &str, user: &str) -> String {
    let values = [("GROUPNAME", gid), ("GID", gid), ("USERLIST", user)];
    expand(template.unwrap_or("$GROUPNAME:x:$GID:$USERLIST"), &values)
}

fn host_entry(user: &HostUser, root: &OwnedFd, cwd: &str) -> String {
    let HostUser { name, uid, gid, comment, home, .. } = user;
    // The home of the host may not be there.
    let inside = Path::new(home).strip_prefix("/").ok().filter(|home| !home.as_os_str().is_empty());
    let is_there = inside.is_some_and(|home| super::target::open_place(root, home).is_ok());
    let home = if is_there { home } else { cwd };
    format!("{name}:*:{uid}:{gid}:{comment}:{home}:/bin/sh")
}

/// Puts values into a template: `$NAME` or `${NAME}`. What is no name of `values` stays.
fn expand(template: &str, values: &[(&str, &str)]) -> String {
    let mut out = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('$') {
        out.push_str(before);
        let (word, tail) = match after.strip_prefix('{').and_then(|inner| inner.split_once('}')) {
            Some(braced) => braced,
            None => after.split_at(after.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(after.len())),
        };
        match values.iter().find(|(name, _)| *name == word) {
            Some((_, value)) => {
                out.push_str(value);
                rest = tail;
            }
            None => {
                out.push('$');
                rest = after;
            }
        }
    }
    out + rest
}

/// Adds lines to a file of the container's root. Nothing where there is no such file, or where something is mounted.
fn append(root: &OwnedFd, path: &str, lines: impl FnOnce(&[u8]) -> Result<Vec<String>>) -> Result<()> {
    let flags = OFlags::RDWR | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let resolve = ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS | ResolveFlags::NO_XDEV;
    let failed = || format!("adding to `/{path}` in the container");
    let opened = loop {
        match rustix::fs::openat2(root, path, flags, Mode::empty(), resolve) {
            Err(Errno::AGAIN) => {}
            other => break other,
        }
    };
    let file = match opened {
        Err(Errno::NOENT | Errno::NOTDIR | Errno::XDEV | Errno::ISDIR) => return Ok(()),
        opened => opened.with_context(failed)?,
    };
    let status = rustix::fs::fstat(&file).with_context(failed)?;
    let regular = FileType::from_raw_mode(status.st_mode) == FileType::RegularFile;
    if !regular || u64::try_from(status.st_size).unwrap_or(u64::MAX) > passwd::MAX_FILE {
        return Err(Error::new("it is no file of a sane size").wrap(failed()));
    }
    let mut file = std::fs::File::from(file);
    let mut text = Vec::new();
    (&file).take(passwd::MAX_FILE).read_to_end(&mut text).with_context(failed)?;
    let lines = lines(&text)?;
    if lines.is_empty() {
        return Ok(());
    }
    if lines.iter().any(|line| line.contains(['\n', '\0'])) {
        bail!("{}: an entry must be one line", failed());
    }
    let gap = if text.is_empty() || text.ends_with(b"\n") { "" } else { "\n" };
    let added = format!("{gap}{}\n", lines.join("\n"));
    file.seek(SeekFrom::End(0)).and_then(|_| file.write_all(added.as_bytes())).with_context(failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn added(accounts: &Accounts, user: &str) -> (String, String) {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(dir.path().join("etc")).unwrap();
        std::fs::write(dir.path().join("etc/passwd"), "root:x:0:0:root:/root:/bin/sh\nu:x:7:8::/:/").unwrap();
        std::fs::write(dir.path().join("etc/group"), "root:x:0:\n").unwrap();
        let root = OwnedFd::from(std::fs::File::open(dir.path()).unwrap());
        add(accounts, user, Path::new("/wd"), &root).unwrap();
        let read = |name: &str| std::fs::read_to_string(dir.path().join("etc").join(name)).unwrap();
        let (passwd, group) = (read("passwd"), read("group"));
        let rest = |text: &str, begin: &str| text.strip_prefix(begin).unwrap().to_owned();
        (rest(&passwd, "root:x:0:0:root:/root:/bin/sh\nu:x:7:8::/:/"), rest(&group, "root:x:0:\n"))
    }

    #[test]
    fn entries_as_the_reference_makes_them() {
        for (user, passwd, group) in [
            ("", "", ""),
            ("root", "", ""),
            ("0", "", ""),
            ("7", "", "7:x:7:7\n"),
            ("u:root", "", ""),
            ("1000", "\n1000:*:1000:0:container user:/wd:/bin/sh\n", "1000:x:1000:1000\n"),
            ("1000:2000", "\n1000:*:1000:2000:container user:/wd:/bin/sh\n", "2000:x:2000:1000\n"),
            ("0:2000", "", "2000:x:2000:0\n"),
        ] {
            assert_eq!(added(&Accounts::default(), user), (passwd.to_owned(), group.to_owned()), "{user}");
        }
        let own = Accounts {
            passwd_entry: Some("me:*:$UID:$GID:${NAME}:$HOME:/bin/$USERNAME$X".to_owned()),
            group_entry: Some("grp:x:$GID:$USERLIST,$GROUPNAME".to_owned()),
            ..Accounts::default()
        };
        let want = ("\nme:*:5:6:container user:/wd:/bin/5$X\n".to_owned(), "grp:x:6:5,6\n".to_owned());
        assert_eq!(added(&own, "5:6"), want);
        assert_eq!(added(&own, "u"), (String::new(), String::new()));
    }

    #[test]
    fn users_of_the_host() {
        let user = |name: &str, uid, home: &str| HostUser {
            name: name.to_owned(),
            uid,
            only_if_free: false,
            gid: 1,
            comment: "C".to_owned(),
            home: home.to_owned(),
        };
        let accounts = Accounts {
            host_users: vec![user("root", 0, "/root"), user("dev", 1001, "/nohome"), user("d", 1002, "/etc")],
            ..Accounts::default()
        };
        let want = "\ndev:*:1001:1:C:/wd:/bin/sh\nd:*:1002:1:C:/etc:/bin/sh\n";
        assert_eq!(added(&accounts, ""), (want.to_owned(), String::new()));
        assert_eq!(added(&accounts, "1001"), (want.to_owned(), "1001:x:1001:1001\n".to_owned()));
    }

    #[test]
    fn templates() {
        let values = [("A", "1"), ("AB", "2")];
        for (template, want) in
            [("$A$AB${A}x", "121x"), ("$C ${C} $ ${A", "$C ${C} $ ${A"), ("", ""), ("$", "$"), ("é$Aé", "é1é")]
        {
            assert_eq!(expand(template, &values), want, "{template}");
        }
    }

    proptest::proptest! {
        #[test]
        fn never_panics(template in "[${}A-C é]{0,16}") {
            let _ = expand(&template, &[("A", "x")]);
        }
    }
}
