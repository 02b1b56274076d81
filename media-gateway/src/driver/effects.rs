//! The switch's effects, carried out.

use super::Driver;
use super::legs::Leg;
use super::sound;
use crate::config::NumberFormat;
use crate::link::ToLink;
use crate::store::{CallUp, LegUp};
use bytes::Bytes;
use ponte_call_core::{
    Announcement, Caller, CallerNumber, Effect, Event, LegEnd, LegEndKind, LegId, LegTarget, Playback,
    PlaybackToken, TrunkId,
};
use ponte_media::sdp::LocalSession;
use ponte_media::{Direction, PlayMode, Prompt, Source};
use ponte_protocol::{CallId, CallPhase, CallView, Cause, CauseReason, E164, EventBody, LegRole, UserId};
use ponte_sip::{OutgoingCall, Party, Reason};
use rand::Rng;
use std::cmp::Reverse;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::{Duration, Instant};

const FAILED_HERE: LegEnd = LegEnd {
    kind: LegEndKind::Internal,
    sip: None,
    q850: None,
};

/// What the switch asks for when it opens a leg.
struct Opening {
    leg: LegId,
    user: UserId,
    role: LegRole,
    trunk: TrunkId,
    number: E164,
    caller: Caller,
}

impl Driver {
    /// Carries out everything that the switch wants done; whether there was anything.
    pub(super) fn drain_effects(&mut self) -> bool {
        let mut any = false;
        while let Some(effect) = self.switch.poll_effect() {
            any = true;
            match effect {
                Effect::Reply { user, reply } => self.answer(&user, reply),
                Effect::Notify { user, body } => self.notify(user, body),
                Effect::SaveMode { user, mode } => drop(self.store.save_mode(user, mode)),
                Effect::Record { record } => {
                    self.remember(&record);
                    drop(self.store.insert_record(*record));
                }
                Effect::OpenLeg {
                    leg,
                    user,
                    role,
                    target: LegTarget::Trunk { trunk, number },
                    caller,
                } => {
                    self.open_leg(Opening {
                        leg,
                        user,
                        role,
                        trunk,
                        number,
                        caller,
                    });
                }
                // The switch asks for none of these before it is told of telephones and incoming calls.
                Effect::OpenLeg { leg, .. } => self.tell(Event::LegEnded {
                    leg,
                    end: FAILED_HERE,
                }),
                Effect::SaveLogon { .. }
                | Effect::RingLeg { .. }
                | Effect::EarlyMediaLeg { .. }
                | Effect::AnswerLeg { .. }
                | Effect::RejectLeg { .. }
                | Effect::RecordMessage { .. }
                | Effect::StopRecording { .. }
                | Effect::CheckPin { .. }
                | Effect::Beep { .. } => {}
                Effect::CloseLeg { leg, cause } => self.close_leg(leg, cause),
                Effect::Connect { a, b } => self.connect(a, b),
                Effect::Disconnect { leg } => {
                    if let Some(endpoint) = self.legs.get(leg).map(|leg| leg.endpoint) {
                        self.media.unbridge(endpoint);
                    }
                    self.legs.disconnect(leg);
                }
                Effect::Play { leg, playback } => self.play(leg, playback),
                Effect::StopPlaying { leg } => {
                    if let Some(leg) = self.legs.get_mut(leg) {
                        leg.playback += 1;
                        leg.after_tone = None;
                        self.media.stop(leg.endpoint);
                    }
                }
                Effect::SendDtmf { leg, digits } => {
                    if let Some(leg) = self.legs.get(leg) {
                        self.media.send_dtmf(leg.endpoint, &digits);
                    }
                }
            }
        }
        any
    }

    /// Tells the portals, and keeps what a restart must know of the call.
    fn notify(&mut self, user: UserId, body: EventBody) {
        match &body {
            EventBody::CallChanged { call } => {
                let before = self.shown.insert(call.id, call.clone());
                let connected = |call: &CallView| matches!(call.phase, CallPhase::Connected { .. });
                if before
                    .as_ref()
                    .is_none_or(|before| connected(call) && !connected(before))
                {
                    drop(self.store.save_call(call_up(&user, call)));
                }
            }
            EventBody::CallEnded { call, .. } => {
                self.shown.remove(call);
            }
            _ => {}
        }
        self.send_event(user, body);
    }

    pub(super) fn send_event(&self, user: UserId, body: EventBody) {
        if let Some(link) = &self.link {
            link.send(ToLink::Event {
                user,
                at: self.clock.now(),
                body,
            });
        }
    }

    fn open_leg(&mut self, opening: Opening) {
        let leg = opening.leg;
        if let Err(reason) = self.try_open_leg(opening) {
            tracing::error!(%leg, %reason, "a leg could not be opened");
            metrics::counter!("ponte_legs_failed_here_total").increment(1);
            self.tell(Event::LegEnded {
                leg,
                end: FAILED_HERE,
            });
        }
    }

    fn try_open_leg(&mut self, opening: Opening) -> Result<(), String> {
        let Opening {
            leg,
            user,
            role,
            trunk,
            number,
            caller,
        } = opening;
        let trunk = self.trunks.get(&trunk).ok_or("the trunk is not configured")?;
        let settings = &trunk.settings;
        let written = |number: &E164| match settings.number_format {
            NumberFormat::E164 => number.as_str().to_owned(),
            NumberFormat::Plain => number.digits().to_owned(),
        };
        let host = trunk.authority();
        let from = match caller.number {
            Some(CallerNumber::E164(number)) => {
                format!("sip:{}@{}", written(&number), settings.from_domain)
            }
            Some(CallerNumber::Extension(extension)) => {
                format!("sip:{}@{}", extension.as_str(), settings.from_domain)
            }
            // RFC 3323 section 4.1.1.3
            None => "sip:anonymous@anonymous.invalid".to_owned(),
        };
        let from = Party {
            uri: from,
            display: caller.name,
        };
        let to = format!("sip:{}@{host};user=phone", written(&number));
        let flow = trunk.flow;
        let credentials = settings.credentials.clone();
        let trunk_name = settings.id.0.clone();

        let (endpoint, rtp) = self
            .media
            .open(media_group(leg.call))
            .map_err(|error| error.to_string())?;
        let mut session = LocalSession::new(rand::rng().random::<u64>() >> 2, rtp);
        let call = OutgoingCall {
            flow,
            request_uri: to.clone(),
            headers: vec![("P-Asserted-Identity".to_owned(), format!("<{}>", from.uri))],
            from,
            to: Party::new(to),
            route: Vec::new(),
            contact_user: None,
            sdp: session.offer(Direction::SendRecv),
            credentials,
        };
        let dialog = self.agent.invite(self.clock.sip_now(), call).map_err(|error| {
            self.media.close(endpoint);
            error.to_string()
        })?;
        let language = self
            .users
            .get(&user)
            .and_then(|entry| entry.row.language.as_deref());
        let language = sound::language(language.unwrap_or(&self.config.site.language));
        let kept = LegUp {
            leg,
            role,
            number: number.as_str().to_owned(),
            trunk: trunk_name,
            started_at: self.clock.now(),
            ringing_at: None,
            answered_at: None,
            ended: None,
            dialog: None,
        };
        drop(self.store.save_leg(kept.clone()));
        tracing::debug!(%leg, ?role, trunk = %kept.trunk, number = %ponte_protocol::Pii(&number), "leg opened");
        metrics::counter!("ponte_legs_total", "role" => role_name(role)).increment(1);
        self.legs.insert(Leg {
            id: leg,
            kept,
            dialog,
            endpoint,
            session,
            language,
            agreed: false,
            connected_to: None,
            end_kind: None,
            after_tone: None,
            playback: 0,
        });
        Ok(())
    }

    fn close_leg(&mut self, leg: LegId, cause: Cause) {
        let dialog = self.legs.get(leg).map(|leg| leg.dialog);
        let closed = dialog.map(|dialog| {
            self.agent
                .hang_up(self.clock.sip_now(), dialog, Some(reason(cause)))
        });
        if !matches!(closed, Some(Ok(()))) {
            tracing::debug!(%leg, "a leg to be closed was gone already");
        }
    }

    fn connect(&mut self, a: LegId, b: LegId) {
        let endpoints = self
            .legs
            .get(a)
            .zip(self.legs.get(b))
            .map(|(a, b)| (a.endpoint, b.endpoint));
        let Some((endpoint_a, endpoint_b)) = endpoints else {
            return;
        };
        if let Err(error) = self.media.bridge(endpoint_a, endpoint_b) {
            tracing::error!(%error, %a, %b, "two legs could not be connected");
            return;
        }
        for (leg, other) in [(a, b), (b, a)] {
            if let Some(leg) = self.legs.get_mut(leg) {
                leg.connected_to = Some(other);
            }
        }
    }

    fn play(&mut self, leg: LegId, playback: Playback) {
        let Some(leg) = self.legs.get_mut(leg) else { return };
        leg.playback += 1;
        leg.after_tone = None;
        match playback {
            Playback::Tone(tone) => {
                self.media
                    .play(leg.endpoint, Source::Tone(sound::tone(tone)), PlayMode::Loop);
            }
            Playback::Announcements {
                tone: Some((tone, millis)),
                announcements,
                token,
            } => {
                self.media
                    .play(leg.endpoint, Source::Tone(sound::tone(tone)), PlayMode::Loop);
                leg.after_tone = Some((announcements, token));
                let at = Instant::now() + Duration::from_millis(millis);
                self.later.push(Reverse((at, leg.id, leg.playback)));
            }
            // Asked for only where voicemail takes calls.
            Playback::Greeting { .. } => {}
            Playback::Announcements {
                tone: None,
                announcements,
                token,
            } => {
                let source = spoken(leg, &announcements);
                self.media.play(leg.endpoint, source, PlayMode::Once(token.0));
            }
        }
    }

    /// Takes the steps that are due.
    pub(super) fn later_steps(&mut self) {
        let now = Instant::now();
        while let Some(&Reverse((at, leg, playback))) = self.later.peek() {
            if at > now {
                return;
            }
            self.later.pop();
            let Some(leg) = self.legs.get_mut(leg).filter(|leg| leg.playback == playback) else {
                continue;
            };
            if let Some((announcements, PlaybackToken(token))) = leg.after_tone.take() {
                let source = spoken(leg, &announcements);
                self.media.play(leg.endpoint, source, PlayMode::Once(token));
            }
        }
    }

    /// Gives a peer its answer, or its offer, and the media plane what was agreed.
    pub(super) fn settle_offer(&mut self, dialog: ponte_sip::DialogId, offer: Option<&Bytes>) {
        let Some(leg) = self.legs.by_dialog(dialog) else {
            return;
        };
        let now = self.clock.sip_now();
        let settled = match offer {
            None => self
                .agent
                .answer_offer(now, dialog, leg.session.offer(Direction::SendRecv)),
            Some(offer) => match leg.session.answer(offer, Direction::SendRecv) {
                Ok(answer) => {
                    self.media.set_remote(leg.endpoint, answer.remote);
                    self.agent.answer_offer(now, dialog, answer.body)
                }
                Err(error) => {
                    tracing::info!(leg = %leg.id, %error, "an offer was refused");
                    self.agent.reject_offer(now, dialog, 488)
                }
            },
        };
        if let Err(error) = settled {
            tracing::debug!(%error, "an offer could not be settled");
        }
    }
}

fn spoken(leg: &Leg, announcements: &[Announcement]) -> Source {
    let prompts: Vec<Prompt> = announcements.iter().copied().map(sound::prompt).collect();
    Source::Prompt(leg.language, prompts)
}

/// Legs of one call share a media thread.
fn media_group(call: CallId) -> u64 {
    let mut hasher = DefaultHasher::new();
    call.hash(&mut hasher);
    hasher.finish()
}

pub(super) fn role_name(role: LegRole) -> &'static str {
    match role {
        LegRole::User => "user",
        LegRole::Far => "far",
    }
}

/// What the peer is told of the end (RFC 3326).
fn reason(cause: Cause) -> Reason {
    if let Some(status) = cause.sip.filter(|_| cause.q850.is_none()) {
        return Reason::sip(status, "");
    }
    match cause.reason {
        CauseReason::NormalClearing => Reason::q850(cause.q850.unwrap_or(16), "Normal call clearing"),
        _ => Reason::q850(cause.q850.unwrap_or(31), ""),
    }
}

fn call_up(user: &UserId, call: &CallView) -> CallUp {
    let far = call.leg(LegRole::Far);
    CallUp {
        call: call.id,
        user: user.clone(),
        direction: call.direction,
        dialled: call.dialled.clone(),
        number: far.map_or_else(|| call.dialled.as_str().to_owned(), |far| far.number.clone()),
        name: far.and_then(|far| far.name.clone()),
        started_at: call.started_at,
        connected_at: match call.phase {
            CallPhase::Connected { since } => Some(since),
            _ => None,
        },
    }
}
