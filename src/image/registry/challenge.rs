//! `WWW-Authenticate` headers (RFC 9110, section 11.6.1) and the token request that follows from them. Pure.

use super::url::encode;

/// How a registry wants a client to prove itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Challenge {
    Basic,
    /// A token from another server.
    Bearer {
        realm: String,
        service: String,
        scope: String,
    },
}

impl Challenge {
    /// The first challenge in a header that this client can meet.
    pub fn parse(header: &str) -> Option<Self> {
        let text = header.trim_start();
        let (scheme, rest) = text.split_once([' ', '\t']).unwrap_or((text, ""));
        if scheme.eq_ignore_ascii_case("basic") {
            return Some(Challenge::Basic);
        }
        if !scheme.eq_ignore_ascii_case("bearer") {
            return None;
        }
        let parameters = parameters(rest);
        let get = |name: &str| {
            let found = parameters.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
            found.map(|(_, value)| value.clone()).unwrap_or_default()
        };
        let realm = get("realm");
        (!realm.is_empty()).then(|| Challenge::Bearer { realm, service: get("service"), scope: get("scope") })
    }
}

/// The URL that a token is asked from; `scope` is used where the challenge names none.
pub fn token_url(realm: &str, service: &str, scope: &str) -> String {
    let mut url = realm.to_owned();
    let mut separator = if realm.contains('?') { '&' } else { '?' };
    // One parameter for each of several scopes.
    let scopes = scope.split_ascii_whitespace().map(|scope| ("scope", scope));
    for (key, value) in [("service", service)].into_iter().chain(scopes) {
        if !value.is_empty() {
            url.push(separator);
            url.push_str(key);
            url.push('=');
            url.push_str(&encode(value));
            separator = '&';
        }
    }
    url
}

/// `key="value", key=value`.
fn parameters(text: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut rest = text.trim_start_matches([' ', '\t', ',']);
    while let Some((key, after)) = rest.split_once('=') {
        let (value, after) = match after.strip_prefix('"') {
            Some(quoted) => quoted_string(quoted),
            None => {
                let end = after.find([',', ' ', '\t']).unwrap_or(after.len());
                let (value, after) = after.split_at(end);
                (value.to_owned(), after)
            }
        };
        found.push((key.trim().to_owned(), value));
        rest = after.trim_start_matches([' ', '\t', ',']);
    }
    found
}

fn quoted_string(text: &str) -> (String, &str) {
    let mut value = String::new();
    let mut chars = text.char_indices();
    while let Some((position, c)) = chars.next() {
        match c {
            '"' => return (value, text.get(position + 1..).unwrap_or_default()),
            '\\' => value.extend(chars.next().map(|(_, c)| c)),
            c => value.push(c),
        }
    }
    (value, "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn challenges() {
        let bearer = |realm: &str, service: &str, scope: &str| {
            Some(Challenge::Bearer { realm: realm.into(), service: service.into(), scope: scope.into() })
        };
        let table = [
            ("Basic realm=\"x\"", Some(Challenge::Basic)),
            ("basic", Some(Challenge::Basic)),
            (
                "Bearer realm=\"https://auth.docker.io/token\",service=\"registry.docker.io\",scope=\"repository:a/b:pull,push\"",
                bearer("https://auth.docker.io/token", "registry.docker.io", "repository:a/b:pull,push"),
            ),
            ("bearer service=s , REALM=\"a\\\"b\"", bearer("a\"b", "s", "")),
            ("Bearer", None),
            ("Negotiate", None),
            ("", None),
            ("Bearer realm=\"unclosed", bearer("unclosed", "", "")),
        ];
        for (header, expected) in table {
            assert_eq!(Challenge::parse(header), expected, "{header}");
        }
        assert_eq!(
            token_url("https://a/t", "s v", "repository:a/b:pull x"),
            "https://a/t?service=s%20v&scope=repository%3Aa%2Fb%3Apull&scope=x"
        );
        assert_eq!(token_url("https://a/t?x=1", "", "y"), "https://a/t?x=1&scope=y");
    }

    proptest::proptest! {
        #[test]
        fn no_header_makes_it_panic(header in "\\PC{0,60}|Bearer [a-z=\"\\\\, ]{0,40}") {
            let _ = Challenge::parse(&header);
        }
    }
}
