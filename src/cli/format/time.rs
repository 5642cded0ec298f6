//! Instants as Go prints them, and instants as people type them (`--since`, `--until`, filters).

use jiff::{SignedDuration, Timestamp};

use crate::error::{Error, Result};

/// The Unix time of Go's zero time, which the JSON of `ps` has where something has not happened.
pub const ZERO_UNIX: i64 = -62_135_596_800;

/// Go's zero time in RFC 3339, which the JSON of `inspect` has where something has not happened.
pub const ZERO_RFC3339: &str = "0001-01-01T00:00:00Z";

/// As Go's `time.Time` prints itself, in local time: `2026-11-22 01:13:19.594795639 +0000 UTC`.
pub fn go_string(then: Timestamp) -> String {
    go_string_in(then, &jiff::tz::TimeZone::system())
}

/// The same in UTC.
pub fn go_string_utc(then: Timestamp) -> String {
    go_string_in(then, &jiff::tz::TimeZone::UTC)
}

fn go_string_in(then: Timestamp, zone: &jiff::tz::TimeZone) -> String {
    then.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M:%S%.f %z %Z").to_string()
}

/// RFC 3339 in UTC with as many digits as needed; the zero time when there is none.
pub fn rfc3339(then: Option<Timestamp>) -> String {
    then.map_or_else(|| ZERO_RFC3339.to_owned(), |then| then.to_string())
}

/// Unix seconds; the zero time when there is none.
pub fn unix(then: Option<Timestamp>) -> i64 {
    then.map_or(ZERO_UNIX, Timestamp::as_second)
}

/// Reads an instant: RFC 3339 (also without zone or time, then local), Unix seconds with a fraction, or a Go duration,
/// which is so much time before `now`.
///
/// # Errors
/// When it is none of these.
pub fn parse_instant(text: &str, now: Timestamp) -> Result<Timestamp> {
    let bad = || {
        Error::new(format!("parsing time `{text}`: it is neither a date, nor Unix seconds, nor a duration"))
            .hint("write 2026-11-22T10:00:00Z, 1795310000, or 10m")
    };
    let trimmed = text.trim();
    if let Some(unix) = parse_unix(trimmed) {
        return unix.ok_or_else(bad);
    }
    if let Some(duration) = parse_duration(trimmed) {
        return now.checked_sub(duration).map_err(|_| bad());
    }
    if let Ok(timestamp) = trimmed.parse::<Timestamp>() {
        return Ok(timestamp);
    }
    let local = trimmed
        .parse::<jiff::civil::DateTime>()
        .or_else(|_| format!("{trimmed}:00").parse())
        .or_else(|_| trimmed.strip_suffix('Z').unwrap_or(trimmed).parse::<jiff::civil::Date>().map(Into::into))
        .map_err(|_| bad())?;
    local.to_zoned(jiff::tz::TimeZone::system()).map(|zoned| zoned.timestamp()).map_err(|_| bad())
}

/// `Some(None)` when it looks like Unix seconds but is out of range.
fn parse_unix(text: &str) -> Option<Option<Timestamp>> {
    let (seconds, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = |t: &str| t.bytes().all(|b| b.is_ascii_digit());
    if seconds.is_empty() || !digits(seconds) || !digits(fraction) {
        return None;
    }
    let nanos = format!("{fraction:0<9}");
    let seconds = seconds.parse::<i64>().ok();
    let nanos = nanos.get(..9).and_then(|n| n.parse::<i32>().ok());
    Some(seconds.zip(nanos).and_then(|(s, n)| Timestamp::new(s, n).ok()))
}

/// Reads a Go duration: `300ms`, `1.5h`, `2h45m`, `-10s`; also days (`d`), which Go lacks.
pub fn parse_duration(text: &str) -> Option<SignedDuration> {
    let (negative, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if rest.is_empty() {
        return None;
    }
    let mut total = SignedDuration::ZERO;
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, tail) = rest.split_at(end);
        let end = tail.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(end);
        let unit_nanos: f64 = match unit {
            "ns" => 1.0,
            "us" | "µs" | "μs" => 1e3,
            "ms" => 1e6,
            "s" => 1e9,
            "m" => 60e9,
            "h" => 3600e9,
            "d" => 86400e9,
            _ => return None,
        };
        let nanos = number.parse::<f64>().ok()? * unit_nanos;
        if !nanos.is_finite() || nanos > 9.2e18 {
            return None;
        }
        total = total.checked_add(SignedDuration::from_nanos(nanos.round() as i64))?;
        rest = tail;
    }
    Some(if negative { -total } else { total })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_are_read_in_every_form() {
        let now: Timestamp = "2026-11-22T01:00:00Z".parse().unwrap();
        let cases = [
            ("2026-11-22T00:59:00Z", "2026-11-22T00:59:00Z"),
            ("2026-11-22T01:59:00.5+01:00", "2026-11-22T00:59:00.5Z"),
            ("1795309140", "2026-11-22T00:59:00Z"),
            ("1795309140.25", "2026-11-22T00:59:00.25Z"),
            ("1m", "2026-11-22T00:59:00Z"),
            ("1h30m", "2026-11-21T23:30:00Z"),
            ("1.5s", "2026-11-22T00:59:58.5Z"),
            ("-1m", "2026-11-22T01:01:00Z"),
            ("2d", "2026-11-20T01:00:00Z"),
        ];
        for (text, want) in cases {
            assert_eq!(parse_instant(text, now).unwrap().to_string(), want, "{text}");
        }
        for local in ["2026-11-22T01:00:00", "2026-11-22 01:00", "2026-11-22"] {
            assert!(parse_instant(local, now).is_ok(), "{local}");
        }
        for bad in ["", "yesterday", "10x", "m", "99999999999999999999", "1e400h", "."] {
            assert!(parse_instant(bad, now).is_err(), "{bad}");
        }
    }

    #[test]
    fn instants_print_as_in_go() {
        let then: Timestamp = "2026-11-22T01:13:19.594795639Z".parse().unwrap();
        assert_eq!(go_string_in(then, &jiff::tz::TimeZone::UTC), "2026-11-22 01:13:19.594795639 +0000 UTC");
        let whole: Timestamp = "2024-10-10T22:40:00Z".parse().unwrap();
        assert_eq!(go_string_in(whole, &jiff::tz::TimeZone::UTC), "2024-10-10 22:40:00 +0000 UTC");
        assert_eq!((rfc3339(None).as_str(), unix(None)), (ZERO_RFC3339, ZERO_UNIX));
        assert_eq!(rfc3339(Some(whole)), "2024-10-10T22:40:00Z");
    }
}
