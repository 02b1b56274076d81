//! What the edge has told, through the reducer that edge and portal share. Nothing here is guessed.

use crate::state::clock::Clock;
use crate::state::commands::Commands;
use crate::state::log::CallLog;
use ponte_protocol::frames::{Resume, SocketError};
use ponte_protocol::{
    CallRecord, Command, CommandBody, CommandId, Event, EventBody, Outcome, Refusal, Reply, ServerFrame,
    Snapshot, UnixMillis, UserState,
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
    /// The call that ended last in this window, until it is put away.
    pub ended: Option<CallRecord>,
    pub clock: Clock,
    pub commands: Commands,
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
        }
        self.commands.issue(id, body, self.clock.server(now))
    }

    /// What to send again after a reconnect; `now` by the local clock.
    pub fn unanswered(&self, now: UnixMillis) -> Vec<Command> {
        self.commands.unanswered(self.clock.server(now))
    }

    /// Takes out what can no longer be answered; `now` by the local clock.
    pub fn expire(&mut self, now: UnixMillis) -> Vec<CommandBody> {
        self.commands.expire(self.clock.server(now))
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
            ServerFrame::SignedOut => Some(Notice::SignedOut),
            ServerFrame::Error {
                error: SocketError::UnsupportedVersion { .. },
            } => Some(Notice::Outdated),
            ServerFrame::Error {
                error: SocketError::TooFast { retry_after_ms },
            } => Some(Notice::TooFast { retry_after_ms }),
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
        self.user = Some(state);
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
                self.log.take_newest(&user.log);
            }
        }
    }

    fn take_reply(&mut self, reply: Reply) -> Option<Notice> {
        let body = self.commands.settle(&reply)?;
        match reply.outcome {
            Outcome::Refused { refusal } => Some(Notice::Refused(body, refusal)),
            Outcome::Log(page) => {
                self.log.take_page(&page);
                None
            }
            Outcome::Accepted { .. } => Some(Notice::Done(body)),
            // Nothing here asks for messages or explanations yet.
            Outcome::Messages(_) | Outcome::Explained(_) | Outcome::Admin { .. } | Outcome::Unknown => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::sample;
    use ponte_protocol::{CallPhase, CallView};
    use uuid::Uuid;

    const NOW: UnixMillis = UnixMillis(1_000);

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

    fn event(seq: u64, body: EventBody) -> ServerFrame {
        ServerFrame::Event {
            event: Event {
                seq,
                at: UnixMillis(1),
                body,
            },
        }
    }

    fn with_state() -> Store {
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
    fn a_command_shows_no_call_before_the_gateway_tells_of_one() {
        let mut store = with_state();
        let body = CommandBody::Dial {
            number: "0212345678".parse().unwrap(),
        };
        let id = CommandId(Uuid::from_u128(1));
        let command = store.issue(id, body.clone(), NOW);
        assert_eq!(command.expires_at, UnixMillis(15_000));
        let reply = Reply {
            id,
            outcome: Outcome::Accepted { call: None },
        };
        assert_eq!(
            store.receive(ServerFrame::Reply { reply: reply.clone() }, NOW),
            Some(Notice::Done(body))
        );
        assert_eq!(store.receive(ServerFrame::Reply { reply }, NOW), None);
        assert!(store.user.unwrap().calls.is_empty());
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
}
