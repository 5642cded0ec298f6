//! What is known of a volume: `volume.json` in its directory.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::options::Options;
use crate::error::Result;

/// A volume, as it was made and as it stands.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Record {
    pub name: String,
    pub created: Timestamp,
    pub labels: BTreeMap<String, String>,
    /// What the driver was told, as it was typed; [`Options::parse`] reads it.
    pub options: BTreeMap<String, String>,
    /// Made for a container that gave it no name, and removed with it.
    pub anonymous: bool,
    /// No container has been started with it whose image had something to copy into it.
    pub needs_copy_up: bool,
    /// Its directory still has the owner and mode with which it was made.
    pub needs_chown: bool,
}

impl Record {
    /// What the driver was told, read.
    ///
    /// # Errors
    /// The file was changed by hand.
    pub fn parsed(&self) -> Result<Options> {
        Options::parse(&self.options)
    }
}
