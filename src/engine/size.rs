//! How much room containers take.

use std::path::Path;

use super::{Engine, enter_userns};
use crate::container::snapshot;
use crate::container::store::Container;
use crate::error::Result;

/// Bytes of the writable layer, and of the whole root file system with the layers of the image.
pub fn container_size(engine: &Engine, container: &Container) -> Result<(u64, u64)> {
    // Directories of other IDs of the mapping cannot be listed from outside of it.
    enter_userns(engine)?;
    let dir = engine.roots.container(&container.record.id);
    if container.record.driver == "vfs" {
        let all = tree(&dir.join("rootfs"));
        return Ok((all, all));
    }
    let own = tree(&dir.join("upper"));
    let layers: u64 = snapshot::layer_paths(&container.record, &engine.roots).iter().map(|layer| tree(layer)).sum();
    Ok((own, own + layers))
}

/// Bytes of all files below `dir`. What vanishes meanwhile does not count.
fn tree(dir: &Path) -> u64 {
    let Ok(entries) = std::fs::read_dir(dir) else { return 0 };
    entries
        .flatten()
        .map(|entry| match entry.metadata() {
            Ok(meta) if meta.is_dir() => tree(&entry.path()),
            Ok(meta) if meta.is_file() => meta.len(),
            _ => 0,
        })
        .sum()
}
