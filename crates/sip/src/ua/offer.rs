//! Requests that we send within a dialog, and what their responses do to offer and session.

use std::time::Duration;

use bytes::Bytes;
use rand::Rng;

use super::build::{ALLOW, SDP, SIPFRAG, Target, check_headers, request_uri};
use super::incoming::retry_after;
use super::uac::{cancel_of, early_flow};
use super::{Job, JobKind, Owner, UserAgent, living, remote_end, silent_end};
use crate::dialog::{Dialog, DialogTimer, Offer, SessionTimer, State, seconds, tag_text};
use crate::digest::Covered;
use crate::message::{HeaderName, Message, Method, leading_number};
use crate::transaction::{ClientKey, Core};
use crate::types::{DialogId, EndedBy, Event, SipError, Timestamp};

/// How long a re-INVITE may stay without final response: long enough for a person to be asked.
const REINVITE_PATIENCE: Duration = Duration::from_mins(1);
/// Before a session refresh is tried again.
const REFRESH_PAUSE: Duration = Duration::from_secs(10);

impl UserAgent {
    /// Offers anew in a call that is answered, by re-INVITE. Ends in [`Event::OfferAnswered`] or [`Event::OfferFailed`].
    ///
    /// # Errors
    /// [`SipError::OfferPending`] while an offer of either side is open, our answer waits for its ACK, or a glare is
    /// waited out (RFC 3261 14.1). [`Event::OfferPossible`] then tells when an offer, made anew, can be sent.
    pub fn reinvite(&mut self, now: Timestamp, dialog: DialogId, sdp: Bytes) -> Result<(), SipError> {
        let dialog = living(&mut self.dialogs, dialog)?;
        if !matches!(dialog.state, State::Accepted | State::Confirmed) || sdp.is_empty() {
            return Err(SipError::WrongState);
        }
        if !dialog.may_offer() {
            dialog.offer_wanted = true;
            return Err(SipError::OfferPending);
        }
        self.core
            .send_job(now, dialog, Job::new(JobKind::Reinvite { sdp, refresh: false }));
        Ok(())
    }

    /// The wait after a 491 is over.
    pub(super) fn glare_waited_out(&mut self, id: DialogId) {
        if let Some(dialog) = self.dialogs.get_mut(&id) {
            dialog.glare = false;
            self.core.offer_possible(dialog);
        }
    }

    fn offer_possible(&mut self, id: DialogId) {
        if let Some(dialog) = self.dialogs.get_mut(&id) {
            self.core.offer_possible(dialog);
        }
    }

    /// The final response to a request within a dialog.
    pub(super) fn job_response(
        &mut self,
        now: Timestamp,
        id: DialogId,
        key: ClientKey,
        mut job: Box<Job>,
        response: &Message,
    ) {
        let Some(status) = response.status() else { return };
        let Some(dialog) = self.dialogs.get_mut(&id) else {
            if matches!(job.kind, JobKind::Reinvite { .. }) && status < 300 {
                self.further_success(now, id, key, response);
            }
            return;
        };
        if dialog.reinvite == Some(key) {
            dialog.reinvite = None;
            dialog.offer = Offer::Stable;
        }
        if matches!(status, 401 | 407)
            && (dialog.state != State::Ending || matches!(job.kind, JobKind::Bye { .. }))
            && self.core.auth.challenged(
                dialog.origin.remote,
                dialog.credentials.as_ref(),
                &mut job.track,
                response,
            )
        {
            self.core.send_job(now, dialog, job);
            return;
        }
        if status < 300 {
            self.core
                .auth
                .succeeded(dialog.origin.remote, dialog.credentials.as_ref(), response);
        }
        match job.kind {
            JobKind::Bye { .. } => self.forget(id),
            JobKind::Prack { .. } => {}
            JobKind::Notify { .. } => self.referrer_told(now, id, Some(status)),
            JobKind::Reinvite { sdp, refresh } => {
                dialog.clear_timer(&mut self.core, DialogTimer::Reinvite);
                if status < 300 {
                    if let Some(client) = self.core.clients.get_mut(&key) {
                        client.owner = Owner::Acknowledged(id);
                    }
                    self.core.send_ack(dialog, job.cseq);
                    self.core.reinvite_answered(now, dialog, sdp, response);
                } else {
                    self.reinvite_refused(now, id, sdp, refresh, response, status);
                }
                self.offer_possible(id);
            }
            JobKind::Update if status < 300 => {
                self.core.refresh_target(dialog, response);
                dialog.session = SessionTimer::from_response(response);
                self.core.restart_session(now, dialog);
            }
            JobKind::Update => self.update_refused(now, id, response, status),
        }
    }

    fn reinvite_refused(
        &mut self,
        now: Timestamp,
        id: DialogId,
        sdp: Bytes,
        refresh: bool,
        response: &Message,
        status: u16,
    ) {
        let Some(dialog) = self
            .dialogs
            .get_mut(&id)
            .filter(|dialog| dialog.state == State::Confirmed)
        else {
            return;
        };
        match status {
            // The peer knows nothing of this dialog any more (RFC 3261 12.2.1.2).
            408 | 481 => self.end(now, id, remote_end(response, Some(status)), None),
            491 => {
                let wait = self.core.glare_wait(dialog.owns_call_id);
                if refresh {
                    dialog.set_timer(&mut self.core, DialogTimer::Refresh, now + wait);
                } else {
                    dialog.glare = true;
                    dialog.offer_wanted = true;
                    dialog.set_timer(&mut self.core, DialogTimer::Glare, now + wait);
                    self.core.emit(Event::OfferFailed { dialog: id, status });
                }
            }
            422 if self.core.raise_interval(dialog, response) => {
                self.core
                    .send_job(now, dialog, Job::new(JobKind::Reinvite { sdp, refresh }));
            }
            _ if refresh => self.core.refresh_again(now, dialog, Some(response)),
            _ => self.core.emit(Event::OfferFailed { dialog: id, status }),
        }
    }

    fn update_refused(&mut self, now: Timestamp, id: DialogId, response: &Message, status: u16) {
        let Some(dialog) = self
            .dialogs
            .get_mut(&id)
            .filter(|dialog| dialog.state == State::Confirmed)
        else {
            return;
        };
        match status {
            408 | 481 => self.end(now, id, remote_end(response, Some(status)), None),
            405 | 501 => {
                dialog.peer_allows_update = false;
                self.refresh_session(now, id);
            }
            422 if self.core.raise_interval(dialog, response) => {
                self.core.send_job(now, dialog, Job::new(JobKind::Update));
            }
            _ => self.core.refresh_again(now, dialog, Some(response)),
        }
    }

    /// A re-INVITE of ours got a provisional response and nothing more: it is cancelled, and given up where not even that
    /// ends it. Until then no offer of either side could be made.
    pub(super) fn reinvite_waited_out(&mut self, now: Timestamp, id: DialogId) {
        let Some(dialog) = self.dialogs.get_mut(&id) else {
            return;
        };
        let Some(key) = dialog.reinvite else { return };
        let cancelled = ClientKey { cancel: true, ..key };
        let Some(client) = self.core.clients.get(&key) else {
            return;
        };
        let again = std::mem::replace(&mut dialog.reinvite_cancelled, true);
        if !again && let Some(cancel) = cancel_of(&client.request, None) {
            let flow = client.flow;
            let patience = self.core.patience();
            dialog.set_timer(&mut self.core, DialogTimer::Reinvite, now + patience);
            self.core
                .start_client(now, cancelled, Method::Cancel, flow, cancel, Owner::Nobody);
        } else if let Some(Owner::InDialog(_, job)) = self.core.end_client(key) {
            self.job_unanswered(now, id, *job, EndedBy::Remote);
        }
    }

    /// A request within a dialog got no final response.
    pub(super) fn job_unanswered(&mut self, now: Timestamp, id: DialogId, job: Job, by: EndedBy) {
        let Some(dialog) = self.dialogs.get_mut(&id) else {
            return;
        };
        match job.kind {
            JobKind::Bye { .. } => {
                if by == EndedBy::Transport && self.core.keep_bye(now, dialog, job) {
                    self.look_for_return(now, id);
                } else {
                    self.forget(id);
                }
            }
            JobKind::Reinvite { refresh, .. } => {
                dialog.reinvite = None;
                dialog.offer = Offer::Stable;
                dialog.clear_timer(&mut self.core, DialogTimer::Reinvite);
                match by {
                    // RFC 3261 12.2.1.2: silence counts as 408, and ends the dialog.
                    EndedBy::Timeout => self.end(now, id, silent_end(by), None),
                    _ if refresh => self.core.refresh_again(now, dialog, None),
                    _ => self.core.tell(
                        dialog,
                        Event::OfferFailed {
                            dialog: id,
                            status: 503,
                        },
                    ),
                }
                self.offer_possible(id);
            }
            JobKind::Update if by == EndedBy::Timeout => self.end(now, id, silent_end(by), None),
            JobKind::Notify { .. } => self.referrer_told(now, id, None),
            JobKind::Update => self.core.refresh_again(now, dialog, None),
            JobKind::Prack { .. } => {}
        }
    }

    /// Settles an [`Event::Offer`]: the answer, or our offer where the peer made none.
    pub fn answer_offer(&mut self, now: Timestamp, dialog: DialogId, sdp: Bytes) -> Result<(), SipError> {
        let dialog = living(&mut self.dialogs, dialog)?;
        if sdp.is_empty() {
            return Err(SipError::WrongState);
        }
        let transaction = open_offer(dialog).ok_or(SipError::WrongState)?;
        let method = self
            .core
            .servers
            .get(&transaction)
            .map(|server| server.method.clone());
        if method == Some(Method::Invite) {
            self.core
                .answer_invite(now, dialog, transaction, 200, "", &[], Some(&sdp));
        } else {
            self.core.answer_update(now, dialog, transaction, Some(&sdp));
        }
        dialog.offer = if dialog.offer == Offer::Wanted(transaction) {
            Offer::LocalInResponse
        } else {
            Offer::Stable
        };
        dialog.local_sdp = sdp;
        self.core.offer_possible(dialog);
        Ok(())
    }

    /// Refuses an [`Event::Offer`] with `status` (488 as a rule, with a Warning in `headers`); the session goes on as it was.
    pub fn reject_offer(
        &mut self,
        now: Timestamp,
        dialog: DialogId,
        status: u16,
        headers: &[(String, String)],
    ) -> Result<(), SipError> {
        if !(400..700).contains(&status) {
            return Err(SipError::InvalidStatus(status));
        }
        check_headers(headers, true)?;
        let dialog = living(&mut self.dialogs, dialog)?;
        let transaction = open_offer(dialog).ok_or(SipError::WrongState)?;
        dialog.offer = Offer::Stable;
        let tag = tag_text(dialog.local_tag);
        if let Some(mut writer) = self.core.response(transaction, status, "", Some(&tag)) {
            for (name, value) in headers {
                writer.other(name, value);
            }
            self.core
                .server_respond(now, transaction, status, writer.finish(None));
        }
        self.core.offer_possible(dialog);
        Ok(())
    }
}

/// The transaction of an offer that waits for us; not that of the first INVITE.
fn open_offer(dialog: &Dialog) -> Option<u64> {
    let (Offer::Remote(transaction) | Offer::Wanted(transaction)) = dialog.offer else {
        return None;
    };
    let first = dialog.called.as_ref().map(|called| called.transaction);
    (first != Some(transaction)).then_some(transaction)
}

impl Core {
    /// Tells the host that an offer which it could not make, or that met a glare, can be made now.
    pub(super) fn offer_possible(&mut self, dialog: &mut Dialog) {
        if dialog.offer_wanted && dialog.state == State::Confirmed && dialog.may_offer() {
            dialog.offer_wanted = false;
            self.tell(dialog, Event::OfferPossible { dialog: dialog.id });
        }
    }

    /// Sends a request within a dialog.
    pub(super) fn send_job(&mut self, now: Timestamp, dialog: &mut Dialog, job: impl Into<Box<Job>>) {
        let mut job = job.into();
        dialog.local_cseq += 1;
        job.cseq = dialog.local_cseq;
        let (method, body) = match &job.kind {
            JobKind::Bye { .. } => (Method::Bye, Bytes::new()),
            JobKind::Reinvite { sdp, .. } => (Method::Invite, sdp.clone()),
            JobKind::Update => (Method::Update, Bytes::new()),
            JobKind::Prack { .. } => (Method::Prack, Bytes::new()),
            JobKind::Notify { fragment, .. } => (Method::Notify, fragment.clone()),
        };
        let early = match (&job.kind, &dialog.calling) {
            (JobKind::Prack { early, .. }, Some(calling)) => calling.early.get(*early),
            _ => None,
        };
        let target = early.map_or_else(
            || dialog.target(),
            |early| Target {
                tag: Some(&early.tag),
                uri: &early.target,
                routes: &early.routes,
            },
        );
        let flow = early.map_or(dialog.flow, |early| early_flow(self, dialog, early));
        let covered = Covered {
            method: method.as_str(),
            uri: request_uri(&target),
            body: &body,
        };
        let credentials = dialog.credentials.as_ref();
        let auth = self.auth.authorize(
            dialog.origin.remote,
            credentials,
            &mut job.track,
            &covered,
            &mut self.rng,
        );
        let branch = self.random();
        let key = ClientKey {
            branch,
            cancel: false,
        };
        let mut writer = self.dialog_request(dialog, &target, flow, &method, job.cseq, branch);
        for (name, value) in &auth {
            writer.header(*name, value.as_bytes());
        }
        match &job.kind {
            JobKind::Bye { reason: Some(reason) } => {
                writer.header(HeaderName::Reason, reason.as_bytes());
            }
            JobKind::Bye { reason: None } => {}
            JobKind::Prack { rack, .. } => {
                writer.header(HeaderName::RAck, rack.as_bytes());
            }
            JobKind::Notify { event, state, .. } => {
                Self::write_contact(&mut writer, &dialog.contact);
                writer
                    .header(HeaderName::Event, event.as_bytes())
                    .header(HeaderName::SubscriptionState, state.as_bytes());
            }
            JobKind::Reinvite { .. } | JobKind::Update => {
                Self::write_contact(&mut writer, &dialog.contact);
                writer
                    .header(HeaderName::Allow, ALLOW.as_bytes())
                    .header(HeaderName::Supported, self.supported(&dialog.origin).as_bytes());
                if let Some(interval) = dialog.session.interval {
                    // Roles are those of this request: uac is whoever sends it.
                    let refresher = if dialog.session.ours { "uac" } else { "uas" };
                    writer.header(
                        HeaderName::SessionExpires,
                        format!("{interval};refresher={refresher}").as_bytes(),
                    );
                    if dialog.session.raised {
                        writer.header_number(HeaderName::MinSe, u64::from(interval));
                    }
                } else if let Some(interval) =
                    self.config.session_expires.filter(|_| method == Method::Invite)
                {
                    writer.header_number(HeaderName::SessionExpires, u64::from(seconds(interval)));
                }
            }
        }
        self.write_agent(&mut writer, HeaderName::UserAgent);
        let content_type = match job.kind {
            JobKind::Notify { .. } => SIPFRAG,
            _ => SDP,
        };
        let bytes = writer.finish(Some((content_type, &body)));
        if method == Method::Invite {
            dialog.invite_auth = auth;
            dialog.reinvite = Some(key);
            dialog.reinvite_cancelled = false;
            dialog.offer = Offer::Local;
            dialog.set_timer(self, DialogTimer::Reinvite, now + REINVITE_PATIENCE);
        }
        self.start_client(now, key, method, flow, bytes, Owner::InDialog(dialog.id, job));
    }

    fn reinvite_answered(&mut self, now: Timestamp, dialog: &mut Dialog, sdp: Bytes, response: &Message) {
        if dialog.state != State::Confirmed {
            return;
        }
        self.refresh_target(dialog, response);
        dialog.session = SessionTimer::from_response(response);
        self.restart_session(now, dialog);
        let id = dialog.id;
        match response.sdp() {
            Some(answer) => {
                dialog.local_sdp = sdp;
                self.emit(Event::OfferAnswered {
                    dialog: id,
                    sdp: answer,
                });
            }
            // A 2xx that leaves our offer without answer.
            None => self.emit(Event::OfferFailed {
                dialog: id,
                status: 488,
            }),
        }
    }

    /// Takes over the Contact of a re-INVITE or UPDATE, or of the response to one (RFC 3261 12.2).
    pub(super) fn refresh_target(&self, dialog: &mut Dialog, message: &Message) {
        let target = message
            .contact()
            .map(|contact| Bytes::copy_from_slice(contact.uri));
        if let Some(calling) = dialog.calling.as_deref_mut() {
            // An UPDATE of one branch; the INVITE itself still goes where it went.
            let tag = message.from().and_then(|from| from.tag()).unwrap_or_default();
            if let (Some(early), Some(target)) = (calling.early_mut(tag), target) {
                early.target = target;
            }
        } else if let Some(target) = target {
            dialog.remote_target = target;
            dialog.choose_flow(self);
        }
        if message.header(HeaderName::Allow).is_some() {
            dialog.peer_allows_update = message.has_token(HeaderName::Allow, "UPDATE");
        }
    }

    /// A session refresh was refused, or could not be sent: it is tried again while the session lasts (RFC 4028 7.2), for
    /// what the peer said may hold for a moment only.
    fn refresh_again(&mut self, now: Timestamp, dialog: &mut Dialog, refusal: Option<&Message>) {
        if dialog.state == State::Confirmed && dialog.session.ours {
            let asked = refusal.and_then(retry_after).unwrap_or_default();
            dialog.set_timer(self, DialogTimer::Refresh, now + asked.max(REFRESH_PAUSE));
        }
    }

    /// How long to wait after 491 (RFC 3261 14.1).
    fn glare_wait(&mut self, owns_call_id: bool) -> Duration {
        let steps = if owns_call_id {
            self.rng.random_range(210..=400)
        } else {
            self.rng.random_range(0..=200)
        };
        Duration::from_millis(steps * 10)
    }

    /// Takes the Min-SE of a 422 over; only ever upwards, so that this ends.
    fn raise_interval(&self, dialog: &mut Dialog, response: &Message) -> bool {
        let Some(min_se) = response.header(HeaderName::MinSe).and_then(leading_number) else {
            return false;
        };
        let current = dialog
            .session
            .interval
            .or(self.config.session_expires.map(seconds))
            .unwrap_or(0);
        if min_se <= current || min_se > 86_400 || dialog.session.raised {
            return false;
        }
        dialog.session = SessionTimer {
            interval: Some(min_se),
            ours: true,
            raised: true,
        };
        true
    }
}
