//! The whole command line as one definition, for what is generated from it: man pages, completions, the reference.
//! Running a command never builds it.

use clap::{Arg, ArgAction, Command};

use super::commands::{COMMANDS, Entry, Noun};
use super::parse::{self, PROGRAM};
use super::{args, global, help};

/// The program with all its commands, as people should read it.
pub fn readable() -> Command {
    let version = Arg::new("version").short('v').long("version").action(ArgAction::SetTrue).help("Print the version");
    let root = Command::new(PROGRAM).about("A rootless, daemonless container engine");
    let root = args::for_reading(args::like_go(global::augment(root)).arg(version)).subcommand_required(true);
    let alone = COMMANDS.iter().filter_map(|entry| entry.alone.map(|name| named(entry, name, PROGRAM)));
    root.subcommands(alone).subcommands(Noun::children(None).map(noun))
}

fn noun(noun: Noun) -> Command {
    let path = format!("{PROGRAM} {}", noun.path());
    let under = COMMANDS.iter().filter(|entry| entry.noun == noun).filter_map(|entry| {
        let (name, aliases) = entry.under.split_first()?;
        Some(named(entry, name, &path).aliases(aliases.iter().copied()))
    });
    let command = args::like_go(Command::new(noun.word()).about(noun.about()).subcommand_required(true));
    command.subcommands(under).subcommands(Noun::children(Some(noun)).map(self::noun))
}

fn named(entry: &Entry, name: &'static str, parent: &str) -> Command {
    help::readable(entry, &format!("{parent} {name}")).name(name)
}

/// Every command and every flag, those that are refused included, as lines of text.
///
/// ```text
/// ## container rm
/// usage: coracle container rm [options] CONTAINER [CONTAINER...]
///   -a, --all
///       --filter stringArray
/// ```
pub fn reference() -> String {
    let mut sections: Vec<(String, String)> = Vec::new();
    for noun in Noun::ALL {
        let usage = format!("usage: {PROGRAM} {} [command]\n", noun.path());
        sections.push((noun.path().to_owned(), usage));
    }
    for entry in COMMANDS {
        let under = entry.under.first().map(|name| format!("{} {name}", entry.noun.path()));
        for path in entry.alone.map(str::to_owned).into_iter().chain(under) {
            let full = format!("{PROGRAM} {path}");
            let usage = format!("usage: {full} {}\n", entry.usage);
            let flags = flags(&parse::command(entry, &full, false));
            sections.push((path, usage + &flags));
        }
    }
    sections.sort();
    let version = Arg::new("version").short('v').long("version").value_parser(clap::value_parser!(args::GoBool));
    let global = flags(&args::like_go(global::augment(Command::new(PROGRAM)).arg(version)));
    let global = global.replace("      --hooks-dir", "      --help\n      --hooks-dir");
    let head = format!("## (global)\nusage: {PROGRAM} [options] [command]\n{global}");
    let rest = sections.into_iter().map(|(path, text)| format!("\n## {path}\n{text}"));
    std::iter::once(head).chain(rest).collect()
}

fn flags(command: &Command) -> String {
    let mut lines: Vec<(&str, String)> = command.get_arguments().filter_map(line).collect();
    lines.sort();
    lines.into_iter().map(|(_, line)| line).collect()
}

fn line(arg: &Arg) -> Option<(&str, String)> {
    let long = arg.get_long()?;
    let short = arg.get_short().map_or_else(|| "    ".to_owned(), |short| format!("-{short}, "));
    if matches!(arg.get_action(), ArgAction::Help) && arg.get_short().is_some() {
        // `-h, --help` goes without saying.
        return None;
    }
    let takes_value = arg.get_action().takes_values() && !args::is_bool(arg);
    let names = arg.get_value_names().filter(|_| takes_value).unwrap_or_default();
    let value: String = names.iter().map(|name| format!(" {name}")).collect();
    Some((long, format!("  {short}--{long}{value}\n")))
}
