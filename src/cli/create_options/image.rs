//! How the image is got.

use std::path::PathBuf;

use crate::cli::args::{GoBool, Refused, refuse};

/// Flags about the image.
#[derive(Debug, clap::Args)]
pub struct ImageArgs {
    /// Architecture of the image, instead of the host's
    #[arg(long, value_name = "ARCH")]
    pub arch: Option<String>,
    /// Authentication file, with the logins of registries
    #[arg(long, value_name = "string")]
    pub authfile: Option<PathBuf>,
    /// Directory with certificates for the registry
    #[arg(long, value_name = "Pathname")]
    pub cert_dir: Option<PathBuf>,
    /// Credentials for the registry, as USERNAME:PASSWORD
    #[arg(long, value_name = "Credentials")]
    pub creds: Option<String>,
    /// Key for an encrypted image
    #[arg(long, value_name = "stringArray", value_parser = refuse("encrypted images are the matter of a later release"))]
    pub decryption_key: Option<Refused>,
    /// Do not use Docker's content trust, which does not exist here [default: true]
    #[arg(long, default_value = "true", hide = true)]
    pub disable_content_trust: GoBool,
    /// Operating system of the image, instead of the host's
    #[arg(long, value_name = "OS")]
    pub os: Option<String>,
    /// Platform of the image (OS/ARCH[/VARIANT]), instead of the host's
    #[arg(long, value_name = "string")]
    pub platform: Option<String>,
    /// When to pull the image (missing, always, never, newer) [default: missing]
    #[arg(long, value_name = "string")]
    pub pull: Option<String>,
    /// Say nothing while pulling
    #[arg(short, long)]
    pub quiet: GoBool,
    /// How often a failed pull is tried again
    #[arg(long, value_name = "uint")]
    pub retry: Option<u32>,
    /// Time between two tries to pull
    #[arg(long, value_name = "string")]
    pub retry_delay: Option<String>,
    /// Require HTTPS and verify certificates of the registry
    #[arg(long)]
    pub tls_verify: Option<GoBool>,
    /// Variant of the image's architecture
    #[arg(long, value_name = "VARIANT")]
    pub variant: Option<String>,
}
