//! Images on behalf of containers.

use super::Engine;
use crate::container::options::Pull;
use crate::error::{Error, Result};
use crate::image::Image;

/// The image of this name, pulled if the policy says so.
pub fn obtain(engine: &Engine, name: &str, _pull: &Pull, _warnings: &mut Vec<String>) -> Result<Image> {
    let images = super::images(engine)?;
    images.find(name).map_err(|e| Error::new(e.to_string()))
}

/// A warning when the image is for another platform.
pub fn foreign_platform(_image: &Image) -> Option<String> {
    None
}
