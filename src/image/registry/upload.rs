//! Sending blobs and manifests: the push half of the OCI distribution API.
//!
//! ```text
//! HEAD  blobs/<digest>                                   200: there     404: not
//! POST  blobs/uploads/?mount=<digest>&from=<repository>  201: mounted   202: a session instead
//! POST  blobs/uploads/                                   202 Location, OCI-Chunk-Min-Length
//! PUT   <location>?digest=<digest>                       201            small blobs, whole
//! PATCH <location>                                       202 Location, Range: 0-<last>
//! GET   <location>                                       204 Range: 0-<last>
//! PUT   <manifests/tag>                                  201
//! ```
//!
//! A large blob goes in one PATCH, as that is what all registries can do. What a broken connection left there is asked for,
//! and the rest is sent with ranges; where a proxy limits the size of a request, in pieces.

use std::io::Read;

use super::client::{Answer, Client, header};
use super::failure::{Failure, explain};
use super::request::Request;
use super::url;
use crate::error::{Error, Result};
use crate::image::content::{Content, Known};

/// Blobs up to this size go in one PUT.
const SMALL: u64 = 1 << 20;
/// The size of pieces where the whole is refused, and the smallest that is tried.
const PIECE: u64 = 16 << 20;
const SMALLEST_PIECE: u64 = 1 << 20;
/// Statuses of an upload that have to be dealt with here.
const HANDLED: &[u16] = &[400, 404, 405, 413, 416];

impl Client {
    /// Whether the repository has a blob.
    pub fn has_blob(&self, digest: &str) -> Result<bool> {
        let answer = self.request(Request::head(self.blob_url(digest)).expect(&[404]))?;
        Ok(answer.status().is_success())
    }

    /// Makes a blob of another repository of the registry one of this, if the registry does that.
    pub fn mount(&self, digest: &str, from: &str) -> Result<bool> {
        let address = self.api(&format!("blobs/uploads/?mount={}&from={}", url::encode(digest), url::encode(from)));
        let request = Request::post(address.clone()).scope(format!("repository:{from}:pull"));
        let answer = self.request(request)?;
        if answer.status().as_u16() == 201 {
            return Ok(true);
        }
        // The session that was opened instead is not wanted; the registry also forgets it by itself.
        if let Ok(location) = self.location(&address, &answer) {
            let _ = self.request(Request::delete(location));
        }
        Ok(false)
    }

    /// Sends a blob. `advanced` is told how many bytes more the registry has.
    pub fn upload(&self, content: &Content, advanced: &(dyn Fn(u64) + Sync)) -> Result<()> {
        Upload { client: self, content, advanced, told: 0, piece: None, ranges: true, failures: 0 }.run()
    }

    /// Sends a manifest under a tag or digest. The statuses by which registries refuse a format are answers.
    pub fn put_manifest(&self, wanted: &str, media_type: &str, bytes: &[u8]) -> Result<Answer> {
        let request = Request::put(self.api(&format!("manifests/{wanted}"))).header("content-type", media_type);
        self.request(request.bytes(bytes).expect(&[400, 406, 415, 422]))
    }
}

/// What an answer that was expected says, as an error.
pub fn refusal(answer: Answer) -> Error {
    explain(answer).into_error()
}

/// One blob on its way.
struct Upload<'a> {
    client: &'a Client,
    content: &'a Content,
    advanced: &'a (dyn Fn(u64) + Sync),
    /// How many bytes `advanced` knows of.
    told: u64,
    /// The largest request that is still tried.
    piece: Option<u64>,
    /// Whether the registry goes on in the middle.
    ranges: bool,
    /// Failures since the registry had more than before.
    failures: u32,
}

/// A session at the registry.
struct Session {
    location: String,
    /// How many bytes it has.
    offset: u64,
    /// The smallest piece but the last that it takes.
    least: u64,
}

/// What came of one request of a session.
enum Step {
    Done,
    Further,
    /// The session is lost or stuck.
    Again,
}

impl Upload<'_> {
    fn run(mut self) -> Result<()> {
        loop {
            let mut session = self.begin()?;
            loop {
                match self.step(&mut session)? {
                    Step::Done => return Ok(()),
                    Step::Further => {}
                    Step::Again => break,
                }
            }
        }
    }

    fn begin(&self) -> Result<Session> {
        let address = self.client.api("blobs/uploads/");
        let answer = self.client.request(Request::post(address.clone()))?;
        let least = header(&answer, "oci-chunk-min-length").and_then(|value| value.trim().parse().ok()).unwrap_or(0);
        Ok(Session { location: self.client.location(&address, &answer)?, offset: 0, least })
    }

    fn step(&mut self, session: &mut Session) -> Result<Step> {
        let known = self.content.known().transpose()?;
        if let Some(known) = &known {
            if session.offset == known.size && known.size > 0 {
                return self.close(session, known, None);
            }
            if session.offset == 0 && known.size <= SMALL {
                return self.close(session, known, Some(known.size));
            }
        }
        // Pieces and the rest of something have a length; only the first try can be a stream.
        let whole = session.offset == 0 && self.piece.is_none();
        let size = match known {
            Some(known) => Some(known.size),
            None if whole => None,
            None => Some(self.content.wait()?.size),
        };
        if size == Some(session.offset) {
            return Ok(Step::Further);
        }
        let rest = size.map(|size| size.saturating_sub(session.offset));
        let length = rest.map(|rest| rest.min(self.piece.unwrap_or(u64::MAX).max(session.least)));
        self.send(session, length, whole)
    }

    /// Sends `length` bytes from the session's offset, or all until the end of the content.
    fn send(&mut self, session: &mut Session, length: Option<u64>, whole: bool) -> Result<Step> {
        let mut reader = self.content.reader(session.offset).take(length.unwrap_or(u64::MAX));
        let mut counted = Counted { inner: &mut reader, count: 0 };
        let mut request =
            Request::patch(session.location.clone()).header("content-type", "application/octet-stream").expect(HANDLED);
        if let Some(length) = length.filter(|_| !whole) {
            request = request.header("content-range", format!("{}-{}", session.offset, session.offset + length - 1));
        }
        let mut request = request.reader(&mut counted, length);
        let result = self.client.try_request(&mut request);
        drop(request);
        let sent = counted.count;
        match result {
            Ok(answer) if answer.status().is_success() => {
                session.location = self.client.location(&session.location, &answer)?;
                let has = range_end(&answer).unwrap_or(session.offset + sent);
                if has > session.offset + sent || has < session.offset {
                    crate::bail!(
                        "registry claims to have {has} bytes of a blob of which {} were sent",
                        session.offset + sent
                    );
                }
                if has == session.offset {
                    return self.failed(session, Error::new("registry keeps nothing of what is sent"), None);
                }
                self.has(session, has);
                Ok(Step::Further)
            }
            Ok(answer) => self.refused(session, answer),
            Err(Failure::Final(e) | Failure::Refused(e)) => Err(e),
            Err(Failure::Passing(e, wait)) => {
                // Who hangs up in the middle may have a limit and no manners.
                self.smaller(session);
                self.failed(session, e, wait)
            }
        }
    }

    /// Ends the session; with `body` the whole blob goes along.
    fn close(&mut self, session: &mut Session, known: &Known, body: Option<u64>) -> Result<Step> {
        let joint = if session.location.contains('?') { '&' } else { '?' };
        let address = format!("{}{joint}digest={}", session.location, url::encode(&known.digest));
        let mut bytes = Vec::new();
        if body.is_some() {
            self.content.reader(0).read_to_end(&mut bytes).map_err(|e| Error::from(e).wrap("reading blob"))?;
        }
        let mut request =
            Request::put(address).header("content-type", "application/octet-stream").bytes(&bytes).expect(&[404, 416]);
        match self.client.try_request(&mut request) {
            Ok(answer) if answer.status().is_success() => {
                self.has(session, known.size);
                Ok(Step::Done)
            }
            Ok(answer) => {
                let error = refusal(answer);
                self.failures += 1;
                if self.failures > self.client.retries() { Err(error) } else { Ok(Step::Again) }
            }
            Err(Failure::Final(e) | Failure::Refused(e)) => Err(e),
            Err(Failure::Passing(e, wait)) => {
                // It may have arrived all the same.
                if self.client.has_blob(&known.digest).unwrap_or(false) {
                    return Ok(Step::Done);
                }
                self.failed(session, e, wait)
            }
        }
    }

    fn refused(&mut self, session: &mut Session, answer: Answer) -> Result<Step> {
        let status = answer.status().as_u16();
        let error = refusal(answer);
        match status {
            413 if self.smaller(session) => self.resume(session),
            413 => Err(error.hint("a proxy in front of the registry limits the size of requests")),
            416 | 404 => self.failed(session, error, None),
            // A registry that takes blobs only whole.
            400 | 405 if session.offset > 0 && self.ranges => {
                self.ranges = false;
                self.piece = None;
                Ok(Step::Again)
            }
            _ => Err(error),
        }
    }

    /// Makes requests smaller from now on, if that is possible.
    fn smaller(&mut self, session: &Session) -> bool {
        let next = match self.piece {
            None => PIECE,
            Some(piece) => piece / 2,
        };
        let possible = self.ranges && next >= SMALLEST_PIECE.max(session.least);
        if possible {
            self.piece = Some(next);
        }
        possible
    }

    /// Waits after a failure and finds out where to go on.
    fn failed(&mut self, session: &mut Session, error: Error, wait: Option<std::time::Duration>) -> Result<Step> {
        // What compressing failed with is told by those who compress.
        if let Some(Err(e)) = self.content.known() {
            return Err(e);
        }
        if self.failures >= self.client.retries() {
            return Err(error);
        }
        self.failures += 1;
        std::thread::sleep(self.client.delay(self.failures, wait));
        self.resume(session)
    }

    /// Asks the registry how much it has.
    fn resume(&mut self, session: &mut Session) -> Result<Step> {
        if !self.ranges {
            return Ok(Step::Again);
        }
        let request = Request::get(session.location.clone()).expect(&[400, 404, 405]);
        let Ok(answer) = self.client.request(request) else { return Ok(Step::Again) };
        if !answer.status().is_success() {
            return Ok(Step::Again);
        }
        if let Ok(location) = self.client.location(&session.location, &answer) {
            session.location = location;
        }
        // Nobody can have more than there is.
        let has = range_end(&answer).unwrap_or(0);
        let size = self.content.wait()?.size;
        if has > size {
            return Ok(Step::Again);
        }
        session.offset = has;
        if has > self.told {
            self.has(session, has);
        }
        Ok(Step::Further)
    }

    /// The registry has so many bytes.
    fn has(&mut self, session: &mut Session, has: u64) {
        session.offset = has;
        if has > self.told {
            (self.advanced)(has - self.told);
            self.told = has;
            self.failures = 0;
        }
    }
}

/// How many bytes a `Range: 0-<last>` means. `0-0` is what registries say for nothing.
fn range_end(answer: &Answer) -> Option<u64> {
    parse_range(&header(answer, "range")?)
}

/// `0-<last>`, with or without `bytes=`. Pure.
fn parse_range(text: &str) -> Option<u64> {
    let text = text.trim();
    let text = text.strip_prefix("bytes=").or(text.strip_prefix("bytes ")).unwrap_or(text);
    let last: u64 = text.strip_prefix("0-")?.trim().parse().ok()?;
    if last == 0 { Some(0) } else { last.checked_add(1) }
}

struct Counted<'a> {
    inner: &'a mut (dyn Read + Send),
    count: u64,
}

impl Read for Counted<'_> {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        let length = self.inner.read(into)?;
        self.count += length as u64;
        Ok(length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges() {
        for (text, expected) in [
            ("0-9", Some(10)),
            ("bytes=0-9", Some(10)),
            ("0-0", Some(0)),
            ("5-9", None),
            ("0-x", None),
            ("", None),
            ("0-18446744073709551615", None),
        ] {
            assert_eq!(parse_range(text), expected, "{text}");
        }
    }
}
