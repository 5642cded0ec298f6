//! The image that a list is for a platform, and what a list keeps from being removed.

use std::borrow::Cow;

use serde::Deserialize;

use super::{is_list, local};
use crate::error::{Context, Error, Result};
use crate::image::index;
use crate::image::manifest::{self, Descriptor, Index, null_is_default};
use crate::image::platform::Platform;
use crate::image::reach::Parts;
use crate::image::store::{ImageStore, read_json_blob};

/// A manifest of anything: an image, an artifact, an index. Only what it refers to.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Loose {
    pub media_type: String,
    pub artifact_type: Option<String>,
    pub config: Option<Descriptor>,
    #[serde(deserialize_with = "null_is_default")]
    pub layers: Vec<Descriptor>,
    pub subject: Option<Descriptor>,
}

impl Loose {
    /// Reads a manifest. Blobs whose digests are not understood are an error.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        let loose: Loose = serde_json::from_slice(bytes).context("parsing manifest")?;
        for blob in loose.blobs() {
            blob.hex()?;
        }
        Ok(loose)
    }

    /// Layers, then the configuration.
    pub fn blobs(&self) -> impl Iterator<Item = &Descriptor> {
        self.layers.iter().chain(&self.config)
    }
}

impl ImageStore {
    /// What stands for an entry: itself, or of a manifest list, its instance for this platform.
    ///
    /// # Errors
    /// When the list has no instance for the platform, or the instance is not in the store.
    pub fn instance<'a>(
        &self,
        index: &'a Index,
        entry: &'a Descriptor,
        platform: &Platform,
    ) -> Result<Cow<'a, Descriptor>> {
        if !is_list(entry) {
            return Ok(Cow::Borrowed(entry));
        }
        let list = manifest::parse_index(&read_json_blob(&self.images, entry)?)?;
        let chosen = platform.choose(&list)?;
        if let Some(own) = index.manifests.iter().find(|e| !is_list(e) && e.digest == chosen.digest) {
            return Ok(Cow::Borrowed(own));
        }
        if self.has_blob(chosen.hex()?) {
            let Descriptor { media_type, digest, size, .. } = chosen.clone();
            return Ok(Cow::Owned(Descriptor { media_type, digest, size, ..Descriptor::default() }));
        }
        let error =
            Error::new(format!("the list's image for {platform}, `{}`, is not in local storage", chosen.digest));
        Err(match local(entry).sources.get(&chosen.digest) {
            Some(source) => error.hint(format!("pull it: coracle pull {source}")),
            None => error,
        })
    }

    /// Whether a list keeps the image with this ID, though it has no entry of its own.
    pub(in crate::image) fn is_in_list(&self, id: &str) -> Result<bool> {
        let index = index::read(&self.images)?;
        for entry in index.manifests.iter().filter(|entry| is_list(entry)) {
            let list = manifest::parse_index(&read_json_blob(&self.images, entry)?)?;
            for instance in list.manifests.iter().filter(|one| one.hex().is_ok_and(|hex| self.has_blob(hex))) {
                let manifest = Loose::parse(&read_json_blob(&self.images, instance)?)?;
                if manifest.config.is_some_and(|config| config.hex() == Ok(id)) {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    /// Adds what an instance that is here needs. Of its layers, those that are missing too.
    pub(in crate::image) fn collect_instance(&self, instance: &Descriptor, parts: &mut Parts) -> Result<()> {
        let manifest = Loose::parse(&read_json_blob(&self.images, instance)?)?;
        for blob in manifest.blobs() {
            parts.blobs.insert(blob.hex()?.to_owned());
        }
        let Some(config) = manifest.config.filter(|config| config.hex().is_ok_and(|hex| self.has_blob(hex))) else {
            return Ok(());
        };
        // Of an artifact the configuration may be anything.
        if let Ok(config) = manifest::parse_config(&read_json_blob(&self.images, &config)?) {
            parts.layers.extend(config.diff_ids);
        }
        Ok(())
    }

    /// The blobs of an instance that is no image; `None` of one that is, and of one that cannot be read.
    pub(in crate::image) fn artifact_blobs(&self, instance: &Descriptor) -> Option<Vec<Descriptor>> {
        let bytes = read_json_blob(&self.images, instance).ok()?;
        if manifest::parse_document(&bytes, &instance.media_type).is_ok() {
            return None;
        }
        let loose = Loose::parse(&bytes).ok().filter(|loose| loose.config.is_some())?;
        Some(loose.blobs().cloned().collect())
    }
}
