//! The driver `pass`: files of GnuPG in a password store, as pass(1) keeps them.
//!
//! Options: `root`, the directory (default: ~/.password-store, or gopass's); `key`, for whom is encrypted (default: what
//! `.gpg-id` of the directory says); `gpghomedir`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::error::{Error, Kind, Result};
use crate::secret::Plain;
use crate::secret::program::Call;
use crate::storage::fs;

/// Files of GnuPG.
pub struct Pass {
    root: PathBuf,
    key: Option<String>,
    home: Option<String>,
}

impl Pass {
    pub fn new(options: &BTreeMap<String, String>) -> Result<Self> {
        if let Some(unknown) = options.keys().find(|key| !["root", "key", "gpghomedir"].contains(&key.as_str())) {
            return Err(Error::new(format!("invalid option \"{unknown}\" of the pass driver"))
                .hint("use root, key or gpghomedir"));
        }
        let root = options.get("root").map(PathBuf::from).or_else(usual_root).ok_or_else(|| {
            Error::new("there is no password store")
                .hint("make one with `pass init`, or name one: `--driver-opts root=DIRECTORY,key=ID`")
        })?;
        let key = options.get("key").cloned().or_else(|| gpg_id(&root));
        Ok(Pass { root, key, home: options.get("gpghomedir").cloned() })
    }

    pub fn store(&self, id: &str, plain: &Plain) -> Result<()> {
        let key = self.key.as_deref().ok_or_else(|| {
            Error::new(format!("nobody is named in `{}`", self.root.join(".gpg-id").display()))
                .hint("say for whom to encrypt: `--driver-opts key=ID`")
        })?;
        fs::create_private_dir_all(&self.root)?;
        let path = self.path(id);
        let path = path.to_str().ok_or_else(|| Error::new("the directory of the password store is not UTF-8"))?;
        self.gpg(&["--encrypt", "--recipient", key, "--output", path], plain.bytes()).map(drop)
    }

    pub fn lookup(&self, id: &str) -> Result<Plain> {
        let path = self.path(id);
        let path = path.to_str().ok_or_else(|| Error::new("the directory of the password store is not UTF-8"))?;
        let mut output = self.gpg(&["--decrypt", path], b"")?;
        Plain::new(std::mem::take(&mut *output)).checked()
    }

    pub fn delete(&self, id: &str) -> Result<()> {
        fs::remove_file_if_exists(&self.path(id))
    }

    fn path(&self, id: &str) -> PathBuf {
        self.root.join(format!("{id}.gpg"))
    }

    fn gpg(&self, arguments: &[&str], input: &[u8]) -> Result<zeroize::Zeroizing<Vec<u8>>> {
        let mut command = Command::new("gpg");
        if let Some(home) = &self.home {
            command.args(["--homedir", home]);
        }
        command.args(["--quiet", "--yes"]).args(arguments);
        Call { name: "gpg", command, input, deadline: None }.run().map_err(|error| match error.kind() {
            Kind::CommandNotFound => error.with_kind(Kind::Engine).hint("install it: the package is called gnupg"),
            _ => error.with_kind(Kind::Engine),
        })
    }
}

fn usual_root() -> Option<PathBuf> {
    let home = PathBuf::from(std::env::var_os("HOME")?);
    let usual = [".password-store", ".local/share/gopass/stores/root"];
    usual.iter().map(|dir| home.join(dir)).find(|dir| dir.is_dir())
}

fn gpg_id(root: &Path) -> Option<String> {
    let text = std::fs::read_to_string(root.join(".gpg-id")).ok()?;
    text.lines().map(str::trim).find(|line| !line.is_empty()).map(str::to_owned)
}
