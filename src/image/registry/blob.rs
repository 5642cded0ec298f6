//! A blob as a stream. Where a connection breaks, the next one goes on from the same byte; the digest, which the reader of
//! the stream checks, tells if a server got that wrong.

use std::io::{self, Read};
use std::time::{Duration, Instant};

use ureq::BodyReader;

use super::client::{Client, header};
use super::failure::Failure;
use super::request::Request;
use crate::error::Result;

/// A blob being read from a registry.
pub struct BlobReader<'a> {
    client: &'a Client,
    url: String,
    body: Option<BodyReader<'static>>,
    position: u64,
    size: u64,
    /// Failures since the last good piece came.
    failures: u32,
    /// Bytes since the last failure.
    fresh: u64,
    pace: Pace,
}

/// So many bytes without a failure show that the connection works again.
const GOOD_PIECE: u64 = 64 << 10;
/// A server that sends less than `SLOWEST` bytes in this time has stalled, even if it sends some now and then.
const WINDOW: Duration = Duration::from_secs(60);
const SLOWEST: u64 = 16 << 10;

/// How fast bytes come, counting only the time that is spent waiting for them.
#[derive(Debug, Default)]
struct Pace {
    waited: Duration,
    arrived: u64,
}

impl Pace {
    /// Notes bytes and how long they took; false when that is too slow to go on.
    fn note(&mut self, length: u64, took: Duration) -> bool {
        self.waited += took;
        self.arrived += length;
        if self.waited < WINDOW {
            return true;
        }
        let enough = self.arrived >= SLOWEST;
        *self = Pace::default();
        enough
    }
}

impl<'a> BlobReader<'a> {
    /// Begins to read a blob of `size` bytes.
    pub fn open(client: &'a Client, digest: &str, size: u64) -> Result<Self> {
        Self::open_at(client, digest, size, 0)
    }

    /// The same from byte `position` on, which must be less than `size`.
    pub fn open_at(client: &'a Client, digest: &str, size: u64, position: u64) -> Result<Self> {
        let url = client.blob_url(digest);
        let mut reader =
            BlobReader { client, url, body: None, position, size, failures: 0, fresh: 0, pace: Pace::default() };
        // An error that no retry can mend is best told at once, in full.
        reader.connect()?;
        Ok(reader)
    }

    /// Opens a connection at the current position, trying again as often as allowed.
    fn connect(&mut self) -> Result<()> {
        loop {
            let range = format!("bytes={}-", self.position);
            let mut request = Request::get(self.url.clone());
            if self.position > 0 {
                request = request.header("range", range);
            }
            match self.client.try_request(&mut request) {
                Ok(response) => {
                    let partial = response.status().as_u16() == 206
                        && header(&response, "content-range").is_some_and(|value| starts_at(&value, self.position));
                    let mut body = response.into_body().into_reader();
                    if self.position > 0 && !partial {
                        // This server begins anew: what is known already flows by.
                        if io::copy(&mut (&mut body).take(self.position), &mut io::sink())? < self.position {
                            crate::bail!("the blob became shorter while it was read");
                        }
                    }
                    self.body = Some(body);
                    return Ok(());
                }
                Err(Failure::Final(e) | Failure::Refused(e)) => return Err(e),
                Err(Failure::Passing(e, asked)) => {
                    if self.failures >= self.client.retries() {
                        return Err(e);
                    }
                    self.failures += 1;
                    std::thread::sleep(self.client.delay(self.failures, asked));
                }
            }
        }
    }
}

impl BlobReader<'_> {
    fn drop_connection(&mut self) {
        self.body = None;
        self.fresh = 0;
        self.pace = Pace::default();
    }
}

impl Read for BlobReader<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        loop {
            if self.body.is_none() {
                self.connect().map_err(|e| io::Error::other(e.to_string()))?;
            }
            let Some(body) = self.body.as_mut() else { return Ok(0) };
            let began = Instant::now();
            let broken = match body.read(into) {
                Ok(0) if self.position < self.size && !into.is_empty() => {
                    io::Error::new(io::ErrorKind::UnexpectedEof, "the connection ended in the middle of the blob")
                }
                Ok(length) => {
                    self.position += length as u64;
                    self.fresh += length as u64;
                    if self.fresh >= GOOD_PIECE {
                        self.failures = 0;
                    }
                    if self.pace.note(length as u64, began.elapsed()) || length == 0 {
                        return Ok(length);
                    }
                    // What has come counts; what comes next is from another connection.
                    self.drop_connection();
                    if self.failures >= self.client.retries() {
                        return Err(io::Error::new(io::ErrorKind::TimedOut, "the registry sends the blob too slowly"));
                    }
                    self.failures += 1;
                    return Ok(length);
                }
                Err(e) if e.kind() == io::ErrorKind::TimedOut => {
                    io::Error::new(io::ErrorKind::TimedOut, "the server has stopped sending, in the middle of the blob")
                }
                Err(e) => e,
            };
            self.drop_connection();
            if self.failures >= self.client.retries() {
                return Err(broken);
            }
            self.failures += 1;
            std::thread::sleep(self.client.delay(self.failures, None));
        }
    }
}

/// Whether a `Content-Range` (`bytes 5-9/10`) begins at this byte. Pure.
fn starts_at(value: &str, position: u64) -> bool {
    let range = value.trim().strip_prefix("bytes ").unwrap_or_default();
    range.split('-').next().and_then(|start| start.trim().parse().ok()) == Some(position)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trickle_is_a_stall() {
        let mut pace = Pace::default();
        // One byte a second.
        let steps = (1..).take_while(|_| pace.note(1, Duration::from_secs(1))).count();
        assert_eq!(steps, 59);
        // A slow line, and bytes that came while somebody else was busy.
        assert!((0..1000).all(|_| pace.note(1000, Duration::from_secs(1))));
        assert!((0..1000).all(|_| pace.note(1, Duration::ZERO)));
    }

    #[test]
    fn ranges() {
        assert!(starts_at("bytes 5-9/10", 5));
        assert!(!starts_at("bytes 0-9/10", 5));
        assert!(!starts_at("", 5));
    }
}
