//! A small world for tests: an inner namespace with two bridges and an uplink to a namespace that plays the internet, and
//! containers' namespaces. All of it is the test's own.
//!
//! ```text
//! internet 10.0.2.2, 8.8.8.8, 9.9.9.9, 2a00::8   -- tap0 -- inner -- br1 10.89.1.0/24 fd01::/64 -- containers .2 .3 ...
//!                                                                 -- br2 10.89.2.0/24 fd02::/64
//! ```

use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::fd::AsFd as _;
use std::time::{Duration, Instant};

use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

use super::*;
use crate::network::netlink::route::{address, link, routes};

pub(super) const MAC_BRIDGE: [u8; 6] = [2, 0, 0, 0, 0, 1];

pub(super) struct Lab {
    pub firewall: Firewall,
    pub internet: File,
    route: Socket,
}

/// A container.
pub(super) struct Box {
    pub namespace: File,
    pub veths: Vec<Veth>,
    pub id: String,
}

pub(super) fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn here() -> File {
    File::open("/proc/thread-self/ns/net").unwrap()
}

fn enter(namespace: &File) {
    move_into_link_name_space(namespace.as_fd(), Some(LinkNameSpaceType::Network)).unwrap();
}

/// Makes a namespace and stays where it is.
fn namespace() -> File {
    let before = here();
    nix::sched::unshare(nix::sched::CloneFlags::CLONE_NEWNET).unwrap();
    crate::sys::net::loopback_up().unwrap();
    let made = here();
    enter(&before);
    made
}

/// Does something in a namespace.
pub(super) fn within<T: Send>(namespace: &File, what: impl FnOnce() -> T + Send) -> T {
    std::thread::scope(|scope| {
        let work = || {
            enter(namespace);
            what()
        };
        scope.spawn(work).join().unwrap()
    })
}

impl Lab {
    /// Called by the first thread of a process that is root of new namespaces.
    pub(super) fn new() -> Lab {
        crate::sys::net::loopback_up().unwrap();
        let internet = namespace();
        let route = Socket::open(Protocol::Route).unwrap();
        let settings =
            [("ipv4/ip_forward", "1"), ("ipv6/conf/all/forwarding", "1"), ("ipv6/conf/default/accept_dad", "0")];
        for (path, value) in settings {
            std::fs::write(format!("/proc/sys/net/{path}"), value).unwrap();
        }
        let firewall = Firewall::install("tap0").unwrap();
        let mut lab = Lab { firewall, internet, route };
        lab.bridge("br1", &["10.89.1.1", "fd01::1"]);
        lab.bridge("br2", &["10.89.2.1", "fd02::1"]);
        let index = link::find(&mut lab.route, "br1").unwrap().unwrap().index;
        let far = lab.internet.try_clone().unwrap();
        // The kernel wants a master for our message: the uplink leaves the bridge at once.
        lab.pair("tap0", index, &far, "eth0", [2, 0, 0, 0, 9, 9]);
        let tap = link::find(&mut lab.route, "tap0").unwrap().unwrap().index;
        let free = crate::network::netlink::Message::new(libc::RTM_NEWLINK, 0, "freeing")
            .fixed(&[&[0, 0, 0, 0][..], &tap.to_ne_bytes(), &[0; 8]].concat())
            .u32(libc::IFLA_MASTER, 0);
        let default = |text| routes::set(&routes::Route::default_by(ip(text)));
        let own = [free, address::add(tap, ip("10.0.2.100"), 24), address::add(tap, ip("fd00:9::2"), 64)];
        lab.route.request(&own).unwrap();
        within(&lab.internet, || {
            let mut route = Socket::open(Protocol::Route).unwrap();
            let index = link::find(&mut route, "eth0").unwrap().unwrap().index;
            let mut messages = vec![link::set_up(index, None)];
            for (text, prefix) in [
                ("10.0.2.2", 24),
                ("8.8.8.8", 32),
                ("9.9.9.9", 32),
                ("fd00:9::1", 64),
                ("2a00::8", 128),
                ("2a01::8", 128),
            ] {
                messages.push(address::add(index, ip(text), prefix));
            }
            route.request(&messages).unwrap();
        });
        lab.route.request(&[default("10.0.2.2"), default("fd00:9::1")]).unwrap();
        lab
    }

    fn bridge(&mut self, name: &str, gateways: &[&str]) {
        self.route.request(&[link::add_bridge(&link::Bridge { name, mac: MAC_BRIDGE, mtu: 1500 })]).unwrap();
        let index = link::find(&mut self.route, name).unwrap().unwrap().index;
        let prefix = |text: &str| if ip(text).is_ipv4() { 24 } else { 64 };
        for text in gateways {
            self.route.request(&[address::add(index, ip(text), prefix(text))]).unwrap();
        }
        let subnets = gateways.iter().map(|text| (ip(text), prefix(text))).collect();
        let bridge =
            Bridge { interface: name.into(), network: name.into(), subnets, internal: false, isolate: Isolate::No };
        self.firewall.set_bridge(&bridge).unwrap();
    }

    fn pair(&mut self, name: &str, master: u32, far: &File, far_name: &str, far_mac: [u8; 6]) {
        let veth = link::Veth {
            name,
            mac: [2, 0, 0, 0, 1, far_mac[5]],
            master,
            up: true,
            mtu: 1500,
            far_name,
            far_mac,
            far_namespace: far.as_fd(),
        };
        self.route.request(&[link::add_veth(&veth)]).unwrap();
    }

    /// A container on `br1` or `br2` with the addresses that end in `last`.
    pub(super) fn container(
        &mut self,
        network: u8,
        last: u8,
        policy: Option<&Policy>,
        journal: Option<&Arc<Journal>>,
    ) -> Box {
        let namespace = namespace();
        let bridge = format!("br{network}");
        let index = link::find(&mut self.route, &bridge).unwrap().unwrap().index;
        let mac = [2, 0x42, 10, 89, network, last];
        let host = format!("veth{network}-{last}");
        self.pair(&host, index, &namespace, "eth0", mac);
        let addresses = vec![ip(&format!("10.89.{network}.{last}")), ip(&format!("fd0{network}::{last}"))];
        let veths = vec![Veth { host, mac, addresses: addresses.clone(), bridge }];
        let id = format!("box{network}-{last}");
        self.firewall.set_container(&id, &veths, policy, journal).unwrap();
        within(&namespace, || {
            let mut route = Socket::open(Protocol::Route).unwrap();
            let index = link::find(&mut route, "eth0").unwrap().unwrap().index;
            let mut messages = vec![link::set_up(index, None)];
            for address in addresses {
                messages.push(address::add(index, address, if address.is_ipv4() { 24 } else { 64 }));
            }
            messages.push(routes::set(&routes::Route::default_by(ip(&format!("10.89.{network}.1")))));
            messages.push(routes::set(&routes::Route::default_by(ip(&format!("fd0{network}::1")))));
            route.request(&messages).unwrap();
        });
        let made = Box { namespace, veths, id };
        // The bridge learns a moment later that the other end is up.
        let until = Instant::now() + Duration::from_secs(20);
        for gateway in [format!("10.89.{network}.1"), format!("fd0{network}::1")] {
            while tcp(&made, &gateway, 9) != Outcome::Refused {
                assert!(Instant::now() < until, "{gateway} does not answer");
            }
        }
        made
    }
}

/// A server of both families and protocols that says again what it hears.
pub(super) fn serve(namespace: &File, port: u16) {
    within(namespace, || {
        let tcp = TcpListener::bind(SocketAddr::new(ip("::"), port)).unwrap();
        std::thread::spawn(move || {
            for stream in tcp.incoming() {
                let Ok(mut stream) = stream else { continue };
                std::thread::spawn(move || {
                    let mut buffer = [0; 64];
                    while let Ok(length @ 1..) = stream.read(&mut buffer) {
                        if stream.write_all(&buffer[..length]).is_err() {
                            break;
                        }
                    }
                });
            }
        });
        // One for each address: answers shall come from where was asked.
        let addresses = address::list(&mut Socket::open(Protocol::Route).unwrap()).unwrap();
        for address in addresses {
            let Ok(udp) = UdpSocket::bind(SocketAddr::new(address.address, port)) else { continue };
            std::thread::spawn(move || {
                let mut buffer = [0; 2048];
                while let Ok((length, from)) = udp.recv_from(&mut buffer) {
                    let _ = udp.send_to(&buffer[..length], from);
                }
            });
        }
    });
}

/// What came of an attempt, and quickly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    Works,
    /// Refused within half a second.
    Refused,
    Silent,
    Slow,
}

fn outcome(result: io::Result<()>, since: Instant) -> Outcome {
    let quick = since.elapsed() < Duration::from_millis(500);
    match result {
        Ok(()) => Outcome::Works,
        Err(e) if matches!(e.kind(), io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock) => Outcome::Silent,
        Err(_) if quick => Outcome::Refused,
        Err(_) => Outcome::Slow,
    }
}

pub(super) fn tcp(from: &Box, to: &str, port: u16) -> Outcome {
    let to = SocketAddr::new(ip(to), port);
    within(&from.namespace, || {
        let since = Instant::now();
        let talk = || -> io::Result<()> {
            let mut stream = TcpStream::connect_timeout(&to, Duration::from_secs(2))?;
            echo(&mut stream)
        };
        outcome(talk(), since)
    })
}

pub(super) fn echo(stream: &mut TcpStream) -> io::Result<()> {
    stream.set_read_timeout(Some(Duration::from_secs(2)))?;
    stream.write_all(b"hello")?;
    let mut buffer = [0; 5];
    stream.read_exact(&mut buffer)
}

pub(super) fn udp(from: &Box, to: &str, port: u16) -> Outcome {
    let to = SocketAddr::new(ip(to), port);
    within(&from.namespace, || {
        let since = Instant::now();
        let talk = || -> io::Result<()> {
            let socket = UdpSocket::bind(SocketAddr::new(ip(if to.is_ipv4() { "0.0.0.0" } else { "::" }), 0))?;
            socket.connect(to)?;
            socket.set_read_timeout(Some(Duration::from_secs(2)))?;
            socket.send(b"hello")?;
            socket.recv(&mut [0; 16]).map(|_| ())
        };
        outcome(talk(), since)
    })
}
