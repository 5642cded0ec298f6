//! runtime

pub mod caps;
pub mod passwd;
pub mod seccomp;
