//! Transfer, blind and consulted, asked for in a portal or by REFER (RFC 3515); and the way back where nobody takes it.

use crate::call::{Call, Phase};
use crate::commands::Done;
use crate::setup::{Far, Near, Setup};
use crate::{Dialled, Effect, LegId, Switch, SwitchTarget, TimerKind, Tone, cause};
use ponte_protocol::{
    BookedCode, CallId, Cause, CauseReason, DialString, Direction, EndedBy, Extension, Refusal, UserId,
};

/// After which a party that finds the user's line neither up nor free tries again, in milliseconds.
const COME_BACK_MS: u64 = 1_000;

/// Whom a party is given to, once everything was checked.
struct Target {
    typed: DialString,
    far: Far,
    to_voicemail: bool,
    account_code: Option<BookedCode>,
}

/// Two calls whose other parties are to talk to each other.
#[derive(Clone, Copy)]
struct Pair {
    given: CallId,
    to: CallId,
    /// The second still rings.
    ringing: bool,
}

impl Switch {
    /// **Transfer** in a portal: the user's line is free at once.
    pub(crate) fn transfer(
        &mut self,
        user: &UserId,
        id: CallId,
        new: CallId,
        to: SwitchTarget,
    ) -> Result<Done, Refusal> {
        let target = self.check_transfer(user, id, new, to)?;
        self.leave_line(user, id);
        self.start_transfer(user, id, new, target);
        Ok(Done::Call(id))
    }

    fn check_transfer(
        &mut self,
        user: &UserId,
        id: CallId,
        new: CallId,
        to: SwitchTarget,
    ) -> Result<Target, Refusal> {
        if !self.may_give(id) {
            return Err(Refusal::WrongState);
        }
        let mut target = match to {
            SwitchTarget::Dialled { typed, dialled } => Target {
                typed,
                far: self.far_of(user, &dialled)?,
                to_voicemail: false,
                account_code: None,
            },
            SwitchTarget::Voicemail { extension } => self.box_of(&extension)?,
        };
        // Whom the party is given to speaks about the same matter.
        let kept = self.calls.get(&id).and_then(|call| call.account_code.as_ref());
        target.account_code = self.book(user, &target.far, None, kept)?;
        let partner = self
            .calls
            .get(&id)
            .and_then(Call::other_half)
            .and_then(|half| self.calls.get(&half))
            .map(|half| half.setup.user.clone());
        if let (Far::User { user, .. }, Some(partner)) = (&target.far, &partner)
            && user == partner
            && !target.to_voicemail
        {
            // They are on the line already.
            return Err(Refusal::OwnNumber);
        }
        self.check_caps(user)?;
        if !self.store_writable {
            return Err(Refusal::StoreUnavailable);
        }
        if matches!(target.far, Far::Number(_)) {
            if !self.cx.trunks.any_up() {
                return Err(Refusal::NoTrunk);
            }
            if self.cx.trunks.capacity() == 0 {
                return Err(Refusal::CapReached);
            }
        }
        if self.calls.contains_key(&new) || self.services.contains_key(&new) {
            return Err(Refusal::DuplicateId);
        }
        Ok(target)
    }

    fn box_of(&self, extension: &Extension) -> Result<Target, Refusal> {
        let owner = self.user_of(extension).ok_or(Refusal::InvalidNumber)?;
        let config = &self.known_user(&owner)?.config;
        if !config.profile.voicemail_allowed || !config.settings.voicemail {
            return Err(Refusal::NotPermitted);
        }
        Ok(Target {
            typed: extension.as_str().parse().map_err(|_| Refusal::InvalidNumber)?,
            far: Far::User {
                name: config.profile.display_name.clone(),
                extension: extension.clone(),
                user: owner,
            },
            to_voicemail: true,
            account_code: None,
        })
    }

    /// Calls the target; the party hears ringing.
    fn start_transfer(&mut self, user: &UserId, id: CallId, new: CallId, target: Target) {
        let now = self.cx.now;
        let Some(known) = self.users.get_mut(user) else {
            return;
        };
        known.count_dial(now);
        known.calls.push(new);
        let setup = Setup {
            id: new,
            user: user.clone(),
            direction: Direction::Outgoing,
            dialled: target.typed,
            near: Near::None,
            far: target.far,
            caller_id: Some(known.config.profile.caller_id.clone()),
            confirm: false,
            user_no_answer_ms: 0,
            voicemail: false,
            forwarded: crate::forward::Forwarded::default(),
            code: None,
        };
        let mut made = Call::new(&self.cx, setup, Phase::CallingFar);
        made.account_code = target.account_code;
        made.ties.made_for = Some(id);
        made.ties.to_voicemail = target.to_voicemail;
        made.ties.detached = true;
        self.calls.insert(new, made);
        if let Some(call) = self.calls.get_mut(&id) {
            call.ties.put_to = Some(new);
            self.cx.push_hold(call);
        }
        if let Some(made) = self.calls.get_mut(&new) {
            made.try_far(&mut self.cx);
        }
        self.settle_one(new);
    }

    /// **Transfer** to another call of the user. One that still rings is answered after the user has left.
    pub(crate) fn transfer_to(&mut self, user: &UserId, a: CallId, b: CallId) -> Result<Done, Refusal> {
        let pair = self.check_pair(user, a, b)?;
        self.bring_together(user, pair);
        Ok(Done::Call(pair.given))
    }

    fn check_pair(&self, user: &UserId, a: CallId, b: CallId) -> Result<Pair, Refusal> {
        // The one that is up is given; the other may still be ringing.
        let rings = |switch: &Self, id: CallId| {
            switch.calls.get(&id).is_some_and(|call| {
                call.phase == Phase::CallingFar && call.ear().is_some() && !call.ties.detached
            })
        };
        let (a, b) = if rings(self, a) { (b, a) } else { (a, b) };
        let line = self.line(user).ok_or(Refusal::WrongState)?;
        let beside = |id: CallId| self.calls.get(&id).is_some_and(|call| call.ties.beside_line);
        let attached = |id: CallId| line.active == id || line.held.contains(&id) || beside(id);
        let ringing = rings(self, b);
        let ready = self.may_give(a) && (ringing || self.may_give(b)) && attached(a) && attached(b);
        if a == b || !ready || self.same_party(a, b) {
            return Err(Refusal::WrongState);
        }
        Ok(Pair {
            given: a,
            to: b,
            ringing,
        })
    }

    fn bring_together(&mut self, user: &UserId, pair: Pair) {
        let Pair {
            given: a,
            to: b,
            ringing,
        } = pair;
        // The ear goes to neither of the two.
        if let Some(user) = self.users.get_mut(user)
            && let Some(line) = &mut user.line
        {
            line.held.retain(|held| *held != a && *held != b);
        }
        self.leave_line(user, a);
        self.leave_line(user, b);
        if ringing {
            if let Some(made) = self.calls.get_mut(&b) {
                made.ties.made_for = Some(a);
            }
            if let Some(call) = self.calls.get_mut(&a) {
                call.ties.put_to = Some(b);
                self.cx.push_hold(call);
            }
            self.settle_one(b);
        } else {
            self.put_through(a, b);
        }
    }

    /// Whether both calls are with the same user of the site, who cannot be put through to themselves.
    pub(crate) fn same_party(&self, a: CallId, b: CallId) -> bool {
        let partner = |id: CallId| {
            let half = self.calls.get(&id)?.other_half()?;
            Some(self.calls.get(&half)?.setup.user.clone())
        };
        partner(a).is_some() && partner(a) == partner(b)
    }

    /// REFER: the telephone keeps its leg until somebody has answered.
    pub(crate) fn referred(&mut self, leg: LegId, new: CallId, to: SwitchTarget) {
        let Some((user, id)) = self.referrer(leg) else {
            self.cx.push(Effect::ReferProgress { leg, status: 481 });
            return;
        };
        if matches!(
            &to,
            SwitchTarget::Dialled {
                dialled: Dialled::Emergency,
                ..
            }
        ) {
            self.cx.push(Effect::ReferProgress { leg, status: 403 });
            return;
        }
        match self.check_transfer(&user, id, new, to) {
            Ok(target) => {
                self.cx.push(Effect::ReferProgress { leg, status: 100 });
                if let Some(call) = self.calls.get_mut(&id) {
                    call.ties.referrer = Some(leg);
                    call.release_ear(&mut self.cx);
                }
                self.start_transfer(&user, id, new, target);
                if let Some(call) = self.calls.get_mut(&id)
                    && matches!(call.phase, Phase::Transferring { .. })
                {
                    call.play_tone(&mut self.cx, Tone::Ringback);
                }
            }
            Err(refusal) => {
                let status = status_of(&refusal);
                self.cx.push(Effect::ReferProgress { leg, status });
            }
        }
        self.settle(id);
    }

    /// REFER with Replaces: the other party of the telephone's one call goes to that of its other one.
    pub(crate) fn referred_to(&mut self, leg: LegId, with: LegId) {
        let calls = self.referrer(leg).zip(self.referrer(with));
        let status = match calls {
            Some(((user, a), (other, b))) if user == other => match self.check_pair(&user, a, b) {
                Ok(pair) => {
                    // While the leg is there to be told.
                    self.cx.push(Effect::ReferProgress { leg, status: 200 });
                    self.bring_together(&user, pair);
                    self.settle(pair.given);
                    return;
                }
                Err(refusal) => status_of(&refusal),
            },
            _ => 481,
        };
        self.cx.push(Effect::ReferProgress { leg, status });
    }

    /// The user and the call of a telephone's leg that is at the user's ear.
    fn referrer(&mut self, leg: LegId) -> Option<(UserId, CallId)> {
        let (_, call, _) = self.active(leg)?;
        (call.ear() == Some(leg)).then(|| (call.setup.user.clone(), call.id()))
    }

    /// Where a transfer stands, after something happened to one of its calls.
    pub(crate) fn advance_transfer(&mut self, id: CallId) {
        let Some(call) = self.calls.get(&id) else { return };
        match (call.ties.made_for, call.ties.put_to, call.phase) {
            (Some(waits), _, Phase::Connected { .. }) => self.complete_transfer(waits, id),
            (Some(waits), _, Phase::Ending { cause, .. }) => self.transfer_failed(waits, id, cause),
            (_, Some(made), Phase::Ending { cause, .. }) => {
                if let Some(call) = self.calls.get_mut(&id) {
                    call.ties.put_to = None;
                    if let Some(leg) = call.ties.referrer.take() {
                        let status = cause::told_to_caller(cause);
                        self.cx.push(Effect::ReferProgress { leg, status });
                    }
                }
                if let Some(made) = self.calls.get_mut(&made) {
                    made.ties.made_for = None;
                    made.end(
                        &mut self.cx,
                        cause::local(CauseReason::Cancelled),
                        EndedBy::FarLeg,
                    );
                }
                self.settle_one(made);
            }
            _ => {}
        }
    }

    /// Somebody has taken the party.
    pub(crate) fn complete_transfer(&mut self, waits: CallId, made: CallId) {
        let Some(call) = self.calls.get_mut(&waits) else {
            return;
        };
        call.ties.put_to = None;
        let user = call.setup.user.clone();
        let referrer = call.ties.referrer.take();
        if let Some(leg) = referrer {
            self.cx.push(Effect::ReferProgress { leg, status: 200 });
        }
        self.leave_line(&user, waits);
        if let Some(made) = self.calls.get_mut(&made) {
            made.ties.made_for = None;
        }
        self.put_through(waits, made);
    }

    /// Nobody took the party: it comes back to the user.
    fn transfer_failed(&mut self, waits: CallId, made: CallId, cause: Cause) {
        if let Some(made) = self.calls.get_mut(&made) {
            made.ties.made_for = None;
        }
        let Some(call) = self.calls.get_mut(&waits) else {
            return;
        };
        call.ties.put_to = None;
        let by_refer = call.ties.referrer.take();
        if let Some(leg) = by_refer {
            let status = cause::told_to_caller(cause);
            self.cx.push(Effect::ReferProgress { leg, status });
        }
        if !matches!(call.phase, Phase::Transferring { .. }) {
            return;
        }
        if call.ear().is_some() {
            // The telephone that asked still has it.
            call.stop_playing(&mut self.cx);
            let held = call.ties.held_by_ear;
            call.set_phase(Phase::Held { since: self.cx.now });
            call.hold_far(&mut self.cx, Some(Tone::Hold));
            if held {
                call.play_tone(&mut self.cx, Tone::Progress);
            } else {
                self.take_up(waits);
            }
        } else {
            self.come_back(waits, cause);
        }
        self.settle_one(waits);
    }

    /// A party that nobody took, or nobody fetched, is the user's again: on the line where the user is in a call, else
    /// the user's telephone is called. While the line is taken by a call that is being set up, it waits.
    pub(crate) fn come_back(&mut self, id: CallId, cause: Cause) {
        let Some(call) = self.calls.get_mut(&id) else {
            return;
        };
        let user = call.setup.user.clone();
        call.ties.recalled = true;
        // A colleague's telephone has had its answer, and is given to no voicemail any more.
        call.setup.voicemail &= call.other_half().is_none();
        let line = self.line(&user);
        let free = line.as_ref().is_none_or(|line| line.active == id);
        let ear = self.ear_of(&user);
        if free && self.known_user(&user).is_ok() {
            if let Some(call) = self.calls.get_mut(&id) {
                call.ties.detached = false;
                call.hold_far(&mut self.cx, Some(Tone::Ringback));
            }
            self.ring_user(id);
        } else if self.stands_idle(&user) {
            if let Some(call) = self.calls.get_mut(&id) {
                call.ties.detached = false;
                call.hold_far(&mut self.cx, Some(Tone::Ringback));
            }
            self.offer_to_standing(&user, id);
        } else if let (Some(ear), Some(mut line)) = (ear, line) {
            if let Some(call) = self.calls.get_mut(&id) {
                call.ties.detached = false;
                call.stop_waiting(&mut self.cx);
                call.set_phase(Phase::Held { since: self.cx.now });
                call.hold_far(&mut self.cx, Some(Tone::Hold));
            }
            line.held.insert(0, id);
            self.set_line(&user, Some(line));
            self.tidy_line(&user);
            self.cx.push(Effect::Beep { leg: ear });
        } else if self.known_user(&user).is_ok() {
            self.come_back_later(id);
        } else if let Some(call) = self.calls.get_mut(&id) {
            call.end(&mut self.cx, cause, EndedBy::System);
        }
    }

    /// The user's line is taken by a call that is being set up, or is not free yet: the party waits for what comes of that.
    fn come_back_later(&mut self, id: CallId) {
        let now = self.cx.now;
        let Some(call) = self.calls.get_mut(&id) else {
            return;
        };
        if !matches!(call.phase, Phase::Parked { .. }) {
            call.set_phase(Phase::Transferring { since: now });
            call.hold_far(&mut self.cx, Some(Tone::Ringback));
        }
        let again = now.plus(COME_BACK_MS);
        self.cx.timers.set(call.clock(), TimerKind::Park, again);
    }
}

impl crate::context::Context {
    /// A party that is being given to somebody else hears ringing.
    fn push_hold(&mut self, call: &mut Call) {
        call.set_phase(Phase::Transferring { since: self.now });
        call.hold_far(self, Some(Tone::Ringback));
    }
}

/// What a telephone that asked by REFER is told of a refusal.
fn status_of(refusal: &Refusal) -> u16 {
    match refusal {
        Refusal::InvalidNumber => 404,
        Refusal::OwnNumber | Refusal::LineBusy => 486,
        Refusal::NoTrunk | Refusal::StoreUnavailable | Refusal::CapReached => 503,
        Refusal::WrongState | Refusal::UnknownCall => 481,
        _ => 403,
    }
}
