//! short-name-aliases.conf: what short names stand for, as users chose when they were asked. The engine's own file.
//!
//! ```text
//! $XDG_CACHE_HOME/containers/short-name-aliases.conf        [aliases]
//! $XDG_CACHE_HOME/containers/short-name-aliases.conf.lock     "busybox" = "docker.io/library/busybox"
//! ```

use std::collections::BTreeMap;
use std::path::Path;

use serde::Serialize;

use super::file::parse;
use crate::error::{Context, Error, Result};
use crate::storage::atomic::{self, Durability};
use crate::storage::{fs, lock};

/// The aliases in the file; none where there is no file.
pub(super) fn read(path: &Path) -> Result<BTreeMap<String, String>> {
    let Some(bytes) = fs::read_optional(path)? else { return Ok(BTreeMap::new()) };
    let text = String::from_utf8_lossy(&bytes);
    let file = parse(&text).with_context(|| format!("reading `{}`", path.display()));
    Ok(file.map_err(|e| e.hint(format!("it only remembers choices: remove it with `rm {}`", path.display())))?.aliases)
}

/// Adds an alias, or replaces the one of this name.
pub(super) fn record(path: &Path, name: &str, value: &str) -> Result<()> {
    #[derive(Serialize)]
    struct File {
        aliases: BTreeMap<String, String>,
    }
    if let Some(dir) = path.parent() {
        fs::create_private_dir_all(dir)?;
    }
    let _lock = lock::exclusive(&path.with_extension("conf.lock"))?;
    let mut aliases = read(path)?;
    aliases.insert(name.to_owned(), value.to_owned());
    let text = toml::to_string(&File { aliases }).map_err(|e| Error::new(e.to_string()))?;
    atomic::write(path, text.as_bytes(), Durability::Process)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_recorded_is_read_again() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("containers/short-name-aliases.conf");
        assert!(read(&path).unwrap().is_empty());
        record(&path, "a/b", "q.io/a/b").unwrap();
        record(&path, "x", "q.io/x").unwrap();
        record(&path, "x", "r.io/x").unwrap();
        let expected = [("a/b", "q.io/a/b"), ("x", "r.io/x")].map(|(k, v)| (k.to_owned(), v.to_owned()));
        assert_eq!(read(&path).unwrap(), BTreeMap::from(expected));
        std::fs::write(&path, "nonsense").unwrap();
        assert!(read(&path).unwrap_err().hint_text().unwrap().contains("rm "));
    }
}
