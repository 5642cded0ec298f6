//! Tables with elastic columns: at least ten characters wide, two spaces apart, the last column not padded.

use std::io::Write as _;

use tabwriter::TabWriter;

use crate::error::{Error, Result};

/// Aligns text whose cells are separated by tabs.
pub fn align(text: &str) -> Result<String> {
    let mut writer = TabWriter::new(Vec::with_capacity(text.len() * 2)).minwidth(10).padding(2);
    writer.write_all(text.as_bytes())?;
    writer.flush()?;
    let bytes = writer.into_inner().map_err(|e| Error::new(e.to_string()).wrap("aligning the table"))?;
    String::from_utf8(bytes).map_err(|e| Error::new(e.to_string()).wrap("aligning the table"))
}

/// Rows of cells, made into an aligned table at the end.
#[derive(Debug, Default)]
pub struct Table {
    text: String,
}

impl Table {
    /// A table without rows.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a row. Characters that would begin another cell or line are shown as spaces.
    pub fn row<I: IntoIterator<Item = S>, S: AsRef<str>>(&mut self, cells: I) {
        for (i, cell) in cells.into_iter().enumerate() {
            if i > 0 {
                self.text.push('\t');
            }
            let spaced = |c: char| if matches!(c, '\t' | '\n' | '\r' | '\x0b' | '\x0c') { ' ' } else { c };
            self.text.extend(cell.as_ref().chars().map(spaced));
        }
        self.text.push('\n');
    }

    /// The aligned text.
    pub fn render(&self) -> Result<String> {
        align(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_twelve_wide_or_as_wide_as_needed() {
        let mut table = Table::new();
        table.row(["POD ID", "NAME", "STATUS", "CREATED"]);
        table.row(["3be8b20f125b", "mypod", "Running", "1 second ago"]);
        table.row(["3be8b20f125c", "a\nb", "", "now"]);
        assert_eq!(
            table.render().unwrap(),
            "POD ID        NAME        STATUS      CREATED\n\
             3be8b20f125b  mypod       Running     1 second ago\n\
             3be8b20f125c  a b                     now\n"
        );
    }
}
