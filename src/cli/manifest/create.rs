//! `coracle manifest create`

use crate::cli::args::GoBool;
use crate::cli::cx::Cx;
use crate::cli::image::registry_flags::RegistryFlags;
use crate::engine;
use crate::error::Result;
use crate::image::list::edit::InstanceEdit;
use crate::image::list::find::Wanted;
use crate::image::registry::Access;
use crate::image::tags::local_name;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Add all instances of an image that is itself a list
    #[arg(long)]
    all: GoBool,
    /// Change the list if there is one of this name
    #[arg(short, long)]
    amend: GoBool,
    /// Add an annotation to the list, as KEY=VALUE
    #[arg(long, value_name = "stringArray")]
    annotation: Vec<String>,
    /// Demand HTTPS and verify certificates [default: as registries.conf says, else true]
    #[arg(long)]
    tls_verify: Option<GoBool>,
    #[arg(value_name = "LIST")]
    list: String,
    #[arg(value_name = "IMAGE")]
    images: Vec<String>,
}

pub fn run(cx: &Cx<'_>, args: Args) -> Result<u8> {
    let name = local_name(&args.list)?;
    let annotations = super::annotations(&args.annotation, super::no_value)?;
    let access = Access { tls_verify: args.tls_verify.map(|verify| *verify), ..RegistryFlags::default().access()? };
    let wanted = Wanted { all: *args.all, platform: None, access };
    let images = engine::images(&cx.engine()?)?;
    let mut found = Vec::new();
    for image in &args.images {
        found.extend(images.find_instances(image, &wanted)?);
    }
    let id = images.create_manifest_list(&name, *args.amend, |list| {
        list.index.annotations.extend(annotations);
        list.add(found, &InstanceEdit::default())
    })?;
    cx.printer.line(id);
    Ok(0)
}
