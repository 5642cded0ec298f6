//! `coracle manifest push`

use std::path::PathBuf;
use std::sync::Arc;

use crate::bail;
use crate::cli::args::GoBool;
use crate::cli::cx::Cx;
use crate::cli::image::push::{destination_of, prepare_signing};
use crate::cli::image::registry_flags::RegistryFlags;
use crate::cli::progress::Shown;
use crate::container::usage;
use crate::engine;
use crate::error::{Context, Error, Kind, Result};
use crate::image::list::push::PushList;
use crate::image::push::{Codec, Format, ManifestFormat, PushOptions};
use crate::image::registry::Access;
use crate::image::transport::Location;
use crate::image::trust::{Signing, SigningParameters};
use crate::storage::fs;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Add instances with this compression (gzip or zstd) for platforms that have none
    #[arg(long, value_name = "strings")]
    add_compression: Vec<String>,
    /// Push the instances as well as the list
    #[arg(long, default_value = "true")]
    all: GoBool,
    /// Directory with certificates for the registry
    #[arg(long, value_name = "string")]
    cert_dir: Option<PathBuf>,
    /// Compression of the layers: gzip or zstd. Layers that are compressed differently are compressed anew
    #[arg(long, value_name = "string")]
    compression_format: Option<String>,
    /// Compression level: 0 to 9 for gzip, 1 to 22 for zstd [default: 1 for gzip, 3 for zstd]
    #[arg(long, value_name = "int")]
    compression_level: Option<i32>,
    /// Write the digest of the pushed list to this file
    #[arg(long, value_name = "string")]
    digestfile: Option<PathBuf>,
    /// Compress all layers anew, also those that have the format already
    #[arg(long)]
    force_compression: GoBool,
    /// Format of the list and its instances: oci or v2s2 [default: oci, and instances as they are]
    #[arg(short, long, value_name = "string")]
    format: Option<String>,
    /// Do not show progress
    #[arg(short, long)]
    quiet: GoBool,
    /// Do not copy signatures, of which the store has none
    #[arg(long)]
    remove_signatures: GoBool,
    /// Remove the list from local storage when it is pushed
    #[arg(long)]
    rm: GoBool,
    /// Name or fingerprint of the GPG key to sign the list and its instances with
    #[arg(long, value_name = "FINGERPRINT")]
    sign_by: Option<String>,
    /// File of parameters to sign the list and its instances with sigstore
    #[arg(long, value_name = "PATH")]
    sign_by_sigstore: Option<PathBuf>,
    /// File with the private key to sign the list and its instances with sigstore
    #[arg(long, value_name = "PATH")]
    sign_by_sigstore_private_key: Option<PathBuf>,
    /// File with the passphrase of the key to sign with
    #[arg(long, value_name = "PATH")]
    sign_passphrase_file: Option<PathBuf>,
    #[command(flatten)]
    registry: RegistryFlags,
    #[arg(value_name = "LIST")]
    list: String,
    #[arg(value_name = "DESTINATION")]
    destination: Option<String>,
}

pub fn run(cx: &Cx<'_>, args: Args) -> Result<u8> {
    let how = how(&args)?;
    let access = Access { cert_dir: args.cert_dir.clone(), ..args.registry.access()? };
    let (engine, store) = cx.containers()?;
    if *args.rm {
        engine::enter_userns(&engine)?;
    }
    let images = engine::images(&engine)?;
    let list = images.manifest_list(&args.list).map_err(|e| e.with_kind(Kind::Engine));
    let list = list.with_context(|| format!("retrieving local image from image name {}", args.list))?;
    let to = match &args.destination {
        Some(destination) => destination_of(destination, "docker://, oci:, oci-archive: or dir:")?,
        None => match images.resolve_name(&args.list)? {
            Some(name) => Location::Registry(name.to_string()),
            None => {
                return Err(Error::new(format!("`{}` is not a name that says where to push to", args.list))
                    .hint("add a destination: coracle manifest push LIST docker://REGISTRY/NAME:TAG"));
            }
        },
    };
    let progress = Shown::new(cx.printer, *args.quiet);
    let pushed = images.push_manifest_list(&list, &to, &access, &how, &progress)?;
    progress.finish();
    if let Some(path) = &args.digestfile {
        fs::write(path, pushed.digest.as_bytes())?;
    }
    if *args.rm {
        usage::remove_image(&store, &images, &list.id, true)?;
    }
    Ok(0)
}

fn how(args: &Args) -> Result<PushList> {
    let explicit =
        args.compression_format.as_deref().map(|text| compression("--compression-format", text)).transpose()?;
    let format = match args.format.as_deref() {
        None => None,
        Some("v2s1") => {
            bail!("unknown format \"v2s1\". Choose one of the supported formats: 'oci' or 'v2s2'");
        }
        Some(text @ ("oci" | "v2s2")) => Some(ManifestFormat::parse(text)?),
        Some(text) => bail!("unknown format \"{text}\". Choose one of the supported formats: 'oci' or 'v2s2'"),
    };
    let mut replicate = Vec::new();
    for text in super::words(&args.add_compression) {
        let codec = Codec::default_for(compression("--add-compression", &text)?);
        if !replicate.contains(&codec) {
            replicate.push(codec);
        }
    }
    Ok(PushList {
        all: *args.all,
        options: PushOptions {
            format,
            codec: Some(Codec::new(explicit.unwrap_or(Format::Gzip), args.compression_level)?),
            codec_is_explicit: explicit.is_some(),
            force_compression: *args.force_compression,
            compress: false,
            accept_uncompressed: false,
            signing: Arc::new(signing(args)?),
        },
        replicate,
    })
}

fn signing(args: &Args) -> Result<Signing> {
    prepare_signing(SigningParameters {
        gpg_key: args.sign_by.clone(),
        sigstore_key: args.sign_by_sigstore_private_key.clone(),
        sigstore_parameters: args.sign_by_sigstore.clone(),
        passphrase_file: args.sign_passphrase_file.clone(),
        ask: None,
    })
}

fn compression(flag: &str, text: &str) -> Result<Format> {
    match text {
        "gzip" => Ok(Format::Gzip),
        "zstd" => Ok(Format::Zstd),
        other => Err(Error::new(format!("compression format `{}` of {flag} is not supported", other.escape_debug()))
            .hint("use gzip or zstd")),
    }
}
