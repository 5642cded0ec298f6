//! Removing images, and the blobs and layers that nothing needs any more.

use std::collections::BTreeSet;

use super::manifest::{Descriptor, Index};
use super::reference::sha256_hex;
use super::store::{ImageStore, not_known, read_image, read_manifest};
use super::{index, list};
use crate::error::{Error, Kind, Result};
use crate::storage::fs;

/// What `rmi` did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Removed {
    /// Names that are free now.
    pub untagged: Vec<String>,
    /// IDs of images that are gone.
    pub deleted: Vec<String>,
}

/// What the rest of the engine knows about who needs an image.
pub struct InUse<'a> {
    /// IDs of the containers made from the image with this ID.
    pub containers: &'a dyn Fn(&str) -> Vec<String>,
    /// Whether a container's root stands on the layer with this diff ID.
    pub layer: &'a dyn Fn(&str) -> bool,
}

/// Blobs and layers.
#[derive(Debug, Default)]
pub(super) struct Parts {
    /// Hexadecimal digests.
    pub blobs: BTreeSet<String>,
    /// Hexadecimal diff IDs.
    pub layers: BTreeSet<String>,
}

impl ImageStore {
    /// Removes a name, or the image when it was the last one or the image was meant by its ID.
    ///
    /// # Errors
    /// [`Kind::NoSuch`]; [`Kind::InUse`] when containers use it (with `force`, remove those before), or when it has
    /// several names, is meant by ID, and `force` is not given.
    pub fn remove(&self, text: &str, force: bool, in_use: &InUse<'_>) -> Result<Removed> {
        let mut removed = Removed::default();
        let garbage = index::update(&self.images, |index| {
            let Some(entry) = self.find_entry(index, text)?.cloned() else { return Err(not_known(text)) };
            let all = self.entries_of(index, &entry);
            let image = self.image_of(index, &entry).ok().filter(|_| !list::is_list(&entry));
            let id = image.as_ref().map(|image| image.id.clone());
            let id = id.or_else(|| index::id_of(&entry).map(str::to_owned)).unwrap_or_default();
            let names: Vec<String> = all.iter().filter_map(index::name_of).map(|name| name.canonical()).collect();
            let bare = text.strip_prefix("sha256:").unwrap_or(text);
            let by_id = !id.is_empty() && id.starts_with(bare);
            let by_digest = text.starts_with("sha256:");
            if names.len() > 1 && (by_id || by_digest) && !force {
                let how = if by_id { "ID" } else { "digest" };
                return Err(Error::of(
                    Kind::InUse,
                    format!(
                        "unable to delete image \"{id}\" by {how} with more than one tag ([{}]): please force removal",
                        names.join(" ")
                    ),
                ));
            }
            if names.len() > 1 && !by_id && !by_digest {
                removed.untagged.extend(index::name_of(&entry).map(|name| name.canonical()));
                self.drop_name(index, &entry);
                return Ok(Parts::default());
            }
            if let Some(container) = (in_use.containers)(&id).first() {
                return Err(Error::of(
                    Kind::InUse,
                    format!(
                        "image used by {container}: image is in use by a container: consider listing external \
                         containers and force-removing image"
                    ),
                ));
            }
            index.manifests.retain(|e| !all.contains(e));
            removed.untagged.extend(names);
            removed.deleted.push(id);
            self.unreferenced(index, &all)
        })?;
        self.delete(&garbage, in_use)?;
        // What killed processes left; if that cannot be removed, it is not this command's failure.
        let _ = crate::storage::workdir::sweep(&self.roots);
        Ok(removed)
    }

    /// What the removed entries needed and no other entry does.
    pub(super) fn unreferenced(&self, index: &Index, removed: &[Descriptor]) -> Result<Parts> {
        let mut garbage = Parts::default();
        for entry in removed {
            // A broken image does not say all it had; the rest waits for the next prune.
            let _ = self.collect(entry, &mut garbage);
        }
        let mut kept = Parts::default();
        for entry in &index.manifests {
            if self.collect(entry, &mut kept).is_err() {
                // Nobody knows what this one needs.
                return Ok(Parts::default());
            }
        }
        garbage.blobs.retain(|hex| !kept.blobs.contains(hex));
        garbage.layers.retain(|id| !kept.layers.contains(id));
        Ok(garbage)
    }

    fn collect(&self, entry: &Descriptor, parts: &mut Parts) -> Result<()> {
        if list::is_list(entry) {
            return self.collect_list(entry, parts);
        }
        for digest in [Some(entry.digest.as_str()), index::index_digest_of(entry)].into_iter().flatten() {
            parts.blobs.extend(sha256_hex(digest).map(str::to_owned));
        }
        let (manifest, descriptor, _) = read_manifest(&self.images, entry)?;
        parts.blobs.insert(descriptor.hex()?.to_owned());
        for blob in manifest.layers.iter().chain([&manifest.config]) {
            parts.blobs.insert(blob.hex()?.to_owned());
        }
        parts.layers.extend(read_image(&self.images, entry)?.layers);
        Ok(())
    }

    /// Removes blobs and layers, unless somebody has listed an image with them in the meantime.
    pub(super) fn delete(&self, garbage: &Parts, in_use: &InUse<'_>) -> Result<()> {
        if garbage.blobs.is_empty() && garbage.layers.is_empty() {
            return Ok(());
        }
        let mut detached = Vec::new();
        index::update(&self.images, |index| {
            let mut kept = Parts::default();
            for entry in &index.manifests {
                if self.collect(entry, &mut kept).is_err() {
                    return Ok(());
                }
            }
            for hex in garbage.blobs.difference(&kept.blobs) {
                fs::remove_file_if_exists(&self.blob_path(hex))?;
            }
            for id in garbage.layers.difference(&kept.layers) {
                if !(in_use.layer)(id) {
                    detached.extend(self.layers.detach(id)?);
                }
            }
            Ok(())
        })?;
        // Deleting files takes time, so it happens without the lock. Every layer is tried, the first error is told.
        let mut result = Ok(());
        for layer in detached {
            let deleted = layer.delete();
            result = result.and(deleted);
        }
        result
    }
}
