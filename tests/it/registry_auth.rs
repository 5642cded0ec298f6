//! Logins, authentication files, credential helpers and certificates, at real registries that want them.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::support::fixtures;
use crate::support::pty::Pty;
use crate::support::registry::{Guards, PASSWORD, Registry, USER, certificates, skopeo};
use crate::support::{Env, SOON, until};

const PLAIN: &str = "--tls-verify=false";

fn guarded(env: &Env) -> (Registry, String, String) {
    let registry = Registry::start_with(env, "registry", &Guards { password: true, ..Guards::default() });
    registry.push_as_user(env, fixtures::busybox_layout(), "test/busybox:1");
    let host = format!("127.0.0.1:{}", registry.port());
    let name = registry.name("test/busybox:1");
    (registry, host, name)
}

fn login(env: &Env, password: &str, args: &[&str]) -> crate::support::command::Output {
    let all = [&["login", PLAIN, "-u", USER, "--password-stdin"], args].concat();
    env.coracle(all).stdin(format!("{password}\n")).run()
}

fn auth_file(env: &Env) -> PathBuf {
    env.root().parent().unwrap().join("x/containers/auth.json")
}

fn keys(path: &Path) -> Vec<String> {
    let file: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    file["auths"].as_object().unwrap().keys().cloned().collect()
}

#[test]
fn a_login_lasts_until_logout() {
    let env = Env::new();
    let (_registry, host, name) = guarded(&env);
    let said = env.fails(125, ["pull", "-q", PLAIN, &name]);
    assert!(said.contains("unauthorized") && said.contains("coracle login"), "{said}");
    let wrong = login(&env, "wrong", &[&host]).expect(125);
    assert_eq!(wrong.stderr, format!("Error: logging into \"{host}\": invalid username/password\n"));
    assert!(!auth_file(&env).exists());
    assert!(env.fails(125, ["login", "--get-login", &host]).contains(&format!("not logged into {host}")));
    login(&env, PASSWORD, &["--verbose", &host])
        .expect(0)
        .says(&format!("Used:  {}\nLogin Succeeded!", auth_file(&env).display()));
    let mode = std::fs::metadata(auth_file(&env)).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert_eq!(env.ok(["login", "--get-login", &host]), USER);
    assert_eq!(
        env.ok(["login", PLAIN, &host]),
        format!(
            "Authenticating with existing credentials for {host}\n\
             Existing credentials are valid. Already logged in to {host}"
        )
    );
    env.ok(["pull", "-q", PLAIN, &name]);
    // Others read what was written.
    skopeo(&env, &["inspect", PLAIN, &format!("docker://{name}")]);
    assert_eq!(env.ok(["logout", &host]), format!("Removed login credentials for {host}"));
    assert!(env.fails(125, ["logout", &host]).contains(&format!("not logged into {host}")));
    env.ok(["rmi", "-a", "-f"]);
    env.fails(125, ["pull", "-q", PLAIN, &name]);
    // And we read what others write.
    let password = env.program("skopeo").args(["login", PLAIN, "-u", USER, "--password-stdin", &host]).stdin(PASSWORD);
    password.run().expect(0);
    env.ok(["pull", "-q", PLAIN, &name]);
    assert_eq!(env.ok(["logout", "--all"]), "Removed login credentials for all registries");
    assert!(keys(&auth_file(&env)).is_empty());
}

/// The most specific login counts, and those of other places stay as they are.
#[test]
fn logins_per_repository_and_other_files() {
    let env = Env::new();
    let (_registry, host, name) = guarded(&env);
    let file = env.file("auth.json", r#"{"auths": {"other.example": {"auth": "dTpw", "x": 1}}, "experimental": "on"}"#);
    let path = file.to_str().unwrap();
    let repository = format!("{host}/test/busybox");
    login(&env, PASSWORD, &["--authfile", path, &repository]).expect(0).says("Login Succeeded!");
    assert_eq!(keys(&file), ["other.example", &repository]);
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(text.contains("\"x\": 1") && text.contains("experimental"), "{text}");
    env.fails(125, ["pull", "-q", PLAIN, &name]);
    env.ok(["pull", "-q", PLAIN, "--authfile", path, &name]);
    env.ok(["rmi", "-a", "-f"]);
    env.coracle(["pull", "-q", PLAIN, &name]).env("REGISTRY_AUTH_FILE", &file).run().expect(0);
    env.ok(["rmi", "-a", "-f"]);
    let run = |more: &[&str]| {
        let args = [&["run", "--rm", PLAIN, "--network", "none"], more, &[name.as_str(), "echo", "ran"]].concat();
        env.coracle(args).run().expect(0).says("ran");
        env.ok(["rmi", "-a", "-f"]);
    };
    run(&["--authfile", path]);
    run(&["--creds", &format!("{USER}:{PASSWORD}")]);
    let said = env.fails(125, ["pull", "-q", "--authfile", "/none", &name]);
    assert!(said.contains("checking authfile: stat `/none`"), "{said}");
    // Docker's own place, which others keep up, is read last.
    env.ok(["logout", "--authfile", path, &repository]);
    let docker = env.root().parent().unwrap().join("home/.docker/config.json");
    login(&env, PASSWORD, &["--compat-auth-file", docker.to_str().unwrap(), &host]).expect(0);
    env.ok(["pull", "-q", PLAIN, &name]);
    let said = env.fails(125, ["logout", &host]);
    assert!(said.contains("another tool's file"), "{said}");
    let tag = env.fails(125, ["login", &format!("{repository}:1")]);
    assert!(tag.contains("contains tag or digest"), "{tag}");
}

/// The password is not to be seen in any message, with all the messages that there are.
#[test]
fn a_password_is_never_shown() {
    let env = Env::new();
    let (_registry, host, name) = guarded(&env);
    let encoded = "Z2FyZGVuZXI6czNjcmV0LXcwcmQ=";
    let debug = ["--log-level", "debug"];
    let outputs = [
        env.coracle([&debug[..], &["login", PLAIN, "-u", USER, "--password-stdin", &host]].concat())
            .stdin(PASSWORD)
            .run(),
        env.coracle([&debug[..], &["pull", PLAIN, &name]].concat()).run(),
        env.coracle([&debug[..], &["search", PLAIN, &format!("{host}/")]].concat()).run(),
        env.coracle([&debug[..], &["logout", &host]].concat()).run(),
        env.coracle(
            [&debug[..], &["pull", PLAIN, "--creds", &format!("{USER}:{PASSWORD}"), &format!("{host}/none")]].concat(),
        )
        .run(),
        env.coracle([
            "pull",
            PLAIN,
            "--authfile",
            env.file("a.json", format!("{{\"auths\": {{\"{host}\": \"{PASSWORD}\"")).to_str().unwrap(),
            &name,
        ])
        .run(),
    ];
    for output in outputs {
        let text = format!("{}{}", output.stdout, output.stderr);
        assert!(!text.contains(PASSWORD) && !text.contains(encoded), "{output}");
    }
}

/// Nor in the list of processes, nor in what a container keeps of the command that made it.
#[test]
fn a_password_on_the_command_line_is_hidden() {
    let env = Env::new();
    let (_registry, _, name) = guarded(&env);
    // Accepts and never says a word.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let host = silent.local_addr().unwrap().to_string();
    let creds = format!("{USER}:{PASSWORD}");
    for args in [
        vec!["pull", "--creds", &creds],
        vec!["push", &format!("--creds={creds}"), "none"],
        vec!["login", "-u", USER, "-p", PASSWORD],
        vec!["login", "-u", USER, &format!("-p{PASSWORD}")],
    ] {
        let target = if args[0] == "login" { host.clone() } else { format!("{host}/x") };
        if args[0] == "push" {
            env.ok(["import", "-q", env.file("empty.tar", [0; 1024]).to_str().unwrap(), "none"]);
        }
        let running = env.coracle([&args[..], &[PLAIN, &target]].concat()).spawn();
        let path = format!("/proc/{}/cmdline", running.pid());
        until("the password is hidden", SOON, || {
            let line = String::from_utf8(std::fs::read(&path).unwrap()).unwrap();
            (line.contains(args[0]) && line.contains("**") && !line.contains(PASSWORD)).then_some(())
        });
        nix::sys::signal::kill(nix::unistd::Pid::from_raw(running.pid()), nix::sys::signal::SIGKILL).unwrap();
        running.finish();
    }
    env.ok(["create", "--name", "c", "--network", "none", PLAIN, "--creds", &creds, &name]);
    let command = env.inspect("c", "Config.CreateCommand").to_string();
    assert!(command.contains("--creds") && !command.contains(PASSWORD), "{command}");
    for reference in [format!("{creds}@{host}/x"), format!("https://{creds}@{host}"), format!("{creds}@{host}")] {
        for command in [&["pull"][..], &["login"], &["push", "none"]] {
            let said = env.fails(125, [command, &[PLAIN, &reference]].concat());
            assert!(!said.contains(PASSWORD), "{said}");
        }
    }
}

#[test]
fn credential_helpers_keep_passwords() {
    let env = Env::new();
    let (_registry, host, name) = guarded(&env);
    let kept = env.work().join("kept");
    let helper = env.file(
        "bin/docker-credential-box",
        format!(
            "#!/bin/sh\nkept={}\ncase $1 in\n\
             get) read -r server; test -e \"$kept\" || {{ echo 'credentials not found in native keychain'; exit 1; }}; cat \"$kept\";;\n\
             store) cat >\"$kept\";;\n\
             erase) cat >/dev/null; rm \"$kept\";;\n\
             list) echo '{{}}';;\nesac\n",
            kept.display()
        ),
    );
    std::fs::set_permissions(&helper, std::fs::Permissions::from_mode(0o755)).unwrap();
    let path = format!("{}:/usr/bin:/bin:/usr/sbin:/sbin", helper.parent().unwrap().display());
    let file = env.file("auth.json", format!(r#"{{"credHelpers": {{"{host}": "box"}}}}"#));
    let coracle =
        |args: &[&str]| env.coracle(args).env("PATH", &path).env("REGISTRY_AUTH_FILE", &file).stdin(PASSWORD).run();
    coracle(&["login", PLAIN, "-v", "-u", USER, "--password-stdin", &host])
        .expect(0)
        .says("Used:  credential helper: box\nLogin Succeeded!");
    assert!(!std::fs::read_to_string(&file).unwrap().contains("auth\""));
    coracle(&["login", "--get-login", &host]).expect(0).says(USER);
    coracle(&["pull", "-q", PLAIN, &name]).expect(0);
    coracle(&["logout", &host]).expect(0);
    assert!(!kept.exists());
    let failed = coracle(&["pull", "-q", PLAIN, &name]).expect(125);
    assert!(failed.stderr.contains("unauthorized"), "{failed}");
    // A helper that is not there is named.
    std::fs::write(&file, format!(r#"{{"credHelpers": {{"{host}": "nowhere"}}}}"#)).unwrap();
    let failed = coracle(&["pull", "-q", PLAIN, &name]).expect(125);
    assert!(failed.stderr.contains("docker-credential-nowhere"), "{failed}");
    // As the store for all registries.
    std::fs::write(&file, r#"{"credsStore": "box"}"#).unwrap();
    coracle(&["login", PLAIN, "-u", USER, "--password-stdin", &host]).expect(0);
    assert!(kept.exists());
    coracle(&["pull", "-q", PLAIN, &name]).expect(0);
}

#[test]
fn a_person_at_a_terminal() {
    let env = Env::new();
    let (_registry, host, _) = guarded(&env);
    let mut pty = Pty::spawn(&env.coracle(["login", PLAIN, &host]).raw());
    pty.expect("Username: ");
    pty.send(&format!("{USER}\n"));
    pty.expect("Password: ");
    pty.send("s3cret-w0rx\x7fd\n");
    let shown = pty.expect("Login Succeeded!");
    assert!(!shown.contains("s3cret"), "{shown}");
    assert_eq!(pty.wait(), 0);
    assert!(pty.is_cooked());
    // Ctrl-C at the password brings the terminal back and changes nothing.
    env.ok(["logout", &host]);
    let mut pty = Pty::spawn(&env.coracle(["login", PLAIN, "-u", USER, &host]).raw());
    pty.expect("Password: ");
    pty.send("s3c\x03");
    assert_ne!(pty.wait(), 0);
    assert!(pty.is_cooked());
    assert!(keys(&auth_file(&env)).is_empty());
    // Nobody to ask.
    let said = env.fails(125, ["login", PLAIN, "-u", USER, &host]);
    assert!(said.contains("--password-stdin"), "{said}");
}

#[test]
fn certificates_are_checked() {
    let env = Env::new();
    let tls = certificates(&env);
    let guards = Guards { tls: Some(tls.clone()), client_certificate: true, ..Guards::default() };
    let registry = Registry::start_with(&env, "registry", &guards);
    let name = registry.name("test/busybox:1");
    let here = tls.to_str().unwrap();
    let source = format!("oci:{}", fixtures::busybox_layout().display());
    skopeo(&env, &["copy", "--dest-cert-dir", here, &source, &format!("docker://{name}")]);
    let said = env.fails(125, ["pull", "-q", &name]);
    assert!(said.contains("certificate") && said.contains("--cert-dir"), "{said}");
    // An authority alone is not enough: this registry wants to see who comes.
    let authority = env.file("authority/ca.crt", std::fs::read(tls.join("ca.crt")).unwrap());
    env.fails(125, ["pull", "-q", "--retry", "0", "--cert-dir", authority.parent().unwrap().to_str().unwrap(), &name]);
    env.ok(["pull", "-q", "--cert-dir", here, &name]);
    env.ok(["rmi", "-a", "-f"]);
    // The usual place.
    let usual =
        env.root().parent().unwrap().join(format!("home/.config/containers/certs.d/127.0.0.1:{}", registry.port()));
    std::fs::create_dir_all(&usual).unwrap();
    for file in ["ca.crt", "client.cert", "client.key"] {
        std::fs::copy(tls.join(file), usual.join(file)).unwrap();
    }
    env.ok(["pull", "-q", &name]);
    env.coracle(["run", "--rm", "--network", "none", &name, "true"]).run().expect(0);
    std::fs::remove_file(usual.join("client.key")).unwrap();
    let said = env.fails(125, ["pull", "-q", &name]);
    assert!(said.contains("client.cert` needs its key"), "{said}");
    // A key that belongs to another certificate.
    std::fs::copy(tls.join("server-key.pem"), usual.join("client.key")).unwrap();
    let said = env.fails(125, ["pull", "-q", &name]);
    assert!(said.contains("using client certificate"), "{said}");
    let said = env.fails(125, ["pull", "-q", "--cert-dir", "/none", &name]);
    assert!(said.contains("`/none`"), "{said}");
}

/// A registry with an unknown certificate may be used without verifying it.
#[test]
fn without_verification() {
    let env = Env::new();
    let tls = certificates(&env);
    let guards = Guards { tls: Some(tls), password: true, ..Guards::default() };
    let registry = Registry::start_with(&env, "registry", &guards);
    registry.push_as_user(&env, fixtures::busybox_layout(), "test/busybox:1");
    let name = registry.name("test/busybox:1");
    let creds = format!("{USER}:{PASSWORD}");
    let said = env.fails(125, ["pull", "-q", "--creds", &creds, &name]);
    assert!(said.contains("certificate"), "{said}");
    env.ok(["pull", "-q", PLAIN, "--creds", &creds, &name]);
    let said = env.fails(125, ["pull", "-q", PLAIN, "--creds", &format!("{USER}:wrong"), &name]);
    assert!(said.contains("unauthorized"), "{said}");
}

#[test]
fn registries_are_searched() {
    let env = Env::new();
    let (registry, host, _) = guarded(&env);
    registry.push_as_user(&env, fixtures::busybox_layout(), "test/other:1");
    registry.push_as_user(&env, fixtures::busybox_layout(), "test/other:2");
    login(&env, PASSWORD, &[&host]).expect(0);
    let found = env.ok(["search", PLAIN, &format!("{host}/other")]);
    assert!(found.starts_with("NAME") && found.contains("DESCRIPTION"), "{found}");
    assert!(found.contains(&format!("{host}/test/other")) && !found.contains("busybox"), "{found}");
    let all = env.ok(["search", PLAIN, "--format", "{{.Name}}", &format!("{host}/")]);
    assert_eq!(all, format!("{host}/test/busybox\n{host}/test/other"));
    assert_eq!(
        env.ok(["search", PLAIN, "--limit", "1", "--format", "{{.Name}}", &format!("{host}/")]).lines().count(),
        1
    );
    assert_eq!(env.ok(["search", PLAIN, "--filter", "stars=1", &format!("{host}/other")]), "");
    let tags = env.ok(["search", PLAIN, "--list-tags", "--format", "json", &format!("{host}/test/other")]);
    let mut tags: Value = serde_json::from_str(&tags).unwrap();
    tags[0]["Tags"].as_array_mut().unwrap().sort_by_key(Value::to_string);
    assert_eq!(tags, serde_json::json!([{"Name": format!("{host}/test/other"), "Tags": ["1", "2"]}]));
    let json: Value =
        serde_json::from_str(&env.ok(["search", PLAIN, "--format", "json", &format!("{host}/other")])).unwrap();
    assert_eq!(json[0]["Index"], host.as_str());
    let conf = env.file("registries.conf", format!("unqualified-search-registries = [\"{host}\", \"127.0.0.1:1\"]"));
    let both = env.coracle(["search", PLAIN, "other"]).env("CONTAINERS_REGISTRIES_CONF", &conf).run().expect(0);
    assert!(
        both.stdout.contains("test/other") && both.stderr.contains("couldn't search registry \"127.0.0.1:1\""),
        "{both}"
    );
    assert!(env.fails(125, ["search", "x"]).contains("no unqualified-search registries"));
}

#[test]
fn a_secret_is_a_password() {
    let env = Env::new();
    let (_registry, host, _) = guarded(&env);
    env.coracle(["secret", "create", USER, "-"]).stdin(format!("{PASSWORD}\n")).run().expect(0);
    env.coracle(["secret", "create", "wrong", "-"]).stdin("wrong").run().expect(0);
    let said = env.fails(125, ["login", PLAIN, "-u", USER, "--secret", "wrong", &host]);
    assert!(said.contains("invalid username/password"), "{said}");
    assert!(env.fails(125, ["login", PLAIN, "--secret", "nope", &host]).contains("no such secret"));
    let said = env.fails(125, ["login", PLAIN, "--secret", USER, "--password-stdin", "-u", USER, &host]);
    assert!(said.contains("--secret can not be used with"), "{said}");
    // Where no user is named, the secret's name is the user's.
    assert_eq!(env.ok(["login", PLAIN, "--secret", USER, &host]), "Login Succeeded!");
    assert_eq!(env.ok(["login", "--get-login", &host]), USER);
}
