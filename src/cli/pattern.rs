//! The regular expressions of `--filter name=...`, as far as names and IDs need them: literals, `.`, `^`, `$`, `*`, `+`,
//! `?`, `[a-z]` and `\`. A full engine would weigh more than all of this room. Groups, alternatives and counts are
//! refused, not misread.

use crate::bail;
use crate::error::Result;

/// A parsed expression. It matches anywhere in a text, unless anchored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    start: bool,
    end: bool,
    items: Vec<Item>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Item {
    what: What,
    least: usize,
    many: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum What {
    Any,
    One(char),
    Class { ranges: Vec<(char, char)>, negated: bool },
}

impl What {
    fn matches(&self, c: char) -> bool {
        match self {
            What::Any => true,
            What::One(one) => *one == c,
            What::Class { ranges, negated } => ranges.iter().any(|(a, b)| (*a..=*b).contains(&c)) != *negated,
        }
    }
}

impl Pattern {
    /// Parses an expression.
    pub fn parse(text: &str) -> Result<Self> {
        let (start, mut rest) = match text.strip_prefix('^') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let end = rest.ends_with('$') && !rest.ends_with("\\$");
        if end {
            rest = rest.get(..rest.len() - 1).unwrap_or_default();
        }
        let mut items: Vec<Item> = Vec::new();
        let mut chars = rest.chars();
        while let Some(c) = chars.next() {
            let what = match c {
                '*' | '+' | '?' => {
                    let Some(item) = items.last_mut().filter(|item| item.least == 1 && !item.many) else {
                        bail!("`{c}` repeats nothing in the expression `{text}`");
                    };
                    (item.least, item.many) = (usize::from(c == '+'), c != '?');
                    continue;
                }
                '(' | ')' | '|' | '{' | '}' | '^' | '$' => {
                    bail!("`{c}` is not supported in the expression `{text}`")
                }
                '\\' => match chars.next() {
                    Some(c) if c.is_ascii_alphanumeric() => {
                        bail!("`\\{c}` is not supported in the expression `{text}`")
                    }
                    Some(c) => What::One(c),
                    None => bail!("nothing follows the last `\\` in the expression `{text}`"),
                },
                '.' => What::Any,
                '[' => match class(&mut chars) {
                    Some(class) => class,
                    None => bail!("`[` is not closed, or its range is the wrong way round, in the expression `{text}`"),
                },
                c => What::One(c),
            };
            items.push(Item { what, least: 1, many: false });
        }
        Ok(Pattern { start, end, items })
    }

    /// Whether the expression matches.
    pub fn matches(&self, text: &str) -> bool {
        let text: Vec<char> = text.chars().collect();
        // The set of items that could come next, as in a Thompson machine, so that no text takes long.
        let mut states = vec![false; self.items.len() + 1];
        let mut at = 0;
        loop {
            if at == 0 || !self.start {
                mark(&mut states, 0);
            }
            self.skip_optional(&mut states);
            if states.last() == Some(&true) && (!self.end || at == text.len()) {
                return true;
            }
            let Some(c) = text.get(at) else { return false };
            states = self.step(&states, *c);
            at += 1;
        }
    }

    fn skip_optional(&self, states: &mut [bool]) {
        for (i, item) in self.items.iter().enumerate() {
            if item.least == 0 && states.get(i) == Some(&true) {
                mark(states, i + 1);
            }
        }
    }

    fn step(&self, states: &[bool], c: char) -> Vec<bool> {
        let mut next = vec![false; states.len()];
        for (i, item) in self.items.iter().enumerate() {
            if states.get(i) == Some(&true) && item.what.matches(c) {
                mark(&mut next, i + 1);
                if item.many {
                    // It may come again, without being needed again.
                    mark(&mut next, i);
                }
            }
        }
        next
    }
}

fn mark(states: &mut [bool], i: usize) {
    if let Some(state) = states.get_mut(i) {
        *state = true;
    }
}

/// What follows a `[`, up to its `]`.
fn class(chars: &mut std::str::Chars<'_>) -> Option<What> {
    let negated = chars.as_str().starts_with('^');
    if negated {
        chars.next();
    }
    let mut ranges = Vec::new();
    loop {
        let first = match chars.next()? {
            ']' if !ranges.is_empty() => return Some(What::Class { ranges, negated }),
            '\\' => chars.next()?,
            c => c,
        };
        let mut ahead = chars.clone();
        let last = match (ahead.next(), ahead.next()) {
            (Some('-'), Some(last)) if last != ']' => {
                *chars = ahead;
                last
            }
            _ => first,
        };
        if last < first {
            return None;
        }
        ranges.push((first, last));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions() {
        for (pattern, text, want) in [
            ("", "x", true),
            ("web", "my-web-1", true),
            ("^web", "my-web", false),
            ("^web$", "web", true),
            ("web$", "web1", false),
            ("w.b", "wib", true),
            ("^a*$", "", true),
            ("^a*b$", "aaab", true),
            ("^a+$", "", false),
            ("^a+$", "aaa", true),
            ("^ab?c$", "ac", true),
            ("^ab?c$", "abbc", false),
            ("^.*x.*y$", "1x2y", true),
            ("^web-[0-9]+$", "web-42", true),
            ("^web-[0-9]+$", "web-4x", false),
            ("^[^a-c]$", "b", false),
            ("^[a\\]]$", "]", true),
            ("^[a-]+$", "a-a", true),
            ("a\\.b", "axb", false),
            ("a\\.b", "a.b", true),
            ("cost\\$", "cost$", true),
            ("^(a*)*$", "", false),
        ] {
            match Pattern::parse(pattern) {
                Ok(parsed) => assert_eq!(parsed.matches(text), want, "{pattern} on {text}"),
                Err(_) => assert!(pattern.contains('('), "{pattern}"),
            }
        }
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        for bad in ["*a", "a**", "a|b", "(a)", "a{2}", "[a", "[z-a]", "[]", "a\\", "\\d", "a^b", "+"] {
            assert!(Pattern::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn long_texts_do_not_take_long() {
        let pattern = Pattern::parse(&format!("{}b$", "a*".repeat(40))).unwrap();
        assert!(!pattern.matches(&"a".repeat(10_000)));
    }
}
