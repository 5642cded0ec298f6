//! Networks as objects: created, listed, inspected, changed, removed; the files that the reference has as well.

use std::path::PathBuf;

use serde_json::{Value, json};

use crate::support::Env;

fn file(env: &Env, name: &str) -> PathBuf {
    env.root().join("networks").join(format!("{name}.json"))
}

fn definition(env: &Env, name: &str) -> Value {
    serde_json::from_slice(&std::fs::read(file(env, name)).unwrap()).unwrap()
}

fn networks(env: &Env) -> Vec<String> {
    env.ok(["network", "ls", "-q"]).lines().map(str::to_owned).collect()
}

#[test]
fn created_listed_removed() {
    let env = Env::new();
    assert_eq!(networks(&env), ["podman"]);
    assert_eq!(env.ok(["network", "create"]), "podman1");
    assert_eq!(env.ok(["network", "create", "--label", "a=b", "--internal", "mynet"]), "mynet");
    let table = env.ok(["network", "ls"]);
    let lines: Vec<Vec<&str>> = table.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(lines[0], ["NETWORK", "ID", "NAME", "DRIVER"]);
    assert_eq!(lines[2], ["2f259bab93aa", "podman", "bridge"]);
    assert_eq!(env.ok(["network", "ls", "--filter", "label=a", "--format", "{{.Name}} {{.Internal}}"]), "mynet true");
    assert_eq!(env.ok(["network", "ls", "--noheading", "-f", "name=^pod"]).lines().count(), 2);
    let made = definition(&env, "mynet");
    assert_eq!(
        (&made["driver"], &made["dns_enabled"], &made["labels"]),
        (&json!("bridge"), &json!(true), &json!({"a": "b"}))
    );
    assert_eq!(made["ipam_options"], json!({"driver": "host-local"}));
    // By the beginning of its ID.
    let short = &made["id"].as_str().unwrap()[..7];
    assert_eq!(env.ok(["network", "inspect", "-f", "{{.Name}}", short]), "mynet");
    env.ok(["network", "exists", "mynet"]);
    assert_eq!(env.ok(["network", "rm", short]), short);
    let gone = env.coracle(["network", "exists", "mynet"]).run().expect(1);
    assert_eq!((gone.stdout.as_str(), gone.stderr.as_str()), ("", ""));
    assert!(env.fails(1, ["network", "rm", "mynet"]).contains("unable to find network with name or ID mynet"));
    assert_eq!(env.ok(["network", "rm", "-f", "mynet"]), "");
    assert!(env.fails(125, ["network", "rm", "podman"]).contains("default network podman cannot be removed"));
}

#[test]
fn inspect_has_the_keys_of_the_reference() {
    let env = Env::new();
    env.ok(["network", "create", "--label", "a=b", "--subnet", "10.213.0.0/24", "mynet"]);
    let sample: Value = serde_json::from_str(include_str!("../data/samples/network-inspect.json")).unwrap();
    let got: Value = serde_json::from_str(&env.ok(["network", "inspect", "mynet"])).unwrap();
    let keys = |value: &Value| value[0].as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(keys(&got), keys(&sample));
    assert_eq!(got[0]["subnets"], json!([{"subnet": "10.213.0.0/24", "gateway": "10.213.0.1"}]));
    assert_eq!(got[0]["containers"], json!({}));
    // The file says the same, but for who is connected.
    let mut shown = got[0].clone();
    shown.as_object_mut().unwrap().remove("containers");
    assert_eq!(shown, definition(&env, "mynet"));
    let listed: Value = serde_json::from_str(&env.ok(["network", "ls", "--format", "json"])).unwrap();
    assert_eq!(listed[0], shown);
    let output = env.coracle(["network", "inspect", "nosuch"]).run().expect(125);
    assert_eq!(output.stdout, "[]\n");
    assert!(output.stderr.contains("network nosuch: unable to find network with name or ID nosuch: network not found"));
    assert_eq!(env.ok(["inspect", "--format", "{{.DNSEnabled}}", "mynet"]), "true");
}

#[test]
fn addresses_as_asked_for() {
    let env = Env::new();
    let create = |args: &[&str]| {
        let mut all = vec!["network", "create"];
        all.extend(args);
        env.ok(all);
        definition(&env, args.last().unwrap())
    };
    let one = create(&["--subnet", "10.214.0.9/24", "--gateway", "10.214.0.9", "--ip-range", "10.214.0.128/25", "one"]);
    assert_eq!(
        one["subnets"],
        json!([{
            "subnet": "10.214.0.0/24", "gateway": "10.214.0.9",
            "lease_range": {"start_ip": "10.214.0.129", "end_ip": "10.214.0.255"},
        }])
    );
    let dual = create(&["--ipv6", "--subnet", "fd14::/64", "--route", "10.9.0.0/24,10.89.0.5,7", "dual"]);
    assert_eq!(dual["subnets"][0], json!({"subnet": "fd14::/64", "gateway": "fd14::1"}));
    assert_eq!(dual["subnets"].as_array().unwrap().len(), 2);
    assert_eq!(dual["ipv6_enabled"], true);
    assert_eq!(dual["routes"], json!([{"destination": "10.9.0.0/24", "gateway": "10.89.0.5", "metric": 7}]));
    let closed = create(&["--internal", "--disable-dns", "closed"]);
    assert_eq!((&closed["subnets"][0]["gateway"], &closed["dns_enabled"]), (&Value::Null, &json!(false)));
    let options = create(&["-o", "isolate=1", "-o", "com.docker.network.driver.mtu=1400", "-o", "metric=5", "options"]);
    assert_eq!(options["options"], json!({"isolate": "true", "metric": "5", "mtu": "1400"}));
    for (args, message) in [
        (&["--subnet", "10.214.0.0/25"][..], "subnet 10.214.0.0/25 is already used on the host or by another config"),
        (&["--subnet", "10.215.0.0/33"], "invalid CIDR address: 10.215.0.0/33"),
        (&["--gateway", "10.1.1.1"], "cannot set gateway or range without subnet"),
        (&["--subnet", "10.215.0.0/24", "--gateway", "10.1.1.1"], "gateway 10.1.1.1 not in subnet 10.215.0.0/24"),
        (&["-d", "macvlan", "-o", "parent=eth0"], "driver macvlan: it needs an interface of the host"),
        (&["-d", "ipvlan"], "driver ipvlan"),
        (&["-o", "vlan=5"], "the option vlan is not supported"),
        (&["--ipam-driver", "dhcp"], "ipam driver dhcp is not supported"),
        (&["--dns", "foo"], "unable to parse ip foo specified in NetworkDNSServers: invalid argument"),
        (&["--interface-name", "podman0"], "bridge name podman0 already in use"),
        (&["host"], "cannot create network with name \"host\" because it conflicts with a valid network mode"),
        (&["one"], "network name one already used: network already exists"),
        (&["../one"], "names must match"),
    ] {
        let mut all = vec!["network", "create"];
        all.extend(args);
        let said = env.fails(125, all);
        assert!(said.contains(message), "{args:?}: {said}");
    }
    assert_eq!(env.ok(["network", "create", "--ignore", "one"]), "one");
    assert_eq!(networks(&env), ["closed", "dual", "one", "options", "podman"]);
}

#[test]
fn resolvers_are_changed() {
    let env = Env::new();
    env.ok(["network", "create", "--dns", "192.0.2.1,192.0.2.2", "n"]);
    assert_eq!(env.ok(["network", "update", "n", "--dns-drop", "192.0.2.1", "--dns-add", "2001:db8::1"]), "n");
    assert_eq!(definition(&env, "n")["network_dns_servers"], json!(["192.0.2.2", "2001:db8::1"]));
    assert!(env.fails(125, ["network", "update", "n", "--dns-add", "foo"]).contains("unable to parse ip foo"));
    assert!(env.fails(125, ["network", "update", "nosuch"]).contains("network not found"));
    // The default network gets a file of its own.
    env.ok(["network", "update", "podman", "--dns-add", "192.0.2.9"]);
    assert_eq!(definition(&env, "podman")["network_dns_servers"], json!(["192.0.2.9"]));
    assert_eq!(networks(&env), ["n", "podman"]);
}

#[test]
fn in_use_and_pruned() {
    let env = Env::busybox();
    for name in ["used", "free", "old"] {
        env.ok(["network", "create", name]);
    }
    env.ok(["create", "--name", "c", "--network", "used", "busybox", "true"]);
    assert_eq!(
        env.fails(2, ["network", "rm", "used"]).lines().next(),
        Some(
            "Error: \"used\" has associated containers with it. Use -f to forcibly delete containers and pods: network is being used"
        )
    );
    assert_eq!(env.ok(["network", "ls", "-q", "--filter", "dangling=true"]), "free\nold");
    let asked = env.coracle(["network", "prune"]).stdin("n\n").run().expect(0);
    assert!(
        asked.stdout.contains("WARNING! This will remove all networks not used by at least one container."),
        "{asked}"
    );
    assert_eq!(networks(&env).len(), 4);
    env.ok(["network", "prune", "-f", "--filter", "until=1h"]);
    assert_eq!(networks(&env).len(), 4);
    assert_eq!(env.ok(["network", "prune", "-f"]), "free\nold");
    assert_eq!(env.ok(["network", "rm", "-f", "used"]), "used");
    assert_eq!(env.ok(["ps", "-aq"]), "");
    env.ok(["network", "create", "again"]);
    let pruned = env.ok(["system", "prune", "-f"]);
    assert!(pruned.contains("Deleted Networks\nagain"), "{pruned}");
}

#[test]
fn hostile_files_are_skipped_and_named() {
    let env = Env::new();
    env.ok(["network", "create", "good"]);
    std::fs::write(file(&env, "bad"), "{\"name\": ").unwrap();
    std::fs::write(file(&env, "liar"), std::fs::read(file(&env, "good")).unwrap()).unwrap();
    let evil = std::fs::read_to_string(file(&env, "good")).unwrap().replace("\"good\"", "\"evil\"");
    std::fs::write(file(&env, "evil"), evil.replace("podman1", "../../etc/x")).unwrap();
    let output = env.coracle(["network", "ls", "-q"]).run().expect(0);
    assert_eq!(output.stdout, "good\npodman\n");
    for name in ["bad.json", "liar.json", "evil.json"] {
        assert!(output.stderr.contains(name), "{output}");
    }
    assert!(env.fails(125, ["network", "inspect", "-f", "{{.Name}}", "evil"]).contains("interface name"));
}

#[test]
fn directories_and_containers_conf() {
    let env = Env::new();
    let dir = env.work().join("nets");
    env.ok(["--network-config-dir", dir.to_str().unwrap(), "network", "create", "x"]);
    assert!(dir.join("x.json").exists());
    assert_eq!(networks(&env), ["podman"]);
    let conf = env.file(
        "containers.conf",
        format!(
            "[network]\nnetwork_config_dir = {:?}\ndefault_network = \"mine\"\ndefault_subnet = \"10.216.0.0/24\"\n\
             default_subnet_pools = [{{\"base\" = \"10.217.0.0/16\", \"size\" = 28}}]\n",
            dir.to_str().unwrap()
        ),
    );
    let with = |args: &[&str]| env.coracle(args).env("CONTAINERS_CONF", &conf).run().expect(0).text();
    assert_eq!(with(&["network", "ls", "-q"]), "mine\nx");
    assert_eq!(with(&["network", "inspect", "-f", "{{range .Subnets}}{{.Gateway}}{{end}}", "mine"]), "10.216.0.1");
    with(&["network", "create", "y"]);
    assert_eq!(with(&["network", "inspect", "-f", "{{range .Subnets}}{{.Subnet}}{{end}}", "y"]), "10.217.0.0/28");
}
