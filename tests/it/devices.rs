//! `--device` with nodes, directories of nodes and CDI names, and `--gpus`.

use crate::support::Env;

fn cdi(env: &Env, dir: &str, name: &str, text: &str) {
    env.file(&format!("{dir}/{name}"), text);
}

/// `run` with descriptions in two directories of the test's own.
fn run(env: &Env, args: &[&str]) -> crate::support::command::Output {
    let dirs = format!("{}:{}", env.work().join("etc").display(), env.work().join("run").display());
    env.coracle(["run", "--rm", "--network", "none"]).args(args).env("CORACLE_CDI_DIRS", dirs).run()
}

#[test]
fn nodes_and_directories() {
    let env = Env::busybox();
    let list = "ls -l /x | awk '{ print substr($1, 1, 1), $NF }'";
    assert_eq!(env.sh(&["--device", "/dev/null:/x"], list), "c /x");
    let options = "grep ' /x ' /proc/self/mountinfo | cut -d' ' -f6 | cut -d, -f1";
    assert_eq!(env.sh(&["--device", "/dev/null:/x:r"], options), "ro");
    if std::path::Path::new("/dev/net/tun").exists() {
        assert_eq!(env.sh(&["--device", "/dev/net:/x"], "ls /x; test -c /x/tun && echo node"), "tun\nnode");
    }
    let empty = env.work().join("empty");
    std::fs::create_dir(&empty).unwrap();
    for (value, part) in [
        ("/dev/nosuch".to_owned(), "stat /dev/nosuch: no such file or directory".to_owned()),
        ("/etc/passwd".to_owned(), "/etc/passwd is not a valid device: not a device node".to_owned()),
        (empty.display().to_string(), format!("no devices found in {}: invalid argument", empty.display())),
        ("/dev/null:/x:q".to_owned(), "invalid device mode: q".to_owned()),
    ] {
        let said = env.fails(125, ["run", "--rm", "--device", &value, "busybox", "true"]);
        assert!(said.contains(&part), "{value}: {said}");
    }
}

#[test]
fn devices_by_name() {
    let env = Env::busybox();
    let note = env.file("note", "of the vendor").display().to_string();
    let hook = env.file("hook.sh", "#!/bin/sh\ncat > \"$OUT\"; echo \"$1\" >> \"$OUT\"\n");
    let out = env.work().join("state").display().to_string();
    let spec = format!(
        r#"
cdiVersion: 0.6.0
kind: vendor.com/device
containerEdits: {{ env: [GENERAL=1] }}
devices:
  - name: one
    containerEdits:
      env: [FOO=bar]
      deviceNodes: [{{ path: /dev/vendor, hostPath: /dev/null }}]
      mounts: [{{ hostPath: {note}, containerPath: /vendor/note, options: [ro, nosuid, nodev, bind] }}]
      additionalGids: [44]
  - name: hooked
    containerEdits:
      hooks:
        - {{ hookName: createContainer, path: /bin/sh, args: [sh, {hook}, word], env: [OUT={out}] }}
  - name: failing
    containerEdits:
      hooks: [{{ hookName: createContainer, path: /bin/sh, args: [sh, -c, "echo sorry >&2; exit 3"] }}]
"#,
        hook = hook.display()
    );
    cdi(&env, "etc", "vendor.yaml", &spec);
    let script = "echo $GENERAL $FOO; test -c /dev/vendor && echo node; cat /vendor/note; echo; id -G; touch /vendor/note 2>&1 | grep -c Read-only";
    run(&env, &["--device", "vendor.com/device=one", "busybox", "sh", "-c", script])
        .expect(0)
        .says("1 bar\nnode\nof the vendor\n0 44\n1");
    run(&env, &["--device", "vendor.com/device=hooked", "busybox", "true"]).expect(0);
    let state = std::fs::read_to_string(&out).unwrap();
    assert!(state.contains("\"status\":\"creating\"") && state.ends_with("word\n"), "{state}");
    let failed = run(&env, &["--device", "vendor.com/device=failing", "busybox", "true"]).expect(125);
    assert!(failed.stderr.contains("running the hook `/bin/sh`: exit status: 3: sorry"), "{failed}");
    // The later directory wins.
    let json = r#"{"cdiVersion":"1.0.0","kind":"vendor.com/device","devices":[{"name":"one","containerEdits":{"env":["FOO=later"]}}]}"#;
    cdi(&env, "run", "vendor.json", json);
    run(&env, &["--device", "vendor.com/device=one", "busybox", "sh", "-c", "echo $FOO"]).expect(0).says("later");
    cdi(&env, "run", "again.json", json);
    let conflict = run(&env, &["--device", "vendor.com/device=one", "busybox", "true"]).expect(125);
    assert!(conflict.stderr.contains("conflicting device"), "{conflict}");
    for (args, part) in [
        (["--device", "vendor.com/device=none"], "unresolvable CDI devices vendor.com/device=none"),
        (["--gpus", "all"], "unresolvable CDI devices nvidia.com/gpu=all"),
        (["--gpus", "0,1"], "unresolvable CDI devices nvidia.com/gpu=0, nvidia.com/gpu=1"),
    ] {
        let said = run(&env, &[args[0], args[1], "busybox", "true"]).expect(125);
        assert!(said.stderr.contains(part), "{said}");
    }
    env.assert_nothing_left();
}
