//! Who the user is at a registry. The types cannot be printed: their `Debug` shows no more than that something is there.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::logins::Logins;
use crate::error::Result;

/// A name with a password, or with an identity token that stands for one.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    username: String,
    secret: Secret,
}

#[derive(Clone, PartialEq, Eq)]
enum Secret {
    Password(String),
    IdentityToken(String),
}

impl Credentials {
    pub fn new(username: impl Into<String>, password: impl Into<String>) -> Self {
        Credentials { username: username.into(), secret: Secret::Password(password.into()) }
    }

    /// With a token that a token server takes for new tokens (OAuth 2's refresh token).
    pub fn with_identity_token(username: impl Into<String>, token: impl Into<String>) -> Self {
        Credentials { username: username.into(), secret: Secret::IdentityToken(token.into()) }
    }

    /// Splits `--creds`, `user[:password]`; where the password is missing, the caller asks for it.
    pub fn split(text: &str) -> (&str, Option<&str>) {
        match text.split_once(':') {
            Some((username, password)) => (username, Some(password)),
            None => (text, None),
        }
    }

    pub fn username(&self) -> &str {
        &self.username
    }

    pub fn is_identity_token(&self) -> bool {
        self.identity_token().is_some()
    }

    /// The token that is sent to a token server instead of name and password.
    pub(super) fn identity_token(&self) -> Option<&str> {
        match &self.secret {
            Secret::IdentityToken(token) => Some(token),
            Secret::Password(_) => None,
        }
    }

    /// The value of an `Authorization` header.
    pub(super) fn basic(&self) -> String {
        format!("Basic {}", self.encoded())
    }

    /// `name:password` in base64, as in a header and in an authentication file.
    pub(super) fn encoded(&self) -> String {
        let (Secret::Password(secret) | Secret::IdentityToken(secret)) = &self.secret;
        STANDARD.encode(format!("{}:{secret}", self.username))
    }

    /// What a credential helper is to keep.
    pub(super) fn password(&self) -> &str {
        let (Secret::Password(secret) | Secret::IdentityToken(secret)) = &self.secret;
        secret
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials(..)")
    }
}

/// Where a client gets the user's credentials from, once a registry asks for them.
#[derive(Debug, Clone)]
pub enum Source {
    Nobody,
    Given(Credentials),
    /// What the user's files have for a repository, `registry/repository`.
    Logins {
        logins: Logins,
        key: String,
    },
}

impl Source {
    /// The credentials, if there are any.
    pub fn get(&self) -> Result<Option<Credentials>> {
        match self {
            Source::Nobody => Ok(None),
            Source::Given(credentials) => Ok(Some(credentials.clone())),
            Source::Logins { logins, key } => logins.find(key),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_never_shown() {
        let shown = format!("{:?}", Some(Source::Given(Credentials::new("user", "secret"))));
        assert!(!shown.contains("secret") && !shown.contains("user"), "{shown}");
    }

    #[test]
    fn a_header() {
        assert_eq!(Credentials::new("u", "p").basic(), "Basic dTpw");
        assert_eq!(Credentials::new("a", "\u{ff}").encoded(), "YTrDvw==");
    }
}
