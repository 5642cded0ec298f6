//! The one error type of the engine: a kind that fixes the exit code, a message that says verb and object, the chain
//! of causes, and a hint that says the way out.
//!
//! Rooms build errors with [`Error::new`] or, on a `Result`, with [`Context::context`]; where a caller must branch on
//! what went wrong it looks at [`Error::kind`]. Only `main.rs` and the printer show an error to a person.

use std::fmt;

/// What kind of failure this is. It decides the exit code and nothing else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The engine itself failed: exit code 125.
    Engine,
    /// The command in the container was found but cannot be invoked: exit code 126.
    CannotInvoke,
    /// The command is not in the container: exit code 127.
    CommandNotFound,
    /// No such object (container, image). Exit code 125, or 1 where the reference says so (`rm`, `rmi`).
    NoSuch,
    /// The object is in use or in the wrong state. Exit code 125, or 2 where the reference says so (`rm`, `rmi`).
    InUse,
    /// This exact exit code, for example the container's own.
    Exit(u8),
}

impl Kind {
    /// The exit code of a command that ends with an error of this kind.
    pub fn exit_code(self) -> u8 {
        match self {
            Kind::Engine | Kind::NoSuch | Kind::InUse => 125,
            Kind::CannotInvoke => 126,
            Kind::CommandNotFound => 127,
            Kind::Exit(code) => code,
        }
    }
}

/// A failure: kind, message, causes (outermost first) and a hint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    kind: Kind,
    /// Outermost first. Never empty.
    chain: Vec<String>,
    hint: Option<String>,
}

/// The result type of every room.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// An engine error with this message (lower case, no full stop, names in backticks).
    pub fn new(message: impl Into<String>) -> Self {
        Self::of(Kind::Engine, message)
    }

    /// An error of this kind.
    pub fn of(kind: Kind, message: impl Into<String>) -> Self {
        Error { kind, chain: vec![message.into()], hint: None }
    }

    /// Puts `message` in front of the chain of causes.
    #[must_use]
    pub fn wrap(mut self, message: impl Into<String>) -> Self {
        self.chain.insert(0, message.into());
        self
    }

    /// Sets the way out, unless a more precise one (set nearer to the cause) is there already.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint.get_or_insert_with(|| hint.into());
        self
    }

    /// Changes the kind.
    #[must_use]
    pub fn with_kind(mut self, kind: Kind) -> Self {
        self.kind = kind;
        self
    }

    /// What kind of failure this is.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The way out, if one is known.
    pub fn hint_text(&self) -> Option<&str> {
        self.hint.as_deref()
    }

    /// Message and causes, outermost first.
    pub fn chain(&self) -> &[String] {
        &self.chain
    }

    /// Rebuilds an error that crossed a process boundary.
    pub fn from_parts(kind: Kind, chain: Vec<String>, hint: Option<String>) -> Self {
        let chain = if chain.is_empty() { vec!["unknown error".to_owned()] } else { chain };
        Error { kind, chain, hint }
    }
}

impl fmt::Display for Error {
    /// The whole chain on one line, as `a: b: c`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.chain.join(": "))
    }
}

impl std::error::Error for Error {}

/// The system's own words for an error number, without Rust's "(os error 13)".
pub fn os_message(error: &std::io::Error) -> String {
    // The one below counts where a library has added the path, which is that of a temporary file.
    let below = error.get_ref().and_then(|outer| outer.source()).and_then(|e| e.downcast_ref::<std::io::Error>());
    match error.raw_os_error().or_else(|| below?.raw_os_error()) {
        Some(errno) => nix::errno::Errno::from_raw(errno).desc().to_owned(),
        None => error.to_string(),
    }
}

impl From<std::io::Error> for Error {
    fn from(error: std::io::Error) -> Self {
        Error::new(os_message(&error))
    }
}

impl From<rustix::io::Errno> for Error {
    fn from(errno: rustix::io::Errno) -> Self {
        Error::new(nix::errno::Errno::from_raw(errno.raw_os_error()).desc())
    }
}

impl From<nix::errno::Errno> for Error {
    fn from(errno: nix::errno::Errno) -> Self {
        Error::new(errno.desc())
    }
}

impl From<serde_json::Error> for Error {
    fn from(error: serde_json::Error) -> Self {
        Error::new(error.to_string())
    }
}

/// Adds what was being done to an error on its way up.
pub trait Context<T> {
    /// Puts a message in front of the causes.
    fn context(self, message: impl Into<String>) -> Result<T>;
    /// The same, built only when there is an error.
    fn with_context<M: Into<String>>(self, message: impl FnOnce() -> M) -> Result<T>;
}

impl<T, E: Into<Error>> Context<T> for std::result::Result<T, E> {
    fn context(self, message: impl Into<String>) -> Result<T> {
        self.map_err(|e| e.into().wrap(message))
    }
    fn with_context<M: Into<String>>(self, message: impl FnOnce() -> M) -> Result<T> {
        self.map_err(|e| e.into().wrap(message()))
    }
}

/// Returns early with an engine error built as by `format!`.
#[macro_export]
macro_rules! bail {
    ($($arg:tt)*) => { return Err($crate::error::Error::new(format!($($arg)*))) };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chain_prints_on_one_line_and_the_nearest_hint_wins() {
        let e: Result<()> = Err(std::io::Error::from_raw_os_error(libc::EACCES).into());
        let e = e.context("opening `/x`").map_err(|e| e.hint("near").hint("far")).unwrap_err().wrap("starting `c`");
        assert_eq!(e.to_string(), "starting `c`: opening `/x`: Permission denied");
        assert_eq!(e.hint_text(), Some("near"));
        assert_eq!(e.kind().exit_code(), 125);
    }
}
