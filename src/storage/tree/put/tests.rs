use std::os::unix::fs::{MetadataExt as _, symlink};

use super::*;
use crate::storage::tree::pax::{Member, header, padding};

fn archive(members: &[(&str, u8, &str)]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (path, flag, content) in members {
        let (link, data) = if *flag == b'0' { ("", *content) } else { (*content, "") };
        let size = data.len() as u64;
        let member = Member {
            path: path.as_bytes(),
            flag: *flag,
            link: link.as_bytes(),
            mode: 0o755,
            size,
            ..Member::default()
        };
        bytes.extend(header(&member));
        bytes.extend(data.as_bytes());
        bytes.extend(std::iter::repeat_n(0, padding(size)));
    }
    bytes.extend([0; 1024]);
    bytes
}

#[test]
fn links_are_refused_or_stay_in_the_root() {
    let home = tempfile::tempdir().unwrap();
    let at = |path: &str| home.path().join(path);
    std::fs::create_dir_all(at("root/dest")).unwrap();
    std::fs::create_dir_all(at("root/other")).unwrap();
    std::fs::create_dir_all(at("other")).unwrap();
    symlink("/other", at("root/dest/link")).unwrap();
    let open = |path: &str| std::fs::File::open(at(path)).unwrap();
    let (root, dest) = (open("root"), open("root/dest"));
    let own = std::fs::metadata(at("root")).unwrap();
    let target =
        Target { dir: dest.as_fd(), root: None, owner: Some((own.uid(), own.gid())), overwrite: false, renumber: None };
    let bytes = archive(&[("link/file", b'0', "x")]);
    assert!(put(&mut Reader::new(&*bytes), &target).is_err());
    let inside = Target { root: Some((root.as_fd(), b"/dest")), ..target };
    put(&mut Reader::new(&*bytes), &inside).unwrap();
    assert!(at("root/other/file").exists() && !at("other/file").exists());
    assert!(put(&mut Reader::new(&*archive(&[("../up", b'0', "x")])), &inside).is_err());
    // A link in the place of a link, and never through it.
    put(&mut Reader::new(&*archive(&[("link", b'2', "elsewhere")])), &inside).unwrap();
    assert_eq!(std::fs::read_link(at("root/dest/link")).unwrap(), std::path::Path::new("elsewhere"));
    let through = archive(&[("way", b'2', ".."), ("way", b'0', "a file now")]);
    put(&mut Reader::new(&*through), &inside).unwrap();
    assert_eq!(std::fs::read_to_string(at("root/dest/way")).unwrap(), "a file now");
}

#[test]
fn what_is_in_the_way_stays_unless_it_is_to_be_overwritten() {
    let home = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(home.path().join("dir/deep")).unwrap();
    std::fs::write(home.path().join("file"), "old").unwrap();
    let dir = std::fs::File::open(home.path()).unwrap();
    let own = std::fs::metadata(home.path()).unwrap();
    let target =
        Target { dir: dir.as_fd(), root: None, owner: Some((own.uid(), own.gid())), overwrite: false, renumber: None };
    let bytes = [archive(&[("dir", b'0', "new")]), archive(&[("file/", b'5', "")])];
    for bytes in &bytes {
        let error = put(&mut Reader::new(&**bytes), &target).unwrap_err();
        assert!(error.to_string().ends_with("file exists"), "{error}");
    }
    assert_eq!(std::fs::read_to_string(home.path().join("file")).unwrap(), "old");
    for bytes in &bytes {
        put(&mut Reader::new(&**bytes), &Target { overwrite: true, ..target }).unwrap();
    }
    assert!(home.path().join("dir").is_file() && home.path().join("file").is_dir());
    assert_eq!(std::fs::read_dir(home.path()).unwrap().count(), 2);
}

#[test]
fn devices_of_several_names_are_left_out_under_each() {
    let home = tempfile::tempdir().unwrap();
    for dir in ["from", "to"] {
        std::fs::create_dir(home.path().join(dir)).unwrap();
    }
    let open = |path: &str| std::fs::File::open(home.path().join(path)).unwrap();
    // What overlay file systems in a volume are full of, and anybody may make.
    let from = open("from");
    rustix::fs::mknodat(&from, "a", FileType::CharacterDevice, Mode::empty(), 0).unwrap();
    rustix::fs::linkat(&from, "a", &from, "b", AtFlags::empty()).unwrap();
    std::fs::write(home.path().join("from/c"), "c").unwrap();
    let mut bytes = Vec::new();
    crate::storage::tree::archive::write(OwnedFd::from(from), &mut bytes).unwrap();
    let to = open("to");
    let own = std::fs::metadata(home.path()).unwrap();
    let target =
        Target { dir: to.as_fd(), root: None, owner: Some((own.uid(), own.gid())), overwrite: false, renumber: None };
    let warnings = put(&mut Reader::new(bytes.as_slice()), &target).unwrap().messages();
    assert!(warnings.iter().all(|warning| warning.contains("device")) && !warnings.is_empty(), "{warnings:?}");
    assert!(home.path().join("to/c").exists() && !home.path().join("to/b").exists());
}
