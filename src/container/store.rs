//! Containers on disk: making, finding, listing and renaming them; [`removal`] has the rest.
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

mod removal;

use std::fs::File;
use std::path::Path;

pub use self::removal::Trash;
use super::{Record, State, Status};
use crate::error::{Context, Error, Kind, Result};
use crate::storage::atomic::{self, Durability};
pub use crate::storage::id::is_valid_name;
use crate::storage::lock::{self, Lock};
use crate::storage::workdir::WorkDir;
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
    work: WorkDir,
}

/// A container that is about to be started: an open-file-description lock on its `.lock`, beside the flock that whoever
/// removes it takes. Nobody waits for it; only pruning asks.
#[derive(Debug)]
pub struct Wanted {
    _lock: File,
}

impl Draft {
    /// The directory to fill. It will be renamed.
    pub fn dir(&self) -> &Path {
        self.work.dir()
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
        Ok(Draft { work: WorkDir::wait(&self.roots.tmp().join(format!("container-{id}")))? })
    }

    /// Puts a draft in place under its record's ID and name. As long as what is returned is kept, [`is_wanted`](Self::is_wanted)
    /// says so.
    ///
    /// # Errors
    /// [`Kind::InUse`] when the name is taken.
    pub fn commit(&self, draft: Draft, record: &Record, state: &State, durability: Durability) -> Result<Wanted> {
        let dir = draft.dir();
        // Before anybody else can see it.
        let lock = draft.work.lock_file()?;
        crate::sys::lock::hold(&lock).with_context(|| format!("locking `{}`", dir.display()))?;
        write_json(&dir.join("record.json"), record, Durability::Process)?;
        write_json(&dir.join("state.json"), state, Durability::Process)?;
        if durability == Durability::Power {
            flush_draft(dir, &record.driver)?;
        }
        let _names = self.lock_names()?;
        self.check_name_is_free(&record.name)?;
        self.point_name(&record.name, &record.id)?;
        // The lock file stays in it, and is the one that `detach` takes: at no moment is the draft without a lock.
        if let Err(error) = fs::rename(dir, &self.roots.container(&record.id)) {
            let _ = fs::remove_file_if_exists(&self.roots.names().join(&record.name));
            return Err(error);
        }
        if durability == Durability::Power {
            atomic::sync_dir(&self.roots.containers())?;
            atomic::sync_dir(&self.roots.names())?;
        }
        // The other lock, that of `detach`, is on the same open file.
        lock.unlock().with_context(|| format!("unlocking container `{}`", record.id))?;
        Ok(Wanted { _lock: lock })
    }

    /// Says that somebody is about to start a container that rests, so that no prune takes it away.
    pub fn want(&self, id: &str) -> Result<Wanted> {
        let path = self.roots.container(id).join(".lock");
        let open = File::options().read(true).write(true).open(&path);
        let file = open.with_context(|| format!("opening `{}`", path.display()))?;
        // Another one that starts it holds it already, which is as good.
        let _ = crate::sys::lock::hold(&file);
        Ok(Wanted { _lock: file })
    }

    /// Whether somebody is about to start this container.
    pub fn is_wanted(&self, id: &str) -> bool {
        let lock = File::open(self.roots.container(id).join(".lock"));
        lock.is_ok_and(|file| crate::sys::lock::is_held(&file))
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

    /// All containers, oldest first. Those that vanish meanwhile are left out, and so are damaged ones.
    pub fn list(&self) -> Result<Vec<Container>> {
        Ok(self.list_with_damaged()?.0)
    }

    /// All containers, oldest first, and what is wrong with those that cannot be read.
    pub fn list_with_damaged(&self) -> Result<(Vec<Container>, Vec<Error>)> {
        let mut all = Vec::new();
        let mut damaged = Vec::new();
        for id in self.ids()? {
            match self.try_load(&id) {
                Ok(container) => all.extend(container),
                Err(error) => damaged.push(error.wrap(format!("container {id} is damaged"))),
            }
        }
        all.sort_by(|a, b| (a.record.created, &a.record.id).cmp(&(b.record.created, &b.record.id)));
        Ok((all, damaged))
    }

    /// The container that a user means.
    pub fn find(&self, name_or_id: &str) -> Result<Container> {
        self.load(&self.resolve(name_or_id)?)
    }

    /// The container with exactly this ID.
    pub fn load(&self, id: &str) -> Result<Container> {
        self.try_load(id)?.ok_or_else(|| no_such(id))
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

    /// Whether the state was written by the monitor that has the lock now, or had it last, and not by an earlier one.
    pub fn is_word_of_monitor(&self, container: &Container) -> bool {
        let text = std::fs::read_to_string(self.roots.run_container(&container.record.id).join("lock"));
        text.is_ok_and(|text| text.trim().parse() == Ok(container.state.monitor_pid))
    }

    /// Says that another container needs this one: it is not removed before that.
    pub fn mark_needed(&self, id: &str) -> Result<()> {
        fs::write(&self.roots.container(id).join("needed"), b"")
    }

    /// Whether another container needs this one. Costs nothing for one that was never needed.
    pub fn is_needed(&self, id: &str) -> bool {
        !self.dependents(id).unwrap_or_default().is_empty()
    }

    /// The containers that need this one, directly or not; those that nobody else of them needs come first.
    pub fn dependents(&self, id: &str) -> Result<Vec<String>> {
        if !self.roots.container(id).join("needed").exists() {
            return Ok(Vec::new());
        }
        let mut needed = vec![id.to_owned()];
        // Oldest first, so that whoever needs one comes after it.
        for container in self.list()? {
            let record = container.record;
            if record.dependencies.iter().any(|other| needed.contains(other)) {
                needed.push(record.id);
            }
        }
        needed.reverse();
        needed.pop();
        Ok(needed)
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
        let mut record = self.read_record(id)?.ok_or_else(|| no_such(id))?;
        if record.name == name {
            return Ok(());
        }
        self.check_name_is_free(name)?;
        self.point_name(name, id)?;
        // Both names stand until the record decides which is true; the new one must outlive a power cut that the record
        // outlives.
        atomic::sync_dir(&self.roots.names())?;
        let old = std::mem::replace(&mut record.name, name.to_owned());
        let written = write_json(&self.roots.container(id).join("record.json"), &record, Durability::Power);
        if let Err(error) = written {
            let _ = fs::remove_file_if_exists(&self.roots.names().join(name));
            return match self.read_record(id) {
                // Removed meanwhile.
                Ok(None) => Err(no_such(id)),
                _ => Err(error),
            };
        }
        fs::remove_file_if_exists(&self.roots.names().join(old))
    }

    /// Lets the record say what `network.json` says of networks and published ports.
    pub fn copy_networks(&self, id: &str) -> Result<()> {
        let _names = self.lock_names()?;
        let mut record = self.read_record(id)?.ok_or_else(|| no_such(id))?;
        match super::network::Wanted::read(&self.roots.container(id))? {
            Some(wanted) if wanted.ports != record.ports || wanted.names() != record.networks => {
                record.networks = wanted.names();
                record.ports = wanted.ports;
            }
            _ => return Ok(()),
        }
        write_json(&self.roots.container(id).join("record.json"), &record, Durability::Power)
    }

    /// Makes the links in `names/` say what the records say: links of nothing go, missing ones are made.
    pub fn repair_names(&self) -> Result<()> {
        let _names = self.lock_names()?;
        let dir = self.roots.names();
        let entries = std::fs::read_dir(&dir).with_context(|| format!("listing `{}`", dir.display()))?;
        for entry in entries.flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            // A record that cannot be read may have any name.
            if let Ok(None) = self.id_of_name(&name) {
                let _ = fs::remove_file_if_exists(&entry.path());
            }
        }
        for id in self.ids()? {
            if let Ok(Some(record)) = self.read_record(&id)
                && is_valid_name(&record.name)
                && let Ok(None) = self.id_of_name(&record.name)
            {
                self.point_name(&record.name, &id)?;
            }
        }
        Ok(())
    }
}

/// Flushes what was written into a draft. The copy of the vfs driver is too many files to flush one by one.
fn flush_draft(dir: &Path, driver: &str) -> Result<()> {
    let failed = || format!("flushing `{}`", dir.display());
    let opened = File::open(dir).with_context(failed)?;
    if driver == "vfs" {
        return rustix::fs::syncfs(&opened).with_context(failed);
    }
    for entry in std::fs::read_dir(dir).with_context(failed)?.flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_file()) && entry.file_name() != ".lock" {
            File::open(entry.path()).and_then(|file| file.sync_data()).with_context(failed)?;
        }
    }
    opened.sync_all().with_context(failed)
}

fn no_such(id: &str) -> Error {
    Error::of(Kind::NoSuch, format!("no container with name or ID \"{id}\" found: no such container"))
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
