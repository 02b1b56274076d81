//! REFER within a call (RFC 3515), and the subscription that comes with it (RFC 6665).

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::replaces::read_replaces;
use super::{Job, JobKind, UserAgent, living};
use crate::dialog::{Dialog, DialogTimer, Referring, State, seconds, tag_text};
use crate::message::{HeaderName, Message, Method, NameAddr, Scheme, Uri, default_reason, unescape};
use crate::transaction::Core;
use crate::types::{DialogId, Event, Flow, Referral, Replaces, SipError, Timestamp};

/// How long a peer is told what comes of its REFER.
const SUBSCRIPTION: Duration = Duration::from_mins(10);

/// A refusal, and what is wrong.
pub(super) type Refusal = (u16, &'static str);

impl UserAgent {
    /// `account` is who has proven to send it.
    pub(super) fn handle_refer(
        &mut self,
        now: Timestamp,
        id: DialogId,
        flow: Flow,
        request: Message,
        account: Option<Arc<str>>,
    ) {
        let (Some(dialog), Some((cseq, _))) = (self.dialogs.get_mut(&id), request.cseq()) else {
            return;
        };
        let read = match dialog.state {
            _ if dialog.referring.is_some() => Err((491, "")),
            State::Confirmed => read_target(&request),
            // The ACK to our 2xx may have been overtaken.
            State::Accepted => Err((491, "")),
            _ => Err((403, "")),
        };
        let told = !refuses_subscription(&request);
        let tag = tag_text(dialog.local_tag);
        let message = request.clone();
        let Some(transaction) = self.core.start_server(now, flow, request) else {
            return;
        };
        let (target, replaces) = match read {
            Ok(read) => read,
            Err((status, reason)) => {
                if let Some(writer) = self.core.response(transaction, status, reason, Some(&tag)) {
                    self.core
                        .server_respond(now, transaction, status, writer.finish(None));
                }
                return;
            }
        };
        // The first may go without `id`, which not every telephone knows (RFC 3515 2.4.6).
        let event = if dialog.was_referred {
            format!("refer;id={cseq}")
        } else {
            "refer".to_owned()
        };
        dialog.was_referred = true;
        let expires_at = now + SUBSCRIPTION;
        dialog.referring = Some(Box::new(Referring {
            transaction: Some(transaction),
            event,
            told,
            expires_at,
            status: 100,
            ended: None,
            notifying: false,
            stale: false,
        }));
        dialog.set_timer(&mut self.core, DialogTimer::Referring, expires_at);
        self.core.emit(Event::Referred(Box::new(Referral {
            dialog: id,
            account: account.map(|account| account.as_ref().to_owned()),
            target,
            replaces,
            message,
        })));
    }

    /// Says what comes of an [`Event::Referred`]: the status of the SIP response it stands for, 100 to 699; from 200 on it
    /// is the last. The first word accepts the REFER with 202, unless it is a refusal that leaves the call as it is (RFC
    /// 5057 section 5.1: 403, 488, 491, 500, 503, 600 or 603). The peer hears of nothing more once the call is over.
    ///
    /// # Errors
    /// [`SipError::InvalidStatus`]; [`SipError::UnknownDialog`] for a call that is over; [`SipError::WrongState`] without a
    /// REFER, or after the last word on it.
    pub fn refer_progress(&mut self, now: Timestamp, dialog: DialogId, status: u16) -> Result<(), SipError> {
        if !(100..700).contains(&status) {
            return Err(SipError::InvalidStatus(status));
        }
        let dialog = living(&mut self.dialogs, dialog)?;
        let referring = dialog
            .referring
            .as_deref_mut()
            .filter(|referring| referring.ended.is_none())
            .ok_or(SipError::WrongState)?;
        referring.status = status;
        if status >= 200 {
            referring.ended = Some("noresource");
        }
        let told = referring.told;
        if let Some(transaction) = referring.transaction.take() {
            let tag = tag_text(dialog.local_tag);
            if matches!(status, 403 | 488 | 491 | 500 | 503 | 600 | 603) {
                self.core
                    .respond_simply(now, transaction, status, Some(&tag), &[]);
                self.core.forget_referral(dialog);
                return Ok(());
            }
            if let Some(mut writer) = self.core.response(transaction, 202, "", Some(&tag)) {
                Core::write_contact(&mut writer, &dialog.contact);
                if !told {
                    writer.header(HeaderName::ReferSub, b"false");
                }
                self.core
                    .server_respond(now, transaction, 202, writer.finish(None));
            }
        }
        self.core.tell_referrer(now, dialog);
        Ok(())
    }

    /// The final response to a NOTIFY of a REFER, or `None`: there was none.
    pub(super) fn referrer_told(&mut self, now: Timestamp, id: DialogId, status: Option<u16>) {
        let Some(dialog) = self.dialogs.get_mut(&id) else {
            return;
        };
        let Some(referring) = dialog.referring.as_deref_mut() else {
            return;
        };
        referring.notifying = false;
        // Whoever does not know of the subscription, or is silent, is told nothing more (RFC 6665 4.2.2).
        referring.told &= status.is_some_and(|status| status < 300);
        let stale = std::mem::take(&mut referring.stale);
        if stale {
            self.core.tell_referrer(now, dialog);
        } else if referring.ended.is_some() {
            self.core.forget_referral(dialog);
        }
    }

    pub(super) fn referral_expires(&mut self, now: Timestamp, id: DialogId) {
        let Some(dialog) = self.dialogs.get_mut(&id) else {
            return;
        };
        match dialog.referring.as_deref_mut() {
            // Not even answered: its transaction has ended by itself.
            Some(referring) if referring.transaction.is_some() || referring.ended.is_some() => {
                self.core.forget_referral(dialog);
            }
            Some(referring) => {
                referring.ended = Some("timeout");
                self.core.tell_referrer(now, dialog);
            }
            None => {}
        }
    }
}

impl Core {
    /// Tells the peer where its REFER stands; one NOTIFY at a time, so that they arrive in order.
    fn tell_referrer(&mut self, now: Timestamp, dialog: &mut Dialog) {
        let Some(referring) = dialog.referring.as_deref_mut() else {
            return;
        };
        if !referring.told {
            if referring.ended.is_some() {
                self.forget_referral(dialog);
            }
            return;
        }
        if referring.notifying {
            referring.stale = true;
            return;
        }
        referring.notifying = true;
        let job = notification(now, referring);
        self.send_job(now, dialog, job);
    }

    /// The call ends: an open REFER is answered, and its subscription ended. Before a BYE of ours.
    pub(super) fn end_referral(&mut self, now: Timestamp, dialog: &mut Dialog, by_us: bool) {
        let Some(mut referring) = dialog.referring.take() else {
            return;
        };
        dialog.clear_timer(self, DialogTimer::Referring);
        if let Some(transaction) = referring.transaction {
            let tag = tag_text(dialog.local_tag);
            self.respond_simply(now, transaction, 487, Some(&tag), &[]);
        } else if by_us && referring.told && (referring.ended.is_none() || referring.stale) {
            referring.ended.get_or_insert("noresource");
            let job = notification(now, &referring);
            self.send_job(now, dialog, job);
        }
    }

    fn forget_referral(&mut self, dialog: &mut Dialog) {
        dialog.referring = None;
        dialog.clear_timer(self, DialogTimer::Referring);
    }
}

fn notification(now: Timestamp, referring: &Referring) -> Job {
    let status = referring.status;
    Job::new(JobKind::Notify {
        event: referring.event.clone(),
        state: match referring.ended {
            Some(reason) => format!("terminated;reason={reason}"),
            None => format!(
                "active;expires={}",
                seconds(referring.expires_at.since(now)).max(1)
            ),
        },
        fragment: Bytes::from(format!("SIP/2.0 {status} {}\r\n", default_reason(status))),
    })
}

/// Whether the peer does not want to be told what comes of it (RFC 4488).
fn refuses_subscription(request: &Message) -> bool {
    request
        .header(HeaderName::ReferSub)
        .and_then(|value| value.split(|byte| *byte == b';').next())
        .is_some_and(|value| value.trim_ascii().eq_ignore_ascii_case(b"false"))
}

/// The one Refer-To: its URI without headers, and the Replaces among them.
fn read_target(request: &Message) -> Result<(String, Option<Replaces>), Refusal> {
    const BAD: Refusal = (400, "Bad Refer-To");
    let mut values = request.values(HeaderName::ReferTo);
    let value = values.next().ok_or((400, "Missing Refer-To"))?;
    if values.next().is_some() {
        return Err((400, "Multiple Refer-To"));
    }
    let address = NameAddr::parse(value).ok_or(BAD)?;
    let (text, headers) = split_headers(address.uri);
    let uri = Uri::parse(text)
        .filter(|uri| uri.scheme != Scheme::Other)
        .ok_or(BAD)?;
    let method = uri.param("method").or_else(|| address.param("method"));
    if method.is_some_and(|method| Method::from_bytes(method) != Some(Method::Invite)) {
        return Err((403, "Only INVITE"));
    }
    let mut replaces = None;
    for header in headers.split(|byte| *byte == b'&') {
        let (name, value) = header.split_at(memchr::memchr(b'=', header).unwrap_or(header.len()));
        if name.eq_ignore_ascii_case(b"Replaces") {
            let value = unescape(value.get(1..).unwrap_or_default());
            let read = read_replaces(&value).filter(|_| replaces.is_none());
            replaces = Some(read.ok_or((400, "Bad Replaces"))?);
        }
    }
    let target = std::str::from_utf8(text).map_err(|_| BAD)?;
    Ok((target.to_owned(), replaces))
}

/// A URI, and the headers behind its question mark. One before the `@` is part of the user; an `@` behind it is that of a
/// Call-ID that some telephones leave unescaped.
fn split_headers(uri: &[u8]) -> (&[u8], &[u8]) {
    let at = memchr::memchr(b'@', uri).unwrap_or(0);
    match memchr::memchr(b'?', &uri[at..]) {
        Some(mark) => (&uri[..at + mark], &uri[at + mark + 1..]),
        None => (uri, b""),
    }
}
