//! Where images are mounted (`image mount`).
//!
//! ```text
//! <root>/mounts/<image ID>                       the mount point, an empty directory
//! <runroot>/mounts/<image ID>-<namespace>.json   who mounted it: one for each mount namespace
//! ```
//!
//! A mount is seen in one mount namespace only, that of `coracle unshare`, and goes with the last process in it. So a
//! record counts only as long as there is such a process.

use std::collections::BTreeSet;
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::error::{Context, Result};
use crate::storage::atomic::{self, Durability};
use crate::storage::{Roots, fs};

/// A mounted image.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mounted {
    /// Its ID.
    pub image: String,
    /// Diff IDs of its layers, lowest first.
    pub layers: Vec<String>,
    /// The mount namespace, as `/proc/<pid>/ns/mnt` names it.
    pub namespace: String,
}

impl Mounted {
    /// Where it is mounted.
    pub fn point(&self, roots: &Roots) -> PathBuf {
        point(roots, &self.image)
    }

    fn record(&self, roots: &Roots) -> PathBuf {
        let digits: String = self.namespace.chars().filter(char::is_ascii_digit).collect();
        dir(roots).join(format!("{}-{digits}.json", self.image))
    }

    /// Whether this is the namespace of this process.
    pub fn is_here(&self) -> bool {
        namespace_of("self").is_ok_and(|here| here == self.namespace)
    }

    /// Writes it down, before the mount is made.
    pub fn write(&self, roots: &Roots) -> Result<()> {
        fs::create_private_dir_all(&dir(roots))?;
        atomic::write(&self.record(roots), &serde_json::to_vec(self)?, Durability::Process)
    }

    /// Forgets it, after the mount is gone.
    pub fn forget(&self, roots: &Roots) -> Result<()> {
        fs::remove_file_if_exists(&self.record(roots))
    }
}

/// Where an image is mounted, or would be.
pub fn point(roots: &Roots, image: &str) -> PathBuf {
    roots.data().join("mounts").join(image)
}

/// The mount namespace of this process.
pub fn namespace() -> Result<String> {
    namespace_of("self").context("reading `/proc/self/ns/mnt`")
}

/// All mounts whose namespace still has a process, sorted. Records of others are removed.
pub fn live(roots: &Roots) -> Result<Vec<Mounted>> {
    let mut all = Vec::new();
    for entry in fs::list(&dir(roots))? {
        // One that is just being written or removed says nothing.
        let Ok(bytes) = std::fs::read(entry.path()) else { continue };
        all.extend(serde_json::from_slice::<Mounted>(&bytes).ok());
    }
    if all.is_empty() {
        return Ok(all);
    }
    if let Some(alive) = live_namespaces() {
        let (live, dead): (Vec<_>, Vec<_>) = all.into_iter().partition(|one| alive.contains(&one.namespace));
        for one in dead {
            one.forget(roots)?;
        }
        all = live;
    }
    all.sort_by(|a, b| (&a.image, &a.namespace).cmp(&(&b.image, &b.namespace)));
    Ok(all)
}

/// The mount namespaces of all processes that may be this user's; `None` when some of them cannot be told, as from within
/// another user namespace.
fn live_namespaces() -> Option<BTreeSet<String>> {
    let mut found = BTreeSet::new();
    let own = nix::unistd::geteuid().as_raw();
    for entry in fs::list(std::path::Path::new("/proc")).ok()? {
        let Some(pid) = entry.file_name().to_str().filter(|name| name.parse::<u32>().is_ok()).map(str::to_owned) else {
            continue;
        };
        match namespace_of(&pid) {
            Ok(namespace) => drop(found.insert(namespace)),
            Err(e) if e.kind() == std::io::ErrorKind::PermissionDenied => {
                let owner = entry.metadata().map(|meta| meta.uid()).unwrap_or(own);
                if owner == own {
                    return None;
                }
            }
            // It has ended.
            Err(_) => {}
        }
    }
    Some(found)
}

fn namespace_of(pid: &str) -> std::io::Result<String> {
    std::fs::read_link(format!("/proc/{pid}/ns/mnt")).map(|link| link.to_string_lossy().into_owned())
}

fn dir(roots: &Roots) -> PathBuf {
    roots.run().join("mounts")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_namespaces_with_a_process_count() {
        let home = tempfile::tempdir().unwrap();
        let roots = Roots::open(&home.path().join("data"), &home.path().join("run")).unwrap();
        assert_eq!(live(&roots).unwrap(), []);
        let here = Mounted { image: "a".repeat(64), layers: vec!["b".repeat(64)], namespace: namespace().unwrap() };
        let gone = Mounted { namespace: "mnt:[1]".to_owned(), ..here.clone() };
        here.write(&roots).unwrap();
        gone.write(&roots).unwrap();
        assert!(here.is_here() && !gone.is_here());
        assert!(live(&roots).unwrap().contains(&here));
        if live_namespaces().is_some() {
            assert_eq!(live(&roots).unwrap(), [here.clone()]);
        }
        here.forget(&roots).unwrap();
        assert!(!live(&roots).unwrap().contains(&here));
    }
}
