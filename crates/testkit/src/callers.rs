//! What must become of a caller at once: a second, smaller description of rules T6, T8, T9 and T12 for random histories.

use ponte_call_core::{
    CallSource, DeviceConfig, Dialled, Effect, Event, ForwardTargets, LegTarget, Playback, UserConfig,
};
use ponte_protocol::{
    CallId, CallPhase, CallView, Destination, DeviceId, EventBody, LegRole, LegState, Mode, PersistentLeg,
    UserId,
};
use std::collections::{BTreeMap, BTreeSet};

/// What a caller must meet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The user's telephone rings, by its number or its name.
    Rings(String),
    Waits,
    /// A leg that stays up takes the call, after a tone in the ear.
    Attaches,
    Voicemail,
    /// Refused with a SIP status.
    Refused(u16),
}

/// Who is where, and who wants what. Trunks have no limits in it.
#[derive(Debug, Default)]
pub struct Callers {
    forwarded: BTreeSet<CallId>,
    users: BTreeMap<UserId, UserConfig>,
    modes: BTreeMap<UserId, Mode>,
    logons: BTreeMap<DeviceId, UserId>,
    registered: BTreeSet<DeviceId>,
    trunks: BTreeMap<String, bool>,
    /// What users were told last of a leg that stays up, while one is.
    persistent: BTreeMap<UserId, PersistentLeg>,
    standing: BTreeMap<CallId, UserId>,
    unwritable: bool,
}

impl Callers {
    /// Takes in an event and what the switch did about it; `before` are the calls of the user before the event. What the
    /// caller met, where that follows from what is known here.
    pub fn step(
        &mut self,
        event: &Event,
        effects: &[Effect],
        before: impl Fn(&UserId) -> Vec<CallView>,
    ) -> Option<Outcome> {
        let expected = match event {
            Event::IncomingCall {
                source: CallSource::Trunk { .. },
                dialled,
                ..
            } if !effects.is_empty() => self.foretell(dialled, before),
            _ => None,
        };
        if let Some(expected) = &expected {
            assert_eq!(
                Some(expected),
                met(event, effects).as_ref(),
                "{event:?}: {effects:?}"
            );
        }
        self.take_in(event, effects);
        expected
    }

    fn foretell(&self, dialled: &Dialled, before: impl Fn(&UserId) -> Vec<CallView>) -> Option<Outcome> {
        let Dialled::Own {
            extension: Some(extension),
        } = dialled
        else {
            return Some(Outcome::Refused(404));
        };
        let called = self
            .users
            .iter()
            .find(|(_, user)| user.profile.extension == *extension);
        let Some((id, user)) = called else {
            return Some(Outcome::Refused(404));
        };
        let voicemail = user.profile.voicemail_allowed && user.settings.voicemail && !self.unwritable;
        let sent_away = |status| {
            if voicemail {
                Outcome::Voicemail
            } else {
                Outcome::Refused(status)
            }
        };
        // Where forwarding leads is not part of this description.
        if user.forwarding != ForwardTargets::default() {
            return None;
        }
        if user.do_not_disturb {
            return Some(sent_away(486));
        }
        let calls = before(id);
        // A call that is forwarded does not take the line, which its view does not show.
        if calls.iter().any(|call| self.forwarded.contains(&call.id)) {
            return None;
        }
        let connected = |call: &CallView| {
            let ear = call
                .leg(LegRole::User)
                .is_some_and(|leg| leg.state == LegState::Confirmed);
            let emergency = call.leg(LegRole::Far).is_some_and(|leg| leg.number == "112");
            matches!(call.phase, CallPhase::Connected { .. }) && ear && !emergency
        };
        // A far leg that failed before may still be closing.
        let in_box = |call: &CallView| {
            call.leg(LegRole::Far)
                .is_none_or(|leg| leg.state != LegState::Confirmed)
        };
        let second =
            |call: &CallView| matches!(call.phase, CallPhase::Held { .. } | CallPhase::Waiting { .. });
        match &calls[..] {
            [] if self.persistent.contains_key(id) => match self.persistent[id] {
                PersistentLeg::Up { .. } => Some(Outcome::Attaches),
                // It may be in the middle of something that no portal is shown.
                _ => None,
            },
            [] => Some(self.whereabouts(id).map_or_else(sent_away, Outcome::Rings)),
            // In the own voicemail box nobody is called: no second call beeps into it.
            [call] if connected(call) && in_box(call) => Some(sent_away(486)),
            [call] if connected(call) => {
                let wanted = user.profile.call_waiting_allowed && user.settings.call_waiting;
                Some(if wanted { Outcome::Waits } else { sent_away(486) })
            }
            [one, other] if connected(one) && second(other) || connected(other) && second(one) => {
                Some(sent_away(486))
            }
            // Legs that are being closed hold the line; a view does not show all of them.
            _ => None,
        }
    }

    /// Where the user's telephone is, or the status that tells why it cannot be reached. Numbers that were entered are allowed.
    fn whereabouts(&self, user: &UserId) -> Result<String, u16> {
        match self.modes.get(user) {
            Some(Mode::Telecommuting {
                destination: Destination::Number { number, .. },
                ..
            }) => self
                .trunks
                .values()
                .any(|up| *up)
                .then(|| number.as_str().to_owned())
                .ok_or(503),
            Some(Mode::Telecommuting { .. }) => Err(486),
            _ => self
                .logons
                .iter()
                .find(|(device, logged_on)| *logged_on == user && self.registered.contains(device))
                .map(|(device, _)| device.as_str().to_owned())
                .ok_or(486),
        }
    }

    fn take_in(&mut self, event: &Event, effects: &[Effect]) {
        match event {
            Event::UserConfigured { config } => {
                self.users
                    .insert(config.profile.user.clone(), config.as_ref().clone());
            }
            Event::UserRemoved { user } => {
                self.users.remove(user);
                self.modes.remove(user);
            }
            Event::DeviceConfigured { config } => self.configure(config),
            Event::DeviceRemoved { device } => {
                self.logons.remove(device);
                self.registered.remove(device);
            }
            Event::DeviceRegistered { device, registered } => {
                if *registered {
                    self.registered.insert(device.clone());
                } else {
                    self.registered.remove(device);
                }
            }
            Event::TrunksConfigured { trunks } => {
                let before = std::mem::take(&mut self.trunks);
                for trunk in trunks {
                    let up = before.get(&trunk.id.0).copied().unwrap_or(true);
                    self.trunks.insert(trunk.id.0.clone(), up);
                }
            }
            Event::TrunkState { trunk, up } => {
                if let Some(known) = self.trunks.get_mut(&trunk.0) {
                    *known = *up;
                }
            }
            Event::StoreState { writable } => self.unwritable = !writable,
            _ => {}
        }
        self.timeout(effects);
    }

    /// Takes in what the switch did, be it because time passed.
    pub fn timeout(&mut self, effects: &[Effect]) {
        for effect in effects {
            match effect {
                Effect::OpenLeg {
                    leg,
                    forwarded: Some(_),
                    ..
                } => {
                    self.forwarded.insert(leg.call);
                }
                Effect::Notify {
                    user,
                    body: EventBody::PersistentLegChanged { leg },
                } => {
                    self.persistent.insert(user.clone(), *leg);
                    if let PersistentLeg::Calling { call }
                    | PersistentLeg::Recalling { call, .. }
                    | PersistentLeg::Up { call, .. } = leg
                    {
                        self.standing.insert(*call, user.clone());
                    }
                }
                // Until then the leg may be closing, and have the line.
                Effect::Notify {
                    body: EventBody::CallEnded { call, .. },
                    ..
                } => {
                    if let Some(user) = self.standing.remove(call)
                        && !self.standing.values().any(|other| *other == user)
                    {
                        self.persistent.remove(&user);
                    }
                }
                Effect::SaveMode { user, mode } => {
                    self.modes.insert(user.clone(), mode.clone());
                }
                Effect::SaveLogon { device, user } => match user {
                    Some(user) => {
                        self.logons.insert(device.clone(), user.clone());
                    }
                    None => {
                        self.logons.remove(device);
                    }
                },
                _ => {}
            }
        }
    }

    /// A telephone that is new starts with its owner, who is at no other.
    fn configure(&mut self, config: &DeviceConfig) {
        let Some(owner) = &config.owner else { return };
        let away = matches!(self.modes.get(owner), Some(Mode::Telecommuting { .. }));
        let elsewhere = self.logons.values().any(|user| user == owner);
        if !away && !elsewhere {
            self.logons.insert(config.id.clone(), owner.clone());
        }
    }
}

/// What the caller of this event met.
fn met(event: &Event, effects: &[Effect]) -> Option<Outcome> {
    let Event::IncomingCall { leg, .. } = event else {
        return None;
    };
    effects.iter().rev().find_map(|effect| match effect {
        Effect::OpenLeg { target, .. } => Some(Outcome::Rings(match target {
            LegTarget::Trunk { number, .. } => number.as_str().to_owned(),
            LegTarget::Emergency { number, .. } => number.as_str().to_owned(),
            LegTarget::Device { device } => device.as_str().to_owned(),
            LegTarget::Browser => crate::site::BROWSER.to_owned(),
        })),
        Effect::Beep { .. } => Some(Outcome::Waits),
        Effect::Whisper { .. } => Some(Outcome::Attaches),
        Effect::Play {
            leg: on,
            playback: Playback::Greeting { .. },
        } if on == leg => Some(Outcome::Voicemail),
        Effect::RejectLeg {
            leg: refused, status, ..
        } if refused == leg => Some(Outcome::Refused(*status)),
        _ => None,
    })
}
