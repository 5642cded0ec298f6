//! The driver that needs nothing of the kernel: every container has a copy of all that its image holds. Where the file
//! system can share data between files, the copy costs little.

use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags};

use crate::container::userns::Shift;
use crate::error::{Context, Result};
use crate::storage::fs;
use crate::storage::tree::copy::{self, Data};
use crate::storage::unpack::extract::Owners;

/// Copies the layers, topmost first, into the new directory `to`; with other owners where there is a shift.
///
/// The caller is root of the user namespace. After an error it removes what is there.
pub fn create(to: &Path, layers: &[PathBuf], shift: Option<&Shift>) -> Result<()> {
    fs::create_dir(to, 0o755)?;
    if layers.is_empty() {
        return Ok(());
    }
    let sources = layers.iter().map(|path| open(path)).collect::<Result<Vec<_>>>()?;
    let renumber = shift.map(super::shown::renumber);
    copy::copy(sources, open(to)?, Owners::of_this_process(), renumber.as_ref(), Data::Copy)
}

fn open(path: &Path) -> Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    rustix::fs::open(path, flags, Mode::empty()).with_context(|| format!("opening `{}`", path.display()))
}
