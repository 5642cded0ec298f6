//! `system df` counts what `du` counts; `system reset` leaves nothing.

use serde_json::Value;

use crate::support::Env;
use crate::support::fixtures::on_busybox;
use crate::support::image::Layer;

fn du(env: &Env) -> u64 {
    let root = env.root().display().to_string();
    let text = env.coracle(["unshare", "du", "-s", "-B1", &root]).run().expect(0).text();
    text.split_whitespace().next().unwrap().parse().unwrap()
}

fn rows(env: &Env) -> Vec<Value> {
    let text = env.ok(["system", "df", "--format", "json"]);
    serde_json::from_str(&text).unwrap_or_else(|e| panic!("{e}: {text}"))
}

fn size(rows: &[Value], row: usize, key: &str) -> u64 {
    rows[row][key].as_u64().unwrap_or_else(|| panic!("{rows:?}"))
}

#[test]
fn the_total_is_what_du_says() {
    let env = Env::busybox();
    let layer = || Layer::new().file("big", 0o644, vec![7; 300_000]).hardlink("again", "big").file("small", 0o600, "x");
    env.add(&on_busybox("localhost/second:1", vec![layer().gzip()]));
    env.ok([
        "run",
        "--name",
        "stopped",
        "--network",
        "none",
        "busybox",
        "sh",
        "-c",
        "head -c 200000 /dev/zero >/f; chown 7:7 /f; mkdir -m 700 /d; chown 9 /d",
    ]);
    env.start("runs", &[]);
    let found = rows(&env);
    let sum: u64 = (0..3).map(|row| size(&found, row, "RawSize")).sum();
    assert_eq!(sum, du(&env), "{found:?}");
    let counts = |row: usize| (size(&found, row, "Total"), size(&found, row, "Active"));
    assert_eq!((counts(0), counts(1), counts(2)), ((2, 1), (2, 1), (0, 0)), "{found:?}");
    let unused = size(&found, 0, "RawReclaimable");
    // The second image's own layer, unpacked, and its blobs; not the layer that the containers stand on.
    assert!((300_000..450_000).contains(&unused), "{found:?}");
    assert!(size(&found, 1, "RawReclaimable") >= 200_000, "{found:?}");
    // What nothing needs is counted, can be reclaimed, and goes with prune.
    std::fs::write(env.root().join("images/blobs/sha256").join("a".repeat(64)), vec![1; 500_000]).unwrap();
    std::fs::create_dir_all(env.root().join("layers").join("b".repeat(64)).join("dir")).unwrap();
    std::fs::create_dir_all(env.root().join("images/partial")).unwrap();
    std::fs::write(env.root().join("images/partial").join("c".repeat(64)), vec![1; 100_000]).unwrap();
    let more = rows(&env);
    assert_eq!((0..3).map(|row| size(&more, row, "RawSize")).sum::<u64>(), du(&env));
    assert!(size(&more, 0, "RawReclaimable") >= unused + 600_000, "{more:?}");
    let verbose = env.ok(["system", "df", "-v"]);
    assert!(verbose.contains("Unreachable data"), "{verbose}");
    env.ok(["image", "prune", "-f"]);
    let after = rows(&env);
    assert_eq!(size(&after, 0, "RawReclaimable"), unused, "{after:?}");
    assert!(!env.ok(["system", "df", "-v"]).contains("Unreachable"));
    env.fails(125, ["system", "df", "-v", "--format", "json"]);
    let table = env.ok(["system", "df"]);
    assert!(table.starts_with("TYPE "), "{table}");
}

#[test]
fn reset_asks_and_then_leaves_nothing() {
    let env = Env::busybox();
    env.start("runs", &[]);
    std::fs::write(env.root().join("mine"), "of the user").unwrap();
    for (answer, gone) in [("", false), ("n\n", false), ("y\n", true)] {
        let output = env.coracle(["system", "reset"]).stdin(answer).run().expect(0);
        let root = env.root().display().to_string();
        assert!(output.stdout.contains("WARNING! This will remove:") && output.stdout.contains(&root), "{output}");
        assert_eq!(!env.root().join("images").exists(), gone, "{answer:?}");
    }
    assert!(env.root().join("mine").exists());
    let left: Vec<_> = std::fs::read_dir(env.root()).unwrap().flatten().map(|e| e.file_name()).collect();
    assert_eq!(left, ["mine"]);
    assert!(!env.runroot().exists());
    // And everything works again.
    env.ok(["run", "--rm", "--network", "none", "hello"]);
    env.ok(["system", "reset", "--force"]);
}
