//! What a test asks the world.

use super::World;
use ponte_call_core::{Announcement, Effect, LegId, LegTarget, OwnRecording, Playback, Tone};
use ponte_protocol::{
    CallId, CallPhase, CallRecord, CallView, EventBody, LegRole, MessageId, PersistentLeg, UnixMillis,
};

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

/// What a leg that came in was told, in SIP or by sound.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    Ringing,
    EarlyMedia,
    Answered,
    /// With a SIP status.
    Refused(u16),
    HungUp,
    /// It hears the user, and the user it.
    Connected,
    Greeting,
    Recorded,
    Tone(Tone),
    Words(Vec<Announcement>),
    /// A message of a box.
    Message(MessageId),
    /// A greeting or a name.
    Own(OwnRecording),
    /// What was just recorded.
    Draft,
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

    /// The legs that were opened: role, trunk, number. A desk telephone has no trunk and its name for a number.
    pub fn opened(&self, call: CallId) -> Vec<(LegRole, String, String)> {
        self.trace
            .iter()
            .filter_map(|(_, effect)| match effect {
                Effect::OpenLeg {
                    leg, role, target, ..
                } if leg.call == call => Some(match target {
                    LegTarget::Trunk { trunk, number } => {
                        (*role, trunk.0.clone(), number.as_str().to_owned())
                    }
                    LegTarget::Emergency { trunk, number } => {
                        (*role, trunk.0.clone(), number.as_str().to_owned())
                    }
                    LegTarget::Device { device } => (*role, String::new(), device.as_str().to_owned()),
                    LegTarget::Browser => (*role, String::new(), crate::site::BROWSER.to_owned()),
                }),
                _ => None,
            })
            .collect()
    }

    /// What the user's telephone heard in the call, in order, with the times.
    pub fn heard(&self, call: CallId) -> Vec<(UnixMillis, Hears)> {
        let mut heard = Vec::new();
        let mut bridged = false;
        for (at, effect) in &self.trace {
            if let Effect::Play { leg, .. } | Effect::StopPlaying { leg } = effect
                && self.role_of(*leg) == Some(LegRole::Far)
            {
                continue;
            }
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
                    Playback::Greeting { .. }
                    | Playback::Message { .. }
                    | Playback::Own { .. }
                    | Playback::Draft { .. } => Hears::Words(None, Vec::new()),
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

    /// What a leg that came in was told, in order.
    pub fn told(&self, call: CallId) -> Vec<Told> {
        let caller = LegId { call, index: 0 };
        let told = |effect: &Effect| match effect {
            Effect::RingLeg { leg } if *leg == caller => Some(Told::Ringing),
            Effect::EarlyMediaLeg { leg } if *leg == caller => Some(Told::EarlyMedia),
            Effect::AnswerLeg { leg } if *leg == caller => Some(Told::Answered),
            Effect::RejectLeg { leg, status, .. } if *leg == caller => Some(Told::Refused(*status)),
            Effect::CloseLeg { leg, .. } if *leg == caller => Some(Told::HungUp),
            Effect::Connect { a, b } if *a == caller || *b == caller => Some(Told::Connected),
            Effect::RecordMessage { leg, .. } if *leg == caller => Some(Told::Recorded),
            Effect::Play { leg, playback } if *leg == caller => Some(match playback {
                Playback::Greeting { .. } => Told::Greeting,
                Playback::Message { message, .. } => Told::Message(*message),
                Playback::Own { which, .. } => Told::Own(*which),
                Playback::Draft { .. } => Told::Draft,
                Playback::Tone(tone) => Told::Tone(*tone),
                Playback::Announcements { announcements, .. } => Told::Words(announcements.clone()),
            }),
            _ => None,
        };
        self.trace.iter().filter_map(|(_, effect)| told(effect)).collect()
    }

    /// Who the telephone of each leg was told is calling: number and name.
    pub fn callers_shown(&self, call: CallId) -> Vec<(Option<String>, Option<String>)> {
        let shown = |effect: &Effect| match effect {
            Effect::OpenLeg { leg, caller, .. } if leg.call == call => Some((
                caller.number.as_ref().map(|number| number.as_str().to_owned()),
                caller.name.clone(),
            )),
            _ => None,
        };
        self.trace
            .iter()
            .filter_map(|(_, effect)| shown(effect))
            .collect()
    }

    /// The tone that is played on a leg now.
    pub fn plays_on(&self, of: LegId) -> Option<Tone> {
        self.trace.iter().rev().find_map(|(_, effect)| match effect {
            Effect::Play { leg, playback } if *leg == of => Some(match playback {
                Playback::Tone(tone) => Some(*tone),
                _ => None,
            }),
            Effect::StopPlaying { leg } if *leg == of => Some(None),
            _ => None,
        })?
    }

    /// The user's leg that was opened last for a call.
    pub fn ear(&self, call: CallId) -> LegId {
        self.latest_leg(call, LegRole::User).expect("a leg of the user")
    }

    /// Who is in a conference now, and whether each is heard.
    pub fn room(&self, of: CallId) -> Vec<(LegId, bool)> {
        let told = self.trace.iter().rev().find_map(|(_, effect)| match effect {
            Effect::Mix { room, legs } if *room == of => Some(legs.clone()),
            _ => None,
        });
        let legs = told.unwrap_or_default();
        legs.iter().map(|leg| (leg.leg, leg.heard)).collect()
    }

    /// A user's calls that are up, oldest first.
    pub fn calls_of(&self, user: &str) -> Vec<CallId> {
        let user = user.parse().expect("a user's name");
        self.switch().calls(&user).iter().map(|call| call.id).collect()
    }

    /// The records of a user's calls, in the order of their identifiers.
    pub fn records_of(&self, user: &str) -> Vec<CallRecord> {
        let records = self.switch.records();
        records
            .filter(|record| record.user.as_str() == user)
            .cloned()
            .collect()
    }

    /// How often a tone told of a call that was about to be attached.
    pub fn whispers(&self) -> usize {
        let whispers = |(_, effect): &&(UnixMillis, Effect)| matches!(effect, Effect::Whisper { .. });
        self.trace.iter().filter(whispers).count()
    }

    /// Where the user's leg that stays up stands, as the portals were shown it last.
    pub fn persistent(&self, user: &str) -> PersistentLeg {
        let shown = self.trace.iter().rev().find_map(|(_, effect)| match effect {
            Effect::Notify {
                user: of,
                body: EventBody::PersistentLegChanged { leg },
            } if of.as_str() == user => Some(*leg),
            _ => None,
        });
        let user = user.parse().expect("a user's name");
        assert_eq!(
            shown.unwrap_or_default(),
            self.switch().persistent_leg(&user),
            "shown as it is"
        );
        shown.unwrap_or_default()
    }

    /// How often the ear of any call was beeped at.
    pub fn beeps(&self) -> usize {
        let beeps = |(_, effect): &&(UnixMillis, Effect)| matches!(effect, Effect::Beep { .. });
        self.trace.iter().filter(beeps).count()
    }

    /// Who hears whom now: pairs of calls whose legs are connected, ear first.
    pub fn connections(&self) -> Vec<(LegId, LegId)> {
        let mut pairs: Vec<(LegId, LegId)> = Vec::new();
        for (_, effect) in &self.trace {
            match effect {
                Effect::Connect { a, b } => pairs.push((*a, *b)),
                Effect::TakePlace { leg, of } => {
                    for (a, b) in &mut pairs {
                        if a == of {
                            *a = *leg;
                        } else if b == of {
                            *b = *leg;
                        }
                    }
                }
                Effect::Disconnect { leg } | Effect::CloseLeg { leg, .. } => {
                    pairs.retain(|(a, b)| a != leg && b != leg);
                }
                _ => {}
            }
        }
        pairs.retain(|(a, b)| {
            [a, b]
                .iter()
                .all(|leg| self.legs.get(leg).is_some_and(|leg| !leg.over))
        });
        pairs
    }

    pub fn role_of(&self, leg: LegId) -> Option<LegRole> {
        self.callers.get(&leg).copied().or_else(|| {
            self.trace.iter().find_map(|(_, effect)| match effect {
                Effect::OpenLeg { leg: of, role, .. } if *of == leg => Some(*role),
                _ => None,
            })
        })
    }

    pub(super) fn latest_leg(&self, call: CallId, role: LegRole) -> Option<LegId> {
        let opened = self.trace.iter().rev().find_map(|(_, effect)| match effect {
            Effect::OpenLeg { leg, role: of, .. } if leg.call == call && *of == role => Some(*leg),
            _ => None,
        });
        let came_in = LegId { call, index: 0 };
        opened.or_else(|| (self.callers.get(&came_in) == Some(&role)).then_some(came_in))
    }
}
