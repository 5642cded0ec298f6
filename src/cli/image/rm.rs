//! `coracle rmi`

use crate::bail;
use crate::cli::args::{GoBool, RefusedBool, refuse_bool};
use crate::cli::cx::{Cx, removal_code};
use crate::container::store::Store;
use crate::container::usage;
use crate::engine::{self, Engine, RemoveOptions};
use crate::error::{Error, Kind, Result};
use crate::image::remove::Removed;
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
    /// Keep the parents of the image
    #[arg(long, value_parser = refuse_bool("images have no parents here"))]
    no_prune: RefusedBool,
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
    engine::enter_userns(&engine)?;
    let images = engine::images(&engine)?;
    let names = if *args.all { all(&images)? } else { args.images };
    let code = cx.each(names, removal_code, |name| {
        let removed = match remove(&engine, &store, &images, &name, *args.force || *args.all, *args.force) {
            Err(error) if error.kind() == Kind::NoSuch && (*args.ignore || *args.force) => return Ok(()),
            result => result?,
        };
        for name in &removed.untagged {
            cx.printer.line(format_args!("Untagged: {name}"));
        }
        for id in &removed.deleted {
            cx.printer.line(format_args!("Deleted: {id}"));
        }
        Ok(())
    });
    engine::sweep(&engine)?;
    Ok(code)
}

fn all(images: &ImageStore) -> Result<Vec<String>> {
    Ok(images.list()?.into_iter().map(|image| image.id).collect())
}

/// Removes an image or a name; with `containers`, those that use it first.
fn remove(
    engine: &Engine,
    store: &Store,
    images: &ImageStore,
    name: &str,
    force: bool,
    containers: bool,
) -> Result<Removed> {
    if containers && !images.is_manifest_list(name)? {
        let image = images.find(name)?;
        // A mere name goes without touching the image, and so without touching what uses it.
        if image.names.len() < 2 || image.id.starts_with(name.trim_start_matches("sha256:")) {
            for container in store.list()?.iter().filter(|container| container.record.image_id == image.id) {
                let options = RemoveOptions { force: true, volumes: true, ..RemoveOptions::default() };
                match engine::remove(engine, &container.record.id, options) {
                    Err(error) if error.kind() == Kind::NoSuch => {}
                    result => result.map_err(|e: Error| e.wrap(format!("removing a container of image `{name}`")))?,
                }
            }
        }
    }
    usage::remove_image(store, images, name, force)
}
