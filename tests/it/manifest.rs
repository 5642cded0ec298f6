//! Manifest lists: made here, pushed to a real registry, read by skopeo.

use std::ffi::OsString;

use serde_json::{Value, json};

use crate::support::Env;
use crate::support::fixtures::{self, on_busybox};
use crate::support::image::{Image, Layer, digest};
use crate::support::keys::SigstoreKey;
use crate::support::registry::{Registry, skopeo};

const OWN: &str = if cfg!(target_arch = "x86_64") { "amd64" } else { "arm64" };
const INDEX: &str = "application/vnd.oci.image.index.v1+json";
const DOCKER_LIST: &str = "application/vnd.docker.distribution.manifest.list.v2+json";

/// `localhost/x:own` for this machine, and `localhost/x:s390x`, with layers of their own.
fn two_images(env: &Env) {
    for architecture in [OWN, "s390x"] {
        let tag = if architecture == OWN { "own" } else { architecture };
        env.add(&image(&format!("localhost/x:{tag}"), architecture));
    }
}

fn image(name: &str, architecture: &str) -> Image {
    let mut image = on_busybox(name, vec![Layer::new().file("arch", 0o644, architecture).gzip()]);
    image.architecture = architecture.into();
    image
}

fn inspect(env: &Env, list: &str) -> Value {
    parsed(&env.ok(["manifest", "inspect", "--tls-verify=false", list]))
}

fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|e| panic!("{e}: {text}"))
}

fn architectures(list: &Value) -> Vec<&str> {
    let all = list["manifests"].as_array().expect("manifests");
    all.iter().map(|entry| entry["platform"]["architecture"].as_str().expect("an architecture")).collect()
}

fn raw(env: &Env, name: &str) -> Value {
    parsed(&skopeo(env, &["inspect", "--raw", "--tls-verify=false", &format!("docker://{name}")]))
}

fn is_id(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|b| b.is_ascii_hexdigit())
}

#[test]
fn a_list_is_made_changed_and_removed() {
    let env = Env::new();
    two_images(&env);
    let id = env.ok(["manifest", "create", "multi", "localhost/x:own"]);
    assert!(is_id(&id), "{id}");
    assert!(env.fails(125, ["manifest", "create", "multi"]).contains("already associated with image"));
    assert!(env.fails(125, ["manifest", "create", "--amend", "localhost/x:own"]).contains("already associated"));
    assert_eq!(env.ok(["manifest", "create", "--amend", "--annotation", "a=b", "multi"]), id);
    assert_eq!(env.ok(["manifest", "add", "--annotation", "c=d", "multi", "localhost/x:s390x"]), id);
    let list = inspect(&env, "multi");
    assert_eq!(list["mediaType"], INDEX);
    assert_eq!(list["annotations"]["a"], "b");
    assert_eq!(architectures(&list), [OWN, "s390x"]);
    assert_eq!(list["manifests"][1]["annotations"]["c"], "d");
    assert_eq!(list["manifests"][0]["digest"], env.inspect("localhost/x:own", "Digest"));
    // Again: still one instance. By ID, and by the beginning of one.
    assert_eq!(env.ok(["manifest", "add", &id, "localhost/x:s390x"]), id);
    assert_eq!(architectures(&inspect(&env, &id[..12])).len(), 2);

    let second = inspect(&env, "multi")["manifests"][1]["digest"].as_str().unwrap().to_owned();
    let annotate = ["manifest", "annotate", "--variant", "z15", "--os-version", "1", "--os-features", "x,y"];
    assert_eq!(env.ok(annotate.iter().chain(&["--features", "f", "multi", "localhost/x:s390x"])), id);
    env.ok(["manifest", "annotate", "--annotation", "e=f", "--arch", "s390", "multi", &second]);
    env.ok(["manifest", "annotate", "--index", "--annotation", "i=j", "--subject", "localhost/x:own", "multi"]);
    let list = inspect(&env, "multi");
    let expected = json!({"architecture": "s390", "os": "linux", "os.version": "1", "os.features": ["x", "y"],
        "variant": "z15", "features": ["f"]});
    assert_eq!(list["manifests"][1]["platform"], expected);
    assert_eq!(list["manifests"][1]["annotations"], json!({"e": "f"}));
    assert_eq!(list["annotations"], json!({"a": "b", "i": "j"}));
    assert_eq!(list["subject"]["digest"], list["manifests"][0]["digest"]);

    env.coracle(["manifest", "exists", "multi"]).run().expect(0).says("");
    env.coracle(["manifest", "exists", "nosuch"]).run().expect(1).says("");
    assert_eq!(env.ok(["manifest", "remove", "multi", &second]), id);
    assert_eq!(architectures(&inspect(&env, "multi")), [OWN]);
    let said = env.fails(125, ["manifest", "remove", "multi", &second]);
    assert!(said.contains("no instance matching digest"), "{said}");
    let said = env.ok(["manifest", "rm", "multi"]);
    assert_eq!(said, format!("Untagged: localhost/multi:latest\nDeleted: {id}"));
    env.coracle(["manifest", "exists", "multi"]).run().expect(1);
    // The images are still there, and whole.
    env.coracle(["run", "--rm", "--network", "none", "localhost/x:own", "cat", "/arch"]).run().expect(0).says(OWN);
}

#[test]
fn other_commands_see_a_list_as_an_image() {
    let env = Env::new();
    two_images(&env);
    let id = env.ok(["manifest", "create", "multi", "localhost/x:s390x", "localhost/x:own"]);
    let listed = env.ok(["images", "--no-trunc", "--quiet", "--filter", "manifest=true"]);
    assert_eq!(listed, format!("sha256:{id}"));
    assert!(!env.ok(["images", "--no-trunc", "-q", "--filter", "manifest=false"]).contains(&id));
    assert_eq!(env.inspect("multi", "Architecture"), OWN);
    env.coracle(["run", "--rm", "--network", "none", "multi", "cat", "/arch"]).run().expect(0).says(OWN);
    env.ok(["tag", "multi", "quay.io/me/multi:1"]);
    assert_eq!(inspect(&env, "quay.io/me/multi:1"), inspect(&env, "multi"));
    // A change is seen under both names.
    env.ok(["manifest", "annotate", "--index", "--annotation", "a=b", "multi"]);
    assert_eq!(inspect(&env, "quay.io/me/multi:1")["annotations"]["a"], "b");
    assert_eq!(env.ok(["rmi", "multi"]), "Untagged: localhost/multi:latest");
    // The image of this machine goes, but not what the list needs of it.
    env.ok(["rmi", "localhost/x:own"]);
    env.coracle(["run", "--rm", "--network", "none", "quay.io/me/multi:1", "cat", "/arch"]).run().expect(0).says(OWN);
    let said = env.ok(["rmi", "quay.io/me/multi:1"]);
    assert_eq!(said, format!("Untagged: quay.io/me/multi:1\nDeleted: {id}"));
    // Now it is gone, and with it what only it needed.
    env.ok(["rmi", "-a", "-f"]);
    let blobs = std::fs::read_dir(env.root().join("images/blobs/sha256")).unwrap().count();
    let layers = std::fs::read_dir(env.root().join("layers")).unwrap().count();
    assert_eq!((blobs, layers), (0, 0));
}

/// Lists with the same content are not the same list.
#[test]
fn equal_lists_are_two() {
    let env = Env::new();
    let one = env.ok(["manifest", "create", "one"]);
    let two = env.ok(["manifest", "create", "two"]);
    assert_ne!(one, two);
    assert_eq!(env.ok(["images", "-q", "--no-trunc"]).lines().count(), 2);
    let said = env.ok(["manifest", "rm", "one"]);
    assert!(said.contains(&one) && !said.contains(&two), "{said}");
    assert_eq!(inspect(&env, "two")["manifests"], json!([]));
    env.ok(["untag", "two"]);
    assert_eq!(env.ok(["manifest", "rm", &two]), format!("Deleted: {two}"));
}

#[test]
fn what_is_wrong_is_said() {
    let env = Env::new();
    two_images(&env);
    env.ok(["manifest", "create", "multi"]);
    let table: [(u8, &[&str], &str); 16] = [
        (125, &["exists", "localhost/x:own"], "image is not a manifest list"),
        (125, &["rm", "localhost/x:own"], "image is not a manifest list"),
        (1, &["rm", "nosuch"], "nosuch: image not known"),
        (0, &["rm", "-i", "nosuch"], ""),
        (125, &["add", "nosuch", "localhost/x:own"], "nosuch: image not known"),
        (125, &["add", "localhost/x:own", "localhost/x:own"], "image is not a manifest list"),
        (125, &["add", "multi", "nosuch"], "nosuch: image not known"),
        (125, &["add", "--annotation", "bad", "multi", "localhost/x:own"], "no value given for annotation \"bad\""),
        (125, &["add", "--artifact-type", "x", "multi", "localhost/x:own"], "--artifact-type requires --artifact"),
        (125, &["add", "--artifact", "multi", "/nosuch/file"], "/nosuch/file"),
        (125, &["add", "multi", "oci:/tmp/x"], "cannot be in a list"),
        (125, &["annotate", "multi"], "expected an instance digest, image name, or artifact name"),
        (125, &["annotate", "--index", "multi", "x"], "did not expect image or artifact name \"x\""),
        (125, &["annotate", "multi", "localhost/x:own"], "no instance in the manifest list"),
        (125, &["remove", "multi", "foo"], "invalid image digest \"foo\""),
        (125, &["create", "Upper"], "repository name must be lowercase"),
    ];
    for (code, args, expected) in table {
        let output = env.coracle(["manifest"].iter().chain(args)).run().expect(code.into());
        assert!(output.stderr.contains(expected), "{args:?}: {output}");
    }
}

#[test]
fn pushed_to_a_registry() {
    let env = Env::new();
    let registry = Registry::start(&env);
    two_images(&env);
    env.ok(["manifest", "create", "--annotation", "a=b", "multi", "localhost/x:own", "localhost/x:s390x"]);
    let name = registry.name("test/multi:1");
    let file = env.work().join("digest");
    let push = ["manifest", "push", "--tls-verify=false", "--digestfile", file.to_str().unwrap(), "multi"];
    let output = env.coracle(push.iter().chain(&[format!("docker://{name}").as_str()])).run().expect(0);
    assert_eq!(output.stdout, "");
    assert!(output.stderr.contains("Copying 2 images generated from 2 images in list"), "{output}");
    let local = inspect(&env, "multi");
    let text = skopeo(&env, &["inspect", "--raw", "--tls-verify=false", &format!("docker://{name}")]);
    let remote = parsed(&text);
    assert_eq!(architectures(&remote), [OWN, "s390x"]);
    assert_eq!(remote["annotations"]["a"], "b");
    // What was compressed already goes out bit for bit.
    assert_eq!(remote["manifests"][0]["digest"], local["manifests"][0]["digest"]);
    assert_eq!(std::fs::read_to_string(&file).unwrap(), digest(text.as_bytes()));
    assert_eq!(inspect(&env, &name)["manifests"], local["manifests"]);
    // All of it can be read by another tool.
    let all = format!("oci:{}:all", env.work().join("copy").display());
    skopeo(&env, &["copy", "--all", "--src-tls-verify=false", &format!("docker://{name}"), &all]);

    // A second store pulls its own platform from it.
    let other = Env::new();
    other.ok(["pull", "-q", "--tls-verify=false", &name]);
    assert_eq!(other.inspect(&name, "Architecture"), OWN);

    let said = env.coracle(["manifest", "push", "-q", "--rm", "--tls-verify=false", "multi", &name]).run().expect(0);
    assert_eq!((said.stdout.as_str(), said.stderr.as_str()), ("", ""));
    env.coracle(["manifest", "exists", "multi"]).run().expect(1);
    // An image alone is no list, and is shown with a warning.
    registry.push(&env, fixtures::busybox_layout(), "test/single:1", "v2s2");
    let single = env.coracle(["manifest", "inspect", "--tls-verify=false", &registry.name("test/single:1")]).run();
    let single = single.expect(0);
    assert!(single.stderr.contains("is not a manifest list but a single image"), "{single}");
    assert!(parsed(&single.stdout)["layers"].is_array(), "{single}");
    let said = env.fails(125, ["manifest", "inspect", "--tls-verify=false", &registry.name("test/nosuch:1")]);
    assert!(said.contains("test/nosuch"), "{said}");
}

/// Images that are only in a registry are put into a list by their descriptors, and copied when it is pushed.
#[test]
fn from_one_registry_to_another() {
    let env = Env::new();
    let from = Registry::start(&env);
    let elsewhere = Env::new();
    let to = Registry::start(&elsewhere);
    two_images(&env);
    env.ok(["manifest", "create", "multi", "localhost/x:own", "localhost/x:s390x"]);
    let name = from.name("test/multi:1");
    env.ok(["manifest", "push", "-q", "--tls-verify=false", "multi", &name]);
    env.ok(["rmi", "-a", "-f"]);

    let source = format!("docker://{name}");
    env.ok(["manifest", "create", "--tls-verify=false", "own", &source]);
    assert_eq!(architectures(&inspect(&env, "own")), [OWN]);
    env.ok(["manifest", "create", "--all", "--tls-verify=false", "all", &name]);
    assert_eq!(architectures(&inspect(&env, "all")), [OWN, "s390x"]);
    env.ok(["manifest", "create", "chosen"]);
    env.ok(["manifest", "add", "--tls-verify=false", "--arch", "s390x", "chosen", &source]);
    assert_eq!(architectures(&inspect(&env, "chosen")), ["s390x"]);
    let said = env.fails(125, ["manifest", "add", "--all", "--arch", "arm", "--tls-verify=false", "chosen", &source]);
    assert!(said.contains("platform of 2 instances"), "{said}");
    // Nothing of it is here.
    assert!(env.fails(125, ["run", "--rm", "--network", "none", "all", "true"]).contains("not in local storage"));
    let said = env.fails(125, ["manifest", "push", "--tls-verify=false", "--compression-format", "zstd", "all", &name]);
    assert!(said.contains("not in local storage"), "{said}");

    let target = to.name("test/copy:2");
    env.ok(["manifest", "push", "-q", "--tls-verify=false", "all", &format!("docker://{target}")]);
    assert_eq!(raw(&env, &target)["manifests"], raw(&env, &name)["manifests"]);
    // Into another repository of the same registry as well.
    let sibling = from.name("test/sibling:1");
    env.ok(["manifest", "push", "-q", "--tls-verify=false", "all", &sibling]);
    env.ok(["pull", "-q", "--tls-verify=false", &sibling]);
    env.coracle(["run", "--rm", "--network", "none", &sibling, "cat", "/arch"]).run().expect(0).says(OWN);
    // The image that was pulled is the list's as well.
    env.coracle(["run", "--rm", "--network", "none", "all", "cat", "/arch"]).run().expect(0).says(OWN);
    // What was pulled from an index knows the others of it.
    env.ok(["manifest", "create", "--all", "again", &sibling]);
    assert_eq!(architectures(&inspect(&env, "again")), [OWN, "s390x"]);
}

#[test]
fn formats_and_compressions() {
    let env = Env::new();
    let registry = Registry::start(&env);
    two_images(&env);
    env.ok(["manifest", "create", "--annotation", "a=b", "multi", "localhost/x:own", "localhost/x:s390x"]);
    let name = registry.name("test/multi:docker");
    env.ok(["manifest", "push", "-q", "--format", "v2s2", "--tls-verify=false", "multi", &name]);
    let list = raw(&env, &name);
    assert_eq!(list["mediaType"], DOCKER_LIST);
    assert!(list.get("annotations").is_none(), "{list}");
    let first = list["manifests"][0]["digest"].as_str().unwrap();
    let first = raw(&env, &format!("{}@{first}", registry.name("test/multi")));
    assert_eq!(first["mediaType"], "application/vnd.docker.distribution.manifest.v2+json");

    let name = registry.name("test/multi:zstd");
    env.ok(["manifest", "push", "-q", "--add-compression", "zstd", "--tls-verify=false", "multi", &name]);
    let list = raw(&env, &name);
    assert_eq!(architectures(&list), [OWN, "s390x", OWN, "s390x"]);
    let has_zstd: Vec<bool> = list["manifests"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| entry["annotations"]["io.github.containers.compression.zstd"] == "true")
        .collect();
    assert_eq!(has_zstd, [false, false, true, true]);
    let third = list["manifests"][2]["digest"].as_str().unwrap();
    let third = raw(&env, &format!("{}@{third}", registry.name("test/multi")));
    assert_eq!(third["layers"][0]["mediaType"], "application/vnd.oci.image.layer.v1.tar+zstd");

    let name = registry.name("test/multi:allzstd");
    let zstd = ["--compression-format", "zstd", "--compression-level", "5"];
    let push = ["manifest", "push", "-q", "--tls-verify=false"];
    env.ok(push.iter().chain(&zstd).chain(&["multi", name.as_str()]));
    let first = raw(&env, &name)["manifests"][0]["digest"].as_str().unwrap().to_owned();
    let first = raw(&env, &format!("{}@{first}", registry.name("test/multi")));
    assert_eq!(first["layers"][1]["mediaType"], "application/vnd.oci.image.layer.v1.tar+zstd");
    env.ok(["pull", "-q", "--tls-verify=false", &name]);

    for (args, expected) in [
        (["--format", "v2s1"], "unknown format \"v2s1\""),
        (["--add-compression", "bzip2"], "`bzip2` of --add-compression"),
        (["--compression-format", "xz"], "`xz` of --compression-format"),
        (["--sign-by", "nosuchkey"], "nosuchkey"),
    ] {
        let said = env.fails(125, push.iter().chain(&args).chain(&["multi", name.as_str()]));
        assert!(said.contains(expected), "{said}");
    }
}

#[test]
fn other_transports() {
    let env = Env::new();
    two_images(&env);
    env.ok(["manifest", "create", "multi", "localhost/x:own", "localhost/x:s390x"]);
    let list = inspect(&env, "multi");
    let work = env.work();
    let oci = format!("oci:{}:v1", work.join("layout").display());
    env.ok(["manifest", "push", "-q", "multi", &oci]);
    let read = parsed(&skopeo(&env, &["inspect", "--raw", &oci]));
    assert_eq!(read["manifests"].as_array().unwrap().len(), 2);
    skopeo(&env, &["copy", "--all", &oci, &format!("oci:{}:v1", work.join("again").display())]);
    let dir = format!("dir:{}", work.join("dir").display());
    env.ok(["manifest", "push", "-q", "multi", &dir]);
    skopeo(&env, &["copy", "--all", &dir, &format!("oci:{}:v2", work.join("again").display())]);
    for entry in list["manifests"].as_array().unwrap() {
        let hex = entry["digest"].as_str().unwrap().trim_start_matches("sha256:").to_owned();
        assert!(work.join(format!("dir/{hex}.manifest.json")).exists());
    }
    let archive = work.join("list.tar");
    env.ok(["manifest", "push", "-q", "multi", &format!("oci-archive:{}", archive.display())]);
    let names = env.program("tar").args(["-tf".as_ref(), archive.as_os_str()]).run().expect(0).stdout;
    assert!(names.contains("index.json") && names.lines().filter(|l| l.starts_with("blobs/sha256/")).count() >= 8);
    // Without the instances: the list alone.
    let only = format!("oci:{}", work.join("only").display());
    env.ok(["manifest", "push", "-q", "--all=false", "multi", &only]);
    assert_eq!(std::fs::read_dir(work.join("only/blobs/sha256")).unwrap().count(), 1);
    let docker = format!("docker-archive:{}", work.join("x.tar").display());
    assert!(
        env.fails(125, ["manifest", "push", "multi", &docker]).contains("does not support copying multiple images")
    );
    // A list as an image: what is of this machine.
    let saved = work.join("saved.tar");
    env.ok(["save", "-q", "-o", saved.to_str().unwrap(), "multi"]);
    let other = Env::new();
    other.load(&saved);
    let own = format!("dir:{}", work.join("own").display());
    env.ok(["push", "-q", "multi", &own]);
    let pushed = std::fs::read(work.join("own/manifest.json")).unwrap();
    assert_eq!(list["manifests"][0]["digest"], digest(&pushed));
}

#[test]
fn artifacts() {
    let env = Env::new();
    let registry = Registry::start(&env);
    two_images(&env);
    let text = env.file("notes.txt", "art\n");
    let tar = env.file("fs.tar", Layer::new().file("a", 0o644, "hi").bytes());
    let config = env.file("config", "{\"a\":1}");
    env.ok(["manifest", "create", "multi", "localhost/x:own"]);
    let add = ["manifest", "add", "--artifact"];
    let path = |path: &std::path::Path| path.to_str().unwrap().to_owned();
    env.ok(add.iter().map(ToString::to_string).chain(["multi".into(), path(&text), path(&tar)]));
    let flags =
        ["--artifact-type", "application/x.y", "--artifact-config-type", "application/x.c", "--artifact-layer-type"];
    let more =
        ["text/z", "--artifact-exclude-titles", "--artifact-subject", "localhost/x:own", "--os", "linux", "--arch"];
    let all = add.iter().chain(&flags).chain(&more).map(ToString::to_string);
    let last = ["s390x", "--annotation", "q=r", "--artifact-config", &path(&config), "multi", &path(&text)];
    env.ok(all.chain(last.iter().map(ToString::to_string)));
    // By the name of its file.
    env.ok(["manifest", "annotate", "--annotation", "n=m", "multi", "fs.tar"]);
    let list = inspect(&env, "multi");
    assert_eq!(list["manifests"][1]["artifactType"], "application/vnd.unknown.artifact.v1");
    assert_eq!(list["manifests"][1]["annotations"]["n"], "m");
    assert_eq!(list["manifests"][1]["files"], json!([path(&text), path(&tar)]));
    assert_eq!(list["manifests"][2]["artifactType"], "application/x.y");
    assert_eq!(list["manifests"][2]["platform"]["architecture"], "s390x");
    // The files may go: the store has them.
    std::fs::remove_file(&text).unwrap();

    let name = registry.name("test/artifacts:1");
    env.ok(["manifest", "push", "-q", "--tls-verify=false", "multi", &name]);
    let pushed = raw(&env, &name);
    assert!(pushed["manifests"][1].get("files").is_none(), "{pushed}");
    let manifest = |position: usize| {
        let digest = pushed["manifests"][position]["digest"].as_str().unwrap();
        raw(&env, &format!("{}@{digest}", registry.name("test/artifacts")))
    };
    let first = manifest(1);
    assert_eq!(first["config"]["mediaType"], "application/vnd.oci.empty.v1+json");
    assert_eq!(first["config"]["data"], "e30=");
    assert_eq!(first["layers"][0]["mediaType"], "text/plain");
    assert_eq!(first["layers"][0]["digest"], digest(b"art\n"));
    assert_eq!(first["layers"][0]["annotations"]["org.opencontainers.image.title"], "notes.txt");
    assert_eq!(first["layers"][1]["mediaType"], "application/octet-stream");
    let second = manifest(2);
    assert_eq!(second["config"]["mediaType"], "application/x.c");
    assert_eq!(second["config"]["digest"], digest(b"{\"a\":1}"));
    assert_eq!(second["subject"]["digest"], list["manifests"][0]["digest"]);
    assert_eq!(second["layers"][0]["mediaType"], "text/z");
    assert!(second["layers"][0].get("annotations").is_none(), "{second}");
    let said = env.fails(125, ["manifest", "push", "--format", "v2s2", "--tls-verify=false", "multi", &name]);
    assert!(said.contains("artifact"), "{said}");
    // The registry's artifact goes into another list, and from there to another place.
    let by_digest =
        format!("{}@{}", registry.name("test/artifacts"), pushed["manifests"][2]["digest"].as_str().unwrap());
    env.ok(["manifest", "rm", "multi"]);
    env.ok(["manifest", "create", "--tls-verify=false", "second", &format!("docker://{by_digest}")]);
    assert_eq!(inspect(&env, "second")["manifests"][0]["artifactType"], "application/x.y");
    let target = format!("oci:{}:x", env.work().join("layout").display());
    env.ok(["manifest", "push", "-q", "--tls-verify=false", "second", &target]);
    let hex = digest(b"art\n");
    assert!(env.work().join("layout/blobs/sha256").join(hex.trim_start_matches("sha256:")).exists());
}

/// List and instances are signed with a key, and pulled where only signed images are trusted.
#[test]
fn signed_with_a_sigstore_key() {
    let env = Env::new();
    let registry = Registry::start(&env);
    let key = SigstoreKey::new(&env, "alice");
    let config = env.work().parent().unwrap().join("home/.config/containers");
    std::fs::create_dir_all(config.join("registries.d")).unwrap();
    let attachments = json!({"default-docker": {"use-sigstore-attachments": true}});
    std::fs::write(config.join("registries.d/x.yaml"), attachments.to_string()).unwrap();
    two_images(&env);
    env.ok(["manifest", "create", "multi", "localhost/x:own", "localhost/x:s390x"]);
    let name = registry.name("test/signed:1");
    let push = ["manifest", "push", "-q", "--tls-verify=false"].map(OsString::from);
    let flags = ["--sign-by-sigstore-private-key".into(), key.private.clone().into_os_string()];
    let phrase = ["--sign-passphrase-file".into(), key.passphrase.clone().into_os_string()];
    env.ok(push.iter().chain(&flags).chain(&phrase).chain(&["multi".into(), OsString::from(&name)]));
    let list = inspect(&env, "multi");
    let text = skopeo(&env, &["inspect", "--raw", "--tls-verify=false", &format!("docker://{name}")]);
    let instances = list["manifests"].as_array().unwrap().iter().map(|one| one["digest"].as_str().unwrap().to_owned());
    for digest in instances.chain([digest(text.as_bytes())]) {
        let tag = format!("{}:{}.sig", registry.name("test/signed"), digest.replace(':', "-"));
        assert_eq!(raw(&env, &tag)["layers"].as_array().unwrap().len(), 1, "{tag}");
    }
    let policy = json!({"default": [{"type": "sigstoreSigned", "keyPath": key.public}]});
    std::fs::write(config.join("policy.json"), policy.to_string()).unwrap();
    env.ok(["pull", "-q", "--tls-verify=false", &name]);
    // A directory has no place for signatures.
    let to = OsString::from(format!("dir:{}", env.work().join("dir").display()));
    let said = env.fails(125, push.iter().chain(&flags).chain(&phrase).chain(&["multi".into(), to]));
    assert!(said.contains("only images that are pushed to a registry can be signed"), "{said}");
}

/// What two processes add at the same time is all in the list.
#[test]
fn changes_at_the_same_time() {
    let env = Env::new();
    env.ok(["manifest", "create", "multi"]);
    let files: Vec<_> = (0..8).map(|n| env.file(&format!("file{n}"), format!("content {n}"))).collect();
    let add = |file: &std::path::PathBuf| {
        env.coracle(["manifest", "add", "--artifact", "multi", file.to_str().unwrap()]).spawn()
    };
    let running: Vec<_> = files.iter().map(add).collect();
    running.into_iter().for_each(|one| drop(one.finish().expect(0)));
    assert_eq!(inspect(&env, "multi")["manifests"].as_array().unwrap().len(), 8);
    env.ok(["manifest", "rm", "multi"]);
    assert_eq!(std::fs::read_dir(env.root().join("images/blobs/sha256")).unwrap().count(), 0);
}
