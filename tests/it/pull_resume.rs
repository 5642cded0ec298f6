//! Downloads that break off, are killed, or happen twice at once.

use std::path::PathBuf;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::support::command::Running;
use crate::support::fixtures::on_busybox;
use crate::support::image::{Layer, digest};
use crate::support::proxy::{Fault, Proxy};
use crate::support::pty::Pty;
use crate::support::registry::Registry;
use crate::support::{Env, SOON, let_pass, until};

/// A registry with an image `test/big:1`, a proxy before it, and the hexadecimal digest of the image's large layer.
struct World {
    proxy: Proxy,
    _registry: Registry,
    hex: String,
    /// The last to go: it looks for what the others have left.
    env: Env,
}

const SIZE: usize = 3_000_000;

impl World {
    fn new() -> Self {
        let env = Env::new();
        let registry = Registry::start(&env);
        let layer = Layer::new().noise("noise", SIZE).gzip();
        let hex = digest(&layer.bytes).trim_start_matches("sha256:").to_owned();
        let layout = env.work().join("layout");
        on_busybox("localhost/big", vec![layer]).oci_layout(&layout);
        registry.push(&env, &layout, "test/big:1", "oci");
        let proxy = Proxy::before(&registry);
        World { proxy, _registry: registry, hex, env }
    }

    fn name(&self) -> String {
        self.proxy.name("test/big:1")
    }

    fn pull(&self) -> Running {
        self.env.coracle(["pull", "--retry", "0", "--tls-verify=false", &self.name()]).spawn()
    }

    fn part(&self) -> PathBuf {
        self.env.root().join("images/partial").join(&self.hex)
    }

    fn part_size(&self) -> u64 {
        std::fs::metadata(self.part()).map_or(0, |metadata| metadata.len())
    }

    /// Waits until so many bytes of the large layer have arrived.
    fn until_part(&self, size: u64) {
        until("the part", SOON, || (self.part_size() >= size).then_some(()));
    }

    /// Requests for the large layer since the last call.
    fn asked(&self) -> Vec<String> {
        let requests = self.proxy.requests();
        requests.into_iter().filter(|request| request.contains(&self.hex)).collect()
    }

    /// All is there, and runs; nothing is on its way any more.
    #[track_caller]
    fn assert_whole(&self) {
        let output = self.env.coracle(["run", "--rm", "--network", "none", &self.name(), "wc", "-c", "/noise"]).run();
        output.expect(0).says(&format!("{SIZE} /noise"));
        let left: Vec<_> = std::fs::read_dir(self.env.root().join("images/partial")).unwrap().flatten().collect();
        assert!(left.is_empty(), "{left:?}");
    }
}

#[test]
fn a_killed_download_goes_on() {
    let world = World::new();
    world.proxy.set(Fault::Stall(1_000_000));
    let mut running = world.pull();
    world.until_part(900_000);
    running.child.kill().unwrap();
    running.finish();
    assert_eq!(world.env.ok(["images", "-q", "-a"]), "");
    let had = world.part_size();
    assert_eq!(world.asked().len(), 1);
    world.proxy.set(Fault::Pass);
    world.pull().finish().expect(0);
    let asked = world.asked();
    assert!(asked.len() == 1 && asked[0].ends_with(&format!(" bytes={had}-")), "{asked:?}");
    world.assert_whole();
}

#[test]
fn a_broken_download_goes_on_also_where_there_are_no_ranges() {
    let world = World::new();
    world.proxy.set(Fault::Drop(700_000));
    // How much of what was sent has come before the end of the connection is the kernel's matter: nothing at times.
    until("a part", SOON, || {
        let output = world.pull().finish().expect(125);
        assert!(output.stderr.contains(&world.hex) && output.stderr.contains("pull again"), "{output}");
        (world.part_size() > 0).then_some(())
    });
    world.asked();
    world.proxy.set(Fault::NoRanges);
    world.pull().finish().expect(0);
    let asked = world.asked();
    assert!(asked.len() == 1 && asked[0].contains("bytes="), "{asked:?}");
    world.assert_whole();
}

/// What is in a part may be anything after a power cut.
#[test]
fn a_damaged_part_is_replaced() {
    let world = World::new();
    world.env.ok(["images"]);
    std::fs::create_dir_all(world.part().parent().unwrap()).unwrap();
    for damage in [vec![0; 100_000], b"short".to_vec(), vec![7; SIZE * 2], {
        // The beginning of another gzip file: it fails at the very end only.
        let mut other = Layer::new().noise("noise", 100_000).gzip().bytes;
        other.truncate(90_000);
        other
    }] {
        std::fs::write(world.part(), damage).unwrap();
        world.pull().finish().expect(0);
        world.assert_whole();
        world.env.ok(["rmi", "-a", "-f"]);
    }
}

#[test]
fn two_pulls_fetch_once() {
    let world = World::new();
    world.env.load(crate::support::fixtures::busybox());
    world.proxy.set(Fault::Stall(1_000_000));
    let first = world.pull();
    world.until_part(900_000);
    let second = world.pull();
    until_waiting(&second);
    // What has nothing to do with it is not kept waiting.
    world.env.ok(["run", "--rm", "--network", "none", "busybox", "true"]);
    world.proxy.set(Fault::Pass);
    first.finish().expect(0);
    let output = second.finish().expect(0);
    assert!(output.stderr.contains("left to another process"), "{output}");
    let asked = world.asked();
    assert_eq!(asked.len(), 1, "{asked:?}");
    world.assert_whole();
}

#[test]
fn the_second_takes_over_when_the_first_dies() {
    let world = World::new();
    world.proxy.set(Fault::Stall(1_000_000));
    let mut first = world.pull();
    world.until_part(900_000);
    let second = world.pull();
    until_waiting(&second);
    world.proxy.set(Fault::Stall(1_000_001));
    first.child.kill().unwrap();
    first.finish();
    world.proxy.set(Fault::Pass);
    second.finish().expect(0);
    let asked = world.asked();
    assert!(asked.len() == 2 && asked[1].contains("bytes="), "{asked:?}");
    world.assert_whole();
}

/// Waits until the process waits for a lock.
#[track_caller]
fn until_waiting(running: &Running) {
    let pid = running.pid().to_string();
    until("the wait for the lock", SOON, || {
        let locks = std::fs::read_to_string("/proc/locks").unwrap();
        locks.lines().any(|line| line.contains("->") && line.split_whitespace().any(|word| word == pid)).then_some(())
    });
}

#[test]
fn signals_leave_a_part_and_a_clear_line() {
    let world = World::new();
    for (signal, code) in [(Signal::SIGINT, 130), (Signal::SIGTERM, 143)] {
        world.proxy.set(Fault::Stall(1_000_000));
        let running = world.pull();
        world.until_part(900_000);
        kill(Pid::from_raw(running.pid()), signal).unwrap();
        let output = running.finish().expect(code);
        let last = output.stderr.lines().last().unwrap();
        assert!(last.starts_with("Error: ") && last.contains("interrupted"), "{output}");
        assert!(world.part_size() >= 900_000);
        std::fs::remove_file(world.part()).unwrap();
    }
    // On a terminal the bars end before that line.
    let name = world.name();
    let args = ["pull", "--retry", "0", "--tls-verify=false", &name];
    let mut terminal = Pty::spawn(&world.env.coracle(args).raw());
    terminal.expect("Copying blob");
    world.until_part(900_000);
    terminal.send("\x03");
    terminal.expect("pull interrupted");
    // What setsid(1) makes of a program that a signal has ended.
    assert_eq!(terminal.wait(), 255);
    world.proxy.set(Fault::Pass);
    world.pull().finish().expect(0);
    world.assert_whole();
}

/// kill -9 at many moments of pulls and loads: nothing half is ever seen, nothing keeps the next one from working.
/// `CORACLE_KILLS` says how many.
#[test]
fn kill_9_at_any_moment_of_pulls_and_loads() {
    let world = World::new();
    let archive = world.env.work().join("big.tar");
    on_busybox("localhost/other:1", vec![Layer::new().noise("other", SIZE).gzip()]).oci_archive(&archive);
    let archive = archive.to_str().unwrap().to_owned();
    let pull = ["pull", "-q", "--tls-verify=false", &world.name()].map(str::to_owned).to_vec();
    let load = ["load", "-q", "-i", &archive].map(str::to_owned).to_vec();
    let kills = std::env::var("CORACLE_KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(16_u64);
    for step in 0..kills {
        let args = if step % 2 == 0 { &pull } else { &load };
        let mut running = world.env.coracle(args).spawn();
        // Spread over what such a command takes, denser at its beginning.
        let_pass(Duration::from_millis(step * step % 397));
        let _ = running.child.kill();
        running.finish();
        for id in world.env.ok(["images", "-q", "--no-trunc"]).lines() {
            let output =
                world.env.coracle(["run", "--rm", "--network", "none", id, "sh", "-c", "wc -c /noise /other"]).run();
            assert!(output.stdout.contains(&SIZE.to_string()), "{output}");
        }
        if step % 5 == 4 {
            world.env.ok(["rmi", "-a", "-f"]);
        }
    }
    world.env.ok(&pull);
    world.env.ok(&load);
    world.assert_whole();
    world.env.ok(["rmi", "-a", "-f"]);
    for dir in ["layers", "tmp", "images/blobs/sha256", "images/partial"] {
        let left: Vec<_> = std::fs::read_dir(world.env.root().join(dir)).unwrap().flatten().map(|e| e.path()).collect();
        assert!(left.is_empty(), "{left:?}");
    }
}
