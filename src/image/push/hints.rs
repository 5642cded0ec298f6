//! What pushes can be saved: where blobs are known to be, and what compressing a layer led to the last time.
//!
//! ```text
//! <root>/images/blob-hints.json   {"places": [{"digest", "at": ["registry/repository", ...]}, ...],      newest last
//!                                  "compressed": [{"diff_id", "format", "level", "digest", "size"}, ...]}
//! ```
//!
//! Hints only: each is tried out before it is relied on, and losing them costs time. So the file is bounded, and one that
//! cannot be read is empty.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::compress::Codec;
use crate::image::content::Known;
use crate::image::manifest::Manifest;
use crate::image::reference::{Reference, is_digest};
use crate::storage::atomic::{self, Durability};
use crate::storage::lock;

/// Blobs and compressed layers that are remembered.
const MAX_ENTRIES: usize = 2000;
/// Places of one blob.
const MAX_PLACES: usize = 4;

/// All hints of a store.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Hints {
    places: Vec<Places>,
    compressed: Vec<Compressed>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Places {
    digest: String,
    /// `registry/repository`, newest last.
    at: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Compressed {
    diff_id: String,
    format: String,
    level: i32,
    digest: String,
    size: u64,
}

impl Hints {
    /// The hints of a store.
    pub fn read(images: &Path) -> Self {
        let bytes = std::fs::read(images.join("blob-hints.json")).unwrap_or_default();
        serde_json::from_slice(&bytes).unwrap_or_default()
    }

    /// Adds to the hints of a store. A failure only costs time later.
    pub fn update(images: &Path, change: impl FnOnce(&mut Hints)) {
        let Ok(_lock) = lock::exclusive(&images.join("blob-hints.lock")) else { return };
        let before = Self::read(images);
        let mut hints = before.clone();
        change(&mut hints);
        if hints != before
            && let Ok(bytes) = serde_json::to_vec(&hints)
        {
            let _ = atomic::write(&images.join("blob-hints.json"), &bytes, Durability::Process);
        }
    }

    /// The repository of this reference has the layers of this manifest.
    pub fn pulled(images: &Path, from: &Reference, manifest: &Manifest) {
        let digests = manifest.layers.iter().map(|layer| layer.digest.clone());
        Self::update(images, |hints| hints.seen_at(&from.name(), digests));
    }

    /// Repositories of this registry that had the blob, the one seen last first.
    pub fn repositories(&self, digest: &str, registry: &str) -> Vec<String> {
        let places = self.places.iter().find(|places| places.digest == digest);
        let here = |place: &String| {
            let (host, repository) = place.split_once('/')?;
            (host == registry).then(|| repository.to_owned())
        };
        places.into_iter().flat_map(|places| places.at.iter().rev()).filter_map(here).collect()
    }

    /// What a layer became when it was compressed in this way.
    pub fn compressed(&self, diff_id: &str, codec: Codec) -> Option<Known> {
        let same = |c: &&Compressed| {
            c.diff_id == diff_id && c.format == codec.format.name() && c.level == codec.level && is_digest(&c.digest)
        };
        let found = self.compressed.iter().find(same)?;
        Some(Known { digest: found.digest.clone(), size: found.size })
    }

    /// A repository (`registry/repository`) has these blobs.
    pub fn seen_at(&mut self, repository: &str, digests: impl IntoIterator<Item = String>) {
        for digest in digests {
            let known = self.places.iter().position(|places| places.digest == digest);
            let mut places = match known {
                Some(position) => self.places.remove(position),
                None => Places { digest, at: Vec::new() },
            };
            places.at.retain(|place| place != repository);
            places.at.push(repository.to_owned());
            let too_many = places.at.len().saturating_sub(MAX_PLACES);
            places.at.drain(..too_many);
            self.places.push(places);
        }
        let too_many = self.places.len().saturating_sub(MAX_ENTRIES);
        self.places.drain(..too_many);
    }

    /// A layer was compressed.
    pub fn became(&mut self, diff_id: &str, codec: Codec, blob: &Known) {
        self.compressed.retain(|c| c.diff_id != diff_id || c.format != codec.format.name() || c.level != codec.level);
        self.compressed.push(Compressed {
            diff_id: diff_id.to_owned(),
            format: codec.format.name().to_owned(),
            level: codec.level,
            digest: blob.digest.clone(),
            size: blob.size,
        });
        let too_many = self.compressed.len().saturating_sub(MAX_ENTRIES);
        self.compressed.drain(..too_many);
    }
}

#[cfg(test)]
mod tests {
    use super::super::compress::Format;
    use super::*;

    #[test]
    fn hints_are_kept_and_bounded() {
        let dir = tempfile::tempdir().unwrap();
        let blob = Known { digest: format!("sha256:{}", "a".repeat(64)), size: 3 };
        let codec = Codec::default_for(Format::Gzip);
        Hints::update(dir.path(), |hints| {
            for i in 0..6 {
                hints.seen_at(&format!("r:1/x/{i}"), [blob.digest.clone()]);
            }
            hints.seen_at("other/x", ["sha256:b".to_owned()]);
            hints.seen_at("r:1/x/3", [blob.digest.clone()]);
            hints.became("d", codec, &blob);
        });
        let hints = Hints::read(dir.path());
        assert_eq!(hints.repositories(&blob.digest, "r:1"), ["x/3", "x/5", "x/4", "x/2"]);
        assert!(hints.repositories("sha256:b", "r:1").is_empty());
        assert_eq!(hints.compressed("d", codec), Some(blob));
        assert_eq!(hints.compressed("d", Codec { level: 9, ..codec }), None);
        let mut hints = hints;
        hints.seen_at("r/y", (0..3000).map(|i| format!("sha256:{i}")));
        assert_eq!(hints.places.len(), MAX_ENTRIES);
        std::fs::write(dir.path().join("blob-hints.json"), "{").unwrap();
        assert_eq!(Hints::read(dir.path()), Hints::default());
    }
}
