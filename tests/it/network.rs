//! Networks: none, the host's, slirp4netns and pasta, and published ports.

use std::io::{Read as _, Write as _};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::time::Duration;

use crate::support::registry::free_port;
use crate::support::{Env, SOON, skip, until};

const HELPERS: [&str; 2] = ["slirp4netns", "pasta"];

/// A server in the container on these ports that answers with its port's number.
fn server(ports: &[u16]) -> String {
    let one = |port: &u16| {
        format!("mkdir -p /srv/{port}; echo port {port} > /srv/{port}/index.html; httpd -p {port} -h /srv/{port};")
    };
    format!("{} exec sleep 1000", ports.iter().map(one).collect::<String>())
}

/// What an HTTP server answers, once it does.
#[track_caller]
fn get(address: &str, port: u16) -> String {
    until(&format!("an answer on {address}:{port}"), SOON, || {
        let address = SocketAddr::new(address.parse().unwrap(), port);
        let mut stream = TcpStream::connect_timeout(&address, Duration::from_secs(2)).ok()?;
        stream.set_read_timeout(Some(Duration::from_secs(5))).ok()?;
        stream.write_all(b"GET /index.html HTTP/1.0\r\n\r\n").ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        Some(answer.split("\r\n\r\n").nth(1)?.trim().to_owned())
    })
}

/// The host's own address towards the world, if it has one.
fn host_address() -> Option<IpAddr> {
    let socket = UdpSocket::bind("0.0.0.0:0").ok()?;
    socket.connect("192.0.2.1:9").ok()?;
    Some(socket.local_addr().ok()?.ip())
}

#[test]
fn none_has_loopback_only() {
    let env = Env::busybox();
    assert_eq!(env.sh(&[], "ls /sys/class/net; ip link show lo | grep -c 'LOOPBACK,UP'"), "lo\n1");
    // Root of the container may ping without a capability, as in the reference.
    assert_eq!(env.sh(&[], "cat /proc/sys/net/ipv4/ping_group_range"), "0\t0");
    env.start("n", &[]);
    assert_eq!(env.inspect("n", "HostConfig.NetworkMode"), "none");
}

#[test]
fn host_is_the_hosts() {
    let env = Env::busybox();
    let own = std::fs::read_link("/proc/self/ns/net").unwrap();
    let args = ["run", "--rm", "--network", "host", "busybox", "readlink", "/proc/self/ns/net"];
    env.coracle(args).run().expect(0).says(&own.display().to_string());
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten().take(1) {
            let _ = stream.write_all(b"from the host\n");
        }
    });
    env.coracle(["run", "--rm", "--network", "host", "busybox", "nc", "127.0.0.1", &port])
        .run()
        .expect(0)
        .says("from the host");
}

#[test]
fn outgoing_connections_and_addresses() {
    let env = Env::busybox();
    let Some(host) = host_address() else { return crate::support::skip("outgoing", "this machine has no route") };
    let listener = TcpListener::bind((host, 0)).unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten().take(3) {
            let _ = stream.write_all(b"reached\n");
        }
    });
    for network in [None, Some("slirp4netns"), Some("slirp4netns:mtu=1500,cidr=10.77.0.0/24")] {
        let mut args = vec!["run", "--rm"];
        args.extend(network.into_iter().flat_map(|n| ["--network", n]));
        let host = host.to_string();
        args.extend(["busybox", "nc", &host, &port]);
        env.coracle(args).run().expect(0).says("reached");
    }
    let addresses = ["run", "--rm", "--network", "slirp4netns:cidr=10.77.0.0/24", "busybox", "ip", "-4", "addr"];
    assert!(env.ok(addresses).contains("10.77.0."));
    assert!(
        env.ok(["run", "--rm", "--network", "slirp4netns", "busybox", "ip", "-4", "addr"]).contains("10.0.2.100/24")
    );
    assert!(env.ok(["run", "--rm", "--network", "pasta", "busybox", "ip", "-4", "addr"]).contains(&host.to_string()));
    env.assert_nothing_left();
}

#[test]
fn published_tcp_ports() {
    let env = Env::busybox();
    for helper in HELPERS {
        let (one, two) = (free_port(), free_port());
        let first = format!("127.0.0.1:{one}:80");
        let second = format!("{two}:81/tcp");
        env.ok([
            "run",
            "-d",
            "--name",
            helper,
            "--network",
            helper,
            "-p",
            &first,
            "-p",
            &second,
            "busybox",
            "sh",
            "-c",
            &server(&[80, 81]),
        ]);
        assert_eq!(get("127.0.0.1", one), "port 80", "{helper}");
        assert_eq!(get("127.0.0.1", two), "port 81", "{helper}");
        let ports = env.ok(["port", helper]);
        assert!(
            ports.contains(&format!("80/tcp -> 127.0.0.1:{one}"))
                && ports.contains(&format!("81/tcp -> 0.0.0.0:{two}")),
            "{ports}"
        );
        assert_eq!(env.ok(["port", helper, "80"]), format!("127.0.0.1:{one}"));
        assert_eq!(env.ok(["port", helper, "81/tcp"]), format!("0.0.0.0:{two}"));
        env.fails(125, ["port", helper, "99"]);
        let listed = env.ok(["ps", "--format", "{{.Ports}}"]);
        assert!(listed.contains(&format!("127.0.0.1:{one}->80/tcp")), "{listed}");
        env.ok(["rm", "-f", "-t", "0", helper]);
        assert!(TcpStream::connect(("127.0.0.1", one)).is_err(), "{helper}: the port is still served");
    }
    env.assert_nothing_left();
}

#[test]
fn ranges_and_random_ports() {
    let env = Env::busybox();
    for helper in HELPERS {
        let start = until("two free ports in a row", SOON, || {
            let port = free_port();
            let next = TcpListener::bind(("127.0.0.1", port.checked_add(1)?));
            next.is_ok().then_some(port)
        });
        let range = format!("127.0.0.1:{start}-{}:80-81", start + 1);
        env.ok([
            "run",
            "-d",
            "--name",
            helper,
            "--network",
            helper,
            "-p",
            &range,
            "-p",
            "82",
            "-p",
            "127.0.0.1::83",
            "busybox",
            "sh",
            "-c",
            &server(&[80, 81, 82, 83]),
        ]);
        assert_eq!(get("127.0.0.1", start), "port 80", "{helper}");
        assert_eq!(get("127.0.0.1", start + 1), "port 81", "{helper}");
        for port in ["82", "83"] {
            let at: u16 = env.ok(["port", helper, port]).rsplit(':').next().unwrap().parse().unwrap();
            assert_eq!(get("127.0.0.1", at), format!("port {port}"), "{helper}");
        }
        env.ok(["rm", "-f", "-t", "0", helper]);
    }
}

/// Runs in a container: this test binary is static, and nothing in busybox serves UDP.
#[test]
#[ignore = "the server of udp_ports"]
fn udp_echo_server() {
    let socket = UdpSocket::bind("0.0.0.0:53").unwrap();
    let mut buffer = [0; 1000];
    while let Ok((n, from)) = socket.recv_from(&mut buffer) {
        let _ = socket.send_to(&[b"echo ", &buffer[..n]].concat(), from);
    }
}

#[test]
fn udp_ports() {
    let env = Env::busybox();
    let own = std::env::current_exe().unwrap();
    for helper in HELPERS {
        let port = UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let publish = format!("127.0.0.1:{port}:53/udp");
        let volume = format!("{}:/it:ro", own.display());
        env.ok([
            "run",
            "-d",
            "--name",
            helper,
            "--network",
            helper,
            "-p",
            &publish,
            "-v",
            &volume,
            "busybox",
            "/it",
            "--ignored",
            "--exact",
            "network::udp_echo_server",
        ]);
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
        let mut buffer = [0; 1000];
        let answer = until("an echo", SOON, || {
            socket.send_to(b"hello", ("127.0.0.1", port)).ok()?;
            socket.recv(&mut buffer).ok()
        });
        assert_eq!(&buffer[..answer], b"echo hello", "{helper}");
        assert_eq!(env.ok(["port", helper]), format!("53/udp -> 127.0.0.1:{port}"));
        env.ok(["rm", "-f", "-t", "0", helper]);
    }
}

#[test]
fn port_in_use() {
    let env = Env::busybox();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    for helper in HELPERS {
        let publish = format!("127.0.0.1:{port}:80");
        let output = env.coracle(["run", "--rm", "--network", helper, "-p", &publish, "busybox", "true"]).run();
        assert!([125, 126].contains(&output.code()), "{output}");
        assert!(
            output.stderr.contains(&port.to_string()) && output.stderr.to_lowercase().contains("in use"),
            "{output}"
        );
        env.assert_nothing_left();
    }
    // Two containers that want the same one.
    drop(taken);
    let publish = format!("127.0.0.1:{port}:80");
    env.ok(["run", "-d", "--name", "first", "-p", &publish, "busybox", "sleep", "1000"]);
    let output = env.coracle(["run", "-d", "--name", "second", "-p", &publish, "busybox", "sleep", "1000"]).run();
    assert!([125, 126].contains(&output.code()), "{output}");
    assert_eq!(env.status("first"), "running");
}

#[test]
fn ports_without_a_network_are_warned_about() {
    let env = Env::busybox();
    for network in ["none", "host"] {
        let output =
            env.coracle(["run", "--rm", "--network", network, "-p", "8080", "busybox", "echo", "ran"]).run().expect(0);
        assert!(
            output.stderr.to_lowercase().contains("port mappings have been discarded")
                && output.stderr.to_lowercase().contains(network),
            "{output}"
        );
        assert_eq!(output.stdout, "ran\n");
    }
}

#[test]
fn bad_ports_and_networks() {
    let env = Env::busybox();
    for bad in
        ["99999:1", "0:80", "1:99999", "a:b", "80:80/sctpx", "1-3:1-2", "3-1:80", "1.2.3:80:80", ":", "80:80:80:80"]
    {
        env.fails(125, ["run", "--rm", &format!("-p={bad}"), "busybox", "true"]);
    }
    for bad in ["slirp4netns:nosuch=1", "slirp4netns:mtu=x", "nosuchnet"] {
        env.fails(125, ["run", "--rm", &format!("--network={bad}"), "busybox", "true"]);
    }
    env.assert_nothing_left();
}

/// The helper ends with its container, also when the container is killed.
#[test]
fn helpers_end_with_their_container() {
    let env = Env::busybox();
    for helper in HELPERS {
        env.ok(["run", "-d", "--name", helper, "--network", helper, "busybox", "sleep", "1000"]);
        let pid = env.inspect(helper, "State.Pid").as_i64().unwrap();
        nix::sys::signal::kill(
            nix::unistd::Pid::from_raw(i32::try_from(pid).unwrap()),
            nix::sys::signal::Signal::SIGKILL,
        )
        .unwrap();
        env.wait_status(helper, "exited");
        env.ok(["rm", helper]);
        env.assert_nothing_left();
    }
}

#[test]
fn host_gateway_is_an_address_also_where_nothing_leads_there() {
    let env = Env::busybox();
    env.ok(["network", "create", "--internal", "inside"]);
    for network in ["none", "inside", "podman"] {
        let run =
            ["run", "--rm", "--network", network, "--add-host", "gw:host-gateway", "busybox", "cat", "/etc/hosts"];
        let output = env.coracle(run).run();
        if output.stderr.contains("no address of the host is known") {
            skip("host_gateway", "this machine has no address");
            return;
        }
        let hosts = output.expect(0).text();
        let line = hosts.lines().find(|line| line.ends_with("\tgw")).unwrap_or_else(|| panic!("{network}:\n{hosts}"));
        assert!(line.split('\t').next().unwrap().parse::<std::net::IpAddr>().is_ok(), "{line}");
    }
    env.assert_nothing_left();
}
