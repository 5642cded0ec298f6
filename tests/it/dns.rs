//! Names: of containers on networks that a user made, and what is asked of others.

use std::io::Write as _;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

use crate::support::fixtures::debian;
use crate::support::{Env, SOON, until};

/// A container that runs until it is removed.
#[track_caller]
fn start(env: &Env, name: &str, options: &[&str]) -> String {
    let mut args = vec!["run", "-d", "--name", name];
    args.extend(options);
    args.extend(["busybox", "sh", "-c", "trap 'exit 0' TERM; while :; do sleep 1000 & wait $!; done"]);
    env.ok(args)
}

/// Its address on an interface, of this family (`-4`, `-6`).
#[track_caller]
fn address_of(env: &Env, container: &str, interface: &str, family: &str) -> String {
    let text = env.ok(["exec", container, "ip", "-o", family, "addr", "show", interface, "scope", "global"]);
    let address = text.split_whitespace().find_map(|word| word.split_once('/')).map(|(address, _)| address.to_owned());
    address.unwrap_or_else(|| panic!("{container} has no address on {interface}: {text}"))
}

/// Its IPv4 address on its first network.
#[track_caller]
fn address(env: &Env, container: &str) -> String {
    address_of(env, container, "eth0", "-4")
}

/// The same on its second.
#[track_caller]
fn second(env: &Env, container: &str) -> String {
    address_of(env, container, "eth1", "-4")
}

/// What busybox's nslookup finds in a container; nothing where it fails.
fn lookup(env: &Env, container: &str, name: &str) -> Vec<String> {
    let output = env.coracle(["exec", container, "nslookup", name]).run();
    // The first lines are about the server.
    let answer = output.stdout.split_once("\n\n").map_or("", |(_, answer)| answer);
    let lines = answer.lines().filter_map(|line| line.split_once("name = ").or(line.split_once("Address: ")));
    let mut found: Vec<String> = lines.map(|(_, value)| value.trim().to_owned()).collect();
    found.dedup();
    found
}

/// The host's dig, in the network namespace of a container.
#[track_caller]
fn dig(env: &Env, container: &str, args: &[&str]) -> String {
    let pid = env.inspect(container, "State.Pid").to_string();
    let enter = ["-t", &pid, "-U", "-n", "--preserve-credentials", "dig", "+time=2", "+tries=1"];
    env.program("nsenter").args(enter).args(args).run().expect(0).text()
}

#[test]
fn names_aliases_ids_and_host_names() {
    let env = Env::busybox();
    env.ok(["network", "create", "n"]);
    let id = start(&env, "web", &["--network", "n", "--network-alias", "shop", "--hostname", "web.host"]);
    start(&env, "client", &["--network", "n"]);
    let web = address(&env, "web");
    for name in ["web", "WEB", "shop", "web.host", &id[..12], "web.dns.podman"] {
        assert_eq!(lookup(&env, "client", name), [web.as_str()], "{name}");
    }
    assert_eq!(lookup(&env, "client", &web), ["web"], "reverse");
    assert_eq!(lookup(&env, "web", "client"), [address(&env, "client")], "the first knows the second");
    assert!(lookup(&env, "client", "nobody").is_empty());
    // Who goes is not found any more, and who comes again is.
    env.ok(["stop", "-t", "0", "web"]);
    until("the name's end", SOON, || lookup(&env, "client", "web").is_empty().then_some(()));
    env.ok(["start", "web"]);
    assert_eq!(lookup(&env, "client", "web"), [address(&env, "web")]);
}

#[test]
fn the_default_network_has_no_names() {
    let env = Env::busybox();
    start(&env, "web", &["--network", "podman"]);
    start(&env, "client", &["--network", "podman"]);
    assert!(lookup(&env, "client", "web").is_empty());
}

#[test]
fn several_networks() {
    let env = Env::busybox();
    for network in ["a", "b"] {
        env.ok(["network", "create", network]);
    }
    start(&env, "one", &["--network", "a"]);
    start(&env, "two", &["--network", "b"]);
    start(&env, "both", &["--network", "a:alias=left", "--network", "b:alias=right"]);
    let (one, two) = (address(&env, "one"), address(&env, "two"));
    assert_eq!(lookup(&env, "both", "one"), [one.as_str()]);
    assert_eq!(lookup(&env, "both", "two"), [two.as_str()]);
    assert!(lookup(&env, "one", "two").is_empty());
    // Each gets the address that it can reach.
    assert_eq!(lookup(&env, "one", "both"), [address(&env, "both")]);
    assert_eq!(lookup(&env, "two", "both"), [second(&env, "both")]);
    assert_eq!(lookup(&env, "one", "left"), [address(&env, "both")]);
    assert!(lookup(&env, "one", "right").is_empty());
    // One network more, while it runs.
    env.ok(["network", "connect", "--alias", "late", "b", "one"]);
    until("the new name", SOON, || (!lookup(&env, "two", "late").is_empty()).then_some(()));
    assert_eq!(lookup(&env, "one", "two"), [two.as_str()]);
    env.ok(["network", "disconnect", "b", "one"]);
    until("the end of the new name", SOON, || lookup(&env, "two", "late").is_empty().then_some(()));
    assert_eq!(lookup(&env, "both", "one"), [one.as_str()]);
}

#[test]
fn an_alias_of_several_containers() {
    let env = Env::busybox();
    env.ok(["network", "create", "n"]);
    for name in ["x", "y", "z"] {
        start(&env, name, &["--network", "n", "--network-alias", "all"]);
    }
    let mut all = lookup(&env, "x", "all");
    all.sort();
    let mut wanted = ["x", "y", "z"].map(|name| address(&env, name));
    wanted.sort();
    assert_eq!(all, wanted);
}

#[test]
fn families_tcp_and_edns() {
    let env = Env::busybox();
    env.ok(["network", "create", "--ipv6", "six"]);
    start(&env, "web", &["--network", "six"]);
    let v6 = address_of(&env, "web", "eth0", "-6");
    let v4 = address(&env, "web");
    let resolv = env.ok(["exec", "web", "cat", "/etc/resolv.conf"]);
    let gateways: Vec<&str> = resolv.lines().filter_map(|line| line.strip_prefix("nameserver ")).collect();
    assert_eq!(gateways.len(), 2, "{resolv}");
    for gateway in gateways {
        let at = format!("@{gateway}");
        for how in ["+notcp", "+tcp", "+noedns", "+bufsize=4096"] {
            assert_eq!(dig(&env, "web", &[&at, how, "+short", "web", "A"]), v4, "{at} {how}");
            assert_eq!(dig(&env, "web", &[&at, how, "+short", "web", "AAAA"]), v6, "{at} {how}");
        }
        assert_eq!(dig(&env, "web", &[&at, "+short", "-x", &v6]), "web.");
        assert!(dig(&env, "web", &[&at, "web", "MX"]).contains("status: NOERROR"), "there, but not of this kind");
        assert!(dig(&env, "web", &[&at, "nobody", "A"]).contains("status: NXDOMAIN"));
        // Several questions on one connection.
        let many = dig(&env, "web", &[&at, "+tcp", "+keepopen", "+short", "web", "A", "web", "AAAA", "-x", &v4]);
        assert_eq!(many.lines().count(), 3, "{many}");
    }
}

#[test]
fn debian_resolves_as_well() {
    let env = Env::busybox();
    env.ok(["import", "-q", debian().to_str().unwrap(), "debian"]);
    env.ok(["network", "create", "n"]);
    start(&env, "web", &["--network", "n"]);
    let web = address(&env, "web");
    let script = format!("getent ahosts web && getent hosts {web} && ! getent hosts nobody");
    let output = env.ok(["run", "--rm", "--network", "n", "debian", "sh", "-c", &script]);
    assert!(output.contains(&web) && output.contains("web"), "{output}");
}

#[test]
fn internal_networks_know_their_own() {
    let env = Env::busybox();
    env.ok(["network", "create", "--internal", "in"]);
    start(&env, "web", &["--network", "in"]);
    start(&env, "client", &["--network", "in"]);
    assert_eq!(lookup(&env, "client", "web"), [address(&env, "web")]);
    let begin = Instant::now();
    assert!(lookup(&env, "client", "example.org").is_empty());
    assert!(begin.elapsed() < Duration::from_secs(4), "told at once");
}

/// Runs in a container: a resolver that knows one address for everything.
#[test]
#[ignore = "the server of a_server_on_the_network_itself"]
fn resolver() {
    let socket = UdpSocket::bind("0.0.0.0:53").unwrap();
    let mut buffer = [0; 1000];
    while let Ok((length, from)) = socket.recv_from(&mut buffer) {
        // Without what follows the question (EDNS), and with one address, 192.0.2.77.
        let name = buffer[12..length].iter().position(|byte| *byte == 0).unwrap();
        let mut reply = buffer[..12 + name + 5].to_vec();
        reply[2..12].copy_from_slice(&[0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0]);
        reply.extend_from_slice(b"\xc0\x0c\0\x01\0\x01\0\0\0\x3c\0\x04\xc0\0\x02\x4d");
        let _ = socket.send_to(&reply, from);
    }
}

#[test]
fn a_server_on_the_network_itself() {
    let env = Env::busybox();
    env.ok(["network", "create", "--subnet", "10.237.8.0/24", "n"]);
    let own = format!("{}:/it:ro", std::env::current_exe().unwrap().display());
    let server = ["run", "-d", "--name", "server", "--network", "n", "--ip", "10.237.8.53", "-v", &own, "busybox"];
    env.ok(server.into_iter().chain(["/it", "--ignored", "--exact", "dns::resolver"]));
    start(&env, "client", &["--network", "n", "--dns", "10.237.8.53"]);
    until("an answer of the server", SOON, || {
        lookup(&env, "client", "a.example").contains(&"192.0.2.77".to_owned()).then_some(())
    });
    assert_eq!(lookup(&env, "client", "server"), ["10.237.8.53"], "names are still ours");
    // The same for all of the network.
    env.ok(["network", "create", "--subnet", "10.237.9.0/24", "--dns", "10.237.8.53", "m"]);
    start(&env, "other", &["--network", "m"]);
    assert_eq!(lookup(&env, "other", "b.example").first().map(String::as_str), Some("192.0.2.77"));
}

/// Runs in a container: asks for `stays` until the file /share/stop is there, and says how that went.
#[test]
#[ignore = "the asker of names_are_there_while_others_come_and_go"]
fn asker() {
    let server = std::fs::read_to_string("/etc/resolv.conf").unwrap();
    let server = server.lines().find_map(|line| line.strip_prefix("nameserver ")).unwrap();
    let server = SocketAddr::new(server.trim().parse::<IpAddr>().unwrap(), 53);
    let socket = UdpSocket::bind("0.0.0.0:0").unwrap();
    socket.connect(server).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(2))).unwrap();
    let (mut asked, mut failed, mut longest) = (0u32, 0u32, Duration::ZERO);
    let mut buffer = [0; 512];
    while !std::path::Path::new("/share/stop").exists() {
        let [high, low] = (asked as u16).to_be_bytes();
        let question = [&[high, low, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0][..], b"\x05stays\0\0\x01\0\x01"].concat();
        let begin = Instant::now();
        let _ = socket.send(&question);
        let good = match socket.recv(&mut buffer) {
            // One answer, no error, the same ID.
            Ok(length) => length > 28 && buffer[..2] == [high, low] && buffer[3] & 15 == 0 && buffer[7] == 1,
            Err(_) => false,
        };
        longest = longest.max(begin.elapsed());
        asked += 1;
        failed += u32::from(!good);
        if asked == 1 {
            std::fs::write("/share/begun", "").unwrap();
        }
        // So that the machine has time for the others.
        std::thread::sleep(Duration::from_millis(1));
    }
    std::fs::write("/share/result", format!("{asked} asked, {failed} failed, longest {longest:?}")).unwrap();
}

fn come_and_go(count: usize) {
    let env = Env::busybox();
    env.ok(["network", "create", "n"]);
    start(&env, "stays", &["--network", "n"]);
    let share = env.work().join("share");
    std::fs::create_dir(&share).unwrap();
    let own = format!("{}:/it:ro", std::env::current_exe().unwrap().display());
    let volume = format!("{}:/share", share.display());
    let asker = ["run", "-d", "--name", "asker", "--network", "n", "-v", &own, "-v", &volume, "busybox"];
    env.ok(asker.into_iter().chain(["/it", "--ignored", "--exact", "dns::asker"]));
    until("the first question", SOON, || share.join("begun").exists().then_some(()));
    for number in 0..count {
        let name = format!("c{number}");
        env.ok(["run", "-d", "--rm", "--name", &name, "--network", "n", "busybox", "sleep", "1000"]);
        if number % 10 == 0 {
            assert_eq!(lookup(&env, "stays", &name).len(), 1, "{name} is there at once");
        }
        env.ok(["rm", "-f", "-t", "0", &name]);
    }
    std::fs::write(share.join("stop"), "").unwrap();
    let result =
        until("the result", SOON, || std::fs::read_to_string(share.join("result")).ok().filter(|r| !r.is_empty()));
    let _ = writeln!(std::io::stderr(), "{count} containers: {result}");
    assert!(result.contains(" 0 failed"), "{result}");
}

#[test]
fn names_are_there_while_others_come_and_go() {
    come_and_go(12);
}

#[test]
#[ignore = "long"]
fn names_are_there_while_150_come_and_go() {
    come_and_go(150);
}

#[test]
fn what_may_not_be_asked_is_nowhere_at_once() {
    let env = Env::busybox();
    env.ok(["network", "create", "n"]);
    start(&env, "db", &["--network", "n"]);
    start(&env, "held", &["--network", "n", "--egress", "db"]);
    let gateway = address(&env, "held").rsplit_once('.').map(|(net, _)| format!("@{net}.1")).unwrap();
    for (name, status) in
        [("secret.example", "NXDOMAIN"), ("nobody", "NXDOMAIN"), ("nobody.dns.podman", "NXDOMAIN"), ("db", "NOERROR")]
    {
        for kind in ["A", "AAAA"] {
            let since = Instant::now();
            let answer = dig(&env, "held", &[&gateway, "+edns", name, kind]);
            // musl waits for another answer where it hears REFUSED.
            assert!(answer.contains(&format!("status: {status},")), "{name} {kind}: {answer}");
            assert!(since.elapsed() < Duration::from_secs(2), "{name} {kind}");
            assert_eq!(answer.contains("EDE: 18 (Prohibited)"), name == "secret.example", "{answer}");
        }
    }
}
