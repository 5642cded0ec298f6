//! The user's and the system's configuration of registries: containers-registries.conf(5) and containers-registries.conf.d(5).
//!
//! - `places.rs`    where the files of this user are
//! - `file.rs`      the format of one file, pure
//! - `registry.rs`  one `[[registry]]`: which names it is for, and where it sends them, pure
//! - `conf.rs`      all files together
//! - `aliases.rs`   the aliases that prompts have led to, a file of the engine's own
//! - `shortnames.rs` names without a registry: aliases, the registries to search, the prompt

mod aliases;
mod conf;
mod file;
mod places;
mod registry;
mod shortnames;

pub use conf::RegistriesConf;
pub use file::{ConfFile, ShortNameMode, parse};
pub use places::{AuthPlaces, Places};
pub use registry::{Mirror, PullFromMirror, Registry};
pub use shortnames::{Choose, Resolved};
