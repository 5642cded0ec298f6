//! The process entry: which face was called, and the exit code. Nothing else.

use std::process::ExitCode;

fn main() -> ExitCode {
    let mut arguments = std::env::args_os();
    if arguments.next().is_some_and(|name| name == coracle::monitor::NAME) {
        coracle::monitor::main();
    }
    ExitCode::from(coracle::cli::main(std::env::args_os().collect()))
}
