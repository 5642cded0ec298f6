//! The files of networks.
//!
//! ```text
//! $XDG_DATA_HOME/containers/storage/networks/    where users of the reference have theirs; ROOT/networks with --root
//!   <name>.json        one network
//!   netavark.lock      held (fcntl) while a network is made, changed or removed, by the reference as well
//! ```
//!
//! The default network is there without a file; a file of its name says otherwise. Who reads takes no lock: a file is
//! replaced by a rename.

use std::fs::File;
use std::io::Read as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::check;
use super::definition::{DEFAULT_NAME, DEFAULT_SUBNET, Network};
use super::net::Net;
use crate::error::{Context as _, Error, Kind, Result};
use crate::storage::atomic::{self, Durability};
use crate::storage::{fs, id};
use crate::sys;

/// No network has a larger file.
const MAX_SIZE: u64 = 1 << 20;
/// No user has more networks: each has a bridge.
const MAX_NETWORKS: usize = 10_000;
/// The reference's lock.
const LOCK: &str = "netavark.lock";

/// Where the networks are, and what the default one is where no file says so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Location {
    pub dir: PathBuf,
    pub default_name: String,
    pub default_subnet: Net,
}

impl Default for Location {
    fn default() -> Self {
        Location { dir: PathBuf::new(), default_name: DEFAULT_NAME.to_owned(), default_subnet: DEFAULT_SUBNET }
    }
}

/// The networks of a user.
#[derive(Debug, Clone)]
pub struct Store {
    at: Location,
}

/// The right to change networks; dropping it ends it.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

/// All networks, and what was odd about the files.
#[derive(Debug, Clone, Default)]
pub struct All {
    /// By name.
    pub networks: Vec<Network>,
    pub warnings: Vec<String>,
}

impl Store {
    /// The networks in a directory, which need not be there.
    pub fn open(dir: PathBuf) -> Store {
        Store::at(Location { dir, ..Location::default() })
    }

    /// The networks at a place.
    pub fn at(at: Location) -> Store {
        Store { at }
    }

    /// Where they are.
    pub fn location(&self) -> &Location {
        &self.at
    }

    /// The network of this name, or of an ID that begins so.
    ///
    /// # Errors
    /// [`Kind::NoSuch`] when there is none; several IDs begin so; its file is no network.
    pub fn get(&self, name: &str) -> Result<Network> {
        if let Some(network) = self.by_name(name)? {
            return Ok(network);
        }
        if !id::is_hex(name) {
            return Err(no_such(name));
        }
        let mut found = self.list()?.networks.into_iter().filter(|network| network.id.starts_with(name));
        match (found.next(), found.next()) {
            (Some(one), None) => Ok(one),
            (Some(_), Some(_)) => Err(Error::new(format!("more than one result for network ID {name}"))),
            _ => Err(no_such(name)),
        }
    }

    /// The network of exactly this name.
    pub fn by_name(&self, name: &str) -> Result<Option<Network>> {
        if !id::is_valid_name(name) {
            return Ok(None);
        }
        let path = self.file(name);
        match read(&path, name) {
            Ok(Some(network)) => Ok(Some(network)),
            Ok(None) if name == self.at.default_name => Ok(Some(self.default_network())),
            Ok(None) => Ok(None),
            Err(error) => Err(error.wrap(format!("reading `{}`", path.display()))),
        }
    }

    fn default_network(&self) -> Network {
        Network::default_network(&self.at.default_name, self.at.default_subnet)
    }

    /// Whether this is the network that containers have where nothing else is said.
    pub fn is_default(&self, name: &str) -> bool {
        name == self.at.default_name
    }

    /// All networks, the default one among them. Files that are no networks are left out, with a warning.
    pub fn list(&self) -> Result<All> {
        let context = || format!("reading `{}`", self.at.dir.display());
        let mut all = All::default();
        let entries = match std::fs::read_dir(&self.at.dir) {
            Ok(entries) => Some(entries),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => None,
            Err(e) => return Err(Error::from(e).wrap(context())),
        };
        for entry in entries.into_iter().flatten() {
            let path = entry.with_context(context)?.path();
            let stem = path.file_stem().and_then(|stem| stem.to_str());
            let (Some(name), Some("json")) = (stem, path.extension().and_then(|e| e.to_str())) else { continue };
            if !id::is_valid_name(name) {
                continue;
            }
            if all.networks.len() >= MAX_NETWORKS {
                return Err(Error::new(format!("there are more than {MAX_NETWORKS} networks")).wrap(context()));
            }
            match read(&path, name) {
                Ok(found) => all.networks.extend(found),
                Err(error) => all.warnings.push(format!("skipping network file {}: {error}", path.display())),
            }
        }
        if !all.networks.iter().any(|network| self.is_default(&network.name)) {
            all.networks.push(self.default_network());
        }
        all.networks.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(all)
    }

    /// Waits for the right to change networks. The directory is made where it is missing.
    pub fn lock(&self) -> Result<Lock> {
        fs::create_private_dir_all(&self.at.dir)?;
        let path = self.at.dir.join(LOCK);
        let attempt = || -> std::io::Result<File> {
            let file = File::options().read(true).write(true).create(true).truncate(false).mode(0o644).open(&path)?;
            sys::lock::wait(&file)?;
            Ok(file)
        };
        Ok(Lock { _file: attempt().with_context(|| format!("locking `{}`", path.display()))? })
    }

    /// Writes a network's file, which must not be there.
    ///
    /// # Errors
    /// [`Kind::InUse`] when there is a network of this name.
    pub fn create(&self, network: &Network, lock: &Lock) -> Result<()> {
        if self.by_name(&network.name)?.is_some() {
            return Err(exists(&network.name));
        }
        self.replace(network, lock)
    }

    /// Writes a network's file, whatever was there.
    pub fn replace(&self, network: &Network, _lock: &Lock) -> Result<()> {
        check::network(network)?;
        let bytes = to_text(network)?;
        atomic::write_with_mode(&self.file(&network.name), bytes.as_bytes(), 0o644, Durability::Power)
    }

    /// Removes the file of a network.
    pub fn remove(&self, name: &str, _lock: &Lock) -> Result<()> {
        let path = self.file(name);
        match std::fs::remove_file(&path) {
            Ok(()) => atomic::sync_dir(&self.at.dir),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Err(no_such(name)),
            Err(e) => Err(Error::from(e).wrap(format!("removing `{}`", path.display()))),
        }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.at.dir.join(format!("{name}.json"))
    }
}

/// The text of a network's file, indented as the reference's.
pub(super) fn to_text(network: &Network) -> Result<String> {
    let mut bytes = Vec::new();
    let form = serde_json::ser::PrettyFormatter::with_indent(b"     ");
    network.serialize(&mut serde_json::Serializer::with_formatter(&mut bytes, form))?;
    bytes.push(b'\n');
    String::from_utf8(bytes).map_err(|_| Error::new("the network is not UTF-8"))
}

/// The network in a file; `None` where there is none.
fn read(path: &Path, name: &str) -> Result<Option<Network>> {
    // Not blocking: it may be a pipe that nobody writes into.
    let file = match File::options().read(true).custom_flags(libc::O_NONBLOCK).open(path) {
        Ok(file) => file,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(e.into()),
    };
    if !file.metadata()?.is_file() {
        return Err(Error::new("it is no regular file"));
    }
    let mut bytes = Vec::new();
    file.take(MAX_SIZE + 1).read_to_end(&mut bytes)?;
    parse(&bytes, name).map(Some)
}

/// The network that these bytes of the file of `name` say. The file may be anybody's: nothing of it is believed.
pub fn parse(bytes: &[u8], name: &str) -> Result<Network> {
    if bytes.len() as u64 > MAX_SIZE {
        return Err(Error::new("it is too large for a network"));
    }
    let network: Network = serde_json::from_slice(bytes)?;
    if network.name != name {
        return Err(Error::new(format!("network config name {:?} does not match its file name", network.name)));
    }
    check::network(&network)?;
    Ok(network)
}

fn no_such(name: &str) -> Error {
    Error::of(Kind::NoSuch, format!("unable to find network with name or ID {name}: network not found"))
}

pub(super) fn exists(name: &str) -> Error {
    Error::of(Kind::InUse, format!("network name {name} already used: network already exists"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn store() -> (tempfile::TempDir, Store) {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path().join("networks"));
        (dir, store)
    }

    fn network(name: &str, id: char) -> Network {
        let mut network = Network::default_network(name, "10.89.0.0/24".parse().unwrap());
        network.id = id.to_string().repeat(64);
        network.network_interface = format!("br-{name}");
        network
    }

    #[test]
    fn the_default_one_needs_no_file() {
        let (_dir, store) = store();
        assert_eq!(store.get("podman").unwrap().network_interface, "podman0");
        assert_eq!(store.get("2f259b").unwrap().name, "podman");
        assert_eq!(store.list().unwrap().networks.len(), 1);
        assert_eq!(store.get("nosuch").unwrap_err().kind(), Kind::NoSuch);
        for bad in ["", "../x", "a/b", ".."] {
            assert_eq!(store.get(bad).unwrap_err().kind(), Kind::NoSuch, "{bad}");
        }
    }

    #[test]
    fn what_is_written_is_found() {
        let (_dir, store) = store();
        let lock = store.lock().unwrap();
        store.create(&network("a", 'a'), &lock).unwrap();
        store.create(&network("b", 'b'), &lock).unwrap();
        let error = store.create(&network("a", 'c'), &lock).unwrap_err();
        assert_eq!(error.to_string(), "network name a already used: network already exists");
        assert_eq!(store.get("aaa").unwrap().name, "a");
        let names: Vec<_> = store.list().unwrap().networks.into_iter().map(|n| n.name).collect();
        assert_eq!(names, ["a", "b", "podman"]);
        let mut changed = network("podman", 'd');
        changed.network_interface = "podman0".into();
        store.create(&changed, &lock).unwrap_err();
        store.replace(&changed, &lock).unwrap();
        assert_eq!(store.get("podman").unwrap().gateways().next().unwrap().to_string(), "10.89.0.1");
        store.remove("a", &lock).unwrap();
        assert_eq!(store.remove("a", &lock).unwrap_err().kind(), Kind::NoSuch);
    }

    #[test]
    fn hostile_files() {
        let (_dir, store) = store();
        drop(store.lock().unwrap());
        let put = |name: &str, text: &[u8]| std::fs::write(store.file(name), text).unwrap();
        put("other", to_text(&network("a", 'a')).unwrap().as_bytes());
        put("large", &vec![b' '; 2 << 20]);
        put("deep", &[b'['; 100_000]);
        let mut evil = network("evil", 'e');
        evil.network_interface = "../../x".into();
        put("evil", to_text(&evil).unwrap().as_bytes());
        nix::unistd::mkfifo(&store.file("pipe"), nix::sys::stat::Mode::S_IRWXU).unwrap();
        std::fs::create_dir(store.file("dir")).unwrap();
        std::os::unix::fs::symlink("/dev/zero", store.file("zero")).unwrap();
        let all = store.list().unwrap();
        assert_eq!((all.networks.len(), all.warnings.len()), (1, 7), "{:?}", all.warnings);
        for name in ["other", "large", "deep", "evil", "pipe", "dir", "zero"] {
            let error = store.get(name).unwrap_err().to_string();
            assert!(error.starts_with("reading `"), "{error}");
        }
    }
}
