//! `system df`: what takes how much room below the data root.
//!
//! Counted is what `du` counts there. Every blob and every unpacked layer belongs to the images that need it, or to none;
//! every container and every volume has its own directory; all the rest (the index, directories, what is half made) counts as images.

use std::collections::HashMap;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use crate::container::store::Container;
use crate::engine::volumes::{self, Usage};
use crate::engine::{Engine, containers, enter_userns, images};
use crate::error::Result;
use crate::image::Image;
use crate::storage::{fs, usage};

/// An image and its room.
#[derive(Debug, Clone)]
pub struct ImageUsage {
    pub image: Image,
    /// Bytes of its blobs and unpacked layers, and how many of these other images need as well.
    pub size: u64,
    pub shared: u64,
    /// How many containers were made from it.
    pub containers: usize,
}

/// A container and the room of its directory: the writable layer and the log.
#[derive(Debug, Clone)]
pub struct ContainerUsage {
    pub container: Container,
    pub size: u64,
}

/// Everything.
#[derive(Debug, Clone, Default)]
pub struct Disk {
    pub images: Vec<ImageUsage>,
    pub containers: Vec<ContainerUsage>,
    pub volumes: Vec<Usage>,
    /// Bytes of the whole data root.
    pub total: u64,
    /// Bytes of all containers, damaged ones too.
    pub containers_total: u64,
    /// Bytes that no image needs and `image prune` removes.
    pub unreachable: u64,
    /// Bytes that only images without containers need.
    pub unused: u64,
}

impl Disk {
    /// Bytes of all volumes.
    pub fn volumes_total(&self) -> u64 {
        self.volumes.iter().map(|volume| volume.size).sum()
    }

    /// Bytes of all that is no container and no volume.
    pub fn images_total(&self) -> u64 {
        self.total.saturating_sub(self.containers_total).saturating_sub(self.volumes_total())
    }
}

/// Counts everything.
pub fn disk(engine: &Engine) -> Result<Disk> {
    // Directories of other IDs of the mapping cannot be listed from outside of it.
    enter_userns(engine)?;
    let store = images(engine)?;
    let (list, _) = containers(engine).list_with_damaged()?;
    let (units, own) = units(engine.roots.data())?;
    let sizes = usage::of_all(units)?;
    let size = |path: &Path| sizes.get(path).copied().unwrap_or_default();
    let (parts, unreachable) = store.usage()?;
    let paths_of = |parts: &crate::image::Parts| -> Vec<PathBuf> {
        let blobs = parts.blobs.iter().map(|hex| store.blob_path(hex));
        blobs.chain(parts.layers.iter().map(|id| store.layers().path(id))).collect()
    };

    let mut disk = Disk { total: own + sizes.values().sum::<u64>(), ..Disk::default() };
    let of_images: Vec<(Image, Vec<PathBuf>)> =
        parts.into_iter().map(|(image, parts)| (image, paths_of(&parts))).collect();
    let is_used = |image: &Image| list.iter().any(|container| container.record.uses_image(&image.id));
    // How many images need a part, and how many of these have containers.
    let mut needed: HashMap<&Path, (usize, usize)> = HashMap::new();
    for (image, paths) in &of_images {
        for path in paths {
            let counts = needed.entry(path).or_default();
            counts.0 += 1;
            counts.1 += usize::from(is_used(image));
        }
    }
    let unused = needed.iter().filter(|(_, (_, used))| *used == 0);
    disk.unused = unused.map(|(path, _)| size(path)).sum();
    for (image, paths) in &of_images {
        let is_shared = |path: &&PathBuf| needed.get(path.as_path()).is_some_and(|(images, _)| *images > 1);
        disk.images.push(ImageUsage {
            size: paths.iter().map(|path| size(path)).sum(),
            shared: paths.iter().filter(is_shared).map(|path| size(path)).sum(),
            containers: list.iter().filter(|container| container.record.uses_image(&image.id)).count(),
            image: image.clone(),
        });
    }
    let stands = |id: &String| list.iter().any(|container| container.record.layers.contains(id));
    let mut rubbish = unreachable.unwrap_or_default();
    rubbish.layers.retain(|id| !stands(id));
    disk.unreachable = paths_of(&rubbish).iter().map(|path| size(path)).sum::<u64>()
        + below(&sizes, &store.partial_dir())
        + below(&sizes, &engine.roots.tmp());
    disk.volumes = volumes::usage_of(engine, &size)?;
    disk.containers_total = below(&sizes, &engine.roots.containers());
    for container in list {
        let size = size(&engine.roots.container(&container.record.id));
        disk.containers.push(ContainerUsage { container, size });
    }
    Ok(disk)
}

/// Bytes of what was counted in a directory, without the directory itself.
fn below(sizes: &HashMap<PathBuf, u64>, dir: &Path) -> u64 {
    sizes.iter().filter(|(path, _)| path.parent() == Some(dir)).map(|(_, size)| *size).sum()
}

/// Directories whose content is counted one by one.
const OPENED: [&str; 9] =
    ["", "images", "images/blobs", "images/blobs/sha256", "images/partial", "layers", "containers", "volumes", "tmp"];

/// Everything below the data root in pieces that do not overlap, and the bytes of the directories in which they are.
fn units(data: &Path) -> Result<(Vec<PathBuf>, u64)> {
    let opened: Vec<PathBuf> =
        OPENED.iter().map(|name| if name.is_empty() { data.to_owned() } else { data.join(name) }).collect();
    let blocks = |dir: &PathBuf| std::fs::symlink_metadata(dir).map(|meta| meta.blocks() * 512).unwrap_or_default();
    let mut units = Vec::new();
    for dir in &opened {
        units.extend(fs::list(dir)?.into_iter().map(|entry| entry.path()));
    }
    units.retain(|path| !opened.contains(path));
    Ok((units, opened.iter().map(blocks).sum()))
}
