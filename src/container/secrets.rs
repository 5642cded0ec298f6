//! `--secret`: what is typed, and what a container's record keeps of it. No value comes by here.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::mounts::clean;
use crate::bail;
use crate::error::{Error, Result};

/// Where secrets are in a container that are given no absolute path.
pub const DIR: &str = "/run/secrets";

/// One `--secret`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretRequest {
    /// Name or ID.
    pub source: String,
    pub how: Exposure,
}

/// How the command gets a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Exposure {
    /// As a file: an absolute path, or one below [`DIR`]; the secret's name where there is none.
    File { target: Option<String>, uid: u32, gid: u32, mode: u32 },
    /// As a variable of its environment; the secret's name where there is none.
    Variable { target: Option<String> },
}

/// A secret that a container has as a file, for its record.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SecretFile {
    pub name: String,
    /// What it was when the container was made.
    pub id: String,
    /// IDs in the container.
    pub uid: u32,
    pub gid: u32,
    pub mode: u32,
    /// Path in the container, absolute.
    pub target: PathBuf,
}

/// A secret that a container has in its environment, for its record. Its value is asked for at each start.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SecretVariable {
    pub name: String,
    /// What it was when the container was made.
    pub id: String,
    pub variable: String,
}

/// The mode of a file without another.
const MODE: u32 = 0o444;

impl SecretRequest {
    /// Reads `NAME[,type=mount|env][,target=...][,uid=...][,gid=...][,mode=...]`.
    pub fn parse(text: &str) -> Result<Self> {
        let bad = |what: String| Err(Error::new(format!("{what}: parsing secret")));
        let Some((first, _)) = text.split_once(',') else {
            if text.is_empty() {
                return bail_empty();
            }
            let how = Exposure::File { target: None, uid: 0, gid: 0, mode: MODE };
            return Ok(SecretRequest { source: text.to_owned(), how });
        };
        let mut source = if first.contains('=') { "" } else { first };
        let rest = if source.is_empty() && first.contains('=') { text } else { &text[first.len() + 1..] };
        let (mut is_variable, mut target) = (false, None);
        let (mut uid, mut gid, mut mode) = (None, None, None);
        for option in rest.split(',') {
            let Some((key, value)) = option.split_once('=') else {
                return bad(format!("option {option} must be in form option=value"));
            };
            let id = |what: &str| match value.parse::<u32>() {
                Ok(id) if id <= i32::MAX as u32 => Ok(Some(id)),
                _ => Err(Error::new(format!("{what} {value} invalid: parsing secret"))),
            };
            match key {
                "source" => source = value,
                "type" if value == "mount" || value == "env" => is_variable = value == "env",
                "type" => return bad(format!("type {value} is invalid")),
                "target" => target = Some(value.to_owned()).filter(|value| !value.is_empty()),
                "uid" | "UID" => uid = id("UID")?,
                "gid" | "GID" => gid = id("GID")?,
                "mode" => match u32::from_str_radix(value, 8) {
                    Ok(bits) if bits <= 0o7777 && !value.starts_with('+') => mode = Some(bits & 0o777),
                    _ => return bad(format!("mode {value} invalid")),
                },
                _ => return bad(format!("option {option} invalid")),
            }
        }
        if source.is_empty() {
            return bad(format!("no source found {text}"));
        }
        if is_variable {
            if uid.is_some() || gid.is_some() || mode.is_some() {
                return bad("UID, GID, Mode options cannot be set with secret type env".to_owned());
            }
            return Ok(SecretRequest { source: source.to_owned(), how: Exposure::Variable { target } });
        }
        let (uid, gid, mode) = (uid.unwrap_or(0), gid.unwrap_or(0), mode.unwrap_or(MODE));
        Ok(SecretRequest { source: source.to_owned(), how: Exposure::File { target, uid, gid, mode } })
    }
}

fn bail_empty<T>() -> Result<T> {
    bail!("the name of the secret is empty: parsing secret")
}

/// Where in the container the file of a secret of this name is.
///
/// # Errors
/// The target is the root, or no path.
pub fn path_of(name: &str, target: Option<&str>) -> Result<PathBuf> {
    let target = target.unwrap_or(name);
    let path = clean(&Path::new(DIR).join(target));
    if path == Path::new("/") || target.contains('\0') {
        bail!("`{}` cannot be the file of secret {name}", target.escape_debug());
    }
    Ok(path)
}

/// The variable in which a secret of this name is.
///
/// # Errors
/// No variable can be called so.
pub fn variable_of(name: &str, target: Option<&str>) -> Result<String> {
    let variable = target.unwrap_or(name);
    if variable.is_empty() || variable.contains(['=', '\0']) {
        bail!("no variable can be called `{}`: secret {name}", variable.escape_debug());
    }
    Ok(variable.to_owned())
}

/// The value of a variable.
///
/// # Errors
/// It cannot be one: it has a NUL byte, or is not UTF-8.
pub fn check_value(name: &str, value: &[u8]) -> Result<()> {
    if value.contains(&0) {
        return Err(Error::new(format!("secret {name} has a null byte, which no environment variable can have"))
            .hint("give it as a file: type=mount"));
    }
    if str::from_utf8(value).is_err() {
        return Err(Error::new(format!("secret {name} is not UTF-8, as environment variables have to be"))
            .hint("give it as a file: type=mount"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests() {
        let file =
            |target: Option<&str>, uid, gid, mode| Exposure::File { target: target.map(str::to_owned), uid, gid, mode };
        let variable = |target: Option<&str>| Exposure::Variable { target: target.map(str::to_owned) };
        for (text, source, how) in [
            ("a", "a", file(None, 0, 0, 0o444)),
            ("source=a", "source=a", file(None, 0, 0, 0o444)),
            ("source=a,target=q", "a", file(Some("q"), 0, 0, 0o444)),
            ("a,target=/x/y,uid=5,gid=6,mode=0400", "a", file(Some("/x/y"), 5, 6, 0o400)),
            ("a,mode=07777", "a", file(None, 0, 0, 0o777)),
            ("a,type=mount,target=", "a", file(None, 0, 0, 0o444)),
            ("a,type=env", "a", variable(None)),
            ("a,type=env,target=A", "a", variable(Some("A"))),
        ] {
            assert_eq!(SecretRequest::parse(text), Ok(SecretRequest { source: source.to_owned(), how }), "{text}");
        }
        for (text, want) in [
            ("", "the name of the secret is empty"),
            (",type=env", "no source found ,type=env"),
            ("type=env,target=x", "no source found type=env,target=x"),
            ("a,type=nope", "type nope is invalid"),
            ("a,bogus=1", "option bogus=1 invalid"),
            ("a,uid", "option uid must be in form option=value"),
            ("a,uid=x", "UID x invalid"),
            ("a,gid=4294967295", "GID 4294967295 invalid"),
            ("a,mode=999", "mode 999 invalid"),
            ("a,mode=77777", "mode 77777 invalid"),
            ("a,type=env,uid=5", "UID, GID, Mode options cannot be set with secret type env"),
        ] {
            assert_eq!(
                SecretRequest::parse(text).unwrap_err().to_string(),
                format!("{want}: parsing secret"),
                "{text}"
            );
        }
    }

    #[test]
    fn places() {
        for (target, want) in [
            (None, "/run/secrets/a"),
            (Some("b/c"), "/run/secrets/b/c"),
            (Some("/x"), "/x"),
            (Some("../../etc/foo"), "/etc/foo"),
            (Some("./b//c/"), "/run/secrets/b/c"),
        ] {
            assert_eq!(path_of("a", target).unwrap(), Path::new(want));
        }
        assert!(path_of("a", Some("/")).is_err() && path_of("a", Some("../..")).is_err());
        assert_eq!(variable_of("b.c", None).unwrap(), "b.c");
        assert!(variable_of("a", Some("A=B")).is_err());
        assert!(
            check_value("a", b"x\n").is_ok() && check_value("a", b"x\0").is_err() && check_value("a", b"\xff").is_err()
        );
    }

    proptest::proptest! {
        #[test]
        fn never_panics(text in "[a,=é/.]{0,12}|(a,)?(type|uid|gid|mode|target|source)=.{0,8}") {
            let _ = SecretRequest::parse(&text);
            let _ = path_of(&text, Some(&text));
        }
    }
}
