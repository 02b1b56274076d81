//! To standard output. A reader that closes the pipe early is no failure.

use super::{Done, Failure};
use serde::Serialize;
use std::io::{self, ErrorKind, Write};

pub(super) fn text(text: &str) -> Done {
    match io::stdout().lock().write_all(text.as_bytes()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(Failure::Runtime(format!(
            "standard output cannot be written: {error}"
        ))),
        _ => Ok(()),
    }
}

pub(super) fn line(line: &str) -> Done {
    text(&format!("{line}\n"))
}

pub(super) fn json<T: Serialize>(value: &T) -> Done {
    line(&serde_json::to_string_pretty(value)?)
}

/// Rows under a heading, each column as wide as its widest cell.
pub(super) fn table(heading: &[&str], rows: &[Vec<String>]) -> Done {
    let mut widths: Vec<usize> = heading.iter().map(|cell| cell.chars().count()).collect();
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let mut lines = String::new();
    let heading = heading.iter().map(ToString::to_string).collect();
    for row in std::iter::once(&heading).chain(rows) {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(&widths) {
            line.push_str(cell);
            let gap = width - cell.chars().count() + 2;
            line.extend(std::iter::repeat_n(' ', gap));
        }
        lines.push_str(line.trim_end());
        lines.push('\n');
    }
    text(&lines)
}
