//! The two kinds of patterns that filters take: shell globs for image references, and small regular expressions for names.

/// Whether a shell glob matches all of `text`: `*` and `?` stop at `/`, `[a-z]`, `[^a-z]`, and `\` before anything.
pub fn glob(pattern: &str, text: &str) -> bool {
    let pattern: Vec<char> = pattern.chars().collect();
    let text: Vec<char> = text.chars().collect();
    // The last `*`, and how much of the text it has taken: only this one ever needs another try.
    let (mut p, mut t, mut star) = (0, 0, None);
    while let Some(&c) = text.get(t) {
        let step = match pattern.get(p) {
            Some('*') => {
                star = Some((p, t));
                p += 1;
                continue;
            }
            Some(_) => glob_one(&pattern, p, c),
            None => None,
        };
        match (step, star) {
            (Some(next), _) => (p, t) = (next, t + 1),
            (None, Some((star_p, star_t))) if text.get(star_t) != Some(&'/') => {
                star = Some((star_p, star_t + 1));
                (p, t) = (star_p + 1, star_t + 1);
            }
            (None, _) => return false,
        }
    }
    pattern.get(p..).is_some_and(|rest| rest.iter().all(|c| *c == '*'))
}

/// Matches one character with what stands at `p`, and returns where the pattern goes on.
fn glob_one(pattern: &[char], p: usize, c: char) -> Option<usize> {
    match *pattern.get(p)? {
        '?' => (c != '/').then_some(p + 1),
        '[' => match class(pattern, p) {
            Some((matches, end)) => (c != '/' && matches(c)).then_some(end),
            None => None,
        },
        '\\' => (*pattern.get(p + 1)? == c).then_some(p + 2),
        literal => (literal == c).then_some(p + 1),
    }
}

/// Reads the character class that begins at `start`; the end is behind its `]`.
fn class(pattern: &[char], start: usize) -> Option<(impl Fn(char) -> bool + use<>, usize)> {
    let mut at = start + 1;
    let negated = matches!(pattern.get(at), Some('^' | '!'));
    at += usize::from(negated);
    let mut ranges = Vec::new();
    loop {
        let mut first = *pattern.get(at)?;
        if first == ']' && !ranges.is_empty() {
            break;
        }
        if first == '\\' {
            at += 1;
            first = *pattern.get(at)?;
        }
        at += 1;
        let mut last = first;
        if pattern.get(at) == Some(&'-') && pattern.get(at + 1).is_some_and(|c| *c != ']') {
            last = *pattern.get(at + 1)?;
            at += 2;
        }
        ranges.push((first, last));
    }
    Some((move |c| ranges.iter().any(|(a, b)| (*a..=*b).contains(&c)) != negated, at + 1))
}

/// Whether a regular expression matches somewhere in `text`.
///
/// Literals, `.`, classes, `\d \w \s`, groups, `|`, `* + ?`, `^` and `$`. `None` when the expression is malformed, or
/// needs more steps than any sane one.
pub fn regex(expression: &str, text: &str) -> Option<bool> {
    let pattern: Vec<char> = expression.chars().collect();
    let mut parser = Parser { pattern: &pattern, at: 0, depth: 0 };
    let node = parser.alternatives()?;
    if parser.at != pattern.len() {
        return None;
    }
    let text: Vec<char> = text.chars().collect();
    let mut matcher = Matcher { text: &text, steps: 200_000 };
    for start in 0..=text.len() {
        if matcher.node(&node, start, &mut |_, _| true)? {
            return Some(true);
        }
    }
    Some(false)
}

type CharTest = Box<dyn Fn(char) -> bool>;

enum Regex {
    Start,
    End,
    One(CharTest),
    Sequence(Vec<Regex>),
    Either(Vec<Regex>),
    Repeat { inner: Box<Regex>, at_least: usize, at_most: Option<usize> },
}

struct Parser<'a> {
    pattern: &'a [char],
    at: usize,
    depth: usize,
}

impl Parser<'_> {
    fn peek(&self) -> Option<char> {
        self.pattern.get(self.at).copied()
    }

    fn alternatives(&mut self) -> Option<Regex> {
        let mut branches = vec![self.sequence()?];
        while self.peek() == Some('|') {
            self.at += 1;
            branches.push(self.sequence()?);
        }
        Some(Regex::Either(branches))
    }

    fn sequence(&mut self) -> Option<Regex> {
        let mut items = Vec::new();
        while let Some(c) = self.peek().filter(|c| !matches!(c, '|' | ')')) {
            let item = self.atom(c)?;
            let (at_least, at_most) = match self.peek() {
                Some('*') => (0, None),
                Some('+') => (1, None),
                Some('?') => (0, Some(1)),
                _ => {
                    items.push(item);
                    continue;
                }
            };
            self.at += 1;
            // Lazy or not makes no difference to whether there is a match.
            self.at += usize::from(self.peek() == Some('?'));
            items.push(Regex::Repeat { inner: Box::new(item), at_least, at_most });
        }
        Some(Regex::Sequence(items))
    }

    fn atom(&mut self, c: char) -> Option<Regex> {
        if c == '[' {
            let (test, end) = class(self.pattern, self.at)?;
            self.at = end;
            return Some(Regex::One(Box::new(test)));
        }
        self.at += 1;
        match c {
            '^' => Some(Regex::Start),
            '$' => Some(Regex::End),
            '.' => Some(Regex::One(Box::new(|c| c != '\n'))),
            '(' => {
                self.depth += 1;
                if self.depth > 50 {
                    return None;
                }
                if self.pattern.get(self.at..self.at + 2) == Some(&['?', ':']) {
                    self.at += 2;
                }
                let inner = self.alternatives()?;
                self.depth -= 1;
                (self.peek()? == ')').then(|| self.at += 1)?;
                Some(inner)
            }
            '*' | '+' | '?' => None,
            '\\' => {
                let escaped = self.peek()?;
                self.at += 1;
                let test: CharTest = match escaped {
                    'd' => Box::new(|c| c.is_ascii_digit()),
                    'w' => Box::new(|c| c.is_ascii_alphanumeric() || c == '_'),
                    's' => Box::new(char::is_whitespace),
                    c if c.is_ascii_alphanumeric() => return None,
                    c => Box::new(move |x| x == c),
                };
                Some(Regex::One(test))
            }
            c => Some(Regex::One(Box::new(move |x| x == c))),
        }
    }
}

struct Matcher<'a> {
    text: &'a [char],
    steps: u32,
}

/// What comes after: called with the place that was reached.
type Continue<'a, 'b> = &'a mut dyn FnMut(&mut Matcher<'b>, usize) -> bool;

impl<'b> Matcher<'b> {
    /// `None` when the steps are used up.
    fn node(&mut self, node: &Regex, at: usize, then: Continue<'_, 'b>) -> Option<bool> {
        let found = self.try_node(node, at, then);
        (self.steps > 0).then_some(found)
    }

    fn try_node(&mut self, node: &Regex, at: usize, then: Continue<'_, 'b>) -> bool {
        self.steps = self.steps.saturating_sub(1);
        if self.steps == 0 {
            return false;
        }
        match node {
            Regex::Start => at == 0 && then(self, at),
            Regex::End => at == self.text.len() && then(self, at),
            Regex::One(test) => self.text.get(at).is_some_and(|c| test(*c)) && then(self, at + 1),
            Regex::Sequence(items) => self.sequence(items, at, then),
            Regex::Either(branches) => branches.iter().any(|branch| self.try_node(branch, at, then)),
            Regex::Repeat { inner, at_least, at_most } => self.repeat(inner, *at_least, *at_most, at, then),
        }
    }

    fn sequence(&mut self, items: &[Regex], at: usize, then: Continue<'_, 'b>) -> bool {
        match items.split_first() {
            None => then(self, at),
            Some((first, rest)) => self.try_node(first, at, &mut |matcher, at| matcher.sequence(rest, at, then)),
        }
    }

    fn repeat(
        &mut self,
        inner: &Regex,
        at_least: usize,
        at_most: Option<usize>,
        at: usize,
        then: Continue<'_, 'b>,
    ) -> bool {
        let again = at_most != Some(0)
            && self.try_node(inner, at, &mut |matcher, next| {
                // A turn that takes nothing would go on for ever.
                next > at && matcher.repeat(inner, at_least.saturating_sub(1), at_most.map(|n| n - 1), next, then)
            });
        again || (at_least == 0 && then(self, at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn globs_match_whole_texts() {
        let cases = [
            ("busybox", "busybox", true),
            ("busybox", "busybox2", false),
            ("*busy*", "xbusyy", true),
            ("*", "a/b", false),
            ("*/*:latest", "localhost/x:latest", true),
            ("*/b", "a/a/b", false),
            ("a*b*c", "aXbXbXc", true),
            ("l?calhost/[a-c]x", "localhost/bx", true),
            ("[^a]x", "ax", false),
            ("\\*", "*", true),
            ("[", "[", false),
            ("**", "", true),
            ("", "", true),
        ];
        for (pattern, text, want) in cases {
            assert_eq!(glob(pattern, text), want, "{pattern} {text}");
        }
    }

    #[test]
    fn regular_expressions_match_somewhere() {
        let cases = [
            ("web", "my-web-1", Some(true)),
            ("^web$", "web2", Some(false)),
            ("^web$", "web", Some(true)),
            ("^(web|db)[0-9]+$", "db12", Some(true)),
            ("^(web|db)[0-9]+$", "db", Some(false)),
            ("a.*c", "xaBBcx", Some(true)),
            ("a\\.b", "axb", Some(false)),
            ("\\w+-\\d", "web-1", Some(true)),
            ("(a*)*b", "aaab", Some(true)),
            ("x?y", "y", Some(true)),
            ("", "anything", Some(true)),
            ("(", "x", None),
            ("*", "x", None),
            (")", "x", None),
            ("[a", "x", None),
        ];
        for (expression, text, want) in cases {
            assert_eq!(regex(expression, text), want, "{expression} {text}");
        }
        assert_eq!(regex("(a|aa)*$", &"a".repeat(60).replace('a', "ab")), Some(true));
        assert_eq!(regex("^(a|aa)*c$", &"a".repeat(80)), None, "too many steps end");
    }
}
