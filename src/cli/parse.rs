//! From words to a command that runs.
//!
//! A command line is `coracle [global flags] [noun] command [flags] [arguments]`. The command is found by looking at the
//! words alone, so that only its own arguments are ever built: `run` has 150 flags, and building those of all commands
//! would cost more than starting a container.

use std::ffi::OsString;
use std::mem::ManuallyDrop;

use clap::error::ErrorKind;
use clap::{ArgMatches, Command};

use super::commands::{self, Entry, Noun};
use super::cx::Cx;
use super::global::{self, Globals};
use super::printer::Printer;
use super::usage::{self, Failure};
use super::{args, help};
use crate::error::{Context as _, Result};

/// The name by which the program calls itself in messages.
pub const PROGRAM: &str = "coracle";

/// Runs a command line (the program's name first).
pub fn run(printer: &Printer, argv: Vec<OsString>) -> Result<u8, Failure> {
    let argv = argv.into_iter().map(OsString::into_string).collect::<Result<Vec<_>, _>>().map_err(|word| {
        Failure::Usage { message: format!("argument `{}` is not valid UTF-8", word.to_string_lossy()), see: None }
    })?;
    let words = argv.get(1..).unwrap_or_default();
    let mut globals = Globals::default();
    let rest = match leading_flags(printer, words, &mut globals)? {
        Some(rest) => rest,
        None => return Ok(0),
    };
    let asks_help = rest.first().is_some_and(|word| word == "help");
    let rest = if asks_help { rest.get(1..).unwrap_or_default() } else { rest };
    let (entry, path, words) = match find(rest) {
        Found::Command { entry, path, words } => (entry, path, words),
        Found::Help(noun) => {
            printer.text(&help::overview(noun));
            return Ok(0);
        }
        Found::Missing(noun) if asks_help => {
            printer.text(&help::overview(noun));
            return Ok(0);
        }
        Found::Missing(noun) => {
            let path = noun.map_or_else(|| PROGRAM.to_owned(), |noun| format!("{PROGRAM} {}", noun.path()));
            return Err(Failure::command(&path, format!("missing command '{path} COMMAND'")));
        }
        Found::NotYet(name) => {
            return Err(Failure::Usage { message: format!("`{PROGRAM} {name}` is not there yet"), see: None });
        }
        Found::Unknown { parent, word } => {
            return Err(Failure::command(&parent, format!("unrecognized command `{parent} {word}`")));
        }
    };
    if asks_help {
        printer.text(&help::of(entry, &path));
        return Ok(0);
    }
    let with_globals = global::may_be_used(words);
    let Some(matches) = matches(command(entry, &path, with_globals), &path, words)? else {
        printer.text(&help::of(entry, &path));
        return Ok(0);
    };
    if with_globals {
        globals.apply(&matches)?;
    }
    redirect(&globals)?;
    if globals.debug {
        printer.show_debug();
    }
    printer.debug(|| format!("parsed `{path}`"));
    let cx = Cx { printer, globals, path, argv };
    let code = (entry.run)(&cx, matches)?;
    printer.debug(|| format!("done, exit code {code}"));
    Ok(code)
}

/// Parses the flags before the command's name. Returns the words from that name on, or `None` where the flags were all
/// that was wanted (`--version`, `--help`).
fn leading_flags<'w>(
    printer: &Printer,
    words: &'w [String],
    globals: &mut Globals,
) -> Result<Option<&'w [String]>, Failure> {
    if !words.first().is_some_and(|word| word.starts_with('-')) {
        return Ok(Some(words));
    }
    let version = clap::Arg::new("version").short('v').long("version").value_parser(clap::value_parser!(args::GoBool));
    let command = args::like_go(global::augment(Command::new(PROGRAM).no_binary_name(true)).arg(version));
    let count = count_flags(&command, words);
    let (flags, rest) = words.split_at_checked(count).unwrap_or((words, &[]));
    let copy = command.clone();
    let matches = match command.try_get_matches_from(flags) {
        Ok(matches) => matches,
        Err(error) if error.kind() == ErrorKind::DisplayHelp => {
            printer.text(&help::overview(None));
            return Ok(None);
        }
        Err(error) => return Err(usage::explain(&error, &copy, PROGRAM, flags)),
    };
    if matches.get_one::<args::GoBool>("version").is_some_and(|wanted| **wanted) {
        printer.line(format_args!("{PROGRAM} version {}", env!("CARGO_PKG_VERSION")));
        return Ok(None);
    }
    globals.apply(&matches)?;
    Ok(Some(rest))
}

/// How many of the first words are flags and their values.
fn count_flags(command: &Command, words: &[String]) -> usize {
    let mut count = 0;
    while let Some(word) = words.get(count).filter(|word| word.len() > 1 && word.starts_with('-')) {
        count += 1;
        if word == "--" {
            break;
        }
        let takes_next = match word.strip_prefix("--") {
            Some(long) => command.get_arguments().any(|arg| arg.get_long() == Some(long) && takes_word(arg)),
            // `-c NAME`, but `-cNAME` holds its value itself.
            None => command
                .get_arguments()
                .any(|arg| arg.get_short().is_some_and(|c| word.len() == 2 && word.ends_with(c)) && takes_word(arg)),
        };
        count += usize::from(takes_next);
    }
    count.min(words.len())
}

fn takes_word(arg: &clap::Arg) -> bool {
    arg.get_action().takes_values() && !args::is_bool(arg)
}

enum Found<'w> {
    Command { entry: &'static Entry, path: String, words: &'w [String] },
    Help(Option<Noun>),
    Missing(Option<Noun>),
    NotYet(String),
    Unknown { parent: String, word: String },
}

/// Finds the command that the words begin with.
fn find(words: &[String]) -> Found<'_> {
    let Some((first, rest)) = words.split_first() else { return Found::Missing(None) };
    if let Some(noun) = Noun::of(None, first) {
        return find_under(noun, rest);
    }
    match commands::alone(first) {
        Some(entry) => Found::Command { entry, path: format!("{PROGRAM} {first}"), words: rest },
        None if commands::is_not_yet(first) => Found::NotYet(first.clone()),
        None => Found::Unknown { parent: PROGRAM.to_owned(), word: first.clone() },
    }
}

/// Finds the command under a noun, or under one of the nouns under it.
fn find_under(noun: Noun, words: &[String]) -> Found<'_> {
    let Some((word, rest)) = words.split_first() else { return Found::Missing(Some(noun)) };
    if ["--help", "-h", "help"].contains(&word.as_str()) {
        return Found::Help(Some(noun));
    }
    if let Some(child) = Noun::of(Some(noun), word) {
        return find_under(child, rest);
    }
    let name = format!("{} {word}", noun.path());
    match commands::under(noun, word) {
        Some(entry) => Found::Command { entry, path: format!("{PROGRAM} {name}"), words: rest },
        None if commands::is_not_yet(&name) => Found::NotYet(name),
        None => Found::Unknown { parent: format!("{PROGRAM} {}", noun.path()), word: word.clone() },
    }
}

/// The clap definition of one command, named by its whole path.
pub fn command(entry: &Entry, path: &str, with_globals: bool) -> Command {
    let name = path.rsplit(' ').next().unwrap_or(path).to_owned();
    let command = (entry.augment)(Command::new(name).bin_name(path).no_binary_name(true));
    args::like_go(if with_globals { global::augment(command) } else { command })
}

/// The matches of a command, or `None` when its help was asked for.
fn matches(command: Command, path: &str, words: &[String]) -> Result<Option<ArgMatches>, Failure> {
    // Taking 150 arguments apart again takes a tenth of the time of parsing, and this happens once in a process.
    let mut command = ManuallyDrop::new(command);
    match command.try_get_matches_from_mut(words) {
        Ok(matches) => Ok(Some(matches)),
        Err(error) if error.kind() == ErrorKind::DisplayHelp => Ok(None),
        Err(error) => Err(usage::explain(&error, &command, path, words)),
    }
}

/// `--out FILE`: what would go to stdout goes to a file.
fn redirect(globals: &Globals) -> Result<()> {
    let Some(path) = &globals.out else { return Ok(()) };
    let context = || format!("opening `{}` for output", path.display());
    let file = std::fs::File::create(path).with_context(context)?;
    nix::unistd::dup2_stdout(&file).with_context(context)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fails(line: &str) -> String {
        let argv = std::iter::once(PROGRAM).chain(line.split_whitespace()).map(OsString::from).collect();
        match run(&Printer::new(), argv) {
            Err(Failure::Usage { message, see: Some(see) }) => format!("{message} | {see}"),
            Err(Failure::Usage { message, see: None }) => message,
            other => panic!("`{line}` gave {other:?}"),
        }
    }

    #[test]
    fn mistakes_are_worded_as_in_the_reference() {
        for (line, want) in [
            ("", "missing command 'coracle COMMAND' | Try 'coracle --help' for more information"),
            ("badcommand", "unrecognized command `coracle badcommand` | Try 'coracle --help' for more information"),
            (
                "container",
                "missing command 'coracle container COMMAND' | Try 'coracle container --help' for more information",
            ),
            ("image x", "unrecognized command `coracle image x` | Try 'coracle image --help' for more information"),
            ("build .", "`coracle build` is not there yet"),
            ("container checkpoint x", "`coracle container checkpoint` is not there yet"),
            ("--badflag ps", "unknown flag: --badflag | See 'coracle --help'"),
            ("--root", "flag needs an argument: --root | See 'coracle --help'"),
            ("stop --badflag x", "unknown flag: --badflag | See 'coracle stop --help'"),
            ("stop --badflag=3 x", "unknown flag: --badflag | See 'coracle stop --help'"),
            ("container stop --bad x", "unknown flag: --bad | See 'coracle container stop --help'"),
            ("stop -aq", "unknown shorthand flag: 'q' in -aq | See 'coracle stop --help'"),
            ("stop x --time", "flag needs an argument: --time | See 'coracle stop --help'"),
            ("stop x -at", "flag needs an argument: 't' in -at | See 'coracle stop --help'"),
            (
                "stop --all=maybe",
                "invalid argument \"maybe\" for \"-a, --all\" flag: invalid syntax, want true or false | See 'coracle stop --help'",
            ),
            (
                "stop -t abc x",
                "invalid argument \"abc\" for \"-t, --time\" flag: invalid digit found in string | See 'coracle stop --help'",
            ),
            ("rename a", "accepts 2 arg(s), received 1"),
            ("rename a b c d", "accepts 2 arg(s), received 4"),
            ("export", "accepts 1 arg(s), received 0"),
            ("ps x", "`coracle ps` takes no arguments"),
            ("images a b", "accepts at most 1 arg(s), received 2"),
            ("--remote ps", "--remote is not supported: coracle has no remote mode, it is its own engine"),
            ("ps --url=x", "--url is not supported: coracle has no remote mode, it is its own engine"),
            ("-c x ps", "--connection is not supported: coracle has no remote mode, it is its own engine"),
        ] {
            assert_eq!(fails(line), want, "{line}");
        }
    }

    #[test]
    fn flags_before_the_command_are_counted_with_their_values() {
        let command = args::like_go(global::augment(Command::new(PROGRAM)));
        for (line, want) in [
            ("--root x ps", 2),
            ("--root=x ps", 1),
            ("--log-level debug --root x ps -a", 4),
            ("-c x ps", 2),
            ("-cx ps", 1),
            ("-r ps", 1),
            ("--remote ps", 1),
            ("-- ps", 1),
            ("- ps", 0),
            ("--root", 1),
            ("--nosuch x", 1),
        ] {
            let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
            assert_eq!(count_flags(&command, &words), want, "{line}");
        }
    }

    #[test]
    fn every_definition_is_sound_and_leaves_the_global_flags_alone() {
        for entry in commands::COMMANDS {
            let path = format!("{PROGRAM} {}", entry.alone.or(entry.under.first().copied()).unwrap());
            command(entry, &path, true).debug_assert();
            command(entry, &path, false).debug_assert();
        }
        super::super::tree::readable().debug_assert();
    }
}
