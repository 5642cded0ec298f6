//! Files that are either the old or the new content, whatever happens in between.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;

use crate::error::{Context, Result};

/// How much a write must survive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// Kill -9 of any process, but not a power cut: no fsync. For state that a reboot makes void anyway.
    Process,
    /// A power cut as well: the file and its directory are flushed.
    Power,
}

/// Replaces `path` with `bytes` in one step (mode 0600): a temporary file in the same directory, then a rename.
pub fn write(path: &Path, bytes: &[u8], durability: Durability) -> Result<()> {
    write_with_mode(path, bytes, 0o600, durability)
}

/// The same with another mode, whatever the umask says. The file never has any other.
pub fn write_with_mode(path: &Path, bytes: &[u8], mode: u32, durability: Durability) -> Result<()> {
    let dir = path.parent().unwrap_or(Path::new("."));
    let attempt = || -> std::io::Result<()> {
        let file = tempfile::Builder::new().prefix(".tmp-").tempfile_in(dir)?;
        // Of the file itself: the wrapper would add its own name to an error.
        file.as_file().write_all(bytes)?;
        if mode != 0o600 {
            file.as_file().set_permissions(std::os::unix::fs::PermissionsExt::from_mode(mode))?;
        }
        if durability == Durability::Power {
            file.as_file().sync_all()?;
        }
        file.persist(path).map_err(|e| e.error)?;
        if durability == Durability::Power {
            sync_dir_io(dir)?;
        }
        Ok(())
    };
    attempt().with_context(|| format!("writing `{}`", path.display()))
}

/// Flushes a directory, so that the names in it survive a power cut.
pub fn sync_dir(dir: &Path) -> Result<()> {
    sync_dir_io(dir).with_context(|| format!("flushing `{}`", dir.display()))
}

fn sync_dir_io(dir: &Path) -> std::io::Result<()> {
    File::open(dir)?.sync_all()
}
