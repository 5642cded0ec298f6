//! `system reset`: as if this engine had never run for this user.

use std::path::Path;

use crate::container::store::Store;
use crate::engine::{Engine, RemoveOptions, containers, enter_userns, remove};
use crate::error::{Context, Error, Kind, Result};
use crate::storage::fs;
use crate::storage::unpack::remove_tree;

/// What the engine keeps in its roots. Nothing else there is touched: a user may have chosen any directory.
/// Definitions of networks are here only with `--root`; elsewhere they are the reference's as well, and stay.
const DATA: [&str; 11] = [
    "images",
    "layers",
    "mounts",
    "containers",
    "networks",
    "volumes",
    "names",
    "names.lock",
    "secrets",
    "shown",
    "tmp",
];
const RUN: [&str; 5] = ["containers", "mounts", "owners", "storage-driver", "swept"];

/// Removes all containers, images and files of the engine.
///
/// # Errors
/// A container cannot be stopped, or a file not removed. What could be is gone then.
pub fn reset(engine: &Engine) -> Result<()> {
    let store = containers(engine);
    let ids = store.ids()?;
    enter_userns(engine)?;
    let options = RemoveOptions { force: true, volumes: true, timeout: Some(0), depend: true };
    let mut result = Ok(());
    for id in ids {
        match remove(engine, &id, options.clone()) {
            Err(error) if error.kind() == Kind::NoSuch => {}
            removed => result = result.and(removed.with_context(|| format!("removing container {id}"))),
        }
    }
    // A container that could not be stopped still needs its files.
    result?;
    refuse_alive(&store)?;
    let mut result = Ok(());
    for (root, names) in [(engine.roots.data(), DATA.as_slice()), (engine.roots.run(), &RUN)] {
        for name in names {
            result = result.and(remove_tree(&root.join(name)));
        }
        let removed = remove_files(root).and_then(|()| remove_if_empty(root));
        result = result.and(removed);
    }
    result
}

/// Somebody may have started another one meanwhile.
fn refuse_alive(store: &Store) -> Result<()> {
    match store.ids()?.into_iter().find(|id| store.monitor_is_alive(id)) {
        None => Ok(()),
        Some(id) => {
            Err(Error::of(Kind::InUse, format!("container {id} was started meanwhile")).hint("reset once more"))
        }
    }
}

/// Files of ours that bear no fixed name: what was being written in place of others, locks.
fn remove_files(root: &Path) -> Result<()> {
    for entry in fs::list(root)? {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.starts_with(".tmp-") || name.ends_with(".lock") {
            fs::remove_file_if_exists(&entry.path())?;
        }
    }
    Ok(())
}

/// A root that has nothing of the user's in it goes, too.
fn remove_if_empty(root: &Path) -> Result<()> {
    match std::fs::remove_dir(root) {
        Err(e)
            if !matches!(
                e.kind(),
                std::io::ErrorKind::NotFound | std::io::ErrorKind::DirectoryNotEmpty | std::io::ErrorKind::ResourceBusy
            ) =>
        {
            Err(Error::from(e).wrap(format!("removing `{}`", root.display())))
        }
        _ => Ok(()),
    }
}
