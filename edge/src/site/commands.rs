//! The command ledger at work: from a portal to the gateway, and the one answer back.

use super::attachment::{PortalSocket, user_tag};
use super::core::{Core, Query};
use super::db::{Fault, int};
use super::ledger::{self, Delivery, Entry, Known};
use super::sockets::{send, send_link};
use crate::limits::{DIALS, QUERIES_PER_USER, TokenBucket, WAITING_PER_USER};
use ponte_protocol::{
    Command, CommandId, EdgeFrame, Outcome, Refusal, Reply, ServerFrame, UnixMillis, UserId,
};
use serde::Deserialize;
use uuid::Uuid;
use worker::WebSocket;

/// Sockets that wait for one answer; further ones get it when they ask again.
const WAITERS_MAX: usize = 32;

#[derive(Deserialize)]
struct LedgerRow {
    id: CommandId,
    user: UserId,
    digest: String,
    command: String,
    expires_at: u64,
    forwarded: u8,
    waiters: String,
    outcome: Option<String>,
}

const COLUMNS: &str = "id, user, digest, command, expires_at, forwarded, waiters, outcome";

impl LedgerRow {
    fn waiters(&self) -> Vec<Uuid> {
        serde_json::from_str(&self.waiters).unwrap_or_default()
    }
}

fn answer(socket: &WebSocket, reply: Reply) {
    send(socket, &ServerFrame::Reply { reply });
}

impl Core {
    /// Takes a command of a portal. It is answered now or later, exactly once for each time it was sent.
    pub(crate) fn take_command(
        &self,
        socket: &WebSocket,
        portal: &PortalSocket,
        command: Command,
    ) -> Result<(), Fault> {
        let id = command.id;
        if let Err(refusal) = command.body.validate() {
            answer(socket, Reply::refused(id, refusal));
            return Ok(());
        }
        if command.body.is_query() {
            self.take_query(socket, portal, command);
            return Ok(());
        }
        let (row, known) = self.known(&portal.user, &command)?;
        match known {
            Known::Different => answer(socket, Reply::refused(id, Refusal::DuplicateId)),
            Known::Answered(outcome) => answer(socket, Reply { id, outcome }),
            Known::Waiting => {
                if let Some(row) = row {
                    self.add_waiter(&row, portal.id)?;
                }
            }
            Known::New => match self.admit_new(&portal.user, &command)? {
                Ok(command) => {
                    if let Some(outcome) = self.start_command(&portal.user, &command, &[portal.id])? {
                        answer(socket, Reply { id, outcome });
                    }
                }
                Err(refusal) => answer(socket, Reply::refused(id, refusal)),
            },
        }
        Ok(())
    }

    /// Takes a command for which no portal waits, other than a query; what has come of it so far.
    pub(crate) fn take_apart(&self, user: &UserId, command: &Command) -> Result<Option<Outcome>, Fault> {
        let refused = |refusal| Some(Outcome::Refused { refusal });
        if let Err(refusal) = command.body.validate() {
            return Ok(refused(refusal));
        }
        Ok(match self.known(user, command)?.1 {
            Known::Different => refused(Refusal::DuplicateId),
            Known::Answered(outcome) => Some(outcome),
            Known::Waiting => None,
            Known::New => match self.admit_new(user, command)? {
                Ok(command) => self.start_command(user, &command, &[])?,
                Err(refusal) => refused(refusal),
            },
        })
    }

    /// What has come of a command of the user's; `None` for one that is not known.
    #[allow(clippy::option_option)]
    pub(crate) fn outcome_of(&self, user: &UserId, id: CommandId) -> Result<Option<Option<Outcome>>, Fault> {
        let row = self.ledger_row(id)?.filter(|row| row.user == *user);
        let outcome = row.map(|row| row.outcome.as_deref().map(serde_json::from_str).transpose());
        Ok(outcome.transpose()?)
    }

    /// What the ledger says of a command.
    fn known(&self, user: &UserId, command: &Command) -> Result<(Option<LedgerRow>, Known), Fault> {
        let digest = ledger::digest(&command.body)?;
        let row = self.ledger_row(command.id)?;
        let entry = match &row {
            Some(row) => Some(Entry {
                user: row.user.clone(),
                digest: row.digest.clone(),
                outcome: row.outcome.as_deref().map(serde_json::from_str).transpose()?,
            }),
            None => None,
        };
        let known = ledger::compare(entry, user, &digest);
        Ok((row, known))
    }

    /// Whether a command with this id was taken before and has its answer, or will have it.
    pub(crate) fn is_known(&self, id: CommandId) -> Result<bool, Fault> {
        let waits = self.memory.borrow().queries.contains_key(&id);
        Ok(waits || self.ledger_row(id)?.is_some())
    }

    /// What speaks against a command that was never seen. None of it is written down: sent again, it is judged again.
    fn admit_new(&self, user: &UserId, command: &Command) -> Result<Result<Command, Refusal>, Fault> {
        let now = self.now();
        let command = match ledger::admit(command, now) {
            Ok(command) => command,
            Err(refusal) => return Ok(Err(refusal)),
        };
        if command.body.makes_ring() {
            let mut memory = self.memory.borrow_mut();
            let bucket = memory
                .dials
                .entry(user.clone())
                .or_insert_with(|| TokenBucket::full(DIALS, now));
            if let Err(retry_after_ms) = bucket.take(now) {
                return Ok(Err(Refusal::TooFast { retry_after_ms }));
            }
        }
        let waiting: u32 = self
            .db()?
            .value(
                "SELECT count(*) AS value FROM ledger WHERE user = ? AND outcome IS NULL",
                vec![user.as_str().into()],
            )?
            .unwrap_or(0);
        if waiting >= WAITING_PER_USER {
            return Ok(Err(Refusal::TooFast { retry_after_ms: 1000 }));
        }
        Ok(Ok(command))
    }

    /// Writes a new command down and gives it to the gateway; its outcome where it has one at once.
    fn start_command(
        &self,
        user: &UserId,
        command: &Command,
        waiters: &[Uuid],
    ) -> Result<Option<Outcome>, Fault> {
        let digest = ledger::digest(&command.body)?;
        let gateway = self.gateway();
        let delivery = ledger::deliver(&command.body, gateway.is_some());
        let outcome = (delivery == Delivery::RefuseOffline).then_some(Outcome::Refused {
            refusal: Refusal::GatewayOffline,
        });
        let forwarded = delivery == Delivery::Forward;
        self.db()?.run(
            "INSERT INTO ledger (id, user, digest, command, received_at, expires_at, forwarded, waiters, outcome)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            vec![
                command.id.to_string().into(),
                user.as_str().into(),
                digest.into(),
                serde_json::to_string(command)?.into(),
                int(self.now().0),
                int(command.expires_at.0),
                int(forwarded.into()),
                serde_json::to_string(waiters)?.into(),
                outcome.as_ref().map(serde_json::to_string).transpose()?.into(),
            ],
        )?;
        if outcome.is_some() {
            return Ok(outcome);
        }
        self.wake_by(ledger::given_up_at(command.expires_at, forwarded));
        if let Some((link, _)) = gateway {
            send_link(
                &link,
                &EdgeFrame::Command {
                    user: user.clone(),
                    command: command.clone(),
                },
            );
        }
        Ok(None)
    }

    fn take_query(&self, socket: &WebSocket, portal: &PortalSocket, command: Command) {
        let now = self.now();
        let command = match ledger::admit(&command, now) {
            Ok(command) => command,
            Err(refusal) => {
                answer(socket, Reply::refused(command.id, refusal));
                return;
            }
        };
        let Some((link, _)) = self.gateway() else {
            answer(socket, Reply::refused(command.id, Refusal::GatewayOffline));
            return;
        };
        let refusal = {
            let mut memory = self.memory.borrow_mut();
            let waiting = memory
                .queries
                .values()
                .filter(|query| query.user == portal.user)
                .count();
            match memory.queries.get_mut(&command.id) {
                Some(query) if query.user != portal.user => Some(Refusal::DuplicateId),
                Some(query) => {
                    if !query.sockets.contains(&portal.id) && query.sockets.len() < WAITERS_MAX {
                        query.sockets.push(portal.id);
                    }
                    return;
                }
                None if waiting >= QUERIES_PER_USER => Some(Refusal::TooFast { retry_after_ms: 1000 }),
                None => {
                    let query = Query {
                        user: portal.user.clone(),
                        sockets: vec![portal.id],
                        expires_at: command.expires_at,
                    };
                    memory.queries.insert(command.id, query);
                    None
                }
            }
        };
        if let Some(refusal) = refusal {
            answer(socket, Reply::refused(command.id, refusal));
            return;
        }
        self.wake_by(command.expires_at);
        send_link(
            &link,
            &EdgeFrame::Command {
                user: portal.user.clone(),
                command,
            },
        );
    }

    /// Takes the gateway's answer. The first one counts.
    pub(crate) fn take_reply(&self, user: &UserId, reply: Reply) -> Result<(), Fault> {
        let query = {
            let mut memory = self.memory.borrow_mut();
            match memory.queries.get(&reply.id) {
                Some(query) if query.user == *user => memory.queries.remove(&reply.id),
                _ => None,
            }
        };
        if let Some(query) = query {
            self.pass_on(user, &query.sockets, reply);
            return Ok(());
        }
        match self.ledger_row(reply.id)? {
            Some(row) if row.user == *user && row.outcome.is_none() => self.settle(&row, reply.outcome),
            _ => Ok(()),
        }
    }

    fn settle(&self, row: &LedgerRow, outcome: Outcome) -> Result<(), Fault> {
        // What was asked for may hold a password, and is not sent again.
        self.db()?.run(
            "UPDATE ledger SET outcome = ?, command = '' WHERE id = ?",
            vec![
                serde_json::to_string(&ledger::kept(&outcome))?.into(),
                row.id.to_string().into(),
            ],
        )?;
        self.pass_on(&row.user, &row.waiters(), Reply { id: row.id, outcome });
        Ok(())
    }

    fn pass_on(&self, user: &UserId, sockets: &[Uuid], reply: Reply) {
        let frame = ServerFrame::Reply { reply };
        for (socket, portal) in self.portals(&user_tag(user)) {
            if sockets.contains(&portal.id) {
                send(&socket, &frame);
            }
        }
    }

    /// Gives a new link every command that still waits.
    pub(crate) fn resend_commands(&self, link: &WebSocket) -> Result<(), Fault> {
        let now = self.now();
        for row in self.waiting()? {
            if row.expires_at <= now.0 {
                continue;
            }
            self.db()?.run(
                "UPDATE ledger SET forwarded = 1 WHERE id = ?",
                vec![row.id.to_string().into()],
            )?;
            self.wake_by(ledger::given_up_at(UnixMillis(row.expires_at), true));
            let command = serde_json::from_str(&row.command)?;
            send_link(
                link,
                &EdgeFrame::Command {
                    user: row.user,
                    command,
                },
            );
        }
        Ok(())
    }

    /// Queries have nobody to answer them while the gateway is away.
    pub(crate) fn refuse_queries(&self) {
        let queries = std::mem::take(&mut self.memory.borrow_mut().queries);
        for (id, query) in queries {
            self.pass_on(
                &query.user,
                &query.sockets,
                Reply::refused(id, Refusal::GatewayOffline),
            );
        }
    }

    /// Answers what nobody answered in time, and says when to look again.
    pub(crate) fn expire_commands(&self) -> Result<(), Fault> {
        let now = self.now();
        for row in self.waiting()? {
            let until = ledger::given_up_at(UnixMillis(row.expires_at), row.forwarded != 0);
            if until <= now {
                self.settle(
                    &row,
                    Outcome::Refused {
                        refusal: Refusal::Expired,
                    },
                )?;
            } else {
                self.wake_by(until);
            }
        }
        let expired: Vec<CommandId> = {
            let memory = self.memory.borrow();
            for query in memory.queries.values() {
                if query.expires_at > now {
                    self.wake_by(query.expires_at);
                }
            }
            memory
                .queries
                .iter()
                .filter(|(_, query)| query.expires_at <= now)
                .map(|(id, _)| *id)
                .collect()
        };
        for id in expired {
            let query = self.memory.borrow_mut().queries.remove(&id);
            if let Some(query) = query {
                self.pass_on(&query.user, &query.sockets, Reply::refused(id, Refusal::Expired));
            }
        }
        Ok(())
    }

    /// Forgets commands long expired.
    pub(crate) fn trim_ledger(&self) -> Result<(), Fault> {
        let oldest = self.now().0.saturating_sub(ledger::KEPT_MS);
        self.db()?
            .run("DELETE FROM ledger WHERE expires_at < ?", vec![int(oldest)])
    }

    fn ledger_row(&self, id: CommandId) -> Result<Option<LedgerRow>, Fault> {
        self.db()?.row(
            &format!("SELECT {COLUMNS} FROM ledger WHERE id = ?"),
            vec![id.to_string().into()],
        )
    }

    fn waiting(&self) -> Result<Vec<LedgerRow>, Fault> {
        self.db()?.rows(
            &format!("SELECT {COLUMNS} FROM ledger WHERE outcome IS NULL ORDER BY received_at, id"),
            vec![],
        )
    }

    fn add_waiter(&self, row: &LedgerRow, portal: Uuid) -> Result<(), Fault> {
        let mut waiters = row.waiters();
        if waiters.contains(&portal) || waiters.len() >= WAITERS_MAX {
            return Ok(());
        }
        waiters.push(portal);
        self.db()?.run(
            "UPDATE ledger SET waiters = ? WHERE id = ?",
            vec![serde_json::to_string(&waiters)?.into(), row.id.to_string().into()],
        )
    }
}
