//! Signing images that are in a registry already.

use std::path::Path;

use crate::bail;
use crate::error::{Context, Result};
use crate::image::manifest::{self, Document};
use crate::image::reference::{Reference, sha256_hex};
use crate::image::registry::client::RawManifest;
use crate::image::registry::{Access, Client, Purpose};
use crate::image::trust::Trust;
use crate::storage::unpack::digest::sha256;

/// Signs an image in a registry, and with `all` those of every platform that it is a list of.
pub fn sign(trust: &Trust, name: &str, key: &str, directory: Option<&Path>, all: bool, access: &Access) -> Result<()> {
    let text = name.strip_prefix("docker://").unwrap_or(name);
    let reference = Reference::parse(text).with_context(|| format!("parsing image name `{}`", name.escape_debug()))?;
    let attempt = || {
        let client = access.connect(&access.destination(&reference)?, Purpose::Pull)?;
        let top = fetch(&client, reference.wanted())?;
        let mut manifests = vec![top.bytes.clone()];
        if all {
            let Document::Index(list) = manifest::parse_document(&top.bytes, &top.media_type)? else {
                bail!("it is not a multi-architecture image (manifest type {})", top.media_type.escape_debug());
            };
            for entry in &list.manifests {
                entry.hex()?;
                manifests.push(fetch(&client, &entry.digest)?.bytes);
            }
        }
        manifests.iter().try_for_each(|manifest| trust.sign_beside(key, &reference, directory, manifest))
    };
    attempt().with_context(|| format!("signing {reference}"))
}

/// What a tag or digest names; what is signed must be what was meant.
fn fetch(client: &Client, wanted: &str) -> Result<RawManifest> {
    let raw = client.manifest(wanted).with_context(|| format!("reading manifest {wanted}"))?;
    if wanted.contains(':') && sha256_hex(wanted) != Some(&sha256(&raw.bytes)) {
        bail!("the registry sends another manifest than `{}`", wanted.escape_debug());
    }
    Ok(raw)
}
