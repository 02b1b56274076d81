//! A behaviour as a list of steps: pure, so that it can be read and tested without a network.

use std::time::Duration;

use crate::behaviour::{AfterAnnouncement, Answer, Behaviour, Codec, Refresher, ReinviteMode, Voicemail};
use crate::tone::{Score, tone_of};

/// One thing a telephone does.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Step {
    /// Waits, counted from the step before.
    Wait(Duration),
    /// 180.
    Ring,
    /// 183 with SDP, and says this.
    Announce(Score),
    /// The same, but waits for a PRACK before the next step.
    AnnounceReliably(Score),
    /// 200 with SDP.
    Answer(Answering),
    /// Waits until this long after the 200.
    At(Duration),
    /// Waits until a mailbox beeps, or for so long.
    AwaitBeep(Duration),
    /// Says this from here on.
    Say(Score),
    /// Sends digits.
    Press(String),
    /// Sends a re-INVITE.
    Reinvite(ReinviteMode),
    /// BYE.
    HangUp,
    /// The network loses the telephone, and says why by a Q.850 cause.
    Lose(u8),
    /// A final refusal.
    Refuse(u16),
}

/// How the 200 is made.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Answering {
    pub(crate) says: Score,
    /// Never sends RTP.
    pub(crate) mute: bool,
    /// `Session-Expires` in seconds, and who refreshes.
    pub(crate) timer: Option<(u32, Refresher)>,
}

/// What is done when `number` is called, step by step. After the last one it waits for the caller.
pub(crate) fn script(behaviour: &Behaviour, number: &str) -> Vec<Step> {
    match behaviour {
        Behaviour::Answer(answer) => rings_then_answers(answer, number, false, None),
        Behaviour::RingOut => vec![Step::Ring],
        Behaviour::Busy => vec![Step::Refuse(486)],
        Behaviour::Decline => vec![Step::Refuse(603)],
        Behaviour::Voicemail(voicemail) => mailbox(voicemail),
        Behaviour::NoSuchNumber => vec![Step::Refuse(404)],
        Behaviour::Unavailable => vec![Step::Refuse(480)],
        Behaviour::EarlyMedia(early) => {
            let mut steps = vec![
                Step::Announce(Score::tone(early.announcement_hz)),
                Step::Wait(Duration::from_millis(early.announcement_ms)),
            ];
            match &early.then {
                AfterAnnouncement::Answer(answer) => {
                    steps.extend(answers(answer, number, false, None));
                }
                AfterAnnouncement::Refuse(status) => steps.push(Step::Refuse(*status)),
            }
            steps
        }
        Behaviour::Slow(slow) => {
            let mut steps = vec![Step::Wait(Duration::from_millis(slow.ringing_after_ms))];
            steps.extend(rings_then_answers(&slow.answer, number, false, None));
            steps
        }
        Behaviour::ServiceUnavailable => vec![Step::Refuse(503)],
        Behaviour::ServerError => vec![Step::Refuse(500)],
        Behaviour::Refuse(refuse) => {
            let mut steps = rings(refuse.after_ms);
            steps.push(Step::Refuse(refuse.status));
            steps
        }
        // The transport swallows its INVITE; a call placed from it has nothing to do.
        Behaviour::Silent => Vec::new(),
        Behaviour::NoRtp(answer) => rings_then_answers(answer, number, true, None),
        Behaviour::Require100Rel(answer) => {
            let mut steps = vec![
                Step::AnnounceReliably(Score::silence()),
                Step::Wait(Duration::from_millis(answer.after_ms)),
            ];
            steps.extend(answers(answer, number, false, None));
            steps
        }
        Behaviour::AnswersThenHangsUp(answer) => {
            let mut answer = answer.clone();
            answer.hang_up_after_ms.get_or_insert(1000);
            rings_then_answers(&answer, number, false, None)
        }
        Behaviour::Reinvite(reinvite) => {
            let mut steps = rings_then_answers(&reinvite.answer, number, false, None);
            steps.push(Step::At(Duration::from_millis(reinvite.at_ms)));
            steps.push(Step::Reinvite(reinvite.mode));
            steps
        }
        Behaviour::SessionTimer(timer) => rings_then_answers(
            &timer.answer,
            number,
            false,
            Some((timer.interval_s, timer.refresher)),
        ),
    }
}

/// What a telephone can agree to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Abilities {
    /// Its codecs, the preferred one first.
    pub(crate) codecs: Vec<Codec>,
    /// Whether it knows RFC 4733.
    pub(crate) telephone_events: bool,
    /// Whether what it hears is kept.
    pub(crate) record: bool,
}

impl Abilities {
    pub(crate) fn of(behaviour: &Behaviour) -> Self {
        let default = Answer::default();
        let answer = behaviour.answer().unwrap_or(&default);
        Self {
            codecs: answer.codecs.clone(),
            telephone_events: answer.telephone_events,
            record: answer.record,
        }
    }
}

/// The tone a telephone sends, where it sends one.
pub(crate) fn tone(behaviour: &Behaviour, number: &str) -> Option<f64> {
    match behaviour {
        Behaviour::NoRtp(_) => None,
        other => other
            .answer()
            .map(|answer| answer.tone_hz.unwrap_or_else(|| tone_of(number))),
    }
}

fn rings(ms: u64) -> Vec<Step> {
    if ms == 0 {
        return Vec::new();
    }
    vec![Step::Ring, Step::Wait(Duration::from_millis(ms))]
}

fn rings_then_answers(
    answer: &Answer,
    number: &str,
    mute: bool,
    timer: Option<(u32, Refresher)>,
) -> Vec<Step> {
    let mut steps = rings(answer.after_ms);
    steps.extend(answers(answer, number, mute, timer));
    steps
}

fn answers(answer: &Answer, number: &str, mute: bool, timer: Option<(u32, Refresher)>) -> Vec<Step> {
    let mut steps = vec![Step::Answer(Answering {
        says: Score::tone(answer.tone_hz.unwrap_or_else(|| tone_of(number))),
        mute,
        timer,
    })];
    let mut later: Vec<(u64, Step)> = answer
        .press
        .iter()
        .map(|press| (press.at_ms, Step::Press(press.digits.clone())))
        .chain(
            answer
                .hang_up_after_ms
                .map(|ms| (ms, answer.lost_with.map_or(Step::HangUp, Step::Lose))),
        )
        .collect();
    later.sort_by_key(|(at_ms, _)| *at_ms);
    for (at_ms, step) in later {
        steps.push(Step::At(Duration::from_millis(at_ms)));
        steps.push(step);
    }
    steps
}

fn mailbox(voicemail: &Voicemail) -> Vec<Step> {
    let mut steps = rings(voicemail.after_ms);
    steps.push(Step::Answer(Answering {
        says: Score::voicemail(voicemail.greeting_ms),
        mute: false,
        timer: None,
    }));
    steps.push(Step::At(Duration::from_millis(
        voicemail.greeting_ms + 400 + voicemail.record_ms,
    )));
    steps.push(Step::HangUp);
    steps
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::behaviour::Press;

    #[test]
    fn what_follows_the_answer_is_in_order() {
        let steps = script(
            &Behaviour::Answer(Answer {
                after_ms: 0,
                hang_up_after_ms: Some(500),
                press: vec![
                    Press {
                        digits: "2".into(),
                        at_ms: 300,
                    },
                    Press {
                        digits: "1".into(),
                        at_ms: 100,
                    },
                ],
                ..Answer::default()
            }),
            "+390212345601",
        );
        let after: Vec<&Step> = steps[1..].iter().collect();
        assert!(matches!(steps[0], Step::Answer(_)));
        assert_eq!(
            after,
            [
                &Step::At(Duration::from_millis(100)),
                &Step::Press("1".into()),
                &Step::At(Duration::from_millis(300)),
                &Step::Press("2".into()),
                &Step::At(Duration::from_millis(500)),
                &Step::HangUp
            ]
        );
    }

    #[test]
    fn a_mailbox_never_presses_a_key() {
        let steps = script(&Behaviour::Voicemail(Voicemail::default()), "+390212345601");
        assert!(!steps.iter().any(|step| matches!(step, Step::Press(_))));
        assert_eq!(steps.last(), Some(&Step::HangUp));
    }
}
