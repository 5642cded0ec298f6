//! Secrets: the commands, what containers get of them, and where their values must not be.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;

use crate::support::command::Output;
use crate::support::{Env, SOON, let_pass, skip, until};

/// No other text in any file of a test is like it.
const VALUE: &str = "hunter2-Zyzzyva";

fn create(env: &Env, name: &str, value: impl Into<Vec<u8>>, options: &[&str]) -> Output {
    env.coracle([&["secret", "create"], options, &[name, "-"]].concat()).stdin(value).run()
}

#[track_caller]
fn made(env: &Env, name: &str, value: &str) -> String {
    create(env, name, value, &["--replace"]).expect(0).text()
}

fn show(env: &Env, name: &str) -> String {
    env.ok(["secret", "inspect", "--showsecret", "--format", "{{.SecretData}}", name])
}

/// All files below these directories that hold this text, also those of other users.
fn files_with(text: &str, dirs: &[&Path]) -> Vec<String> {
    let mut command = std::process::Command::new("unshare");
    command.args(["--map-root-user", "--map-auto", "grep", "-r", "-l", "-a", "-F", "-s", "--", text]).args(dirs);
    let output = command.output().expect("unshare");
    String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect()
}

fn script(env: &Env, name: &str, text: &str) -> PathBuf {
    let path = env.file(name, format!("#!/bin/sh\n{text}\n"));
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    path
}

#[test]
fn made_listed_inspected_removed() {
    let env = Env::new();
    let id = create(&env, "a", VALUE, &["-l", "k=v,w", "-l", "x"]).expect(0).text();
    assert!(id.len() == 25 && id.bytes().all(|b| b.is_ascii_hexdigit()), "{id}");
    let said = create(&env, "a", "x", &[]).expect(125).stderr;
    assert!(said.contains("a: secret name in use"), "{said}");
    let file = env.file("value", "from a file");
    env.ok(["secret", "create", "b", file.to_str().unwrap()]);
    env.coracle(["secret", "create", "--env", "c", "MINE"]).env("MINE", "from the environment").run().expect(0);
    assert_eq!((show(&env, "b"), show(&env, "c")), ("from a file".to_owned(), "from the environment".to_owned()));
    assert_eq!(env.ok(["secret", "ls", "--format", "{{.Name}} {{.Driver}}"]), "a file\nb file\nc file");
    assert_eq!(env.ok(["secret", "ls", "-q", "--filter", "name=a"]), id);
    let all: Value = serde_json::from_str(&env.ok(["secret", "inspect", "a"])).unwrap();
    assert_eq!(all[0]["Spec"]["Labels"], serde_json::json!({"k": "v,w", "x": ""}));
    assert!(all[0].get("SecretData").is_none());
    // By a new ID, with the old time of creation.
    let newer = made(&env, "a", "other");
    let again: Value = serde_json::from_str(&env.ok(["secret", "inspect", &newer[..8]])).unwrap();
    assert!(
        newer != id && again[0]["CreatedAt"] == all[0]["CreatedAt"] && again[0]["UpdatedAt"] != all[0]["UpdatedAt"]
    );
    assert_eq!(again[0]["Spec"]["Labels"], serde_json::json!({}));

    env.ok(["secret", "exists", "a"]);
    env.coracle(["secret", "exists", "nope"]).run().expect(1);
    let some = env.coracle(["secret", "inspect", "nope", "b", "--format", "{{.Spec.Name}}"]).run().expect(125);
    assert_eq!(some.stdout, "b\n");
    assert!(some.stderr.contains("inspecting secret: no secret with name or id \"nope\": no such secret"), "{some}");
    let some = env.coracle(["secret", "rm", "nope", "a"]).run().expect(125);
    assert_eq!(some.stdout, format!("{newer}\n"));
    env.ok(["secret", "rm", "-i", "nope"]);
    env.fails(125, ["secret", "rm"]);
    assert_eq!(env.ok(["secret", "rm", "-a"]).lines().count(), 2);
    assert_eq!(env.ok(["secret", "ls", "-n"]), "");
    let left = std::fs::read_dir(env.root().join("secrets/filedriver")).unwrap().count();
    assert_eq!(left, 0);
}

#[test]
fn a_value_may_be_any_bytes() {
    let env = Env::busybox();
    let bytes: Vec<u8> = (0..=255).collect();
    create(&env, "a", bytes.clone(), &[]).expect(0);
    let mut command = env.coracle(["secret", "inspect", "--showsecret", "--format", "{{.SecretData}}", "a"]).raw();
    assert_eq!(command.output().unwrap().stdout, [bytes.as_slice(), b"\n"].concat());
    let sum = env.program("md5sum").stdin(bytes).run().expect(0).text();
    assert_eq!(env.sh(&["--secret", "a"], "md5sum < /run/secrets/a"), sum);
    let said = env.fails(125, ["run", "--rm", "--secret", "a,type=env", "busybox", "true"]);
    assert!(said.contains("null byte"), "{said}");
    // The store is whole, and goes with everything else.
    env.ok(["system", "check"]);
    env.ok(["system", "reset", "-f"]);
    assert_eq!(env.ok(["secret", "ls", "-q"]), "");
}

#[test]
fn what_cannot_be_a_secret() {
    let env = Env::new();
    for name in ["", "a/b", "a,b", "a=b", &"x".repeat(254)] {
        let said = create(&env, name, "x", &[]).expect(125).stderr;
        assert!(said.contains("invalid secret name"), "{name}: {said}");
    }
    for size in [0, 512_000, 600_000] {
        let said = create(&env, "a", vec![b'x'; size], &[]).expect(125).stderr;
        assert!(said.contains("larger than 0 and less than 512000 bytes"), "{size}: {said}");
    }
    create(&env, "large", vec![b'x'; 511_999], &[]).expect(0);
    assert_eq!(show(&env, "large").len(), 511_999);
    let file = env.file("value", "x");
    let file = file.to_str().unwrap();
    for (args, part) in [
        (&["--driver", "nope", "a", file][..], "invalid driver"),
        (&["--driver-opts", "x", "a", file], "must be formatted as key=value"),
        (&["--label", "=x", "a", file], "invalid label format"),
        (&["--env", "a", "NOT_THERE"], "environment variable NOT_THERE is not set"),
        (&["a", "/no/such"], "`/no/such`"),
        (&["a"], "accepts 2 arg(s), received 1"),
    ] {
        let said = env.fails(125, [&["secret", "create"], args].concat());
        assert!(said.contains(part), "{args:?}: {said}");
    }
    assert_eq!(env.ok(["secret", "ls", "-q"]).lines().count(), 1);
}

#[test]
fn files_in_a_container() {
    let env = Env::busybox();
    made(&env, "a", VALUE);
    made(&env, "b", "other");
    let look = |options: &[&str], script: &str| env.sh(options, script);
    let listed =
        look(&["--secret", "a"], "stat -c '%u %g %a %n' /run/secrets/a; cat /run/secrets/a; grep secrets /proc/mounts");
    let mut lines = listed.lines();
    assert_eq!(lines.next(), Some("0 0 444 /run/secrets/a"));
    let rest: String = lines.collect();
    assert!(rest.starts_with(&format!("{VALUE}secrets /run/secrets tmpfs rw,nosuid,nodev")), "{listed}");
    let options = [
        "--secret",
        "a,uid=5,gid=6,mode=0400",
        "--secret",
        "b,target=x/y",
        "--secret",
        "a,target=/opt/z",
        "--secret",
        "b,target=../q",
    ];
    let listed = look(
        &options,
        "stat -c '%u %g %a %n' /run/secrets/a /run/secrets/x /run/secrets/x/y /opt/z /run/q; cat /opt/z /run/q",
    );
    assert_eq!(
        listed,
        format!(
            "5 6 400 /run/secrets/a\n0 0 755 /run/secrets/x\n0 0 444 /run/secrets/x/y\n0 0 444 /opt/z\n0 0 444 /run/q\n{VALUE}other"
        )
    );
    // Read-only roots, and mounts of the user's around and instead of them.
    assert_eq!(look(&["--secret", "a", "--read-only"], "cat /run/secrets/a"), VALUE);
    assert_eq!(look(&["--secret", "a", "--tmpfs", "/run"], "cat /run/secrets/a"), VALUE);
    assert_eq!(look(&["--secret", "a", "--user", "4000"], "cat /run/secrets/a"), VALUE);
    let file = env.file("mine/a", "mine");
    let (file, dir) = (file.display().to_string(), file.parent().unwrap().display().to_string());
    assert_eq!(look(&["--secret", "a", "-v", &format!("{file}:/run/secrets/a")], "cat /run/secrets/a"), "mine");
    let volume = format!("{dir}:/run/secrets/sub");
    assert_eq!(
        look(&["--secret", "a", "-v", &volume], "cat /run/secrets/a /run/secrets/sub/a"),
        format!("{VALUE}mine")
    );
    // Nothing of it is in the root file system, and the host's file is what it was.
    env.start("c", &["--secret", "a"]);
    assert_eq!(env.ok(["exec", "c", "cat", "/run/secrets/a"]), VALUE);
    let tar = env.work().join("c.tar");
    env.ok(["export", "-o", tar.to_str().unwrap(), "c"]);
    let names = env.program("tar").args(["tf", tar.to_str().unwrap()]).run().expect(0).stdout;
    assert!(names.contains("run/secrets/") && !names.contains("run/secrets/a"), "{names}");
    assert_eq!(std::fs::read_to_string(file).unwrap(), "mine");
}

#[test]
fn what_a_container_cannot_have() {
    let env = Env::busybox();
    made(&env, "a", VALUE);
    create(&env, "nul", b"x\0y".to_vec(), &[]).expect(0);
    for (secret, part) in [
        ("nope", "no secret with name or id \"nope\": no such secret"),
        ("", "the name of the secret is empty"),
        ("a,uid", "option uid must be in form option=value: parsing secret"),
        ("a,type=x", "type x is invalid"),
        ("a,target=/", "cannot be the file"),
        ("a,type=env,target=A=B", "no variable can be called `A=B`"),
        ("nul,type=env", "null byte"),
    ] {
        let said = env.fails(125, ["run", "--rm", "--secret", secret, "busybox", "true"]);
        assert!(said.contains(part), "{secret}: {said}");
    }
    let said = env.fails(125, ["run", "--rm", "--network", "none", "--secret", "a,uid=2000000000", "busybox", "true"]);
    assert!(said.contains("giving it to user 2000000000") && said.contains("hint: "), "{said}");
    let said = env.fails(125, ["run", "--rm", "--network", "none", "--secret", "a,target=/etc", "busybox", "true"]);
    let why = "mounting the secret on `/etc`: it is a directory in the container, and a secret is a file";
    assert!(said.contains(why) && said.contains("hint: give the path of a file: target=/etc/NAME"), "{said}");
    env.assert_nothing_left();
}

#[test]
fn values_stand_in_no_file_and_no_output() {
    let env = Env::busybox();
    made(&env, "file", VALUE);
    made(&env, "variable", &format!("{VALUE}\nsecond line"));
    let options = [
        "--secret",
        "file",
        "--secret",
        "variable,type=env,target=TOKEN",
        "-e",
        "TOKEN=not-this-one",
        "--label",
        "control=Kontrolle",
    ];
    env.start("c", &options);
    let script =
        "cat /run/secrets/file; echo; echo \"$TOKEN\"; tr '\\0' '\\n' < /proc/1/environ | grep -c ^TOKEN=hunter2";
    let want = format!("{VALUE}\n{VALUE}\nsecond line\n1");
    let inside = |user: &[&str]| env.ok([&["exec"], user, &["c", "sh", "-c", script]].concat());
    assert_eq!(inside(&[]), want);
    assert_eq!(inside(&["-e", "X=1"]), want);
    assert_eq!(env.ok(["exec", "--user", "1000", "c", "sh", "-c", "echo \"$TOKEN\""]).lines().next(), Some(VALUE));
    assert_eq!(env.ok(["exec", "-e", "TOKEN=mine", "c", "sh", "-c", "echo \"$TOKEN\""]), "mine");

    let dir = env.root().parent().unwrap().to_owned();
    assert_ne!(files_with("Kontrolle", &[&dir]), Vec::<String>::new(), "the search finds nothing at all");
    let nowhere = |when: &str| assert_eq!(files_with(VALUE, &[&dir]), Vec::<String>::new(), "{when}");
    nowhere("running");
    for args in
        [&["inspect", "c"][..], &["logs", "c"], &["ps", "-a", "--no-trunc"], &["secret", "inspect", "file", "variable"]]
    {
        assert!(!env.ok(args).contains(VALUE), "{args:?}");
    }
    assert_eq!(env.inspect("c", "Config.Secrets").as_array().unwrap().len(), 1);
    let monitor = env.inspect("c", "State.ConmonPid").as_i64().unwrap();
    let arguments = std::fs::read_to_string(format!("/proc/{monitor}/cmdline")).unwrap();
    assert!(!arguments.contains(VALUE) && !arguments.is_empty(), "{arguments}");
    env.ok(["stop", "-t", "0", "c"]);
    nowhere("stopped");
    env.ok(["start", "c"]);
    assert_eq!(inside(&[]), want);
    env.ok(["rm", "-f", "-t", "0", "c"]);
    nowhere("removed");
}

#[test]
fn files_are_of_the_creation_and_variables_of_the_start() {
    let env = Env::busybox();
    let (old, _) = (made(&env, "file", "one"), made(&env, "variable", "one"));
    env.start("c", &["--secret", "file", "--secret", "variable,type=env"]);
    let now = || env.ok(["exec", "c", "sh", "-c", "cat /run/secrets/file; echo \" $variable\""]);
    made(&env, "file", "two");
    made(&env, "variable", "two");
    assert_eq!(now(), "one one");
    env.ok(["exec", "c", "sh", "-c", "echo changed > /run/secrets/file"]);
    env.ok(["restart", "-t", "0", "c"]);
    assert_eq!(now(), "one two");
    assert_eq!(env.inspect("c", "Config.Secrets.0.ID").as_str(), Some(old.as_str()));
    env.ok(["secret", "rm", "file"]);
    env.ok(["restart", "-t", "0", "c"]);
    assert_eq!(now(), "one two");
    env.ok(["secret", "rm", "variable"]);
    env.ok(["stop", "-t", "0", "c"]);
    let said = env.fails(125, ["start", "c"]);
    assert!(said.contains("no secret with name or id \"variable\""), "{said}");
}

#[test]
fn a_monitor_restarts_with_what_it_began_with() {
    let env = Env::busybox();
    made(&env, "a", "one");
    let script = "cat /run/secrets/a; echo \" $a\"; exit 1";
    env.ok([
        "run",
        "-d",
        "--name",
        "c",
        "--network",
        "none",
        "--restart",
        "on-failure:2",
        "--secret",
        "a",
        "--secret",
        "a,type=env",
        "busybox",
        "sh",
        "-c",
        script,
    ]);
    env.ok(["secret", "rm", "a"]);
    until("three runs", SOON, || (env.ok(["logs", "c"]) == "one one\none one\none one").then_some(()));
    env.ok(["wait", "c"]);
}

#[test]
fn damaged_swapped_and_lost() {
    let env = Env::busybox();
    let (a, b) = (made(&env, "a", "one"), made(&env, "b", "two"));
    let files = env.root().join("secrets/filedriver");
    std::fs::copy(files.join(&a), files.join(&b)).unwrap();
    let said = env.fails(125, ["run", "--rm", "--secret", "b", "busybox", "true"]);
    assert!(said.contains("damaged, or the file of another secret") && said.contains("--replace"), "{said}");
    std::fs::write(files.join(&a), "short").unwrap();
    let said = env.coracle(["secret", "inspect", "--showsecret", "a"]).run().expect(125).stderr;
    assert!(said.contains("it is not an encrypted secret"), "{said}");
    made(&env, "a", "three");
    env.ok(["create", "--name", "c", "--network", "none", "--secret", "a", "busybox", "cat", "/run/secrets/a"]);
    let (key, elsewhere) = (env.root().join("secrets/key"), env.work().join("key"));
    if key.exists() {
        std::fs::rename(&key, &elsewhere).unwrap();
        for args in [&["start", "-a", "c"][..], &["run", "--rm", "--secret", "a", "busybox", "true"]] {
            let said = env.fails(125, args);
            assert!(said.contains("key") && said.contains("is missing") && said.contains("hint: "), "{said}");
        }
        made(&env, "new", "x");
        let said = env.fails(125, ["start", "-a", "c"]);
        assert!(said.contains("it was encrypted with the key"), "{said}");
        std::fs::rename(&elsewhere, &key).unwrap();
    }
    assert_eq!(env.ok(["start", "-a", "c"]), "three");
    // A copy of another container's is none of this one's.
    env.ok(["create", "--name", "d", "--network", "none", "--secret", "a", "busybox", "cat", "/run/secrets/a"]);
    let dir =
        |name: &str| env.root().join("containers").join(env.inspect(name, "Id").as_str().unwrap()).join("secrets/0");
    std::fs::copy(dir("c"), dir("d")).unwrap();
    assert!(env.fails(125, ["start", "-a", "d"]).contains("damaged, or the file of another secret"));
}

#[test]
fn scripts_keep_secrets() {
    let env = Env::busybox();
    let kept = env.work().join("kept");
    std::fs::create_dir(&kept).unwrap();
    let at = format!("{}/$SECRET_ID", kept.display());
    let options = format!("list=ls {0},lookup=cat {at},store=cat > {at},delete=rm {at}", kept.display());
    let id = create(&env, "a", VALUE, &["--driver", "shell", "--driver-opts", &options]).expect(0).text();
    assert_eq!(std::fs::read_to_string(kept.join(&id)).unwrap(), VALUE);
    assert_eq!(env.sh(&["--secret", "a,type=env"], "echo $a"), VALUE);
    assert_eq!(show(&env, "a"), VALUE);
    env.ok(["secret", "rm", "a"]);
    assert!(!kept.join(&id).exists());
    let wrong = |options: &str| create(&env, "b", "x", &["-d", "shell", "--driver-opts", options]).expect(125).stderr;
    assert!(wrong("list=true").contains("missing config value"));
    assert!(wrong("list=true,lookup=true,store=exit 7,delete=true").contains("store command` failed: exit status 7"));
    assert_eq!(env.ok(["secret", "ls", "-q"]), "");
}

#[test]
fn gnupg_keeps_secrets() {
    let env = Env::new();
    if env.program("sh").args(["-c", "command -v gpg && command -v gpgconf"]).run().code() != 0 {
        return skip("gnupg_keeps_secrets", "gpg is not installed");
    }
    let home = env.work().join("g");
    std::fs::create_dir(&home).unwrap();
    std::fs::set_permissions(&home, std::fs::Permissions::from_mode(0o700)).unwrap();
    let gpg = |args: &[&str]| {
        env.program("gpg").args([&["--homedir", home.to_str().unwrap(), "--batch", "--quiet"], args].concat()).run()
    };
    gpg(&["--passphrase", "", "--quick-gen-key", "me@example.org", "default", "default", "never"]).expect(0);
    let store = env.root().parent().unwrap().join("home/.password-store");
    std::fs::create_dir(&store).unwrap();
    std::fs::write(store.join(".gpg-id"), "me@example.org\n").unwrap();
    let options = format!("gpghomedir={}", home.display());
    let id = create(&env, "a", VALUE, &["--driver", "pass", "--driver-opts", &options]).expect(0).text();
    assert!(store.join(format!("{id}.gpg")).exists());
    assert_eq!(show(&env, "a"), VALUE);
    env.ok(["secret", "rm", "a"]);
    assert!(!store.join(format!("{id}.gpg")).exists());
    env.program("gpgconf").args(["--homedir", home.to_str().unwrap(), "--kill", "all"]).run().expect(0);
}

#[test]
fn systemd_seals_the_key_where_it_can() {
    // One that does what the real one is to do; and two that do not.
    let good = r#"case "$*" in --version) echo "systemd 257 (257.2)";; "--user --name=coracle-secrets encrypt - -") echo sealed; rev;; "--user --name=coracle-secrets decrypt - -") read -r head; [ "$(id -u)" != 0 -a "$head" = sealed ] && rev;; *) exit 9;; esac"#;
    let old = r#"case "$*" in --version) echo "systemd 252 (252.2)";; *) exec sleep 1000;; esac"#;
    let broken = r#"case "$*" in --version) echo "systemd 257 (257.2)";; *) cat > /dev/null; echo other;; esac"#;
    for (text, is_sealed) in [(good, true), (old, false), (broken, false)] {
        let env = Env::busybox();
        let program = script(&env, "bin/systemd-creds", text);
        let path = format!("{}:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", program.parent().unwrap().display());
        let with = |args: &[&str]| env.coracle(args).env("PATH", &path).stdin(VALUE).run();
        with(&["secret", "create", "a", "-"]).expect(0);
        let keys = ["key.cred", "key"].map(|name| env.root().join("secrets").join(name).exists());
        assert_eq!(keys, [is_sealed, !is_sealed], "{text}");
        let run = ["run", "--rm", "--network", "none", "--secret", "a", "busybox", "cat", "/run/secrets/a"];
        assert_eq!(with(&run).expect(0).text(), VALUE);
        if is_sealed {
            with(&["create", "--name", "c", "--network", "none", "--secret", "a", "busybox", "cat", "/run/secrets/a"])
                .expect(0);
            assert_eq!(with(&["start", "-a", "c"]).expect(0).text(), VALUE);
            // The second one is started by a process that is root of a user namespace.
            with(&["create", "--name", "d", "--network", "none", "busybox", "true"]).expect(0);
            with(&["start", "d", "c"]).expect(0);
            script(&env, "bin/systemd-creds", "exit 1");
            let said = with(&run).expect(125).stderr;
            assert!(
                said.contains("unsealing the key") && said.contains("hint: it was sealed by systemd-creds"),
                "{said}"
            );
        }
    }
}

#[test]
fn a_kill_leaves_the_old_value_or_the_new_one() {
    let env = Env::new();
    made(&env, "a", "old");
    for round in 0..40 {
        let value = format!("value {round}");
        let running = env.coracle(["secret", "create", "--replace", "a", "-"]).stdin(value.clone()).spawn();
        let_pass(Duration::from_micros(500 * round));
        let before = show(&env, "a");
        unsafe_kill(running.pid());
        let _ = running.finish();
        let after = show(&env, "a");
        assert!(after == value || after == before, "{before} -> {after}");
    }
    made(&env, "b", "other");
    assert_eq!(env.ok(["secret", "ls", "-q"]).lines().count(), 2);
}

fn unsafe_kill(pid: i32) {
    let _ = nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), nix::sys::signal::SIGKILL);
}

#[test]
fn several_at_once_lose_nothing() {
    let env = Env::new();
    let running: Vec<_> = (0..8)
        .map(|number| env.coracle(["secret", "create", &format!("s{number}"), "-"]).stdin(format!("v{number}")).spawn())
        .collect();
    for one in running {
        one.finish().expect(0);
    }
    for number in 0..8 {
        assert_eq!(show(&env, &format!("s{number}")), format!("v{number}"));
    }
}
