//! Directories and names beneath a root that hostile archives fill: every path is resolved by the kernel inside the
//! root, symbolic links included, as if the root were `/`.

use std::os::fd::{AsFd, AsRawFd as _, OwnedFd};

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
    open_beneath(root, path, OFlags::empty())
}

/// The same, but the last component must be the directory and no link to it.
pub fn open_dir_itself(root: impl AsFd, path: &[u8]) -> rustix::io::Result<OwnedFd> {
    open_beneath(root, path, OFlags::NOFOLLOW)
}

fn open_beneath(root: impl AsFd, path: &[u8], more: OFlags) -> rustix::io::Result<OwnedFd> {
    let path: &[u8] = if path.is_empty() { b"." } else { path };
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC | more;
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

/// Sets the mode of a pipe by name. Whatever somebody has put in its place meanwhile is left alone: a link would lead to a
/// file of the host.
///
/// # Errors
/// `ELOOP`, `EINVAL` and the like where it is no pipe (any more).
pub fn chmod_fifo(parent: impl AsFd, name: &[u8], mode: u32) -> rustix::io::Result<()> {
    let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let place = rustix::fs::openat(parent, name, flags, Mode::empty())?;
    if file_type(&rustix::fs::fstat(&place)?) != FileType::Fifo {
        return Err(Errno::INVAL);
    }
    // A place has no mode to be set but by this name.
    let path = format!("/proc/self/fd/{}", place.as_raw_fd());
    rustix::fs::chmod(path, Mode::from_raw_mode(mode & 0o7777))
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
    fn only_a_pipe_gets_the_mode_of_a_pipe() {
        let home = tempfile::tempdir().unwrap();
        let dir = std::fs::File::open(home.path()).unwrap();
        let mode =
            |name: &str| std::os::unix::fs::MetadataExt::mode(&home.path().join(name).metadata().unwrap()) & 0o7777;
        std::fs::write(home.path().join("secret"), "").unwrap();
        let before = mode("secret");
        std::os::unix::fs::symlink("secret", home.path().join("link")).unwrap();
        rustix::fs::mknodat(&dir, "pipe", FileType::Fifo, Mode::RUSR, 0).unwrap();
        chmod_fifo(&dir, b"pipe", 0o623).unwrap();
        assert_eq!(mode("pipe"), 0o623);
        assert!(chmod_fifo(&dir, b"link", 0o666).is_err() && chmod_fifo(&dir, b"secret", 0o666).is_err());
        assert_eq!(mode("secret"), before);
    }

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
