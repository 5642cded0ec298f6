//! Thin safe wrappers over system calls that nix and rustix lack. The only room with `unsafe`.

pub mod exec;
pub mod lock;
pub mod memory;
pub mod mount;
pub mod net;
pub mod packet;
pub mod process;
pub mod seccomp;
pub mod signal;
pub mod stdio;
pub mod time;
pub mod title;
