//! The user's logins: in authentication files and with credential helpers, in the order of containers-auth.json(5).

use std::path::{Path, PathBuf};

use super::authfile::{AuthFile, Kept, docker_key};
use super::credentials::Credentials;
use super::helper::Helper;
use crate::error::{Context, Error, Kind, Result};
use crate::image::config::AuthPlaces;
use crate::storage::atomic::{self, Durability};
use crate::storage::{fs, lock};

/// No file of logins is as long as this.
const MAX_SIZE: usize = 4 << 20;
/// The name in `credential-helpers` that means the files.
const FILES: &str = "containers-auth.json";

/// Where logins are looked for, and where they are written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Logins {
    places: AuthPlaces,
    /// `credential-helpers` of registries.conf.
    helpers: Vec<String>,
    /// Keys as Docker writes them (`--compat-auth-file`).
    docker_keys: bool,
}

impl Logins {
    /// `authfile` is `--authfile`, which goes before all places.
    pub fn new(places: &AuthPlaces, authfile: Option<&Path>, helpers: &[String]) -> Self {
        let mut places = places.clone();
        if let Some(path) = authfile {
            places.only = Some(path.to_owned());
        }
        Logins { places, helpers: helpers.to_vec(), docker_keys: false }
    }

    /// The logins in one file of Docker's (`--compat-auth-file`).
    pub fn of_docker(path: &Path) -> Self {
        let places = AuthPlaces { only: Some(path.to_owned()), ..AuthPlaces::default() };
        Logins { places, helpers: Vec::new(), docker_keys: true }
    }

    /// The login for a registry, or for a repository in it (`registry/repository`).
    pub fn find(&self, key: &str) -> Result<Option<Credentials>> {
        let registry = key.split('/').next().unwrap_or(key);
        for helper in self.helpers() {
            let found = match helper {
                FILES => self.find_in_files(key)?,
                name => Helper::new(name)?.get(registry)?,
            };
            if found.is_some() {
                return Ok(found);
            }
        }
        Ok(None)
    }

    fn find_in_files(&self, key: &str) -> Result<Option<Credentials>> {
        for (path, legacy) in self.files() {
            let kept = read(&path, legacy)?.find(key).with_context(|| format!("reading `{}`", path.display()))?;
            let found = match kept {
                None => None,
                Some(Kept::Here(credentials)) => Some(credentials),
                Some(Kept::Helper { name, server }) => Helper::new(&name)?.get(&server)?,
                Some(Kept::Store { name, server, here }) => match Helper::new(&name)?.get(&server) {
                    Ok(found) => found.or(here),
                    // Docker's file, and Docker is gone from this machine.
                    Err(error) if error.kind() == Kind::NoSuch => here,
                    Err(error) => return Err(error),
                },
            };
            if found.is_some() {
                return Ok(found);
            }
        }
        Ok(None)
    }

    /// Keeps a login, verified before; returns where, in words.
    pub fn store(&self, key: &str, credentials: &Credentials) -> Result<String> {
        if let Some(name) = self.helpers().first().filter(|name| **name != FILES) {
            Helper::new(name)?.store(key, credentials)?;
            return Ok(format!("credential helper: {name}"));
        }
        let path = self.writable()?;
        change(path, |file| {
            let kept_by = |name: &str| format!("credential helper: {name}");
            if let Some(name) = file.helper(key).map(str::to_owned) {
                Helper::new(&name)?.store(key, credentials)?;
                return Ok((kept_by(&name), false));
            }
            if let Some(name) = file.store_helper().filter(|_| !key.contains('/')).map(str::to_owned) {
                match Helper::new(&name)?.store(&docker_key(key), credentials) {
                    Ok(()) => return Ok((kept_by(&name), false)),
                    Err(error) if error.kind() == Kind::NoSuch => {}
                    Err(error) => return Err(error),
                }
            }
            file.set(&self.key(key), credentials);
            Ok((path.display().to_string(), true))
        })
    }

    /// Forgets a login; false when there was none in the file that is written or with a helper.
    pub fn remove(&self, key: &str) -> Result<bool> {
        let mut removed = false;
        for helper in self.helpers() {
            if helper != FILES {
                removed |= erased(helper, key)?;
                continue;
            }
            let path = self.writable()?;
            if !path.exists() {
                continue;
            }
            removed |= change(path, |file| {
                let mut gone = match file.helper(key).map(str::to_owned) {
                    Some(name) => erased(&name, key)?,
                    None => false,
                };
                if let Some(name) = file.store_helper().filter(|_| !key.contains('/')).map(str::to_owned) {
                    gone |= erased(&name, &docker_key(key))?;
                }
                let here = file.remove(&self.key(key));
                Ok((gone || here, here))
            })?;
        }
        Ok(removed)
    }

    /// Forgets all logins in the file that is written and with helpers.
    pub fn remove_all(&self) -> Result<()> {
        for helper in self.helpers() {
            if helper != FILES {
                erase_all(helper)?;
                continue;
            }
            let path = self.writable()?;
            if !path.exists() {
                continue;
            }
            change(path, |file| {
                for (server, name) in file.helpers() {
                    erased(&name, &server)?;
                }
                if let Some(name) = file.store_helper().map(str::to_owned) {
                    erase_all(&name)?;
                }
                file.clear();
                Ok(((), true))
            })?;
        }
        Ok(())
    }

    /// The file that is written.
    pub fn writable(&self) -> Result<&Path> {
        let path = self.places.only.as_deref().or(self.places.primary.as_deref());
        path.ok_or_else(|| {
            Error::new("no place for an authentication file is known").hint("pass --authfile, or set XDG_RUNTIME_DIR")
        })
    }

    fn helpers(&self) -> Vec<&str> {
        if self.helpers.is_empty() { vec![FILES] } else { self.helpers.iter().map(String::as_str).collect() }
    }

    /// The files that are read, in order; the flag is for the format of ~/.dockercfg.
    fn files(&self) -> Vec<(PathBuf, bool)> {
        if let Some(only) = &self.places.only {
            return vec![(only.clone(), false)];
        }
        let usual = self.places.primary.iter().chain(&self.places.others).map(|path| (path.clone(), false));
        usual.chain(self.places.dockercfg.iter().map(|path| (path.clone(), true))).collect()
    }

    fn key(&self, key: &str) -> String {
        if self.docker_keys { docker_key(key) } else { key.to_owned() }
    }
}

/// Makes a helper forget; one that is not installed has nothing to forget.
fn erased(helper: &str, server: &str) -> Result<bool> {
    match Helper::new(helper)?.erase(server) {
        Err(error) if error.kind() == Kind::NoSuch => Ok(false),
        other => other,
    }
}

fn erase_all(helper: &str) -> Result<()> {
    let servers = match Helper::new(helper)?.list() {
        Err(error) if error.kind() == Kind::NoSuch => return Ok(()),
        other => other?,
    };
    for server in servers {
        erased(helper, &server)?;
    }
    Ok(())
}

fn read(path: &Path, legacy: bool) -> Result<AuthFile> {
    let Some(bytes) = fs::read_optional(path)? else { return Ok(AuthFile::empty()) };
    if bytes.len() > MAX_SIZE {
        crate::bail!("`{}` is too large for an authentication file", path.display());
    }
    AuthFile::parse(&bytes, legacy).with_context(|| format!("reading `{}`", path.display()))
}

/// Changes a file under its lock: `act` says what came of it, and whether there is something to write.
fn change<T>(path: &Path, act: impl FnOnce(&mut AuthFile) -> Result<(T, bool)>) -> Result<T> {
    let path = &std::path::absolute(path).with_context(|| format!("resolving `{}`", path.display()))?;
    if let Some(dir) = path.parent() {
        fs::create_private_dir_all(dir)?;
    }
    // People have their files elsewhere and links in the usual places: the file is replaced, not the link.
    let target = std::fs::canonicalize(path).unwrap_or_else(|_| path.clone());
    let mut name = target.file_name().unwrap_or_default().to_owned();
    name.push(".lock");
    let _lock = lock::exclusive(&target.with_file_name(name))?;
    let mut file = read(&target, false)?;
    let (result, write) = act(&mut file)?;
    if write {
        atomic::write(&target, file.to_text().as_bytes(), Durability::Power)?;
    }
    Ok(result)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    fn here(dir: &Path) -> AuthPlaces {
        AuthPlaces {
            only: None,
            primary: Some(dir.join("run/containers/auth.json")),
            others: vec![dir.join("config/auth.json"), dir.join("docker/config.json")],
            dockercfg: Some(dir.join("dockercfg")),
        }
    }

    fn user(logins: &Logins, key: &str) -> Option<String> {
        logins.find(key).unwrap().map(|c| c.username().to_owned())
    }

    #[test]
    fn a_login_is_kept_and_forgotten() {
        let dir = tempfile::tempdir().unwrap();
        let logins = Logins::new(&here(dir.path()), None, &[]);
        assert!(!logins.remove("a.io").unwrap());
        let place = logins.store("a.io", &Credentials::new("u", "p")).unwrap();
        assert!(place.ends_with("run/containers/auth.json"));
        let mode = std::fs::metadata(&place).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        logins.store("a.io/ns", &Credentials::new("v", "p")).unwrap();
        assert_eq!(user(&logins, "a.io/ns/x").as_deref(), Some("v"));
        assert!(logins.remove("a.io/ns").unwrap());
        assert_eq!(user(&logins, "a.io/ns/x").as_deref(), Some("u"));
        logins.remove_all().unwrap();
        assert_eq!(user(&logins, "a.io"), None);
    }

    #[test]
    fn files_are_read_in_their_order() {
        let dir = tempfile::tempdir().unwrap();
        let places = here(dir.path());
        let logins = Logins::new(&places, None, &[]);
        let entry = |user: &str| format!(r#"{{"a.io": {{"auth": "{}"}}}}"#, Credentials::new(user, "p").encoded());
        std::fs::write(places.dockercfg.as_ref().unwrap(), entry("old")).unwrap();
        assert_eq!(user(&logins, "a.io").as_deref(), Some("old"));
        for (path, name) in
            [(&places.others[1], "docker"), (&places.others[0], "config"), (places.primary.as_ref().unwrap(), "run")]
        {
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, format!(r#"{{"auths": {}}}"#, entry(name))).unwrap();
            assert_eq!(user(&logins, "a.io/x").as_deref(), Some(name));
        }
        let only = Logins::new(&places, Some(&dir.path().join("none.json")), &[]);
        assert_eq!(user(&only, "a.io"), None);
        std::fs::write(&places.others[0], "{").unwrap();
        std::fs::remove_file(places.primary.as_ref().unwrap()).unwrap();
        assert!(logins.find("a.io").unwrap_err().to_string().contains("config/auth.json"));
    }

    #[test]
    fn a_link_stays_a_link() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("real.json"), r#"{"x": 1}"#).unwrap();
        std::os::unix::fs::symlink("real.json", dir.path().join("link.json")).unwrap();
        let logins = Logins::new(&AuthPlaces::default(), Some(&dir.path().join("link.json")), &[]);
        logins.store("a.io", &Credentials::new("u", "p")).unwrap();
        assert!(dir.path().join("link.json").is_symlink());
        let text = std::fs::read_to_string(dir.path().join("real.json")).unwrap();
        assert!(text.contains("\"x\": 1") && text.contains("a.io"), "{text}");
    }

    #[test]
    fn dockers_own_keys() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("config.json");
        let logins = Logins::of_docker(&path);
        logins.store("docker.io", &Credentials::new("u", "p")).unwrap();
        assert!(std::fs::read_to_string(&path).unwrap().contains("https://index.docker.io/v1/"));
        assert_eq!(user(&logins, "docker.io/library/x").as_deref(), Some("u"));
        assert!(logins.remove("docker.io").unwrap());
    }

    #[test]
    fn a_store_that_is_not_installed_is_passed_over() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("config.json");
        std::fs::write(&path, r#"{"credsStore": "coracle-no-such-helper"}"#).unwrap();
        let logins = Logins::new(&AuthPlaces::default(), Some(&path), &[]);
        assert_eq!(user(&logins, "a.io"), None);
        logins.store("a.io", &Credentials::new("u", "p")).unwrap();
        assert_eq!(user(&logins, "a.io").as_deref(), Some("u"));
        std::fs::write(&path, r#"{"credHelpers": {"a.io": "coracle-no-such-helper"}}"#).unwrap();
        assert!(logins.find("a.io").unwrap_err().to_string().contains("not in $PATH"));
    }
}
