//! Looking people up in the directory elsewhere, as the user types.

use crate::logic::directory::Query;
use ponte_protocol::{
    CommandBody, DirectoryFault, ExternalPage, ExternalPerson, Outcome, Refusal, SearchText,
};

/// What stands below the field.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Found {
    /// Too little is typed to look for.
    #[default]
    Nothing,
    Searching,
    People(ExternalPage),
    Failed(Failure),
}

/// Why nobody can be shown.
#[derive(Clone, Debug, PartialEq)]
pub enum Failure {
    /// The directory gave no answer.
    Directory(DirectoryFault),
    /// The telephone system refused.
    Refused(Refusal),
    /// No answer came.
    Silence,
}

/// The search that goes on, and what the last one found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Finding {
    /// Rises with everything that is typed.
    turn: u32,
    /// The turn to which `found` belongs.
    answered: u32,
    asked: String,
    pub found: Found,
}

impl Finding {
    /// Something is typed. The turn that its answer belongs to; `None` where nothing new is to be asked.
    pub fn type_in(&mut self, typed: &str) -> Option<u32> {
        let typed = typed.trim();
        if self.asked == typed {
            return None;
        }
        self.turn = self.turn.wrapping_add(1);
        typed.clone_into(&mut self.asked);
        if SearchText(self.asked.clone()).validate().is_err() {
            self.found = Found::Nothing;
            return None;
        }
        // Those who were found stay until others are: a list that flickers with every key cannot be read.
        if !matches!(self.found, Found::People(_)) {
            self.found = Found::Searching;
        }
        Some(self.turn)
    }

    /// What to ask for, unless something else was typed since.
    pub fn ask(&self, turn: u32) -> Option<CommandBody> {
        let find = SearchText(self.asked.clone());
        (turn == self.turn).then_some(CommandBody::SearchExternal { find })
    }

    /// Asks for the same once more.
    pub fn again(&mut self) -> u32 {
        self.turn = self.turn.wrapping_add(1);
        self.found = Found::Searching;
        self.turn
    }

    /// An answer came, or none. That of an earlier turn says nothing of what is typed.
    pub fn take(&mut self, turn: u32, outcome: Option<Outcome>) {
        if turn != self.turn {
            return;
        }
        self.answered = turn;
        self.found = match outcome {
            Some(Outcome::External(page)) => Found::People(page),
            Some(Outcome::Refused {
                refusal: Refusal::DirectoryFailed { fault },
            }) => Found::Failed(Failure::Directory(fault)),
            Some(Outcome::Refused { refusal }) => Found::Failed(Failure::Refused(refusal)),
            _ => Found::Failed(Failure::Silence),
        };
    }

    /// Who was found; until the answer to what is typed now is here, those found before as far as they fit it.
    pub fn fitting(&self) -> Vec<&ExternalPerson> {
        let Found::People(page) = &self.found else {
            return Vec::new();
        };
        let query = Query::new(&self.asked);
        let fits = |person: &&ExternalPerson| {
            self.answered == self.turn
                || query.fits(
                    || format!("{} {} {}", person.name, person.organisation, person.email),
                    person.numbers.iter().map(|number| number.number.as_str()),
                )
        };
        page.people.iter().filter(fits).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(name: &str) -> Outcome {
        Outcome::External(ExternalPage {
            people: vec![ExternalPerson {
                name: name.into(),
                organisation: String::new(),
                email: String::new(),
                numbers: Vec::new(),
            }],
            more: false,
        })
    }

    fn asks(finding: &Finding, turn: u32) -> Option<String> {
        match finding.ask(turn)? {
            CommandBody::SearchExternal { find } => Some(find.0),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn only_the_answer_to_what_is_typed_now_is_shown() {
        let mut finding = Finding::default();
        assert_eq!(finding.type_in("n"), None);
        assert_eq!(finding.found, Found::Nothing);
        let first = finding.type_in("na").unwrap();
        assert_eq!(finding.found, Found::Searching);
        let second = finding.type_in("nad").unwrap();
        assert_eq!(asks(&finding, first), None, "more was typed before it was asked");
        assert_eq!(asks(&finding, second).as_deref(), Some("nad"));
        assert_eq!(finding.type_in("nad "), None, "a blank changes nothing");
        finding.take(first, Some(page("Nando")));
        assert_eq!(finding.found, Found::Searching, "an answer of before");
        finding.take(second, Some(page("Nadia")));
        assert_eq!(finding.fitting()[0].name, "Nadia");
        let third = finding.type_in("nadi").unwrap();
        assert_eq!(finding.fitting()[0].name, "Nadia", "until others are found");
        finding.type_in("nadie").unwrap();
        assert_eq!(
            finding.fitting(),
            [] as [&ExternalPerson; 0],
            "but nobody who is not meant"
        );
        assert!(matches!(finding.found, Found::People(_)));
        finding.type_in("");
        finding.take(third, Some(page("Nadia")));
        assert_eq!(finding.found, Found::Nothing);
    }

    #[test]
    fn a_failure_is_told_and_the_same_can_be_asked_again() {
        let mut finding = Finding::default();
        let turn = finding.type_in("nadia").unwrap();
        let refusal = Refusal::DirectoryFailed {
            fault: DirectoryFault::TooSlow,
        };
        finding.take(turn, Some(Outcome::Refused { refusal }));
        let slow = Failure::Directory(DirectoryFault::TooSlow);
        assert_eq!(finding.found, Found::Failed(slow));
        let again = finding.again();
        assert_eq!(asks(&finding, again).as_deref(), Some("nadia"));
        finding.take(again, None);
        assert_eq!(finding.found, Found::Failed(Failure::Silence));
        let refusal = Refusal::GatewayOffline;
        let again = finding.again();
        finding.take(
            again,
            Some(Outcome::Refused {
                refusal: refusal.clone(),
            }),
        );
        assert_eq!(finding.found, Found::Failed(Failure::Refused(refusal)));
    }
}
