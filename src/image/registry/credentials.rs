//! A user name and password for a registry. The type cannot be printed: its `Debug` shows no more than that it is there.

use std::fmt;

/// Who to be at a registry.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    username: String,
    password: String,
}

impl Credentials {
    pub fn new(username: impl Into<String>, password: impl Into<String>) -> Self {
        Credentials { username: username.into(), password: password.into() }
    }

    /// Splits `--creds`, `user[:password]`; where the password is missing, the caller asks for it.
    pub fn split(text: &str) -> (&str, Option<&str>) {
        match text.split_once(':') {
            Some((username, password)) => (username, Some(password)),
            None => (text, None),
        }
    }

    /// The value of an `Authorization` header.
    pub(super) fn basic(&self) -> String {
        format!("Basic {}", base64(format!("{}:{}", self.username, self.password).as_bytes()))
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials(..)")
    }
}

/// Base64 with padding (RFC 4648, section 4).
fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let byte = |n: usize| u32::from(group.get(n).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for position in 0..4 {
            if position > group.len() {
                text.push('=');
            } else {
                let digit = (bits >> (18 - 6 * position)) & 63;
                text.push(char::from(ALPHABET.get(digit as usize).copied().unwrap_or(b'A')));
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_of_the_rfc() {
        let table = [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foobar", "Zm9vYmFy"),
            ("a:\u{ff}", "YTrDvw=="),
        ];
        for (text, expected) in table {
            assert_eq!(base64(text.as_bytes()), expected);
        }
    }

    #[test]
    fn a_password_is_never_shown() {
        let shown = format!("{:?}", Some(Credentials::new("user", "secret")));
        assert!(!shown.contains("secret") && !shown.contains("user"), "{shown}");
    }
}
