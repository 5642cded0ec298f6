//! `coracle network ls`

use jiff::Timestamp;

use crate::cli::args::GoBool;
use crate::cli::cx::Cx;
use crate::cli::views::network::{self as view, Options};
use crate::cli::views::network_filter::Filters;
use crate::engine::network;
use crate::error::Result;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Only networks that match, for example name=web or label=KEY=VALUE
    #[arg(short, long, value_name = "stringArray")]
    filter: Vec<String>,
    /// Print as JSON or by a Go template
    #[arg(long, value_name = "string")]
    format: Option<String>,
    /// Print IDs in full
    #[arg(long)]
    no_trunc: GoBool,
    /// Do not print headings
    #[arg(short, long)]
    noheading: GoBool,
    /// Print the names only
    #[arg(short, long)]
    quiet: GoBool,
}

pub fn run(cx: &Cx<'_>, args: Args) -> Result<u8> {
    let engine = cx.engine()?;
    let store = network::store(&engine)?;
    let filters = Filters::parse(&args.filter, true, Timestamp::now())?;
    let mut all = store.list()?;
    cx.warnings(&all.warnings);
    let users = if filters.ask_for_users() { network::users(&engine)? } else { network::Users::new() };
    all.networks.retain(|network| {
        let in_use = users.contains_key(&network.name) || store.is_default(&network.name);
        filters.matches(network, in_use)
    });
    let options = Options {
        format: args.format.as_deref(),
        quiet: *args.quiet,
        no_heading: *args.noheading,
        no_trunc: *args.no_trunc,
    };
    cx.printer.text(&view::render(&all.networks, &options)?);
    Ok(0)
}
