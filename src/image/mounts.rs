//! Where images are mounted (`image mount`).
//!
//! ```text
//! <root>/mounts/<image ID>                       the mount point, an empty directory
//! <runroot>/mounts/<image ID>-<namespace>.json   who mounted it: one for each mount namespace
//! ```
//!
//! A mount is seen in one mount namespace only, that of `coracle unshare`, and goes with the last process in it. So a
//! record counts only as long as there is such a process, as far as this process may know.

use std::path::{Path, PathBuf};

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
    /// The processes that were in it then, each with the time of its start: these can be told from anywhere.
    #[serde(default)]
    pub processes: Vec<(i32, u64)>,
}

impl Mounted {
    /// An image in the mount namespace of this process.
    pub fn here(image: &str, layers: &[String]) -> Result<Self> {
        let namespace = namespace_of("self").context("reading `/proc/self/ns/mnt`")?;
        let own = i32::try_from(std::process::id()).unwrap_or_default();
        let mut processes = Vec::new();
        for pid in pids()? {
            // This process ends soon, and says nothing.
            if pid != own
                && namespace_of(&pid.to_string()).is_ok_and(|found| found == namespace)
                && let Some(start) = crate::runtime::start_time(pid)
            {
                processes.push((pid, start));
            }
        }
        Ok(Mounted { image: image.to_owned(), layers: layers.to_vec(), namespace, processes })
    }

    /// Whether one of its first processes still runs.
    fn has_process(&self) -> bool {
        self.processes.iter().any(|(pid, start)| crate::runtime::start_time(*pid) == Some(*start))
    }

    /// Whether a process is in its namespace, as far as this one may know. The kernel soon gives the number of a namespace
    /// that is gone to another one, so the mount must be there as well.
    fn is_seen_by(&self, pid: i32) -> bool {
        namespace_of(&pid.to_string()).is_ok_and(|found| found == self.namespace)
            && std::fs::read_to_string(format!("/proc/{pid}/mountinfo"))
                .is_ok_and(|mounts| mounts.contains(&format!("/mounts/{} ", self.image)))
    }

    /// Where it is mounted.
    pub fn point(&self, roots: &Roots) -> PathBuf {
        point(roots, &self.image)
    }

    fn record(&self, roots: &Roots) -> PathBuf {
        dir(roots).join(format!("{}-{}.json", self.image, number_of(&self.namespace)))
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

/// The number of the mount namespace of this process.
pub fn number_here() -> Result<String> {
    Ok(number_of(&namespace_of("self").context("reading `/proc/self/ns/mnt`")?))
}

/// The number in the name of a namespace, `mnt:[4026531841]`.
fn number_of(namespace: &str) -> String {
    namespace.chars().filter(char::is_ascii_digit).collect()
}

/// Where an image is mounted, or would be.
pub fn point(roots: &Roots, image: &str) -> PathBuf {
    roots.data().join("mounts").join(image)
}

/// All mounts that are written down, sorted.
pub fn recorded(roots: &Roots) -> Result<Vec<Mounted>> {
    let mut all = Vec::new();
    for entry in fs::list(&dir(roots))? {
        // One that is just being written or removed says nothing.
        let Ok(bytes) = std::fs::read(entry.path()) else { continue };
        all.extend(serde_json::from_slice::<Mounted>(&bytes).ok());
    }
    all.sort_by(|a, b| (&a.image, &a.namespace).cmp(&(&b.image, &b.namespace)));
    Ok(all)
}

/// All mounts whose namespace still has a process, sorted. Records of others are removed. To be called before this process
/// enters a user namespace of its own, as it may know little of others then.
pub fn live(roots: &Roots) -> Result<Vec<Mounted>> {
    let all = recorded(roots)?;
    if all.is_empty() {
        return Ok(all);
    }
    let pids = pids()?;
    let (live, dead): (Vec<_>, Vec<_>) =
        all.into_iter().partition(|one| one.has_process() || pids.iter().any(|pid| one.is_seen_by(*pid)));
    for one in dead {
        one.forget(roots)?;
    }
    Ok(live)
}

fn pids() -> Result<Vec<i32>> {
    let entries = fs::list(Path::new("/proc"))?;
    Ok(entries.iter().filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect())
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
        // Another process in this namespace; it ends when its input does.
        let mut other = std::process::Command::new("cat").stdin(std::process::Stdio::piped()).spawn().unwrap();
        let here = Mounted::here(&"a".repeat(64), &["b".repeat(64)]).unwrap();
        let gone = Mounted { namespace: "mnt:[1]".to_owned(), processes: vec![(1, 0)], ..here.clone() };
        let own = i32::try_from(std::process::id()).unwrap();
        let start = crate::runtime::start_time(own).unwrap();
        let told = Mounted { namespace: "mnt:[2]".to_owned(), processes: vec![(own, start)], ..here.clone() };
        let reused = Mounted { image: "c".repeat(64), processes: vec![(1, 0)], ..here.clone() };
        for one in [&here, &gone, &told, &reused] {
            one.write(&roots).unwrap();
        }
        assert!(here.is_here() && !gone.is_here());
        let found = live(&roots).unwrap();
        assert!(found.contains(&here) && found.contains(&told) && found.len() == 2);
        here.forget(&roots).unwrap();
        assert_eq!(live(&roots).unwrap(), [told]);
        drop(other.stdin.take());
        other.wait().unwrap();
    }
}
