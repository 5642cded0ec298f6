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
