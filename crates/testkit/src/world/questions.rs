//! What a test asks the world.

use super::World;
use ponte_call_core::{Announcement, Effect, LegId, LegTarget, Playback, Tone};
use ponte_protocol::{CallId, CallPhase, CallRecord, CallView, EventBody, LegRole, UnixMillis};

/// What the ear at the user's telephone gets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Hears {
    Tone(Tone),
    /// A tone, where there is one, then the words.
    Words(Option<Tone>, Vec<Announcement>),
    /// The far end, and it the user.
    FarEnd,
    Nothing,
}

impl World {
    /// A call that is up, as the portals were shown it last.
    pub fn shown(&self, call: CallId) -> Option<CallView> {
        let ended = self.trace.iter().any(
            |(_, effect)| matches!(effect, Effect::Notify { body: EventBody::CallEnded { call: id, .. }, .. } if *id == call),
        );
        if ended {
            return None;
        }
        self.trace.iter().rev().find_map(|(_, effect)| match effect {
            Effect::Notify {
                body: EventBody::CallChanged { call: view },
                ..
            } if view.id == call => Some(view.clone()),
            _ => None,
        })
    }

    /// The phase the portals were shown last; panics for a call that is over.
    pub fn phase(&self, call: CallId) -> CallPhase {
        self.shown(call).expect("a call that is up").phase
    }

    /// The record of a call that is over.
    pub fn record(&self, call: CallId) -> CallRecord {
        self.switch
            .records()
            .find(|record| record.id == call)
            .expect("a record of the call")
            .clone()
    }

    /// Everything the switch wanted done, with its time.
    pub fn trace(&self) -> &[(UnixMillis, Effect)] {
        &self.trace
    }

    /// The legs that were opened: role, trunk, number.
    pub fn opened(&self, call: CallId) -> Vec<(LegRole, String, String)> {
        self.trace
            .iter()
            .filter_map(|(_, effect)| match effect {
                Effect::OpenLeg {
                    leg,
                    role,
                    target: LegTarget::Trunk { trunk, number },
                    ..
                } if leg.call == call => Some((*role, trunk.0.clone(), number.as_str().to_owned())),
                _ => None,
            })
            .collect()
    }

    /// What the user's telephone heard in the call, in order, with the times.
    pub fn heard(&self, call: CallId) -> Vec<(UnixMillis, Hears)> {
        let mut heard = Vec::new();
        let mut bridged = false;
        for (at, effect) in &self.trace {
            let hears = match effect {
                Effect::Connect { a, .. } if a.call == call => {
                    bridged = true;
                    // A playback goes before it until it is stopped.
                    match heard.last() {
                        Some((_, Hears::Tone(_) | Hears::Words(..))) => continue,
                        _ => Hears::FarEnd,
                    }
                }
                Effect::Disconnect { leg } if leg.call == call => {
                    bridged = false;
                    Hears::Nothing
                }
                Effect::StopPlaying { leg } if leg.call == call => {
                    if bridged {
                        Hears::FarEnd
                    } else {
                        Hears::Nothing
                    }
                }
                Effect::Play { leg, playback } if leg.call == call => match playback {
                    Playback::Tone(tone) => Hears::Tone(*tone),
                    Playback::Greeting { .. } => Hears::Words(None, Vec::new()),
                    Playback::Announcements {
                        tone, announcements, ..
                    } => Hears::Words(tone.map(|(tone, _)| tone), announcements.clone()),
                },
                _ => continue,
            };
            heard.push((*at, hears));
        }
        heard
    }

    /// [`Self::heard`] without the times.
    pub fn sounds(&self, call: CallId) -> Vec<Hears> {
        self.heard(call).into_iter().map(|(_, hears)| hears).collect()
    }

    pub(super) fn latest_leg(&self, call: CallId, role: LegRole) -> Option<LegId> {
        self.trace.iter().rev().find_map(|(_, effect)| match effect {
            Effect::OpenLeg { leg, role: of, .. } if leg.call == call && *of == role => Some(*leg),
            _ => None,
        })
    }
}
