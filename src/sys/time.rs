//! Broken-down time by the C library, for writers that must neither allocate nor carry a time zone database.

/// A point in time in fields, with its distance from UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fields {
    pub year: i32,
    /// 1 to 12.
    pub month: u8,
    pub day: u8,
    pub hour: u8,
    pub minute: u8,
    /// 0 to 60.
    pub second: u8,
    /// Seconds east of UTC.
    pub offset: i32,
}

/// Seconds and nanoseconds since 1970.
pub fn now() -> (i64, u32) {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Realtime);
    (now.tv_sec, u32::try_from(now.tv_nsec).unwrap_or(0))
}

/// `seconds` since 1970 in the zone of the system (`TZ`, else /etc/localtime, read at the first call).
pub fn local(seconds: i64) -> Fields {
    // SAFETY: an all-zero `tm` is valid (its zone pointer may be null).
    let mut tm: libc::tm = unsafe { std::mem::zeroed() };
    // SAFETY: both pointers are valid for the time of the call; the C library serializes its zone data itself.
    let done = unsafe { !libc::localtime_r(&raw const seconds, &raw mut tm).is_null() };
    if done { fields(&tm) } else { utc(seconds) }
}

/// `seconds` since 1970 in UTC.
pub fn utc(seconds: i64) -> Fields {
    // SAFETY: an all-zero `tm` is valid (its zone pointer may be null).
    let mut tm: libc::tm = unsafe { std::mem::zeroed() };
    // SAFETY: both pointers are valid for the time of the call. A null answer (a year beyond i32) leaves zeroes.
    unsafe { libc::gmtime_r(&raw const seconds, &raw mut tm) };
    fields(&tm)
}

fn fields(tm: &libc::tm) -> Fields {
    let small = |n: i32| u8::try_from(n).unwrap_or(0);
    Fields {
        year: tm.tm_year.saturating_add(1900),
        month: small(tm.tm_mon + 1),
        day: small(tm.tm_mday),
        hour: small(tm.tm_hour),
        minute: small(tm.tm_min),
        second: small(tm.tm_sec),
        offset: i32::try_from(tm.tm_gmtoff).unwrap_or(0),
    }
}
