//! What is heard at the two ends of a call: each other, a tone, or words.

use crate::call::Call;
use crate::context::Context;
use crate::join::{Crossing, Tell};
use crate::leg::{Leg, Told, Way};
use crate::{Effect, Playback, PlaybackToken, Tone};
use ponte_protocol::LegRole;

/// What the user's telephone plays besides the far end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Playing {
    #[default]
    Nothing,
    Tone(Tone),
    Announcement,
}

/// What is played at the two ends, in the place of each other.
#[derive(Debug, Default)]
pub(crate) struct Sound {
    playing: Playing,
    /// What a far leg that waits hears.
    far_tone: Option<Tone>,
}

impl Call {
    /// The user hears the far end, and it the user. A desk telephone that dialled hears it before it is answered.
    pub(crate) fn bridge(&mut self, cx: &mut Context) {
        let Some(far) = self.active_far().filter(|far| far.is_sip()).map(|far| far.id) else {
            return;
        };
        if let Some(place) = self.latest(LegRole::User)
            && self.legs[place].is_active()
        {
            let user = &mut self.legs[place];
            if user.is_unanswered_caller() && user.told < Told::EarlyMedia {
                user.told = Told::EarlyMedia;
                user.advance(ponte_protocol::LegState::Early, cx.now);
                cx.push(Effect::EarlyMediaLeg { leg: user.id });
                self.touch();
            }
            let user = self.legs[place].id;
            if !self.bridged {
                cx.push(Effect::Connect { a: user, b: far });
                self.bridged = true;
            }
            self.stop_playing(cx);
        }
    }

    /// Undoes [`Self::bridge`]; the user's leg stays.
    pub(crate) fn unbridge(&mut self, cx: &mut Context) {
        if std::mem::take(&mut self.bridged)
            && let Some(user) = self.active_user_leg()
        {
            cx.push(Effect::Disconnect { leg: user });
        }
    }

    /// What the far party hears while it waits, or that it need not wait any longer.
    pub(crate) fn hold_far(&mut self, cx: &mut Context, tone: Option<Tone>) {
        let Some(far) = self.active_far() else { return };
        if let Way::Half(other) = far.way {
            cx.crossings.push_back(Crossing::Tell {
                from: self.id(),
                to: other,
                tell: tone.map_or(Tell::Resumed, Tell::Hears),
            });
            return;
        }
        let leg = far.id;
        if std::mem::replace(&mut self.sound.far_tone, tone) != tone {
            cx.push(match tone {
                Some(tone) => Effect::Play {
                    leg,
                    playback: Playback::Tone(tone),
                },
                None => Effect::StopPlaying { leg },
            });
        }
    }

    /// Stops what a far leg hears while it waits; another user's telephone goes on until it is joined anew.
    pub(crate) fn quiet_far(&mut self, cx: &mut Context) {
        if self.active_far().is_some_and(Leg::is_sip) {
            self.hold_far(cx, None);
        }
    }

    pub(crate) fn play_tone(&mut self, cx: &mut Context, tone: Tone) {
        let Some(leg) = self.answered_user_leg() else {
            return;
        };
        if self.sound.playing != Playing::Tone(tone) {
            self.sound.playing = Playing::Tone(tone);
            cx.push(Effect::Play {
                leg,
                playback: Playback::Tone(tone),
            });
        }
    }

    /// Says something to the user; the token tells its end.
    pub(crate) fn announce(
        &mut self,
        cx: &mut Context,
        tone: Option<(Tone, u64)>,
        announcements: Vec<crate::Announcement>,
    ) -> Option<PlaybackToken> {
        let leg = self.answered_user_leg()?;
        let token = cx.token();
        self.sound.playing = Playing::Announcement;
        cx.push(Effect::Play {
            leg,
            playback: Playback::Announcements {
                tone,
                announcements,
                token,
            },
        });
        Some(token)
    }

    /// What is played to the user is the business of the other half.
    pub(crate) fn plays_for_other(&mut self) {
        self.sound.playing = Playing::Announcement;
    }

    /// The tone at the ear, if one sounds.
    pub(crate) fn tone(&self) -> Option<Tone> {
        match self.sound.playing {
            Playing::Tone(tone) => Some(tone),
            Playing::Nothing | Playing::Announcement => None,
        }
    }

    pub(crate) fn playback_over(&mut self) {
        self.sound.playing = Playing::Nothing;
    }

    pub(crate) fn stop_playing(&mut self, cx: &mut Context) {
        if self.sound.playing != Playing::Nothing
            && let Some(leg) = self.active_user_leg()
        {
            cx.push(Effect::StopPlaying { leg });
        }
        self.sound.playing = Playing::Nothing;
    }
}
