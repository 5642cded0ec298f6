//! `top` on real processes.

use super::*;
use crate::container::{Record, State};
use crate::storage::Roots;

fn container(pid: i32, status: Status) -> Container {
    Container {
        record: Record { name: "c".into(), ..Record::default() },
        state: State { pid, status, ..State::default() },
        is_lost: false,
    }
}

fn words(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|&text| text.to_owned()).collect()
}

#[test]
fn descriptors_are_understood() {
    assert_eq!(columns(&[]).unwrap(), DEFAULT_COLUMNS);
    assert_eq!(columns(&words(&["pid,%U", "hpid"])).unwrap(), [Column::Pid, Column::User, Column::Hpid]);
    for (bad, hint) in [("-ef", "exec CONTAINER ps"), ("nope", "choose from: args, capamb")] {
        let error = columns(&words(&[bad])).unwrap_err();
        assert_eq!(error.to_string(), format!("'{bad}': unknown descriptor"));
        assert!(error.hint_text().unwrap().contains(hint), "{error:?}");
    }
    assert!(columns(&words(&["pid,,"])).is_ok());
}

#[test]
fn headings_are_those_of_the_sample() {
    let sample = include_str!("../../../tests/data/samples/top.txt");
    let headings: Vec<&str> = DEFAULT_COLUMNS.iter().map(|column| column.heading()).collect();
    assert_eq!(headings, sample.lines().next().unwrap().split_whitespace().collect::<Vec<_>>());
}

#[test]
fn only_running_containers_have_processes() {
    for (pid, status) in [(1, Status::Created), (0, Status::Running), (1, Status::Paused), (1, Status::Exited)] {
        let message = top(
            &Roots::reopen("/nonexistent".as_ref(), "/nonexistent".as_ref()),
            &container(pid, status),
            DEFAULT_COLUMNS,
        )
        .unwrap_err()
        .to_string();
        assert_eq!(message, "top can only be used on running containers");
    }
    assert!(
        top(
            &Roots::reopen("/nonexistent".as_ref(), "/nonexistent".as_ref()),
            &container(i32::MAX, Status::Running),
            DEFAULT_COLUMNS
        )
        .is_err()
    );
}

/// A process without a PID namespace of its own, as with `--pid host`: it and its descendants are shown.
#[test]
fn every_column_of_a_process_has_a_value() {
    let mut child = std::process::Command::new("sleep").arg("1000").spawn().unwrap();
    let pid = child.id() as i32;
    let all = columns(&words(&column::all_names())).unwrap();
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(10);
    let rows = loop {
        let rows = top(
            &Roots::reopen("/nonexistent".as_ref(), "/nonexistent".as_ref()),
            &container(pid, Status::Running),
            &all,
        )
        .unwrap();
        // Until the child has executed its program.
        if rows[1].contains(&"sleep 1000 ".to_owned()) || std::time::Instant::now() > deadline {
            break rows;
        }
    };
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(rows.len(), 2, "{rows:?}");
    let value = |name: &str| {
        let at = all.iter().position(|column| Some(*column) == Column::of(name)).unwrap();
        rows[1][at].clone()
    };
    assert_eq!(value("hpid"), pid.to_string());
    assert_eq!(value("args"), "sleep 1000 ");
    assert_eq!(value("comm"), "sleep");
    assert_eq!(value("ppid"), "0", "the parent is not in the container");
    for name in [
        "user", "huser", "group", "etime", "tty", "vsz", "rss", "nice", "seccomp", "capeff", "capbnd", "stime",
        "label", "state",
    ] {
        assert!(!value(name).is_empty(), "{name}");
    }
}
