//! Removing what nobody needs: images without names or without containers, and rubbish of all kinds.
//!
//! Rubbish is what no image of the index needs: blobs and layers of images that are half removed or were never listed,
//! and parts of downloads that broke off (see [`super::parts`]).

use super::index;
use super::reach::Parts;
use super::remove::{InUse, RemoveOptions};
use super::store::ImageStore;
use super::types::Image;
use crate::error::Result;

impl ImageStore {
    /// Removes all images that are `wanted`, and returns the IDs of those that are gone. Those in use stay.
    pub fn prune(&self, wanted: &dyn Fn(&Image) -> bool, in_use: &InUse<'_>) -> Result<Vec<String>> {
        if !self.list()?.iter().any(wanted) {
            return Ok(Vec::new());
        }
        let options = RemoveOptions { force: true, keep_parents: false };
        // Asked once more while nobody can change anything: one that was given a name in between stays.
        let choose = || Ok(self.list()?.into_iter().filter(|image| wanted(image)).map(|image| image.id).collect());
        let (ids, results) = self.remove_chosen(&choose, options, in_use)?;
        let mut gone = Vec::new();
        for (id, result) in ids.into_iter().zip(results) {
            // Removed as the parent of another already, or in use since a moment ago.
            let Ok(removed) = result else { continue };
            // An image that others were made from is gone too, although `rmi` would not say so.
            if !removed.deleted.contains(&id) {
                gone.push(id);
            }
            gone.extend(removed.deleted);
        }
        Ok(gone)
    }

    /// Removes blobs and layers that no image needs and nothing uses, and parts of downloads that nobody is at. Returns
    /// what blobs and layers there were.
    ///
    /// # Errors
    /// An image does not say what it needs, so that nobody knows what is rubbish.
    pub fn prune_rubbish(&self, in_use: &InUse<'_>) -> Result<Parts> {
        let mut trash = None;
        let garbage = index::update_then(
            &self.images,
            |_| Ok(()),
            |index, summaries, ()| {
                let garbage = self.present()?.without(&self.needed(index, summaries)?);
                if !garbage.is_empty() {
                    trash = self.detach(&garbage, in_use)?;
                }
                Ok(garbage)
            },
        )?;
        if let Some(trash) = trash {
            trash.remove()?;
        }
        self.remove_parts()?;
        Ok(garbage)
    }

    /// Where parts of downloads are that broke off.
    pub fn partial_dir(&self) -> std::path::PathBuf {
        self.images.join("partial")
    }
}
