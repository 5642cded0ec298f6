//! Places that are no registry: `oci:`, `oci-archive:`, `docker-archive:` and `dir:`, pulled from and pushed to.

use serde_json::Value;

use crate::support::fixtures::{self, on_busybox};
use crate::support::image::{Image, Layer};
use crate::support::registry::skopeo;
use crate::support::{Env, let_pass};

#[test]
fn names_are_those_that_the_reference_gives() {
    let env = Env::busybox();
    let id = env.inspect("busybox", "Id");
    for to in ["oci:o:v1", "oci:u", "oci-archive:a.tar:v2", "oci-archive:b.tar", "docker-archive:d.tar:x/y:3", "dir:p"]
    {
        env.ok(["push", "-q", "busybox", to]);
    }
    let table = [
        ("oci:o:v1", "docker.io/library/v1:latest"),
        ("oci:o", "<none>:<none>"),
        ("oci:o:@0", "<none>:<none>"),
        ("oci:u", "<none>:<none>"),
        ("oci-archive:a.tar:v2", "localhost/v2:latest"),
        ("oci-archive:a.tar", "localhost/v2:latest"),
        ("oci-archive:b.tar", "<none>:<none>"),
        ("docker-archive:d.tar:x/y:3", "docker.io/x/y:3"),
        ("docker-archive:d.tar:busybox", ""),
        ("docker-archive:d.tar", "docker.io/x/y:3\nlocalhost/busybox:latest"),
        ("dir:p", "<none>:<none>"),
    ];
    for (from, expected) in table {
        env.ok(["rmi", "-f", "-a"]);
        if expected.is_empty() {
            assert!(env.fails(125, ["pull", "-q", from]).contains("not found"), "{from}");
            continue;
        }
        assert_eq!(env.ok(["pull", "-q", from]).lines().last(), id.as_str(), "{from}");
        let names = env.ok(["images", "--format", "{{.Repository}}:{{.Tag}}"]);
        let mut names: Vec<&str> = names.lines().collect();
        names.sort_unstable();
        assert_eq!(names.join("\n"), expected, "{from}");
    }
    for (from, expected) in [
        ("oci:o:nosuch", "no descriptor found for reference \"nosuch\""),
        ("oci:nosuch", "nosuch"),
        ("dir:nosuch", "nosuch"),
        ("oci:o:@7", "only 1"),
        ("oci:a.tar:v2", "not a directory"),
        ("dir:a.tar", "not a directory"),
        ("oci-archive:o:v1", "is a directory"),
        ("docker-archive:p", "is a directory"),
        ("docker-daemon:x:1", "not supported"),
        ("containers-storage:x", "not supported"),
        ("oci:", "no path"),
    ] {
        let said = env.fails(125, ["pull", "-q", from]);
        assert!(said.contains(expected), "{from}: {said}");
    }
}

#[test]
fn the_digest_is_written_to_where_the_name_leads() {
    let env = Env::busybox();
    let real = env.file("real", "");
    let link = env.work().join("link");
    std::os::unix::fs::symlink(&real, &link).unwrap();
    env.ok(["push", "-q", "--digestfile", link.to_str().unwrap(), "busybox", "dir:p"]);
    assert!(std::fs::read_to_string(&real).unwrap().starts_with("sha256:"));
    let printed = env.ok(["push", "-q", "--digestfile", "/dev/stdout", "busybox", "dir:p"]);
    assert_eq!(printed, std::fs::read_to_string(&real).unwrap());
}

#[test]
fn others_write_and_we_read() {
    let env = Env::new();
    let source = format!("oci:{}", fixtures::busybox_layout().display());
    for (to, format) in
        [("dir:d1", "oci"), ("dir:d2", "v2s2"), ("oci:o1:x", "oci"), ("docker-archive:a.tar:localhost/x:1", "v2s2")]
    {
        skopeo(&env, &["copy", "--format", format, &source, to]);
        let id = env.ok(["pull", "-q", to]);
        env.coracle(["run", "--rm", "--network", "none", &id, "echo", "read"]).run().expect(0).says("read");
        // As it came: the digest is that of the manifest in the directory.
        if let Some(dir) = to.strip_prefix("dir:") {
            let manifest = std::fs::read(env.work().join(dir).join("manifest.json")).unwrap();
            assert_eq!(env.inspect(&id, "Digest"), crate::support::image::digest(&manifest));
            env.ok(["load", "-q", "-i", dir]);
        }
        env.ok(["rmi", "-f", "-a"]);
    }
}

#[test]
fn we_write_and_others_read() {
    let env = Env::busybox();
    let config: Value = serde_json::from_str(&{
        let images = env.root().join("images");
        skopeo(&env, &["inspect", "--config", &format!("oci:{}:localhost/busybox:latest", images.display())])
    })
    .unwrap();
    for place in ["oci:o:v1", "oci-archive:a.tar:v1", "docker-archive:d.tar:localhost/x:1", "dir:p"] {
        env.ok(["push", "-q", "busybox", place]);
        let read: Value = serde_json::from_str(&skopeo(&env, &["inspect", "--config", place])).unwrap();
        assert_eq!(read, config, "{place}");
        let copy = format!("dir:copy-{}", place.split(':').next().unwrap());
        skopeo(&env, &["copy", place, &copy]);
    }
    assert_eq!(std::fs::read_to_string(env.work().join("p/version")).unwrap(), "Directory Transport Version: 1.1\n");
}

/// A layout grows; whoever writes to it at the same time loses nothing.
#[test]
fn a_layout_is_added_to() {
    let env = Env::new();
    let names: Vec<String> = (0..6).map(|i| format!("localhost/i{i}:1")).collect();
    for (i, name) in names.iter().enumerate() {
        env.add(&Image::new(name, vec![Layer::new().file("x", 0o644, format!("{i}")).gzip()]));
    }
    let running: Vec<_> =
        (0..6).map(|i| env.coracle(["push", "-q", names[i].as_str(), &format!("oci:all:v{i}")]).spawn()).collect();
    for one in running {
        one.finish().expect(0);
    }
    for (i, name) in names.iter().enumerate() {
        let raw = skopeo(&env, &["inspect", "--raw", &format!("oci:all:v{i}")]);
        assert_eq!(crate::support::image::digest(raw.as_bytes()), env.inspect(name, "Digest").as_str().unwrap());
    }
    // A name moves, and what others put there stays.
    skopeo(&env, &["copy", &format!("oci:{}", fixtures::busybox_layout().display()), "oci:all:theirs"]);
    env.ok(["push", "-q", "localhost/i0:1", "oci:all:v5"]);
    let raw = |name: &str| skopeo(&env, &["inspect", "--raw", &format!("oci:all:{name}")]);
    assert_eq!(raw("v0"), raw("v5"));
    assert!(!raw("theirs").is_empty());
    let left = std::fs::read_dir(env.work().join("all/blobs/sha256")).unwrap().flatten();
    assert!(left.map(|entry| entry.file_name().len()).all(|length| length == 64), "temporary files are left");
    let said = env.fails(125, ["pull", "-q", "oci:all"]);
    assert!(said.contains("more than one image"), "{said}");
    assert!(env.fails(125, ["push", "-q", "localhost/i0:1", "oci:all:@0"]).contains("@0"));
}

#[test]
fn what_is_not_ours_is_left_alone() {
    let env = Env::busybox();
    env.file("mine/precious", "x");
    let said = env.fails(125, ["push", "-q", "busybox", "dir:mine"]);
    assert!(said.contains("not a containers image directory, don't want to overwrite important data"), "{said}");
    assert_eq!(std::fs::read_to_string(env.work().join("mine/precious")).unwrap(), "x");
    // A second image takes the place of the first.
    env.add(&on_busybox("localhost/two:1", vec![Layer::new().file("x", 0o644, "x").gzip()]));
    env.ok(["push", "-q", "localhost/two:1", "dir:p"]);
    env.ok(["push", "-q", "busybox", "dir:p"]);
    assert_eq!(std::fs::read_dir(env.work().join("p")).unwrap().count(), 4);
    let said = env.fails(125, ["push", "-q", "busybox", "docker-archive:mine/precious"]);
    assert!(said.contains("docker-archive doesn't support modifying existing images"), "{said}");
    let said = env.fails(125, ["push", "-q", "busybox", "nosuch:/x"]);
    assert!(said.contains("unknown transport \"nosuch\""), "{said}");
    assert!(env.fails(125, ["pull", "-q", "-a", "oci:x"]).contains("registries only"));
}

/// kill -9 at many moments: the layout can be read and written to afterwards.
#[test]
fn killed_pushes_leave_a_working_layout() {
    let env = Env::busybox();
    env.ok(["push", "-q", "busybox", "oci:all:first"]);
    for delay in 0..10 {
        let mut running = env.coracle(["push", "-q", "--force-compression", "busybox", "oci:all:second"]).spawn();
        let_pass(std::time::Duration::from_millis(delay * 10));
        let _ = running.child.kill();
        running.finish();
        skopeo(&env, &["inspect", "--raw", "oci:all:first"]);
    }
    env.ok(["push", "-q", "--force-compression", "busybox", "oci:all:second"]);
    skopeo(&env, &["copy", "oci:all:second", "dir:second"]);
    assert_eq!(std::fs::read_dir(env.root().join("tmp")).unwrap().count(), 0, "temporary files are left");
}
