//! Sizes and durations in the words that people and scripts know from Docker and Podman.

/// A duration in seconds as about so much time: `2 minutes`, `About an hour`, `4 weeks`.
///
/// Negative durations (a clock that was set back) count as none.
pub fn human_duration(seconds: i64) -> String {
    let seconds = seconds.max(0);
    let minutes = seconds / 60;
    // Hours are rounded to the nearest, everything else is cut off.
    let hours = (seconds + 1800) / 3600;
    match () {
        () if seconds < 1 => "Less than a second".to_owned(),
        () if seconds == 1 => "1 second".to_owned(),
        () if seconds < 60 => format!("{seconds} seconds"),
        () if minutes == 1 => "About a minute".to_owned(),
        () if minutes < 60 => format!("{minutes} minutes"),
        () if hours == 1 => "About an hour".to_owned(),
        () if hours < 48 => format!("{hours} hours"),
        () if hours < 24 * 7 * 2 => format!("{} days", hours / 24),
        () if hours < 24 * 30 * 2 => format!("{} weeks", hours / 24 / 7),
        () if hours < 24 * 365 * 2 => format!("{} months", hours / 24 / 30),
        () => format!("{} years", hours / 24 / 365),
    }
}

/// How long ago an instant was, in words, with `ago`.
pub fn ago(then: jiff::Timestamp, now: jiff::Timestamp) -> String {
    format!("{} ago", since(then, now))
}

/// How long ago an instant was, in words, without `ago`.
pub fn since(then: jiff::Timestamp, now: jiff::Timestamp) -> String {
    human_duration(now.duration_since(then).as_secs())
}

/// Bytes in units of 1000 with three significant digits: `13.5MB`, `737kB`, `0B`.
pub fn human_size(bytes: u64) -> String {
    let (number, unit) = human_size_parts(bytes, 3);
    format!("{number}{unit}")
}

/// The same with a space before the unit, as `images` shows it: `13.5 MB`.
pub fn human_size_spaced(bytes: u64) -> String {
    let (number, unit) = human_size_parts(bytes, 3);
    format!("{number} {unit}")
}

/// The same with four significant digits, as the inspected size limit of a log is shown: `10.49MB`.
pub fn human_size_long(bytes: u64) -> String {
    let (number, unit) = human_size_parts(bytes, 4);
    format!("{number}{unit}")
}

fn human_size_parts(bytes: u64, digits: usize) -> (String, &'static str) {
    const UNITS: [&str; 7] = ["B", "kB", "MB", "GB", "TB", "PB", "EB"];
    let mut value = bytes as f64;
    let mut units = UNITS.iter().peekable();
    while let Some(unit) = units.next() {
        let text = significant(value, digits);
        // 999.9 rounds to 1000, which belongs to the next unit.
        let rounded: f64 = text.parse().unwrap_or(value);
        if rounded < 1000.0 || units.peek().is_none() {
            return (text, unit);
        }
        value /= 1000.0;
    }
    (bytes.to_string(), "B")
}

/// A number below 1000 (or a little more) with so many significant digits and no trailing zeros.
fn significant(value: f64, digits: usize) -> String {
    let before_point = match value {
        v if v >= 1000.0 => 4,
        v if v >= 100.0 => 3,
        v if v >= 10.0 => 2,
        _ => 1,
    };
    let text = format!("{value:.*}", digits.saturating_sub(before_point));
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_said_in_words() {
        let hour = 3600;
        let day = 24 * hour;
        let cases = [
            (-5, "Less than a second"),
            (0, "Less than a second"),
            (1, "1 second"),
            (45, "45 seconds"),
            (59, "59 seconds"),
            (60, "About a minute"),
            (119, "About a minute"),
            (120, "2 minutes"),
            (3 * 60 + 59, "3 minutes"),
            (59 * 60 + 59, "59 minutes"),
            (hour, "About an hour"),
            (89 * 60, "About an hour"),
            (90 * 60, "2 hours"),
            (47 * hour, "47 hours"),
            (48 * hour, "2 days"),
            (7 * day, "7 days"),
            (13 * day + 5 * hour, "13 days"),
            (14 * day, "2 weeks"),
            (15 * day, "2 weeks"),
            (29 * day, "4 weeks"),
            (59 * day, "8 weeks"),
            (60 * day, "2 months"),
            (90 * day, "3 months"),
            (23 * 30 * day, "23 months"),
            (729 * day, "24 months"),
            (730 * day, "2 years"),
            (3 * 365 * day, "3 years"),
        ];
        for (seconds, want) in cases {
            assert_eq!(human_duration(seconds), want, "{seconds}");
        }
    }

    #[test]
    fn sizes_have_three_digits_and_units_of_1000() {
        let cases = [
            (0, "0 B"),
            (1, "1 B"),
            (999, "999 B"),
            (1000, "1 kB"),
            (1023, "1.02 kB"),
            (1024, "1.02 kB"),
            (737_423, "737 kB"),
            (999_999, "1 MB"),
            (1_000_000, "1 MB"),
            (13_519_141, "13.5 MB"),
            (5_830_000, "5.83 MB"),
            (331_000_000, "331 MB"),
            (1_250_000_000, "1.25 GB"),
            (u64::MAX, "18.4 EB"),
        ];
        for (bytes, want) in cases {
            assert_eq!(human_size_spaced(bytes), want, "{bytes}");
            assert_eq!(human_size(bytes), want.replace(' ', ""), "{bytes}");
        }
        assert_eq!(human_size_long(10 * 1024 * 1024), "10.49MB");
        assert_eq!(human_size_long(0), "0B");
    }
}
