//! The helpers for real: a user namespace as the monitor has it, a network namespace as a container has it, and traffic
//! from the host's loopback to ports that are published.
//!
//! A test process has several threads and so cannot enter a user namespace itself. It starts itself again, under
//! unshare(1), in one of two roles; [`role`] is the entry of both.

#![allow(clippy::print_stdout, clippy::print_stderr)]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, TcpListener, TcpStream, UdpSocket};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, pidfd_open};

use super::files::Host;
use super::ports::{self, PortMapping};
use super::{Helper, Mode, Plan, lookup, pasta};
use crate::runtime::netns;

const ROLE: &str = "CORACLE_TEST_NETWORK_ROLE";
const MODE: &str = "CORACLE_TEST_NETWORK_MODE";
const DIR: &str = "CORACLE_TEST_NETWORK_DIR";

/// A process of this program in a role, spoken to in lines.
struct Actor {
    child: Child,
    to: ChildStdin,
    from: BufReader<ChildStdout>,
    /// Its run directory; ours to remove, because it is killed.
    _dir: tempfile::TempDir,
}

impl Actor {
    fn start(role: &str, mode: &str, unshare: &[&str]) -> Actor {
        let mut command = Command::new("unshare");
        command.args(unshare).arg(std::env::current_exe().unwrap());
        command.args(["--exact", "network::live::role", "--nocapture", "--test-threads=1"]);
        let dir = tempfile::tempdir().unwrap();
        // What a killed one leaves in its own temporary directory goes as well.
        command.env(DIR, dir.path()).env("TMPDIR", dir.path());
        command.env(ROLE, role).env(MODE, mode).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("unshare(1)");
        let (to, from) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
        Actor { child, to, from, _dir: dir }
    }

    fn say(&mut self, line: &str) {
        writeln!(self.to, "{line}").unwrap();
    }

    /// The next line that begins with `@word`, without that. What the test harness prints is passed over.
    fn hear(&mut self, word: &str) -> String {
        let mut all = String::new();
        loop {
            let mut line = String::new();
            assert!(self.from.read_line(&mut line).unwrap() > 0, "no `@{word}`, but: {all}");
            if let Some(at) = line.find(&format!("@{word}")) {
                return line.split_off(at + word.len() + 1).trim().to_owned();
            }
            all.push_str(&line);
        }
    }
}

impl Drop for Actor {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn soon() -> Instant {
    Instant::now() + Duration::from_secs(20)
}

/// The entry of the roles; nothing when run as a test.
#[test]
fn role() {
    let mode = std::env::var(MODE).unwrap_or_default();
    if std::env::var(ROLE).is_ok() {
        rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL)).unwrap();
    }
    match std::env::var(ROLE).as_deref() {
        Ok("container") => container(&Mode::parse(&mode).unwrap()),
        Ok("monitor") => monitor(&mode),
        Ok("doomed") => doomed(&mode),
        _ => {}
    }
}

/// Echoes UDP packets on port 53 until one says `end`, then one line each of two TCP connections on port 80.
fn container(mode: &Mode) {
    netns::prepare(mode.has_ipv6()).unwrap();
    drop(TcpListener::bind("127.0.0.1:0").unwrap());
    println!("@up");
    let tcp = TcpListener::bind("0.0.0.0:80").unwrap();
    let udp = UdpSocket::bind("0.0.0.0:53").unwrap();
    std::io::stdin().read_line(&mut String::new()).unwrap();
    let mut buffer = [0u8; 100];
    loop {
        let (length, from) = udp.recv_from(&mut buffer).unwrap();
        let packet = buffer.get(..length).unwrap();
        udp.send_to(packet, from).unwrap();
        if packet == b"end" {
            break;
        }
    }
    for _ in 0..2 {
        let (mut stream, _) = tcp.accept().unwrap();
        let mut text = String::new();
        BufReader::new(stream.try_clone().unwrap()).read_line(&mut text).unwrap();
        stream.write_all(text.as_bytes()).unwrap();
    }
    std::io::stdin().read_line(&mut String::new()).unwrap();
}

fn plan(mode: &str) -> Plan {
    let specs = ["127.0.0.1::80", "80", "127.0.0.1::53/udp", "53/udp"];
    let requests = specs.iter().flat_map(|spec| ports::parse(spec).unwrap()).collect();
    Plan::new(Mode::parse(mode).unwrap(), ports::assign(requests).unwrap())
}

fn host_ports<'a>(ports: &'a [PortMapping], protocol: &'a str) -> impl Iterator<Item = u16> + 'a {
    ports.iter().filter(move |port| port.protocol == protocol).map(|port| port.host_port)
}

/// Sends a packet and waits for its echo.
fn udp_echo(socket: &UdpSocket, packet: &[u8]) {
    socket.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    socket.send(packet).unwrap();
    let mut buffer = [0u8; 100];
    let answer = socket.recv(&mut buffer).map(|length| buffer.get(..length).unwrap());
    let text = packet.escape_ascii();
    assert!(answer.as_ref().is_ok_and(|a| *a == packet), "`{text}` to {}: {answer:?}", socket.peer_addr().unwrap());
}

fn connect_udp(ip: IpAddr, port: u16) -> UdpSocket {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).unwrap();
    socket.connect((ip, port)).unwrap();
    socket
}

/// Connects a container as the monitor does, talks to it, and lets go of it.
fn monitor(mode: &str) {
    let mut container = Actor::start("container", mode, &["--net"]);
    container.hear("up");
    let plan = plan(mode);
    plan.check().unwrap();
    let ports = plan.ports.clone();
    let run_dir = std::path::PathBuf::from(std::env::var_os(DIR).unwrap());
    let run_dir = run_dir.join("a-long-name-".repeat(12));
    std::fs::create_dir(&run_dir).unwrap();

    let start = Instant::now();
    let mut helper = Helper::spawn(plan, container.child.id() as i32, &run_dir).unwrap().unwrap();
    let spawned = start.elapsed();
    helper.wait_ready(soon()).unwrap();
    println!("@took {mode}: spawned after {spawned:?}, ready after {:?}", start.elapsed());
    container.say("go");

    // Two clients of each port, and one that is not on the loopback, in turns.
    let mut clients = Vec::new();
    for port in host_ports(&ports, "udp") {
        clients.push(connect_udp(Ipv4Addr::LOCALHOST.into(), port));
        clients.push(connect_udp(Ipv4Addr::LOCALHOST.into(), port));
    }
    let outer = Host::gather(&Mode::Host).unwrap().seen_from(&Mode::Host).filter(IpAddr::is_ipv4);
    let for_all = ports.iter().find(|port| port.protocol == "udp" && port.host_ip.is_empty()).unwrap().host_port;
    clients.extend(outer.map(|ip| connect_udp(ip, for_all)));
    println!("@ports {}", ports::display(&ports));
    for packet in [&b"one"[..], b"two"] {
        clients.iter().for_each(|client| udp_echo(client, packet));
    }
    udp_echo(clients.first().unwrap(), b"end");

    for port in host_ports(&ports, "tcp") {
        let mut tcp = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap();
        tcp.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        tcp.write_all(b"stream\n").unwrap();
        let mut text = String::new();
        tcp.read_to_string(&mut text).unwrap();
        assert_eq!(text, "stream\n", "tcp port {port}");
    }

    assert!(ports::check_free(&ports).is_err(), "the ports are held");
    let start = Instant::now();
    helper.stop();
    println!("@stopped {:?}", start.elapsed());
    ports::check_free(&ports).unwrap();
    assert_eq!(std::fs::read_dir(&run_dir).unwrap().count(), 0, "nothing is left in the run directory");
    println!("@done");
}

/// Connects a container and then waits to be killed.
fn doomed(mode: &str) {
    let mut container = Actor::start("container", mode, &["--net"]);
    container.hear("up");
    let run_dir = std::path::PathBuf::from(std::env::var_os(DIR).unwrap());
    let mut helper = Helper::spawn(plan(mode), container.child.id() as i32, &run_dir).unwrap().unwrap();
    helper.wait_ready(soon()).unwrap();
    println!("@helper {}", helper.pid());
    std::io::stdin().read_line(&mut String::new()).unwrap();
}

/// A reason why helpers cannot be tried here.
fn obstacle(helper: &str) -> Option<&'static str> {
    let namespaces = Command::new("unshare").args(["--user", "--map-root-user", "--mount", "--net", "true"]).output();
    let Some(program) = lookup::find(helper) else { return Some("the helper is not installed") };
    if !namespaces.is_ok_and(|output| output.status.success()) {
        Some("user namespaces cannot be made here")
    } else if helper == "pasta"
        && !pasta::is_modern(&program)
        && Host::gather(&Mode::Host).unwrap().default_interface.is_none()
    {
        Some("this pasta needs a default route of the host")
    } else if super::helper::check_tun().is_err() {
        Some("/dev/net/tun cannot be opened")
    } else {
        None
    }
}

fn with_helper(mode: &str, role: &str, test: impl FnOnce(Actor)) {
    let helper = mode.split(':').next().unwrap_or_default();
    match obstacle(helper) {
        Some(reason) => eprintln!("skipped ({mode}): {reason}"),
        None => test(Actor::start(role, mode, &["--user", "--map-root-user", "--mount"])),
    }
}

fn talk(mode: &str) {
    with_helper(mode, "monitor", |mut monitor| {
        eprintln!("{}", monitor.hear("took"));
        eprintln!("stopped after {}", monitor.hear("stopped"));
        monitor.hear("done");
    });
}

#[test]
fn slirp4netns_publishes_tcp_and_udp() {
    talk("slirp4netns");
    talk("slirp4netns:cidr=10.77.0.0/16,mtu=1500,enable_ipv6=false,allow_host_loopback=true");
}

#[test]
fn pasta_publishes_tcp_and_udp() {
    talk("pasta");
    talk("pasta:--map-gw,-T,none");
}

fn die_with_monitor(mode: &str) {
    with_helper(mode, "doomed", |mut monitor| {
        let pid: i32 = monitor.hear("helper").parse().unwrap();
        let pidfd = pidfd_open(Pid::from_raw(pid).unwrap(), PidfdFlags::empty()).unwrap();
        monitor.child.kill().unwrap();
        let timeout = Timespec { tv_sec: 20, tv_nsec: 0 };
        let dead = poll(&mut [PollFd::new(&pidfd, PollFlags::IN)], Some(&timeout)).unwrap();
        assert_eq!(dead, 1, "{mode} outlived the monitor");
    });
}

#[test]
fn helpers_die_with_a_killed_monitor() {
    die_with_monitor("slirp4netns");
    die_with_monitor("pasta");
}
