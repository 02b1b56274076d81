//! A switch whose every step is checked against the invariants of call control.

use ponte_call_core::{Effect, Event, LegEnd, LegId, LegTarget, Playback, Switch, SwitchCommand, Timeouts};
use ponte_protocol::{
    CallId, CallPhase, CallRecord, CallView, CommandId, Destination, EventBody, LegRole, LegState, Mode,
    Outcome, UnixMillis, UserId,
};
use std::collections::{BTreeMap, BTreeSet};

#[derive(Debug)]
struct WatchedLeg {
    user: UserId,
    role: LegRole,
    early_media: bool,
    answered: bool,
    closed_at: Option<UnixMillis>,
    ended: bool,
}

impl WatchedLeg {
    fn is_active(&self) -> bool {
        self.closed_at.is_none() && !self.ended
    }
}

#[derive(Debug)]
struct WatchedCall {
    user: UserId,
    needs_confirmation: bool,
    confirmed: bool,
    legs: Vec<LegId>,
    view: Option<CallView>,
    record: Option<CallRecord>,
    ended: bool,
}

/// Wraps a [`Switch`]; each step returns its effects, and panics if they break an invariant.
#[derive(Debug)]
pub struct Supervised {
    switch: Switch,
    timeouts: Timeouts,
    now: UnixMillis,
    modes: BTreeMap<UserId, Mode>,
    calls: BTreeMap<CallId, WatchedCall>,
    legs: BTreeMap<LegId, WatchedLeg>,
    replied: BTreeSet<CommandId>,
    forbidden: BTreeSet<String>,
}

impl Supervised {
    pub fn new(timeouts: Timeouts) -> Self {
        Self {
            switch: Switch::new(timeouts),
            timeouts,
            now: UnixMillis(0),
            modes: BTreeMap::new(),
            calls: BTreeMap::new(),
            legs: BTreeMap::new(),
            replied: BTreeSet::new(),
            forbidden: BTreeSet::new(),
        }
    }

    /// A number that must never be called, in E.164.
    pub fn forbid(&mut self, number: &str) {
        self.forbidden.insert(number.to_owned());
    }

    pub fn switch(&self) -> &Switch {
        &self.switch
    }

    pub fn timeouts(&self) -> Timeouts {
        self.timeouts
    }

    /// Gives an event to the switch.
    pub fn event(&mut self, now: UnixMillis, event: Event) -> Vec<Effect> {
        self.now = now;
        self.note_input(&event);
        let command = match &event {
            Event::Command { id, .. } => Some(*id),
            _ => None,
        };
        self.switch.handle_event(now, event);
        self.drain(command)
    }

    /// Lets the switch do what is due.
    pub fn timeout(&mut self, now: UnixMillis) -> Vec<Effect> {
        self.now = now;
        self.switch.handle_timeout(now);
        let effects = self.drain(None);
        if let Some((at, kind)) = self.switch.poll_timeout() {
            assert!(
                at > now,
                "{kind:?} is due again at once: the host would never sleep"
            );
        }
        effects
    }

    /// Panics unless nothing is left: no call, no timer, every leg ended, every call on record.
    pub fn assert_idle(&self) {
        assert_eq!(self.switch.call_count(), 0, "calls are left");
        assert_eq!(self.switch.poll_timeout(), None, "timers are left");
        for (id, call) in &self.calls {
            assert!(call.ended, "call {id} never ended");
        }
    }

    /// The records written so far, in the order of the calls' identifiers.
    pub fn records(&self) -> impl Iterator<Item = &CallRecord> {
        self.calls.values().filter_map(|call| call.record.as_ref())
    }

    fn note_input(&mut self, event: &Event) {
        match event {
            Event::ModeRestored { user, mode } => {
                self.modes.insert(user.clone(), mode.clone());
            }
            Event::LegProgress { leg, early_media, .. } => {
                if let Some(leg) = self.legs.get_mut(leg) {
                    leg.early_media |= early_media;
                }
            }
            Event::LegAnswered { leg } => {
                if let Some(leg) = self.legs.get_mut(leg)
                    && leg.is_active()
                {
                    leg.answered = true;
                }
            }
            Event::LegEnded {
                leg,
                end: LegEnd { .. },
            } => {
                if let Some(leg) = self.legs.get_mut(leg) {
                    leg.ended = true;
                }
            }
            Event::Dtmf { leg, digit: '1' } => {
                if self
                    .legs
                    .get(leg)
                    .is_some_and(|leg| leg.role == LegRole::User && leg.answered && leg.is_active())
                    && let Some(call) = self.calls.get_mut(&leg.call)
                {
                    call.confirmed = true;
                }
            }
            Event::Command {
                user,
                command: SwitchCommand::Accept { call },
                ..
            } => {
                let answered = self.user_leg_answered(*call);
                if let Some(call) = self.calls.get_mut(call)
                    && call.user == *user
                    && answered
                {
                    call.confirmed = true;
                }
            }
            _ => {}
        }
    }

    fn user_leg_answered(&self, call: CallId) -> bool {
        self.calls.get(&call).is_some_and(|call| {
            call.legs
                .iter()
                .map(|id| &self.legs[id])
                .any(|leg| leg.role == LegRole::User && leg.answered && leg.is_active())
        })
    }

    fn drain(&mut self, command: Option<CommandId>) -> Vec<Effect> {
        let effects: Vec<Effect> = std::iter::from_fn(|| self.switch.poll_effect()).collect();
        let mut replies = 0;
        for (place, effect) in effects.iter().enumerate() {
            if let Effect::Reply { reply, .. } = effect {
                replies += 1;
                assert_eq!(Some(reply.id), command, "a reply to a command that was not given");
                assert!(self.replied.insert(reply.id), "a second reply to {}", reply.id);
                if let Outcome::Refused { .. } = reply.outcome {
                    assert_eq!(effects.len(), 1, "a refused command had an effect: {effects:?}");
                }
            }
            if let Effect::Notify {
                body: EventBody::ModeChanged { mode },
                user,
            } = effect
            {
                let saved = effects[..place].iter().any(|before| {
                    matches!(before, Effect::SaveMode { user: who, mode: what } if who == user && what == mode)
                });
                assert!(saved, "a mode was shown before it was stored");
            }
            self.check(effect);
        }
        assert_eq!(
            replies,
            usize::from(command.is_some()),
            "one reply for each command"
        );
        self.check_after_step();
        effects
    }

    fn check(&mut self, effect: &Effect) {
        match effect {
            Effect::Reply { .. } => {}
            Effect::SaveMode { user, mode } => {
                self.modes.insert(user.clone(), mode.clone());
            }
            Effect::Notify { user, body } => self.check_notice(user, body),
            Effect::Record { record } => self.check_record(record),
            Effect::OpenLeg {
                leg,
                user,
                role,
                target: LegTarget::Trunk { number, .. },
                ..
            } => {
                assert!(
                    !self.forbidden.contains(number.as_str()),
                    "a forbidden number was called"
                );
                self.check_open(*leg, user, *role);
            }
            Effect::CloseLeg { leg, .. } => {
                let now = self.now;
                let watched = self.active(*leg, effect);
                watched.closed_at = Some(now);
            }
            Effect::Connect { a, b } => {
                let user = self.active(*a, effect);
                assert!(user.role == LegRole::User && user.answered, "{effect:?}");
                let far = self.active(*b, effect);
                assert!(
                    far.role == LegRole::Far && (far.answered || far.early_media),
                    "{effect:?} before the far end says anything"
                );
                assert_eq!(a.call, b.call, "legs of two calls were connected");
            }
            Effect::Play { leg, playback } => {
                let watched = self.active(*leg, effect);
                assert!(watched.role == LegRole::User && watched.answered, "{effect:?}");
                if let Playback::Announcements { announcements, .. } = playback {
                    assert!(!announcements.is_empty(), "an announcement without words");
                }
            }
            Effect::Disconnect { leg } | Effect::StopPlaying { leg } => {
                self.active(*leg, effect);
            }
            Effect::SaveLogon { .. }
            | Effect::RingLeg { .. }
            | Effect::EarlyMediaLeg { .. }
            | Effect::AnswerLeg { .. }
            | Effect::RejectLeg { .. }
            | Effect::RecordMessage { .. }
            | Effect::StopRecording { .. }
            | Effect::Beep { .. }
            | Effect::CheckPin { .. }
            | Effect::OpenLeg { .. } => panic!("nothing asked for {effect:?}"),
            Effect::SendDtmf { leg, .. } => {
                let watched = self.active(*leg, effect);
                assert!(
                    watched.role == LegRole::Far && (watched.answered || watched.early_media),
                    "{effect:?}"
                );
            }
        }
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

    fn check_open(&mut self, id: LegId, user: &UserId, role: LegRole) {
        if role == LegRole::User {
            let up = self
                .legs
                .values()
                .find(|leg| leg.user == *user && leg.role == LegRole::User && leg.is_active());
            assert!(up.is_none(), "the user's one line is taken: {up:?}");
            let mode = self.modes.get(user);
            // A call that is being set up goes on as it began, whatever the user's mode becomes.
            let call = self.calls.entry(id.call).or_insert_with(|| {
                let Some(Mode::Telecommuting {
                    destination: Destination::Number { confirm, .. },
                    ..
                }) = mode
                else {
                    panic!("a call back for a user in {mode:?}");
                };
                WatchedCall {
                    user: user.clone(),
                    needs_confirmation: *confirm,
                    confirmed: false,
                    legs: Vec::new(),
                    view: None,
                    record: None,
                    ended: false,
                }
            });
            assert!(!call.ended, "a leg was opened for a call that is over");
        } else {
            let call = self.calls.get(&id.call).expect("a far leg without a call");
            assert!(
                self.user_leg_answered(id.call),
                "a far leg before the user leg was answered"
            );
            assert!(
                call.confirmed || !call.needs_confirmation,
                "a far leg before anybody confirmed"
            );
            let up = call.legs.iter().find(|leg| {
                let leg = &self.legs[leg];
                leg.role == LegRole::Far && leg.is_active()
            });
            assert!(up.is_none(), "a far leg while another is up");
        }
        let call = self.calls.get_mut(&id.call).expect("known");
        assert_eq!(usize::from(id.index), call.legs.len(), "legs are numbered from 0");
        call.legs.push(id);
        let leg = WatchedLeg {
            user: user.clone(),
            role,
            early_media: false,
            answered: false,
            closed_at: None,
            ended: false,
        };
        assert!(self.legs.insert(id, leg).is_none(), "leg {id} was opened twice");
    }

    fn check_notice(&mut self, user: &UserId, body: &EventBody) {
        match body {
            EventBody::CallChanged { call: view } => {
                let call = self.calls.get_mut(&view.id).expect("a view of an unknown call");
                assert_eq!(call.user, *user, "a call was shown to somebody else");
                assert!(!call.ended, "a call that is over was shown again");
                assert_ne!(call.view.as_ref(), Some(view), "the same view was sent twice");
                if let Some(before) = &call.view {
                    assert!(
                        may_follow(&before.phase, &view.phase),
                        "{:?} does not follow {:?}",
                        view.phase,
                        before.phase
                    );
                }
                for leg in &view.legs {
                    let over = leg.state == LegState::Terminated;
                    assert!(
                        !(over && leg.no_audio),
                        "a leg that is over needs no audio: {leg:?}"
                    );
                    assert_eq!(
                        leg.cause.is_some(),
                        over,
                        "a cause belongs to an ended leg: {leg:?}"
                    );
                }
                call.view = Some(view.clone());
            }
            EventBody::CallEnded { call: id, record } => {
                let call = self.calls.get_mut(id).expect("the end of an unknown call");
                assert_eq!(call.user, *user, "a call was shown to somebody else");
                assert!(!call.ended, "a call ended twice");
                assert_eq!(
                    call.record.as_ref(),
                    Some(record),
                    "the record is stored before it is shown"
                );
                call.ended = true;
            }
            _ => {}
        }
    }

    fn check_record(&mut self, record: &CallRecord) {
        let call = self
            .calls
            .get_mut(&record.id)
            .expect("a record of an unknown call");
        assert!(call.record.is_none(), "a second record of one call");
        assert_eq!(record.user, call.user);
        assert_eq!(record.legs.len(), call.legs.len(), "one line for each leg");
        for (line, id) in record.legs.iter().zip(&call.legs) {
            let leg = self.legs.get_mut(id).expect("known");
            let given_up = leg
                .closed_at
                .is_some_and(|closed| self.now.since(closed) >= self.timeouts.close);
            assert!(leg.ended || given_up, "a record before leg {id} ended");
            leg.ended = true;
            assert_eq!(line.role, leg.role);
            assert_eq!(line.answered_at.is_some(), leg.answered, "{line:?}");
            assert!(line.started_at <= line.ended_at, "{line:?}");
        }
        assert!(record.started_at <= record.ended_at, "{record:?}");
        assert!(
            record.connected_at.is_none_or(|at| at <= record.ended_at),
            "{record:?}"
        );
        call.record = Some(record.clone());
    }

    fn check_after_step(&self) {
        let up = self.calls.values().filter(|call| !call.ended).count();
        assert_eq!(up, self.switch.call_count(), "calls that are up");
        if self.switch.poll_timeout().is_none() {
            for call in self.calls.values().filter(|call| !call.ended) {
                assert!(
                    call.legs.iter().any(|leg| self.legs[leg].is_active()),
                    "a call waits for nothing: {call:?}"
                );
            }
        }
    }
}

/// The state diagram of a call.
fn may_follow(before: &CallPhase, after: &CallPhase) -> bool {
    use CallPhase as P;
    match (before, after) {
        (P::Ending, _) => matches!(after, P::Ending),
        (_, P::Ending)
        | (P::CallingUser, P::CallingUser | P::Confirming { .. } | P::CallingFar | P::FarFailed { .. })
        | (P::CallingFar, P::CallingFar | P::Connected { .. } | P::FarFailed { .. })
        | (P::FarFailed { .. }, P::FarFailed { .. } | P::CallingFar)
        // A confirmation may find no trunk for the far leg.
        | (P::Confirming { .. }, P::CallingFar | P::FarFailed { .. }) => true,
        (P::Confirming { until: a }, P::Confirming { until: b })
        | (P::Connected { since: a }, P::Connected { since: b }) => a == b,
        _ => false,
    }
}
