//! Which images and layers containers and mounts use.

use super::store::Store;
use crate::error::Result;
use crate::image::mounts;
use crate::image::remove::{RemoveOptions, Removed, Users};
use crate::image::store::ImageStore;
use crate::storage::Roots;

/// Everything that is used at this moment: of mounts, all that are written down, so that whoever removes something calls
/// [`mounts::live`] before.
///
/// # Errors
/// The record of a container cannot be read, so that nobody knows what it uses. (An empty one, left by a power cut, is of
/// a container that nobody can use any more.)
pub fn users(store: &Store) -> Result<Users> {
    let mut users = Users::default();
    let (containers, damaged) = store.list_with_damaged()?;
    if let Some(error) = damaged.into_iter().next() {
        return Err(error
            .wrap("finding out which images are in use")
            .hint("remove the damaged container with `coracle rm --force ID`"));
    }
    for container in containers {
        let record = container.record;
        for image in record.mounted_images.into_iter().filter(|image| image.id != record.image_id) {
            users.containers.entry(image.id).or_default().push(record.id.clone());
            users.layers.extend(image.layers);
        }
        users.containers.entry(record.image_id).or_default().push(record.id);
        users.layers.extend(record.layers);
    }
    add_mounts(store.roots(), &mut users)?;
    Ok(users)
}

fn add_mounts(roots: &Roots, users: &mut Users) -> Result<()> {
    for mount in mounts::recorded(roots)? {
        users.mounts.insert(mount.image.clone(), mount.point(roots));
        users.layers.extend(mount.layers);
    }
    Ok(())
}

/// Removes an image, or one name of it, unless a container uses it. `force`: even if it has several names.
///
/// # Errors
/// As [`ImageStore::remove_all`].
pub fn remove_image(store: &Store, images: &ImageStore, name: &str, force: bool) -> Result<Removed> {
    images.remove(name, force, &|| users(store))
}

/// Removes several images in one step.
///
/// # Errors
/// As [`ImageStore::remove_all`].
pub fn remove_images(
    store: &Store,
    images: &ImageStore,
    names: &[String],
    options: RemoveOptions,
) -> Result<Vec<Result<Removed>>> {
    images.remove_all(names, options, &|| users(store))
}
