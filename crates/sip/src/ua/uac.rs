//! The calling side: INVITE, its responses, CANCEL, forks.

use bytes::Bytes;

use super::build::{ALLOW, SDP, check_headers, check_uri, name_addr, request_uri, route_value};
use super::{Job, JobKind, Owner, UserAgent, remote_end, silent_end};
use crate::dialog::{
    Calling, Cancel, Dialog, DialogTimer, Early, MAX_EARLY, Offer, SessionTimer, State, next_hop, route_set,
    seconds, tag_number,
};
use crate::digest::{AuthTrack, Covered, hex};
use crate::message::{HeaderName, Message, Method, NameAddr, Uri, Writer, decimal, leading_number};
use crate::transaction::{ClientKey, Core};
use crate::types::{DialogId, EndedBy, Event, OutgoingCall, SipError, Timestamp};

/// A peer that raises Min-SE again and again is not followed for ever.
const LONGEST_SESSION: u32 = 86_400;

impl UserAgent {
    /// Sends an INVITE. Challenges are answered from `call.credentials`.
    pub fn invite(&mut self, now: Timestamp, call: OutgoingCall) -> Result<DialogId, SipError> {
        check_uri(&call.request_uri)?;
        check_headers(&call.headers, true)?;
        let (local_party, remote_party) = (name_addr(&call.from)?, name_addr(&call.to)?);
        let routes = call
            .route
            .iter()
            .map(|uri| route_value(uri))
            .collect::<Result<Vec<_>, _>>()?;
        let user = match &call.contact_user {
            Some(user) => Some(crate::message::escape_user(user).into_bytes()),
            None => Uri::parse(call.from.uri.as_bytes()).and_then(|uri| uri.raw_user().map(<[u8]>::to_vec)),
        };
        if self.dialogs.len() >= self.core.config.max_dialogs || self.core.is_full() {
            return Err(SipError::TooManyDialogs);
        }
        let id = DialogId(self.core.new_id());
        let call_id = self.core.new_call_id();
        let tag = self.core.random();
        let mut dialog = Box::new(Dialog::new(
            id,
            State::Calling,
            call_id,
            tag,
            local_party,
            remote_party,
            call.flow,
        ));
        dialog.owns_call_id = true;
        let mut accounts = self.accounts_on(&call.flow);
        dialog.behind_nat = !accounts.is_empty();
        dialog.account = accounts.pop().filter(|_| accounts.is_empty());
        dialog.remote_target = Bytes::copy_from_slice(call.request_uri.as_bytes());
        dialog.routes = routes;
        dialog.contact = self.core.contact_uri(call.flow, user.as_deref());
        dialog.credentials.clone_from(&call.credentials);
        dialog.local_sdp = call.sdp.clone();
        dialog.offer = Offer::Local;
        dialog.calling = Some(Box::new(Calling {
            call,
            key: ClientKey {
                branch: 0,
                cancel: false,
            },
            cseq: 0,
            early: Vec::new(),
            cancel: Cancel::No,
            cancel_reason: None,
            track: AuthTrack::default(),
            min_se: None,
        }));
        let ringing = now + self.core.config.max_ringing;
        dialog.set_timer(&mut self.core, DialogTimer::Ringing, ringing);
        self.core.send_invite(now, &mut dialog);
        self.by_tag.insert(tag, id);
        self.dialogs.insert(id, dialog);
        Ok(id)
    }

    pub(super) fn invite_response(
        &mut self,
        now: Timestamp,
        id: DialogId,
        key: ClientKey,
        response: &Message,
    ) {
        let Some(status) = response.status() else { return };
        match status {
            100..200 => self.provisional(now, id, response, status),
            200..300 => self.success(now, id, key, response),
            _ => self.refused(now, id, response, status),
        }
    }

    fn provisional(&mut self, now: Timestamp, id: DialogId, response: &Message, status: u16) {
        let Some(dialog) = self.dialogs.get_mut(&id) else {
            return;
        };
        if dialog
            .calling
            .as_ref()
            .is_some_and(|calling| calling.cancel == Cancel::Wanted)
        {
            self.core.send_cancel(now, dialog);
        }
        let Some(tag) = response.to().and_then(|to| to.tag()).filter(|_| status > 100) else {
            // Without a tag there is no early dialog: a 100, or a gateway of old that says that it rings.
            let sdp = response.sdp().filter(|_| status > 100);
            self.core.tell(
                dialog,
                Event::Progress {
                    dialog: id,
                    status,
                    sdp,
                    tag: String::new(),
                },
            );
            return;
        };
        let Some(calling) = dialog.calling.as_deref_mut() else {
            return;
        };
        let cseq = calling.cseq;
        let Some(index) = early_dialog(calling, &dialog.remote_target, tag, response) else {
            return;
        };
        let early = &mut calling.early[index];
        let sdp = response.sdp();
        let rseq = response
            .has_token(HeaderName::Require, "100rel")
            .then(|| response.header(HeaderName::RSeq).and_then(decimal::<u32>))
            .flatten();
        if let Some(rseq) = rseq {
            // Neither a repetition nor one ahead of its turn is acknowledged (RFC 3262 4).
            if early.rseq.is_some_and(|last| rseq != last.wrapping_add(1)) {
                return;
            }
            early.rseq = Some(rseq);
            if sdp.is_some() && !early.answered {
                early.answered = true;
                early.sdp.clone_from(&sdp);
                dialog.offer = Offer::Stable;
            }
            let rack = format!("{rseq} {cseq} INVITE");
            self.core
                .send_job(now, dialog, Job::new(JobKind::Prack { early: index, rack }));
        } else if sdp.is_some() && !early.answered {
            early.sdp.clone_from(&sdp);
        }
        let tag = String::from_utf8_lossy(tag).into_owned();
        self.core.tell(
            dialog,
            Event::Progress {
                dialog: id,
                status,
                sdp,
                tag,
            },
        );
    }

    fn success(&mut self, now: Timestamp, id: DialogId, key: ClientKey, response: &Message) {
        let Some(client) = self.core.clients.get_mut(&key) else {
            return;
        };
        client.owner = Owner::Acknowledged(id);
        let Some(dialog) = self.dialogs.get_mut(&id) else {
            self.further_success(now, id, key, response);
            return;
        };
        let Some(calling) = dialog.calling.take() else {
            return;
        };
        dialog.clear_timers(&mut self.core);
        let tag = response.to().and_then(|to| to.tag()).unwrap_or_default();
        let early = calling.early.iter().find(|early| *early.tag == *tag);
        let mut others = calling.early.iter().filter(|early| *early.tag != *tag);
        // Another branch may have described its media since, and the host goes by what it was told last.
        let told_before = others
            .any(|other| other.sdp.is_some())
            .then(|| early.and_then(|early| early.sdp.clone()))
            .flatten();
        let sdp = if early.is_some_and(|early| early.answered) {
            told_before
        } else {
            response.sdp().or(told_before)
        };
        dialog.remote_cseq = early.and_then(|early| early.remote_cseq);
        dialog.remote_tag = Some(tag.into());
        if let Some(contact) = response.contact() {
            dialog.remote_target = Bytes::copy_from_slice(contact.uri);
        } else if let Some(early) = early {
            dialog.remote_target = early.target.clone();
        }
        dialog.routes = route_set(response, true);
        dialog.choose_flow(&self.core);
        dialog.peer_allows_update = response.has_token(HeaderName::Allow, "UPDATE");
        dialog.offer = Offer::Stable;
        dialog.state = State::Confirmed;
        self.core
            .auth
            .succeeded(dialog.origin.remote, dialog.credentials.as_ref(), response);
        self.core.send_ack(dialog, calling.cseq);
        if dialog.told_end {
            // The answer crossed our CANCEL, or came too late for it (RFC 3261 9.1, RFC 5407 3.1.2).
            dialog.state = State::Ending;
            self.core.send_job(
                now,
                dialog,
                Job::new(JobKind::Bye {
                    reason: calling.cancel_reason,
                }),
            );
            return;
        }
        dialog.session = SessionTimer::from_response(response);
        self.core.restart_session(now, dialog);
        self.core.emit(Event::Answered { dialog: id, sdp });
    }

    /// A 2xx after the first: a repetition, or another branch of a fork.
    pub(super) fn further_success(
        &mut self,
        now: Timestamp,
        id: DialogId,
        key: ClientKey,
        response: &Message,
    ) {
        let tag = response.to().and_then(|to| to.tag()).unwrap_or_default();
        let Some((cseq, _)) = response.cseq() else { return };
        if let Some(dialog) = self.dialogs.get(&id)
            && dialog.remote_tag.as_deref() == Some(tag)
        {
            self.core.send_ack(dialog, cseq);
            return;
        }
        let new_id = DialogId(self.core.new_id());
        let Some(client) = self.core.clients.get_mut(&key) else {
            return;
        };
        let known = client.ended_forks.iter().any(|ended| **ended == *tag);
        if !known && client.ended_forks.len() >= MAX_EARLY {
            return;
        }
        if !known {
            client.ended_forks.push(tag.into());
        }
        let Some(mut fork) = fork_dialog(new_id, client.flow, &client.request, response) else {
            return;
        };
        if let Some(first) = self.dialogs.get(&id) {
            fork.credentials.clone_from(&first.credentials);
        }
        fork.choose_flow(&self.core);
        self.core.send_ack(&fork, cseq);
        if !known {
            self.core
                .send_job(now, &mut fork, Job::new(JobKind::Bye { reason: None }));
            self.dialogs.insert(new_id, Box::new(fork));
        }
    }

    fn refused(&mut self, now: Timestamp, id: DialogId, response: &Message, status: u16) {
        let Some(dialog) = self.dialogs.get_mut(&id) else {
            return;
        };
        let Some(calling) = dialog.calling.as_deref_mut() else {
            return;
        };
        if !dialog.told_end {
            let retry = match status {
                401 | 407 => self.core.auth.challenged(
                    dialog.origin.remote,
                    dialog.credentials.as_ref(),
                    &mut calling.track,
                    response,
                ),
                422 => raise_min_se(calling, response),
                _ => false,
            };
            if retry {
                calling.early.clear();
                self.core.send_invite(now, dialog);
                return;
            }
        }
        let cause = remote_end(response, Some(status));
        self.core.tell_end(dialog, cause);
        self.forget(id);
    }

    /// Cancels an INVITE as soon as that is allowed.
    pub(super) fn cancel(&mut self, now: Timestamp, id: DialogId, reason: Option<String>) {
        let Some(dialog) = self.dialogs.get_mut(&id) else {
            return;
        };
        dialog.clear_timer(&mut self.core, DialogTimer::Ringing);
        let Some(calling) = dialog.calling.as_deref_mut() else {
            return;
        };
        if calling.cancel != Cancel::No {
            return;
        }
        calling.cancel = Cancel::Wanted;
        calling.cancel_reason = reason;
        if self
            .core
            .clients
            .get(&calling.key)
            .is_some_and(crate::transaction::ClientTransaction::is_proceeding)
        {
            self.core.send_cancel(now, dialog);
        }
    }

    pub(super) fn rang_too_long(&mut self, now: Timestamp, id: DialogId) {
        let expired = |dialog: &Dialog| dialog.called.as_ref().is_some_and(|called| called.expires);
        match self.dialogs.get(&id).map(|dialog| dialog.state) {
            Some(State::Incoming) if self.dialogs.get(&id).is_some_and(|dialog| expired(dialog)) => {
                self.invitation_expired(now, id);
            }
            Some(State::Incoming) => self.refuse_silently(now, id, 480),
            Some(State::Calling) => self.end(now, id, silent_end(EndedBy::Timeout), None),
            _ => {}
        }
    }
}

impl Core {
    pub(super) fn new_call_id(&mut self) -> Box<[u8]> {
        let (high, low) = (self.random(), self.random());
        hex(&[high.to_be_bytes(), low.to_be_bytes()].concat())
            .into_bytes()
            .into_boxed_slice()
    }

    /// Sends the INVITE of a dialog, or sends it again after a challenge.
    pub(super) fn send_invite(&mut self, now: Timestamp, dialog: &mut Dialog) {
        let Some(mut calling) = dialog.calling.take() else {
            return;
        };
        dialog.local_cseq += 1;
        calling.cseq = dialog.local_cseq;
        let branch = self.random();
        calling.key = ClientKey {
            branch,
            cancel: false,
        };
        let target = dialog.target();
        let covered = Covered {
            method: Method::Invite.as_str(),
            uri: request_uri(&target),
            body: &calling.call.sdp,
        };
        let auth = self.auth.authorize(
            dialog.origin.remote,
            dialog.credentials.as_ref(),
            &mut calling.track,
            &covered,
            &mut self.rng,
        );
        let mut writer = self.dialog_request_with(
            dialog,
            &target,
            dialog.flow,
            (&Method::Invite, calling.call.max_forwards),
            calling.cseq,
            branch,
        );
        for (name, value) in &auth {
            writer.header(*name, value.as_bytes());
        }
        Self::write_contact(&mut writer, &dialog.contact);
        writer
            .header(HeaderName::Allow, ALLOW.as_bytes())
            .header(HeaderName::Supported, self.supported(&dialog.origin).as_bytes());
        let proposed = self.config.session_expires.map(seconds);
        if let Some(interval) = proposed.or(calling.min_se) {
            let interval = interval.max(calling.min_se.unwrap_or(0));
            writer.header_number(HeaderName::SessionExpires, u64::from(interval));
        }
        if let Some(min_se) = calling.min_se {
            writer.header_number(HeaderName::MinSe, u64::from(min_se));
        }
        self.write_agent(&mut writer, HeaderName::UserAgent);
        for (name, value) in &calling.call.headers {
            writer.other(name, value);
        }
        let bytes = writer.finish(Some((SDP, &calling.call.sdp)));
        dialog.invite_auth = auth;
        self.start_client(
            now,
            calling.key,
            Method::Invite,
            dialog.flow,
            bytes,
            Owner::Invite(dialog.id),
        );
        dialog.calling = Some(calling);
    }

    /// Acknowledges a 2xx to an INVITE of ours.
    pub(super) fn send_ack(&mut self, dialog: &Dialog, cseq: u32) {
        let branch = self.random();
        let mut writer =
            self.dialog_request(dialog, &dialog.target(), dialog.flow, &Method::Ack, cseq, branch);
        for (name, value) in &dialog.invite_auth {
            writer.header(*name, value.as_bytes());
        }
        let bytes = writer.finish(None);
        self.send(dialog.flow, bytes);
    }

    fn send_cancel(&mut self, now: Timestamp, dialog: &mut Dialog) {
        let patience = self.patience();
        dialog.set_timer(self, DialogTimer::Cancelled, now + patience);
        let Some(calling) = dialog.calling.as_deref_mut() else {
            return;
        };
        calling.cancel = Cancel::Sent;
        let Some(client) = self.clients.get(&calling.key) else {
            return;
        };
        let Some(bytes) = cancel_of(&client.request, calling.cancel_reason.as_deref()) else {
            return;
        };
        let (key, flow) = (
            ClientKey {
                cancel: true,
                ..calling.key
            },
            client.flow,
        );
        self.start_client(now, key, Method::Cancel, flow, bytes, Owner::Nobody);
    }
}

/// The CANCEL of an INVITE (RFC 3261 9.1).
pub(super) fn cancel_of(request: &[u8], reason: Option<&str>) -> Option<Bytes> {
    let invite = Message::read(request).ok()?;
    let (number, _) = invite.cseq()?;
    let mut cancel = Writer::request("CANCEL", invite.request_uri());
    cancel.header(HeaderName::Via, invite.header(HeaderName::Via)?);
    for route in invite.lines(HeaderName::Route) {
        cancel.header(HeaderName::Route, route);
    }
    cancel
        .header_number(HeaderName::MaxForwards, 70)
        .header(HeaderName::From, invite.header(HeaderName::From)?)
        .header(HeaderName::To, invite.header(HeaderName::To)?)
        .header(HeaderName::CallId, invite.call_id())
        .name(HeaderName::CSeq)
        .number(u64::from(number))
        .put(b" CANCEL")
        .end();
    if let Some(reason) = reason {
        cancel.header(HeaderName::Reason, reason.as_bytes());
    }
    Some(cancel.finish(None))
}

/// The early dialog that a provisional response speaks for, made if new; `None` beyond [`MAX_EARLY`].
fn early_dialog(calling: &mut Calling, target: &Bytes, tag: &[u8], response: &Message) -> Option<usize> {
    let contact = response
        .contact()
        .map(|contact| Bytes::copy_from_slice(contact.uri));
    if let Some(index) = calling.early.iter().position(|early| *early.tag == *tag) {
        if let Some(contact) = contact {
            calling.early[index].target = contact;
        }
        return Some(index);
    }
    if calling.early.len() >= MAX_EARLY {
        return None;
    }
    calling.early.push(Early {
        tag: tag.into(),
        target: contact.unwrap_or_else(|| target.clone()),
        routes: route_set(response, true),
        rseq: None,
        answered: false,
        sdp: None,
        remote_cseq: None,
    });
    Some(calling.early.len() - 1)
}

/// A dialog for an answer that nobody wants any more, made of the INVITE and that answer.
fn fork_dialog(id: DialogId, flow: crate::types::Flow, request: &[u8], response: &Message) -> Option<Dialog> {
    let invite = Message::read(request).ok()?;
    let (from, to) = (invite.from()?, invite.to()?);
    let mut fork = Dialog::new(
        id,
        State::Ending,
        invite.call_id().into(),
        tag_number(from.tag()?)?,
        from.without_params.into(),
        to.without_params.into(),
        flow,
    );
    fork.told_end = true;
    fork.remote_tag = Some(response.to()?.tag().unwrap_or_default().into());
    fork.remote_target = Bytes::copy_from_slice(
        response
            .contact()
            .map_or(invite.request_uri(), |contact| contact.uri),
    );
    fork.routes = route_set(response, true);
    fork.local_cseq = invite.cseq()?.0;
    for name in [HeaderName::Authorization, HeaderName::ProxyAuthorization] {
        for value in invite.lines(name) {
            fork.invite_auth
                .push((name, String::from_utf8_lossy(value).into_owned()));
        }
    }
    Some(fork)
}

/// Takes the Min-SE of a 422 over, once.
fn raise_min_se(calling: &mut Calling, response: &Message) -> bool {
    let Some(min_se) = response.header(HeaderName::MinSe).and_then(leading_number) else {
        return false;
    };
    if calling.min_se.is_some() || min_se > LONGEST_SESSION {
        return false;
    }
    calling.min_se = Some(min_se);
    true
}

/// Contact URIs of a redirection, best `q` first.
pub(super) fn redirects(response: &Message) -> Vec<String> {
    let mut contacts: Vec<(u32, String)> = response
        .values(HeaderName::Contact)
        .take(16)
        .filter_map(NameAddr::parse)
        .map(|contact| {
            (
                q_value(contact.param("q")),
                String::from_utf8_lossy(contact.uri).into_owned(),
            )
        })
        .collect();
    contacts.sort_by_key(|(q, _)| std::cmp::Reverse(*q));
    contacts.into_iter().map(|(_, uri)| uri).collect()
}

/// Thousandths; 1 where none is given.
fn q_value(text: Option<&[u8]>) -> u32 {
    let parsed = text.and_then(|text| std::str::from_utf8(text).ok()?.parse::<f32>().ok());
    parsed.map_or(1000, |q| (q.clamp(0.0, 1.0) * 1000.0) as u32)
}

/// The flow of an early dialog.
pub(super) fn early_flow(core: &Core, dialog: &Dialog, early: &Early) -> crate::types::Flow {
    next_hop(
        &core.config,
        dialog.origin,
        dialog.behind_nat,
        &early.routes,
        &early.target,
    )
}
