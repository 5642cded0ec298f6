//! The overview that `coracle --help` and `coracle image --help` print.

use std::fmt::Write as _;

use super::commands::{COMMANDS, Entry, Noun};
use super::parse::PROGRAM;
use super::{args, global};

/// The commands of a noun, or of the whole program grouped by noun, with the global flags.
pub fn overview(noun: Option<Noun>) -> String {
    let mut text = String::new();
    match noun {
        Some(noun) => {
            let _ = write!(text, "{}\n\nUsage: {PROGRAM} {} COMMAND\n\nCommands:\n", noun.about(), noun.word());
            table(&mut text, COMMANDS.iter().filter(|entry| entry.noun == noun), |entry| entry.under.first().copied());
        }
        None => {
            let _ = write!(text, "A rootless, daemonless container engine\n\nUsage: {PROGRAM} [options] COMMAND\n");
            for noun in Noun::ALL {
                let _ = write!(text, "\n{}:\n", noun.heading());
                table(&mut text, COMMANDS.iter().filter(|entry| entry.noun == noun), |entry| entry.alone);
            }
            text.push_str("\nNouns:\n");
            for noun in Noun::ALL {
                let _ = writeln!(text, "  {:<12}{}", noun.word(), noun.about());
            }
            let command = args::like_go(global::augment(clap::Command::new(PROGRAM)));
            let version = clap::Arg::new("version").short('v').long("version").help("Print the version");
            let command = command.arg(version.action(clap::ArgAction::SetTrue)).help_template("\nOptions:\n{options}");
            text.push_str(&command.clone().render_help().to_string());
        }
    }
    if !text.ends_with('\n') {
        text.push('\n');
    }
    let _ = writeln!(
        text,
        "\nSee `{PROGRAM} {}COMMAND --help` for one command.",
        noun.map(|noun| format!("{} ", noun.word())).unwrap_or_default()
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
