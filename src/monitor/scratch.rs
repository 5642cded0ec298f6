//! Writable layers that do not outlive a run of the container: empty when it begins, and gone when it ends.

use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};

use crate::error::{Context, Result};
use crate::runtime::launch::Scratch;
use crate::storage::fs;
use crate::storage::unpack::remove_tree;

/// Makes them, empty. What a killed monitor has left goes first.
pub fn begin(layers: &[Scratch]) -> Result<()> {
    for Scratch { upper, work, like } in layers {
        for dir in [upper, work] {
            remove_tree(dir)?;
            fs::create_private_dir_all(dir)?;
        }
        // The upper directory is what the container sees as the root of the mount.
        let meta = std::fs::metadata(like).with_context(|| format!("looking at `{}`", like.display()))?;
        if (meta.uid(), meta.gid()) != (0, 0) {
            let _ = std::os::unix::fs::chown(upper, Some(meta.uid()), Some(meta.gid()));
        }
        std::fs::set_permissions(upper, std::fs::Permissions::from_mode(meta.mode() & 0o7777))
            .with_context(|| format!("setting the mode of `{}`", upper.display()))?;
    }
    Ok(())
}

/// Removes them. What cannot be removed is by the next [`begin`].
pub fn end(layers: &[Scratch]) {
    for dir in layers.iter().flat_map(|layer| [&layer.upper, &layer.work]) {
        let _ = remove_tree(dir);
    }
}
