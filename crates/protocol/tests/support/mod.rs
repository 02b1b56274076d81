//! What more than one test file reads.
#![allow(clippy::unwrap_used)]

use serde_json::Value;

pub const PAGE: &str = include_str!("../../../../docs/protocol.md");

/// The values in the page's `json` blocks, each with the line its block begins at.
pub fn examples() -> Vec<(usize, Value)> {
    let mut found = Vec::new();
    let mut block: Option<(usize, String)> = None;
    for (number, line) in PAGE.lines().enumerate() {
        match (&mut block, line) {
            (None, "```json") => block = Some((number + 1, String::new())),
            (Some(_), "```") => {
                let (start, text) = block.take().unwrap();
                for value in serde_json::Deserializer::from_str(&text).into_iter() {
                    let value = value.unwrap_or_else(|error| panic!("the block at line {start}: {error}"));
                    found.push((start, value));
                }
            }
            (Some((_, text)), line) => {
                text.push_str(line);
                text.push('\n');
            }
            (None, _) => {}
        }
    }
    found
}
