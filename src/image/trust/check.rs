//! Decides whether an image is accepted: the requirements that policy.json has for it, and the signatures that satisfy them.
//!
//! What is compared with a signature is the digest of the manifest's exact bytes. Of an image for several platforms that
//! is the manifest of the one chosen, as in the reference; a signature of the index only does not speak of it.

use std::cell::OnceCell;
use std::path::Path;

use super::identity::{Identity, docker_scopes, path_scopes};
use super::lookaside::{Lookaside, read_file};
use super::payload::{Claim, Form};
use super::policy::{Keys, Requirement, SignedBy, SigstoreSigned};
use super::{Signature, Trust, attachment, gpg, json, sigstore};
use crate::error::{Context, Error, Result};
use crate::image::reference::Reference;
use crate::image::registry::Client;
use crate::storage::unpack::digest::sha256;

/// No file of public keys is larger.
const MAX_KEY_FILE: u64 = 4 << 20;

/// An image in a registry.
#[derive(Debug, Clone, Copy)]
pub struct Remote<'a> {
    /// What the user means: what the policy is about, and what signatures must speak of.
    pub intended: &'a Reference,
    /// Connected to where registries.conf finds it, which is where signatures are looked for.
    pub client: &'a Client,
    /// The manifest was chosen from an index.
    pub from_index: bool,
}

/// An image in a file or directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Local<'a> {
    /// `None`: from standard input. `name` is what the archive calls the image.
    DockerArchive {
        path: Option<&'a Path>,
        name: Option<&'a Reference>,
    },
    OciArchive {
        path: Option<&'a Path>,
    },
    /// An OCI layout; `tag` is the name of the image in it.
    Oci {
        path: &'a Path,
        tag: Option<&'a str>,
    },
    Dir {
        path: Option<&'a Path>,
    },
    /// A root file system that becomes an image here.
    Tarball,
}

impl Trust {
    /// Checks an image from a registry against the policy, before anything of it is stored.
    ///
    /// # Errors
    /// When it is not accepted, or nobody can say.
    pub fn check_remote(&self, image: Remote<'_>, manifest: &[u8]) -> Result<()> {
        let candidate = Candidate {
            shown: format!("docker://{}", image.intended),
            transport: "docker",
            scopes: docker_scopes(image.intended),
            reference: Some(image.intended),
            hex: sha256(manifest),
        };
        let read = || self.remote_signatures(image, &candidate.hex);
        let result = self.check(&candidate, &read);
        match image.from_index {
            true => result.map_err(|e| match e.chain().iter().any(|cause| cause == NO_SIGNATURE) {
                true => {
                    e.hint("of an image for several platforms each manifest must be signed, not only the list of them")
                }
                false => e,
            }),
            false => result,
        }
    }

    /// The same for an image in a file or directory.
    pub fn check_local(&self, image: Local<'_>, manifest: &[u8]) -> Result<()> {
        let (transport, path, rest) = match image {
            Local::DockerArchive { path, .. } => ("docker-archive", path, None),
            Local::OciArchive { path } => ("oci-archive", path, None),
            Local::Oci { path, tag } => ("oci", Some(path), tag),
            Local::Dir { path } => ("dir", path, None),
            Local::Tarball => ("tarball", None, None),
        };
        // Scopes hold no links.
        let path = path.map(|path| path.canonicalize().unwrap_or_else(|_| path.to_owned()));
        let text = path.as_ref().map(|path| path.to_string_lossy().into_owned());
        let mut scopes = Vec::new();
        if let (Some(text), true) = (&text, transport != "docker-archive") {
            scopes.extend(rest.map(|tag| format!("{text}:{tag}")));
            scopes.extend(path_scopes(text));
        }
        let candidate = Candidate {
            shown: format!("{transport}:{}", text.as_deref().unwrap_or("-")),
            transport,
            scopes,
            reference: match image {
                Local::DockerArchive { name, .. } => name,
                _ => None,
            },
            hex: sha256(manifest),
        };
        self.check(&candidate, &|| match (image, &path) {
            (Local::Dir { .. }, Some(path)) => directory_signatures(path),
            // These formats have no place for signatures.
            _ => Ok(Vec::new()),
        })
    }

    fn check(&self, candidate: &Candidate<'_>, read: &dyn Fn() -> Result<Vec<Signature>>) -> Result<()> {
        let attempt = || {
            let policy = self.policy()?;
            let signatures = OnceCell::new();
            for requirement in policy.requirements(candidate.transport, &candidate.scopes) {
                let signatures = || match signatures.get() {
                    Some(known) => Ok(known),
                    None => read().map(|found| signatures.get_or_init(|| found)),
                };
                match requirement {
                    Requirement::AcceptAnything => {}
                    Requirement::Reject => crate::bail!("Running image {} is rejected by policy", candidate.shown),
                    Requirement::SignedBy(wanted) => candidate.signed_by(wanted, signatures()?)?,
                    Requirement::SigstoreSigned(wanted) => {
                        if let Some(what) = wanted.unsupported {
                            return Err(unsupported(what));
                        }
                        candidate.sigstore_signed(wanted, signatures()?)?;
                    }
                    Requirement::Unsupported(what) => return Err(unsupported(what)),
                }
            }
            Ok(())
        };
        attempt().context("Source image rejected")
    }

    /// All signatures of an image in a registry.
    fn remote_signatures(&self, image: Remote<'_>, hex: &str) -> Result<Vec<Signature>> {
        let config = self.registries_d()?;
        let located = image.client.place(image.intended);
        let mut signatures = Vec::new();
        let base = config.lookaside(&located, false).map(str::to_owned).or_else(|| self.default_lookaside());
        if let Some(base) = base {
            signatures.extend(Lookaside::new(&base, &located)?.read(hex, image.client)?);
        }
        if config.uses_attachments(&located) {
            signatures.extend(attachment::read(image.client, hex)?);
        }
        Ok(signatures)
    }
}

const NO_SIGNATURE: &str = "A signature was required, but no signature exists";

/// An image, and what there is to compare.
struct Candidate<'a> {
    shown: String,
    transport: &'static str,
    scopes: Vec<String>,
    reference: Option<&'a Reference>,
    /// Of the manifest, in hexadecimal digits.
    hex: String,
}

impl Candidate<'_> {
    fn signed_by(&self, wanted: &SignedBy, signatures: &[Signature]) -> Result<()> {
        // Without a key nothing may look as if it only lacked a signature.
        let keyring = gpg::Keyring::import(&read_keys(&wanted.keys)?)?;
        let mut reasons = Vec::new();
        for signature in signatures {
            let Signature::Simple(message) = signature else { continue };
            let verified =
                keyring.verify(message).and_then(|signed| self.claims(&signed, Form::Simple, &wanted.identity));
            match verified {
                Ok(()) => return Ok(()),
                Err(reason) => reasons.push(reason),
            }
        }
        Err(summary(reasons))
    }

    fn sigstore_signed(&self, wanted: &SigstoreSigned, signatures: &[Signature]) -> Result<()> {
        let Some(keys) = &wanted.keys else { return Err(unsupported("a requirement without keys")) };
        let keys: Vec<_> =
            read_keys(keys)?.iter().map(|key| sigstore::PublicKey::from_pem(key)).collect::<Result<_>>()?;
        let mut reasons = Vec::new();
        for signature in signatures {
            let Signature::Sigstore { payload, annotations } = signature else { continue };
            let verified = match annotations.get(attachment::SIGNATURE) {
                None => Err(Error::new(format!("signature has no annotation `{}`", attachment::SIGNATURE))),
                Some(text) => json::base64(text, "signature").and_then(|bytes| {
                    match keys.iter().any(|key| key.verifies(payload, &bytes)) {
                        true => self.claims(payload, Form::Sigstore, &wanted.identity),
                        false => Err(Error::new("cryptographic signature verification failed: invalid signature")),
                    }
                }),
            };
            match verified {
                Ok(()) => return Ok(()),
                Err(reason) => reasons.push(reason),
            }
        }
        Err(summary(reasons))
    }

    /// Whether what was verifiably signed speaks of this manifest under an accepted name.
    fn claims(&self, signed: &[u8], form: Form, identity: &Identity) -> Result<()> {
        let claim = Claim::parse(signed, form)?;
        if claim.manifest_digest != format!("sha256:{}", self.hex) {
            crate::bail!("Signature for docker digest `{}` does not match", claim.manifest_digest);
        }
        if !identity.matches(self.reference, &claim.reference) {
            crate::bail!("Signature for identity `{}` is not accepted", claim.reference.escape_debug());
        }
        Ok(())
    }
}

fn unsupported(what: &str) -> Error {
    Error::new(format!("the policy requires {what}, which is not supported"))
        .hint("`signedBy` with GPG keys and `sigstoreSigned` with public keys are supported")
}

/// Why no signature was accepted.
fn summary(mut reasons: Vec<Error>) -> Error {
    match (reasons.len(), reasons.pop()) {
        (1, Some(only)) => only,
        (_, Some(last)) => {
            let hint = last.hint_text().map(str::to_owned);
            let all: Vec<String> = reasons.iter().chain([&last]).map(ToString::to_string).collect();
            let error = Error::new(format!("None of the signatures were accepted, reasons: {}", all.join("; ")));
            if let Some(hint) = hint { error.hint(hint) } else { error }
        }
        (_, None) => Error::new(NO_SIGNATURE),
    }
}

fn read_keys(keys: &Keys) -> Result<Vec<Vec<u8>>> {
    match keys {
        Keys::Data(data) => Ok(data.clone()),
        Keys::Paths(paths) => paths.iter().map(|path| read_key(Path::new(path))).collect(),
    }
}

/// Reads a file of public keys.
pub(super) fn read_key(path: &Path) -> Result<Vec<u8>> {
    let shown = || format!("reading key `{}`", path.display());
    let meta = std::fs::metadata(path).with_context(shown)?;
    if !meta.is_file() || meta.len() > MAX_KEY_FILE {
        return Err(Error::new(format!("it is not a file of at most {MAX_KEY_FILE} bytes")).wrap(shown()));
    }
    std::fs::read(path).with_context(shown)
}

/// `signature-1` and so on in a directory of `dir:`.
fn directory_signatures(dir: &Path) -> Result<Vec<Signature>> {
    let mut signatures = Vec::new();
    while let Some(bytes) = read_file(&dir.join(format!("signature-{}", signatures.len() + 1)))? {
        if signatures.len() >= super::lookaside::MAX_SIGNATURES {
            crate::bail!("image has more than {} signatures", super::lookaside::MAX_SIGNATURES);
        }
        signatures.push(Signature::from_blob(bytes)?);
    }
    Ok(signatures)
}
