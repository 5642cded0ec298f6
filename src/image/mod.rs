//! Images: references, the OCI-layout store, pulling, loading, importing, and the layers they unpack to.

pub mod embedded;
pub mod types;

pub use types::{History, Image, ImageConfig};
