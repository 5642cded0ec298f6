//! One request to a registry: what is asked, what goes along, and which answers are no failures.

use std::io::{Cursor, Read};

use ureq::http::Method;

/// What a request carries.
pub enum Payload<'a> {
    Nothing,
    /// Can be sent again after a failure, a redirect or a challenge.
    Bytes(&'a [u8]),
    /// Is sent once: a failure is the caller's to mend. `None` as the length means chunked transfer encoding.
    Reader(&'a mut (dyn Read + Send), Option<u64>),
}

/// A request to a registry, put together by chained calls: `Request::put(url).header("content-type", t).bytes(&body)`.
pub struct Request<'a> {
    pub(super) method: Method,
    pub(super) url: String,
    pub(super) headers: Vec<(&'a str, String)>,
    pub(super) payload: Payload<'a>,
    /// Scopes that a token needs besides that of the client's repository.
    pub(super) scopes: Vec<String>,
    /// Statuses besides 2xx that are answers and not errors.
    pub(super) expected: &'a [u16],
}

impl<'a> Request<'a> {
    fn new(method: Method, url: impl Into<String>) -> Self {
        Request {
            method,
            url: url.into(),
            headers: Vec::new(),
            payload: Payload::Nothing,
            scopes: Vec::new(),
            expected: &[],
        }
    }

    pub fn get(url: impl Into<String>) -> Self {
        Self::new(Method::GET, url)
    }
    pub fn head(url: impl Into<String>) -> Self {
        Self::new(Method::HEAD, url)
    }
    pub fn post(url: impl Into<String>) -> Self {
        Self::new(Method::POST, url)
    }
    pub fn put(url: impl Into<String>) -> Self {
        Self::new(Method::PUT, url)
    }
    pub fn patch(url: impl Into<String>) -> Self {
        Self::new(Method::PATCH, url)
    }
    pub fn delete(url: impl Into<String>) -> Self {
        Self::new(Method::DELETE, url)
    }

    /// Adds a header; the name in lower case. `authorization`, `host` and `content-length` are not the caller's to set.
    #[must_use]
    pub fn header(mut self, name: &'a str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// Sends these bytes.
    #[must_use]
    pub fn bytes(mut self, bytes: &'a [u8]) -> Self {
        self.payload = Payload::Bytes(bytes);
        self
    }

    /// Sends what this reader has, `length` bytes, or until its end in chunks of the transfer encoding.
    #[must_use]
    pub fn reader(mut self, reader: &'a mut (dyn Read + Send), length: Option<u64>) -> Self {
        self.payload = Payload::Reader(reader, length);
        self
    }

    /// Asks for a token that is good for this as well: `repository:OTHER:pull` when a blob is mounted from OTHER.
    #[must_use]
    pub fn scope(mut self, scope: impl Into<String>) -> Self {
        self.scopes.push(scope.into());
        self
    }

    /// Returns answers with these statuses as they are; all others outside 200..300 are errors.
    #[must_use]
    pub fn expect(mut self, statuses: &'a [u16]) -> Self {
        self.expected = statuses;
        self
    }

    /// Whether it can be sent a second time.
    pub(super) fn is_repeatable(&self) -> bool {
        !matches!(self.payload, Payload::Reader(..))
    }

    /// Whether it may be sent again when nobody knows what became of the first. A second PATCH would append twice.
    pub(super) fn may_be_tried_again(&self) -> bool {
        self.is_repeatable() && self.method != Method::PATCH
    }

    /// The body and its length, for one sending.
    pub(super) fn body(&mut self) -> (Box<dyn Read + '_>, Option<u64>) {
        match &mut self.payload {
            Payload::Nothing => (Box::new(std::io::empty()), Some(0)),
            Payload::Bytes(bytes) => (Box::new(Cursor::new(*bytes)), Some(bytes.len() as u64)),
            Payload::Reader(reader, length) => (Box::new(reader), *length),
        }
    }
}
