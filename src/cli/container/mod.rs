//! Commands about containers, one per file.

pub mod attach;
pub mod cleanup;
pub mod clone;
pub mod commit;
pub mod cp;
pub mod create;
pub mod diff;
pub mod exec;
pub mod exists;
pub mod export;
pub mod init;
pub mod inspect;
pub mod kill;
pub mod logs;
pub mod mount;
pub mod pause;
pub mod port;
pub mod prune;
pub mod ps;
pub mod rename;
pub mod restart;
pub mod rm;
pub mod run;
pub mod start;
pub mod stop;
pub mod top;
pub mod unmount;
pub mod unpause;
pub mod wait;

/// `--time`: seconds before SIGKILL, where a negative number means to wait for ever.
pub fn grace(time: Option<i32>) -> Option<u32> {
    time.map(|seconds| u32::try_from(seconds).unwrap_or(u32::MAX))
}
