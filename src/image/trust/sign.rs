//! Signing what was pushed: with GPG into the lookaside, with sigstore keys into the registry.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::lookaside::Lookaside;
use super::payload::{Claim, Form};
use super::{Trust, attachment, gpg, sigstore};
use crate::error::{Context, Error, Result};
use crate::image::reference::Reference;
use crate::image::registry::Client;
use crate::storage::fs;
use crate::storage::unpack::digest::sha256;

/// Asks for the passphrase of a file.
pub type Ask = dyn Fn(&Path) -> Result<String>;

/// What a user says about signing.
#[derive(Default)]
pub struct SigningParameters<'a> {
    /// `--sign-by`: a fingerprint, or whatever gpg knows the key by.
    pub gpg_key: Option<String>,
    /// `--sign-by-sigstore-private-key`.
    pub sigstore_key: Option<PathBuf>,
    /// `--sign-by-sigstore`: a file that says the same and more.
    pub sigstore_parameters: Option<PathBuf>,
    /// `--sign-passphrase-file`.
    pub passphrase_file: Option<PathBuf>,
    /// Asks the user for the passphrase of this file. `None` when there is nobody to ask.
    pub ask: Option<&'a Ask>,
}

/// Keys, ready to sign.
#[derive(Default)]
pub struct Signing {
    /// The key, and its passphrase where a file has it.
    gpg: Option<(String, Option<String>)>,
    sigstore: Option<sigstore::PrivateKey>,
}

impl std::fmt::Debug for Signing {
    // It may hold a passphrase.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Signing(..)")
    }
}

/// The file of `--sign-by-sigstore`: containers-sigstore-signing-params.yaml(5).
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ParameterFile {
    private_key_file: Option<PathBuf>,
    private_key_passphrase_file: Option<PathBuf>,
    fulcio: Option<serde_json::Value>,
    #[serde(rename = "rekorURL")]
    rekor_url: Option<serde_json::Value>,
}

impl Signing {
    /// Reads keys and passphrases, so that what is wrong with them shows before anything is pushed.
    pub fn prepare(parameters: &SigningParameters<'_>) -> Result<Self> {
        let SigningParameters { gpg_key, sigstore_key, sigstore_parameters, passphrase_file, ask } = parameters;
        let sigstore_count = usize::from(sigstore_key.is_some()) + usize::from(sigstore_parameters.is_some());
        if sigstore_count > 1 {
            crate::bail!("only one of --sign-by-sigstore and --sign-by-sigstore-private-key can be used");
        }
        if gpg_key.is_some() && sigstore_key.is_some() && passphrase_file.is_some() {
            crate::bail!(
                "only one of --sign-by and --sign-by-sigstore-private-key can be used with --sign-passphrase-file"
            );
        }
        if passphrase_file.is_some() && gpg_key.is_none() && sigstore_key.is_none() {
            crate::bail!("--sign-passphrase-file says how to sign, but nothing says with which key");
        }
        let passphrase = passphrase_file.as_deref().map(passphrase).transpose()?;
        let mut signing = Signing::default();
        if let Some(path) = sigstore_key {
            signing.sigstore = Some(private_key(path, passphrase.as_deref(), *ask)?);
        }
        if let Some(path) = sigstore_parameters {
            let (key, file) = parameter_file(path)?;
            let own = file.as_deref().map(self::passphrase).transpose()?;
            signing.sigstore = Some(private_key(&key, own.as_deref(), *ask)?);
        }
        if let Some(key) = gpg_key {
            if key.is_empty() || key.starts_with('-') {
                crate::bail!("`{}` is not the name of a GPG key", key.escape_debug());
            }
            let own = if sigstore_key.is_some() { None } else { passphrase };
            signing.gpg = Some((key.clone(), own));
        }
        Ok(signing)
    }

    /// Whether nothing is to be signed.
    pub fn is_empty(&self) -> bool {
        self.gpg.is_none() && self.sigstore.is_none()
    }
}

impl Trust {
    /// Whether signatures of images in this repository have a place to go: asked before anything is pushed.
    pub fn check_signing(&self, signing: &Signing, reference: &Reference) -> Result<()> {
        if signing.is_empty() {
            return Ok(());
        }
        let config = self.registries_d()?;
        if signing.gpg.is_some()
            && let Lookaside::Web(base) = self.staging(reference)?
        {
            return Err(Error::new(format!("writing signatures to `{base}` is not possible"))
                .hint("set `lookaside-staging` in registries.d to a file:/// URL"));
        }
        if signing.sigstore.is_some() && !config.uses_attachments(reference) {
            return Err(Error::new("writing sigstore attachments is disabled by configuration")
                .hint("set `use-sigstore-attachments: true` for the registry in registries.d"));
        }
        Ok(())
    }

    /// Signs a manifest that is at the registry now. `reference` is the name that is signed; of a tag and a digest, the
    /// digest says nothing to those who pull by the tag.
    pub fn sign(&self, signing: &Signing, reference: &Reference, client: &Client, manifest: &[u8]) -> Result<()> {
        let hex = sha256(manifest);
        let claim = Claim { manifest_digest: format!("sha256:{hex}"), reference: reference.canonical() };
        let now = jiff::Timestamp::now().as_second();
        if let Some((key, passphrase)) = &signing.gpg {
            let signed = gpg::sign(&claim.to_bytes(Form::Simple, now), key, passphrase.as_deref())?;
            self.staging(reference)?.add(&hex, &signed)?;
        }
        if let Some(key) = &signing.sigstore {
            use base64::Engine as _;
            let payload = claim.to_bytes(Form::Sigstore, now);
            let signature = base64::engine::general_purpose::STANDARD.encode(key.sign(&payload)?);
            attachment::add(client, &hex, &payload, &signature)?;
        }
        Ok(())
    }

    /// Signs a manifest into a directory tree (`image sign`): below `directory`, or where registries.d says.
    pub fn sign_beside(
        &self,
        key: &str,
        reference: &Reference,
        directory: Option<&Path>,
        manifest: &[u8],
    ) -> Result<()> {
        let hex = sha256(manifest);
        let place = match directory {
            Some(directory) => Lookaside::Directory(directory.join(&reference.repository)),
            None => self.staging(reference)?,
        };
        if let Lookaside::Web(_) = place {
            return place.add(&hex, &[]);
        }
        let claim = Claim { manifest_digest: format!("sha256:{hex}"), reference: reference.canonical() };
        let signed = gpg::sign(&claim.to_bytes(Form::Simple, jiff::Timestamp::now().as_second()), key, None)?;
        place.add(&hex, &signed)
    }

    /// Where new GPG signatures go.
    fn staging(&self, reference: &Reference) -> Result<Lookaside> {
        let config = self.registries_d()?;
        let base = config.lookaside(reference, true).map(str::to_owned).or_else(|| self.default_lookaside());
        match base {
            Some(base) => Lookaside::new(&base, reference),
            None => Err(Error::new("no place for signatures is known")
                .hint("set `lookaside-staging` in registries.d to a file:/// URL")),
        }
    }
}

fn private_key(path: &Path, passphrase: Option<&str>, ask: Option<&Ask>) -> Result<sigstore::PrivateKey> {
    let text = fs::read(path)?;
    let passphrase = match (passphrase, ask) {
        (Some(known), _) => known.to_owned(),
        (None, Some(ask)) => ask(path)?,
        (None, None) => {
            return Err(Error::new(format!("the private key `{}` needs a passphrase", path.display()))
                .hint("write it into a file for --sign-passphrase-file, or run this on a terminal"));
        }
    };
    let key = sigstore::PrivateKey::decrypt(&text, passphrase.as_bytes());
    key.with_context(|| format!("reading private key `{}`", path.display()))
}

/// The first line of a file.
fn passphrase(path: &Path) -> Result<String> {
    let text = fs::read_to_string(path)?;
    Ok(text.lines().next().unwrap_or_default().to_owned())
}

/// The private key and the file with its passphrase that a parameter file names.
fn parameter_file(path: &Path) -> Result<(PathBuf, Option<PathBuf>)> {
    let attempt = || {
        let text = fs::read_to_string(path)?;
        let parsed: ParameterFile = serde_saphyr::from_str(&text)
            .map_err(|e| Error::new(e.to_string().lines().next().unwrap_or_default().to_owned()))?;
        if parsed.fulcio.is_some() {
            crate::bail!("`fulcio` is not supported, only private keys in files are");
        }
        if parsed.rekor_url.is_some() {
            crate::bail!("`rekorURL` is not supported: signatures are not entered into a transparency log");
        }
        match parsed.private_key_file {
            Some(key) => Ok((key, parsed.private_key_passphrase_file)),
            None => crate::bail!("it has no `privateKeyFile`"),
        }
    };
    attempt().with_context(|| format!("reading signing parameters `{}`", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_passphrase_is_not_shown() {
        let signing = Signing { gpg: Some(("key".to_owned(), Some("hunter2".to_owned()))), sigstore: None };
        assert!(!format!("{signing:?}").contains("hunter2"));
    }
}
