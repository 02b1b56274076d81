//! The preview of an import: each line of a list of users with what is wrong with it.

use ponte_protocol::UserId;
use ponte_protocol::admin::{Problem, UserSettings};
use std::collections::BTreeMap;

/// The most characters of a line that the preview shows.
const EXCERPT_MAX: usize = 80;

/// A line that names a user, or that has something wrong with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// In the file, from 1.
    pub number: u64,
    /// Its beginning as it is written in the file.
    pub excerpt: String,
    pub settings: Result<UserSettings, Vec<Problem>>,
}

/// Reads a list as `ponte-gateway import-users` reads it. A user whom `known` has keeps what the list has no column for.
pub fn read(text: &str, known: &[UserSettings]) -> Vec<Line> {
    let find = |user: &UserId| known.iter().find(|settings| settings.user == *user).cloned();
    let roster = ponte_roster::read(text, find);
    let mut lines: BTreeMap<u64, Result<UserSettings, Vec<Problem>>> = roster
        .rows
        .into_iter()
        .map(|row| (row.line, Ok(row.settings)))
        .collect();
    for wrong in roster.problems {
        let field = if wrong.field.is_empty() {
            "line".to_owned()
        } else {
            wrong.field
        };
        let problem = Problem {
            field,
            kind: wrong.kind,
        };
        match lines.entry(wrong.line).or_insert_with(|| Err(Vec::new())) {
            Err(problems) => problems.push(problem),
            good => *good = Err(vec![problem]),
        }
    }
    let texts: Vec<&str> = text.lines().collect();
    let excerpt = |number: u64| {
        let place = usize::try_from(number).unwrap_or(usize::MAX).saturating_sub(1);
        texts
            .get(place)
            .map(|line| line.chars().take(EXCERPT_MAX).collect())
    };
    lines
        .into_iter()
        .map(|(number, settings)| Line {
            number,
            excerpt: excerpt(number).unwrap_or_default(),
            settings,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use ponte_protocol::admin::ProblemKind;

    const HEAD: &str = "user,display_name,extension,caller_id";

    fn fields(line: &Line) -> Vec<&str> {
        match &line.settings {
            Ok(_) => Vec::new(),
            Err(problems) => problems.iter().map(|problem| problem.field.as_str()).collect(),
        }
    }

    #[test]
    fn faults_stand_with_their_line_in_the_order_of_the_file() {
        let text =
            format!("{HEAD}\nanna,Anna,201,+390212345600\nbruno,Bruno,x,+390212345601\ncarla,C,203,nine");
        let lines = read(&text, &[]);
        let numbers: Vec<u64> = lines.iter().map(|line| line.number).collect();
        assert_eq!(numbers, [2, 3, 4]);
        assert_eq!(fields(&lines[0]), [""; 0]);
        assert_eq!(fields(&lines[1]), ["extension"]);
        assert_eq!(lines[1].excerpt, "bruno,Bruno,x,+390212345601");
        assert_eq!(fields(&lines[2]), ["caller_id"]);
    }

    #[test]
    fn a_list_that_is_none_has_its_fault_on_the_first_line() {
        let lines = read("user,colour\nanna,red", &[]);
        assert_eq!(lines.len(), 1);
        assert_eq!(lines[0].number, 1);
        let problem = Problem {
            field: "colour".to_owned(),
            kind: ProblemKind::NotFound,
        };
        assert_eq!(lines[0].settings, Err(vec![problem]));
        assert_eq!(read("", &[]).len(), 1);
        assert_eq!(read(HEAD, &[]), []);
    }

    #[test]
    fn a_line_too_long_is_a_fault_of_the_line() {
        let lines = read(&format!("{HEAD}\nanna,A,201,+390212345600,x"), &[]);
        assert_eq!(fields(&lines[0]), ["line"]);
    }

    #[test]
    fn what_a_list_leaves_out_stays_as_it_is() {
        let before = read(
            &format!("{HEAD},group,administrator\nanna,A,201,+390212345600,sales,yes"),
            &[],
        );
        let known = [before[0].settings.clone().unwrap()];
        let lines = read("user,display_name\nanna,Anna", &known);
        let after = lines[0].settings.as_ref().unwrap();
        assert_eq!(
            (after.group.as_deref(), after.administrator),
            (Some("sales"), true)
        );
        assert_eq!(after.display_name, "Anna");
    }
}
