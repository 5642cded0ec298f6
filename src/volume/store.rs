//! Volumes on disk: making, finding, listing and removing them.
//!
//! ```text
//! <root>/volumes/<name>/volume.json   the record
//!                       _data/        the files, owned by IDs of the user's mapping; also where tmpfs and bind volumes are mounted
//!                       _copy/        what is left to move into _data: see `fill`
//!                       .lock         flock: filling, copying from it, removing it
//! <root>/volumes.lock                 flock: shared by whoever makes a container with volumes, exclusive for whoever
//!                                     removes volumes, so that none vanishes between being chosen and being used
//! <root>/tmp/volume-<random>/         one that is being made: it appears by one rename, with everything in it
//! <root>/tmp/removed-volume-<random>/ one that is being removed
//! ```
//!
//! A volume without a name has one of 64 hexadecimal digits.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::options::Options;
use super::record::Record;
use crate::error::{Context, Error, Kind, Result};
use crate::storage::atomic::{self, Durability};
use crate::storage::lock::{self, Lock};
use crate::storage::workdir::WorkDir;
use crate::storage::{Roots, fs, id};

/// The volumes under one root.
#[derive(Debug, Clone)]
pub struct Store {
    roots: Roots,
}

/// A volume as found on disk.
#[derive(Debug, Clone, PartialEq)]
pub struct Volume {
    pub record: Record,
    /// Its directory.
    pub dir: PathBuf,
}

impl Volume {
    /// Where its files are.
    pub fn data(&self) -> PathBuf {
        self.dir.join("_data")
    }
}

/// A volume to make.
#[derive(Debug, Clone, Default)]
pub struct New {
    pub name: String,
    pub labels: BTreeMap<String, String>,
    pub options: BTreeMap<String, String>,
    pub anonymous: bool,
}

/// Which containers (their IDs) use volumes, by name.
pub type Users = BTreeMap<String, Vec<String>>;

/// One that is being made: a directory under a temporary name, removed again unless it is committed.
#[derive(Debug)]
pub struct Draft {
    work: WorkDir,
}

impl Draft {
    /// Where its files go.
    pub fn data(&self) -> PathBuf {
        self.work.path("_data")
    }
}

impl Store {
    pub fn new(roots: &Roots) -> Self {
        Store { roots: roots.clone() }
    }

    pub fn roots(&self) -> &Roots {
        &self.roots
    }

    /// The directory of a volume; its name has been checked.
    pub fn dir(&self, name: &str) -> PathBuf {
        self.roots.volumes().join(name)
    }

    /// Makes a volume, empty. The caller is root of the user namespace where an owner is asked for.
    ///
    /// # Errors
    /// [`Kind::InUse`] when there is one of this name; options that make no sense.
    pub fn create(&self, new: New, durability: Durability) -> Result<Record> {
        let draft = self.draft(&new.options)?;
        let record = Record {
            created: Timestamp::now(),
            needs_copy_up: true,
            needs_chown: !new.options.get("o").is_some_and(|o| o.contains("uid=") || o.contains("gid=")),
            name: new.name,
            labels: new.labels,
            options: new.options,
            anonymous: new.anonymous,
        };
        self.commit(draft, &record, durability)?;
        Ok(record)
    }

    /// Begins a volume with these options.
    pub fn draft(&self, options: &BTreeMap<String, String>) -> Result<Draft> {
        let options = Options::parse(options)?;
        let draft = Draft { work: WorkDir::random(&self.roots, "volume-")? };
        let data = draft.data();
        fs::create_dir(&data, 0o755)?;
        std::fs::set_permissions(&data, std::fs::Permissions::from_mode(0o755))
            .with_context(|| format!("setting the mode of `{}`", data.display()))?;
        if options.mount.is_none() && (options.uid, options.gid) != (None, None) {
            std::os::unix::fs::chown(&data, options.uid, options.gid).context("giving the volume its owner").map_err(
                |e| e.hint("the owner must be one of the IDs that your user namespace maps: see /etc/subuid"),
            )?;
        }
        Ok(draft)
    }

    /// Puts a draft in place.
    ///
    /// # Errors
    /// [`Kind::InUse`] when there is a volume of this name.
    pub fn commit(&self, draft: Draft, record: &Record, durability: Durability) -> Result<()> {
        if !id::is_valid_name(&record.name) {
            return Err(Error::new(
                "running volume create option: names must match [a-zA-Z0-9][a-zA-Z0-9_.-]*: invalid argument",
            ));
        }
        let dir = draft.work.dir();
        atomic::write(&dir.join("volume.json"), &serde_json::to_vec(record)?, durability)?;
        fs::create_private_dir_all(&self.roots.volumes())?;
        // A directory with something in it is not replaced.
        match std::fs::rename(dir, self.dir(&record.name)) {
            Err(e)
                if e.kind() == std::io::ErrorKind::DirectoryNotEmpty
                    || e.kind() == std::io::ErrorKind::AlreadyExists =>
            {
                return Err(Error::of(
                    Kind::InUse,
                    format!("volume with name {} already exists: volume already exists", record.name),
                ));
            }
            renamed => renamed.with_context(|| format!("creating volume `{}`", record.name))?,
        }
        if durability == Durability::Power {
            atomic::sync_dir(&self.roots.volumes())?;
        }
        Ok(())
    }

    /// Makes a volume unless it is there. Whether it was made.
    pub fn ensure(&self, new: New, durability: Durability) -> Result<bool> {
        if self.dir(&new.name).join("_data").exists() {
            return Ok(false);
        }
        match self.create(new, durability) {
            Ok(_) => Ok(true),
            Err(error) if error.kind() == Kind::InUse => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Keeps volumes from being removed until it is dropped. For the moment in which a container comes into being.
    pub fn keep(&self) -> Result<Lock> {
        lock::shared(&self.roots.data().join("volumes.lock"))
    }

    /// Keeps volumes and containers that use them from being made until it is dropped. For the moment in which one is removed.
    pub fn removing(&self) -> Result<Lock> {
        lock::exclusive(&self.roots.data().join("volumes.lock"))
    }

    /// The volume of exactly this name.
    pub fn load(&self, name: &str) -> Result<Option<Volume>> {
        if !id::is_valid_name(name) {
            return Ok(None);
        }
        let dir = self.dir(name);
        let path = dir.join("volume.json");
        let record = match fs::read_optional(&path)? {
            Some(bytes) if !bytes.is_empty() => {
                serde_json::from_slice(&bytes).with_context(|| format!("reading `{}`", path.display()))?
            }
            None if !dir.join("_data").is_dir() => return Ok(None),
            // A power cut has emptied it, or somebody has removed it: the files are there all the same.
            _ => Record { name: name.to_owned(), anonymous: is_anonymous_name(name), ..Record::default() },
        };
        Ok(Some(Volume { record, dir }))
    }

    /// The volume that a user means: its name, or an unambiguous beginning of it.
    ///
    /// # Errors
    /// [`Kind::NoSuch`] when there is none, an engine error when there are several.
    pub fn find(&self, name: &str) -> Result<Volume> {
        if let Some(volume) = self.load(name)? {
            return Ok(volume);
        }
        let mut names = if name.is_empty() { Vec::new() } else { self.names()? };
        names.retain(|known| known.starts_with(name));
        let found = match names.as_slice() {
            [] => None,
            [only] => self.load(only)?,
            [..] => {
                return Err(Error::new(format!(
                    "more than one result for volume name \"{name}\": volume already exists"
                ))
                .hint("give more of its name"));
            }
        };
        found.ok_or_else(|| no_such(name))
    }

    /// All names, sorted.
    pub fn names(&self) -> Result<Vec<String>> {
        let entries = fs::list(&self.roots.volumes())?;
        let mut names: Vec<String> = entries.into_iter().filter_map(|e| e.file_name().into_string().ok()).collect();
        names.retain(|name| id::is_valid_name(name));
        names.sort();
        Ok(names)
    }

    /// All volumes, oldest first, and what is wrong with those that cannot be read. Those that vanish meanwhile are left
    /// out.
    pub fn list(&self) -> Result<(Vec<Volume>, Vec<Error>)> {
        let (mut all, mut damaged) = (Vec::new(), Vec::new());
        for name in self.names()? {
            match self.load(&name) {
                Ok(volume) => all.extend(volume),
                Err(error) => damaged.push(error.wrap(format!("volume {name} is damaged"))),
            }
        }
        all.sort_by(|a: &Volume, b| (a.record.created, &a.record.name).cmp(&(b.record.created, &b.record.name)));
        Ok((all, damaged))
    }

    /// Replaces the record. Only for the holder of the volume's lock.
    pub fn write(&self, record: &Record, durability: Durability) -> Result<()> {
        let path = self.dir(&record.name).join("volume.json");
        atomic::write(&path, &serde_json::to_vec(record)?, durability)
    }

    /// The lock of a volume.
    ///
    /// # Errors
    /// [`Kind::NoSuch`] when it is not there (any more).
    pub fn lock(&self, name: &str) -> Result<Lock> {
        let path = self.dir(name).join(".lock");
        loop {
            match lock::exclusive(&path) {
                Err(_) if !self.dir(name).exists() => return Err(no_such(name)),
                // Removed while it was waited for, and perhaps made anew: the lock of the old one protects nothing.
                Ok(locked) if !locked.is_of(&path) => {}
                locked => return locked,
            }
        }
    }

    /// Makes a volume disappear in one step, unless containers use it. Returns what is left to delete.
    ///
    /// # Errors
    /// [`Kind::InUse`] when a container uses it, [`Kind::NoSuch`] when it is not there (any more).
    pub fn detach(&self, name: &str, users: &dyn Fn() -> Result<Users>) -> Result<Trash> {
        if !self.dir(name).exists() {
            return Err(no_such(name));
        }
        let lock = self.lock(name)?;
        let _removing = self.removing()?;
        if let Some(ids) = users()?.get(name) {
            return Err(Error::of(
                Kind::InUse,
                format!(
                    "volume {name} is being used by the following container(s): {}: volume is being used",
                    ids.join(", ")
                ),
            ));
        }
        let trash = self.roots.tmp().join(format!("removed-volume-{}", id::hex(&id::random::<8>()?)));
        match std::fs::rename(self.dir(name), &trash) {
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Err(no_such(name)),
            renamed => {
                renamed.with_context(|| format!("removing volume `{name}`"))?;
                Ok(Trash { dir: trash, _lock: Some(lock) })
            }
        }
    }

    /// The same for the holder of [`Store::removing`], who knows that nobody uses it. `None` when it is not there.
    pub fn detach_now(&self, name: &str) -> Result<Option<Trash>> {
        // So that nobody sweeps it up at the same time. Who holds it is about to see that the volume is gone.
        let lock = lock::try_exclusive(&self.dir(name).join(".lock")).unwrap_or(None);
        let trash = self.roots.tmp().join(format!("removed-volume-{}", id::hex(&id::random::<8>()?)));
        match std::fs::rename(self.dir(name), &trash) {
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
            renamed => {
                renamed.with_context(|| format!("removing volume `{name}`"))?;
                Ok(Some(Trash { dir: trash, _lock: lock }))
            }
        }
    }
}

/// A volume in `tmp/` that nobody needs any more.
#[derive(Debug)]
#[must_use = "its files are still there"]
pub struct Trash {
    dir: PathBuf,
    _lock: Option<Lock>,
}

impl Trash {
    /// Deletes it. The caller must be in the user's user namespace.
    pub fn delete(self) -> Result<()> {
        delete_locked(&self.dir)
    }
}

/// The lock goes last, so that nobody else sweeps it up meanwhile.
fn delete_locked(dir: &Path) -> Result<()> {
    for entry in fs::list(dir)? {
        if entry.file_name() != ".lock" {
            crate::storage::unpack::remove_tree(&entry.path())?;
        }
    }
    crate::storage::unpack::remove_tree(dir)
}

/// Whether a name is one that the engine gives.
pub fn is_anonymous_name(name: &str) -> bool {
    name.len() == 64 && id::is_hex(name)
}

/// The error for a volume that is not there.
pub fn no_such(name: &str) -> Error {
    Error::of(Kind::NoSuch, format!("no volume with name \"{name}\" found: no such volume"))
}
