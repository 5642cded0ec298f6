//! What a container wrote, kept and shown again.

use serde_json::Value;

use crate::support::{Env, SOON, until};

const SCRIPT: &str = "echo one; echo two >&2; echo three";

#[test]
fn streams_keep_apart_and_in_order() {
    let env = Env::busybox();
    for driver in ["k8s-file", "json-file"] {
        env.coracle([
            "run",
            "--name",
            driver,
            "--log-driver",
            driver,
            "--network",
            "none",
            "busybox",
            "sh",
            "-c",
            SCRIPT,
        ])
        .run()
        .expect(0);
        let output = env.coracle(["logs", driver]).run().expect(0);
        assert_eq!((output.stdout.as_str(), output.stderr.as_str()), ("one\nthree\n", "two\n"), "{driver}");
        assert_eq!(env.inspect(driver, "HostConfig.LogConfig.Type"), driver);
        let path = env.inspect(driver, "HostConfig.LogConfig.Path");
        let text = std::fs::read_to_string(path.as_str().unwrap()).unwrap();
        for line in text.lines() {
            if driver == "k8s-file" {
                let words: Vec<&str> = line.splitn(4, ' ').collect();
                assert!(
                    words[0].parse::<jiff::Timestamp>().is_ok()
                        && ["stdout", "stderr"].contains(&words[1])
                        && words[2] == "F",
                    "{line}"
                );
            }
        }
        assert_eq!(text.lines().count(), 3, "{text}");
    }
}

#[test]
fn timestamps_and_times() {
    let env = Env::busybox();
    env.coracle(["run", "--name", "t", "--network", "none", "busybox", "sh", "-c", "echo a; echo b"]).run().expect(0);
    let stamped = env.ok(["logs", "-t", "t"]);
    let times: Vec<jiff::Timestamp> =
        stamped.lines().map(|line| line.split(' ').next().unwrap().parse().unwrap()).collect();
    assert!(times.len() == 2 && times[0] <= times[1], "{stamped}");
    assert_eq!(env.ok(["logs", "--tail", "1", "t"]), "b");
    assert_eq!(env.ok(["logs", "--tail", "0", "t"]), "");
    assert_eq!(env.ok(["logs", "--tail", "9", "t"]), "a\nb");
    assert_eq!(env.ok(["logs", "--since", "1h", "t"]), "a\nb");
    assert_eq!(env.ok(["logs", "--until", "1h", "t"]), "");
    assert_eq!(env.ok(["logs", "--since", "2100-01-01T00:00:00Z", "t"]), "");
    assert_eq!(env.ok(["logs", "--names", "t"]), "t a\nt b");
    env.fails(125, ["logs", "--since", "whenever", "t"]);
    env.fails(125, ["logs", "nosuch"]);
}

#[test]
fn follow_until_the_end() {
    let env = Env::busybox();
    env.ok([
        "run",
        "-d",
        "-i",
        "--name",
        "f",
        "--network",
        "none",
        "-v",
        &format!("{}:/w", env.work().display()),
        "busybox",
        "sh",
        "-c",
        "echo first; while [ ! -e /w/go ]; do sleep 0.01; done; echo last",
    ]);
    let following = env.coracle(["logs", "-f", "f"]).spawn();
    until("the first line", SOON, || env.ok(["logs", "f"]).contains("first").then_some(()));
    env.file("go", "");
    following.finish().expect(0).says("first\nlast");
}

/// Lines longer than any buffer, without an end, with nothing in them, and bytes that are not text.
#[test]
fn nothing_is_lost_or_added() {
    let env = Env::busybox();
    let script = "head -c 100000 /dev/zero | tr '\\0' x; echo; echo; printf '\\377\\001'; echo; printf end";
    env.coracle(["run", "--name", "n", "--network", "none", "busybox", "sh", "-c", script]).run().expect(0);
    let shown = env.work().join("shown");
    let show = format!("\"$@\" > {}", shown.display());
    let coracle = env.coracle(["logs", "n"]).raw();
    let words: Vec<_> = std::iter::once(coracle.get_program()).chain(coracle.get_args()).collect();
    env.program("sh").args(["-c", &show, "sh"]).args(words).run().expect(0);
    let mut wanted = vec![b'x'; 100_000];
    wanted.extend(b"\n\n\xff\x01\nend");
    let mut got = std::fs::read(shown).unwrap();
    if got.len() == wanted.len() + 1 {
        assert_eq!(got.pop(), Some(b'\n'), "a line end may be added to the last line");
    }
    assert!(got == wanted, "{} bytes instead of {}", got.len(), wanted.len());
}

/// With a size limit old lines go; those that stay are the last ones, without a gap and without a broken line.
#[test]
fn rotation_keeps_an_unbroken_end() {
    let env = Env::busybox();
    for driver in ["k8s-file", "json-file"] {
        env.coracle([
            "run",
            "--name",
            driver,
            "--log-driver",
            driver,
            "--log-opt",
            "max-size=20k",
            "--network",
            "none",
            "busybox",
            "seq",
            "1",
            "20000",
        ])
        .run()
        .expect(0);
        let logs = env.ok(["logs", driver]);
        let numbers: Vec<u32> =
            logs.lines().map(|line| line.parse().unwrap_or_else(|_| panic!("broken line {line:?}"))).collect();
        assert_eq!(numbers.last(), Some(&20_000), "{driver}");
        assert!(numbers.windows(2).all(|pair| pair[1] == pair[0] + 1), "{driver}: a gap");
        assert!(numbers.len() > 50, "{driver}: only {} lines are left", numbers.len());
        let path = env.inspect(driver, "HostConfig.LogConfig.Path");
        let size = std::fs::metadata(path.as_str().unwrap()).unwrap().len();
        assert!(size <= 40_000, "{driver}: {size} bytes");
    }
}

#[test]
fn drivers_without_a_log() {
    let env = Env::busybox();
    for driver in ["none", "passthrough"] {
        let output = env
            .coracle(["run", "--name", driver, "--log-driver", driver, "--network", "none", "busybox", "echo", "seen"])
            .run()
            .expect(0);
        assert_eq!(output.stdout, "seen\n", "{driver}: {output}");
        assert!(env.fails(125, ["logs", driver]).contains(driver));
    }
    assert!(env.fails(125, ["run", "--rm", "--log-driver", "InvalidDriver", "busybox", "true"]).contains("log driver"));
}

#[test]
fn json_file_is_json_lines() {
    let env = Env::busybox();
    env.coracle([
        "run",
        "--name",
        "j",
        "--log-driver",
        "json-file",
        "--network",
        "none",
        "busybox",
        "echo",
        "quote \" and \\",
    ])
    .run()
    .expect(0);
    let path = env.inspect("j", "HostConfig.LogConfig.Path");
    let text = std::fs::read_to_string(path.as_str().unwrap()).unwrap();
    let first: Value = serde_json::from_str(text.lines().next().unwrap()).unwrap_or(Value::Null);
    assert_eq!(first["log"], "quote \" and \\\n", "{text}");
    assert_eq!(first["stream"], "stdout", "{text}");
    assert_eq!(env.ok(["logs", "j"]), "quote \" and \\");
}

#[test]
fn several_containers_and_restarts() {
    let env = Env::busybox();
    for name in ["a", "b"] {
        env.coracle(["run", "--name", name, "--network", "none", "busybox", "echo", name]).run().expect(0);
    }
    let both = env.ok(["logs", "a", "b"]);
    let mut lines: Vec<&str> = both.lines().map(|line| line.rsplit(' ').next().unwrap()).collect();
    lines.sort_unstable();
    assert_eq!(lines, ["a", "b"]);
    env.coracle(["start", "-a", "a"]).run().expect(0).says("a");
    assert_eq!(env.ok(["logs", "a"]), "a\na");
}
