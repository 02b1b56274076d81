//! Wrong settings in a file that is right otherwise.

use super::{SMALLEST, problems};

/// A section, its lines in place of those of the smallest file, the setting that must be named and the reason that must be
/// told.
pub type Case<'a> = (&'a str, &'a str, &'a str, &'a str);

/// Each of these is told, with the line that it is about.
pub fn each_is_told(cases: &[Case<'_>]) {
    for &(section, lines, setting, reason) in cases {
        let header = if section == "trunk" {
            "[[trunk]]".to_owned()
        } else {
            format!("[{section}]")
        };
        let keys: Vec<&str> = lines.lines().filter_map(|line| line.split(" =").next()).collect();
        let mut text = String::new();
        let mut placed = false;
        for line in SMALLEST.lines() {
            // The case's own line takes the place of the smallest file's.
            if placed && keys.iter().any(|key| line.starts_with(&format!("{key} ="))) {
                continue;
            }
            placed = if line.starts_with('[') { false } else { placed };
            text.push_str(line);
            text.push('\n');
            if line == header {
                text.push_str(lines);
                text.push('\n');
                placed = true;
            }
        }
        if !SMALLEST.contains(&header) {
            text = format!("{text}{header}\n{lines}\n");
        }
        let found = problems(&text);
        let Some(problem) = found
            .iter()
            .find(|problem| problem.setting == setting && problem.reason.contains(reason))
        else {
            panic!("{section}: {lines}\n{found:#?}");
        };
        let line = text.lines().nth(problem.line - 1).unwrap();
        let key = setting.rsplit('.').next().unwrap();
        assert!(
            line == header || line.starts_with(&format!("{key} = ")),
            "{problem:?} points at {line}"
        );
    }
}
