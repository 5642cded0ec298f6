//! The driver `file`: an encrypted file for each secret.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use crate::bail;
use crate::error::{Context, Error, Result};
use crate::secret::{MAX_SIZE, Plain, Secret, key, seal};
use crate::storage::atomic::{self, Durability};
use crate::storage::{fs, id};

/// What has no entry in the index is left alone for this long: its maker may still live.
const YOUNG: Duration = Duration::from_secs(60);

/// Files in a directory.
pub struct File {
    dir: PathBuf,
    /// The store's, which has the key.
    store: PathBuf,
}

impl File {
    pub fn new(options: &BTreeMap<String, String>, store: &Path) -> Self {
        let dir = options.get("path").map_or_else(|| store.join("filedriver"), PathBuf::from);
        File { dir, store: store.to_owned() }
    }

    pub fn dir(&self) -> &Path {
        &self.dir
    }

    pub fn store(&self, secret: &Secret, plain: &Plain) -> Result<()> {
        let key = key::load_or_make(&self.store)?;
        fs::create_private_dir_all(&self.dir)?;
        let sealed = seal::seal(&key, &owner(secret), plain)?;
        atomic::write(&self.path(&secret.id), &sealed, Durability::Power)
    }

    pub fn lookup(&self, secret: &Secret) -> Result<Plain> {
        let path = self.path(&secret.id);
        let Some(sealed) = fs::read_optional(&path)? else {
            return Err(Error::new(format!("the file `{}` of the secret is missing", path.display()))
                .hint("give the secret its value again: `coracle secret create --replace`"));
        };
        let Some(key) = key::load(&self.store)? else {
            return Err(Error::new(format!(
                "the key of the secrets, `{}`, is missing",
                self.store.join("key").display()
            ))
            .hint(
                "put it back from a backup, or give the secrets their values again: `coracle secret create --replace`",
            ));
        };
        if sealed.len() > MAX_SIZE + 1024 {
            bail!("`{}` is larger than any secret", path.display());
        }
        seal::open(&key, &owner(secret), sealed).with_context(|| format!("decrypting `{}`", path.display()))
    }

    pub fn delete(&self, secret: &Secret) -> Result<()> {
        fs::remove_file_if_exists(&self.path(&secret.id))
    }

    /// Removes what killed processes left: values that no entry of the index speaks of.
    pub fn sweep(&self, known: &[Secret]) {
        let now = SystemTime::now();
        for entry in std::fs::read_dir(&self.dir).into_iter().flatten().flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            let is_ours = (name.len() == 25 && id::is_hex(&name)) || name.starts_with(".tmp-");
            let is_old = entry
                .metadata()
                .and_then(|m| m.modified())
                .is_ok_and(|t| now.duration_since(t).is_ok_and(|age| age > YOUNG));
            if is_ours && is_old && !known.iter().any(|secret| secret.id == name) {
                let _ = fs::remove_file_if_exists(&entry.path());
            }
        }
    }

    fn path(&self, id: &str) -> PathBuf {
        self.dir.join(id)
    }
}

/// What a value is bound to.
fn owner(secret: &Secret) -> String {
    format!("secret\0{}\0{}", secret.id, secret.name)
}
