//! The secrets of a user.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::driver::Driver;
use super::{Plain, Secret, is_valid_name, key, seal};
use crate::bail;
use crate::error::{Context, Error, Kind, Result};
use crate::storage::atomic::{self, Durability};
use crate::storage::{Roots, fs, id, lock};

/// `secrets.json`.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct Index {
    /// Only such a one is changed.
    version: u32,
    secrets: Vec<Secret>,
}

const VERSION: u32 = 1;

/// How a secret is made.
#[derive(Debug, Default)]
pub struct Create {
    /// A secret of the same name gets a new ID and this value.
    pub replace: bool,
    /// `file` where it is empty.
    pub driver: String,
    pub driver_options: BTreeMap<String, String>,
    pub labels: BTreeMap<String, String>,
}

/// The secrets of a user.
#[derive(Debug, Clone)]
pub struct Store {
    dir: PathBuf,
}

impl Store {
    pub fn new(roots: &Roots) -> Self {
        Store { dir: roots.data().join("secrets") }
    }

    /// All secrets, by name.
    pub fn list(&self) -> Result<Vec<Secret>> {
        let mut secrets = self.index()?.secrets;
        secrets.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(secrets)
    }

    /// The secret of this name, ID, or beginning of an ID.
    ///
    /// # Errors
    /// There is none ([`Kind::NoSuch`]), or more than one.
    pub fn find(&self, wanted: &str) -> Result<Secret> {
        find_in(self.index()?.secrets, wanted)
    }

    /// Keeps a value under a name.
    pub fn create(&self, name: &str, plain: &Plain, how: Create) -> Result<Secret> {
        if !is_valid_name(name) {
            bail!(
                "secret name \"{name}\" can not include '=', '/', ',', or the '\\0' (NULL) and be between 1 and 253 characters: invalid secret name"
            );
        }
        let before = self.index()?.secrets;
        check_name(&before, name, how.replace)?;
        let driver_name = if how.driver.is_empty() { "file" } else { &how.driver };
        let driver = Driver::new(driver_name, &how.driver_options, &self.dir)?;
        fs::create_private_dir_all(&self.dir)?;
        if let Driver::File(files) = &driver
            && files.dir().starts_with(&self.dir)
        {
            files.sweep(&before);
        }
        let now = Timestamp::now();
        let mut secret = Secret {
            id: new_id(&before)?,
            name: name.to_owned(),
            created: now,
            updated: now,
            driver: driver_name.to_owned(),
            driver_options: driver.shown(&how.driver_options),
            labels: how.labels,
        };
        driver.store(&secret, plain).map_err(|error| error.wrap(format!("creating secret {name}")))?;
        let changed = self.change(|secrets| {
            // Somebody may have been quicker.
            check_name(secrets, name, how.replace)?;
            let at = secrets.iter().position(|other| other.name == name);
            let old = at.map(|at| secrets.swap_remove(at));
            if let Some(old) = &old {
                secret.created = old.created;
            }
            secrets.push(secret.clone());
            Ok(old)
        });
        match changed {
            Ok(old) => {
                if let Some(old) = old {
                    self.driver(&old)?.delete(&old).map_err(|e| e.wrap("removing the value that was replaced"))?;
                }
                Ok(secret)
            }
            Err(error) => {
                let _ = driver.delete(&secret);
                Err(error)
            }
        }
    }

    /// The value of a secret.
    pub fn read(&self, secret: &Secret) -> Result<Plain> {
        let value = |secret: &Secret| self.driver(secret)?.lookup(secret);
        value(secret)
            .or_else(|error| match self.find(&secret.name) {
                // Replaced since it was found, and the old value removed.
                Ok(newer) if newer.id != secret.id => value(&newer),
                _ => Err(error),
            })
            .with_context(|| format!("reading secret {}", secret.name))
    }

    /// Removes a secret; its ID.
    pub fn remove(&self, wanted: &str) -> Result<String> {
        let removed = self.change(|secrets| {
            let id = find_in(secrets.clone(), wanted)?.id;
            let at = secrets.iter().position(|secret| secret.id == id);
            at.map(|at| secrets.swap_remove(at)).ok_or_else(|| no_such(wanted))
        })?;
        self.driver(&removed)?
            .delete(&removed)
            .with_context(|| format!("removing the value of secret {}", removed.name))?;
        Ok(removed.id)
    }

    /// Encrypts a value for a file of somebody else's, `owner`, with the key of this store.
    pub fn seal(&self, owner: &str, plain: &Plain) -> Result<Vec<u8>> {
        seal::seal(&key::load_or_make(&self.dir)?, owner, plain)
    }

    /// Decrypts what [`Self::seal`] has made.
    pub fn unseal(&self, owner: &str, sealed: Vec<u8>) -> Result<Plain> {
        let Some(key) = key::load(&self.dir)? else {
            return Err(Error::new(format!(
                "the key of the secrets, `{}`, is missing",
                self.dir.join("key").display()
            ))
            .hint("put it back from a backup, or make the container again"));
        };
        seal::open(&key, owner, sealed)
    }

    /// Asks systemd for the key, if it has one to keep. For who enters a user namespace before it is needed.
    pub fn unseal_key(&self) -> Result<()> {
        key::load(&self.dir).map(drop)
    }

    fn driver(&self, secret: &Secret) -> Result<Driver> {
        Driver::new(&secret.driver, &secret.driver_options, &self.dir)
    }

    fn path(&self) -> PathBuf {
        self.dir.join("secrets.json")
    }

    fn index(&self) -> Result<Index> {
        let path = self.path();
        let Some(bytes) = fs::read_optional(&path)? else { return Ok(Index { version: VERSION, ..Index::default() }) };
        read_index(&path, &bytes)
    }

    fn change<T>(&self, change: impl FnOnce(&mut Vec<Secret>) -> Result<T>) -> Result<T> {
        if !self.dir.exists() {
            // Nothing can be there to change; nothing is to be made either.
            return change(&mut Vec::new());
        }
        let _lock = lock::exclusive(&self.dir.join("lock"))?;
        let mut index = self.index()?;
        let result = change(&mut index.secrets)?;
        atomic::write(&self.path(), &serde_json::to_vec_pretty(&index)?, Durability::Power)?;
        Ok(result)
    }
}

fn read_index(path: &Path, bytes: &[u8]) -> Result<Index> {
    let index: Index = serde_json::from_slice(bytes).with_context(|| format!("reading `{}`", path.display()))?;
    if index.version != VERSION {
        bail!("`{}` has version {}, and this program knows version {VERSION} only", path.display(), index.version);
    }
    Ok(index)
}

fn check_name(secrets: &[Secret], name: &str, replace: bool) -> Result<()> {
    if !replace && secrets.iter().any(|secret| secret.name == name) {
        return Err(
            Error::of(Kind::Engine, format!("{name}: secret name in use")).hint("give it a new value with `--replace`")
        );
    }
    Ok(())
}

fn find_in(secrets: Vec<Secret>, wanted: &str) -> Result<Secret> {
    if wanted.is_empty() {
        bail!("a name or an ID of a secret is needed: it is empty");
    }
    if let Some(exact) = secrets.iter().find(|s| s.name == wanted).or_else(|| secrets.iter().find(|s| s.id == wanted)) {
        return Ok(exact.clone());
    }
    let mut partial = secrets.into_iter().filter(|secret| secret.id.starts_with(wanted));
    match (partial.next(), partial.next()) {
        (Some(one), None) => Ok(one),
        (Some(_), Some(_)) => bail!("more than one result secret with prefix {wanted}: secret is ambiguous"),
        (None, _) => Err(no_such(wanted)),
    }
}

fn no_such(wanted: &str) -> Error {
    Error::of(Kind::NoSuch, format!("no secret with name or id \"{wanted}\": no such secret"))
}

/// 25 hexadecimal digits that no other secret has. A name is looked for first, so it is none either.
fn new_id(secrets: &[Secret]) -> Result<String> {
    loop {
        let mut id = id::random_id()?;
        id.truncate(25);
        if !secrets.iter().any(|secret| secret.id == id || secret.name == id) {
            return Ok(id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn store() -> (tempfile::TempDir, Store) {
        let dir = tempfile::tempdir().unwrap();
        let store = Store { dir: dir.path().join("secrets") };
        (dir, store)
    }

    fn plain(text: &str) -> Plain {
        Plain::new(text.as_bytes().to_vec())
    }

    fn replace() -> Create {
        Create { replace: true, ..Create::default() }
    }

    #[test]
    fn made_found_replaced_and_removed() {
        let (_dir, store) = store();
        assert!(store.list().unwrap().is_empty());
        assert_eq!(store.find("a").unwrap_err().kind(), Kind::NoSuch);
        assert_eq!(store.remove("a").unwrap_err().kind(), Kind::NoSuch);
        let made = store.create("a", &plain("one"), Create::default()).unwrap();
        assert_eq!((made.id.len(), store.read(&made).unwrap()), (25, plain("one")));
        let again = store.create("a", &plain("x"), Create::default()).unwrap_err();
        assert_eq!(again.to_string(), "a: secret name in use");
        let newer = store.create("a", &plain("two"), replace()).unwrap();
        assert!(newer.id != made.id && newer.created == made.created && newer.updated > made.updated);
        // A reader that has found the old one still gets a value.
        assert_eq!(store.read(&made).unwrap(), plain("two"));
        for wanted in ["a", &newer.id, &newer.id[..6]] {
            assert_eq!(store.find(wanted).unwrap().id, newer.id, "{wanted}");
        }
        assert_eq!(std::fs::read_dir(store.dir.join("filedriver")).unwrap().count(), 1);
        assert_eq!(store.remove("a").unwrap(), newer.id);
        assert_eq!(std::fs::read_dir(store.dir.join("filedriver")).unwrap().count(), 0);
    }

    #[test]
    fn ambiguous_and_invalid() {
        let secrets: Vec<Secret> = [("n1", "aa1"), ("n2", "aa2"), ("aa1x", "b")]
            .map(|(name, id)| Secret { name: name.to_owned(), id: id.to_owned(), ..Secret::default() })
            .to_vec();
        let find = |wanted: &str| find_in(secrets.clone(), wanted).map(|s| s.name).map_err(|e| e.to_string());
        assert_eq!(find("aa1"), Ok("n1".to_owned()));
        assert_eq!(find("aa"), Err("more than one result secret with prefix aa: secret is ambiguous".to_owned()));
        assert!(find("").is_err() && find("n").is_err());
        let long = "a".repeat(254);
        for name in ["", "a/b", "a,b", "a=b", "a\0", &long] {
            assert!(!is_valid_name(name), "{name}");
        }
        for name in ["-x", "a b", ".x", "ü", &long[1..]] {
            assert!(is_valid_name(name), "{name}");
        }
    }

    #[test]
    fn files_of_other_secrets_and_lost_keys_are_seen() {
        let (_dir, store) = store();
        let (a, b) = (
            store.create("a", &plain("one"), Create::default()).unwrap(),
            store.create("b", &plain("two"), Create::default()).unwrap(),
        );
        let file = |s: &Secret| store.dir.join("filedriver").join(&s.id);
        std::fs::copy(file(&a), file(&b)).unwrap();
        assert!(store.read(&b).unwrap_err().to_string().ends_with("it is damaged, or the file of another secret"));
        let key = store.dir.join("key");
        if !key.exists() {
            return; // sealed by systemd
        }
        std::fs::rename(&key, store.dir.join("elsewhere")).unwrap();
        assert!(store.read(&a).unwrap_err().to_string().contains("is missing"));
        store.create("c", &plain("three"), Create::default()).unwrap();
        assert!(store.read(&a).unwrap_err().to_string().contains("it was encrypted with the key"));
        std::fs::rename(store.dir.join("elsewhere"), &key).unwrap();
        assert_eq!(store.read(&a).unwrap(), plain("one"));
    }

    #[test]
    fn a_copy_of_somebody_elses_belongs_to_it() {
        let (_dir, store) = store();
        let sealed = store.seal("container\0x", &plain("one")).unwrap();
        assert_eq!(store.unseal("container\0x", sealed.clone()).unwrap(), plain("one"));
        assert!(store.unseal("container\0y", sealed).is_err());
    }

    #[test]
    fn an_index_of_the_future_is_left_alone() {
        let (_dir, store) = store();
        fs::create_private_dir_all(&store.dir).unwrap();
        std::fs::write(store.path(), r#"{"version":2,"secrets":[]}"#).unwrap();
        assert!(store.create("a", &plain("x"), replace()).unwrap_err().to_string().contains("version 2"));
        std::fs::write(store.path(), "{").unwrap();
        assert!(store.list().unwrap_err().to_string().starts_with("reading `"));
    }
}
