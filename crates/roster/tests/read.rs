//! What a file of users is read as, whatever it is.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use ponte_protocol::UserId;
use ponte_protocol::admin::{ProblemKind, UserSettings};
use ponte_roster::{Roster, read};
use proptest::prelude::*;

fn nobody(_: &UserId) -> Option<UserSettings> {
    None
}

fn problems(roster: &Roster) -> Vec<(u64, &str, ProblemKind)> {
    roster
        .problems
        .iter()
        .map(|problem| (problem.line, problem.field.as_str(), problem.kind))
        .collect()
}

#[test]
fn a_file_with_every_column_is_read() {
    let text = "\u{feff}User;Display name;Extension;Caller ID;Caller name;Language;Group;Telecommuter;Call waiting;\
                Voicemail;Administrator;Rules;Dials per hour;Minutes per day;Email;Confirm;No answer s\r\n\
                Anna;\"Rossi; Anna\";201;+390266600201;Ponte;it;sales;yes;no;1;off;\"deny +39899; allow +39\";60;480;\
                anna@example.org;mobiles;25\r\n";
    let roster = read(text, nobody);
    assert_eq!(problems(&roster), []);
    let anna = &roster.rows[0].settings;
    assert_eq!((roster.rows[0].line, anna.user.as_str()), (2, "anna"));
    assert_eq!(anna.display_name, "Rossi; Anna");
    assert_eq!(anna.caller_id.name.as_deref(), Some("Ponte"));
    assert!(anna.telecommuter_allowed && !anna.call_waiting_allowed && anna.voicemail_allowed);
    let rules: Vec<_> = anna
        .rules
        .iter()
        .map(|rule| (rule.allow, rule.prefix.as_str()))
        .collect();
    assert_eq!(rules, [(false, "+39899"), (true, "+39")]);
    assert_eq!(
        (anna.dials_per_hour, anna.minutes_per_day, anna.no_answer_ms),
        (60, 480, 25_000)
    );
    assert_eq!(
        (anna.confirm, anna.email.as_deref()),
        (None, Some("anna@example.org"))
    );
}

#[test]
fn what_a_file_leaves_out_is_kept_of_who_is_there() {
    let first = read(
        "user,extension,caller_id,email,rules\nanna,201,+390266600201,a@example.org,allow +44\n",
        nobody,
    );
    let anna = first.rows[0].settings.clone();
    let known = |user: &UserId| (*user == anna.user).then(|| anna.clone());
    let roster = read("user,extension,email\nanna,209,\n", known);
    assert_eq!(problems(&roster), []);
    let changed = &roster.rows[0].settings;
    assert_eq!((changed.extension.as_str(), &changed.email), ("209", &None));
    assert_eq!(changed.rules, anna.rules);
    assert_eq!(changed.caller_id, anna.caller_id);
}

#[test]
fn what_is_wrong_is_named_by_line_and_column() {
    let text = "user\textension\tcaller_id\tvoicemail\trules\tdials_per_hour\n\
                anna\t201\t+390266600201\tmaybe\tallow 39\t0\n\
                \n\
                bruno\t\t0266600202\n\
                -\t203\t+390266600203\n\
                carla\t204\t+390266600204\n\
                carla\t204\t+390266600204\n\
                dario\t205\t+390266600205\ton\t\t\tmore\n";
    let roster = read(text, nobody);
    assert_eq!(
        problems(&roster),
        [
            (2, "voicemail", ProblemKind::Malformed),
            (2, "rules", ProblemKind::Malformed),
            (2, "dials_per_hour", ProblemKind::OutOfRange),
            (4, "caller_id", ProblemKind::Malformed),
            (4, "extension", ProblemKind::Malformed),
            (5, "user", ProblemKind::Malformed),
            (7, "user", ProblemKind::Taken),
            (7, "extension", ProblemKind::Taken),
            (8, "", ProblemKind::Malformed),
        ]
    );
    assert_eq!(roster.rows.len(), 1);
}

#[test]
fn columns_must_be_known_and_stand_once() {
    assert_eq!(
        problems(&read("extension,extension,shoe_size\n", nobody)),
        [
            (1, "extension", ProblemKind::Taken),
            (1, "shoe_size", ProblemKind::NotFound),
            (1, "user", ProblemKind::NotFound),
        ]
    );
    assert_eq!(problems(&read("", nobody)), [(1, "user", ProblemKind::NotFound)]);
}

proptest! {
    #[test]
    fn nothing_makes_it_panic(text in "\\PC{0,400}") {
        let _ = read(&text, nobody);
    }

    #[test]
    fn no_cell_makes_it_panic(cells in prop::collection::vec("[^,\n\r\"]{0,20}", 18)) {
        let header = "user,display_name,extension,caller_id,caller_name,language,group,telecommuter,call_waiting,\
                      voicemail,pick_up,administrator,rules,dials_per_hour,minutes_per_day,email,confirm,no_answer_s";
        let roster = read(&format!("{header}\n{}\n", cells.join(",")), nobody);
        prop_assert!(roster.rows.len() <= 1);
        for row in roster.rows {
            prop_assert!(row.settings.display_name.chars().count() <= 64);
        }
    }
}
