//! `coracle manifest annotate`

use crate::bail;
use crate::cli::args::GoBool;
use crate::cli::cx::Cx;
use crate::cli::image::registry_flags::RegistryFlags;
use crate::engine;
use crate::error::Result;
use crate::image::list::edit::InstanceEdit;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Add an annotation, as KEY=VALUE
    #[arg(long, value_name = "annotation")]
    annotation: Vec<String>,
    /// Change the architecture of the instance
    #[arg(long, value_name = "architecture")]
    arch: Option<String>,
    /// Change the features of the processor that the instance needs
    #[arg(long, value_name = "features")]
    features: Vec<String>,
    /// Annotate the list itself instead of an instance
    #[arg(long)]
    index: GoBool,
    /// Change the operating system of the instance
    #[arg(long, value_name = "OS")]
    os: Option<String>,
    /// Change the features of the operating system that the instance needs
    #[arg(long, value_name = "features")]
    os_features: Vec<String>,
    /// Change the version of the operating system of the instance
    #[arg(long, value_name = "version")]
    os_version: Option<String>,
    /// Set the image that the list is about; needs --index
    #[arg(long, value_name = "subject")]
    subject: Option<String>,
    /// Change the variant of the architecture of the instance
    #[arg(long, value_name = "Variant")]
    variant: Option<String>,
    #[arg(value_name = "LIST")]
    list: String,
    #[arg(value_name = "IMAGEORARTIFACT")]
    image: Option<String>,
}

pub fn run(cx: &Cx<'_>, args: Args) -> Result<u8> {
    let edit = InstanceEdit {
        annotations: super::annotations(&args.annotation, |text| {
            format!("expected --annotation \"{}\" to be in key=value format", text.escape_debug())
        })?,
        architecture: args.arch,
        os: args.os,
        os_version: args.os_version,
        variant: args.variant,
        features: super::words(&args.features),
        os_features: super::words(&args.os_features),
    };
    let access = RegistryFlags::default().access()?;
    let images = engine::images(&cx.engine()?)?;
    let id = match (&args.image, *args.index) {
        (Some(image), true) => {
            bail!("did not expect image or artifact name \"{image}\" when modifying the entire index")
        }
        (None, false) => bail!("expected an instance digest, image name, or artifact name"),
        (None, true) => {
            if edit.is_of_platform() {
                bail!("a platform is of an instance: it cannot be set with --index");
            }
            let subject = args.subject.as_deref().map(|name| images.find_subject(name, &access)).transpose()?;
            images.change_manifest_list(&args.list, None, |list| {
                list.index.annotations.extend(edit.annotations);
                if let Some(subject) = subject {
                    list.index.subject = Some(Box::new(subject));
                }
                Ok(())
            })?
        }
        (Some(_), false) if args.subject.is_some() => {
            bail!("setting subject for a manifest list requires no instance digest");
        }
        (Some(image), false) => {
            let digest = images.find_instance(&images.manifest_list(&args.list)?, image, &access)?;
            images.change_manifest_list(&args.list, None, |list| list.annotate(&digest, &edit))?
        }
    };
    cx.printer.line(id);
    Ok(0)
}
