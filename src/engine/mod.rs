//! engine: temporary signatures, until the real room is merged.

use std::io::Write;
use std::time::Duration;

use crate::container::store::Store;
use crate::error::{Error, Result};
use crate::storage::Roots;

#[derive(Debug, Clone)]
pub struct Engine {
    pub roots: Roots,
    pub driver: Option<String>,
    pub network_cmd_path: Option<String>,
}

#[derive(Debug, Clone, Default)]
pub struct StartOptions {
    pub attach: bool,
    pub interactive: bool,
    pub sig_proxy: bool,
    pub detach_keys: Option<String>,
}

#[derive(Debug, Clone, Default)]
pub struct RemoveOptions {
    pub force: bool,
    pub volumes: bool,
    pub timeout: Option<u32>,
    pub depend: bool,
}

#[derive(Debug, Clone, Default)]
pub struct AttachOptions {
    pub stdin: bool,
    pub sig_proxy: bool,
    pub detach_keys: Option<String>,
}

#[derive(Debug, Clone, Default)]
pub struct ExecOptions {
    pub command: Vec<String>,
    pub env: Vec<String>,
    pub user: Option<String>,
    pub workdir: Option<String>,
    pub tty: bool,
    pub interactive: bool,
    pub detach: bool,
    pub privileged: bool,
    pub detach_keys: Option<String>,
    pub env_files: Vec<std::path::PathBuf>,
}

#[derive(Debug, Clone, Default)]
pub struct ExecEnd {
    pub code: u8,
    pub session: Option<String>,
}

fn missing<T>() -> Result<T> {
    Err(Error::new("the engine is not merged"))
}

#[derive(Debug, Clone, Default)]
pub struct Created {
    pub id: String,
    pub warnings: Vec<String>,
}
pub fn create(_: &Engine, _: &crate::container::CreateOptions) -> Result<Created> {
    missing()
}
#[derive(Debug, Clone, Default)]
pub struct RunOptions {
    pub detach: bool,
    pub detach_keys: Option<String>,
    pub sig_proxy: bool,
}
#[derive(Debug, Clone, Default)]
pub struct RunEnd {
    pub code: u8,
    pub detached_id: Option<String>,
    pub warnings: Vec<String>,
}
pub fn run(
    _: &Engine,
    _: &crate::container::CreateOptions,
    _: &RunOptions,
    _warn: &mut dyn FnMut(&str),
) -> Result<RunEnd> {
    missing()
}
pub fn start(_: &Engine, _id: &str, _: &StartOptions) -> Result<Option<u8>> {
    missing()
}
pub fn stop(_: &Engine, _id: &str, _timeout: Option<u32>) -> Result<()> {
    missing()
}
pub fn restart(_: &Engine, _id: &str, _timeout: Option<u32>) -> Result<()> {
    missing()
}
pub fn kill(_: &Engine, _id: &str, _signal: i32) -> Result<()> {
    missing()
}
pub fn pause(_: &Engine, _id: &str) -> Result<()> {
    missing()
}
pub fn unpause(_: &Engine, _id: &str) -> Result<()> {
    missing()
}
pub fn init(_: &Engine, _id: &str) -> Result<()> {
    missing()
}
pub fn remove(_: &Engine, _id: &str, _: RemoveOptions) -> Result<()> {
    missing()
}
pub fn attach(_: &Engine, _id: &str, _: &AttachOptions) -> Result<u8> {
    missing()
}
pub fn exec(_: &Engine, _id: &str, _: &ExecOptions) -> Result<ExecEnd> {
    missing()
}
pub fn wait(_: &Engine, _id: &str, _conditions: &[String], _interval: Duration) -> Result<i32> {
    missing()
}
pub fn rename(_: &Engine, _id: &str, _name: &str) -> Result<()> {
    missing()
}
pub fn export(_: &Engine, _id: &str, _output: &mut dyn Write) -> Result<()> {
    missing()
}
pub fn unshare(_: &Engine, _command: &[String]) -> Result<u8> {
    missing()
}
pub fn enter_userns(_: &Engine) -> Result<()> {
    missing()
}
/// Bytes that a container has written, and bytes of its whole root file system.
pub fn container_size(_: &Engine, _container: &crate::container::store::Container) -> Result<(u64, u64)> {
    missing()
}
pub fn images(engine: &Engine) -> Result<crate::image::store::ImageStore> {
    crate::image::store::ImageStore::open(&engine.roots)
}
pub fn containers(engine: &Engine) -> Store {
    Store::new(&engine.roots)
}
