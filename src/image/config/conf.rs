//! All files of the configuration together.
//!
//! ```text
//! $XDG_CONFIG_HOME/containers/registries.conf      when it exists, else /etc/containers/registries.conf
//! /etc/containers/registries.conf.d/*.conf         unless the user's own file was read
//! $XDG_CONFIG_HOME/containers/registries.conf.d/*.conf
//! short-name-aliases.conf                          the engine's own; see aliases.rs
//! ```
//!
//! A later file's word counts; tables with the same prefix and aliases of the same name are replaced.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::aliases;
use super::file::{ConfFile, ShortNameMode, parse};
use super::places::Places;
use super::registry::Registry;
use crate::error::{Context, Error, Result};
use crate::image::reference::Reference;
use crate::storage::fs;

/// Where the system's files are.
const SYSTEM: &str = "/etc/containers";
/// No configuration is as long as this.
const MAX_SIZE: usize = 4 << 20;

/// What the user's or the system's registries.conf says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RegistriesConf {
    /// The file that was read, or the one that would be.
    pub path: PathBuf,
    pub search: Vec<String>,
    /// The file that the registries to search are from.
    pub search_path: PathBuf,
    pub registries: Vec<Registry>,
    pub mode: ShortNameMode,
    /// What a short name stands for, and the file that says so.
    pub aliases: BTreeMap<String, (String, PathBuf)>,
    /// `credential-helpers`; empty means the authentication files only.
    pub helpers: Vec<String>,
    /// Remarks for the user.
    pub notes: Vec<String>,
    /// Where to write what a prompt led to.
    pub(super) alias_file: Option<PathBuf>,
}

impl RegistriesConf {
    /// Reads all files.
    ///
    /// # Errors
    /// When one cannot be read or is malformed. One that is missing is no error, unless the environment names it.
    pub fn read(places: &Places) -> Result<Self> {
        Self::read_with(places, Path::new(SYSTEM))
    }

    fn read_with(places: &Places, system: &Path) -> Result<Self> {
        let own_dir = places.config_home.as_ref().map(|home| home.join("containers"));
        let own = own_dir.as_ref().map(|dir| dir.join("registries.conf"));
        // One that cannot be looked at may block registries that the system's does not.
        let own_exists = match &own {
            Some(path) => path.try_exists().with_context(|| format!("reading `{}`", path.display()))?,
            None => false,
        };
        let (main, only_own_dir) = match (&places.registries_conf, &own) {
            (Some(path), _) => (path.clone(), false),
            (None, Some(path)) if own_exists => (path.clone(), true),
            (None, _) => (system.join("registries.conf"), false),
        };
        // Where there is none at all, the user's own is the one to write.
        let path = match (&places.registries_conf, &own) {
            (None, Some(own)) if !main.exists() => own.clone(),
            _ => main.clone(),
        };
        let mut conf = RegistriesConf { path: path.clone(), search_path: path, ..RegistriesConf::default() };
        if places.registries_conf.is_some() || main.exists() {
            conf.take(&main)?;
        }
        let dirs: Vec<PathBuf> = match (&places.registries_conf_dir, only_own_dir) {
            (Some(dir), _) => vec![dir.clone()],
            (None, true) => own_dir.into_iter().map(|dir| dir.join("registries.conf.d")).collect(),
            (None, false) => {
                let all = std::iter::once(system.to_owned()).chain(own_dir);
                all.map(|dir| dir.join("registries.conf.d")).collect()
            }
        };
        for file in dirs.iter().map(|dir| drop_ins(dir)).collect::<Result<Vec<_>>>()?.into_iter().flatten() {
            conf.take(&file)?;
        }
        if let Some(path) = &places.aliases {
            for (name, value) in aliases::read(path)? {
                conf.aliases.insert(name, (value, path.clone()));
            }
        }
        conf.aliases.retain(|_, (value, _)| !value.is_empty());
        conf.alias_file.clone_from(&places.aliases);
        Ok(conf)
    }

    /// Reads one more file, whose word counts.
    fn take(&mut self, path: &Path) -> Result<()> {
        let file = read_file(path)?;
        for registry in file.registries {
            match self.registries.iter_mut().find(|known| known.prefix == registry.prefix) {
                Some(known) => *known = registry,
                None => self.registries.push(registry),
            }
        }
        if let Some(search) = file.search {
            self.search = search;
            path.clone_into(&mut self.search_path);
        }
        if let Some(mode) = file.mode {
            self.mode = mode;
        }
        if let Some(helpers) = file.helpers {
            self.helpers = helpers;
        }
        if let Some(helper) = file.layer_store_helper {
            let key = "additional-layer-store-auth-helper";
            self.notes.push(format!("`{key}` ({helper}) in `{}` has no meaning here", path.display()));
        }
        self.aliases.extend(file.aliases.into_iter().map(|(name, value)| (name, (value, path.to_owned()))));
        Ok(())
    }

    /// The table for a reference: the one with the longest prefix.
    pub fn registry(&self, reference: &Reference) -> Option<&Registry> {
        self.table(&reference.to_string())
    }

    /// Whether plain HTTP and unknown certificates are allowed at a registry.
    pub fn is_insecure(&self, registry: &str) -> bool {
        self.table(registry).is_some_and(|table| table.insecure)
    }

    /// Whether nothing may be had of a registry.
    pub fn is_blocked(&self, registry: &str) -> bool {
        self.table(registry).is_some_and(|table| table.blocked)
    }

    fn table(&self, name: &str) -> Option<&Registry> {
        let fitting = self.registries.iter().filter(|registry| registry.covers(name).is_some());
        // Of two that are equally long, the one without a wildcard.
        fitting.max_by_key(|registry| (registry.prefix.len(), !registry.prefix.starts_with('*')))
    }

    /// The table for a reference.
    ///
    /// # Errors
    /// When the registry is blocked.
    pub(in crate::image) fn allowed(&self, reference: &Reference) -> Result<Option<&Registry>> {
        match self.registry(reference) {
            Some(registry) if registry.blocked => {
                Err(Error::new(format!("registry {} is blocked in {}", registry.prefix, self.path.display())))
            }
            other => Ok(other),
        }
    }

    /// Where a reference really is.
    ///
    /// # Errors
    /// When the registry is blocked, or the location in the file is malformed.
    pub fn locate(&self, reference: &Reference) -> Result<Reference> {
        match self.allowed(reference)? {
            Some(registry) => registry.locate(reference),
            None => Ok(reference.clone()),
        }
    }
}

fn read_file(path: &Path) -> Result<ConfFile> {
    let context = || format!("reading `{}`", path.display());
    let bytes = fs::read(path)?;
    if bytes.len() > MAX_SIZE {
        return Err(Error::new("it is too large for a configuration file").wrap(context()));
    }
    let text = String::from_utf8(bytes).map_err(|_| Error::new("it is not UTF-8")).with_context(context)?;
    parse(&text).with_context(context)
}

/// The `*.conf` of a directory, in the order of their names.
fn drop_ins(dir: &Path) -> Result<Vec<PathBuf>> {
    let context = || format!("reading `{}`", dir.display());
    let entries = match std::fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(e) if matches!(e.kind(), std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory) => {
            return Ok(Vec::new());
        }
        Err(e) => return Err(Error::from(e).wrap(context())),
    };
    let mut files = Vec::new();
    for entry in entries {
        let path = entry.with_context(context)?.path();
        if path.extension().is_some_and(|extension| extension == "conf") && path.is_file() {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A system directory, a user's configuration directory, and files in them.
    fn files(list: &[(&str, &str)]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        for (path, text) in list {
            let path = dir.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        dir
    }

    fn read(dir: &Path, change: impl FnOnce(&mut Places)) -> Result<RegistriesConf> {
        let mut places = Places {
            config_home: Some(dir.join("home")),
            aliases: Some(dir.join("aliases.conf")),
            ..Places::default()
        };
        change(&mut places);
        RegistriesConf::read_with(&places, &dir.join("etc"))
    }

    #[test]
    fn a_later_file_counts() {
        let dir = files(&[
            (
                "etc/registries.conf",
                "unqualified-search-registries = ['a.io']\nshort-name-mode = 'enforcing'\n[[registry]]\nlocation = 'r.io'\nblocked = true\n[aliases]\nx = 'a.io/x'\ny = 'a.io/y'",
            ),
            ("etc/registries.conf.d/10.conf", "unqualified-search-registries = ['b.io']\n[aliases]\ny = ''"),
            ("etc/registries.conf.d/20.txt", "this is not TOML"),
            (
                "home/containers/registries.conf.d/05.conf",
                "[[registry]]\nlocation = 'r.io'\n[[registry]]\nlocation = 's.io'",
            ),
            ("aliases.conf", "[aliases]\nz = 'c.io/z'"),
        ]);
        let conf = read(dir.path(), |_| ()).unwrap();
        assert_eq!(conf.search, ["b.io"]);
        assert!(conf.search_path.ends_with("10.conf"));
        assert_eq!(conf.mode, ShortNameMode::Enforcing);
        assert_eq!(conf.aliases.keys().collect::<Vec<_>>(), ["x", "z"]);
        assert_eq!(conf.registries.len(), 2);
        assert!(!conf.registries[0].blocked);
        assert!(conf.path.ends_with("etc/registries.conf"));
    }

    #[test]
    fn the_users_own_file_hides_the_systems() {
        let dir = files(&[
            ("etc/registries.conf", "unqualified-search-registries = ['a.io']"),
            ("etc/registries.conf.d/10.conf", "unqualified-search-registries = ['b.io']"),
            ("home/containers/registries.conf", "[[registry]]\nlocation = 'r.io'"),
            ("other.conf", "unqualified-search-registries = ['o.io']"),
            ("d/x.conf", "unqualified-search-registries = ['d.io']"),
        ]);
        let own = read(dir.path(), |_| ()).unwrap();
        assert!(own.search.is_empty());
        assert_eq!(own.registries.len(), 1);
        let named = read(dir.path(), |p| p.registries_conf = Some(dir.path().join("other.conf"))).unwrap();
        assert_eq!(named.search, ["b.io"], "the directories are read all the same");
        let both = read(dir.path(), |p| {
            p.registries_conf = Some(dir.path().join("other.conf"));
            p.registries_conf_dir = Some(dir.path().join("none"));
        });
        assert_eq!(both.unwrap().search, ["o.io"]);
        let missing = read(dir.path(), |p| p.registries_conf = Some(dir.path().join("missing.conf")));
        assert!(missing.unwrap_err().to_string().contains("missing.conf"));
    }

    #[test]
    fn a_malformed_file_is_named() {
        let dir = files(&[("home/containers/registries.conf.d/x.conf", "a = 1\nb = [\n")]);
        let error = read(dir.path(), |_| ()).unwrap_err().to_string();
        assert!(error.contains("registries.conf.d/x.conf`: line "), "{error}");
        assert!(read(files(&[]).path(), |_| ()).unwrap().path.ends_with("home/containers/registries.conf"));
    }

    #[test]
    fn the_longest_prefix_counts() {
        let registry = |prefix: &str, blocked| Registry { prefix: prefix.into(), blocked, ..Registry::default() };
        let conf = RegistriesConf {
            registries: vec![registry("q.io", true), registry("q.io/good", false), registry("*.io", false)],
            ..RegistriesConf::default()
        };
        let at = |name: &str| conf.locate(&Reference::parse(name).unwrap()).map(|r| r.to_string());
        assert!(at("q.io/x").unwrap_err().to_string().contains("registry q.io is blocked in"));
        assert_eq!(at("q.io/good/x:1").unwrap(), "q.io/good/x:1");
        assert_eq!(at("r.io/x:1").unwrap(), "r.io/x:1");
    }
}
