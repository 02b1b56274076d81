//! What must hold after each event and at the end.

use crate::History;
use ponte_call_core::{Dialled, Effect, Event, SwitchCommand};
use ponte_protocol::{CallId, CallPhase, EventBody, Outcome, Refusal, UserId};
use ponte_testkit::{Input, Reference, callers};

impl History {
    pub(crate) fn event(&mut self, event: Event) {
        let before: Vec<_> = self
            .users
            .iter()
            .map(|user| (user.clone(), self.switch.switch().calls(user)))
            .collect();
        let effects = self.switch.event(self.now, event.clone());
        let calls = |user: &UserId| {
            let mine = before.iter().find(|(id, _)| id == user);
            mine.map_or_else(Vec::new, |(_, calls)| calls.clone())
        };
        let met = self.callers.step(&event, &effects, calls);
        match met {
            Some(callers::Outcome::Rings(_)) => self.seen.rang += 1,
            Some(callers::Outcome::Waits) => self.seen.waited += 1,
            Some(callers::Outcome::Attaches) => self.seen.attached += 1,
            Some(callers::Outcome::Voicemail) => self.seen.to_voicemail += 1,
            Some(callers::Outcome::Refused(_)) => self.seen.refused += 1,
            None => {}
        }
        self.check_booking(&event, &effects);
        self.note(Input::Event(event), effects);
    }

    /// What a command about account codes must come to.
    fn check_booking(&mut self, event: &Event, effects: &[Effect]) {
        let Event::Command { user, command, .. } = event else {
            return;
        };
        let outcome = effects.iter().find_map(|effect| match effect {
            Effect::Reply { reply, .. } => Some(&reply.outcome),
            _ => None,
        });
        let booked = |call: &CallId| {
            let calls = self.switch.switch().calls(user);
            let call = calls.into_iter().find(|known| known.id == *call)?;
            Some(call.account_code.map(|booked| booked.code))
        };
        let required = matches!(
            outcome,
            Some(Outcome::Refused {
                refusal: Refusal::AccountCodeRequired
            })
        );
        match (command, outcome) {
            (
                SwitchCommand::Dial {
                    account_code,
                    dialled,
                    ..
                },
                Some(Outcome::Accepted { call: Some(call) }),
            ) => {
                if account_code.is_some() {
                    assert_eq!(booked(call), Some(account_code.clone()));
                } else if self.required.contains(user) && matches!(dialled, Dialled::External { .. }) {
                    assert!(booked(call).is_some_and(|code| code.is_some()));
                }
                self.seen.booked += u64::from(account_code.is_some());
            }
            (
                SwitchCommand::SetAccountCode { account_code, .. },
                Some(Outcome::Accepted { call: Some(call) }),
            ) => {
                assert_eq!(booked(call), Some(account_code.clone()));
                self.seen.booked += u64::from(account_code.is_some());
            }
            (
                SwitchCommand::Dial {
                    account_code: None,
                    dialled: Dialled::External { .. },
                    ..
                }
                | SwitchCommand::SetAccountCode {
                    account_code: None, ..
                }
                | SwitchCommand::Transfer { .. },
                _,
            ) => assert!(!required || self.required.contains(user)),
            _ => assert!(!required, "{event:?}"),
        }
    }

    pub(crate) fn timeout(&mut self) {
        let effects = self.switch.timeout(self.now);
        self.callers.timeout(&effects);
        self.note(Input::Timeout, effects);
    }

    fn note(&mut self, input: Input, effects: Vec<Effect>) {
        for effect in &effects {
            match effect {
                Effect::AnswerLeg { leg } => {
                    let takes =
                        matches!(&input, Input::Event(Event::TakesOver { leg: taker, .. }) if taker == leg);
                    self.seen.taken_over += u64::from(takes);
                }
                Effect::OpenLeg { leg, .. } => {
                    self.legs.push(*leg);
                    self.up.push(*leg);
                }
                Effect::CloseLeg { leg, .. } | Effect::RejectLeg { leg, .. } => {
                    self.closing.push(*leg);
                    self.up.retain(|up| up != leg);
                }
                Effect::CheckPin { leg, ask, .. } => self.pins.push((*leg, *ask)),
                Effect::ReadNumber { leg, ask, .. } => self.numbers.push((*leg, *ask)),
                Effect::Record { record } => {
                    if let Some(told) = self.booked.get(&record.id) {
                        assert_eq!(*told, record.account_code);
                    }
                }
                Effect::SaveLogon { user: Some(_), .. } => self.seen.logged_on += 1,
                Effect::TakePlace { .. } => self.seen.moved += 1,
                Effect::Notify {
                    body: EventBody::CallChanged { call },
                    ..
                } => {
                    self.booked.insert(call.id, call.account_code.clone());
                    if !self.calls.contains(&call.id) {
                        self.calls.push(call.id);
                    }
                    self.seen.held += u64::from(matches!(call.phase, CallPhase::Held { .. }));
                    if matches!(call.phase, CallPhase::Rejoining { .. }) {
                        self.seen.rejoining += u64::from(self.lost.insert(call.id));
                    } else if matches!(call.phase, CallPhase::Connected { .. }) && self.lost.remove(&call.id)
                    {
                        self.seen.rejoined += 1;
                    }
                    let joined = self.switch.switch().joined(call.id).is_some();
                    let connected = matches!(call.phase, CallPhase::Connected { .. });
                    self.seen.joined += u64::from(joined && connected);
                }
                _ => {}
            }
        }
        if let Input::Event(Event::LegEnded { leg, .. }) = &input {
            self.up.retain(|up| up != leg);
        }
        self.tokens.extend(Reference::announcements(&effects));
        self.trace.push(self.now, input, effects);
    }
}
