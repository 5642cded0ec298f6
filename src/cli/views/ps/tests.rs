//! `ps` against the samples of the reference engine.

use std::collections::BTreeMap;

use super::*;
use crate::container::record::PortMapping;
use crate::container::{Record, State};

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// When the samples were taken.
fn now() -> Timestamp {
    at("2026-11-22T01:13:21.6Z")
}

fn labels(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
}

/// The containers `web` and `web2` of the samples.
fn containers() -> Vec<Container> {
    let image = [
        ("created_at", "2024-10-11T00:00:00Z"),
        ("created_by", "test/system/build-testimage"),
        ("io.buildah.version", "1.39.3"),
    ];
    let record = Record {
        created: at("2026-11-22T01:13:19.594795639Z"),
        image_name: "quay.io/libpod/testimage:20241011".into(),
        image_id: "6ada4d435fabc799687f8bf284078c07e137ba1e52e9dc73f04ce7b19bb0fbc0".into(),
        cmd: vec!["sleep".into(), "1000".into()],
        labels: labels(&image),
        ..Record::default()
    };
    let state = State { status: Status::Running, started_at: Some(at("2026-11-22T01:13:19.7Z")), ..State::default() };
    let mut web = Container {
        record: Record {
            id: "5814d761c23a9228ea46ba42038526976718411c9a07ad668e72aa5006e8bb4b".into(),
            name: "web".into(),
            ports: vec![PortMapping {
                container_port: 80,
                host_port: 18080,
                range: 1,
                protocol: "tcp".into(),
                ..Default::default()
            }],
            tmpfs: labels(&[("/scratch", "rw")]),
            mounts: vec![crate::container::record::MountPoint { destination: "/data".into(), ..Default::default() }],
            ..record.clone()
        },
        state: State { pid: 11696, ..state.clone() },
        is_lost: false,
    };
    web.record.labels.insert("tier".into(), "front".into());
    let web2 = Container {
        record: Record {
            id: "0c9b2e0b7415e4bbdf9a16ed6dd79f44a1722cda4e8ee61ca18f27c2e547aba3".into(),
            name: "web2".into(),
            created: at("2026-11-22T01:13:19.7Z"),
            ..record.clone()
        },
        state: State { pid: 11748, ..state },
        is_lost: false,
    };
    let done = Container {
        record: Record {
            id: "ddd761c23a9228ea46ba42038526976718411c9a07ad668e72aa5006e8bb4bff".into(),
            name: "done".into(),
            created: at("2026-11-22T01:10:00Z"),
            cmd: vec!["sh".into(), "-c".into(), "echo a long command".into()],
            ..record
        },
        state: State {
            status: Status::Exited,
            started_at: Some(at("2026-11-22T01:10:01Z")),
            finished_at: Some(at("2026-11-22T01:11:00Z")),
            exit_code: 3,
            ..State::default()
        },
        is_lost: false,
    };
    vec![done, web, web2]
}

fn show(selection: &Selection, options: &Options) -> String {
    check(selection, options).unwrap();
    let chosen = select(containers(), selection, now()).unwrap();
    render(chosen, options, now(), &|_| Ok(Size { rw: 2500, root_fs: 13_519_141 })).unwrap_or_else(|e| e.to_string())
}

fn filtered(filters: &[&str]) -> String {
    let filters = filters.iter().map(|&f| f.to_owned()).collect();
    let options = Options { format: Some("{{.Names}}".into()), ..Options::default() };
    show(&Selection { all: true, filters, ..Selection::default() }, &options).replace('\n', " ").trim().to_owned()
}

#[test]
fn the_table_is_that_of_the_sample() {
    let sample = include_str!("../../../../tests/data/samples/ps.txt");
    let got = show(&Selection::default(), &Options::default());
    // The sample has wider columns for containers of pods, and a health status.
    let words = |line: &str| line.split("  ").map(str::trim).filter(|w| !w.is_empty()).collect::<Vec<_>>().join("|");
    let got: Vec<String> = got.lines().map(words).collect();
    let want: Vec<String> = sample.lines().take(3).map(words).collect();
    assert_eq!(got[0], want[0]);
    assert_eq!(
        got[1],
        want[1]
            .replace(" (starting)", "")
            .replace("Up 2 seconds", "Up 1 second")
            .replace("1 second ago", "2 seconds ago")
    );
    assert_eq!(got.len(), 3);
}

#[test]
fn the_json_is_that_of_the_sample() {
    let sample: serde_json::Value =
        serde_json::from_str(include_str!("../../../../tests/data/samples/ps.json")).unwrap();
    let options = Options { format: Some("json".into()), ..Options::default() };
    let got: serde_json::Value = serde_json::from_str(&show(&Selection::default(), &options)).unwrap();
    for i in 0..2 {
        let (mut got, mut want) = (got[i].clone(), sample[i].clone());
        let keys = |v: &serde_json::Value| v.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
        assert_eq!(keys(&got), keys(&want));
        // Networks, health and the moment of the sample are not what this test is about.
        for key in ["CreatedAt", "Status", "Networks"] {
            got[key] = want[key].take();
            want[key] = got[key].clone();
        }
        assert_eq!(got, want);
    }
}

#[test]
fn options_change_the_table() {
    let all = Selection { all: true, ..Selection::default() };
    let lines = |options: &Options| {
        show(&all, options)
            .lines()
            .map(|l| l.split("  ").map(str::trim).filter(|w| !w.is_empty()).collect::<Vec<_>>().join("|"))
            .collect::<Vec<_>>()
    };
    let plain = lines(&Options::default());
    assert_eq!(
        plain[1],
        "ddd761c23a92|quay.io/libpod/testimage:20241011|sh -c echo a long...|3 minutes ago|Exited (3) 2 minutes ago|done"
    );
    let quiet = show(&all, &Options { quiet: true, ..Options::default() });
    assert_eq!(quiet, "ddd761c23a92\n5814d761c23a\n0c9b2e0b7415\n");
    let long = lines(&Options { no_trunc: true, no_heading: true, ..Options::default() });
    assert!(long[0].starts_with("ddd761c23a9228ea46ba42038526976718411c9a07ad668e72aa5006e8bb4bff|"), "{long:?}");
    assert!(long[0].contains("|sh -c echo a long command|"), "{long:?}");
    let size = lines(&Options { size: true, ..Options::default() });
    assert!(size[0].ends_with("|NAMES|SIZE") && size[1].ends_with("|done|2.5kB (virtual 13.5MB)"), "{size:?}");
    let pod = lines(&Options { pod: true, ..Options::default() });
    assert!(pod[0].ends_with("|NAMES|POD ID|PODNAME"), "{pod:?}");
    let ns = lines(&Options { namespaces: true, ..Options::default() });
    assert_eq!(ns[0], "CONTAINER ID|NAMES|PID|CGROUPNS|IPC|MNT|NET|PIDNS|USERNS|UTS");
}

#[test]
fn selection_and_sorting() {
    let names = |selection: &Selection, sort: Option<&str>| {
        let options =
            Options { format: Some("{{.Names}}".into()), sort: sort.map(str::to_owned), ..Options::default() };
        show(selection, &options).replace('\n', " ").trim().to_owned()
    };
    let all = Selection { all: true, ..Selection::default() };
    assert_eq!(names(&Selection::default(), None), "web web2");
    assert_eq!(names(&Selection { last: Some(2), ..Selection::default() }, None), "web web2");
    assert_eq!(names(&Selection { last: Some(9), ..Selection::default() }, None), "done web web2");
    assert_eq!(names(&Selection { latest: true, ..Selection::default() }, None), "web2");
    for (key, want) in [
        ("names", "done web web2"),
        ("command", "done web web2"),
        ("created", "done web web2"),
        ("id", "web2 web done"),
        ("status", "done web web2"),
        ("runningfor", "done web web2"),
        ("size", "done web web2"),
        ("image", "done web web2"),
    ] {
        assert_eq!(names(&all, Some(key)), want, "{key}");
    }
}

#[test]
fn contradictions_are_refused() {
    let select = |last, latest| Selection { last, latest, ..Selection::default() };
    let cases = [
        (select(Some(1), true), Options::default()),
        (select(None, false), Options { quiet: true, size: true, ..Options::default() }),
        (select(None, false), Options { quiet: true, namespaces: true, ..Options::default() }),
        (select(None, false), Options { size: true, namespaces: true, ..Options::default() }),
        (select(None, false), Options { sort: Some("nope".into()), ..Options::default() }),
    ];
    for (selection, options) in cases {
        assert!(check(&selection, &options).is_err(), "{options:?}");
    }
}

#[test]
fn filters_choose() {
    let cases: [(&[&str], &str); 27] = [
        (&["name=web"], "web web2"),
        (&["name=^web$"], "web"),
        (&["name=done", "name=web2"], "done web2"),
        (&["id=5814"], "web"),
        (&["label=tier"], "web"),
        (&["label=tier=front"], "web"),
        (&["label=tier=back"], ""),
        (&["label=tier", "label=created_by=test/system/build-testimage"], "web"),
        (&["label!=tier"], "done web2"),
        (&["status=exited"], "done"),
        (&["status=stopped"], "done"),
        (&["status=running"], "web web2"),
        (&["exited=3"], "done"),
        (&["exited=0"], ""),
        (&["ancestor=quay.io/libpod/testimage:20241011"], "done web web2"),
        (&["ancestor=6ada4d43"], "done web web2"),
        (&["ancestor=busybox"], ""),
        (&["before=web2"], "done web"),
        (&["since=done", "name=2"], "web2"),
        (&["volume=/data"], "web"),
        (&["network=none"], ""),
        (&["health=none"], "done web web2"),
        (&["until=2m"], "done"),
        (&["command=sleep"], "web web2"),
        (&["restart-policy=no"], "done web web2"),
        (&["should-start-on-boot=false"], "done web web2"),
        (&["name!=web"], "done"),
    ];
    for (filters, want) in cases {
        assert_eq!(filtered(filters), want, "{filters:?}");
    }
    for bad in
        ["nope=1", "name", "status=odd", "exited=x", "before=nosuch", "name=(", "until=odd", "health=odd", "pod=x"]
    {
        assert!(Filters::parse(&[bad.to_owned()], &containers(), now()).is_err(), "{bad}");
    }
}

#[test]
fn every_placeholder_of_the_reference_is_known() {
    let placeholders = "AutoRemove CIDFile Command Created CreatedAt CreatedHuman ExitCode Exited ExitedAt ExposedPorts \
                        ID Image ImageID IsInfra Labels Mounts Names Networks Pid Pod PodName Ports Restarts RunningFor \
                        Size StartedAt State Status Cgroup IPC MNT NET PIDNS User UTS Namespaces.Cgroup";
    for name in placeholders.split_whitespace() {
        let options = Options { format: Some(format!("x{{{{.{name}}}}}")), ..Options::default() };
        let got = show(&Selection::default(), &options);
        assert!(got.starts_with('x'), "{name}: {got}");
    }
    let options = Options { format: Some("{{.Names}} {{.Label \"tier\"}}".into()), ..Options::default() };
    assert_eq!(show(&Selection::default(), &options), "web front\nweb2 \n");
    let options = Options { format: Some("{{.Nope}}".into()), ..Options::default() };
    assert_eq!(
        show(&Selection::default(), &options),
        "template: ps:1:13: executing \"ps\" at <.Nope>: can't evaluate field Nope in type containers.psReporter"
    );
}
