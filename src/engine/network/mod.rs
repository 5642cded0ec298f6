//! Networks: what a new container is connected to, and what its files say of that.

pub mod anchor;
mod choose;
mod connect;
mod defaults;
mod egress;
mod files;
mod manage;

pub use choose::{Choice, choose};
pub(super) use connect::{change, renamed};
pub use connect::{connect, disconnect, reload};
pub use defaults::with_defaults;
pub use egress::{egress_log, with_own_namespace};
pub use files::Facts;
pub use manage::{RemoveOptions, Shown, Users, connected, create, remove, shown, unused, update, users, wanted};

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use super::Engine;
use crate::error::Result;
use crate::network::config::{Conf, RootlessCmd, Store, is_pasta};
use crate::network::lookup;

/// What containers.conf says. It is read once: a command works with one.
pub fn conf(engine: &Engine) -> Result<&'static Conf> {
    static CONF: OnceLock<Conf> = OnceLock::new();
    match CONF.get() {
        Some(conf) => Ok(conf),
        None => {
            let conf = engine.networks.read()?;
            Ok(CONF.get_or_init(|| conf))
        }
    }
}

/// The networks of the user.
pub fn store(engine: &Engine) -> Result<Store> {
    Ok(store_of(engine, conf(engine)?))
}

fn store_of(engine: &Engine, conf: &Conf) -> Store {
    Store::at(engine.networks.location(conf))
}

/// What connects the anchor with the host: as containers.conf or the name of `--network-cmd-path` says, else slirp4netns,
/// and pasta where that is missing.
pub fn uplink(engine: &Engine, conf: &Conf) -> RootlessCmd {
    if let Some(said) = conf.rootless_cmd {
        return said;
    }
    match engine.network_cmd_path.as_deref().map(Path::new).or(conf.defaults.network_cmd_path.as_deref()) {
        Some(program) if is_pasta(program) => RootlessCmd::Pasta,
        Some(_) => RootlessCmd::Slirp4netns,
        None if lookup::find("slirp4netns").is_none() && lookup::find("pasta").is_some() => RootlessCmd::Pasta,
        None => RootlessCmd::Slirp4netns,
    }
}

/// The program that is to be used instead of the one of this name in `PATH`, if a flag or containers.conf says so.
pub fn program(engine: &Engine, conf: &Conf, wanted: RootlessCmd) -> Option<PathBuf> {
    let said = conf.defaults.network_cmd_path.as_ref();
    let fits = |path: &&PathBuf| is_pasta(path) == (wanted == RootlessCmd::Pasta);
    engine.network_cmd_path.as_ref().map(PathBuf::from).or_else(|| said.filter(fits).cloned())
}
