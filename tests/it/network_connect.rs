//! Containers on networks: by flags, connected and disconnected while they run, and with another's network.

use serde_json::{Value, json};

use crate::support::{Env, SOON, until};

/// Starts a container that runs, on these networks.
fn start(env: &Env, name: &str, options: &[&str]) {
    let mut args = vec!["run", "-d", "--name", name];
    args.extend(options);
    args.extend([
        "busybox",
        "sh",
        "-c",
        "trap 'exit 0' TERM; httpd -p 80 -h /etc; while :; do sleep 1000 & wait $!; done",
    ]);
    env.ok(args);
}

fn exec(env: &Env, name: &str, script: &str) -> String {
    env.ok(["exec", name, "sh", "-c", script])
}

/// The container `from` finds the server of `start` under this name.
#[track_caller]
fn reaches(env: &Env, from: &str, name: &str) {
    until(&format!("an answer of {name} to {from}"), SOON, || {
        let answer =
            env.coracle(["exec", from, "timeout", "5", "wget", "-qO-", &format!("http://{name}/hostname")]).run();
        (answer.code() == 0).then_some(())
    });
}

fn address(env: &Env, name: &str, network: &str) -> String {
    env.inspect(name, "NetworkSettings.Networks")[network]["IPAddress"].as_str().unwrap().to_owned()
}

#[test]
fn what_flags_say_stands_in_the_container() {
    let env = Env::busybox();
    env.ok(["network", "create", "--subnet", "10.221.0.0/24", "a"]);
    env.ok(["network", "create", "--subnet", "10.222.0.0/24", "--subnet", "fd22::/64", "--disable-dns", "b"]);
    let on_a = "a:ip=10.221.0.77,mac=02:00:00:00:00:77,alias=db,interface_name=net7";
    start(&env, "c", &["--network", on_a, "--network", "b:ip6=fd22::77"]);
    let script = "cat /sys/class/net/net7/address; ip -o addr show dev net7; ip -o addr show dev eth0; ip route; cat /etc/resolv.conf /etc/hosts";
    let seen = exec(&env, "c", script);
    for part in [
        "02:00:00:00:00:77",
        "inet 10.221.0.77/24",
        "inet6 fd22::77/64",
        "default via 10.221.0.1 dev net7",
        "search dns.podman",
        "nameserver 10.221.0.1",
        "10.221.0.77\t",
        "fd22::77\t",
    ] {
        assert!(seen.contains(part), "{part} in\n{seen}");
    }
    let all = env.inspect("c", "NetworkSettings.Networks");
    assert_eq!(all["a"]["IPAddress"], "10.221.0.77");
    assert_eq!(all["a"]["Aliases"][0], "db");
    assert_eq!(all["b"]["GlobalIPv6Address"], "fd22::77");
    assert_eq!(env.ok(["ps", "--format", "{{.Networks}}"]), "a,b");
    assert_eq!(env.ok(["ps", "--filter", "network=b", "--format", "{{.Names}}"]), "c");
    assert_eq!(env.ok(["ps", "--filter", "network=x", "--format", "{{.Names}}"]), "");
    let inspected: Value = serde_json::from_str(&env.ok(["network", "inspect", "a"])).unwrap();
    let containers = inspected[0]["containers"].as_object().unwrap();
    let one = containers.values().next().unwrap();
    assert_eq!((containers.len(), &one["name"]), (1, &json!("c")));
    assert_eq!(
        one["interfaces"]["net7"],
        json!({
            "subnets": [{"ipnet": "10.221.0.77/24", "gateway": "10.221.0.1"}],
            "mac_address": "02:00:00:00:00:77",
        })
    );
    // A restart keeps it all.
    env.ok(["restart", "-t", "0", "c"]);
    assert_eq!(address(&env, "c", "a"), "10.221.0.77");
    env.ok(["stop", "-t", "0", "c"]);
    assert_eq!(address(&env, "c", "a"), "");
    let inspected: Value = serde_json::from_str(&env.ok(["network", "inspect", "a"])).unwrap();
    assert_eq!(inspected[0]["containers"], json!({}));
}

#[test]
fn connected_and_disconnected_while_it_runs() {
    let env = Env::busybox();
    for (name, subnet) in [("a", "10.223.0.0/24"), ("b", "10.224.0.0/24")] {
        env.ok(["network", "create", "--subnet", subnet, name]);
    }
    start(&env, "c", &["--network", "a"]);
    start(&env, "d", &["--network", "b"]);
    exec(&env, "c", "echo 192.0.2.1 mine >> /etc/hosts");
    env.ok(["network", "connect", "--ip", "10.224.0.50", "--alias", "other", "b", "c"]);
    let seen = exec(&env, "c", "ip -o addr show dev eth1; cat /etc/hosts /etc/resolv.conf");
    for part in
        ["inet 10.224.0.50/24", "10.224.0.50\t", "192.0.2.1 mine", "nameserver 10.223.0.1", "nameserver 10.224.0.1"]
    {
        assert!(seen.contains(part), "{part} in\n{seen}");
    }
    // Names of both networks.
    reaches(&env, "c", "d");
    reaches(&env, "d", "other");
    assert_eq!(env.ok(["ps", "--filter", "name=c", "--format", "{{.Networks}}"]), "a,b");
    // Again is no error, but something else is.
    env.ok(["network", "connect", "b", "c"]);
    assert!(env.fails(125, ["network", "connect", "--ip", "10.224.0.51", "b", "c"]).contains("is already connected"));
    // Nothing changes when it cannot be.
    let said = env.fails(125, ["network", "connect", "--ip", "10.224.0.50", "b", "d"]);
    assert!(said.contains("already connected"), "{said}");
    env.ok(["network", "disconnect", "a", "c"]);
    let seen = exec(&env, "c", "ls /sys/class/net; cat /etc/hosts /etc/resolv.conf");
    assert!(!seen.contains("eth0") && !seen.contains("10.223.0."), "{seen}");
    assert!(env.fails(125, ["network", "disconnect", "a", "c"]).contains("container c is not connected to network a"));
    // Renamed, it is found under its new name.
    env.ok(["rename", "c", "e"]);
    reaches(&env, "d", "e");
    env.ok(["network", "disconnect", "b", "e"]);
    assert!(env.inspect("e", "NetworkSettings.Networks")["bridge"].is_object());
    env.ok(["network", "connect", "a", "e"]);
    assert!(exec(&env, "e", "ip -o addr").contains("10.223.0."));
    assert_eq!(env.ok(["network", "reload", "-a"]).lines().count(), 2);
    // The same for one that does not run.
    env.ok(["stop", "-t", "0", "e"]);
    env.ok(["network", "connect", "b", "e"]);
    env.ok(["network", "disconnect", "a", "e"]);
    env.ok(["start", "e"]);
    assert!(address(&env, "e", "b").starts_with("10.224.0."));
    assert!(env.fails(125, ["network", "reload", "nosuch"]).contains("no container with name or ID"));
}

#[test]
fn only_bridges_are_connected() {
    let env = Env::busybox();
    env.ok(["network", "create", "a"]);
    env.ok(["create", "--name", "n", "--network", "none", "busybox", "true"]);
    let said = env.fails(125, ["network", "connect", "a", "n"]);
    assert!(said.contains("\"none\" is not supported: invalid network mode"), "{said}");
    assert!(env.fails(125, ["network", "connect", "a", "nosuch"]).contains("no container with name or ID"));
    assert!(env.fails(125, ["network", "connect", "nosuch", "n"]).contains("network not found"));
    assert!(env.fails(125, ["network", "connect", "--ip", "foo", "a", "n"]).contains("--ip"));
    assert!(env.fails(125, ["network", "connect", "--mac-address", "zz", "a", "n"]).contains("invalid MAC address"));
    assert!(env.fails(125, ["network", "reload", "n"]).contains("cannot reload network"));
}

#[test]
fn flags_that_contradict() {
    let env = Env::busybox();
    env.ok(["network", "create", "--subnet", "10.225.0.0/24", "a"]);
    env.ok(["create", "--name", "donor", "--network", "a", "busybox", "true"]);
    for (flags, message) in [
        (&["--network", "none", "--ip", "10.88.0.5"][..], "--ip can only be set when the network mode is bridge"),
        (&["--network", "host", "--mac-address", "02:00:00:00:00:01"], "--mac-address can only be set when"),
        (&["--network", "slirp4netns", "--network-alias", "x"], "--network-alias can only be set when"),
        (&["--network", "a", "--network", "podman", "--ip", "10.88.0.5"], "--ip can only be set for a single network"),
        (&["--network", "a", "--network", "host"], "selected mode host conflicts with bridge"),
        (&["--network", "host", "--network", "a"], "cannot set multiple networks without bridge network mode"),
        (&["--network", "a:ip=1.2.3.4"], "requested static ip 1.2.3.4 not in any subnet on network a"),
        (&["--network", "a:ip=10.225.0.1"], "is the gateway"),
        (&["--network", "a:foo=1"], "unknown bridge network option: foo"),
        (&["--network", "a:interface_name=a/b"], "interface name"),
        (&["--network", "nosuch"], "unable to find network with name or ID nosuch: network not found"),
        (&["--network", "container:nosuch"], "no container with name or ID \"nosuch\" found"),
        (&["--network", "container:"], "namespace mode container requires a value"),
        (
            &["--network", "container:donor", "--dns", "1.1.1.1"],
            "conflicting options: dns and the network mode: container",
        ),
        (&["--network", "container:donor", "--add-host", "a:1.2.3.4"], "cannot set extra host entries"),
        (&["--network", "container:donor", "--ip", "1.2.3.4"], "--ip can only be set when"),
        (&["--network", "none", "--dns-search", "x"], "conflicting options: dns and the network mode: none"),
        (&["--network", "ns:/nosuch"], "cannot find specified network namespace path: faccessat /nosuch"),
        (&["--network", "ns:"], "namespace mode path requires a value"),
        (&["--ip", "fd00::1", "--network", "a"], "fd00::1 is not an IPv4 address"),
    ] {
        let mut args = vec!["create"];
        args.extend(flags);
        args.extend(["busybox", "true"]);
        let said = env.fails(125, args);
        assert!(said.contains(message), "{flags:?}: {said}");
    }
    let output =
        env.coracle(["create", "--network", "container:donor", "-p", "80:80", "busybox", "true"]).run().expect(0);
    assert!(output.stderr.contains("Port mappings have been discarded as one of the Host, Container"), "{output}");
}

#[test]
fn the_network_of_another_container() {
    let env = Env::busybox();
    env.ok(["network", "create", "--subnet", "10.226.0.0/24", "a"]);
    start(&env, "donor", &["--network", "a:ip=10.226.0.9", "--add-host", "extra:192.0.2.7", "-p", "127.0.0.1::80"]);
    let run = |script: &str| env.ok(["run", "--rm", "--network", "container:donor", "busybox", "sh", "-c", script]);
    let seen = run("ip -o addr show dev eth0; cat /etc/hosts /etc/resolv.conf");
    for part in ["inet 10.226.0.9/24", "192.0.2.7\textra", "10.226.0.9\t", "nameserver 10.226.0.1"] {
        assert!(seen.contains(part), "{part} in\n{seen}");
    }
    // They share loopback.
    env.ok([
        "exec",
        "-d",
        "donor",
        "sh",
        "-c",
        "mkdir /srv; echo hello > /srv/index.html; exec httpd -f -p 127.0.0.1:8080 -h /srv",
    ]);
    until("an answer of the other container", SOON, || {
        let args = ["run", "--rm", "--network", "container:donor", "busybox", "wget", "-qO-", "http://127.0.0.1:8080"];
        (env.coracle(args).run().stdout == "hello\n").then_some(())
    });
    start(&env, "guest", &["--network", "container:donor"]);
    let id = env.inspect("donor", "Id");
    assert_eq!(env.inspect("guest", "HostConfig.NetworkMode"), format!("container:{}", id.as_str().unwrap()));
    assert_eq!(address(&env, "guest", "a"), "10.226.0.9");
    assert_eq!(exec(&env, "guest", "ip -o addr show dev eth0 | grep -c 10.226.0.9"), "1");
    let ports = |name: &str| env.ok(["ps", "--filter", &format!("name={name}"), "--format", "{{.Ports}}"]);
    assert!(ports("donor").contains("->80/tcp") && ports("guest") == ports("donor"), "{}", ports("guest"));
    // Who is needed starts first and goes last.
    assert!(env.fails(125, ["rm", "-f", "donor"]).contains("has dependent containers"));
    env.ok(["stop", "-t", "0", "guest", "donor"]);
    env.ok(["start", "guest"]);
    assert_eq!(env.inspect("donor", "State.Status"), "running");
    // The host's network through another container.
    start(&env, "hosted", &["--network", "host"]);
    let own = std::fs::read_link("/proc/self/ns/net").unwrap();
    let args = ["run", "--rm", "--network", "container:hosted", "busybox", "readlink", "/proc/self/ns/net"];
    env.coracle(args).run().expect(0).says(&own.display().to_string());
}

#[test]
fn a_namespace_by_its_path() {
    let env = Env::busybox();
    start(&env, "donor", &["--network", "none"]);
    let pid = env.inspect("donor", "State.Pid");
    let path = format!("ns:/proc/{pid}/ns/net");
    let of_donor = exec(&env, "donor", "readlink /proc/self/ns/net");
    let args = ["run", "--rm", "--network", &path, "busybox", "readlink", "/proc/self/ns/net"];
    assert_eq!(env.ok(args), of_donor);
    let args = ["run", "--rm", "--network", "ns:/etc/passwd", "busybox", "true"];
    assert!(env.coracle(args).run().code() != 0);
}

#[test]
fn clones_are_on_the_same_networks() {
    let env = Env::busybox();
    env.ok(["network", "create", "--subnet", "10.227.0.0/24", "a"]);
    start(&env, "c", &["--network", "a:ip=10.227.0.9,alias=db"]);
    env.ok(["container", "clone", "--run", "c", "d"]);
    let address = address(&env, "d", "a");
    assert!(address.starts_with("10.227.0.") && address != "10.227.0.9", "{address}");
    assert_eq!(env.inspect("d", "NetworkSettings.Networks")["a"]["Aliases"][0], "db");
}

#[test]
fn hosts_and_resolvers_by_flags() {
    let env = Env::busybox();
    env.ok(["network", "create", "--subnet", "10.228.0.0/24", "a"]);
    let files = |flags: &[&str]| {
        let mut args = vec!["run", "--rm"];
        args.extend(flags);
        args.extend(["busybox", "cat", "/etc/resolv.conf", "/etc/hosts"]);
        env.ok(args)
    };
    // With names, the gateway stays: it asks these servers itself.
    let named = files(&["--network", "a", "--dns", "192.0.2.1"]);
    assert!(named.contains("nameserver 10.228.0.1\n") && !named.contains("192.0.2.1"), "{named}");
    let default = files(&["--dns", "192.0.2.1", "--dns-search", "x.example", "--dns-option", "ndots:3"]);
    assert!(default.starts_with("search x.example\nnameserver 192.0.2.1\noptions ndots:3\n"), "{default}");
    let plain = files(&["--name", "web", "-h", "host7"]);
    assert!(plain.contains("nameserver 10.88.0.1\n"), "{plain}");
    let own = plain.lines().find(|line| line.ends_with("host7 web")).unwrap();
    assert!(own.starts_with("10.88.0."), "{plain}");
    let bare = env.ok(["run", "--rm", "--no-hosts", "busybox", "sh", "-c", "cat /etc/hosts 2>&1 || true"]);
    assert!(!bare.contains("10.88.0."), "{bare}");
}

#[test]
fn containers_conf_says_what_flags_do_not() {
    let env = Env::busybox();
    let conf = env.file(
        "containers.conf",
        "[containers]\ndns_servers = ['192.0.2.1']\ndns_searches = ['x.example']\ndns_options = ['ndots:3']\n\
         base_hosts_file = 'none'\nhost_containers_internal_ip = '192.0.2.9'\n\
         [engine]\nnetwork_cmd_options = ['cidr=10.41.0.0/24']\n",
    );
    let with = |args: &[&str]| env.coracle(args).env("CONTAINERS_CONF", &conf).run().expect(0).text();
    let show = ["busybox", "sh", "-c", "cat /etc/resolv.conf /etc/hosts; ip -o addr"];
    let run = |flags: &[&str]| with(&[&["run", "--rm"], flags, &show].concat());
    let usual = run(&[]);
    assert!(usual.starts_with("search x.example\nnameserver 192.0.2.1\noptions ndots:3\n"), "{usual}");
    assert!(usual.contains("192.0.2.9\thost.containers.internal"), "{usual}");
    let said = run(&["--dns", "192.0.2.2", "--dns-search", "y.example", "--add-host", "db:host-gateway"]);
    assert!(said.starts_with("search y.example\nnameserver 192.0.2.2\noptions ndots:3\n"), "{said}");
    assert!(said.contains("192.0.2.9\tdb"), "{said}");
    let slirp = run(&["--network", "slirp4netns"]);
    assert!(slirp.contains("inet 10.41.0.100/24"), "{slirp}");
    // The uplink of all others has them as well.
    let inner = with(&["unshare", "--rootless-netns", "ip", "-o", "addr", "show", "tap0"]);
    assert!(inner.contains("inet 10.41.0.100/24"), "{inner}");
    // Where there are no names, nothing is said of them, and that is no conflict.
    run(&["--network", "none"]);

    let none = env.file("none.conf", "[containers]\nno_hosts = true\nhost_containers_internal_ip = 'none'\n");
    let with = |args: &[&str]| env.coracle(args).env("CONTAINERS_CONF", &none).run().expect(0).text();
    let lines = |flag: &str| with(&["run", "--rm", flag, "busybox", "sh", "-c", "cat /etc/hosts 2>/dev/null | wc -l"]);
    assert_eq!(lines("--rm"), "0");
    assert_ne!(lines("--no-hosts=false"), "0");
    let hosts = with(&["run", "--rm", "--no-hosts=false", "busybox", "cat", "/etc/hosts"]);
    assert!(!hosts.contains("host.containers.internal"), "{hosts}");

    let bad = env.file("bad.conf", "[containers]\ndns_servers = ['x']\n");
    let failed = env.coracle(["run", "--rm", "busybox", "true"]).env("CONTAINERS_CONF", &bad).run().expect(125);
    assert!(failed.stderr.contains("bad.conf`: x is not an ip address"), "{}", failed.stderr);
}
