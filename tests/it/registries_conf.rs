//! registries.conf: search registries, aliases, mirrors, redirections, blocked and insecure registries.

use std::path::PathBuf;

use crate::support::Env;
use crate::support::command::Output;
use crate::support::fixtures;
use crate::support::proxy::{Fault, Proxy};
use crate::support::pty::Pty;
use crate::support::registry::{Guards, Registry, free_port};

/// Runs with this registries.conf alone.
fn with(env: &Env, conf: &str, args: &[&str]) -> Output {
    let file = env.file("registries.conf", conf);
    let none = env.work().join("none");
    let command = env.coracle(args).env("CONTAINERS_REGISTRIES_CONF", file);
    command.env("CONTAINERS_REGISTRIES_CONF_DIR", none).run()
}

fn home(env: &Env, path: &str) -> PathBuf {
    env.root().parent().unwrap().join("home").join(path)
}

fn insecure(host: &str) -> String {
    format!("[[registry]]\nlocation = \"{host}\"\ninsecure = true\n")
}

#[test]
fn short_names_are_searched_and_aliased() {
    let env = Env::new();
    let registry = Registry::start(&env);
    registry.push(&env, fixtures::busybox_layout(), "test/busybox:1", "oci");
    let host = format!("127.0.0.1:{}", registry.port());
    let nobody = format!("127.0.0.1:{}", free_port());
    let search = format!("unqualified-search-registries = [\"{nobody}\", \"{host}\"]\n");
    let conf = format!("{search}{}{}", insecure(&host), insecure(&nobody));
    let pulled = with(&env, &conf, &["pull", "--retry", "0", "test/busybox:1"]).expect(0);
    assert!(pulled.stderr.contains("Resolving \"test/busybox\" using unqualified-search registries"), "{pulled}");
    assert_eq!(env.ok(["images", "--format", "{{.Repository}}:{{.Tag}}"]), format!("{host}/test/busybox:1"));
    let both = with(&env, &conf, &["pull", "-q", "--retry", "0", "none/such"]).expect(125);
    assert!(both.stderr.contains("2 errors occurred") && both.stderr.contains(&nobody), "{both}");
    let enforcing = format!("short-name-mode = \"enforcing\"\n{conf}");
    let refused = with(&env, &enforcing, &["pull", "-q", "test/busybox:1"]).expect(125);
    assert!(refused.stderr.contains("short-name resolution enforced but cannot prompt without a TTY"), "{refused}");
    env.ok(["rmi", "-a", "-f"]);
    let alias = format!("{enforcing}[aliases]\nbox = \"{host}/test/busybox\"\n");
    let pulled = with(&env, &alias, &["pull", "box:1"]).expect(0);
    assert!(pulled.stderr.contains("Resolved \"box\" as an alias ("), "{pulled}");
    assert_eq!(env.ok(["images", "--format", "{{.Repository}}:{{.Tag}}"]), format!("{host}/test/busybox:1"));
    // What an alias means is found where it is, too.
    drop(registry);
    with(&env, &alias, &["run", "--rm", "--network", "none", "box:1", "echo", "found"]).expect(0).says("found");
}

#[test]
fn a_person_chooses_once() {
    let env = Env::new();
    let registry = Registry::start(&env);
    registry.push(&env, fixtures::busybox_layout(), "test/busybox:latest", "oci");
    let host = format!("127.0.0.1:{}", registry.port());
    let conf = format!(
        "unqualified-search-registries = [\"nowhere.example\", \"{host}\"]\nshort-name-mode = \"enforcing\"\n{}",
        insecure(&host)
    );
    let file = home(&env, ".config/containers/registries.conf");
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    std::fs::write(&file, conf).unwrap();
    let cache = env.work().join("cache");
    let command = || env.coracle(["pull", "-q", "test/busybox"]).env("XDG_CACHE_HOME", &cache);
    let mut pty = Pty::spawn(&command().raw());
    pty.expect(&format!("2  {host}/test/busybox:latest"));
    pty.expect("1-2 [1]: ");
    pty.send("7\n");
    pty.expect("a number from 1 to 2 is needed");
    pty.send("2\n");
    assert_eq!(pty.wait(), 0, "{}", pty.rest());
    // The choice is remembered.
    let aliases = std::fs::read_to_string(cache.join("containers/short-name-aliases.conf")).unwrap();
    assert!(aliases.contains(&format!("\"test/busybox\" = \"{host}/test/busybox\"")), "{aliases}");
    command().run().expect(0);
}

#[test]
fn mirrors_are_asked_first() {
    let env = Env::new();
    let origin = Registry::start_with(&env, "origin", &Guards::default());
    let mirror = Registry::start_with(&env, "mirror", &Guards::default());
    origin.push(&env, fixtures::busybox_layout(), "test/busybox:1", "oci");
    origin.push(&env, fixtures::busybox_layout(), "test/only-here:1", "oci");
    mirror.push(&env, fixtures::busybox_layout(), "hub/test/busybox:1", "oci");
    let (origin_host, mirror_host) = (format!("127.0.0.1:{}", origin.port()), format!("127.0.0.1:{}", mirror.port()));
    let nobody = format!("127.0.0.1:{}", free_port());
    let conf = format!(
        "[[registry]]\nprefix = \"docker.io/test\"\nlocation = \"{origin_host}/test\"\ninsecure = true\n\
         [[registry.mirror]]\nlocation = \"{nobody}/test\"\ninsecure = true\n\
         [[registry.mirror]]\nlocation = \"{mirror_host}/hub/test\"\ninsecure = true\n"
    );
    // From the registry, though neither mirror has it.
    // Nobody waits for one that does not answer.
    let patient = ["pull", "-q", "--retry-delay", "10m", "docker.io/test/only-here:1"];
    let pulled = with(&env, &conf, &patient).expect(0);
    assert!(pulled.stderr.contains(&format!("WARN: mirror {nobody}/test/only-here was passed over")), "{pulled}");
    let both = with(&env, &conf, &["pull", "-q", "--retry", "0", "docker.io/test/none:1"]).expect(125);
    assert!(both.stderr.contains("mirrors also failed") && both.stderr.contains(&mirror_host), "{both}");
    // From the mirror: the registry is gone.
    drop(origin);
    with(&env, &conf, &["pull", "-q", "--retry", "0", "docker.io/test/busybox:1"]).expect(0);
    let names = env.ok(["images", "--format", "{{.Repository}}:{{.Tag}}"]);
    assert!(names.contains("docker.io/test/busybox:1") && !names.contains(&mirror_host), "{names}");
    let digest = env.inspect("docker.io/test/busybox:1", "Digest");
    let digest = digest.as_str().unwrap();
    env.ok(["rmi", "-a", "-f"]);
    let only_digests = conf.replace("insecure = true\n[[", "insecure = true\nmirror-by-digest-only = true\n[[");
    with(&env, &only_digests, &["pull", "-q", "--retry", "0", "docker.io/test/busybox:1"]).expect(125);
    with(&env, &only_digests, &["pull", "-q", "--retry", "0", &format!("docker.io/test/busybox@{digest}")]).expect(0);
}

#[test]
fn a_mirror_that_breaks_off_is_passed_over() {
    let env = Env::new();
    let registry = Registry::start_with(&env, "origin", &Guards::default());
    registry.push(&env, fixtures::busybox_layout(), "test/busybox:1", "oci");
    let origin = Proxy::before(&registry);
    // It has the manifest, and each blob breaks off.
    let mirror = Proxy::start(registry.port(), |request| match request.is_blob() {
        true => Fault::Drop(1000),
        false => Fault::Pass,
    });
    let conf = format!(
        "[[registry]]\nprefix = \"docker.io/test\"\nlocation = \"{}/test\"\ninsecure = true\n\
         [[registry.mirror]]\nlocation = \"{}/test\"\ninsecure = true\n",
        origin.address(),
        mirror.address()
    );
    let pulled = with(&env, &conf, &["pull", "-q", "--retry", "0", "docker.io/test/busybox:1"]).expect(0);
    assert!(
        pulled.stderr.contains(&format!("WARN: mirror {}/test/busybox was passed over", mirror.address())),
        "{pulled}"
    );
    assert!(mirror.blobs() > 0 && origin.blobs() > 0);
    env.ok(["rmi", "-a", "-f"]);
    // Nobody else has it either.
    drop(origin);
    let both = with(&env, &conf, &["pull", "-q", "--retry", "0", "docker.io/test/busybox:1"]).expect(125);
    assert!(both.stderr.contains("mirrors also failed") && both.stderr.contains(&mirror.address()), "{both}");
}

#[test]
fn blocked_and_malformed() {
    let env = Env::new();
    let blocked = "[[registry]]\nprefix = \"*.example.com\"\nblocked = true\n";
    let said = with(&env, blocked, &["pull", "-q", "a.example.com/x"]).expect(125).stderr;
    assert!(said.contains("registry *.example.com is blocked in"), "{said}");
    let said = with(&env, "\n\nunqualified-search-registries = [", &["pull", "-q", "x"]).expect(125).stderr;
    assert!(said.contains("registries.conf`: line "), "{said}");
    let said = with(&env, "[registries.search]\nregistries = ['a.io']", &["pull", "-q", "x"]).expect(125).stderr;
    assert!(said.contains("version 1") && said.contains("containers-registries.conf(5)"), "{said}");
    let drop_in = home(&env, ".config/containers/registries.conf.d/50-mine.conf");
    std::fs::create_dir_all(drop_in.parent().unwrap()).unwrap();
    std::fs::write(&drop_in, "[[registry]]\nlocation = \"https://x\"\n").unwrap();
    let said = env.fails(125, ["pull", "-q", "x.example/y"]);
    assert!(said.contains("50-mine.conf") && said.contains("URI schemes are not supported"), "{said}");
    let missing = env.coracle(["pull", "-q", "x"]).env("CONTAINERS_REGISTRIES_CONF", "/none/x.conf").run().expect(125);
    assert!(missing.stderr.contains("/none/x.conf"), "{missing}");
}
