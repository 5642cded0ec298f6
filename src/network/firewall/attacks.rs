//! The attack list of docs/design/egress-attacks.md, as far as it is about frames: each one is written to the wire of a held container,
//! and nobody else's wire may ever carry what is in it.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::time::{Duration, Instant};

use super::frames::{EVERYBODY, Mac, arp, ethernet, icmp, icmp6, ipv4, ipv4_with, ipv6, ipv6_with, tcp, udp};
use super::lab::{Box, Lab, MAC_BRIDGE, Outcome, ip, serve, within};
use super::tests::{alone, policy};
use super::*;
use crate::network::netlink::route::link;

const IP: u16 = 0x0800;
const IP6: u16 = 0x86dd;

/// Tells frames of this test from all others: `LEAK:name;`.
fn magic(name: &str) -> Vec<u8> {
    format!("LEAK:{name};").into_bytes()
}

fn names_in(frame: &[u8]) -> Option<String> {
    let at = frame.windows(5).position(|some| some == b"LEAK:")?;
    let rest = &frame[at + 5..];
    let end = rest.iter().position(|byte| *byte == b';')?;
    Some(String::from_utf8_lossy(&rest[..end]).into_owned())
}

/// The wire of a namespace.
fn wire(namespace: &std::fs::File) -> OwnedFd {
    within(namespace, || {
        let mut route = Socket::open(Protocol::Route).unwrap();
        let index = link::find(&mut route, "eth0").unwrap().unwrap().index;
        crate::sys::net::packet_socket(index).unwrap()
    })
}

/// Tells which names come over a wire.
fn listen(wire: OwnedFd, place: &'static str, said: Sender<(&'static str, String)>, over: &'static AtomicBool) {
    let timeout = Some(Duration::from_millis(50));
    rustix::net::sockopt::set_socket_timeout(&wire, rustix::net::sockopt::Timeout::Recv, timeout).unwrap();
    std::thread::spawn(move || {
        let mut buffer = vec![0; 70_000];
        while !over.load(Ordering::Relaxed) {
            let Ok((length, _)) = rustix::net::recv(&wire, &mut buffer[..], rustix::net::RecvFlags::empty()) else {
                continue;
            };
            if let Some(name) = names_in(&buffer[..length]) {
                let _ = said.send((place, name));
            }
        }
    });
}

fn v4(text: &str) -> Ipv4Addr {
    text.parse().unwrap()
}

fn v6(text: &str) -> Ipv6Addr {
    text.parse().unwrap()
}

/// All attacks. Listed are 8.8.8.8:80 and 2a00::8; `own` is the attacker, `other` a neighbour that is not listed.
fn attacks(own: Mac, other: Mac) -> Vec<(String, Vec<u8>)> {
    let gateway = MAC_BRIDGE;
    let (me, them, listed, world) = (v4("10.89.1.2"), v4("10.89.1.3"), v4("8.8.8.8"), v4("9.9.9.9"));
    let (me6, them6, listed6, world6) = (v6("fd01::2"), v6("fd01::3"), v6("2a00::8"), v6("fd00:9::1"));
    let local6 = v6("fe80::42:aff:fe59:102");
    let mut all: Vec<(String, Vec<u8>)> = Vec::new();
    let mut add = |name: &str, make: &dyn Fn(&[u8]) -> Vec<u8>| all.push((name.to_owned(), make(&magic(name))));
    let udp4 =
        |from: Ipv4Addr, to: Ipv4Addr, port: u16, m: &[u8]| ipv4(from, to, 17, &udp(from.into(), to.into(), port, m));
    let udp6 =
        |from: Ipv6Addr, to: Ipv6Addr, port: u16, m: &[u8]| ipv6(from, to, 17, &udp(from.into(), to.into(), port, m));

    // Where it may not go, as itself.
    add("unlisted", &|m| ethernet(gateway, own, IP, &udp4(me, world, 80, m)));
    add("unlisted port", &|m| ethernet(gateway, own, IP, &udp4(me, listed, 81, m)));
    add("unlisted 6", &|m| ethernet(gateway, own, IP6, &udp6(me6, world6, 80, m)));
    add("other network", &|m| ethernet(gateway, own, IP, &udp4(me, v4("10.89.2.2"), 80, m)));
    add("other gateway", &|m| ethernet(gateway, own, IP, &udp4(me, v4("10.89.2.1"), 53, m)));
    add("neighbour by gateway", &|m| ethernet(gateway, own, IP, &udp4(me, them, 80, m)));
    add("neighbour by wire", &|m| ethernet(other, own, IP, &udp4(me, them, 80, m)));
    add("neighbour 6 by wire", &|m| ethernet(other, own, IP6, &udp6(me6, them6, 80, m)));
    add("neighbour gets listed", &|m| ethernet(other, own, IP, &udp4(me, listed, 80, m)));
    add("neighbour link-local", &|m| ethernet(other, own, IP6, &udp6(local6, v6("fe80::42:aff:fe59:103"), 80, m)));
    add("source in link-local", &|m| ethernet(gateway, own, IP6, &udp6(local6, listed6, 80, m)));
    // As somebody else.
    add("forged source", &|m| ethernet(gateway, own, IP, &udp4(them, listed, 80, m)));
    add("forged source out", &|m| ethernet(gateway, own, IP, &udp4(them, world, 80, m)));
    add("forged world", &|m| ethernet(other, own, IP, &udp4(world, them, 80, m)));
    add("forged gateway", &|m| ethernet(other, own, IP, &udp4(v4("10.89.1.1"), them, 80, m)));
    add("forged mac", &|m| ethernet(gateway, other, IP, &udp4(them, world, 80, m)));
    add("forged mac, own source", &|m| ethernet(gateway, other, IP, &udp4(me, listed, 80, m)));
    add("forged bridge", &|m| ethernet(other, gateway, IP, &udp4(me, them, 80, m)));
    add("forged source 6", &|m| ethernet(gateway, own, IP6, &udp6(them6, listed6, 80, m)));
    add("no source 6", &|m| ethernet(gateway, own, IP6, &udp6(v6("::"), listed6, 80, m)));
    add("extra address", &|m| ethernet(gateway, own, IP, &udp4(v4("10.89.1.77"), listed, 80, m)));
    // To many at once.
    add("broadcast", &|m| ethernet(EVERYBODY, own, IP, &udp4(me, v4("255.255.255.255"), 80, m)));
    add("subnet broadcast", &|m| ethernet(EVERYBODY, own, IP, &udp4(me, v4("10.89.1.255"), 80, m)));
    add("broadcast frame", &|m| ethernet(EVERYBODY, own, IP, &udp4(me, listed, 80, m)));
    add("multicast", &|m| ethernet([1, 0, 0x5e, 0, 0, 0xfb], own, IP, &udp4(me, v4("224.0.0.251"), 5353, m)));
    add("multicast 6", &|m| ethernet([0x33, 0x33, 0, 0, 0, 0xfb], own, IP6, &udp6(me6, v6("ff02::fb"), 5353, m)));
    // What is no IP, or does not look like it.
    for (name, to) in [("vlan to gateway", gateway), ("vlan to neighbour", other), ("vlan to all", EVERYBODY)] {
        add(name, &|m| ethernet(to, own, 0x8100, &[&[0, 7, 8, 0][..], &udp4(me, listed, 80, m)].concat()));
        let outer = name.replace("vlan", "qinq");
        let inner = [0, 7, 0x81, 0, 0, 8, 8, 0];
        add(&outer, &|m| ethernet(to, own, 0x88a8, &[&inner[..], &udp4(me, listed, 80, m)].concat()));
        add(&name.replace("vlan", "priority"), &|m| {
            ethernet(to, own, 0x8100, &[&[0, 0, 8, 0][..], &udp4(me, listed, 80, m)].concat())
        });
    }
    add("ethertype", &|m| ethernet(EVERYBODY, own, 0x88b5, m));
    add("length", &|m| ethernet(EVERYBODY, own, 50, m));
    add("spanning tree", &|m| ethernet([1, 0x80, 0xc2, 0, 0, 0], own, 38, m));
    add("lldp", &|m| ethernet([1, 0x80, 0xc2, 0, 0, 0x0e], own, 0x88cc, m));
    add("ipv6 as ipv4", &|m| ethernet(gateway, own, IP, &udp6(me6, listed6, 80, m)));
    add("ipv4 as ipv6", &|m| ethernet(gateway, own, IP6, &udp4(me, listed, 80, m)));
    // Address resolution with something behind it.
    add("arp question", &|m| ethernet(EVERYBODY, own, 0x0806, &arp(1, own, me, them, m)));
    add("arp question to one", &|m| ethernet(other, own, 0x0806, &arp(1, own, me, them, m)));
    add("arp answer", &|m| ethernet(other, own, 0x0806, &arp(2, own, me, them, m)));
    add("arp for another", &|m| ethernet(EVERYBODY, own, 0x0806, &arp(2, own, them, me, m)));
    add("arp for the gateway", &|m| ethernet(other, own, 0x0806, &arp(2, own, v4("10.89.1.1"), them, m)));
    add("arp of another", &|m| ethernet(EVERYBODY, own, 0x0806, &arp(1, other, them, me, m)));
    // Other ways through IP.
    let route = [131, 7, 4, 9, 9, 9, 9, 1];
    add("source route", &|m| {
        ethernet(gateway, own, IP, &ipv4_with(me, listed, 17, 0, &route, &udp(me.into(), listed.into(), 80, m)))
    });
    for (name, protocol) in [("ipip", 4), ("6in4", 41), ("gre", 47), ("esp", 50), ("sctp", 132), ("raw", 253)] {
        let inner = udp4(me, world, 80, b"x");
        add(name, &|m| ethernet(gateway, own, IP, &ipv4(me, world, protocol, &[&inner, m].concat())));
        add(&format!("{name} to listed"), &|m| {
            ethernet(gateway, own, IP, &ipv4(me, listed, protocol, &[&inner, m].concat()))
        });
    }
    add("icmp", &|m| ethernet(gateway, own, IP, &ipv4(me, world, 1, &icmp(8, 0, &[&[0, 1, 0, 1], m].concat()))));
    add("icmp to listed", &|m| {
        ethernet(gateway, own, IP, &ipv4(me, listed, 1, &icmp(8, 0, &[&[0, 1, 0, 1], m].concat())))
    });
    let quoted = udp4(world, me, 80, b"x");
    add("icmp error", &|m| {
        ethernet(gateway, own, IP, &ipv4(me, world, 1, &icmp(3, 3, &[&[0; 4][..], &quoted, m].concat())))
    });
    for (name, flags) in [("syn", 2), ("ack", 16), ("data", 24), ("fin", 17), ("syn ack", 18), ("rst", 4), ("null", 0)]
    {
        add(name, &|m| ethernet(gateway, own, IP, &ipv4(me, world, 6, &tcp(me.into(), world.into(), 80, flags, m))));
    }
    // Fragments: the first of two, the second without a first, ports in the second.
    let whole = |m: &[u8]| udp(me.into(), listed.into(), 81, &[&[0; 16][..], m].concat());
    add("first fragment", &|m| {
        ethernet(gateway, own, IP, &ipv4_with(me, world, 17, 0x2000, &[], &[&whole(m)[..], &[0; 8]].concat()))
    });
    add("late fragment", &|m| ethernet(gateway, own, IP, &ipv4_with(me, listed, 17, 3, &[], m)));
    add("fragments of another port", &|m| {
        ethernet(gateway, own, IP, &ipv4_with(me, listed, 17, 0x2000, &[], &[&whole(m)[..], &[0; 8]].concat()))
    });
    // IPv6's own.
    let hidden = |m: &[u8]| udp(me6.into(), listed6.into(), 80, m);
    for (name, next) in [("hop-by-hop", 0), ("options", 60)] {
        add(name, &|m| {
            ethernet(
                gateway,
                own,
                IP6,
                &ipv6(me6, listed6, next, &[&[17, 0, 1, 4, 0, 0, 0, 0], &hidden(m)[..]].concat()),
            )
        });
    }
    let routing = [&[17, 2, 0, 1, 0, 0, 0, 0][..], &world6.octets()].concat();
    add("routing header", &|m| {
        ethernet(gateway, own, IP6, &ipv6(me6, listed6, 43, &[&routing[..], &hidden(m)].concat()))
    });
    add("fragment 6", &|m| {
        let udp = udp(me6.into(), world6.into(), 80, m);
        ethernet(gateway, own, IP6, &ipv6(me6, world6, 44, &[&[17, 0, 0, 0, 0, 0, 0, 9], &udp[..]].concat()))
    });
    let all_nodes = v6("ff02::1");
    let multicast = [0x33, 0x33, 0, 0, 0, 1];
    let nd = |to_mac: Mac, from: Ipv6Addr, to: Ipv6Addr, kind: u8, rest: &[u8]| {
        ethernet(to_mac, own, IP6, &ipv6_with(from, to, 58, 255, &icmp6(from, to, kind, rest)))
    };
    let about = |target: Ipv6Addr, m: &[u8]| [&[0; 4][..], &target.octets(), m].concat();
    for (name, from) in [("link-local", local6), ("own", me6)] {
        add(&format!("router advertisement, {name}"), &|m| {
            nd(multicast, from, all_nodes, 134, &[&[64, 0, 7, 8, 0, 0, 0, 0, 0, 0, 0, 0][..], m].concat())
        });
        add(&format!("redirect, {name}"), &|m| nd(other, from, them6, 137, &about(me6, m)));
        add(&format!("advertisement of another, {name}"), &|m| nd(multicast, from, all_nodes, 136, &about(them6, m)));
        add(&format!("advertisement with more, {name}"), &|m| nd(multicast, from, all_nodes, 136, &about(me6, m)));
        add(&format!("solicitation with more, {name}"), &|m| nd(other, from, them6, 135, &about(them6, m)));
        add(&format!("advertisement to the world, {name}"), &|m| nd(gateway, from, world6, 136, &about(me6, m)));
        add(&format!("listener report, {name}"), &|m| nd(multicast, from, all_nodes, 143, m));
        add(&format!("router solicitation, {name}"), &|m| nd(multicast, from, v6("ff02::2"), 133, m));
    }
    add("echo 6", &|m| nd(gateway, me6, world6, 128, m));
    all
}

#[test]
fn nothing_of_it_gets_anywhere() {
    if !alone("network::firewall::attacks::nothing_of_it_gets_anywhere") {
        return;
    }
    static OVER: AtomicBool = AtomicBool::new(false);
    let mut lab = Lab::new();
    let held = lab.container(1, 2, Some(&policy("8.8.8.8:80,2a00::8")), None);
    let (other, more) = (lab.container(1, 3, None, None), lab.container(1, 4, None, None));
    let far = lab.container(2, 2, None, None);
    serve(&lab.internet, 80);
    serve(&other.namespace, 80);
    let (own, theirs) = (held.veths[0].mac, other.veths[0].mac);
    // The caches of everybody know everybody, so that nothing is lost for want of an address.
    for (from, to) in
        [(&more, "10.89.1.3"), (&more, "fd01::3"), (&far, "10.89.1.3"), (&held, "8.8.8.8"), (&held, "2a00::8")]
    {
        assert_eq!(super::lab::udp(from, to, 80), Outcome::Works, "{to}");
    }
    let (say, said) = channel();
    listen(wire(&lab.internet), "internet", say.clone(), &OVER);
    listen(wire(&other.namespace), "neighbour", say.clone(), &OVER);
    listen(wire(&far.namespace), "other network", say, &OVER);

    let all = attacks(own, theirs);
    assert!(all.len() > 80, "{}", all.len());
    let out = wire(&held.namespace);
    for (name, frame) in &all {
        let sent = rustix::io::write(&out, frame);
        assert!(sent == Ok(frame.len()), "{name}: {sent:?}");
    }
    // What is allowed comes last, on each wire: whatever got through before has been seen by then.
    let send = |from: &Box, frame: Vec<u8>| {
        rustix::io::write(wire(&from.namespace), &frame).unwrap();
    };
    let one = |name: &str, from: &str, to: &str| {
        let (from, to): (IpAddr, IpAddr) = (ip(from), ip(to));
        let datagram = udp(from, to, 80, &magic(name));
        match (from, to) {
            (IpAddr::V4(from), IpAddr::V4(to)) => (IP, ipv4(from, to, 17, &datagram)),
            (IpAddr::V6(from), IpAddr::V6(to)) => (IP6, ipv6(from, to, 17, &datagram)),
            _ => unreachable!("one family"),
        }
    };
    for (name, from, address, to) in [
        ("right 4", &held, "10.89.1.2", "8.8.8.8"),
        ("right 6", &held, "fd01::2", "2a00::8"),
        ("right neighbour", &more, "10.89.1.4", "10.89.1.3"),
        ("right far", &more, "10.89.1.4", "10.89.2.2"),
        ("right world", &more, "10.89.1.4", "9.9.9.9"),
    ] {
        let (kind, packet) = one(name, address, to);
        send(from, ethernet(MAC_BRIDGE, from.veths[0].mac, kind, &packet));
    }
    let mut seen: BTreeSet<(&str, String)> = BTreeSet::new();
    let right = [
        ("internet", "right 4"),
        ("internet", "right 6"),
        ("internet", "right world"),
        ("neighbour", "right neighbour"),
        ("other network", "right far"),
    ];
    let deadline = Instant::now() + Duration::from_secs(20);
    while !right.iter().all(|(place, name)| seen.contains(&(*place, (*name).to_owned()))) {
        assert!(Instant::now() < deadline, "only {seen:?}");
        if let Ok(one) = said.recv_timeout(Duration::from_millis(100)) {
            seen.insert(one);
        }
    }
    seen.extend(said.try_iter());
    OVER.store(true, Ordering::Relaxed);
    seen.retain(|(place, name)| !right.contains(&(*place, name.as_str())));
    // The answers of servers repeat what is right.
    seen.retain(|(_, name)| !name.starts_with("right"));
    assert!(seen.is_empty(), "got through: {seen:?}");
    // And nobody was made to believe anything.
    for (from, to) in
        [(&more, "10.89.1.3"), (&more, "fd01::3"), (&far, "10.89.1.3"), (&far, "fd01::3"), (&other, "8.8.8.8")]
    {
        assert_eq!(super::lab::udp(from, to, 80), Outcome::Works, "{to}");
    }
}
