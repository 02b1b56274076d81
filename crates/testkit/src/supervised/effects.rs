//! What the switch may ask for, given what has happened.

use super::{Playing, Supervised, WatchedCall, WatchedLeg};
use ponte_call_core::{Announcement, BoxWords, Effect, LegId, LegTarget, Playback, RoomLeg};
use ponte_protocol::{CallId, CallPhase, Destination, LegRole, LegState, MessageId, Mode, UserId};

impl Supervised {
    pub(super) fn check(&mut self, effect: &Effect) {
        match effect {
            Effect::Reply { .. }
            | Effect::SaveLogon { .. }
            | Effect::Parking { .. }
            | Effect::MarkHeard { .. }
            | Effect::BinMessage { .. }
            | Effect::DropDraft { .. }
            | Effect::RemoveOwn { .. } => {}
            Effect::ListMessages { leg, .. } | Effect::KeepDraft { leg, .. } => {
                assert!(self.active(*leg, effect).answered, "{effect:?}");
            }
            Effect::RecordDraft { leg, .. } => {
                let watched = self.active(*leg, effect);
                assert!(watched.answered && watched.connected.is_none(), "{effect:?}");
                watched.playing = Playing::Nothing;
                assert!(
                    !std::mem::replace(&mut watched.recorded, true),
                    "{effect:?} twice at once"
                );
            }
            Effect::ReferProgress { status, .. } => {
                assert!((100..=699).contains(status), "{effect:?}");
            }
            Effect::Mix { room, legs } => self.check_mix(*room, legs, effect),
            Effect::SaveMode { user, mode } => {
                self.modes.insert(user.clone(), mode.clone());
            }
            Effect::Notify { user, body } => self.check_notice(user, body),
            Effect::Record { record } => self.check_record(record),
            Effect::OpenLeg {
                leg,
                user,
                role,
                target,
                forwarded,
                ..
            } => self.check_open(*leg, user, *role, target, forwarded.is_some()),
            Effect::CloseLeg { leg, .. } => {
                let now = self.now;
                let watched = self.active(*leg, effect);
                assert!(
                    !watched.incoming || watched.answered,
                    "{effect:?} of a caller who waits"
                );
                watched.closed_at = Some(now);
                self.part(*leg);
            }
            Effect::RejectLeg { leg, status, .. } => {
                let now = self.now;
                let watched = self.active(*leg, effect);
                assert!(watched.incoming && !watched.answered, "{effect:?}");
                assert!((400..=699).contains(status), "{effect:?}");
                watched.closed_at = Some(now);
                self.part(*leg);
            }
            Effect::RingLeg { leg } => {
                let watched = self.active(*leg, effect);
                assert!(watched.incoming && !watched.answered, "{effect:?}");
                assert!(!std::mem::replace(&mut watched.rung, true), "{effect:?} twice");
            }
            Effect::EarlyMediaLeg { leg } => {
                let watched = self.active(*leg, effect);
                assert!(watched.incoming && !watched.answered, "{effect:?}");
                watched.early_media = true;
            }
            Effect::AnswerLeg { leg } => {
                let watched = self.active(*leg, effect);
                assert!(watched.incoming && !watched.answered, "{effect:?}");
                watched.answered = true;
            }
            Effect::Connect { a, b } => {
                for leg in [a, b] {
                    let watched = self.active(*leg, effect);
                    assert!(
                        watched.is_heard(),
                        "{effect:?} before it may be heard: {watched:?}"
                    );
                    assert_eq!(watched.connected, None, "{effect:?} of a leg that is connected");
                    assert_eq!(watched.room, None, "{effect:?} of a leg in a conference");
                }
                // Two parties who were put through are served by one call.
                let put_through = self.switch.call_of(*a) == self.switch.call_of(*b);
                assert!(
                    self.legs[a].role == LegRole::User || put_through,
                    "{effect:?} without an ear"
                );
                self.active(*a, effect).connected = Some(*b);
                self.active(*b, effect).connected = Some(*a);
                self.active(*a, effect).beside = false;
            }
            Effect::Play { leg, playback } => {
                let watched = self.active(*leg, effect);
                // Who may not call hears why before the refusal.
                let before = watched.incoming && watched.early_media && watched.role == LegRole::User;
                assert!(watched.answered || before, "{effect:?}");
                watched.playing = match playback {
                    Playback::Tone(_) => Playing::Tone,
                    Playback::Announcements { token, .. }
                    | Playback::Greeting { token, .. }
                    | Playback::Message { token, .. }
                    | Playback::Own { token, .. }
                    | Playback::Draft { token } => Playing::Once(*token),
                };
                if let Playback::Announcements { announcements, .. } = playback {
                    assert!(!announcements.is_empty(), "an announcement without words");
                    assert!(
                        watched.role == LegRole::User
                            || watched.starred
                            || announcements[..] == [Announcement::Mailbox(BoxWords::Full)],
                        "{effect:?} to a stranger"
                    );
                }
            }
            Effect::TakePlace { leg, of } => {
                let before = self.active(*of, effect);
                assert!(
                    before.role == LegRole::User && !before.beside,
                    "{effect:?}: {before:?}"
                );
                before.beside = true;
                let (connected, room) = (before.connected.take(), before.room.take());
                let watched = self.active(*leg, effect);
                assert!(
                    watched.role == LegRole::User && watched.is_heard() && watched.answered,
                    "{effect:?} before it may be heard: {watched:?}"
                );
                assert!(
                    watched.connected.is_none() && watched.room.is_none(),
                    "{effect:?}"
                );
                watched.beside = false;
                (watched.connected, watched.room) = (connected, room);
                if let Some(other) = connected.and_then(|other| self.legs.get_mut(&other)) {
                    other.connected = Some(*leg);
                }
            }
            Effect::Disconnect { leg } => {
                self.active(*leg, effect).room = None;
                self.part(*leg);
            }
            Effect::StopPlaying { leg } => {
                self.active(*leg, effect).playing = Playing::Nothing;
            }
            Effect::Beep { leg } | Effect::Whisper { leg } | Effect::ReadNumber { leg, .. } => {
                let watched = self.active(*leg, effect);
                let member = watched.room.is_some();
                assert!(
                    (watched.role == LegRole::User || member) && watched.answered,
                    "{effect:?}"
                );
            }
            Effect::RecordMessage {
                leg, message, user, ..
            } => {
                let MessageId(id) = *message;
                let call = self
                    .calls
                    .get_mut(&CallId(id))
                    .expect("a message of an unknown call");
                assert_eq!(call.user, *user, "a message to somebody else");
                assert!(!std::mem::replace(&mut call.message, true), "a second message");
                let watched = self.active(*leg, effect);
                assert!(watched.answered && watched.connected.is_none(), "{effect:?}");
                assert!(
                    !std::mem::replace(&mut watched.recorded, true),
                    "{effect:?} twice at once"
                );
            }
            Effect::TellRecorded { leg, .. } => {
                let watched = self.active(*leg, effect);
                assert!(watched.answered && watched.room.is_none(), "{effect:?}");
                watched.told = true;
            }
            Effect::RecordCall { leg, call, user, .. } => {
                let both = self.active(*leg, effect).connected.expect("a conversation");
                for leg in [*leg, both] {
                    assert!(self.active(leg, effect).told, "{effect:?} before {leg} was told");
                }
                assert_eq!(self.calls[call].user, *user, "somebody else's call");
                let watched = self.active(*leg, effect);
                assert!(!watched.recorded, "{effect:?} beside another");
                assert!(
                    !std::mem::replace(&mut watched.on_demand, true),
                    "{effect:?} twice at once"
                );
            }
            Effect::StopRecording { leg } => {
                let watched = self.active(*leg, effect);
                let on_demand = std::mem::replace(&mut watched.on_demand, false);
                assert_ne!(
                    std::mem::replace(&mut watched.recorded, false),
                    on_demand,
                    "{effect:?}"
                );
            }
            Effect::CheckPin { leg, .. } => {
                // A desk telephone that dials a code, or the ear of a colleague who hears a greeting.
                let watched = self.active(*leg, effect);
                assert!(watched.answered, "{effect:?}");
            }
            Effect::RelayKeys { leg, relay } => {
                let relay = *relay;
                let watched = self.active(*leg, effect);
                assert!(watched.role == LegRole::User && watched.answered, "{effect:?}");
                assert_ne!(watched.relays_keys, relay, "{effect:?} twice");
                watched.relays_keys = relay;
            }
            Effect::MuteLeg { leg, muted } => {
                let muted = *muted;
                let watched = self.active(*leg, effect);
                assert!(watched.role == LegRole::User && watched.answered, "{effect:?}");
                assert_ne!(watched.muted, muted, "{effect:?} twice");
                watched.muted = muted;
            }
            Effect::SendDtmf { leg, .. } => {
                let watched = self.active(*leg, effect);
                assert!(
                    watched.connected.is_some() || watched.room.is_some(),
                    "{effect:?}"
                );
            }
        }
    }

    fn check_mix(&mut self, room: CallId, legs: &[RoomLeg], effect: &Effect) {
        for leg in self.legs.values_mut().filter(|leg| leg.room == Some(room)) {
            leg.room = None;
        }
        for leg in legs {
            let watched = self.active(leg.leg, effect);
            assert!(
                watched.is_heard(),
                "{effect:?} before it may be heard: {watched:?}"
            );
            assert_eq!(watched.connected, None, "{effect:?} of a leg that is connected");
            assert_eq!(
                watched.room, None,
                "{effect:?} of a leg that is in a room already"
            );
            watched.room = Some(room);
            watched.beside = false;
        }
    }

    /// A caller is answered only to be connected, for voicemail, or to talk to the switch itself.
    pub(super) fn check_answer_has_a_reason(&self, answered: LegId, later: &[Effect]) {
        let reason = later.iter().any(|effect| match effect {
            Effect::Connect { a, b } => [*a, *b].contains(&answered),
            Effect::Play { leg, .. } | Effect::TakePlace { leg, .. } => *leg == answered,
            _ => false,
        });
        let watched = &self.legs[&answered];
        assert!(
            reason || watched.connected.is_some(),
            "a caller was answered for nothing: {watched:?}"
        );
    }

    /// A leg that is up and was not told to close: no other may be acted on.
    fn active(&mut self, id: LegId, effect: &Effect) -> &mut WatchedLeg {
        let leg = self
            .legs
            .get_mut(&id)
            .expect("an effect on a leg that was never opened");
        assert!(leg.is_active(), "{effect:?} on a leg that is over: {leg:?}");
        leg
    }

    /// Neither this leg nor the one it heard hears the other any more.
    pub(super) fn part(&mut self, id: LegId) {
        let other = self.legs.get_mut(&id).and_then(|leg| leg.connected.take());
        if let Some(other) = other.and_then(|other| self.legs.get_mut(&other)) {
            other.connected = None;
        }
    }

    fn check_open(&mut self, id: LegId, user: &UserId, role: LegRole, target: &LegTarget, forwarded: bool) {
        let mut leg = WatchedLeg::opened(Some(user.clone()), role);
        leg.off_line = forwarded || self.unseen.contains(&id.call);
        match target {
            LegTarget::Trunk { number, .. } => assert!(
                !self.forbidden.contains(number.as_str()),
                "a forbidden number was called"
            ),
            LegTarget::Emergency { .. } => assert_eq!(role, LegRole::Far, "an emergency number called back"),
            LegTarget::Browser => {}
            LegTarget::Device { device } => {
                assert_eq!(role, LegRole::User, "a desk telephone is a user's");
                // A call is moved to one's own telephone also while nobody is logged on to it.
                let stations = self.switch.stations(user);
                let mut own = stations.iter().filter(|station| station.own);
                let logged_on = self.switch.logged_on(device);
                let moved = logged_on.is_none() && self.moves.contains_key(user);
                assert!(
                    logged_on == Some(user) || moved && own.any(|station| station.device == *device),
                    "a telephone rings for somebody who is not logged on to it"
                );
            }
        }
        if *target == LegTarget::Browser {
            assert_eq!(role, LegRole::User, "a browser is a user's");
        }
        if role == LegRole::User && !leg.off_line {
            let up = self.legs.iter().find(|(_, leg)| {
                leg.user.as_ref() == Some(user)
                    && leg.role == LegRole::User
                    && leg.is_active()
                    && !leg.off_line
            });
            // Who was lost is called on telephone and browser at once.
            let beside = |legs: &[LegId]| {
                let mut others = legs.iter().map(|leg| &self.legs[leg]);
                others.any(|leg| leg.role == LegRole::User && leg.is_active() && !leg.answered)
            };
            let rejoins = self.calls.get(&id.call).filter(|call| {
                let view = call.view.as_ref();
                view.is_some_and(|view| matches!(view.phase, CallPhase::Rejoining { .. }))
            });
            let rivals = rejoins.is_some_and(|call| beside(&call.legs));
            let rejoins = rejoins.is_some();
            let moved = self.moves.get(user).copied();
            let same = up.is_none_or(|(up, _)| self.switch.call_of(*up) == Some(id.call));
            assert!(
                up.is_none() || rivals || same && moved.is_some(),
                "the user's one line is taken: {up:?}"
            );
            // Whoever has hung up meanwhile goes on at the telephone that the call moves to.
            let left_behind = moved.is_some()
                && self.calls.get(&id.call).is_some_and(|call| {
                    let view = call.view.as_ref().and_then(|view| view.moving.as_ref());
                    view.is_some_and(|moving| moving.leg.state != LegState::Terminated)
                });
            leg.beside = (up.is_some() && !rivals) || left_behind;
            // A leg that is called again goes to where the user is, not to where the call was to move.
            if let (Some(confirm), true) = (moved, leg.beside && !rejoins) {
                leg.needs_confirmation = confirm;
            } else if matches!(target, LegTarget::Trunk { .. }) {
                // A call that is being set up goes on as it began, whatever the user's mode becomes.
                // A call that came back to the user is set up anew.
                let before = self.calls.get(&id.call).and_then(|call| {
                    let mut mine = call.legs.iter().rev().map(|leg| &self.legs[leg]);
                    mine.find(|leg| leg.role == LegRole::User)
                });
                // The next trunk is tried at once; a later attempt goes to where the user is then.
                let now = Some(self.now);
                let at_once = |leg: &WatchedLeg| leg.closed_at.or(leg.ended_at) == now;
                leg.needs_confirmation = match (before, self.modes.get(user)) {
                    (Some(before), _) if !before.answered && at_once(before) => before.needs_confirmation,
                    (
                        _,
                        Some(Mode::Telecommuting {
                            destination: Destination::Number { confirm, .. },
                            ..
                        }),
                    ) => *confirm,
                    (_, mode) => panic!("a call to a user in {mode:?} over a trunk"),
                };
            }
        }
        // The call of a transfer has no leg of the user.
        if role == LegRole::Far && !self.given.contains(&id.call) {
            let ear = self.legs.iter().find(|(of, leg)| {
                let serves = self.switch.call_of(**of) == Some(id.call) || of.call == id.call;
                leg.role == LegRole::User && leg.is_active() && serves
            });
            let (_, ear) = ear.expect("a far leg without a user leg");
            assert!(
                ear.incoming || ear.answered,
                "a far leg before the user leg was answered"
            );
            assert!(
                ear.confirmed || !ear.needs_confirmation,
                "a far leg before anybody confirmed"
            );
            let up = self
                .legs
                .iter()
                .find(|(of, leg)| of.call == id.call && leg.role == LegRole::Far && leg.is_active());
            assert!(up.is_none(), "a far leg while another is up");
        }
        let call = self.watch(id.call, user);
        assert!(!call.ended, "a leg was opened for a call that is over");
        call.legs.push(id);
        assert!(self.legs.insert(id, leg).is_none(), "leg {id} was opened twice");
    }

    /// The call, which begins here if it is not known.
    pub(super) fn watch(&mut self, id: CallId, user: &UserId) -> &mut WatchedCall {
        let first = LegId { call: id, index: 0 };
        let caller = self.legs.get_mut(&first).filter(|leg| leg.incoming);
        let legs = if let Some(caller) = caller {
            caller.user = Some(user.clone());
            vec![first]
        } else {
            Vec::new()
        };
        self.calls.entry(id).or_insert_with(|| WatchedCall {
            user: user.clone(),
            legs,
            message: false,
            view: None,
            record: None,
            ended: false,
        })
    }
}
