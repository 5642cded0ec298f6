//! Volumes when everything happens at once, is killed, or the disk is full.

use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::support::fixtures::on_busybox;
use crate::support::image::Layer;
use crate::support::{Env, SOON, leftovers, skip, until};

/// An image with `/data` of 400 files in 20 directories.
fn add_large(env: &Env) {
    let mut layer = Layer::new().dir("data/", 0o755);
    for dir in 0..20 {
        layer = layer.dir(&format!("data/{dir}/"), 0o755);
        for file in 0..20 {
            layer = layer.file(&format!("data/{dir}/{file}"), 0o644, format!("{dir} {file}").repeat(200));
        }
    }
    env.add(&on_busybox("localhost/large:latest", vec![layer.plain()]));
}

/// How many files a container sees in `/data`.
const COUNT: &str = "find /data -type f | wc -l; cat $(find /data -type f) | wc -c";

fn whole(env: &Env) -> String {
    env.ok(["run", "--rm", "--network", "none", "large", "sh", "-c", COUNT])
}

fn in_tmp(env: &Env) -> Vec<std::path::PathBuf> {
    std::fs::read_dir(env.root().join("tmp")).unwrap().flatten().map(|entry| entry.path()).collect()
}

#[test]
fn two_containers_fill_a_volume_at_once() {
    let env = Env::new();
    add_large(&env);
    let want = whole(&env);
    for round in 0..4 {
        let volume = format!("v{round}:/data");
        let start =
            || env.coracle(["run", "--rm", "--network", "none", "-v", &volume, "large", "sh", "-c", COUNT]).spawn();
        let running: Vec<_> = (0..4).map(|_| start()).collect();
        for one in running {
            one.finish().expect(0).says(&want);
        }
    }
    env.assert_nothing_left();
}

/// Whatever was reached when `run` was killed, the next container has all of it.
#[test]
fn killed_while_filling() {
    let env = Env::new();
    add_large(&env);
    let want = whole(&env);
    let begun = Instant::now();
    env.ok(["run", "--rm", "--network", "none", "-v", "warm:/data", "large", "true"]);
    let takes = begun.elapsed();
    for step in 0..24 {
        let volume = format!("v{step}:/data");
        let mut running =
            env.coracle(["run", "--name", "c", "--network", "none", "-v", &volume, "large", "true"]).spawn();
        let moment = Instant::now() + takes * step / 24;
        until("the moment to kill", SOON, || (Instant::now() >= moment).then_some(()));
        running.child.kill().unwrap();
        running.finish();
        env.coracle(["run", "--rm", "--network", "none", "-v", &volume, "large", "sh", "-c", COUNT])
            .run()
            .expect(0)
            .says(&want);
        env.ok(["rm", "-f", "-a", "-t", "0"]);
    }
    assert_eq!(in_tmp(&env), Vec::<std::path::PathBuf>::new(), "swept up by `rm`");
    env.ok(["volume", "rm", "-a"]);
    env.assert_nothing_left();
}

/// A copy that was killed is no volume.
#[test]
fn killed_while_copying() {
    let env = Env::new();
    add_large(&env);
    env.ok(["run", "--rm", "--network", "none", "-v", "v:/data", "large", "true"]);
    let begun = Instant::now();
    env.ok(["volume", "clone", "v", "warm"]);
    let takes = begun.elapsed();
    for step in 0..16 {
        let name = format!("c{step}");
        let mut running = env.coracle(["volume", if step % 2 == 0 { "clone" } else { "snapshot" }, "v", &name]).spawn();
        let moment = Instant::now() + takes * step / 16;
        until("the moment to kill", SOON, || (Instant::now() >= moment).then_some(()));
        running.child.kill().unwrap();
        running.finish();
        if env.coracle(["volume", "exists", &name]).run().code() == 0 {
            assert_eq!(
                env.ok([
                    "run",
                    "--rm",
                    "--network",
                    "none",
                    "-v",
                    &format!("{name}:/data"),
                    "large",
                    "sh",
                    "-c",
                    COUNT
                ]),
                whole(&env)
            );
        }
    }
    env.ok(["rm", "-a"]);
    assert_eq!(in_tmp(&env), Vec::<std::path::PathBuf>::new());
}

/// A writer that writes `a` and then `b`: at no moment is `b` ahead, nor more than one behind.
#[test]
fn a_snapshot_is_of_one_moment() {
    let env = Env::busybox();
    let script =
        "i=0; while :; do i=$((i+1)); echo $i > /w/a.new; mv /w/a.new /w/a; echo $i > /w/b.new; mv /w/b.new /w/b; done";
    env.ok(["run", "-d", "--name", "c", "--network", "none", "-v", "v:/w", "busybox", "sh", "-c", script]);
    let data = |name: &str, file: &str| env.root().join("volumes").join(name).join("_data").join(file);
    until("the writer", SOON, || {
        std::fs::read_to_string(data("v", "b")).ok().filter(|text| !text.is_empty()).map(|_| ())
    });
    for round in 0..10 {
        let name = format!("s{round}");
        env.ok(["volume", "snapshot", "v", &name]);
        let number = |file: &str| std::fs::read_to_string(data(&name, file)).unwrap().trim().parse::<u64>().unwrap();
        let (a, b) = (number("a"), number("b"));
        assert!(b <= a && a <= b + 1, "round {round}: a is {a}, b is {b}");
        assert_eq!(env.status("c"), "running");
    }
    env.ok(["volume", "snapshot", "--pause=false", "v", "torn"]);
    // Whoever was paused before is paused afterwards.
    env.ok(["pause", "c"]);
    env.ok(["volume", "clone", "v", "still"]);
    assert_eq!(env.status("c"), "paused");
    env.ok(["rm", "-f", "-t", "0", "c"]);
    env.assert_nothing_left();
}

/// An interrupted copy leaves nobody standing.
#[test]
fn an_interrupted_snapshot_lets_containers_go_on() {
    let env = Env::new();
    add_large(&env);
    env.ok(["run", "-d", "--name", "c", "--network", "none", "-v", "v:/data", "large", "sleep", "1000"]);
    for step in 0..12_u64 {
        let running = env.coracle(["volume", "snapshot", "v", &format!("s{step}")]).spawn();
        let moment = Instant::now() + Duration::from_millis(step * 8);
        until("the moment", SOON, || (Instant::now() >= moment).then_some(()));
        let _ = kill(Pid::from_raw(running.pid()), Signal::SIGINT);
        running.finish();
        assert_eq!(env.status("c"), "running", "step {step}");
    }
    env.ok(["rm", "-f", "-t", "0", "c"]);
    env.assert_nothing_left();
}

/// Volumes are pruned and removed while containers that use them are made: none is without its volume.
#[test]
fn pruned_while_containers_come_and_go() {
    let env = Env::busybox();
    for _ in 0..8 {
        let mut running: Vec<_> = (0..6)
            .map(|i| {
                let volume = if i % 2 == 0 { "v:/w" } else { "/w" };
                env.coracle([
                    "run",
                    "--rm",
                    "--network",
                    "none",
                    "-v",
                    volume,
                    "busybox",
                    "sh",
                    "-c",
                    "f=/w/$(hostname); echo x > $f && cat $f",
                ])
                .spawn()
            })
            .collect();
        let prunes: Vec<_> = (0..3).map(|_| env.coracle(["volume", "prune", "-f"]).spawn()).collect();
        running.extend(
            (0..2).map(|_| {
                env.coracle(["run", "--rm", "--network", "none", "-v", "v:/w", "busybox", "echo", "x"]).spawn()
            }),
        );
        running.into_iter().for_each(|one| drop(one.finish().expect(0).says("x")));
        prunes.into_iter().for_each(|one| drop(one.finish().expect(0)));
    }
    env.ok(["volume", "prune", "-f"]);
    assert_eq!(env.ok(["volume", "ls", "-q"]), "");
    assert_eq!(in_tmp(&env), Vec::<std::path::PathBuf>::new());
    env.assert_nothing_left();
}

/// Two containers share a volume, are killed at random and removed: no file that was written is lost, none left over.
fn shared_and_killed(rounds: u64) {
    let env = Env::busybox();
    let dir = env.root().parent().unwrap().to_owned();
    let mut seed = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = move |below: u64| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        seed % below
    };
    // Says a number when the file of that number is there.
    let script = "i=0; while :; do i=$((i+1)); echo $R $N $i > /shared/$R.$N.$i.new && mv /shared/$R.$N.$i.new /shared/$R.$N.$i && echo $i; done";
    let mut promised: Vec<String> = Vec::new();
    for round in 0..rounds {
        let names = [format!("a{round}"), format!("b{round}")];
        let running: Vec<_> = names
            .iter()
            .enumerate()
            .map(|(n, name)| {
                let (r, n) = (format!("R={round}"), format!("N={n}"));
                let remove = if round % 2 == 0 { "--rm" } else { "--rm=false" };
                let args = [
                    "run",
                    "--name",
                    name,
                    remove,
                    "--network",
                    "none",
                    "-v",
                    "shared:/shared",
                    "-v",
                    "/own",
                    "-e",
                    &r,
                    "-e",
                    &n,
                    "busybox",
                    "sh",
                    "-c",
                    script,
                ];
                env.coracle(args).spawn()
            })
            .collect();
        let moment = Instant::now() + Duration::from_millis(20 + random(180));
        until("the moment to kill", SOON, || (Instant::now() >= moment).then_some(()));
        // The command line, a monitor, a container's process: whatever comes.
        let processes = leftovers::of(&dir);
        for _ in 0..1 + random(2) {
            if let Some(process) = processes.get(usize::try_from(random(1000)).unwrap() % processes.len().max(1)) {
                let _ = kill(Pid::from_raw(process.pid), Signal::SIGKILL);
            }
        }
        let mut running = running;
        // A `run` may be only just beginning when its name is removed.
        until("the end of both", SOON, || {
            env.ok(["rm", "-f", "-v", "-a", "-t", "0"]);
            running.iter_mut().all(|one| matches!(one.child.try_wait(), Ok(Some(_)))).then_some(())
        });
        for (n, one) in running.into_iter().enumerate() {
            let output = one.finish();
            promised.extend(output.stdout.lines().filter(|line| !line.is_empty()).map(|i| format!("{round}.{n}.{i}")));
        }
        env.ok(["rm", "-f", "-v", "-a", "-t", "0"]);
        let left = env.ok(["volume", "ls", "-q", "--filter", "anonymous=true"]);
        assert_eq!(left, "", "round {round}: anonymous volumes are left");
    }
    let data = env.root().join("volumes/shared/_data");
    let lost: Vec<&String> = promised
        .iter()
        .filter(|name| {
            let text = std::fs::read_to_string(data.join(name)).unwrap_or_default();
            text.trim() != name.replace('.', " ")
        })
        .collect();
    assert!(lost.is_empty(), "{} of {} files are lost: {:?}", lost.len(), promised.len(), lost.first());
    assert!(promised.len() as u64 > rounds, "the containers wrote {} files only", promised.len());
    assert_eq!(env.ok(["volume", "ls", "-q"]), "shared");
    assert_eq!(in_tmp(&env), Vec::<std::path::PathBuf>::new());
    env.assert_nothing_left();
}

#[test]
fn shared_by_two_that_are_killed() {
    shared_and_killed(25);
}

#[test]
#[ignore = "takes minutes: 200 rounds"]
fn shared_by_two_that_are_killed_200_times() {
    shared_and_killed(200);
}

/// Neither the copy of what the image has nor an import is half there when the disk is full.
#[test]
fn full_disk() {
    let env = Env::new();
    let Some(small) = std::env::var_os("CORACLE_TEST_SMALL").map(std::path::PathBuf::from) else {
        return skip("volume_races::full_disk", "CORACLE_TEST_SMALL names no small file system");
    };
    let small = small.join("volumes");
    let roots = ["--root".into(), small.join("r").into_os_string(), "--runroot".into(), env.runroot().into_os_string()];
    let run = |args: &[&str]| env.program(crate::support::env::CORACLE).args(&roots).args(args).run();
    let data = |name: &str| std::fs::read_dir(small.join("r/volumes").join(name).join("_data")).unwrap().count();
    let in_tmp = || std::fs::read_dir(small.join("r/tmp")).unwrap().count();
    // 300 kB as a blob and 300 kB unpacked: a third copy is too much for 1 MB, with what else is there.
    let layer = Layer::new().dir("data/", 0o755).noise("data/one", 150_000).noise("data/two", 150_001).plain();
    let image = crate::support::image::Image::new("localhost/tight:latest", vec![layer]);
    image.oci_archive(&env.work().join("tight.tar"));
    run(&["load", "-q", "-i", "tight.tar"]).expect(0);
    let filler = small.join("filler");
    std::fs::write(&filler, vec![1; 250_000]).unwrap();
    let output = run(&["run", "--rm", "--network", "none", "-v", "v:/data", "tight", "/nothing"]).expect(125);
    assert!(output.stderr.contains("No space left on device") && output.stderr.contains("volume `v`"), "{output}");
    assert_eq!((data("v"), in_tmp()), (0, 0), "{output}");
    run(&["volume", "create", "w"]).expect(0);
    let output = run(&["volume", "import", "w", "tight.tar"]).expect(125);
    assert!(output.stderr.contains("No space left on device"), "{output}");
    assert_eq!((data("w"), in_tmp()), (0, 0), "{output}");
    // With room it goes on: the command is not there, but the volume is filled.
    std::fs::remove_file(&filler).unwrap();
    run(&["run", "--rm", "--network", "none", "-v", "v:/data", "tight", "/nothing"]).expect(127);
    assert_eq!(data("v"), 2);
    let output = run(&["volume", "clone", "v", "x"]).expect(125);
    assert!(output.stderr.contains("No space left on device"), "{output}");
    assert_eq!(run(&["volume", "exists", "x"]).code(), 1);
    assert_eq!(in_tmp(), 0);
    run(&["system", "reset", "-f"]).expect(0);
    env.program("rm").args(["-rf".as_ref(), small.as_os_str()]).run().expect(0);
}
