use std::os::fd::AsFd as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use crate::storage::unpack::extract::Owners;
use crate::storage::unpack::tests::{Fields, TarBuilder, as_root};
use crate::storage::unpack::{Reader, remove_tree, unpack};

fn archive() -> Vec<u8> {
    TarBuilder::default()
        .dir("d")
        .file("d/f", b"content")
        .pax(&[("SCHILY.xattr.user.a", b"1")])
        .file("d/x", b"")
        .symlink("d/l", "f")
        .hard_link("d/h", "d/f")
        .raw(b"d/fifo", b'6', Fields { mode: 0o600, ..Fields::default() }, b"")
        .dir("o")
        .file("o/.wh..wh..opq", b"")
        .file(".wh.gone", b"")
        .symlink("via", "d")
        .file("via/through", b"a link")
        .end()
}

#[test]
fn every_kind_of_damage_is_found() {
    if !as_root("storage::verify::tests::every_kind_of_damage_is_found") {
        return;
    }
    let archive = archive();
    let damaged = |damage: &dyn Fn(&Path)| {
        let home = tempfile::tempdir().unwrap();
        let root = std::fs::File::open(home.path()).unwrap();
        std::fs::set_permissions(home.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
        unpack(&mut Reader::new(archive.as_slice()), root.as_fd(), Owners::Exact).unwrap();
        damage(home.path());
        super::layer(&mut Reader::new(archive.as_slice()), root.as_fd(), Owners::Exact).unwrap()
    };
    assert_eq!(damaged(&|_| {}).summary(), "");
    let keep_time = |path: &Path, change: &dyn Fn()| {
        let times = std::fs::FileTimes::new().set_modified(path.metadata().unwrap().modified().unwrap());
        change();
        std::fs::File::options().write(true).open(path).unwrap().set_times(times).unwrap();
    };
    let setxattr = |path: &Path, name: &str| {
        rustix::fs::setxattr(path, name, b"2", rustix::fs::XattrFlags::empty()).unwrap();
    };
    type Case<'a> = (&'a str, &'a dyn Fn(&Path));
    let cases: [Case<'_>; 14] = [
        ("`/d/f` has other content", &|root| {
            keep_time(&root.join("d/f"), &|| std::fs::write(root.join("d/f"), "Content").unwrap());
        }),
        ("`/d/f` has another size", &|root| std::fs::write(root.join("d/f"), "longer than before").unwrap()),
        ("`/d/x` has another modification time", &|root| std::fs::write(root.join("d/x"), "").unwrap()),
        ("`/d/f` is missing", &|root| {
            std::fs::remove_file(root.join("d/f")).unwrap();
        }),
        ("`/d/new` was added", &|root| std::fs::write(root.join("d/new"), "").unwrap()),
        ("`/d/f` has the mode 4644 instead of 644", &|root| {
            std::fs::set_permissions(root.join("d/f"), std::fs::Permissions::from_mode(0o4644)).unwrap();
        }),
        ("`/d/x` has another owner", &|root| std::os::unix::fs::chown(root.join("d/x"), Some(1), None).unwrap()),
        ("`/d/x` has other extended attributes", &|root| setxattr(&root.join("d/x"), "user.a")),
        ("`/d/f` has other extended attributes", &|root| setxattr(&root.join("d/f"), "user.b")),
        ("`/d/l` leads elsewhere", &|root| {
            std::fs::remove_file(root.join("d/l")).unwrap();
            std::os::unix::fs::symlink("g", root.join("d/l")).unwrap();
        }),
        ("`/d/fifo` is of another type", &|root| {
            std::fs::remove_file(root.join("d/fifo")).unwrap();
            std::fs::write(root.join("d/fifo"), "").unwrap();
        }),
        ("`/o` does not hide the layers below any more", &|root| {
            rustix::fs::removexattr(root.join("o"), "user.overlay.opaque").unwrap();
        }),
        ("`/gone` is missing", &|root| std::fs::remove_file(root.join("gone")).unwrap()),
        ("`/d` is of another type", &|root| {
            remove_tree(&root.join("d")).unwrap();
            std::fs::write(root.join("d"), "").unwrap();
        }),
    ];
    for (want, damage) in cases {
        let found = damaged(damage);
        assert!(found.summary().contains(want), "{want}: {}", found.summary());
    }
    let many = damaged(&|root| {
        for n in 0..10 {
            std::fs::write(root.join(format!("new{n}")), "").unwrap();
        }
    });
    assert_eq!(many.number, 10, "the root has no entry of its own, so its time does not count");
    assert!(many.summary().ends_with(", and 7 more"), "{}", many.summary());
}
