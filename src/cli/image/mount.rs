//! `coracle image mount`

use serde_json::json;

use crate::bail;
use crate::cli::args::GoBool;
use crate::cli::cx::{Cx, usual_code};
use crate::cli::format::go_json::{self, Shape};
use crate::cli::format::is_json;
use crate::cli::format::table::Table;
use crate::engine::{self, image_mount};
use crate::error::Result;
use crate::image::Image;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Mount all images
    #[arg(short, long)]
    all: GoBool,
    /// Print the mounted images as JSON (`json`)
    #[arg(long, value_name = "string")]
    format: Option<String>,
    #[arg(value_name = "IMAGE")]
    images: Vec<String>,
}

pub fn run(cx: &Cx<'_>, args: Args) -> Result<u8> {
    if *args.all && !args.images.is_empty() {
        bail!("when using the --all switch, you may not pass any image names or IDs");
    }
    if let Some(format) = args.format.as_deref().filter(|format| !is_json(format)) {
        bail!("unknown --format argument: \"{format}\"");
    }
    image_mount::check_may_mount(&cx.path)?;
    let engine = cx.engine()?;
    let store = engine::images(&engine)?;
    let list = store.list()?;
    let mut shown: Vec<(Image, std::path::PathBuf)> = Vec::new();
    let mut code = 0;
    if args.images.is_empty() && !*args.all {
        for (id, point) in image_mount::list(&engine)? {
            shown.extend(list.iter().find(|image| image.id == id).map(|image| (image.clone(), point)));
        }
    } else {
        let names = if *args.all { list.iter().map(|image| image.id.clone()).collect() } else { args.images.clone() };
        code = cx.each(names, usual_code, |name| {
            let image = store.find(&name)?;
            let point = image_mount::mount(&engine, &image)?;
            shown.push((image, point));
            Ok(())
        });
    }
    if args.format.is_some() {
        let objects = shown.iter().map(|(image, point)| {
            let name = image.names.first().cloned().unwrap_or_default();
            json!({"id": image.id, "Names": [name], "Repositories": image.names, "mountpoint": point.to_string_lossy()})
        });
        cx.printer.text(&go_json::pretty(&objects.collect(), Shape::Listing)?);
        return Ok(code);
    }
    if let ([(_, point)], [_]) = (shown.as_slice(), args.images.as_slice()) {
        cx.printer.line(point.display());
        return Ok(code);
    }
    let mut table = Table::new();
    for (image, point) in &shown {
        table.row([image.names.first().unwrap_or(&image.id).as_str(), &point.to_string_lossy()]);
    }
    cx.printer.text(&table.render()?);
    Ok(code)
}
