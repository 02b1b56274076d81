//! The switch's effects, carried out.

use super::Driver;
use super::holding::Hears;
use super::opening::Opening;
use super::sound;
use super::writes::Saved;
use crate::link::ToLink;
use crate::store::CallUp;
use ponte_call_core::{Effect, Event, LegId, Playback, PlaybackToken};
use ponte_media::{FileSource, PlayMode, Prompt, Source};
use ponte_protocol::{CallPhase, CallView, EventBody, LegRole, UserId};
use std::cmp::Reverse;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::{Duration, Instant};

impl Driver {
    /// Carries out everything that the switch wants done; whether there was anything.
    pub(super) fn drain_effects(&mut self) -> bool {
        let mut any = false;
        while let Some(effect) = self.switch.poll_effect() {
            any = true;
            if let Some(effect) = self.writes.hold(effect) {
                self.carry_out_effect(effect);
            }
        }
        self.tell_holds() || any
    }

    pub(super) fn carry_out_effect(&mut self, effect: Effect) {
        match effect {
            Effect::Reply { user, reply } => self.answer(&user, reply),
            Effect::Notify { user, body } => self.notify(user, body),
            Effect::SaveMode { .. } | Effect::SaveLogon { .. } if self.stopping => {}
            Effect::SaveMode { user, mode } => {
                let written = self.store.save_mode(user.clone(), mode);
                self.writes.after(written, Saved::User(user));
            }
            Effect::Record { mut record } => {
                self.without_short_message(&mut record);
                self.name_record(&mut record);
                self.remember(&record);
                drop(self.store.insert_record(*record));
            }
            Effect::OpenLeg {
                leg,
                user,
                role,
                target,
                caller,
                forwarded,
            } => self.open_leg(Opening {
                leg,
                user,
                role,
                target,
                caller,
                forwarded,
            }),
            Effect::RingLeg { leg } => self.ring_leg(leg),
            Effect::EarlyMediaLeg { leg } => self.early_media_leg(leg),
            Effect::AnswerLeg { leg } => self.answer_leg(leg),
            Effect::RejectLeg { leg, status, cause } => self.reject_leg(leg, status, cause),
            Effect::SaveLogon { device, user } => self.save_logon(device, user),
            Effect::RecordMessage {
                leg,
                message,
                user,
                caller,
                max_ms,
            } => self.record_message(leg, message, user, caller, max_ms),
            Effect::StopRecording { leg } => self.stop_recording(leg),
            Effect::TellRecorded { leg, token } => self.tell_recorded(leg, token),
            Effect::RecordCall {
                leg,
                call,
                message,
                user,
                party,
            } => self.record_call(leg, call, message, user, party),
            Effect::ListMessages { leg, user, ask } => self.list_messages(leg, user, ask),
            Effect::MarkHeard { user, message } => {
                let written = self.store.mark_message(user.clone(), message, true);
                self.changed_by_telephone(user, written);
            }
            Effect::BinMessage {
                user,
                message,
                binned,
            } => self.bin_message(user, message, binned),
            Effect::RecordDraft { leg, max_ms } => self.record_draft(leg, max_ms),
            Effect::KeepDraft { leg, user, which } => self.keep_draft(leg, user, which),
            Effect::DropDraft { leg } => self.drop_draft(leg.call),
            Effect::RemoveOwn { user, which } => self.remove_own(user, which),
            Effect::CheckPin {
                leg,
                extension,
                pin,
                ask,
            } => self.check_pin(leg, extension, pin, ask),
            Effect::Beep { leg } => {
                if let Some(endpoint) = self.legs.endpoint(leg) {
                    self.media.beep(endpoint, ponte_media::Tone::CallWaiting);
                }
            }
            Effect::Whisper { leg } => {
                if let Some(endpoint) = self.legs.endpoint(leg) {
                    self.media.beep(endpoint, ponte_media::Tone::Attached);
                }
            }
            Effect::CloseLeg { leg, cause } => self.close_leg(leg, cause),
            Effect::Connect { a, b } => self.connect(a, b),
            Effect::TakePlace { leg, of } => self.take_place(leg, of),
            Effect::Disconnect { leg } => {
                self.holds.look_at(leg);
                if !self.leave_room(leg)
                    && let Some(endpoint) = self.legs.endpoint(leg)
                {
                    self.media.unbridge(endpoint);
                }
                self.legs.disconnect(leg);
            }
            Effect::Mix { room, legs } => self.mix(room, &legs),
            Effect::ReferProgress { leg, status } => self.refer_progress(leg, status),
            Effect::Parking { parked } => self.parking_changed(&parked),
            Effect::Play { leg, playback } => self.play(leg, playback),
            Effect::StopPlaying { leg } => {
                self.holds.look_at(leg);
                if let Some(leg) = self.legs.get_mut(leg) {
                    leg.playback += 1;
                    leg.hears = Hears::Other;
                    leg.after_tone = None;
                    if let Some(endpoint) = leg.endpoint {
                        self.media.stop(endpoint);
                    }
                }
            }
            Effect::RelayKeys { leg, relay } => {
                if let Some(leg) = self.legs.get_mut(leg) {
                    leg.relays_keys = relay;
                    if let Some(endpoint) = leg.endpoint {
                        self.media.set_dtmf_relay(endpoint, relay);
                    }
                }
            }
            Effect::MuteLeg { leg, muted } => {
                if let Some(endpoint) = self.legs.endpoint(leg) {
                    self.media.set_muted(endpoint, muted);
                }
            }
            Effect::ReadNumber { leg, typed, ask } => {
                let dialled = self.plan.read(&typed);
                self.tell(Event::NumberRead { leg, ask, dialled });
            }
            Effect::SendDtmf { leg, digits } => {
                if let Some(endpoint) = self.legs.endpoint(leg) {
                    self.media.send_dtmf(endpoint, &digits.0);
                }
            }
        }
    }

    /// Tells the portals, and keeps what a restart must know of the call.
    pub(super) fn notify(&mut self, user: UserId, mut body: EventBody) {
        self.name_event(&user, &mut body);
        match &mut body {
            EventBody::CallChanged { call } => {
                self.look_up_names(&user, call);
                let before = self.shown.insert(call.id, call.clone());
                let connected = |call: &CallView| matches!(call.phase, CallPhase::Connected { .. });
                if before
                    .as_ref()
                    .is_none_or(|before| connected(call) && !connected(before))
                {
                    drop(self.store.save_call(call_up(&user, call)));
                } else if before.is_some_and(|before| before.account_code != call.account_code) {
                    self.keep_booking(call.id, call.account_code.as_ref());
                }
            }
            EventBody::PersistentLegChanged { .. } => self.keep_standing(&user),
            EventBody::CallEnded { call, record } => {
                self.shown.remove(call);
                self.qualities.forget(*call);
                self.without_short_message(record);
            }
            EventBody::ModeChanged { .. } => self.company.touch(&user),
            _ => {}
        }
        let of_call = matches!(body, EventBody::CallChanged { .. } | EventBody::CallEnded { .. });
        self.send_event(user.clone(), body);
        if of_call {
            self.show_on_call(&user);
            self.show_user(&user);
        }
    }

    /// What a restart must know of a leg that stays up: portals are shown no call of it.
    fn keep_standing(&mut self, user: &UserId) {
        let Some((view, up_since)) = self.switch.standing_call(user) else {
            return;
        };
        let call = CallUp {
            connected_at: up_since,
            ..call_up(user, &view)
        };
        let before = self.shown.insert(view.id, view);
        if before.is_none() || up_since.is_some() {
            drop(self.store.save_call(call));
        }
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

    fn connect(&mut self, a: LegId, b: LegId) {
        let endpoints = self.legs.endpoint(a).zip(self.legs.endpoint(b));
        let Some((endpoint_a, endpoint_b)) = endpoints else {
            return;
        };
        if let Err(error) = self.media.bridge(endpoint_a, endpoint_b) {
            tracing::error!(%error, %a, %b, "two legs could not be connected");
            return;
        }
        for (leg, other) in [(a, b), (b, a)] {
            self.holds.look_at(leg);
            if let Some(leg) = self.legs.get_mut(leg) {
                leg.connected_to = Some(other);
            }
        }
    }

    fn play(&mut self, leg: LegId, playback: Playback) {
        self.holds.look_at(leg);
        let Some(leg) = self.legs.get_mut(leg) else { return };
        leg.playback += 1;
        leg.hears = Hears::of(&playback);
        leg.after_tone = None;
        let Some(endpoint) = leg.endpoint else {
            tracing::error!(leg = %leg.id, "a leg without audio was to hear something");
            return;
        };
        match playback {
            Playback::Tone(tone) => {
                self.media.play(endpoint, sound::lasting(tone), PlayMode::Loop);
            }
            Playback::Announcements {
                tone: Some((tone, millis)),
                announcements,
                token,
            } => {
                self.media.play(endpoint, sound::tone(tone), PlayMode::Loop);
                leg.after_tone = Some((announcements, token));
                let at = Instant::now() + Duration::from_millis(millis);
                self.later.push(Reverse((at, leg.id, leg.playback)));
            }
            Playback::Greeting { user, token } => {
                let leg = leg.id;
                self.greet(leg, &user, token);
            }
            Playback::Message { message, token, .. } => {
                let path = self.store.recordings().message(message);
                let source = Source::File(FileSource {
                    path,
                    instead: vec![Source::Prompt(leg.language, vec![Prompt::Unavailable])],
                });
                self.media.play(endpoint, source, PlayMode::Once(token.0));
            }
            Playback::Own { user, which, token } => {
                let path = self.store.recordings().own(&user, which);
                let source = own_source(leg.language, path);
                self.media.play(endpoint, source, PlayMode::Once(token.0));
            }
            Playback::Draft { token } => {
                let path = self.store.recordings().draft(leg.id.call);
                let source = own_source(leg.language, path);
                self.media.play(endpoint, source, PlayMode::Once(token.0));
            }
            Playback::Announcements {
                tone: None,
                announcements,
                token,
            } => {
                let announcements = sound::with_code(announcements, self.config.features.leave.as_deref());
                let source = sound::spoken(leg.language, &announcements);
                self.media.play(endpoint, source, PlayMode::Once(token.0));
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
            if let Some((announcements, PlaybackToken(token))) = leg.after_tone.take()
                && let Some(endpoint) = leg.endpoint
            {
                let source = sound::spoken(leg.language, &announcements);
                self.media.play(endpoint, source, PlayMode::Once(token));
            }
        }
    }

    /// Which legs share a media thread.
    #[allow(clippy::unused_self)]
    pub(super) fn media_group(&self, leg: LegId) -> u64 {
        let mut hasher = DefaultHasher::new();
        leg.call.hash(&mut hasher);
        hasher.finish()
    }

    /// The language in which a user hears prompts; the site's for whoever is no user.
    pub(super) fn language(&self, user: Option<&UserId>) -> ponte_media::Language {
        let own = user
            .and_then(|user| self.users.get(user))
            .and_then(|entry| entry.row.language.as_deref());
        sound::language(own.unwrap_or(&self.config.site.language))
    }
}

/// What a user has recorded, or that nothing is.
fn own_source(language: ponte_media::Language, path: std::path::PathBuf) -> Source {
    Source::File(FileSource {
        path,
        instead: vec![Source::Prompt(language, vec![Prompt::NotRecorded])],
    })
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
        account_code: call.account_code.clone(),
    }
}
