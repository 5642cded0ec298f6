//! Where values are kept: our own encrypted files, GnuPG's, or whatever scripts of the user's do.

mod file;
mod pass;
mod shell;

use std::collections::BTreeMap;
use std::path::Path;

use super::{Plain, Secret};
use crate::error::{Error, Result};

/// Keeps values by the ID of their secrets.
pub enum Driver {
    File(file::File),
    Pass(pass::Pass),
    Shell(shell::Shell),
}

impl Driver {
    /// The driver of this name with these options. `dir` is the directory of the store.
    ///
    /// # Errors
    /// There is none of that name, or an option is missing.
    pub fn new(name: &str, options: &BTreeMap<String, String>, dir: &Path) -> Result<Self> {
        match name {
            "file" => Ok(Driver::File(file::File::new(options, dir))),
            "pass" => pass::Pass::new(options).map(Driver::Pass),
            "shell" => shell::Shell::new(options).map(Driver::Shell),
            _ => Err(Error::new(format!("invalid driver \"{name}\"")).hint("use file, pass or shell")),
        }
    }

    /// Keeps a value.
    pub fn store(&self, secret: &Secret, plain: &Plain) -> Result<()> {
        match self {
            Driver::File(driver) => driver.store(secret, plain),
            Driver::Pass(driver) => driver.store(&secret.id, plain),
            Driver::Shell(driver) => driver.store(&secret.id, plain),
        }
    }

    /// A value that was kept.
    pub fn lookup(&self, secret: &Secret) -> Result<Plain> {
        match self {
            Driver::File(driver) => driver.lookup(secret),
            Driver::Pass(driver) => driver.lookup(&secret.id),
            Driver::Shell(driver) => driver.lookup(&secret.id),
        }
    }

    /// Forgets a value.
    pub fn delete(&self, secret: &Secret) -> Result<()> {
        match self {
            Driver::File(driver) => driver.delete(secret),
            Driver::Pass(driver) => driver.delete(&secret.id),
            Driver::Shell(driver) => driver.delete(&secret.id),
        }
    }

    /// The options as they are shown: with those that the driver decides itself.
    pub fn shown(&self, options: &BTreeMap<String, String>) -> BTreeMap<String, String> {
        let mut shown = options.clone();
        if let Driver::File(driver) = self {
            shown.entry("path".to_owned()).or_insert_with(|| driver.dir().display().to_string());
        }
        shown
    }
}

/// Reads `--driver-opts`: `KEY=VALUE[,KEY=VALUE...]`, as CSV where there is more than one, so that `"KEY=a,b"` is one.
///
/// # Errors
/// Something without `=`.
pub fn parse_options(text: &str) -> Result<Vec<(String, String)>> {
    let fields = match text.matches('=').count() {
        1 => vec![text.trim_matches('"').to_owned()],
        _ => csv(text),
    };
    let one = |field: String| match field.split_once('=') {
        Some((key, value)) => Ok((key.to_owned(), value.to_owned())),
        None => Err(Error::new(format!("{field} must be formatted as key=value"))),
    };
    fields.into_iter().map(one).collect()
}

/// The fields of a line: split at commas, unless a field begins with a quotation mark; two of them in it are one.
fn csv(text: &str) -> Vec<String> {
    let mut fields = Vec::new();
    let mut rest = text;
    loop {
        let mut field = String::new();
        if let Some(quoted) = rest.strip_prefix('"') {
            rest = quoted;
            loop {
                let (part, after) = rest.split_once('"').unwrap_or((rest, ""));
                field.push_str(part);
                rest = after;
                match rest.strip_prefix('"') {
                    Some(after) => {
                        field.push('"');
                        rest = after;
                    }
                    None => break,
                }
            }
        }
        let end = rest.find(',');
        let (part, after) = rest.split_at(end.unwrap_or(rest.len()));
        field.push_str(part);
        fields.push(field);
        if end.is_none() {
            return fields;
        }
        rest = after.get(1..).unwrap_or_default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options() {
        let pairs = |text: &str| {
            parse_options(text).map(|all| all.iter().map(|(k, v)| format!("{k}->{v}")).collect::<Vec<_>>().join(" "))
        };
        for (text, want) in [
            ("a=b", "a->b"),
            ("a=b,c", "a->b,c"),
            ("a=b,c=d", "a->b c->d"),
            ("\"a=b\"", "a->b"),
            ("\"a=b,x\",c=\"d\"", "a->b,x c->\"d\""),
            ("\"a=\"\"q\"\"\",b=", "a->\"q\" b->"),
            ("=", "->"),
            ("a==", "a->="),
        ] {
            assert_eq!(pairs(text).unwrap(), want, "{text}");
        }
        for text in ["", "a", "a=b,c,d=e", "a=b=c,"] {
            assert!(pairs(text).is_err(), "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn never_panics(text in "[a=,\"\\\\é]{0,20}") {
            let _ = parse_options(&text);
        }
    }
}
