//! /etc/subuid and /etc/subgid (subuid(5)): which IDs beyond their own a user may map.

/// Consecutive IDs on the host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Range {
    pub start: u32,
    pub count: u32,
}

/// A line that cannot be used: its number (from 1) and what is wrong with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Malformed {
    pub line: usize,
    pub reason: &'static str,
}

/// The ranges of the user with this name or ID, in file order.
///
/// # Errors
/// The first malformed line that is this user's; those of others do not matter.
pub fn ranges(content: &str, name: &str, id: u32) -> Result<Vec<Range>, Malformed> {
    let id = id.to_string();
    let mut found = Vec::new();
    for (index, line) in content.lines().enumerate() {
        let line = line.trim();
        let mut fields = line.split(':');
        let owner = fields.next().unwrap_or_default();
        if line.is_empty() || line.starts_with('#') || (owner != name && owner != id) {
            continue;
        }
        let malformed = |reason| Malformed { line: index + 1, reason };
        let (Some(start), Some(count), None) = (fields.next(), fields.next(), fields.next()) else {
            return Err(malformed("it is not of the form NAME:START:COUNT"));
        };
        let start: u32 = start.parse().map_err(|_| malformed("the start is not a number"))?;
        let count: u32 = count.parse().map_err(|_| malformed("the count is not a number"))?;
        if count == 0 {
            return Err(malformed("the count is 0"));
        }
        if start == 0 || start.checked_add(count).is_none() {
            return Err(malformed("the range is outside of what can be mapped"));
        }
        found.push(Range { start, count });
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_by_name_and_by_id_and_ignores_others() {
        let content = "# comment\nroot:1:2\ndev:100000:65536\n\n1001:300000:10\nother:x:y\n";
        let expected = vec![Range { start: 100_000, count: 65536 }, Range { start: 300_000, count: 10 }];
        assert_eq!(ranges(content, "dev", 1001), Ok(expected));
        assert_eq!(ranges(content, "nobody", 65534), Ok(vec![]));
    }

    #[test]
    fn malformed_lines_of_the_user_are_named() {
        for (content, line) in [
            ("dev:100000", 1),
            ("\ndev:a:1", 2),
            ("dev:1:b", 1),
            ("dev:1:0", 1),
            ("dev:4294967295:2", 1),
            ("dev:0:5", 1),
            ("dev:1:2:3", 1),
            ("dev:-1:5", 1),
        ] {
            assert_eq!(ranges(content, "dev", 1001).map_err(|e| e.line), Err(line), "{content}");
        }
    }
}
