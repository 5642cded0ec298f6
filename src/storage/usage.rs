//! How much room things take on disk, as `du` counts it: blocks, not lengths, and what has several names once.

use std::collections::{HashMap, HashSet};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, Stat};
use rustix::io::Errno;

use crate::error::{Context, Result};
use crate::storage::unpack::beneath::file_type;

/// Bytes on disk of each of these files and trees, several counted at once. What is not there, or vanishes meanwhile,
/// takes nothing. None of them may be in another.
pub fn of_all(paths: Vec<PathBuf>) -> Result<HashMap<PathBuf, u64>> {
    let next = AtomicUsize::new(0);
    let seen = Mutex::new(HashSet::new());
    let sizes = Mutex::new(Ok(HashMap::with_capacity(paths.len())));
    let work = || {
        while let Some(path) = paths.get(next.fetch_add(1, Ordering::Relaxed)) {
            let size = of(path, &seen).with_context(|| format!("counting `{}`", path.display()));
            let mut sizes = sizes.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            match (sizes.as_mut(), size) {
                (Ok(sizes), Ok(size)) => drop(sizes.insert(path.clone(), size)),
                (Ok(_), Err(error)) => *sizes = Err(error),
                (Err(_), _) => return,
            }
        }
    };
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get).min(8);
    std::thread::scope(|scope| {
        for _ in 1..threads.min(paths.len()) {
            scope.spawn(work);
        }
        work();
    });
    sizes.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// Device and inode of what has several names.
type Seen = Mutex<HashSet<(u64, u64)>>;

fn of(path: &Path, seen: &Seen) -> rustix::io::Result<u64> {
    let stat = match rustix::fs::lstat(path) {
        Err(Errno::NOENT) => return Ok(0),
        result => result?,
    };
    let mut total = count(&stat, seen);
    if file_type(&stat) != FileType::Directory {
        return Ok(total);
    }
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let open = |parent: &OwnedFd, name: &std::ffi::CStr| rustix::fs::openat(parent, name, flags, Mode::empty());
    // Directories on the way down, each with the rest of what is in it.
    let mut stack = vec![Dir::new(rustix::fs::open(path, flags, Mode::empty())?)?];
    while let Some(dir) = stack.last_mut() {
        let Some(entry) = dir.read() else {
            stack.pop();
            continue;
        };
        let entry = entry?;
        let name = entry.file_name();
        if matches!(name.to_bytes(), b"." | b"..") {
            continue;
        }
        let fd = rustix::io::dup(dir.fd()?)?;
        let stat = match rustix::fs::statat(&fd, name, AtFlags::SYMLINK_NOFOLLOW) {
            Err(Errno::NOENT) => continue,
            result => result?,
        };
        total += count(&stat, seen);
        if file_type(&stat) == FileType::Directory {
            match open(&fd, name) {
                Ok(below) => stack.push(Dir::new(below)?),
                Err(Errno::NOENT | Errno::NOTDIR) => {}
                Err(e) => return Err(e),
            }
        }
    }
    Ok(total)
}

fn count(stat: &Stat, seen: &Seen) -> u64 {
    let bytes = u64::try_from(stat.st_blocks).unwrap_or(0) * 512;
    if stat.st_nlink > 1 && file_type(stat) != FileType::Directory {
        let fresh = seen.lock().unwrap_or_else(std::sync::PoisonError::into_inner).insert((stat.st_dev, stat.st_ino));
        return if fresh { bytes } else { 0 };
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_du_counts() {
        let home = tempfile::tempdir().unwrap();
        let dir = home.path().join("tree");
        std::fs::create_dir_all(dir.join("a/b/c")).unwrap();
        std::fs::write(dir.join("a/file"), vec![1; 100_000]).unwrap();
        std::fs::hard_link(dir.join("a/file"), dir.join("a/b/again")).unwrap();
        std::os::unix::fs::symlink("/", dir.join("a/root")).unwrap();
        std::fs::File::create(dir.join("sparse")).unwrap().set_len(1 << 30).unwrap();
        let output = std::process::Command::new("du").args(["-s", "-B1"]).arg(&dir).output().unwrap();
        let du: u64 = String::from_utf8(output.stdout).unwrap().split('\t').next().unwrap().parse().unwrap();
        assert_eq!(of_all(vec![dir.clone(), home.path().join("nothing")]).unwrap()[&dir], du);
    }
}
