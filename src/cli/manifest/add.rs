//! `coracle manifest add`

use std::path::PathBuf;

use crate::bail;
use crate::cli::args::GoBool;
use crate::cli::cx::Cx;
use crate::cli::image::registry_flags::RegistryFlags;
use crate::engine;
use crate::error::{Context, Result};
use crate::image::list::artifact::Artifact;
use crate::image::list::edit::InstanceEdit;
use crate::image::list::find::Wanted;
use crate::image::platform::Platform;
use crate::image::registry::Access;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Add all instances of an image that is itself a list
    #[arg(long)]
    all: GoBool,
    /// Annotate the instance in the list, as KEY=VALUE
    #[arg(long, value_name = "annotation")]
    annotation: Vec<String>,
    /// Say this architecture in the list instead of the image's; of an image that is a list, choose by it
    #[arg(long, value_name = "architecture")]
    arch: Option<String>,
    /// Make an artifact of the arguments, which are files
    #[arg(long)]
    artifact: GoBool,
    /// File with the artifact's configuration
    #[arg(long, value_name = "string")]
    artifact_config: Option<PathBuf>,
    /// Media type of the artifact's configuration
    #[arg(long, value_name = "string")]
    artifact_config_type: Option<String>,
    /// Leave the names of the files out of the artifact
    #[arg(long)]
    artifact_exclude_titles: GoBool,
    /// Media type of the files, instead of what they look like
    #[arg(long, value_name = "string")]
    artifact_layer_type: Option<String>,
    /// Image that the artifact is about
    #[arg(long, value_name = "string")]
    artifact_subject: Option<String>,
    /// Type of the artifact
    #[arg(long, value_name = "string")]
    artifact_type: Option<String>,
    /// Directory with certificates for the registry
    #[arg(long, value_name = "string")]
    cert_dir: Option<PathBuf>,
    /// Say these features of the processor in the list
    #[arg(long, value_name = "features")]
    features: Vec<String>,
    /// Say this operating system in the list instead of the image's; of an image that is a list, choose by it
    #[arg(long, value_name = "OS")]
    os: Option<String>,
    /// Say this version of the operating system in the list
    #[arg(long, value_name = "version")]
    os_version: Option<String>,
    /// Say this variant of the architecture in the list instead of the image's
    #[arg(long, value_name = "Variant")]
    variant: Option<String>,
    #[command(flatten)]
    registry: RegistryFlags,
    #[arg(value_name = "LIST")]
    list: String,
    #[arg(value_name = "IMAGEORARTIFACT", required = true)]
    images: Vec<String>,
}

pub fn run(cx: &Cx<'_>, args: Args) -> Result<u8> {
    check(&args)?;
    let access = Access { cert_dir: args.cert_dir.clone(), ..args.registry.access()? };
    let edit = InstanceEdit {
        annotations: super::annotations(&args.annotation, super::no_value)?,
        architecture: args.arch.clone(),
        os: args.os.clone(),
        os_version: args.os_version.clone(),
        variant: args.variant.clone(),
        features: super::words(&args.features),
        os_features: Vec::new(),
    };
    let images = engine::images(&cx.engine()?)?;
    // Before anything is fetched.
    images.manifest_list(&args.list)?;
    if *args.artifact {
        let subject = args.artifact_subject.as_deref().map(|name| images.find_subject(name, &access)).transpose()?;
        let artifact = Artifact {
            files: args.images.iter().map(PathBuf::from).collect(),
            artifact_type: args.artifact_type,
            config: args.artifact_config,
            config_type: args.artifact_config_type,
            layer_type: args.artifact_layer_type,
            exclude_titles: *args.artifact_exclude_titles,
            subject,
        };
        let (made, blobs) = images.make_artifact(&artifact)?;
        let id = images.change_manifest_list(&args.list, Some(blobs), |list| list.add(vec![made], &edit))?;
        cx.printer.line(id);
        return Ok(0);
    }
    let text = |part: &Option<String>| part.clone().unwrap_or_default();
    let platform = (args.os.is_some() || args.arch.is_some())
        .then(|| Platform::new(&text(&args.os), &text(&args.arch), &text(&args.variant)));
    let wanted = Wanted { all: *args.all, platform, access };
    let mut found = Vec::new();
    for image in &args.images {
        found.push(images.find_instances(image, &wanted).context("locating image to add to manifest list")?);
    }
    let id = images.change_manifest_list(&args.list, None, |list| {
        found.into_iter().try_for_each(|instances| list.add(instances, &edit))
    })?;
    cx.printer.line(id);
    Ok(0)
}

/// Flags that make sense only with others.
fn check(args: &Args) -> Result<()> {
    let of_artifacts = [
        ("artifact-config", args.artifact_config.is_some()),
        ("artifact-config-type", args.artifact_config_type.is_some()),
        ("artifact-exclude-titles", *args.artifact_exclude_titles),
        ("artifact-layer-type", args.artifact_layer_type.is_some()),
        ("artifact-subject", args.artifact_subject.is_some()),
        ("artifact-type", args.artifact_type.is_some()),
    ];
    if let Some((flag, _)) = of_artifacts.iter().find(|(_, given)| *given && !*args.artifact) {
        bail!("--{flag} requires --artifact");
    }
    if *args.artifact && *args.all {
        bail!("--all is of images, and cannot be used with --artifact");
    }
    Ok(())
}
