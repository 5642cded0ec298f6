//! The little of URLs that a registry client needs. Pure.

/// Where a URL goes: what decides whether a secret may go along.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// `http` or `https`.
    pub scheme: String,
    /// Host and port as they stand there.
    pub authority: String,
}

/// Scheme and authority of an absolute http or https URL.
pub fn origin(url: &str) -> Option<Origin> {
    let (scheme, rest) = url.split_once("://")?;
    let scheme = scheme.to_ascii_lowercase();
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let authority = rest.get(..end)?;
    let known = matches!(scheme.as_str(), "http" | "https");
    // A user name in a URL is a way of making one host look like another.
    if !known || authority.is_empty() || authority.contains(['@', '\\']) || !authority.is_ascii() {
        return None;
    }
    let default = if scheme == "https" { ":443" } else { ":80" };
    let authority = authority.to_ascii_lowercase();
    let authority = authority.strip_suffix(default).unwrap_or(&authority).to_owned();
    Some(Origin { scheme, authority })
}

/// The absolute URL that `location` means when it stands in an answer from `base`.
pub fn resolve(base: &str, location: &str) -> Option<String> {
    if origin(location).is_some() {
        return Some(location.to_owned());
    }
    if location.contains("://") && !location.starts_with(['/', '?']) {
        return None;
    }
    let (scheme, rest) = base.split_once("://")?;
    if let Some(rest) = location.strip_prefix("//") {
        return origin(&format!("{scheme}://{rest}")).map(|_| format!("{scheme}://{rest}"));
    }
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    if location.starts_with('/') {
        return Some(format!("{scheme}://{authority}{location}"));
    }
    let path = path.split(['?', '#']).next().unwrap_or_default();
    if location.starts_with('?') {
        return Some(format!("{scheme}://{authority}{path}{location}"));
    }
    let dir = path.rfind('/').and_then(|slash| path.get(..=slash)).unwrap_or("/");
    Some(format!("{scheme}://{authority}{dir}{location}"))
}

/// Percent-encodes everything but unreserved characters.
pub fn encode(text: &str) -> String {
    use std::fmt::Write as _;
    text.bytes().fold(String::new(), |mut out, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
        out
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locations_are_resolved() {
        let base = "https://r.example:5000/v2/x/blobs/1?a=b";
        let table = [
            ("https://cdn/y?z", Some("https://cdn/y?z")),
            ("/v2/y", Some("https://r.example:5000/v2/y")),
            ("2", Some("https://r.example:5000/v2/x/blobs/2")),
            ("?c=d", Some("https://r.example:5000/v2/x/blobs/1?c=d")),
            ("//cdn/y", Some("https://cdn/y")),
            ("ftp://cdn/y", None),
            ("https://user@cdn/y", None),
            ("file:///etc/passwd", None),
        ];
        for (location, expected) in table {
            assert_eq!(resolve(base, location).as_deref(), expected, "{location}");
        }
    }

    #[test]
    fn origins_are_compared_without_default_ports() {
        assert_eq!(origin("https://A.b:443/x"), origin("HTTPS://a.b"));
        assert_ne!(origin("https://a.b:444/x"), origin("https://a.b"));
        assert_ne!(origin("http://a.b"), origin("https://a.b"));
        assert_eq!(origin("https://"), None);
    }
}
