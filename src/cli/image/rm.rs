//! `coracle rmi`

use crate::bail;
use crate::cli::args::GoBool;
use crate::cli::cx::{Cx, removal_code};
use crate::container::store::Store;
use crate::container::usage;
use crate::engine::{self, Engine, image_mount};
use crate::error::{Error, Kind, Result};
use crate::image::mounts;
use crate::image::remove::{RemoveOptions, Removed};
use crate::image::store::ImageStore;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Remove all images
    #[arg(short, long)]
    all: GoBool,
    /// Remove the containers that use the image as well
    #[arg(short, long)]
    force: GoBool,
    /// Ignore errors when a specified image is missing
    #[arg(short, long)]
    ignore: GoBool,
    /// Keep images without a name from which the image was made
    #[arg(long)]
    no_prune: GoBool,
    #[arg(value_name = "IMAGE")]
    images: Vec<String>,
}

pub fn run(cx: &Cx<'_>, args: Args) -> Result<u8> {
    match (args.images.is_empty(), *args.all) {
        (true, false) => bail!("image name or ID must be specified"),
        (false, true) => bail!("when using the --all switch, you may not pass any images names or IDs"),
        _ => {}
    }
    let (engine, store) = cx.containers()?;
    if *args.force {
        unmount_here(&engine, &args)?;
    }
    // From within the namespace nobody can tell whether those of mounts still live.
    mounts::live(&engine.roots)?;
    engine::enter_userns(&engine)?;
    let images = engine::images(&engine)?;
    let names = if *args.all { all(&images)? } else { args.images };
    let mut code = 0;
    let mut failed = |error: &Error| {
        cx.printer.error(error);
        code = removal_code(error.kind());
    };
    let is_ignored = |error: &Error| error.kind() == Kind::NoSuch && (*args.ignore || *args.force);
    let mut wanted = Vec::new();
    for name in names {
        match release(&engine, &store, &images, &name, *args.force) {
            Ok(()) => wanted.push(name),
            Err(error) if is_ignored(&error) => {}
            Err(error) => failed(&error),
        }
    }
    let options = RemoveOptions { force: *args.force || *args.all, keep_parents: *args.no_prune };
    for result in usage::remove_images(&store, &images, &wanted, options)? {
        match result {
            Ok(removed) => show(cx, &removed),
            Err(error) if is_ignored(&error) => {}
            Err(error) => failed(&error),
        }
    }
    engine::prune_shown(&engine, false)?;
    engine::sweep(&engine)?;
    Ok(code)
}

/// Unmounts those of the images that are mounted in the mount namespace of this process.
fn unmount_here(engine: &Engine, args: &Args) -> Result<()> {
    let mounted = image_mount::list(engine)?;
    if mounted.is_empty() {
        return Ok(());
    }
    let images = engine::images(engine)?;
    let wanted: Vec<String> =
        args.images.iter().filter_map(|name| images.find(name).ok()).map(|image| image.id).collect();
    for (id, _) in mounted.iter().filter(|(id, _)| *args.all || wanted.contains(id)) {
        image_mount::unmount(engine, id, true)?;
    }
    Ok(())
}

fn show(cx: &Cx<'_>, removed: &Removed) {
    let untagged = removed.untagged.iter().map(|name| format!("Untagged: {name}\n"));
    let deleted = removed.deleted.iter().map(|id| format!("Deleted: {id}\n"));
    cx.printer.text(&untagged.chain(deleted).collect::<String>());
}

fn all(images: &ImageStore) -> Result<Vec<String>> {
    Ok(images.list()?.into_iter().map(|image| image.id).collect())
}

/// With `force`, removes the containers that use an image and unmounts it, so that it can be removed.
fn release(engine: &Engine, store: &Store, images: &ImageStore, name: &str, force: bool) -> Result<()> {
    // A list has no containers; those of its images stay.
    if !force || matches!(images.is_manifest_list(name), Ok(true)) {
        return Ok(());
    }
    let image = match images.find(name) {
        // One that is damaged has no containers that run.
        Err(error) if error.kind() != Kind::NoSuch => return Ok(()),
        result => result?,
    };
    // A mere name goes without touching the image, and so without touching what uses it.
    if image.names.len() > 1 && images.resolve_name(name)?.is_some() {
        return Ok(());
    }
    for container in store.list()?.iter().rev().filter(|container| container.record.uses_image(&image.id)) {
        let options = engine::RemoveOptions { force: true, volumes: true, ..engine::RemoveOptions::default() };
        match engine::remove(engine, &container.record.id, options) {
            Err(error) if error.kind() == Kind::NoSuch => {}
            result => result.map_err(|e: Error| e.wrap(format!("removing a container of image `{name}`")))?,
        }
    }
    Ok(())
}
