//! Images in the store: load, import, tag, rmi, images; layers with everything that layers may have.

use serde_json::{Value, json};

use crate::support::fixtures::{busybox_binary, on_busybox};
use crate::support::image::{Image, Layer};
use crate::support::proxy::{Fault, Proxy};
use crate::support::registry::skopeo;
use crate::support::{Env, fixtures};

#[test]
fn load_takes_what_others_write() {
    let env = Env::new();
    let oci = format!("oci:{}", fixtures::busybox_layout().display());
    let path = |name: &str| env.work().join(name).display().to_string();
    let docker = path("docker.tar");
    let dir = path("layout");
    skopeo(&env, &["copy", &oci, &format!("docker-archive:{docker}:example.org/from-docker:1")]);
    skopeo(&env, &["copy", &oci, &format!("oci:{dir}:example.org/from-dir:2")]);
    let gz = path("docker.tar.gz");
    env.program("sh").args(["-c", &format!("gzip -c {docker} > {gz}")]).run().expect(0);
    for (source, name) in [
        (docker.as_str(), "example.org/from-docker:1"),
        (&dir, "example.org/from-dir:2"),
        (&gz, "example.org/from-docker:1"),
    ] {
        let said = env.ok(["load", "-q", "-i", source]);
        assert!(said.contains(name), "{source}: {said}");
        env.coracle(["run", "--rm", "--network", "none", name, "echo", "loaded"]).run().expect(0).says("loaded");
        env.ok(["rmi", name]);
    }
    // What `docker save` writes, which skopeo's differs from in its names.
    let saved = env.work().join("saved.tar");
    Image::new("example.org/saved:3", vec![Layer::new().file("hello", 0o755, busybox_binary()).plain()])
        .docker_archive(&saved);
    assert!(env.load(&saved).contains("example.org/saved:3"));
    env.ok(["rmi", "example.org/saved:3"]);
    // From standard input, too.
    let archive = std::fs::read(fixtures::busybox()).unwrap();
    let output = env.coracle(["load", "-q"]).stdin(archive).run().expect(0);
    assert!(output.stdout.contains("localhost/busybox:latest"), "{output}");
    // The same file system by all ways: one image ID.
    env.ok(["tag", "busybox", "second/name:x"]);
    assert_eq!(env.ok(["images", "-q"]).lines().collect::<std::collections::BTreeSet<_>>().len(), 1);
}

#[test]
fn bad_archives_are_refused_and_leave_nothing() {
    let env = Env::new();
    let good = std::fs::read(fixtures::busybox()).unwrap();
    let image = on_busybox("localhost/x:1", vec![]);
    let mut wrong_layer = image.clone();
    let at = wrong_layer.layers[0].bytes.len() / 2;
    let files = |image: &Image| crate::support::image::archive(&image.oci_files());
    // A layer whose bytes are not those of its digest.
    let mut changed: Vec<(String, Vec<u8>)> = image.oci_files();
    changed.last_mut().unwrap().1[at] ^= 1;
    // A layer that is what the manifest says, but not what the configuration says.
    wrong_layer.layers[0].diff_id = format!("sha256:{}", "0".repeat(64));
    let mut missing = image.oci_files();
    missing.pop();
    let mut not_gzip = image.clone();
    not_gzip.layers[0].bytes = b"this is not a compressed layer".to_vec();
    let cases: Vec<(&str, Vec<u8>)> = vec![
        ("empty", Vec::new()),
        ("garbage", b"not an archive at all".repeat(100)),
        ("truncated", good[..good.len() / 2].to_vec()),
        ("truncated-early", good[..700].to_vec()),
        ("digest", crate::support::image::archive(&changed)),
        ("diff-id", files(&wrong_layer)),
        ("missing-blob", crate::support::image::archive(&missing)),
        ("not-gzip", files(&not_gzip)),
        (
            "no-index",
            crate::support::image::archive(&[("oci-layout".into(), br#"{"imageLayoutVersion":"1.0.0"}"#.to_vec())]),
        ),
        (
            "bad-index",
            crate::support::image::archive(&[
                ("oci-layout".into(), br#"{"imageLayoutVersion":"1.0.0"}"#.to_vec()),
                ("index.json".into(), b"{".to_vec()),
            ]),
        ),
    ];
    for (name, bytes) in cases {
        let path = env.file(&format!("{name}.tar"), bytes);
        let said = env.fails(125, ["load", "-q", "-i", path.to_str().unwrap()]);
        assert!(said.lines().count() <= 2, "{name}: {said}");
        assert_eq!(env.ok(["images", "-a", "-q"]), "", "{name}");
    }
    env.fails(125, ["load", "-q", "-i", "/no/such.tar"]);
    for dir in ["layers", "tmp"] {
        let left: Vec<_> =
            std::fs::read_dir(env.root().join(dir)).into_iter().flatten().flatten().map(|e| e.path()).collect();
        assert!(left.is_empty(), "left behind: {left:?}");
    }
}

#[test]
fn import_of_a_url() {
    let env = Env::new();
    let tar = String::from_utf8(Layer::new().file("note", 0o644, "from afar").bytes()).unwrap();
    let server = Proxy::start(0, move |request| match request.target.as_str() {
        "/root.tar" => Fault::Answer(200, String::new(), tar.clone()),
        "/moved" => Fault::Answer(302, "location: /root.tar\r\n".into(), String::new()),
        _ => Fault::Answer(404, String::new(), String::new()),
    });
    let url = |path: &str| format!("http://{}{path}", server.address());
    let output = env.coracle(["import", &url("/moved"), "far:1"]).run().expect(0);
    assert!(output.stderr.contains(&format!("Downloading from \"{}\"", url("/moved"))), "{output}");
    assert_eq!(env.inspect("far:1", "History.0.comment"), format!("Imported from {}", url("/moved")));
    let said = env.fails(125, ["import", "-q", &url("/nosuch")]);
    assert!(said.contains("status 404"), "{said}");
    assert_eq!(env.ok(["images", "-q"]).lines().count(), 1);
}

#[test]
fn import_makes_an_image_of_a_file_system() {
    let env = Env::new();
    let tar = Layer::new()
        .dir("bin/", 0o755)
        .file("bin/busybox", 0o755, busybox_binary())
        .symlink("bin/sh", "busybox")
        .file("note", 0o644, "imported")
        .bytes();
    let path = env.file("root.tar", &tar);
    let id = env.ok([
        "import",
        "-q",
        "--change",
        "CMD [\"/bin/busybox\", \"cat\", \"/note\"]",
        "-c",
        "ENV A=b",
        "-m",
        "a message",
        path.to_str().unwrap(),
        "imported:1",
    ]);
    assert!(id.starts_with("sha256:") && id.len() == 71, "{id}");
    env.coracle(["run", "--rm", "--network", "none", "imported:1"]).run().expect(0).says("imported");
    assert_eq!(env.inspect("localhost/imported:1", "Config.Env.0"), "A=b");
    // From standard input, without a name.
    let id = env.coracle(["import", "-q", "-"]).stdin(tar).run().expect(0).text();
    env.coracle(["run", "--rm", "--network", "none", &id, "/bin/busybox", "cat", "/note"])
        .run()
        .expect(0)
        .says("imported");
    let bad = env.file("bad.tar", b"not a tar".repeat(200));
    env.fails(125, ["import", "-q", bad.to_str().unwrap(), "bad"]);
    env.fails(125, ["import", "-q", "/no/such.tar"]);
}

#[test]
fn names_tags_and_removal() {
    let env = Env::busybox();
    let id = env.ok(["images", "-q", "--no-trunc"]);
    assert!(id.starts_with("sha256:"), "{id}");
    env.ok(["tag", "busybox", "one", "example.org/two:2"]);
    let mut names: Vec<String> =
        env.ok(["images", "--format", "{{.Repository}}:{{.Tag}}"]).lines().map(str::to_owned).collect();
    names.sort();
    assert_eq!(names, ["example.org/two:2", "localhost/busybox:latest", "localhost/one:latest"]);
    let short = id.trim_start_matches("sha256:")[..12].to_owned();
    for reference in ["one", "localhost/one:latest", "two:2", "example.org/two:2", &short, &id] {
        env.coracle(["run", "--rm", "--network", "none", reference, "true"]).run().expect(0);
    }
    assert!(env.ok(["rmi", "one"]).contains("localhost/one:latest"));
    env.ok(["run", "-d", "--name", "user", "--network", "none", "two:2", "sleep", "1000"]);
    env.ok(["rmi", "two:2"]);
    assert!(env.fails(2, ["rmi", "busybox"]).contains("in use"));
    assert!(env.fails(2, ["rmi", &short]).contains("in use"));
    assert!(env.fails(1, ["rmi", "nosuch"]).contains("nosuch"));
    env.ok(["rmi", "--ignore", "nosuch"]);
    env.ok(["rm", "-f", "-t", "0", "user"]);
    assert!(env.ok(["rmi", "busybox"]).contains(short.as_str()));
    assert_eq!(env.ok(["images", "-a", "-q"]), "");
    let layers: Vec<_> = std::fs::read_dir(env.root().join("layers")).unwrap().collect();
    assert!(layers.is_empty(), "{layers:?}");
    env.fails(125, ["tag", "nosuch", "x"]);
}

#[test]
fn forced_removal_takes_the_containers_along() {
    let env = Env::busybox();
    env.start("c", &[]);
    env.ok(["rmi", "-f", "busybox"]);
    env.assert_nothing_left();
    assert_eq!(env.ok(["images", "-q"]), "");
}

#[test]
fn images_lists() {
    let env = Env::busybox();
    let table = env.ok(["images"]);
    let lines: Vec<Vec<&str>> =
        table.lines().map(|line| line.split("  ").map(str::trim).filter(|s| !s.is_empty()).collect()).collect();
    assert_eq!(lines[0], ["REPOSITORY", "TAG", "IMAGE ID", "CREATED", "SIZE"]);
    assert_eq!((lines[1][0], lines[1][1], lines[1][2].len()), ("localhost/busybox", "latest", 12));
    let json: Value = serde_json::from_str(&env.ok(["images", "--format", "json"])).unwrap();
    assert_eq!(json[0]["Names"][0], "localhost/busybox:latest");
    assert_eq!(env.ok(["images", "--filter", "reference=busy*", "-q"]).lines().count(), 1);
    assert_eq!(env.ok(["images", "--filter", "reference=other*", "-q"]), "");
    assert_eq!(env.ok(["images", "-n"]).lines().count(), 1);
    assert_eq!(env.ok(["images", "busybox", "-q"]).lines().count(), 1);
}

/// Upper layers hide, replace and open what is below.
#[test]
fn whiteouts_and_opaque_directories() {
    let env = Env::new();
    let base = Layer::new()
        .dir("d/", 0o755)
        .file("d/kept", 0o644, "1")
        .file("d/removed", 0o644, "1")
        .file("d/replaced", 0o644, "old")
        .dir("o/", 0o755)
        .file("o/hidden", 0o644, "1")
        .dir("o/sub/", 0o755)
        .file("o/sub/hidden", 0o644, "1")
        .dir("gone/", 0o755)
        .file("gone/x", 0o644, "1")
        .file("was-file", 0o644, "1")
        .dir("was-dir/", 0o755)
        .file("was-dir/x", 0o644, "1");
    let upper = Layer::new()
        .file("d/.wh.removed", 0o644, "")
        .file("d/replaced", 0o644, "new")
        .file("o/new", 0o644, "1")
        .file("o/.wh..wh..opq", 0o644, "")
        .file(".wh.gone", 0o644, "")
        .dir("was-file/", 0o755)
        .file("was-file/x", 0o644, "1")
        .file("was-dir", 0o644, "file now");
    let top = Layer::new().dir("gone/", 0o755).file("gone/again", 0o644, "1").file("d/.wh.notthere", 0o644, "");
    env.add(&on_busybox("localhost/layers", vec![base.gzip(), upper.zstd(), top.plain()]));
    for driver in ["overlay", "fuse-overlayfs", "vfs"] {
        let script = "find /d /o /gone /was-file /was-dir | sort | tr '\\n' ' '; cat /d/replaced /was-dir";
        let args = ["--storage-driver", driver, "run", "--rm", "--network", "none", "layers", "sh", "-c", script];
        env.coracle(args)
            .run()
            .expect(0)
            .says("/d /d/kept /d/replaced /gone /gone/again /o /o/new /was-dir /was-file /was-file/x newfile now");
    }
}

#[test]
fn layers_keep_what_a_file_system_has() {
    let env = Env::new();
    let long = format!("{}/{}", "long-directory-name".repeat(6), "x".repeat(200));
    let layer = Layer::new()
        .file("plain", 0o640, "content")
        .hardlink("linked", "plain")
        .hardlink("linked-twice", "linked")
        .symlink("dangling", "no/such")
        .symlink("absolute", "/plain")
        .file("suid", 0o4755, "x")
        .file("sgid", 0o2755, "x")
        .dir("sticky/", 0o1777)
        .fifo("pipe")
        .owned("owned", 0o600, 1000, 2000, b"mine")
        .file(&long, 0o644, "long")
        .file("sp ace\n\"new\"", 0o644, "odd")
        .file("d/implied/parents", 0o644, "x");
    env.add(&on_busybox("localhost/fs", vec![layer.gzip()]));
    let script = format!(
        "cd /; stat -c '%n %a %h' plain; stat -c '%n %a' suid sgid sticky; stat -c '%n %u:%g' owned; \
         readlink dangling; readlink absolute; cat absolute; echo; [ -p pipe ] && echo pipe; cat {long}; echo; ls | grep -c new; cat d/implied/parents; echo; stat -c %Y plain"
    );
    let output = env.coracle(["run", "--rm", "--network", "none", "fs", "sh", "-c", &script]).run().expect(0);
    output.says("plain 640 3\nsuid 4755\nsgid 2755\nsticky 1777\nowned 1000:2000\nno/such\n/plain\ncontent\npipe\nlong\n1\nx\n1700000000");
}

/// Entries that try to leave the layer's directory are refused, or end up inside of it.
#[test]
fn hostile_entries_do_not_leave_the_layer() {
    use tar::EntryType::{Link, Regular, Symlink};
    let env = Env::new();
    let outside = env.work().join("outside");
    std::fs::create_dir(&outside).unwrap();
    let victim = env.file("outside/victim", "untouched");
    let (out, file) = (outside.display().to_string(), victim.display().to_string());
    let up = "../".repeat(30);
    let cases: Vec<(&str, Layer)> = vec![
        ("dotdot", Layer::new().entry(Regular, &format!("{up}{}", &file[1..]), "", 0o644, b"escaped")),
        ("dotdot-inside", Layer::new().dir("a/", 0o755).entry(Regular, "a/../../../b", "", 0o644, b"escaped")),
        ("absolute", Layer::new().entry(Regular, &file, "", 0o644, b"escaped")),
        (
            "through-link",
            Layer::new().symlink("l", &out).file("l/new", 0o644, "escaped").file("l/victim", 0o644, "escaped"),
        ),
        (
            "through-relative-link",
            Layer::new().symlink("l", &format!("{up}{}", &out[1..])).file("l/victim", 0o644, "escaped"),
        ),
        ("through-two-links", Layer::new().symlink("a", "b").symlink("b", &out).file("a/victim", 0o644, "escaped")),
        ("link-replaced", Layer::new().symlink("l", &file).file("l", 0o644, "escaped")),
        ("hardlink-out", Layer::new().hardlink("h", &file).file("h", 0o644, "escaped")),
        ("hardlink-dotdot", Layer::new().hardlink("h", &format!("{up}{}", &file[1..])).file("h", 0o644, "escaped")),
        (
            "hardlink-through-link",
            Layer::new().symlink("l", &out).entry(Link, "h", "l/victim", 0o644, b"").file("h", 0o644, "escaped"),
        ),
        (
            "hardlink-to-link",
            Layer::new().symlink("l", &file).entry(Link, "h", "l", 0o644, b"").file("h", 0o644, "escaped"),
        ),
        ("whiteout-out", Layer::new().symlink("l", &out).file("l/.wh.victim", 0o644, "")),
        (
            "whiteout-dotdot",
            Layer::new()
                .dir("d/", 0o755)
                .file("d/.wh...", 0o644, "")
                .file(".wh...", 0o644, "")
                .file(".wh..", 0o644, ""),
        ),
        ("whiteout-empty", Layer::new().file(".wh.", 0o644, "")),
        ("opaque-out", Layer::new().symlink("l", &out).file("l/.wh..wh..opq", 0o644, "")),
        ("link-loop", Layer::new().symlink("a", "b").symlink("b", "a").file("a/x", 0o644, "escaped")),
        ("device", Layer::new().device("disk", 8, 0).device("null", 1, 3)),
        ("root-is-a-file", Layer::new().entry(Regular, "./", "", 0o644, b"x")),
        ("root-is-a-link", Layer::new().entry(Symlink, ".", &out, 0o777, b"").file("victim", 0o644, "escaped")),
        ("nul-and-long", Layer::new().file(&"n".repeat(300), 0o644, "x").file(&"p/".repeat(3000), 0o644, "x")),
    ];
    for (name, layer) in cases {
        let image = on_busybox(&format!("localhost/{name}"), vec![layer.plain()]);
        let archive = env.work().join("hostile.tar");
        image.oci_archive(&archive);
        let output = env.coracle(["load", "-q", "-i", archive.to_str().unwrap()]).run();
        assert!([0, 125].contains(&output.code()), "{name}: {output}");
        if output.code() == 0 {
            let ran = env.coracle(["run", "--rm", "--network", "none", name, "true"]).run();
            assert!([0, 125, 126, 127].contains(&ran.code()), "{name}: {ran}");
        }
        assert_eq!(std::fs::read_to_string(&victim).unwrap_or_default(), "untouched", "{name}");
        assert_eq!(std::fs::read_dir(&outside).unwrap().count(), 1, "{name}");
        assert!(env.root().join("layers").is_dir(), "{name}");
    }
    env.assert_nothing_left();
}

/// The directory is 10 GB on paper; unpacking it takes neither that space nor that time.
#[test]
fn sparse_files_stay_sparse() {
    let env = Env::new();
    let size: u64 = 10 << 30;
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(tar::EntryType::GNUSparse);
    header.set_path("sparse").unwrap();
    header.set_mode(0o644);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    header.set_size(512);
    {
        let gnu = header.as_gnu_mut().unwrap();
        gnu.set_real_size(size);
        gnu.sparse[0].set_offset(size - 512);
        gnu.sparse[0].set_length(512);
    }
    header.set_cksum();
    let mut builder = tar::Builder::new(Vec::new());
    builder.append(&header, [b'e'; 512].as_slice()).unwrap();
    let tar = builder.into_inner().unwrap();
    let blob = crate::support::image::Blob {
        media_type: "application/vnd.oci.image.layer.v1.tar",
        diff_id: crate::support::image::digest(&tar),
        bytes: tar,
    };
    env.add(&on_busybox("localhost/sparse", vec![blob]));
    let script = "stat -c %s /sparse; tail -c 3 /sparse; echo; echo $(( $(stat -c %b /sparse) < 100 ))";
    env.coracle(["run", "--rm", "--network", "none", "sparse", "sh", "-c", script])
        .run()
        .expect(0)
        .says("10737418240\neee\n1");
}

#[test]
fn very_many_entries() {
    let env = Env::new();
    let mut layer = Layer::new();
    for i in 0..50_000 {
        layer = if i % 500 == 0 {
            layer.dir(&format!("many/{}/", i / 500), 0o755)
        } else {
            layer.file(&format!("many/{}/{i}", i / 500), 0o644, "")
        };
    }
    env.add(&on_busybox("localhost/many", vec![layer.gzip()]));
    env.coracle(["run", "--rm", "--network", "none", "many", "sh", "-c", "find /many -type f | wc -l"])
        .run()
        .expect(0)
        .says("49900");
}

/// scripts/test.sh mounts a file system of 1 MB where it can.
#[test]
fn full_disk_while_unpacking() {
    let env = Env::new();
    let Some(small) = std::env::var_os("CORACLE_TEST_SMALL").map(std::path::PathBuf::from) else {
        return crate::support::skip("full_disk_while_unpacking", "CORACLE_TEST_SMALL names no small file system");
    };
    let roots = ["--root".into(), small.join("r").into_os_string(), "--runroot".into(), env.runroot().into_os_string()];
    let run = |args: &[&str]| env.program(crate::support::env::CORACLE).args(&roots).args(args).run();
    let output = run(&["load", "-q", "-i", fixtures::busybox().to_str().unwrap()]).expect(125);
    assert!(output.stderr.contains("No space left on device"), "{output}");
    assert_eq!(output.stderr.lines().filter(|line| line.starts_with("Error:")).count(), 1, "{output}");
    run(&["images", "-a", "-q"]).expect(0).says("");
    for dir in ["layers", "tmp"] {
        let left: Vec<_> =
            std::fs::read_dir(small.join("r").join(dir)).into_iter().flatten().flatten().map(|e| e.path()).collect();
        assert!(left.is_empty(), "left behind: {left:?}");
    }
    // Removing an image is the way out, and needs no room.
    run(&["import", "-q", env.file("empty.tar", [0; 1024]).to_str().unwrap(), "tiny"]).expect(0);
    let mut filler = std::fs::File::create(small.join("filler")).unwrap();
    let full = std::io::copy(&mut std::io::repeat(0), &mut filler).unwrap_err();
    assert_eq!(full.raw_os_error(), Some(libc::ENOSPC));
    run(&["rmi", "tiny"]).expect(0);
    run(&["images", "-a", "-q"]).expect(0).says("");
    std::fs::remove_file(small.join("filler")).unwrap();
    run(&["system", "check"]).expect(0);
    env.program("rm").args(["-rf".as_ref(), small.join("r").as_os_str()]).run().expect(0);
}

#[test]
fn inspect_shows_the_configuration() {
    let env = Env::new();
    let config = json!({"Cmd": ["a", "b"], "Entrypoint": ["/e"], "Env": ["X=1"], "ExposedPorts": {"80/tcp": {}}, "Labels": {"k": "v"}, "WorkingDir": "/w", "User": "app", "StopSignal": "SIGINT", "Volumes": {"/v": {}}});
    env.add(&on_busybox("localhost/conf:1", vec![]).config(config.clone()));
    let shown = env.inspect("conf:1", "Config");
    for (key, value) in config.as_object().unwrap() {
        assert_eq!(&shown[key], value, "{key}");
    }
    assert_eq!(env.inspect("conf:1", "Os"), "linux");
    assert_eq!(env.inspect("conf:1", "RepoTags.0"), "localhost/conf:1");
    assert_eq!(env.inspect("conf:1", "RootFS.Layers").as_array().unwrap().len(), 1);
}
