//! Directories and names beneath a root that hostile archives fill: every path is resolved by the kernel inside the
//! root, symbolic links included, as if the root were `/`.

use std::os::fd::{AsFd, OwnedFd};

use rustix::fs::{AtFlags, FileType, Mode, OFlags, ResolveFlags};
use rustix::io::Errno;

use crate::error::Result;

/// A path of an archive, cleaned: no leading slash, no empty or `.` components, `..` resolved by the letter.
///
/// # Errors
/// When `..` leads out of the root, or a byte 0 is in it.
pub fn clean(path: &[u8]) -> Result<Vec<u8>> {
    if path.contains(&0) {
        crate::bail!("entry `{}` has a null byte in its name", path.escape_ascii());
    }
    let mut clean: Vec<u8> = Vec::with_capacity(path.len());
    for component in path.split(|&b| b == b'/') {
        match component {
            b"" | b"." => {}
            b".." => {
                if clean.is_empty() {
                    crate::bail!("entry `{}` leads out of the root", path.escape_ascii());
                }
                let parent = clean.iter().rposition(|&b| b == b'/').unwrap_or(0);
                clean.truncate(parent);
            }
            name => {
                if !clean.is_empty() {
                    clean.push(b'/');
                }
                clean.extend_from_slice(name);
            }
        }
    }
    Ok(clean)
}

/// Parent and last component of a clean path.
pub fn split(path: &[u8]) -> (&[u8], &[u8]) {
    match path.iter().rposition(|&b| b == b'/') {
        Some(slash) => (path.get(..slash).unwrap_or_default(), path.get(slash + 1..).unwrap_or_default()),
        None => (b"", path),
    }
}

/// Opens a directory beneath `root` (`""` is the root itself); symbolic links on the way stay inside the root.
pub fn open_dir(root: impl AsFd, path: &[u8]) -> rustix::io::Result<OwnedFd> {
    let path: &[u8] = if path.is_empty() { b"." } else { path };
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let resolve = ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS;
    // EAGAIN: something was renamed somewhere while `..` of a link was resolved; the kernel asks to try again.
    for _ in 0..1000 {
        match rustix::fs::openat2(&root, path, flags, Mode::empty(), resolve) {
            Err(Errno::AGAIN) => {}
            other => return other,
        }
    }
    Err(Errno::AGAIN)
}

/// Type and device number of a name, links not followed; `None` when it does not exist.
pub fn stat(parent: impl AsFd, name: &[u8]) -> rustix::io::Result<Option<rustix::fs::Stat>> {
    match rustix::fs::statat(parent, name, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(stat) => Ok(Some(stat)),
        Err(Errno::NOENT) => Ok(None),
        Err(e) => Err(e),
    }
}

/// Whether this is overlayfs's whiteout, a character device 0:0.
pub fn is_whiteout(stat: &rustix::fs::Stat) -> bool {
    file_type(stat) == FileType::CharacterDevice && stat.st_rdev == 0
}

/// The type in a stat's mode.
pub fn file_type(stat: &rustix::fs::Stat) -> FileType {
    FileType::from_raw_mode(stat.st_mode)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_cleaned_by_the_letter() {
        let table: [(&[u8], Option<&[u8]>); 12] = [
            (b"./a/b", Some(b"a/b")),
            (b"/etc/passwd", Some(b"etc/passwd")),
            (b"./", Some(b"")),
            (b"", Some(b"")),
            (b"a//b/", Some(b"a/b")),
            (b"a/../b", Some(b"b")),
            (b"a/b/../../c", Some(b"c")),
            (b"../x", None),
            (b"a/../../x", None),
            (b"/..", None),
            (b"..a/...", Some(b"..a/...")),
            (b"a\0b", None),
        ];
        for (path, expected) in table {
            assert_eq!(clean(path).ok().as_deref(), expected, "{}", path.escape_ascii());
        }
    }
}
