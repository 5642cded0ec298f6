//! What the images of the index need, and so what of the store nothing needs: blobs and unpacked layers.

use std::collections::BTreeSet;

use super::index;
use super::manifest::{self, Descriptor, Document, Index};
use super::reference::sha256_hex;
use super::store::{ImageStore, read_json_blob};
use super::summary::{self, Summaries};
use super::types::Image;
use crate::error::Result;

/// Blobs and layers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Parts {
    /// Hexadecimal digests.
    pub blobs: BTreeSet<String>,
    /// Hexadecimal diff IDs.
    pub layers: BTreeSet<String>,
}

impl Parts {
    pub fn is_empty(&self) -> bool {
        self.blobs.is_empty() && self.layers.is_empty()
    }

    /// What is in this one and not in the other.
    pub fn without(&self, other: &Parts) -> Parts {
        Parts {
            blobs: self.blobs.difference(&other.blobs).cloned().collect(),
            layers: self.layers.difference(&other.layers).cloned().collect(),
        }
    }
}

/// Indexes within indexes are followed this far.
const MAX_NESTING: usize = 4;

impl ImageStore {
    /// What all images of the index need.
    ///
    /// # Errors
    /// An image does not say what it needs: its manifest or configuration cannot be read.
    pub(super) fn needed(&self, index: &Index, summaries: &Summaries) -> Result<Parts> {
        let mut parts = Parts::default();
        for entry in &index.manifests {
            self.needs_of(entry, summaries, &mut parts)?;
        }
        Ok(parts)
    }

    /// Adds what one entry needs. After an error, what could be found out.
    pub(super) fn needs_of(&self, entry: &Descriptor, summaries: &Summaries, parts: &mut Parts) -> Result<()> {
        for digest in [Some(entry.digest.as_str()), index::index_digest_of(entry)].into_iter().flatten() {
            parts.blobs.extend(sha256_hex(digest).map(str::to_owned));
        }
        if manifest::is_index_type(&entry.media_type) {
            return self.needs_of_index(entry, summaries, parts, 0);
        }
        match summaries.get(&entry.digest) {
            Some(known) => add(known, parts),
            None => add(&summary::summarise(&self.images, entry)?, parts),
        }
        Ok(())
    }

    /// A list of manifests needs those of its manifests that are here.
    fn needs_of_index(&self, entry: &Descriptor, summaries: &Summaries, parts: &mut Parts, depth: usize) -> Result<()> {
        parts.blobs.insert(entry.hex()?.to_owned());
        let bytes = read_json_blob(&self.images, entry)?;
        let Document::Index(list) = manifest::parse_document(&bytes, &entry.media_type)? else {
            return self.needs_of(&Descriptor { media_type: String::new(), ..entry.clone() }, summaries, parts);
        };
        for child in list.manifests.iter().filter(|child| child.hex().is_ok_and(|hex| self.has_blob(hex))) {
            if depth < MAX_NESTING && manifest::is_index_type(&child.media_type) {
                self.needs_of_index(child, summaries, parts, depth + 1)?;
            } else {
                parts.blobs.insert(child.hex()?.to_owned());
                self.collect_instance(child, parts)?;
            }
        }
        Ok(())
    }

    /// Everything that is there.
    pub(super) fn present(&self) -> Result<Parts> {
        let dir = self.images.join("blobs/sha256");
        let mut blobs = BTreeSet::new();
        for entry in crate::storage::fs::list(&dir)? {
            let name = entry.file_name();
            blobs.extend(name.to_str().filter(|name| crate::storage::layers::is_diff_id(name)).map(str::to_owned));
        }
        Ok(Parts { blobs, layers: self.layers.list()?.into_iter().collect() })
    }

    /// What each image needs, and what none needs; the latter is not known when one does not say what it needs.
    pub fn usage(&self) -> Result<(Vec<(Image, Parts)>, Option<Parts>)> {
        let index = index::read(&self.images)?;
        let summaries = summary::read(&self.images);
        let mut all: Vec<(Image, Parts)> = self.list()?.into_iter().map(|image| (image, Parts::default())).collect();
        for entry in &index.manifests {
            let is_of = |image: &Image| image.digest == entry.digest || index::id_of(entry) == Some(image.id.as_str());
            if let Some((_, parts)) = all.iter_mut().find(|(image, _)| is_of(image)) {
                // Of a damaged image, what can be told.
                let _ = self.needs_of(entry, &summaries, parts);
            }
        }
        Ok((all, self.unreachable().ok()))
    }

    /// What no image needs, at this moment: it may be part of one that is just being pulled.
    ///
    /// # Errors
    /// As [`needed`](Self::needed): then nobody knows.
    pub fn unreachable(&self) -> Result<Parts> {
        let present = self.present()?;
        let index = index::read(&self.images)?;
        Ok(present.without(&self.needed(&index, &summary::read(&self.images))?))
    }
}

fn add(known: &summary::Summary, parts: &mut Parts) {
    parts.blobs.extend(known.blobs.iter().cloned());
    parts.layers.extend(known.image.layers.iter().cloned());
}
