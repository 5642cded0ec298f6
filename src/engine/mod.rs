//! What the user means: run, create, start, exec and the rest, composed of the rooms below. Prints nothing.

mod accounts;
pub mod attach;
pub mod clone;
pub mod commit;
pub mod container_mount;
pub mod copy;
mod create;
mod depend;
pub mod diff;
mod exec;
mod export;
mod idmap;
pub mod image;
pub mod image_mount;
pub mod interrupt;
mod launch;
mod lifecycle;
pub mod logs;
mod monitor;
mod names;
pub mod network;
pub mod ports;
pub mod prune;
mod recover;
mod remove;
mod run;
pub mod secrets;
mod sign;
mod size;
mod sweep;
pub mod system;
pub mod top;
mod unshare;
pub mod view;
pub mod volumes;

use std::sync::OnceLock;

pub use create::{Created, create};
pub use depend::dependents;
pub use exec::{ExecEnd, ExecOptions, exec};
pub use export::export;
pub use idmap::prune_shown;
pub use lifecycle::{StartOptions, hold, init, kill, pause, rename, restart, start, stop, unpause, wait};
pub use recover::{list, settle};
pub use remove::{RemoveOptions, remove};
pub use run::{AttachOptions, RunEnd, RunOptions, attach_to as attach, run};
pub use sign::sign;
pub use size::container_size;
pub use sweep::sweep;
pub use unshare::unshare;

use crate::container::store::Store;
use crate::error::Result;
use crate::image::config::{Choose, Places};
use crate::image::store::ImageStore;
use crate::image::trust::Trust;
use crate::runtime::userns::{self, Mapping};
use crate::storage::Roots;

/// Where this invocation works, and with what.
#[derive(Debug, Clone)]
pub struct Engine {
    pub roots: Roots,
    /// `--storage-driver`.
    pub driver: Option<String>,
    /// `--network-cmd-path`.
    pub network_cmd_path: Option<String>,
    /// Where networks are defined, and what containers.conf says of them.
    pub networks: crate::network::config::Places,
    /// Where the user's files about registries and logins are.
    pub places: Places,
    /// Asks which image a short name means; `None` where there is nobody to ask.
    pub choose: Option<Choose>,
    /// Whose policy decides which images may come in.
    pub trust: Trust,
}

/// The namespace that this process has entered, if it has.
pub(crate) static ENTERED: OnceLock<Mapping> = OnceLock::new();

/// Moves this process into the user's user namespace, once. It must have one thread.
pub fn enter_userns(engine: &Engine) -> Result<&'static Mapping> {
    match ENTERED.get() {
        Some(mapping) => Ok(mapping),
        None => entered(userns::enter(&engine.roots)?),
    }
}

pub(crate) fn entered(mapping: Mapping) -> Result<&'static Mapping> {
    Ok(ENTERED.get_or_init(|| mapping))
}

/// The containers.
pub fn containers(engine: &Engine) -> Store {
    Store::new(&engine.roots)
}

/// The images.
pub fn images(engine: &Engine) -> Result<ImageStore> {
    Ok(ImageStore::open(&engine.roots)?.trusting(&engine.trust))
}
