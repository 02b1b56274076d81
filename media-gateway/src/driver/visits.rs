//! A user's voicemail box on the telephone: what the switch wants of messages, greeting and name.

use super::Driver;
use super::work::Done;
use crate::store::{SHORTEST_OWN, Store, StoreError, Written};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan, civil::Date};
use ponte_call_core::{Event, LegId, ListedMessage, OwnRecording, ReceivedDay};
use ponte_media::{EndpointId, Recording};
use ponte_protocol::message::MESSAGE_PAGE_MAX;
use ponte_protocol::{CallId, DialString, MessageId, UnixMillis, UserId, VoiceMessage};
use std::io;
use std::time::Duration;

/// The most messages that a telephone tells of; nobody listens to more in one visit.
const LISTED_MAX: usize = 200;

impl Driver {
    pub(super) fn list_messages(&mut self, leg: LegId, user: UserId, ask: u64) {
        let store = self.store.clone();
        self.work.push(async move {
            let messages = match in_box(&store, &user).await {
                Ok(messages) => Some(messages),
                Err(error) => {
                    tracing::error!(%user, %error, "messages could not be read for a telephone");
                    None
                }
            };
            Done::Listed { leg, ask, messages }
        });
    }

    pub(super) fn messages_listed(&mut self, leg: LegId, ask: u64, messages: Option<Vec<VoiceMessage>>) {
        let zone = self.config.site.time_zone.clone();
        let today = local(self.clock.now(), &zone).map(|(day, ..)| day);
        let listed = |message: VoiceMessage| {
            let (day, hour, minute) = local(message.received_at, &zone).unwrap_or_default();
            let caller = message.number.parse::<DialString>().ok().map(|number| {
                let dialled = self.plan.read(&number);
                (number, dialled)
            });
            ListedMessage {
                id: message.id,
                heard: message.heard,
                duration_ms: message.duration_ms,
                day: seen_from(today, day),
                hour,
                minute,
                caller,
            }
        };
        let messages = messages.map(|messages| messages.into_iter().map(listed).collect());
        tracing::debug!(%leg, "the box is open");
        self.tell(Event::MessagesListed { leg, ask, messages });
    }

    /// The portals and the lamps are told what was done on the telephone.
    pub(super) fn changed_by_telephone(&mut self, user: UserId, written: Written<bool>) {
        let (store, quota) = (self.store.clone(), self.config.voicemail.quota_s);
        self.work.push(async move {
            if let Err(error) = written.await {
                tracing::error!(%user, %error, "what was done to a message by telephone could not be kept");
            }
            let mailbox = store.mailbox(&user, quota).await;
            Done::Mailbox { user, mailbox }
        });
    }

    pub(super) fn bin_message(&mut self, user: UserId, message: MessageId, binned: bool) {
        let written = if binned {
            self.store.delete_message(user.clone(), message, self.clock.now())
        } else {
            self.store.restore_message(user.clone(), message)
        };
        self.changed_by_telephone(user, written);
    }

    pub(super) fn record_draft(&mut self, leg: LegId, max_ms: u64) {
        let stored = false;
        let Some(endpoint) = self.legs.endpoint(leg) else {
            return self.tell(Event::DraftStored { leg, stored });
        };
        self.media.stop(endpoint);
        let path = self.store.recordings().draft(leg.call);
        match self.media.record(endpoint, path, Duration::from_millis(max_ms)) {
            Ok(()) => {
                self.drafts.insert(endpoint, leg);
            }
            Err(error) => {
                tracing::error!(%leg, %error, "a greeting could not be recorded");
                self.tell(Event::DraftStored { leg, stored });
            }
        }
    }

    /// A greeting or a name is in its file, or could not be written there.
    pub(super) fn draft_finished(&mut self, endpoint: EndpointId, recording: &Recording) {
        let Some(leg) = self.drafts.remove(&endpoint) else {
            return;
        };
        if let Some(error) = &recording.error {
            tracing::error!(%leg, %error, "a greeting is not whole");
        }
        let stored = recording.error.is_none() && recording.duration >= SHORTEST_OWN;
        if self.legs.get(leg).is_none() {
            self.drop_draft(leg.call);
        }
        self.tell(Event::DraftStored { leg, stored });
    }

    pub(super) fn keep_draft(&mut self, leg: LegId, user: UserId, which: OwnRecording) {
        let recordings = self.store.recordings().clone();
        let of = user.clone();
        let keep = move || recordings.keep_draft(leg.call, &of, which);
        self.work.push(async move {
            let kept = on_disk(keep).await;
            if let Err(error) = &kept {
                tracing::error!(%leg, %error, "a greeting could not be kept");
            }
            let stored = kept.is_ok();
            Done::DraftStored { leg, user, stored }
        });
    }

    pub(super) fn drop_draft(&self, call: CallId) {
        let recordings = self.store.recordings().clone();
        tokio::spawn(async move {
            if let Err(error) = on_disk(move || recordings.remove_draft(call)).await {
                tracing::warn!(%call, %error, "a draft could not be removed");
            }
        });
    }

    pub(super) fn remove_own(&mut self, user: UserId, which: OwnRecording) {
        let (store, quota_s) = (self.store.clone(), self.config.voicemail.quota_s);
        let (recordings, of) = (store.recordings().clone(), user.clone());
        let removed = on_disk(move || recordings.remove_own(&of, which));
        self.work.push(async move {
            if let Err(error) = removed.await {
                tracing::error!(%user, %error, "a greeting could not be removed");
            }
            let mailbox = store.mailbox(&user, quota_s).await;
            Done::Mailbox { user, mailbox }
        });
    }
}

/// Files are waited for beside the control task.
pub(super) async fn on_disk<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or_else(|error| Err(io::Error::other(error)))
}

/// The user's messages that are not in the bin, oldest first.
async fn in_box(store: &Store, user: &UserId) -> Result<Vec<VoiceMessage>, StoreError> {
    let mut messages: Vec<VoiceMessage> = Vec::new();
    let mut before = None;
    loop {
        let page = store.messages(user, before, MESSAGE_PAGE_MAX).await?;
        before = page.messages.last().map(|message| message.received_at);
        let here = |message: &VoiceMessage| message.deleted_until.is_none() && message.call.is_none();
        messages.extend(page.messages.into_iter().filter(here));
        if !page.more || messages.len() >= LISTED_MAX {
            messages.truncate(LISTED_MAX);
            messages.reverse();
            return Ok(messages);
        }
    }
}

/// Day, hour and minute on the wall.
fn local(at: UnixMillis, zone: &TimeZone) -> Option<(Date, u8, u8)> {
    let at = Timestamp::from_millisecond(i64::try_from(at.0).ok()?).ok()?;
    let at = at.to_zoned(zone.clone());
    let part = |value: i8| u8::try_from(value).unwrap_or_default();
    Some((at.date(), part(at.hour()), part(at.minute())))
}

fn seen_from(today: Option<Date>, day: Date) -> ReceivedDay {
    let yesterday = today.and_then(|today| today.checked_sub(1.day()).ok());
    if today == Some(day) {
        ReceivedDay::Today
    } else if yesterday == Some(day) {
        ReceivedDay::Yesterday
    } else {
        let part = |value: i8| u8::try_from(value).unwrap_or_default();
        ReceivedDay::Date {
            day: part(day.day()),
            month: part(day.month()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_named_as_people_name_it() {
        let zone = TimeZone::fixed(jiff::tz::offset(1));
        // 2026-11-23 23:30 UTC is the next day in Milan.
        let late = UnixMillis(1_795_476_600_000);
        assert_eq!(local(late, &zone), Some((jiff::civil::date(2026, 11, 24), 0, 30)));
        let today = Some(jiff::civil::date(2026, 3, 1));
        let seen = |year, month, day| seen_from(today, jiff::civil::date(year, month, day));
        assert_eq!(seen(2026, 3, 1), ReceivedDay::Today);
        assert_eq!(seen(2026, 2, 28), ReceivedDay::Yesterday);
        assert_eq!(seen(2026, 2, 27), ReceivedDay::Date { day: 27, month: 2 });
        assert_eq!(seen(2025, 3, 1), ReceivedDay::Date { day: 1, month: 3 });
        assert_eq!(local(UnixMillis(u64::MAX), &zone), None);
    }
}
