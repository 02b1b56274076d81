//! The user agent: what the host calls, and where timers lead.

mod auth;
mod build;
mod farewell;
mod in_dialog;
mod incoming;
mod offer;
mod publish;
mod refer;
mod replaces;
mod requests;
mod responses;
mod returning;
mod session;
mod stray;
mod subscriptions;
mod telephones;
mod uac;
mod uas;

use std::collections::HashMap;

use bytes::Bytes;

pub(crate) use auth::AuthCache;
pub(crate) use telephones::Trusted;

use crate::dialog::{AwaitedBye, Dialog, DialogSnapshot, DialogTimer, Offer, State, tag_text};
use crate::digest::AuthTrack;
use crate::message::Message;
use crate::reason::{format_reason, parse_reasons, q850_of};
use crate::transaction::{Core, TimerKey};
use crate::types::{
    Credentials, DialogId, EndCause, EndedBy, Event, Flow, Output, Reason, RequestId, SipError, Timestamp,
    UaConfig,
};
use requests::{PendingRequest, Sequences};

/// Who waits for the outcome of a client transaction.
pub(crate) enum Owner {
    Nobody,
    /// The INVITE that opens a dialog.
    Invite(DialogId),
    /// An INVITE of this dialog was answered: a repeated 2xx needs its ACK again.
    Acknowledged(DialogId),
    InDialog(DialogId, Box<Job>),
    Request(RequestId),
    /// A NOTIFY of this subscription.
    Notify(u64),
}

/// A request within a dialog, as it can be made again after a challenge.
pub(crate) struct Job {
    kind: JobKind,
    track: AuthTrack,
    cseq: u32,
}

pub(crate) enum JobKind {
    Bye {
        reason: Option<String>,
    },
    /// `refresh` repeats the last offer for the sake of the session timer only.
    Reinvite {
        sdp: Bytes,
        refresh: bool,
    },
    /// A session refresh without offer.
    Update,
    Prack {
        early: usize,
        rack: String,
    },
    /// Where a REFER of the peer stands.
    Notify {
        event: String,
        state: String,
        /// A status line (RFC 3420).
        fragment: Bytes,
    },
}

impl Job {
    fn new(kind: JobKind) -> Self {
        Self {
            kind,
            track: AuthTrack::default(),
            cseq: 0,
        }
    }
}

/// The state machine. See the crate's documentation for how it is driven.
pub struct UserAgent {
    core: Core,
    dialogs: HashMap<DialogId, Box<Dialog>>,
    by_tag: HashMap<u64, DialogId>,
    requests: HashMap<RequestId, Box<PendingRequest>>,
    sequences: Sequences,
    stray: stray::Budget,
    /// A telephone in a call has lost its connection.
    any_cut_off: bool,
    telephones: Option<Box<telephones::Telephones>>,
}

/// A dialog whose end nobody has been told: the only kind that takes orders.
fn living(dialogs: &mut HashMap<DialogId, Box<Dialog>>, id: DialogId) -> Result<&mut Box<Dialog>, SipError> {
    dialogs
        .get_mut(&id)
        .filter(|dialog| !dialog.told_end)
        .ok_or(SipError::UnknownDialog)
}

impl UserAgent {
    /// A user agent without calls. `seed` makes tags, branches and nonces; take it from the system's
    /// generator outside tests, for whoever knows it can guess them.
    pub fn new(config: UaConfig, seed: u64) -> Self {
        Self {
            core: Core::new(config, seed),
            dialogs: HashMap::new(),
            by_tag: HashMap::new(),
            requests: HashMap::new(),
            sequences: Sequences::default(),
            stray: stray::Budget::default(),
            any_cut_off: false,
            telephones: None,
        }
    }

    /// Lets time pass: fires every timer due at `now`.
    pub fn handle_timeout(&mut self, now: Timestamp) {
        while let Some(key) = self.core.timers.pop(now) {
            match key {
                TimerKey::Client(key, timer) => {
                    if let Some(owner) = self.core.client_timer(now, key, timer) {
                        self.unanswered(now, owner, EndedBy::Timeout);
                    }
                }
                TimerKey::Server(id, timer) => self.core.server_timer(now, id, timer),
                TimerKey::Dialog(id, timer) => self.dialog_timer(now, id, timer),
                TimerKey::Binding(number) => self.bindings_expire(now, number),
                TimerKey::Subscription(id) => self.subscription_expires(now, id),
                TimerKey::Publication(tag) => self.publication_expires(tag),
            }
        }
    }

    /// When [`Self::handle_timeout`] is next needed.
    pub fn poll_timeout(&self) -> Option<Timestamp> {
        self.core.timers.next()
    }

    /// What the host has to do next; call until `None`.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.core.out.pop_front()
    }

    /// The host could not send along `flow`, or its connection broke: what waits for an answer there fails
    /// at once ([`EndedBy::Transport`]). Confirmed calls stay, and follow a telephone that registers anew from the same
    /// address. Bindings over a connection end with it.
    pub fn flow_failed(&mut self, now: Timestamp, flow: &Flow) {
        self.calls_cut_off(flow);
        let failed: Vec<_> = self
            .core
            .clients
            .iter()
            .filter(|(_, client)| client.is_open() && client.flow == *flow)
            .map(|(key, _)| *key)
            .collect();
        for key in failed {
            if let Some(owner) = self.core.end_client(key) {
                self.unanswered(now, owner, EndedBy::Transport);
            }
        }
        self.bindings_cut_off(flow);
        self.subscriptions_cut_off(flow);
    }

    /// Calls at this moment, those that are ending included.
    pub fn dialog_count(&self) -> usize {
        self.dialogs.len()
    }

    /// Transactions at this moment, those that only absorb repetitions included.
    pub fn transaction_count(&self) -> usize {
        self.core.clients.len() + self.core.servers.len()
    }

    /// Ends a call in whatever state it is, with [`Event::Ended`] at once: CANCEL (after the first
    /// provisional response, RFC 3261 9.1) or BYE. An unanswered incoming call is refused with the status
    /// of a [`crate::ReasonProtocol::Sip`] reason, else with 480. What the network still has to be told is
    /// told in the background.
    pub fn hang_up(
        &mut self,
        now: Timestamp,
        dialog: DialogId,
        reason: Option<Reason>,
    ) -> Result<(), SipError> {
        let id = dialog;
        let dialog = self
            .dialogs
            .get(&id)
            .filter(|dialog| !dialog.told_end)
            .ok_or(SipError::UnknownDialog)?;
        if dialog.state == State::Incoming {
            return self.refuse(now, id, reason.as_ref());
        }
        let cause = EndCause {
            by: EndedBy::Local,
            status: (dialog.state == State::Calling).then_some(487),
            reasons: reason.iter().cloned().collect(),
            q850: q850_of(None, reason.as_slice()),
            retry_after: None,
            redirect: Vec::new(),
        };
        self.end(now, id, cause, reason.as_ref().map(format_reason));
        Ok(())
    }

    /// What is needed to end or revive a call after a crash. `None` for a call of ours that is not answered; one that came
    /// in has it before, so that it can be stored before it is answered.
    pub fn dialog_snapshot(&self, dialog: DialogId) -> Option<DialogSnapshot> {
        self.dialogs.get(&dialog)?.snapshot()
    }

    /// Takes a dialog back from a snapshot, confirmed, with a `CSeq` well above any that was sent since.
    pub fn restore_dialog(&mut self, now: Timestamp, snapshot: DialogSnapshot) -> Result<DialogId, SipError> {
        if self.dialogs.len() >= self.core.config.max_dialogs {
            return Err(SipError::TooManyDialogs);
        }
        let id = DialogId(self.core.new_id());
        let mut dialog = Dialog::from_snapshot(id, snapshot)?;
        if self.by_tag.contains_key(&dialog.local_tag) {
            return Err(SipError::WrongState);
        }
        dialog.choose_flow(&self.core);
        self.by_tag.insert(dialog.local_tag, id);
        self.core.restart_session(now, &mut dialog);
        self.dialogs.insert(id, Box::new(dialog));
        Ok(id)
    }

    /// Gives a dialog the credentials for its further requests: one that the peer began, or [`Self::restore_dialog`] gave back.
    pub fn set_credentials(
        &mut self,
        dialog: DialogId,
        credentials: Option<Credentials>,
    ) -> Result<(), SipError> {
        self.dialogs
            .get_mut(&dialog)
            .ok_or(SipError::UnknownDialog)?
            .credentials = credentials;
        Ok(())
    }

    /// Tells the end of a call, once, and does what its state asks for.
    fn end(&mut self, now: Timestamp, id: DialogId, cause: EndCause, reason: Option<String>) {
        let Some(dialog) = self.dialogs.get_mut(&id) else {
            return;
        };
        self.core.tell_end(dialog, cause);
        if let Offer::Remote(transaction) | Offer::Wanted(transaction) = dialog.offer {
            let tag = tag_text(dialog.local_tag);
            self.core.respond_simply(now, transaction, 487, Some(&tag), &[]);
        }
        match dialog.state {
            State::Calling => self.cancel(now, id, reason),
            State::Accepted => dialog.bye_after_ack = Some(AwaitedBye { reason }),
            State::Confirmed => {
                self.core.end_referral(now, dialog, true);
                dialog.clear_timers(&mut self.core);
                dialog.state = State::Ending;
                self.core.send_job(now, dialog, Job::new(JobKind::Bye { reason }));
            }
            State::Incoming | State::Ending => self.forget(id),
        }
    }

    /// Drops a dialog and its timers; its transactions run out by themselves.
    fn forget(&mut self, id: DialogId) {
        if let Some(mut dialog) = self.dialogs.remove(&id) {
            dialog.clear_timers(&mut self.core);
            if self.by_tag.get(&dialog.local_tag) == Some(&id) {
                self.by_tag.remove(&dialog.local_tag);
            }
        }
    }

    /// A request of ours got no final response.
    fn unanswered(&mut self, now: Timestamp, owner: Owner, by: EndedBy) {
        match owner {
            Owner::Nobody | Owner::Acknowledged(_) => {}
            Owner::Notify(id) => self.notify_unanswered(id, by),
            Owner::Request(id) => {
                if self.requests.remove(&id).is_some() {
                    self.core.emit(match by {
                        EndedBy::Transport => Event::TransportFailed { id },
                        _ => Event::Timeout { id },
                    });
                }
            }
            Owner::Invite(id) => {
                if let Some(dialog) = self.dialogs.get_mut(&id) {
                    self.core.tell_end(dialog, silent_end(by));
                    self.forget(id);
                }
            }
            Owner::InDialog(id, job) => self.job_unanswered(now, id, *job, by),
        }
    }

    fn dialog_timer(&mut self, now: Timestamp, id: DialogId, timer: DialogTimer) {
        match timer {
            DialogTimer::Ringing => self.rang_too_long(now, id),
            DialogTimer::Cancelled => {
                let key = self
                    .dialogs
                    .get(&id)
                    .and_then(|dialog| dialog.calling.as_ref().map(|calling| calling.key));
                if let Some(key) = key {
                    self.core.end_client(key);
                }
                self.forget(id);
            }
            DialogTimer::Reliable => self.repeat_reliable(now, id),
            DialogTimer::ReliableGiveUp => self.reliable_lost(now, id),
            DialogTimer::KeepRinging => self.keep_ringing(now, id),
            DialogTimer::Accepted => self.repeat_accepted(now, id),
            DialogTimer::AcceptedGiveUp => self.never_acknowledged(now, id),
            DialogTimer::Refresh => self.refresh_session(now, id),
            DialogTimer::Expire => self.end(now, id, silent_end(EndedBy::Timeout), None),
            DialogTimer::Glare => self.glare_waited_out(id),
            DialogTimer::Reinvite => self.reinvite_waited_out(now, id),
            DialogTimer::Returning => self.forget(id),
            DialogTimer::Referring => self.referral_expires(now, id),
        }
    }
}

impl Core {
    /// Emits [`Event::Ended`] unless it was.
    fn tell_end(&mut self, dialog: &mut Dialog, cause: EndCause) {
        if !dialog.told_end {
            dialog.told_end = true;
            self.emit(Event::Ended {
                dialog: dialog.id,
                cause,
            });
        }
    }

    /// Emits an event of a dialog that is not over.
    fn tell(&mut self, dialog: &Dialog, event: Event) {
        if !dialog.told_end {
            self.emit(event);
        }
    }
}

/// The cause of an end without a word from the peer.
fn silent_end(by: EndedBy) -> EndCause {
    let status = Dialog::silent_status(by);
    EndCause {
        by,
        status,
        reasons: Vec::new(),
        q850: q850_of(status, &[]),
        retry_after: None,
        redirect: Vec::new(),
    }
}

/// The cause that a message of the peer gives: a BYE, a CANCEL or a refusal.
fn remote_end(message: &Message, status: Option<u16>) -> EndCause {
    let reasons = parse_reasons(message);
    EndCause {
        by: EndedBy::Remote,
        status,
        q850: q850_of(status, &reasons),
        reasons,
        retry_after: incoming::retry_after(message),
        redirect: if status.is_some_and(|status| status / 100 == 3) {
            uac::redirects(message)
        } else {
            Vec::new()
        },
    }
}
