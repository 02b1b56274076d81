//! Lists of users in CSV (RFC 4180), as an administrator imports them.
//!
//! [`read`] is pure: the portal's preview and `ponte-gateway import-users` say the same of a file. What depends on the
//! site, e.g. whether an extension is taken, the gateway says afterwards. `docs/operating.md` has the columns.

mod columns;

pub use columns::NAMES as COLUMNS;

use columns::Columns;
use ponte_protocol::UserId;
use ponte_protocol::admin::{ProblemKind, UserSettings};
use std::collections::HashSet;

/// The most users of one file.
pub const ROWS_MAX: usize = 10_000;
/// The longest file, in bytes.
pub const FILE_MAX: usize = 8 * 1024 * 1024;

/// A user of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The line on which it begins, from 1.
    pub line: u64,
    pub settings: UserSettings,
}

/// What is wrong with one field of one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineProblem {
    /// From 1.
    pub line: u64,
    /// The column, e.g. `extension`; empty where it is the line as a whole.
    pub field: String,
    pub kind: ProblemKind,
}

/// A file that was read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Roster {
    /// The lines that nothing is wrong with, in the order of the file.
    pub rows: Vec<Row>,
    /// In the order of the file.
    pub problems: Vec<LineProblem>,
}

/// Reads a file. The first line names the columns, in any order; they are parted by commas, semicolons or tabs. A user
/// whom `known` has keeps what the file has no column for; a new one gets what holds where nothing else is said.
pub fn read(text: &str, known: impl Fn(&UserId) -> Option<UserSettings>) -> Roster {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let whole = |line, kind| LineProblem {
        line,
        field: String::new(),
        kind,
    };
    if text.len() > FILE_MAX {
        return Roster {
            problems: vec![whole(1, ProblemKind::OutOfRange)],
            ..Roster::default()
        };
    }
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(delimiter(text))
        .flexible(true)
        .trim(csv::Trim::All)
        .from_reader(text.as_bytes());
    let columns = match reader.headers().map(Columns::of) {
        Ok(Ok(columns)) => columns,
        Ok(Err(problems)) => {
            return Roster {
                problems,
                ..Roster::default()
            };
        }
        Err(_) => {
            return Roster {
                problems: vec![whole(1, ProblemKind::Malformed)],
                ..Roster::default()
            };
        }
    };
    let mut roster = Roster::default();
    let mut taken = Taken::default();
    let mut lines = Lines::of(text);
    for record in reader.records() {
        let record = match record {
            Ok(record) => record,
            Err(error) => {
                let line = lines.at(error.position());
                roster.problems.push(whole(line, ProblemKind::Malformed));
                continue;
            }
        };
        let line = lines.at(record.position());
        if record.iter().all(str::is_empty) {
            continue;
        }
        if roster.rows.len() >= ROWS_MAX {
            roster.problems.push(whole(line, ProblemKind::OutOfRange));
            break;
        }
        match columns.row(&record, &known) {
            Ok(settings) => {
                let again = taken.twice(&settings);
                if again.is_empty() {
                    roster.rows.push(Row { line, settings });
                }
                roster.problems.extend(again.into_iter().map(|field| LineProblem {
                    line,
                    field: field.to_owned(),
                    kind: ProblemKind::Taken,
                }));
            }
            Err(problems) => {
                roster
                    .problems
                    .extend(problems.into_iter().map(|(field, kind)| LineProblem {
                        line,
                        field: field.to_owned(),
                        kind,
                    }));
            }
        }
    }
    roster
}

/// Finds the lines of records, which come in order. The reader's own count is of where it began to look, which may be
/// the end of the line before, or an empty line.
struct Lines<'a> {
    text: &'a [u8],
    /// Up to where lines were counted.
    counted: usize,
    line: u64,
}

impl<'a> Lines<'a> {
    fn of(text: &'a str) -> Self {
        Self {
            text: text.as_bytes(),
            counted: 0,
            line: 1,
        }
    }

    fn at(&mut self, position: Option<&csv::Position>) -> u64 {
        let looked = position
            .and_then(|position| usize::try_from(position.byte()).ok())
            .unwrap_or(self.counted);
        let rest = self.text.get(looked..).unwrap_or_default();
        let skipped = rest.iter().take_while(|byte| b"\r\n".contains(byte)).count();
        let start = looked + skipped;
        let passed = self.text.get(self.counted..start).unwrap_or_default();
        self.line += passed.split(|byte| *byte == b'\n').skip(1).count() as u64;
        self.counted = self.counted.max(start);
        self.line
    }
}

/// What parts the columns: whichever of the usual characters the first line has most of.
fn delimiter(text: &str) -> u8 {
    let first = text.lines().next().unwrap_or_default();
    let count = |delimiter: u8| first.bytes().filter(|byte| *byte == delimiter).count();
    [b',', b';', b'\t']
        .into_iter()
        .rev()
        .max_by_key(|delimiter| count(*delimiter))
        .unwrap_or(b',')
}

/// Names and extensions that lines of before have.
#[derive(Default)]
struct Taken(HashSet<(&'static str, String)>);

impl Taken {
    fn twice(&mut self, settings: &UserSettings) -> Vec<&'static str> {
        let mut twice = Vec::new();
        for (field, text) in [
            ("user", settings.user.to_string()),
            ("extension", settings.extension.as_str().to_owned()),
        ] {
            if !self.0.insert((field, text)) {
                twice.push(field);
            }
        }
        twice
    }
}
