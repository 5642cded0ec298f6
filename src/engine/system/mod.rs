//! The store as a whole: looking for damage, counting room, removing everything.

pub mod check;
pub mod disk;
pub mod reset;
