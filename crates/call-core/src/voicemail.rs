//! The caller leaves a message: the greeting, then what the caller says (rules T9 and T18).

use crate::call::{Call, Phase, Recording};
use crate::context::Context;
use crate::join::{Crossing, Tell};
use crate::leg::Way;
use crate::{Announcement, BoxWords, Effect, LegId, Playback, PlaybackToken, TimerKind, cause};
use ponte_protocol::{CauseReason, EndedBy, LegRole, MessageId};

/// How much later than the longest message the switch gives up on a host that tells nothing, in milliseconds.
const GRACE_MS: u64 = 5_000;
/// How long a caller may be told that there is no room, in milliseconds, should the end not be told.
const REFUSAL_MS: u64 = 15_000;

impl Call {
    /// Answers the caller with the greeting.
    pub(crate) fn take_message(&mut self, cx: &mut Context) {
        let Some((leg, way)) = self.active_far().map(|far| (far.id, far.way.clone())) else {
            return;
        };
        self.set_phase(Phase::Voicemail(Recording {
            since: cx.now,
            voice: None,
            greeting: None,
            no_room: None,
        }));
        let limit = cx.now.plus(cx.timeouts.message.saturating_add(GRACE_MS));
        cx.timers.set(self.clock(), TimerKind::Message, limit);
        if let Way::Half(other) = way {
            if let Some(place) = self.latest(LegRole::Far) {
                self.legs[place].answer(cx.now);
            }
            cx.crossings.push_back(Crossing::Tell {
                from: self.id(),
                to: other,
                tell: Tell::Voicemail,
            });
        } else {
            self.answer(cx, LegRole::Far);
            self.greet(cx, leg);
        }
    }

    /// Plays the greeting on the leg that carries the caller's voice.
    pub(crate) fn greet(&mut self, cx: &mut Context, voice: LegId) {
        let Phase::Voicemail(recording) = self.phase else {
            return;
        };
        let token = cx.token();
        cx.push(Effect::Play {
            leg: voice,
            playback: Playback::Greeting {
                user: self.setup.user.clone(),
                token,
            },
        });
        self.set_phase(Phase::Voicemail(Recording {
            voice: Some(voice),
            greeting: Some(token),
            ..recording
        }));
    }

    /// The greeting is over: the caller speaks. Whether this was it.
    pub(crate) fn greeting_finished(&mut self, cx: &mut Context, leg: LegId, token: PlaybackToken) -> bool {
        let Phase::Voicemail(recording) = self.phase else {
            return false;
        };
        if recording.voice != Some(leg) || recording.greeting != Some(token) {
            return false;
        }
        let message = MessageId(self.id().0);
        let limit = cx.now.plus(cx.timeouts.message.saturating_add(GRACE_MS));
        cx.timers.set(self.clock(), TimerKind::Message, limit);
        cx.push(Effect::RecordMessage {
            leg,
            message,
            user: self.setup.user.clone(),
            caller: self.caller(),
            max_ms: cx.timeouts.message,
        });
        self.message = Some(message);
        self.phase = Phase::Voicemail(Recording {
            greeting: None,
            ..recording
        });
        true
    }

    /// The caller presses `*` while the greeting is spoken: no message follows it. Whether it was spoken.
    pub(crate) fn interrupt_greeting(&mut self, cx: &mut Context) -> bool {
        let Phase::Voicemail(recording) = self.phase else {
            return false;
        };
        if recording.greeting.is_none() {
            return false;
        }
        self.phase = Phase::Voicemail(Recording {
            greeting: None,
            ..recording
        });
        let limit = cx.now.plus(crate::mailbox::VISIT_MAX_MS);
        cx.timers.set(self.clock(), TimerKind::Message, limit);
        true
    }

    /// The user is there, in the own box.
    pub(crate) fn enter_mailbox(&mut self, cx: &Context) {
        self.playback_over();
        let since = *self.connected_at.get_or_insert(cx.now);
        self.set_phase(Phase::Mailbox { since });
    }

    /// The user calls somebody from the box: only that counts as talk.
    pub(crate) fn leave_mailbox(&mut self) {
        self.connected_at = None;
        self.plays_for_other();
    }

    /// The box or the disk is full: the caller is told, then the call ends.
    pub(crate) fn refuse_message(&mut self, cx: &mut Context, leg: LegId, kept: bool) {
        let Phase::Voicemail(recording) = self.phase else {
            return;
        };
        if recording.no_room.is_some() {
            return;
        }
        if !kept {
            self.message = None;
        }
        let token = cx.token();
        cx.push(Effect::Play {
            leg,
            playback: Playback::Announcements {
                tone: None,
                announcements: vec![Announcement::Mailbox(BoxWords::Full)],
                token,
            },
        });
        let limit = cx.now.plus(REFUSAL_MS);
        cx.timers.set(self.clock(), TimerKind::Message, limit);
        self.phase = Phase::Voicemail(Recording {
            greeting: None,
            no_room: Some(token),
            ..recording
        });
    }

    /// The caller has heard that there is no room. Whether this was it.
    pub(crate) fn refusal_spoken(&mut self, cx: &mut Context, leg: LegId, token: PlaybackToken) -> bool {
        let spoken = matches!(self.phase, Phase::Voicemail(recording)
            if recording.voice == Some(leg) && recording.no_room == Some(token));
        if spoken {
            self.message_full(cx);
        }
        spoken
    }

    /// The message has reached its longest, or the host has told nothing for too long.
    pub(crate) fn message_full(&mut self, cx: &mut Context) {
        if matches!(self.phase, Phase::Voicemail(_)) {
            self.end(cx, cause::local(CauseReason::Voicemail), EndedBy::System);
        }
    }

    /// Whether this leg carries the voice that is greeted or recorded.
    pub(crate) fn records(&self, leg: LegId) -> bool {
        matches!(self.phase, Phase::Voicemail(Recording { voice: Some(voice), .. }) if voice == leg)
    }
}
