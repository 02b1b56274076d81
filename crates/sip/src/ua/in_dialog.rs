//! Requests that arrive within a dialog.

use std::time::Duration;

use bytes::Bytes;
use rand::Rng;

use super::build::ALLOW;
use super::incoming::{Body, body_of, capabilities, has_type};
use super::telephones::Settled;
use super::{Job, JobKind, UserAgent, remote_end};
use crate::dialog::{Agreement, AwaitedBye, DialogTimer, Offer, State, agree, tag_text};
use crate::message::{HeaderName, Message, Method, decimal, parse_rack};
use crate::transaction::{Core, reply_flow};
use crate::types::{DialogId, Event, Flow, Timestamp};

impl UserAgent {
    pub(super) fn handle_in_dialog(&mut self, now: Timestamp, id: DialogId, flow: Flow, request: Message) {
        let (Some(method), Some((cseq, _))) = (request.method().cloned(), request.cseq()) else {
            return;
        };
        let Some(dialog) = self.dialogs.get_mut(&id) else {
            return;
        };
        if dialog.state == State::Ending && method != Method::Bye {
            self.core.reply(flow, &request, 481, "", &[]);
            return;
        }
        // Who listens in knows the tags; an account must be proven. Before the number counts: a repetition is challenged again.
        let account = match method {
            Method::Refer => match self.authenticate(now, flow, &request) {
                Ok(account) => account,
                Err(Settled) => return,
            },
            _ => None,
        };
        let Some(dialog) = self.dialogs.get_mut(&id) else {
            return;
        };
        let tag = request.from().and_then(|from| from.tag()).unwrap_or_default();
        let last = dialog.remote_cseq_of(tag);
        if last.is_some_and(|last| cseq <= last) {
            self.core.out_of_order(flow, &request);
            return;
        }
        *last = Some(cseq);
        // A telephone behind a NAT has moved, or its connection was made anew: it is where it speaks from.
        let origin = reply_flow(flow, &request);
        if dialog.behind_nat && dialog.origin != origin {
            dialog.origin = origin;
            dialog.cut_off = false;
            dialog.choose_flow(&self.core);
        }
        match method {
            Method::Bye => self.handle_bye(now, id, flow, request),
            Method::Invite => self.handle_reinvite(now, id, flow, request),
            Method::Update => self.handle_update(now, id, flow, request),
            Method::Prack => self.handle_prack(now, id, flow, request),
            Method::Info => self.handle_info(now, id, flow, request),
            Method::Refer => self.handle_refer(now, id, flow, request, account),
            Method::Options => {
                let supported = self.core.supported(&flow);
                self.core
                    .reply_in_dialog(now, flow, request, 200, "", &capabilities(ALLOW, supported));
            }
            Method::Other(_) => {
                let allow = [(HeaderName::Allow, ALLOW)];
                self.core.reply_in_dialog(now, flow, request, 501, "", &allow);
            }
            _ => {
                let allow = [(HeaderName::Allow, ALLOW)];
                self.core.reply_in_dialog(now, flow, request, 405, "", &allow);
            }
        }
    }

    /// The ACK to a 2xx of ours.
    pub(super) fn handle_ack(&mut self, now: Timestamp, id: DialogId, ack: &Message) {
        let Some(dialog) = self.dialogs.get_mut(&id) else {
            return;
        };
        let cseq = ack.cseq().map(|(cseq, _)| cseq);
        if dialog.unacknowledged.as_ref().map(|waiting| waiting.cseq) != cseq {
            return;
        }
        dialog.unacknowledged = None;
        dialog.clear_timer(&mut self.core, DialogTimer::Accepted);
        dialog.clear_timer(&mut self.core, DialogTimer::AcceptedGiveUp);
        let first = dialog.state == State::Accepted;
        if first {
            dialog.state = State::Confirmed;
        }
        let answered = dialog.offer == Offer::LocalInResponse;
        if answered {
            dialog.offer = Offer::Stable;
        }
        let sdp = if answered { ack.sdp() } else { None };
        if let Some(AwaitedBye { reason }) = dialog.bye_after_ack.take() {
            dialog.clear_timers(&mut self.core);
            dialog.state = State::Ending;
            self.core.send_job(now, dialog, Job::new(JobKind::Bye { reason }));
        } else if first {
            self.core.tell(dialog, Event::Confirmed { dialog: id, sdp });
        } else if answered {
            self.core.tell(
                dialog,
                match sdp {
                    Some(sdp) => Event::OfferAnswered { dialog: id, sdp },
                    None => Event::OfferFailed {
                        dialog: id,
                        status: 488,
                    },
                },
            );
        }
        self.core.offer_possible(dialog);
    }

    fn handle_bye(&mut self, now: Timestamp, id: DialogId, flow: Flow, request: Message) {
        let Some(dialog) = self.dialogs.get_mut(&id) else {
            return;
        };
        if dialog.state == State::Calling {
            // The called side may not end an early dialog by BYE (RFC 3261 15).
            self.core.reply_in_dialog(now, flow, request, 481, "", &[]);
            return;
        }
        let cause = remote_end(&request, None);
        let tag = tag_text(dialog.local_tag);
        if let Some(transaction) = self.core.start_server(now, flow, request) {
            self.core.respond_simply(now, transaction, 200, Some(&tag), &[]);
        }
        let first = dialog.called.as_ref().map(|called| called.transaction);
        let open = match dialog.offer {
            Offer::Remote(transaction) | Offer::Wanted(transaction) => Some(transaction),
            _ => None,
        };
        for transaction in first.into_iter().chain(open) {
            self.core.respond_simply(now, transaction, 487, Some(&tag), &[]);
        }
        self.core.end_referral(now, dialog, false);
        self.core.tell_end(dialog, cause);
        // A BYE of ours may be on its way too; the dialog stays for its outcome.
        if dialog.state != State::Ending || dialog.unheard_bye.is_some() {
            self.forget(id);
        }
    }

    fn handle_reinvite(&mut self, now: Timestamp, id: DialogId, flow: Flow, request: Message) {
        let Some(dialog) = self.dialogs.get_mut(&id) else {
            return;
        };
        // One in a 2xx waits for the answer in the ACK (RFC 5407 3.1.5).
        let ours_is_open = matches!(dialog.offer, Offer::Local | Offer::LocalInResponse);
        if dialog.reinvite.is_some() || ours_is_open || dialog.state == State::Calling {
            self.core.reply_in_dialog(now, flow, request, 491, "", &[]);
            return;
        }
        if dialog.state == State::Incoming
            || dialog.bye_after_ack.is_some()
            || matches!(dialog.offer, Offer::Remote(_) | Offer::Wanted(_))
        {
            self.core.try_later(now, flow, request);
            return;
        }
        // Who offers anew has our 2xx: the ACK was lost, or overtaken (RFC 5407 3.1.4).
        if dialog.unacknowledged.take().is_some() {
            dialog.clear_timer(&mut self.core, DialogTimer::Accepted);
            dialog.clear_timer(&mut self.core, DialogTimer::AcceptedGiveUp);
            if dialog.state == State::Accepted {
                dialog.state = State::Confirmed;
                self.core.tell(
                    dialog,
                    Event::Confirmed {
                        dialog: id,
                        sdp: None,
                    },
                );
            }
        }
        let Ok((request, sdp)) = self.core.offer_of(now, flow, request) else {
            return;
        };
        self.core.refresh_target(dialog, &request);
        let Some(transaction) = self.core.start_server(now, flow, request) else {
            return;
        };
        self.core.respond_simply(now, transaction, 100, None, &[]);
        self.core.belongs_to(transaction, id);
        dialog.offer = if sdp.is_some() {
            Offer::Remote(transaction)
        } else {
            Offer::Wanted(transaction)
        };
        self.core.emit(Event::Offer { dialog: id, sdp });
    }

    fn handle_update(&mut self, now: Timestamp, id: DialogId, flow: Flow, request: Message) {
        let Some(dialog) = self.dialogs.get_mut(&id) else {
            return;
        };
        if !request.body_is_empty() {
            match dialog.offer {
                Offer::Stable if dialog.reinvite.is_none() => {}
                Offer::Remote(_) | Offer::Wanted(_) => {
                    self.core.try_later(now, flow, request);
                    return;
                }
                _ => {
                    self.core.reply_in_dialog(now, flow, request, 491, "", &[]);
                    return;
                }
            }
        }
        let Ok((request, sdp)) = self.core.offer_of(now, flow, request) else {
            return;
        };
        self.core.refresh_target(dialog, &request);
        let tag = request.from().and_then(|from| from.tag()).unwrap_or_default();
        let early = dialog.calling.as_deref_mut();
        if let Some(early) = early
            .and_then(|calling| calling.early_mut(tag))
            .filter(|_| sdp.is_some())
        {
            early.sdp = None;
        }
        let Some(transaction) = self.core.start_server(now, flow, request) else {
            return;
        };
        if sdp.is_some() {
            dialog.offer = Offer::Remote(transaction);
            self.core.emit(Event::Offer { dialog: id, sdp });
        } else {
            self.core.answer_update(now, dialog, transaction, None);
        }
    }

    fn handle_prack(&mut self, now: Timestamp, id: DialogId, flow: Flow, request: Message) {
        let rack = request.header(HeaderName::RAck).and_then(parse_rack);
        let Some((rseq, cseq, Method::Invite)) = rack else {
            self.core
                .reply_in_dialog(now, flow, request, 400, "Bad RAck", &[]);
            return;
        };
        let Ok((request, sdp)) = self.core.description_of(now, flow, request) else {
            return;
        };
        if !self.reliable_acknowledged(id, rseq, cseq) {
            self.core.reply_in_dialog(now, flow, request, 481, "", &[]);
            return;
        }
        let Some(dialog) = self.dialogs.get_mut(&id) else {
            return;
        };
        let Some(transaction) = self.core.start_server(now, flow, request) else {
            return;
        };
        match (sdp, dialog.offer) {
            (Some(sdp), Offer::LocalInResponse) => {
                dialog.offer = Offer::Stable;
                self.core.answer_update(now, dialog, transaction, None);
                self.core.emit(Event::OfferAnswered { dialog: id, sdp });
            }
            (sdp @ Some(_), Offer::Stable) => {
                dialog.offer = Offer::Remote(transaction);
                self.core.emit(Event::Offer { dialog: id, sdp });
            }
            _ => self.core.answer_update(now, dialog, transaction, None),
        }
        self.send_queued(now, id);
    }

    fn handle_info(&mut self, now: Timestamp, id: DialogId, flow: Flow, request: Message) {
        if request.lines_named("Info-Package").next().is_some() {
            // None is offered (RFC 6086 section 4.2.2).
            self.core
                .reply_in_dialog(now, flow, request, 469, "Bad Info Package", &[]);
            return;
        }
        if request.body_is_empty() {
            self.core.reply_in_dialog(now, flow, request, 200, "", &[]);
            return;
        }
        let body = request.body();
        let key = if has_type(&request, "application/dtmf-relay") {
            relayed_key(&body)
        } else if has_type(&request, "application/dtmf") {
            key_of(body.trim_ascii()).map(|signal| (signal, None))
        } else {
            let accept = [(HeaderName::Accept, "application/dtmf-relay, application/dtmf")];
            self.core.reply_in_dialog(now, flow, request, 415, "", &accept);
            return;
        };
        let Some((signal, duration)) = key else {
            self.core
                .reply_in_dialog(now, flow, request, 400, "Bad DTMF Signal", &[]);
            return;
        };
        self.core.reply_in_dialog(now, flow, request, 200, "", &[]);
        self.core.emit(Event::Dtmf {
            dialog: id,
            signal,
            duration,
        });
    }
}

/// `Signal=5` and `Duration=160` (milliseconds), one a line.
fn relayed_key(body: &[u8]) -> Option<(char, Option<Duration>)> {
    let mut signal = None;
    let mut duration = None;
    for line in body.split(|byte| *byte == b'\n') {
        let Some(equals) = memchr::memchr(b'=', line) else {
            continue;
        };
        let (name, value) = (line[..equals].trim_ascii(), line[equals + 1..].trim_ascii());
        if name.eq_ignore_ascii_case(b"signal") {
            signal = key_of(value);
        } else if name.eq_ignore_ascii_case(b"duration") {
            duration = decimal(value).map(Duration::from_millis);
        }
    }
    signal.map(|signal| (signal, duration))
}

fn key_of(text: &[u8]) -> Option<char> {
    match text {
        [key @ (b'0'..=b'9' | b'*' | b'#' | b'A'..=b'D' | b'a'..=b'd')] => {
            Some(char::from(key.to_ascii_uppercase()))
        }
        b"10" => Some('*'),
        b"11" => Some('#'),
        [b'1', digit @ b'2'..=b'5'] => Some(char::from(b'A' + digit - b'2')),
        _ => None,
    }
}

/// The request was answered with a refusal already.
struct Refused;

impl Core {
    /// 500 with a random Retry-After (RFC 3261 12.2.2, 14.2).
    fn out_of_order(&mut self, flow: Flow, request: &Message) {
        let seconds = self.rng.random_range(0..=10).to_string();
        self.reply(flow, request, 500, "", &[(HeaderName::RetryAfter, &seconds)]);
    }

    /// The same to one that came too early (RFC 3261 14.2, RFC 3311 5.2).
    fn try_later(&mut self, now: Timestamp, flow: Flow, request: Message) {
        let seconds = self.rng.random_range(0..=10).to_string();
        self.reply_in_dialog(now, flow, request, 500, "", &[(HeaderName::RetryAfter, &seconds)]);
    }

    /// The offer of a request within a dialog: the description it has, unless it was refused.
    fn offer_of(
        &mut self,
        now: Timestamp,
        flow: Flow,
        request: Message,
    ) -> Result<(Message, Option<Bytes>), Refused> {
        if let Agreement::TooSmall(min_se) = agree(&self.config, &request) {
            let min_se = min_se.to_string();
            self.reply_in_dialog(now, flow, request, 422, "", &[(HeaderName::MinSe, &min_se)]);
            return Err(Refused);
        }
        self.description_of(now, flow, request)
    }

    fn description_of(
        &mut self,
        now: Timestamp,
        flow: Flow,
        request: Message,
    ) -> Result<(Message, Option<Bytes>), Refused> {
        match body_of(&request) {
            Body::None => Ok((request, None)),
            Body::Sdp(sdp) => Ok((request, Some(sdp))),
            Body::Unsupported(name, value) => {
                self.reply_in_dialog(now, flow, request, 415, "", &[(name, value)]);
                Err(Refused)
            }
            Body::Broken => {
                self.reply_in_dialog(now, flow, request, 488, "", &[]);
                Err(Refused)
            }
        }
    }
}
