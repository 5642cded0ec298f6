//! What `--help` prints: of one command, of a noun, and of the whole program.

use std::fmt::Write as _;

use super::commands::{COMMANDS, Entry, Noun};
use super::parse::{self, PROGRAM};
use super::{args, global};

/// The help of one command, which was called by this path.
pub fn of(entry: &Entry, path: &str) -> String {
    readable(entry, path).render_help().to_string()
}

/// The definition of one command, made for people.
pub fn readable(entry: &Entry, path: &str) -> clap::Command {
    args::for_reading(parse::command(entry, path, false))
        .about(entry.about)
        .override_usage(format!("{path} {}", entry.usage))
        .help_template("{about}\n\nUsage: {usage}\n\n{all-args}{after-help}\n")
}

/// The commands of a noun, or of the whole program grouped by noun, with the global flags.
pub fn overview(noun: Option<Noun>) -> String {
    let mut text = String::new();
    match noun {
        Some(noun) => {
            let _ = write!(text, "{}\n\nUsage: {PROGRAM} {} COMMAND\n\nCommands:\n", noun.about(), noun.path());
            table(&mut text, COMMANDS.iter().filter(|entry| entry.noun == noun), |entry| entry.under.first().copied());
            for child in Noun::children(Some(noun)) {
                let _ = writeln!(text, "  {:<12}{}", child.word(), child.about());
            }
        }
        None => {
            let _ = write!(text, "A rootless, daemonless container engine\n\nUsage: {PROGRAM} [options] COMMAND\n");
            // Some nouns have no commands that stand alone.
            let has_alone = |noun: &Noun| COMMANDS.iter().any(|entry| entry.noun == *noun && entry.alone.is_some());
            for noun in Noun::ALL.into_iter().filter(has_alone) {
                let _ = write!(text, "\n{}:\n", noun.heading());
                table(&mut text, COMMANDS.iter().filter(|entry| entry.noun == noun), |entry| entry.alone);
            }
            text.push_str("\nNouns:\n");
            for noun in Noun::children(None) {
                let _ = writeln!(text, "  {:<12}{}", noun.word(), noun.about());
            }
            let command = args::for_reading(args::like_go(global::augment(clap::Command::new(PROGRAM))));
            let version = clap::Arg::new("version").short('v').long("version").help("Print the version");
            let command =
                command.arg(version.action(clap::ArgAction::SetTrue)).help_template("\n\nOptions:\n{options}");
            text.push_str(&command.clone().render_help().to_string());
        }
    }
    if !text.ends_with('\n') {
        text.push('\n');
    }
    let _ = writeln!(
        text,
        "\nSee `{PROGRAM} {}COMMAND --help` for one command.",
        noun.map(|noun| format!("{} ", noun.path())).unwrap_or_default()
    );
    text
}

fn table<'e>(
    text: &mut String,
    entries: impl Iterator<Item = &'e Entry>,
    name: impl Fn(&'e Entry) -> Option<&'static str>,
) {
    for entry in entries {
        if let Some(name) = name(entry) {
            let _ = writeln!(text, "  {name:<12}{}", entry.about);
        }
    }
}
