//! A proxy before a registry that counts what it is asked for, and can be as bad as networks and servers are.

use std::io::{BufRead as _, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use super::registry::Registry;

/// What happens to the bodies of large blobs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    None,
    /// After so many bytes nothing comes any more, until the fault is another one.
    Stall(usize),
    /// After so many bytes the connection ends.
    Cut(usize),
    /// The byte at this place is another one.
    Corrupt(usize),
    /// So many bytes more than there are.
    Longer(usize),
    /// So many bytes less, and the length says so.
    Shorter(usize),
    /// Requests for a part are answered with the whole.
    NoRanges,
}

/// Blobs smaller than this (configurations) pass untouched.
const LARGE: usize = 50_000;

struct Shared {
    upstream: u16,
    fault: Mutex<Fault>,
    /// `GET /v2/... bytes=5-`
    requests: Mutex<Vec<String>>,
    ended: AtomicBool,
}

/// A proxy that runs until it is dropped.
pub struct Proxy {
    port: u16,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

impl Proxy {
    pub fn start(registry: &Registry) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let shared = Arc::new(Shared {
            upstream: registry.port(),
            fault: Mutex::new(Fault::None),
            requests: Mutex::default(),
            ended: AtomicBool::new(false),
        });
        let serving = Arc::clone(&shared);
        let thread = std::thread::spawn(move || {
            std::thread::scope(|scope| {
                for client in listener.incoming().flatten() {
                    if serving.ended.load(Ordering::Relaxed) {
                        return;
                    }
                    let serving = &serving;
                    scope.spawn(move || serving.answer(client));
                }
            });
        });
        Proxy { port, shared, thread: Some(thread) }
    }

    /// The full name of a repository behind it.
    pub fn name(&self, repository: &str) -> String {
        format!("127.0.0.1:{}/{repository}", self.port)
    }

    pub fn set(&self, fault: Fault) {
        *self.shared.fault.lock().unwrap() = fault;
    }

    /// What was asked for since the last call, in order: method, path, and the range where there is one.
    pub fn requests(&self) -> Vec<String> {
        std::mem::take(&mut *self.shared.requests.lock().unwrap())
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.set(Fault::None);
        self.shared.ended.store(true, Ordering::Relaxed);
        let _ = TcpStream::connect(("127.0.0.1", self.port));
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn fault(&self) -> Fault {
        *self.fault.lock().unwrap()
    }

    /// Answers one request. What goes wrong with a connection is the client's to notice.
    fn answer(&self, mut client: TcpStream) -> Option<()> {
        let mut head = Vec::new();
        let mut reader = BufReader::new(client.try_clone().ok()?);
        let mut range = String::new();
        let mut path = String::new();
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line).ok()? == 0 {
                return None;
            }
            let lower = line.to_ascii_lowercase();
            if path.is_empty() {
                path = line.trim_end().trim_end_matches(" HTTP/1.1").to_owned();
            }
            if lower.starts_with("range:") {
                range = format!(" {}", line[6..].trim());
                if self.fault() == Fault::NoRanges {
                    continue;
                }
            }
            if lower.starts_with("connection:") || lower.starts_with("accept-encoding:") {
                continue;
            }
            if line.trim().is_empty() {
                head.extend_from_slice(b"Connection: close\r\n\r\n");
                break;
            }
            head.extend_from_slice(line.as_bytes());
        }
        self.requests.lock().unwrap().push(format!("{path}{range}"));
        let mut upstream = TcpStream::connect(("127.0.0.1", self.upstream)).ok()?;
        upstream.write_all(&head).ok()?;
        let mut answer = Vec::new();
        upstream.read_to_end(&mut answer).ok()?;
        let split = answer.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
        let mut body = answer.split_off(split);
        let fault = if path.contains("/blobs/") && body.len() > LARGE { self.fault() } else { Fault::None };
        let sent = body.len();
        match fault {
            Fault::None | Fault::NoRanges | Fault::Stall(_) | Fault::Cut(_) => {}
            Fault::Corrupt(at) => body[at] ^= 1,
            Fault::Longer(by) => body.resize(sent + by, 0),
            Fault::Shorter(by) => body.truncate(sent - by),
        }
        let head = String::from_utf8(answer).ok()?;
        let head = head.replace(&format!("Content-Length: {sent}"), &format!("Content-Length: {}", body.len()));
        client.write_all(head.as_bytes()).ok()?;
        let end = match fault {
            Fault::Stall(after) | Fault::Cut(after) => after.min(body.len()),
            _ => body.len(),
        };
        client.write_all(&body[..end]).ok()?;
        if let Fault::Stall(_) = fault {
            client.set_read_timeout(Some(Duration::from_millis(10))).ok()?;
            // Until the fault is gone, or the client.
            while self.fault() == fault && !matches!(reader.read(&mut [0]), Ok(0)) {}
            client.write_all(&body[end..]).ok()?;
        }
        client.shutdown(Shutdown::Both).ok()
    }
}
