//! The driver `shell`: scripts of the user's. The options `list`, `lookup`, `store` and `delete` are commands for sh(1),
//! which learn from `SECRET_ID` what they are about; a value goes to standard input or comes from standard output.

use std::collections::BTreeMap;
use std::process::Command;

use crate::bail;
use crate::error::{Error, Kind, Result};
use crate::secret::Plain;
use crate::secret::program::Call;

/// Scripts.
pub struct Shell {
    lookup: String,
    store: String,
    delete: String,
}

impl Shell {
    pub fn new(options: &BTreeMap<String, String>) -> Result<Self> {
        const KEYS: [&str; 4] = ["list", "lookup", "store", "delete"];
        if let Some(unknown) = options.keys().find(|key| !KEYS.contains(&key.as_str())) {
            bail!("invalid option \"{unknown}\" of the shell driver: use list, lookup, store and delete");
        }
        if let Some(missing) = KEYS.iter().find(|key| options.get(**key).is_none_or(String::is_empty)) {
            return Err(Error::new(format!(
                "missing config value: the shell driver needs a command for \"{missing}\""
            ))
            .hint("give all of them: `--driver-opts list=COMMAND,lookup=COMMAND,store=COMMAND,delete=COMMAND`"));
        }
        let command = |key: &str| options.get(key).cloned().unwrap_or_default();
        Ok(Shell { lookup: command("lookup"), store: command("store"), delete: command("delete") })
    }

    pub fn store(&self, id: &str, plain: &Plain) -> Result<()> {
        run("store", &self.store, id, plain.bytes()).map(drop)
    }

    pub fn lookup(&self, id: &str) -> Result<Plain> {
        let mut output = run("lookup", &self.lookup, id, b"")?;
        Plain::new(std::mem::take(&mut *output)).checked()
    }

    pub fn delete(&self, id: &str) -> Result<()> {
        run("delete", &self.delete, id, b"").map(drop)
    }
}

fn run(what: &str, script: &str, id: &str, input: &[u8]) -> Result<zeroize::Zeroizing<Vec<u8>>> {
    let mut command = Command::new("/bin/sh");
    command.arg("-c").arg(script).env("SECRET_ID", id);
    let name = format!("the shell driver's {what} command");
    Call { name: &name, command, input, deadline: None }.run().map_err(|error| error.with_kind(Kind::Engine))
}
