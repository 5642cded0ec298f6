//! Images mounted read-only, to look into them: `image mount`, within `coracle unshare`.

use std::path::{Path, PathBuf};

use rustix::fs::CWD;
use rustix::io::Errno;
use rustix::mount::{MoveMountFlags, UnmountFlags};

use super::Engine;
use crate::error::{Context, Error, Kind, Result};
use crate::image::Image;
use crate::image::mounts::{self, Mounted};
use crate::image::store::not_known;
use crate::runtime::overlay::{self, Layers};
use crate::storage::fs;
use crate::storage::layers::is_diff_id;

/// Says whether this process may mount.
///
/// # Errors
/// It may not, with the way out.
pub fn check_may_mount(command: &str) -> Result<()> {
    if nix::unistd::geteuid().is_root() {
        return Ok(());
    }
    Err(Error::new(format!("cannot run command `{command}` in rootless mode, must execute `coracle unshare` first"))
        .hint(format!("coracle unshare sh -c '{command} ...; ls ...': a mount lasts as long as that shell")))
}

/// Mounts an image, unless it is mounted already. Returns where.
pub fn mount(engine: &Engine, image: &Image) -> Result<PathBuf> {
    let context = || format!("mounting image `{}`", image.id);
    let point = mounts::point(&engine.roots, &image.id);
    let mounted = Mounted::here(&image.id, &image.layers)?;
    if is_mounted(&point)? {
        mounted.write(&engine.roots)?;
        return Ok(point);
    }
    let images = super::images(engine)?;
    if let Some(missing) = images.missing_layers(&image.layers).first() {
        return Err(Error::new(format!("layer `{missing}` is missing"))
            .wrap(context())
            .hint("repair it with `coracle system check --repair`, or pull the image again"));
    }
    fs::create_private_dir_all(&point)?;
    // Written first: whoever removes images sees it, or the layers are missed here.
    mounted.write(&engine.roots)?;
    let attempt = || -> Result<()> {
        let mut lower: Vec<PathBuf> = image.layers.iter().rev().map(|id| images.layers().path(id)).collect();
        let mut seen = std::collections::BTreeSet::new();
        // The same layer twice is refused, and the upper of the two is all that is seen.
        lower.retain(|path| seen.insert(path.clone()));
        // There must be two at least; the mount point is an empty directory.
        lower.push(point.clone());
        if lower.len() < 2 {
            crate::bail!("it has no layers");
        }
        let layers = Layers { lower: &lower, read_only: true, ..Layers::default() };
        let overlay = overlay::mount(&layers).map_err(|errno| {
            Error::from(errno).wrap("mounting the overlay").hint("this must run within `coracle unshare`")
        })?;
        rustix::mount::move_mount(&overlay, c"", CWD, &point, MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH)
            .with_context(|| format!("mounting on `{}`", point.display()))
    };
    attempt().map_err(|error| {
        let _ = mounted.forget(&engine.roots);
        let _ = std::fs::remove_dir(&point);
        error.wrap(context())
    })?;
    Ok(point)
}

/// Images mounted in this mount namespace: where, by ID.
pub fn list(engine: &Engine) -> Result<Vec<(String, PathBuf)>> {
    let mut found = Vec::new();
    for one in mounts::live(&engine.roots)? {
        let point = one.point(&engine.roots);
        if one.is_here() && is_mounted(&point)? {
            found.push((one.image, point));
        }
    }
    Ok(found)
}

/// Unmounts an image. With `force`, even if something in it is open.
///
/// # Errors
/// It is not mounted here ([`Kind::NoSuch`]), or in use.
pub fn unmount(engine: &Engine, id: &str, force: bool) -> Result<()> {
    // It becomes a path.
    if !is_diff_id(id) {
        return Err(not_known(id));
    }
    let point = mounts::point(&engine.roots, id);
    let mounted = Mounted::here(id, &[])?;
    if !is_mounted(&point)? {
        mounted.forget(&engine.roots)?;
        return Err(Error::of(Kind::NoSuch, format!("image {id} is not mounted")));
    }
    unmount_all(&point, force).map_err(|error| error.with_kind(Kind::Engine))?;
    mounted.forget(&engine.roots)?;
    // It may be mounted in another namespace as well, where this is no empty directory.
    let _ = std::fs::remove_dir(&point);
    Ok(())
}

/// Unmounts what is mounted on this directory, here. With `force`, even if something in it is open.
///
/// # Errors
/// Something in it is open ([`Kind::InUse`]).
pub(super) fn unmount_all(point: &Path, force: bool) -> Result<()> {
    let flags = if force { UnmountFlags::DETACH } else { UnmountFlags::empty() };
    while is_mounted(point)? {
        rustix::mount::unmount(point, flags | UnmountFlags::NOFOLLOW).map_err(|errno| {
            Error::from(errno)
                .wrap(format!("unmounting `{}`", point.display()))
                .with_kind(if errno == Errno::BUSY { Kind::InUse } else { Kind::Engine })
                .hint("something uses a file in it; --force unmounts it all the same")
        })?;
    }
    Ok(())
}

/// Whether something is mounted on this directory, in this mount namespace.
pub(super) fn is_mounted(point: &Path) -> Result<bool> {
    let of = |path: &Path| {
        rustix::fs::statx(CWD, path, rustix::fs::AtFlags::SYMLINK_NOFOLLOW, rustix::fs::StatxFlags::BASIC_STATS)
    };
    match of(point) {
        Ok(stat) => Ok(stat.stx_attributes.contains(rustix::fs::StatxAttributes::MOUNT_ROOT)),
        Err(Errno::NOENT) => Ok(false),
        Err(e) => Err(e).with_context(|| format!("reading `{}`", point.display())),
    }
}
