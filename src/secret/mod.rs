//! Secrets: values that containers need and that stand in no image, record or log.
//!
//! ```text
//! <root>/secrets/
//!   secrets.json     what is known of every secret, but for its value ([`Secret`])
//!   lock             taken to change secrets.json; readers take none
//!   key              32 random bytes in base64, mode 0600 ...
//!   key.cred         ... or the same, sealed by systemd-creds for this user
//!   filedriver/<id>  the value, encrypted (`seal`)
//! ```
//!
//! A value comes before its entry in `secrets.json` and goes after it, so that an entry always has one. What a killed
//! process leaves without an entry is removed by the next `secret create`. No value is ever written to a disk but
//! encrypted; the drivers `pass` and `shell` leave that to the programs that they call.
//!
//! What containers get of all this is not the matter of this room: the engine hands it over when they start.

mod driver;
mod key;
mod plain;
mod program;
mod seal;
mod store;

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub use driver::parse_options;
pub use plain::Plain;
pub use store::{Create, Store};

/// A value is smaller than this.
pub const MAX_SIZE: usize = 512_000;

/// What is known of a secret, but for its value.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Secret {
    /// 25 hexadecimal digits.
    pub id: String,
    pub name: String,
    pub created: Timestamp,
    /// When its value was last replaced; its ID is a new one since then.
    pub updated: Timestamp,
    /// `file`, `pass` or `shell`.
    pub driver: String,
    pub driver_options: BTreeMap<String, String>,
    pub labels: BTreeMap<String, String>,
}

/// Whether a secret may have this name.
pub fn is_valid_name(name: &str) -> bool {
    (1..=253).contains(&name.len()) && !name.contains(['=', '/', ',', '\0'])
}
