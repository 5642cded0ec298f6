//! Sigstore signatures beside the image in its registry, as cosign keeps them: under a tag made of the digest, a manifest
//! whose layers are payloads and have the signatures as annotations.
//!
//! ```text
//! <repository>:sha256-<hex>.sig
//!   layers: [{"mediaType": "application/vnd.dev.cosign.simplesigning.v1+json",
//!             "annotations": {"dev.cosignproject.cosign/signature": "<base64>"}, ...}]
//! ```
//!
//! Format: cosign, "Signature specification".

use std::collections::BTreeMap;

use serde_json::json;

use super::Signature;
use super::lookaside::{MAX_SIGNATURES, MAX_SIZE};
use crate::error::{Context, Result};
use crate::image::manifest::{self, Descriptor, Manifest, OCI_CONFIG, OCI_MANIFEST};
use crate::image::registry::Client;
use crate::image::registry::client::{header, read_limited};
use crate::image::registry::request::Request;
use crate::image::registry::url::encode;
use crate::storage::unpack::digest::sha256;

/// The media type of a payload.
pub const PAYLOAD: &str = "application/vnd.dev.cosign.simplesigning.v1+json";
/// The annotation with the signature.
pub const SIGNATURE: &str = "dev.cosignproject.cosign/signature";

/// All sigstore signatures of a manifest. No attachment means none; anything else that goes wrong is an error.
pub fn read(client: &Client, hex: &str) -> Result<Vec<Signature>> {
    let Some(attached) = manifest_of(client, hex)? else { return Ok(Vec::new()) };
    let payloads: Vec<&Descriptor> = attached.layers.iter().filter(|layer| layer.media_type == PAYLOAD).collect();
    if payloads.len() > MAX_SIGNATURES {
        crate::bail!("image has more than {MAX_SIGNATURES} signatures");
    }
    payloads.into_iter().map(|layer| read_one(client, layer)).collect()
}

fn read_one(client: &Client, layer: &Descriptor) -> Result<Signature> {
    if layer.size > MAX_SIZE {
        crate::bail!("a signature is larger than {MAX_SIZE} bytes");
    }
    let payload = client.small_blob(&layer.digest).context("reading signature")?;
    if sha256(&payload) != layer.hex()? {
        crate::bail!("a signature has not the digest `{}` that was announced", layer.digest);
    }
    Ok(Signature::Sigstore { payload, annotations: layer.annotations.clone() })
}

/// Adds a signature to those that are there.
pub fn add(client: &Client, hex: &str, payload: &[u8], signature: &str) -> Result<()> {
    let attempt = || {
        let there = manifest_of(client, hex)?;
        let mut diff_ids = Vec::new();
        let mut attached = match there {
            Some(attached) => {
                diff_ids.extend(attached.layers.iter().map(|layer| layer.digest.clone()));
                attached
            }
            None => Manifest { schema_version: 2, media_type: OCI_MANIFEST.to_owned(), ..Manifest::default() },
        };
        if attached.layers.len() >= MAX_SIGNATURES {
            crate::bail!("image has {MAX_SIGNATURES} signatures already");
        }
        let annotations = BTreeMap::from([(SIGNATURE.to_owned(), signature.to_owned())]);
        let layer = Descriptor { annotations, ..upload(client, PAYLOAD, payload)? };
        diff_ids.push(layer.digest.clone());
        attached.layers.push(layer);
        let config = json!({
            "architecture": "", "os": "", "config": {},
            "rootfs": { "type": "layers", "diff_ids": diff_ids },
        });
        attached.config = upload(client, OCI_CONFIG, &serde_json::to_vec(&config)?)?;
        let bytes = serde_json::to_vec(&attached)?;
        let url = client.api(&format!("manifests/{}", tag(hex)));
        client.request(Request::put(url).header("content-type", OCI_MANIFEST).bytes(&bytes))?;
        Ok(())
    };
    attempt().with_context(|| format!("writing signature `{}`", tag(hex)))
}

fn tag(hex: &str) -> String {
    format!("sha256-{hex}.sig")
}

/// The manifest that holds the signatures.
fn manifest_of(client: &Client, hex: &str) -> Result<Option<Manifest>> {
    let attempt = || -> Result<_> {
        let url = client.api(&format!("manifests/{}", tag(hex)));
        let mut answer = client.request(Request::get(url).header("accept", OCI_MANIFEST).expect(&[404]))?;
        if answer.status().as_u16() == 404 {
            return Ok(None);
        }
        let media_type = header(&answer, "content-type").unwrap_or_default();
        let bytes = read_limited(&mut answer, "signatures")?;
        manifest::parse_manifest(&bytes, &media_type).map(Some)
    };
    attempt().with_context(|| format!("reading signatures `{}`", tag(hex)))
}

/// Brings a small blob into the repository.
fn upload(client: &Client, media_type: &str, bytes: &[u8]) -> Result<Descriptor> {
    let digest = format!("sha256:{}", sha256(bytes));
    let begin = client.api("blobs/uploads/");
    let answer = client.request(Request::post(begin.clone()))?;
    let location = client.location(&begin, &answer)?;
    let separator = if location.contains('?') { '&' } else { '?' };
    let target = format!("{location}{separator}digest={}", encode(&digest));
    client.request(Request::put(target).header("content-type", "application/octet-stream").bytes(bytes))?;
    let size = bytes.len() as u64;
    Ok(Descriptor { media_type: media_type.to_owned(), digest, size, ..Descriptor::default() })
}
