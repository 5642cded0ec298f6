//! The forwarder with real sockets. The "container" is a server on the loopback, and what is called is another port there.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, Ipv6Addr, Shutdown, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::thread;
use std::time::{Duration, Instant};

use super::*;
use crate::container::record::PortMapping;
use crate::network::ports::{Protocol, assign, parse};

const PATIENCE: Duration = Duration::from_secs(20);

fn target() -> Target {
    Target { v4: Some(Ipv4Addr::LOCALHOST), v6: None, subnets: Vec::new(), keep_source: true }
}

/// A listener on a free port of 127.0.0.1 that leads to `container_port`.
fn published(spec: &str) -> (Vec<PortMapping>, Vec<Listener>) {
    // What was free a moment ago may have become the port of another test's connection.
    for _ in 0..20 {
        let mappings = assign(parse(spec).unwrap()).unwrap();
        match bind(&mappings) {
            Ok(listeners) => return (mappings, listeners),
            Err(error) => assert!(error.to_string().ends_with("Address already in use"), "{error}"),
        }
    }
    panic!("no port is free for {spec}");
}

fn copies(listeners: &[Listener]) -> Vec<Listener> {
    listeners.to_vec()
}

fn port_of(listener: &TcpListener) -> u16 {
    listener.local_addr().unwrap().port()
}

fn dial(port: u16) -> TcpStream {
    let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.set_write_timeout(Some(PATIENCE)).unwrap();
    stream
}

fn descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").unwrap().count()
}

/// Bytes that differ from place to place.
fn pattern(length: usize) -> Vec<u8> {
    (0..length).map(|n| (n ^ n >> 8 ^ n >> 16) as u8).collect()
}

#[test]
fn bytes_pass_both_ways_and_ends_are_passed_on() {
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let (mappings, listeners) = published(&format!("127.0.0.1::{}", port_of(&server)));
    let forwarder = Forwarder::spawn(2).unwrap();
    forwarder.set("c", target(), listeners).unwrap();
    // More than all buffers on the way hold, so that each side has to wait for the other.
    let sent = pattern(40 << 20);
    for (up, down) in [(5, 5), (0, 7), (70_000, 3), (3, 70_000), (sent.len(), 11), (11, sent.len())] {
        thread::scope(|scope| {
            let (server, sent) = (&server, &sent);
            scope.spawn(move || {
                let (mut stream, _) = server.accept().unwrap();
                let mut got = Vec::new();
                // The end of what the caller says comes before the answer.
                stream.read_to_end(&mut got).unwrap();
                assert!(got == sent[..up], "{up} and {} bytes up", got.len());
                stream.write_all(&sent[..down]).unwrap();
            });
            let mut caller = dial(mappings[0].host_port);
            caller.write_all(&sent[..up]).unwrap();
            caller.shutdown(Shutdown::Write).unwrap();
            let mut got = Vec::new();
            caller.read_to_end(&mut got).unwrap();
            assert!(got == sent[..down], "{down} and {} bytes down", got.len());
        });
    }
}

#[test]
fn a_slow_receiver_slows_the_sender_and_nothing_is_lost() {
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let (mappings, listeners) = published(&format!("127.0.0.1::{}", port_of(&server)));
    let forwarder = Forwarder::spawn(2).unwrap();
    forwarder.set("c", target(), listeners).unwrap();
    let mut caller = dial(mappings[0].host_port);
    let (mut stream, _) = server.accept().unwrap();
    caller.set_nonblocking(true).unwrap();
    // Until nothing is taken any more: all that is on the way stands in buffers of the kernel's.
    let sent = pattern(1 << 20);
    let (mut total, mut last) = (0, Instant::now());
    while last.elapsed() < Duration::from_millis(300) {
        match caller.write(&sent[total % sent.len()..]) {
            Ok(n) => (total, last) = (total + n, Instant::now()),
            Err(_) => thread::yield_now(),
        }
        assert!(total < 200 << 20, "there is no end to it");
    }
    caller.set_nonblocking(false).unwrap();
    caller.shutdown(Shutdown::Write).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let (mut got, mut buffer) = (0, vec![0; 1 << 16]);
    loop {
        let n = stream.read(&mut buffer).unwrap();
        if n == 0 {
            break;
        }
        for (i, byte) in buffer[..n].iter().enumerate() {
            assert_eq!(*byte, sent[(got + i) % sent.len()], "at {}", got + i);
        }
        got += n;
    }
    assert_eq!(got, total);
}

#[test]
fn who_cannot_be_reached_is_reported_at_once() {
    // Nobody listens on this port any more.
    let port = port_of(&TcpListener::bind("127.0.0.1:0").unwrap());
    let (mappings, listeners) = published(&format!("127.0.0.1::{port}"));
    let forwarder = Forwarder::spawn(2).unwrap();
    forwarder.set("c", target(), copies(&listeners)).unwrap();
    let started = Instant::now();
    let result = dial(mappings[0].host_port).read(&mut [0; 8]);
    assert!(matches!(&result, Err(e) if e.kind() == std::io::ErrorKind::ConnectionReset), "{result:?}");
    // A container without any address.
    let nowhere = Target { v4: None, ..target() };
    forwarder.set("c", nowhere, listeners).unwrap();
    let result = dial(mappings[0].host_port).read(&mut [0; 8]);
    assert!(matches!(&result, Err(e) if e.kind() == std::io::ErrorKind::ConnectionReset), "{result:?}");
    assert!(started.elapsed() < Duration::from_secs(5));
}

#[test]
fn a_reset_is_passed_on() {
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let (mappings, listeners) = published(&format!("127.0.0.1::{}", port_of(&server)));
    let forwarder = Forwarder::spawn(2).unwrap();
    forwarder.set("c", target(), listeners).unwrap();
    for from_caller in [true, false] {
        let mut caller = dial(mappings[0].host_port);
        let (mut stream, _) = server.accept().unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        caller.write_all(b"x").unwrap();
        stream.read_exact(&mut [0]).unwrap();
        let (dropped, mut other) = if from_caller { (caller, stream) } else { (stream, caller) };
        tcp::reset(&OwnedFd::from(dropped));
        let result = other.read(&mut [0; 8]);
        assert!(
            matches!(&result, Err(e) if e.kind() == std::io::ErrorKind::ConnectionReset),
            "{from_caller} {result:?}"
        );
    }
}

#[test]
fn urgent_data_does_not_stop_the_rest() {
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let (mappings, listeners) = published(&format!("127.0.0.1::{}", port_of(&server)));
    let forwarder = Forwarder::spawn(2).unwrap();
    forwarder.set("c", target(), listeners).unwrap();
    let mut caller = dial(mappings[0].host_port);
    let (mut stream, _) = server.accept().unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    caller.write_all(b"before").unwrap();
    rustix::net::send(&caller, b"!", rustix::net::SendFlags::OOB).unwrap();
    caller.write_all(b"after").unwrap();
    let mut got = [0; 12];
    stream.read_exact(&mut got).unwrap();
    assert_eq!(&got, b"before!after");
}

#[test]
fn listeners_come_and_go_and_what_stands_is_kept() {
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let (mappings, mut listeners) = published(&format!("127.0.0.1::{}", port_of(&server)));
    let forwarder = Forwarder::spawn(2).unwrap();
    forwarder.set("c", target(), copies(&listeners)).unwrap();
    let mut caller = dial(mappings[0].host_port);
    let (mut stream, _) = server.accept().unwrap();
    let mut says = |caller: &mut TcpStream, text: &[u8]| {
        caller.write_all(text).unwrap();
        let mut got = vec![0; text.len()];
        stream.read_exact(&mut got).unwrap();
        assert_eq!(got, text);
    };
    says(&mut caller, b"one");
    // A second port; the first connection lives on.
    let more = assign(parse(&format!("127.0.0.1::{}", port_of(&server))).unwrap()).unwrap();
    let both: Vec<PortMapping> = mappings.iter().chain(&more).cloned().collect();
    let before = inodes(&listeners);
    change(&mut listeners, &both).unwrap();
    assert_eq!(inodes(&listeners)[0], before[0]);
    forwarder.set("c", target(), copies(&listeners)).unwrap();
    says(&mut caller, b"two");
    drop(dial(more[0].host_port));
    server.accept().unwrap();
    // A port that is taken changes nothing.
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let wrong = PortMapping { host_port: port_of(&taken), ..more[0].clone() };
    let before = inodes(&listeners);
    let error = change(&mut listeners, &[wrong]).unwrap_err();
    assert_eq!(error.kind().exit_code(), 126);
    assert_eq!(inodes(&listeners), before);
    // Without the first port its connections end; the second one stays.
    change(&mut listeners, &more).unwrap();
    forwarder.set("c", target(), copies(&listeners)).unwrap();
    assert!(caller.read(&mut [0; 8]).is_err(), "reset");
    TcpStream::connect((Ipv4Addr::LOCALHOST, mappings[0].host_port)).unwrap_err();
    drop(dial(more[0].host_port));
    server.accept().unwrap();
    // While nobody serves it, callers wait.
    forwarder.remove("c");
    let mut waiting = dial(more[0].host_port);
    waiting.write_all(b"x").unwrap();
    forwarder.set("c", target(), copies(&listeners)).unwrap();
    server.accept().unwrap().0.read_exact(&mut [0]).unwrap();
}

fn inodes(listeners: &[Listener]) -> Vec<u64> {
    listeners.iter().map(|l| rustix::fs::fstat(&l.socket).unwrap().st_ino).collect()
}

#[test]
fn many_connections_leave_nothing_behind() {
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let (mappings, listeners) = published(&format!("127.0.0.1::{}", port_of(&server)));
    let forwarder = Forwarder::spawn(2).unwrap();
    forwarder.set("c", target(), listeners).unwrap();
    let talk = |n: usize| {
        let callers: Vec<TcpStream> = (0..n).map(|_| dial(mappings[0].host_port)).collect();
        // Two threads forward them, so that they do not come in order.
        for _ in 0..n {
            let (mut stream, _) = server.accept().unwrap();
            stream.write_all(b"x").unwrap();
        }
        for mut caller in callers {
            assert_eq!(caller.read(&mut [0; 8]).unwrap(), 1);
        }
    };
    talk(1);
    // Other tests open descriptors as well, so there is one try after the other until the count fits.
    let deadline = Instant::now() + PATIENCE;
    for _ in 0..5 {
        talk(60);
    }
    while descriptors() > 200 {
        assert!(Instant::now() < deadline, "{} descriptors", descriptors());
        thread::yield_now();
    }
}

#[test]
fn datagrams_find_their_way_back() {
    let server = UdpSocket::bind("127.0.0.1:0").unwrap();
    server.set_read_timeout(Some(PATIENCE)).unwrap();
    let port = server.local_addr().unwrap().port();
    let (mappings, listeners) = published(&format!("{port}/udp"));
    let forwarder = Forwarder::spawn(2).unwrap();
    forwarder.set("c", target(), listeners).unwrap();
    let to = |ip: &str| SocketAddr::new(ip.parse().unwrap(), mappings[0].host_port);
    let callers: Vec<UdpSocket> = ["127.0.0.1", "127.0.0.1", "127.0.0.5", "::1"]
        .iter()
        .map(|ip| {
            let ip: std::net::IpAddr = ip.parse().unwrap();
            let caller = UdpSocket::bind((ip, 0)).unwrap();
            // Only answers from the address that was asked are received.
            caller.connect(to(if ip.is_ipv6() { "::1" } else { "127.0.0.5" })).unwrap();
            caller.set_read_timeout(Some(PATIENCE)).unwrap();
            caller
        })
        .collect();
    let mut buffer = [0; 65536];
    let mut seen = std::collections::HashSet::new();
    for round in 0..3 {
        for (n, caller) in callers.iter().enumerate() {
            let question = vec![n as u8; 1 + round * 20_000];
            caller.send(&question).unwrap();
            let (length, from) = server.recv_from(&mut buffer).unwrap();
            assert!(buffer[..length] == question);
            seen.insert(from);
            server.send_to(&buffer[..length], from).unwrap();
            let length = caller.recv(&mut buffer).unwrap();
            assert!(buffer[..length] == question);
        }
    }
    assert_eq!(seen.len(), callers.len(), "each caller is one for the container");
    // An empty packet is one as well.
    callers[0].send(b"").unwrap();
    assert_eq!(server.recv_from(&mut buffer).unwrap().0, 0);
}

#[test]
fn a_udp_server_may_come_later() {
    let port = UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let (mappings, listeners) = published(&format!("127.0.0.1::{port}/udp"));
    let forwarder = Forwarder::spawn(2).unwrap();
    forwarder.set("c", target(), listeners).unwrap();
    let caller = UdpSocket::bind("127.0.0.1:0").unwrap();
    caller.connect(("127.0.0.1", mappings[0].host_port)).unwrap();
    caller.send(b"lost").unwrap();
    caller.send(b"lost").unwrap();
    let server = UdpSocket::bind(("127.0.0.1", port)).unwrap();
    server.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
    let deadline = Instant::now() + PATIENCE;
    let mut buffer = [0; 16];
    loop {
        caller.send(b"found").unwrap();
        if let Ok(5) = server.recv(&mut buffer) {
            break;
        }
        assert!(Instant::now() < deadline);
    }
}

#[test]
fn both_families_are_bound_unless_an_address_is_given() {
    let (mappings, _listeners) = published("80");
    let port = mappings[0].host_port;
    for address in ["127.0.0.1", "::1"] {
        TcpStream::connect((address, port)).unwrap();
        let error = bind(&[PortMapping { host_ip: address.into(), ..mappings[0].clone() }]).unwrap_err();
        assert!(error.to_string().ends_with("Address already in use"), "{error}");
    }
    let (mappings, _listeners) = published("[::1]::80");
    TcpStream::connect((Ipv6Addr::LOCALHOST, mappings[0].host_port)).unwrap();
    TcpStream::connect((Ipv4Addr::LOCALHOST, mappings[0].host_port)).unwrap_err();
    let (mappings, _listeners) = published("0.0.0.0::80");
    TcpStream::connect((Ipv6Addr::LOCALHOST, mappings[0].host_port)).unwrap_err();
    // A thousand, of which one is protocol and port of another one.
    let (mappings, listeners) = published("2000-2999");
    assert_eq!(listeners.len(), 1000);
    assert_eq!(listeners[7].container_port, 2007);
    let udp = PortMapping { protocol: Protocol::Udp.as_str().into(), ..mappings[0].clone() };
    drop(bind(&[udp]));
    if !nix::unistd::geteuid().is_root() {
        let error = bind(&[PortMapping { host_port: 1, range: 1, ..mappings[0].clone() }]).unwrap_err();
        assert!(error.hint_text().unwrap().contains("net.ipv4.ip_unprivileged_port_start=1"), "{error}");
    }
}
