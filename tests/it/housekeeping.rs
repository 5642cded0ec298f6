//! `mount`, `container clone`, `exists`, `cleanup`, `prune` and `system prune`, and that pruning takes nothing that is in
//! use.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::{Env, fixtures};

/// A shell within `coracle unshare`; `$C` is coracle with the test's roots.
fn unshared(env: &Env, script: &str) -> crate::support::command::Output {
    let coracle = format!(
        "{} --root {} --runroot {}",
        crate::support::env::CORACLE,
        env.root().display(),
        env.runroot().display()
    );
    env.coracle(["unshare", "sh", "-c", script]).env("C", coracle).run()
}

#[test]
fn a_mounted_container_that_is_started_can_still_be_changed() {
    let env = Env::busybox();
    env.ok(["create", "--name", "c", "--network", "none", "busybox", "true"]);
    if env.inspect("c", "Driver") != "overlay" {
        crate::support::skip("a_mounted_container_that_is_started_can_still_be_changed", "no overlay");
        return;
    }
    // An overlay empties its work directory when it is mounted, and without one it cannot copy up.
    let script = "m=$($C mount c) && $C start -a c && echo x >>$m/etc/passwd && rm $m/bin/busybox && echo done";
    assert_eq!(unshared(&env, script).expect(0).text(), "done");
    env.ok(["rm", "c"]);
    env.assert_nothing_left();
}

#[test]
fn mounted_containers() {
    let env = Env::busybox();
    assert!(env.fails(125, ["mount"]).contains("must execute `coracle unshare` first"));
    env.start("run", &[]);
    env.ok(["create", "--name", "rest", "busybox", "cat", "/made"]);
    let script = "set -e
        M=$($C mount run); echo host >$M/fromhost; $C exec run cat /fromhost
        $C exec run sh -c 'echo inside >/back'; cat $M/back
        N=$($C mount rest); echo made >$N/made; echo again >$N/x; $C cp rest:/x /dev/stdout >/dev/null 2>&1 || true
        $C mount --format json >list.json; $C mount --no-trunc | wc -l
        $C umount run; $C umount run; $C unmount -a >all; $C mount
        $C start -a rest; $C diff rest";
    assert_eq!(unshared(&env, script).expect(0).text(), "host\ninside\n2\nrun\nrun\nmade\nC /etc\nA /made\nA /x");
    let list: Value = serde_json::from_str(&std::fs::read_to_string(env.work().join("list.json")).unwrap()).unwrap();
    assert_eq!(list.as_array().unwrap().len(), 2);
    assert!(list[0]["mountpoint"].as_str().unwrap().ends_with("/merged") && list[0]["Names"][0].is_string(), "{list}");
    // One that is mounted can be removed.
    unshared(&env, "$C mount rest >/dev/null && cd / && $C rm rest").expect(0).says("rest");
    for (script, part) in [
        ("$C mount nosuch", "no container with name or ID \"nosuch\" found"),
        ("$C umount", "you must provide at least one name or id"),
        ("$C mount -a run", "no arguments are needed with --all"),
        ("$C mount --format x", "unknown --format argument: \"x\""),
    ] {
        let output = unshared(&env, script).expect(125);
        assert!(output.stderr.contains(part), "{output}");
    }
}

#[test]
fn clones() {
    let env = Env::busybox();
    env.add(&fixtures::on_busybox("localhost/other", vec![]).config(serde_json::json!({"Cmd": ["never"]})));
    let options = ["-e", "FOO=bar", "--label", "l=1", "--tmpfs", "/tt", "--read-only"];
    let mut args = vec!["run", "--network", "none", "--name", "c"];
    args.extend(options);
    args.extend(["busybox", "sh", "-c", "echo $FOO; hostname; touch /tt/x; grep -c $(hostname) /etc/hosts"]);
    env.ok(args);
    let id = env.ok(["container", "clone", "c"]);
    assert_eq!(env.names(), ["c", "c-clone"]);
    let output = env.ok(["start", "-a", "c-clone"]);
    let lines: Vec<&str> = output.lines().collect();
    assert_eq!((lines[0], lines[1], lines.len()), ("bar", &id[..12], 3), "{output}");
    assert_eq!(env.inspect("c-clone", "Config.Labels.l"), "1");
    env.ok(["container", "clone", "c", "second", "other"]);
    assert_eq!(env.inspect("second", "ImageName"), "localhost/other:latest");
    assert!(env.ok(["start", "-a", "second"]).starts_with("bar\n"));
    // A volume without a name is shared, and stays as long as one of the two needs it.
    env.add(&fixtures::on_busybox("localhost/vol", vec![]).config(serde_json::json!({"Volumes": {"/v": {}}})));
    env.ok(["run", "--network", "none", "--name", "v", "vol", "touch", "/v/x"]);
    env.ok(["container", "clone", "v", "v2"]);
    env.ok(["start", "-a", "v2"]);
    env.ok(["rm", "-v", "v"]);
    env.ok(["start", "-a", "v2"]);
    env.start("live", &[]);
    assert!(env.fails(125, ["container", "clone", "--destroy", "live", "x"]).contains("it is running"));
    env.ok(["container", "clone", "--destroy", "-f", "--run", "live", "x"]);
    env.wait_status("x", "running");
    assert!(!env.names().contains(&"live".to_owned()));
    for (args, part) in [
        (&["container", "clone", "-f", "c"][..], "cannot set --force without --destroy"),
        (&["container", "clone", "c", "v2"], "already in use"),
        (&["container", "clone", "--cpus", "1", "c"], "not supported"),
        (&["container", "clone", "nosuch"], "no container with name or ID"),
    ] {
        let said = env.fails(125, args);
        assert!(said.contains(part), "{args:?}: {said}");
    }
}

#[test]
fn a_clone_has_the_secrets_and_a_mapping_of_its_own() {
    let env = Env::busybox();
    env.coracle(["secret", "create", "word", "-"]).stdin("open sesame").run().expect(0);
    let look = "cat /run/secrets/word; echo .$WORD; stat -c %u /etc/passwd /run/secrets/word";
    let secrets = ["--secret", "word,uid=7", "--secret", "word,type=env,target=WORD"];
    let create = |name: &str, more: &[&str]| {
        let own = ["create", "--network", "none", "--name", name];
        env.ok([&own, &secrets[..], more, &["busybox", "sh", "-c", look]].concat());
    };
    let said = "open sesame.open sesame\n0\n7";
    create("c", &[]);
    env.ok(["container", "clone", "c", "c2"]);
    env.ok(["rm", "c"]);
    assert_eq!(env.ok(["start", "-a", "c2"]).trim(), said);
    create("auto", &["--userns=auto"]);
    env.ok(["container", "clone", "auto", "auto2"]);
    env.ok(["container", "clone", "--run", "auto2", "auto3"]);
    let map = |name: &str| env.inspect(name, "HostConfig.IDMappings.UidMap").to_string();
    assert!(map("auto") != map("auto2") && map("auto2") != map("auto3"), "{}", map("auto"));
    env.wait_status("auto3", "exited");
    assert_eq!(env.ok(["logs", "auto3"]).trim(), said);
    for name in ["auto", "auto2", "auto3"] {
        assert_eq!(env.ok(["start", "-a", name]).trim(), said, "{name}");
    }
    // What it took is given back.
    env.ok(["rm", "auto", "auto2", "auto3"]);
    env.ok(["create", "--userns=auto:size=65000", "busybox"]);
}

#[test]
fn existence_and_cleanup() {
    let env = Env::busybox();
    env.ok(["run", "--network", "none", "--name", "c", "busybox", "true"]);
    env.coracle(["container", "exists", "c"]).run().expect(0).says("");
    env.coracle(["container", "exists", "--external", "nosuch"]).run().expect(1).says("");
    assert_eq!(env.ok(["container", "cleanup", "c"]), "c");
    env.ok(["container", "cleanup", "nosuch"]);
    env.ok(["container", "cleanup", "--rm", "c"]);
    env.coracle(["container", "exists", "c"]).run().expect(1);
}

#[test]
fn pruning_by_hand() {
    let env = Env::busybox();
    env.start("live", &[]);
    env.ok(["create", "--name", "created", "--label", "a=b", "busybox"]);
    env.ok(["run", "--network", "none", "--name", "ended", "busybox", "true"]);
    let output = env.coracle(["container", "prune"]).stdin("n\n").run().expect(0);
    assert!(output.stdout.starts_with("WARNING! This will remove all non running containers."), "{output}");
    assert!(env.fails(125, ["container", "prune", "-f", "--filter", "foo=bar"]).contains("foo is an invalid filter"));
    assert_eq!(env.ok(["container", "prune", "-f", "--filter", "until=1h"]), "");
    env.ok(["container", "prune", "-f", "--filter", "label!=a=b"]);
    assert_eq!(env.names(), ["created", "live"]);
    env.ok(["commit", "-q", "live"]);
    env.ok(["tag", "busybox", "kept"]);
    env.add(&fixtures::on_busybox("localhost/unused", vec![]).config(serde_json::json!({"Cmd": ["x"]})));
    let said = env.ok(["system", "prune", "-f"]);
    assert!(said.starts_with("Deleted Containers\n") && said.contains("\nDeleted Images\n"), "{said}");
    assert!(said.lines().last().unwrap().starts_with("Total reclaimed space: "), "{said}");
    assert_eq!(env.names(), ["live"]);
    env.ok(["image", "exists", "unused"]);
    let said = env.ok(["system", "prune", "-a", "-f"]);
    assert!(said.contains("Deleted Images\n") && !said.contains("Total reclaimed space: 0B"), "{said}");
    env.coracle(["image", "exists", "unused"]).run().expect(1);
    env.ok(["image", "exists", "busybox"]);
    for name in ["used", "unused"] {
        env.ok(["volume", "create", "--label", "x=y", name]);
    }
    env.ok(["create", "--name", "holder", "-v", "used:/v", "busybox", "sleep", "100"]);
    env.ok(["start", "holder"]);
    assert!(!env.ok(["system", "prune", "-f"]).contains("Deleted Volumes"));
    let said = env.ok(["system", "prune", "-f", "--volumes", "--filter", "label=other"]);
    assert_eq!(said, "Total reclaimed space: 0B");
    let said = env.ok(["system", "prune", "-f", "--volumes"]);
    assert!(said.starts_with("Deleted Volumes\nunused\nTotal"), "{said}");
    let df = env.ok(["system", "df", "-v"]);
    assert!(df.contains("\nused ") && !df.contains("\nunused "), "{df}");
    let output = env.coracle(["system", "prune", "-a", "--volumes"]).stdin("n\n").run().expect(0);
    for line in [
        "all stopped containers",
        "all volumes not used by",
        "all images without at least one container",
        "all build cache",
    ] {
        assert!(output.stdout.contains(line), "{output}");
    }
    assert!(env.fails(125, ["system", "prune", "--external", "-a"]).contains("cannot be combined with other options"));
    assert!(env.fails(125, ["system", "prune", "-f", "--filter", "foo=x"]).contains("foo is an invalid filter"));
}

/// Nobody knows what a container stands on whose record cannot be read: then no image goes.
#[test]
fn a_damaged_record_keeps_images() {
    let env = Env::busybox();
    let id = env.ok(["create", "--name", "c", "busybox"]);
    let record = env.root().join("containers").join(&id).join("record.json");
    std::fs::write(&record, "{ broken").unwrap();
    for args in [&["image", "prune", "-a", "-f"][..], &["system", "prune", "-a", "-f"], &["rmi", "busybox"]] {
        let said = env.fails(125, args);
        assert!(said.contains("finding out which images are in use") && said.contains("rm --force"), "{said}");
    }
    env.ok(["image", "exists", "busybox"]);
    env.ok(["rm", "--force", &id]);
    env.ok(["image", "prune", "-a", "-f"]);
    env.coracle(["image", "exists", "busybox"]).run().expect(1);
}

/// Pruned in a loop beside everything that brings images and containers: nothing that is in use goes.
#[test]
fn a_prune_takes_nothing_that_is_in_use() {
    let env = Env::busybox();
    env.start("keeper", &[]);
    let layer = crate::support::image::Layer::new().file("extra", 0o644, vec![b'x'; 300_000]);
    let archive = env.work().join("extra.tar");
    fixtures::on_busybox("localhost/extra", vec![layer.gzip()]).oci_archive(&archive);
    let stop = AtomicBool::new(false);
    let rounds = std::thread::scope(|scope| {
        let pruner = scope.spawn(|| {
            let mut rounds = 0;
            while !stop.load(Ordering::Relaxed) {
                // -a takes `extra` between its load and its run, which is its right: the run says so then.
                let flags = if rounds % 2 == 0 { &["system", "prune", "-f"][..] } else { &["image", "prune", "-f"] };
                env.ok(flags);
                rounds += 1;
            }
            rounds
        });
        let committer = scope.spawn(|| {
            for round in 0..8 {
                let id = env.ok(["commit", "-q", "keeper", &format!("localhost/made{round}")]);
                env.ok(["run", "--rm", "--network", "none", &id, "true"]);
            }
        });
        let deadline = Instant::now() + Duration::from_secs(12);
        let mut round = 0;
        while Instant::now() < deadline && round < 12 {
            env.load(&archive);
            let out = env.ok(["run", "--rm", "--network", "none", "extra", "sh", "-c", "wc -c </extra"]);
            assert_eq!(out.trim(), "300000");
            env.ok(["run", "--network", "none", "-d", "--name", &format!("r{round}"), "extra", "sleep", "1000"]);
            assert_eq!(env.ok(["exec", &format!("r{round}"), "sh", "-c", "wc -c </extra"]).trim(), "300000");
            env.ok(["rm", "-f", "-t", "0", &format!("r{round}")]);
            env.ok(["rmi", "extra"]);
            round += 1;
        }
        committer.join().unwrap();
        stop.store(true, Ordering::Relaxed);
        pruner.join().unwrap()
    });
    assert!(rounds > 3, "only {rounds} prunes in all that time");
    assert_eq!(env.status("keeper"), "running");
    env.ok(["system", "check"]);
}
