//! What is done with the images of the store: removing, pruning, looking into them.

use serde_json::Value;

use crate::support::Env;
use crate::support::fixtures::on_busybox;
use crate::support::image::{Image, Layer};

fn json(env: &Env, args: &[&str]) -> Value {
    let text = env.ok(args);
    serde_json::from_str(&text).unwrap_or_else(|e| panic!("{e}: {text}"))
}

fn count(env: &Env, dir: &str) -> usize {
    std::fs::read_dir(env.root().join(dir)).into_iter().flatten().count()
}

/// An image on busybox with one more file.
fn with_file(name: &str, file: &str) -> Image {
    on_busybox(name, vec![Layer::new().file(file, 0o644, name).gzip()])
}

#[test]
fn many_are_removed_in_one_step() {
    let env = Env::busybox();
    for n in 0..6 {
        env.add(&with_file(&format!("localhost/i{n}:1"), &format!("f{n}")));
    }
    env.ok(["create", "--name", "c", "--network", "none", "i0:1", "true"]);
    env.ok(["tag", "i1:1", "other/name:2"]);
    let id = |name: &str| env.inspect(name, "Id").as_str().unwrap().to_owned();
    let (one, two, three) = (id("i1:1"), id("i2:1"), id("i3:1"));
    let digest = env.inspect("i4:1", "Digest").as_str().unwrap().to_owned();
    let layers = count(&env, "layers");
    // All that can be removed are; what cannot is told, each with its reason.
    let output = env
        .coracle(["rmi", "i0:1", &one[..12], &two[..12], "nosuch", &format!("i4@{digest}"), &format!("sha256:{three}")])
        .run();
    let output = output.expect(1);
    for text in ["image is in use by a container", "more than one tag", "nosuch: image not known"] {
        assert!(output.stderr.contains(text), "{text}: {output}");
    }
    for text in [format!("Deleted: {two}"), format!("Deleted: {three}"), "Untagged: localhost/i4:1".to_owned()] {
        assert!(output.stdout.contains(&text), "{text}: {output}");
    }
    assert_eq!(count(&env, "layers"), layers - 3);
    // A name of several only loses the name.
    assert_eq!(env.ok(["rmi", "other/name:2"]), "Untagged: localhost/other/name:2");
    env.coracle(["image", "exists", "i1:1"]).run().expect(0).says("");
    assert_eq!(env.coracle(["image", "exists", "i2:1"]).run().expect(1).stdout, "");
    env.ok(["rmi", "-i", "nosuch", "i1:1"]);
    // -a with -f takes the containers as well.
    env.ok(["rmi", "-a", "-f"]);
    assert_eq!((env.ok(["images", "-a", "-q"]), env.names().len()), (String::new(), 0));
    assert_eq!((count(&env, "layers"), count(&env, "images/blobs/sha256"), count(&env, "tmp")), (0, 0, 0));
    env.fails(125, ["rmi"]);
    env.fails(125, ["rmi", "-a", "x"]);
}

#[test]
fn earlier_stages() {
    let env = Env::busybox();
    env.add(&with_file("localhost/child:1", "f"));
    let parent = env.inspect("busybox", "Id").as_str().unwrap().to_owned();
    let child = env.inspect("child:1", "Id").as_str().unwrap().to_owned();
    let listed = json(&env, &["images", "--format", "json", "--filter", "reference=child"]);
    assert_eq!(listed[0]["ParentId"], parent.as_str());
    assert_eq!(env.inspect("child:1", "Parent"), parent.as_str());
    // Without its name it is neither listed nor dangling, until its child is gone.
    env.ok(["untag", "busybox"]);
    assert_eq!(env.ok(["images", "-q"]).lines().count(), 1);
    assert_eq!(env.ok(["images", "-q", "-a"]).lines().count(), 2);
    assert_eq!(env.ok(["images", "-q", "--filter", "intermediate=true"]), parent[..12]);
    assert_eq!(env.ok(["images", "-q", "--filter", "dangling=true"]), "");
    assert_eq!(env.ok(["image", "prune", "-f"]), "");
    let kept = env.ok(["rmi", "--no-prune", "child:1"]);
    assert_eq!(kept, format!("Untagged: localhost/child:1\nDeleted: {child}"));
    assert_eq!(env.ok(["images", "-q", "--filter", "dangling=true"]), parent[..12]);
    env.add(&with_file("localhost/child:1", "f"));
    let both = env.ok(["rmi", "child:1"]);
    assert_eq!(both, format!("Untagged: localhost/child:1\nDeleted: {child}\nDeleted: {parent}"));
    assert_eq!(count(&env, "layers"), 0);
}

#[test]
fn history_tree_and_diff() {
    let env = Env::busybox();
    let top = Layer::new()
        .file("etc/passwd", 0o644, "other")
        .file("etc/.wh.group", 0o644, "")
        .dir("new/", 0o755)
        .file("new/x", 0o644, "");
    env.add(&on_busybox("localhost/child:1", vec![top.gzip()]));
    let history = json(&env, &["history", "--format", "json", "child:1"]);
    let steps = history.as_array().unwrap();
    assert_eq!(steps.len(), 2);
    assert_eq!(steps[0]["tags"][0], "localhost/child:1");
    assert_eq!(steps[1]["tags"][0], "localhost/busybox:latest");
    // The sizes of the archives, uncompressed, are those of the image.
    let sizes: u64 = steps.iter().map(|step| step["size"].as_u64().unwrap()).sum();
    let whole = env.inspect("child:1", "Size").as_u64().unwrap();
    assert!(
        steps[1]["size"].as_u64().unwrap() > 500_000 && (sizes..sizes + 5000).contains(&whole),
        "{history} {whole}"
    );
    assert_eq!(env.ok(["image", "history", "-q", "--no-trunc", "child:1"]).lines().next().unwrap().len(), 64);
    assert!(env.ok(["history", "--human=false", "child:1"]).contains("2024-10-11T00:00:00Z"));
    let tree = env.ok(["image", "tree", "child:1"]);
    assert!(
        tree.starts_with("Image ID: ")
            && tree.contains("├── ID: ")
            && tree.ends_with("Top Layer of: [localhost/child:1]"),
        "{tree}"
    );
    let above = env.ok(["image", "tree", "--whatrequires", "busybox"]);
    assert!(above.contains("\n└── ID: ") && above.contains("\n    └── ID: "), "{above}");
    let diff = env.ok(["image", "diff", "child:1"]);
    assert_eq!(diff, "C /etc\nD /etc/group\nC /etc/passwd\nA /new\nA /new/x");
    assert_eq!(env.ok(["image", "diff", "child:1", "busybox"]), diff);
    let back = json(&env, &["image", "diff", "--format", "json", "busybox", "child:1"]);
    assert_eq!((&back["added"][0], &back["deleted"][0]), (&Value::from("/etc/group"), &Value::from("/new")));
    assert!(env.fails(125, ["image", "diff", "nosuch"]).contains("image not known"));
    assert!(env.fails(125, ["image", "scp", "busybox", "host::"]).contains("not supported"));
}

#[test]
fn prune() {
    let env = Env::busybox();
    env.add(&with_file("localhost/used:1", "u"));
    env.ok(["create", "--name", "c", "--network", "none", "used:1", "true"]);
    for n in 0..2 {
        env.add(&Image::new(
            &format!("localhost/unused:{n}"),
            vec![Layer::new().file("x", 0o644, n.to_string()).gzip()],
        ));
    }
    let dangling = env.inspect("unused:0", "Id").as_str().unwrap().to_owned();
    env.ok(["untag", "unused:0"]);
    // It asks, and takes no answer for no.
    let output = env.coracle(["image", "prune"]).run().expect(0);
    assert!(
        output
            .stdout
            .contains("WARNING! This command removes all dangling images.\nAre you sure you want to continue? [y/N]"),
        "{output}"
    );
    assert_eq!(env.ok(["image", "prune", "-f", "--filter", "until=2020-01-01"]), "");
    assert_eq!(env.ok(["image", "prune", "-f", "--filter", "label=no"]), "");
    env.fails(125, ["image", "prune", "-f", "--filter", "nonsense=1"]);
    let yes = env.coracle(["image", "prune"]).stdin("y\n").run().expect(0);
    assert!(yes.stdout.ends_with(&format!("{dangling}\n")), "{yes}");
    // A download that goes on is not touched.
    let partial = env.root().join("images/partial");
    std::fs::create_dir_all(&partial).unwrap();
    let held = std::fs::File::create(partial.join("a".repeat(64))).unwrap();
    held.lock().unwrap();
    std::fs::write(partial.join("b".repeat(64)), "rest").unwrap();
    env.ok(["image", "prune", "-a", "-f"]);
    assert_eq!(env.ok(["images", "--format", "{{.Repository}}"]), "localhost/used");
    let left: Vec<_> = std::fs::read_dir(&partial).unwrap().flatten().map(|e| e.file_name()).collect();
    assert_eq!(left, ["a".repeat(64).as_str()]);
    env.ok(["start", "c"]);
}

#[test]
fn mounted_images() {
    let env = Env::busybox();
    env.add(&with_file("localhost/child:1", "f"));
    if !is_root() {
        let said = env.fails(125, ["image", "mount", "busybox"]);
        assert!(said.contains("coracle unshare"), "{said}");
    }
    let exe = crate::support::env::CORACLE;
    let c = format!("{exe} --root {} --runroot {}", env.root().display(), env.runroot().display());
    let script = format!(
        "set -e
        at=$({c} image mount child:1)
        test \"$at\" = \"$({c} image mount child:1)\"
        cat $at/f; echo; test -x $at/bin/busybox
        ! touch $at/new 2>/dev/null
        {c} image mount | grep -q localhost/child:1
        {c} image mount --format json | grep -q mountpoint
        ! {c} rmi child:1 2>&1
        {c} image unmount child:1 >/dev/null
        ! {c} image unmount child:1 2>/dev/null
        test ! -e $at
        {c} image mount -a >/dev/null; {c} image unmount -a | wc -l
        {c} image mount child:1 >/dev/null
        {c} rmi -f child:1"
    );
    let output = env.coracle(["unshare", "sh", "-c", &script]).run().expect(0);
    let lines: Vec<&str> = output.stdout.lines().collect();
    assert_eq!(lines[0], "localhost/child:1", "{output}");
    assert!(lines[1].contains("image is mounted at"), "{output}");
    assert!(output.stdout.contains("\n2\n") && output.stdout.contains("Deleted: "), "{output}");
    // A mount ends with its shell, and then is nobody's.
    let script = format!("{c} image mount busybox");
    env.coracle(["unshare", "sh", "-c", &script]).run().expect(0);
    env.ok(["rmi", "busybox"]);
}

fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt as _;
    std::fs::metadata("/proc/self").is_ok_and(|meta| meta.uid() == 0)
}
