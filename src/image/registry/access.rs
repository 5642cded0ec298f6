//! How an invocation reaches registries: the user's configuration files, and the flags that override them.

use std::path::PathBuf;
use std::time::Duration;

use super::{Client, ClientOptions, Credentials, Source};
use crate::error::Result;
use crate::image::reference::Reference;
use crate::image::shortnames::RegistriesConf;

/// What pull, push, search, manifest and trust need to know before they talk to any registry.
#[derive(Debug, Clone, Default)]
pub struct Access {
    /// registries.conf.
    pub registries: RegistriesConf,
    /// `--creds`; goes before what the authentication files say.
    pub credentials: Option<Credentials>,
    /// `--authfile`; `None` means the usual places.
    pub authfile: Option<PathBuf>,
    /// `--cert-dir`; `None` means the usual certs.d directories.
    pub cert_dir: Option<PathBuf>,
    /// `--tls-verify`; `None` means as registries.conf says, on by default.
    pub tls_verify: Option<bool>,
    /// The user's configuration directory (`$XDG_CONFIG_HOME`).
    pub config_home: Option<PathBuf>,
    /// `--retry`; `None` means 3.
    pub retry: Option<u32>,
    /// `--retry-delay`; `None` means 1 s, doubled each time.
    pub retry_delay: Option<Duration>,
}

/// A repository at one registry, as registries.conf redirects to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// Where the image really is.
    pub reference: Reference,
    /// Whether registries.conf allows plain HTTP and unknown certificates.
    pub insecure: bool,
}

/// What the user may be asked to prove.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    Pull,
    Push,
}

impl Access {
    /// Where to pull an image from: the mirrors in their order, then the registry itself.
    ///
    /// # Errors
    /// When the registry is blocked.
    pub fn sources(&self, reference: &Reference) -> Result<Vec<Endpoint>> {
        Ok(vec![self.destination(reference)?])
    }

    /// Where to push an image to. Mirrors are only for pulling.
    ///
    /// # Errors
    /// When the registry is blocked.
    pub fn destination(&self, reference: &Reference) -> Result<Endpoint> {
        let located = self.registries.locate(reference)?;
        let insecure = self.registries.registry(reference).is_some_and(|registry| registry.insecure);
        Ok(Endpoint { reference: located, insecure })
    }

    /// Finds out how the registry speaks and prepares to prove who the user is.
    pub fn connect(&self, endpoint: &Endpoint, purpose: Purpose) -> Result<Client> {
        let defaults = ClientOptions::default();
        let options = ClientOptions {
            tls_verify: self.tls_verify.unwrap_or(!endpoint.insecure),
            purpose,
            credentials: self.credentials.clone().map_or(Source::Nobody, Source::Given),
            cert_dir: self.cert_dir.clone(),
            config_home: self.config_home.clone(),
            retries: self.retry.unwrap_or(defaults.retries),
            retry_delay: self.retry_delay,
        };
        Client::connect(&endpoint.reference, options)
    }
}
