//! `run`: exit codes, entrypoint and command, environment, users, working directory, names, streams.

use serde_json::json;

use crate::support::Env;
use crate::support::fixtures::{busybox_binary, on_busybox};
use crate::support::image::{Image, Layer};

#[test]
fn exit_code_is_the_commands_own() {
    let env = Env::busybox();
    for code in [0, 1, 42, 125, 126, 127, 130, 255] {
        env.shell(&[], &format!("exit {code}")).expect(code);
    }
    env.assert_nothing_left();
}

#[test]
fn exit_codes_of_commands_that_cannot_be_started() {
    let env = Env::busybox();
    for (code, command, cause) in [
        (127, "nosuchcmd", "nosuchcmd"),
        (127, "/no/such/command", "/no/such/command"),
        (126, "/etc", "/etc"),
        (126, "/etc/passwd", "/etc/passwd"),
    ] {
        let said = env.fails(code, ["run", "--rm", "--network", "none", "busybox", command]);
        assert!(said.contains(cause), "{command}: {said}");
        env.assert_nothing_left();
    }
}

#[test]
fn exit_code_of_a_killed_command_is_128_and_the_signal() {
    let env = Env::busybox();
    env.shell(&["--init"], "kill -9 $$").expect(137);
    env.shell(&["--init"], "kill -TERM $$").expect(143);
    env.shell(&[], "sh -c 'kill -SEGV $$'; exit $?").expect(139);
}

#[test]
fn unknown_image_is_125_and_named() {
    let env = Env::new();
    for image in ["nosuchimage:x", "localhost/nosuchimage"] {
        let said = env.fails(125, ["run", "--rm", "--pull", "never", image, "true"]);
        assert!(said.contains("nosuchimage"), "{said}");
    }
    let said = env.fails(125, ["run", "--rm", "nosuchimage:x", "true"]);
    assert!(said.contains("nosuchimage:x"), "{said}");
    env.fails(125, ["run", "--rm", "Bad//Name", "true"]);
    env.assert_nothing_left();
}

#[test]
fn unknown_flags_and_values_are_125() {
    let env = Env::busybox();
    assert!(env.fails(125, ["run", "--badflag", "busybox"]).contains("--badflag"));
    assert!(env.fails(125, ["badcommand"]).contains("badcommand"));
    assert!(env.fails(125, ["run", "--rm", "-p", "99999:1", "busybox", "true"]).contains("99999"));
    assert!(env.fails(125, ["run", "--rm", "-v", "/nosuch:/x", "busybox", "true"]).contains("/nosuch"));
    assert!(env.fails(125, ["run", "--rm", "--network", "nonet", "busybox", "true"]).contains("nonet"));
    assert!(env.fails(126, ["run", "--rm", "--user", "nosuch", "busybox", "id"]).contains("nosuch"));
    env.assert_nothing_left();
}

/// Docker's table of how entrypoint and command meet.
#[test]
fn entrypoint_and_command_rules() {
    let env = Env::new();
    for (name, config) in [
        ("localhost/both", json!({"Entrypoint": ["/bin/echo", "e"], "Cmd": ["c"]})),
        ("localhost/cmd", json!({"Cmd": ["/bin/echo", "c"]})),
        ("localhost/entry", json!({"Entrypoint": ["/bin/echo", "e"]})),
        ("localhost/shell", json!({"Cmd": ["/bin/sh", "-c", "echo $WHAT"], "Env": ["WHAT=shell form"]})),
        ("localhost/neither", json!({})),
    ] {
        let mut config = config;
        if config.get("Env").is_none() {
            config["Env"] = json!(["PATH=/bin"]);
        }
        env.add(&on_busybox(name, vec![]).config(config));
    }
    let run = ["run", "--rm", "--network", "none"];
    for (args, wanted) in [
        (&["both"][..], "e c"),
        (&["both", "x", "y"], "e x y"),
        (&["cmd"], "c"),
        (&["cmd", "/bin/echo", "x"], "x"),
        (&["cmd", "echo", "by path"], "by path"),
        (&["entry"], "e"),
        (&["entry", "x"], "e x"),
        (&["shell"], "shell form"),
        // A new entrypoint makes the image's command void.
        (&["--entrypoint", "/bin/echo", "both"], ""),
        (&["--entrypoint", "/bin/echo", "both", "x"], "x"),
        (&["--entrypoint", r#"["/bin/echo","j"]"#, "both", "x"], "j x"),
        (&["--entrypoint", "", "both", "/bin/echo", "none"], "none"),
        (&["neither", "/bin/echo", "x"], "x"),
    ] {
        env.coracle(run).args(args).run().expect(0).says(wanted);
    }
    env.fails(125, ["run", "--rm", "--network", "none", "neither"]);
    env.assert_nothing_left();
}

#[test]
fn environment_is_the_images_then_the_users() {
    let env = Env::new();
    env.add(&on_busybox("localhost/e", vec![]).config(json!({"Env": ["PATH=/bin", "A=image", "B=image"]})));
    let file = env.file("env", "# a comment\nFILE=from file\nHOST_FILE\n\nB=file\n");
    let get = |options: &[&str], names: &str| {
        let mut args = vec!["run", "--rm", "--network", "none"];
        args.extend(options);
        args.extend(["e", "/bin/sh", "-c"]);
        let script = format!("for n in {names}; do eval echo \"$n=\\${{$n-unset}}\"; done");
        let host = [("HOST", "host value"), ("HOST_FILE", "host for file"), ("GLOB_1", "1"), ("GLOB_2", "2")];
        let command = host.iter().fold(env.coracle(args).args([script]), |cmd, (name, value)| cmd.env(name, value));
        command.run().expect(0).text().replace('\n', " ")
    };
    assert_eq!(get(&[], "A B HOST HOME"), "A=image B=image HOST=unset HOME=/root");
    assert_eq!(get(&["-e", "A=mine", "--env=C=d=e"], "A C"), "A=mine C=d=e");
    assert_eq!(get(&["-e", "HOST", "-e", "NOT_THERE"], "HOST NOT_THERE"), "HOST=host value NOT_THERE=unset");
    assert_eq!(get(&["-e", "GLOB_*"], "GLOB_1 GLOB_2"), "GLOB_1=1 GLOB_2=2");
    let file = file.to_str().unwrap();
    assert_eq!(get(&["--env-file", file], "FILE HOST_FILE B"), "FILE=from file HOST_FILE=host for file B=file");
    assert_eq!(get(&["--env-file", file, "-e", "B=flag"], "B"), "B=flag");
    assert_eq!(get(&["--env-host"], "HOST A"), "HOST=host value A=image");
    assert_eq!(get(&["--unsetenv", "A"], "A B"), "A=unset B=image");
    assert_eq!(get(&["--unsetenv-all", "-e", "C=1"], "A B C"), "A=unset B=unset C=1");
    assert_eq!(get(&["--env-merge", "A=${A}-more"], "A"), "A=image-more");
    assert_eq!(get(&["--user", "app"], "HOME"), "HOME=/home/app");
    assert_eq!(get(&["-e", "HOME=/x"], "HOME"), "HOME=/x");
}

#[test]
fn proxies_of_the_host_are_passed_on_request_only_when_wanted() {
    let env = Env::busybox();
    let run = |option: &str| {
        let args = ["run", "--rm", "--network", "none", option, "busybox", "sh", "-c", "echo ${http_proxy-unset}"];
        env.coracle(args).env("http_proxy", "http://192.0.2.1:3128").run().expect(0).text()
    };
    assert_eq!(run("--http-proxy"), "http://192.0.2.1:3128");
    assert_eq!(run("--http-proxy=false"), "unset");
}

#[test]
fn users_and_groups_come_from_the_image() {
    let env = Env::busybox();
    let id = |options: &[&str]| env.sh(options, "echo $(id -u):$(id -g):$(id -G)");
    assert_eq!(id(&[]), "0:0:0");
    assert_eq!(id(&["--user", "app"]), "1000:1000:1000 2000");
    assert_eq!(id(&["--user", "1000"]), "1000:1000:1000 2000");
    assert_eq!(id(&["-u", "app:nogroup"]), "1000:65534:65534");
    assert_eq!(id(&["-u", "4242"]), "4242:0:0");
    assert_eq!(id(&["-u", "4242:4343"]), "4242:4343:4343");
    assert_eq!(id(&["-u", "4242", "--group-add", "extra"]), "4242:0:0 2000");
    for (user, part) in [("nosuch", "nosuch"), ("app:nosuch", "nosuch"), ("-1", "-1"), ("4294967296", "4294967296")] {
        let said = env.fails(126, ["run", "--rm", "--network", "none", &format!("--user={user}"), "busybox", "id"]);
        assert!(said.contains(part), "{user}: {said}");
    }
}

#[test]
fn user_of_the_image_is_used() {
    let env = Env::new();
    env.add(
        &on_busybox("localhost/u", vec![]).config(json!({"User": "app", "Env": ["PATH=/bin"], "Cmd": ["id", "-un"]})),
    );
    env.coracle(["run", "--rm", "--network", "none", "u"]).run().expect(0).says("app");
    env.coracle(["run", "--rm", "--network", "none", "-u", "0", "u"]).run().expect(0).says("root");
}

/// passwd and group of an image are anyone's text.
#[test]
fn passwd_of_an_image_is_not_trusted() {
    let env = Env::new();
    let junk = format!(
        "\n:::\nroot\n\u{0}\nbad:x:notanumber:0::/:\nneg:x:-5:0::/:\n{}\ngood:x:7:8::/good:/bin/sh\n",
        "x".repeat(100_000)
    );
    env.add(&on_busybox("localhost/p", vec![Layer::new().file("etc/passwd", 0o644, junk).plain()]));
    let run = |user: &str| {
        env.coracle(["run", "--rm", "--network", "none", "-u", user, "p", "sh", "-c", "echo $(id -u):$(id -g)"]).run()
    };
    run("good").expect(0).says("7:8");
    run("bad").expect(126);
    run("neg").expect(126);
    run("0").expect(0).says("0:0");
}

#[test]
fn working_directory() {
    let env = Env::busybox();
    assert_eq!(env.sh(&[], "pwd"), "/");
    assert_eq!(env.sh(&["-w", "/tmp"], "pwd"), "/tmp");
    let said = env.fails(126, ["run", "--rm", "--network", "none", "-w", "/i/do/not/exist", "busybox", "pwd"]);
    assert!(said.contains("/i/do/not/exist"), "{said}");
    let said = env.fails(125, ["run", "--rm", "--network", "none", "-w", "relative", "busybox", "pwd"]);
    assert!(said.contains("relative"), "{said}");
    // The directory may come from a mount, and the image's own is made.
    let dir = env.work();
    assert_eq!(env.sh(&["-w", "/m", "-v", &format!("{}:/m", dir.display())], "pwd"), "/m");
    env.add(&on_busybox("localhost/w", vec![]).config(json!({"WorkingDir": "/made/here", "Env": ["PATH=/bin"]})));
    env.coracle(["run", "--rm", "--network", "none", "w", "pwd"]).run().expect(0).says("/made/here");
}

#[test]
fn streams_are_separate_and_complete() {
    let env = Env::busybox();
    let output = env.shell(&[], "echo out; echo err >&2; printf no-line-end").expect(0);
    assert_eq!((output.stdout.as_str(), output.stderr.as_str()), ("out\nno-line-end", "err\n"));
    let output = env.shell(&[], "head -c 20000000 /dev/zero | tr '\\0' x").expect(0);
    assert!(
        output.stdout.len() == 20_000_000 && output.stdout.bytes().all(|b| b == b'x'),
        "{} bytes",
        output.stdout.len()
    );
}

#[test]
fn standard_input_reaches_the_container_only_with_i() {
    let env = Env::busybox();
    let cat = |option: &str| {
        let args = ["run", "--rm", "--network", "none", option, "busybox", "cat"];
        env.coracle(args).stdin("some\ninput").run().expect(0).stdout
    };
    assert_eq!(cat("-i"), "some\ninput");
    assert_eq!(cat("-i=false"), "");
    let big = vec![b'y'; 5_000_000];
    env.coracle(["run", "--rm", "-i", "--network", "none", "busybox", "wc", "-c"])
        .stdin(big)
        .run()
        .expect(0)
        .says("5000000");
    // A command that does not read it, and ends.
    env.coracle(["run", "--rm", "-i", "--network", "none", "busybox", "true"])
        .stdin(vec![b'y'; 1_000_000])
        .run()
        .expect(0);
    env.assert_nothing_left();
}

/// A descriptor that is missing must not be taken by a file the engine opens.
#[test]
fn closed_standard_streams_do_no_harm() {
    let env = Env::busybox();
    for closed in ["<&-", "<&- >&-", "<&- >&- 2>&-", "2>&-"] {
        let script = format!(
            "\"$@\" run --rm -i --network none -v \"$PWD:/w\" busybox sh -c 'cat; echo out; echo err >&2; echo done >/w/done' {closed}"
        );
        let coracle = env.coracle::<[&str; 0]>([]).raw();
        let words: Vec<_> = std::iter::once(coracle.get_program()).chain(coracle.get_args()).collect();
        env.program("sh").args(["-c", &script, "sh"]).args(words).run();
        let done = env.work().join("done");
        assert!(done.exists(), "with {closed}");
        std::fs::remove_file(done).unwrap();
        env.assert_nothing_left();
    }
}

#[test]
fn name_in_use() {
    let env = Env::busybox();
    let first = env.start("web", &[]);
    let said = env.fails(125, ["run", "--name", "web", "--network", "none", "busybox", "true"]);
    assert!(said.contains("web") && said.contains(&first) && said.contains("in use"), "{said}");
    assert_eq!(env.names(), ["web"]);
    env.ok(["run", "--rm", "--replace", "--name", "web", "--network", "none", "busybox", "true"]);
    env.assert_nothing_left();
    for bad in ["a b", "/", "-x", "ä"] {
        env.fails(125, ["run", "--rm", &format!("--name={bad}"), "busybox", "true"]);
    }
    env.assert_nothing_left();
}

/// A name that two want at the same moment goes to one of them.
#[test]
fn name_race_has_one_winner() {
    let env = Env::busybox();
    let running: Vec<_> = (0..8)
        .map(|_| env.coracle(["create", "--name", "same", "--network", "none", "busybox", "true"]).spawn())
        .collect();
    let codes: Vec<i32> = running.into_iter().map(|running| running.finish().code()).collect();
    assert_eq!(codes.iter().filter(|code| **code == 0).count(), 1, "{codes:?}");
    assert!(codes.iter().all(|code| [0, 125].contains(code)), "{codes:?}");
    assert_eq!(env.names(), ["same"]);
}

#[test]
fn detached_prints_the_id() {
    let env = Env::busybox();
    let id = env.start("d", &[]);
    assert!(id.len() == 64 && id.bytes().all(|b| b.is_ascii_hexdigit()), "{id}");
    assert_eq!(env.inspect("d", "Id"), id);
    assert_eq!(env.inspect(&id[..12], "Name"), "d");
    env.ok(["rm", "-f", "-t", "0", &id[..10]]);
    env.assert_nothing_left();
}

#[test]
fn very_few_descriptors() {
    let env = Env::busybox();
    assert_eq!(env.sh(&["--ulimit", "nofile=5:5"], "ulimit -n"), "5");
}

#[test]
fn id_and_pid_files() {
    let env = Env::busybox();
    let path = |name: &str| env.work().join(name);
    std::fs::write(path("cid"), "old content, longer than an ID".repeat(10)).unwrap();
    let args = ["--cidfile", "cid", "--pidfile", "pid", "--conmon-pidfile", "monitor"];
    let id = env.start("f", &args);
    let read = |name: &str| std::fs::read_to_string(path(name)).unwrap().trim().to_owned();
    assert_eq!(read("cid"), id);
    assert_eq!(read("pid"), env.inspect("f", "State.Pid").to_string());
    assert_eq!(read("monitor"), env.inspect("f", "State.ConmonPid").to_string());
    env.ok(["rm", "-f", "-t", "0", "--cidfile", "cid"]);
    assert!(!path("cid").exists(), "the cidfile goes with the container");
}

#[test]
fn init_reaps_and_forwards() {
    let env = Env::busybox();
    assert_ne!(env.sh(&["--init"], "echo $$"), "1");
    assert_eq!(env.sh(&[], "echo $$"), "1");
    // Orphans that nobody waits for but init; a zombie shows as Z.
    let script = "for i in 1 2 3; do sh -c 'sleep 0.01 &'; done; i=0; \
        while ps -o stat,comm | grep -qE '^Z|sleep'; do i=$((i+1)); [ $i -lt 500 ] || exit 9; busybox usleep 10000 2>/dev/null || sleep 0.01; done";
    env.shell(&["--init"], script).expect(0);
    env.start("i", &["--init"]);
    env.ok(["stop", "-t", "20", "i"]);
    assert_eq!(env.inspect("i", "State.ExitCode"), 0, "TERM reached the command through init");
}

#[test]
fn timeout_kills() {
    let env = Env::busybox();
    let output =
        env.coracle(["run", "--name", "t", "--timeout", "1", "--network", "none", "busybox", "sleep", "1000"]).run();
    assert_eq!(output.code(), 255, "{output}");
    assert_eq!(env.status("t"), "exited");
    assert_eq!(env.inspect("t", "State.ExitCode"), 255);
}

#[test]
fn limits_and_kernel_settings() {
    let env = Env::busybox();
    assert_eq!(env.sh(&["--ulimit", "nofile=100:200"], "ulimit -n; ulimit -Hn"), "100\n200");
    assert_eq!(env.sh(&["--ulimit", "core=0"], "ulimit -c; ulimit -Hc"), "0\n0");
    assert_eq!(
        env.sh(
            &["--sysctl", "net.ipv4.ip_unprivileged_port_start=80"],
            "cat /proc/sys/net/ipv4/ip_unprivileged_port_start"
        ),
        "80"
    );
    let control = "cat /proc/sys/net/ipv4/tcp_congestion_control";
    assert_eq!(env.sh(&[], control), "reno");
    let allowed = std::fs::read_to_string("/proc/sys/net/ipv4/tcp_allowed_congestion_control").unwrap_or_default();
    if let Some(other) = allowed.split_whitespace().find(|name| *name != "reno") {
        assert_eq!(env.sh(&["--sysctl", &format!("net.ipv4.tcp_congestion_control={other}")], control), other);
    }
    assert!(
        env.fails(125, ["run", "--rm", "--network", "host", "--sysctl", "net.ipv4.ip_forward=1", "busybox", "true"])
            .contains("net.ipv4")
    );
    assert_eq!(env.sh(&[], "umask"), "0022");
    assert_eq!(env.sh(&["--umask", "0077"], "umask"), "0077");
    let current: i32 = std::fs::read_to_string("/proc/self/oom_score_adj").unwrap().trim().parse().unwrap();
    assert_eq!(env.sh(&[], "cat /proc/self/oom_score_adj"), current.to_string());
    let raised = (current + 100).min(1000);
    assert_eq!(env.sh(&[&format!("--oom-score-adj={raised}")], "cat /proc/self/oom_score_adj"), raised.to_string());
    assert!(env.fails(125, ["run", "--rm", "--ulimit", "nosuch=1", "busybox", "true"]).contains("nosuch"));
}

#[test]
fn hostname_hosts_and_resolver() {
    let env = Env::busybox();
    assert_eq!(env.sh(&["--hostname", "boat.example"], "hostname; cat /etc/hostname"), "boat.example\nboat.example");
    let id = env.sh(&[], "hostname");
    assert!(id.len() == 12 && id.bytes().all(|b| b.is_ascii_hexdigit()), "{id}");
    let hosts = env.sh(&["--add-host", "db:192.0.2.7", "--hostname", "boat"], "cat /etc/hosts");
    assert!(
        hosts.lines().any(|line| line.split_ascii_whitespace().collect::<Vec<_>>() == ["192.0.2.7", "db"]),
        "{hosts}"
    );
    assert!(hosts.contains("127.0.0.1") && hosts.contains("localhost") && hosts.contains("boat"), "{hosts}");
    let resolver_flags = ["--dns", "192.0.2.53", "--dns-search", "example.org", "--dns-option", "ndots:3"];
    let run = ["run", "--rm", "--network", "slirp4netns"].into_iter().chain(resolver_flags);
    let resolver = env.ok(run.chain(["busybox", "cat", "/etc/resolv.conf"]));
    for line in ["nameserver 192.0.2.53", "search example.org", "options ndots:3"] {
        assert!(resolver.lines().any(|l| l == line), "{line} is not in {resolver}");
    }
    assert_eq!(env.sh(&["--no-hosts"], "grep -c . /etc/hosts 2>/dev/null || true").trim_start_matches('0'), "");
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap();
    assert_eq!(env.sh(&["--uts", "host"], "hostname"), host.trim());
}

#[test]
fn the_images_own_hosts_file_can_be_the_base() {
    let env = Env::busybox();
    let layers = vec![
        Layer::new().file("bin/busybox", 0o755, busybox_binary()).file("etc/hosts", 0o600, "192.0.2.1 hidden").plain(),
        Layer::new().file("etc/hosts", 0o600, "192.0.2.8 from-image\n").plain(),
    ];
    env.add(&Image::new("hosts", layers));
    let args =
        ["run", "--rm", "--network", "none", "--hosts-file", "image", "hosts", "/bin/busybox", "cat", "/etc/hosts"];
    let hosts = env.ok(args);
    assert!(hosts.contains("from-image") && !hosts.contains("hidden"), "{hosts}");
}

#[test]
fn labels_and_annotations_are_kept() {
    let env = Env::busybox();
    let file = env.file("labels", "file.a=1\n# comment\nfile.b=two words\n");
    env.ok([
        "create",
        "--name",
        "l",
        "-l",
        "a=b=c",
        "--label",
        "empty",
        "--label-file",
        file.to_str().unwrap(),
        "--annotation",
        "note=x",
        "busybox",
    ]);
    let labels = env.inspect("l", "Config.Labels");
    assert_eq!(labels["a"], "b=c");
    assert_eq!(labels["empty"], "");
    assert_eq!(labels["file.b"], "two words");
    assert_eq!(env.inspect("l", "Config.Annotations")["note"], "x");
}

#[test]
fn image_of_another_architecture_says_so() {
    let env = Env::new();
    let other = if std::env::consts::ARCH == "x86_64" { "arm64" } else { "amd64" };
    let mut image: Image =
        on_busybox("localhost/foreign", vec![Layer::new().file("bin/alien", 0o755, foreign_elf()).plain()]);
    image.architecture = other.into();
    env.add(&image);
    let output = env.coracle(["run", "--rm", "--network", "none", "foreign", "/bin/alien"]).run();
    assert!([125, 126].contains(&output.code()), "{output}");
    assert!(output.stderr.contains(other), "{output}");
    env.assert_nothing_left();
}

/// The head of an ELF file for a processor that no machine here has (big-endian m68k).
fn foreign_elf() -> Vec<u8> {
    let mut elf = b"\x7fELF\x01\x02\x01".to_vec();
    elf.resize(16, 0);
    elf.extend([0, 2, 0, 4, 0, 0, 0, 1]);
    elf.resize(200, 0);
    elf
}

#[test]
fn rootfs_runs_without_an_image() {
    let env = Env::new();
    let root = env.work().join("rootfs");
    std::fs::create_dir_all(root.join("bin")).unwrap();
    std::fs::copy("/bin/busybox", root.join("bin/busybox")).unwrap();
    let root = root.to_str().unwrap();
    env.coracle(["run", "--rm", "--network", "none", "--rootfs", root, "/bin/busybox", "echo", "hi"])
        .run()
        .expect(0)
        .says("hi");
}

#[test]
fn storage_drivers_all_run() {
    let env = Env::busybox();
    for driver in ["overlay", "fuse-overlayfs", "vfs"] {
        let args = ["--storage-driver", driver, "run", "--rm", "--network", "none", "busybox", "sh", "-c"];
        let script = "echo new > /etc/new; echo root > /etc/passwd; rm -r /home; ls -d /home 2>/dev/null; cat /etc/new /etc/passwd";
        env.coracle(args).args([script]).run().expect(0).says("new\nroot");
        env.assert_nothing_left();
    }
    // Nothing of that reached the image.
    assert_eq!(env.sh(&[], "ls /home; ls /etc/new 2>&1 | grep -c new; wc -l < /etc/passwd"), "app\n1\n3");
}

/// Input that the container does not take, of a client that is killed: the monitor waits, and does not spin.
#[test]
fn a_monitor_with_input_that_waits_is_idle() {
    let env = Env::busybox();
    let run = ["run", "-i", "--name", "c", "--network", "none", "busybox", "sleep", "1000"];
    let mut client = env.coracle(run).stdin(vec![b'x'; 4 << 20]).spawn();
    crate::support::until("the container", crate::support::SOON, || {
        env.names().contains(&"c".to_owned()).then_some(())
    });
    env.wait_status("c", "running");
    let pid = env.inspect("c", "State.ConmonPid").as_i64().expect("a monitor");
    let stat = || std::fs::read_to_string(format!("/proc/{pid}/stat")).expect("a monitor");
    let ticks = || -> u64 {
        let stat = stat();
        stat.rsplit_once(") ").unwrap().1.split(' ').skip(11).take(2).map(|n| n.parse::<u64>().unwrap()).sum()
    };
    // Until all of what fits is in the pipe and in the socket.
    crate::support::until("the input", crate::support::SOON, || {
        let before = ticks();
        env.sh(&[], "true");
        (ticks() == before).then_some(())
    });
    client.child.kill().unwrap();
    client.child.wait().unwrap();
    // While other containers come and go, it does nothing; spinning, it would have most of a processor.
    let (before, start) = (ticks(), std::time::Instant::now());
    for _ in 0..10 {
        env.sh(&[], "true");
    }
    let (spent, passed) = (ticks() - before, start.elapsed().as_millis() as u64 / 10);
    assert!(spent <= 1 + passed / 10, "{spent} of {passed} ticks");
    env.ok(["rm", "-f", "-t", "0", "c"]);
}
