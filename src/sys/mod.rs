//! Thin safe wrappers over system calls that nix and rustix lack. The only room with `unsafe`.

pub mod lock;
pub mod seccomp;
