//! Which IDs a container has: `--userns`, `--uidmap` and its kin, and what becomes of files under another mapping.
//!
//! ```text
//! mode.rs      --userns                          text -> Mode
//! entry.rs     --uidmap, --gidmap                text -> entries -> extents
//! plan.rs      all of it                         Request + the user's IDs -> IdMap
//! ranges.rs    sets of IDs                       what is free, and dealing it out
//! stored.rs    how IDs of a container are stored on disk
//! ```
//!
//! All of it is pure. The mapping of a container is decided when it is created and stands in its record, so that ranges
//! given to one are never given to another, and come back when the record goes.

pub mod entry;
pub mod mode;
pub mod plan;
mod ranges;
pub mod stored;

pub use mode::Mode;
pub use plan::{Decided, Given, Request};
pub use stored::{Shift, disk_map, stored, to_own, to_parent};
