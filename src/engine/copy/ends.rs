//! What paths mean: which file is copied, under which name, and into which directory.
//!
//! ```text
//! source          destination is a directory   is a file            does not exist
//! file            into it, under its name      replaces it          made, the directory above must be there
//! directory       into it, under its name      error                made, and filled with the content
//! directory/.     its content into it          error                made, and filled with the content
//! archive (-)     its content into it          error                error
//! ```
//!
//! A destination that ends with a slash must be there. As in the reference a link that is named is followed, on both sides.

use std::os::fd::{AsRawFd as _, OwnedFd};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::Path;

use rustix::fs::{AtFlags, Mode, OFlags};
use rustix::io::Errno;

use super::{Location, is_directory, user_of};
use crate::container::Record;
use crate::container::userns;
use crate::engine::view::Open;
use crate::error::{Context, Error, Result};
use crate::runtime::child::view::View;
use crate::storage::tree::copy::Renumber;
use crate::storage::tree::shown;
use crate::storage::unpack::beneath;

/// One end of a copy.
pub(super) enum Side {
    Host,
    Container { name: String, record: Box<Record>, open: Box<Open> },
}

impl Side {
    pub(super) fn container(location: &Location, record: Record, open: Open) -> Self {
        Side::Container {
            name: location.container.clone().unwrap_or_default(),
            record: Box::new(record),
            open: Box::new(open),
        }
    }

    /// Whether both are the same container.
    pub(super) fn is_same_container(&self, other: &Side) -> bool {
        match (self, other) {
            (Side::Container { record, .. }, Side::Container { record: other, .. }) => record.id == other.id,
            _ => false,
        }
    }

    /// For messages.
    pub(super) fn what(&self) -> String {
        match self {
            Side::Host => "the host".to_owned(),
            Side::Container { name, .. } => format!("container {name}"),
        }
    }

    pub(super) fn view(&self) -> Option<Result<&View>> {
        match self {
            Side::Host => None,
            Side::Container { open, .. } => Some(open.view()),
        }
    }

    /// Who is to own what comes here; `None` as in the archive. On the host everything belongs to the user, who is root of
    /// the namespace.
    pub(super) fn owner(&self, archive: bool) -> Result<Option<(u32, u32)>> {
        match self {
            Side::Host => Ok(Some((0, 0))),
            Side::Container { .. } if !archive => Ok(None),
            Side::Container { record, open, .. } => user_of(record, open.view()?.root()).map(Some),
        }
    }

    /// What the container's numbers are from here, in its view: `None` where they are the same.
    pub(super) fn numbers(&self) -> Option<Renumber> {
        match self {
            Side::Host => None,
            Side::Container { record, .. } => record.id_map.as_ref().map(userns::to_parent),
        }
    }

    /// The way back.
    pub(super) fn own_numbers(&self) -> Option<Renumber> {
        match self {
            Side::Host => None,
            Side::Container { record, .. } => record.id_map.as_ref().map(userns::to_own),
        }
    }

    fn place(&self, path: &[u8]) -> rustix::io::Result<OwnedFd> {
        self.open(path, OFlags::PATH)
    }

    fn open(&self, path: &[u8], flags: OFlags) -> rustix::io::Result<OwnedFd> {
        let path = Path::new(std::ffi::OsStr::from_bytes(path));
        match self {
            Side::Host => rustix::fs::open(path, flags | OFlags::CLOEXEC, Mode::empty()),
            Side::Container { open, .. } => {
                let view = open.view().map_err(|_| Errno::BADF)?;
                // An empty path is the root.
                view.open(path, flags)
            }
        }
    }

    fn not_found(&self, path: &[u8], errno: Errno) -> Error {
        let on = match self {
            Side::Host => "on the host".to_owned(),
            Side::Container { name, .. } => format!("on container {name}"),
        };
        let reason = crate::container::mounts::go_reason(&std::io::Error::from(errno));
        Error::new(format!("\"{}\" could not be found {on}: {reason}", shown(path)))
    }
}

/// What is copied.
pub(super) struct Found {
    /// O_PATH.
    pub(super) place: OwnedFd,
    pub(super) is_dir: bool,
    /// What it is called.
    name: Vec<u8>,
    /// Its path, as it was when it was opened; empty for the root.
    path: Vec<u8>,
    /// Not the directory, but what is in it.
    contents: bool,
}

impl Found {
    /// Whether it is a directory in which a directory of this path is, or that one itself.
    pub(super) fn holds(&self, path: &[u8]) -> bool {
        self.is_dir
            && path.strip_prefix(self.path.as_slice()).is_some_and(|rest| matches!(rest.first(), None | Some(b'/')))
    }

    /// Its name in the archive; none when only the content of a directory goes there.
    pub(super) fn name_for(&self, wanted: Option<&[u8]>) -> Option<Vec<u8>> {
        match wanted {
            Some(wanted) => Some(wanted.to_vec()),
            None if self.is_dir && self.contents => None,
            None => Some(self.name.clone()),
        }
    }
}

/// Opens what is to be copied.
pub(super) fn source(side: &Side, path: &[u8]) -> Result<Found> {
    let place = side.place(path).map_err(|errno| side.not_found(path, errno))?;
    let is_dir = is_directory(&place)?;
    let typed = base(path);
    let (above, resolved) = resolved(&place)?;
    let full = if resolved.is_empty() { above } else { [above.as_slice(), b"/", &resolved].concat() };
    let is_root = resolved.is_empty();
    let name = match side {
        // A link of the host's gives its own name, one of a container that of what it leads to.
        Side::Host if !matches!(typed, b"" | b"." | b"..") => typed.to_vec(),
        _ if is_root => b"root".to_vec(),
        _ => resolved,
    };
    Ok(Found { place, is_dir, name, path: full, contents: typed == b"." || is_root })
}

/// Where it is put.
#[derive(Debug)]
pub(super) struct Destination {
    /// A directory, O_PATH.
    pub(super) dir: OwnedFd,
    /// Its path, as it was when it was opened.
    pub(super) path: Vec<u8>,
    /// What it is called there; `None` is its own name.
    pub(super) name: Option<Vec<u8>>,
}

/// Opens where something is to be put.
pub(super) fn destination(side: &Side, path: &[u8], from_dir: bool, from_archive: bool) -> Result<Destination> {
    let stdin = || Error::new("destination must be a directory when copying from stdin");
    let place = match side.place(path) {
        Ok(place) => place,
        Err(_) if from_archive => return Err(stdin()),
        Err(Errno::NOENT) if !ends_as_directory(path) => return new(side, path),
        Err(Errno::NOTDIR) if side.place(without_slashes(path)).is_ok() => {
            return Err(Error::new(format!("\"{}\" exists but is not a directory", shown(path)))
                .wrap(format!("copying to {}", side.what())));
        }
        Err(errno) => return Err(side.not_found(path, errno)),
    };
    let (above, name) = resolved(&place)?;
    if is_directory(&place)? {
        let path = if name.is_empty() { above } else { [above.as_slice(), b"/", &name].concat() };
        return Ok(Destination { dir: place, path, name: None });
    }
    if from_archive {
        return Err(stdin());
    }
    if from_dir {
        return Err(Error::new("destination must be a directory when copying a directory"));
    }
    let flags = OFlags::PATH | OFlags::DIRECTORY;
    let in_root: &[u8] = if above.is_empty() { b"/" } else { &above };
    let dir = side.open(in_root, flags).map_err(|errno| side.not_found(path, errno))?;
    // It must still be the one that was found.
    let there = rustix::fs::fstat(&place).context("reading what is there")?;
    match beneath::stat(&dir, &name).context("reading what is there")? {
        Some(now) if (now.st_dev, now.st_ino) == (there.st_dev, there.st_ino) => {
            Ok(Destination { dir, path: above, name: Some(name) })
        }
        _ => Err(Error::new(format!("\"{}\" was changed meanwhile", shown(path)))),
    }
}

/// Something that is not there yet.
fn new(side: &Side, path: &[u8]) -> Result<Destination> {
    let name = base(path);
    let above = path.get(..path.len().saturating_sub(name.len())).unwrap_or_default();
    let above: &[u8] = match (above, side) {
        (b"", Side::Host) => b".",
        (b"", _) => b"/",
        _ => above,
    };
    let missing = |errno| side.not_found(path, errno);
    let dir = side.open(above, OFlags::PATH | OFlags::DIRECTORY).map_err(missing)?;
    match rustix::fs::statat(&dir, name, AtFlags::SYMLINK_NOFOLLOW) {
        Err(Errno::NOENT) => {}
        Err(errno) => return Err(missing(errno)),
        // A link that leads nowhere.
        Ok(_) => return Err(missing(Errno::NOENT)),
    }
    let (mut full, last) = resolved(&dir)?;
    if !last.is_empty() {
        full = [full.as_slice(), b"/", &last].concat();
    }
    Ok(Destination { dir, path: full, name: Some(name.to_vec()) })
}

/// Directory and name of an open place, as the kernel sees them now. The root has neither.
fn resolved(place: &OwnedFd) -> Result<(Vec<u8>, Vec<u8>)> {
    let path = std::fs::read_link(format!("/proc/self/fd/{}", place.as_raw_fd())).context("reading a path")?;
    let path = path.into_os_string().into_vec();
    match path.iter().rposition(|&b| b == b'/') {
        Some(slash) => {
            Ok((path.get(..slash).unwrap_or_default().to_vec(), path.get(slash + 1..).unwrap_or_default().to_vec()))
        }
        None => Err(Error::new("what was found has no path")),
    }
}

fn without_slashes(path: &[u8]) -> &[u8] {
    let end = path.iter().rposition(|&b| b != b'/').map_or(0, |last| last + 1);
    path.get(..end).unwrap_or_default()
}

/// The last component, slashes behind it left out.
fn base(path: &[u8]) -> &[u8] {
    let path = without_slashes(path);
    let start = path.iter().rposition(|&b| b == b'/').map_or(0, |slash| slash + 1);
    path.get(start..).unwrap_or_default()
}

/// Whether only a directory can be meant.
fn ends_as_directory(path: &[u8]) -> bool {
    path.ends_with(b"/") || matches!(base(path), b"" | b"." | b"..")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn last_components() {
        let table: [(&[u8], &[u8], bool); 9] = [
            (b"/a/b", b"b", false),
            (b"a", b"a", false),
            (b"/a/b//", b"b", true),
            (b"a/.", b".", true),
            (b"..", b"..", true),
            (b"/", b"", true),
            (b"", b"", true),
            (b"/.", b".", true),
            (b"a/..b", b"..b", false),
        ];
        for (path, name, directory) in table {
            assert_eq!((base(path), ends_as_directory(path)), (name, directory), "{}", shown(path));
        }
    }
}
