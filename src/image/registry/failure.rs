//! What goes wrong with a registry, in words, and whether another try may help.

use std::time::Duration;

use serde::Deserialize;
use ureq::Body;
use ureq::http::Response;

use super::client::{header, read_limited};
use super::url;
use crate::error::{Error, Kind, os_message};

/// Why a request failed: only some failures are worth another try.
pub(super) enum Failure {
    /// A connection that broke, a server that is busy; with how long it asks to wait.
    Passing(Error, Option<Duration>),
    Final(Error),
    /// The user's proof, or the lack of one, was not good enough.
    Refused(Error),
}

impl Failure {
    pub fn into_error(self) -> Error {
        let (Failure::Passing(error, _) | Failure::Final(error) | Failure::Refused(error)) = self;
        error
    }
}

/// The way out where the registry wants to know who is there.
const LOG_IN: &str = "log in with `coracle login REGISTRY` or pass --creds USER:PASSWORD; \
    some registries say the same of what does not exist";

/// There is no proof of who the user is, or not one that opens this.
pub(super) fn unauthorized() -> Failure {
    let error = Error::new("unauthorized: authentication required");
    Failure::Final(error.hint(LOG_IN))
}

/// The user's name or password is wrong.
pub(super) fn refused_credentials() -> Failure {
    let error = Error::new("unauthorized: invalid username/password");
    Failure::Refused(error.hint("log in again with `coracle login REGISTRY`, or pass --creds USER:PASSWORD"))
}

/// What a registry says with a status that is no success.
pub(super) fn explain(mut response: Response<Body>) -> Failure {
    let status = response.status().as_u16();
    let wait = header(&response, "retry-after").and_then(|s| s.trim().parse().ok()).map(Duration::from_secs);
    let body = read_limited(&mut response, "error message").unwrap_or_default();
    let said = registry_message(&body).unwrap_or_else(|| {
        let reason = response.status().canonical_reason().unwrap_or("unknown status").to_ascii_lowercase();
        format!("registry answers with status {status} ({reason})")
    });
    let error = Error::new(said);
    match status {
        401 => Failure::Refused(error.hint(LOG_IN)),
        404 => Failure::Final(error.with_kind(Kind::NoSuch)),
        429 => {
            let hint = "the registry limits how much one may ask of it: wait, or log in for a higher limit";
            Failure::Passing(error.hint(hint), wait)
        }
        500..=599 => Failure::Passing(error, wait),
        _ => Failure::Final(error),
    }
}

/// The errors in the body of a registry's answer: `{"errors":[{"code":"MANIFEST_UNKNOWN","message":"..."}]}`. Pure.
fn registry_message(body: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct Answer {
        errors: Vec<Item>,
    }
    #[derive(Deserialize)]
    struct Item {
        #[serde(default)]
        code: String,
        #[serde(default)]
        message: String,
    }
    let answer: Answer = serde_json::from_slice(body).ok()?;
    let one = |item: &Item| {
        let code = item.code.to_ascii_lowercase().replace('_', " ");
        match (code.is_empty(), item.message.is_empty()) {
            (true, true) => None,
            (true, false) => Some(item.message.clone()),
            (false, true) => Some(code),
            (false, false) if code == item.message => Some(code),
            (false, false) => Some(format!("{code}: {}", item.message)),
        }
    };
    let messages: Vec<String> = answer.errors.iter().filter_map(one).take(3).collect();
    let clean: String = messages.join(", ").chars().filter(|c| !c.is_control()).take(500).collect();
    (!clean.is_empty()).then_some(clean)
}

/// A URL for people: without its query, which may be a signature.
pub(super) fn shown_url(url: &str) -> String {
    url.split(['?', '#']).next().unwrap_or_default().chars().filter(|c| !c.is_control()).take(200).collect()
}

/// What kept a request from being answered at all.
pub(super) fn transport_failure(url: &str, error: ureq::Error) -> Failure {
    let host = url::origin(url).map(|origin| origin.authority).unwrap_or_default();
    let explained = |cause: String| Error::new(cause).wrap(format!("pinging container registry {host}"));
    match error {
        ureq::Error::Io(e) => {
            // rustls hides what it has against a certificate in an I/O error.
            let about_tls = e.get_ref().is_some_and(|inner| inner.is::<rustls::Error>());
            let error = explained(os_message(&e));
            // The resolver's words, as the standard library passes them on: this name will not be there a second later.
            let unknown = e.to_string().contains("Name or service not known");
            if unknown {
                Failure::Final(error)
            } else if about_tls {
                Failure::Final(tls_hint(error))
            } else {
                Failure::Passing(error, None)
            }
        }
        ureq::Error::HostNotFound => Failure::Final(explained("no such host".to_owned())),
        ureq::Error::Timeout(what) => Failure::Passing(explained(format!("no answer in time ({what})")), None),
        ureq::Error::ConnectionFailed => Failure::Passing(explained("connection failed".to_owned()), None),
        ureq::Error::Rustls(e) => Failure::Final(tls_hint(explained(e.to_string()))),
        ureq::Error::Tls(e) => Failure::Final(tls_hint(explained(e.to_owned()))),
        other => Failure::Final(explained(other.to_string())),
    }
}

fn tls_hint(error: Error) -> Error {
    error.hint(
        "a registry without TLS, or with a certificate of its own, needs --tls-verify=false or --cert-dir, or \
        `insecure = true` in registries.conf",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_registries_say() {
        let table = [
            (r#"{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown"}]}"#, Some("manifest unknown")),
            (
                r#"{"errors":[{"code":"NAME_UNKNOWN","message":"no \u001b[31mrepo"}]}"#,
                Some("name unknown: no [31mrepo"),
            ),
            (r#"{"errors":[]}"#, None),
            ("<html>", None),
        ];
        for (body, expected) in table {
            assert_eq!(registry_message(body.as_bytes()).as_deref(), expected, "{body}");
        }
    }
}
