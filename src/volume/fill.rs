//! Filling an empty volume, so that it is either empty or whole for whoever uses it, whatever happens in between.
//!
//! The content is made in `tmp/`, flushed, and renamed to `_copy` in the volume's directory: from then on it is whole. Its
//! entries are moved into `_data` one by one (a container may have `_data` mounted already, so that it cannot be replaced),
//! and whoever comes next goes on where a killed one stopped. What is there already is never replaced.

use std::os::fd::{AsFd as _, OwnedFd};
use std::path::Path;

use rustix::fs::{Dir, Mode, OFlags, RenameFlags};
use rustix::io::Errno;

use super::record::Record;
use super::store::{Store, Volume};
use crate::error::{Context, Error, Result};
use crate::storage::atomic::{self, Durability};
use crate::storage::tree::copy::Renumber;
use crate::storage::unpack::remove::remove_beneath;
use crate::storage::unpack::{Owners, remove_tree};
use crate::storage::workdir::WorkDir;
use crate::storage::{fs, tree};

/// Makes the content in the directory that it is given.
pub type Make<'a> = dyn Fn(OwnedFd) -> Result<()> + 'a;

/// Fills an empty volume. The caller holds its lock, is in the user namespace, and writes the record afterwards.
///
/// # Errors
/// Those of `make`, a full disk. Nothing of it is in the volume then.
pub fn fill(store: &Store, volume: &Volume, durability: Durability, make: &Make<'_>) -> Result<()> {
    put(volume, &stage(store, durability, make)?, durability)
}

/// Content that is whole, and in no volume yet.
#[derive(Debug)]
pub struct Staged {
    work: WorkDir,
}

/// Makes the content for a volume. No lock is needed: `make` may take as long as it likes.
pub fn stage(store: &Store, durability: Durability, make: &Make<'_>) -> Result<Staged> {
    let staged = Staged { work: WorkDir::random(store.roots(), "volume-")? };
    let path = staged.work.path("copy");
    fs::create_dir(&path, 0o755)?;
    make(open_dir(&path)?)?;
    if durability == Durability::Power {
        flush(&path)?;
    }
    Ok(staged)
}

/// Puts content into an empty volume. The caller holds the volume's lock.
pub fn put(volume: &Volume, staged: &Staged, durability: Durability) -> Result<()> {
    fs::rename(&staged.work.path("copy"), &volume.dir.join("_copy"))?;
    if durability == Durability::Power {
        atomic::sync_dir(&volume.dir)?;
    }
    move_in(volume)
}

/// Whether somebody was killed while filling it.
pub fn is_pending(volume: &Volume) -> bool {
    volume.dir.join("_copy").symlink_metadata().is_ok()
}

/// Moves what is left in `_copy` into the volume. The caller holds the volume's lock.
pub fn move_in(volume: &Volume) -> Result<()> {
    let copy = volume.dir.join("_copy");
    let data = volume.data();
    let context = || format!("filling volume `{}`", volume.record.name);
    let (from, to) = (open_dir(&copy)?, open_dir(&data)?);
    move_entries(&from, &to).with_context(context)?;
    tree::copy::attributes_of(&from, &to, Owners::of_this_process(), None).with_context(context)?;
    remove_tree(&copy)
}

/// Moves all entries of a directory into another of the same file system. What has a name that is there already stays.
fn move_entries(from: &OwnedFd, to: &OwnedFd) -> Result<()> {
    let mut names = Vec::new();
    for entry in Dir::read_from(from).context("listing a copy")? {
        names.push(entry.context("listing a copy")?.file_name().to_owned());
    }
    for name in names.iter().filter(|name| !matches!(name.to_bytes(), b"." | b"..")) {
        match rustix::fs::renameat_with(from, name, to, name, RenameFlags::NOREPLACE) {
            Ok(()) | Err(Errno::EXIST) => {}
            Err(e) => return Err(Error::from(e).wrap(format!("moving `{}`", tree::shown(name.to_bytes())))),
        }
    }
    Ok(())
}

/// Copies a directory of an image into a directory that is no part of the store, a tmpfs or one of the host's, which is
/// empty. `root`: it gets owner and mode as well.
pub fn fill_in_place(from: OwnedFd, to: &Path, root: bool, renumber: Option<&Renumber>) -> Result<()> {
    // Another container may have the directory already, and put a link in the place of whatever is made here: so by
    // descriptors.
    let to = open_dir(to)?;
    let clear = || match remove_beneath(&to, STAGE.as_bytes()) {
        Err(Errno::NOENT) => Ok(()),
        removed => removed.context("removing a half made copy"),
    };
    clear()?;
    rustix::fs::mkdirat(&to, STAGE, Mode::RWXU).context("creating a directory for the copy")?;
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let stage = rustix::fs::openat(&to, STAGE, flags, Mode::empty()).context("opening the directory of the copy")?;
    let again = || stage.try_clone().context("duplicating a descriptor");
    let result = copy(from, again()?, renumber).and_then(|()| {
        move_entries(&stage, &to)?;
        match root {
            true => tree::copy::attributes_of(&stage, &to, Owners::of_this_process(), None),
            false => Ok(()),
        }
    });
    result.and(clear())
}

/// The name of a half made copy in a directory of the host.
const STAGE: &str = ".coracle-copy-up";

/// Copies a directory of an image as the content of a volume, perhaps with other owners.
pub fn copy(from: OwnedFd, to: OwnedFd, renumber: Option<&Renumber>) -> Result<()> {
    tree::copy::copy_live(from, to, Owners::of_this_process(), renumber).map_err(|error| {
        error
            .wrap("copying what the image has there into the volume")
            .hint("`nocopy` as an option of the volume leaves it empty")
    })
}

/// Whether nothing is in a directory, but for what a killed [`fill_in_place`] left there.
pub fn is_empty(dir: &Path) -> Result<bool> {
    Ok(fs::list(dir)?.iter().all(|entry| entry.file_name() == STAGE || is_lost_and_found(&entry.file_name())))
}

/// A file system of its own has it from the beginning.
fn is_lost_and_found(name: &std::ffi::OsStr) -> bool {
    name == "lost+found"
}

/// Gives the root of a volume the owner that its options name.
pub fn apply_owner(record: &Record, data: &Path) -> Result<()> {
    let options = record.parsed()?;
    if (options.uid, options.gid) == (None, None) {
        return Ok(());
    }
    std::os::unix::fs::chown(data, options.uid, options.gid)
        .with_context(|| format!("giving volume `{}` its owner", record.name))
}

/// Opens a directory.
pub fn open_dir(path: &Path) -> Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    rustix::fs::open(path, flags, Mode::empty()).with_context(|| format!("opening `{}`", path.display()))
}

/// Flushes everything below a path, with all else in that file system.
pub fn flush(path: &Path) -> Result<()> {
    let dir = open_dir(path)?;
    rustix::fs::syncfs(dir.as_fd()).with_context(|| format!("flushing `{}`", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::Roots;
    use crate::volume::New;

    fn store() -> (tempfile::TempDir, Store) {
        let dir = tempfile::tempdir().unwrap();
        let roots = Roots::open(&dir.path().join("data"), &dir.path().join("run")).unwrap();
        (dir, Store::new(&roots))
    }

    #[test]
    fn a_killed_fill_is_gone_on_with() {
        let (_dir, store) = store();
        store.create(New { name: "v".to_owned(), ..New::default() }, Durability::Process).unwrap();
        let volume = store.load("v").unwrap().unwrap();
        assert!(is_empty(&volume.data()).unwrap() && !is_pending(&volume));
        // As after a kill -9 between the first and the second of two moves; somebody has written one of the names meanwhile.
        let copy = volume.dir.join("_copy");
        std::fs::create_dir_all(copy.join("dir")).unwrap();
        std::fs::write(copy.join("dir/x"), "image").unwrap();
        std::fs::write(copy.join("own"), "image").unwrap();
        std::fs::write(volume.data().join("own"), "user").unwrap();
        std::fs::set_permissions(&copy, std::os::unix::fs::PermissionsExt::from_mode(0o750)).unwrap();
        assert!(is_pending(&volume));
        move_in(&volume).unwrap();
        assert!(!is_pending(&volume));
        assert_eq!(std::fs::read_to_string(volume.data().join("dir/x")).unwrap(), "image");
        assert_eq!(std::fs::read_to_string(volume.data().join("own")).unwrap(), "user");
        let mode = std::os::unix::fs::MetadataExt::mode(&std::fs::metadata(volume.data()).unwrap());
        assert_eq!(mode & 0o777, 0o750);
    }

    #[test]
    fn a_directory_of_others_is_filled_through_no_link() {
        let home = tempfile::tempdir().unwrap();
        let at = |name: &str| home.path().join(name);
        for dir in ["image/sub", "to", "elsewhere"] {
            std::fs::create_dir_all(at(dir)).unwrap();
        }
        std::fs::write(at("image/sub/x"), "image").unwrap();
        std::fs::write(at("elsewhere/kept"), "").unwrap();
        std::os::unix::fs::symlink(at("elsewhere"), at("to").join(STAGE)).unwrap();
        fill_in_place(open_dir(&at("image")).unwrap(), &at("to"), false, None).unwrap();
        assert_eq!(std::fs::read_to_string(at("to/sub/x")).unwrap(), "image");
        assert_eq!(std::fs::read_dir(at("elsewhere")).unwrap().count(), 1);
        assert!(at("elsewhere/kept").exists() && !at("to").join(STAGE).exists());
    }

    #[test]
    fn a_fill_that_fails_leaves_nothing() {
        let (_dir, store) = store();
        store.create(New { name: "v".to_owned(), ..New::default() }, Durability::Process).unwrap();
        let volume = store.load("v").unwrap().unwrap();
        let make = |dir: OwnedFd| {
            rustix::fs::openat(&dir, "half", OFlags::CREATE | OFlags::WRONLY, Mode::RUSR).unwrap();
            Err(Error::new("no room"))
        };
        assert!(fill(&store, &volume, Durability::Process, &make).is_err());
        assert!(is_empty(&volume.data()).unwrap() && !is_pending(&volume));
        assert_eq!(std::fs::read_dir(store.roots().tmp()).unwrap().count(), 0);
    }
}
