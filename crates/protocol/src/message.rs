//! Voicemail, as a portal shows it.

use crate::json::{FromJson, ToJson};
use crate::{CallId, MessageId, Pii, UnixMillis};
use serde::{Deserialize, Serialize};
use std::fmt;

/// The most messages a state carries; older ones are fetched.
pub const STATE_MESSAGES_MAX: usize = 50;
/// The most messages of a page.
pub const MESSAGE_PAGE_MAX: u16 = 100;

/// A message that a caller left, or a call that the user had recorded.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, FromJson, ToJson)]
pub struct VoiceMessage {
    pub id: MessageId,
    /// The caller's number; empty where it was withheld.
    pub number: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// When the caller began to speak.
    pub received_at: UnixMillis,
    pub duration_ms: u64,
    /// Whether it was listened to.
    pub heard: bool,
    /// When a message in the bin is deleted for good; until then it can be restored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deleted_until: Option<UnixMillis>,
    /// Loudness, from 0 to 255, of equal parts of the message: at most 100 values for a waveform.
    #[serde(default)]
    pub waveform: Vec<u8>,
    /// The call that it is a recording of; `None` for what a caller left.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub call: Option<CallId>,
}

impl fmt::Debug for VoiceMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VoiceMessage")
            .field("id", &self.id)
            .field("number", &Pii(&self.number))
            .field("name", &self.name.as_ref().map(Pii))
            .field("received_at", &self.received_at)
            .field("duration_ms", &self.duration_ms)
            .field("heard", &self.heard)
            .field("deleted_until", &self.deleted_until)
            .field("call", &self.call)
            .finish_non_exhaustive()
    }
}

/// What a user says for callers to hear.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, FromJson, ToJson,
)]
#[serde(rename_all = "snake_case")]
pub enum OwnSound {
    /// Before the beep, in the place of the default greeting.
    Greeting,
    /// The user's name, which goes before "cannot answer now" where there is no greeting.
    Name,
    #[serde(other)]
    Unknown,
}

/// A greeting or a name as it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, FromJson, ToJson)]
pub struct OwnSoundState {
    /// Milliseconds; 0: there is none.
    pub duration_ms: u64,
    /// When it was recorded; tells one from the next.
    pub changed_at: UnixMillis,
}

/// A user's voicemail box.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, FromJson, ToJson)]
pub struct Mailbox {
    /// Messages not listened to, the bin not counted.
    pub unheard: u32,
    /// Messages, the bin not counted.
    pub total: u32,
    /// Newest first, at most [`STATE_MESSAGES_MAX`], the bin included.
    pub messages: Vec<VoiceMessage>,
    /// Seconds of recording that are left of the user's quota.
    pub quota_left_s: u32,
    #[serde(default)]
    pub greeting: OwnSoundState,
    #[serde(default)]
    pub name: OwnSoundState,
}

impl Mailbox {
    /// The greeting or the name.
    pub fn own(&self, sound: OwnSound) -> OwnSoundState {
        match sound {
            OwnSound::Greeting => self.greeting,
            OwnSound::Name => self.name,
            OwnSound::Unknown => OwnSoundState::default(),
        }
    }
}

/// A page of messages.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, FromJson, ToJson)]
pub struct MessagePage {
    /// Newest first.
    pub messages: Vec<VoiceMessage>,
    /// Whether older ones exist.
    pub more: bool,
}
