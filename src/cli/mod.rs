//! What the user types: arguments in, one engine call, output out. One file per command.
//!
//! [`commands`] is the table of all commands. [`parse`] finds the one that is wanted and builds only its arguments;
//! [`args`] gives them Go's manners; [`usage`] words what is wrong with them. Commands print through [`printer`] only.

pub mod args;
pub mod commands;
pub mod confirm;
pub mod container;
pub mod create_options;
pub mod cx;
pub mod env;
pub mod format;
pub mod global;
pub mod help;
pub mod image;
pub mod inspect;
pub mod manifest;
pub mod network;
pub mod parse;
pub mod preserved;
pub mod printer;
pub mod progress;
pub mod prompt;
pub mod roots;
pub mod secret;
pub mod select;
pub mod system;
pub mod tree;
pub mod usage;
pub mod views;
pub mod volume;

use std::ffi::OsString;

pub use cx::Cx;
use printer::Printer;

/// Runs one command line (the program's name first) and returns the exit code of the process.
pub fn main(argv: Vec<OsString>) -> u8 {
    let printer = Printer::new();
    let code = match parse::run(&printer, argv) {
        Ok(code) => code,
        Err(usage::Failure::Usage { message, see }) => {
            printer.usage_error(&message, see.as_deref());
            125
        }
        Err(usage::Failure::Engine(error)) => {
            printer.error(&error);
            error.kind().exit_code()
        }
    };
    if code == 0 && printer.has_failed() { 125 } else { code }
}
