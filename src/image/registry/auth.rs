//! Proving who the user is: from a challenge to the `Authorization` header, by Basic or by a token of the server that the
//! registry names. Tokens are kept per scope until they run out. Shared by the threads that use one client.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use ureq::Body;
use ureq::http::Response;

use super::challenge::{Challenge, token_form, token_url};
use super::client::{Transport, read_limited};
use super::credentials::{Credentials, Source};
use super::failure::{Failure, explain, refused_credentials, shown_url, unauthorized};
use super::request::Request;
use super::token::{Token, merged};
use super::url;
use crate::error::Error;

/// What one client knows about proving itself.
pub(super) struct Auth {
    source: Source,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    challenge: Option<Challenge>,
    /// What `source` led to, once it was needed.
    credentials: Option<Option<Credentials>>,
    /// By the scopes that were wanted.
    tokens: BTreeMap<String, Token>,
}

impl Auth {
    pub fn new(source: Source) -> Self {
        Auth { source, state: Mutex::default() }
    }

    /// Whether the registry has asked for a proof.
    pub fn is_challenged(&self) -> bool {
        self.state().challenge.is_some()
    }

    /// The header for a request that needs these scopes; `None` as long as the registry has asked for none.
    pub fn header(&self, transport: &Transport, scopes: &str) -> Result<Option<String>, Failure> {
        let mut state = self.state();
        match &state.challenge {
            None => Ok(None),
            Some(Challenge::Basic) => Ok(self.credentials(&mut state)?.map(|credentials| credentials.basic())),
            Some(Challenge::Bearer { .. }) => match state.tokens.get(scopes) {
                Some(token) if token.is_good(Instant::now()) => Ok(Some(token.header())),
                _ => self.fetch(&mut state, transport, scopes).map(Some),
            },
        }
    }

    /// Takes up the challenge of a 401 that met a request with the header `used`.
    ///
    /// # Errors
    /// When there is no better proof than the one that was refused.
    pub fn challenged(
        &self,
        transport: &Transport,
        response: &Response<Body>,
        scopes: &str,
        used: Option<&str>,
    ) -> Result<(), Failure> {
        let mut state = self.state();
        let current = match &state.challenge {
            Some(Challenge::Bearer { .. }) => state.tokens.get(scopes).map(Token::header),
            Some(Challenge::Basic) | None => None,
        };
        if current.is_some() && current.as_deref() != used {
            // Another thread has met it in the meantime.
            return Ok(());
        }
        let challenges = response.headers().get_all("www-authenticate").iter();
        let Some(challenge) = challenges.filter_map(|h| h.to_str().ok()).find_map(Challenge::parse) else {
            return Err(Failure::Final(Error::new("unauthorized: registry asks for authentication in an unknown way")));
        };
        let basic = challenge == Challenge::Basic;
        state.challenge = Some(challenge);
        if basic {
            return match self.credentials(&mut state)? {
                None => Err(unauthorized()),
                Some(_) if used.is_some() => Err(refused_credentials()),
                Some(_) => Ok(()),
            };
        }
        state.tokens.remove(scopes);
        let fresh = self.fetch(&mut state, transport, scopes)?;
        if used == Some(fresh.as_str()) {
            // The same proof would be refused again.
            return Err(unauthorized());
        }
        Ok(())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn credentials(&self, state: &mut State) -> Result<Option<Credentials>, Failure> {
        if let Some(known) = &state.credentials {
            return Ok(known.clone());
        }
        let found = self.source.get().map_err(Failure::Final)?;
        Ok(state.credentials.insert(found).clone())
    }

    /// Gets a token from the server that the challenge names; the header with it.
    fn fetch(&self, state: &mut State, transport: &Transport, scopes: &str) -> Result<String, Failure> {
        let Some(Challenge::Bearer { realm, service, scope }) = state.challenge.clone() else {
            return Err(unauthorized());
        };
        let fail = |message: String| Failure::Final(Error::new(message));
        let secure = url::origin(&realm).is_some_and(|origin| origin.scheme == "https");
        if url::origin(&realm).is_none() || !(secure || transport.insecure) {
            return Err(fail(format!("registry names a token server that is not safe: {}", shown_url(&realm))));
        }
        let wanted = merged([scopes, scope.as_str()]);
        let credentials = self.credentials(state)?;
        let form;
        let identity = credentials.as_ref().and_then(Credentials::identity_token);
        let (mut request, authorization) = match identity {
            Some(refresh) => {
                form = token_form(&service, &wanted, refresh);
                let request = Request::post(realm.clone()).bytes(form.as_bytes());
                (request.header("content-type", "application/x-www-form-urlencoded"), None)
            }
            None => {
                let account = credentials.as_ref().map(Credentials::username).unwrap_or_default();
                let request = Request::get(token_url(&realm, &service, account, &wanted));
                (request, credentials.as_ref().map(Credentials::basic))
            }
        };
        request = request.header("accept", "application/json");
        let mut response = transport.send(&mut request, authorization.as_deref())?;
        match response.status().as_u16() {
            200..=299 => {}
            // Who may not even have a token has given a wrong password, or none at all.
            400 | 401 | 403 if credentials.is_some() => return Err(refused_credentials()),
            401 | 403 => return Err(unauthorized()),
            _ => return Err(explain(response)),
        }
        let bytes = read_limited(&mut response, "token").map_err(Failure::Final)?;
        let Some(token) = Token::parse(&bytes, Instant::now()) else {
            return Err(fail(format!("token server {} sent no token", shown_url(&realm))));
        };
        let header = token.header();
        state.tokens.insert(scopes.to_owned(), token);
        Ok(header)
    }
}

impl std::fmt::Debug for Auth {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Auth(..)")
    }
}
