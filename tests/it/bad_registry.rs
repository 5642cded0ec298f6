//! Registries and networks as they are on bad days: each pull ends well, or in one clear line, and leaves nothing half made.

use std::collections::BTreeSet;
use std::net::{Shutdown, TcpListener, TcpStream};

use crate::support::Env;
use crate::support::command::Output;
use crate::support::fixtures;
use crate::support::proxy::{Fault, Proxy, Request};
use crate::support::registry::Registry;

const IMAGE: &str = "test/busybox:1";

/// A registry with busybox in it, behind a proxy.
fn behind(env: &Env, decide: impl Fn(&Request) -> Fault + Send + Sync + 'static) -> (Registry, Proxy) {
    let registry = Registry::start(env);
    registry.push(env, fixtures::busybox_layout(), IMAGE, "oci");
    let proxy = Proxy::start(registry.port(), decide);
    (registry, proxy)
}

fn pull(env: &Env, proxy: &Proxy, options: &[&str]) -> Output {
    let args = [&["pull", "-q", "--tls-verify=false", "--retry-delay", "10ms"][..], options].concat();
    env.coracle(args).args([proxy.name(IMAGE)]).run()
}

/// One line of error with these words; and then, without the fault, the image comes.
#[track_caller]
fn fails_cleanly(env: &Env, registry: &Registry, output: Output, words: &[&str]) {
    let output = output.expect(125);
    let lines: Vec<&str> = output.stderr.lines().filter(|line| line.starts_with("Error: ")).collect();
    assert_eq!(lines.len(), 1, "{output}");
    for word in words {
        assert!(output.stderr.contains(word), "`{word}` is missing: {output}");
    }
    assert_eq!(env.ok(["images", "-aq"]), "", "nothing is listed");
    let name = registry.name(IMAGE);
    env.ok(["pull", "-q", "--tls-verify=false", &name]);
    env.coracle(["run", "--rm", "--network", "none", &name, "echo", "whole"]).run().expect(0).says("whole");
}

/// The digest of the one layer: that of the largest blob that was asked for.
fn asked_blobs(proxy: &Proxy) -> BTreeSet<String> {
    let digest = |request: Request| request.target.rsplit('/').next().unwrap_or_default().to_owned();
    proxy.seen().into_iter().filter(Request::is_blob).map(digest).collect()
}

#[test]
fn a_connection_that_breaks_is_taken_up_where_it_broke() {
    let env = Env::new();
    let (_registry, proxy) = behind(&env, |request| match request.earlier {
        0 | 1 if request.is_blob() => Fault::Drop(100_000),
        _ => Fault::Pass,
    });
    pull(&env, &proxy, &[]).expect(0);
    let ranges: Vec<String> =
        proxy.seen().iter().map(|r| r.header("range").to_owned()).filter(|r| !r.is_empty()).collect();
    assert!(ranges.contains(&"bytes=100000-".to_owned()) && ranges.contains(&"bytes=200000-".to_owned()), "{ranges:?}");
    assert_eq!(ranges.len(), 2, "nothing is fetched twice: {ranges:?}");
    env.coracle(["run", "--rm", "--network", "none", &proxy.name(IMAGE), "true"]).run().expect(0);
}

#[test]
fn a_connection_that_always_breaks_is_given_up() {
    let env = Env::new();
    let (registry, proxy) = behind(&env, |request| match request.is_blob() {
        true => Fault::Drop(0),
        false => Fault::Pass,
    });
    let output = pull(&env, &proxy, &["--retry", "2"]);
    let blobs = asked_blobs(&proxy);
    assert!(proxy.blobs() <= 3 * blobs.len(), "two more tries for each blob: {:?}", proxy.seen());
    fails_cleanly(&env, &registry, output, &[&proxy.name("test/busybox")]);
}

#[test]
fn no_answer_at_all_is_tried_again() {
    let env = Env::new();
    let (_registry, proxy) = behind(&env, |request| match request.earlier {
        0 if request.target != "/v2/" => Fault::Close,
        _ => Fault::Pass,
    });
    pull(&env, &proxy, &[]).expect(0);
}

/// That a server speaks plain HTTP is known from its answer to TLS, whatever becomes of the first try without.
#[test]
fn plain_http_is_tried_again_as_well() {
    let env = Env::new();
    let registry = Registry::start(&env);
    registry.push(&env, fixtures::busybox_layout(), IMAGE, "oci");
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (port, upstream) = (listener.local_addr().unwrap().port(), registry.port());
    std::thread::spawn(move || {
        let mut has_dropped = false;
        for client in listener.incoming() {
            let mut client = client.unwrap();
            let mut first = [0];
            let is_plain = client.peek(&mut first).is_ok() && first == *b"G";
            if is_plain && !std::mem::replace(&mut has_dropped, true) {
                continue;
            }
            let mut server = TcpStream::connect(("127.0.0.1", upstream)).unwrap();
            let (mut from, mut to) = (client.try_clone().unwrap(), server.try_clone().unwrap());
            std::thread::spawn(move || std::io::copy(&mut from, &mut to).and_then(|_| to.shutdown(Shutdown::Write)));
            std::thread::spawn(move || {
                std::io::copy(&mut server, &mut client).and_then(|_| client.shutdown(Shutdown::Both))
            });
        }
    });
    let name = format!("127.0.0.1:{port}/{IMAGE}");
    env.ok(["pull", "-q", "--tls-verify=false", "--retry-delay", "10ms", &name]);
}

#[test]
fn corrupt_layers_and_configurations_are_refused() {
    for small in [true, false] {
        let env = Env::new();
        let sizes = fixtures::busybox_layout().join("blobs/sha256");
        let large: BTreeSet<String> = std::fs::read_dir(sizes)
            .unwrap()
            .flatten()
            .filter(|entry| entry.metadata().unwrap().len() > 50_000)
            .map(|entry| entry.file_name().into_string().unwrap())
            .collect();
        let (registry, proxy) = behind(&env, move |request| {
            let is_large = large.iter().any(|hex| request.target.ends_with(hex.as_str()));
            if request.is_blob() && is_large != small { Fault::Corrupt(40) } else { Fault::Pass }
        });
        let output = pull(&env, &proxy, &[]);
        let words: &[&str] = if small { &["configuration", "digest"] } else { &["sha256:", "digest"] };
        // A flipped bit may break the compression before it breaks the digest: then that is what is said.
        let said = output.stderr.clone();
        let words = if !small && !said.contains("digest") { &["sha256:"] } else { words };
        fails_cleanly(&env, &registry, output, words);
    }
}

#[test]
fn lies_about_lengths_are_noticed() {
    for more in [7, -7] {
        let env = Env::new();
        let (registry, proxy) = behind(&env, move |request| match request.is_blob() {
            true => Fault::Length(more),
            false => Fault::Pass,
        });
        let output = pull(&env, &proxy, &["--retry", "1"]);
        fails_cleanly(&env, &registry, output, &[]);
    }
}

#[test]
fn another_manifest_than_the_digest_says_is_refused() {
    let env = Env::new();
    let (registry, proxy) = behind(&env, |request| match request.target.contains("/manifests/sha256:") {
        true => Fault::Answer(200, String::new(), r#"{"schemaVersion":2,"layers":[]}"#.to_owned()),
        false => Fault::Pass,
    });
    let digest = crate::support::image::digest(b"something else");
    let name = format!("{}@{digest}", proxy.name("test/busybox"));
    let output = env.coracle(["pull", "-q", "--tls-verify=false", &name]).run();
    fails_cleanly(&env, &registry, output, &["digest", digest.as_str()]);
}

/// What is no digest would be asked for like a tag, and nobody could say whether what comes is what was meant.
#[test]
fn an_index_names_its_manifests_by_digest_only() {
    let env = Env::new();
    let index = r#"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json",
        "manifests":[{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"2","size":1}]}"#;
    let (registry, proxy) = behind(&env, move |request| match request.target.ends_with("/manifests/1") {
        true => Fault::Body(index.as_bytes().to_vec()),
        false => Fault::Pass,
    });
    registry.push(&env, fixtures::busybox_layout(), "test/busybox:2", "oci");
    fails_cleanly(&env, &registry, pull(&env, &proxy, &[]), &["digest `2` is malformed"]);
}

#[test]
fn huge_and_nonsensical_manifests_are_refused() {
    let deep = format!("{{\"schemaVersion\":2,\"config\":{}{}}}", "[".repeat(500_000), "]".repeat(500_000));
    let huge = format!("{{\"schemaVersion\":2,\"annotations\":{{\"a\":\"{}\"}}}}", "x".repeat(9 << 20));
    for body in ["", "{}", "null", "<html>", "{\"schemaVersion\":1}", &deep, &huge] {
        let env = Env::new();
        let body = body.to_owned();
        let (registry, proxy) = behind(&env, move |request| match request.target.contains("/manifests/") {
            true => Fault::Body(body.clone().into_bytes()),
            false => Fault::Pass,
        });
        let output = pull(&env, &proxy, &[]);
        fails_cleanly(&env, &registry, output, &["manifest"]);
    }
}

#[test]
fn busy_servers_are_asked_again() {
    for status in [429, 500, 502, 503] {
        let env = Env::new();
        let (_registry, proxy) = behind(&env, move |request| match request.earlier {
            0 | 1 if request.target != "/v2/" => Fault::Answer(status, "retry-after: 0\r\n".to_owned(), String::new()),
            _ => Fault::Pass,
        });
        pull(&env, &proxy, &[]).expect(0);
    }
}

#[test]
fn servers_that_stay_busy_are_named_with_their_status() {
    for (status, body, words) in [
        (
            429,
            r#"{"errors":[{"code":"TOOMANYREQUESTS","message":"you have reached your limit"}]}"#,
            "you have reached your limit",
        ),
        (500, "", "500"),
        (403, r#"{"errors":[{"code":"DENIED","message":"not for you"}]}"#, "not for you"),
        (404, r#"{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown"}]}"#, "manifest unknown"),
    ] {
        let env = Env::new();
        let (registry, proxy) = behind(&env, move |request| match request.target.contains("/manifests/") {
            true => Fault::Answer(status, String::new(), body.to_owned()),
            false => Fault::Pass,
        });
        let output = pull(&env, &proxy, &["--retry", "1"]);
        let asked = proxy.seen().iter().filter(|r| r.target.contains("/manifests/")).count();
        assert_eq!(
            asked,
            if matches!(status, 429 | 500) { 2 } else { 1 },
            "{status}: only what may pass is asked again"
        );
        fails_cleanly(&env, &registry, output, &[words, &proxy.name("test/busybox")]);
    }
}

#[test]
fn a_registry_that_wants_a_password_says_so() {
    let env = Env::new();
    let (registry, proxy) =
        behind(&env, |_| Fault::Answer(401, "www-authenticate: Basic realm=\"x\"\r\n".to_owned(), String::new()));
    for options in [&[][..], &["--creds", "user:wr0ng-secret"]] {
        let output = pull(&env, &proxy, options);
        assert!(!output.stderr.contains("wr0ng-secret"), "{output}");
        assert!(output.stderr.contains("unauthorized"), "{output}");
        output.expect(125);
    }
    let output = pull(&env, &proxy, &[]);
    fails_cleanly(&env, &registry, output, &["unauthorized"]);
}

/// A password for one server is not for another one, even if the first one sends us there.
#[test]
fn credentials_do_not_follow_redirects() {
    let env = Env::new();
    let registry = Registry::start(&env);
    registry.push(&env, fixtures::busybox_layout(), IMAGE, "oci");
    let elsewhere = Proxy::start(registry.port(), |_| Fault::Pass);
    let address = elsewhere.address();
    let proxy = Proxy::start(registry.port(), move |request| {
        if request.header("authorization").is_empty() {
            return Fault::Answer(401, "www-authenticate: Basic realm=\"x\"\r\n".to_owned(), String::new());
        }
        match request.is_blob() {
            true => Fault::Answer(307, format!("location: http://{address}{}\r\n", request.target), String::new()),
            false => Fault::Pass,
        }
    });
    pull(&env, &proxy, &["--creds", "user:s3cret"]).expect(0);
    assert!(elsewhere.blobs() > 0, "the redirect was followed");
    for request in elsewhere.seen() {
        assert!(
            request.headers.iter().all(|(name, value)| name != "authorization" && !value.contains("dXNlcjpzM2NyZXQ")),
            "{request:?}"
        );
    }
}

#[test]
fn redirects_in_a_circle_end() {
    let env = Env::new();
    let (registry, proxy) = behind(&env, |request| match request.is_blob() {
        true => Fault::Answer(302, format!("location: {}\r\n", request.target), String::new()),
        false => Fault::Pass,
    });
    let output = pull(&env, &proxy, &["--retry", "0"]);
    fails_cleanly(&env, &registry, output, &["redirect"]);
}
