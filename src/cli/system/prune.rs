//! `coracle system prune`

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::bail;
use crate::cli::args::GoBool;
use crate::cli::confirm::confirm;
use crate::cli::container::prune::check_filters;
use crate::cli::cx::Cx;
use crate::cli::format::units;
use crate::cli::views::{container_filter, image_filter, network_filter, volume_filter};
use crate::engine;
use crate::engine::prune::{self, ImagesToPrune, Pruned};
use crate::error::Result;
use crate::image::Image;
use crate::volume::Users;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Remove all images without a container, not only those without a name
    #[arg(short, long)]
    all: GoBool,
    /// Remove containers of builds as well; there are none yet
    #[arg(long)]
    build: GoBool,
    /// Remove only what other tools left in the store
    #[arg(long)]
    external: GoBool,
    /// Only what matches: until=TIME, label=KEY[=VALUE] or label!=KEY[=VALUE]
    #[arg(long, value_name = "stringArray")]
    filter: Vec<String>,
    /// Do not ask
    #[arg(short, long)]
    force: GoBool,
    /// Remove volumes without a container as well
    #[arg(long)]
    volumes: GoBool,
}

pub fn run(cx: &Cx<'_>, args: Args) -> Result<u8> {
    if *args.external && (*args.all || *args.build || *args.volumes || !args.filter.is_empty()) {
        bail!("system prune --external cannot be combined with other options");
    }
    check_filters(&args.filter)?;
    let engine = cx.engine()?;
    if !*args.force && !confirm(cx, &warning(&args))? {
        return Ok(0);
    }
    if *args.external {
        // Whatever there is, no other tool has put it there; but what was left half made goes.
        engine::sweep(&engine)?;
        return Ok(0);
    }
    let mut failed = false;
    let mut reclaimed = 0;
    let mut show = |heading: &str, pruned: Pruned| {
        if !pruned.names.is_empty() {
            cx.printer.text(&format!("Deleted {heading}\n{}\n", pruned.names.join("\n")));
        }
        for error in &pruned.errors {
            cx.printer.error(error);
            failed = true;
        }
        reclaimed += pruned.reclaimed;
    };
    let filters = container_filter::Filters::parse(&args.filter, &[], Timestamp::now())?;
    let pruned = prune::containers_that_rest(&engine, &|container| filters.matches(container))?;
    show("Containers", pruned);
    if *args.volumes {
        let all = engine::volumes::store(&engine).list()?.0;
        let filters = volume_filter::Filters::parse(&args.filter, &all, Timestamp::now())?;
        // None of them is used.
        let none = Users::new();
        show("Volumes", prune::unused_volumes(&engine, &|volume| filters.matches(volume, &none))?);
    }
    let list = engine::images(&engine)?.list()?;
    let filters = image_filter::Filters::parse(&args.filter, &list, Timestamp::now())?;
    let none = BTreeMap::new();
    let wanted = |image: &Image| filters.matches(image, &none);
    // Whoever asks for some only, does not ask for rubbish.
    let what = ImagesToPrune { all: *args.all, wanted: &wanted, rubbish: args.filter.is_empty() };
    let pruned = prune::images(&engine, &what)?;
    show("Images", pruned);
    let filters = network_filter::Filters::parse(&args.filter, false, Timestamp::now())?;
    show("Networks", prune::unused_networks(&engine, &|network| filters.matches(network, false))?);
    cx.printer.line(format_args!("Total reclaimed space: {}", units::human_size_long(reclaimed)));
    Ok(if failed { 125 } else { 0 })
}

/// What will be removed, in the reference's words.
fn warning(args: &Args) -> String {
    let mut text =
        "WARNING! This command removes:\n\t- all stopped containers\n\t- all networks not used by at least one container\n"
            .to_owned();
    if *args.volumes {
        text.push_str("\t- all volumes not used by at least one container\n");
    }
    if *args.external {
        return "WARNING! This command removes:\n\t- what killed commands left half made\n".to_owned();
    }
    if *args.all {
        text.push_str("\t- all images without at least one container associated with them\n\t- all build cache\n");
    } else {
        text.push_str("\t- all dangling images\n\t- all dangling build cache\n");
    }
    text
}
