//! Trust: whether an image may come into the store, as policy.json says, and signing what is pushed.
//!
//! - `policy.rs`       policy.json
//! - `identity.rs`     of which image a signature speaks; scopes
//! - `registries_d.rs` where signatures are kept
//! - `lookaside.rs`    GPG signatures, in directories and on web servers
//! - `attachment.rs`   sigstore signatures, in registries
//! - `payload.rs`      what is signed
//! - `gpg.rs`          OpenPGP, by running gpg
//! - `sigstore.rs`     sigstore's keys
//! - `check.rs`        policy and signatures brought together
//! - `sign.rs`         making signatures
//! - `edit.rs`, `show.rs`  `image trust`
//!
//! Everything here fails closed. A policy that cannot be read or understood accepts nothing, nor does a signature whose
//! storage answers with anything but "there is none", a key that cannot be read, or a gpg that is missing. Only where
//! neither the user nor the system has a policy.json is everything accepted, which is what containers/image's packages
//! install as well.
//!
//! Not there: Fulcio, Rekor and PKI (requirements with them are never satisfied), the signature extension of OpenShift's
//! registries. Signatures are not kept in the store: what is pushed is signed anew or not at all.

pub mod attachment;
mod check;
pub mod edit;
pub mod gpg;
mod identity;
pub mod json;
pub mod lookaside;
pub mod payload;
pub mod policy;
pub mod registries_d;
pub mod show;
mod sign;
pub mod sigstore;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

pub use check::{Local, Remote};
pub use policy::Policy;
pub use registries_d::RegistriesD;
pub use sign::{Signing, SigningParameters};

use crate::error::{Context, Error, Result};

/// policy.json is never larger.
const MAX_POLICY: u64 = 4 << 20;
const SYSTEM: &str = "/etc/containers";

/// Where this user's configuration of trust is. Nothing is read before it is needed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Trust {
    /// `$HOME`. The files are looked for below `.config` in it, whatever `XDG_CONFIG_HOME` says, as everywhere else.
    pub home: Option<PathBuf>,
    /// Whether the user is the host's root, whose signatures lie in a place of the system's.
    pub is_root: bool,
}

/// A signature as it was found; not to be believed yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Signature {
    /// An OpenPGP message that holds what was signed.
    Simple(Vec<u8>),
    /// What was signed, and the signature and more as annotations.
    Sigstore { payload: Vec<u8>, annotations: BTreeMap<String, String> },
}

impl Signature {
    /// A file with a signature.
    pub fn from_blob(bytes: Vec<u8>) -> Result<Self> {
        match bytes.first() {
            // A packet of OpenPGP begins with the highest bit set (RFC 4880, section 4.2).
            Some(first) if *first >= 0x80 => Ok(Signature::Simple(bytes)),
            Some(first) => crate::bail!("unrecognized signature format, starting with byte {first:#04x}"),
            None => crate::bail!("it is empty"),
        }
    }
}

impl Trust {
    /// The file that holds the policy: the user's, or the system's. `None` when there is neither.
    pub fn policy_path(&self) -> Result<Option<PathBuf>> {
        let system = Path::new(SYSTEM).join("policy.json");
        for path in self.user_policy().into_iter().chain([system]) {
            // A link that leads nowhere is a policy that cannot be read, not one that is missing.
            match std::fs::symlink_metadata(&path) {
                Ok(_) => return Ok(Some(path)),
                Err(e) if e.kind() == std::io::ErrorKind::NotFound => {}
                Err(e) => return Err(Error::from(e).wrap(format!("reading `{}`", path.display()))),
            }
        }
        Ok(None)
    }

    /// The user's own file, whether it exists or not.
    pub fn user_policy(&self) -> Option<PathBuf> {
        self.home.as_ref().map(|home| home.join(".config/containers/policy.json"))
    }

    /// The policy's text, and where it stands; `None` where there is no file.
    pub fn policy_text(&self) -> Result<Option<(PathBuf, Vec<u8>)>> {
        let attempt = || {
            let Some(path) = self.policy_path()? else { return Ok(None) };
            let shown = || format!("reading `{}`", path.display());
            let meta = std::fs::metadata(&path).with_context(shown)?;
            if !meta.is_file() {
                return Err(Error::new("it is not a file").wrap(shown()));
            }
            if meta.len() > MAX_POLICY {
                return Err(Error::new(format!("it is larger than {MAX_POLICY} bytes")).wrap(shown()));
            }
            let text = crate::storage::fs::read(&path)?;
            Ok(Some((path, text)))
        };
        attempt().map_err(no_policy_no_images)
    }

    /// The policy that holds.
    ///
    /// # Errors
    /// When it cannot be read or understood; then no image may be accepted.
    pub fn policy(&self) -> Result<Policy> {
        let Some((path, text)) = self.policy_text()? else { return Ok(Policy::built_in()) };
        let parsed = Policy::parse(&text).with_context(|| format!("invalid policy in `{}`", path.display()));
        parsed.map_err(no_policy_no_images)
    }

    /// registries.d: the user's directory if there is one, else the system's.
    pub fn registries_d(&self) -> Result<RegistriesD> {
        let user = self.home.as_ref().map(|home| home.join(".config/containers/registries.d"));
        if let Some(user) = user {
            match std::fs::symlink_metadata(&user) {
                Ok(_) => return RegistriesD::read(&user),
                Err(e) if e.kind() == std::io::ErrorKind::NotFound => {}
                Err(e) => return Err(Error::from(e).wrap(format!("reading `{}`", user.display()))),
            }
        }
        RegistriesD::read(&Path::new(SYSTEM).join("registries.d"))
    }

    /// Where GPG signatures are when registries.d says nothing.
    fn default_lookaside(&self) -> Option<String> {
        if self.is_root {
            return Some("file:///var/lib/containers/sigstore".to_owned());
        }
        let home = self.home.as_ref()?.to_str()?;
        Some(format!("file://{}/.local/share/containers/sigstore", home.replace('%', "%25")))
    }
}

fn no_policy_no_images(error: Error) -> Error {
    error.hint("without a policy that can be read no image is accepted: correct the file; containers-policy.json(5) describes it")
}
