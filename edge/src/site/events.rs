//! The event log: what the gateway tells, kept for portals that were away, and passed on to those that are here.

use super::core::Core;
use super::db::{Fault, int};
use super::resume::{self, LogExtent, Start};
use super::sockets::send;
use crate::crypto;
use crate::link::position::{self, Arrival};
use ponte_protocol::frames::Resume;
use ponte_protocol::link::{LinkEvent, StreamPosition};
use ponte_protocol::{EdgeFrame, Event, EventBody, ServerFrame, Snapshot, UnixMillis, UserId, UserState};
use serde::Deserialize;
use uuid::Uuid;
use worker::WebSocket;

/// The user of events that everybody sees; no user has this name.
const EVERYBODY: &str = "";
/// States kept in memory; beyond, they are read anew.
const STATES_IN_MEMORY: usize = 64;
/// A user's log is cut to its length once in this many events of the site.
const TRIM_EVERY: u64 = 32;

#[derive(Deserialize)]
struct EventRow {
    seq: u64,
    at: u64,
    body: String,
}

impl Core {
    /// Which log this is; made once for each site.
    fn log_id(&self) -> Result<Uuid, Fault> {
        if let Some(id) = self.db()?.meta("log")?.and_then(|text| text.parse().ok()) {
            return Ok(id);
        }
        let id = crypto::random_uuid()?;
        self.db()?.set_meta("log", &id.to_string())?;
        Ok(id)
    }

    /// The last event of the gateway that is stored.
    pub(crate) fn link_position(&self) -> Result<Option<StreamPosition>, Fault> {
        if let Some(position) = self.memory.borrow().link_position {
            return Ok(Some(position));
        }
        let text = self.db()?.meta("link_position")?;
        let position = text.and_then(|text| serde_json::from_str(&text).ok());
        self.memory.borrow_mut().link_position = position;
        Ok(position)
    }

    fn newest_seq(&self) -> Result<u64, Fault> {
        let newest: Option<Option<u64>> = self.db()?.value(
            "SELECT max(seq) AS value FROM (SELECT max(seq) AS seq FROM events UNION ALL
             SELECT max(seq) AS seq FROM dropped_events)",
            vec![],
        )?;
        Ok(newest.flatten().unwrap_or(0))
    }

    /// A user's state, if the gateway ever told it.
    pub(crate) fn user_state(&self, user: &UserId) -> Result<Option<UserState>, Fault> {
        if let Some(state) = self.memory.borrow().states.get(user) {
            return Ok(Some(state.clone()));
        }
        let text: Option<String> = self.db()?.value(
            "SELECT state AS value FROM states WHERE user = ?",
            vec![user.as_str().into()],
        )?;
        // A state that an older version wrote and this one cannot read is as good as none: the gateway tells it again.
        Ok(text.and_then(|text| serde_json::from_str(&text).ok()))
    }

    fn keep_state(&self, user: &UserId, state: UserState) -> Result<(), Fault> {
        let text = serde_json::to_string(&state)?;
        self.db()?.run(
            "INSERT OR REPLACE INTO states (user, state) VALUES (?, ?)",
            vec![user.as_str().into(), text.into()],
        )?;
        let mut memory = self.memory.borrow_mut();
        if memory.states.len() >= STATES_IN_MEMORY && !memory.states.contains_key(user) {
            memory.states.clear();
        }
        memory.states.insert(user.clone(), state);
        Ok(())
    }

    /// Takes an event of the gateway: stored, applied and passed on once. The position is to be acknowledged either way.
    pub(crate) fn take_event(&self, event: LinkEvent) -> Result<(), Fault> {
        match position::classify(self.link_position()?, event.position) {
            Arrival::Known => return Ok(()),
            Arrival::Next => {}
            Arrival::AfterGap => self.ask_for_states()?,
        }
        let (position, user, body) = (event.position, event.user, event.body);
        if matches!(body, EventBody::Unknown | EventBody::GatewayChanged { .. }) || !self.is_user(&user)? {
            return self.keep_position(position);
        }
        let state = match (self.user_state(&user)?, &body) {
            (_, EventBody::State { state }) => Some((**state).clone()),
            (Some(mut state), body) => {
                state.apply(body);
                Some(state)
            }
            (None, _) => None,
        };
        match state {
            Some(state) => self.keep_state(&user, state)?,
            None => self.tell_gateway(&EdgeFrame::NeedState { user: user.clone() }),
        }
        let event = self.append(user.as_str(), event.at, body)?;
        // Last: an event whose storing failed half-way must come again.
        self.keep_position(position)?;
        let trim = event.seq.is_multiple_of(TRIM_EVERY);
        let frame = ServerFrame::Event { event };
        for (socket, _) in self.greeted_portals(&user) {
            send(&socket, &frame);
        }
        if let ServerFrame::Event { event } = &frame {
            self.push_calls(&user, event.at, &event.body);
        }
        if trim { self.trim_user(&user) } else { Ok(()) }
    }

    /// Passes an event over that cannot be read, so that it does not come again for ever, and asks for its user anew.
    pub(crate) fn skip_event(&self, position: StreamPosition, user: Option<UserId>) -> Result<(), Fault> {
        if position::classify(self.link_position()?, position) == Arrival::Known {
            return Ok(());
        }
        self.keep_position(position)?;
        if let Some(user) = user {
            self.tell_gateway(&EdgeFrame::NeedState { user });
        }
        Ok(())
    }

    fn keep_position(&self, position: StreamPosition) -> Result<(), Fault> {
        self.db()?
            .set_meta("link_position", &serde_json::to_string(&position)?)?;
        self.memory.borrow_mut().link_position = Some(position);
        Ok(())
    }

    /// What is known of everybody may be out of date.
    fn ask_for_states(&self) -> Result<(), Fault> {
        for user in self.users()? {
            self.tell_gateway(&EdgeFrame::NeedState { user });
        }
        Ok(())
    }

    fn append(&self, user: &str, at: UnixMillis, body: EventBody) -> Result<Event, Fault> {
        let text = serde_json::to_string(&body)?;
        let seq: Option<u64> = self.db()?.value(
            "INSERT INTO events (user, at, stored_at, body) VALUES (?, ?, ?, ?) RETURNING seq AS value",
            vec![user.into(), int(at.0), int(self.now().0), text.into()],
        )?;
        Ok(Event {
            seq: seq.unwrap_or_default(),
            at,
            body,
        })
    }

    /// Tells every portal that the gateway came or went, if that is news.
    pub(crate) fn gateway_changed(&self, connected: bool) -> Result<(), Fault> {
        let text = if connected { "1" } else { "0" };
        if self.db()?.meta("gateway_connected")?.as_deref().unwrap_or("0") == text {
            return Ok(());
        }
        self.db()?.set_meta("gateway_connected", text)?;
        let event = self.append(EVERYBODY, self.now(), EventBody::GatewayChanged { connected })?;
        let frame = ServerFrame::Event { event };
        for (socket, portal) in self.all_portals() {
            if portal.greeted {
                send(&socket, &frame);
            }
        }
        Ok(())
    }

    /// Starts a portal: with what it missed, or with a snapshot.
    pub(crate) fn start_portal(
        &self,
        socket: &WebSocket,
        user: &UserId,
        version: u16,
        from: Option<Resume>,
    ) -> Result<(), Fault> {
        let extent = LogExtent {
            log: self.log_id()?,
            newest: self.newest_seq()?,
            dropped: self.dropped(user)?,
        };
        let missed = match from {
            Some(Resume { seq, .. }) => self
                .db()?
                .value(
                    "SELECT count(*) AS value FROM events WHERE user IN (?, ?) AND seq > ?",
                    vec![user.as_str().into(), EVERYBODY.into(), int(seq)],
                )?
                .unwrap_or(0),
            None => 0,
        };
        let gateway_connected = self.gateway().is_some();
        let state = self.user_state(user)?;
        if state.is_none() {
            self.tell_gateway(&EdgeFrame::NeedState { user: user.clone() });
        }
        match resume::decide(from, extent, missed) {
            Start::After(seq) => {
                send(
                    socket,
                    &ServerFrame::Resumed {
                        version,
                        gateway_connected,
                        at: self.now(),
                    },
                );
                for event in self.events_after(user, seq)? {
                    send(socket, &ServerFrame::Event { event });
                }
            }
            Start::Snapshot => {
                let snapshot = Snapshot {
                    log: extent.log,
                    seq: extent.newest,
                    at: self.now(),
                    gateway_connected,
                    state: state.map(Box::new),
                };
                send(socket, &ServerFrame::Snapshot { version, snapshot });
            }
        }
        Ok(())
    }

    fn events_after(&self, user: &UserId, seq: u64) -> Result<Vec<Event>, Fault> {
        let rows: Vec<EventRow> = self.db()?.rows(
            "SELECT seq, at, body FROM events WHERE user IN (?, ?) AND seq > ? ORDER BY seq LIMIT ?",
            vec![
                user.as_str().into(),
                EVERYBODY.into(),
                int(seq),
                int(resume::REPLAY_MAX.into()),
            ],
        )?;
        rows.into_iter()
            .map(|row| {
                Ok(Event {
                    seq: row.seq,
                    at: UnixMillis(row.at),
                    body: serde_json::from_str(&row.body)?,
                })
            })
            .collect()
    }

    fn dropped(&self, user: &UserId) -> Result<u64, Fault> {
        let dropped: Option<Option<u64>> = self.db()?.value(
            "SELECT max(seq) AS value FROM dropped_events WHERE user IN (?, ?)",
            vec![user.as_str().into(), EVERYBODY.into()],
        )?;
        Ok(dropped.flatten().unwrap_or(0))
    }

    /// Keeps the newest events of a user only.
    fn trim_user(&self, user: &UserId) -> Result<(), Fault> {
        let last_surplus: Option<u64> = self.db()?.value(
            "SELECT seq AS value FROM events WHERE user = ? ORDER BY seq DESC LIMIT 1 OFFSET ?",
            vec![user.as_str().into(), int(resume::KEPT_EVENTS.into())],
        )?;
        match last_surplus {
            Some(seq) => self.drop_events("user = ? AND seq <= ?", vec![user.as_str().into(), int(seq)]),
            None => Ok(()),
        }
    }

    /// Drops events that are too old to be resumed from.
    pub(crate) fn trim_old_events(&self) -> Result<(), Fault> {
        let oldest = self.now().0.saturating_sub(resume::KEPT_MS);
        self.drop_events("stored_at < ?", vec![int(oldest)])
    }

    fn drop_events(&self, condition: &str, values: Vec<worker::SqlStorageValue>) -> Result<(), Fault> {
        self.db()?.run(
            &format!(
                "INSERT INTO dropped_events (user, seq) SELECT user, max(seq) FROM events WHERE {condition} GROUP BY user
                 ON CONFLICT (user) DO UPDATE SET seq = max(seq, excluded.seq)"
            ),
            values.clone(),
        )?;
        self.db()?
            .run(&format!("DELETE FROM events WHERE {condition}"), values)
    }
}
