//! Removing containers: in one step they are gone, and what is left of them is rubbish in `tmp/`.

use std::fs::File;
use std::path::{Path, PathBuf};

use super::{Record, Store, read_json};
use crate::error::{Context, Error, Kind, Result};
use crate::storage::fs;
use crate::storage::lock::{self, Lock};
use crate::storage::unpack::remove_tree;

impl Store {
    /// As [`Store::detach`], for whoever is not the container's monitor: it holds the monitor's lock, so that nobody can
    /// start the container meanwhile.
    ///
    /// # Errors
    /// [`Kind::InUse`] when a monitor lives, or somebody else is removing it.
    pub fn detach_idle(&self, record: &Record) -> Result<Trash> {
        Ok(self.detach_idle_after(record, || Ok(()))?.0)
    }

    /// The same; `first` is done when nobody can start the container any more.
    pub fn detach_idle_after<T>(&self, record: &Record, first: impl FnOnce() -> Result<T>) -> Result<(Trash, T)> {
        let run_dir = self.roots.run_container(&record.id);
        fs::create_private_dir_all(&run_dir)?;
        let path = run_dir.join("lock");
        let mut options = File::options();
        let open = options.read(true).write(true).create(true).truncate(false).open(&path);
        let file = open.with_context(|| format!("opening `{}`", path.display()))?;
        crate::sys::lock::hold(&file).map_err(|e| match e.raw_os_error() {
            Some(libc::EAGAIN | libc::EACCES) => Error::of(
                Kind::InUse,
                format!(
                    "cannot remove container {}: it is being started or removed: container state improper",
                    record.id
                ),
            ),
            _ => Error::from(e).wrap(format!("locking `{}`", path.display())),
        })?;
        let detached = first().and_then(|first| Ok((self.detach(record)?, first)));
        if detached.is_err() && !self.roots.container(&record.id).exists() {
            // Somebody else was quicker, and the directory of the lock is ours alone.
            let _ = fs::remove_dir_all_if_exists(&run_dir);
        }
        detached
    }

    /// Makes a container disappear in one step: its directory goes to `tmp/`, its name is free. Returns the directory
    /// that is left to delete, with its lock held, so that nobody else sweeps it up meanwhile.
    pub fn detach(&self, record: &Record) -> Result<Trash> {
        let trash = self.roots.tmp().join(format!("removed-{}", record.id));
        let lock = lock::exclusive(&self.roots.container(&record.id).join(".lock"))?;
        fs::rename(&self.roots.container(&record.id), &trash)?;
        // From here on it is gone; what else fails leaves rubbish only, and must not keep the caller from deleting.
        if let Ok(_names) = self.lock_names() {
            // It may have been renamed since the record was read.
            let latest: Option<Record> = read_json(&trash.join("record.json")).ok().flatten();
            for name in [Some(&record.name), latest.as_ref().map(|r| &r.name)].into_iter().flatten() {
                let link = self.roots.names().join(name);
                if std::fs::read_link(&link).is_ok_and(|id| id == Path::new(&record.id)) {
                    let _ = fs::remove_file_if_exists(&link);
                }
            }
        }
        let _ = fs::remove_dir_all_if_exists(&self.roots.run_container(&record.id));
        // The file of `--cidfile` goes with the container that it names.
        if let Some(path) = &record.cid_file
            && std::fs::read(path).is_ok_and(|text| text.trim_ascii() == record.id.as_bytes())
        {
            let _ = fs::remove_file_if_exists(path);
        }
        Ok(Trash { dir: trash, _lock: lock })
    }

    /// Containers whose record a power cut has emptied, or that somebody has emptied by hand. Nobody can use them.
    pub fn unreadable(&self) -> Result<Vec<String>> {
        let is_empty = |id: &String| {
            let record = self.roots.container(id).join("record.json");
            match std::fs::metadata(record) {
                Ok(meta) => meta.len() == 0,
                Err(e) => e.kind() == std::io::ErrorKind::NotFound,
            }
        };
        Ok(self.ids()?.into_iter().filter(|id| is_empty(id) && !self.monitor_is_alive(id)).collect())
    }

    /// Makes one of them disappear. `None` when somebody else was quicker.
    pub fn detach_unreadable(&self, id: &str) -> Result<Option<Trash>> {
        let record = Record { id: id.to_owned(), ..Record::default() };
        // Without a name: its link is found by `repair_names`.
        match self.detach(&record) {
            Ok(trash) => Ok(Some(trash)),
            Err(_) if !self.roots.container(id).exists() => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// A directory in `tmp/` that nobody needs any more.
#[derive(Debug)]
pub struct Trash {
    dir: PathBuf,
    _lock: Lock,
}

impl Trash {
    /// Deletes it. The caller must be in the user's user namespace where the directory holds files of mapped IDs.
    pub fn delete(self) -> Result<()> {
        remove_locked(&self.dir)
    }

    /// Where it is.
    pub fn dir(&self) -> &Path {
        &self.dir
    }
}

/// Removes a directory whose `.lock` the caller holds: the lock goes last, so that nobody else sweeps it up meanwhile.
/// Its depth is what the container made it.
fn remove_locked(dir: &Path) -> Result<()> {
    let entries = match std::fs::read_dir(dir) {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        entries => entries.with_context(|| format!("listing `{}`", dir.display()))?,
    };
    for entry in entries.flatten().filter(|entry| entry.file_name() != ".lock") {
        remove_tree(&entry.path())?;
    }
    remove_tree(dir)
}
