//! Published ports of containers on bridges: who the caller is, both protocols and families, changes at any time, what happens
//! when something dies.

use std::io::{Read as _, Write as _};
use std::net::{IpAddr, Ipv6Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::support::registry::free_port;
use crate::support::{Env, SOON, leftovers, skip, until};

/// Says to each caller who it is: "NAME ADDRESS", on port 80 of TCP and 53 of UDP. The name is what /name says.
#[test]
#[ignore = "the server of these tests"]
fn who_server() {
    let name = std::fs::read_to_string("/name").unwrap();
    let answer = move |from: SocketAddr| format!("{} {}", name.trim(), from.ip().to_canonical());
    let udp = UdpSocket::bind((Ipv6Addr::UNSPECIFIED, 53)).unwrap();
    let for_udp = answer.clone();
    std::thread::spawn(move || {
        while let Ok((_, from)) = udp.recv_from(&mut [0; 1000]) {
            let _ = udp.send_to(for_udp(from).as_bytes(), from);
        }
    });
    for stream in TcpListener::bind((Ipv6Addr::UNSPECIFIED, 80)).unwrap().incoming() {
        let Ok(mut stream) = stream else { continue };
        let Ok(from) = stream.peer_addr() else { continue };
        let answer = answer(from);
        std::thread::spawn(move || {
            let _ = stream.write_all(answer.as_bytes());
            // Until the caller has enough.
            let _ = stream.read(&mut [0; 100]);
        });
    }
}

/// Starts a container with that server.
#[track_caller]
fn serve(env: &Env, name: &str, options: &[&str]) {
    let own = format!("{}:/it:ro", std::env::current_exe().unwrap().display());
    let mut args = vec!["run", "-d", "--name", name, "-v", &own];
    if !options.contains(&"--network") {
        args.extend(["--network", "bridge"]);
    }
    args.extend(options);
    let script = format!("echo {name} > /name; exec /it --ignored --exact published::who_server");
    args.extend(["busybox", "sh", "-c", &script]);
    env.ok(args);
}

/// What the server says to a caller of this address.
fn call(address: &str, port: u16) -> Option<String> {
    let to = SocketAddr::new(address.parse().unwrap(), port);
    let mut stream = TcpStream::connect_timeout(&to, Duration::from_secs(2)).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(5))).ok()?;
    let mut answer = [0; 100];
    let length = stream.read(&mut answer).ok().filter(|n| *n > 0)?;
    Some(String::from_utf8_lossy(&answer[..length]).into_owned())
}

/// The same, until somebody answers.
#[track_caller]
fn hear(address: &str, port: u16) -> String {
    until(&format!("an answer at {address}:{port}"), SOON, || call(address, port))
}

#[track_caller]
fn hear_udp(address: &str, port: u16) -> String {
    let to: IpAddr = address.parse().unwrap();
    let any = if to.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
    let socket = UdpSocket::bind(any).unwrap();
    // Answers from elsewhere are not received.
    socket.connect((to, port)).unwrap();
    socket.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
    until(&format!("an answer at udp {address}:{port}"), SOON, || {
        socket.send(b"who?").ok()?;
        let mut answer = [0; 100];
        let length = socket.recv(&mut answer).ok()?;
        Some(String::from_utf8_lossy(&answer[..length]).into_owned())
    })
}

fn is_closed(address: &str, port: u16) -> bool {
    matches!(TcpStream::connect((address, port)), Err(e) if e.kind() == std::io::ErrorKind::ConnectionRefused)
}

/// The host's own address towards there, if it has one.
fn own_address(towards: &str) -> Option<String> {
    let towards: SocketAddr = towards.parse().unwrap();
    let socket = UdpSocket::bind(if towards.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" }).ok()?;
    socket.connect(towards).ok()?;
    Some(socket.local_addr().ok()?.ip()).filter(|ip| !ip.is_loopback() && !ip.is_unspecified()).map(|ip| ip.to_string())
}

/// Ports that are free on all addresses, for both protocols.
fn free_ports<const N: usize>() -> [u16; N] {
    std::array::from_fn(|_| {
        until("a free port", SOON, || {
            let port = free_port();
            UdpSocket::bind((Ipv6Addr::UNSPECIFIED, port)).ok().map(|_| port)
        })
    })
}

fn anchors(env: &Env) -> Vec<i32> {
    let dir = env.work().parent().unwrap().to_owned();
    let is_it = |process: &leftovers::Process| {
        process.command.split(' ').next().and_then(|c| c.rsplit('/').next()) == Some("coracle-anchor")
    };
    leftovers::of(&dir).iter().filter(|process| is_it(process)).map(|process| process.pid).collect()
}

#[test]
fn the_container_sees_who_calls() {
    let env = Env::busybox();
    let [port] = free_ports();
    let (tcp, udp) = (format!("{port}:80"), format!("{port}:53/udp"));
    serve(&env, "web", &["-p", &tcp, "-p", &udp]);
    // Addresses that mean something else in the container are shown as the gateway.
    for own in ["127.0.0.1", "127.0.0.9", "::1"] {
        assert_eq!(hear(own, port), "web 10.88.0.1", "{own}");
        assert_eq!(hear_udp(own, port), "web 10.88.0.1", "{own}");
    }
    match own_address("192.0.2.1:9") {
        Some(own) => {
            assert_eq!(hear(&own, port), format!("web {own}"));
            assert_eq!(hear_udp(&own, port), format!("web {own}"));
        }
        None => skip("callers that are not on loopback", "this machine has no route"),
    }
    // The network has no IPv6, so that the gateway calls.
    if let Some(own) = own_address("[2001:db8::1]:9") {
        assert_eq!(hear(&own, port), "web 10.88.0.1");
        assert_eq!(hear_udp(&own, port), "web 10.88.0.1");
    }
    env.ok(["rm", "-f", "-t", "0", "web"]);
    assert!(is_closed("127.0.0.1", port));
    env.assert_nothing_left();
}

#[test]
fn callers_of_ipv6() {
    let env = Env::busybox();
    let [port] = free_ports();
    env.ok(["network", "create", "--ipv6", "--subnet", "10.99.7.0/24", "--subnet", "fd99:7::/64", "six"]);
    let (tcp, udp) = (format!("{port}:80"), format!("{port}:53/udp"));
    serve(&env, "web", &["--network", "six", "-p", &tcp, "-p", &udp]);
    assert_eq!(hear("127.0.0.1", port), "web 10.99.7.1");
    assert_eq!(hear("::1", port), "web fd99:7::1");
    assert_eq!(hear_udp("::1", port), "web fd99:7::1");
    match own_address("[2001:db8::1]:9") {
        Some(own) => {
            assert_eq!(hear(&own, port), format!("web {own}"));
            assert_eq!(hear_udp(&own, port), format!("web {own}"));
        }
        None => skip("callers of IPv6 that are not on loopback", "this machine has no route for it"),
    }
}

#[test]
fn a_port_in_use_ends_the_start() {
    let env = Env::busybox();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    // Also where the other one has one address only.
    for publish in [format!("127.0.0.1:{port}:80"), format!("{port}:80")] {
        let output =
            env.coracle(["run", "--name", "web", "--network", "bridge", "-p", &publish, "busybox", "true"]).run();
        let output = output.expect(126);
        assert!(output.stderr.contains(&format!(":{port}/tcp")), "{output}");
        assert!(output.stderr.to_lowercase().contains("address already in use"), "{output}");
        assert_eq!(env.status("web"), "created");
        env.ok(["rm", "web"]);
    }
    let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
    let publish = format!("{}:53/udp", udp.local_addr().unwrap().port());
    env.fails(126, ["run", "--network", "bridge", "-p", &publish, "busybox", "true"]);
    drop(taken);
    let publish = format!("127.0.0.1:{port}:80");
    serve(&env, "web", &["-p", &publish]);
    assert_eq!(hear("127.0.0.1", port), "web 10.88.0.1");
    // Started again at once, with connections of before still about.
    env.ok(["restart", "-t", "0", "web"]);
    assert_eq!(hear("127.0.0.1", port), "web 10.88.0.1");
}

#[test]
fn privileged_ports_are_explained() {
    if nix::unistd::geteuid().is_root() {
        return skip("privileged ports", "root may bind them");
    }
    let limit = std::fs::read_to_string("/proc/sys/net/ipv4/ip_unprivileged_port_start").unwrap();
    if limit.trim().parse::<u16>().unwrap() <= 81 {
        return skip("privileged ports", "there are none here");
    }
    let env = Env::busybox();
    let error = env.fails(126, ["run", "--network", "bridge", "-p", "81:80", "busybox", "true"]);
    assert!(error.contains("net.ipv4.ip_unprivileged_port_start=81"), "{error}");
}

#[test]
fn a_thousand_ports() {
    let env = Env::busybox();
    // A range that is free most likely.
    let first = 20000 + (std::process::id() % 9) as u16 * 1000;
    let publish = format!("127.0.0.1:{first}-{}:1-1000", first + 999);
    serve(&env, "web", &["-p", &publish]);
    assert_eq!(hear("127.0.0.1", first + 79), "web 10.88.0.1");
    assert_eq!(env.ok(["port", "web"]).lines().count(), 1000);
    // Nobody listens behind the others: that is said at once.
    let started = Instant::now();
    assert_eq!(call("127.0.0.1", first + 500), None);
    assert!(started.elapsed() < Duration::from_secs(4));
}

/// More than would fit one packet to the anchor if each were named.
#[test]
fn eleven_thousand_ports() {
    let env = Env::busybox();
    // An address that nobody else uses.
    let address = format!("127.77.{}.77", std::process::id() % 256);
    serve(&env, "web", &["-p", &format!("{address}:20000-30999:80-11079")]);
    assert_eq!(hear(&address, 20000), "web 10.88.0.1");
    assert_eq!(call(&address, 30999), None);
    env.ok(["port", "rm", "web", "20001-30999"]);
    assert!(is_closed(&address, 30999));
    assert_eq!(hear(&address, 20000), "web 10.88.0.1");
}

#[test]
fn ports_change_while_the_container_runs() {
    let env = Env::busybox();
    let [one, two, three, four] = free_ports();
    serve(&env, "web", &["-p", &format!("{one}:80")]);
    hear("127.0.0.1", one);
    let mut open = TcpStream::connect(("127.0.0.1", one)).unwrap();
    open.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let mut answer = [0; 13];
    open.read_exact(&mut answer).unwrap();
    env.coracle(["port", "add", "web", &format!("{two}:80"), &format!("127.0.0.1:{three}:53/udp")])
        .run()
        .expect(0)
        .says(&format!("80/tcp -> 0.0.0.0:{two}\n53/udp -> 127.0.0.1:{three}"));
    assert_eq!(hear("127.0.0.1", two), "web 10.88.0.1");
    assert_eq!(hear_udp("127.0.0.1", three), "web 10.88.0.1");
    let listed = env.ok(["port", "web"]);
    assert!(listed.contains(&format!("80/tcp -> 0.0.0.0:{two}")), "{listed}");
    let listed = env.ok(["ps", "--format", "{{.Ports}}"]);
    assert!(listed.contains(&format!("127.0.0.1:{three}->53/udp")), "{listed}");
    let bound = env.inspect("web", "NetworkSettings.Ports");
    assert_eq!(bound["53/udp"][0]["HostPort"], three.to_string(), "{bound}");
    // What is in use changes nothing.
    let taken = TcpListener::bind(("127.0.0.1", four)).unwrap();
    let before = env.ok(["port", "web"]);
    let error = env.fails(125, ["port", "add", "web", &format!("{four}:80")]);
    assert!(error.to_lowercase().contains("address already in use"), "{error}");
    drop(taken);
    assert_eq!(env.ok(["port", "web"]), before);
    assert!(is_closed("127.0.0.1", four));
    // The first connection has lived through all of it; taking its port ends it.
    open.write_all(b"x").unwrap();
    env.ok(["port", "rm", "web", &one.to_string()]);
    assert!(is_closed("127.0.0.1", one));
    assert!(matches!(open.read(&mut answer), Ok(0) | Err(_)));
    assert_eq!(hear("127.0.0.1", two), "web 10.88.0.1");
    let error = env.fails(125, ["port", "rm", "web", &format!("{two}/udp")]);
    assert!(error.contains(&format!("failed to find published port \"{two}/udp\"")), "{error}");
    // It is so after a restart as well, and of a container that does not run.
    env.ok(["restart", "-t", "0", "web"]);
    assert_eq!(hear("127.0.0.1", two), "web 10.88.0.1");
    assert!(is_closed("127.0.0.1", one));
    env.ok(["stop", "-t", "0", "web"]);
    env.ok(["port", "add", "web", &format!("{four}:80")]);
    env.ok(["port", "rm", "web", &two.to_string()]);
    assert!(is_closed("127.0.0.1", four));
    env.ok(["start", "web"]);
    assert_eq!(hear("127.0.0.1", four), "web 10.88.0.1");
    assert!(is_closed("127.0.0.1", two));
}

#[test]
fn the_words_of_port_add() {
    let env = Env::busybox();
    let [port] = free_ports();
    env.ok(["create", "--name", "add", "--network", "bridge", "-p", &format!("{port}:80"), "busybox", "true"]);
    assert_eq!(env.ok(["port", "add"]), format!("80/tcp -> 0.0.0.0:{port}"));
    assert_eq!(env.ok(["port", "add", "80"]), format!("0.0.0.0:{port}"));
    env.ok(["port", "rm", "add", &port.to_string()]);
    assert_eq!(env.ok(["port", "add"]), "");
    let error = env.fails(125, ["port", "rm", "add"]);
    assert!(error.contains("coracle port rm CONTAINER PORT"), "{error}");
    env.fails(125, ["port", "add", "add", "80:80:80:80"]);
    env.fails(125, ["port", "a", "b", "c"]);
    env.ok(["create", "--name", "none", "--network", "none", "busybox", "true"]);
    let error = env.fails(125, ["port", "add", "none", "8080:80"]);
    assert!(error.contains("its network is none"), "{error}");
}

#[test]
fn a_killed_anchor_refuses_nobody() {
    let env = Env::busybox();
    let [port] = free_ports();
    serve(&env, "web", &["-p", &format!("{port}:80")]);
    hear("127.0.0.1", port);
    for _ in 0..3 {
        let before = anchors(&env);
        assert_eq!(before.len(), 1, "{before:?}");
        kill(Pid::from_raw(before[0]), Signal::SIGKILL).unwrap();
        // The monitor has the socket: whoever calls waits for the next anchor.
        let mut stream = TcpStream::connect(("127.0.0.1", port)).expect("nobody is refused");
        stream.set_read_timeout(Some(SOON)).unwrap();
        let mut answer = [0; 100];
        // One that the old anchor had still accepted may break.
        let heard = stream.read(&mut answer).is_ok_and(|n| &answer[..n] == b"web 10.88.0.1");
        if !heard {
            assert_eq!(hear("127.0.0.1", port), "web 10.88.0.1");
        }
        until("another anchor", SOON, || (anchors(&env) != before && anchors(&env).len() == 1).then_some(()));
    }
}

#[test]
fn a_flood_of_one_container_leaves_room_for_others() {
    let env = Env::busybox();
    let [one, two] = free_ports();
    serve(&env, "a", &["-p", &format!("127.0.0.1:{one}:80")]);
    serve(&env, "b", &["-p", &format!("127.0.0.1:{two}:80")]);
    hear("127.0.0.1", one);
    hear("127.0.0.1", two);
    // Connections that say nothing and stay.
    let idle: Vec<TcpStream> = (0..400).map(|_| TcpStream::connect(("127.0.0.1", one)).unwrap()).collect();
    assert_eq!(hear("127.0.0.1", two), "b 10.88.0.1");
    drop(idle);
    assert_eq!(hear("127.0.0.1", one), "a 10.88.0.1");
}
