//! The process entry: which face was called, and the exit code. Nothing else.

use std::process::ExitCode;

fn main() -> ExitCode {
    let mut arguments = std::env::args_os();
    match arguments.next() {
        Some(name) if name == coracle::monitor::NAME => coracle::monitor::main(),
        Some(name) if name == coracle::network::anchor::NAME => coracle::network::anchor::main(),
        _ => {}
    }
    ExitCode::from(coracle::cli::main(std::env::args_os().collect()))
}
