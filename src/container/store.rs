//! Containers on disk: making, finding, listing, renaming and removing them.
//!
//! ```text
//! <root>/containers/<id>/record.json   what was decided at creation
//!                        state.json    what has happened since
//!                        config.json   OCI runtime spec
//!                        ctr.log       output (k8s-file, json-file)
//!                        upper/ work/  the writable layer (owned by IDs of the user's mapping)
//! <root>/names/<name>                  symbolic link to the ID; true only if the record says the same name
//! <runroot>/containers/<id>/lock       held by the monitor as long as it lives
//! ```

use std::fs::File;
use std::path::{Path, PathBuf};

use super::{Record, State, Status};
use crate::error::{Context, Error, Kind, Result};
use crate::storage::atomic::{self, Durability};
use crate::storage::lock::{self, Lock};
use crate::storage::{Roots, fs, id};

/// The containers under one pair of roots.
#[derive(Debug, Clone)]
pub struct Store {
    roots: Roots,
}

/// A container as found on disk, its state corrected by what the kernel says.
#[derive(Debug, Clone, PartialEq)]
pub struct Container {
    pub record: Record,
    pub state: State,
    /// The state on disk says that it lives, but its monitor is gone: somebody has to tidy up.
    pub is_lost: bool,
}

/// A container that is being made: a directory under a temporary name, removed again unless it is committed.
#[derive(Debug)]
pub struct Draft {
    dir: PathBuf,
    _lock: Lock,
    committed: bool,
}

impl Draft {
    /// The directory to fill. It will be renamed.
    pub fn dir(&self) -> &Path {
        &self.dir
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        if !self.committed {
            let _ = std::fs::remove_dir_all(&self.dir);
        }
    }
}

impl Store {
    pub fn new(roots: &Roots) -> Self {
        Store { roots: roots.clone() }
    }

    pub fn roots(&self) -> &Roots {
        &self.roots
    }

    /// Begins a container: a locked directory in `tmp/`.
    pub fn draft(&self, id: &str) -> Result<Draft> {
        let dir = self.roots.tmp().join(format!("container-{id}"));
        fs::create_dir(&dir, 0o700)?;
        let lock = lock::exclusive(&dir.join(".lock"))?;
        Ok(Draft { dir, _lock: lock, committed: false })
    }

    /// Puts a draft in place under its record's ID and name.
    ///
    /// # Errors
    /// [`Kind::InUse`] when the name is taken.
    pub fn commit(&self, mut draft: Draft, record: &Record, state: &State, durability: Durability) -> Result<()> {
        write_json(&draft.dir.join("record.json"), record, durability)?;
        write_json(&draft.dir.join("state.json"), state, durability)?;
        let _names = self.lock_names()?;
        self.check_name_is_free(&record.name)?;
        self.point_name(&record.name, &record.id)?;
        fs::remove_file_if_exists(&draft.dir.join(".lock"))?;
        fs::rename(&draft.dir, &self.roots.container(&record.id))?;
        draft.committed = true;
        if durability == Durability::Power {
            atomic::sync_dir(&self.roots.containers())?;
        }
        Ok(())
    }

    fn lock_names(&self) -> Result<Lock> {
        lock::exclusive(&self.roots.data().join("names.lock"))
    }

    /// Whether a container of this name could be made.
    ///
    /// # Errors
    /// [`Kind::InUse`] when the name is taken.
    pub fn check_name_is_free(&self, name: &str) -> Result<()> {
        match self.id_of_name(name)? {
            None => Ok(()),
            Some(id) => Err(Error::of(Kind::InUse, format!("the container name \"{name}\" is already in use by {id}"))
                .hint("remove that container to be able to reuse the name, or use --replace")),
        }
    }

    fn point_name(&self, name: &str, id: &str) -> Result<()> {
        let link = self.roots.names().join(name);
        fs::remove_file_if_exists(&link)?;
        std::os::unix::fs::symlink(id, &link).with_context(|| format!("creating `{}`", link.display()))
    }

    /// The ID of the container with exactly this name.
    fn id_of_name(&self, name: &str) -> Result<Option<String>> {
        let link = self.roots.names().join(name);
        let Ok(target) = std::fs::read_link(&link) else { return Ok(None) };
        let id = target.to_string_lossy().into_owned();
        match self.read_record(&id)? {
            Some(record) if record.name == name => Ok(Some(id)),
            _ => Ok(None),
        }
    }

    /// The full ID of the container that a user means: a name, an ID, or an unambiguous beginning of one.
    ///
    /// # Errors
    /// [`Kind::NoSuch`] when there is none, an engine error when there are several.
    pub fn resolve(&self, name_or_id: &str) -> Result<String> {
        let none = || {
            Error::of(Kind::NoSuch, format!("no container with name or ID \"{name_or_id}\" found: no such container"))
        };
        if name_or_id.is_empty() || name_or_id.contains('/') || name_or_id.starts_with('.') {
            return Err(none());
        }
        if let Some(id) = self.id_of_name(name_or_id)? {
            return Ok(id);
        }
        if !id::is_hex(name_or_id) {
            return Err(none());
        }
        let mut found: Vec<String> = self.ids()?;
        found.retain(|id| id.starts_with(name_or_id));
        match found.len() {
            0 => Err(none()),
            1 => Ok(found.swap_remove(0)),
            n => Err(Error::new(format!("\"{name_or_id}\" is the beginning of {n} container IDs"))
                .hint("give more digits of the ID")),
        }
    }

    /// All IDs, in no particular order.
    pub fn ids(&self) -> Result<Vec<String>> {
        let dir = self.roots.containers();
        let entries = std::fs::read_dir(&dir).with_context(|| format!("listing `{}`", dir.display()))?;
        Ok(entries.flatten().filter_map(|e| e.file_name().into_string().ok()).filter(|n| n.len() == 64).collect())
    }

    /// All containers, oldest first. Those that vanish meanwhile are left out.
    pub fn list(&self) -> Result<Vec<Container>> {
        let mut all = Vec::new();
        for id in self.ids()? {
            if let Some(container) = self.try_load(&id)? {
                all.push(container);
            }
        }
        all.sort_by(|a, b| (a.record.created, &a.record.id).cmp(&(b.record.created, &b.record.id)));
        Ok(all)
    }

    /// The container that a user means.
    pub fn find(&self, name_or_id: &str) -> Result<Container> {
        self.load(&self.resolve(name_or_id)?)
    }

    /// The container with exactly this ID.
    pub fn load(&self, id: &str) -> Result<Container> {
        self.try_load(id)?.ok_or_else(|| {
            Error::of(Kind::NoSuch, format!("no container with name or ID \"{id}\" found: no such container"))
        })
    }

    fn read_record(&self, id: &str) -> Result<Option<Record>> {
        read_json(&self.roots.container(id).join("record.json"))
    }

    fn try_load(&self, id: &str) -> Result<Option<Container>> {
        let Some(record) = self.read_record(id)? else { return Ok(None) };
        let path = self.roots.container(id).join("state.json");
        let mut state: State = read_json(&path)?.unwrap_or_default();
        let mut is_lost = false;
        if state.status.is_alive() && !self.monitor_is_alive(id) {
            // The monitor writes the last state before it goes, so read again before believing that it was killed.
            state = read_json(&path)?.unwrap_or_default();
            if state.status.is_alive() {
                mark_lost(&mut state);
                is_lost = true;
            }
        }
        Ok(Some(Container { record, state, is_lost }))
    }

    /// Whether the monitor of this container holds its lock. Takes no lock itself.
    pub fn monitor_is_alive(&self, id: &str) -> bool {
        match File::open(self.roots.run_container(id).join("lock")) {
            Ok(file) => crate::sys::lock::is_held(&file),
            Err(_) => false,
        }
    }

    /// The state as it was last written, right or not.
    pub fn written_state(&self, id: &str) -> Result<Option<State>> {
        read_json(&self.roots.container(id).join("state.json"))
    }

    /// Replaces the state. Only for the holder of the monitor's lock.
    pub fn write_state(&self, id: &str, state: &State, durability: Durability) -> Result<()> {
        write_json(&self.roots.container(id).join("state.json"), state, durability)
    }

    /// Gives a container another name.
    pub fn rename(&self, id: &str, name: &str) -> Result<()> {
        let _names = self.lock_names()?;
        let mut record = self.read_record(id)?.ok_or_else(|| {
            Error::of(Kind::NoSuch, format!("no container with ID \"{id}\" found: no such container"))
        })?;
        if record.name == name {
            return Ok(());
        }
        self.check_name_is_free(name)?;
        self.point_name(name, id)?;
        let old = std::mem::replace(&mut record.name, name.to_owned());
        write_json(&self.roots.container(id).join("record.json"), &record, Durability::Power)?;
        fs::remove_file_if_exists(&self.roots.names().join(old))
    }

    /// Makes a container disappear in one step: its directory goes to `tmp/`, its name is free. Returns the directory
    /// that is left to delete, with its lock held, so that nobody else sweeps it up meanwhile.
    pub fn detach(&self, record: &Record) -> Result<Trash> {
        let trash = self.roots.tmp().join(format!("removed-{}", record.id));
        let lock = lock::exclusive(&self.roots.container(&record.id).join(".lock"))?;
        fs::rename(&self.roots.container(&record.id), &trash)?;
        {
            let _names = self.lock_names()?;
            let link = self.roots.names().join(&record.name);
            if std::fs::read_link(&link).is_ok_and(|id| id == Path::new(&record.id)) {
                fs::remove_file_if_exists(&link)?;
            }
        }
        fs::remove_dir_all_if_exists(&self.roots.run_container(&record.id))?;
        Ok(Trash { dir: trash, _lock: lock })
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
        crate::storage::unpack::remove_tree(&self.dir)
    }

    /// Where it is.
    pub fn dir(&self) -> &Path {
        &self.dir
    }
}

/// What a state becomes when the monitor died without writing the end.
fn mark_lost(state: &mut State) {
    state.status = Status::Exited;
    state.exit_code = 137;
    state.pid = 0;
    state.monitor_pid = 0;
    // When it really ended nobody knows; it is written down as seen when somebody tidies up.
    state.finished_at.get_or_insert_with(jiff::Timestamp::now);
    if state.error.is_empty() {
        "the monitor process was killed".clone_into(&mut state.error);
    }
}

fn write_json<T: serde::Serialize>(path: &Path, value: &T, durability: Durability) -> Result<()> {
    atomic::write(path, &serde_json::to_vec(value)?, durability)
}

fn read_json<T: serde::de::DeserializeOwned>(path: &Path) -> Result<Option<T>> {
    match fs::read_optional(path)? {
        // Without fsync (containers of `--rm`) a power cut may leave an empty file: the container is rubbish then.
        Some(bytes) if bytes.is_empty() => Ok(None),
        Some(bytes) => {
            Ok(Some(serde_json::from_slice(&bytes).with_context(|| format!("reading `{}`", path.display()))?))
        }
        None => Ok(None),
    }
}

/// Whether `name` may name a container.
pub fn is_valid_name(name: &str) -> bool {
    let mut chars = name.chars();
    chars.next().is_some_and(|c| c.is_ascii_alphanumeric())
        && chars.all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-'))
}
