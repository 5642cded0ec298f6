//! `std::fs` with errors that name the verb and the path.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::Path;

use crate::error::{Context, Error, Result};

/// Reads a whole file as bytes.
pub fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).with_context(|| format!("reading `{}`", path.display()))
}

/// Reads a whole file as UTF-8.
pub fn read_to_string(path: &Path) -> Result<String> {
    fs::read_to_string(path).with_context(|| format!("reading `{}`", path.display()))
}

/// Reads a whole file, or `None` where there is none.
pub fn read_optional(path: &Path) -> Result<Option<Vec<u8>>> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(Error::from(e).wrap(format!("reading `{}`", path.display()))),
    }
}

/// Reads a whole file as JSON.
pub fn read_json<T: serde::de::DeserializeOwned>(path: &Path) -> Result<T> {
    serde_json::from_slice(&read(path)?).with_context(|| format!("reading `{}`", path.display()))
}

/// Writes a file in place (not atomic: for files in directories that nobody else sees yet, and for /proc).
pub fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    fs::write(path, bytes).with_context(|| format!("writing `{}`", path.display()))
}

/// Creates a new file that only the user can read, and writes it.
pub fn write_private(path: &Path, bytes: &[u8]) -> Result<()> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o600);
    let result = options.open(path).and_then(|mut file| file.write_all(bytes));
    result.with_context(|| format!("writing `{}`", path.display()))
}

/// Creates a directory with mode 0700, and its parents.
pub fn create_private_dir_all(path: &Path) -> Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    let result = fs::DirBuilder::new().recursive(true).mode(0o700).create(path);
    result.with_context(|| format!("creating directory `{}`", path.display()))
}

/// Creates one directory with this mode (less the umask). Fails when it exists.
pub fn create_dir(path: &Path, mode: u32) -> Result<()> {
    fs::DirBuilder::new().mode(mode).create(path).with_context(|| format!("creating directory `{}`", path.display()))
}

/// Renames a file or directory.
pub fn rename(from: &Path, to: &Path) -> Result<()> {
    fs::rename(from, to).with_context(|| format!("renaming `{}` to `{}`", from.display(), to.display()))
}

/// Removes a file if it is there.
pub fn remove_file_if_exists(path: &Path) -> Result<()> {
    match fs::remove_file(path) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
            Err(Error::from(e).wrap(format!("removing `{}`", path.display())))
        }
        _ => Ok(()),
    }
}

/// Removes a tree if it is there. Symbolic links are removed, never followed.
pub fn remove_dir_all_if_exists(path: &Path) -> Result<()> {
    match fs::remove_dir_all(path) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
            Err(Error::from(e).wrap(format!("removing `{}`", path.display())))
        }
        _ => Ok(()),
    }
}

/// Whether an error was made by a full disk or a used up quota.
pub fn is_full(error: &Error) -> bool {
    let full = [nix::errno::Errno::ENOSPC, nix::errno::Errno::EDQUOT].map(nix::errno::Errno::desc);
    error.chain().iter().any(|cause| full.iter().any(|words| cause.contains(words)))
}

/// What is in a directory; nothing where there is none. Entries that vanish meanwhile are left out.
pub fn list(dir: &Path) -> Result<Vec<fs::DirEntry>> {
    match fs::read_dir(dir) {
        Ok(entries) => Ok(entries.flatten().collect()),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(e) => Err(Error::from(e).wrap(format!("listing `{}`", dir.display()))),
    }
}
