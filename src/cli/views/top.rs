//! `top`: the processes of a container as a table.

use crate::cli::format::table::Table;
use crate::error::Result;

/// Aligns rows, the first of which holds the headings.
///
/// # Errors
/// When the rows cannot be aligned.
pub fn render(rows: &[Vec<String>]) -> Result<String> {
    let mut table = Table::new();
    for row in rows {
        table.row(row);
    }
    table.render()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_that_of_the_sample() {
        let row = |cells: &[&str]| cells.iter().map(|&cell| cell.to_owned()).collect::<Vec<_>>();
        let rows = [
            row(&["USER", "PID", "PPID", "%CPU", "ELAPSED", "TTY", "TIME", "COMMAND"]),
            row(&["root", "1", "0", "0.000", "2.933185154s", "?", "0s", "sleep 1000 "]),
            row(&["root", "2", "0", "0.000", "1.933325347s", "?", "0s", "sleep 500 "]),
        ];
        assert_eq!(render(&rows).unwrap(), include_str!("../../../tests/data/samples/top.txt"));
    }
}
