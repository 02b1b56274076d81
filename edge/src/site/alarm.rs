//! What happens by the clock: handshakes that take too long, silence on the link, commands and sessions that end, and
//! the dropping of what is old.

use super::attachment::Attachment;
use super::core::Core;
use super::db::{Fault, int};
use super::gateway::{CLOSE_SILENT, refuse};
use super::portal::CLOSE_POLICY;
use super::sockets::{attachment, close, is_open, send_link};
use crate::auth::backoff::NETWORK;
use crate::limits::HANDSHAKE_MS;
use crate::link::liveness::{self, Health};
use ponte_protocol::link::LinkError;
use ponte_protocol::{EdgeFrame, UnixMillis};
use std::collections::HashMap;

/// How often old things are dropped, in milliseconds.
const CLEANING_MS: u64 = 3_600_000;
/// How long an invitation is remembered after it expired, so that its link says so, in milliseconds.
const INVITATION_KEPT_MS: u64 = 30 * 24 * 3_600_000;

impl Core {
    /// Does all that is due.
    pub(crate) fn on_alarm(&self) -> Result<(), Fault> {
        self.alarm_at.set(None);
        let now = self.now();
        self.check_sockets(now)?;
        self.expire_commands()?;
        self.clean(now)
    }

    fn check_sockets(&self, now: UnixMillis) -> Result<(), Fault> {
        let mut ended: HashMap<String, Option<UnixMillis>> = HashMap::new();
        for socket in self.state.get_websockets() {
            if !is_open(&socket) {
                continue;
            }
            match attachment(&socket) {
                None => close(&socket, CLOSE_POLICY, "unknown"),
                Some(Attachment::Link(link)) if link.ready => {
                    let seen = self.memory.borrow().link_seen.max(link.seen_at);
                    match liveness::judge(seen, now) {
                        Health::Fine { next } => self.wake_by(next),
                        Health::Silent { next } => {
                            send_link(&socket, &EdgeFrame::Ping { n: now.0 });
                            self.wake_by(next);
                        }
                        Health::Dead => {
                            close(&socket, CLOSE_SILENT, "silent");
                            self.link_socket_closed(&socket, &link)?;
                        }
                    }
                }
                Some(Attachment::Link(link)) => {
                    if now.since(link.opened_at) >= HANDSHAKE_MS {
                        refuse(&socket, LinkError::NotAuthentic);
                    } else {
                        self.wake_by(link.opened_at.plus(HANDSHAKE_MS));
                    }
                }
                Some(Attachment::Portal(portal)) => {
                    if !portal.greeted {
                        if now.since(portal.opened_at) >= HANDSHAKE_MS {
                            close(&socket, CLOSE_POLICY, "no hello");
                            continue;
                        }
                        self.wake_by(portal.opened_at.plus(HANDSHAKE_MS));
                    }
                    let end = match ended.get(&portal.session) {
                        Some(end) => *end,
                        None => self.session_end(&portal.session)?,
                    };
                    match end {
                        Some(end) => self.wake_by(end),
                        None => self.end_session(&portal.session)?,
                    }
                    ended.insert(portal.session, end);
                }
            }
        }
        Ok(())
    }

    fn clean(&self, now: UnixMillis) -> Result<(), Fault> {
        let last = self
            .db()?
            .meta("cleaned_at")?
            .and_then(|text| text.parse().ok())
            .map_or(UnixMillis(0), UnixMillis);
        if now.since(last) < CLEANING_MS {
            self.wake_by(last.plus(CLEANING_MS));
            return Ok(());
        }
        self.trim_ledger()?;
        self.trim_old_events()?;
        let db = self.db()?;
        let idle = now.0.saturating_sub(crate::auth::session::IDLE_MS);
        let oldest = now.0.saturating_sub(crate::auth::session::ABSOLUTE_MS);
        db.run(
            "DELETE FROM sessions WHERE seen_at < ? OR created_at < ?",
            vec![int(idle), int(oldest)],
        )?;
        db.run("DELETE FROM tickets WHERE expires_at <= ?", vec![int(now.0)])?;
        let forgotten = now.0.saturating_sub(NETWORK.forget_ms);
        db.run(
            "DELETE FROM throttle WHERE last < ? OR count = 0",
            vec![int(forgotten)],
        )?;
        let kept = now.0.saturating_sub(INVITATION_KEPT_MS);
        db.run("DELETE FROM invitations WHERE expires_at < ?", vec![int(kept)])?;
        self.clean_subscriptions(now)?;
        db.set_meta("cleaned_at", &now.0.to_string())?;
        {
            // What a socket or a user used up has refilled by now.
            let mut memory = self.memory.borrow_mut();
            memory.dials.clear();
            memory.audio.forget_rates();
            memory.uploads.forget_rates();
            memory.touched.clear();
        }
        self.wake_by(now.plus(CLEANING_MS));
        Ok(())
    }

    /// Sets the alarm for what came up in this turn, unless it comes sooner anyway.
    pub(crate) async fn reschedule(&self) -> Result<(), Fault> {
        let Some(wanted) = self.wanted.take() else {
            return Ok(());
        };
        let stored = if self.alarm_at.get().is_none() {
            self.state.storage().get_alarm().await?
        } else {
            None
        };
        // Another turn may have set it while this one waited.
        let known = self
            .alarm_at
            .get()
            .or_else(|| stored.and_then(|at| u64::try_from(at).ok()).map(UnixMillis));
        let now = self.now();
        if let Some(at) = known.filter(|at| *at <= wanted && *at > now) {
            self.alarm_at.set(Some(at));
            return Ok(());
        }
        let offset = i64::try_from(wanted.since(now).max(1)).unwrap_or(i64::MAX);
        self.alarm_at.set(Some(wanted));
        self.state.storage().set_alarm(offset).await?;
        Ok(())
    }
}
