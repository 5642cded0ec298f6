//! `type=glob`: one bind mount for each path of the host that fits a pattern, as Go's filepath.Glob understands it.

use std::path::{Path, PathBuf};

use crate::bail;
use crate::error::{Context as _, Result};

/// More would be a mistake, and take long to mount.
const MAX_MATCHES: usize = 10_000;

/// The paths that fit `pattern`, sorted; a relative pattern starts at `cwd`.
///
/// # Errors
/// The pattern is malformed, fits nothing, or fits more than [`MAX_MATCHES`] paths.
pub(super) fn expand(pattern: &str, cwd: &Path) -> Result<Vec<PathBuf>> {
    let mut found = vec![if pattern.starts_with('/') { PathBuf::from("/") } else { cwd.to_owned() }];
    for part in pattern.split('/').filter(|part| !part.is_empty() && *part != ".") {
        // A malformed pattern is one even where there is nothing to compare it with.
        let tokens = tokens(part).with_context(|| format!("pattern `{pattern}`"))?;
        let mut next = Vec::new();
        for dir in &found {
            step(dir, part, &tokens, &mut next);
            if next.len() > MAX_MATCHES {
                bail!("more than {MAX_MATCHES} file paths match glob \"{pattern}\"");
            }
        }
        found = next;
    }
    if found.is_empty() {
        bail!("no file paths matching glob \"{pattern}\"");
    }
    found.sort();
    Ok(found)
}

/// What of `dir` fits one component. Directories that cannot be read have nothing that fits.
fn step(dir: &Path, part: &str, tokens: &[Token], next: &mut Vec<PathBuf>) {
    if !part.contains(['*', '?', '[', '\\']) {
        let path = dir.join(part);
        if path.symlink_metadata().is_ok() {
            next.push(path);
        }
        return;
    }
    let names = std::fs::read_dir(dir).into_iter().flatten().flatten().map(|entry| entry.file_name());
    let fits = names.filter(|name| name.to_str().is_some_and(|name| fits(tokens, &name.chars().collect::<Vec<_>>())));
    next.extend(fits.map(|name| dir.join(name)).take(MAX_MATCHES + 1));
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    Char(char),
    Any,
    Star,
    /// `[a-z]`, `[^a-z]`.
    Class {
        ranges: Vec<(char, char)>,
        negated: bool,
    },
}

impl Token {
    fn is(&self, c: char) -> bool {
        match self {
            Token::Char(own) => *own == c,
            Token::Any => true,
            Token::Star => false,
            Token::Class { ranges, negated } => ranges.iter().any(|(a, b)| (*a..=*b).contains(&c)) != *negated,
        }
    }
}

fn tokens(part: &str) -> Result<Vec<Token>> {
    let mut tokens = Vec::new();
    let mut chars = part.chars().peekable();
    while let Some(c) = chars.next() {
        tokens.push(match c {
            '*' => Token::Star,
            '?' => Token::Any,
            '[' => {
                let negated = chars.next_if_eq(&'^').is_some();
                let mut ranges = Vec::new();
                loop {
                    match chars.next() {
                        Some(']') if !ranges.is_empty() => break,
                        Some(']' | '-') | None => bail!("syntax error in pattern"),
                        Some(c) => {
                            let low = literal(c, &mut chars)?;
                            let high = match chars.next_if_eq(&'-') {
                                Some(_) => match chars.next() {
                                    Some(']' | '-') | None => bail!("syntax error in pattern"),
                                    Some(c) => literal(c, &mut chars)?,
                                },
                                None => low,
                            };
                            ranges.push((low, high));
                        }
                    }
                }
                Token::Class { ranges, negated }
            }
            c => Token::Char(literal(c, &mut chars)?),
        });
    }
    Ok(tokens)
}

/// A character, or the one behind a backslash.
fn literal(c: char, chars: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Result<char> {
    match c {
        '\\' => match chars.next() {
            Some(c) => Ok(c),
            None => bail!("syntax error in pattern"),
        },
        c => Ok(c),
    }
}

/// Wildcard matching in linear space: on a mismatch, the last star takes one character more.
fn fits(tokens: &[Token], text: &[char]) -> bool {
    let (mut p, mut t) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while let Some(&c) = text.get(t) {
        match (tokens.get(p), star) {
            (Some(Token::Star), _) => {
                star = Some((p, t));
                p += 1;
            }
            (Some(token), _) if token.is(c) => (p, t) = (p + 1, t + 1),
            (_, Some((at, taken))) => {
                star = Some((at, taken + 1));
                (p, t) = (at + 1, taken + 1);
            }
            _ => return false,
        }
    }
    tokens.iter().skip(p).all(|token| *token == Token::Star)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns() {
        let is = |pattern: &str, text: &str| fits(&tokens(pattern).unwrap(), &text.chars().collect::<Vec<_>>());
        for (pattern, text, want) in [
            ("*", "", true),
            ("a*c", "abbc", true),
            ("a*c", "abbd", false),
            ("*.so*", "libx.so.1", true),
            ("?", "ä", true),
            ("[a-c]x", "bx", true),
            ("[^a-c]x", "bx", false),
            ("\\*", "*", true),
            ("\\*", "a", false),
            ("a**b", "ab", true),
        ] {
            assert_eq!(is(pattern, text), want, "{pattern} {text}");
        }
        for bad in ["[", "[]", "[a", "[a-]", "\\", "[-a]"] {
            assert!(tokens(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn paths() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["b1", "a1", "c2", ".h1"] {
            std::fs::create_dir_all(dir.path().join(name).join("in")).unwrap();
        }
        let names = |pattern: &str| -> Vec<String> {
            let found = expand(pattern, dir.path()).unwrap();
            found.iter().map(|p| p.strip_prefix(dir.path()).unwrap().display().to_string()).collect()
        };
        assert_eq!(names("*1"), [".h1", "a1", "b1"]);
        assert_eq!(names("./[ab]*/in"), ["a1/in", "b1/in"]);
        assert_eq!(names(&format!("{}/c?", dir.path().display())), ["c2"]);
        assert_eq!(expand("x*", dir.path()).unwrap_err().to_string(), "no file paths matching glob \"x*\"");
        assert!(expand("[", dir.path()).is_err());
    }

    proptest::proptest! {
        #[test]
        fn never_panics(pattern in ".{0,12}", text in ".{0,12}") {
            if let Ok(tokens) = tokens(&pattern) {
                let _ = fits(&tokens, &text.chars().collect::<Vec<_>>());
            }
        }
    }
}
