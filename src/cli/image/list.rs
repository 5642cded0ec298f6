//! `coracle images`

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::cli::args::GoBool;
use crate::cli::cx::Cx;
use crate::cli::views::images::{self, Options};
use crate::engine;
use crate::error::Result;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Show all images, with intermediate ones
    #[arg(short, long)]
    all: GoBool,
    /// Show digests
    #[arg(long)]
    digests: GoBool,
    /// Only images that match, for example dangling=true or reference=busybox
    #[arg(short, long, value_name = "stringArray")]
    filter: Vec<String>,
    /// Print as JSON or by a Go template
    #[arg(long, value_name = "string")]
    format: Option<String>,
    /// Show the earlier names of images
    #[arg(long)]
    history: GoBool,
    /// Do not shorten IDs
    #[arg(long)]
    no_trunc: GoBool,
    /// Do not print headings
    #[arg(short, long)]
    noheading: GoBool,
    /// Print the IDs only
    #[arg(short, long)]
    quiet: GoBool,
    /// Sort by created, id, repository, size or tag
    #[arg(long, value_name = "string")]
    sort: Option<String>,
    #[arg(value_name = "IMAGE")]
    image: Option<String>,
}

pub fn run(cx: &Cx<'_>, args: Args) -> Result<u8> {
    let options = Options {
        reference: args.image,
        all: *args.all,
        digests: *args.digests,
        filters: args.filter,
        format: args.format,
        history: *args.history,
        no_trunc: *args.no_trunc,
        no_heading: *args.noheading,
        quiet: *args.quiet,
        sort: args.sort,
    };
    let (engine, store) = cx.containers()?;
    let list = engine::images(&engine)?.list()?;
    let mut users = BTreeMap::new();
    for container in store.list()? {
        *users.entry(container.record.image_id).or_default() += 1;
    }
    cx.printer.text(&images::render(&list, &users, &options, Timestamp::now())?);
    Ok(0)
}
