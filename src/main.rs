//! The process entry: which face was called, and the exit code. Nothing else.

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(coracle::cli::main(std::env::args_os().collect()))
}
