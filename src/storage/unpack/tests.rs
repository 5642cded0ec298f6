//! Archives made byte by byte, friendly and hostile, unpacked into real directories.

use std::os::fd::AsFd as _;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use super::extract::{Owners, Unpacked, unpack};
use super::header::BLOCK;
use super::reader::Reader;
use crate::error::Result;

/// Runs the rest of a test as root of a user namespace: returns true there. Elsewhere the test runs itself again inside
/// one, and returns false; where namespaces cannot be had, it says so and is skipped.
pub(crate) fn as_root(test: &str) -> bool {
    if rustix::process::geteuid().is_root() {
        return true;
    }
    let program = std::env::current_exe().unwrap();
    let unshare = |args: &[&str]| {
        let mut command = std::process::Command::new("unshare");
        command.args(["--user", "--map-auto", "--map-root-user", "--mount"]).args(args);
        command.output()
    };
    if !unshare(&["true"]).is_ok_and(|o| o.status.success()) {
        let _ = std::io::Write::write_all(&mut std::io::stderr(), b"skipped: no user namespace with mapped IDs here\n");
        return false;
    }
    let output = unshare(&[program.to_str().unwrap(), "--exact", test]).unwrap();
    assert!(output.status.success(), "{test} in a user namespace:\n{}", String::from_utf8_lossy(&output.stdout));
    false
}

/// Writes tar archives, valid or not.
#[derive(Default, Clone)]
pub(crate) struct TarBuilder {
    pub bytes: Vec<u8>,
}

/// The fields of a header that tests change.
#[derive(Clone, Copy)]
pub(crate) struct Fields<'a> {
    pub link: &'a str,
    pub mode: u32,
    pub uid: u32,
    pub mtime: u64,
}

impl Default for Fields<'_> {
    fn default() -> Self {
        Fields { link: "", mode: 0o644, uid: 0, mtime: 1_700_000_000 }
    }
}

impl TarBuilder {
    pub fn raw(mut self, name: &[u8], flag: u8, fields: Fields<'_>, data: &[u8]) -> Self {
        let mut block = [0_u8; BLOCK];
        let mut put = |at: usize, bytes: &[u8]| block[at..at + bytes.len()].copy_from_slice(bytes);
        put(0, &name[..name.len().min(100)]);
        put(100, format!("{:07o}", fields.mode).as_bytes());
        put(108, format!("{:07o}", fields.uid).as_bytes());
        put(116, format!("{:07o}", fields.uid).as_bytes());
        put(124, format!("{:011o}", data.len()).as_bytes());
        put(136, format!("{:011o}", fields.mtime).as_bytes());
        put(148, b"        ");
        put(156, &[flag]);
        put(157, fields.link.as_bytes());
        put(257, b"ustar\x0000");
        let sum: u32 = block.iter().map(|&b| u32::from(b)).sum();
        block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        self.bytes.extend_from_slice(&block);
        self.bytes.extend_from_slice(data);
        self.bytes.resize(self.bytes.len().next_multiple_of(BLOCK), 0);
        self
    }
    pub fn file(self, name: &str, data: &[u8]) -> Self {
        self.raw(name.as_bytes(), b'0', Fields::default(), data)
    }
    pub fn dir(self, name: &str) -> Self {
        self.raw(name.as_bytes(), b'5', Fields { mode: 0o755, ..Fields::default() }, b"")
    }
    pub fn symlink(self, name: &str, link: &str) -> Self {
        self.raw(name.as_bytes(), b'2', Fields { link, ..Fields::default() }, b"")
    }
    pub fn hard_link(self, name: &str, link: &str) -> Self {
        self.raw(name.as_bytes(), b'1', Fields { link, ..Fields::default() }, b"")
    }
    pub fn pax(self, records: &[(&str, &[u8])]) -> Self {
        let mut data = Vec::new();
        for (key, value) in records {
            let body = key.len() + value.len() + 3;
            let mut length = body + 1;
            while length != body + length.to_string().len() {
                length = body + length.to_string().len();
            }
            data.extend_from_slice(format!("{length} {key}=").as_bytes());
            data.extend_from_slice(value);
            data.push(b'\n');
        }
        self.raw(b"pax", b'x', Fields::default(), &data)
    }
    pub fn end(mut self) -> Vec<u8> {
        self.bytes.extend_from_slice(&[0; 2 * BLOCK]);
        self.bytes
    }
}

/// A directory to unpack into, with something beside it that no archive may touch.
struct Place {
    home: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(home.path().join("outside/dir")).unwrap();
        std::fs::write(home.path().join("outside/file"), "safe").unwrap();
        std::fs::create_dir(home.path().join("root")).unwrap();
        Place { home }
    }
    fn root(&self) -> PathBuf {
        self.home.path().join("root")
    }
    fn unpack(&self, bytes: &[u8]) -> Result<Unpacked> {
        let root = std::fs::File::open(self.root()).unwrap();
        let was_empty = std::fs::read_dir(self.root()).unwrap().next().is_none();
        let unpacked = unpack(&mut Reader::new(bytes), root.as_fd(), Owners::Exact)?;
        // Whatever is unpacked is found to be right.
        if was_empty {
            let found = crate::storage::verify::layer(&mut Reader::new(bytes), root.as_fd(), Owners::Exact).unwrap();
            assert_eq!(found.summary(), "");
        }
        Ok(unpacked)
    }
    /// Everything beside the root, with sizes and link counts.
    fn outside(&self) -> Vec<(PathBuf, u64, u64)> {
        let mut found = Vec::new();
        let mut todo = vec![self.home.path().to_owned()];
        while let Some(dir) = todo.pop() {
            for entry in std::fs::read_dir(&dir).unwrap().flatten() {
                let path = entry.path();
                if path == self.root() {
                    continue;
                }
                let meta = entry.metadata().unwrap();
                found.push((path.clone(), meta.len(), meta.nlink()));
                if meta.is_dir() {
                    todo.push(path);
                }
            }
        }
        found.sort();
        found
    }
}

fn xattr(path: &Path, name: &str) -> Option<Vec<u8>> {
    let mut value = vec![0; 256];
    let length = rustix::fs::lgetxattr(path, name, &mut value[..]).ok()?;
    Some(value[..length].to_vec())
}

fn is_whiteout(path: &Path) -> bool {
    std::fs::symlink_metadata(path).is_ok_and(|m| m.file_type().is_char_device() && m.rdev() == 0)
}

#[test]
fn everything_a_layer_may_hold() {
    if !as_root("storage::unpack::tests::everything_a_layer_may_hold") {
        return;
    }
    let place = Place::new();
    let long = format!("{}/{}", "d".repeat(200), "f".repeat(200));
    let archive = TarBuilder::default()
        .raw(b"./", b'5', Fields { mode: 0o711, ..Fields::default() }, b"")
        .raw(b"usr/", b'5', Fields { mode: 0o1755, uid: 7, mtime: 1000, ..Fields::default() }, b"")
        .raw(b"usr/su", b'0', Fields { mode: 0o4755, uid: 5, ..Fields::default() }, b"elf")
        .symlink("usr/link", "../etc/x")
        .hard_link("usr/hardlink-to-link", "usr/link")
        .hard_link("hard", "/usr/su")
        .raw(b"fifo", b'6', Fields { mode: 0o620, ..Fields::default() }, b"")
        .raw(b"null", b'3', Fields::default(), b"")
        .pax(&[("path", long.as_bytes()), ("mtime", b"12.000000034"), ("SCHILY.xattr.user.a", b"1")])
        .file("short", b"long")
        .pax(&[("SCHILY.xattr.user.overlay.opaque", b"y"), ("SCHILY.xattr.trusted.overlay.opaque", b"y")])
        .dir("plain")
        .file("missing/parents/f", b"")
        .end();
    let done = place.unpack(&archive).unwrap();
    let root = place.root();
    let at = |path: &str| std::fs::symlink_metadata(root.join(path)).unwrap();
    assert_eq!(at("").permissions().mode() & 0o7777, 0o711);
    assert_eq!((at("usr").permissions().mode() & 0o7777, at("usr").uid(), at("usr").mtime()), (0o1755, 7, 1000));
    assert_eq!((at("usr/su").permissions().mode() & 0o7777, at("usr/su").uid()), (0o4755, 5));
    assert_eq!(at("hard").ino(), at("usr/su").ino());
    assert_eq!(at("usr/hardlink-to-link").ino(), at("usr/link").ino());
    assert_eq!(std::fs::read_link(root.join("usr/link")).unwrap(), Path::new("../etc/x"));
    assert!(at("fifo").file_type().is_fifo() && at("fifo").permissions().mode() & 0o777 == 0o620);
    assert!(!root.join("null").exists());
    assert_eq!(std::fs::read(root.join(&long)).unwrap(), b"long");
    assert_eq!((at(&long).mtime(), at(&long).mtime_nsec()), (12, 34));
    assert_eq!(xattr(&root.join(&long), "user.a").unwrap(), b"1");
    assert_eq!(xattr(&root.join("plain"), "user.overlay.opaque"), None);
    assert_eq!(done.warnings.messages().len(), 3, "{:?}", done.warnings.messages());
}

#[test]
fn nothing_outside_is_ever_touched() {
    if !as_root("storage::unpack::tests::nothing_outside_is_ever_touched") {
        return;
    }
    let new = TarBuilder::default;
    // Name, archive, and whether it is refused (else it must stay inside).
    let table: Vec<(&str, TarBuilder, bool)> = vec![
        ("dot dot", new().file("../outside/file", b"x"), true),
        ("dot dot inside", new().file("a/../../outside/file", b"x"), true),
        ("absolute", new().file("/outside/file", b"x"), false),
        ("relative link", new().symlink("l", "../outside").file("l/file", b"x"), false),
        ("absolute link", new().symlink("l", "/").symlink("m", "l/../../outside").file("m/file", b"x"), false),
        (
            "chain",
            new().symlink("a", "..").symlink("b", "a/../..").symlink("c", "b/../../outside").file("c/file", b"x"),
            false,
        ),
        ("loop", new().symlink("a", "b").symlink("b", "a").file("a/x", b"x"), true),
        ("proc", new().symlink("p", "/proc/self/root").file("p/tmp/coracle-escape", b"x"), false),
        ("file over link", new().symlink("f", "../outside/file").file("f", b"x"), false),
        ("dir over link", new().symlink("d", "../outside/dir").dir("d").file("d/x", b"x"), false),
        ("hard link out", new().hard_link("h", "../outside/file"), true),
        ("hard link through link", new().symlink("l", "../outside").hard_link("h", "l/file"), true),
        ("hard link absolute", new().hard_link("h", "/outside/file"), true),
        ("hard link to dir", new().dir("d").hard_link("h", "d"), true),
        ("hard link then write", new().symlink("l", "../outside/file").hard_link("h", "l").file("h", b"x"), false),
        ("whiteout of parent", new().file("a/.wh...", b""), true),
        ("whiteout of self", new().file("a/.wh..", b""), true),
        ("whiteout of nothing", new().file("a/.wh.", b""), true),
        ("whiteout through link", new().symlink("l", "../outside").file("l/.wh.file", b""), false),
        ("opaque through link", new().symlink("l", "../outside").file("l/.wh..wh..opq", b""), false),
        ("whiteout as directory", new().dir(".wh.x").file(".wh.x/y", b""), true),
        ("root as file", new().file(".", b"x"), true),
        ("root as link", new().symlink("./", "../outside"), true),
        ("null byte", new().pax(&[("path", b"a\0b")]).file("x", b""), true),
        ("pax path", new().pax(&[("path", b"../outside/file")]).file("x", b"x"), true),
        ("pax link", new().pax(&[("linkpath", b"../outside/file")]).hard_link("h", "x"), true),
        (
            "times through link",
            new().symlink("l", "../outside/dir").raw(b"l", b'5', Fields { mtime: 1, ..Fields::default() }, b""),
            false,
        ),
        ("owner out of range", new().pax(&[("uid", b"4294967295")]).file("f", b""), true),
        ("size beyond everything", new().pax(&[("size", b"9223372036854775807")]).file("f", b"x"), true),
        ("huge extension", new().raw(b"x", b'x', Fields::default(), &vec![b'1'; 2 << 20]), true),
    ];
    for (name, archive, refused) in table {
        let place = Place::new();
        let before = place.outside();
        let result = place.unpack(&archive.end());
        assert_eq!(place.outside(), before, "{name}");
        assert_eq!(std::fs::read(place.home.path().join("outside/file")).unwrap(), b"safe", "{name}");
        assert_eq!(result.is_err(), refused, "{name}: {result:?}");
    }
    assert!(!Path::new("/tmp/coracle-escape").exists());
}

#[test]
fn whiteouts_act_on_the_layers_below_only() {
    if !as_root("storage::unpack::tests::whiteouts_act_on_the_layers_below_only") {
        return;
    }
    let new = TarBuilder::default;
    let opaque = |place: &Place, path: &str| xattr(&place.root().join(path), "user.overlay.opaque").is_some();
    let unpacked = |archive: TarBuilder| {
        let place = Place::new();
        place.unpack(&archive.end()).unwrap();
        place
    };
    let place = unpacked(new().file("a/.wh.gone", b"").file(".wh..wh.plnk/1", b"x").file(".wh..wh.aufs", b""));
    assert!(is_whiteout(&place.root().join("a/gone")));
    assert_eq!(std::fs::read_dir(place.root()).unwrap().count(), 1);
    // The same name in the same layer, in both orders: the entry stays, and what is below a directory goes.
    for archive in [new().file("f", b"x").file(".wh.f", b""), new().file(".wh.f", b"").file("f", b"x")] {
        assert_eq!(std::fs::read(unpacked(archive).root().join("f")).unwrap(), b"x");
    }
    for archive in [
        new().dir("d").file("d/x", b"").file(".wh.d", b""),
        new().file(".wh.d", b"").dir("d").file("d/x", b""),
        new().file(".wh.d", b"").file("d/x", b""),
        new().dir("d").file("d/x", b"").file("d/.wh..wh..opq", b""),
        new().file("d/.wh..wh..opq", b"").dir("d").file("d/x", b""),
    ] {
        let place = unpacked(archive);
        assert!(opaque(&place, "d") && place.root().join("d/x").exists());
        assert!(!place.root().join("d/.wh..wh..opq").exists());
    }
    assert!(!opaque(&unpacked(new().dir("d")), "d"));
}

#[test]
fn later_entries_replace_earlier_ones_of_any_type() {
    if !as_root("storage::unpack::tests::later_entries_replace_earlier_ones_of_any_type") {
        return;
    }
    let kinds: [fn(TarBuilder) -> TarBuilder; 4] = [
        |t| t.file("x", b"file"),
        |t| t.dir("x").file("x/in", b""),
        |t| t.symlink("x", "y"),
        |t| t.hard_link("x", "other"),
    ];
    for first in kinds {
        for second in kinds {
            let place = Place::new();
            let archive = second(first(TarBuilder::default().file("other", b"other"))).file("after", b"");
            place.unpack(&archive.end()).unwrap();
            let reference = Place::new();
            reference.unpack(&second(TarBuilder::default().file("other", b"other")).end()).unwrap();
            let kind = |p: &Place| std::fs::symlink_metadata(p.root().join("x")).unwrap().file_type();
            assert_eq!(kind(&place), kind(&reference));
            assert_eq!(std::fs::read(place.root().join("other")).unwrap(), b"other");
        }
    }
    // A directory that was there is left with what is in it; one that was cached is not written to after it is gone.
    let place = Place::new();
    let archive =
        TarBuilder::default().file("d/a", b"").dir("d").file("d/b", b"").file("d", b"now").dir("d").file("d/c", b"");
    place.unpack(&archive.end()).unwrap();
    let names: Vec<_> = std::fs::read_dir(place.root().join("d")).unwrap().flatten().map(|e| e.file_name()).collect();
    assert_eq!(names, ["c"]);
}

#[test]
fn sparse_files_stay_sparse() {
    if !as_root("storage::unpack::tests::sparse_files_stay_sparse") {
        return;
    }
    let size = 10_u64 << 30;
    // Form 1.0: the map stands in front of the data.
    let mut data = format!("2\n0\n4\n{}\n4\n", size - 4).into_bytes();
    data.resize(BLOCK, 0);
    data.extend_from_slice(b"headtail");
    let archive = TarBuilder::default()
        .pax(&[
            ("GNU.sparse.major", b"1"),
            ("GNU.sparse.minor", b"0"),
            ("GNU.sparse.name", b"big"),
            ("GNU.sparse.realsize", size.to_string().as_bytes()),
        ])
        .file("GNUSparseFile.1/big", &data)
        .pax(&[("GNU.sparse.size", b"1048576"), ("GNU.sparse.map", b"1000,3")])
        .file("old", b"abc")
        .file("zeroes", &vec![0; 1 << 20])
        .end();
    let place = Place::new();
    place.unpack(&archive).unwrap();
    let big = std::fs::File::open(place.root().join("big")).unwrap();
    let meta = big.metadata().unwrap();
    assert_eq!(meta.len(), size);
    assert!(meta.blocks() * 512 < 1 << 20, "{} blocks", meta.blocks());
    let mut tail = [0; 4];
    std::os::unix::fs::FileExt::read_exact_at(&big, &mut tail, size - 4).unwrap();
    assert_eq!(&tail, b"tail");
    let old = std::fs::read(place.root().join("old")).unwrap();
    assert_eq!((old.len(), &old[999..1004]), (1 << 20, &b"\0abc\0"[..]));
    let zeroes = std::fs::metadata(place.root().join("zeroes")).unwrap();
    assert_eq!((zeroes.len(), zeroes.blocks()), (1 << 20, 0));
    // Maps that lie.
    for map in ["5,4,0,4", "0,9", "0", "18446744073709551615,2", "0,x"] {
        let archive = TarBuilder::default()
            .pax(&[("GNU.sparse.size", b"8"), ("GNU.sparse.map", map.as_bytes())])
            .file("f", b"abcd");
        assert!(Place::new().unpack(&archive.end()).is_err(), "{map}");
    }
}

#[test]
fn truncated_archives_are_errors() {
    if !as_root("storage::unpack::tests::truncated_archives_are_errors") {
        return;
    }
    let whole = TarBuilder::default().file("a", &[b'x'; 700]).pax(&[("mtime", b"1")]).file("b", b"y").end();
    // Where all data is there, padding and the end marker may be missing, but not a part of a block.
    let (end_of_a, pax, end_of_b) = (BLOCK + 700, 3 * BLOCK, 6 * BLOCK + 1);
    let edges =
        (0..=8).flat_map(|block| [block * BLOCK, block * BLOCK + 1]).chain([end_of_a - 1, end_of_a, pax, end_of_b]);
    for length in edges.chain((0..whole.len()).step_by(61)) {
        let result = Place::new().unpack(&whole[..length]);
        let in_end = length > 7 * BLOCK && !length.is_multiple_of(BLOCK);
        let complete = (end_of_a..=pax).contains(&length) || (length >= end_of_b && !in_end);
        assert_eq!(result.is_ok(), complete, "{length}: {result:?}");
    }
}

#[test]
fn damaged_archives_never_panic_nor_escape() {
    if !as_root("storage::unpack::tests::damaged_archives_never_panic_nor_escape") {
        return;
    }
    let config = proptest::prelude::ProptestConfig { cases: 150, failure_persistence: None, ..Default::default() };
    let damage = proptest::collection::vec((0_usize..6000, proptest::num::u8::ANY), 0..6);
    proptest::proptest!(config, |(damage in damage, fix in proptest::bool::ANY)| {
        let mut bytes = TarBuilder::default()
            .symlink("l", "../outside")
            .file("l/x", b"1")
            .dir("d")
            .hard_link("h", "l/x")
            .pax(&[("path", b"p"), ("SCHILY.xattr.user.x", b"1")])
            .file("q", &[7; 600])
            .file("d/.wh.z", b"")
            .end();
        for (at, value) in damage {
            let length = bytes.len();
            bytes[at % length] = value;
        }
        if fix {
            // Checksums made right again let the damage through.
            for block in bytes.chunks_exact_mut(BLOCK).filter(|b| &b[257..262] == b"ustar") {
                block[148..156].copy_from_slice(b"        ");
                let sum: u32 = block.iter().map(|&b| u32::from(b)).sum();
                block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
            }
        }
        let place = Place::new();
        let before = place.outside();
        let _ = place.unpack(&bytes);
        proptest::prop_assert_eq!(place.outside(), before);
    });
}
