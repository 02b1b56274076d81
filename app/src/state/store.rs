//! What the edge has told, through the reducer that edge and portal share. Nothing here is guessed.

mod replies;

use crate::state::clock::Clock;
use crate::state::commands::Commands;
use crate::state::directory::Directory;
use crate::state::log::CallLog;
use crate::state::mailbox::Messages;
use crate::state::verification::{Progress, Verification};
use ponte_protocol::frames::{Resume, SocketError};
use ponte_protocol::{
    CallRecord, Command, CommandBody, CommandId, DestinationChoice, Event, EventBody, Explanation, Refusal,
    RtcSignal, ServerFrame, Snapshot, UnixMillis, UserState,
};

/// Something that the user, or the socket, must be told.
#[derive(Clone, Debug, PartialEq)]
pub enum Notice {
    /// The state is whole and current.
    Synced,
    /// The session is over.
    SignedOut,
    /// This build is too old or too new for the edge.
    Outdated,
    /// The edge asks for less.
    TooFast {
        retry_after_ms: u64,
    },
    /// To the telephone in this tab.
    Rtc(RtcSignal),
    Done(CommandBody),
    Refused(CommandBody, Refusal),
}

/// The portal's whole knowledge.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Store {
    position: Option<Resume>,
    /// Whether the edge has its telephone system.
    pub gateway_connected: bool,
    /// `None` until the edge knows the user's state.
    pub user: Option<UserState>,
    pub log: CallLog,
    pub messages: Messages,
    pub directory: Directory,
    /// The proof of a saved number that is under way in this window.
    pub verification: Option<Verification>,
    /// Which rule the last refused number fell under.
    pub explained: Option<Explanation>,
    /// The call that ended last in this window, until it is put away.
    pub ended: Option<CallRecord>,
    pub clock: Clock,
    pub commands: Commands,
    /// What follows from what was told, to be asked for.
    wishes: Vec<CommandBody>,
}

impl Store {
    /// Where to resume.
    pub fn position(&self) -> Option<Resume> {
        self.position
    }

    /// Makes a command; `now` by the local clock.
    pub fn issue(&mut self, id: CommandId, body: CommandBody, now: UnixMillis) -> Command {
        if matches!(body, CommandBody::Dial { .. }) {
            self.ended = None;
            self.explained = None;
        }
        self.commands.issue(id, body, self.clock.server(now))
    }

    /// What follows from what was told; each is asked for once.
    pub fn take_wishes(&mut self) -> Vec<CommandBody> {
        std::mem::take(&mut self.wishes)
    }

    /// What to send again after a reconnect; `now` by the local clock.
    pub fn unanswered(&self, now: UnixMillis) -> Vec<Command> {
        self.commands.unanswered(self.clock.server(now))
    }

    /// Takes out what can no longer be answered; `now` by the local clock.
    pub fn expire(&mut self, now: UnixMillis) -> Vec<CommandBody> {
        let expired = self.commands.expire(self.clock.server(now));
        for body in &expired {
            self.give_up(body, &Refusal::Expired);
        }
        expired
    }

    /// Takes a frame from the edge; `now` by the local clock. Pongs belong to the socket, which knows when it asked.
    pub fn receive(&mut self, frame: ServerFrame, now: UnixMillis) -> Option<Notice> {
        match frame {
            ServerFrame::Snapshot { snapshot, .. } => {
                self.take_snapshot(snapshot, now);
                Some(Notice::Synced)
            }
            ServerFrame::Resumed {
                gateway_connected,
                at,
                ..
            } => {
                self.gateway_connected = gateway_connected;
                self.clock.hear(at, now);
                Some(Notice::Synced)
            }
            ServerFrame::Event { event } => {
                self.take_event(event);
                None
            }
            ServerFrame::Reply { reply } => self.take_reply(reply),
            ServerFrame::Rtc { signal } => Some(Notice::Rtc(signal)),
            ServerFrame::SignedOut => Some(Notice::SignedOut),
            ServerFrame::Error {
                error: SocketError::UnsupportedVersion { .. },
            } => Some(Notice::Outdated),
            ServerFrame::Error {
                error: SocketError::TooFast { retry_after_ms },
            } => Some(Notice::TooFast { retry_after_ms }),
            ServerFrame::Company { whole, colleagues } => {
                self.directory.take_company(whole, colleagues);
                None
            }
            ServerFrame::Error { .. } | ServerFrame::Pong { .. } | ServerFrame::Unknown => None,
        }
    }

    fn take_snapshot(&mut self, snapshot: Snapshot, now: UnixMillis) {
        self.position = Some(Resume {
            log: snapshot.log,
            seq: snapshot.seq,
        });
        self.gateway_connected = snapshot.gateway_connected;
        self.clock.hear(snapshot.at, now);
        if let Some(state) = snapshot.state {
            self.take_state(*state);
        } else {
            self.user = None;
            self.log = CallLog::default();
            self.messages = Messages::default();
            self.directory = Directory::default();
            self.verification = None;
        }
    }

    fn take_state(&mut self, state: UserState) {
        let gone = self.user.iter().flat_map(|user| &user.calls);
        let ended = gone
            .filter_map(|call| state.log.iter().find(|record| record.id == call.id))
            .next_back();
        if let Some(record) = ended {
            self.ended = Some(record.clone());
        }
        self.log.take_newest(&state.log);
        self.messages.take_newest(&state.mailbox);
        let wish = self.directory.take_book(state.contacts);
        self.wishes.extend(wish);
        self.user = Some(state);
        self.follow_verification();
    }

    /// A number that was proven is entered, where that was the reason for the proof.
    fn follow_verification(&mut self) {
        let (Some(proof), Some(user)) = (&mut self.verification, &self.user) else {
            return;
        };
        match proof.hear(&user.destinations) {
            Progress::Open => return,
            Progress::Proven if proof.enter => self.wishes.push(CommandBody::EnterTelecommuter {
                destination: DestinationChoice::Saved {
                    destination: proof.destination,
                },
            }),
            Progress::Proven | Progress::Gone => {}
        }
        self.verification = None;
    }

    fn take_event(&mut self, event: Event) {
        if let Some(position) = &mut self.position {
            if event.seq <= position.seq {
                return;
            }
            position.seq = event.seq;
        }
        match event.body {
            EventBody::GatewayChanged { connected } => self.gateway_connected = connected,
            EventBody::State { state } => self.take_state(*state),
            body => {
                let Some(user) = &mut self.user else { return };
                let was_up = |record: &CallRecord| user.calls.iter().any(|call| call.id == record.id);
                match &body {
                    EventBody::CallEnded { record, .. } if was_up(record) => {
                        self.ended = Some(record.clone());
                    }
                    EventBody::CallChanged { .. } if user.calls.is_empty() => self.ended = None,
                    _ => {}
                }
                user.apply(&body);
                match body {
                    EventBody::CallEnded { .. } => self.log.take_newest(&user.log),
                    EventBody::RecordChanged { record } => {
                        if let Some(ended) = self.ended.as_mut().filter(|ended| ended.id == record.id) {
                            ended.clone_from(&record);
                        }
                        self.log.take_changed(&record);
                    }
                    EventBody::MailboxChanged { .. } => self.messages.take_newest(&user.mailbox),
                    EventBody::DestinationsChanged { .. } => self.follow_verification(),
                    EventBody::ContactsChanged { book, saved, deleted } => {
                        let wish = self.directory.take_change(book, saved.as_deref(), deleted);
                        self.wishes.extend(wish);
                    }
                    _ => {}
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::sample;
    use ponte_protocol::{CallPhase, CallView, DestinationId};
    use uuid::Uuid;

    pub(super) const NOW: UnixMillis = UnixMillis(1_000);

    fn snapshot(seq: u64, state: Option<UserState>) -> ServerFrame {
        ServerFrame::Snapshot {
            version: 1,
            snapshot: Snapshot {
                log: Uuid::from_u128(7),
                seq,
                at: UnixMillis(5_000),
                gateway_connected: true,
                state: state.map(Box::new),
            },
        }
    }

    pub(super) fn event(seq: u64, body: EventBody) -> ServerFrame {
        ServerFrame::Event {
            event: Event {
                seq,
                at: UnixMillis(1),
                body,
            },
        }
    }

    pub(super) fn with_state() -> Store {
        let mut store = Store::default();
        assert_eq!(
            store.receive(snapshot(10, Some(sample::user())), NOW),
            Some(Notice::Synced)
        );
        store
    }

    #[test]
    fn t13_it_resumes_after_the_last_event_seen() {
        let mut store = with_state();
        assert_eq!(store.clock.server(NOW), UnixMillis(5_000));
        store.receive(event(14, EventBody::Unknown), NOW);
        assert_eq!(
            store.position(),
            Some(Resume {
                log: Uuid::from_u128(7),
                seq: 14
            })
        );
    }

    #[test]
    fn t07_calls_are_shown_as_told_and_old_events_are_passed_over() {
        let mut store = with_state();
        store.receive(
            event(
                11,
                EventBody::CallChanged {
                    call: sample::call(1),
                },
            ),
            NOW,
        );
        let late = CallView {
            phase: CallPhase::Ending,
            ..sample::call(1)
        };
        store.receive(event(11, EventBody::CallChanged { call: late }), NOW);
        assert_eq!(store.user.unwrap().calls, [sample::call(1)]);
    }

    #[test]
    fn t05_the_cause_of_an_ended_call_stays_until_the_next_one() {
        let mut store = with_state();
        store.receive(
            event(
                11,
                EventBody::CallChanged {
                    call: sample::call(1),
                },
            ),
            NOW,
        );
        let record = sample::record(1);
        store.receive(
            event(
                12,
                EventBody::CallEnded {
                    call: record.id,
                    record: record.clone(),
                },
            ),
            NOW,
        );
        assert_eq!(store.ended, Some(record.clone()));
        assert_eq!(store.log.records(), [record]);
        store.receive(
            event(
                13,
                EventBody::CallChanged {
                    call: sample::call(2),
                },
            ),
            NOW,
        );
        assert_eq!(store.ended, None);
    }

    #[test]
    fn t13_a_call_that_ended_while_the_link_was_lost_tells_its_cause() {
        let mut store = with_state();
        store.receive(
            event(
                11,
                EventBody::CallChanged {
                    call: sample::call(1),
                },
            ),
            NOW,
        );
        let state = UserState {
            log: vec![sample::record(1)],
            ..sample::user()
        };
        store.receive(snapshot(40, Some(state)), NOW);
        assert_eq!(store.ended, Some(sample::record(1)));
    }

    #[test]
    fn a_user_the_telephone_system_never_told_of_has_no_state() {
        let mut store = with_state();
        store.receive(snapshot(0, None), NOW);
        assert_eq!(store.user, None);
        store.receive(
            event(
                1,
                EventBody::CallChanged {
                    call: sample::call(1),
                },
            ),
            NOW,
        );
        assert_eq!(store.user, None);
    }

    #[test]
    fn errors_and_the_end_of_the_session_are_told() {
        let mut store = with_state();
        assert_eq!(
            store.receive(ServerFrame::SignedOut, NOW),
            Some(Notice::SignedOut)
        );
        let error = SocketError::TooFast { retry_after_ms: 9 };
        let notice = store.receive(ServerFrame::Error { error }, NOW);
        assert_eq!(notice, Some(Notice::TooFast { retry_after_ms: 9 }));
        assert_eq!(store.receive(ServerFrame::Unknown, NOW), None);
    }

    fn saved(id: u128, verified: bool) -> EventBody {
        EventBody::DestinationsChanged {
            destinations: vec![ponte_protocol::SavedDestination {
                id: DestinationId(Uuid::from_u128(id)),
                label: "Home".into(),
                number: "+390212345601".parse().unwrap(),
                confirm: false,
                verified,
            }],
        }
    }

    #[test]
    fn t02_a_number_typed_to_be_entered_is_entered_once_it_is_proven() {
        let mut store = with_state();
        let destination = DestinationId(Uuid::from_u128(5));
        store.verification = Some(Verification::saving(destination, true));
        store.receive(event(11, saved(5, false)), NOW);
        assert!(store.verification.as_ref().unwrap().takes_code());
        assert!(store.take_wishes().is_empty());
        store.receive(event(12, saved(5, true)), NOW);
        assert_eq!(store.verification, None);
        let enter = CommandBody::EnterTelecommuter {
            destination: DestinationChoice::Saved { destination },
        };
        assert_eq!(store.take_wishes(), [enter]);
        assert!(store.take_wishes().is_empty());
    }
}
