//! Servers that lie, layers that are bombs, disks that fill: one clear line, and nothing is left.

use crate::support::Env;
use crate::support::env::CORACLE;
use crate::support::fixtures::on_busybox;
use crate::support::image::{Blob, Image, Layer, digest};
use crate::support::proxy::{Fault, Proxy};
use crate::support::registry::Registry;

#[test]
fn servers_that_lie_about_a_layer() {
    let env = Env::new();
    let registry = Registry::start(&env);
    let layer = Layer::new().noise("noise", 500_000).gzip();
    let digest = digest(&layer.bytes);
    let layout = env.work().join("layout");
    on_busybox("localhost/x", vec![layer]).oci_layout(&layout);
    registry.push(&env, &layout, "test/x:1", "oci");
    let proxy = Proxy::before(&registry);
    let name = proxy.name("test/x:1");
    let table = [
        (Fault::Corrupt(250_000), "corrupt"),
        // Part of the time stamp in the gzip header, which decides nothing.
        (Fault::Corrupt(5), "wrong digest"),
        (Fault::Longer(10_000), "more bytes than promised"),
        (Fault::Shorter(10_000), "ended in the middle"),
        (Fault::Drop(100_000), ""),
    ];
    for (fault, words) in table {
        proxy.set(fault.clone());
        let said = env.fails(125, ["pull", "-q", "--retry", "0", "--tls-verify=false", &name]);
        // The busybox layer is large enough to be met as well; whichever fails first is named.
        assert!(said.contains("layer `sha256:") && said.contains(words), "{fault:?}: {said}");
        assert_eq!(env.ok(["images", "-q", "-a"]), "");
        let left = std::fs::read_dir(env.root().join("layers")).unwrap().count();
        assert_eq!(left, 0, "{fault:?}");
        // What the next round would go on from.
        std::fs::remove_dir_all(env.root().join("images/partial")).unwrap();
    }
    proxy.set(Fault::Pass);
    env.ok(["pull", "-q", "--tls-verify=false", &name]);
    let blobs = env.root().join("images/blobs/sha256");
    assert!(blobs.join(digest.trim_start_matches("sha256:")).is_file());
    assert_eq!(std::fs::read_dir(env.root().join("images/partial")).unwrap().count(), 0);
}

/// Runs `coracle load` as root of a namespace with a small file system as data root; what it says, and what is left there.
fn on_a_small_disk(env: &Env, image: &Image) -> String {
    let archive = env.work().join("image.tar");
    image.oci_archive(&archive);
    let disk = env.work().join("disk");
    std::fs::create_dir_all(&disk).unwrap();
    let script = "mount -t tmpfs -o size=24m,mode=755 disk \"$1\" && shift || exit 3
        \"$@\" load -i \"$ARCHIVE\"; code=$?
        \"$@\" images -q -a; find \"$ROOT/layers\" \"$ROOT/tmp\" \"$ROOT/images/blobs/sha256\" -mindepth 1; exit $code";
    let (root, runroot) = (disk.join("r"), disk.join("n"));
    let output = env
        .program("unshare")
        .args(["--map-root-user", "--mount", "sh", "-c", script, "sh"])
        .args([disk.as_os_str(), CORACLE.as_ref(), "--root".as_ref(), root.as_os_str()])
        .args(["--runroot".as_ref(), runroot.as_os_str()])
        .env("ARCHIVE", &archive)
        .env("ROOT", &root)
        .run()
        .expect(125);
    assert_eq!(output.stdout, "", "something is left: {output}");
    let errors = output.stderr.lines().filter(|line| line.starts_with("Error: ")).count();
    assert_eq!(errors, 1, "{output}");
    output.stderr
}

#[test]
fn a_full_disk() {
    let env = Env::new();
    let image = Image::new("localhost/x", vec![Layer::new().noise("noise", 30_000_000).gzip()]);
    let said = on_a_small_disk(&env, &image);
    assert!(said.contains("No space left") && said.contains("hint:") && said.contains("--root"), "{said}");
}

/// A gigabyte and a half of nothing in a few kilobytes. It would not even need place, as runs of zeroes are not stored.
#[test]
fn a_decompression_bomb() {
    let env = Env::new();
    let size = 1_600_000_000_u64;
    let mut header = tar::Header::new_gnu();
    header.set_path("bomb").unwrap();
    header.set_mode(0o644);
    header.set_size(size);
    header.set_cksum();
    let mut encoder = zstd::Encoder::new(Vec::new(), 1).unwrap();
    std::io::copy(
        &mut std::io::Read::chain(&header.as_bytes()[..], std::io::Read::take(std::io::repeat(0), size)),
        &mut encoder,
    )
    .unwrap();
    let bytes = encoder.finish().unwrap();
    assert!(bytes.len() < 500_000);
    let media_type = "application/vnd.oci.image.layer.v1.tar+zstd";
    let blob = Blob { media_type, diff_id: digest(b""), bytes };
    let said = on_a_small_disk(&env, &Image::new("localhost/x", vec![blob]));
    assert!(said.contains("would unpack to more than") && said.contains("sha256:"), "{said}");
}
