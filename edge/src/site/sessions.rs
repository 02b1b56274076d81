//! Sessions and tickets.

use super::attachment::{session_tag, user_tag};
use super::core::Core;
use super::db::{Fault, int};
use super::rpc::SiteAnswer;
use crate::auth::session;
use crate::limits::{SESSIONS_PER_USER, TICKET_LIFETIME_MS, TICKETS_PER_SESSION};
use ponte_protocol::{UnixMillis, UserId};
use serde::Deserialize;

/// A session that is not over.
pub(crate) struct LiveSession {
    pub(crate) user: UserId,
    pub(crate) display_name: String,
    pub(crate) expires_at: UnixMillis,
}

#[derive(Deserialize)]
struct SessionRow {
    user: UserId,
    display_name: String,
    created_at: u64,
    seen_at: u64,
}

impl Core {
    /// Opens a session; beyond the limit the user's oldest ends.
    pub(crate) fn open_session(&self, user: &UserId, hash: &str) -> Result<(), Fault> {
        let now = self.now();
        self.db()?.run(
            "INSERT INTO sessions (hash, user, created_at, seen_at) VALUES (?, ?, ?, ?)",
            vec![hash.into(), user.as_str().into(), int(now.0), int(now.0)],
        )?;
        let surplus: Vec<String> = self
            .db()?
            .rows::<Hash>(
                "SELECT hash FROM sessions WHERE user = ? ORDER BY created_at DESC, hash LIMIT -1 OFFSET ?",
                vec![user.as_str().into(), int(SESSIONS_PER_USER.into())],
            )?
            .into_iter()
            .map(|row| row.hash)
            .filter(|surplus| surplus != hash)
            .collect();
        surplus.iter().try_for_each(|hash| {
            self.forget_subscription(hash)?;
            self.end_session(hash)
        })
    }

    /// A session that is not over, marked as used just now.
    pub(crate) fn use_session(&self, hash: &str) -> Result<Option<LiveSession>, Fault> {
        let now = self.now();
        let row: Option<SessionRow> = self.db()?.row(
            "SELECT s.user, u.display_name, s.created_at, s.seen_at FROM sessions s JOIN users u ON u.user = s.user
             WHERE s.hash = ?",
            vec![hash.into()],
        )?;
        let Some(row) = row else { return Ok(None) };
        let (created, seen) = (UnixMillis(row.created_at), UnixMillis(row.seen_at));
        if session::is_over(created, seen, now) {
            self.end_session(hash)?;
            return Ok(None);
        }
        if session::needs_touch(seen, now) {
            self.db()?.run(
                "UPDATE sessions SET seen_at = ? WHERE hash = ?",
                vec![int(now.0), hash.into()],
            )?;
        }
        Ok(Some(LiveSession {
            user: row.user,
            display_name: row.display_name,
            expires_at: session::expires_at(created, now),
        }))
    }

    /// Keeps a session alive by what its sockets do; asks the storage at most once a minute.
    pub(crate) fn touch_session(&self, hash: &str) -> Result<(), Fault> {
        let now = self.now();
        let recent = self.memory.borrow().touched.get(hash).copied();
        if recent.is_some_and(|seen| !session::needs_touch(seen, now)) {
            return Ok(());
        }
        self.use_session(hash)?;
        self.memory.borrow_mut().touched.insert(hash.to_owned(), now);
        Ok(())
    }

    /// When a session ends if nothing more is heard of it; `None` when it is over.
    pub(crate) fn session_end(&self, hash: &str) -> Result<Option<UnixMillis>, Fault> {
        #[derive(Deserialize)]
        struct Times {
            created_at: u64,
            seen_at: u64,
        }
        let now = self.now();
        let row: Option<Times> = self.db()?.row(
            "SELECT created_at, seen_at FROM sessions WHERE hash = ?",
            vec![hash.into()],
        )?;
        Ok(row
            .map(|row| session::expires_at(UnixMillis(row.created_at), UnixMillis(row.seen_at)))
            .filter(|end| *end > now))
    }

    /// Ends a session: its tickets and sockets with it. Its browser is still told of calls, until the user signs out or
    /// the session could not have lasted any longer.
    pub(crate) fn end_session(&self, hash: &str) -> Result<(), Fault> {
        self.db()?
            .run("DELETE FROM sessions WHERE hash = ?", vec![hash.into()])?;
        self.db()?
            .run("DELETE FROM tickets WHERE session = ?", vec![hash.into()])?;
        self.memory.borrow_mut().touched.remove(hash);
        self.sign_out_portals(self.portals(&session_tag(hash)));
        Ok(())
    }

    /// Ends all sessions of a user; none of the browsers is told of calls any more.
    pub(crate) fn end_sessions_of(&self, user: &UserId) -> Result<(), Fault> {
        self.db()?.run(
            "DELETE FROM tickets WHERE session IN (SELECT hash FROM sessions WHERE user = ?)",
            vec![user.as_str().into()],
        )?;
        self.db()?
            .run("DELETE FROM sessions WHERE user = ?", vec![user.as_str().into()])?;
        self.forget_subscriptions_of(user)?;
        self.sign_out_portals(self.portals(&user_tag(user)));
        Ok(())
    }

    /// Signs out: this session, or all of its user.
    pub(crate) fn sign_out(&self, hash: &str, everywhere: bool) -> Result<SiteAnswer, Fault> {
        match self.use_session(hash)? {
            Some(live) if everywhere => self.end_sessions_of(&live.user)?,
            _ => {
                self.forget_subscription(hash)?;
                self.end_session(hash)?;
            }
        }
        Ok(SiteAnswer::Done)
    }

    /// Keeps a ticket for a socket.
    pub(crate) fn keep_ticket(&self, session: &str, ticket: &str) -> Result<SiteAnswer, Fault> {
        if self.use_session(session)?.is_none() {
            return Ok(SiteAnswer::NoSession);
        }
        let now = self.now();
        let db = self.db()?;
        db.run("DELETE FROM tickets WHERE expires_at <= ?", vec![int(now.0)])?;
        let held: u32 = db
            .value(
                "SELECT count(*) AS value FROM tickets WHERE session = ?",
                vec![session.into()],
            )?
            .unwrap_or(0);
        if held >= TICKETS_PER_SESSION {
            return Ok(SiteAnswer::TooMany {
                retry_after_ms: TICKET_LIFETIME_MS,
            });
        }
        let expires_at = now.plus(TICKET_LIFETIME_MS);
        db.run(
            "INSERT INTO tickets (hash, session, expires_at) VALUES (?, ?, ?)",
            vec![ticket.into(), session.into(), int(expires_at.0)],
        )?;
        Ok(SiteAnswer::Ticket { expires_at })
    }

    /// Takes a ticket: it is gone, whatever comes of it. Gives its session if the ticket belongs to it and both are good.
    pub(crate) fn take_ticket(&self, ticket: &str, session: &str) -> Result<Option<LiveSession>, Fault> {
        #[derive(Deserialize)]
        struct Taken {
            session: String,
            expires_at: u64,
        }
        let taken: Option<Taken> = self.db()?.row(
            "DELETE FROM tickets WHERE hash = ? RETURNING session, expires_at",
            vec![ticket.into()],
        )?;
        match taken {
            Some(taken) if taken.expires_at > self.now().0 && taken.session == session => {
                self.use_session(session)
            }
            _ => Ok(None),
        }
    }
}

#[derive(Deserialize)]
struct Hash {
    hash: String,
}
