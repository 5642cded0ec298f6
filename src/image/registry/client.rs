//! Requests to one registry: authentication, redirects, retries.
//!
//! A secret goes only to where it belongs: the registry's own origin, or the token server that the registry names.
//! Redirects (blobs mostly lie at a storage provider's) are followed here and not by the HTTP library, without it.

use std::io::Read as _;
use std::path::PathBuf;
use std::sync::Mutex;
use std::time::Duration;

use serde::Deserialize;
use ureq::http::Response;
use ureq::{Agent, Body};

use super::challenge::{Challenge, token_url};
use super::credentials::Credentials;
use super::failure::{Failure, explain, shown_url, transport_failure, unauthorized};
use super::{tls, url};
use crate::error::{Error, Result};
use crate::image::manifest::{self, MAX_JSON};
use crate::image::reference::Reference;

/// How many redirects one request may meet.
const MAX_REDIRECTS: usize = 10;
/// Nobody waits longer than this for one retry, whatever the server asks for.
const MAX_DELAY: Duration = Duration::from_secs(60);

/// How to talk to a registry.
#[derive(Debug, Clone)]
pub struct ClientOptions {
    /// Off: certificates are not checked, and plain HTTP is tried when there is no HTTPS.
    pub tls_verify: bool,
    pub credentials: Option<Credentials>,
    /// `--cert-dir`.
    pub cert_dir: Option<PathBuf>,
    /// The user's configuration directory, with `containers/certs.d`.
    pub config_home: Option<PathBuf>,
    /// How often a failed request is tried again.
    pub retries: u32,
    /// `None`: 1 s, doubled each time.
    pub retry_delay: Option<Duration>,
}

impl Default for ClientOptions {
    fn default() -> Self {
        ClientOptions {
            tls_verify: true,
            credentials: None,
            cert_dir: None,
            config_home: None,
            retries: 3,
            retry_delay: None,
        }
    }
}

/// A connection to one repository of a registry. Shared by threads.
#[derive(Debug)]
pub struct Client {
    agent: Agent,
    options: ClientOptions,
    /// `https://host:port` of the registry.
    base: String,
    repository: String,
    /// The value of the `Authorization` header, once one was needed.
    authorization: Mutex<Option<String>>,
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
        // The name that users type is not the host that serves it.
        let host = if reference.registry == "docker.io" { "registry-1.docker.io" } else { &reference.registry };
        let tls = tls::config(
            &reference.registry,
            options.tls_verify,
            options.cert_dir.as_deref(),
            options.config_home.as_deref(),
        )?;
        let agent = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .user_agent(concat!("coracle/", env!("CARGO_PKG_VERSION")))
            .timeout_resolve(Some(Duration::from_secs(20)))
            .timeout_connect(Some(Duration::from_secs(30)))
            .timeout_recv_response(Some(Duration::from_secs(60)))
            .timeout_per_read(Some(Duration::from_secs(60)))
            .tls_config(tls)
            .build()
            .new_agent();
        let mut client = Client {
            agent,
            base: format!("https://{host}"),
            repository: reference.repository.clone(),
            authorization: Mutex::new(None),
            options,
        };
        if !client.options.tls_verify && !client.answers() {
            let plain = format!("http://{host}");
            let secure = std::mem::replace(&mut client.base, plain);
            if !client.answers() {
                // Neither answers: what HTTPS says is the better explanation.
                client.base = secure;
            }
        }
        Ok(client)
    }

    /// Whether anything that speaks HTTP is at the base address.
    fn answers(&self) -> bool {
        self.agent.get(format!("{}/v2/", self.base)).call().is_ok()
    }

    /// The manifest or index that a tag or digest names.
    pub fn manifest(&self, wanted: &str) -> Result<RawManifest> {
        let accept = [
            manifest::OCI_MANIFEST,
            manifest::OCI_INDEX,
            manifest::DOCKER_MANIFEST,
            manifest::DOCKER_LIST,
            manifest::SCHEMA_1[1],
            manifest::SCHEMA_1[0],
        ]
        .join(", ");
        let mut response = self.get(&self.api(&format!("manifests/{wanted}")), &[("accept", &accept)])?;
        let media_type = header(&response, "content-type").unwrap_or_default();
        let bytes = read_limited(&mut response, "manifest")?;
        Ok(RawManifest { bytes, media_type })
    }

    /// A small blob as a whole.
    pub fn small_blob(&self, digest: &str) -> Result<Vec<u8>> {
        let mut response = self.get(&self.blob_url(digest), &[])?;
        read_limited(&mut response, "configuration")
    }

    /// All tags of the repository.
    pub fn tags(&self) -> Result<Vec<String>> {
        #[derive(Deserialize)]
        struct Page {
            tags: Option<Vec<String>>,
        }
        let mut tags = Vec::new();
        let mut url = self.api("tags/list?n=1000");
        // A registry that pages forever is cut off.
        for _ in 0..1000 {
            let mut response = self.get(&url, &[])?;
            let next = header(&response, "link").and_then(|link| next_page(&url, &link));
            let page: Page = serde_json::from_slice(&read_limited(&mut response, "list of tags")?)?;
            tags.extend(page.tags.unwrap_or_default());
            match next {
                Some(next) if url::origin(&next) == url::origin(&self.base) => url = next,
                _ => break,
            }
        }
        Ok(tags)
    }

    /// The address of a blob.
    pub(super) fn blob_url(&self, digest: &str) -> String {
        self.api(&format!("blobs/{digest}"))
    }

    fn api(&self, rest: &str) -> String {
        format!("{}/v2/{}/{rest}", self.base, self.repository)
    }

    /// How often a failed request is tried again.
    pub(super) fn retries(&self) -> u32 {
        self.options.retries
    }

    /// How long to wait before try number `attempt` (from 1).
    pub(super) fn delay(&self, attempt: u32, asked: Option<Duration>) -> Duration {
        let own = self.options.retry_delay.unwrap_or_else(|| Duration::from_secs(1 << (attempt - 1).min(6)));
        asked.unwrap_or(own).max(own).min(MAX_DELAY)
    }

    /// A GET that is tried again when that may help.
    fn get(&self, url: &str, headers: &[(&str, &str)]) -> Result<Response<Body>> {
        let mut attempt = 0;
        loop {
            match self.try_get(url, headers) {
                Ok(response) => return Ok(response),
                Err(Failure::Final(e)) => return Err(e),
                Err(Failure::Passing(e, _)) if attempt >= self.options.retries => return Err(e),
                Err(Failure::Passing(_, asked)) => {
                    attempt += 1;
                    std::thread::sleep(self.delay(attempt, asked));
                }
            }
        }
    }

    /// One GET: authentication and redirects, success or an error.
    pub(super) fn try_get(&self, url: &str, headers: &[(&str, &str)]) -> Result<Response<Body>, Failure> {
        let mut url = url.to_owned();
        let mut authenticated = false;
        for _ in 0..MAX_REDIRECTS {
            let own = url::origin(&url) == url::origin(&self.base);
            let used = if own { self.authorization().clone() } else { None };
            let response = self.send(&url, headers, used.as_deref())?;
            match response.status().as_u16() {
                200..=299 => return Ok(response),
                301 | 302 | 303 | 307 | 308 => {
                    let location = header(&response, "location").unwrap_or_default();
                    let Some(next) = url::resolve(&url, &location) else {
                        return Err(Failure::Final(Error::new("registry redirects to an address that is not valid")));
                    };
                    if self.options.tls_verify && !next.to_ascii_lowercase().starts_with("https://") {
                        return Err(Failure::Final(Error::new(format!(
                            "registry redirects to an address without TLS: {}",
                            shown_url(&next)
                        ))));
                    }
                    url = next;
                }
                401 if own && !authenticated => {
                    authenticated = true;
                    self.authenticate(&response, used)?;
                }
                _ => return Err(explain(response)),
            }
        }
        Err(Failure::Final(Error::new("registry redirects too often")))
    }

    fn authorization(&self) -> std::sync::MutexGuard<'_, Option<String>> {
        self.authorization.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn send(
        &self,
        url: &str,
        headers: &[(&str, &str)],
        authorization: Option<&str>,
    ) -> Result<Response<Body>, Failure> {
        let mut request = self.agent.get(url);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(value) = authorization {
            request = request.header("authorization", value);
        }
        request.call().map_err(|e| transport_failure(url, e))
    }

    /// Meets the challenge of a 401, unless another thread did since `used` was taken.
    fn authenticate(&self, response: &Response<Body>, used: Option<String>) -> Result<(), Failure> {
        let mut current = self.authorization();
        if *current != used {
            return Ok(());
        }
        let challenges = response.headers().get_all("www-authenticate").iter();
        let Some(challenge) = challenges.filter_map(|h| h.to_str().ok()).find_map(Challenge::parse) else {
            return Err(Failure::Final(Error::new("unauthorized: registry asks for authentication in an unknown way")));
        };
        let value = match challenge {
            Challenge::Basic => match &self.options.credentials {
                Some(credentials) => credentials.basic(),
                None => return Err(unauthorized()),
            },
            Challenge::Bearer { realm, service, scope } => {
                let scope = if scope.is_empty() { format!("repository:{}:pull", self.repository) } else { scope };
                format!("Bearer {}", self.token(&realm, &service, &scope)?)
            }
        };
        if used.as_deref() == Some(value.as_str()) {
            // The same proof would be refused again.
            return Err(unauthorized());
        }
        *current = Some(value);
        Ok(())
    }

    fn token(&self, realm: &str, service: &str, scope: &str) -> Result<String, Failure> {
        #[derive(Deserialize)]
        struct Answer {
            token: Option<String>,
            access_token: Option<String>,
        }
        let fail = |message: String| Failure::Final(Error::new(message));
        let secure = url::origin(realm).is_some_and(|origin| origin.scheme == "https");
        if url::origin(realm).is_none() || (self.options.tls_verify && !secure) {
            return Err(fail(format!("registry names a token server that is not safe: {}", shown_url(realm))));
        }
        let basic = self.options.credentials.as_ref().map(Credentials::basic);
        let address = token_url(realm, service, scope);
        let mut response = self.send(&address, &[("accept", "application/json")], basic.as_deref())?;
        if response.status().as_u16() == 401 || response.status().as_u16() == 403 {
            return Err(unauthorized());
        }
        if !response.status().is_success() {
            return Err(explain(response));
        }
        let bytes = read_limited(&mut response, "token").map_err(Failure::Final)?;
        let answer: Answer = serde_json::from_slice(&bytes)
            .map_err(|e| fail(format!("token server {} sent no token: {e}", shown_url(realm))))?;
        let token = answer.token.filter(|t| !t.is_empty()).or(answer.access_token).unwrap_or_default();
        let valid = !token.is_empty() && token.bytes().all(|b| b.is_ascii_graphic());
        if valid { Ok(token) } else { Err(fail(format!("token server {} sent no token", shown_url(realm)))) }
    }
}

/// A header as text.
pub(super) fn header(response: &Response<Body>, name: &str) -> Option<String> {
    response.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
}

/// A body of at most 4 MiB.
pub(super) fn read_limited(response: &mut Response<Body>, what: &str) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut reader = response.body_mut().as_reader().take(MAX_JSON + 1);
    reader.read_to_end(&mut bytes).map_err(|e| Error::from(e).wrap(format!("reading {what}")))?;
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
