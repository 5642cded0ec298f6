//! A registry that the test plays, for what a real one does only when the network or a proxy is bad: connections that
//! end in the middle of an upload, limits, refusals. It keeps what it gets in memory.

use std::collections::HashMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use super::image::digest;

/// What is wrong with it.
#[derive(Debug, Clone, Default)]
pub struct Faults {
    /// The connection ends when so many bytes of an upload have come, this many times.
    pub drop_after: Option<(usize, usize)>,
    /// Larger requests get a 413.
    pub limit: Option<usize>,
    /// The same, but the connection just ends.
    pub rude_limit: Option<usize>,
    /// `OCI-Chunk-Min-Length`.
    pub min_chunk: Option<usize>,
    /// Uploads cannot be gone on with.
    pub no_ranges: bool,
    /// OCI manifests get a 415.
    pub no_oci: bool,
    /// Uploads get a 403 with Docker's words.
    pub denied: bool,
}

#[derive(Default)]
struct State {
    blobs: HashMap<String, Vec<u8>>,
    uploads: HashMap<String, Vec<u8>>,
    manifests: HashMap<String, (String, Vec<u8>)>,
    log: Vec<String>,
    dropped: usize,
}

/// The registry; its thread ends with the test.
pub struct Played {
    address: String,
    state: Arc<Mutex<State>>,
}

impl Played {
    pub fn start(faults: Faults) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let state = Arc::new(Mutex::new(State::default()));
        let shared = Arc::clone(&state);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (state, faults) = (Arc::clone(&shared), faults.clone());
                std::thread::spawn(move || while serve(&stream, &state, &faults).is_some() {});
            }
        });
        Played { address, state }
    }

    /// The full name of a repository in it.
    pub fn name(&self, repository: &str) -> String {
        format!("{}/{repository}", self.address)
    }

    /// Media type and bytes of a manifest, `repository:tag`.
    pub fn manifest(&self, name: &str) -> Option<(String, Vec<u8>)> {
        self.state.lock().unwrap().manifests.get(name).cloned()
    }

    /// Whether every blob is what its digest says, and those of the manifest are there.
    #[track_caller]
    pub fn check(&self, name: &str) {
        let state = self.state.lock().unwrap();
        assert!(state.blobs.iter().all(|(name, bytes)| *name == digest(bytes)));
        let manifest: serde_json::Value = serde_json::from_slice(&state.manifests[name].1).unwrap();
        for blob in manifest["layers"].as_array().unwrap().iter().chain([&manifest["config"]]) {
            let bytes = state.blobs.get(blob["digest"].as_str().unwrap()).expect("a blob of the manifest");
            assert_eq!(bytes.len() as u64, blob["size"].as_u64().unwrap());
        }
    }

    /// All requests: method, target, and `Content-Range`.
    pub fn log(&self) -> Vec<String> {
        self.state.lock().unwrap().log.clone()
    }
}

/// Answers one request. `None` ends the connection.
fn serve(stream: &TcpStream, state: &Mutex<State>, faults: &Faults) -> Option<()> {
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    let mut line = String::new();
    reader.read_line(&mut line).ok().filter(|length| *length > 0)?;
    let mut words = line.split_whitespace();
    let (method, target) = (words.next()?.to_owned(), words.next()?.to_owned());
    let mut headers = HashMap::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
    }
    let range = headers.get("content-range").cloned().unwrap_or_default();
    state.lock().unwrap().log.push(format!("{method} {target} {range}").trim_end().to_owned());
    let length: Option<usize> = headers.get("content-length").and_then(|length| length.parse().ok());
    let chunked = headers.get("transfer-encoding").is_some_and(|value| value == "chunked");
    if faults.rude_limit.is_some_and(|limit| length.unwrap_or(0) > limit || chunked) {
        return None;
    }
    let stop = match faults.drop_after {
        Some((after, times)) if method == "PATCH" && state.lock().unwrap().dropped < times => Some(after),
        _ => None,
    };
    let body = body(&mut reader, length, chunked, stop)?;
    if let Some(after) = stop.filter(|after| body.len() >= *after) {
        let mut state = state.lock().unwrap();
        state.dropped += 1;
        let id = upload_id(&target);
        state.uploads.entry(id).or_default().extend(&body[..after]);
        return None;
    }
    let answer = answer(&mut state.lock().unwrap(), faults, &method, &target, &headers, body);
    let (status, fields, body) = answer;
    let mut text = format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\n", body.len());
    for (name, value) in fields {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    text.push_str("\r\n");
    let mut stream = stream;
    stream.write_all(text.as_bytes()).ok()?;
    if method != "HEAD" {
        stream.write_all(&body).ok()?;
    }
    // What the reader has taken in ahead would be lost, so there is one request for each connection unless it is empty.
    reader.buffer().is_empty().then_some(())
}

/// The body, or its first bytes if it is to stop.
fn body(
    reader: &mut BufReader<TcpStream>,
    length: Option<usize>,
    chunked: bool,
    stop: Option<usize>,
) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    if !chunked {
        let wanted = length.unwrap_or(0).min(stop.unwrap_or(usize::MAX));
        reader.take(wanted as u64).read_to_end(&mut body).ok()?;
        return Some(body);
    }
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let size = usize::from_str_radix(line.trim(), 16).ok()?;
        reader.by_ref().take(size as u64).read_to_end(&mut body).ok()?;
        reader.read_line(&mut String::new()).ok()?;
        if size == 0 || stop.is_some_and(|stop| body.len() >= stop) {
            return Some(body);
        }
    }
}

fn upload_id(target: &str) -> String {
    target.split('?').next().unwrap().rsplit('/').next().unwrap().to_owned()
}

type Answer = (u16, Vec<(&'static str, String)>, Vec<u8>);

fn answer(
    state: &mut State,
    faults: &Faults,
    method: &str,
    target: &str,
    headers: &HashMap<String, String>,
    body: Vec<u8>,
) -> Answer {
    let error = |status: u16, code: &str, message: &str| {
        let text = format!(r#"{{"errors":[{{"code":"{code}","message":"{message}"}}]}}"#);
        (status, vec![], text.into_bytes())
    };
    let path = target.split('?').next().unwrap();
    let query: HashMap<&str, String> = target.split_once('?').map_or(HashMap::new(), |(_, query)| {
        let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        pairs.map(|(key, value)| (key, value.replace("%3A", ":").replace("%2F", "/"))).collect()
    });
    if faults.limit.is_some_and(|limit| body.len() > limit) {
        return (413, vec![], b"<html>".to_vec());
    }
    if path == "/v2/" {
        return (200, vec![], b"{}".to_vec());
    }
    if let Some((_, digest)) = path.split_once("/blobs/sha256:") {
        return match state.blobs.get(&format!("sha256:{digest}")) {
            Some(bytes) => (200, vec![], bytes.clone()),
            None => error(404, "BLOB_UNKNOWN", "blob unknown"),
        };
    }
    if let Some((repository, reference)) = path.trim_start_matches("/v2/").split_once("/manifests/") {
        let media_type = headers.get("content-type").cloned().unwrap_or_default();
        if faults.no_oci && media_type.contains("oci") {
            return error(415, "UNSUPPORTED", "no OCI here");
        }
        let digest = digest(&body);
        state.manifests.insert(format!("{repository}:{reference}"), (media_type, body));
        return (201, vec![("docker-content-digest", digest)], vec![]);
    }
    if faults.denied {
        return error(403, "DENIED", "requested access to the resource is denied");
    }
    let id = upload_id(target);
    match method {
        "POST" => {
            let id = format!("u{}", state.uploads.len());
            state.uploads.insert(id.clone(), Vec::new());
            let mut fields = vec![("location", format!("{path}{id}?state=1"))];
            fields.extend(faults.min_chunk.map(|least| ("oci-chunk-min-length", least.to_string())));
            (202, fields, vec![])
        }
        "PATCH" | "PUT" => {
            let Some(upload) = state.uploads.get_mut(&id) else {
                return error(404, "BLOB_UPLOAD_UNKNOWN", "upload unknown");
            };
            if let Some(range) = headers.get("content-range") {
                if faults.no_ranges && !range.starts_with("0-") {
                    return error(400, "UNSUPPORTED", "no ranges");
                }
                let start: usize = range.split('-').next().unwrap().parse().unwrap();
                if start != upload.len() {
                    return error(416, "RANGE_INVALID", "not in order");
                }
            }
            upload.extend(body);
            if method == "PATCH" {
                let fields = vec![
                    ("location", format!("{path}?state={}", upload.len())),
                    ("range", format!("0-{}", upload.len().saturating_sub(1))),
                ];
                return (202, fields, vec![]);
            }
            let bytes = state.uploads.remove(&id).unwrap();
            let actual = digest(&bytes);
            if query.get("digest") != Some(&actual) {
                return error(400, "DIGEST_INVALID", "provided digest did not match uploaded content");
            }
            state.blobs.insert(actual, bytes);
            (201, vec![], vec![])
        }
        "GET" => match state.uploads.get(&id) {
            Some(upload) => (204, vec![("range", format!("0-{}", upload.len().saturating_sub(1)))], vec![]),
            None => error(404, "BLOB_UPLOAD_UNKNOWN", "upload unknown"),
        },
        _ => (204, vec![], vec![]),
    }
}
