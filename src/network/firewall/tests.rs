//! The rules in the kernel, in a namespace of the test's own.

use std::time::{Duration, Instant};

use super::lab::{Box, Lab, Outcome, echo, ip, serve, tcp, udp, within};
use super::*;

/// Runs this test again as root of a user and network namespace of its own. `true` inside of it.
pub(in crate::network) fn alone(test: &str) -> bool {
    const INSIDE: &str = "CORACLE_TEST_FIREWALL_INSIDE";
    if std::env::var_os(INSIDE).is_some() {
        return true;
    }
    let mut command = std::process::Command::new("unshare");
    command.args(["--user", "--map-root-user", "--net"]).arg(std::env::current_exe().unwrap());
    command.args(["--exact", test, "--nocapture"]).env(INSIDE, "1");
    let output = command.output().expect("unshare(1)");
    let said = String::from_utf8_lossy(&output.stderr).into_owned() + &String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
    false
}

fn bridge(interface: &str, subnet: &str, isolate: Isolate) -> Bridge {
    let subnets = vec![(subnet.parse().unwrap(), 24)];
    Bridge { interface: interface.into(), network: interface.into(), subnets, internal: false, isolate }
}

#[test]
fn rules_are_taken_by_the_kernel_and_go_again() {
    if !alone("network::firewall::tests::rules_are_taken_by_the_kernel_and_go_again") {
        return;
    }
    let mut firewall = Firewall::install("tap0").unwrap();
    let one = bridge("br1", "10.89.1.1", Isolate::Strict);
    let other = Bridge { internal: true, ..bridge("br2", "fd00::1", Isolate::No) };
    firewall.set_bridge(&one).unwrap();
    firewall.set_bridge(&other).unwrap();
    firewall.set_bridge(&Bridge { isolate: Isolate::Yes, ..one }).unwrap();
    firewall.remove_bridge("br1").unwrap();
    firewall.remove_bridge("br1").unwrap();
    firewall.remove_bridge("br2").unwrap();
    // Who comes after a process that was killed finds nothing, but also who finds something starts anew.
    Firewall::install("tap0").unwrap();
}

pub(super) fn policy(text: &str) -> Policy {
    Policy::from(super::super::egress::List::parse(&[text]).unwrap())
}

#[test]
fn networks_reach_the_world_and_each_other() {
    if !alone("network::firewall::tests::networks_reach_the_world_and_each_other") {
        return;
    }
    let mut lab = Lab::new();
    let (a, b, c) = (lab.container(1, 2, None, None), lab.container(1, 3, None, None), lab.container(2, 2, None, None));
    serve(&lab.internet, 80);
    serve(&b.namespace, 80);
    serve(&c.namespace, 80);
    for to in ["8.8.8.8", "2a00::8", "10.89.1.3", "fd01::3", "10.89.2.2", "fd02::2"] {
        assert_eq!((tcp(&a, to, 80), udp(&a, to, 80)), (Outcome::Works, Outcome::Works), "{to}");
    }
    assert_eq!((tcp(&a, "10.89.1.1", 80), udp(&a, "10.89.1.1", 80)), (Outcome::Refused, Outcome::Refused));
    assert_eq!(tcp(&a, "fd02::1", 80), Outcome::Refused);
    let bridge = |n: u8, isolate, internal| Bridge {
        interface: format!("br{n}"),
        network: format!("br{n}"),
        subnets: vec![(ip(&format!("10.89.{n}.1")), 24), (ip(&format!("fd0{n}::1")), 64)],
        internal,
        isolate,
    };
    for (one, other, outcome) in [
        (Isolate::Yes, Isolate::No, Outcome::Works),
        (Isolate::Yes, Isolate::Yes, Outcome::Refused),
        (Isolate::Strict, Isolate::No, Outcome::Refused),
        (Isolate::No, Isolate::Strict, Outcome::Refused),
    ] {
        lab.firewall.set_bridge(&bridge(1, one, false)).unwrap();
        lab.firewall.set_bridge(&bridge(2, other, false)).unwrap();
        assert_eq!((tcp(&a, "10.89.2.2", 80), tcp(&a, "fd02::2", 80)), (outcome, outcome), "{one:?} {other:?}");
        assert_eq!(tcp(&a, "8.8.8.8", 80), Outcome::Works);
    }
    lab.firewall.set_bridge(&bridge(1, Isolate::No, true)).unwrap();
    lab.firewall.set_bridge(&bridge(2, Isolate::No, false)).unwrap();
    for to in ["8.8.8.8", "2a00::8", "10.89.2.2"] {
        assert_eq!((tcp(&a, to, 80), udp(&a, to, 80)), (Outcome::Refused, Outcome::Refused), "{to}");
    }
    assert_eq!(tcp(&c, "10.89.1.3", 80), Outcome::Refused);
    assert_eq!(tcp(&a, "10.89.1.3", 80), Outcome::Works);
}

#[test]
fn who_is_held_reaches_what_is_listed() {
    if !alone("network::firewall::tests::who_is_held_reaches_what_is_listed") {
        return;
    }
    use Outcome::{Refused, Works};
    let mut lab = Lab::new();
    let dir = tempfile::tempdir().unwrap();
    let journal = Arc::new(Journal::new("0123", "held", dir.path().to_owned()));
    let mut some = policy("8.8.8.8:80,2a00::/16,10.89.1.4,site.example:81,*.any.example");
    some.log = true;
    let held = lab.container(1, 2, Some(&some), Some(&journal));
    let (other, listed) = (lab.container(1, 3, None, None), lab.container(1, 4, None, None));
    let far = lab.container(2, 2, None, None);
    for port in [80, 81] {
        for namespace in [&lab.internet, &other.namespace, &listed.namespace, &far.namespace, &held.namespace] {
            serve(namespace, port);
        }
    }
    let both = |from: &Box, to: &str, port: u16| {
        let (tcp, udp) = (tcp(from, to, port), udp(from, to, port));
        assert_eq!(tcp, udp, "{} {to} {port}", from.id);
        tcp
    };
    for (from, to, port, outcome) in [
        (&held, "8.8.8.8", 80, Works),
        (&held, "8.8.8.8", 81, Refused),
        (&held, "9.9.9.9", 80, Refused),
        (&held, "2a00::8", 81, Works),
        (&held, "fd00:9::1", 80, Refused),
        (&held, "10.0.2.2", 80, Refused),
        (&held, "10.0.2.100", 80, Refused),
        (&held, "10.89.1.1", 80, Refused),
        (&held, "10.89.2.1", 53, Refused),
        (&held, "fd01::1", 80, Refused),
        // Neighbours, both ways.
        (&held, "10.89.1.3", 80, Refused),
        (&held, "fd01::3", 80, Refused),
        (&other, "10.89.1.2", 80, Refused),
        (&other, "fd01::2", 80, Refused),
        (&held, "10.89.1.4", 80, Works),
        (&listed, "10.89.1.2", 80, Works),
        // Others are not held up.
        (&other, "10.89.1.4", 80, Works),
        (&other, "fd01::4", 80, Works),
        (&other, "9.9.9.9", 80, Works),
        // Other networks.
        (&held, "10.89.2.2", 80, Refused),
        (&far, "10.89.1.2", 80, Refused),
        (&far, "fd01::2", 80, Refused),
        (&far, "10.89.1.3", 80, Works),
    ] {
        assert_eq!(both(from, to, port), outcome, "{} {to} {port}", from.id);
    }
    // Names open addresses on their ports.
    let control = Arc::clone(lab.firewall.control());
    assert!(control.may_ask(&held.id, "site.example"));
    assert!(!control.may_ask(&held.id, "www.site.example"));
    assert!(!control.may_ask(&other.id, "any.example"));
    let open = |name: &str, address: &str, ours| control.open(&held.id, name, &[(ip(address), 1)], ours).unwrap();
    open("site.example", "9.9.9.9", false);
    assert_eq!((both(&held, "9.9.9.9", 81), both(&held, "9.9.9.9", 80)), (Works, Refused));
    open("a.any.example", "9.9.9.9", false);
    assert_eq!(both(&held, "9.9.9.9", 80), Works);
    for address in ["10.89.1.3", "10.0.2.2", "fd01::3", "10.89.1.1"] {
        open("a.any.example", address, false);
        assert_eq!(both(&held, address, 80), Refused, "{address}");
    }
    open("a.any.example", "10.89.1.3", true);
    assert_eq!((both(&held, "10.89.1.3", 80), both(&other, "10.89.1.2", 80)), (Works, Works));

    // What is open closes by itself; who talks already goes on.
    control.lock().least = 1;
    let refused_again = |address: &str| {
        let until = Instant::now() + Duration::from_secs(20);
        while tcp(&held, address, 80) == Works {
            assert!(Instant::now() < until, "{address} stays open");
            std::thread::sleep(Duration::from_millis(50));
        }
        assert_eq!(tcp(&held, address, 80), Refused);
    };
    open("b.any.example", "2a01::8", false);
    let mut stream = within(&held.namespace, || std::net::TcpStream::connect(("2a01::8", 80))).unwrap();
    echo(&mut stream).unwrap();
    refused_again("2a01::8");
    echo(&mut stream).unwrap();
    // Again, and longer.
    open("b.any.example", "2a01::8", false);
    control.open(&held.id, "b.any.example", &[(ip("2a01::8"), 300)], false).unwrap();
    assert_eq!(tcp(&held, "2a01::8", 80), Works);

    // What was refused is written down.
    let until = std::time::Instant::now() + std::time::Duration::from_secs(5);
    let text = loop {
        let text = std::fs::read_to_string(dir.path().join(super::super::egress::FILE)).unwrap_or_default();
        let all = [
            r#""destination":"9.9.9.9","port":80"#,
            r#""domain":"www.site.example""#,
            r#""direction":"in""#,
            "private",
        ];
        if all.iter().all(|part| text.contains(part)) {
            break text;
        }
        assert!(std::time::Instant::now() < until, "{text}");
        std::thread::sleep(std::time::Duration::from_millis(10));
    };
    assert!(!text.contains(r#""destination":"8.8.8.8","port":80"#), "{text}");

    // Another one that is held the same way, and one that is not.
    let mut same = some.clone();
    same.log = false;
    let (twin, none) = (lab.container(1, 5, Some(&same), None), lab.container(1, 6, Some(&policy("none")), None));
    serve(&twin.namespace, 80);
    serve(&none.namespace, 80);
    assert_eq!((both(&held, "10.89.1.5", 80), both(&twin, "fd01::2", 80)), (Works, Works));
    assert_eq!((both(&held, "10.89.1.6", 80), both(&none, "fd01::2", 80)), (Refused, Refused));

    // Restrictions change while connections are there.
    lab.firewall.set_container(&held.id, &held.veths, Some(&policy("9.9.9.9")), None).unwrap();
    assert_eq!((both(&held, "9.9.9.9", 80), both(&held, "8.8.8.8", 80)), (Works, Refused));
    lab.firewall.set_container(&held.id, &held.veths, None, None).unwrap();
    assert_eq!((both(&held, "8.8.8.8", 81), both(&other, "10.89.1.2", 80)), (Works, Works));
    for one in [&held, &twin, &none, &other] {
        lab.firewall.remove_container(&one.id).unwrap();
    }
    assert!(!lab.firewall.members.anyone_held());
    let again = lab.container(2, 7, Some(&policy("8.8.8.8")), None);
    assert_eq!((both(&again, "8.8.8.8", 80), both(&again, "10.89.2.2", 80)), (Works, Refused));
}

#[test]
fn who_takes_an_address_has_not_what_was_open_for_another() {
    if !alone("network::firewall::tests::who_takes_an_address_has_not_what_was_open_for_another") {
        return;
    }
    use Outcome::{Refused, Works};
    let mut lab = Lab::new();
    let held = lab.container(1, 2, Some(&policy("db")), None);
    let db = lab.container(1, 3, None, None);
    serve(&db.namespace, 80);
    let control = Arc::clone(lab.firewall.control());
    let open = || control.open(&held.id, "db", &[(ip("10.89.1.3"), 5), (ip("fd01::3"), 5)], true).unwrap();
    open();
    assert_eq!((tcp(&held, "10.89.1.3", 80), tcp(&held, "fd01::3", 80)), (Works, Works));
    let mut stream = connect(&held);
    let packets = within(&held.namespace, || {
        let socket = std::net::UdpSocket::bind("0.0.0.0:0").unwrap();
        socket.connect("10.89.1.3:80").unwrap();
        socket.set_read_timeout(Some(Duration::from_millis(500))).unwrap();
        socket
    });
    let talk = || packets.send(b"hello").and_then(|_| packets.recv(&mut [0; 16]));
    echo(&mut stream).unwrap();
    talk().unwrap();

    // The same one again, as after a restart.
    lab.firewall.remove_container(&db.id).unwrap();
    lab.firewall.set_container(&db.id, &db.veths, None, None).unwrap();
    assert_eq!(tcp(&held, "10.89.1.3", 80), Works);
    echo(&mut stream).unwrap();

    // Another one at the same place.
    lab.firewall.remove_container(&db.id).unwrap();
    lab.firewall.set_container("another", &db.veths, None, None).unwrap();
    assert_eq!((tcp(&held, "10.89.1.3", 80), tcp(&held, "fd01::3", 80)), (Refused, Refused));
    assert!(talk().is_err(), "an old flow of UDP goes on");
    assert!(echo(&mut stream).is_err(), "an old connection goes on");
    open();
    assert_eq!((tcp(&held, "10.89.1.3", 80), tcp(&held, "fd01::3", 80)), (Works, Works));

    // And one that is held, where somebody has a connection.
    let mut stream = connect(&held);
    echo(&mut stream).unwrap();
    lab.firewall.remove_container("another").unwrap();
    lab.firewall.set_container("third", &db.veths, Some(&policy("none")), None).unwrap();
    assert!(echo(&mut stream).is_err());
    assert_eq!(tcp(&held, "10.89.1.3", 80), Refused);
}

fn connect(from: &Box) -> std::net::TcpStream {
    within(&from.namespace, || std::net::TcpStream::connect(("10.89.1.3", 80))).unwrap()
}

#[test]
fn what_the_uplink_offers_is_not_for_who_is_held() {
    if !alone("network::firewall::tests::what_the_uplink_offers_is_not_for_who_is_held") {
        return;
    }
    use Outcome::{Refused, Works};
    let mut lab = Lab::new();
    let held = lab.container(1, 2, Some(&policy("0.0.0.0/0,::/0,any")), None);
    let free = lab.container(1, 3, None, None);
    // As slirp4netns and pasta answer at these.
    within(&lab.internet, || {
        use crate::network::netlink::route::{address, link};
        let mut route = Socket::open(Protocol::Route).unwrap();
        let index = link::find(&mut route, "eth0").unwrap().unwrap().index;
        let all = ["10.0.2.3", "10.0.2.4", "169.254.1.1", "fd00::2", "fd00::3", "fd00::4"].map(ip);
        let messages = all.map(|ip| address::add(index, ip, if ip.is_ipv4() { 32 } else { 128 }));
        route.request(&messages).unwrap();
    });
    serve(&lab.internet, 53);
    lab.firewall.set_helpers(vec![ip("10.0.2.4")]).unwrap();
    assert_eq!((tcp(&held, "10.0.2.3", 53), tcp(&held, "10.0.2.4", 53)), (Works, Refused));
    let helpers = ["10.0.2.2", "10.0.2.3", "169.254.1.1", "fd00::2", "fd00::3"].map(ip);
    lab.firewall.set_helpers(helpers.to_vec()).unwrap();
    for (to, outcome) in [
        ("10.0.2.2", Refused),
        ("10.0.2.3", Refused),
        ("169.254.1.1", Refused),
        ("fd00::2", Refused),
        ("fd00::3", Refused),
        ("10.0.2.4", Works),
        ("fd00::4", Works),
        ("8.8.8.8", Works),
    ] {
        assert_eq!((tcp(&free, to, 53), udp(&free, to, 53)), (Works, Works), "{to}");
        assert_eq!((tcp(&held, to, 53), udp(&held, to, 53)), (outcome, outcome), "{to}");
    }
}

#[test]
fn a_flood_of_questions_is_one_container_s() {
    if !alone("network::firewall::tests::a_flood_of_questions_is_one_container_s") {
        return;
    }
    let mut lab = Lab::new();
    let (one, other) = (lab.container(1, 2, None, None), lab.container(1, 3, Some(&policy("none")), None));
    for (gateway, any) in [("10.89.1.1:53", "0.0.0.0:0"), ("[fd01::1]:53", "[::]:0")] {
        let server = std::net::UdpSocket::bind(gateway).unwrap();
        server.set_nonblocking(true).unwrap();
        let count = || std::iter::from_fn(|| server.recv(&mut [0; 16]).ok()).count();
        let since = Instant::now();
        let heard: usize = within(&one.namespace, || {
            let socket = std::net::UdpSocket::bind(any).unwrap();
            let some = |_| {
                (0..100).for_each(|_| assert_eq!(socket.send_to(b"?", gateway).unwrap(), 1));
                count()
            };
            (0..100).map(some).sum()
        });
        let most = 501.0 + 5000.0 * since.elapsed().as_secs_f64();
        assert!((500..9_000).contains(&heard) && heard as f64 <= most, "{heard} of 10000 questions");
        // Nobody else has lost anything.
        within(&other.namespace, || {
            let socket = std::net::UdpSocket::bind(any).unwrap();
            (0..100).for_each(|_| assert_eq!(socket.send_to(b"?", gateway).unwrap(), 1));
        });
        assert_eq!(count(), 100);
    }
}
