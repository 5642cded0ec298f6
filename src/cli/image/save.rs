//! `coracle save`

use std::path::PathBuf;

use crate::bail;
use crate::cli::args::GoBool;
use crate::cli::cx::Cx;
use crate::cli::progress::Shown;
use crate::engine;
use crate::error::{Error, Result};
use crate::image::push::PushOptions;
use crate::image::save::{Output, SaveFormat, SavedImage};
use crate::image::store::ImageStore;
use crate::image::tags::local_name;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Compress the layers in a directory of the format docker-dir
    #[arg(long)]
    compress: GoBool,
    /// What to write: docker-archive, oci-archive, oci-dir or docker-dir
    #[arg(long, value_name = "string", default_value = "docker-archive")]
    format: String,
    /// Save several images; otherwise, what follows the first are more names for it
    #[arg(short, long)]
    multi_image_archive: GoBool,
    /// Write to this file or directory instead of stdout
    #[arg(short, long, value_name = "string")]
    output: Option<PathBuf>,
    /// Do not show progress
    #[arg(short, long)]
    quiet: GoBool,
    /// Leave layers without compression as they are in the OCI formats
    #[arg(long)]
    uncompressed: GoBool,
    #[arg(value_name = "IMAGE", required = true)]
    images: Vec<String>,
}

pub fn run(cx: &Cx<'_>, args: Args) -> Result<u8> {
    let format = match args.format.as_str() {
        "docker-archive" => SaveFormat::DockerArchive,
        "oci-archive" => SaveFormat::OciArchive,
        "oci-dir" => SaveFormat::OciDir,
        "docker-dir" => SaveFormat::DockerDir,
        other => {
            return Err(Error::new(format!("unknown format `{other}`"))
                .hint("use docker-archive, oci-archive, oci-dir or docker-dir"));
        }
    };
    if *args.compress && format != SaveFormat::DockerDir {
        bail!("--compress can only be set when --format is 'docker-dir'");
    }
    if args.output.is_none() && matches!(format, SaveFormat::OciDir | SaveFormat::DockerDir) {
        return Err(Error::new("a directory cannot be written to standard output").hint("name it with --output"));
    }
    if args.output.is_none() && cx.printer.out_is_terminal() {
        return Err(Error::new("refusing to save to terminal").hint("use the -o flag or redirect"));
    }
    let options =
        PushOptions { compress: *args.compress, accept_uncompressed: *args.uncompressed, ..PushOptions::default() };
    let engine = cx.engine()?;
    let store = engine::images(&engine)?;
    let images = if *args.multi_image_archive {
        args.images.iter().map(|image| store.to_save(image)).collect::<Result<_>>()?
    } else {
        vec![with_names(&store, &args.images)?]
    };
    let progress = Shown::new(cx.printer, *args.quiet);
    let mut stdout = cx.printer;
    let output = match &args.output {
        Some(path) => Output::Path(path),
        None => Output::Stream(&mut stdout),
    };
    let result = store.save(&images, format, output, &options, &progress);
    progress.finish();
    // Who closes the pipe wants no more of it.
    if args.output.is_none() && cx.printer.is_closed() { Ok(0) } else { result.map(|()| 0) }
}

/// The first image, with the rest as more names for it.
fn with_names(store: &ImageStore, words: &[String]) -> Result<SavedImage> {
    let Some((first, more)) = words.split_first() else { bail!("no image is named") };
    let mut image = store.to_save(first)?;
    for word in more {
        let name = match store.exists(word)? {
            true => {
                let other = store.to_save(word)?;
                if other.manifest.digest != image.manifest.digest {
                    return Err(Error::new(format!("`{word}` is another image than `{first}`"))
                        .hint("save several images with --multi-image-archive"));
                }
                other.names
            }
            false => vec![local_name(word)?],
        };
        for name in name {
            if name.digest.is_some() {
                bail!("an archive has names with tags, not digests: `{name}`");
            }
            if !image.names.contains(&name) {
                image.names.push(name);
            }
        }
    }
    Ok(image)
}
