//! Every command has exactly the flags of the reference (`tests/data/cli-surface.txt`, where boolean flags have no value
//! name), and those few that the list lacks although the reference has them.

use std::collections::{BTreeMap, BTreeSet};

use coracle::cli::tree;

/// Flags of the reference that are missing in its list.
const UNLISTED: &[(&str, &[&str])] = &[
    ("attach", &["      --detach-keys string"]),
    ("exec", &["      --detach-keys string"]),
    ("run", CREATE),
    ("run", &["      --detach-keys string"]),
    ("create", CREATE),
    ("run", EGRESS),
    ("create", EGRESS),
    ("network create", EGRESS),
    // Of Podman 5.5.
    ("pull", &["      --policy string"]),
    ("image pull", &["      --policy string"]),
];
/// Commands that the reference does not have.
const BEYOND: &[&str] = &["network egress-log", "volume clone", "volume snapshot"];

/// Which the reference does not have.
const EGRESS: &[&str] = &["      --egress stringArray", "      --egress-log"];

const CREATE: &[&str] = &[
    "      --blkio-weight-device string",
    "      --cert-dir Pathname",
    "      --creds Credentials",
    "      --memory-reservation string",
    "      --shm-size string",
    "      --shm-size-systemd string",
    "  -m, --memory string",
];

/// Sections by command; in each the usage line and the flags.
fn sections(text: &str) -> BTreeMap<&str, BTreeSet<&str>> {
    let mut sections: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    let mut current = "";
    for line in text.lines().filter(|line| !line.is_empty()) {
        match line.strip_prefix("## ") {
            Some(name) => current = name,
            None => drop(sections.entry(current).or_default().insert(line.trim_end())),
        }
    }
    sections
}

#[test]
fn every_command_has_the_flags_of_the_reference() {
    let reference = sections(include_str!("data/cli-surface.txt"));
    let ours = tree::reference();
    let mut differences = Vec::new();
    for (command, have) in sections(&ours) {
        if BEYOND.contains(&command) {
            continue;
        }
        let Some(want) = reference.get(command) else {
            differences.push(format!("`{command}` is not in the reference"));
            continue;
        };
        let words = command.strip_prefix("container ").unwrap_or(command);
        let unlisted = UNLISTED.iter().filter(|(name, _)| *name == words).flat_map(|(_, flags)| *flags);
        let want: BTreeSet<&str> = want.iter().chain(unlisted).copied().collect();
        let list = |lines: Vec<&&str>| lines.into_iter().map(|line| format!("\n    {line}")).collect::<String>();
        let (missing, extra) = (want.difference(&have).collect::<Vec<_>>(), have.difference(&want).collect::<Vec<_>>());
        if !missing.is_empty() || !extra.is_empty() {
            differences.push(format!("`{command}`\n  lacks:{}\n  has instead:{}", list(missing), list(extra)));
        }
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}
