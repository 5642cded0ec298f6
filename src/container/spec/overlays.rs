//! Mounts with layers: `O` on a directory of the host, and images.
//!
//! ```text
//! <container>/overlays/<n>/upper/ work/   what the container writes; empty before and after each run
//!                          merged/        where fuse-overlayfs mounts it; otherwise always empty
//! ```

use std::path::{Path, PathBuf};

use oci_spec::runtime::Mount;

use super::Place;
use super::filesystems::{Plan, mount};
use crate::container::mounts::{ImageMount, Kept, UserMount};
use crate::container::record::MountPoint;
use crate::container::userns::Shift;
use crate::error::{Error, Result};
use crate::runtime::launch::{Fuse, POINT, SUBPATH, Scratch};

impl Plan {
    /// `O`: `source` is only read.
    pub(super) fn overlay(
        &mut self,
        user: &UserMount,
        source: &Path,
        kept: Option<&Kept>,
        place: &Place,
    ) -> Result<Mount> {
        let mut options = vec!["O".to_owned()];
        options.extend(user.options.iter().filter(|o| *o == "U").cloned());
        if let Some(kept) = kept {
            options.push(format!("upperdir={}", kept.upper.display()));
            options.push(format!("workdir={}", kept.work.display()));
        }
        self.mount_points.push(MountPoint {
            kind: "bind".to_owned(),
            source: source.to_owned(),
            destination: user.destination.clone(),
            options,
            rw: true,
            ..Default::default()
        });
        let layer = match kept {
            Some(kept) => Some((kept.upper.clone(), kept.work.clone())),
            None => Some(self.scratch(place, source)),
        };
        self.layered(user, vec![source.to_owned()], layer, place, None)
    }

    /// `type=image`.
    pub(super) fn image(&mut self, user: &UserMount, image: &ImageMount, place: &Place) -> Result<Mount> {
        let found = place.images.get(&image.name).cloned();
        let found = found.ok_or_else(|| Error::new(format!("image `{}` was not looked up", image.name)))?;
        let mut lower: Vec<PathBuf> = found.layers.iter().rev().map(|layer| place.layers_dir.join(layer)).collect();
        let mut seen = std::collections::BTreeSet::new();
        // The same layer twice is refused by the kernel, and the upper of the two is all that is seen.
        lower.retain(|path| seen.insert(path.clone()));
        let Some(top) = lower.first().cloned() else {
            return Err(Error::new(format!("image `{}` has no layers to mount", image.name)));
        };
        self.mounted_images.push(found);
        self.mount_points.push(MountPoint {
            kind: "image".to_owned(),
            source: image.name.clone().into(),
            destination: user.destination.clone(),
            rw: image.writable,
            subpath: image.subpath.clone().unwrap_or_default(),
            ..Default::default()
        });
        let layer = image.writable.then(|| self.scratch(place, &top));
        let mut user = user.clone();
        user.options = vec![if image.writable { "rw" } else { "ro" }.to_owned(), "rprivate".to_owned()];
        if let Some(subpath) = &image.subpath {
            user.options.push(format!("{SUBPATH}={}", subpath.display()));
            user.options.push(format!("{POINT}={}", self.directory(place).join("merged").display()));
        }
        self.layered(&user, lower, layer, place, place.userns.shift.as_ref())
    }

    /// A writable layer that does not outlive a run.
    pub(super) fn scratch(&mut self, place: &Place, like: &Path) -> (PathBuf, PathBuf) {
        let dir = self.directory(place);
        let (upper, work) = (dir.join("upper"), dir.join("work"));
        self.scratch.push(Scratch { upper: upper.clone(), work: work.clone(), like: like.to_owned() });
        (upper, work)
    }

    /// The directory of the next mount with layers.
    fn directory(&self, place: &Place) -> PathBuf {
        place.container_dir.join("overlays").join(self.layered.to_string())
    }

    /// By the kernel where that is known to work, else by fuse-overlayfs: then it is a bind mount of what that mounts.
    pub(super) fn layered(
        &mut self,
        user: &UserMount,
        lower: Vec<PathBuf>,
        layer: Option<(PathBuf, PathBuf)>,
        place: &Place,
        shift: Option<&Shift>,
    ) -> Result<Mount> {
        let merged = self.directory(place).join("merged");
        self.layered += 1;
        self.directories.push(merged.clone());
        let mut options = user.options.clone();
        if place.driver != "overlay" || (shift.is_some() && place.fuse_shows) {
            let (upper, work) = layer.unwrap_or_default();
            let (uids, gids) = shift.map(Shift::options).unwrap_or_default();
            self.overlays.push(Fuse { lower, upper, work, merged: merged.clone(), uids, gids });
            options.push("bind".to_owned());
            return mount(&user.destination, "bind", &merged, options);
        }
        options.extend(lower.iter().map(|path| format!("lowerdir+={}", path.display())));
        match layer {
            Some((upper, work)) => {
                options.push(format!("upperdir={}", upper.display()));
                options.push(format!("workdir={}", work.display()));
            }
            // There must be two at least where none is writable. This one is empty.
            None => options.push(format!("lowerdir+={}", merged.display())),
        }
        mount(&user.destination, "overlay", Path::new("overlay"), options)
    }
}
