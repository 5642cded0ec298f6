//! Timestamps of log records: RFC 3339 with nanoseconds, formatted by hand and without allocation.

use crate::sys::time::{self, Fields};

/// In which zone a log is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Zone {
    /// The system's, as `+01:00`.
    Local,
    /// UTC, as `Z`.
    Utc,
}

/// Formats the time. What changes only with the second is kept.
#[derive(Debug)]
pub struct Clock {
    zone: Zone,
    /// The second that `stamp` was made for.
    second: i64,
    stamp: Stamp,
}

/// One formatted time.
#[derive(Debug, Clone, Copy)]
pub struct Stamp {
    /// `2026-11-22T01:13:19.767714026+00:00`
    bytes: [u8; 35],
    len: usize,
}

/// Where the nanoseconds stand in a stamp.
const NANOSECONDS: std::ops::Range<usize> = 20..29;

impl Stamp {
    /// The text.
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or(&self.bytes)
    }
}

impl Clock {
    /// A clock that shows this zone.
    pub fn new(zone: Zone) -> Self {
        Clock { zone, second: i64::MIN, stamp: Stamp { bytes: [b'0'; 35], len: 0 } }
    }

    /// The time now.
    pub fn now(&mut self) -> Stamp {
        let (second, nanoseconds) = time::now();
        self.at(second, nanoseconds)
    }

    fn at(&mut self, second: i64, nanoseconds: u32) -> Stamp {
        if second != self.second {
            self.second = second;
            self.stamp = match self.zone {
                Zone::Local => format(time::local(second), false),
                Zone::Utc => format(time::utc(second), true),
            };
        }
        if let Some(place) = self.stamp.bytes.get_mut(NANOSECONDS) {
            digits(place, nanoseconds);
        }
        self.stamp
    }
}

/// Everything but the nanoseconds, which stay zero.
fn format(at: Fields, utc: bool) -> Stamp {
    let mut bytes = *b"0000-00-00T00:00:00.000000000+00:00";
    let (sign, offset) = (if at.offset < 0 { b'-' } else { b'+' }, at.offset.unsigned_abs());
    let parts: [(std::ops::Range<usize>, u32); 8] = [
        (0..4, u32::try_from(at.year).unwrap_or(0)),
        (5..7, at.month.into()),
        (8..10, at.day.into()),
        (11..13, at.hour.into()),
        (14..16, at.minute.into()),
        (17..19, at.second.into()),
        (30..32, offset / 3600),
        (33..35, offset / 60 % 60),
    ];
    for (range, number) in parts {
        if let Some(place) = bytes.get_mut(range) {
            digits(place, number);
        }
    }
    bytes[29] = if utc { b'Z' } else { sign };
    Stamp { bytes, len: if utc { 30 } else { 35 } }
}

/// Writes the last digits of `number` that fit into `place`.
fn digits(place: &mut [u8], mut number: u32) {
    for digit in place.iter_mut().rev() {
        *digit = b'0' + (number % 10) as u8;
        number /= 10;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stamps_are_rfc_3339_with_nanoseconds() {
        let mut utc = Clock::new(Zone::Utc);
        for (second, nanoseconds, text) in [
            (0, 0, "1970-01-01T00:00:00.000000000Z"),
            (1_795_309_999, 767_714_026, "2026-11-22T01:13:19.767714026Z"),
            (1_795_309_999, 5, "2026-11-22T01:13:19.000000005Z"),
            (951_782_400, 999_999_999, "2000-02-29T00:00:00.999999999Z"),
        ] {
            assert_eq!(std::str::from_utf8(utc.at(second, nanoseconds).as_bytes()), Ok(text));
        }
    }

    #[test]
    fn the_offset_is_written_with_sign_and_minutes() {
        let at = Fields { year: 2026, month: 11, day: 22, hour: 1, minute: 2, second: 3, offset: 0 };
        for (offset, tail) in [(0, "+00:00"), (3600, "+01:00"), (20700, "+05:45"), (-12600, "-03:30")] {
            let stamp = format(Fields { offset, ..at }, false);
            let text = std::str::from_utf8(stamp.as_bytes()).unwrap();
            assert_eq!(text, format!("2026-11-22T01:02:03.000000000{tail}"));
        }
    }

    #[test]
    fn the_local_clock_says_the_same_instant_as_jiff() {
        let stamp = Clock::new(Zone::Local).at(1_795_309_999, 1);
        let text = std::str::from_utf8(stamp.as_bytes()).unwrap();
        let parsed: jiff::Timestamp = text.parse().unwrap();
        assert_eq!(parsed, jiff::Timestamp::new(1_795_309_999, 1).unwrap());
    }
}
