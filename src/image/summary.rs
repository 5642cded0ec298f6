//! A cache of what lists and the search for rubbish want to know: `summaries.json` in the store, one [`Summary`] for each
//! manifest in the index. With it, neither `images` nor `rmi` opens a file for each image.
//!
//! A manifest's digest fixes everything in its summary, so a summary is never wrong, only missing: then the manifest and
//! configuration are read instead. Names are not in it, nor what only `inspect` shows and makes images large: the history
//! and the configuration as it stands.

use std::collections::HashMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::manifest::{Descriptor, Index};
use super::store::{read_image, read_manifest};
use super::types::{History, Image};
use crate::error::Result;
use crate::storage::atomic::{self, Durability};

/// What is cached of one image.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    pub image: Image,
    /// Hexadecimal digests of all that the manifest's digest stands for: itself, the configuration, the layers.
    pub blobs: Vec<String>,
    /// For each step of the history a hash of it and all before it: an image whose last one is among those of another
    /// is an earlier stage of that.
    pub steps: Vec<u64>,
}

/// Summaries by digest of the manifest.
pub type Summaries = HashMap<String, Summary>;

/// Reads what is cached. A cache that cannot be read is empty.
pub fn read(images: &Path) -> Summaries {
    let bytes = std::fs::read(images.join("summaries.json")).unwrap_or_default();
    serde_json::from_slice(&bytes).unwrap_or_default()
}

/// Brings the cache in line with the index. A failure only costs time later.
pub fn refresh(images: &Path, index: &Index) {
    refresh_from(images, index, read(images));
}

/// The same, where the cache has been read already. Returns what is in it now.
pub fn refresh_from(images: &Path, index: &Index, mut known: Summaries) -> Summaries {
    let mut fresh = Summaries::with_capacity(index.manifests.len());
    let mut changed = false;
    for entry in &index.manifests {
        if fresh.contains_key(&entry.digest) || super::list::is_list(entry) {
            continue;
        }
        if let Some(summary) = known.remove(&entry.digest) {
            fresh.insert(entry.digest.clone(), summary);
        } else if let Ok(summary) = summarise(images, entry) {
            fresh.insert(entry.digest.clone(), summary);
            changed = true;
        }
    }
    if (changed || !known.is_empty())
        && let Ok(bytes) = serde_json::to_vec(&fresh)
    {
        let _ = atomic::write(&images.join("summaries.json"), &bytes, Durability::Process);
    }
    fresh
}

/// Forgets everything that is cached, so that the next change of the index reads it anew.
pub fn forget(images: &Path) -> Result<()> {
    crate::storage::fs::remove_file_if_exists(&images.join("summaries.json"))
}

/// Reads what a list shows of an image.
pub fn summarise(images: &Path, entry: &Descriptor) -> Result<Summary> {
    let (manifest, descriptor, _) = read_manifest(images, entry)?;
    let image = read_image(images, entry)?;
    let mut blobs = vec![entry.hex()?.to_owned()];
    for part in [&descriptor, &manifest.config].into_iter().chain(&manifest.layers) {
        let hex = part.hex()?;
        if !blobs.iter().any(|known| known == hex) {
            blobs.push(hex.to_owned());
        }
    }
    let steps = steps(&image.history);
    Ok(Summary { image: Image { history: Vec::new(), raw_config: serde_json::Value::Null, ..image }, blobs, steps })
}

/// A hash of each step with all before it (FNV-1a: what matters here is not what somebody could forge).
fn steps(history: &[History]) -> Vec<u64> {
    let mut state = 0xcbf2_9ce4_8422_2325_u64;
    let mut add = |bytes: &[u8]| {
        for &byte in bytes.iter().chain(&[0]) {
            state = (state ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3);
        }
        state
    };
    history
        .iter()
        .map(|step| {
            add(step.created.map(|then| then.to_string()).unwrap_or_default().as_bytes());
            add(step.created_by.as_bytes());
            add(step.comment.as_bytes());
            add(step.author.as_bytes());
            add(&[u8::from(step.empty_layer)])
        })
        .collect()
}
