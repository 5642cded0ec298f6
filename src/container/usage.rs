//! Which images and layers containers use.

use super::store::Store;
use crate::error::Result;
use crate::image::remove::{InUse, Removed};
use crate::image::store::ImageStore;

/// Removes an image, or one name of it, unless a container uses it. `force`: even if it has several names.
///
/// # Errors
/// As [`ImageStore::remove`].
pub fn remove_image(store: &Store, images: &ImageStore, name: &str, force: bool) -> Result<Removed> {
    let users = store.list()?;
    let users_of = |id: &str| -> Vec<String> {
        users.iter().filter(|c| c.record.image_id == id).map(|c| c.record.id.clone()).collect()
    };
    let layer = |id: &str| users.iter().any(|c| c.record.layers.iter().any(|layer| layer == id));
    images.remove(name, force, &InUse { containers: &users_of, layer: &layer })
}
