//! `coracle rm`

use std::path::PathBuf;

use crate::bail;
use crate::cli::args::GoBool;
use crate::cli::cx::{Cx, removal_code};
use crate::cli::select::{Target, Wanted};
use crate::container::store::Store;
use crate::engine::{self, RemoveOptions};
use crate::error::{Kind, Result};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Remove all containers
    #[arg(short, long)]
    all: GoBool,
    /// Read the container ID from the file
    #[arg(long, value_name = "stringArray")]
    cidfile: Vec<PathBuf>,
    /// Remove the container and all containers that depend on it
    #[arg(long)]
    depend: GoBool,
    /// Only containers that match, for example status=exited or label=key=value
    #[arg(long, value_name = "stringArray")]
    filter: Vec<String>,
    /// Force removal of a running or unusable container
    #[arg(short, long)]
    force: GoBool,
    /// Ignore errors when a specified container is missing
    #[arg(short, long)]
    ignore: GoBool,
    /// Act on the latest container
    #[arg(short, long)]
    latest: GoBool,
    /// Seconds to wait before the container is killed (with --force)
    #[arg(short, long, value_name = "int")]
    time: Option<i32>,
    /// Remove anonymous volumes associated with the container
    #[arg(short, long)]
    volumes: GoBool,
    #[arg(value_name = "CONTAINER")]
    containers: Vec<String>,
}

pub fn run(cx: &Cx<'_>, args: Args) -> Result<u8> {
    if args.time.is_some() && !*args.force {
        bail!("--force option must be specified to use the --time option");
    }
    let (engine, store) = cx.containers()?;
    let wanted = Wanted {
        names: &args.containers,
        all: *args.all,
        latest: *args.latest,
        cidfiles: &args.cidfile,
        filters: &args.filter,
        // With --force a missing container is no error, as in the reference.
        ignore: *args.ignore || *args.force,
        of_all: |_| true,
    };
    let targets = needed_last(&store, wanted.targets(&store)?)?;
    let code = cx.each(targets, removal_code, |target| {
        let target = target?;
        let options = RemoveOptions {
            force: *args.force,
            volumes: *args.volumes,
            timeout: super::grace(args.time),
            depend: *args.depend,
        };
        let dependents = if *args.depend { engine::dependents(&store, &target.id)? } else { Vec::new() };
        match engine::remove(&engine, &target.id, options) {
            // Somebody else, perhaps its own `--rm`, was faster.
            Err(error) if error.kind() == Kind::NoSuch && (*args.ignore || *args.force || *args.all) => {}
            result => result?,
        }
        dependents.into_iter().chain([target.shown]).for_each(|shown| cx.printer.line(shown));
        Ok(())
    });
    // What killed commands left half made goes as well.
    engine::sweep(&engine)?;
    Ok(code)
}

/// The same, but whoever needs another of them comes before it.
fn needed_last(store: &Store, targets: Vec<Result<Target>>) -> Result<Vec<Result<Target>>> {
    let by = |target: &Result<Target>| target.as_ref().map_or(Ok(Vec::new()), |t| engine::dependents(store, &t.id));
    let dependents = targets.iter().map(by).collect::<Result<Vec<_>>>()?;
    if dependents.iter().all(Vec::is_empty) {
        return Ok(targets);
    }
    let mut ordered: Vec<(Result<Target>, Vec<String>)> = Vec::with_capacity(targets.len());
    for (target, dependents) in targets.into_iter().zip(dependents) {
        let needs = |(_, others): &(_, Vec<String>)| target.as_ref().is_ok_and(|t| others.contains(&t.id));
        let at = ordered.iter().position(needs).unwrap_or(ordered.len());
        ordered.insert(at, (target, dependents));
    }
    Ok(ordered.into_iter().map(|(target, _)| target).collect())
}
