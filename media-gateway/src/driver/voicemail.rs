//! Voicemail on the line: the greeting, the message, and what becomes of it (rule T9).

use super::work::Done;
use super::{Driver, sound};
use crate::store::MessageNote;
use ponte_call_core::{Caller, Event, LegId, OwnRecording, PlaybackToken};
use ponte_media::{EndpointId, FileSource, PlayMode, Prompt, Recording, Source, Tone, Tracks};
use ponte_protocol::{CallId, CallRecord, MessageId, UnixMillis, UserId, VoiceMessage};
use std::collections::{HashMap, VecDeque};
use std::path::Path;
use std::time::Duration;

/// A shorter one is no message: somebody hung up after the beep.
const SHORTEST: Duration = Duration::from_secs(1);
/// How many that were shorter are remembered.
const SHORT_KNOWN: usize = 256;

/// A message that is being left, or a call that is recorded.
#[derive(Debug)]
struct Taking {
    user: UserId,
    /// Who speaks, or is spoken with.
    caller: Caller,
    started_at: UnixMillis,
    /// The call that is recorded; `None` for a message.
    call: Option<CallId>,
    /// Whether the record of its call names it, once there is one.
    named: Option<bool>,
}

/// What is being recorded, by its message.
#[derive(Debug, Default)]
pub(super) struct Takings {
    going: HashMap<MessageId, Taking>,
    /// What was too short to be kept, of late: the record of its call may come after it.
    short: VecDeque<MessageId>,
}

impl Takings {
    pub fn is_empty(&self) -> bool {
        self.going.is_empty()
    }

    fn dropped(&mut self, message: MessageId) {
        if self.short.len() == SHORT_KNOWN {
            self.short.pop_front();
        }
        self.short.push_back(message);
    }

    /// Whether a record may name it: what it says once holds.
    fn names(&mut self, message: MessageId, now: UnixMillis) -> bool {
        match self.going.get_mut(&message) {
            Some(taking) => *taking
                .named
                .get_or_insert_with(|| now.since(taking.started_at) >= SHORTEST.as_millis() as u64),
            None => !self.short.contains(&message),
        }
    }
}

impl Driver {
    /// The user's greeting and a beep; the switch is told of a full box instead.
    pub(super) fn greet(&mut self, leg: LegId, user: &UserId, token: PlaybackToken) {
        let Some(endpoint) = self.legs.endpoint(leg) else {
            tracing::error!(%leg, "a leg without audio was to hear a greeting");
            return;
        };
        let language = self.language(Some(user));
        let say = |prompt| Source::Prompt(language, vec![prompt]);
        if !self.has_room(user) {
            tracing::warn!(%user, "a mailbox is full");
            metrics::counter!("ponte_mailbox_full_total").increment(1);
            let kept = false;
            return self.tell(Event::NoRoom { leg, kept });
        }
        let source = {
            let own = |which| Some(self.store.recordings().own(user, which)).filter(|path| path.exists());
            let default = vec![say(Prompt::LeaveMessage)];
            let mut greeting = if let Some(path) = own(OwnRecording::Greeting) {
                let instead = default;
                vec![Source::File(FileSource { path, instead })]
            } else if let Some(path) = own(OwnRecording::Name) {
                let instead = Vec::new();
                vec![
                    Source::File(FileSource { path, instead }),
                    say(Prompt::CannotAnswer),
                ]
            } else {
                default
            };
            greeting.push(Source::Tone(Tone::RecordBeep));
            Source::Sequence(greeting)
        };
        self.media.play(endpoint, source, PlayMode::Once(token.0));
    }

    /// Whether the user's box takes one more message.
    pub(super) fn has_room(&self, user: &UserId) -> bool {
        let total = self.users.get(user).map_or(0, |entry| entry.mailbox.total);
        total < self.config.voicemail.quota_messages && self.quota_left(user) >= SHORTEST
    }

    fn quota_left(&self, user: &UserId) -> Duration {
        let left = self.users.get(user).map_or(0, |entry| entry.mailbox.quota_left_s);
        Duration::from_secs(left.into())
    }

    pub(super) fn record_message(
        &mut self,
        leg: LegId,
        message: MessageId,
        user: UserId,
        caller: Caller,
        max_ms: u64,
    ) {
        let caller = self.named_caller(&user, caller);
        let started_at = self.clock.now();
        let taking = Taking {
            user,
            caller,
            started_at,
            call: None,
            named: None,
        };
        self.take(leg, message, taking, Duration::from_millis(max_ms), Tracks::Said);
    }

    /// The leg hears that the call is recorded, over what it hears.
    pub(super) fn tell_recorded(&mut self, leg: LegId, token: Option<PlaybackToken>) {
        let Some(endpoint) = self.legs.endpoint(leg) else {
            tracing::error!(%leg, "a leg without audio was to hear that it is recorded");
            return;
        };
        let source = sound::recorded(self.language(None));
        self.media.whisper(endpoint, source, token.map(|token| token.0));
    }

    pub(super) fn record_call(
        &mut self,
        leg: LegId,
        call: CallId,
        message: MessageId,
        user: UserId,
        party: Caller,
    ) {
        let taking = Taking {
            user,
            caller: party,
            started_at: self.clock.now(),
            call: Some(call),
            named: None,
        };
        tracing::info!(%call, "a call is recorded");
        self.take(leg, message, taking, Duration::MAX, Tracks::Mixed);
    }

    /// Records a leg, for as long as the box has room.
    fn take(&mut self, leg: LegId, message: MessageId, taking: Taking, longest: Duration, tracks: Tracks) {
        let longest = longest.min(self.quota_left(&taking.user));
        let endpoint = self.legs.endpoint(leg).filter(|_| longest >= SHORTEST);
        let kept = false;
        let Some(endpoint) = endpoint else {
            return self.tell(Event::NoRoom { leg, kept });
        };
        let path = self.store.recordings().message(message);
        if let Err(error) = self.media.record_tracks(endpoint, path, longest, tracks) {
            tracing::error!(%leg, %error, "a message could not be recorded");
            return self.tell(Event::NoRoom { leg, kept });
        }
        let note = MessageNote {
            user: taking.user.clone(),
            number: number_of(&taking.caller),
            name: taking.caller.name.clone(),
            received_at: taking.started_at,
            call: taking.call,
        };
        let recordings = self.store.recordings().clone();
        drop(tokio::task::spawn_blocking(move || {
            if let Err(error) = recordings.note_message(message, &note) {
                tracing::warn!(%message, %error, "a crash would lose the message that is being left");
            }
        }));
        self.takings.going.insert(message, taking);
    }

    pub(super) fn stop_recording(&mut self, leg: LegId) {
        if let Some(endpoint) = self.legs.endpoint(leg) {
            self.media.stop_recording(endpoint);
        }
    }

    /// A message is in its file, or could not be written there.
    pub(super) fn recording_finished(&mut self, endpoint: EndpointId, recording: Recording) {
        let taken = message_of(&recording.path);
        let taken = taken.and_then(|message| Some((message, self.takings.going.remove(&message)?)));
        let Some((message, taking)) = taken else {
            return self.draft_finished(endpoint, &recording);
        };
        let Taking {
            user,
            caller,
            started_at,
            call,
            named,
        } = taking;
        if let Some(error) = &recording.error {
            // The call went on; what was written before is a message, if there is enough of it.
            tracing::error!(%message, %user, %error, "a message is not whole");
            metrics::counter!("ponte_messages_damaged_total").increment(1);
            let kept = recording.duration >= SHORTEST;
            if let Some(leg) = self.legs.by_endpoint(endpoint).map(|leg| leg.id) {
                // Whoever speaks is told at once that nobody listens.
                self.tell(Event::NoRoom { leg, kept });
            }
            if !kept {
                metrics::counter!("ponte_messages_lost_total").increment(1);
            }
        }
        // A record that names it was written by another clock.
        let is_kept = match named {
            Some(named) if recording.error.is_none() => named && !recording.duration.is_zero(),
            _ => recording.duration >= SHORTEST,
        };
        if !is_kept {
            self.takings.dropped(message);
            let recordings = self.store.recordings().clone();
            tracing::debug!(%message, "nothing was said after the beep");
            drop(tokio::task::spawn_blocking(move || {
                recordings.forget_note(message);
                match std::fs::remove_file(&recording.path) {
                    Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                        tracing::warn!(%message, %error, "a file without message could not be removed");
                    }
                    _ => {}
                }
            }));
            return;
        }
        metrics::counter!("ponte_messages_total").increment(1);
        let kept = VoiceMessage {
            id: message,
            number: number_of(&caller),
            name: caller.name,
            received_at: started_at,
            duration_ms: recording.duration.as_millis() as u64,
            // What users have recorded themselves is no news to them.
            heard: call.is_some(),
            deleted_until: None,
            waveform: recording.waveform,
            call,
        };
        let written = self.store.insert_message(user.clone(), kept);
        let has_address = self
            .users
            .get(&user)
            .is_some_and(|entry| entry.row.email.is_some());
        let postman = self.postman.clone().filter(|_| has_address && call.is_none());
        let (store, quota_s) = (self.store.clone(), self.config.voicemail.quota_s);
        self.work.push(async move {
            match written.await {
                Ok(()) => {
                    if let Some(postman) = postman {
                        postman.send(user.clone(), message).await;
                    }
                    let recordings = store.recordings().clone();
                    drop(tokio::task::spawn_blocking(move || {
                        recordings.forget_note(message);
                    }));
                }
                Err(error) => {
                    tracing::error!(%message, %error, "a message could not be kept before the next start");
                }
            }
            let mailbox = store.mailbox(&user, quota_s).await;
            Done::Mailbox { user, mailbox }
        });
    }

    /// A record names no message and no recording that is too short to be kept.
    pub(super) fn without_short_message(&mut self, record: &mut CallRecord) {
        let now = self.clock.now();
        let takings = &mut self.takings;
        record.message = record.message.filter(|message| takings.names(*message, now));
        record.recordings.retain(|message| takings.names(*message, now));
    }
}

/// The message that a file in the folder of messages is named by.
fn message_of(path: &Path) -> Option<MessageId> {
    path.file_stem()?.to_str()?.parse().ok().map(MessageId)
}

fn number_of(caller: &Caller) -> String {
    let number = caller.number.as_ref();
    number.map_or_else(String::new, |number| number.as_str().to_owned())
}
