//! Secrets of containers.
//!
//! As in the reference, a secret that a container has as a file is what it was when the container was made, and one in its
//! environment is what it is when the container is started (by a command: a monitor that restarts its container gives it
//! the values that it began with). Of the former the container keeps a copy, encrypted with the store's key and bound to
//! the container. Values are in the clear in this process's memory for a moment, in a memory file that the monitor passes
//! on unread, and in the container.

use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use super::Engine;
use crate::container::Record;
use crate::container::secrets::{
    Exposure, SecretFile, SecretRequest, SecretVariable, check_value, path_of, variable_of,
};
use crate::error::{Context, Error, Result};
use crate::runtime::secrets::{Kind, Secret, pack};
use crate::secret::{Plain, Store};
use crate::storage::atomic::{self, Durability};
use crate::storage::fs;

/// The secrets of this user.
pub fn store(engine: &Engine) -> Store {
    Store::new(&engine.roots)
}

/// Where a container's directory has its encrypted copies.
fn place(container_dir: &Path) -> PathBuf {
    container_dir.join("secrets")
}

/// What a new container has of secrets.
#[derive(Debug, Default)]
pub struct Provided {
    pub files: Vec<SecretFile>,
    pub variables: Vec<SecretVariable>,
    /// Everything, for the first start.
    pub memory: Option<OwnedFd>,
    /// An encrypted copy for each of the files.
    sealed: Vec<Vec<u8>>,
}

/// Looks up what is asked for. To be called before the user namespace is entered.
///
/// # Errors
/// There is no such secret, it cannot be read, or not be used so.
pub fn provide(engine: &Engine, requests: &[SecretRequest], container: &str) -> Result<Provided> {
    let mut provided = Provided::default();
    if requests.is_empty() {
        return Ok(provided);
    }
    let _undumpable = Undumpable::begin();
    let store = store(engine);
    let mut all: Vec<Secret> = Vec::new();
    for request in requests {
        let found = store.find(&request.source)?;
        let value = store.read(&found)?;
        match &request.how {
            Exposure::File { target, uid, gid, mode } => {
                let target = path_of(&found.name, target.as_deref())?;
                let file = SecretFile { name: found.name, id: found.id, uid: *uid, gid: *gid, mode: *mode, target };
                // Of several at one place, the last one counts.
                if let Some(at) = provided.files.iter().position(|other| other.target == file.target) {
                    provided.files.remove(at);
                    all.retain(|other| other.kind == Kind::Variable || file.target.to_str() != Some(&other.target));
                }
                all.push(for_file(&file, &value)?);
                provided.files.push(file);
            }
            Exposure::Variable { target } => {
                let variable = variable_of(&found.name, target.as_deref())?;
                let variable = SecretVariable { name: found.name, id: found.id, variable };
                if let Some(at) = provided.variables.iter().position(|other| other.variable == variable.variable) {
                    provided.variables.remove(at);
                    all.retain(|other| other.kind != Kind::Variable || other.target != variable.variable);
                }
                all.push(for_variable(&variable, &value)?);
                provided.variables.push(variable);
            }
        }
    }
    let files = all.iter().filter(|secret| secret.kind != Kind::Variable);
    for (number, secret) in files.enumerate() {
        let value = Plain::new(secret.value.to_vec());
        provided.sealed.push(store.seal(&owner(container, number), &value)?);
    }
    provided.memory = Some(pack(&all)?);
    Ok(provided)
}

/// The same secrets for a copy of the container. To be called before the user namespace is entered.
///
/// # Errors
/// A copy or the store's key is damaged.
pub fn copied(engine: &Engine, record: &Record, new: &str) -> Result<Provided> {
    let mut provided = Provided::default();
    if record.secrets.is_empty() {
        return Ok(provided);
    }
    let _undumpable = Undumpable::begin();
    let store = store(engine);
    for number in 0..record.secrets.len() {
        provided.sealed.push(store.seal(&owner(new, number), &own_copy(engine, &store, record, number)?)?);
    }
    Ok(provided)
}

/// The value of a secret that a container has as a file.
fn own_copy(engine: &Engine, store: &Store, record: &Record, number: usize) -> Result<Plain> {
    let path = place(&engine.roots.container(&record.id)).join(number.to_string());
    let value = fs::read(&path).and_then(|bytes| store.unseal(&owner(&record.id, number), bytes));
    let name = || record.secrets.get(number).map_or_else(String::new, |file| file.name.clone());
    value.with_context(|| format!("reading secret {} of container {}", name(), record.name))
}

impl Provided {
    /// Writes the encrypted copies into the directory of a container that is being made.
    pub fn write(&self, dir: &Path, durability: Durability) -> Result<()> {
        if self.sealed.is_empty() {
            return Ok(());
        }
        let dir = place(dir);
        fs::create_dir(&dir, 0o700)?;
        for (number, sealed) in self.sealed.iter().enumerate() {
            atomic::write(&dir.join(number.to_string()), sealed, durability)?;
        }
        Ok(())
    }
}

/// The secrets of a container that is about to start, as [`pack`] makes them; `None` where it has none. To be called
/// before the user namespace is entered.
///
/// # Errors
/// A secret of its environment is gone, or cannot be read; a copy or the store's key is damaged.
pub fn of_record(engine: &Engine, record: &Record) -> Result<Option<OwnedFd>> {
    if record.secrets.is_empty() && record.env_secrets.is_empty() {
        return Ok(None);
    }
    let _undumpable = Undumpable::begin();
    let store = store(engine);
    let mut all = Vec::new();
    for (number, file) in record.secrets.iter().enumerate() {
        all.push(for_file(file, &own_copy(engine, &store, record, number)?)?);
    }
    for variable in &record.env_secrets {
        let found = store.find(&variable.name)?;
        all.push(for_variable(variable, &store.read(&found)?)?);
    }
    pack(&all).map(Some)
}

/// Gets the key ready for containers that are started after this process has entered the user namespace.
///
/// # Errors
/// The key cannot be read.
pub fn prepare<'a>(engine: &Engine, containers: impl IntoIterator<Item = &'a String>) -> Result<()> {
    let all = super::containers(engine);
    let has_secrets = |id: &String| {
        let record = all.load(id).map(|container| container.record);
        record.is_ok_and(|record| !record.secrets.is_empty() || !record.env_secrets.is_empty())
    };
    if containers.into_iter().any(has_secrets) { store(engine).unseal_key() } else { Ok(()) }
}

fn for_file(file: &SecretFile, value: &Plain) -> Result<Secret> {
    let target = file.target.to_str().ok_or_else(|| Error::new("the path of a secret is not UTF-8"))?.to_owned();
    let kind = Kind::File { uid: file.uid, gid: file.gid, mode: file.mode };
    Ok(Secret { kind, target, value: value.bytes().to_vec().into() })
}

fn for_variable(variable: &SecretVariable, value: &Plain) -> Result<Secret> {
    check_value(&variable.name, value.bytes())?;
    Ok(Secret { kind: Kind::Variable, target: variable.variable.clone(), value: value.bytes().to_vec().into() })
}

/// What a copy is bound to.
fn owner(container: &str, number: usize) -> String {
    format!("container\0{container}\0{number}")
}

/// Keeps this process out of core files, and out of others' sight, for as long as it has values in the clear.
#[derive(Debug)]
pub struct Undumpable(bool);

impl Undumpable {
    pub fn begin() -> Self {
        let was = nix::sys::prctl::get_dumpable().unwrap_or(false);
        Undumpable(was && nix::sys::prctl::set_dumpable(false).is_ok())
    }
}

impl Drop for Undumpable {
    fn drop(&mut self) {
        if self.0 {
            let _ = nix::sys::prctl::set_dumpable(true);
        }
    }
}
