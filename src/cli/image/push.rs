//! `coracle push`

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::bail;
use crate::cli::args::{GoBool, Refused, refuse};
use crate::cli::cx::Cx;
use crate::cli::image::registry_flags::{RegistryFlags, credentials, retry_delay};
use crate::cli::progress::Shown;
use crate::cli::prompt;
use crate::engine;
use crate::error::{Error, Result};
use crate::image::push::{Codec, Format, ManifestFormat, PushOptions};
use crate::image::reference::shown;
use crate::image::registry::Access;
use crate::image::store::{ImageStore, not_known};
use crate::image::transport::Location;
use crate::image::trust::{Signing, SigningParameters};
use crate::storage::fs;

const NO_ENCRYPTION: &str = "encrypted images are not there yet";

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Directory with certificates for the registry
    #[arg(long, value_name = "string")]
    cert_dir: Option<PathBuf>,
    /// Compress layers when the destination is a `dir:` directory
    #[arg(long)]
    compress: GoBool,
    /// Compression of the layers: gzip or zstd. Layers that are compressed differently are compressed anew
    #[arg(long, value_name = "string")]
    compression_format: Option<String>,
    /// Compression level: 0 to 9 for gzip, 1 to 22 for zstd [default: 1 for gzip, 3 for zstd]
    #[arg(long, value_name = "int")]
    compression_level: Option<i32>,
    /// Credentials for the registry, as USERNAME:PASSWORD
    #[arg(long, value_name = "Credentials")]
    creds: Option<String>,
    /// Write the digest of the pushed image to this file
    #[arg(long, value_name = "string")]
    digestfile: Option<PathBuf>,
    /// Skip signing by Docker's content trust, which is not done anyway
    #[arg(long, default_value = "true")]
    disable_content_trust: GoBool,
    #[arg(long, value_name = "ints", value_parser = refuse(NO_ENCRYPTION))]
    encrypt_layer: Vec<Refused>,
    #[arg(long, value_name = "stringArray", value_parser = refuse(NO_ENCRYPTION))]
    encryption_key: Vec<Refused>,
    /// Compress all layers anew, also those that have the format already
    #[arg(long)]
    force_compression: GoBool,
    /// Format of the manifest: oci or v2s2 [default: as it is]
    #[arg(short, long, value_name = "string")]
    format: Option<String>,
    /// Do not show progress
    #[arg(short, long)]
    quiet: GoBool,
    /// Do not copy signatures, of which the store has none
    #[arg(long)]
    remove_signatures: GoBool,
    /// How often to try again after a failure of the network [default: 3]
    #[arg(long, value_name = "uint")]
    retry: Option<u32>,
    /// How long to wait between two tries, for example 2s
    #[arg(long, value_name = "string")]
    retry_delay: Option<String>,
    /// Name or fingerprint of the GPG key to sign the image with
    #[arg(long, value_name = "string")]
    sign_by: Option<String>,
    /// File of parameters to sign the image with sigstore
    #[arg(long, value_name = "PATH")]
    sign_by_sigstore: Option<PathBuf>,
    /// File with the private key to sign the image with sigstore
    #[arg(long, value_name = "PATH")]
    sign_by_sigstore_private_key: Option<PathBuf>,
    /// File with the passphrase of the key to sign with
    #[arg(long, value_name = "PATH")]
    sign_passphrase_file: Option<PathBuf>,
    #[command(flatten)]
    registry: RegistryFlags,
    #[arg(value_name = "IMAGE")]
    image: String,
    #[arg(value_name = "DESTINATION")]
    destination: Option<String>,
}

pub fn run(cx: &Cx<'_>, args: Args) -> Result<u8> {
    if !*args.disable_content_trust {
        bail!("--disable-content-trust=false is not supported: there is no content trust of Docker's here");
    }
    let options = options(&args)?;
    let access = Access {
        cert_dir: args.cert_dir.clone(),
        credentials: args.creds.as_deref().map(credentials).transpose()?,
        retry: args.retry,
        retry_delay: args.retry_delay.as_deref().map(retry_delay).transpose()?,
        ..args.registry.access()?
    };
    let engine = cx.engine()?;
    let images = engine::images(&engine)?;
    let (image, to) = places(&images, &args)?;
    let progress = Shown::new(cx.printer, *args.quiet);
    let pushed = images.push(&image, &to, &access, &options, &progress)?;
    progress.finish();
    if let Some(path) = &args.digestfile {
        fs::write(path, pushed.digest.as_bytes())?;
    }
    Ok(0)
}

/// Image and destination. Without a destination, the image goes to where its name says.
fn places(images: &ImageStore, args: &Args) -> Result<(String, Location)> {
    // As in the reference, the image may be named like a source.
    let image = args.image.strip_prefix("containers-storage:").unwrap_or(&args.image);
    if let Some(destination) = &args.destination {
        return Ok((
            image.to_owned(),
            destination_of(destination, "docker://, oci:, oci-archive:, docker-archive: or dir:")?,
        ));
    }
    let Some(name) = images.resolve_name(image)? else {
        if images.exists(image)? {
            return Err(Error::new(format!("`{image}` is not a name that says where to push to"))
                .hint("add a destination: coracle push IMAGE REGISTRY/NAME:TAG"));
        }
        return Err(not_known(image));
    };
    Ok((image.to_owned(), Location::Registry(name.to_string())))
}

/// Where to push to. `transports` are those that can be used here, for a hint.
pub(in crate::cli) fn destination_of(text: &str, transports: &str) -> Result<Location> {
    if let Some(location) = Location::parse(text)? {
        return Ok(location);
    }
    let unknown = text.split_once(':').filter(|(_, rest)| rest.starts_with(['/', '.']));
    if let Some((transport, _)) = unknown {
        return Err(Error::new(format!("invalid image name \"{}\", unknown transport \"{transport}\"", shown(text)))
            .hint(format!("use {transports}")));
    }
    Ok(Location::Registry(text.to_owned()))
}

fn options(args: &Args) -> Result<PushOptions> {
    let format = match args.compression_format.as_deref() {
        None => None,
        Some("gzip") => Some(Format::Gzip),
        Some("zstd") => Some(Format::Zstd),
        Some(other @ ("zstd:chunked" | "bzip2" | "xz")) => {
            return Err(Error::new(format!("compression format `{other}` is not supported")).hint("use gzip or zstd"));
        }
        Some(other) => bail!("unknown compression format `{other}`, known are gzip and zstd"),
    };
    let manifest = args.format.as_deref().map(ManifestFormat::parse).transpose()?;
    if manifest == Some(ManifestFormat::Docker) && format == Some(Format::Zstd) {
        return Err(Error::new("manifests of Docker's format cannot have layers with zstd compression")
            .hint("use --format oci, or --compression-format gzip"));
    }
    Ok(PushOptions {
        format: manifest,
        codec: Some(Codec::new(format.unwrap_or(Format::Gzip), args.compression_level)?),
        codec_is_explicit: format.is_some(),
        force_compression: *args.force_compression,
        compress: *args.compress,
        accept_uncompressed: false,
        signing: Arc::new(signing(args)?),
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

/// Reads the keys to sign with; on a terminal, missing passphrases are asked for.
pub(in crate::cli) fn prepare_signing(parameters: SigningParameters<'_>) -> Result<Signing> {
    let ask = |path: &Path| prompt::password(&format!("Passphrase for key {}: ", path.display()));
    Signing::prepare(&SigningParameters { ask: if prompt::is_possible() { Some(&ask) } else { None }, ..parameters })
}
