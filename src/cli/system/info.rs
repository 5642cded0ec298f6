//! `coracle info`

use serde_json::json;

use crate::cli::cx::Cx;
use crate::cli::env;
use crate::cli::views::info::host::Host;
use crate::cli::views::info::{Counts, Engine, IdMap, render};
use crate::cli::views::version::Build;
use crate::container::logging::LogOptions;
use crate::container::{Status, defaults, snapshot};
use crate::engine;
use crate::error::Result;
use crate::image::config::RegistriesConf;
use crate::runtime::userns::{self, Extent};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Print as JSON or by a Go template
    #[arg(short, long, value_name = "string")]
    format: Option<String>,
}

pub fn run(cx: &Cx<'_>, args: Args) -> Result<u8> {
    let (engine, store) = cx.containers()?;
    // All that depends on who we are is asked before the user namespace is entered.
    let host = Host::read();
    let mapping = userns::mapping()?;
    let rootless = !nix::unistd::geteuid().is_root();
    let containers = store.list()?;
    let count = |status: fn(Status) -> bool| containers.iter().filter(|c| status(c.state.status)).count();
    let registries = RegistriesConf::read(&env::places())?;
    let network_helper = engine::network::uplink(&engine, engine::network::conf(&engine)?).name().to_owned();
    let shown = Engine {
        containers: Counts {
            number: containers.len(),
            running: count(|s| s == Status::Running),
            paused: count(|s| s == Status::Paused),
            stopped: count(|s| !matches!(s, Status::Running | Status::Paused)),
        },
        images: engine::images(&engine)?.list()?.len(),
        rootless,
        capabilities: defaults::CAPABILITIES.iter().map(|name| (*name).to_owned()).collect(),
        uid_map: mapping.uids.iter().map(id_map).collect(),
        gid_map: mapping.gids.iter().map(id_map).collect(),
        network_helper,
        log_driver: LogOptions::default().driver.as_str().to_owned(),
        registries: if registries.search.is_empty() { json!({}) } else { json!({"search": registries.search}) },
        build: Build::of_this(),
        driver: driver(cx, &engine),
        roots: engine.roots,
    };
    cx.printer.text(&render(&shown, &host, args.format.as_deref())?);
    Ok(0)
}

fn id_map(extent: &Extent) -> IdMap {
    IdMap { container_id: extent.container_id, host_id: extent.host_id, size: extent.size }
}

/// The storage driver, or nothing where it cannot be tried out: the rest is worth showing all the same, and this is the
/// command to find out what is wrong.
fn driver(cx: &Cx<'_>, engine: &engine::Engine) -> String {
    let found =
        engine::enter_userns(engine).and_then(|_| snapshot::choose_driver(&engine.roots, engine.driver.as_deref()));
    found.unwrap_or_else(|error| {
        cx.printer.warning(&error);
        String::new()
    })
}
