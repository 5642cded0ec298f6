//! Sizes as people type them: `64m`, `1.5GB`, `65536k`.

use crate::bail;
use crate::error::Result;

/// Reads a size with an optional unit of 1024 (`b`, `k`, `m`, `g`, `t`, `p`; `kb` and `kib` mean the same).
pub fn parse(text: &str) -> Result<u64> {
    scale(text, 1024)
}

/// Reads a size with an optional unit of 1000, where `kib` and so on still mean 1024.
pub fn parse_decimal(text: &str) -> Result<u64> {
    scale(text, 1000)
}

fn scale(text: &str, base: u64) -> Result<u64> {
    let lower = text.trim().to_ascii_lowercase();
    let digits = lower.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = lower.get(digits.len()..).unwrap_or_default();
    let (letter, base) = match unit.strip_suffix("ib") {
        Some(letter) => (letter, 1024),
        None => (unit.strip_suffix('b').unwrap_or(unit), base),
    };
    let power = match letter {
        "" if unit.is_empty() || unit == "b" => 0,
        "k" => 1,
        "m" => 2,
        "g" => 3,
        "t" => 4,
        "p" => 5,
        _ => bail!("invalid size: '{text}'"),
    };
    let factor = base.pow(power);
    let digits = digits.trim_end();
    if let Ok(whole) = digits.parse::<u64>()
        && digits.starts_with(|c: char| c.is_ascii_digit())
    {
        return match whole.checked_mul(factor) {
            Some(bytes) => Ok(bytes),
            None => bail!("invalid size: '{text}' is too large"),
        };
    }
    let shaped = digits.contains('.') && digits.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    match digits.parse::<f64>() {
        Ok(number) if shaped => {
            let bytes = number * factor as f64;
            if bytes < u64::MAX as f64 { Ok(bytes as u64) } else { bail!("invalid size: '{text}' is too large") }
        }
        _ => bail!("invalid size: '{text}'"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes() {
        for (text, want) in [
            ("0", 0),
            ("512", 512),
            ("512b", 512),
            ("64k", 65536),
            ("64K", 65536),
            ("64kb", 65536),
            ("64KiB", 65536),
            ("65536k", 67_108_864),
            ("1.5g", 1_610_612_736),
            ("10 m", 10_485_760),
        ] {
            assert_eq!(parse(text).unwrap(), want, "{text}");
        }
        assert_eq!(parse_decimal("10m").unwrap(), 10_000_000);
        assert_eq!(parse_decimal("10mib").unwrap(), 10_485_760);
        for text in ["", "abc", "k", "1x", "-1", "+1", "1e3", "inf", "99999999999g", "1.2.3", "ib", "nan", "1.5bb"] {
            assert!(parse(text).is_err(), "{text}");
        }
        assert_eq!(parse("abc").unwrap_err().to_string(), "invalid size: 'abc'");
    }

    proptest::proptest! {
        #[test]
        fn never_panics(text in ".*") {
            let _ = parse(&text);
            let _ = parse_decimal(&text);
        }
    }
}
