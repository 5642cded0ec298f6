//! Two namespaces of a test's own, connected.

use std::fs::File;
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream};
use std::os::fd::AsFd as _;
use std::process::Command;

use rustix::io::Errno;
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

use super::*;
use crate::network::netlink::{Notice, Protocol, Socket};

const INSIDE: &str = "CORACLE_TEST_NETLINK_INSIDE";

/// A test process has threads, and cannot enter a user namespace: it starts itself again in one of its own.
#[test]
fn a_bridge_a_pair_and_all_that_a_container_needs() {
    if std::env::var_os(INSIDE).is_some() {
        inside();
        return;
    }
    let mut command = Command::new("unshare");
    command.args(["--user", "--map-root-user", "--net"]).arg(std::env::current_exe().unwrap());
    command.args(["--exact", "network::netlink::route::tests::a_bridge_a_pair_and_all_that_a_container_needs"]);
    let output = command.arg("--nocapture").env(INSIDE, "1").output().expect("unshare(1)");
    let said = String::from_utf8_lossy(&output.stderr).into_owned() + &String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
}

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn namespace() -> File {
    File::open("/proc/thread-self/ns/net").unwrap()
}

fn enter(namespace: &File) {
    move_into_link_name_space(namespace.as_fd(), Some(LinkNameSpaceType::Network)).unwrap();
}

fn inside() {
    let here = namespace();
    // The container: a namespace that this thread makes, and leaves again.
    nix::sched::unshare(nix::sched::CloneFlags::CLONE_NEWNET).unwrap();
    crate::sys::net::loopback_up().unwrap();
    let there = namespace();
    let mut far = Socket::open(Protocol::Route).unwrap();
    enter(&here);
    crate::sys::net::loopback_up().unwrap();
    let mut near = Socket::open(Protocol::Route).unwrap();
    let watch = watch::Watch::new().unwrap();
    assert!(!watch.changed().unwrap());

    let mac = [0x02, 0x42, 10, 88, 0, 1];
    let bridge = link::Bridge { name: "podman0", mac, mtu: 65520 };
    near.request(&[link::add_bridge(&bridge)]).unwrap();
    assert!(watch.changed().unwrap());
    let refused = near.request(&[link::add_bridge(&bridge)]).unwrap_err();
    assert!(refused.is(Errno::EXIST), "{refused}");
    let made = link::find(&mut near, "podman0").unwrap().unwrap();
    assert_eq!((made.kind.as_str(), made.mac, made.mtu, made.up), ("bridge", Some(mac), 65520, true));
    let veth = link::Veth {
        name: "veth0",
        mac: [0x02, 0, 0, 0, 0, 1],
        master: made.index,
        up: true,
        mtu: 65520,
        far_name: "eth0",
        far_mac: [0x02, 0, 0, 0, 0, 2],
        far_namespace: there.as_fd(),
    };
    let mut answer = None;
    near.ask(
        &[
            address::add(made.index, ip("10.88.0.1"), 16),
            address::add(made.index, ip("fd00::1"), 64),
            link::add_veth(&veth),
            link::question("veth0"),
        ],
        |packet| answer = link::parse(&packet),
    )
    .unwrap();
    let near_end = answer.unwrap();
    assert_eq!((near_end.kind.as_str(), near_end.master, near_end.up), ("veth", Some(made.index), true));
    let index = near_end.peer.unwrap();
    near.request(&[link::widen(made.index)]).unwrap();
    let far_end = link::find(&mut far, "eth0").unwrap().unwrap();
    assert_eq!((far_end.index, far_end.mac, far_end.mtu, far_end.up), (index, Some(veth.far_mac), 65520, false));

    let extra =
        routes::Route { gateway: Some(ip("10.88.0.7")), metric: Some(50), ..routes::Route::to(ip("192.0.2.0"), 24) };
    far.request(&[
        link::set_up(index, None),
        address::add(index, ip("10.88.0.2"), 16),
        address::add(index, ip("fd00::2"), 64),
        routes::set(&routes::Route::default_by(ip("10.88.0.1"))),
        routes::set(&routes::Route::default_by(ip("fd00::1"))),
        routes::set(&extra),
        // Twice is no error.
        address::add(index, ip("10.88.0.2"), 16),
    ])
    .unwrap();
    let addresses = address::list(&mut far).unwrap();
    for (text, prefix) in [("10.88.0.2", 16), ("fd00::2", 64)] {
        let found = addresses.iter().find(|a| a.address == ip(text)).expect(text);
        assert_eq!((found.link, found.prefix), (index, prefix));
    }
    let found = routes::list(&mut far).unwrap();
    let default = found.iter().find(|r| r.prefix == 0 && r.gateway == Some(ip("10.88.0.1"))).expect("default");
    assert_eq!((default.link, default.kind), (Some(index), routes::Kind::Unicast));
    assert!(found.iter().any(|r| r.destination == ip("192.0.2.0") && r.metric == Some(50)), "{found:?}");
    assert!(found.iter().any(|r| r.prefix == 0 && r.gateway == Some(ip("fd00::1"))), "{found:?}");

    // The kernel says why, and the error says which.
    let bad = [routes::set(&extra), address::add(9999, ip("10.0.0.1"), 8)];
    let refused = far.request(&bad).unwrap_err();
    assert_eq!((refused.index, refused.about), (1, "adding an address"));
    let refused = far.request(&[routes::set(&routes::Route::default_by(ip("203.0.113.1")))]).unwrap_err();
    assert!(refused.to_string().starts_with("adding a route: Nexthop has invalid gateway"), "{refused}");

    // Traffic, at once.
    for address in ["10.88.0.1", "fd00::1"] {
        let listener = TcpListener::bind(SocketAddr::new(ip(address), 0)).unwrap();
        enter(&there);
        let stream = TcpStream::connect(listener.local_addr().unwrap());
        enter(&here);
        stream.unwrap();
    }

    for v6 in [false, true] {
        let loopback = link::find(&mut near, "lo").unwrap().unwrap().index;
        let local = rule::everything_is_local(v6, loopback, 100);
        near.request(&[rule::add_mark(v6, 1 << 31, 1 << 31, 100, 100), routes::set(&local)]).unwrap();
        let found = routes::list(&mut near).unwrap();
        assert!(found.iter().any(|r| r.table == 100 && r.kind == routes::Kind::Local), "{found:?}");
    }

    assert!(link::exists(&near, "veth0") && !link::exists(&near, "eth0"));
    near.request(&[link::remove("veth0")]).unwrap();
    assert_eq!(link::find(&mut far, "eth0").unwrap(), None);
    let names: Vec<String> = link::list(&mut near).unwrap().into_iter().map(|link| link.name).collect();
    assert_eq!(names, ["lo", "podman0"]);
    assert!(watch.changed().unwrap());
    assert_eq!(near.receive(|_| ()).unwrap(), Notice::Nothing);
}
