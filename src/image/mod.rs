//! Images: references, the OCI-layout store, pulling, loading, importing, and the layers they unpack to.

mod archive;
pub mod change;
pub mod content;
pub mod embedded;
mod flow;
pub mod import;
pub mod index;
pub mod ingest;
pub mod list;
pub mod load;
pub mod manifest;
pub mod platform;
pub mod progress;
pub mod pull;
pub mod push;
pub mod reference;
pub mod registry;
pub mod remove;
pub mod save;
pub mod shortnames;
pub mod store;
pub mod summary;
pub mod tags;
#[cfg(test)]
mod tests;
pub mod transport;
pub mod types;

pub use import::ImportOptions;
pub use load::{Loaded, LoadedImage};
pub use platform::Platform;
pub use progress::{Event, Progress, Silent};
pub use pull::{PullOptions, Pulled};
pub use reference::Reference;
pub use registry::Credentials;
pub use remove::{InUse, Removed};
pub use shortnames::RegistriesConf;
pub use store::ImageStore;
pub use types::{History, Image, ImageConfig};
