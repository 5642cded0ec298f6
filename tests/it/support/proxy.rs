//! A proxy before a registry that does what networks and bad servers do: it drops connections, stalls, corrupts bytes, lies
//! about lengths, redirects, refuses. What came by is written down.

use std::io::{BufRead as _, BufReader, Read as _, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use super::registry::Registry;

/// What becomes of one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// Nothing bad.
    Pass,
    /// The answer breaks off after so many bytes of its body.
    Drop(usize),
    /// One bit of the body is wrong, at this position.
    Corrupt(usize),
    /// `Content-Length` promises so many bytes more than come, or less than do.
    Length(i64),
    /// The body is another one.
    Body(Vec<u8>),
    /// The registry is not asked: this status, these header lines (each with its `\r\n`), this body.
    Answer(u16, String, String),
    /// The connection is closed without an answer.
    Close,
    /// After so many bytes of the body nothing comes any more, until another fault is set, or the client is gone.
    Stall(usize),
    /// So many bytes more than there are, and the length says so.
    Longer(usize),
    /// So many bytes less, and the length says so.
    Shorter(usize),
    /// A request for a part is answered with the whole.
    NoRanges,
}

/// Bodies smaller than this (configurations) are spared by what [`Proxy::set`] sets.
const LARGE: usize = 50_000;

/// A request as it came by.
#[derive(Debug, Clone)]
pub struct Request {
    pub method: String,
    pub target: String,
    /// Names in small letters.
    pub headers: Vec<(String, String)>,
    /// How many of the same method and target came before.
    pub earlier: usize,
}

impl Request {
    /// The value of a header; empty where there is none.
    pub fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value)
    }

    /// Whether it asks for a blob.
    pub fn is_blob(&self) -> bool {
        self.method == "GET" && self.target.contains("/blobs/sha256:")
    }
}

type Decide = dyn Fn(&Request) -> Fault + Send + Sync;

/// The proxy, on a loopback port. It runs until it is dropped.
pub struct Proxy {
    port: u16,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    upstream: u16,
    decide: Box<Decide>,
    seen: Mutex<Vec<Request>>,
    /// How many of them were told by [`Proxy::requests`].
    told: AtomicUsize,
    /// What becomes of large blobs that nothing else was decided for.
    fault: Mutex<Fault>,
    ended: AtomicBool,
}

impl Proxy {
    /// Starts one before the registry on `upstream`, a loopback port. `decide` says what becomes of each request.
    pub fn start(upstream: u16, decide: impl Fn(&Request) -> Fault + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("its number").port();
        let shared = Arc::new(Shared {
            upstream,
            decide: Box::new(decide),
            seen: Mutex::default(),
            told: AtomicUsize::new(0),
            fault: Mutex::new(Fault::Pass),
            ended: AtomicBool::new(false),
        });
        let serving = Arc::clone(&shared);
        let thread = std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                if serving.ended.load(Ordering::Relaxed) {
                    return;
                }
                let serving = Arc::clone(&serving);
                // A connection that breaks is what this is for.
                std::thread::spawn(move || serving.serve(client));
            }
        });
        Proxy { port, shared, thread: Some(thread) }
    }

    /// Starts one that does nothing bad until it is told to.
    pub fn before(registry: &Registry) -> Self {
        Self::start(registry.port(), |_| Fault::Pass)
    }

    /// What becomes of large blobs from now on.
    pub fn set(&self, fault: Fault) {
        *self.shared.fault.lock().unwrap() = fault;
    }

    /// What was asked for since the last call, in order: method, path, and the range where there is one.
    pub fn requests(&self) -> Vec<String> {
        let seen = self.seen();
        let told = self.shared.told.swap(seen.len(), Ordering::Relaxed);
        let one = |r: &Request| format!("{} {} {}", r.method, r.target, r.header("range")).trim_end().to_owned();
        seen[told..].iter().map(one).collect()
    }

    /// The full name of a repository behind it.
    pub fn name(&self, repository: &str) -> String {
        format!("127.0.0.1:{}/{repository}", self.port)
    }

    /// `host:port`.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// All requests so far.
    pub fn seen(&self) -> Vec<Request> {
        self.shared.seen.lock().unwrap().clone()
    }

    /// How many requests for blobs have come by.
    pub fn blobs(&self) -> usize {
        self.seen().iter().filter(|request| request.is_blob()).count()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.set(Fault::Pass);
        self.shared.ended.store(true, Ordering::Relaxed);
        let _ = TcpStream::connect(("127.0.0.1", self.port));
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn fault(&self) -> Fault {
        self.fault.lock().unwrap().clone()
    }

    /// Answers one request.
    fn serve(&self, client: TcpStream) -> std::io::Result<()> {
        let mut reader = BufReader::new(client.try_clone()?);
        let mut client = client;
        let (first, headers) = head(&mut reader)?;
        let mut words = first.split(' ');
        let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        let request = {
            let mut log = self.seen.lock().unwrap();
            let earlier = log.iter().filter(|r| r.method == method && r.target == target).count();
            let request = Request { method: method.to_owned(), target: target.to_owned(), headers, earlier };
            log.push(request.clone());
            request
        };
        let mut fault = (self.decide)(&request);
        let later = fault == Fault::Pass && request.is_blob();
        let no_ranges = later && self.fault() == Fault::NoRanges;
        if fault == Fault::Close {
            return Ok(());
        }
        let length = request.header("content-length").parse().unwrap_or(0);
        if let Fault::Answer(status, headers, body) = &fault {
            std::io::copy(&mut (&mut reader).take(length), &mut std::io::sink())?;
            let length = body.len();
            let answer =
                format!("HTTP/1.1 {status} X\r\ncontent-length: {length}\r\n{headers}connection: close\r\n\r\n{body}");
            return client.write_all(answer.as_bytes());
        }
        let mut server = TcpStream::connect(("127.0.0.1", self.upstream))?;
        let mut ask = format!("{first}\r\n");
        let dropped = |name: &str| name == "connection" || no_ranges && name == "range";
        for (name, value) in request.headers.iter().filter(|(name, _)| !dropped(name)) {
            ask.push_str(&format!("{name}: {value}\r\n"));
        }
        ask.push_str("connection: close\r\n\r\n");
        server.write_all(ask.as_bytes())?;
        if request.header("transfer-encoding") == "chunked" {
            chunks(&mut reader, &mut server)?;
        } else {
            std::io::copy(&mut (&mut reader).take(length), &mut server)?;
        }
        let mut answer = BufReader::new(server);
        let (status, headers) = head(&mut answer)?;
        let mut body = Vec::new();
        if request.method != "HEAD" {
            // What is chunked goes on as it came.
            answer.read_to_end(&mut body)?;
        }
        if later && body.len() > LARGE {
            fault = self.fault();
        }
        self.pass(&mut client, &status, &headers, body, &fault)
    }

    fn pass(
        &self,
        client: &mut TcpStream,
        status: &str,
        headers: &[(String, String)],
        body: Vec<u8>,
        fault: &Fault,
    ) -> std::io::Result<()> {
        let mut body = body;
        let mut promised = None;
        match fault {
            Fault::Corrupt(position) => {
                if let Some(byte) = body.get_mut(*position) {
                    *byte ^= 1;
                }
            }
            Fault::Length(more) => promised = Some((body.len() as i64 + more).to_string()),
            Fault::Body(other) => {
                body.clone_from(other);
                promised = Some(body.len().to_string());
            }
            Fault::Longer(by) => {
                body.resize(body.len() + by, 0);
                promised = Some(body.len().to_string());
            }
            Fault::Shorter(by) => {
                body.truncate(body.len().saturating_sub(*by));
                promised = Some(body.len().to_string());
            }
            _ => {}
        }
        let mut head = format!("{status}\r\n");
        for (name, value) in headers.iter().filter(|(name, _)| name != "connection") {
            let value = promised.as_ref().filter(|_| name == "content-length").unwrap_or(value);
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str("connection: close\r\n\r\n");
        client.write_all(head.as_bytes())?;
        match fault {
            Fault::Drop(length) => client.write_all(body.get(..*length).unwrap_or(&body)),
            Fault::Stall(after) => {
                let (first, rest) = body.split_at((*after).min(body.len()));
                client.write_all(first)?;
                client.set_read_timeout(Some(Duration::from_millis(10)))?;
                while self.fault() == *fault && is_open(client) {}
                client.write_all(rest)
            }
            _ => client.write_all(&body),
        }
    }
}

/// Whether the client is still there, after a short wait for what it says.
fn is_open(client: &mut TcpStream) -> bool {
    match client.read(&mut [0]) {
        Ok(length) => length > 0,
        Err(e) => matches!(e.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut),
    }
}

/// The first line and the headers.
fn head(reader: &mut BufReader<TcpStream>) -> std::io::Result<(String, Vec<(String, String)>)> {
    let mut line = || -> std::io::Result<String> {
        let mut line = String::new();
        match reader.read_line(&mut line)? {
            0 => Err(std::io::ErrorKind::UnexpectedEof.into()),
            _ => Ok(line.trim_end().to_owned()),
        }
    };
    let first = line()?;
    let mut headers = Vec::new();
    loop {
        let line = line()?;
        let Some((name, value)) = line.split_once(':') else { return Ok((first, headers)) };
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
}

/// Passes a chunked body on as it is.
fn chunks(reader: &mut BufReader<TcpStream>, to: &mut impl Write) -> std::io::Result<()> {
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        to.write_all(line.as_bytes())?;
        let size = u64::from_str_radix(line.trim().split(';').next().unwrap_or_default(), 16).unwrap_or(0);
        std::io::copy(&mut reader.by_ref().take(size + 2), to)?;
        if size == 0 {
            return Ok(());
        }
    }
}
