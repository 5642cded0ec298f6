//! Signals by name or number.

use crate::bail;
use crate::error::Result;

/// Reads `TERM`, `SIGTERM`, `sigterm`, `15` or `RTMIN+3`: a signal number.
pub fn parse(text: &str) -> Result<i32> {
    if let Ok(number) = text.parse::<i32>() {
        if (1..=64).contains(&number) {
            return Ok(number);
        }
        bail!("invalid signal: {text}");
    }
    let upper = text.to_ascii_uppercase();
    let short = upper.strip_prefix("SIG").unwrap_or(&upper);
    if let Some(number) = real_time(short) {
        return Ok(number);
    }
    let canonical = match short {
        "CLD" => "CHLD",
        "IOT" => "ABRT",
        "POLL" => "IO",
        other => other,
    };
    match format!("SIG{canonical}").parse::<nix::sys::signal::Signal>() {
        Ok(signal) => Ok(signal as i32),
        Err(_) => bail!("invalid signal: {text}"),
    }
}

/// The name of a signal with `SIG` in front; its number where it has none.
pub fn name(number: i32) -> String {
    if (REAL_TIME_MIN..=REAL_TIME_MAX).contains(&number) {
        return match number - REAL_TIME_MIN {
            0 => "SIGRTMIN".to_owned(),
            n => format!("SIGRTMIN+{n}"),
        };
    }
    match nix::sys::signal::Signal::try_from(number) {
        Ok(signal) => signal.as_str().to_owned(),
        Err(_) => number.to_string(),
    }
}

/// The first real-time signal that the C library leaves to programs.
const REAL_TIME_MIN: i32 = 34;
const REAL_TIME_MAX: i32 = 64;

fn real_time(short: &str) -> Option<i32> {
    let number = if let Some(rest) = short.strip_prefix("RTMIN") {
        REAL_TIME_MIN + offset(rest, '+')?
    } else if let Some(rest) = short.strip_prefix("RTMAX") {
        REAL_TIME_MAX - offset(rest, '-')?
    } else {
        return None;
    };
    (REAL_TIME_MIN..=REAL_TIME_MAX).contains(&number).then_some(number)
}

fn offset(rest: &str, sign: char) -> Option<i32> {
    if rest.is_empty() {
        return Some(0);
    }
    rest.strip_prefix(sign)?.parse::<u8>().ok().map(i32::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signals() {
        for (text, want) in [
            ("TERM", 15),
            ("SIGTERM", 15),
            ("sigterm", 15),
            ("9", 9),
            ("64", 64),
            ("RTMIN", 34),
            ("SIGRTMIN+3", 37),
            ("RTMAX-2", 62),
            ("CLD", 17),
        ] {
            assert_eq!(parse(text).unwrap(), want, "{text}");
        }
        for text in ["", "0", "65", "-1", "SIG", "NOPE", "RTMIN+99", "RTMAX+1", "RTMIN+-1"] {
            assert!(parse(text).is_err(), "{text}");
        }
        assert_eq!(name(15), "SIGTERM");
        assert_eq!(name(37), "SIGRTMIN+3");
        assert_eq!(name(99), "99");
    }
}
