//! `coracle mount`

use serde_json::json;

use crate::bail;
use crate::cli::args::GoBool;
use crate::cli::cx::{Cx, usual_code};
use crate::cli::format::go_json::{self, Shape};
use crate::cli::format::table::Table;
use crate::cli::format::{is_json, short_id};
use crate::cli::select::{self, Wanted};
use crate::engine::{container_mount, image_mount};
use crate::error::Result;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Mount all containers
    #[arg(short, long)]
    all: GoBool,
    /// Print the mounted containers as JSON (`json`)
    #[arg(long, value_name = "string")]
    format: Option<String>,
    /// Act on the latest container
    #[arg(short, long)]
    latest: GoBool,
    /// Show whole IDs
    #[arg(long)]
    no_trunc: GoBool,
    #[arg(value_name = "CONTAINER")]
    containers: Vec<String>,
}

pub fn run(cx: &Cx<'_>, args: Args) -> Result<u8> {
    let lists = args.containers.is_empty() && !*args.all && !*args.latest;
    if !lists {
        let flags = Wanted { names: &args.containers, all: *args.all, latest: *args.latest, ..Wanted::default() };
        flags.check()?;
    }
    if let Some(format) = args.format.as_deref().filter(|format| !is_json(format)) {
        bail!("unknown --format argument: \"{format}\"");
    }
    image_mount::check_may_mount(&cx.path)?;
    let (engine, store) = cx.containers()?;
    if lists {
        let mounted = container_mount::list(&engine)?;
        if args.format.is_some() {
            let objects = mounted.iter().map(|(record, point)| {
                json!({"id": record.id, "Names": [record.name], "mountpoint": point.to_string_lossy()})
            });
            cx.printer.text(&go_json::pretty(&objects.collect(), Shape::Listing)?);
            return Ok(0);
        }
        let mut table = Table::new();
        for (record, point) in &mounted {
            let id = if *args.no_trunc { &record.id } else { short_id(&record.id) };
            table.row([id, &point.to_string_lossy()]);
        }
        cx.printer.text(&table.render()?);
        return Ok(0);
    }
    let ids: Vec<Result<String>> = match (*args.all, *args.latest) {
        (true, _) => store.list()?.into_iter().map(|container| Ok(container.record.id)).collect(),
        (_, true) => vec![select::one(&store, None, true)],
        _ => args.containers.iter().map(|name| store.resolve(name)).collect(),
    };
    let single = ids.len() == 1;
    Ok(cx.each(ids, usual_code, |id| {
        let id = id?;
        let point = container_mount::mount(&engine, &id)?;
        match single || !*args.all {
            true => cx.printer.line(point.display()),
            false => cx.printer.line(format_args!(
                "{}  {}",
                if *args.no_trunc { &id } else { short_id(&id) },
                point.display()
            )),
        }
        Ok(())
    }))
}
