//! SUBSCRIBE of telephones, and the NOTIFYs that follow (RFC 6665).

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::build::name_addr;
use super::telephones::{Settled, Telephones};
use super::{Owner, UserAgent};
use crate::dialog::{Dialog, State, route_set, tag_number, tag_text};
use crate::message::{HeaderName, Message, Method, Uri, leading_number, media_type};
use crate::subscribe::{EventPackage, ResourceState, Subscription, Takes, Termination};
use crate::transaction::{ClientKey, TimerKey, reply_flow};
use crate::types::{EndedBy, Event, Flow, IncomingSubscription, Party, SipError, SubscriptionId, Timestamp};

/// Bytes of an Event header that are kept, to be repeated in each NOTIFY.
const MAX_EVENT: usize = 128;

/// A SUBSCRIBE that waits for the host.
pub(super) struct Pending {
    transaction: u64,
    expires: u32,
    subscription: Subscription,
}

/// What a SUBSCRIBE asks for.
struct Asked {
    package: EventPackage,
    event: String,
    /// Seconds; 0 ends the subscription, or fetches the state once.
    expires: u32,
}

impl UserAgent {
    /// Says what is to be told of a resource: an extension, a box, a person. Whoever watches it is told at once
    /// where that is news. It is also what later subscribers hear first.
    pub fn set_state(&mut self, now: Timestamp, resource: &str, state: ResourceState) {
        let Some(telephones) = self.telephones.as_deref_mut() else {
            return;
        };
        for id in telephones.notifier.set_state(resource, state) {
            self.notify(now, id, None);
        }
    }

    /// Says what the user of an account could take over of the calls that it watches: it is told by which names. Whoever has
    /// an account and is not spoken of here is told none.
    pub fn set_takes(&mut self, now: Timestamp, account: &str, takes: Takes) {
        let Some(telephones) = self.telephones.as_deref_mut() else {
            return;
        };
        for id in telephones.notifier.set_takes(account, takes) {
            self.notify(now, id, None);
        }
    }

    /// Forgets a resource; subscriptions to it end.
    pub fn remove_resource(&mut self, now: Timestamp, resource: &str) {
        let Some(telephones) = self.telephones.as_deref_mut() else {
            return;
        };
        for id in telephones.notifier.remove_resource(resource) {
            self.notify(now, id, Some(Termination::NoResource));
        }
    }

    /// Ends every subscription, as before a restart: the telephones are told to subscribe again at once.
    pub fn end_subscriptions(&mut self, now: Timestamp) {
        let ids = self
            .telephones
            .as_deref()
            .map(|telephones| telephones.notifier.all())
            .unwrap_or_default();
        for id in ids {
            self.notify(now, id, Some(Termination::Deactivated));
        }
    }

    /// Subscriptions of an account at this moment.
    pub fn subscription_count(&self, account: &str) -> usize {
        self.telephones
            .as_deref()
            .map_or(0, |telephones| telephones.notifier.count(account))
    }

    /// Grants an [`Event::Subscribe`]. `resource` names the state it is told of, as given to
    /// [`Self::set_state`]; it may be another than the telephone named, such as the box of whoever is logged on.
    pub fn accept_subscription(
        &mut self,
        now: Timestamp,
        id: SubscriptionId,
        resource: &str,
    ) -> Result<(), SipError> {
        let telephones = self.telephones.as_deref_mut().ok_or(SipError::UnknownRequest)?;
        let Pending {
            transaction,
            expires,
            mut subscription,
        } = *telephones.pending.remove(&id.0).ok_or(SipError::UnknownRequest)?;
        let tag = tag_text(subscription.dialog.local_tag);
        let mut writer = self
            .core
            .response(transaction, 200, "", Some(&tag))
            .ok_or(SipError::UnknownRequest)?;
        crate::transaction::Core::write_contact(&mut writer, &subscription.dialog.contact);
        writer.header_number(HeaderName::Expires, u64::from(expires));
        let bytes = writer.finish(None);
        self.core.server_respond(now, transaction, 200, bytes);
        resource.clone_into(&mut subscription.resource);
        subscription.expires_at = now + Duration::from_secs(expires.into());
        telephones.notifier.insert(id.0, subscription);
        self.prolong(now, id.0, expires);
        Ok(())
    }

    /// Refuses an [`Event::Subscribe`] with a status of 400 to 699, such as 403 or 404.
    pub fn reject_subscription(
        &mut self,
        now: Timestamp,
        id: SubscriptionId,
        status: u16,
    ) -> Result<(), SipError> {
        if !(400..700).contains(&status) {
            return Err(SipError::InvalidStatus(status));
        }
        let telephones = self.telephones.as_deref_mut().ok_or(SipError::UnknownRequest)?;
        let pending = telephones.pending.remove(&id.0).ok_or(SipError::UnknownRequest)?;
        let tag = tag_text(pending.subscription.dialog.local_tag);
        self.core
            .respond_simply(now, pending.transaction, status, Some(&tag), &[]);
        Ok(())
    }

    /// A SUBSCRIBE outside a dialog.
    pub(super) fn handle_subscribe(&mut self, now: Timestamp, flow: Flow, request: Message) {
        let account = match self.authenticate(now, flow, &request) {
            Ok(Some(account)) => account,
            Ok(None) => {
                self.core.reply(flow, &request, 403, "", &[]);
                return;
            }
            Err(Settled) => return,
        };
        let Ok(asked) = self.what_is_asked(flow, &request) else {
            return;
        };
        let Some(telephones) = self.telephones.as_deref_mut() else {
            return;
        };
        // Those that the host left unanswered ended with their transactions.
        let servers = &self.core.servers;
        telephones
            .pending
            .retain(|_, pending| servers.contains_key(&pending.transaction));
        let waiting = telephones
            .pending
            .values()
            .filter(|pending| pending.subscription.account == account)
            .count();
        if telephones.notifier.count(&account) + waiting >= telephones.max_subscriptions {
            self.overloaded(flow, &request);
            return;
        }
        let id = self.core.new_id();
        let tag = self.core.random();
        let Some(subscription) = self.new_subscription(id, tag, &account, flow, &request, &asked) else {
            self.core.reply(flow, &request, 400, "Bad Contact", &[]);
            return;
        };
        let incoming = Box::new(IncomingSubscription {
            id: SubscriptionId(id),
            account: account.as_ref().to_owned(),
            package: asked.package,
            resource: subscription.resource.clone(),
            message: request.clone(),
        });
        let Some(transaction) = self.core.start_server(now, flow, request) else {
            return;
        };
        if let Some(telephones) = self.telephones.as_deref_mut() {
            let pending = Pending {
                transaction,
                expires: asked.expires,
                subscription,
            };
            telephones.pending.insert(id, Box::new(pending));
            self.core.emit(Event::Subscribe(incoming));
        }
    }

    fn new_subscription(
        &self,
        id: u64,
        tag: u64,
        account: &Arc<str>,
        flow: Flow,
        request: &Message,
        asked: &Asked,
    ) -> Option<Subscription> {
        let contact = request
            .contact()
            .filter(|contact| Uri::parse(contact.uri).is_some())?;
        let target = Uri::parse(request.request_uri())?;
        let (from, to) = (request.from()?, request.to()?);
        let user = target.user().unwrap_or_default();
        let entity = format!("sip:{}@{}", crate::message::escape_user(&user), target.host());
        // Text that could not stand in a header cannot stand in an entity either.
        name_addr(&Party::new(entity.as_str())).ok()?;
        let flow = reply_flow(flow, request);
        let mut dialog = Dialog::new(
            crate::types::DialogId(id),
            State::Confirmed,
            request.call_id().into(),
            tag,
            to.without_params.into(),
            from.without_params.into(),
            flow,
        );
        dialog.remote_tag = Some(from.tag().unwrap_or_default().into());
        dialog.remote_cseq = request.cseq().map(|(cseq, _)| cseq);
        dialog.remote_target = Bytes::copy_from_slice(contact.uri);
        dialog.routes = route_set(request, false);
        dialog.behind_nat = true;
        dialog.choose_flow(&self.core);
        dialog.contact = self.core.contact_uri(flow, target.raw_user());
        Some(Subscription {
            account: Arc::clone(account),
            package: asked.package,
            resource: user.into_owned(),
            entity,
            event: asked.event.clone(),
            dialog,
            expires_at: Timestamp::default(),
            timer: None,
            version: 0,
            told: Vec::new(),
            notifying: None,
            stale: false,
            cut_off: false,
        })
    }

    /// The subscription that a request with a To tag belongs to.
    pub(super) fn subscription_of(&self, request: &Message) -> Option<u64> {
        let local = tag_number(request.to()?.tag()?)?;
        let from = request.from()?;
        let remote = from.tag().unwrap_or_default();
        let telephones = self.telephones.as_deref()?;
        telephones.notifier.by_dialog(local, remote, request.call_id())
    }

    /// A SUBSCRIBE that prolongs or ends a subscription.
    pub(super) fn handle_resubscribe(&mut self, now: Timestamp, id: u64, flow: Flow, request: Message) {
        let account = match self.authenticate(now, flow, &request) {
            Ok(account) => account,
            Err(Settled) => return,
        };
        let Ok(asked) = self.what_is_asked(flow, &request) else {
            return;
        };
        let (Some((cseq, _)), Some(telephones)) = (request.cseq(), self.telephones.as_deref_mut()) else {
            return;
        };
        let Some(subscription) = telephones.notifier.get_mut(id) else {
            return;
        };
        let dialog = &mut subscription.dialog;
        let refusal = if account.as_ref() != Some(&subscription.account) {
            Some(403)
        } else if asked.package != subscription.package {
            Some(481)
        } else if dialog.remote_cseq.is_some_and(|last| cseq <= last) {
            Some(500)
        } else {
            None
        };
        if let Some(status) = refusal {
            self.core.reply(flow, &request, status, "", &[]);
            return;
        }
        dialog.remote_cseq = Some(cseq);
        dialog.origin = reply_flow(flow, &request);
        self.core.refresh_target(dialog, &request);
        dialog.choose_flow(&self.core);
        subscription.cut_off = false;
        let (tag, contact) = (tag_text(dialog.local_tag), dialog.contact.clone());
        let Some(transaction) = self.core.start_server(now, flow, request) else {
            return;
        };
        if let Some(mut writer) = self.core.response(transaction, 200, "", Some(&tag)) {
            crate::transaction::Core::write_contact(&mut writer, &contact);
            writer.header_number(HeaderName::Expires, u64::from(asked.expires));
            let bytes = writer.finish(None);
            self.core.server_respond(now, transaction, 200, bytes);
        }
        self.prolong(now, id, asked.expires);
    }

    /// Reads Event, Accept and Expires; what is wrong with them is answered.
    fn what_is_asked(&mut self, flow: Flow, request: &Message) -> Result<Asked, Settled> {
        let event = request.header(HeaderName::Event).unwrap_or_default();
        let package = EventPackage::from_bytes(media_type(event));
        let text = std::str::from_utf8(event)
            .ok()
            .filter(|event| event.len() <= MAX_EVENT);
        let (Some(package), Some(event)) = (package, text) else {
            let allowed = [(HeaderName::AllowEvents, EventPackage::ALLOWED)];
            self.core.reply(flow, request, 489, "Bad Event", &allowed);
            return Err(Settled);
        };
        let wanted = package.content_type();
        let accepts = |value: &[u8]| {
            let kind = media_type(value);
            kind.eq_ignore_ascii_case(wanted.as_bytes()) || kind == b"*/*" || kind == b"application/*"
        };
        if request.header(HeaderName::Accept).is_some() && !request.values(HeaderName::Accept).any(accepts) {
            self.core
                .reply(flow, request, 406, "", &[(HeaderName::Accept, wanted)]);
            return Err(Settled);
        }
        let expires = self.interval_of(flow, request)?;
        Ok(Asked {
            package,
            event: event.to_owned(),
            expires,
        })
    }

    /// The interval that a SUBSCRIBE or PUBLISH gets, in seconds; one that is too brief is answered 423.
    pub(super) fn interval_of(&mut self, flow: Flow, request: &Message) -> Result<u32, Settled> {
        let Some(Telephones {
            min_expires: min,
            max_subscription: max,
            ..
        }) = self.telephones.as_deref()
        else {
            return Err(Settled);
        };
        let (min, max) = (*min, *max);
        let named = request.header(HeaderName::Expires).and_then(leading_number);
        let expires = named.unwrap_or(max).min(max);
        if (1..min).contains(&expires) {
            let min = min.to_string();
            self.core
                .reply(flow, request, 423, "", &[(HeaderName::MinExpires, &min)]);
            return Err(Settled);
        }
        Ok(expires)
    }

    /// Sets the end of a subscription anew, and tells the whole state as each SUBSCRIBE asks for.
    fn prolong(&mut self, now: Timestamp, id: u64, expires: u32) {
        if expires == 0 {
            self.notify(now, id, Some(Termination::Timeout));
            return;
        }
        let subscription = self
            .telephones
            .as_deref_mut()
            .and_then(|telephones| telephones.notifier.get_mut(id));
        if let Some(subscription) = subscription {
            let at = now + Duration::from_secs(expires.into());
            subscription.expires_at = at;
            self.core
                .timers
                .reset(&mut subscription.timer, at, TimerKey::Subscription(id));
        }
        self.notify(now, id, None);
    }

    /// Tells a subscriber the present state; one NOTIFY at a time, so that they cannot overtake each other.
    fn notify(&mut self, now: Timestamp, id: u64, end: Option<Termination>) {
        let Some(telephones) = self.telephones.as_deref_mut() else {
            return;
        };
        let Some(subscription) = telephones.notifier.get_mut(id) else {
            return;
        };
        if end.is_none() && (subscription.notifying.is_some() || subscription.cut_off) {
            subscription.stale = true;
            return;
        }
        if end.is_some() && subscription.cut_off {
            self.forget_subscription(id);
            return;
        }
        let tells = matches!(end, None | Some(Termination::Timeout));
        let body = if tells {
            telephones.notifier.next_body(id)
        } else {
            None
        };
        let Some(subscription) = telephones.notifier.get_mut(id) else {
            return;
        };
        subscription.stale = false;
        let state = match end {
            None => {
                let left = subscription.expires_at.since(now).as_millis().div_ceil(1000);
                format!("active;expires={left}")
            }
            Some(end) => format!("terminated;reason={}", end.as_str()),
        };
        let dialog = &mut subscription.dialog;
        dialog.local_cseq += 1;
        let key = ClientKey {
            branch: self.core.random(),
            cancel: false,
        };
        let mut writer = self.core.dialog_request(
            dialog,
            &dialog.target(),
            dialog.flow,
            &Method::Notify,
            dialog.local_cseq,
            key.branch,
        );
        crate::transaction::Core::write_contact(&mut writer, &dialog.contact);
        writer
            .header(HeaderName::Event, subscription.event.as_bytes())
            .header(HeaderName::SubscriptionState, state.as_bytes());
        self.core.write_agent(&mut writer, HeaderName::UserAgent);
        let bytes = writer.finish(
            body.as_deref()
                .map(|body| (subscription.package.content_type(), body)),
        );
        let flow = dialog.flow;
        let owner = if end.is_none() {
            subscription.notifying = Some(key);
            Owner::Notify(id)
        } else {
            Owner::Nobody
        };
        self.core
            .start_client(now, key, Method::Notify, flow, bytes, owner);
        if end.is_some() {
            self.forget_subscription(id);
        }
    }

    /// The telephone answered a NOTIFY (RFC 6665 4.2.2).
    pub(super) fn notify_response(&mut self, now: Timestamp, id: u64, status: u16) {
        let Some(telephones) = self.telephones.as_deref_mut() else {
            return;
        };
        let Some(subscription) = telephones.notifier.get_mut(id) else {
            return;
        };
        subscription.notifying = None;
        let stale = subscription.stale;
        match status {
            404 | 405 | 410 | 416 | 480..=485 | 489 | 501 | 604 => self.forget_subscription(id),
            _ if stale => self.notify(now, id, None),
            _ => {}
        }
    }

    /// A NOTIFY was not answered.
    pub(super) fn notify_unanswered(&mut self, id: u64, by: EndedBy) {
        if by != EndedBy::Transport {
            self.forget_subscription(id);
            return;
        }
        let subscription = self
            .telephones
            .as_deref_mut()
            .and_then(|telephones| telephones.notifier.get_mut(id));
        if let Some(subscription) = subscription {
            subscription.notifying = None;
            subscription.cut_off = true;
            subscription.stale = true;
        }
    }

    pub(super) fn subscription_expires(&mut self, now: Timestamp, id: u64) {
        self.notify(now, id, Some(Termination::Timeout));
    }

    /// Ends the subscriptions of an account.
    pub(super) fn end_subscriptions_of(&mut self, now: Timestamp, account: &str, why: Termination) {
        let ids = self
            .telephones
            .as_deref()
            .map(|telephones| telephones.notifier.of_account(account))
            .unwrap_or_default();
        for id in ids {
            self.notify(now, id, Some(why));
        }
    }

    /// A connection is gone. Its subscriptions wait for the telephone to come back.
    pub(super) fn subscriptions_cut_off(&mut self, flow: &Flow) {
        let Some(telephones) = self.telephones.as_deref_mut() else {
            return;
        };
        if !flow.transport.is_stream() {
            return;
        }
        for id in telephones.notifier.on_flow(flow) {
            if let Some(subscription) = telephones.notifier.get_mut(id) {
                subscription.cut_off = true;
                subscription.stale = true;
            }
        }
    }

    /// An account has registered over `flow`: its subscriptions that were cut off, or went over one of the flows
    /// that it left, go on here.
    pub(super) fn subscriptions_follow(&mut self, now: Timestamp, account: &str, flow: Flow, left: &[Flow]) {
        let Some(telephones) = self.telephones.as_deref_mut() else {
            return;
        };
        for id in telephones.notifier.of_account(account) {
            let Some(subscription) = telephones.notifier.get_mut(id) else {
                continue;
            };
            let old = subscription.dialog.flow;
            let returns = subscription.cut_off
                && old.transport == flow.transport
                && old.remote.ip() == flow.remote.ip();
            if !returns && !left.contains(&old) {
                continue;
            }
            subscription.dialog.origin = flow;
            subscription.dialog.choose_flow(&self.core);
            subscription.cut_off = false;
        }
        let stale: Vec<u64> = telephones
            .notifier
            .of_account(account)
            .into_iter()
            .filter(|id| {
                telephones
                    .notifier
                    .get_mut(*id)
                    .is_some_and(|subscription| subscription.stale && !subscription.cut_off)
            })
            .collect();
        for id in stale {
            self.notify(now, id, None);
        }
    }

    fn forget_subscription(&mut self, id: u64) {
        let Some(telephones) = self.telephones.as_deref_mut() else {
            return;
        };
        if let Some(mut subscription) = telephones.notifier.remove(id) {
            self.core.timers.clear(&mut subscription.timer);
        }
    }
}
