//! Users of the host, for `--hostuser`.

use std::path::Path;

use crate::error::{Error, Result};
use crate::runtime::launch::HostUser;
use crate::storage::fs;

/// Looks up users by name or ID: in /etc/passwd, else by the system's other sources.
///
/// # Errors
/// There is no such user.
pub fn host_users(names: &[String]) -> Result<Vec<HostUser>> {
    if names.is_empty() {
        return Ok(Vec::new());
    }
    let passwd = fs::read_optional(Path::new("/etc/passwd"))?.unwrap_or_default();
    let passwd = String::from_utf8_lossy(&passwd);
    names.iter().map(|name| find(&passwd, name).or_else(|| ask(name)).ok_or_else(|| unknown(name))).collect()
}

fn unknown(name: &str) -> Error {
    Error::new(format!("--hostuser: unknown user {name}")).hint("name a user of this host, or give its ID")
}

/// Users of a directory service are not in the file; a static program cannot load the plugins that know them.
fn ask(name: &str) -> Option<HostUser> {
    let output = std::process::Command::new("getent").args(["passwd", "--", name]).output().ok()?;
    find(&String::from_utf8_lossy(&output.stdout), name)
}

fn find(passwd: &str, wanted: &str) -> Option<HostUser> {
    passwd.lines().find_map(|line| {
        let mut fields = line.split(':');
        let (name, _password) = (fields.next()?, fields.next()?);
        let (uid, gid) = (fields.next()?, fields.next()?.parse().ok()?);
        let (comment, home) = (fields.next()?, fields.next()?);
        let user = HostUser {
            name: name.to_owned(),
            uid: uid.parse().ok()?,
            gid,
            comment: comment.to_owned(),
            home: home.to_owned(),
            only_if_free: false,
        };
        (name == wanted || uid == wanted).then_some(user)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_name_or_number() {
        let passwd = "root:x:0:0:root:/root:/bin/sh\nbad\n\ndev:x:1001:1002:D,,:/home/dev:/bin/sh\n";
        let found = |wanted: &str| find(passwd, wanted).map(|user| (user.name, user.uid, user.gid, user.home));
        let dev = Some(("dev".to_owned(), 1001, 1002, "/home/dev".to_owned()));
        assert_eq!(found("dev"), dev);
        assert_eq!(found("1001"), dev);
        assert_eq!(found("bad"), None);
        assert!(host_users(&["no-such-user-here".to_owned()]).unwrap_err().to_string().contains("unknown user"));
    }
}
