//! The network anchor: bridges, addresses, what happens when something of it dies.

use std::io::Write as _;
use std::net::{TcpListener, UdpSocket};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::support::{Env, SOON, leftovers, let_pass, poll, skip, until};

/// A container on the default bridge that answers on port 80 with its name.
#[track_caller]
fn serve(env: &Env, name: &str, options: &[&str]) {
    let script = format!("echo {name} > /index.html; exec httpd -f -p 80 -h /");
    let mut args = vec!["run", "-d", "--network", "bridge", "--name", name];
    args.extend(options);
    args.extend(["busybox", "sh", "-c", &script]);
    env.ok(args);
}

/// The container's address, as it sees it.
#[track_caller]
fn address(env: &Env, name: &str) -> String {
    let text = env.ok(["exec", name, "ip", "-4", "addr", "show", "eth0"]);
    let words: Vec<&str> = text.split_whitespace().collect();
    let at = words.iter().position(|word| *word == "inet").unwrap_or_else(|| panic!("no address:\n{text}"));
    words[at + 1].split('/').next().unwrap().to_owned()
}

#[track_caller]
fn mac(env: &Env, name: &str) -> String {
    env.ok(["exec", name, "cat", "/sys/class/net/eth0/address"])
}

/// What a new container hears from that address.
fn ask(env: &Env, address: &str) -> String {
    let url = format!("http://{address}/");
    env.coracle(["run", "--rm", "--network", "bridge", "busybox", "wget", "-q", "-O", "-", &url]).run().stdout
}

#[track_caller]
fn reachable(env: &Env, name: &str, address: &str) {
    until(&format!("{name} at {address}"), SOON, || (ask(env, address).trim() == name).then_some(()));
}

fn signal(pid: i32, signal: Signal) {
    kill(Pid::from_raw(pid), signal).expect("a process that lives");
}

/// The processes of this environment whose command begins with this.
fn processes(env: &Env, name: &str) -> Vec<i32> {
    let dir = env.work().parent().unwrap().to_owned();
    let is_it = |process: &leftovers::Process| {
        let command = process.command.split(' ').next().unwrap_or_default();
        command.rsplit('/').next() == Some(name)
    };
    leftovers::of(&dir).iter().filter(|process| is_it(process)).map(|process| process.pid).collect()
}

#[track_caller]
fn the_only(env: &Env, name: &str) -> i32 {
    let all = processes(env, name);
    assert_eq!(all.len(), 1, "{name}: {all:?}");
    all[0]
}

/// Waits for one that is not `before`.
#[track_caller]
fn another(env: &Env, name: &str, before: i32) -> i32 {
    until(&format!("another {name}"), SOON, || match processes(env, name).as_slice() {
        [one] if *one != before => Some(*one),
        _ => None,
    })
}

#[test]
fn containers_have_addresses_of_their_own_and_reach_each_other() {
    let env = Env::busybox();
    serve(&env, "a", &["--hostname", "alpha"]);
    serve(&env, "b", &[]);
    let (a, b) = (address(&env, "a"), address(&env, "b"));
    assert!(a.starts_with("10.88.0.") && b.starts_with("10.88.0.") && a != b, "{a} {b}");
    reachable(&env, "a", &a);
    reachable(&env, "b", &b);
    assert_eq!(env.ok(["exec", "a", "wget", "-q", "-O", "-", &format!("http://{b}/")]), "b");
    let hosts = env.ok(["exec", "a", "cat", "/etc/hosts"]);
    assert!(hosts.lines().any(|line| line == format!("{a}\talpha a")), "{hosts}");
    let routes = env.ok(["exec", "a", "ip", "route"]);
    assert!(routes.contains("default via 10.88.0.1 dev eth0") && routes.contains("metric 100"), "{routes}");
    // One of each for all.
    the_only(&env, "coracle-anchor");
    the_only(&env, "slirp4netns");
    env.ok(["rm", "-f", "-t", "0", "a", "b"]);
    env.assert_nothing_left();
}

/// Nobody has to tell it: the kernel does.
#[test]
fn the_anchor_ends_with_its_last_container() {
    let env = Env::busybox();
    serve(&env, "a", &[]);
    the_only(&env, "coracle-anchor");
    let monitor = i32::try_from(env.inspect("a", "State.ConmonPid").as_i64().unwrap()).unwrap();
    signal(monitor, Signal::SIGKILL);
    let gone = poll(SOON, || processes(&env, "coracle-anchor").is_empty().then_some(()));
    assert!(gone.is_some(), "the anchor is still there");
    assert_eq!(processes(&env, "slirp4netns"), Vec::<i32>::new());
    // And it comes with the next one.
    env.ok(["rm", "-f", "a"]);
    serve(&env, "a", &[]);
    let address = address(&env, "a");
    reachable(&env, "a", &address);
}

#[test]
fn outgoing_connections() {
    let env = Env::busybox();
    let socket = UdpSocket::bind("0.0.0.0:0").unwrap();
    if socket.connect("192.0.2.1:9").is_err() {
        return skip("outgoing_connections", "this machine has no route");
    }
    let host = socket.local_addr().unwrap().ip();
    let listener = TcpListener::bind((host, 0)).unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten().take(2) {
            let _ = stream.write_all(b"reached\n");
        }
    });
    let host = host.to_string();
    let args = ["run", "--rm", "--network", "bridge", "busybox", "nc", &host, &port];
    env.coracle(args).run().expect(0).says("reached");
    // The uplink is killed: another one is started, and the container does not notice.
    serve(&env, "a", &[]);
    let uplink = the_only(&env, "slirp4netns");
    signal(uplink, Signal::SIGKILL);
    another(&env, "slirp4netns", uplink);
    let answer = until("the way out", SOON, || {
        let output = env.coracle(["exec", "a", "nc", "-w", "5", &host, &port]).run();
        (output.code() == 0).then_some(output.stdout)
    });
    assert_eq!(answer, "reached\n");
}

#[test]
fn a_killed_anchor_comes_back() {
    let env = Env::busybox();
    serve(&env, "a", &[]);
    serve(&env, "b", &[]);
    let before = (address(&env, "a"), mac(&env, "a"), address(&env, "b"), mac(&env, "b"));
    let anchor = the_only(&env, "coracle-anchor");
    signal(anchor, Signal::SIGKILL);
    // Without any command.
    another(&env, "coracle-anchor", anchor);
    reachable(&env, "a", &before.0);
    reachable(&env, "b", &before.2);
    let after = (address(&env, "a"), mac(&env, "a"), address(&env, "b"), mac(&env, "b"));
    assert_eq!(before, after);
    let routes = env.ok(["exec", "a", "ip", "route"]);
    assert!(routes.contains("default via 10.88.0.1 dev eth0"), "{routes}");
    // In the moment of its death a new container comes.
    for _ in 0..3 {
        let anchor = the_only(&env, "coracle-anchor");
        signal(anchor, Signal::SIGKILL);
        reachable(&env, "a", &before.0);
        reachable(&env, "b", &before.2);
    }
}

#[test]
fn two_first_containers_at_once() {
    for pause in [0, 3, 6, 9, 12, 20] {
        let env = Env::busybox();
        let start = |name: &str| {
            let script = format!("echo {name} > /index.html; exec httpd -f -p 80 -h /");
            env.coracle(["run", "-d", "--network", "bridge", "--name", name, "busybox", "sh", "-c", &script]).spawn()
        };
        let first = start("a");
        let_pass(Duration::from_millis(pause));
        let second = start("b");
        first.finish().expect(0);
        second.finish().expect(0);
        let (a, b) = (address(&env, "a"), address(&env, "b"));
        assert_ne!(a, b);
        the_only(&env, "coracle-anchor");
        assert_eq!(env.ok(["exec", "a", "wget", "-q", "-O", "-", &format!("http://{b}/")]), "b");
        assert_eq!(env.ok(["exec", "b", "wget", "-q", "-O", "-", &format!("http://{a}/")]), "a");
    }
}

/// A container that is started again by its restart policy is where it was.
#[test]
fn a_restarted_container_keeps_its_address() {
    let env = Env::busybox();
    let script =
        "ip -4 addr show eth0 | sed -n 's/.*inet //p'; test -e /again && exec sleep 1000; touch /again; exit 1";
    env.ok([
        "run",
        "-d",
        "--name",
        "a",
        "--network",
        "bridge",
        "--restart",
        "on-failure",
        "busybox",
        "sh",
        "-c",
        script,
    ]);
    let log = until("two starts", SOON, || Some(env.ok(["logs", "a"])).filter(|log| log.lines().count() == 2));
    let lines: Vec<&str> = log.lines().collect();
    assert!(lines[0].starts_with("10.88.0.") && lines[0] == lines[1], "{log}");
    // An address that was freed is not given again before the others.
    let before = address(&env, "a");
    env.ok(["rm", "-f", "-t", "0", "a"]);
    serve(&env, "b", &[]);
    assert_ne!(address(&env, "b"), before);
}

#[test]
fn fixed_addresses() {
    let env = Env::busybox();
    serve(&env, "a", &["--ip", "10.88.7.7", "--mac-address", "02:00:00:00:00:77"]);
    assert_eq!((address(&env, "a"), mac(&env, "a")), ("10.88.7.7".to_owned(), "02:00:00:00:00:77".to_owned()));
    let id = env.inspect("a", "Id").as_str().unwrap().to_owned();
    let run = |ip: &str| env.fails(125, ["run", "--rm", "--network", "bridge", "--ip", ip, "busybox", "true"]);
    let error = run("10.88.7.7");
    assert!(error.contains(&format!("10.88.7.7 is already allocated to container ID {id}")), "{error}");
    assert!(run("10.88.0.1").contains("gateway"));
    assert!(run("10.99.0.1").contains("not in any subnet"));
    env.ok(["rm", "-f", "-t", "0", "a"]);
    serve(&env, "b", &["--ip", "10.88.7.7"]);
    env.ok(["rm", "-f", "-t", "0", "b"]);
    env.assert_nothing_left();
}

/// A container whose monitor was killed has no network any more, and its address is free.
#[test]
fn a_killed_monitor_frees_the_address() {
    let env = Env::busybox();
    serve(&env, "other", &[]);
    serve(&env, "a", &["--ip", "10.88.7.7"]);
    let monitor = i32::try_from(env.inspect("a", "State.ConmonPid").as_i64().unwrap()).unwrap();
    signal(monitor, Signal::SIGKILL);
    until("the address to be free", SOON, || {
        let args = ["run", "--rm", "--network", "bridge", "--ip", "10.88.7.7", "busybox", "true"];
        (env.coracle(args).run().code() == 0).then_some(())
    });
}

/// The namespace of the bridges, with what is in it, also before there is any container.
#[test]
fn unshare_enters_the_namespace_of_the_bridges() {
    let env = Env::busybox();
    let links = env.ok(["unshare", "--rootless-netns", "cat", "/proc/net/dev"]);
    assert!(links.contains("tap0:") && !links.contains("podman0:"), "{links}");
    serve(&env, "a", &[]);
    let links = env.ok(["unshare", "--rootless-netns", "cat", "/proc/net/dev"]);
    assert!(links.contains("podman0:"), "{links}");
    // Who answers questions for names there is the uplink and not the host's loopback.
    let resolv = env.ok(["unshare", "--rootless-netns", "cat", "/etc/resolv.conf"]);
    let servers: Vec<&str> = resolv.lines().filter_map(|line| line.strip_prefix("nameserver ")).collect();
    assert!(servers.first() == Some(&"10.0.2.3") && !servers.contains(&"127.0.0.1"), "{resolv}");
    let hosts = std::fs::read_to_string("/etc/resolv.conf").unwrap_or_default();
    assert_eq!(env.ok(["unshare", "cat", "/etc/resolv.conf"]), hosts.trim_end());
    let own = env.ok(["unshare", "cat", "/proc/net/dev"]);
    assert!(!own.contains("podman0:"), "{own}");
}
