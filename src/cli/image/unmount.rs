//! `coracle image unmount`

use crate::bail;
use crate::cli::args::GoBool;
use crate::cli::cx::{Cx, usual_code};
use crate::engine::{self, image_mount};
use crate::error::Result;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Unmount all images
    #[arg(short, long)]
    all: GoBool,
    /// Unmount even if something uses a file in it
    #[arg(short, long)]
    force: GoBool,
    #[arg(value_name = "IMAGE")]
    images: Vec<String>,
}

pub fn run(cx: &Cx<'_>, args: Args) -> Result<u8> {
    match (args.images.is_empty(), *args.all) {
        (true, false) => bail!("image name or ID must be specified"),
        (false, true) => bail!("when using the --all switch, you may not pass any image names or IDs"),
        _ => {}
    }
    image_mount::check_may_mount(&cx.path)?;
    let engine = cx.engine()?;
    let store = engine::images(&engine)?;
    let names = match *args.all {
        true => image_mount::list(&engine)?.into_iter().map(|(id, _)| id).collect(),
        false => args.images,
    };
    Ok(cx.each(names, usual_code, |name| {
        // What is mounted may have left the list of images since.
        let id = store.find(&name).map(|image| image.id).unwrap_or(name);
        image_mount::unmount(&engine, &id, *args.force)?;
        cx.printer.line(id);
        Ok(())
    }))
}
