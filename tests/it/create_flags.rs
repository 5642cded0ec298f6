//! Flags of `run` and `create` about who and where a command believes to be: accounts, groups, time zone, kernel,
//! limits, environment, dependencies. What they do was compared with the reference.

use std::path::Path;

use crate::support::fixtures::on_busybox;
use crate::support::image::Layer;
use crate::support::{Env, skip};

#[test]
fn time_zones() {
    let env = Env::busybox();
    if !Path::new("/usr/share/zoneinfo/Asia/Tokyo").exists() {
        return skip("time_zones", "the host has no time zone database");
    }
    assert_eq!(env.sh(&["--tz", "Asia/Tokyo"], "date +%z"), "+0900");
    assert_eq!(env.sh(&["--tz", "Asia/Tokyo", "--read-only"], "date +%Z"), "JST");
    assert_eq!(env.sh(&["--tz", ""], "ls /etc/localtime 2>/dev/null; date +%z"), "+0000");
    let host = std::fs::read("/etc/localtime").map(|bytes| bytes.len().to_string());
    if let Ok(host) = host {
        assert_eq!(env.sh(&["--tz", "local"], "wc -c < /etc/localtime"), host);
    }
    for (zone, part) in [
        ("Nope", "unknown time zone Nope"),
        ("../../etc/passwd", "invalid location name"),
        ("/etc/localtime", "invalid location name"),
        ("America", "is a directory"),
    ] {
        let said = env.fails(125, ["run", "--rm", "--tz", zone, "busybox", "true"]);
        assert!(said.contains("finding timezone") && said.contains(part), "{zone}: {said}");
    }
    env.ok(["create", "--name", "c", "--tz", "Asia/Tokyo", "busybox", "true"]);
    assert_eq!(env.inspect("c", "Config.Timezone"), "Asia/Tokyo");
    // Images often have a link there, and not always what it points to.
    let link = Layer::new().symlink("etc/localtime", "/usr/share/zoneinfo/Etc/UTC").gzip();
    env.add(&on_busybox("localhost/linked:1", vec![link]));
    let args = ["run", "--rm", "--network", "none", "--tz", "Asia/Tokyo", "localhost/linked:1", "date", "+%z"];
    assert_eq!(env.ok(args), "+0900");
}

#[test]
fn users_without_a_name_get_one() {
    let env = Env::busybox();
    let last = "tail -n 1 /etc/passwd; tail -n 1 /etc/group; id -u; id -g; echo $HOME";
    let nobody = "nobody:x:65534:65534::/:/bin/false";
    let nogroup = "nogroup:x:65534:";
    for (options, passwd, group, ids, home) in [
        (&["--user", "4000"][..], "4000:*:4000:0:container user:/:/bin/sh", "4000:x:4000:4000", "4000\n0", "/"),
        (&["--user", "4000:5000"], "4000:*:4000:5000:container user:/:/bin/sh", "5000:x:5000:4000", "4000\n5000", "/"),
        (
            &["--user", "4000", "-w", "/tmp"],
            "4000:*:4000:0:container user:/tmp:/bin/sh",
            "4000:x:4000:4000",
            "4000\n0",
            "/tmp",
        ),
        (
            &["--user", "4000", "--read-only"],
            "4000:*:4000:0:container user:/:/bin/sh",
            "4000:x:4000:4000",
            "4000\n0",
            "/",
        ),
        (&["--user", "1000"], nobody, nogroup, "1000\n1000", "/home/app"),
        (&["--user", "app:5000"], nobody, "5000:x:5000:app", "1000\n5000", "/home/app"),
        (&["--user", "4000", "--passwd=false"], nobody, nogroup, "4000\n0", "/"),
        (&[], nobody, nogroup, "0\n0", "/root"),
        (&["--passwd-entry", "x:*:$UID:$GID::/:", "--group-entry", "x:x:1:"], nobody, nogroup, "0\n0", "/root"),
        (
            &[
                "--user",
                "4000:5000",
                "--passwd-entry",
                "me:*:$UID:$GID:$NAME:/x:/bin/${USERNAME}",
                "--group-entry",
                "us:x:$GID:$USERLIST",
            ],
            "me:*:4000:5000:container user:/x:/bin/4000",
            "us:x:5000:4000",
            "4000\n5000",
            "/x",
        ),
    ] {
        assert_eq!(env.sh(options, last), format!("{passwd}\n{group}\n{ids}\n{home}"), "{options:?}");
    }
    // Once, however often it starts.
    env.start("c", &["--user", "4000"]);
    env.ok(["restart", "-t", "0", "c"]);
    assert_eq!(env.ok(["exec", "c", "grep", "-c", "^4000:", "/etc/passwd"]), "1");
    assert_eq!(env.ok(["exec", "c", "whoami"]), "4000");
    // What is mounted there is the user's own.
    let own = env.file("passwd", "root:x:0:0::/:/bin/sh\n");
    env.sh(&["--user", "4000", "-v", &format!("{}:/etc/passwd", own.display())], "true");
    assert_eq!(std::fs::read_to_string(&own).unwrap(), "root:x:0:0::/:/bin/sh\n");
    env.add(&on_busybox("localhost/away:1", vec![Layer::new().symlink("etc/passwd", "/mine/passwd").gzip()]));
    let volume = format!("{}:/mine", own.parent().unwrap().display());
    env.ok(["run", "--rm", "--network", "none", "--user", "4000", "-v", &volume, "localhost/away:1", "true"]);
    assert_eq!(std::fs::read_to_string(&own).unwrap(), "root:x:0:0::/:/bin/sh\n");
    let said = env.fails(125, ["run", "--rm", "--passwd-entry", "a\nb", "busybox", "true"]);
    assert!(said.contains("it must be one line"), "{said}");
}

#[test]
fn users_of_the_host() {
    let env = Env::busybox();
    let grep = "grep -E '^(daemon|root):' /etc/passwd";
    let root = "root:x:0:0:root:/root:/bin/sh";
    assert_eq!(env.sh(&["--hostuser", "daemon"], grep), format!("{root}\ndaemon:*:1:1:daemon:/:/bin/sh"));
    assert_eq!(env.sh(&["--hostuser", "root,daemon", "--user", "daemon"], "id -un; echo $HOME"), "daemon\n/");
    assert_eq!(env.sh(&["--hostuser", "1", "--user", "daemon"], "id -u"), "1");
    assert_eq!(env.sh(&["--hostuser", "daemon", "--passwd=false"], grep), root);
    let said = env.fails(125, ["run", "--rm", "--hostuser", "no-such-user", "busybox", "true"]);
    assert!(said.contains("unknown user no-such-user"), "{said}");
}

#[test]
fn kept_groups() {
    let env = Env::busybox();
    env.start("c", &["--group-add", "keep-groups"]);
    assert_eq!(env.inspect("c", "HostConfig.Annotations").get("run.oci.keep_original_groups").unwrap(), "1");
    assert_eq!(env.inspect("c", "HostConfig.GroupAdd"), serde_json::json!([]));
    let said = env.fails(125, ["run", "--rm", "--group-add", "keep-groups,5", "busybox", "true"]);
    assert!(said.contains("is not allowed with any other --group-add options"), "{said}");
    // The user's own groups are unknown in the container, but of use: what they may open, it may.
    let mine = env.program("id").args(["-G"]).run().expect(0).text();
    let count = mine.split_whitespace().count();
    let groups = "set -- $(grep ^Groups: /proc/self/status); echo $(($# - 1))";
    assert_eq!(env.ok(["exec", "c", "sh", "-c", groups]), count.to_string());
    assert_eq!(env.sh(&["--group-add", "keep-groups"], groups), count.to_string());
    assert_eq!(env.sh(&["--group-add", "keep-groups", "--user", "1000"], groups), count.to_string());
}

#[test]
fn execution_domains() {
    let env = Env::busybox();
    let own = env.sh(&["--personality", "LINUX"], "uname -m");
    assert_eq!(own, env.sh(&[], "uname -m"));
    if own != "x86_64" {
        return skip("execution_domains", "the names of 32-bit machines differ");
    }
    assert_eq!(env.sh(&["--personality", "LINUX32"], "uname -m"), "i686");
    env.start("c", &["--personality", "LINUX32"]);
    assert_eq!(env.ok(["exec", "c", "uname", "-m"]), "i686");
    assert!(env.fails(125, ["run", "--rm", "--personality", "linux", "busybox", "true"]).contains("unknown persona"));
}

#[test]
fn limits_of_the_host() {
    let env = Env::busybox();
    let files = "ulimit -n; ulimit -Hn";
    let host = env.program("sh").args(["-c", files]).run().expect(0).text();
    assert_eq!(env.sh(&["--ulimit", "host"], files), host);
    assert_eq!(env.sh(&["--ulimit", "nofile=10", "--ulimit", "host"], files), host);
    let hard = host.lines().last().unwrap();
    assert_eq!(env.sh(&["--ulimit", "nofile=-1:-1"], files), format!("{hard}\n{hard}"));
}

#[test]
fn files_for_directories_that_are_roots() {
    let env = Env::busybox();
    let script =
        "cmp /etc/hosts /srv/a/etc/hosts && cmp /etc/resolv.conf /srv/b/etc/resolv.conf && cat /srv/a/etc/hostname";
    assert_eq!(env.sh(&["--chrootdirs", "/srv/a,/srv/b", "--hostname", "h"], script), "h");
    assert!(env.fails(125, ["run", "--rm", "--chrootdirs", "/", "busybox", "true"]).contains("--chrootdirs"));
}

#[test]
fn the_environment_in_its_order() {
    let env = Env::busybox();
    let config = serde_json::json!({"Env": ["PATH=/bin", "FOO=image", "http_proxy=image", "BAR=image"]});
    env.add(&on_busybox("localhost/env:1", vec![]).config(config));
    let file = env.file("env", "# comment\n  FOO=file\nHOST\nNOT_THERE\nexport X=1\nQ=\"q\" # kept\nHO*\n\nCRLF=1\r\n");
    let run = |options: &[&str]| {
        let args = [&["run", "--rm", "--network", "none"], options, &["localhost/env:1", "env"]].concat();
        let output = env.coracle(args).env("HOST", "h").env("FOO", "host").env("http_proxy", "host").run().expect(0);
        let mut lines: Vec<String> = output.stdout.lines().map(str::to_owned).collect();
        lines.retain(|line| !["HOSTNAME=", "HOME=", "PATH="].iter().any(|name| line.starts_with(name)));
        lines.sort();
        lines.join(" ")
    };
    let file = file.to_str().unwrap();
    assert_eq!(run(&[]), "BAR=image FOO=image container=podman http_proxy=host");
    assert_eq!(run(&["--http-proxy=false"]), "BAR=image FOO=image container=podman http_proxy=image");
    assert!(run(&["--env-host"]).contains("BAR=image FOO=host HOST=h"));
    assert!(run(&["--env-host", "--env-file", file]).contains("FOO=file"));
    assert_eq!(
        run(&["--env-file", file, "-e", "FOO=flag", "-e", "", "-e", "Z*=z", "-e", "A B=c"]),
        "A B=c BAR=image CRLF=1 FOO=flag HOST=h Q=\"q\" # kept Z*=z container=podman export X=1 http_proxy=host"
    );
    assert_eq!(
        run(&["--env-merge", "FOO=${FOO}-x", "--env-merge", "N=${NOPE}-x", "-e", "BAR=flag"]),
        "BAR=flag FOO=image-x N=-x container=podman http_proxy=host"
    );
    assert_eq!(run(&["--unsetenv", "FOO", "--unsetenv", "http_proxy"]), "BAR=image container=podman http_proxy=host");
    assert_eq!(run(&["--unsetenv-all", "-e", "A=1"]), "A=1 http_proxy=host");
    for (options, part) in [
        (&["-e", "=x"][..], "invalid variable: \"=x\""),
        (&["--env-merge", "PATH"], "missing `=` for --env-merge substitution PATH"),
        (&["--env-file", "/no/such"], "`/no/such`"),
    ] {
        let said = env.fails(125, [&["run", "--rm"], options, &["localhost/env:1", "true"]].concat());
        assert!(said.contains(part), "{options:?}: {said}");
    }
}

#[test]
fn labels_from_files() {
    let env = Env::busybox();
    let file = env.file("labels", "# comment\na=1\n b=2\nc\n\ne=\"x\"\n");
    env.ok(["create", "--name", "c", "--label-file", file.to_str().unwrap(), "-l", "a=over", "busybox", "true"]);
    assert_eq!(env.inspect("c", "Config.Labels"), serde_json::json!({"a": "over", "b": "2", "c": "", "e": "\"x\""}));
    let file = env.file("wrong", "d = 4\n");
    let said = env.fails(125, ["create", "--label-file", file.to_str().unwrap(), "busybox", "true"]);
    assert!(said.contains("name \"d \" has white spaces"), "{said}");
}

#[test]
fn what_is_required_runs_first_and_goes_last() {
    let env = Env::busybox();
    let create = |name: &str, options: &[&str]| {
        env.ok([&["create", "--network", "none", "--name", name], options, &["busybox", "sleep", "1000"]].concat())
    };
    let first = create("first", &[]);
    create("second", &["--requires", "first"]);
    let third = create("third", &["--requires", "second,first"]);
    assert_eq!(env.inspect("third", "Dependencies").as_array().unwrap().len(), 2);
    env.ok(["start", "third"]);
    for name in ["first", "second", "third"] {
        assert_eq!(env.status(name), "running", "{name}");
    }
    for flags in [&["rm"][..], &["rm", "-f", "-t", "0"]] {
        let said = env.fails(125, [flags, &["first"]].concat());
        assert!(
            said.contains("has dependent containers which must be removed before it") && said.contains(&third),
            "{said}"
        );
    }
    env.ok(["rename", "first", "other"]);
    env.ok(["stop", "-t", "0", "third"]);
    env.ok(["rm", "third"]);
    let removed = env.ok(["rm", "-f", "-t", "0", "--depend", &first]);
    assert_eq!(removed.lines().count(), 2, "{removed}");
    env.assert_nothing_left();
    let said = env.fails(125, ["run", "--rm", "--requires", "nope", "busybox", "true"]);
    assert!(said.contains("\"nope\" is not a valid container, cannot be used as a dependency"), "{said}");
}

#[test]
fn exec_reads_environments_as_run_does() {
    let env = Env::busybox();
    env.start("c", &["-e", "A=container"]);
    let file = env.file("env", "B=file\nHOST\n");
    let args =
        ["exec", "--env-file", file.to_str().unwrap(), "-e", "B=flag", "-e", "HO*", "-e", "NOT_THERE", "c", "env"];
    let output = env.coracle(args).env("HOST", "h").run().expect(0).stdout;
    let has = |line: &str| output.lines().any(|l| l == line);
    assert!(has("A=container") && has("B=flag") && has("HOST=h") && !output.contains("NOT_THERE"), "{output}");
    for (option, value) in [("-e", ""), ("-e", "=x")] {
        let said = env.fails(125, ["exec", option, value, "c", "env"]);
        assert!(said.contains("parsing environment variables: invalid variable"), "{said}");
    }
    assert!(env.fails(127, ["exec", "-w", "/no/such", "c", "pwd"]).contains("`/no/such`"));
    assert_eq!(env.ok(["exec", "-w", "/bin", "c", "pwd"]), "/bin");
    assert_eq!(env.ok(["exec", "--user", ":8", "c", "id", "-g"]), "8");
}
