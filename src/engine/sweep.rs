//! Removes what was left by processes that were killed: things half made or half removed, run-time directories and names
//! of containers that are gone.
//!
//! Whoever works on something in `tmp/` holds the lock on its `.lock`, so a lock that can be had says that nobody does
//! (see [`crate::storage::workdir`]). Costs a few readdir when there is nothing to do; the user namespace is entered only for something to remove.

use std::fs::File;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::{Engine, containers, enter_userns};
use crate::error::{Context, Result};
use crate::storage::Roots;
use crate::storage::atomic::{self, Durability};
use crate::storage::unpack::remove_tree;
use crate::storage::workdir::{self, WorkDir};
use crate::sys::lock;

/// What has no lock (any more) is left alone for this long.
const YOUNG_WITHOUT_LOCK: Duration = Duration::from_secs(60);

/// Tidies up. What cannot be removed is left for the next time; only what is in the way of everything is an error.
pub fn sweep(engine: &Engine) -> Result<()> {
    let roots = &engine.roots;
    let mut dead: Vec<Dead> = Vec::new();
    let now = SystemTime::now();
    for path in entries(&roots.tmp())? {
        dead.extend(Dead::claim(path, now));
    }
    if !dead.is_empty() {
        // Some of it belongs to other IDs of the mapping.
        enter_userns(engine)?;
        for one in dead {
            one.remove();
        }
    }
    for dir in [roots.images(), roots.run().to_owned()] {
        sweep_files(&dir, now)?;
    }
    sweep_run_dirs(roots)?;
    sweep_names(engine)
}

/// Files that were being written in place of others.
fn sweep_files(dir: &Path, now: SystemTime) -> Result<()> {
    for path in entries(dir)? {
        let is_temporary = path.file_name().is_some_and(|n| n.as_encoded_bytes().starts_with(b".tmp-"));
        if is_temporary && age(&path, now).is_some_and(|age| age >= YOUNG_WITHOUT_LOCK) {
            let _ = std::fs::remove_file(&path);
        }
    }
    Ok(())
}

/// Something in `tmp/` whose maker is dead.
#[derive(Debug)]
enum Dead {
    Locked(WorkDir),
    /// Without a lock: what a crash left half removed, or what never had one.
    Old(PathBuf),
}

impl Dead {
    fn claim(path: PathBuf, now: SystemTime) -> Option<Self> {
        match workdir::take_over(&path) {
            Ok(Some(work)) => Some(Dead::Locked(work)),
            _ if path.join(".lock").exists() => None,
            _ => age(&path, now).filter(|age| *age >= YOUNG_WITHOUT_LOCK).map(|_| Dead::Old(path)),
        }
    }

    /// What cannot be removed is left for the next time.
    fn remove(self) {
        let _ = match self {
            Dead::Locked(work) => work.remove(),
            Dead::Old(path) => remove_tree(&path),
        };
    }
}

/// Time since it was last changed: made, locked, emptied. A clock that was set back makes everything young.
fn age(path: &Path, now: SystemTime) -> Option<Duration> {
    let meta = std::fs::symlink_metadata(path).ok()?;
    let changed = Duration::new(u64::try_from(meta.ctime()).ok()?, u32::try_from(meta.ctime_nsec()).ok()?);
    now.duration_since(SystemTime::UNIX_EPOCH).ok()?.checked_sub(changed)
}

/// Run-time directories of containers that are gone and whose monitor is too. They are made only for containers that
/// exist, and no ID comes a second time.
fn sweep_run_dirs(roots: &Roots) -> Result<()> {
    for path in entries(&roots.run_containers())? {
        let Some(id) = path.file_name().and_then(|name| name.to_str()) else { continue };
        if roots.container(id).symlink_metadata().is_ok() {
            continue;
        }
        let is_held = File::open(path.join("lock")).is_ok_and(|file| lock::is_held(&file));
        if !is_held {
            let _ = remove_tree(&path);
        }
    }
    Ok(())
}

/// Names without a container, containers without a name, and records that a power cut has emptied. Looked for when the
/// numbers do not fit, and once after every boot.
fn sweep_names(engine: &Engine) -> Result<()> {
    let roots = &engine.roots;
    let marker = roots.run().join("swept");
    let names = entries(&roots.names())?.len();
    if names == entries(&roots.containers())?.len() && marker.symlink_metadata().is_ok() {
        return Ok(());
    }
    let store = containers(engine);
    let rubbish = store.unreadable()?;
    if !rubbish.is_empty() {
        enter_userns(engine)?;
        for id in rubbish {
            if let Some(trash) = store.detach_unreadable(&id)? {
                let _ = trash.delete();
            }
        }
    }
    store.repair_names()?;
    atomic::write(&marker, b"", Durability::Process)
}

fn entries(dir: &Path) -> Result<Vec<PathBuf>> {
    let entries = std::fs::read_dir(dir).with_context(|| format!("listing `{}`", dir.display()))?;
    Ok(entries.flatten().map(|entry| entry.path()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::config::Places;

    fn engine(home: &Path) -> Engine {
        let roots = Roots::open(&home.join("data"), &home.join("run")).unwrap();
        Engine {
            roots,
            places: Places::default(),
            choose: None,
            driver: None,
            network_cmd_path: None,
            networks: crate::network::config::Places::default(),
            trust: crate::image::trust::Trust::default(),
        }
    }

    #[test]
    fn only_what_nobody_holds_is_dead() {
        let home = tempfile::tempdir().unwrap();
        let engine = engine(home.path());
        let make = |name: &str| {
            let dir = engine.roots.tmp().join(name);
            std::fs::create_dir(&dir).unwrap();
            dir
        };
        let (held, free, bare) = (make("held"), make("free"), make("bare"));
        let lock = crate::storage::lock::exclusive(&held.join(".lock")).unwrap();
        drop(crate::storage::lock::exclusive(&free.join(".lock")).unwrap());
        let now = SystemTime::now();
        let dead_in =
            |path: &PathBuf, after: u64| Dead::claim(path.clone(), now + Duration::from_secs(after)).is_some();
        std::fs::create_dir_all(free.join("a/b")).unwrap();
        std::fs::write(bare.join("file"), "").unwrap();
        assert!(!dead_in(&held, 1000));
        assert!(!dead_in(&bare, 4));
        assert!(dead_in(&bare, 61));
        // Dropped, a claim removes.
        assert!(dead_in(&free, 0));
        assert!(!free.exists());
        drop(lock);
        assert!(dead_in(&held, 0));
        assert!(!held.exists());
    }

    #[test]
    fn names_and_run_directories_of_nothing_go() {
        let home = tempfile::tempdir().unwrap();
        let engine = engine(home.path());
        std::os::unix::fs::symlink("f".repeat(64), engine.roots.names().join("stale")).unwrap();
        let run = engine.roots.run_container(&"f".repeat(64));
        std::fs::create_dir(&run).unwrap();
        std::fs::write(run.join("lock"), "1").unwrap();
        sweep(&engine).unwrap();
        assert_eq!(entries(&engine.roots.names()).unwrap().len(), 0);
        assert!(!run.exists());
    }
}
