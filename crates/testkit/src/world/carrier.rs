//! The carrier and its telephones: what effects do, and what happens in return.

use super::{Happening, LiveLeg, World};
use crate::phone::{Act, Phone, TrunkHabit};
use ponte_call_core::{Effect, Event, LegEnd, LegEndKind, LegId, LegTarget, Playback, Secret, TrunkId};

/// How long the world takes to speak one announcement, in milliseconds.
pub(super) const ANNOUNCEMENT_MS: u64 = 2_500;
/// How often the media plane says again that audio is missing, in milliseconds.
const AUDIO_REPORT_MS: u64 = 1_000;

impl World {
    pub(super) fn carry_out(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match &effect {
                Effect::OpenLeg { leg, target, .. } => {
                    let phone = match target {
                        LegTarget::Trunk { trunk, number } => self.answering(trunk, number.as_str()),
                        LegTarget::Emergency { trunk, number } => self.answering(trunk, number.as_str()),
                        LegTarget::Device { device } => self.behind(device.as_str()),
                        LegTarget::Browser => self.behind(crate::site::BROWSER),
                    };
                    self.connect_phone(*leg, phone);
                }
                Effect::AnswerLeg { leg } => {
                    if let Some(live) = self.legs.get_mut(leg) {
                        live.answered = true;
                        let delay = 2 * self.network.delay_ms;
                        let answered = Event::LegAnswered { leg: *leg };
                        self.at(delay, Happening::ToSwitch(answered));
                    }
                }
                Effect::CheckPin {
                    leg,
                    extension,
                    pin,
                    ask,
                } => {
                    let valid = self.pins.get(extension.as_str()) == Some(&pin.0);
                    let (leg, ask) = (*leg, *ask);
                    self.at(50, Happening::ToSwitch(Event::PinChecked { leg, ask, valid }));
                }
                Effect::ReadNumber { leg, typed, ask } => {
                    let dialled = crate::plan::read(typed.as_str());
                    let (leg, ask) = (*leg, *ask);
                    self.at(0, Happening::ToSwitch(Event::NumberRead { leg, ask, dialled }));
                }
                Effect::ListMessages { leg, user, ask } => {
                    let listed = Event::MessagesListed {
                        leg: *leg,
                        ask: *ask,
                        messages: Some(self.messages.get(user).cloned().unwrap_or_default()),
                    };
                    self.at(30, Happening::ToSwitch(listed));
                }
                Effect::RecordDraft { leg, max_ms } => {
                    let leg = *leg;
                    self.at(*max_ms, Happening::DraftEnds(leg));
                    if let Some(live) = self.legs.get_mut(&leg) {
                        live.drafting = true;
                    }
                }
                Effect::StopRecording { leg } => self.at(60, Happening::DraftEnds(*leg)),
                Effect::TellRecorded { leg, token } => {
                    if let Some(token) = token.filter(|_| !self.words_get_lost) {
                        let leg = *leg;
                        let told = Event::PlaybackFinished { leg, token };
                        self.at(ANNOUNCEMENT_MS, Happening::ToSwitch(told));
                    }
                }
                Effect::KeepDraft { leg, .. } => {
                    let (leg, stored) = (*leg, true);
                    self.at(30, Happening::ToSwitch(Event::DraftStored { leg, stored }));
                }
                Effect::CloseLeg { leg, .. } | Effect::RejectLeg { leg, .. } => {
                    let delay = self.network.delay_ms;
                    self.at(delay, Happening::CloseReaches(*leg));
                }
                Effect::Play { leg, playback } => {
                    let speaking = match playback {
                        Playback::Tone(_) => None,
                        Playback::Greeting { token, .. }
                        | Playback::Message { token, .. }
                        | Playback::Own { token, .. }
                        | Playback::Draft { token } => {
                            self.at(ANNOUNCEMENT_MS, Happening::PlaybackEnds(*leg, *token));
                            Some(*token)
                        }
                        Playback::Announcements {
                            tone,
                            announcements,
                            token,
                        } => {
                            let tone_ms = tone.map_or(0, |(_, ms)| ms);
                            let ms = tone_ms + ANNOUNCEMENT_MS * announcements.len() as u64;
                            self.at(ms, Happening::PlaybackEnds(*leg, *token));
                            Some(*token)
                        }
                    };
                    if let Some(live) = self.legs.get_mut(leg) {
                        live.speaking = speaking;
                    }
                }
                Effect::StopPlaying { leg } => {
                    if let Some(live) = self.legs.get_mut(leg) {
                        live.speaking = None;
                    }
                }
                _ => {}
            }
            self.trace.push((self.now, effect));
        }
    }

    /// A telephone takes its part in a leg.
    pub(super) fn connect_phone(&mut self, leg: LegId, phone: Phone) {
        self.legs.insert(
            leg,
            LiveLeg {
                script: phone.script.into_iter(),
                next: None,
                closes_after: phone.closes_after,
                answered: false,
                over: false,
                silent_since: None,
                speaking: None,
                drafting: false,
            },
        );
        let delay = self.network.delay_ms;
        self.next_act(leg, delay);
    }

    /// What a call over this trunk to this number meets.
    fn answering(&self, trunk: &TrunkId, number: &str) -> Phone {
        match self.trunks.get(trunk).unwrap_or(&TrunkHabit::Carries) {
            TrunkHabit::Carries => self.behind(number),
            TrunkHabit::Refuses(status) => Phone::refuses(*status),
            TrunkHabit::Silent => Phone::silent(),
            TrunkHabit::Fails(kind) => Phone::fails(0, *kind),
        }
    }

    fn behind(&self, number: &str) -> Phone {
        self.phones
            .get(number)
            .cloned()
            .unwrap_or_else(|| Phone::refuses(404))
    }

    fn next_act(&mut self, leg: LegId, extra_ms: u64) {
        let Some(live) = self.legs.get_mut(&leg) else {
            return;
        };
        if let Some((after, act)) = live.script.next() {
            live.next = Some(act);
            self.at(after + extra_ms, Happening::PhoneActs(leg));
        }
    }

    pub(super) fn happen(&mut self, happening: Happening) {
        match happening {
            Happening::ToSwitch(event) => self.event(event),
            Happening::PhoneActs(leg) => {
                let act = self.legs.get_mut(&leg).and_then(|live| live.next.take());
                if let Some(act) = act {
                    self.phone_does(leg, act);
                    self.next_act(leg, 0);
                }
            }
            Happening::CloseReaches(leg) => {
                let Some(live) = self.legs.get_mut(&leg) else {
                    return;
                };
                let (answered, over, closes_after) = (live.answered, live.over, live.closes_after);
                live.over = true;
                if let (false, Some(after)) = (over, closes_after) {
                    let end = LegEnd {
                        kind: LegEndKind::Closed,
                        sip: (!answered).then_some(487),
                        q850: None,
                    };
                    let delay = self.network.delay_ms;
                    self.at(after + delay, Happening::ToSwitch(Event::LegEnded { leg, end }));
                }
            }
            Happening::AudioReport(leg) => self.report_audio(leg),
            Happening::DraftEnds(leg) => {
                if let Some(live) = self.legs.get_mut(&leg)
                    && std::mem::take(&mut live.drafting)
                {
                    self.event(Event::DraftStored { leg, stored: true });
                }
            }
            Happening::PlaybackEnds(leg, token) => {
                if let Some(live) = self.legs.get_mut(&leg)
                    && live.speaking == Some(token)
                    && !live.over
                {
                    live.speaking = None;
                    self.event(Event::PlaybackFinished { leg, token });
                }
            }
        }
    }

    fn report_audio(&mut self, leg: LegId) {
        let Some(live) = self.legs.get(&leg) else {
            return;
        };
        if live.over {
            return;
        }
        if let Some(since) = live.silent_since {
            let since_ms = self.now.since(since);
            self.at(AUDIO_REPORT_MS, Happening::AudioReport(leg));
            self.event(Event::AudioMissing { leg, since_ms });
        }
    }

    pub(super) fn phone_does(&mut self, leg: LegId, act: Act) {
        let Some(live) = self.legs.get_mut(&leg) else {
            return;
        };
        if live.over {
            return;
        }
        let remote = |sip, q850| LegEnd {
            kind: LegEndKind::Remote,
            sip,
            q850,
        };
        let event = match act {
            Act::Progress { status, early_media } => {
                if self.network.rng.chance(self.network.loss_percent) {
                    return;
                }
                Event::LegProgress {
                    leg,
                    status,
                    early_media,
                }
            }
            Act::Answer => {
                live.answered = true;
                Event::LegAnswered { leg }
            }
            Act::Press(digit) => Event::Dtmf {
                leg,
                digit: Secret(digit),
            },
            Act::Refuse { status, q850 } => {
                live.over = true;
                Event::LegEnded {
                    leg,
                    end: remote(Some(status), q850),
                }
            }
            Act::HangUp { q850 } => {
                live.over = true;
                Event::LegEnded {
                    leg,
                    end: remote(None, q850),
                }
            }
            Act::Fail(kind) => {
                live.over = true;
                Event::LegEnded {
                    leg,
                    end: LegEnd {
                        kind,
                        sip: None,
                        q850: None,
                    },
                }
            }
            Act::FallSilent => {
                live.silent_since = Some(self.now);
                self.at(AUDIO_REPORT_MS, Happening::AudioReport(leg));
                return;
            }
            Act::Speak => {
                live.silent_since = None;
                Event::AudioResumed { leg }
            }
        };
        self.send(event);
    }

    fn send(&mut self, event: Event) {
        let delay = self.network.delay_ms;
        let mut late = self.network.rng.below(self.network.jitter_ms + 1);
        if self.network.rng.chance(self.network.twice_percent) {
            self.at(delay + late, Happening::ToSwitch(event.clone()));
            late = self.network.rng.below(self.network.jitter_ms + 1);
        }
        self.at(delay + late, Happening::ToSwitch(event));
    }
}
