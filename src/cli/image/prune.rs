//! `coracle image prune`

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::bail;
use crate::cli::args::GoBool;
use crate::cli::confirm::confirm;
use crate::cli::cx::Cx;
use crate::cli::views::image_filter::Filters;
use crate::container::usage;
use crate::engine;
use crate::error::Result;
use crate::image::{Image, mounts};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Remove all images without a container, not only those without a name
    #[arg(short, long)]
    all: GoBool,
    /// Remove the build cache as well; there is none yet
    #[arg(long)]
    build_cache: GoBool,
    /// Remove images that only containers of other tools use as well; there are none in this store
    #[arg(long)]
    external: GoBool,
    /// Only images that match: until=TIME, label=KEY[=VALUE] or label!=KEY[=VALUE]
    #[arg(long, value_name = "stringArray")]
    filter: Vec<String>,
    /// Do not ask
    #[arg(short, long)]
    force: GoBool,
}

/// The keys of `--filter`.
const FILTERS: [&str; 4] = ["dangling", "label", "until", "containers"];

pub fn run(cx: &Cx<'_>, args: Args) -> Result<u8> {
    for filter in &args.filter {
        let key = filter.split('=').next().unwrap_or_default().trim_end_matches('!');
        if !FILTERS.contains(&key) {
            bail!("unsupported image filter \"{key}\" for prune: use until, label or label!");
        }
    }
    if *args.external && *args.all {
        bail!("--external and --all cannot be used together");
    }
    let (engine, store) = cx.containers()?;
    let warning = if *args.all {
        "WARNING! This command removes all images without at least one container associated with them."
    } else {
        "WARNING! This command removes all dangling images."
    };
    if !*args.force && !confirm(cx, warning)? {
        return Ok(0);
    }
    mounts::live(&engine.roots)?;
    engine::enter_userns(&engine)?;
    let images = engine::images(&engine)?;
    let list = images.list()?;
    let filters = Filters::parse(&args.filter, &list, Timestamp::now())?;
    let users = usage::users(&store)?;
    let counts: BTreeMap<String, usize> = users.containers.iter().map(|(id, list)| (id.clone(), list.len())).collect();
    let is_used = |image: &Image| counts.contains_key(&image.id) || users.mounts.contains_key(&image.id);
    let wanted =
        |image: &Image| (*args.all || image.is_dangling()) && !is_used(image) && filters.matches(image, &counts);
    let gone = images.prune(&wanted, &|| usage::users(&store))?;
    cx.printer.text(&gone.iter().map(|id| format!("{id}\n")).collect::<String>());
    // Whoever asks for some images only, does not ask for this.
    if args.filter.is_empty() {
        images.prune_rubbish(&|| usage::users(&store))?;
        engine::prune_shown(&engine, true)?;
        engine::sweep(&engine)?;
    }
    Ok(0)
}
