//! Many at once.

use crate::support::Env;

#[test]
fn two_hundred_containers() {
    let env = Env::busybox();
    let names: Vec<String> = (0..200).map(|i| format!("n{i:03}")).collect();
    for batch in names.chunks(10) {
        let running: Vec<_> = batch
            .iter()
            .map(|name| {
                env.coracle(["run", "-d", "--name", name, "--network", "none", "busybox", "sleep", "100000"]).spawn()
            })
            .collect();
        running.into_iter().for_each(|running| drop(running.finish().expect(0)));
    }
    assert_eq!(env.names(), names);
    assert_eq!(env.ok(["ps", "-q"]).lines().count(), 200);
    assert_eq!(env.ok(["exec", "n123", "hostname"]), &env.ok(["ps", "-q", "--filter", "name=n123"])[..12]);
    let stopped = env.ok(["stop", "-a", "-t", "0"]);
    assert_eq!(stopped.lines().count(), 200);
    assert_eq!(env.ok(["ps", "-q"]), "");
    assert_eq!(env.ok(["rm", "-a"]).lines().count(), 200);
    env.assert_nothing_left();
}

#[test]
fn parallel_runs_that_remove_themselves() {
    let env = Env::busybox();
    let running: Vec<_> = (0..40)
        .map(|i| (i, env.coracle(["run", "--rm", "--network", "none", "busybox", "echo", &i.to_string()]).spawn()))
        .collect();
    for (i, running) in running {
        running.finish().expect(0).says(&i.to_string());
    }
    env.assert_nothing_left();
}

/// Everything at the same time on the same containers: no command hangs, none breaks the store.
#[test]
fn commands_against_each_other() {
    let env = Env::busybox();
    for round in 0..5 {
        env.start("c", &[]);
        let commands: [&[&str]; 8] = [
            &["stop", "-t", "0", "c"],
            &["rm", "-f", "-t", "0", "c"],
            &["start", "c"],
            &["exec", "c", "true"],
            &["kill", "c"],
            &["inspect", "c"],
            &["restart", "-t", "0", "c"],
            &["logs", "c"],
        ];
        let running: Vec<_> = commands.iter().map(|args| env.coracle(*args).spawn()).collect();
        for running in running {
            let output = running.finish();
            assert!(!output.stderr.contains("panicked"), "round {round}: {output}");
        }
        env.ok(["rm", "-f", "-a", "-t", "0"]);
        assert_eq!(env.names(), Vec::<String>::new());
    }
    env.assert_nothing_left();
}
