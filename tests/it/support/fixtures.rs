//! What is made once per run and shared by all tests: a busybox image, a Debian root file system.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use serde_json::json;

use super::image::{Blob, Image, Layer};

/// Where fixtures are kept, from one run to the next where they take long to make.
fn cache() -> PathBuf {
    let dir = std::env::var_os("CORACLE_TEST_CACHE")
        .map_or_else(|| Path::new(env!("CARGO_TARGET_TMPDIR")).join("it-cache"), PathBuf::from);
    std::fs::create_dir_all(&dir).expect("a directory for fixtures");
    dir
}

/// The static busybox of the host.
pub fn busybox_binary() -> Vec<u8> {
    ["/bin/busybox", "/usr/bin/busybox"]
        .iter()
        .find_map(|path| std::fs::read(path).ok())
        .expect("busybox-static is not installed: `make test` installs it")
}

/// A layer with busybox, its applets, and three users: root, `app` (1000, also in `extra`), and `nobody`.
pub fn busybox_layer() -> Blob {
    static LAYER: OnceLock<Blob> = OnceLock::new();
    let make = || {
        let list = Command::new("busybox").arg("--list").stdin(Stdio::null()).output().expect("busybox --list");
        let mut layer = Layer::new().dir("bin/", 0o755).file("bin/busybox", 0o755, busybox_binary());
        for applet in String::from_utf8(list.stdout).expect("names of applets").lines() {
            if applet != "busybox" {
                layer = layer.symlink(&format!("bin/{applet}"), "busybox");
            }
        }
        layer
            .dir("etc/", 0o755)
            .file(
                "etc/passwd",
                0o644,
                "root:x:0:0:root:/root:/bin/sh\napp:x:1000:1000:App:/home/app:/bin/sh\nnobody:x:65534:65534::/:/bin/false\n",
            )
            .file("etc/group", 0o644, "root:x:0:\napp:x:1000:\nextra:x:2000:app\nnogroup:x:65534:\n")
            .dir("home/", 0o755)
            .dir("home/app/", 0o755)
            .dir("root/", 0o700)
            .dir("tmp/", 0o1777)
            .dir("var/", 0o755)
            .gzip()
    };
    LAYER.get_or_init(make).clone()
}

/// An image on top of the busybox layer.
pub fn on_busybox(name: &str, layers: Vec<Blob>) -> Image {
    let mut all = vec![busybox_layer()];
    all.extend(layers);
    Image::new(name, all)
        .config(json!({"Cmd": ["sh"], "Env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"]}))
}

/// `localhost/busybox:latest` as an OCI archive.
pub fn busybox() -> &'static Path {
    static ARCHIVE: OnceLock<PathBuf> = OnceLock::new();
    ARCHIVE.get_or_init(|| {
        let path = cache().join("busybox.tar");
        let unfinished = cache().join(format!("busybox.{}", std::process::id()));
        on_busybox("localhost/busybox:latest", vec![]).oci_archive(&unfinished);
        std::fs::rename(&unfinished, &path).expect("renaming the busybox image");
        path
    })
}

/// The same image as a directory: skopeo unpacks archives as the root that it is not.
pub fn busybox_layout() -> &'static Path {
    static LAYOUT: OnceLock<PathBuf> = OnceLock::new();
    LAYOUT.get_or_init(|| {
        let path = cache().join("busybox");
        let _ = std::fs::remove_dir_all(&path);
        on_busybox("localhost/busybox:latest", vec![]).oci_layout(&path);
        path
    })
}

/// A tar of a minimal Debian of the host's release, made with mmdebstrap from the mirror the host itself uses.
pub fn debian() -> &'static Path {
    static TAR: OnceLock<PathBuf> = OnceLock::new();
    TAR.get_or_init(|| {
        let release = std::fs::read_to_string("/etc/os-release").expect("/etc/os-release");
        let suite = release.lines().find_map(|line| line.strip_prefix("VERSION_CODENAME=")).expect("a Debian release");
        let path = cache().join(format!("debian-{suite}.tar"));
        if path.exists() {
            return path;
        }
        let unfinished = cache().join("debian-unfinished.tar");
        let made = Command::new("mmdebstrap")
            .args(["--quiet", "--variant=minbase", suite])
            .arg(&unfinished)
            .args(apt_sources())
            .stdin(Stdio::null())
            .output()
            .expect("mmdebstrap is not installed: `make test` installs it");
        assert!(made.status.success(), "mmdebstrap: {}", String::from_utf8_lossy(&made.stderr));
        std::fs::rename(&unfinished, &path).expect("renaming the Debian root file system");
        path
    })
}

/// The host's own apt sources: they work, whatever mirror it uses.
fn apt_sources() -> Vec<PathBuf> {
    let list = Path::new("/etc/apt/sources.list");
    let mut found: Vec<PathBuf> = std::fs::read_dir("/etc/apt/sources.list.d")
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("debian.")))
        .collect();
    if std::fs::read_to_string(list).is_ok_and(|text| text.lines().any(|line| line.starts_with("deb"))) {
        found.push(list.to_owned());
    }
    assert!(!found.is_empty(), "this machine has no apt sources of Debian");
    found
}

/// The lines of the host's apt configuration that decide how it reaches its mirror.
pub fn apt_configuration() -> String {
    let dump = Command::new("apt-config").arg("dump").stdin(Stdio::null()).output().expect("apt-config");
    let wanted = |line: &&str| line.starts_with("Acquire::http") || line.starts_with("Acquire::Check");
    String::from_utf8_lossy(&dump.stdout).lines().filter(wanted).map(|line| format!("{line}\n")).collect()
}
