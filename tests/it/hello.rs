//! The embedded image: the first thing a new user runs.

use crate::support::Env;

#[test]
fn hello_tells_what_it_is_isolated_from() {
    let env = Env::new();
    let output = env.coracle(["run", "--rm", "--network", "none", "--hostname", "boat", "hello"]).run().expect(0);
    let line = |label: &str| {
        let found = output.stdout.lines().find(|line| line.trim_start().starts_with(label));
        found.unwrap_or_else(|| panic!("no line about {label}:\n{output}")).to_owned()
    };
    assert!(output.stdout.lines().count() < 25, "{output}");
    assert!(line("Processes").contains("PID 1, and the only process"), "{output}");
    let uid = nix::unistd::getuid();
    assert!(line("User").contains(&format!("root in here, user {uid} outside")), "{output}");
    assert!(line("Hostname").ends_with(" boat"), "{output}");
    assert!(line("Network").ends_with(" lo"), "{output}");
    assert!(line("Capabilities").contains("11 of "), "{output}");
    assert!(line("System calls").contains("filtered by seccomp"), "{output}");
    env.assert_nothing_left();
}

/// It is there without a network, and not pulled from anywhere; the second time from the store.
#[test]
fn hello_is_an_image_like_any_other() {
    let env = Env::new();
    for _ in 0..2 {
        let output = env.coracle(["run", "--rm", "hello"]).run().expect(0);
        assert!(output.stdout.contains("Hello"), "{output}");
    }
    assert!(env.ok(["images", "--format", "{{.Repository}}:{{.Tag}}"]).contains("localhost/hello:latest"));
    env.ok(["rmi", "hello"]);
    assert_eq!(env.ok(["images", "-q"]), "");
}
