//! `exec`: a second command in a running container.

use crate::support::Env;
use crate::support::pty::Pty;

#[test]
fn exit_codes() {
    let env = Env::busybox();
    env.start("c", &[]);
    for code in [0, 1, 42, 255] {
        env.coracle(["exec", "c", "sh", "-c", &format!("exit {code}")]).run().expect(code);
    }
    env.coracle(["exec", "c", "sh", "-c", "kill -9 $$"]).run().expect(137);
    assert!(env.fails(127, ["exec", "c", "nosuchcmd"]).contains("nosuchcmd"));
    env.fails(126, ["exec", "c", "/etc"]);
    env.fails(126, ["exec", "c", "/etc/passwd"]);
    assert!(env.fails(125, ["exec", "nosuch", "true"]).contains("nosuch"));
    env.fails(125, ["exec", "c"]);
    env.ok(["stop", "-t", "0", "c"]);
    let stopped = env.coracle(["exec", "c", "true"]).run();
    assert!([125, 255].contains(&stopped.code()), "{stopped}");
}

#[test]
fn it_is_in_the_containers_namespaces() {
    let env = Env::busybox();
    env.start("c", &["--hostname", "boat", "--tmpfs", "/t"]);
    let links = "for n in cgroup ipc mnt net pid user uts; do readlink /proc/self/ns/$n; done; hostname";
    let inside = env.ok(["exec", "c", "sh", "-c", links]);
    assert!(inside.ends_with("boat"), "{inside}");
    let first = env.ok(["exec", "c", "sh", "-c", &links.replace("self", "1")]);
    assert_eq!(inside, first);
    env.ok(["exec", "c", "touch", "/t/made"]);
    assert_eq!(env.ok(["exec", "c", "ls", "/t"]), "made");
}

#[test]
fn privileges_are_the_containers_own() {
    let env = Env::busybox();
    env.start("c", &["--cap-drop", "CHOWN", "--user", "0"]);
    env.start("n", &["--security-opt", "no-new-privileges"]);
    let fields = |args: &[&str], process: &str| {
        let script = format!("grep -E '^(Cap|Seccomp:|NoNewPrivs)' /proc/{process}/status");
        env.coracle(["exec"]).args(args).args(["sh", "-c", &script]).run().expect(0).text()
    };
    for name in ["c", "n"] {
        assert_eq!(fields(&[name], "self"), fields(&[name], "1"));
    }
    let whole = fields(&["--privileged", "c"], "self");
    let effective = whole.lines().find_map(|l| l.strip_prefix("CapEff:")).unwrap().trim();
    assert!(u64::from_str_radix(effective, 16).unwrap().count_ones() > 35, "{whole}");
    // Another user has no capabilities.
    let user = fields(&["--user", "app", "c"], "self");
    assert!(user.lines().any(|line| line.split_ascii_whitespace().eq(["CapEff:", "0000000000000000"])), "{user}");
}

/// The monitor's slot of a client that has gone is another's soon.
#[test]
fn a_client_that_was_killed_leaves_its_exit_code_to_nobody() {
    let env = Env::busybox();
    env.start("c", &["--tmpfs", "/t"]);
    let wait =
        |file: &str, code: i32| format!("touch /t/{file}.up; until [ -e /t/{file} ]; do sleep 0.02; done; exit {code}");
    let up = |file: &str| {
        let there = format!("/t/{file}.up");
        crate::support::until("the command", crate::support::SOON, || {
            (env.coracle(["exec", "c", "test", "-e", &there]).run().code() == 0).then_some(())
        });
    };
    let mut killed = env.coracle(["exec", "c", "sh", "-c", &wait("a", 3)]).raw().spawn().unwrap();
    up("a");
    killed.kill().unwrap();
    killed.wait().unwrap();
    let second = env.coracle(["exec", "c", "sh", "-c", &wait("b", 5)]).spawn();
    up("b");
    env.ok(["exec", "c", "touch", "/t/a"]);
    env.ok(["exec", "c", "sh", "-c", "while ps -o args | grep -v grep | grep -q 'e /t/[a]'; do sleep 0.02; done"]);
    env.ok(["exec", "c", "touch", "/t/b"]);
    second.finish().expect(5);
}

#[test]
fn it_joins_only_what_the_container_does_not_share() {
    let env = Env::busybox();
    for (name, option) in
        [("net", ""), ("pid", "--pid=host"), ("ipc", "--ipc=host"), ("uts", "--uts=host"), ("cg", "--cgroupns=host")]
    {
        let script = "trap 'exit 0' TERM; echo ready; while :; do sleep 1000 & wait $!; done";
        let net = if name == "net" { "--network=host" } else { "--network=none" };
        let options = [net, option].into_iter().filter(|o| !o.is_empty());
        env.ok(["run", "-d", "--name", name].into_iter().chain(options).chain(["busybox", "sh", "-c", script]));
        assert_eq!(env.ok(["exec", name, "id", "-u"]), "0", "{name}");
        env.ok(["exec", name, "sh", "-c", "kill -0 $$"]);
        if name == "pid" {
            env.ok(["pause", name]);
            assert_eq!(env.status(name), "paused");
            env.ok(["unpause", name]);
            env.ok(["exec", name, "true"]);
        }
        env.ok(["rm", "-f", "-t", "0", name]);
    }
}

#[test]
fn options() {
    let env = Env::busybox();
    env.start("c", &["-e", "A=container", "-w", "/tmp"]);
    assert_eq!(env.ok(["exec", "c", "pwd"]), "/tmp");
    assert_eq!(env.ok(["exec", "-w", "/etc", "c", "pwd"]), "/etc");
    assert_eq!(env.ok(["exec", "-e", "B=exec", "c", "sh", "-c", "echo $A $B"]), "container exec");
    assert_eq!(env.ok(["exec", "-e", "A=exec", "c", "sh", "-c", "echo $A"]), "exec");
    assert_eq!(
        env.ok(["exec", "-u", "app", "c", "sh", "-c", "echo $(id -u):$(id -G) $HOME"]),
        "1000:1000 2000 /home/app"
    );
    assert_eq!(env.ok(["exec", "--user", "7:8", "c", "sh", "-c", "echo $(id -u):$(id -g)"]), "7:8");
    env.fails(126, ["exec", "-u", "nosuch", "c", "true"]);
    let missing = env.coracle(["exec", "-w", "/no/such", "c", "true"]).run();
    assert!([126, 127].contains(&missing.code()) && missing.stderr.contains("/no/such"), "{missing}");
    let file = env.file("e", "F=file\n");
    assert_eq!(env.ok(["exec", "--env-file", file.to_str().unwrap(), "c", "sh", "-c", "echo $F"]), "file");
}

#[test]
fn streams() {
    let env = Env::busybox();
    env.start("c", &[]);
    let output = env.coracle(["exec", "c", "sh", "-c", "echo out; echo err >&2"]).run().expect(0);
    assert_eq!((output.stdout.as_str(), output.stderr.as_str()), ("out\n", "err\n"));
    env.coracle(["exec", "-i", "c", "cat"]).stdin("through").run().expect(0).says("through");
    env.coracle(["exec", "c", "cat"]).stdin("not through").run().expect(0).says("");
    env.coracle(["exec", "-i", "c", "wc", "-c"]).stdin(vec![b'z'; 3_000_000]).run().expect(0).says("3000000");
    let output = env.coracle(["exec", "c", "sh", "-c", "head -c 9000000 /dev/zero"]).run().expect(0);
    assert_eq!(output.stdout.len(), 9_000_000);
}

#[test]
fn detached_goes_on_alone() {
    let env = Env::busybox();
    env.start("c", &["-v", &format!("{}:/w", env.work().display())]);
    env.ok(["exec", "-d", "c", "sh", "-c", "echo done > /w/part; mv /w/part /w/done"]);
    crate::support::until("the detached command's file", crate::support::SOON, || {
        env.work().join("done").exists().then_some(())
    });
}

#[test]
fn terminal() {
    let env = Env::busybox();
    env.start("c", &[]);
    let mut pty = Pty::spawn(&env.coracle(["exec", "-it", "c", "sh"]).raw());
    pty.expect("# ");
    pty.send("stty size; tty; echo TERM=$TERM.\n");
    pty.expect("24 80");
    pty.expect("/dev/pts/");
    pty.expect("TERM=xterm.");
    pty.resize(40, 120);
    pty.send("while [ \"$(stty size)\" != '40 120' ]; do :; done; echo re'sized'\n");
    pty.expect("resized");
    pty.send("exit 3\n");
    assert_eq!(pty.wait(), 3);
    assert!(pty.is_cooked());
    assert_eq!(env.status("c"), "running");
}

/// The command of an exec ends with its container.
#[test]
fn exec_ends_when_the_container_does() {
    let env = Env::busybox();
    env.start("c", &[]);
    let running = env.coracle(["exec", "c", "sleep", "1000"]).spawn();
    crate::support::until("the command to run", crate::support::SOON, || {
        env.ok(["top", "c", "args"]).contains("sleep 1000").then_some(())
    });
    env.ok(["rm", "-f", "-t", "0", "c"]);
    assert_eq!(running.finish().code(), 137);
    env.assert_nothing_left();
}

#[test]
fn many_at_once() {
    let env = Env::busybox();
    env.start("c", &[]);
    let running: Vec<_> =
        (0..20).map(|i| (i, env.coracle(["exec", "c", "sh", "-c", &format!("echo {i}; exit {i}")]).spawn())).collect();
    for (i, running) in running {
        running.finish().expect(i).says(&i.to_string());
    }
}
