//! `coracle ps`

use std::thread::sleep;
use std::time::Duration;

use jiff::Timestamp;

use crate::cli::args::{GoBool, RefusedBool, refuse_bool};
use crate::cli::cx::Cx;
use crate::cli::views::ps::{self, Options, Selection};
use crate::cli::views::ps_row::Size;
use crate::engine::{self, Engine};
use crate::error::Result;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Show all containers, not only running ones
    #[arg(short, long)]
    all: GoBool,
    /// Show containers of other tools in the storage too
    #[arg(long, value_parser = refuse_bool("other tools keep no containers in this storage"))]
    external: RefusedBool,
    /// Only containers that match, for example status=exited or label=key=value
    #[arg(short, long, value_name = "stringArray")]
    filter: Vec<String>,
    /// Print as JSON or by a Go template
    #[arg(long, value_name = "string")]
    format: Option<String>,
    /// Show this many containers, the last created ones, in any state
    #[arg(short = 'n', long, value_name = "int")]
    last: Option<i64>,
    /// Show the latest container, in any state
    #[arg(short, long)]
    latest: GoBool,
    /// Do not shorten IDs and commands
    #[arg(long)]
    no_trunc: GoBool,
    /// Do not print headings
    #[arg(long)]
    noheading: GoBool,
    /// Show the namespaces of the containers
    #[arg(long)]
    ns: GoBool,
    /// Show the pods of the containers
    #[arg(short, long)]
    pod: GoBool,
    /// Print the IDs only
    #[arg(short, long)]
    quiet: GoBool,
    /// Show the sizes of the containers
    #[arg(short, long)]
    size: GoBool,
    /// Sort by command, created, id, image, names, runningfor, size or status
    #[arg(long, value_name = "choice")]
    sort: Option<String>,
    /// Sync the state with the runtime; it always is
    #[arg(long)]
    sync: GoBool,
    /// Print again every so many seconds
    #[arg(short, long, value_name = "uint")]
    watch: Option<u64>,
}

pub fn run(cx: &Cx<'_>, args: Args) -> Result<u8> {
    let selection = Selection { all: *args.all, last: args.last, latest: *args.latest, filters: args.filter };
    let options = Options {
        no_trunc: *args.no_trunc,
        quiet: *args.quiet,
        size: *args.size,
        namespaces: *args.ns,
        pod: *args.pod,
        no_heading: *args.noheading,
        sort: args.sort,
        format: args.format,
    };
    ps::check(&selection, &options)?;
    let engine = cx.engine()?;
    let Some(seconds) = args.watch.filter(|seconds| *seconds > 0) else {
        cx.printer.text(&show(&engine, &selection, &options)?);
        return Ok(0);
    };
    while !cx.printer.is_closed() {
        let text = show(&engine, &selection, &options)?;
        if cx.printer.out_is_terminal() {
            // Home, and clear what was there.
            cx.printer.data(b"\x1b[H\x1b[2J");
        }
        cx.printer.text(&text);
        sleep(Duration::from_secs(seconds));
    }
    Ok(0)
}

fn show(engine: &Engine, selection: &Selection, options: &Options) -> Result<String> {
    let now = Timestamp::now();
    let chosen = ps::select(engine::list(engine)?, selection, now)?;
    ps::render(chosen, options, now, &|container| {
        let (rw, root_fs) = engine::container_size(engine, container)?;
        Ok(Size { rw, root_fs })
    })
}
