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

/// The URL that a token is asked from. Empty parts are left out.
pub fn token_url(realm: &str, service: &str, account: &str, scopes: &str) -> String {
    let query = pairs([("account", account), ("service", service)].into_iter().chain(each_scope(scopes)));
    match (query.is_empty(), realm.contains('?')) {
        (true, _) => realm.to_owned(),
        (false, true) => format!("{realm}&{query}"),
        (false, false) => format!("{realm}?{query}"),
    }
}

/// The form that is sent to a token server for a token of a user who has an identity token (OAuth 2, RFC 6749, section 6).
pub fn token_form(service: &str, scopes: &str, identity_token: &str) -> String {
    let scope = scopes.split_ascii_whitespace().collect::<Vec<_>>().join(" ");
    pairs([
        ("grant_type", "refresh_token"),
        ("service", service),
        ("client_id", "coracle"),
        ("scope", &scope),
        ("refresh_token", identity_token),
    ])
}

/// One parameter for each of several scopes.
fn each_scope(scopes: &str) -> impl Iterator<Item = (&str, &str)> {
    scopes.split_ascii_whitespace().map(|scope| ("scope", scope))
}

fn pairs<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let pairs = pairs.into_iter().filter(|(_, value)| !value.is_empty());
    pairs.map(|(key, value)| format!("{key}={}", encode(value))).collect::<Vec<_>>().join("&")
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
            token_url("https://a/t", "s v", "me", "repository:a/b:pull x"),
            "https://a/t?account=me&service=s%20v&scope=repository%3Aa%2Fb%3Apull&scope=x"
        );
        assert_eq!(token_url("https://a/t?x=1", "", "", "y"), "https://a/t?x=1&scope=y");
        assert_eq!(token_url("https://a/t", "", "", ""), "https://a/t");
        assert_eq!(
            token_form("s", "a:b:c d", "r&s"),
            "grant_type=refresh_token&service=s&client_id=coracle&scope=a%3Ab%3Ac%20d&refresh_token=r%26s"
        );
    }

    proptest::proptest! {
        #[test]
        fn no_header_makes_it_panic(header in "\\PC{0,60}|Bearer [a-z=\"\\\\, ]{0,40}") {
            let _ = Challenge::parse(&header);
        }
    }
}
