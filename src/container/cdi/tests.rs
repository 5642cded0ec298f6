use super::*;

const SPEC: &str = r#"
cdiVersion: "0.6.0"
kind: vendor.com/device
containerEdits:
  env: ["GENERAL=1"]
devices:
  - name: null0
    containerEdits:
      env: [FOO=bar]
      deviceNodes:
        - path: /dev/vendor-null
          hostPath: /dev/null
          permissions: r
      mounts:
        - hostPath: /etc
          containerPath: /vendor/etc
          options: [ro, nosuid]
      additionalGids: [0, 44]
      hooks:
        - hookName: createContainer
          path: /bin/true
          args: [true, x]
  - name: all
    containerEdits:
      env: [ALL=1]
"#;

fn write(dir: &Path, name: &str, text: &str) {
    std::fs::create_dir_all(dir).unwrap();
    std::fs::write(dir.join(name), text).unwrap();
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

#[test]
fn names_in_full() {
    for name in ["vendor.com/device=x", "nvidia.com/gpu=0", "a/b=c:1.2-x", "nvidia.com/gpu=all"] {
        assert!(is_name(name), "{name}");
    }
    for name in ["", "/dev/null", "vendor.com/device", "vendor.com/=x", "v/c=", "1v/c=x", "v/c=-", "v/c=a/b", "v./c=x"]
    {
        assert!(!is_name(name), "{name}");
    }
    assert_eq!(gpus(&names(&["all"])).unwrap(), ["nvidia.com/gpu=all"]);
    assert!(gpus(&names(&["a/b"])).is_err());
}

#[test]
fn edits_are_put_together() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), "a.yaml", SPEC);
    let dirs = [dir.path().to_owned()];
    let edits = resolve(&names(&["vendor.com/device=null0", "vendor.com/device=all"]), &dirs).unwrap();
    assert_eq!(edits.env, ["GENERAL=1", "FOO=bar", "ALL=1"]);
    assert_eq!(edits.groups, [44]);
    assert_eq!(edits.devices[0].host, Path::new("/dev/null"));
    assert_eq!(edits.devices[0].permissions, "r");
    assert_eq!(edits.mounts[0].options, ["ro", "nosuid", "rbind"]);
    assert_eq!(edits.hooks[0].args, ["true", "x"]);
    let error = resolve(&names(&["vendor.com/device=none", "x/y=z"]), &dirs).unwrap_err();
    assert_eq!(error.to_string(), "setting up CDI devices: unresolvable CDI devices vendor.com/device=none, x/y=z");
    assert_eq!(resolve(&[], &dirs).unwrap(), Edits::default());
}

#[test]
fn the_later_directory_wins_and_one_directory_must_agree() {
    let home = tempfile::tempdir().unwrap();
    let (first, second) = (home.path().join("etc"), home.path().join("run"));
    let one = |value: &str| {
        format!(
            r#"{{"cdiVersion":"1.0.0","kind":"a/b","devices":[{{"name":"x","containerEdits":{{"env":["V={value}"]}}}}]}}"#
        )
    };
    write(&first, "a.json", &one("1"));
    write(&second, "a.json", &one("2"));
    let wanted = names(&["a/b=x"]);
    let dirs = [first.clone(), second.clone()];
    assert_eq!(resolve(&wanted, &dirs).unwrap().env, ["V=2"]);
    assert_eq!(resolve(&wanted, &dirs[..1]).unwrap().env, ["V=1"]);
    // A broken one is in nobody's way.
    write(&second, "broken.yaml", "cdiVersion: 9\n");
    assert_eq!(resolve(&wanted, &dirs).unwrap().env, ["V=2"]);
    let error = resolve(&names(&["a/b=y"]), &dirs).unwrap_err();
    assert!(error.hint_text().unwrap().contains("broken.yaml"), "{error:?}");
    write(&second, "b.json", &one("3"));
    let error = resolve(&wanted, &dirs).unwrap_err().to_string();
    assert!(error.contains("conflicting device \"a/b=x\""), "{error}");
}

#[test]
fn what_cannot_be_is_refused() {
    let with = |edits: &str| {
        let text =
            format!(r#"{{"cdiVersion":"0.5.0","kind":"a/b","devices":[{{"name":"x","containerEdits":{edits}}}]}}"#);
        let dir = tempfile::tempdir().unwrap();
        write(dir.path(), "a.json", &text);
        let error = resolve(&names(&["a/b=x"]), &[dir.path().to_owned()]).unwrap_err();
        format!("{error}; {}", error.hint_text().unwrap_or_default())
    };
    for (edits, part) in [
        (r#"{"hooks":[{"hookName":"poststop","path":"/bin/true"}]}"#, "`poststop` cannot be run"),
        (r#"{"mounts":[{"hostPath":"/nosuch","containerPath":"/x"}]}"#, "stat /nosuch: no such file or directory"),
        (r#"{"mounts":[{"hostPath":"/etc","containerPath":"/"}]}"#, "root directory"),
        (r#"{"mounts":[{"hostPath":"proc","containerPath":"/x","type":"proc"}]}"#, "mount of type `proc`"),
        (r#"{"env":["novalue"]}"#, "not an environment variable"),
        (r#"{"deviceNodes":[{"path":"dev/x"}]}"#, "no absolute path"),
        (r#"{"deviceNodes":[{"path":"/dev/x","type":"z"}]}"#, "not a type"),
        (r#"{"unknown":1}"#, "not a CDI specification"),
        (r#"{"intelRdt":{"closID":"x"}}"#, "Intel RDT"),
    ] {
        let said = with(edits);
        assert!(said.contains(part), "{edits}: {said}");
    }
    for text in [
        "",
        "[]",
        r#"{"cdiVersion":"0.5.0","kind":"ab","devices":[{"name":"x"}]}"#,
        r#"{"cdiVersion":"9.0.0","kind":"a/b","devices":[{"name":"x"}]}"#,
        r#"{"cdiVersion":"0.5.0","kind":"a/b","devices":[]}"#,
        r#"{"cdiVersion":"0.5.0","kind":"a/b","devices":[{"name":"x"},{"name":"x"}]}"#,
        r#"{"cdiVersion":"0.5.0","kind":"a/b","devices":[{"name":"../x"}]}"#,
    ] {
        assert!(Spec::parse(text, true).is_err(), "{text}");
        assert!(Spec::parse(text, false).is_err(), "{text}");
    }
    // The many aliases of a small YAML file stay small.
    let bomb = "a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\ndevices: [*c,*c,*c,*c]\n";
    assert!(Spec::parse(bomb, false).is_err());
}

proptest::proptest! {
    #[test]
    fn never_panics(text in ".{0,200}", odd in "(cdiVersion|kind|devices|name|env|[:\\[\\]{}\", \n-]|0.5.0|a/b){0,40}") {
        for text in [&text, &odd] {
            let _ = Spec::parse(text, true);
            let _ = Spec::parse(text, false);
            let _ = is_name(text);
        }
    }
}
