//! `coracle import`

use std::fs::File;
use std::io::{IsTerminal as _, Read};

use jiff::Timestamp;

use crate::bail;
use crate::cli::args::GoBool;
use crate::cli::cx::Cx;
use crate::cli::progress::Shown;
use crate::engine;
use crate::error::{Context as _, Result};
use crate::image::import::ImportOptions;
use crate::image::platform::Platform;
use crate::image::registry::download;
use crate::image::tags::local_name;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Architecture of the image
    #[arg(long, value_name = "string")]
    arch: Option<String>,
    /// Set the configuration, as a line of a Containerfile: CMD, ENTRYPOINT, ENV, EXPOSE, LABEL, STOPSIGNAL, USER, VOLUME,
    /// WORKDIR
    #[arg(short, long, value_name = "stringArray")]
    change: Vec<String>,
    /// Comment of the image's history
    #[arg(short, long, value_name = "string")]
    message: Option<String>,
    /// Operating system of the image
    #[arg(long, value_name = "string")]
    os: Option<String>,
    /// Do not show progress
    #[arg(short, long)]
    quiet: GoBool,
    /// Variant of the architecture
    #[arg(long, value_name = "string")]
    variant: Option<String>,
    #[arg(value_name = "PATH")]
    path: String,
    #[arg(value_name = "REFERENCE")]
    reference: Option<String>,
}

pub fn run(cx: &Cx<'_>, args: Args) -> Result<u8> {
    let text = |part: Option<String>| part.unwrap_or_default();
    let options = ImportOptions {
        name: args.reference.as_deref().map(local_name).transpose()?,
        changes: args.change,
        message: text(args.message),
        platform: Platform::new(&text(args.os), &text(args.arch), &text(args.variant)),
        source: args.path.clone(),
        created: Timestamp::now(),
    };
    let mut input: Box<dyn Read + Send> = match args.path.as_str() {
        "-" if std::io::stdin().is_terminal() => bail!("cannot read from terminal, use command-line redirection"),
        "-" => Box::new(std::io::stdin()),
        url if download::is_url(url) => {
            if !*args.quiet {
                cx.printer.message(format_args!("Downloading from \"{url}\""));
            }
            download::open(url)?
        }
        path => Box::new(File::open(path).with_context(|| format!("opening `{path}`"))?),
    };
    let engine = cx.engine()?;
    engine::enter_userns(&engine)?;
    let progress = Shown::new(cx.printer, *args.quiet);
    let images = engine::images(&engine)?;
    let stored = engine::interrupt::guarded(&progress, "importing interrupted", || {
        images.import(&mut *input, &options, &progress)
    })?;
    progress.finish();
    cx.warnings(&stored.warnings.messages());
    cx.printer.line(format_args!("sha256:{}", stored.image.id));
    Ok(0)
}
