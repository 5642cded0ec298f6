//! Ports that a container declares (`--expose`, the image's): publishing them is the network's matter.

use crate::bail;
use crate::error::Result;

/// Reads `PORT[-PORT][/PROTOCOL]`: one `PORT/PROTOCOL` for each.
pub fn parse_expose(text: &str) -> Result<Vec<String>> {
    let (range, protocol) = text.split_once('/').unwrap_or((text, "tcp"));
    let protocol = protocol.to_ascii_lowercase();
    if !matches!(protocol.as_str(), "tcp" | "udp" | "sctp") {
        bail!("invalid port `{text}`: the protocol must be tcp, udp or sctp");
    }
    let (first, last) = range.split_once('-').unwrap_or((range, range));
    let (first, last) = (number(first)?, number(last)?);
    if first > last {
        bail!("invalid port range `{text}`: the last port is before the first");
    }
    Ok((first..=last).map(|port| format!("{port}/{protocol}")).collect())
}

fn number(text: &str) -> Result<u16> {
    if text.is_empty() || !text.bytes().all(|b| b.is_ascii_digit()) {
        bail!("parsing port: `{text}` is not a number");
    }
    match text.parse() {
        Ok(port) if port > 0 => Ok(port),
        _ => bail!("parsing port: port numbers must be between 1 and 65535 (inclusive), got {text}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exposing() {
        assert_eq!(parse_expose("80").unwrap(), ["80/tcp"]);
        assert_eq!(parse_expose("53-54/UDP").unwrap(), ["53/udp", "54/udp"]);
        for text in ["", "0", "65536", "a", "2-1", "1-", "80/x", "+80", "80/"] {
            assert!(parse_expose(text).is_err(), "{text}");
        }
    }
}
