//! Volumes as a user meets them: named, anonymous, of images and of other containers; filled, listed, copied, removed.

use std::path::PathBuf;

use serde_json::{Value, json};

use crate::support::fixtures::on_busybox;
use crate::support::image::{Layer, archive};
use crate::support::{Env, SOON, poll};

/// Where the files of a volume are.
fn data(env: &Env, name: &str) -> PathBuf {
    env.root().join("volumes").join(name).join("_data")
}

fn volumes(env: &Env) -> Vec<String> {
    env.ok(["volume", "ls", "-q"]).lines().map(str::to_owned).collect()
}

fn inspect(env: &Env, name: &str) -> Value {
    let all: Value = serde_json::from_str(&env.ok(["volume", "inspect", name])).unwrap();
    all[0].clone()
}

/// An image with something at `/data`, which it declares as a volume if `declared`.
fn add_image(env: &Env, name: &str, declared: bool) {
    let layer = Layer::new()
        .dir("data/", 0o750)
        .dir("data/dir/", 0o2711)
        .owned("data/dir/own", 0o640, 1000, 2000, b"app's")
        .file("data/file", 0o4755, "content")
        .hardlink("data/hard", "data/file")
        .symlink("data/link", "/etc/passwd")
        .symlink("data/up", "../../../../../../etc")
        .fifo("data/fifo")
        .symlink("elsewhere", "data");
    let mut config = json!({"Cmd": ["sh"]});
    if declared {
        config["Volumes"] = json!({"/data": {}, "/empty": {}});
    }
    env.add(&on_busybox(name, vec![layer.plain()]).config(config));
}

/// What [`add_image`] has at a path, as the container sees it.
const LOOK: &str =
    "cd $D; stat -c '%n %a %u:%g %h' . dir dir/own file hard fifo | sort; readlink link; readlink up; cat file dir/own";
const LOOKS: &str = "\
. 750 0:0 3
dir 2711 0:0 2
dir/own 640 1000:2000 1
fifo 644 0:0 1
file 4755 0:0 2
hard 4755 0:0 2
/etc/passwd
../../../../../../etc
contentapp's";

#[test]
fn named_volumes_outlive_containers() {
    let env = Env::busybox();
    for mount in ["-v=v:/w", "--mount=type=volume,src=v,dst=/w", "--mount=type=volume,source=v,target=/w,rw"] {
        env.sh(&[mount], "echo from one >> /w/f");
    }
    assert_eq!(
        env.sh(&["-v", "v:/other/place:ro"], "cat /other/place/f; touch /other/place/x 2>&1 | grep -c Read-only"),
        "from one\nfrom one\nfrom one\n1"
    );
    assert_eq!(volumes(&env), ["v"]);
    assert_eq!(std::fs::read_to_string(data(&env, "v").join("f")).unwrap().lines().count(), 3);
    // Options are as in the reference, and what it refuses is refused.
    let options = env.sh(&["-v", "v:/w"], "grep ' /w ' /proc/self/mountinfo");
    assert!(options.contains("rw,nosuid,nodev"), "{options}");
    let options = env.sh(&["-v", "v:/w:dev,suid,noexec"], "grep ' /w ' /proc/self/mountinfo");
    assert!(!options.contains("nosuid") && !options.contains("nodev") && options.contains("noexec"), "{options}");
    for (volume, part) in [
        ("a/b:/w", "names must match"),
        ("v:/w:nosuch", "nosuch"),
        ("v:/w:copy,nocopy", "can only specify 1"),
        ("v", "absolute"),
    ] {
        let said = env.fails(125, ["run", "--rm", "--network", "none", "-v", volume, "busybox", "true"]);
        assert!(said.contains(part), "{volume}: {said}");
    }
    // Twice in one container.
    assert_eq!(env.sh(&["-v", "v:/a", "-v", "v:/b:ro"], "echo x > /a/g; cat /b/g"), "x");
    env.assert_nothing_left();
}

#[test]
fn anonymous_volumes_go_with_their_container() {
    let env = Env::busybox();
    assert_eq!(env.sh(&["-v", "/w"], "echo x > /w/f; cat /w/f"), "x");
    assert_eq!(volumes(&env), Vec::<String>::new(), "--rm removes them");
    env.ok([
        "run",
        "--name",
        "c",
        "--network",
        "none",
        "-v",
        "/w",
        "-v",
        "named:/n",
        "--mount",
        "type=volume,dst=/m",
        "busybox",
        "true",
    ]);
    let mounts = env.inspect("c", "Mounts");
    let own: Vec<&str> =
        mounts.as_array().unwrap().iter().map(|m| m["Name"].as_str().unwrap()).filter(|n| n.len() == 64).collect();
    assert_eq!(own.len(), 2);
    assert_eq!(inspect(&env, own[0])["Anonymous"], true);
    assert_eq!(volumes(&env).len(), 3);
    env.ok(["rm", "c"]);
    assert_eq!(volumes(&env).len(), 3, "kept without -v");
    env.ok(["volume", "prune", "-f"]);
    env.ok(["run", "--name", "c", "--network", "none", "-v", "/w", "-v", "named:/n", "busybox", "true"]);
    env.ok(["rm", "-v", "c"]);
    assert_eq!(volumes(&env), ["named"]);
    // A container that runs, removed by force; one whose `--rm` was never reached because it could not start.
    env.start("c", &["-v", "/w"]);
    env.ok(["rm", "-f", "-v", "-t", "0", "c"]);
    env.fails(127, ["run", "--rm", "--network", "none", "-v", "/w", "busybox", "/nosuch"]);
    assert_eq!(volumes(&env), ["named"]);
    env.assert_nothing_left();
}

#[test]
fn volumes_that_images_declare() {
    let env = Env::new();
    add_image(&env, "localhost/declares:latest", true);
    let run = |options: &[&str], script: &str| {
        let mut args = vec!["run", "--network", "none"];
        args.extend(options);
        args.extend(["declares", "sh", "-c", script]);
        env.ok(args)
    };
    let look = LOOK.replace("$D", "/data");
    assert_eq!(run(&["--name", "c"], &format!("{look}; echo x > /data/new; ls -A /empty")), LOOKS);
    assert_eq!(env.coracle(["start", "-a", "c"]).run().expect(0).text(), LOOKS, "its own on the next start as well");
    let names = volumes(&env);
    assert_eq!(names.len(), 2);
    let of_data =
        env.inspect("c", "Mounts").as_array().unwrap().iter().find(|m| m["Destination"] == "/data").unwrap().clone();
    assert_eq!(
        (&of_data["Type"], &of_data["Driver"], &of_data["RW"]),
        (&json!("volume"), &json!("local"), &json!(true))
    );
    assert!(names.contains(&of_data["Name"].as_str().unwrap().to_owned()));
    assert_eq!(of_data["Source"], json!(data(&env, of_data["Name"].as_str().unwrap())));
    env.ok(["rm", "-v", "c"]);
    for mode in ["bind", "anonymous"] {
        assert_eq!(run(&["--rm", "--image-volume", mode], &look), LOOKS);
    }
    let options = run(&["--rm", "--image-volume", "tmpfs"], "grep ' /data ' /proc/self/mountinfo; cat /data/file");
    assert!(options.contains(" tmpfs ") && options.ends_with("content"), "{options}");
    assert_eq!(
        run(
            &["--rm", "--image-volume", "ignore"],
            "grep -c ' /data ' /proc/self/mountinfo; ls -d /empty 2>&1 | grep -c 'No such'; exit 0"
        ),
        "0\n1"
    );
    // What the user mounts there goes before.
    assert_eq!(run(&["--rm", "-v", "mine:/data"], &look), LOOKS);
    assert_eq!(run(&["--rm", "--tmpfs", "/data:notmpcopyup"], "ls -A /data"), "");
    assert_eq!(volumes(&env), ["mine"]);
    env.assert_nothing_left();
}

/// The first use of an empty volume copies what the image has there, with everything.
#[test]
fn copying_up() {
    let env = Env::busybox();
    add_image(&env, "localhost/full:latest", false);
    let run = |options: &[&str], script: &str| {
        let mut args = vec!["run", "--rm", "--network", "none"];
        args.extend(options);
        args.extend(["full", "sh", "-c", script]);
        env.ok(args)
    };
    let look = |dir: &str| LOOK.replace("$D", dir);
    assert_eq!(inspect(&env, &env.ok(["volume", "create", "v"]))["NeedsCopyUp"], true);
    assert_eq!(run(&["-v", "v:/data"], &look("/data")), LOOKS);
    assert_eq!(inspect(&env, "v").get("NeedsCopyUp"), None);
    // Never a second time, and never over something.
    assert_eq!(run(&["-v", "v:/data"], "rm -r /data/* && ls -A /data"), "");
    assert_eq!(run(&["-v", "v:/data"], "ls -A /data"), "");
    env.sh(&["-v", "used:/x"], "echo mine > /x/mine");
    assert_eq!(run(&["-v", "used:/data"], "ls -A /data"), "mine");
    // A directory that is a link in the image; a path that is not there, or a file; another container's use in between.
    assert_eq!(run(&["-v", "linked:/elsewhere"], &look("/data")), LOOKS);
    for path in ["/nosuch", "/data/file/x"] {
        let _ = env.coracle(["run", "--rm", "--network", "none", "-v", &format!("later:{path}"), "full", "true"]).run();
    }
    env.start("other", &["-v", "later:/y"]);
    assert_eq!(run(&["-v", "later:/data"], &look("/data")), LOOKS, "while another one has the empty volume");
    assert_eq!(env.ok(["exec", "other", "cat", "/y/file"]), "content");
    // Not wanted.
    assert_eq!(run(&["-v", "no1:/data:nocopy"], "ls -A /data; stat -c %a /data"), "750");
    assert_eq!(run(&["--mount", "type=volume,src=no2,dst=/data,volume-nocopy"], "ls -A /data"), "");
    env.ok(["volume", "create", "-o", "nocopy", "no3"]);
    assert_eq!(run(&["-v", "no3:/data"], "ls -A /data"), "");
    // A new directory belongs to who uses it, one with an owner to that one.
    assert_eq!(run(&["-u", "app", "-v", "own1:/nosuch"], "stat -c %u:%g /nosuch; touch /nosuch/x"), "1000:1000");
    env.ok(["volume", "create", "-o", "o=uid=7,gid=8", "own2"]);
    assert_eq!(run(&["-v", "own2:/data"], "stat -c %u:%g /data; cat /data/file"), "7:8\ncontent");
    env.ok(["rm", "-f", "-t", "0", "other"]);
    env.assert_nothing_left();
}

/// A link of the image as the destination of a volume leads nowhere but into the image.
#[test]
fn copying_up_stays_inside_the_image() {
    let env = Env::new();
    let secret = env.file("outside/secret", "of the host");
    let outside = secret.parent().unwrap().display().to_string();
    let up = format!("{}{outside}", "../".repeat(20));
    let layer = Layer::new()
        .symlink("abs", &outside)
        .symlink("up", &up)
        .symlink("proc", "/proc/self/root")
        .symlink("loop", "loop");
    env.add(&on_busybox("localhost/links", vec![layer.plain()]));
    for (index, path) in ["/abs", "/up", "/proc/x", "/loop"].into_iter().enumerate() {
        let volume = format!("v{index}:{path}");
        let _ = env.coracle(["run", "--rm", "--network", "none", "-v", &volume, "links", "true"]).run();
        let found = data(&env, &format!("v{index}"));
        assert_eq!(std::fs::read_dir(&found).unwrap().count(), 0, "{path} led out of the image");
    }
    assert_eq!(std::fs::read_dir(secret.parent().unwrap()).unwrap().count(), 1);
    env.assert_nothing_left();
}

#[test]
fn volumes_of_another_container() {
    let env = Env::busybox();
    let host = env.file("host/file", "bound");
    let bind = format!("{}:/b:ro", host.parent().unwrap().display());
    env.ok(["create", "--name", "c", "-v", "named:/n:ro,noexec", "-v", "/a", "-v", &bind, "--tmpfs", "/t", "busybox"]);
    let points = |name: &str| -> Vec<String> {
        let mut points: Vec<String> = env
            .inspect(name, "Mounts")
            .as_array()
            .unwrap()
            .iter()
            .map(|m| format!("{} {}", m["Destination"].as_str().unwrap(), m["RW"]))
            .collect();
        points.sort();
        points
    };
    assert_eq!(
        env.sh(
            &["--volumes-from", "c", "-v", "x:/a"],
            "cat /b/file; echo; touch /n/x 2>&1 | grep -c Read-only; grep -c ' /t ' /proc/self/mountinfo; exit 0"
        ),
        "bound\n1\n0"
    );
    env.ok(["create", "--name", "same", "--volumes-from", "c", "busybox"]);
    assert_eq!(points("same"), ["/a true", "/b false", "/n false"]);
    assert_eq!(env.inspect("same", "HostConfig.VolumesFrom"), json!(["c"]));
    env.ok(["create", "--name", "ro", "--volumes-from", "c:ro", "busybox"]);
    assert_eq!(points("ro"), ["/a false", "/b false", "/n false"]);
    env.ok(["create", "--name", "own", "--volumes-from", "c:rw,z", "-v", "mine:/a", "busybox"]);
    assert_eq!(points("own"), ["/a true", "/b true", "/n true"]);
    for (from, part) in [
        ("nosuch", "looking up container \"nosuch\" for volumes-from"),
        ("c:bogus", "can only use z,ro,rw options"),
        ("c:ro,rw", "cannot set ro or rw options more than once"),
    ] {
        let said = env.fails(125, ["create", "--volumes-from", from, "busybox"]);
        assert!(said.contains(part), "{from}: {said}");
    }
    // The anonymous one goes with the last who uses it.
    let anonymous = volumes(&env).into_iter().filter(|name| name.len() == 64).count();
    assert_eq!(anonymous, 1);
    for (name, left) in [("c", 1), ("same", 1), ("own", 1), ("ro", 0)] {
        env.ok(["rm", "-v", name]);
        assert_eq!(volumes(&env).into_iter().filter(|name| name.len() == 64).count(), left, "after {name}");
    }
    env.assert_nothing_left();
}

#[test]
fn parts_of_volumes() {
    let env = Env::busybox();
    env.sh(
        &["-v", "v:/w"],
        "mkdir -p /w/a/b; echo x > /w/a/b/f; ln -s a/b /w/in; ln -s /etc /w/abs; ln -s ../../../.. /w/up",
    );
    let part = |subpath: &str| format!("type=volume,src=v,dst=/m,subpath={subpath}");
    assert_eq!(env.sh(&["--mount", &part("a")], "ls /m; echo y > /m/g"), "b");
    assert_eq!(env.sh(&["--mount", &part("/a/b/f")], "cat /m"), "x");
    assert_eq!(env.sh(&["--mount", &part("in")], "cat /m/f"), "x");
    env.ok(["create", "--name", "c", "--network", "none", "--mount", &part("a"), "busybox", "cat", "/m/b/f"]);
    assert_eq!(env.inspect("c", "Mounts.0.SubPath"), "a");
    for _ in 0..2 {
        assert_eq!(env.coracle(["start", "-a", "c"]).run().expect(0).text(), "x");
    }
    for (subpath, what) in
        [("abs", "outside of the volume"), ("up", "outside of the volume"), ("nosuch", "No such file")]
    {
        let said = env.fails(125, ["run", "--rm", "--network", "none", "--mount", &part(subpath), "busybox", "true"]);
        assert!(said.contains(what), "{subpath}: {said}");
    }
    env.ok(["rm", "c"]);
    env.assert_nothing_left();
}

/// A tmpfs is shared by the containers that run at the same time, and gone with the last of them.
#[test]
fn tmpfs_and_bind_volumes() {
    let env = Env::busybox();
    env.ok(["volume", "create", "-o", "type=tmpfs", "-o", "device=tmpfs", "-o", "o=size=1m,uid=1000,nosuid", "t"]);
    let shown = inspect(&env, "t");
    assert_eq!((&shown["Options"]["SIZE"], &shown["UID"]), (&json!("1m"), &json!(1000)));
    env.start("one", &["-v", "t:/w"]);
    env.ok(["exec", "one", "sh", "-c", "echo one > /w/f; stat -c %u /w"]);
    env.start("two", &["-v", "t:/other"]);
    assert_eq!(
        env.ok(["exec", "two", "sh", "-c", "cat /other/f; echo two > /other/g; df -k /other | awk 'END { print $2 }'"]),
        "one\n1024"
    );
    env.ok(["rm", "-f", "-t", "0", "one"]);
    assert_eq!(env.sh(&["-v", "t:/w"], "cat /w/f /w/g"), "one\ntwo");
    assert_eq!(std::fs::read_dir(data(&env, "t")).unwrap().count(), 0, "nothing of it is on disk");
    env.ok(["restart", "-t", "0", "two"]);
    env.ok(["rm", "-f", "-t", "0", "two"]);
    assert_eq!(env.sh(&["-v", "t:/w"], "ls -A /w"), "");

    let host = env.work().join("host");
    std::fs::create_dir(&host).unwrap();
    let device = format!("device={}", host.display());
    env.ok(["volume", "create", "-o", "o=bind", "-o", &device, "b"]);
    env.ok(["volume", "create", "-o", "o=bind,ro", "-o", &device, "-o", "type=none", "b-ro"]);
    env.sh(&["-v", "b:/w"], "echo x > /w/f");
    assert_eq!(std::fs::read_to_string(host.join("f")).unwrap(), "x\n");
    assert_eq!(env.sh(&["-v", "b-ro:/w"], "cat /w/f; touch /w/g 2>&1 | grep -c Read-only"), "x\n1");
    env.ok(["volume", "rm", "b", "b-ro"]);
    assert!(host.join("f").exists(), "the host's own directory stays");
    let gone = format!("device={}", env.work().join("nosuch").display());
    env.ok(["volume", "create", "-o", "o=bind", "-o", &gone, "bad"]);
    let said = env.fails(125, ["run", "--rm", "--network", "none", "-v", "bad:/w", "busybox", "true"]);
    assert!(said.contains("nosuch") && said.contains("volume `bad`"), "{said}");
    for (options, part) in [
        (&["-d", "flocker"][..], "volume plugins are not supported"),
        (&["-o", "type=ext4", "-o", "device=/dev/sda"], "type `ext4` is not supported"),
        (&["-o", "o=size=1g"], "Project Quota"),
        (&["-o", "foo=bar"], "invalid mount option foo for driver 'local'"),
        (&["--label", "=x"], "invalid label format"),
    ] {
        let mut args = vec!["volume", "create"];
        args.extend(options);
        let said = env.fails(125, args);
        assert!(said.contains(part), "{options:?}: {said}");
    }
    env.assert_nothing_left();
}

#[test]
fn what_is_in_use_stays() {
    let env = Env::busybox();
    env.start("runs", &["-v", "v:/w"]);
    env.ok(["create", "--name", "created", "-v", "v:/w", "-v", "/a", "busybox"]);
    let id = env.inspect("runs", "Id").as_str().unwrap().to_owned();
    let said = env.fails(2, ["volume", "rm", "v"]);
    assert!(said.contains("volume v is being used by the following container(s): ") && said.contains(&id), "{said}");
    assert!(said.contains(": volume is being used"), "{said}");
    env.ok(["volume", "create", "free"]);
    assert_eq!(env.ok(["volume", "prune", "-f"]), "free");
    assert_eq!(volumes(&env).len(), 2);
    let output = env.coracle(["volume", "rm", "v", "nosuch"]).run().expect(2);
    assert!(output.stderr.contains("no volume with name \"nosuch\" found: no such volume"), "{output}");
    env.fails(1, ["volume", "rm", "nosuch"]);
    env.ok(["volume", "rm", "-f", "nosuch"]);
    assert_eq!(env.ok(["volume", "rm", "-f", "-t", "0", "v"]), "v");
    assert_eq!(env.names(), Vec::<String>::new());
    assert_eq!(volumes(&env).len(), 1, "the anonymous one of the removed container is nobody's now");
    env.ok(["volume", "rm", "-a"]);
    // Of a container that cannot be read nobody knows what it uses.
    let id = env.ok(["create", "-v", "v:/w", "-v", "/a", "busybox"]);
    std::fs::write(env.root().join("containers").join(&id).join("record.json"), "{").unwrap();
    for args in [&["volume", "prune", "-f"][..], &["volume", "rm", "v"], &["volume", "rm", "-f", "v"]] {
        let said = env.fails(125, args);
        assert!(said.contains("which volumes are in use") && said.contains(&id), "{args:?}: {said}");
    }
    assert_eq!(volumes(&env).len(), 2);
    env.ok(["rm", "--force", &id]);
    env.ok(["volume", "rm", "-a"]);
    // Somebody has removed it by hand.
    env.ok(["create", "--name", "c", "--network", "none", "-v", "v:/w", "-v", "/a", "busybox", "ls", "-A", "/w", "/a"]);
    std::fs::remove_dir_all(env.root().join("volumes")).unwrap();
    let said = env.fails(125, ["start", "c"]);
    assert!(said.contains("no volume with name \"v\" found") && said.contains("volume create v"), "{said}");
    env.ok(["volume", "create", "v"]);
    env.coracle(["start", "-a", "c"]).run().expect(0);
    env.ok(["rm", "-v", "c"]);
    env.assert_nothing_left();
}

#[test]
fn listing_and_finding() {
    let env = Env::busybox();
    env.ok(["volume", "create", "--label", "tier=db", "first"]);
    env.ok(["volume", "create", "-o", "type=tmpfs", "second"]);
    env.ok(["create", "--name", "c", "-v", "first:/w", "busybox"]);
    assert_eq!(env.ok(["volume", "ls"]), "DRIVER      VOLUME NAME\nlocal       first\nlocal       second");
    for (filter, want) in [
        ("dangling=true", "second"),
        ("label=tier=db", "first"),
        ("label!=tier", "second"),
        ("name=^s", "second"),
        ("since=first", "second"),
        ("opt=type", "second"),
    ] {
        assert_eq!(env.ok(["volume", "ls", "-q", "--filter", filter]), want, "{filter}");
    }
    env.fails(125, ["volume", "ls", "--filter", "nosuch=1"]);
    // The beginning of a name is enough, where it is of one only.
    assert_eq!(env.ok(["volume", "inspect", "-f", "{{.Name}} {{.Anonymous}}", "fi"]), "first false");
    env.ok(["volume", "create", "fi2"]);
    assert!(env.fails(125, ["volume", "inspect", "-f", "{{.Name}}", "fi"]).contains("more than one result"));
    assert_eq!(env.ok(["inspect", "-f", "{{.Mountpoint}}", "second"]), data(&env, "second").display().to_string());
    env.coracle(["volume", "exists", "first"]).run().expect(0).says("");
    env.coracle(["volume", "exists", "fi"]).run().expect(1).says("");
    assert_eq!(env.ok(["volume", "create", "--ignore", "first"]), "first");
    assert!(
        env.fails(125, ["volume", "create", "first"])
            .contains("volume with name first already exists: volume already exists")
    );
    assert_eq!(env.ok(["volume", "create"]).len(), 64);
    for (filter, want) in [("volume=first", "c"), ("volume=/w", "c"), ("volume=second", "")] {
        assert_eq!(env.ok(["ps", "-a", "--format", "{{.Names}}", "--filter", filter]), want, "{filter}");
    }
    let output = env.coracle(["volume", "prune"]).stdin("n\n").run().expect(0);
    assert!(output.stdout.contains("The following volumes will be removed:\nsecond\n"), "{output}");
    env.ok(["volume", "prune", "-f", "--filter", "name=sec"]);
    env.ok(["volume", "reload"]);
    let df: Value = serde_json::from_str(&env.ok(["system", "df", "--format", "json"])).unwrap();
    assert_eq!((&df[2]["Type"], &df[2]["Total"], &df[2]["Active"]), (&json!("Local Volumes"), &json!(3), &json!(1)));
    env.ok(["system", "reset", "-f"]);
    assert!(!env.root().join("volumes").exists());
}

#[test]
fn mounted_within_unshare() {
    let env = Env::busybox();
    env.ok(["volume", "create", "-o", "type=tmpfs", "t"]);
    env.ok(["volume", "create", "v"]);
    assert!(env.fails(125, ["volume", "mount", "v"]).contains("must execute `coracle unshare` first"));
    let (root, run) = (env.root().display().to_string(), env.runroot().display().to_string());
    let coracle = format!("{} --root {root} --runroot {run}", crate::support::env::CORACLE);
    let script = format!(
        "m=$({coracle} volume mount t) && touch $m/x && grep -c \" $m \" /proc/self/mountinfo && {coracle} volume unmount t && ls -A $m && {coracle} volume mount v"
    );
    assert_eq!(env.ok(["unshare", "sh", "-c", &script]), format!("1\nt\n{}", data(&env, "v").display()));
}

#[test]
fn archives() {
    let env = Env::busybox();
    env.sh(&["-v", "v:/w"], "cd /w; mkdir -p d; echo x > d/f; ln d/f hard; ln -s /etc/passwd link; chown -R 1000:2000 d; chmod 700 d; touch .wh.kept");
    let tar = env.work().join("v.tar");
    env.ok(["volume", "export", "-o", tar.to_str().unwrap(), "v"]);
    let list = env.program("tar").args(["tvf", tar.to_str().unwrap(), "--numeric-owner"]).run().expect(0).text();
    assert!(list.contains("drwx------ 1000/2000") && list.contains("link -> /etc/passwd"), "{list}");
    assert_eq!(
        env.coracle(["volume", "export", "v"]).run().expect(0).stdout.len() as u64,
        std::fs::metadata(&tar).unwrap().len()
    );
    let bytes = std::fs::read(&tar).unwrap();
    let look = "cd /w; stat -c '%n %a %u:%g %h' d d/f hard; readlink link; cat hard; ls -A";
    let want = env.sh(&["-v", "v:/w"], look);
    env.program("gzip").args(["-k", tar.to_str().unwrap()]).run().expect(0);
    std::fs::write(env.work().join("v.zst"), zstd::encode_all(bytes.as_slice(), 1).unwrap()).unwrap();
    for source in ["v.tar", "v.tar.gz", "v.zst", "-"] {
        env.ok(["volume", "create", "copy"]);
        env.coracle(["volume", "import", "copy", source]).stdin(bytes.clone()).run().expect(0).says("");
        assert_eq!(env.sh(&["-v", "copy:/w"], look), want, "{source}");
        env.ok(["volume", "rm", "copy"]);
    }
    // What is there stays, but for what the archive has as well.
    env.sh(&["-v", "merge:/w"], "echo old > /w/hard; echo mine > /w/mine; mkdir /w/link");
    env.ok(["volume", "import", "merge", "v.tar"]);
    assert_eq!(env.sh(&["-v", "merge:/w"], "cat /w/hard /w/mine; readlink /w/link"), "x\nmine\n/etc/passwd");
    // Broken and hostile archives: a volume that was empty is still empty, and nothing outside is touched.
    let outside = env.work().join("outside");
    std::fs::create_dir(&outside).unwrap();
    let hostile =
        Layer::new().file("ok", 0o644, "x").symlink("out", outside.to_str().unwrap()).file("out/x", 0o644, "x").bytes();
    let climbing = Layer::new().file("ok", 0o644, "x").file("../../x", 0o644, "x").bytes();
    env.ok(["volume", "create", "empty"]);
    for (what, bytes) in [
        ("junk", b"no archive, whatever it says of itself".to_vec()),
        ("half", bytes[..bytes.len() / 2].to_vec()),
        ("climbing", climbing),
    ] {
        let said = env.coracle(["volume", "import", "empty", "-"]).stdin(bytes).run().expect(125);
        assert!(said.stderr.starts_with("Error: importing into volume `empty`"), "{what}: {said}");
        assert_eq!(std::fs::read_dir(data(&env, "empty")).unwrap().count(), 0, "{what}");
    }
    env.coracle(["volume", "import", "empty", "-"]).stdin(hostile).run();
    assert_eq!(std::fs::read_dir(&outside).unwrap().count(), 0);
    env.fails(125, ["volume", "import", "nosuch", "v.tar"]);
    env.fails(125, ["volume", "import", "v", "/nosuch"]);
    env.fails(125, ["volume", "export", "nosuch"]);
    assert!(std::fs::read_dir(env.root().join("tmp")).unwrap().next().is_none());
    let _ = archive(&[]);
}

/// A container that is paused for a copy goes on, also when whoever paused it is killed.
#[test]
fn a_killed_snapshot_leaves_nobody_paused() {
    let env = Env::busybox();
    env.start("c", &["-v", "v:/w"]);
    env.ok(["exec", "c", "sh", "-c", "cd /w; for i in $(seq 3000); do echo $i > $i; done"]);
    let paused = |round: u32| {
        let name = format!("s{round}");
        let mut snapshot = env.coracle(["volume", "snapshot", "v", &name]).spawn();
        let caught = poll(SOON, || match env.status("c").as_str() {
            "paused" => Some(true),
            _ => snapshot.child.try_wait().unwrap().map(|_| false),
        });
        snapshot.child.kill().unwrap();
        snapshot.child.wait().unwrap();
        env.wait_status("c", "running");
        caught == Some(true)
    };
    assert!((0..20).any(paused), "the snapshot was never caught");
    assert_eq!(env.ok(["exec", "c", "cat", "/w/3000"]).trim(), "3000");
    // What a user has paused stays so.
    env.ok(["pause", "c"]);
    env.ok(["volume", "snapshot", "v", "last"]);
    assert_eq!(env.status("c"), "paused");
    env.ok(["unpause", "c"]);
}

#[test]
fn clones_and_snapshots() {
    let env = Env::busybox();
    env.ok(["volume", "create", "--label", "tier=db", "v"]);
    let make = "cd /w; mkdir -m 2750 d; echo x > d/f; ln d/f hard; ln -s nowhere link; chown 1000:2000 d/f; mkfifo p; \
                truncate -s 64M sparse; touch -d '2001-02-03 04:05:06' d/f d; for i in $(seq 300); do echo $i > d/$i; done";
    env.sh(&["-v", "v:/w"], make);
    let file = std::fs::File::options().write(true).open(data(&env, "v").join("sparse")).unwrap();
    rustix::fs::fsetxattr(&file, "user.overlay.kept", b"v", rustix::fs::XattrFlags::empty()).unwrap();
    let look = "cd /w; find . -exec stat -c '%n %F %a %u:%g %h %s %Y' {} + | grep -v '^[.] ' | sort; readlink link; cat hard d/300; du -k sparse | cut -f1";
    let want = env.sh(&["-v", "v:/w"], look);
    for (command, label) in [("clone", None), ("snapshot", Some("v"))] {
        assert_eq!(env.ok(["volume", command, "--label", "own=1", "v", command]), command);
        assert_eq!(env.sh(&["-v", &format!("{command}:/w")], look), want, "{command}");
        let labels = inspect(&env, command)["Labels"].clone();
        assert_eq!((&labels["tier"], &labels["own"]), (&json!("db"), &json!("1")));
        assert_eq!(labels.get("io.coracle.snapshot.of").and_then(Value::as_str), label);
        let copy = std::fs::File::open(data(&env, command).join("sparse")).unwrap();
        let mut value = [0; 8];
        assert_eq!(rustix::fs::fgetxattr(&copy, "user.overlay.kept", &mut value).unwrap(), 1);
        assert!(env.fails(125, ["volume", command, "v", command]).contains("already exists"));
        assert!(env.fails(125, ["volume", command, "nosuch", "x"]).contains("no such volume"));
        assert!(env.fails(125, ["volume", command, "v", "a/b"]).contains("names must match"));
    }
    // A copy is a copy.
    env.sh(&["-v", "clone:/w"], "echo changed > /w/hard");
    assert_eq!(env.sh(&["-v", "v:/w"], "cat /w/hard"), "x");
    // Of a mount there is only what is in it.
    env.ok(["volume", "create", "-o", "type=tmpfs", "t"]);
    env.start("c", &["-v", "t:/w"]);
    env.ok(["exec", "c", "sh", "-c", "echo x > /w/f"]);
    assert!(env.fails(125, ["volume", "clone", "t", "t2"]).contains("volume snapshot t t2"));
    env.ok(["volume", "snapshot", "t", "t2"]);
    assert_eq!(env.sh(&["-v", "t2:/w"], "cat /w/f"), "x");
    assert_eq!(env.status("c"), "running", "it goes on");
    env.ok(["rm", "-f", "-t", "0", "c"]);
    env.assert_nothing_left();
}
