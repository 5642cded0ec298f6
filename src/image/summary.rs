//! A cache of what `images` shows: `summaries.json` in the store, one [`Image`] for each manifest in the index.
//!
//! A manifest's digest fixes everything in its summary, so a summary is never wrong, only missing: then the manifest and
//! configuration are read instead. Names are not in it, nor what only `inspect` shows and makes images large: the history
//! and the configuration as it stands.

use std::collections::HashMap;
use std::path::Path;

use super::manifest::Index;
use super::store::read_image;
use super::types::Image;
use crate::storage::atomic::{self, Durability};

/// Summaries by digest of the manifest.
pub type Summaries = HashMap<String, Image>;

/// Reads what is cached. A cache that cannot be read is empty.
pub fn read(images: &Path) -> Summaries {
    let bytes = std::fs::read(images.join("summaries.json")).unwrap_or_default();
    serde_json::from_slice(&bytes).unwrap_or_default()
}

/// Brings the cache in line with the index. A failure only costs time later.
pub fn refresh(images: &Path, index: &Index) {
    let mut known = read(images);
    let mut fresh = Summaries::with_capacity(index.manifests.len());
    let mut changed = false;
    for entry in &index.manifests {
        if fresh.contains_key(&entry.digest) || super::list::is_list(entry) {
            continue;
        }
        if let Some(image) = known.remove(&entry.digest) {
            fresh.insert(entry.digest.clone(), image);
        } else if let Ok(image) = read_image(images, entry) {
            fresh.insert(entry.digest.clone(), summarise(image));
            changed = true;
        }
    }
    if (changed || !known.is_empty())
        && let Ok(bytes) = serde_json::to_vec(&fresh)
    {
        let _ = atomic::write(&images.join("summaries.json"), &bytes, Durability::Process);
    }
}

/// An image as lists show it.
pub fn summarise(image: Image) -> Image {
    Image { history: Vec::new(), raw_config: serde_json::Value::Null, ..image }
}
