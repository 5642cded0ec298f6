//! Unpacking of a tar archive, as a layer and as `cp` does: whatever it holds, nothing outside the directory changes, and the
//! directory can be removed again.
#![no_main]

use std::fs::File;
use std::os::fd::AsFd as _;
use std::os::unix::fs::{MetadataExt as _, symlink};
use std::path::{Path, PathBuf};

use coracle::storage::tree::put;
use coracle::storage::unpack::{Owners, Reader, remove_tree, unpack};
use coracle::storage::verify;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    // The parser alone, on what may have wrong checksums.
    let mut archive = Reader::new(data);
    while let Ok(Some(_)) = archive.next_entry() {}

    let data = with_checksums(data);
    let outer = Outer::new();
    let root = outer.0.join("root");
    let directory = File::open(&root).expect("opening the root");
    let mut archive = Reader::new(data.as_slice());
    let _ = unpack(&mut archive, directory.as_fd(), Owners::WherePossible);
    outer.check();
    // Comparing it with what is there now never panics, and changes nothing.
    let _ = verify::layer(&mut Reader::new(data.as_slice()), directory.as_fd(), Owners::WherePossible);
    outer.check();
    // Into what is there now, as `cp` puts it: once refusing links, once following them inside.
    let own = std::fs::metadata(&root).expect("metadata");
    let owner = Some((own.uid(), own.gid()));
    for inside in [None, Some((directory.as_fd(), &b""[..]))] {
        let target = put::Target { dir: directory.as_fd(), root: inside, owner, overwrite: data.len() % 2 == 0, renumber: None };
        let _ = put::put(&mut Reader::new(data.as_slice()), &target);
        outer.check();
    }
    remove_tree(&root).expect("removing what was unpacked");
    outer.check();
});

/// The archive with right checksums: a mutated header must not be refused for its checksum alone.
fn with_checksums(data: &[u8]) -> Vec<u8> {
    let mut data = data.to_vec();
    let mut at = 0usize;
    while let Some(header) = data.get_mut(at..at.saturating_add(512)) {
        let size = header[124..136]
            .iter()
            .filter(|b| b.is_ascii_digit())
            .fold(0, |n: usize, b| n.wrapping_mul(8).wrapping_add(usize::from(b - b'0')));
        if header.iter().any(|b| *b != 0) {
            header[148..156].fill(b' ');
            let sum: u32 = header.iter().map(|b| u32::from(*b)).sum();
            header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        }
        at = at.saturating_add(512).saturating_add(size.saturating_add(511) / 512 * 512);
    }
    data
}

/// `root/` to unpack in, and beside it what must stay as it is.
struct Outer(PathBuf);

impl Outer {
    fn new() -> Outer {
        let outer = Path::new("/dev/shm").join(format!("coracle-fuzz-{}", std::process::id()));
        if outer.exists() {
            let _ = remove_tree(&outer);
        }
        std::fs::create_dir(&outer).expect("making a directory");
        std::fs::create_dir(outer.join("root")).expect("making the root");
        std::fs::create_dir(outer.join("beside")).expect("making a directory");
        std::fs::write(outer.join("beside/file"), "untouched").expect("writing");
        // A way out that the archive can use if it is followed.
        symlink("../beside", outer.join("root/out")).expect("linking");
        symlink("../beside/file", outer.join("root/f")).expect("linking");
        Outer(outer)
    }

    fn check(&self) {
        let names = |path: &Path| {
            let entries = std::fs::read_dir(path).expect("listing");
            let mut names: Vec<_> = entries.map(|e| e.expect("an entry").file_name()).collect();
            names.sort();
            names
        };
        assert_eq!(names(&self.0.join("beside")), ["file"]);
        assert_eq!(std::fs::read(self.0.join("beside/file")).expect("reading"), b"untouched");
        assert!(names(&self.0).iter().all(|name| name == "root" || name == "beside"));
        let metadata = std::fs::symlink_metadata(self.0.join("beside/file")).expect("metadata");
        assert_eq!(std::os::unix::fs::MetadataExt::nlink(&metadata), 1);
    }
}

impl Drop for Outer {
    fn drop(&mut self) {
        let _ = remove_tree(&self.0);
    }
}
