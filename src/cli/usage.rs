//! What is wrong with a command line, in the words of the reference.

use clap::Command;
use clap::error::{ContextKind, ContextValue, ErrorKind};

use super::args::Refusal;
use crate::error::Error;

/// How a command line ends when it does not end with an exit code.
#[derive(Debug)]
pub enum Failure {
    /// It was typed wrong. `see` is the line that says where to read more.
    Usage { message: String, see: Option<String> },
    /// It was understood, and failed.
    Engine(Error),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Failure::Engine(error)
    }
}

impl Failure {
    /// A mistake in the flags of the command at `path` (`coracle run`).
    fn flag(path: &str, message: String) -> Self {
        Failure::Usage { message, see: Some(format!("See '{path} --help'")) }
    }

    /// A mistake that a look at the list of commands would cure.
    pub fn command(path: &str, message: String) -> Self {
        Failure::Usage { message, see: Some(format!("Try '{path} --help' for more information")) }
    }
}

/// Words a parse error of the command at `path`, which was given `words`.
pub fn explain(error: &clap::Error, command: &Command, path: &str, words: &[String]) -> Failure {
    let text = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => text.clone(),
        Some(ContextValue::Strings(texts)) => texts.join(" "),
        _ => String::new(),
    };
    let flag = text(ContextKind::InvalidArg);
    let value = text(ContextKind::InvalidValue);
    match error.kind() {
        ErrorKind::UnknownArgument if flag.starts_with('-') => Failure::flag(path, unknown_flag(&flag, words)),
        ErrorKind::UnknownArgument => plain(too_many(command, path, &flag, words)),
        ErrorKind::MissingRequiredArgument => plain(too_few(error, command)),
        ErrorKind::InvalidValue | ErrorKind::TooFewValues | ErrorKind::WrongNumberOfValues if value.is_empty() => {
            Failure::flag(path, missing_value(&flag, words))
        }
        ErrorKind::ValueValidation | ErrorKind::InvalidValue => {
            let cause = std::error::Error::source(error);
            match cause.and_then(|cause| cause.downcast_ref::<Refusal>()) {
                Some(reason) => plain(format!("{} is not supported: {reason}", flag_name(&flag))),
                None => {
                    let cause = cause.map(|cause| format!(": {cause}")).unwrap_or_default();
                    let names = both_names(command, &flag);
                    Failure::flag(path, format!("invalid argument \"{value}\" for \"{names}\" flag{cause}"))
                }
            }
        }
        ErrorKind::InvalidUtf8 => plain("arguments must be valid UTF-8".to_owned()),
        // Not met with the way the commands are defined; clap's own first line then.
        _ => {
            let text = error.to_string();
            let line = text.lines().next().unwrap_or_default();
            Failure::flag(path, line.strip_prefix("error: ").unwrap_or(line).to_owned())
        }
    }
}

fn plain(message: String) -> Failure {
    Failure::Usage { message, see: None }
}

/// `--name` of clap's `--name <string>` or `--name[=<x>]`.
fn flag_name(flag: &str) -> &str {
    flag.split([' ', '[', '=']).next().unwrap_or(flag)
}

/// The cluster of short flags (`-abc`) that was typed with this letter in it.
fn cluster(letter: char, words: &[String]) -> String {
    let typed = words.iter().find(|w| w.starts_with('-') && !w.starts_with("--") && w.contains(letter));
    typed.cloned().unwrap_or_else(|| format!("-{letter}"))
}

fn unknown_flag(flag: &str, words: &[String]) -> String {
    let flag = flag_name(flag);
    match flag.strip_prefix('-').and_then(|rest| rest.chars().next()) {
        Some(letter) if letter != '-' => {
            format!("unknown shorthand flag: '{letter}' in {}", cluster(letter, words))
        }
        _ => format!("unknown flag: {flag}"),
    }
}

fn missing_value(flag: &str, words: &[String]) -> String {
    let name = flag_name(flag);
    if words.last().is_some_and(|word| word.starts_with("--")) {
        return format!("flag needs an argument: {name}");
    }
    let last = words.last().map(String::as_str).unwrap_or_default();
    match last.chars().last() {
        Some(letter) if last.starts_with('-') => format!("flag needs an argument: '{letter}' in {last}"),
        _ => format!("flag needs an argument: {name}"),
    }
}

/// `-t, --time` for a flag that has both names.
fn both_names(command: &Command, flag: &str) -> String {
    let name = flag_name(flag);
    let long = name.trim_start_matches('-');
    let short = command.get_arguments().find(|arg| arg.get_long() == Some(long)).and_then(clap::Arg::get_short);
    short.map_or_else(|| name.to_owned(), |short| format!("-{short}, {name}"))
}

/// How many arguments a command takes: at least, and at most.
fn arity(command: &Command) -> (usize, Option<usize>) {
    command.get_positionals().fold((0, Some(0)), |(least, most), arg| {
        let least = least + usize::from(arg.is_required_set());
        let many = arg.get_num_args().is_some_and(|range| range.max_values() == usize::MAX)
            || matches!(arg.get_action(), clap::ArgAction::Append);
        (least, if many { None } else { most.map(|most| most + 1) })
    })
}

fn too_few(error: &clap::Error, command: &Command) -> String {
    let missing = match error.get(ContextKind::InvalidArg) {
        Some(ContextValue::Strings(names)) => names.len(),
        _ => 1,
    };
    let (least, most) = arity(command);
    let received = least.saturating_sub(missing);
    match most {
        Some(most) if most == least => format!("accepts {least} arg(s), received {received}"),
        Some(most) => format!("accepts between {least} and {most} arg(s), received {received}"),
        None => format!("requires at least {least} arg(s), only received {received}"),
    }
}

fn too_many(command: &Command, path: &str, first: &str, words: &[String]) -> String {
    let (least, most) = arity(command);
    let most = most.unwrap_or(0);
    if most == 0 {
        return format!("`{path}` takes no arguments");
    }
    let from = words.iter().rposition(|word| word == first).unwrap_or(words.len());
    let rest = words.iter().skip(from).filter(|word| !word.starts_with('-')).count();
    let received = most + rest.max(1);
    match least {
        _ if least == most => format!("accepts {most} arg(s), received {received}"),
        0 => format!("accepts at most {most} arg(s), received {received}"),
        _ => format!("accepts between {least} and {most} arg(s), received {received}"),
    }
}
