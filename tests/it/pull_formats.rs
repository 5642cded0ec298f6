//! Layers in all the forms that registries have, and those that cannot be unpacked.

use std::io::Write as _;

use crate::support::Env;
use crate::support::fixtures::on_busybox;
use crate::support::image::{Blob, Image, Layer, digest};

const OCI_LAYER: &str = "application/vnd.oci.image.layer.v1.tar";

fn gzip_member(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// A zstd frame that decoders skip.
fn skippable(content: &[u8]) -> Vec<u8> {
    let mut frame = 0x184D_2A50_u32.to_le_bytes().to_vec();
    frame.extend(u32::try_from(content.len()).unwrap().to_le_bytes());
    frame.extend_from_slice(content);
    frame
}

#[test]
fn every_compression_and_its_seekable_forms() {
    let env = Env::new();
    let tar = || Layer::new().file("first", 0o644, "1").noise("second", 300_000).bytes();
    let (front, back) = (tar()[..4096].to_vec(), tar()[4096..].to_vec());
    // eStargz: a member for each file, and an empty one at the end with the place of the index in its extra field.
    let mut stargz = [gzip_member(&front), gzip_member(&back)].concat();
    stargz.extend_from_slice(
        b"\x1f\x8b\x08\x04\0\0\0\0\0\xff\x1a\0SG\x16\x000000000000000000STARGZ\x01\0\0\xff\xff\0\0\0\0\0\0\0\0",
    );
    // zstd:chunked: a frame for each piece, then the index and its footer in frames to skip.
    let zstd = |bytes: &[u8]| zstd::encode_all(bytes, 3).unwrap();
    let chunked = [zstd(&front), zstd(&back), skippable(&zstd(b"{}")), skippable(&[0; 64])].concat();
    let leading = [skippable(b"x"), zstd(&tar())].concat();
    let forms: [(&'static str, Vec<u8>); 6] = [
        ("+gzip", gzip_member(&tar())),
        ("+gzip", stargz),
        ("+zstd", zstd(&tar())),
        ("+zstd", chunked),
        ("+zstd", leading),
        ("", tar()),
    ];
    for (suffix, bytes) in forms {
        let media_type: &'static str = match suffix {
            "+gzip" => "application/vnd.oci.image.layer.v1.tar+gzip",
            "+zstd" => "application/vnd.oci.image.layer.v1.tar+zstd",
            _ => OCI_LAYER,
        };
        let blob = Blob { media_type, diff_id: digest(&tar()), bytes };
        env.add(&on_busybox("localhost/form", vec![blob]));
        let script = "cat /first; wc -c </second";
        env.coracle(["run", "--rm", "--network", "none", "form", "sh", "-c", script]).run().expect(0).says("1300000");
        env.ok(["rmi", "-a", "-f"]);
    }
}

#[test]
fn what_cannot_be_unpacked_is_named() {
    let env = Env::new();
    let archive = env.work().join("image.tar");
    let path = archive.to_str().unwrap();
    let refused = |image: &Image, words: &[&str]| {
        image.oci_archive(&archive);
        let said = env.fails(125, ["load", "-q", "-i", path]);
        for word in words {
            assert!(said.contains(word), "wanted `{word}`: {said}");
        }
        assert_eq!(env.ok(["images", "-q", "-a"]), "");
    };
    let of_type = |media_type: &'static str| {
        let blob = Layer::new().file("f", 0o644, "x").gzip();
        Image::new("localhost/x", vec![Blob { media_type, ..blob }])
    };
    refused(&of_type("application/vnd.oci.image.layer.v1.tar+gzip+encrypted"), &["encrypted", "sha256:", "skopeo"]);
    refused(&of_type("application/vnd.sylabs.sif.layer.v1.sif"), &["sif.layer", "sha256:"]);
    let xz = Blob { media_type: OCI_LAYER, diff_id: digest(b""), bytes: b"\xfd7zXZ\0\0\x04".to_vec() };
    refused(&Image::new("localhost/x", vec![xz]), &["xz", "sha256:"]);
    let layer = Layer::new().file("f", 0o644, "x").gzip();
    refused(&Image::new("localhost/x", vec![layer; 501]), &["501 layers", "500"]);
}
