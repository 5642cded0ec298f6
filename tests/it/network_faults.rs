//! Networks when something goes wrong at a bad moment: the anchor about to end, an uplink that does not come, a command that was
//! killed, ranges that collide.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

use crate::support::registry::free_port;
use crate::support::{Env, SOON, leftovers, let_pass, skip, until};

/// A container that answers on port 80 with its name.
#[track_caller]
fn serve(env: &Env, name: &str, options: &[&str]) {
    let script = format!("echo {name} > /index.html; exec httpd -f -p 80 -h /");
    let mut args = vec!["run", "-d", "--name", name];
    args.extend(options);
    args.extend(["busybox", "sh", "-c", &script]);
    env.ok(args);
}

/// What `from` hears from that address, once somebody answers.
#[track_caller]
fn hears(env: &Env, from: &str, address: &str) -> String {
    let url = format!("http://{address}/");
    until(&format!("an answer of {address} to {from}"), SOON, || {
        let output = env.coracle(["exec", from, "timeout", "5", "wget", "-qO-", &url]).run();
        (output.code() == 0).then(|| output.stdout.trim().to_owned())
    })
}

fn address(env: &Env, name: &str, network: &str) -> String {
    env.inspect(name, "NetworkSettings.Networks")[network]["IPAddress"].as_str().unwrap().to_owned()
}

fn processes(env: &Env, name: &str) -> Vec<i32> {
    let dir = env.work().parent().unwrap().to_owned();
    let is_it = |process: &leftovers::Process| {
        process.command.split(' ').next().and_then(|c| c.rsplit('/').next()) == Some(name)
    };
    leftovers::of(&dir).iter().filter(|process| is_it(process)).map(|process| process.pid).collect()
}

/// The host's own address, if it has a way out.
fn own_address() -> Option<String> {
    let socket = UdpSocket::bind("0.0.0.0:0").ok()?;
    socket.connect("192.0.2.1:9").ok()?;
    Some(socket.local_addr().ok()?.ip().to_string())
}

/// Starts containers while their anchor gets a signal, each a little later than the one before.
fn signals_while_a_container_begins(signal: Signal) {
    let env = Env::busybox();
    for pause in 0..25 {
        env.ok(["run", "--rm", "--network", "bridge", "busybox", "true"]);
        let Some(anchor) = processes(&env, "coracle-anchor").first().copied() else { continue };
        let next = env.coracle(["run", "--rm", "--network", "bridge", "busybox", "true"]).spawn();
        let_pass(Duration::from_micros(800 * pause));
        let _ = kill(Pid::from_raw(anchor), signal);
        next.finish().expect(0);
    }
}

/// Without containers it ends at once when it is asked to.
#[test]
fn nobody_meets_an_anchor_that_is_about_to_end() {
    signals_while_a_container_begins(Signal::SIGTERM);
}

#[test]
fn an_anchor_that_is_killed_while_a_container_begins() {
    signals_while_a_container_begins(Signal::SIGKILL);
}

/// Between two runs there is no container to be connected: the next one is.
#[test]
fn networks_and_ports_change_between_two_runs() {
    let env = Env::busybox();
    let port = free_port();
    env.ok(["network", "create", "--subnet", "10.231.1.0/24", "n"]);
    let script = "test -e /go && exec httpd -f -p 80 -h /etc; sleep 0.1; exit 1";
    env.ok(["run", "-d", "--name", "a", "--network", "bridge", "--restart", "always", "busybox", "sh", "-c", script]);
    // The pauses grow: this one has more than a second.
    let rests = || {
        let many = env.inspect("a", "RestartCount").as_i64() >= Some(4);
        (many && env.inspect("a", "State.Status") == "exited").then_some(())
    };
    until("a long pause", SOON, rests);
    env.ok(["network", "connect", "n", "a"]);
    env.ok(["port", "add", "a", &format!("127.0.0.1:{port}:80")]);
    let listed = env.ok(["ps", "-a", "--format", "{{.Ports}} {{.Networks}}"]);
    assert_eq!(listed, format!("127.0.0.1:{port}->80/tcp podman,n"));
    until("the next run", SOON, || {
        let address = env.inspect("a", "NetworkSettings.Networks")["n"]["IPAddress"].as_str()?.to_owned();
        address.starts_with("10.231.1.").then_some(())
    });
    env.ok(["rm", "-f", "-t", "0", "a"]);
    env.assert_nothing_left();
}

/// What a container has, it keeps, also when there is no way out for a network that comes.
#[test]
fn a_network_is_connected_while_nothing_leads_out() {
    let env = Env::busybox();
    env.ok(["network", "create", "--subnet", "10.231.2.0/24", "n"]);
    let broken = env.work().join("broken");
    let script = format!("#!/bin/sh\ntest -e {} && exit 1\nexec slirp4netns \"$@\"\n", broken.display());
    let uplink = env.file("slirp4netns", script);
    std::fs::set_permissions(&uplink, std::fs::Permissions::from_mode(0o755)).unwrap();
    let uplink = uplink.display().to_string();
    let run = |name: &str| {
        let script = format!("echo {name} > /index.html; exec httpd -f -p 80 -h /");
        let args = ["--network-cmd-path", &uplink, "run", "-d", "--network", "bridge", "--name", name, "busybox"];
        env.ok(args.into_iter().chain(["sh", "-c", &script]));
    };
    run("a");
    run("b");
    let (a, b) = (address(&env, "a", "podman"), address(&env, "b", "podman"));
    assert_eq!(hears(&env, "b", &a), "a");
    std::fs::write(&broken, "").unwrap();
    let before = processes(&env, "slirp4netns");
    assert_eq!(before.len(), 1, "{before:?}");
    kill(Pid::from_raw(before[0]), Signal::SIGKILL).unwrap();
    until("the end of the uplink", SOON, || processes(&env, "slirp4netns").is_empty().then_some(()));
    env.ok(["--network-cmd-path", &uplink, "network", "connect", "n", "a"]);
    env.ok(["--network-cmd-path", &uplink, "network", "connect", "n", "b"]);
    assert_eq!(hears(&env, "b", &a), "a");
    assert_eq!(hears(&env, "a", &b), "b");
    assert_eq!(hears(&env, "b", &address(&env, "a", "n")), "a");
    std::fs::remove_file(&broken).unwrap();
    until("another uplink", SOON, || (processes(&env, "slirp4netns").len() == 1).then_some(()));
}

/// The networks that slirp4netns has by itself can be a user's.
#[test]
fn the_ranges_of_the_uplink_are_free() {
    let env = Env::busybox();
    serve(&env, "first", &["--network", "bridge"]);
    env.ok(["network", "create", "--subnet", "10.0.2.0/24", "--subnet", "fd77::/64", "n"]);
    // Also where the host has that range itself, which would be refused above.
    let file = env.root().join("networks/n.json");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text.replace("fd77::", "fd00::")).unwrap();
    serve(&env, "a", &["--network", "n:ip=10.0.2.3,ip6=fd00::2"]);
    serve(&env, "b", &["--network", "n:ip=10.0.2.100,ip6=fd00::100"]);
    assert_eq!(hears(&env, "a", "10.0.2.100"), "b");
    assert_eq!(hears(&env, "b", "[fd00::2]"), "a");
    // From the namespace in which their gateway is, where the uplink is as well.
    for (address, name) in [("10.0.2.3", "a"), ("10.0.2.100", "b"), ("fd00::2", "a"), ("fd00::100", "b")] {
        let script = format!("exec 3<>/dev/tcp/{address}/80 && printf 'GET / HTTP/1.0\r\n\r\n' >&3 && tail -n 1 <&3");
        let args = ["unshare", "--rootless-netns", "timeout", "5", "bash", "-c", &script];
        assert_eq!(env.coracle(args).run().expect(0).text(), name, "{address}");
    }
    let Some(host) = own_address() else {
        return skip("the_ranges_of_the_uplink_are_free", "this machine has no route");
    };
    let listener = TcpListener::bind((host.as_str(), 0)).unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let _ = stream.write_all(b"reached\n");
        }
    });
    for name in ["a", "first"] {
        until(&format!("the way out of {name}"), SOON, || {
            let output = env.coracle(["exec", name, "nc", "-w", "5", &host, &port]).run();
            (output.stdout == "reached\n").then_some(())
        });
    }
}

/// Whoever changes the ports may be killed between the file that counts and the one that listings read.
#[test]
fn a_start_mends_what_a_killed_command_left() {
    let env = Env::busybox();
    let port = free_port();
    serve(&env, "a", &["--network", "bridge"]);
    let id = env.inspect("a", "Id").as_str().unwrap().to_owned();
    let file = env.root().join("containers").join(id).join("network.json");
    let mut wanted: Value = serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
    let mapping = serde_json::json!({
        "host_ip": "127.0.0.1", "container_port": 80, "host_port": port, "range": 1, "protocol": "tcp"
    });
    wanted["ports"].as_array_mut().unwrap().push(mapping);
    std::fs::write(&file, wanted.to_string()).unwrap();
    env.ok(["restart", "-t", "0", "a"]);
    assert_eq!(env.ok(["ps", "--format", "{{.Ports}}"]), format!("127.0.0.1:{port}->80/tcp"));
    let answer = until("an answer", SOON, || {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
        stream.write_all(b"GET / HTTP/1.0\r\n\r\n").ok()?;
        let mut text = String::new();
        stream.read_to_string(&mut text).ok()?;
        Some(text)
    });
    assert!(answer.ends_with("a\n"), "{answer}");
}

/// What scripts ask for that know one network only.
#[test]
fn inspect_has_the_address_on_the_default_network() {
    let env = Env::busybox();
    env.ok(["network", "create", "--subnet", "10.231.6.0/24", "n"]);
    serve(&env, "a", &["--network", "bridge"]);
    let asked = |key: &str| env.ok(["inspect", "a", "--format", &format!("{{{{.NetworkSettings.{key}}}}}")]);
    assert_eq!(asked("IPAddress"), address(&env, "a", "podman"));
    assert_eq!((asked("Gateway"), asked("IPPrefixLen")), ("10.88.0.1".to_owned(), "16".to_owned()));
    assert!(asked("MacAddress").starts_with("02:42:"), "{}", asked("MacAddress"));
    // Of several it is none.
    env.ok(["network", "connect", "n", "a"]);
    assert_eq!(asked("IPAddress"), "");
}

/// An interface that a container has made itself is not ours to take away.
#[test]
fn what_a_container_made_is_its_own() {
    let env = Env::busybox();
    env.ok(["network", "create", "--subnet", "10.231.3.0/24", "n"]);
    serve(&env, "a", &["--network", "bridge", "--cap-add", "NET_ADMIN"]);
    if env.coracle(["exec", "a", "ip", "link", "add", "eth1", "type", "bridge"]).run().code() != 0 {
        return skip("what_a_container_made_is_its_own", "no interface can be made here");
    }
    let error = env.fails(125, ["network", "connect", "n", "a"]);
    assert!(error.contains("ile exists"), "{error}");
    env.ok(["exec", "a", "ip", "link", "show", "eth1"]);
    // It is as if nothing had been tried.
    assert_eq!(env.inspect("a", "NetworkSettings.Networks").as_object().unwrap().len(), 1);
    env.ok(["exec", "a", "ip", "link", "del", "eth1"]);
    env.ok(["network", "connect", "n", "a"]);
    env.ok(["exec", "a", "ip", "addr", "show", "eth1"]);
}

/// One anchor serves all roots of a run directory, each with networks of its own.
#[test]
fn another_root_with_the_same_run_directory() {
    let env = Env::busybox();
    let other = env.work().join("other-root");
    let there = |args: &[&str]| {
        let roots =
            ["--root".into(), other.clone().into_os_string(), "--runroot".into(), env.runroot().into_os_string()];
        env.program(env!("CARGO_BIN_EXE_coracle")).args(roots).args(args).run()
    };
    let archive = crate::support::fixtures::busybox().display().to_string();
    there(&["load", "-i", &archive]).expect(0);
    serve(&env, "here", &["--network", "bridge"]);
    there(&["network", "create", "--subnet", "10.231.4.0/24", "--interface-name", "there0", "n"]).expect(0);
    let on_n = ["run", "--rm", "--network", "n", "busybox", "ip", "-4", "addr", "show", "eth0"];
    let seen = there(&on_n).expect(0).text();
    assert!(seen.contains("inet 10.231.4."), "{seen}");
    // The same name means another network here.
    env.ok(["network", "create", "--subnet", "10.231.5.0/24", "--interface-name", "here0", "n"]);
    serve(&env, "on-n", &["--network", "n"]);
    assert!(address(&env, "on-n", "n").starts_with("10.231.5."));
    let output = there(&on_n).expect(125);
    assert!(output.stderr.contains("another one") && output.stderr.contains("--runroot"), "{}", output.stderr);
}

/// pasta would take the host's own addresses, and then they would mean the namespace of the bridges.
#[test]
fn the_host_is_reached_by_way_of_pasta() {
    let test = "the_host_is_reached_by_way_of_pasta";
    let env = Env::busybox();
    let Some(host) = own_address() else { return skip(test, "this machine has no route") };
    let Some(pasta) = env.program("sh").args(["-c", "command -v pasta"]).run().stdout.lines().next().map(str::to_owned)
    else {
        return skip(test, "pasta is not installed");
    };
    let listener = TcpListener::bind((host.as_str(), 0)).unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let _ = stream.write_all(b"reached\n");
        }
    });
    let run = |network: &str, address: &str| {
        // Its end is not waited for: an old pasta may forget to pass it on.
        let script = format!("(nc {address} {port} &) | head -n 1");
        let start = ["--network-cmd-path", &pasta, "run", "--rm", "--network", network, "busybox", "sh", "-c"];
        env.coracle(start.into_iter().chain([script.as_str()])).run().expect(0).says("reached");
    };
    run("bridge", &host);
    run("bridge", "$(sed -n 's/\thost.containers.internal.*//p' /etc/hosts)");
    // Its own network is not a user's.
    env.ok(["network", "create", "--subnet", "10.0.2.0/24", "n"]);
    run("n", &host);
}

/// The anchor has the listening sockets too, and may be slow to hear that a monitor was killed.
#[test]
fn the_ports_of_a_killed_monitor_are_free() {
    let env = Env::busybox();
    let port = free_port();
    serve(&env, "a", &["--network", "bridge", "-p", &format!("127.0.0.1:{port}:80")]);
    let monitor = i32::try_from(env.inspect("a", "State.ConmonPid").as_i64().unwrap()).unwrap();
    assert!(monitor > 1, "{monitor}");
    let anchor = processes(&env, "coracle-anchor");
    assert_eq!(anchor.len(), 1, "{anchor:?}");
    kill(Pid::from_raw(anchor[0]), Signal::SIGSTOP).unwrap();
    kill(Pid::from_raw(monitor), Signal::SIGKILL).unwrap();
    // Whether somebody has waited for it or not.
    let process = format!("/proc/{monitor}/stat");
    let ended = || std::fs::read_to_string(&process).map_or(true, |stat| stat.contains(") Z "));
    until("its end", SOON, || ended().then_some(()));
    let start = env.coracle(["start", "a"]).spawn();
    let_pass(Duration::from_millis(200));
    kill(Pid::from_raw(anchor[0]), Signal::SIGCONT).unwrap();
    start.finish().expect(0);
}
