//! Man pages, completions and the command-line reference are generated from the definitions of the commands, and kept
//! in the repository so that a change of a flag shows in review.
//!
//! `UPDATE_GENERATED=1 cargo test --test generated` writes them; without the variable they are compared.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clap::Command;
use clap_complete::Shell;
use coracle::cli::tree;

fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Writes or compares the files of one directory. Files there with the same ending that are not generated are stale.
fn check(files: &BTreeMap<PathBuf, Vec<u8>>, dir: &str, ending: &str) {
    let update = std::env::var_os("UPDATE_GENERATED").is_some_and(|value| value == "1");
    let dir = repository().join(dir);
    let mut wrong = Vec::new();
    let there = std::fs::read_dir(&dir).into_iter().flatten().flatten().map(|entry| entry.path());
    for stale in there.filter(|path| path.to_string_lossy().ends_with(ending) && !files.contains_key(path)) {
        wrong.push(format!("{} is generated no more", stale.display()));
        if update {
            std::fs::remove_file(&stale).unwrap();
        }
    }
    for (path, want) in files {
        let have = std::fs::read(path).unwrap_or_default();
        if have == *want {
            continue;
        }
        wrong.push(format!("{} is not up to date{}", path.display(), first_difference(&have, want)));
        if update {
            std::fs::create_dir_all(&dir).unwrap();
            std::fs::write(path, want).unwrap();
        }
    }
    if !update && !wrong.is_empty() {
        panic!("{}\nrun: UPDATE_GENERATED=1 cargo test --test generated", wrong.join("\n"));
    }
}

fn first_difference(have: &[u8], want: &[u8]) -> String {
    let (have, want) = (String::from_utf8_lossy(have), String::from_utf8_lossy(want));
    let mut lines = have.lines().zip(want.lines()).enumerate();
    match lines.find(|(_, (have, want))| have != want) {
        Some((n, (have, want))) => format!(", line {}:\n  have: {have}\n  want: {want}", n + 1),
        None => format!(": it has {} lines and should have {}", have.lines().count(), want.lines().count()),
    }
}

#[test]
fn reference() {
    let path = repository().join("tests/snapshots/cli-reference.txt");
    check(&BTreeMap::from([(path, tree::reference().into_bytes())]), "tests/snapshots", "cli-reference.txt");
}

#[test]
fn completions() {
    let dir = repository().join("completions");
    let mut files = BTreeMap::new();
    for (shell, name) in [(Shell::Bash, "coracle.bash"), (Shell::Zsh, "_coracle"), (Shell::Fish, "coracle.fish")] {
        let mut script = Vec::new();
        clap_complete::generate(shell, &mut tree::readable(), "coracle", &mut script);
        let text = String::from_utf8(script).unwrap();
        for word in ["container", "stop", "cidfile", "rmi"] {
            assert!(text.contains(word), "{name} does not know {word}");
        }
        files.insert(dir.join(name), text.into_bytes());
    }
    check(&files, "completions", "coracle");
}

#[test]
fn man_pages() {
    let dir = repository().join("man");
    let mut files = BTreeMap::new();
    let root = tree::readable();
    files.insert(dir.join("coracle.1"), page(&root, "coracle"));
    for command in root.get_subcommands() {
        let name = format!("coracle-{}", command.get_name());
        files.insert(dir.join(format!("{name}.1")), page(command, &name));
        for under in command.get_subcommands() {
            let path = format!("{name}-{}", under.get_name());
            // `container stop` is described by `stop`; a page of its own would only repeat that one.
            let text = match alone_twin(&root, command.get_name(), under.get_name()) {
                Some(twin) => format!(".so man1/coracle-{twin}.1\n").into_bytes(),
                None => page(under, &path),
            };
            files.insert(dir.join(format!("{path}.1")), text);
        }
    }
    check(&files, "man", ".1");
    let prose = std::fs::read_dir(dir.join("prose")).unwrap().flatten();
    for path in prose.map(|entry| entry.path()) {
        let stem = path.file_stem().unwrap().to_string_lossy().into_owned();
        assert!(files.contains_key(&dir.join(format!("{stem}.1"))), "{} belongs to no page", path.display());
    }
}

/// The name of the same command without its noun.
fn alone_twin(root: &Command, noun: &str, name: &str) -> Option<String> {
    let alone = match (noun, name) {
        ("container", "list") => "ps",
        ("container" | "image", "inspect") => return None,
        ("image", "list") => "images",
        ("image", "rm") => "rmi",
        (_, name) => name,
    };
    root.find_subcommand(alone).map(|command| command.get_name().to_owned())
}

/// A page: name, synopsis, the prose of `man/prose/NAME.txt`, options, commands.
fn page(command: &Command, name: &str) -> Vec<u8> {
    let about = command.get_about().map(ToString::to_string).unwrap_or_default();
    let usage = command.clone().render_usage().to_string();
    let usage = usage.strip_prefix("Usage: ").unwrap_or(&usage).trim_end().to_owned();
    let usage = if command.has_subcommands() { format!("{} [options] COMMAND", name.replace('-', " ")) } else { usage };
    let mut page = format!(".TH {name} 1 \"\" coracle \"Coracle manual\"\n.SH NAME\n").into_bytes();
    page.extend(format!("{} \\- {}\n", escape(name), escape(&about)).bytes());
    page.extend(format!(".SH SYNOPSIS\n\\fB{}\\fR\n", escape(&usage)).bytes());
    let prose = repository().join("man/prose").join(format!("{name}.txt"));
    if let Ok(text) = std::fs::read_to_string(prose) {
        page.extend(roff(&text).bytes());
    }
    if command.get_arguments().any(|arg| !arg.is_positional() && !arg.is_hide_set()) {
        clap_mangen::Man::new(command.clone()).render_options_section(&mut page).unwrap();
    }
    if command.has_subcommands() {
        page.extend(b".SH COMMANDS\n");
        for sub in command.get_subcommands() {
            let about = sub.get_about().map(ToString::to_string).unwrap_or_default();
            page.extend(format!(".TP\n\\fB{}\\fR\n{}\n", escape(sub.get_name()), escape(&about)).bytes());
        }
    }
    if name != "coracle" {
        page.extend(b".SH \"SEE ALSO\"\n\\fBcoracle\\fR(1)\n");
    }
    page
}

/// Prose to roff: lines in capitals are headings, indented blocks are examples, the rest is paragraphs.
fn roff(text: &str) -> String {
    let mut out = String::new();
    for block in text.split("\n\n").map(|block| block.trim_matches('\n')).filter(|block| !block.is_empty()) {
        if !block.chars().any(char::is_lowercase) {
            out += &format!(".SH {}\n", escape(block));
        } else if block.starts_with("    ") {
            out += ".PP\n.RS 4\n.nf\n";
            for line in block.lines() {
                out += &format!("{}\n", escape(line.strip_prefix("    ").unwrap_or(line)));
            }
            out += ".fi\n.RE\n";
        } else {
            out += ".PP\n";
            for line in block.lines() {
                out += &format!("{}\n", escape(line));
            }
        }
    }
    out
}

/// Text that roff prints as it is: no escapes, no request at the beginning of a line, real hyphens.
fn escape(text: &str) -> String {
    let text = text.replace('\\', "\\e").replace('-', "\\-");
    if text.starts_with(['.', '\'']) { format!("\\&{text}") } else { text }
}
