//! How an invocation reaches registries: the user's configuration files, and the flags that override them.

use std::path::PathBuf;
use std::time::Duration;

use super::{Client, ClientOptions, Credentials, Logins, Proxies, Source};
use crate::error::{Error, Kind, Result};
use crate::image::config::{Choose, Places, RegistriesConf, Resolved};
use crate::image::reference::Reference;

/// What pull, push, search, manifest and trust need to know before they talk to any registry.
#[derive(Debug, Clone, Default)]
pub struct Access {
    /// registries.conf.
    pub registries: RegistriesConf,
    /// `--creds`; goes before what the authentication files say.
    pub credentials: Option<Credentials>,
    /// Authentication files and credential helpers, with `--authfile`.
    pub logins: Logins,
    /// `--cert-dir`; `None` means the usual certs.d directories.
    pub cert_dir: Option<PathBuf>,
    /// `--tls-verify`; `None` means as registries.conf says, on by default.
    pub tls_verify: Option<bool>,
    /// The user's configuration directory (`$XDG_CONFIG_HOME`).
    pub config_home: Option<PathBuf>,
    /// Proxies on the way.
    pub proxies: Proxies,
    /// `--retry`; `None` means 3.
    pub retry: Option<u32>,
    /// `--retry-delay`; `None` means 1 s, doubled each time.
    pub retry_delay: Option<Duration>,
    /// Asks which registry a short name means; `None` where there is nobody to ask.
    pub choose: Option<Choose>,
}

/// A repository at one registry, as registries.conf redirects to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// Where the image really is.
    pub reference: Reference,
    /// Whether registries.conf allows plain HTTP and unknown certificates.
    pub insecure: bool,
    /// Whether `--creds` is for it: they are for the registry that the user named, and not for its mirrors.
    pub named: bool,
}

/// What the user may be asked to prove.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    Pull,
    Push,
}

impl Access {
    /// What the files in these places say. `authfile` is `--authfile`.
    ///
    /// # Errors
    /// When registries.conf cannot be read or is malformed, or `authfile` is not there.
    pub fn read(places: &Places, authfile: Option<PathBuf>) -> Result<Self> {
        if let Some(path) = &authfile
            && let Err(e) = std::fs::metadata(path)
        {
            return Err(Error::from(e).wrap(format!("checking authfile: stat `{}`", path.display())));
        }
        let registries = RegistriesConf::read(places)?;
        Ok(Access {
            logins: Logins::new(&places.auth, authfile.as_deref(), &registries.helpers),
            registries,
            config_home: places.config_home.clone(),
            proxies: places.proxies.clone(),
            ..Access::default()
        })
    }

    /// Where to look for what a user named.
    pub fn resolve(&self, name: &str) -> Result<Resolved> {
        self.registries.resolve(name, self.choose)
    }

    /// Where to pull an image from: the mirrors in their order, then the registry itself.
    ///
    /// # Errors
    /// When the registry is blocked.
    pub fn sources(&self, reference: &Reference) -> Result<Vec<Endpoint>> {
        let Some(table) = self.registries.allowed(reference)? else { return Ok(vec![self.destination(reference)?]) };
        let mut sources = Vec::new();
        for (there, mirror) in table.mirrors_for(reference)? {
            let named = there.registry == reference.registry;
            sources.push(Endpoint { reference: there, insecure: mirror.insecure, named });
        }
        sources.push(Endpoint { reference: table.locate(reference)?, insecure: table.insecure, named: true });
        Ok(sources)
    }

    /// Where to push an image to. Mirrors and locations are only for pulling.
    ///
    /// # Errors
    /// When the registry is blocked.
    pub fn destination(&self, reference: &Reference) -> Result<Endpoint> {
        let insecure = self.registries.allowed(reference)?.is_some_and(|table| table.insecure);
        Ok(Endpoint { reference: reference.clone(), insecure, named: true })
    }

    /// Prepares to talk to a registry, finding out how it speaks where that is not certain.
    pub fn connect(&self, endpoint: &Endpoint, purpose: Purpose) -> Result<Client> {
        let credentials = match &self.credentials {
            Some(given) if endpoint.named => Source::Given(given.clone()),
            _ => Source::Logins { logins: self.logins.clone(), key: endpoint.reference.name() },
        };
        Client::connect(&endpoint.reference, self.options(endpoint.insecure, purpose, credentials))
    }

    /// Prepares to talk to a registry as such, as somebody: for login.
    pub fn connect_to(&self, registry: &str, credentials: Source) -> Result<Client> {
        self.connect_to_as(registry, registry, credentials)
    }

    /// The same for a registry whose searching is done by another host; `registry` is what registries.conf knows.
    pub(super) fn connect_to_as(&self, host: &str, registry: &str, credentials: Source) -> Result<Client> {
        if self.registries.is_blocked(registry) {
            crate::bail!("registry {registry} is blocked in {}", self.registries.path.display());
        }
        let insecure = self.registries.is_insecure(registry);
        Client::connect_to(host, "", self.options(insecure, Purpose::Pull, credentials))
    }

    /// The places to pull an image from, to be tried one after the other.
    ///
    /// # Errors
    /// When the registry is blocked.
    pub fn attempts<'a>(&'a self, reference: &Reference) -> Result<Attempts<'a>> {
        let sources = self.sources(reference)?.into_iter();
        Ok(Attempts { access: self, sources, asked: None, notes: Vec::new(), failures: Vec::new() })
    }

    fn options(&self, insecure: bool, purpose: Purpose, credentials: Source) -> ClientOptions {
        let defaults = ClientOptions::default();
        ClientOptions {
            tls_verify: self.tls_verify.unwrap_or(!insecure),
            purpose,
            credentials,
            cert_dir: self.cert_dir.clone(),
            config_home: self.config_home.clone(),
            proxies: self.proxies.clone(),
            retries: self.retry.unwrap_or(defaults.retries),
            retry_delay: self.retry_delay,
        }
    }
}

/// The mirrors of an image and its registry, those that failed left out.
#[derive(Debug)]
pub struct Attempts<'a> {
    access: &'a Access,
    sources: std::vec::IntoIter<Endpoint>,
    /// Where the last client came from.
    asked: Option<String>,
    /// What is worth telling of those that were passed over.
    notes: Vec<String>,
    failures: Vec<(String, Error)>,
}

impl Attempts<'_> {
    /// The next source that has the image. What kept mirrors before it from being it, other than not having the image,
    /// stands in the client's notes.
    ///
    /// # Errors
    /// The registry's own, where nothing else is left, with those of the mirrors.
    pub fn client(&mut self) -> Result<Client> {
        while let Some(endpoint) = self.sources.next() {
            let is_last = self.sources.as_slice().is_empty();
            let attempt = || {
                let mut client = self.access.connect(&endpoint, Purpose::Pull)?;
                // The registry itself is asked by whoever pulls, whose error is the one to show.
                let has = match is_last {
                    true => self.failures.is_empty() || client.has(&endpoint.reference)?,
                    false => client.has_at_once(&endpoint.reference)?,
                };
                if has { Ok(client) } else { Err(Error::of(Kind::NoSuch, "manifest unknown")) }
            };
            let attempted = attempt();
            self.asked = Some(endpoint.reference.name());
            match attempted {
                Ok(client) => return Ok(client.with_notes(self.notes.clone())),
                Err(error) => self.pass_over(error)?,
            }
        }
        Err(Error::new("no place to pull it from"))
    }

    /// Says that what the last client gave is of no use after all, so that the next source is tried.
    ///
    /// # Errors
    /// There is none: this error, with those of the mirrors.
    pub fn pass_over(&mut self, error: Error) -> Result<()> {
        let name = self.asked.take().unwrap_or_default();
        if !self.sources.as_slice().is_empty() {
            if error.kind() != Kind::NoSuch {
                self.notes.push(format!("mirror {name} was passed over: {error}"));
            }
            self.failures.push((name, error));
            return Ok(());
        }
        if self.failures.is_empty() {
            return Err(error);
        }
        let mirrors: Vec<String> = self.failures.iter().map(|(name, e)| format!("[{name}: {e}]")).collect();
        Err(error.wrap(format!("(mirrors also failed: {})", mirrors.join(" "))))
    }
}
