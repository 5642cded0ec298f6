//! Flags as Go programs read them, on top of clap: `--flag`, `--flag=false`, values that begin with a dash, the last
//! one of several wins; and flags that are known but refused.

use std::any::TypeId;
use std::fmt;
use std::ops::Deref;
use std::str::FromStr;

use clap::{Arg, ArgAction, Command};

/// A boolean flag: `--flag`, `--flag=true`, `--flag=false`. Off unless the field has a `default_value = "true"`; as
/// `Option<GoBool>` it also says whether it was given.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct GoBool(pub bool);

impl Deref for GoBool {
    type Target = bool;
    fn deref(&self) -> &bool {
        &self.0
    }
}

impl FromStr for GoBool {
    type Err = &'static str;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        crate::network::parse_bool(text).map(GoBool).ok_or("invalid syntax, want true or false")
    }
}

/// The value of a flag that is always refused. A field of type `Option<Refused>` is never `Some`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {}

/// Why a flag of the reference is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal(pub &'static str);

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for Refusal {}

/// Value parser of a flag with a value that is refused: `#[arg(long, value_parser = refuse("..."))] pod: Option<Refused>`.
/// The user reads `--pod is not supported: ...`.
pub fn refuse(reason: &'static str) -> impl Fn(&str) -> Result<Refused, Refusal> + Clone + Send + Sync + 'static {
    move |_| Err(Refusal(reason))
}

/// The value of a boolean flag that may be given as false, but not as true. A field of this type needs
/// `value_parser = refuse_bool("...")`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RefusedBool;

/// Value parser of a boolean flag that is refused, unless it is `--flag=false`.
pub fn refuse_bool(
    reason: &'static str,
) -> impl Fn(&str) -> Result<RefusedBool, Refusal> + Clone + Send + Sync + 'static {
    move |text| match GoBool::from_str(text) {
        Ok(GoBool(false)) => Ok(RefusedBool),
        _ => Err(Refusal(reason)),
    }
}

/// Gives all arguments of a command the manners of Go's flags.
pub fn like_go(command: Command) -> Command {
    let short_h_is_taken = command.get_arguments().any(|arg| arg.get_short() == Some('h'));
    let help = Arg::new("help").long("help").action(ArgAction::Help).help("Print this help");
    let help = if short_h_is_taken { help } else { help.short('h') };
    command.mut_args(arg_like_go).disable_help_flag(true).disable_version_flag(true).args_override_self(true).arg(help)
}

fn arg_like_go(arg: Arg) -> Arg {
    if arg.is_positional() {
        // With it, `-eNAME` would be taken for the first argument, because not all of its letters are flags. After the
        // first word of a `trailing_var_arg` everything is an argument anyway.
        return arg.allow_hyphen_values(false);
    }
    if !arg.get_action().takes_values() {
        return arg;
    }
    if !is_bool(&arg) {
        return arg.allow_hyphen_values(true);
    }
    let wants_default = arg.is_required_set() && arg.get_default_values().is_empty();
    let arg = arg.num_args(0..=1).require_equals(true).default_missing_value("true").required(false);
    let arg = arg.hide_default_value(true);
    if wants_default { arg.default_value("false") } else { arg }
}

/// The definition as people should read it: in alphabetical order, booleans without the value that hardly anybody
/// gives, nothing that is refused, and no list of arguments, which are in the usage line. For help, man pages and
/// completions; not for parsing.
pub fn for_reading(command: Command) -> Command {
    let mut names: Vec<String> = command.get_arguments().filter_map(Arg::get_long).map(str::to_owned).collect();
    names.sort_unstable();
    command.mut_args(|arg| {
        let order = arg.get_long().and_then(|long| names.iter().position(|name| name == long)).unwrap_or(0);
        let hide = arg.is_hide_set() || arg.is_positional() || is_refused(&arg);
        let arg = if is_bool(&arg) { without_value(&arg) } else { arg };
        arg.display_order(order).hide(hide)
    })
}

fn without_value(arg: &Arg) -> Arg {
    let clean = Arg::new(arg.get_id().clone()).action(ArgAction::SetTrue);
    let clean = if let Some(help) = arg.get_help() { clean.help(help.clone()) } else { clean };
    let clean = if let Some(short) = arg.get_short() { clean.short(short) } else { clean };
    if let Some(long) = arg.get_long() { clean.long(long.to_owned()) } else { clean }
}

/// Whether this flag is known only to be refused.
pub fn is_refused(arg: &Arg) -> bool {
    let kind = arg.get_value_parser().type_id();
    kind == TypeId::of::<Refused>() || kind == TypeId::of::<RefusedBool>()
}

/// Whether this is a boolean flag in the Go manner.
pub fn is_bool(arg: &Arg) -> bool {
    let kind = arg.get_value_parser().type_id();
    kind == TypeId::of::<GoBool>() || kind == TypeId::of::<RefusedBool>()
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::{Args as _, FromArgMatches as _};

    #[derive(Debug, clap::Args)]
    struct Args {
        #[arg(short, long)]
        interactive: GoBool,
        #[arg(short, long)]
        tty: GoBool,
        #[arg(long, default_value = "true")]
        sig_proxy: GoBool,
        #[arg(long)]
        tls_verify: Option<GoBool>,
        #[arg(short, long)]
        name: Option<String>,
        #[arg(short, long)]
        env: Vec<String>,
        #[arg(long, value_parser = refuse("no pods"))]
        pod: Option<Refused>,
        #[arg(long, value_parser = refuse_bool("no remote"))]
        remote: RefusedBool,
        #[arg(trailing_var_arg = true)]
        words: Vec<String>,
    }

    fn parse(line: &str) -> Result<Args, clap::Error> {
        let command = like_go(Args::augment_args(Command::new("test")));
        let words = std::iter::once("test").chain(line.split_whitespace());
        Args::from_arg_matches(&command.try_get_matches_from(words)?)
    }

    #[test]
    fn booleans_take_a_value_only_after_an_equals_sign() {
        let cases = [
            ("", (false, false, true, None)),
            ("-it", (true, true, true, None)),
            ("-i -t=false", (true, false, true, None)),
            ("-it=0 --sig-proxy=false", (true, false, false, None)),
            ("--interactive --interactive=F", (false, false, true, None)),
            ("--tls-verify", (false, false, true, Some(true))),
            ("--tls-verify=false", (false, false, true, Some(false))),
        ];
        for (line, want) in cases {
            let args = parse(line).unwrap();
            let got = (*args.interactive, *args.tty, *args.sig_proxy, args.tls_verify.map(|b| *b));
            assert_eq!(got, want, "{line}");
        }
        assert!(parse("--tty=maybe").is_err());
        assert_eq!(parse("-itnx -eA=b").map(|a| (a.name, a.env)).unwrap(), (Some("x".into()), vec!["A=b".into()]));
        assert_eq!(parse("--tty false").unwrap().words, ["false"]);
    }

    #[test]
    fn values_may_begin_with_a_dash_and_the_last_one_wins() {
        let args = parse("--name -x --name=-y -e -a -eb --env= image -i --env=c -- x").unwrap();
        assert_eq!(args.name.as_deref(), Some("-y"));
        assert_eq!(args.env, ["-a", "b", ""]);
        assert_eq!(args.words, ["image", "-i", "--env=c", "--", "x"]);
        assert!(!*args.interactive);
    }

    #[test]
    fn a_first_double_dash_ends_the_flags() {
        assert_eq!(parse("-i -- image -- -t").unwrap().words, ["image", "--", "-t"]);
    }

    #[test]
    fn refused_flags_are_refused() {
        assert!(parse("--pod x").is_err());
        assert!(parse("--remote").is_err());
        assert_eq!(parse("--remote=false").unwrap().remote, RefusedBool);
        assert!(parse("").unwrap().pod.is_none());
    }
}
