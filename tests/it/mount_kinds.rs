//! Mounts beside plain binds and tmpfs: overlays, images, patterns, owners, links, roots.

use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use crate::support::fixtures::{busybox_binary, on_busybox};
use crate::support::image::Layer;
use crate::support::{Env, until};

/// A directory of the test's own with a file and a directory in it.
fn source(env: &Env) -> String {
    env.file("src/file", "from the host");
    env.file("src/sub/inner", "deep");
    env.work().join("src").display().to_string()
}

fn entries(dir: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        std::fs::read_dir(dir).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn an_overlay_takes_what_is_written_and_forgets_it() {
    let env = Env::busybox();
    let src = source(&env);
    let volume = format!("{src}:/o:O");
    let script =
        "ls /o; cat /o/file; echo; echo new > /o/new; rm /o/file; echo changed > /o/sub/inner; cat /o/sub/inner";
    env.ok(["create", "--name", "o", "--network", "none", "-v", &volume, "busybox", "sh", "-c", script]);
    for _ in 0..2 {
        env.coracle(["start", "-a", "o"]).run().expect(0).says("file\nsub\nfrom the host\nchanged");
    }
    assert_eq!(entries(Path::new(&src)), ["file", "sub"]);
    assert_eq!(std::fs::read_to_string(env.work().join("src/sub/inner")).unwrap(), "deep");
    let id = env.inspect("o", "Id");
    let layers = env.root().join("containers").join(id.as_str().unwrap()).join("overlays/0");
    assert_eq!(entries(&layers), ["merged"], "what was written went with the run");
    assert_eq!(env.inspect("o", "Mounts.0.Options"), serde_json::json!(["O"]));
    // Other containers, and read-only ones, may have the same source at the same time.
    env.start("a", &["-v", &volume]);
    env.start("b", &["-v", &volume, "--read-only"]);
    env.ok(["exec", "a", "touch", "/o/of-a"]);
    env.ok(["exec", "b", "touch", "/o/of-b"]);
    assert_eq!(env.ok(["exec", "b", "ls", "/o"]), "file\nof-b\nsub");
    // A layer of the user's own stays.
    for dir in ["up", "wk"] {
        std::fs::create_dir(env.work().join(dir)).unwrap();
    }
    let kept = format!("{src}:/o:O,upperdir=up,workdir=wk");
    env.sh(&["-v", &kept], "echo kept > /o/kept");
    assert_eq!(std::fs::read_to_string(env.work().join("up/kept")).unwrap(), "kept\n");
    assert_eq!(env.sh(&["-v", &kept], "cat /o/kept"), "kept");
    // A volume can be under a layer as well.
    assert_eq!(env.sh(&["-v", "vol:/o:O"], "touch /o/new; ls /o"), "new");
    assert_eq!(env.sh(&["-v", "vol:/o"], "ls /o"), "");
    // By fuse-overlayfs all is the same, where it is there.
    if env.program("fuse-overlayfs").args(["--version"]).raw().output().is_ok() {
        let run = ["--storage-driver", "fuse-overlayfs", "run", "--rm", "--network", "none", "-v", &volume, "busybox"];
        env.coracle(run.iter().copied().chain(["sh", "-c", script]))
            .run()
            .expect(0)
            .says("file\nsub\nfrom the host\nchanged");
        assert_eq!(entries(Path::new(&src)), ["file", "sub"]);
    }
}

#[test]
fn an_overlay_killed_with_its_monitor_begins_empty_again() {
    let env = Env::busybox();
    let volume = format!("{}:/o:O", source(&env));
    env.start("o", &["-v", &volume]);
    env.ok(["exec", "o", "touch", "/o/left"]);
    let monitor = env.inspect("o", "State.ConmonPid").as_i64().unwrap();
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(monitor as i32), nix::sys::signal::Signal::SIGKILL).unwrap();
    env.wait_status("o", "exited");
    env.ok(["start", "o"]);
    assert_eq!(env.ok(["exec", "o", "ls", "/o"]), "file\nsub");
}

#[test]
fn wrong_overlays_are_refused() {
    let env = Env::busybox();
    let src = source(&env);
    let file = env.file("plain", "").display().to_string();
    for (value, part) in [
        (format!("{src}:/o:O,ro"), "can't use 'O' with other options"),
        (format!("{src}:/o:O,upperdir=/tmp"), "must set both `upperdir` and `workdir`"),
        (format!("{src}:/o:O,upperdir=/nosuch,workdir=/nosuch"), "statfs /nosuch: no such file or directory"),
        (format!("{file}:/o:O"), "not a directory"),
        ("/nosuch:/o:O".to_owned(), "statfs /nosuch: no such file or directory"),
        (format!("{src}:/o:idmap"), "option idmap"),
        ("/etc:/o:U".to_owned(), "chowning host path \"/etc\" is not allowed"),
        (format!("{src}:/o:U,U"), "can only specify 1 'U' option"),
    ] {
        let said = env.fails(125, ["run", "--rm", "--network", "none", "-v", &value, "busybox", "true"]);
        assert!(said.contains(part), "{value}: {said}");
    }
    env.assert_nothing_left();
}

#[test]
fn images_as_mounts() {
    let env = Env::busybox();
    env.file("passwd", "of the host");
    let up = format!("/../..{}", env.work().display());
    let layer = Layer::new()
        .dir("data", 0o755)
        .file("data/x", 0o644, "of the image")
        .symlink("up", &up)
        .symlink("own", "/../../data");
    env.add(&on_busybox("localhost/other", vec![layer.plain()]));
    let with = |rest: &str| format!("type=image,src=other,dst=/i{rest}");
    assert_eq!(
        env.sh(&["--mount", &with("")], "cat /i/data/x; echo; touch /i/y 2>&1 | grep -c Read-only; ls -d /i/bin"),
        "of the image\n1\n/i/bin"
    );
    assert_eq!(
        env.sh(&["--mount", &with(",rw=true")], "echo y > /i/y && cat /i/y; rm -r /i/data; ls -d /i/data 2>&1 | wc -l"),
        "y\n1"
    );
    assert_eq!(
        env.sh(&["--mount", &with(",rw=true")], "cat /i/data/x; ls /i/y 2>/dev/null || echo none"),
        "of the imagenone"
    );
    assert_eq!(env.sh(&["--mount", &with(",subpath=/data")], "ls /i"), "x");
    assert_eq!(env.sh(&["--mount", &with(",subpath=/data/x")], "cat /i"), "of the image");
    assert_eq!(env.sh(&["--mount", &with(",subpath=/own/x")], "cat /i"), "of the image");
    assert_eq!(env.sh(&["--mount", &with(",rw=true,subpath=/data")], "touch /i/y; ls /i"), "x\ny");
    for (rest, part) in [
        (",subpath=/nosuch", "opening the subpath `/nosuch`"),
        (",subpath=/up/passwd", "opening the subpath"),
        (",subpath=data", "must be an absolute path"),
        (",ro", "ro: invalid mount option"),
        (",rw=perhaps", "invalid rw value \"perhaps\""),
    ] {
        let said = env.fails(125, ["run", "--rm", "--network", "none", "--mount", &with(rest), "busybox", "true"]);
        assert!(said.contains(part), "{rest}: {said}");
    }
    let missing = "type=image,src=localhost/nosuch:1,dst=/i";
    let said = env.fails(125, ["run", "--rm", "--mount", missing, "busybox", "true"]);
    assert!(said.contains("creating image volume \"localhost/nosuch:1\":\"/i\""), "{said}");
    // The image is in use as long as the container is there.
    env.ok(["create", "--name", "m", "--mount", &with(",rw=true,subpath=/data"), "busybox", "true"]);
    let mount = env.inspect("m", "Mounts.0");
    assert_eq!(
        (&mount["Type"], &mount["Source"], &mount["SubPath"]),
        (&"image".into(), &"other".into(), &"/data".into())
    );
    assert_eq!(mount["RW"], true);
    let said = env.fails(2, ["rmi", "other"]);
    assert!(said.contains("in use"), "{said}");
    env.ok(["image", "prune", "-a", "-f"]);
    env.coracle(["start", "-a", "m"]).run().expect(0);
    env.ok(["rm", "m"]);
    env.ok(["rmi", "other"]);
    env.assert_nothing_left();
}

#[test]
fn a_pattern_mounts_all_that_fits() {
    let env = Env::busybox();
    for name in ["lib1.so", "lib2.so", "other"] {
        env.file(&format!("g/{name}"), name);
    }
    let dir = env.work().join("g");
    let below = format!("type=glob,src={}/lib*,dst=/libs,ro", dir.display());
    assert_eq!(
        env.sh(&["--mount", &below], "ls /libs; cat /libs/lib2.so; echo; touch /libs/lib1.so 2>&1 | grep -c Read-only"),
        "lib1.so\nlib2.so\nlib2.so\n1"
    );
    let same = "type=glob,src=g/[op]ther";
    assert_eq!(env.sh(&["--mount", same], &format!("cat {}/other", dir.display())), "other");
    let said = env.fails(125, ["run", "--rm", "--mount", "type=glob,src=g/z*,dst=/x", "busybox", "true"]);
    assert!(said.contains("no file paths matching glob \"g/z*\""), "{said}");
}

#[test]
fn the_containers_user_gets_the_source() {
    let env = Env::busybox();
    let src = source(&env);
    let outside = env.file("outside", "").display().to_string();
    std::os::unix::fs::symlink(&outside, format!("{src}/link")).unwrap();
    let before = std::fs::metadata(&outside).unwrap().uid();
    let volume = format!("{src}:/u:ro,U");
    let script = "stat -c '%u:%g' /u /u/file /u/sub/inner /u/link | sort -u; touch /u/x 2>&1 | grep -c Read-only";
    assert_eq!(env.sh(&["--user", "7:8", "-v", &volume], script), "7:8\n1");
    assert_eq!(std::fs::metadata(&outside).unwrap().uid(), before, "what a link leads to is not touched");
    assert_eq!(env.sh(&["-v", &volume], "stat -c '%u:%g' /u /u/file /u/link | sort -u"), "0:0");
    assert_eq!(std::fs::metadata(format!("{src}/file")).unwrap().uid(), before);
    for mount in ["type=tmpfs,dst=/u,U=true", "type=ramfs,dst=/u,chown=true"] {
        assert_eq!(
            env.sh(&["--user", "7:8", "--mount", mount], "stat -c '%u:%g' /u; touch /u/x && echo yes"),
            "7:8\nyes"
        );
    }
}

#[test]
fn links_as_links_and_other_file_systems() {
    let env = Env::busybox();
    env.file("target", "x");
    std::os::unix::fs::symlink("/nowhere/at/all", env.work().join("dangling")).unwrap();
    let link = format!("type=bind,src={},dst=/deep/l,no-dereference", env.work().join("dangling").display());
    assert_eq!(env.sh(&["--mount", &link], "readlink /deep/l"), "/nowhere/at/all");
    let followed = format!("type=bind,src={},dst=/l", env.work().join("dangling").display());
    let said = env.fails(125, ["run", "--rm", "--mount", &followed, "busybox", "true"]);
    assert!(said.contains("no such file or directory"), "{said}");
    let info = "grep ' /m ' /proc/self/mountinfo | sed 's/.* - //' | cut -d' ' -f1";
    assert_eq!(env.sh(&["--mount", "type=ramfs,dst=/m"], info), "ramfs");
    let pts = "type=devpts,dst=/m,mode=640,max=5";
    assert_eq!(env.sh(&["--mount", pts], "ls /m; grep ' /m ' /proc/self/mountinfo | grep -o max=5"), "ptmx\nmax=5");
}

#[test]
fn a_root_of_ones_own_under_a_layer() {
    let env = Env::new();
    let root = env.work().join("root");
    for dir in ["bin", "proc", "sys", "dev", "etc", "tmp"] {
        std::fs::create_dir_all(root.join(dir)).unwrap();
    }
    let shell = env.file("root/bin/busybox", busybox_binary());
    let mut mode = std::fs::metadata(&shell).unwrap().permissions();
    std::os::unix::fs::PermissionsExt::set_mode(&mut mode, 0o755);
    std::fs::set_permissions(&shell, mode).unwrap();
    let script = "/bin/busybox cat /note 2>/dev/null; /bin/busybox echo again > /note";
    let args =
        ["create", "--name", "r", "--network", "none", "--rootfs", "./root:O", "/bin/busybox", "sh", "-c", script];
    env.ok(args);
    env.coracle(["start", "-a", "r"]).run().expect(0).says("");
    // As in the reference, what is written stays with the container.
    env.coracle(["start", "-a", "r"]).run().expect(0).says("again");
    assert_eq!(entries(&root), ["bin", "dev", "etc", "proc", "sys", "tmp"]);
    let said = env.fails(125, ["run", "--rm", "--rootfs", "./root:idmap", "/bin/busybox", "true"]);
    assert!(said.contains("cannot be ID-mapped"), "{said}");
    env.ok(["rm", "r"]);
    env.assert_nothing_left();
}

/// A container restarted by its policy begins with an empty layer each time.
#[test]
fn an_overlay_and_restarts() {
    let env = Env::busybox();
    let volume = format!("{}:/o:O", source(&env));
    let counter = format!("{}:/c", env.work().display());
    let script = "ls /o/new 2>/dev/null >> /c/seen; touch /o/new; echo x >> /c/runs; exit 1";
    let args =
        ["run", "-d", "--name", "r", "--network", "none", "--restart", "on-failure:2", "-v", &volume, "-v", &counter];
    env.ok(args.into_iter().chain(["busybox", "sh", "-c", script]));
    until("three runs", crate::support::SOON, || {
        (std::fs::read_to_string(env.work().join("runs")).ok()?.lines().count() == 3).then_some(())
    });
    assert_eq!(std::fs::read_to_string(env.work().join("seen")).unwrap(), "");
}
