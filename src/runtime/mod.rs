//! From an OCI runtime spec to a process: user namespace, clone, mounts, capabilities, seccomp, init, exec.
//! The only room that forks a container. It knows nothing of images or the command line.

pub mod channel;
pub mod child;
pub mod exe;
pub mod launch;
pub mod spawn;
pub mod subid;
pub mod userns;
//! runtime

pub mod caps;
pub mod seccomp;
