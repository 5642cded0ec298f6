//! The layers of an image, and which other images stand on the same ones (`image tree`).

use std::collections::BTreeMap;

use super::index;
use super::store::{ImageStore, layer_size, not_known, read_manifest};
use super::types::Image;
use crate::error::Result;

/// A layer in its place: below those that stand on it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Node {
    /// Hexadecimal diff ID.
    pub layer: String,
    /// Bytes of its archive, uncompressed.
    pub size: u64,
    /// Names (or IDs, where there are none) of the images of which it is the topmost layer.
    pub top_of: Vec<String>,
    pub above: Vec<Node>,
}

/// The image and its layers.
#[derive(Debug, Clone, PartialEq)]
pub struct LayerTree {
    pub image: Image,
    /// The layers lowest first, none above another; or its topmost layer with all that stands on it.
    pub layers: Vec<Node>,
}

impl ImageStore {
    /// The layers of an image; with `above`, instead its topmost one with the layers of other images above it.
    pub fn layer_tree(&self, text: &str, above: bool) -> Result<LayerTree> {
        let index = index::read(&self.images)?;
        let Some(entry) = self.find_entry(&index, text)? else { return Err(not_known(text)) };
        let image = self.image_of(&index, entry)?;
        let list = self.list()?;
        let mut sizes = BTreeMap::new();
        for entry in &index.manifests {
            let Some(other) = list.iter().find(|other| other.digest == entry.digest) else { continue };
            // Of other images, only those that share something are read.
            if !(other.id == image.id || above && other.layers.starts_with(&image.layers)) {
                continue;
            }
            let Ok((manifest, ..)) = read_manifest(&self.images, entry) else { continue };
            for (layer, diff_id) in manifest.layers.iter().zip(&other.layers) {
                sizes.entry(diff_id.clone()).or_insert_with(|| layer_size(&self.images, layer, diff_id));
            }
        }
        let chain = |length: usize| image.layers.get(..length).unwrap_or_default();
        let lengths = if above { image.layers.len()..=image.layers.len() } else { 1..=image.layers.len() };
        let layers = lengths.filter(|length| *length > 0).map(|length| node(chain(length), &list, &sizes, above));
        Ok(LayerTree { layers: layers.collect(), image })
    }
}

/// The topmost layer of this chain.
fn node(chain: &[String], list: &[Image], sizes: &BTreeMap<String, u64>, above: bool) -> Node {
    let layer = chain.last().cloned().unwrap_or_default();
    let mut next: Vec<&String> = Vec::new();
    let mut top_of = Vec::new();
    for image in list.iter().filter(|image| image.layers.starts_with(chain)) {
        match image.layers.get(chain.len()) {
            Some(layer) if !next.contains(&layer) => next.push(layer),
            Some(_) => {}
            None if image.names.is_empty() => top_of.push(image.id.clone()),
            None => top_of.extend(image.names.iter().cloned()),
        }
    }
    let on_top = |layer: &String| node(&[chain, std::slice::from_ref(layer)].concat(), list, sizes, true);
    let above = if above { next.into_iter().map(on_top).collect() } else { Vec::new() };
    Node { size: sizes.get(&layer).copied().unwrap_or_default(), layer, top_of, above }
}
