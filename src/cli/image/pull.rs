//! `coracle pull`

use std::path::PathBuf;

use crate::bail;
use crate::cli::args::{GoBool, Refused, refuse};
use crate::cli::cx::{Cx, usual_code};
use crate::cli::image::registry_flags::{RegistryFlags, credentials, retry_delay};
use crate::cli::progress::Shown;
use crate::container::options::PullPolicy;
use crate::engine;
use crate::error::{Error, Result};
use crate::image::platform::Platform;
use crate::image::pull::PullOptions;
use crate::image::registry::Access;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Pull all tags of the repository
    #[arg(short, long)]
    all_tags: GoBool,
    /// Pull the image for this architecture instead of that of the machine
    #[arg(long, value_name = "ARCH")]
    arch: Option<String>,
    /// Directory with certificates for the registry
    #[arg(long, value_name = "Pathname")]
    cert_dir: Option<PathBuf>,
    /// Credentials for the registry, as USERNAME:PASSWORD
    #[arg(long, value_name = "Credentials")]
    creds: Option<String>,
    /// Key to decrypt the image with
    #[arg(long, value_name = "stringArray", value_parser = refuse("encrypted images are not there yet"))]
    decryption_key: Vec<Refused>,
    /// Skip verification by Docker's content trust, which is not done anyway
    #[arg(long, default_value = "true")]
    disable_content_trust: GoBool,
    /// Pull the image for this operating system instead of that of the machine
    #[arg(long, value_name = "OS")]
    os: Option<String>,
    /// Pull the image for this platform, as OS/ARCH[/VARIANT]
    #[arg(long, value_name = "string")]
    platform: Option<String>,
    /// When to pull: always, missing, never or newer
    #[arg(long, value_name = "string", default_value = "always", hide_default_value = true)]
    policy: String,
    /// Do not show progress
    #[arg(short, long)]
    quiet: GoBool,
    /// How often to try again after a failure of the network [default: 3]
    #[arg(long, value_name = "uint")]
    retry: Option<u32>,
    /// How long to wait between two tries, for example 2s
    #[arg(long, value_name = "string")]
    retry_delay: Option<String>,
    /// Pull the image for this variant of the architecture
    #[arg(long, value_name = "string")]
    variant: Option<String>,
    #[command(flatten)]
    registry: RegistryFlags,
    #[arg(value_name = "IMAGE", required = true)]
    images: Vec<String>,
}

pub fn run(cx: &Cx<'_>, args: Args) -> Result<u8> {
    if !*args.disable_content_trust {
        bail!("--disable-content-trust=false is not supported: there is no content trust of Docker's here");
    }
    let retry_delay = args.retry_delay.as_deref().map(retry_delay).transpose()?;
    let access = Access {
        cert_dir: args.cert_dir.clone(),
        credentials: args.creds.as_deref().map(credentials).transpose()?,
        retry: args.retry,
        retry_delay,
        ..args.registry.access()?
    };
    cx.warnings(&access.registries.notes);
    let options = PullOptions { platform: platform(&args)?, access };
    let policy = pull_policy(&args.policy)?;
    let engine = cx.engine()?;
    engine::enter_userns(&engine)?;
    let images = engine::images(&engine)?;
    let progress = Shown::new(cx.printer, *args.quiet);
    let mut ids = Vec::new();
    let code = cx.each(&args.images, usual_code, |name| {
        let pulled = engine::image::pull(&images, name, &options, policy, *args.all_tags, &progress)?;
        progress.finish();
        for one in pulled {
            cx.warnings(&one.warnings);
            ids.push(one.image.id);
        }
        Ok(())
    });
    progress.finish();
    ids.iter().for_each(|id| cx.printer.line(id));
    Ok(code)
}

/// A policy of `--policy` or `--pull`, by the names of Podman's and by those of Kubernetes.
pub(in crate::cli) fn pull_policy(text: &str) -> Result<PullPolicy> {
    Ok(match text.to_ascii_lowercase().as_str() {
        "missing" | "ifnotpresent" => PullPolicy::Missing,
        "always" | "true" => PullPolicy::Always,
        "never" | "false" => PullPolicy::Never,
        "newer" | "ifnewer" => PullPolicy::Newer,
        _ => {
            return Err(
                Error::new(format!("unsupported pull policy \"{text}\"")).hint("use missing, always, never or newer")
            );
        }
    })
}

fn platform(args: &Args) -> Result<Option<Platform>> {
    let platform = args.platform.as_deref().filter(|text| !text.is_empty());
    if platform.is_some() && (args.os.is_some() || args.arch.is_some()) {
        bail!("--platform option can not be specified with --arch or --os");
    }
    match (platform, &args.os, &args.arch, &args.variant) {
        (Some(text), .., Some(variant)) if text.split('/').count() == 2 => {
            Platform::parse(&format!("{text}/{variant}")).map(Some)
        }
        (Some(text), ..) => Platform::parse(text).map(Some),
        (None, None, None, None) => Ok(None),
        (None, os, arch, variant) => {
            let text = |part: &Option<String>| part.clone().unwrap_or_default();
            Ok(Some(Platform::new(&text(os), &text(arch), &text(variant))))
        }
    }
}
