//! Column headings: the field's name with its words apart and in capitals, unless the listing has its own word for it.

/// The headings of a listing that differ from the field's name, such as `("ID", "CONTAINER ID")`.
pub type Overrides = &'static [(&'static str, &'static str)];

/// The heading of a field.
pub fn heading(field: &str, overrides: Overrides) -> String {
    match overrides.iter().find(|(name, _)| *name == field) {
        Some((_, heading)) => (*heading).to_owned(),
        None => words(field).join(" ").to_uppercase(),
    }
}

/// Splits `RepoTags` into `Repo`, `Tags`; a run of capitals is one word (`ImageID` is `Image`, `ID`).
fn words(name: &str) -> Vec<String> {
    let chars: Vec<char> = name.chars().collect();
    let mut words: Vec<String> = Vec::new();
    for (i, &c) in chars.iter().enumerate() {
        let before = i.checked_sub(1).and_then(|i| chars.get(i));
        let after = chars.get(i + 1);
        let begins = match before {
            None => true,
            Some(before) if c.is_uppercase() => {
                !before.is_uppercase() || after.is_some_and(|after| after.is_lowercase())
            }
            Some(before) => c.is_ascii_digit() != before.is_ascii_digit(),
        };
        match words.last_mut() {
            Some(word) if !begins => word.push(c),
            _ => words.push(c.to_string()),
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headings_are_words_in_capitals() {
        let cases = [
            ("Names", "NAMES"),
            ("ImageID", "IMAGE ID"),
            ("CreatedAt", "CREATED AT"),
            ("RepoTags", "REPO TAGS"),
            ("CIDFile", "CID FILE"),
            ("ID", "CONTAINER ID"),
        ];
        for (field, want) in cases {
            assert_eq!(heading(field, &[("ID", "CONTAINER ID")]), want, "{field}");
        }
    }
}
