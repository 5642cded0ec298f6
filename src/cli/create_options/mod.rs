//! The flags that `run` and `create` share: what is typed, and its conversion into what is meant.
//!
//! [`CreateArgs`] is the typed layer, one struct a theme; [`resolve`] makes a [`CreateOptions`] of it, reading the files
//! and the environment of the host that flags speak of. [`RunOnly`] and [`CreateOnly`] are what one command has and the
//! other has not.

mod files;
mod health;
mod image;
mod limits;
mod log;
mod misc;
mod namespaces;
mod network;
mod process;
mod resolve;
mod run_only;
mod security;

pub use resolve::{Invocation, resolve};
pub use run_only::{Foreground, RunOnly};

use super::args::{Refused, refuse};

/// The flags and words of `run` and `create`.
#[derive(Debug, clap::Args)]
pub struct CreateArgs {
    #[command(flatten)]
    pub process: process::ProcessArgs,
    #[command(flatten)]
    pub files: files::FilesArgs,
    #[command(flatten)]
    pub network: network::NetworkArgs,
    #[command(flatten)]
    pub namespaces: namespaces::NamespacesArgs,
    #[command(flatten)]
    pub security: security::SecurityArgs,
    #[command(flatten)]
    pub limits: limits::LimitsArgs,
    #[command(flatten)]
    pub log: log::LogArgs,
    #[command(flatten)]
    pub health: health::HealthArgs,
    #[command(flatten)]
    pub image: image::ImageArgs,
    #[command(flatten)]
    pub misc: misc::MiscArgs,
    /// The image, and what is executed in it: flags of ours end at the image.
    #[arg(value_name = "IMAGE", required = true, trailing_var_arg = true)]
    pub words: Vec<String>,
}

/// What only `create` has.
#[derive(Debug, clap::Args)]
pub struct CreateOnly {
    /// Make this an init container of a pod
    #[arg(long, value_name = "string", value_parser = refuse("pods are the matter of a later release"))]
    pub init_ctr: Option<Refused>,
}

#[cfg(test)]
mod tests;
