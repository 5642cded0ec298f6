//! `coracle container cleanup`

use crate::cli::args::{GoBool, Refused, refuse};
use crate::cli::cx::{Cx, usual_code};
use crate::cli::select::{self, Wanted};
use crate::container::usage;
use crate::engine::{self, RemoveOptions};
use crate::error::{Kind, Result};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Clean up all containers
    #[arg(short, long)]
    all: GoBool,
    /// Clean up a session of exec
    #[arg(long, value_name = "string", value_parser = refuse("sessions of exec leave nothing behind"))]
    exec: Option<Refused>,
    /// Act on the latest container
    #[arg(short, long)]
    latest: GoBool,
    /// Remove the container afterwards
    #[arg(long)]
    rm: GoBool,
    /// Remove the container's image afterwards
    #[arg(long)]
    rmi: GoBool,
    #[arg(value_name = "CONTAINER")]
    containers: Vec<String>,
}

/// Nothing of a container's is left mounted or connected when it has ended, so that all there is to do is what a killed
/// monitor has not done. Running containers are left alone.
pub fn run(cx: &Cx<'_>, args: Args) -> Result<u8> {
    let flags = Wanted { names: &args.containers, all: *args.all, latest: *args.latest, ..Wanted::default() };
    flags.check()?;
    let (engine, store) = cx.containers()?;
    let wanted: Vec<(String, String)> = match (*args.all, *args.latest) {
        (true, _) => store.ids()?.into_iter().map(|id| (id.clone(), id)).collect(),
        (_, true) => vec![select::one(&store, None, true).map(|id| (id.clone(), id))?],
        // As in the reference: one that is gone has been cleaned up.
        _ => args.containers.iter().filter_map(|name| Some((store.resolve(name).ok()?, name.clone()))).collect(),
    };
    Ok(cx.each(wanted, usual_code, |(id, shown)| {
        let container = match engine::settle(&engine, &id) {
            Err(error) if error.kind() == Kind::NoSuch => return Ok(()),
            result => result?,
        };
        if container.state.status.is_alive() {
            return Ok(());
        }
        if *args.rm {
            engine::remove(&engine, &id, RemoveOptions { volumes: true, ..RemoveOptions::default() })?;
        }
        cx.printer.line(shown);
        if *args.rmi {
            engine::enter_userns(&engine)?;
            let images = engine::images(&engine)?;
            usage::remove_image(&store, &images, &container.record.image_id, false)?;
        }
        Ok(())
    }))
}
