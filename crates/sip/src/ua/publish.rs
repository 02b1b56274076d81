//! PUBLISH of a telephone's presence (RFC 3903).

use std::sync::Arc;
use std::time::Duration;

use super::UserAgent;
use super::telephones::{Settled, is_of};
use crate::dialog::tag_text;
use crate::message::{HeaderName, Message, media_type};
use crate::subscribe::{EventPackage, Publication, PublishedPresence, read_pidf};
use crate::transaction::TimerKey;
use crate::types::{Event, Flow, Timestamp};

impl UserAgent {
    /// A PUBLISH outside a dialog.
    pub(super) fn handle_publish(&mut self, now: Timestamp, flow: Flow, request: Message) {
        let account = match self.authenticate(now, flow, &request) {
            Ok(account) => account,
            Err(Settled) => return,
        };
        // A telephone speaks for itself only.
        let Some(account) = account.filter(|account| is_of(account, request.to())) else {
            self.core.reply(flow, &request, 403, "", &[]);
            return;
        };
        let event = request.header(HeaderName::Event).unwrap_or_default();
        if EventPackage::from_bytes(media_type(event)) != Some(EventPackage::Presence) {
            let allowed = [(HeaderName::AllowEvents, EventPackage::Presence.as_str())];
            self.core.reply(flow, &request, 489, "Bad Event", &allowed);
            return;
        }
        let Ok(expires) = self.interval_of(flow, &request) else {
            return;
        };
        let Some(telephones) = self.telephones.as_deref() else {
            return;
        };
        let earlier = request
            .header(HeaderName::SipIfMatch)
            .map(|tag| tag_number(tag).filter(|tag| telephones.notifier.publications.is_of(*tag, &account)));
        let earlier = match earlier {
            Some(None) => {
                self.core
                    .reply(flow, &request, 412, "Conditional Request Failed", &[]);
                return;
            }
            Some(Some(tag)) => Some(tag),
            None => None,
        };
        let presence = match self.published(flow, &request) {
            Ok(presence) => presence,
            Err(Settled) => return,
        };
        if presence.is_none() && earlier.is_none() {
            self.core.reply(flow, &request, 400, "Missing Body", &[]);
            return;
        }
        let tag = self.put_in_force(now, &account, earlier, expires);
        let Some(transaction) = self.core.start_server(now, flow, request) else {
            return;
        };
        let to_tag = tag_text(self.core.random());
        if let Some(mut writer) = self.core.response(transaction, 200, "", Some(&to_tag)) {
            writer.header_number(HeaderName::Expires, u64::from(expires));
            writer.header(HeaderName::SipETag, tag_text(tag).as_bytes());
            let bytes = writer.finish(None);
            self.core.server_respond(now, transaction, 200, bytes);
        }
        if expires == 0 {
            self.tell_unpublished(&account);
        } else if let Some(presence) = presence {
            self.core.emit(Event::Published {
                account: account.as_ref().to_owned(),
                presence: Some(presence),
            });
        }
    }

    /// The document that a PUBLISH brings; what is wrong with it is answered.
    fn published(&mut self, flow: Flow, request: &Message) -> Result<Option<PublishedPresence>, Settled> {
        if request.body_is_empty() {
            return Ok(None);
        }
        let wanted = EventPackage::Presence.content_type();
        let kind = request.header(HeaderName::ContentType).map(media_type);
        if !kind.is_some_and(|kind| kind.eq_ignore_ascii_case(wanted.as_bytes())) {
            self.core
                .reply(flow, request, 415, "", &[(HeaderName::Accept, wanted)]);
            return Err(Settled);
        }
        if let Some(presence) = read_pidf(&request.body()) {
            return Ok(Some(presence));
        }
        self.core.reply(flow, request, 400, "Bad Presence Document", &[]);
        Err(Settled)
    }

    /// Replaces `earlier` by a new entity-tag, which is returned; with an interval of 0 nothing is left.
    fn put_in_force(
        &mut self,
        now: Timestamp,
        account: &Arc<str>,
        earlier: Option<u64>,
        expires: u32,
    ) -> u64 {
        let tag = self.core.random();
        let Some(telephones) = self.telephones.as_deref_mut() else {
            return tag;
        };
        let publications = &mut telephones.notifier.publications;
        let mut gone = earlier.and_then(|earlier| publications.remove(earlier));
        if let Some(gone) = &mut gone {
            self.core.timers.clear(&mut gone.timer);
        }
        if expires == 0 {
            return tag;
        }
        let at = now + Duration::from_secs(expires.into());
        let publication = Publication {
            account: Arc::clone(account),
            timer: Some(self.core.timers.set(at, TimerKey::Publication(tag))),
        };
        if let Some(mut surplus) = publications.insert(tag, publication) {
            self.core.timers.clear(&mut surplus.timer);
        }
        tag
    }

    pub(super) fn publication_expires(&mut self, tag: u64) {
        let publication = self
            .telephones
            .as_deref_mut()
            .and_then(|telephones| telephones.notifier.publications.remove(tag));
        if let Some(publication) = publication {
            self.tell_unpublished(&publication.account);
        }
    }

    /// Forgets what an account has published, without a word.
    pub(super) fn forget_publications(&mut self, account: &str) {
        let Some(telephones) = self.telephones.as_deref_mut() else {
            return;
        };
        for tag in telephones.notifier.publications.of_account(account) {
            if let Some(mut publication) = telephones.notifier.publications.remove(tag) {
                self.core.timers.clear(&mut publication.timer);
            }
        }
    }

    /// Tells the host when the last publication of an account is gone.
    fn tell_unpublished(&mut self, account: &str) {
        let any = self
            .telephones
            .as_deref()
            .is_some_and(|telephones| telephones.notifier.publications.any_of(account));
        if !any {
            self.core.emit(Event::Published {
                account: account.to_owned(),
                presence: None,
            });
        }
    }
}

/// An entity-tag of ours, read back.
fn tag_number(text: &[u8]) -> Option<u64> {
    crate::dialog::tag_number(text.trim_ascii())
}
