//! Requests to one registry: authentication, redirects, retries.
//!
//! A secret goes only to where it belongs: the registry's own origin, or the token server that the registry names.
//! Redirects (blobs mostly lie at a storage provider's) are followed here and not by the HTTP library, without it.

use std::io::Read as _;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use serde::Deserialize;
use ureq::Body;
use ureq::http::{Method, Response};

use super::auth::Auth;
use super::credentials::Source;
use super::failure::{Failure, explain, shown_url};
use super::proxy::Proxies;
use super::request::Request;
use super::token::merged;
pub(super) use super::transport::Transport;
use super::{Purpose, tls, url};
use crate::error::{Error, Result};
use crate::image::manifest::{self, MAX_JSON};
use crate::image::reference::{DEFAULT_REGISTRY, Reference};

/// An answer: status, headers, and a body that is still to be read.
pub type Answer = Response<Body>;

/// How many redirects one request may meet.
const MAX_REDIRECTS: usize = 10;
/// Nobody waits longer than this for one retry, whatever the server asks for.
const MAX_DELAY: Duration = Duration::from_secs(60);
/// Who lists more wants to fill our memory.
const MAX_TAGS: usize = 100_000;
/// A small document that takes longer than this is not worth waiting for.
const MAX_READING: Duration = Duration::from_secs(120);

/// How to talk to a registry.
#[derive(Debug, Clone)]
pub struct ClientOptions {
    /// Off: certificates are not checked, and plain HTTP is tried when there is no HTTPS.
    pub tls_verify: bool,
    /// What the tokens are asked for.
    pub purpose: Purpose,
    pub credentials: Source,
    /// `--cert-dir`.
    pub cert_dir: Option<PathBuf>,
    /// The user's configuration directory, with `containers/certs.d`.
    pub config_home: Option<PathBuf>,
    pub proxies: Proxies,
    /// How often a failed request is tried again.
    pub retries: u32,
    /// `None`: 1 s, doubled each time.
    pub retry_delay: Option<Duration>,
}

impl Default for ClientOptions {
    fn default() -> Self {
        ClientOptions {
            tls_verify: true,
            purpose: Purpose::Pull,
            credentials: Source::Nobody,
            cert_dir: None,
            config_home: None,
            proxies: Proxies::default(),
            retries: 3,
            retry_delay: None,
        }
    }
}

/// A connection to one repository of a registry. Shared by threads.
#[derive(Debug)]
pub struct Client {
    transport: Transport,
    auth: Auth,
    options: ClientOptions,
    /// `https://host:port` of the registry.
    base: String,
    registry: String,
    repository: String,
    notes: Vec<String>,
}

/// A manifest or index as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawManifest {
    pub bytes: Vec<u8>,
    pub media_type: String,
}

impl Client {
    /// Finds out how the registry of `reference` speaks.
    pub fn connect(reference: &Reference, options: ClientOptions) -> Result<Self> {
        Self::connect_to(&reference.registry, &reference.repository, options)
    }

    /// The same for a registry as such, where there is no repository to speak of.
    pub fn connect_to(registry: &str, repository: &str, options: ClientOptions) -> Result<Self> {
        // The name that users type is not the host that serves it.
        let host = if registry == DEFAULT_REGISTRY { "registry-1.docker.io" } else { registry };
        let tls =
            tls::config(registry, options.tls_verify, options.cert_dir.as_deref(), options.config_home.as_deref())?;
        let mut client = Client {
            transport: Transport::new(tls, !options.tls_verify, options.proxies.prepare()?),
            auth: Auth::new(options.credentials.clone()),
            base: format!("https://{host}"),
            registry: registry.to_owned(),
            repository: repository.to_owned(),
            notes: Vec::new(),
            options,
        };
        if !client.options.tls_verify
            && let Err(of_secure) = client.answers()
        {
            let plain = format!("http://{host}");
            let secure = std::mem::replace(&mut client.base, plain);
            // Neither answers: what HTTPS says is the better explanation, unless it is no HTTPS that is spoken there and
            // the next try may fare better.
            match (of_secure, client.answers()) {
                (_, Ok(())) | (Failure::Final(_), Err(Failure::Passing(..))) => {}
                (_, Err(_)) => client.base = secure,
            }
        }
        Ok(client)
    }

    /// Whether anything that speaks HTTP is at the base address.
    fn answers(&self) -> Result<(), Failure> {
        self.transport.send(&mut Request::get(format!("{}/v2/", self.base)), None).map(drop)
    }

    /// Whether the registry takes the user in (`GET /v2/`).
    ///
    /// # Errors
    /// When that cannot be found out.
    pub fn lets_in(&self) -> Result<bool> {
        let mut request = Request::get(format!("{}/v2/", self.base));
        match self.retried(&mut request) {
            Ok(_) => Ok(true),
            Err(Failure::Refused(_)) => Ok(false),
            Err(Failure::Final(e) | Failure::Passing(e, _)) => Err(e),
        }
    }

    /// Whether the registry has what a reference to the client's repository names; without tag and digest, whether it has
    /// the repository.
    pub fn has(&self, reference: &Reference) -> Result<bool> {
        let request = if reference.tag.is_none() && reference.digest.is_none() {
            Request::get(self.api("tags/list?n=1"))
        } else {
            Request::head(self.api(&format!("manifests/{}", reference.wanted()))).header("accept", accepted())
        };
        Ok(self.request(request.expect(&[404]))?.status().is_success())
    }

    /// The same in a single try, where another registry may have it as well.
    pub(super) fn has_at_once(&mut self, reference: &Reference) -> Result<bool> {
        let retries = std::mem::replace(&mut self.options.retries, 0);
        let has = self.has(reference);
        self.options.retries = retries;
        has
    }

    /// What was odd on the way to this registry, one line each.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    pub(super) fn with_notes(mut self, notes: Vec<String>) -> Self {
        self.notes = notes;
        self
    }

    /// The manifest or index that a tag or digest names.
    pub fn manifest(&self, wanted: &str) -> Result<RawManifest> {
        let request = Request::get(self.api(&format!("manifests/{wanted}"))).header("accept", accepted());
        let mut response = self.request(request)?;
        let media_type = header(&response, "content-type").unwrap_or_default();
        let bytes = read_limited(&mut response, "manifest")?;
        Ok(RawManifest { bytes, media_type })
    }

    /// A small blob as a whole.
    pub fn small_blob(&self, digest: &str) -> Result<Vec<u8>> {
        let mut response = self.request(Request::get(self.blob_url(digest)))?;
        read_limited(&mut response, "configuration")
    }

    /// All tags of the repository.
    pub fn tags(&self) -> Result<Vec<String>> {
        #[derive(Deserialize)]
        struct Page {
            tags: Option<Vec<String>>,
        }
        let mut tags = Vec::new();
        self.pages(self.api("tags/list?n=1000"), |bytes| {
            let page: Page = serde_json::from_slice(bytes)?;
            tags.extend(page.tags.unwrap_or_default());
            if tags.len() > MAX_TAGS {
                crate::bail!("the repository has more than {MAX_TAGS} tags");
            }
            Ok(true)
        })?;
        Ok(tags)
    }

    /// Reads a list that comes in pages, until `take` returns false. A registry that pages forever is cut off.
    pub fn pages(&self, first: String, mut take: impl FnMut(&[u8]) -> Result<bool>) -> Result<()> {
        let mut url = first;
        for _ in 0..1000 {
            let mut response = self.request(Request::get(url.clone()))?;
            let next = header(&response, "link").and_then(|link| next_page(&url, &link));
            let more = take(&read_limited(&mut response, "list")?)?;
            match next {
                Some(next) if more && self.is_own(&next) && next != url => url = next,
                _ => break,
            }
        }
        Ok(())
    }

    /// `https://host:port` of the registry.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// The same reference in the repository that this client talks to, which may be a mirror's.
    pub fn place(&self, reference: &Reference) -> Reference {
        let (registry, repository) = (self.registry.clone(), self.repository.clone());
        Reference { registry, repository, ..reference.clone() }
    }

    /// The address of a blob.
    pub fn blob_url(&self, digest: &str) -> String {
        self.api(&format!("blobs/{digest}"))
    }

    /// The address of something in the client's repository: `manifests/latest`, `blobs/uploads/`.
    pub fn api(&self, rest: &str) -> String {
        format!("{}/v2/{}/{rest}", self.base, self.repository)
    }

    /// The absolute address that a `Location` header of the answer to a request to `url` means.
    pub fn location(&self, url: &str, answer: &Answer) -> Result<String> {
        let location = header(answer, "location").unwrap_or_default();
        let next = url::resolve(url, &location).filter(|_| !location.is_empty());
        let Some(next) = next else {
            return Err(Error::new("registry redirects to an address that is not valid"));
        };
        if !self.transport.insecure && !next.to_ascii_lowercase().starts_with("https://") {
            crate::bail!("registry redirects to an address without TLS: {}", shown_url(&next));
        }
        Ok(next)
    }

    /// How often a failed request is tried again.
    pub(super) fn retries(&self) -> u32 {
        self.options.retries
    }

    /// How long to wait before try number `attempt` (from 1).
    pub(super) fn delay(&self, attempt: u32, asked: Option<Duration>) -> Duration {
        let own = match self.options.retry_delay {
            Some(delay) => delay,
            // Clients that failed together should not come back together.
            None => Duration::from_secs(1 << (attempt - 1).min(6)).mul_f64(1.0 + jitter() / 4.0),
        };
        asked.unwrap_or(own).max(own).min(MAX_DELAY)
    }

    /// Sends a request: authentication, redirects, and further tries where these may help and do no harm. What the
    /// registry answers with a status that is neither 2xx nor expected is an error, of kind `NoSuch` for 404.
    pub fn request(&self, mut request: Request<'_>) -> Result<Answer> {
        self.retried(&mut request).map_err(Failure::into_error)
    }

    fn retried(&self, request: &mut Request<'_>) -> Result<Answer, Failure> {
        let mut attempt = 0;
        loop {
            match self.try_request(request) {
                Err(Failure::Passing(_, asked)) if attempt < self.options.retries && request.may_be_tried_again() => {
                    attempt += 1;
                    std::thread::sleep(self.delay(attempt, asked));
                }
                other => return other,
            }
        }
    }

    /// One try of a request.
    pub(super) fn try_request(&self, request: &mut Request<'_>) -> Result<Answer, Failure> {
        let first = request.url.clone();
        let result = self.follow(request);
        request.url = first;
        result
    }

    fn follow(&self, request: &mut Request<'_>) -> Result<Answer, Failure> {
        let scopes = self.scopes(request);
        if !request.is_repeatable() && !self.auth.is_challenged() && self.is_own(&request.url) {
            self.provoke_challenge(&scopes)?;
        }
        let mut challenged = false;
        for _ in 0..MAX_REDIRECTS {
            let own = self.is_own(&request.url);
            let proof = if own { self.auth.header(&self.transport, &scopes)? } else { None };
            let answer = self.transport.send(request, proof.as_deref())?;
            let status = answer.status().as_u16();
            match status {
                200..=299 => return Ok(answer),
                _ if request.expected.contains(&status) => return Ok(answer),
                301 | 302 | 303 | 307 | 308 => {
                    let only_reads = matches!(request.method, Method::GET | Method::HEAD);
                    if !(only_reads || request.is_repeatable() && matches!(status, 307 | 308)) {
                        return Err(Failure::Final(Error::new("registry redirects what cannot be sent twice")));
                    }
                    request.url = self.location(&request.url, &answer).map_err(Failure::Final)?;
                }
                401 if own && !challenged => {
                    challenged = true;
                    self.auth.challenged(&self.transport, &answer, &scopes, proof.as_deref())?;
                    if !request.is_repeatable() {
                        return Err(Failure::Final(Error::new(
                            "registry asks for authentication in the middle of an upload",
                        )));
                    }
                }
                _ => return Err(explain(answer)),
            }
        }
        Err(Failure::Final(Error::new("registry redirects too often")))
    }

    /// What cannot be sent twice must not be what the registry answers with 401.
    fn provoke_challenge(&self, scopes: &str) -> Result<(), Failure> {
        let answer = self.transport.send(&mut Request::get(format!("{}/v2/", self.base)), None)?;
        if answer.status().as_u16() == 401 {
            self.auth.challenged(&self.transport, &answer, scopes, None)?;
        }
        Ok(())
    }

    fn scopes(&self, request: &Request<'_>) -> String {
        let own = match (self.repository.is_empty(), self.options.purpose) {
            (true, _) => String::new(),
            (false, Purpose::Pull) => format!("repository:{}:pull", self.repository),
            (false, Purpose::Push) => format!("repository:{}:pull,push", self.repository),
        };
        merged(std::iter::once(own.as_str()).chain(request.scopes.iter().map(String::as_str)))
    }

    /// Whether an address is the registry's own, where the user's proof may go.
    fn is_own(&self, address: &str) -> bool {
        url::origin(address) == url::origin(&self.base)
    }
}

/// The kinds of manifests that are understood, for an `Accept` header.
fn accepted() -> String {
    [
        manifest::OCI_MANIFEST,
        manifest::OCI_INDEX,
        manifest::DOCKER_MANIFEST,
        manifest::DOCKER_LIST,
        manifest::SCHEMA_1[1],
        manifest::SCHEMA_1[0],
    ]
    .join(", ")
}

/// A number from 0 to 1, another one each time.
fn jitter() -> f64 {
    use std::hash::{BuildHasher as _, Hasher as _, RandomState};
    let random = RandomState::new().build_hasher().finish();
    f64::from(u16::try_from(random & 0xffff).unwrap_or(0)) / 65536.0
}

/// A header as text.
pub fn header(response: &Answer, name: &str) -> Option<String> {
    response.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
}

/// A body of at most 4 MiB that comes within two minutes.
pub fn read_limited(response: &mut Answer, what: &str) -> Result<Vec<u8>> {
    let began = Instant::now();
    let mut bytes = Vec::new();
    let mut reader = response.body_mut().as_reader().take(MAX_JSON + 1);
    let mut buffer = [0; 16 << 10];
    loop {
        let length = match reader.read(&mut buffer) {
            Ok(0) => break,
            Ok(length) => length,
            Err(e) => return Err(Error::from(e).wrap(format!("reading {what}"))),
        };
        bytes.extend_from_slice(buffer.get(..length).unwrap_or_default());
        if began.elapsed() > MAX_READING {
            crate::bail!("reading {what}: the registry sends it too slowly");
        }
    }
    if bytes.len() as u64 > MAX_JSON {
        crate::bail!("{what} is larger than the {MAX_JSON} bytes allowed");
    }
    Ok(bytes)
}

/// `<...>; rel="next"`.
fn next_page(base: &str, link: &str) -> Option<String> {
    let (target, parameters) = link.split_once('>')?;
    let target = target.trim_start().strip_prefix('<')?;
    if !parameters.contains("next") {
        return None;
    }
    url::resolve(base, target)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_of_tags() {
        let base = "http://r/v2/x/tags/list?n=2";
        assert_eq!(
            next_page(base, "</v2/x/tags/list?n=2&last=b>; rel=\"next\"").unwrap(),
            "http://r/v2/x/tags/list?n=2&last=b"
        );
        assert_eq!(next_page(base, "</v2/x>; rel=\"prev\""), None);
    }
}
