//! Where things live, and how they change: paths, atomic files, locks, snapshots.

pub mod atomic;
pub mod behind;
pub mod fs;
pub mod id;
pub mod layers;
pub mod lock;
pub mod owners;
pub mod roots;
pub mod tree;
pub mod unpack;
pub mod usage;
pub mod verify;
pub mod workdir;

pub use roots::Roots;
