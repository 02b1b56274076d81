//! Which telephone is behind which number.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::behaviour::{
    AfterAnnouncement, Answer, Behaviour, Codec, EarlyMedia, Press, Reinvite, ReinviteMode, SessionTimer,
    Slow, Voicemail,
};

/// One line of the directory.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// A whole number in E.164, or the beginning of numbers when it ends with `*`, or `*` for all others.
    pub number: String,
    /// What it is there for.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub note: String,
    /// What happens when it is called.
    pub behaviour: Behaviour,
}

/// A key that is neither a number nor a prefix.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is neither a number in E.164 (+ and 3 to 15 digits) nor a prefix that ends with *")]
pub struct KeyError(pub String);

/// Numbers and prefixes. A whole number wins over prefixes, a long prefix over a short one.
#[derive(Debug, Clone, Default)]
pub struct Directory {
    entries: BTreeMap<String, Entry>,
}

impl Directory {
    /// Builds a directory; a later entry replaces an earlier one of the same number.
    pub fn new(entries: impl IntoIterator<Item = Entry>) -> Result<Self, KeyError> {
        let mut directory = Self::default();
        for entry in entries {
            directory.put(entry)?;
        }
        Ok(directory)
    }

    /// Adds or replaces one line.
    pub fn put(&mut self, entry: Entry) -> Result<(), KeyError> {
        let digits = entry.number.strip_suffix('*').unwrap_or(&entry.number);
        let prefix = digits.len() < entry.number.len();
        let valid = match digits.strip_prefix('+') {
            Some(digits) => {
                digits.bytes().all(|byte| byte.is_ascii_digit())
                    && digits.len() <= 15
                    && (prefix || digits.len() >= 3)
            }
            None => prefix && digits.is_empty(),
        };
        if !valid {
            return Err(KeyError(entry.number));
        }
        self.entries.insert(entry.number.clone(), entry);
        Ok(())
    }

    /// The line that answers for `number` (with its `+`).
    pub fn find(&self, number: &str) -> Option<&Entry> {
        self.entries.get(number).or_else(|| {
            (0..=number.len()).rev().find_map(|length| {
                let prefix = number.get(..length)?;
                self.entries.get(&format!("{prefix}*"))
            })
        })
    }

    /// All lines, sorted by number.
    pub fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.entries.values()
    }

    /// The demo's telephones: in each country a number that answers, and in Rome one for every behaviour.
    pub fn demo() -> Vec<Entry> {
        let mut entries = vec![
            entry("*", "any other number", rings(2000, None)),
            entry("+390212345601", "home line in Milan", rings(3000, Some(525.0))),
            entry("+393331234501", "mobile, presses 1", person(3000, 585.0)),
            entry(
                "+393331234502",
                "mobile that is off: its mailbox answers",
                Behaviour::Voicemail(Voicemail::default()),
            ),
            entry("+393331234503", "mobile nobody takes", Behaviour::RingOut),
            entry("+442079460001", "London", rings(1500, None)),
            entry("+442079460002", "London, busy", Behaviour::Busy),
            entry(
                "+447400123456",
                "mobile in Britain, presses 1",
                person(2500, 1175.0),
            ),
            entry("+12125550101", "New York, µ-law only", mu_law()),
            entry("+12125550102", "New York, declines", Behaviour::Decline),
            entry("+4930231250001", "Berlin", rings(1500, None)),
            entry("+33199000001", "Paris", rings(1500, None)),
        ];
        let rome = [
            ("answers", rings(2000, Some(660.0))),
            ("busy", Behaviour::Busy),
            ("declines", Behaviour::Decline),
            ("no such number", Behaviour::NoSuchNumber),
            ("rings out", Behaviour::RingOut),
            ("not available", Behaviour::Unavailable),
            ("mailbox", Behaviour::Voicemail(Voicemail::default())),
            (
                "announcement, then answers",
                early(AfterAnnouncement::Answer(Answer::default())),
            ),
            (
                "announcement, then no such number",
                early(AfterAnnouncement::Refuse(404)),
            ),
            ("slow network", Behaviour::Slow(Slow::default())),
            ("503", Behaviour::ServiceUnavailable),
            ("500", Behaviour::ServerError),
            ("no answer to the INVITE", Behaviour::Silent),
            ("answers without RTP", Behaviour::NoRtp(Answer::default())),
            ("reliable 183", Behaviour::Require100Rel(Answer::default())),
            (
                "answers and hangs up",
                Behaviour::AnswersThenHangsUp(Answer::default()),
            ),
            ("holds the call", reinvite(ReinviteMode::Hold)),
            ("re-INVITE without offer", reinvite(ReinviteMode::Offerless)),
            (
                "session timer",
                Behaviour::SessionTimer(SessionTimer {
                    answer: Answer::default(),
                    interval_s: 90,
                    refresher: crate::behaviour::Refresher::Uas,
                }),
            ),
        ];
        entries.extend(
            rome.into_iter()
                .zip(1..)
                .map(|((note, behaviour), n)| entry(&format!("+390698765{:03}", 400 + n), note, behaviour)),
        );
        entries
    }
}

fn entry(number: &str, note: &str, behaviour: Behaviour) -> Entry {
    Entry {
        number: number.to_owned(),
        note: note.to_owned(),
        behaviour,
    }
}

fn rings(after_ms: u64, tone_hz: Option<f64>) -> Behaviour {
    Behaviour::Answer(Answer {
        after_ms,
        tone_hz,
        ..Answer::default()
    })
}

fn person(after_ms: u64, tone_hz: f64) -> Behaviour {
    Behaviour::Answer(Answer {
        after_ms,
        tone_hz: Some(tone_hz),
        press: vec![Press {
            digits: "1".to_owned(),
            at_ms: 800,
        }],
        ..Answer::default()
    })
}

fn mu_law() -> Behaviour {
    Behaviour::Answer(Answer {
        codecs: vec![Codec::Pcmu],
        ..Answer::default()
    })
}

fn early(then: AfterAnnouncement) -> Behaviour {
    Behaviour::EarlyMedia(EarlyMedia {
        announcement_hz: 1130.0,
        announcement_ms: 3000,
        then,
    })
}

fn reinvite(mode: ReinviteMode) -> Behaviour {
    Behaviour::Reinvite(Reinvite {
        answer: Answer::default(),
        at_ms: 2000,
        mode,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_match_wins() {
        let directory = Directory::new([
            entry("*", "", Behaviour::Busy),
            entry("+39*", "", Behaviour::Decline),
            entry("+3906*", "", Behaviour::RingOut),
            entry("+390698765401", "", Behaviour::Silent),
        ])
        .unwrap();
        let kind = |number| directory.find(number).unwrap().behaviour.kind();
        assert_eq!(kind("+390698765401"), "silent");
        assert_eq!(kind("+390698765402"), "ring_out");
        assert_eq!(kind("+390212345601"), "decline");
        assert_eq!(kind("+12125550101"), "busy");
    }

    #[test]
    fn keys_are_checked() {
        for key in ["", "39", "+39x", "+", "+12", "+1234567890123456", "39*", "+39**"] {
            let mut directory = Directory::default();
            assert_eq!(
                directory.put(entry(key, "", Behaviour::Busy)),
                Err(KeyError(key.to_owned()))
            );
        }
    }

    #[test]
    fn the_demo_has_every_kind_and_is_valid() {
        let entries = Directory::demo();
        let kinds: std::collections::BTreeSet<&str> =
            entries.iter().map(|entry| entry.behaviour.kind()).collect();
        assert_eq!(kinds.len(), 17, "all but `refuse`: {kinds:?}");
        for entry in &entries {
            entry.behaviour.check().unwrap();
        }
        Directory::new(entries).unwrap();
    }
}
