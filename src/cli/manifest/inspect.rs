//! `coracle manifest inspect`

use crate::cli::cx::Cx;
use crate::cli::image::registry_flags::RegistryFlags;
use crate::cli::views::manifest_inspect;
use crate::engine;
use crate::error::{Kind, Result};
use crate::image::list::find;
use crate::image::manifest;

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    registry: RegistryFlags,
    #[arg(value_name = "IMAGE")]
    image: String,
}

pub fn run(cx: &Cx<'_>, args: Args) -> Result<u8> {
    let images = engine::images(&cx.engine()?)?;
    if !args.image.starts_with("docker://") {
        match images.manifest_list(&args.image) {
            Ok(list) => {
                cx.printer.text(&manifest_inspect::list(&list.index, &list.local.files)?);
                return Ok(0);
            }
            // An image of the store is looked up in its registry, where it may be a list.
            Err(error) if error.kind() == Kind::NoSuch || images.exists(&args.image)? => {}
            Err(error) => return Err(error),
        }
    }
    let remote = find::remote(&args.image, &args.registry.access()?)?;
    let media_type = remote.media_type();
    match manifest::parse_document(&remote.raw.bytes, &media_type) {
        Ok(manifest::Document::Index(index)) => cx.printer.text(&manifest_inspect::list(&index, &Default::default())?),
        Ok(manifest::Document::Manifest(_)) => {
            cx.printer.warning(format!("The manifest type {media_type} is not a manifest list but a single image."));
            cx.printer.text(&manifest_inspect::document(&remote.raw.bytes)?);
        }
        Err(error) => return Err(error),
    }
    Ok(0)
}
