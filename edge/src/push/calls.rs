//! What browsers in which no portal is open are told of a user's calls.

use ponte_protocol::grouping::grouped;
use ponte_protocol::{CallId, CallPhase, CallView, Direction, LegRole, UnixMillis, UserState};
use serde::Serialize;

/// The longest name that is sent, in characters.
const NAME_MAX: usize = 80;
/// The longest number that is sent, in characters.
const NUMBER_MAX: usize = 40;

/// What has become of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// It asks for its user.
    Ringing,
    /// It no longer does, and nobody took it.
    Missed,
    /// It no longer does.
    Over,
}

/// What a browser is told.
#[derive(Clone, PartialEq, Eq)]
pub struct Notice {
    pub stage: Stage,
    pub call: CallId,
    /// Who calls, if it is known.
    pub name: Option<String>,
    /// Empty where the caller withheld it.
    pub number: String,
}

impl std::fmt::Debug for Notice {
    // Names and numbers identify people.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Notice")
            .field("stage", &self.stage)
            .field("call", &self.call)
            .finish_non_exhaustive()
    }
}

/// The text of a message, as docs/protocol.md has it.
#[derive(Serialize)]
struct Text<'a> {
    #[serde(rename = "type")]
    stage: Stage,
    call: CallId,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    /// As people write it.
    number: String,
    at: UnixMillis,
    language: &'a str,
}

impl Notice {
    /// The text that tells it in a browser of this language.
    ///
    /// # Errors
    /// None that these fields can bring about.
    pub fn text(&self, at: UnixMillis, language: &str) -> serde_json::Result<String> {
        serde_json::to_string(&Text {
            stage: self.stage,
            call: self.call,
            name: self.name.as_deref(),
            number: grouped(&self.number),
            at,
            language,
        })
    }

    fn new(stage: Stage, call: CallId, name: Option<&str>, number: &str) -> Self {
        let cut = |text: &str, most: usize| text.chars().take(most).collect::<String>();
        Self {
            stage,
            call,
            name: name.map(|name| cut(name, NAME_MAX)),
            number: cut(number, NUMBER_MAX),
        }
    }

    fn of_call(stage: Stage, call: &CallView) -> Self {
        let caller = call.leg(LegRole::Far);
        let name = caller.and_then(|leg| leg.name.as_deref());
        Self::new(stage, call.id, name, caller.map_or("", |leg| leg.number.as_str()))
    }
}

fn asks_for_its_user(call: &CallView) -> bool {
    call.direction == Direction::Incoming
        && matches!(
            call.phase,
            CallPhase::CallingUser
                | CallPhase::Ringing
                | CallPhase::Confirming { .. }
                | CallPhase::Waiting { .. }
        )
}

/// What there is to tell of the calls in `state`. `told`: the calls whose ringing was told and whose end was not.
/// `portal_open`: the user has a portal, which shows by itself what begins to ring; what was told before is ended even so.
pub fn notices(state: &UserState, told: &[CallId], portal_open: bool) -> Vec<Notice> {
    let begun = state
        .calls
        .iter()
        .filter(|call| !portal_open && asks_for_its_user(call) && !told.contains(&call.id))
        .map(|call| Notice::of_call(Stage::Ringing, call));
    let ended = told.iter().filter_map(|id| ended(state, *id));
    begun.chain(ended).collect()
}

fn ended(state: &UserState, id: CallId) -> Option<Notice> {
    if let Some(call) = state.calls.iter().find(|call| call.id == id) {
        return match call.phase {
            CallPhase::Voicemail { .. } => Some(Notice::of_call(Stage::Missed, call)),
            // What it was is told by its record.
            CallPhase::Ending | CallPhase::Unknown => None,
            _ if asks_for_its_user(call) => None,
            _ => Some(Notice::of_call(Stage::Over, call)),
        };
    }
    Some(match state.log.iter().find(|record| record.id == id) {
        Some(record) => {
            let stage = if record.is_missed() {
                Stage::Missed
            } else {
                Stage::Over
            };
            Notice::new(stage, id, record.name.as_deref(), &record.number)
        }
        None => Notice::new(Stage::Over, id, None, ""),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use ponte_protocol::EventBody;
    use serde_json::{Value, json};
    use uuid::Uuid;

    const NONE: [Stage; 0] = [];
    const CALL: &str = "0192f0c1-7c1e-7a30-8b2e-0a4b5c6d7e8f";

    fn id() -> CallId {
        CallId(CALL.parse::<Uuid>().unwrap())
    }

    fn state() -> UserState {
        serde_json::from_value(json!({
            "profile": { "user": "anna", "display_name": "Anna", "extension": "201", "telecommuter_allowed": true,
                "call_waiting_allowed": true, "voicemail_allowed": true, "pick_up_allowed": true,
                "browser_allowed": true, "administrator": false, "caller_id": { "number": "+390266600201" },
                "country": "IT", "language": "it", "emergency_numbers": ["112"] },
            "mode": { "type": "office" }, "destinations": [], "calls": [], "log": [],
        }))
        .unwrap()
    }

    fn changed(state: &mut UserState, direction: &str, phase: Value) {
        let event: EventBody = serde_json::from_value(json!({ "type": "call_changed", "call": {
            "id": CALL, "direction": direction, "dialled": "201", "started_at": 1, "phase": phase, "legs": [
            { "role": "far", "number": "+390298765432", "name": "Studio Neri", "state": "early", "since": 1 }] } }))
        .unwrap();
        state.apply(&event);
    }

    fn ended_with(state: &mut UserState, connected_at: Option<u64>) {
        let mut record = json!({ "id": CALL, "user": "anna", "direction": "incoming", "dialled": "201",
            "number": "+390298765432", "name": "Studio Neri", "started_at": 1, "ended_at": 9,
            "cause": { "reason": "no_answer", "class": "user" }, "ended_by": "far_leg", "legs": [] });
        if let Some(at) = connected_at {
            record["connected_at"] = at.into();
        }
        let event = json!({ "type": "call_ended", "call": CALL, "record": record });
        state.apply(&serde_json::from_value(event).unwrap());
    }

    fn stages(state: &UserState, told: &[CallId], portal_open: bool) -> Vec<Stage> {
        let notices = notices(state, told, portal_open);
        notices.into_iter().map(|notice| notice.stage).collect()
    }

    #[test]
    fn t06_a_call_that_begins_to_ring_is_told_once_with_who_calls() {
        for phase in [
            json!({ "type": "calling_user" }),
            json!({ "type": "ringing" }),
            json!({ "type": "confirming", "until": 5 }),
            json!({ "type": "waiting", "until": 5 }),
        ] {
            let mut state = state();
            changed(&mut state, "incoming", phase);
            let told = notices(&state, &[], false);
            assert_eq!(told.len(), 1);
            let text = told[0].text(UnixMillis(7), "it").unwrap();
            assert_eq!(
                serde_json::from_str::<Value>(&text).unwrap(),
                json!({ "type": "ringing", "call": CALL, "name": "Studio Neri", "number": "+39\u{a0}02\u{a0}9876\u{a0}5432",
                    "at": 7, "language": "it" })
            );
            assert!(!format!("{:?}", told[0]).contains("Neri"));
            assert_eq!(stages(&state, &[id()], false), NONE);
            assert_eq!(stages(&state, &[], true), NONE, "an open portal shows it");
        }
    }

    #[test]
    fn calls_that_the_user_makes_and_calls_that_are_up_are_not_told() {
        let mut state = state();
        changed(&mut state, "outgoing", json!({ "type": "calling_user" }));
        assert_eq!(stages(&state, &[], false), NONE);
        for phase in ["connected", "held", "ending", "voicemail"] {
            changed(&mut state, "incoming", json!({ "type": phase, "since": 3 }));
            assert_eq!(stages(&state, &[], false), NONE, "{phase}");
        }
    }

    #[test]
    fn the_end_of_ringing_is_told_whether_or_not_a_portal_was_opened() {
        for portal_open in [false, true] {
            let mut state = state();
            changed(&mut state, "incoming", json!({ "type": "connected", "since": 3 }));
            assert_eq!(stages(&state, &[id()], portal_open), [Stage::Over]);
            changed(&mut state, "incoming", json!({ "type": "voicemail", "since": 3 }));
            assert_eq!(stages(&state, &[id()], portal_open), [Stage::Missed]);
            changed(&mut state, "incoming", json!({ "type": "ending" }));
            assert_eq!(
                stages(&state, &[id()], portal_open),
                NONE,
                "the record will say what it was"
            );
        }
        let mut missed = state();
        ended_with(&mut missed, None);
        assert_eq!(stages(&missed, &[id()], false), [Stage::Missed]);
        let mut taken = state();
        ended_with(&mut taken, Some(4));
        assert_eq!(stages(&taken, &[id()], false), [Stage::Over]);
        assert_eq!(
            stages(&state(), &[id()], false),
            [Stage::Over],
            "a state told anew knows nothing of it"
        );
    }

    #[test]
    fn long_names_are_cut() {
        let notice = Notice::new(Stage::Ringing, id(), Some(&"é".repeat(5000)), &"1".repeat(5000));
        assert!(notice.text(UnixMillis(7), "en").unwrap().len() < 400);
    }
}
