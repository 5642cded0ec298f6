//! `cp`: the table of paths, owners, what is preserved, tmpfs and volumes, archives on the standard streams, and that
//! nothing gets out of a container.

use std::io::Write as _;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _, symlink};
use std::path::Path;
use std::time::{Duration, Instant};

use crate::support::{Env, let_pass, skip};

/// The host's side: a file, a directory and links to both.
fn host(env: &Env) {
    env.file("f", "f\n");
    env.file("d/a", "a\n");
    env.file("d/sub/b", "b\n");
    symlink("d", env.work().join("ld")).unwrap();
    symlink("f", env.work().join("lf")).unwrap();
    symlink("nosuch", env.work().join("dangling")).unwrap();
}

/// What is in a directory of the host, sorted, with a space between.
fn listed(dir: &Path) -> String {
    fn walk(dir: &Path, base: &Path, found: &mut Vec<String>) {
        for entry in std::fs::read_dir(dir).unwrap().flatten() {
            found.push(entry.path().strip_prefix(base).unwrap().display().to_string());
            if entry.file_type().unwrap().is_dir() {
                walk(&entry.path(), base, found);
            }
        }
    }
    let mut found = Vec::new();
    walk(dir, dir, &mut found);
    found.sort();
    found.join(" ")
}

/// Whatever the root file system of a container that does not run is made with.
#[test]
fn every_storage_driver() {
    let env = Env::busybox();
    env.file("f", "new");
    for driver in ["overlay", "fuse-overlayfs", "vfs"] {
        env.ok(["--storage-driver", driver, "create", "--name", driver, "--network", "none", "busybox", "true"]);
        for to in ["/etc/passwd", "/etc/made", "/etc"] {
            env.ok(["cp", "f", &format!("{driver}:{to}")]);
        }
        for name in ["passwd", "made", "f"] {
            env.ok(["cp", &format!("{driver}:/etc/{name}"), "back"]);
            assert_eq!(std::fs::read_to_string(env.work().join("back")).unwrap(), "new", "{driver}: {name}");
        }
    }
}

#[test]
fn a_container_that_rests_has_the_same_paths() {
    let env = Env::busybox();
    host(&env);
    env.ok(["run", "--name=c", "busybox", "sh", "-c", "mkdir -p /t/real; echo old >/t/f; ln -s /t/real /t/link"]);
    env.ok(["cp", "f", "c:/t/f"]);
    assert_eq!(env.ok(["cp", "c:/t/f", "out"]), "");
    assert_eq!(std::fs::read_to_string(env.work().join("out")).unwrap(), "f\n", "a file takes the place of another");
    // A directory on the way is a link in the container.
    std::fs::create_dir_all(env.work().join("tree/link")).unwrap();
    env.file("tree/link/in", "x");
    let tar = std::process::Command::new("tar").arg("-C").arg(env.work().join("tree")).args(["-c", "link/in"]).output();
    env.coracle(["cp", "-", "c:/t"]).stdin(tar.unwrap().stdout).run().expect(0);
    env.ok(["cp", "c:/t/real/in", "in"]);
    for (from, to) in [("/t", "/t"), ("/t", "/t/real"), ("/t/.", "/t/new"), ("/t", "/t/link"), ("/", "/t")] {
        let said = env.fails(125, ["cp", &format!("c:{from}"), &format!("c:{to}")]);
        assert!(said.contains("cannot copy a directory into itself"), "{from} to {to}: {said}");
    }
    env.ok(["cp", "c:/t", "c:/t2"]);
    // The root is called so, whatever the directory on the host is.
    std::fs::create_dir(env.work().join("root")).unwrap();
    env.ok(["cp", "c:/", "root"]);
    assert!(env.work().join("root/t/real/in").is_file(), "{}", listed(&env.work().join("root")));
}

#[test]
fn many_at_once_into_a_container_that_rests() {
    let env = Env::busybox();
    host(&env);
    env.ok(["create", "--name=c", "--network=none", "busybox", "sh", "-c", "ls /etc/new*"]);
    // All have to make /etc in the container's layer.
    let running: Vec<_> = (0..8).map(|n| env.coracle(["cp", "f", &format!("c:/etc/new{n}")]).spawn()).collect();
    for one in running {
        one.finish().expect(0);
    }
    assert_eq!(env.ok(["start", "-a", "c"]).lines().count(), 8);
}

/// Nothing waits for whoever writes an archive.
#[test]
fn an_archive_that_is_long_in_coming() {
    let env = Env::busybox();
    host(&env);
    env.ok(["create", "--name=c", "--network=none", "busybox", "sleep", "1000"]);
    let mut coming = env.coracle(["cp", "-", "c:/tmp"]).raw();
    let mut coming = coming.stdin(std::process::Stdio::piped()).spawn().unwrap();
    let mut archive = tar::Builder::new(coming.stdin.take().unwrap());
    archive.append_path_with_name(env.work().join("f"), "came").unwrap();
    archive.get_mut().flush().unwrap();
    env.ok(["cp", "f", "c:/etc/new"]);
    env.ok(["start", "c"]);
    assert!(coming.try_wait().unwrap().is_none());
    archive.append_path_with_name(env.work().join("f"), "late").unwrap();
    drop(archive.into_inner().unwrap());
    assert!(coming.wait().unwrap().success());
    assert_eq!(env.ok(["exec", "c", "ls", "/etc/new", "/tmp"]), "/etc/new\n\n/tmp:\ncame\nlate");
}

/// Either of the two is first, and both see what the other one did.
#[test]
fn a_start_and_a_copy_at_the_same_moment() {
    let env = Env::busybox();
    host(&env);
    env.file("big", vec![b'x'; 4 << 20]);
    for round in 0..12 {
        let name = format!("c{round}");
        env.ok([
            "create",
            "--name",
            &name,
            "--network=none",
            "busybox",
            "sh",
            "-c",
            "echo own >> /etc/passwd; sleep 1000",
        ]);
        if round % 2 == 1 {
            env.ok(["cp", "f", &format!("{name}:/before")]);
        }
        let copies: Vec<_> =
            ["big", "f"].iter().map(|file| env.coracle(["cp", file, &format!("{name}:/etc/{file}")]).spawn()).collect();
        env.ok(["start", &name]);
        for copy in copies {
            copy.finish().expect(0);
        }
        let script =
            "until grep own /etc/passwd; do :; done; stat -c %s /etc/big; cat /etc/f; echo more > /etc/f; cat /etc/f";
        let seen = env.ok(["exec", &name, "sh", "-c", script]);
        assert!(seen.starts_with("own\n4194304\n") && seen.ends_with("more"), "{round}: {seen}");
        env.ok(["rm", "-f", "-t", "0", &name]);
    }
}

#[test]
fn what_a_killed_copy_leaves() {
    let env = Env::busybox();
    env.start("c", &[]);
    env.file("big", vec![b'x'; 64 << 20]);
    for round in 0..10_u64 {
        let mut copy = env.coracle(["cp", "big", "c:/srv-big"]).spawn();
        let_pass(Duration::from_millis(5 + 7 * round));
        copy.child.kill().unwrap();
        copy.child.wait().unwrap();
        // All of it or nothing, and nothing else.
        let seen = env.ok(["exec", "c", "sh", "-c", "ls -A / | grep -e big -e coracle; stat -c %s /srv-big; true"]);
        assert!(["", "srv-big\n67108864"].contains(&seen.as_str()), "{round}: {seen}");
    }
}

#[test]
fn what_paths_mean_on_the_way_in() {
    let env = Env::busybox();
    host(&env);
    env.start("c", &[]);
    let into = [
        ("f", "c:/t/new", "new"),
        ("f", "c:/t", "f"),
        ("f", "c:/t/", "f"),
        ("f", "c:/t/.", "f"),
        ("f", "c:t", "f"),
        ("f", "c:/t/../t", "f"),
        ("d", "c:/t/new", "new new/a new/sub new/sub/b"),
        ("d", "c:/t", "d d/a d/sub d/sub/b"),
        ("d/", "c:/t/", "d d/a d/sub d/sub/b"),
        ("d/.", "c:/t", "a sub sub/b"),
        ("d/.", "c:/t/new", "new new/a new/sub new/sub/b"),
        ("ld", "c:/t", "ld ld/a ld/sub ld/sub/b"),
        ("ld/.", "c:/t", "a sub sub/b"),
        ("lf", "c:/t", "lf"),
    ];
    for (from, to, want) in into {
        env.ok(["exec", "c", "sh", "-c", "rm -rf /t; mkdir /t"]);
        env.ok(["cp", from, to]);
        let found = env.ok(["exec", "c", "sh", "-c", "cd /t; find . -mindepth 1 | sed s,^./,, | sort"]);
        assert_eq!(found.replace('\n', " "), want, "cp {from} {to}");
    }
    env.ok([
        "exec",
        "c",
        "sh",
        "-c",
        "rm -rf /t; mkdir -p /t/dd; echo old >/t/f; ln -s /nowhere/x /t/dl; ln -s /t/f /t/lf",
    ]);
    let missing = "no such file or directory";
    let refused = [
        ("f", "c:/t/new/", missing),
        ("f", "c:/t/new/.", missing),
        ("f", "c:/nosuch/new", "\"/nosuch/new\" could not be found on container c"),
        ("d", "c:/t/new/", missing),
        ("d", "c:/t/f", "destination must be a directory when copying a directory"),
        ("f", "c:/t/f/", "exists but is not a directory"),
        ("f", "c:/t/dl", "\"/t/dl\" could not be found on container c: no such file or directory"),
        ("dangling", "c:/t", "\"dangling\" could not be found on the host: no such file or directory"),
        ("nosuch", "c:/t", "\"nosuch\" could not be found on the host"),
        ("f", "nosuch:/t", "container \"nosuch\" does not exist"),
        ("f", "c:", "invalid arguments \"f\", \"c:\": you must specify paths"),
        ("f", "d", "name or ID cannot be empty"),
    ];
    for (from, to, part) in refused {
        let said = env.fails(125, ["cp", from, to]);
        assert!(said.contains(part), "cp {from} {to}: {said}");
    }
    // Through a link to a file: the file is replaced, the link stays.
    env.ok(["cp", "f", "c:/t/lf"]);
    assert_eq!(env.ok(["exec", "c", "sh", "-c", "readlink /t/lf; cat /t/f"]), "/t/f\nf");
}

#[test]
fn what_paths_mean_on_the_way_out() {
    let env = Env::busybox();
    env.start("c", &[]);
    let made =
        "mkdir -p /t/d/sub; echo f >/t/f; echo b >/t/d/sub/b; ln -s /t/d /t/ld; ln -s ../f /t/d/lf; ln -s /t/f /t/lf";
    env.ok(["exec", "c", "sh", "-c", made]);
    env.file("file", "x");
    let out = [
        ("c:/t/f", "o", "f"),
        ("c:/t/f", "o/new", "new"),
        ("c:/t/lf", "o", "f"),
        ("c:/t/d/lf", "o/x", "x"),
        ("c:/t/d", "o", "d d/lf d/sub d/sub/b"),
        ("c:/t/d/", "o", "d d/lf d/sub d/sub/b"),
        ("c:/t/d", "o/new", "new new/lf new/sub new/sub/b"),
        ("c:/t/d/.", "o", "lf sub sub/b"),
        ("c:/t/d/.", "o/new", "new new/lf new/sub new/sub/b"),
        ("c:/t/ld", "o", "d d/lf d/sub d/sub/b"),
        ("c:/t/ld/.", "o", "lf sub sub/b"),
    ];
    let dir = env.work().join("o");
    for (from, to, want) in out {
        let _ = std::fs::remove_dir_all(&dir);
        std::fs::create_dir(&dir).unwrap();
        env.ok(["cp", from, to]);
        assert_eq!(listed(&dir), want, "cp {from} {to}");
    }
    for (from, to, part) in [
        ("c:/t/f", "o/no/", "\"o/no/\" could not be found on the host: no such file or directory"),
        ("c:/t/f", "no/new", "\"no/new\" could not be found on the host: no such file or directory"),
        ("c:/t/no", "o", "\"/t/no\" could not be found on container c: no such file or directory"),
        ("c:/t/d", "file", "destination must be a directory when copying a directory"),
        ("c:/dev/null", "o", "device"),
    ] {
        let said = env.fails(125, ["cp", from, to]);
        assert!(said.contains(part), "cp {from} {to}: {said}");
    }
    // What the kernel makes up has content, but no size.
    env.ok(["cp", "c:/proc/version", "o/version"]);
    assert!(std::fs::read_to_string(dir.join("version")).unwrap().starts_with("Linux version"));
    // The whole root, without what the kernel makes up.
    std::fs::create_dir(dir.join("all")).unwrap();
    env.ok(["cp", "c:/", "o/all"]);
    assert!(dir.join("all/bin/busybox").is_file() && dir.join("all/t/d/sub/b").is_file());
    assert_eq!(listed(&dir.join("all/proc")), "");
}

#[test]
fn owners_and_directories_in_the_way() {
    let env = Env::busybox();
    host(&env);
    env.start("c", &["--user", "app"]);
    let owner = |path: &str| env.ok(["exec", "c", "stat", "-c", "%u:%g %a", path]);
    std::fs::set_permissions(env.work().join("f"), std::fs::Permissions::from_mode(0o4640)).unwrap();
    env.ok(["cp", "f", "c:/tmp/mine"]);
    env.ok(["cp", "-a=false", "f", "c:/tmp/roots"]);
    assert_eq!((owner("/tmp/mine"), owner("/tmp/roots")), ("1000:1000 4640".into(), "0:0 4640".into()));
    env.ok(["cp", "c:/tmp/mine", "back"]);
    let back = std::fs::metadata(env.work().join("back")).unwrap();
    assert_eq!((back.uid(), back.mode() & 0o7777), (nix_uid(), 0o4640));
    // A directory where a file comes, and the other way round.
    env.ok(["exec", "--user", "0", "c", "mkdir", "-p", "/tmp/x/d/a/deep", "/tmp/x/f"]);
    for from in ["d", "f"] {
        let said = env.fails(125, ["cp", from, "c:/tmp/x"]);
        assert!(said.contains("file exists") && said.contains("--overwrite"), "{said}");
    }
    for from in ["d", "f"] {
        env.ok(["cp", "--overwrite", from, "c:/tmp/x"]);
    }
    assert_eq!(env.ok(["exec", "c", "sh", "-c", "cd /tmp/x; find . -type f | sort"]), "./d/a\n./d/sub/b\n./f");
    // A user that the container does not have.
    env.ok(["create", "--name", "s", "--user", "nobodyhere", "busybox"]);
    assert!(env.fails(125, ["cp", "f", "s:/"]).contains("unable to find user nobodyhere"));
    env.ok(["cp", "-a=false", "f", "s:/"]);
}

fn nix_uid() -> u32 {
    std::fs::metadata("/proc/self").unwrap().uid()
}

/// Everything that a file is, there and back again, and from one container to another.
#[test]
fn what_is_preserved() {
    let env = Env::busybox();
    env.start("c", &[]);
    env.ok(["create", "--name", "s", "busybox"]);
    let made = "mkdir -p /t/d; cd /t; echo one >hard1; ln hard1 hard2; mkfifo pipe; ln -s /nowhere dangling; \
                printf x | dd of=sparse bs=1 seek=40M 2>/dev/null; touch \"d/new\nline\" 'd/sp ace' \"d/q'uote\"; \
                chmod 2751 d; chown 7:8 hard1; touch -d '2001-02-03 04:05:06' hard1 d";
    env.ok(["exec", "c", "sh", "-c", made]);
    let seen =
        "cd $0; stat -c '%n %a %F %s %Y' hard1 hard2 pipe dangling sparse d d/*; [ hard1 -ef hard2 ] && echo linked";
    let before = env.ok(["exec", "c", "sh", "-c", seen, "/t"]);
    assert!(before.contains("981173106") && before.ends_with("linked"), "{before}");
    env.ok(["cp", "-a=false", "c:/t", "s:/there"]);
    env.ok(["start", "s"]);
    env.ok(["cp", "c:/t", "out"]);
    let blocks = std::fs::metadata(env.work().join("out/sparse")).unwrap().blocks();
    assert!(blocks * 512 < 1 << 20, "the file is not sparse any more: {blocks} blocks");
    let fifo = std::fs::symlink_metadata(env.work().join("out/pipe")).unwrap();
    assert!(fifo.file_type().is_fifo());
    let hard = |name: &str| std::fs::metadata(env.work().join("out").join(name)).unwrap().ino();
    assert_eq!(hard("hard1"), hard("hard2"));
    env.ok(["cp", "out/.", "c:/again"]);
    assert_eq!(env.ok(["exec", "c", "sh", "-c", seen, "/again"]), before);
    env.ok(["cp", "-a=false", "s:/there", "c:/third"]);
    assert_eq!(env.ok(["exec", "c", "sh", "-c", seen, "/third"]), before);
    assert_eq!(env.ok(["exec", "c", "stat", "-c", "%u:%g", "/third/hard1"]), "7:8");
}

/// tmpfs, volumes and binds as the container sees them; of one that does not run, those that last.
#[test]
fn mounts_are_seen_as_the_container_sees_them() {
    let env = Env::busybox();
    env.file("f", "f\n");
    std::fs::create_dir_all(env.work().join("bound")).unwrap();
    std::fs::create_dir_all(env.work().join("frozen")).unwrap();
    let bound = format!("{}:/bound", env.work().join("bound").display());
    let frozen = format!("{}:/frozen:ro", env.work().join("frozen").display());
    let options = ["--tmpfs", "/tmpfs", "-v", &bound, "-v", &frozen];
    env.start("c", &options);
    for dir in ["/tmpfs", "/bound", "/dev/shm"] {
        env.ok(["cp", "f", &format!("c:{dir}/x")]);
        assert_eq!(env.ok(["exec", "c", "cat", &format!("{dir}/x")]), "f");
        env.ok(["cp", &format!("c:{dir}/x"), "back"]);
    }
    assert_eq!(std::fs::read_to_string(env.work().join("bound/x")).unwrap(), "f\n");
    assert!(env.fails(125, ["cp", "f", "c:/frozen/x"]).contains("Read-only file system"));
    env.ok(["cp", "c:/etc/hosts", "hosts"]);
    assert!(std::fs::read_to_string(env.work().join("hosts")).unwrap().contains("localhost"));
    // Mounted over a file: what is mounted is written.
    env.ok(["cp", "f", "c:/etc/hosts"]);
    assert_eq!(env.ok(["exec", "c", "cat", "/etc/hosts"]), "f");
    let mut args = vec!["create", "--name", "s"];
    args.extend(options);
    args.extend(["busybox", "sh", "-c", "cat /bound/y /etc/y"]);
    env.ok(args);
    env.ok(["cp", "f", "s:/bound/y"]);
    env.ok(["cp", "f", "s:/etc/y"]);
    assert_eq!(std::fs::read_to_string(env.work().join("bound/y")).unwrap(), "f\n");
    assert!(env.fails(125, ["cp", "f", "s:/frozen/x"]).contains("Read-only file system"));
    assert_eq!(env.ok(["start", "-a", "s"]), "f\nf");
    // A volume: what is copied into it before the first start is there beside what the image has.
    env.ok(["create", "--name", "v", "-v", "vol:/etc", "busybox", "sh", "-c", "cat /etc/y; grep -c app /etc/passwd"]);
    env.ok(["cp", "f", "v:/etc/y"]);
    env.ok(["cp", "v:/etc/passwd", "passwd"]);
    assert_eq!(env.ok(["start", "-a", "v"]).lines().next(), Some("f"));
    assert!(std::fs::read_to_string(env.work().join("passwd")).unwrap().contains("app"));
    env.ok(["pause", "c"]);
    env.ok(["cp", "c:/tmpfs/x", "paused"]);
    env.ok(["unpause", "c"]);
}

#[test]
fn archives_on_the_standard_streams() {
    let env = Env::busybox();
    host(&env);
    env.start("c", &[]);
    env.program("tar").args(["--owner=5", "--group=6", "-cf", "x.tar", "d", "f"]).run().expect(0);
    let plain = std::fs::read(env.work().join("x.tar")).unwrap();
    env.program("gzip").args(["-k", "x.tar"]).run().expect(0);
    let zipped = std::fs::read(env.work().join("x.tar.gz")).unwrap();
    for (bytes, flag, owner) in [(&plain, "-a=true", "0:0"), (&plain, "-a=false", "5:6"), (&zipped, "-a=false", "5:6")]
    {
        env.ok(["exec", "c", "sh", "-c", "rm -rf /t; mkdir /t"]);
        env.coracle(["cp", flag, "-", "c:/t"]).stdin(bytes.clone()).run().expect(0);
        assert_eq!(env.ok(["exec", "c", "stat", "-c", "%u:%g", "/t/d/sub/b"]), owner);
    }
    let out = env.coracle(["cp", "c:/t/d", "-"]).run().expect(0);
    let listed = env.program("tar").args(["-t"]).stdin(out.stdout.into_bytes()).run().expect(0).text();
    assert_eq!(listed, "d/\nd/a\nd/sub/\nd/sub/b");
    let out = env.coracle(["cp", "c:/t/d/.", "-"]).run().expect(0);
    let listed = env.program("tar").args(["-t"]).stdin(out.stdout.into_bytes()).run().expect(0).text();
    assert_eq!(listed, "a\nsub/\nsub/b");
    for (to, input, part) in [
        ("c:/t/f", plain.clone(), "destination must be a directory when copying from stdin"),
        ("c:/nosuch", plain.clone(), "destination must be a directory when copying from stdin"),
        ("c:/t", b"no archive".to_vec(), "source must be a (compressed) tar archive when copying from stdin"),
    ] {
        let output = env.coracle(["cp", "-", to]).stdin(input).run().expect(125);
        assert!(output.stderr.contains(part), "{output}");
    }
}

/// Archives that want out of the container, and containers whose files want the host's.
#[test]
fn nothing_leads_out_of_the_container() {
    let env = Env::busybox();
    env.file("f", "f\n");
    env.start("c", &[]);
    let victim = env.file("victim", "untouched");
    let hostile = crate::support::image::Layer::new()
        .symlink("out", victim.parent().unwrap().to_str().unwrap())
        .file("out/victim", 0o644, "owned")
        .symlink("up", "../../../../../../../../../..")
        .file(&format!("up{}", victim.display()), 0o644, "owned");
    env.coracle(["cp", "-", "c:/tmp"]).stdin(hostile.bytes()).run();
    for path in ["../../../../../../../../../../x", "/../../x"] {
        let tar = crate::support::image::Layer::new().file(path, 0o644, "owned").bytes();
        env.coracle(["cp", "-", "c:/tmp"]).stdin(tar).run().expect(125);
    }
    assert_eq!(std::fs::read_to_string(&victim).unwrap(), "untouched");
    let link = format!("rm -rf /l; ln -s {} /l", victim.display());
    env.ok(["exec", "c", "sh", "-c", &link]);
    assert!(env.fails(125, ["cp", "c:/l", "x"]).contains("could not be found on container c"));
    assert!(env.fails(125, ["cp", "f", "c:/l"]).contains("could not be found on container c"));
    // The magic links of /proc lead anywhere.
    assert!(env.fails(125, ["cp", "c:/proc/1/root/etc/passwd", "x"]).contains("could not be found on container c"));
    // On the host nothing is written through a link below the directory that was named.
    let outside = env.work().join("outside");
    std::fs::create_dir_all(env.work().join("o")).unwrap();
    std::fs::create_dir(&outside).unwrap();
    symlink(&outside, env.work().join("o/sub")).unwrap();
    env.ok(["exec", "c", "sh", "-c", "mkdir -p /d/sub; echo x >/d/sub/file"]);
    assert!(env.fails(125, ["cp", "c:/d/.", "o"]).contains("file exists"));
    assert_eq!(listed(&outside), "");
    assert_eq!(std::fs::read_to_string(&victim).unwrap(), "untouched");
}

/// CVE-2018-15664: a link that is swapped with a directory while it is looked at leads nowhere but into the container.
#[test]
fn a_swapped_link_stays_in_the_container() {
    let env = Env::busybox();
    env.file("payload/w", "from the host\n");
    let secret = env.file("secret/w", "a secret of the host\n");
    env.start("c", &[]);
    let dir = secret.parent().unwrap().display().to_string();
    // In the container the same path holds a harmless file.
    let swap = format!(
        "mkdir -p {dir} /real; echo harmless >{dir}/w; echo harmless >/real/w; ln -s {dir} /link; \
         while :; do mv /real /stash; mv /link /real; mv /real /link; mv /stash /real; \
         mv -T /link /real2; mv -T /real /link; mv -T /link /real; mv -T /real2 /link; done"
    );
    env.ok(["exec", "-d", "c", "sh", "-c", &swap]);
    let deadline = Instant::now() + Duration::from_secs(6);
    let (mut copied, mut rounds) = (0, 0);
    while Instant::now() < deadline || rounds < 20 {
        rounds += 1;
        let _ = std::fs::remove_dir_all(env.work().join("got"));
        let output = env.coracle(["cp", "c:/real", "got"]).run();
        assert!(matches!(output.code(), 0 | 125), "{output}");
        if let Ok(text) = std::fs::read_to_string(env.work().join("got/w")) {
            copied += 1;
            assert!(text == "harmless\n" || text == "from the host\n", "{text}");
        }
        let output = env.coracle(["cp", "payload/w", "c:/real/w"]).run();
        assert!(matches!(output.code(), 0 | 125), "{output}");
        assert_eq!(std::fs::read_to_string(&secret).unwrap(), "a secret of the host\n");
    }
    assert!(copied > 0, "nothing was ever copied in {rounds} rounds");
}

/// CVE-2019-14271: nothing of the container's is executed or loaded when files are copied: neither its loader, nor its
/// libraries for names, nor its tar.
#[test]
fn nothing_of_the_container_is_executed() {
    let env = Env::new();
    env.load(crate::support::fixtures::busybox());
    let trap = "#!/bin/sh\ntouch /trapped\n";
    let mut layer = crate::support::image::Layer::new();
    for path in [
        "bin/tar",
        "usr/bin/tar",
        "sbin/ldconfig",
        "lib64/ld-linux-x86-64.so.2",
        "lib/x86_64-linux-gnu/libnss_files.so.2",
        "lib/libnss_files.so.2",
        "usr/lib/libnss_files.so.2",
        "lib/libc.so.6",
        "usr/bin/getent",
        "bin/gzip",
    ] {
        layer = layer.file(path, 0o755, trap);
    }
    layer = layer.file("etc/nsswitch.conf", 0o644, "passwd: files evil\n").file(
        "etc/ld.so.preload",
        0o644,
        "/lib/libc.so.6\n",
    );
    env.add(&crate::support::fixtures::on_busybox("localhost/trap", vec![layer.gzip()]));
    env.file("f", "f\n");
    env.ok(["run", "-d", "--network", "none", "--name", "c", "--user", "app", "trap", "sleep", "1000"]);
    let trace = env.work().join("trace");
    let has_strace = Path::new("/usr/bin/strace").exists();
    let mut roots = vec!["--root".into(), env.root().into_os_string()];
    roots.extend(["--runroot".into(), env.runroot().into_os_string()]);
    for args in [["cp", "f", "c:/tmp/x"], ["cp", "c:/tmp/x", "back"]] {
        let program = match has_strace {
            true => env
                .program("strace")
                .args(["-f", "-e", "trace=execve,execveat", "-o"])
                .args([trace.as_os_str()])
                .args([crate::support::env::CORACLE]),
            false => env.program(crate::support::env::CORACLE),
        };
        program.args(&roots).args(args).run().expect(0);
        if has_strace {
            let text = std::fs::read_to_string(&trace).unwrap();
            let executed: Vec<&str> =
                text.lines().filter(|line| line.contains("exec") && line.ends_with("= 0")).collect();
            assert!(
                executed
                    .iter()
                    .all(|line| line.contains("coracle") || line.contains("newuidmap") || line.contains("newgidmap")),
                "{text}"
            );
        }
    }
    if !has_strace {
        skip(
            "nothing_of_the_container_is_executed",
            "strace is not there: only traces in the container are looked for",
        );
    }
    env.coracle(["exec", "c", "ls", "/trapped"]).run().expect(1);
}

/// What belongs to others on the host is left out of a copy, and that is said.
#[test]
fn what_may_not_be_read_is_left_out() {
    if std::fs::File::open("/etc/shadow").is_ok() {
        return skip("what_may_not_be_read_is_left_out", "this user may read everything");
    }
    let env = Env::busybox();
    env.start("c", &["-v", "/etc:/hosts-etc:ro"]);
    let output = env.coracle(["cp", "c:/hosts-etc", "copy"]).run().expect(0);
    assert!(output.stderr.contains("may not be read, and were left out"), "{output}");
    assert!(env.work().join("copy/passwd").is_file() && !env.work().join("copy/shadow").exists());
    assert!(env.fails(125, ["cp", "c:/hosts-etc/shadow", "x"]).contains("Permission denied"));
}

/// A disk that becomes full: said so, and the file that was to be replaced is still the old one.
#[test]
fn full_disk() {
    let env = Env::busybox();
    env.file("large", vec![7; 3 << 20]);
    env.start("c", &["--tmpfs", "/small:size=1m"]);
    env.ok(["exec", "c", "sh", "-c", "echo old >/small/file"]);
    for to in ["c:/small/file", "c:/small/new"] {
        let said = env.fails(125, ["cp", "large", to]);
        assert!(said.contains("No space left on device") && said.contains("hint: the file system is full"), "{said}");
    }
    assert_eq!(env.ok(["exec", "c", "sh", "-c", "ls -A /small; cat /small/file"]), "file\nold");
}
