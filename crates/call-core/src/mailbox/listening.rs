//! Listening to the messages of a box by key, and calling back who left one.

use super::{BoxWords, Host, ListedMessage, ReceivedDay, Stage, digits, words};
use crate::desk::DeskDial;
use crate::{Announcement, Dialled, Effect, LegId, Playback, PlaybackToken, Switch};
use ponte_protocol::{CallId, DialString, Refusal, UserId};

/// How much longer than it is a message may take to play, in milliseconds.
const SLOW_MS: u64 = 30_000;

/// A message, and whether it was deleted in this visit.
#[derive(Debug)]
pub(super) struct Entry {
    message: ListedMessage,
    deleted: bool,
}

impl Switch {
    pub(super) fn list(&mut self, leg: LegId) {
        let PlaybackToken(ask) = self.cx.token();
        let Some(user) = self.visits.get(&leg).map(|visit| visit.user.clone()) else {
            return;
        };
        self.set_stage(leg, Stage::Listing { ask });
        self.tick(leg);
        self.cx.push(Effect::ListMessages { leg, user, ask });
        self.wait_patiently(leg);
    }

    /// The host's answer: the messages that are not in the bin, or `None` where they cannot be read.
    pub(crate) fn messages_listed(&mut self, leg: LegId, asked: u64, messages: Option<Vec<ListedMessage>>) {
        if !self.visit_lives(leg) {
            return;
        }
        let Some(visit) = self.visits.get_mut(&leg) else {
            return;
        };
        if !matches!(visit.stage, Stage::Listing { ask } if ask == asked) {
            return;
        }
        let Some(mut messages) = messages else {
            return self.say_last_in_box(leg, vec![Announcement::Unavailable]);
        };
        // New ones first, each kind in the order in which it came.
        messages.sort_by_key(|message| message.heard);
        let new = messages.iter().filter(|message| !message.heard).count();
        let old = messages.len() - new;
        visit.entries = messages
            .into_iter()
            .map(|message| Entry {
                message,
                deleted: false,
            })
            .collect();
        let mut say = Vec::new();
        if new + old == 0 {
            say.extend(words(&[BoxWords::NoMessages]));
        } else {
            say.extend(words(&[BoxWords::YouHave]));
            for (count, what) in [(new, BoxWords::NewMessages), (old, BoxWords::OldMessages)] {
                if count > 0 {
                    say.extend(digits(&count.to_string()));
                    say.extend(words(&[what]));
                }
            }
        }
        self.main_menu(leg, say);
    }

    pub(super) fn first_message(&mut self, leg: LegId) {
        self.message_from(leg, 0, true, vec![]);
    }

    /// Goes to the nearest message from this place on, or before it, that is not deleted.
    fn message_from(&mut self, leg: LegId, from: usize, onwards: bool, mut before: Vec<Announcement>) {
        let Some(visit) = self.visits.get(&leg) else {
            return;
        };
        let there = |at: &usize| visit.entries.get(*at).is_some_and(|entry| !entry.deleted);
        let found = if onwards {
            (from..visit.entries.len()).find(there)
        } else {
            (0..from).rev().find(there)
        };
        let none = visit.entries.iter().all(|entry| entry.deleted);
        if let Some(at) = found {
            return self.introduce(leg, at, before);
        }
        before.extend(words(&[if none {
            BoxWords::NoMessages
        } else {
            BoxWords::NoMoreMessages
        }]));
        self.main_menu(leg, before);
    }

    /// Number, date and time of a message; then the message. The caller's many digits are said by key.
    fn introduce(&mut self, leg: LegId, at: usize, mut say: Vec<Announcement>) {
        let Some(entry) = self.visits.get(&leg).and_then(|visit| visit.entries.get(at)) else {
            return;
        };
        say.extend(words(&[BoxWords::Message]));
        say.extend(digits(&(at + 1).to_string()));
        say.extend(received(&entry.message));
        self.set_stage(leg, Stage::Intro(at));
        self.say_in_box(leg, say);
    }

    pub(super) fn play_message(&mut self, leg: LegId, at: usize) {
        let Some(visit) = self.visits.get_mut(&leg) else {
            return;
        };
        let Some(entry) = visit.entries.get(at) else {
            return;
        };
        let (message, user) = (entry.message.id, visit.user.clone());
        let longest = entry.message.duration_ms.saturating_add(SLOW_MS);
        visit.stage = Stage::Message(at);
        self.play_once(leg, longest, |token| Playback::Message { user, message, token });
    }

    /// It was played to its end.
    pub(super) fn message_over(&mut self, leg: LegId, at: usize) {
        self.was_heard(leg, at);
        self.set_stage(leg, Stage::After(at));
        self.say_in_box(leg, words(&[BoxWords::MessageMenu]));
    }

    fn was_heard(&mut self, leg: LegId, at: usize) {
        if let Some(visit) = self.visits.get_mut(&leg)
            && let Some(entry) = visit.entries.get_mut(at)
            && !std::mem::replace(&mut entry.message.heard, true)
        {
            self.cx.push(Effect::MarkHeard {
                user: visit.user.clone(),
                message: entry.message.id,
            });
        }
    }

    pub(super) fn message_key(&mut self, leg: LegId, at: usize, digit: char) {
        // Whoever presses a key in the middle of a message has heard what they wanted of it.
        if let Some(visit) = self.visits.get(&leg)
            && matches!(visit.stage, Stage::Message(_))
        {
            self.was_heard(leg, at);
        }
        match digit {
            '1' => self.play_message(leg, at),
            '2' => self.say_envelope(leg, at),
            '3' => self.delete_message(leg, at),
            '4' => self.message_from(leg, at, false, vec![]),
            '5' => self.call_back(leg, at),
            '6' | '#' => self.message_from(leg, at + 1, true, vec![]),
            '7' => self.undo_delete(leg),
            '*' => self.main_menu(leg, vec![]),
            _ => {
                self.set_stage(leg, Stage::After(at));
                self.say_in_box(leg, words(&[BoxWords::MessageMenu, BoxWords::MessageMenuMore]));
            }
        }
    }

    fn say_envelope(&mut self, leg: LegId, at: usize) {
        let Some(entry) = self.visits.get(&leg).and_then(|visit| visit.entries.get(at)) else {
            return;
        };
        let mut say = received(&entry.message);
        match &entry.message.caller {
            Some((number, _)) => {
                say.extend(words(&[BoxWords::From]));
                say.extend(digits(number.as_str()));
            }
            None => say.extend(words(&[BoxWords::FromUnknown])),
        }
        self.set_stage(leg, Stage::After(at));
        self.say_in_box(leg, say);
    }

    fn delete_message(&mut self, leg: LegId, at: usize) {
        if !self.store_writable {
            self.set_stage(leg, Stage::After(at));
            return self.say_in_box(leg, vec![Announcement::Unavailable]);
        }
        let Some(visit) = self.visits.get_mut(&leg) else {
            return;
        };
        let Some(entry) = visit.entries.get_mut(at) else {
            return;
        };
        if !std::mem::replace(&mut entry.deleted, true) {
            visit.deleted.push(at);
            self.cx.push(Effect::BinMessage {
                user: visit.user.clone(),
                message: entry.message.id,
                binned: true,
            });
        }
        self.message_from(leg, at + 1, true, words(&[BoxWords::Deleted]));
    }

    /// The message that was deleted last is back.
    fn undo_delete(&mut self, leg: LegId) {
        let Some(visit) = self.visits.get_mut(&leg) else {
            return;
        };
        let Some(at) = visit.deleted.pop() else {
            return self.say_in_box(leg, vec![Announcement::Wrong]);
        };
        if let Some(entry) = visit.entries.get_mut(at) {
            entry.deleted = false;
            self.cx.push(Effect::BinMessage {
                user: visit.user.clone(),
                message: entry.message.id,
                binned: false,
            });
        }
        self.set_stage(leg, Stage::After(at));
        let mut say = words(&[BoxWords::Restored, BoxWords::Message]);
        say.extend(digits(&(at + 1).to_string()));
        self.say_in_box(leg, say);
    }

    /// Calls whoever left the message, with the rights of the user, from the user's own telephone only: a stranger's line
    /// is not called out from, even with the right PIN.
    fn call_back(&mut self, leg: LegId, at: usize) {
        let Some(visit) = self.visits.get(&leg) else {
            return;
        };
        let caller = visit
            .entries
            .get(at)
            .and_then(|entry| entry.message.caller.clone());
        let (user, host) = (visit.user.clone(), visit.host.clone());
        let called = match (caller, host) {
            (None, _) => Err(Refusal::InvalidNumber),
            (_, Host::Greeting(_)) => Err(Refusal::NotPermitted),
            (Some((typed, dialled)), Host::Desk(device)) => self.call_back_from_desk(DeskDial {
                leg,
                device,
                user,
                typed,
                dialled,
                account_code: None,
                answered: true,
            }),
            (Some((typed, dialled)), Host::Own) => {
                let id = self.cx.served_by(leg);
                self.call_back_from(leg, id, &user, typed, &dialled)
            }
        };
        if let Err(refusal) = called {
            self.set_stage(leg, Stage::After(at));
            let say = match refusal {
                Refusal::Restricted { .. } | Refusal::NotPermitted | Refusal::AccountCodeRequired => {
                    Announcement::NotAllowed
                }
                Refusal::NoTrunk | Refusal::CapReached | Refusal::StoreUnavailable => {
                    Announcement::Congestion
                }
                _ => Announcement::Unavailable,
            };
            self.say_in_box(leg, vec![say]);
        }
    }

    fn call_back_from_desk(&mut self, dial: DeskDial) -> Result<(), Refusal> {
        let leg = dial.leg;
        match self.check_desk(&dial) {
            Ok((far, booked)) => {
                self.forget_visit(leg);
                self.desk_calls(dial, far, booked);
            }
            Err(Refusal::AccountCodeRequired) => {
                self.forget_visit(leg);
                self.ask_account_code(dial, vec![Announcement::EnterAccountCode]);
            }
            Err(refusal) => return Err(refusal),
        }
        Ok(())
    }

    fn call_back_from(
        &mut self,
        leg: LegId,
        id: CallId,
        user: &UserId,
        typed: DialString,
        dialled: &Dialled,
    ) -> Result<(), Refusal> {
        let far = self.check_dialled(user, dialled)?;
        let kept = self.calls.get(&id).and_then(|call| call.account_code.as_ref());
        let booked = self.book(user, &far, None, kept)?;
        let room = self.calls.get(&id).is_some_and(crate::call::Call::may_add_leg);
        if !room {
            return Err(Refusal::CapReached);
        }
        let now = self.cx.now;
        if let Some(user) = self.users.get_mut(user) {
            user.count_dial(now);
        }
        self.forget_visit(leg);
        if let Some(call) = self.calls.get_mut(&id) {
            call.leave_mailbox();
            call.account_code = booked;
            call.dial_again(&mut self.cx, typed, far);
        }
        self.settle(id);
        Ok(())
    }
}

/// When the message came.
fn received(message: &ListedMessage) -> Vec<Announcement> {
    let mut say = Vec::new();
    match message.day {
        ReceivedDay::Today => say.extend(words(&[BoxWords::ReceivedToday])),
        ReceivedDay::Yesterday => say.extend(words(&[BoxWords::ReceivedYesterday])),
        ReceivedDay::Date { day, month } => {
            say.extend(words(&[BoxWords::ReceivedOn]));
            say.extend(digits(&day.to_string()));
            say.extend(words(&[BoxWords::Month(month), BoxWords::At]));
        }
    }
    say.extend(digits(&message.hour.to_string()));
    say.extend(digits(&format!("{:02}", message.minute)));
    say
}
