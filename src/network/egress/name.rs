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

/// RFC 3492, 6.3. `None` where a number does not fit, or a character is none of a name.
fn punycode(label: &str) -> Option<String> {
    const BASE: u32 = 36;
    const LOWEST: u32 = 1;
    const HIGHEST: u32 = 26;
    const SKEW: u32 = 38;
    const DAMP: u32 = 700;
    // a to z, then 0 to 9.
    let digit = |n: u32| b"abcdefghijklmnopqrstuvwxyz0123456789".get(n as usize).copied().map(char::from);
    let points: Vec<u32> = label.chars().map(u32::from).collect();
    if label.chars().any(|c| !c.is_ascii() && !c.is_alphanumeric()) || points.len() > MAX_LABEL {
        return None;
    }
    let mut out: String = label.chars().filter(char::is_ascii).collect();
    let basic = u32::try_from(out.len()).ok()?;
    if basic > 0 {
        out.push('-');
    }
    let (mut n, mut delta, mut bias, mut handled) = (128_u32, 0_u32, 72_u32, basic);
    let total = u32::try_from(points.len()).ok()?;
    while handled < total {
        let next = points.iter().copied().filter(|point| *point >= n).min()?;
        delta = delta.checked_add((next - n).checked_mul(handled + 1)?)?;
        n = next;
        for point in &points {
            if *point < n {
                delta = delta.checked_add(1)?;
            }
            if *point == n {
                let mut q = delta;
                let mut k = BASE;
                loop {
                    let t = k.saturating_sub(bias).clamp(LOWEST, HIGHEST);
                    if q < t {
                        break;
                    }
                    out.push(digit(t + (q - t) % (BASE - t))?);
                    q = (q - t) / (BASE - t);
                    k += BASE;
                }
                out.push(digit(q)?);
                // The bias for the next one.
                let mut d = if handled == basic { delta / DAMP } else { delta / 2 };
                d += d / (handled + 1);
                let mut steps = 0;
                while d > ((BASE - LOWEST) * HIGHEST) / 2 {
                    d /= BASE - LOWEST;
                    steps += BASE;
                }
                bias = steps + (BASE - LOWEST + 1) * d / (d + SKEW);
                delta = 0;
                handled += 1;
            }
        }
        delta += 1;
        n += 1;
    }
    Some(out)
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
