//! Pulling from a registry that this test plays, with all the ways in which real ones are difficult.

use std::collections::HashMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::blob::BlobReader;
use super::client::read_limited;
use super::search::Filters;
use super::{Access, Client, ClientOptions, Credentials, Proxies, Purpose, Request as Ask, Source};
use crate::image::reference::Reference;

type Handler = dyn Fn(&Request) -> Answer + Send + Sync;

/// A request as the server saw it.
#[derive(Debug, Clone)]
struct Request {
    target: String,
    headers: HashMap<String, String>,
    body: Vec<u8>,
    /// How many requests for the same target came before.
    earlier: usize,
}

/// Status, headers, body, and how many bytes of the body are really sent.
struct Answer(u16, Vec<(&'static str, String)>, Vec<u8>, usize);

fn answer(status: u16, headers: &[(&'static str, &str)], body: &[u8]) -> Answer {
    let headers = headers.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
    Answer(status, headers, body.to_vec(), body.len())
}

/// A server on loopback; its thread ends with the process.
struct Server {
    address: String,
    seen: Arc<Mutex<Vec<Request>>>,
}

impl Server {
    fn start(handler: impl Fn(&Request) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (log, handler): (_, Arc<Handler>) = (Arc::clone(&seen), Arc::new(handler));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (log, handler) = (Arc::clone(&log), Arc::clone(&handler));
                std::thread::spawn(move || serve(&stream, &log, &*handler));
            }
        });
        Server { address, seen }
    }

    fn client(&self, credentials: Option<Credentials>) -> Client {
        self.client_for(Purpose::Pull, credentials)
    }

    fn client_for(&self, purpose: Purpose, credentials: Option<Credentials>) -> Client {
        let reference = Reference::parse(&format!("{}/a/b:1", self.address)).unwrap();
        let retry_delay = Some(Duration::from_millis(1));
        let credentials = credentials.map_or(Source::Nobody, Source::Given);
        Client::connect(
            &reference,
            ClientOptions { tls_verify: false, purpose, credentials, retry_delay, ..ClientOptions::default() },
        )
        .unwrap()
    }

    fn requests(&self) -> Vec<Request> {
        self.seen.lock().unwrap().iter().filter(|r| r.target != "/v2/").cloned().collect()
    }
}

fn serve(stream: &TcpStream, log: &Mutex<Vec<Request>>, handler: &Handler) -> Option<()> {
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let target = line.split(' ').nth(1)?.to_owned();
    let mut headers = HashMap::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
    }
    let earlier = log.lock().unwrap().iter().filter(|r| r.target == target).count();
    let body = read_body(&mut reader, &headers)?;
    let request = Request { target, headers, body, earlier };
    log.lock().unwrap().push(request.clone());
    let Answer(status, headers, body, sent) = handler(&request);
    let mut head = format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\nconnection: close\r\n", body.len());
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    let mut stream = stream;
    stream.write_all(head.as_bytes()).ok()?;
    stream.write_all(b"\r\n").ok()?;
    stream.write_all(body.get(..sent)?).ok()
}

fn read_body(reader: &mut impl std::io::BufRead, headers: &HashMap<String, String>) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    if headers.get("transfer-encoding").is_some_and(|value| value == "chunked") {
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).ok()?;
            let length = usize::from_str_radix(line.trim(), 16).ok()?;
            let start = body.len();
            body.resize(start + length, 0);
            reader.read_exact(body.get_mut(start..)?).ok()?;
            reader.read_line(&mut line).ok()?;
            if length == 0 {
                return Some(body);
            }
        }
    }
    let length = headers.get("content-length").and_then(|value| value.parse().ok()).unwrap_or(0);
    body.resize(length, 0);
    reader.read_exact(&mut body).ok()?;
    Some(body)
}

fn read_blob(client: &Client, digest: &str, size: u64) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let mut reader = BlobReader::open(client, digest, size).map_err(|e| e.to_string())?;
    reader.read_to_end(&mut bytes).map_err(|e| e.to_string())?;
    Ok(bytes)
}

#[test]
fn tokens_are_fetched_once_and_sent_where_they_belong() {
    let elsewhere = Server::start(|_| answer(200, &[], b"blob"));
    let storage = elsewhere.address.clone();
    let server = Server::start(move |request| {
        let host = request.headers["host"].clone();
        if request.target.starts_with("/token") {
            let basic = request.headers.get("authorization").map(String::as_str);
            return match basic {
                Some("Basic dTpw") => answer(200, &[], br#"{"token":"t0k"}"#),
                None => answer(200, &[], br#"{"access_token":"anonymous"}"#),
                _ => answer(401, &[], b""),
            };
        }
        match request.headers.get("authorization").map(String::as_str) {
            Some("Bearer t0k") if request.target.contains("/blobs/") => {
                answer(307, &[("location", &format!("http://{storage}/signed?secret"))], b"")
            }
            Some("Bearer t0k") => answer(200, &[("content-type", "x/y")], b"manifest"),
            Some("Bearer anonymous") => answer(
                403,
                &[],
                br#"{"errors":[{"code":"DENIED","message":"requested access to the resource is denied"}]}"#,
            ),
            _ => answer(
                401,
                &[("www-authenticate", &format!("Bearer realm=\"http://{host}/token\",service=\"s v\""))],
                b"",
            ),
        }
    });
    let client = server.client(Some(Credentials::new("u", "p")));
    assert_eq!(client.manifest("1").unwrap().bytes, b"manifest");
    assert_eq!(client.manifest("1").unwrap().media_type, "x/y");
    assert_eq!(read_blob(&client, "sha256:1", 4).unwrap(), b"blob");
    let targets: Vec<_> = server.requests().into_iter().map(|r| r.target).collect();
    assert_eq!(
        targets,
        [
            "/v2/a/b/manifests/1",
            "/token?account=u&service=s%20v&scope=repository%3Aa%2Fb%3Apull",
            "/v2/a/b/manifests/1",
            "/v2/a/b/manifests/1",
            "/v2/a/b/blobs/sha256:1",
        ]
    );
    let redirected = elsewhere.requests();
    assert_eq!(redirected.len(), 1);
    assert!(!redirected[0].headers.contains_key("authorization"), "{redirected:?}");
    let error = server.client(None).manifest("1").unwrap_err().to_string();
    assert_eq!(error, "denied: requested access to the resource is denied");
    let error = server.client(Some(Credentials::new("u", "wrong"))).manifest("1").unwrap_err().to_string();
    assert_eq!(error, "unauthorized: invalid username/password");
}

#[test]
fn basic_authentication() {
    let server = Server::start(|request| match request.headers.get("authorization").map(String::as_str) {
        Some("Basic dTpw") => answer(200, &[], b"ok"),
        _ => answer(401, &[("www-authenticate", "Basic realm=\"x\"")], b""),
    });
    assert_eq!(server.client(Some(Credentials::new("u", "p"))).manifest("1").unwrap().bytes, b"ok");
    for client in [server.client(None), server.client(Some(Credentials::new("u", "q")))] {
        assert!(client.manifest("1").unwrap_err().to_string().contains("unauthorized"));
    }
}

#[test]
fn a_blob_goes_on_where_a_connection_broke() {
    let content: Vec<u8> = (0..200_000_u32).flat_map(u32::to_le_bytes).collect();
    let served = content.clone();
    let server = Server::start(move |request| {
        let start: usize = match request.headers.get("range") {
            Some(range) => range.trim_start_matches("bytes=").trim_end_matches('-').parse().unwrap(),
            None => 0,
        };
        let ranges = request.target.ends_with("good");
        let rest = if ranges { &served[start..] } else { &served[..] };
        let range = format!("bytes {start}-{}/{}", served.len() - 1, served.len());
        let status = if ranges && start > 0 { 206 } else { 200 };
        let mut answer = answer(status, &[("content-range", &range)], rest);
        // Three times it breaks off, further on each time.
        if request.earlier < 3 {
            answer.3 = rest.len() / 4 * (request.earlier + 1) / 2;
        }
        answer
    });
    for digest in ["good", "begins-anew"] {
        let client = server.client(None);
        assert!(read_blob(&client, digest, content.len() as u64).unwrap() == content, "{digest}");
    }
    let ranged = server.requests().iter().filter(|r| r.headers.contains_key("range")).count();
    assert!(ranged >= 4, "{ranged}");
}

#[test]
fn only_what_may_pass_is_tried_again() {
    let table = [(500, 4), (503, 4), (429, 4), (404, 1), (400, 1)];
    for (status, times) in table {
        let server = Server::start(move |_| answer(status, &[("retry-after", "0")], b""));
        let error = server.client(None).manifest("1").unwrap_err().to_string();
        assert!(error.contains(&status.to_string()), "{error}");
        assert_eq!(server.requests().len(), times, "{status}");
    }
    let server = Server::start(|request| answer(if request.earlier < 2 { 502 } else { 200 }, &[], b"ok"));
    assert_eq!(server.client(None).manifest("1").unwrap().bytes, b"ok");
}

#[test]
fn endless_answers_and_redirects_end() {
    let server = Server::start(|request| match request.target.as_str() {
        "/v2/a/b/manifests/big" => answer(200, &[], &vec![b' '; (4 << 20) + 1]),
        "/v2/a/b/manifests/file" => answer(307, &[("location", "file:///etc/passwd")], b""),
        other => answer(307, &[("location", other)], b""),
    });
    let client = server.client(None);
    for (tag, expected) in [("big", "larger than"), ("loop", "too often"), ("file", "not valid")] {
        let error = client.manifest(tag).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn tags_over_several_pages() {
    let server = Server::start(|request| match request.target.as_str() {
        "/v2/a/b/tags/list?n=1000" => {
            answer(200, &[("link", "</v2/a/b/tags/list?last=b>; rel=\"next\"")], br#"{"name":"a/b","tags":["a","b"]}"#)
        }
        _ => answer(200, &[], br#"{"tags":["c"]}"#),
    });
    assert_eq!(server.client(None).tags().unwrap(), ["a", "b", "c"]);
}

#[test]
fn a_plain_download() {
    let server = Server::start(|request| match request.target.as_str() {
        "/moved" => answer(302, &[("location", "/file")], b""),
        "/file" => answer(200, &[], b"content"),
        _ => answer(404, &[], b""),
    });
    let url = |path: &str| format!("http://{}{path}", server.address);
    let mut text = String::new();
    super::download::open(&url("/moved")).unwrap().read_to_string(&mut text).unwrap();
    assert_eq!(text, "content");
    let error = super::download::open(&url("/none")).map(|_| ()).unwrap_err().to_string();
    assert!(error.ends_with("the server answers with status 404"), "{error}");
}

/// What a request carries comes after the challenge, once and whole; the token is good for what is asked.
#[test]
fn bodies_and_scopes() {
    let server = Server::start(|request| {
        let host = request.headers["host"].clone();
        if request.target.starts_with("/token") {
            let token = format!(r#"{{"token":"{}","expires_in":300}}"#, request.target.len());
            return answer(200, &[], token.as_bytes());
        }
        match request.headers.get("authorization") {
            None => answer(401, &[("www-authenticate", &format!("Bearer realm=\"http://{host}/token\""))], b""),
            Some(_) if request.target.ends_with("/mount") => answer(202, &[("location", "/v2/a/b/up?x=1")], b""),
            Some(_) => answer(201, &[], &request.body),
        }
    });
    let client = server.client_for(Purpose::Push, None);
    let mut body = std::io::Cursor::new(b"streamed".to_vec());
    let mut answer = client.request(Ask::put(client.api("blob")).reader(&mut body, Some(8))).unwrap();
    assert_eq!(read_limited(&mut answer, "echo").unwrap(), b"streamed");
    let mut body = std::io::Cursor::new(b"in chunks".to_vec());
    let request = Ask::patch(client.api("blob")).header("content-type", "a/b").reader(&mut body, None);
    assert_eq!(client.request(request).unwrap().status().as_u16(), 201);
    let request = Ask::post(client.api("mount")).scope("repository:other:pull");
    let answer = client.request(request).unwrap();
    let location = client.location(&client.api("mount"), &answer).unwrap();
    assert!(location.ends_with("/v2/a/b/up?x=1") && location.starts_with("http://"), "{location}");
    let seen = server.requests();
    let targets: Vec<&str> = seen.iter().map(|r| r.target.as_str()).collect();
    assert_eq!(
        targets,
        [
            "/token?scope=repository%3Aa%2Fb%3Apull%2Cpush",
            "/v2/a/b/blob",
            "/v2/a/b/blob",
            "/token?scope=repository%3Aa%2Fb%3Apull%2Cpush&scope=repository%3Aother%3Apull",
            "/v2/a/b/mount",
        ]
    );
    assert_eq!(seen[1].headers["content-length"], "8");
    assert_eq!(seen[2].headers["transfer-encoding"], "chunked");
    assert_eq!(seen[4].headers["content-length"], "0");
}

/// A token that runs out in the middle is replaced, by name and password or by the identity token.
#[test]
fn tokens_are_renewed() {
    for credentials in [Credentials::new("u", "p"), Credentials::with_identity_token("u", "id&1")] {
        let served = std::sync::atomic::AtomicUsize::new(0);
        let server = Server::start(move |request| {
            let host = request.headers["host"].clone();
            let next = |step| served.fetch_add(step, std::sync::atomic::Ordering::SeqCst);
            if request.target.starts_with("/token") {
                let form = String::from_utf8_lossy(&request.body).into_owned();
                let by_token = form.contains("grant_type=refresh_token") && form.contains("refresh_token=id%261");
                let by_password = request.headers.get("authorization").is_some_and(|value| value == "Basic dTpw");
                if !(by_token ^ by_password) {
                    return answer(401, &[], b"");
                }
                let token = format!(r#"{{"access_token":"t{}","expires_in":3600}}"#, next(100));
                return answer(200, &[], token.as_bytes());
            }
            // Each token is good for two requests.
            let uses = next(1);
            let good = uses % 100 < 2 && request.headers.contains_key("authorization");
            if good {
                return answer(200, &[], b"ok");
            }
            served.fetch_sub(uses % 100 + 1, std::sync::atomic::Ordering::SeqCst);
            answer(401, &[("www-authenticate", &format!("Bearer realm=\"http://{host}/token\",service=\"s\""))], b"")
        });
        let client = server.client(Some(credentials));
        for _ in 0..5 {
            assert_eq!(client.manifest("1").unwrap().bytes, b"ok");
        }
        let tokens = server.requests().iter().filter(|r| r.target.starts_with("/token")).count();
        assert_eq!(tokens, 3);
    }
}

/// What cannot be sent twice is not, and what must not be is not.
#[test]
fn a_stream_is_sent_once() {
    let server = Server::start(|request| match request.target.as_str() {
        "/v2/" => answer(200, &[], b""),
        "/v2/a/b/moved" => answer(307, &[("location", "/v2/a/b/there")], b""),
        "/v2/a/b/there" => answer(201, &[], &request.body),
        _ => answer(503, &[], b""),
    });
    let client = server.client(None);
    let mut body = std::io::Cursor::new(b"x".to_vec());
    let error = client.request(Ask::put(client.api("busy")).reader(&mut body, Some(1))).unwrap_err();
    assert!(error.to_string().contains("503"), "{error}");
    client.request(Ask::patch(client.api("patch")).bytes(b"x")).unwrap_err();
    assert_eq!(server.requests().len(), 2);
    client.request(Ask::put(client.api("again")).bytes(b"x")).unwrap_err();
    assert_eq!(server.requests().len(), 2 + 4);
    let mut moved = client.request(Ask::put(client.api("moved")).bytes(b"whole")).unwrap();
    assert_eq!(read_limited(&mut moved, "echo").unwrap(), b"whole");
    let mut body = std::io::Cursor::new(b"x".to_vec());
    let error = client.request(Ask::put(client.api("moved")).reader(&mut body, Some(1))).unwrap_err();
    assert!(error.to_string().contains("cannot be sent twice"), "{error}");
    let expected = client.request(Ask::head(client.api("busy")).expect(&[404, 503])).unwrap();
    assert_eq!(expected.status().as_u16(), 503);
}

/// The registry's proof goes to no other host, port or scheme, on no way there.
#[test]
fn a_proof_goes_nowhere_else() {
    let elsewhere = Server::start(|_| answer(401, &[("www-authenticate", "Basic realm=\"give\"")], b""));
    let other = elsewhere.address.clone();
    let server = Server::start(move |request| match request.headers.get("authorization") {
        None => answer(401, &[("www-authenticate", "Basic realm=\"x\"")], b""),
        Some(_) => answer(307, &[("location", &format!("http://{other}/stolen"))], b""),
    });
    let client = server.client(Some(Credentials::new("u", "p")));
    client.manifest("1").unwrap_err();
    client.request(Ask::put(client.api("x")).bytes(b"x")).unwrap_err();
    assert_eq!(elsewhere.requests().len(), 2);
    assert!(elsewhere.requests().iter().all(|request| !request.headers.contains_key("authorization")));
}

#[test]
fn searching_by_term_and_by_catalog() {
    let server = Server::start(|request| {
        match request.target.as_str() {
        "/v1/search?q=al%20p&n=2" => answer(
            200,
            &[],
            br#"{"results":[{"name":"x/alp","description":null,"star_count":7,"is_official":true},{"name":"b"},{"name":"c"}]}"#,
        ),
        "/v2/_catalog?n=1000" => answer(
            200,
            &[("link", "</v2/_catalog?last=b>; rel=\"next\"")],
            br#"{"repositories":["a/needle","b"]}"#,
        ),
        "/v2/_catalog?last=b" => answer(200, &[], br#"{"repositories":["needle2"]}"#),
        "/v2/" => answer(200, &[], b""),
        _ => answer(404, &[], b""),
    }
    });
    let access = Access { tls_verify: Some(false), retry: Some(0), ..Access::default() };
    let search = |term: &str, limit| {
        let found = access.search(&format!("{}/{term}", server.address), &Filters::default(), limit).unwrap().found;
        found.into_iter().map(|one| one.name.trim_start_matches(&server.address).to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(search("al p", 2), ["/x/alp", "/b"]);
    assert_eq!(search("needle", 9), ["/a/needle", "/needle2"]);
    assert_eq!(search("", 2), ["/a/needle", "/b"]);
    assert!(search("nothing", 9).is_empty());
}

/// A registry behind a proxy is asked through it, by a tunnel; the name is the proxy's to look up.
#[test]
fn proxies_are_used() {
    let proxy = Server::start(|_| answer(403, &[], b""));
    let address = format!("http://{}", proxy.address);
    let proxies = Proxies { http: Some(address.clone()), https: Some(address), ..Proxies::default() };
    let reference = Reference::parse("r.invalid:5000/a/b:1").unwrap();
    let options = ClientOptions { tls_verify: false, retries: 0, proxies, ..ClientOptions::default() };
    Client::connect(&reference, options).unwrap().manifest("1").unwrap_err();
    let targets: Vec<String> = proxy.requests().into_iter().map(|request| request.target).collect();
    assert!(!targets.is_empty() && targets.iter().all(|target| target == "r.invalid:5000"), "{targets:?}");
}
