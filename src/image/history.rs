//! How an image came to be, step by step (`history`).

use jiff::Timestamp;

use super::index;
use super::store::{ImageStore, layer_size, not_known, read_image, read_manifest};
use crate::error::Result;

/// One step, as people are shown it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Step {
    /// The ID of the image that ended with this step, where that image is here.
    pub id: Option<String>,
    pub created: Option<Timestamp>,
    pub created_by: String,
    pub comment: String,
    /// Bytes of the layer's archive, uncompressed; 0 for a step without a layer.
    pub size: u64,
    /// Names of the image of `id`.
    pub tags: Vec<String>,
}

impl ImageStore {
    /// The steps of an image, the latest first.
    pub fn history(&self, text: &str) -> Result<Vec<Step>> {
        let index = index::read(&self.images)?;
        let Some(entry) = self.find_entry(&index, text)? else { return Err(not_known(text)) };
        let image = self.image_of(&index, entry)?;
        let (manifest, ..) = read_manifest(&self.images, entry)?;
        let sizes: Vec<u64> = manifest
            .layers
            .iter()
            .zip(&image.layers)
            .map(|(layer, diff_id)| layer_size(&self.images, layer, diff_id))
            .collect();
        let mut steps: Vec<Step> = Vec::new();
        let mut layers = sizes.iter();
        for past in &image.history {
            let size = if past.empty_layer { 0 } else { layers.next().copied().unwrap_or_default() };
            steps.push(Step {
                created: past.created,
                created_by: past.created_by.clone(),
                comment: past.comment.clone(),
                size,
                ..Step::default()
            });
        }
        // A history that is too short, or none: the rest of the layers are steps that nobody knows anything of.
        steps.extend(layers.map(|size| Step { size: *size, ..Step::default() }));
        if steps.is_empty() {
            steps.push(Step::default());
        }
        let earlier = self.stages_of(&image.id)?;
        for (id, names, length) in earlier {
            if let Some(step) = length.checked_sub(1).and_then(|last| steps.get_mut(last)) {
                step.id = Some(id);
                step.tags = names;
            }
        }
        if let Some(last) = steps.last_mut() {
            last.id = Some(image.id.clone());
            last.tags = image.names.clone();
            last.created = last.created.or(Some(image.created));
        }
        steps.reverse();
        Ok(steps)
    }

    /// The images here that an image was made from: ID, names, and length of the history.
    fn stages_of(&self, id: &str) -> Result<Vec<(String, Vec<String>, usize)>> {
        let index = index::read(&self.images)?;
        let list = self.list()?;
        let mut found = Vec::new();
        let mut at = list.iter().find(|image| image.id == id);
        while let Some(parent) = at.and_then(|image| list.iter().find(|other| other.id == image.parent)) {
            let entry = index.manifests.iter().find(|entry| entry.digest == parent.digest);
            if let Some(Ok(whole)) = entry.map(|entry| read_image(&self.images, entry)) {
                found.push((parent.id.clone(), parent.names.clone(), whole.history.len()));
            }
            // Each has a longer history than its parent, so this ends.
            at = Some(parent);
        }
        Ok(found)
    }
}
