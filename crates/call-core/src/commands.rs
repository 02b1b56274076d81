//! What users ask for.

use crate::call::{Call, Phase};
use crate::line::Line;
use crate::setup::{Far, Near, Setup};
use crate::user::UserTelephone;
use crate::{Dialled, Effect, NumberClass, Switch, SwitchCommand, SwitchDestination, cause, dial};
use ponte_protocol::command::DTMF_MAX;
use ponte_protocol::{
    AccountCode, CallId, CauseReason, CommandId, Destination, DialString, Direction, EndedBy, EventBody,
    MessageId, Mode, Outcome, Refusal, Reply, UserId,
};

impl Switch {
    pub(crate) fn command(&mut self, user: &UserId, id: CommandId, command: SwitchCommand) {
        let (outcome, touched) = match self.carry_out(user, id, command) {
            Ok(Done::Call(call)) => (Outcome::Accepted { call: Some(call) }, Some(call)),
            Ok(Done::Mode) => (Outcome::Accepted { call: None }, None),
            Ok(Done::Unseen(call)) => (Outcome::Accepted { call: None }, Some(call)),
            Err(refusal) => (Outcome::Refused { refusal }, None),
        };
        let reply = Reply { id, outcome };
        self.cx.push(Effect::Reply {
            user: user.clone(),
            reply,
        });
        if let Some(call) = touched {
            self.settle(call);
        }
    }

    fn carry_out(&mut self, user: &UserId, id: CommandId, command: SwitchCommand) -> Result<Done, Refusal> {
        match command {
            SwitchCommand::EnterTelecommuter { destination } => self.enter(user, destination),
            SwitchCommand::LeaveTelecommuter => self.leave(user),
            SwitchCommand::LeaveAt { at } => self.leave_at(user, at),
            SwitchCommand::SetPersistentLeg { on } => self.set_persistent_leg(user, CallId(id.0), on),
            SwitchCommand::Stay => self.stay(user),
            SwitchCommand::Dial {
                typed,
                dialled,
                account_code,
            } => self.dial(user, CallId(id.0), typed, &dialled, account_code.as_ref()),
            SwitchCommand::SetAccountCode { call, account_code } => {
                self.own_call(user, call)?;
                self.set_account_code(user, call, account_code.as_ref())
            }
            SwitchCommand::HangUp { call } => {
                let (cx, known) = self.own_or_standing(user, call)?;
                if known.caller_waits() {
                    known.divert(cx, cause::local(CauseReason::Rejected), EndedBy::Portal);
                } else {
                    known.hang_up(cx, EndedBy::Portal);
                }
                Ok(Done::Call(call))
            }
            SwitchCommand::Accept { call } => {
                self.own_or_standing(user, call)?;
                if self.accept_move(user, call) {
                    return Ok(Done::Call(call));
                }
                let (cx, known) = self.own_or_standing(user, call)?;
                if matches!(known.phase, Phase::Waiting { .. } | Phase::Held { .. })
                    || known.ties.room.is_some()
                {
                    self.turn_to(user, call)?;
                } else {
                    known.accept(cx)?;
                }
                Ok(Done::Call(call))
            }
            SwitchCommand::Reject { call } => {
                let (cx, known) = self.own_call(user, call)?;
                if !known.caller_waits() {
                    return Err(Refusal::WrongState);
                }
                known.divert(cx, cause::local(CauseReason::Rejected), EndedBy::Portal);
                Ok(Done::Call(call))
            }
            SwitchCommand::Verify { dialled, code } => self.verify(user, CallId(id.0), &dialled, code),
            SwitchCommand::LogOn { device } => {
                self.check_log_on(user, &device)?;
                self.log_on(user, &device);
                Ok(Done::Mode)
            }
            SwitchCommand::LogOff => {
                self.known_user(user)?;
                if !self.store_writable && self.devices.of(user).is_some() {
                    return Err(Refusal::StoreUnavailable);
                }
                self.log_off(user);
                Ok(Done::Mode)
            }
            SwitchCommand::Hold { call } => {
                self.own_call(user, call)?;
                self.hold(user, call)
            }
            SwitchCommand::Retrieve { call } => {
                self.own_call(user, call)?;
                self.retrieve(user, call)
            }
            SwitchCommand::Transfer { call, to } => {
                self.own_call(user, call)?;
                self.transfer(user, call, CallId(id.0), to)
            }
            SwitchCommand::TransferTo { call, with } => {
                self.own_call(user, call)?;
                self.own_call(user, with)?;
                self.transfer_to(user, call, with)
            }
            SwitchCommand::Move { call, to } => {
                self.own_call(user, call)?;
                self.move_call(user, call, to)
            }
            SwitchCommand::StopMove { call } => {
                self.own_call(user, call)?;
                self.stop_move(user, call)
            }
            SwitchCommand::Merge { call, with } => {
                self.own_call(user, call)?;
                self.own_call(user, with)?;
                self.merge(user, call, with)
            }
            SwitchCommand::LeaveConference { call } => {
                self.own_call(user, call)?;
                self.leave_conference(user, call)
            }
            SwitchCommand::EndConference { call } => {
                self.own_call(user, call)?;
                self.end_conference(user, call)
            }
            SwitchCommand::MuteMember { call, muted } => {
                self.own_call(user, call)?;
                self.mute_member(call, muted)
            }
            SwitchCommand::MuteMembers { call, muted } => {
                self.own_call(user, call)?;
                self.mute_members(user, call, muted)
            }
            SwitchCommand::Mute { call, muted } => {
                self.own_call(user, call)?;
                self.mute(user, call, muted)
            }
            SwitchCommand::Park { call } => {
                self.own_call(user, call)?;
                self.park(user, call)
            }
            SwitchCommand::Record { call, on } => {
                self.own_call(user, call)?;
                self.record(user, call, MessageId(id.0), on)
            }
            SwitchCommand::Fetch { slot } => self.fetch(user, slot, CallId(id.0)),
            SwitchCommand::PickUp { extension } => self.pick_up(user, &extension, CallId(id.0)),
            SwitchCommand::SendDtmf { call, digits } => {
                self.own_call(user, call)?;
                check_digits(&digits.0)?;
                let leg = self.hearing_far(call).ok_or(Refusal::WrongState)?;
                self.cx.push(Effect::SendDtmf { leg, digits });
                Ok(Done::Call(call))
            }
        }
    }

    fn enter(&mut self, id: &UserId, destination: SwitchDestination) -> Result<Done, Refusal> {
        let user = self.known_user(id)?;
        if !user.config.profile.telecommuter_allowed {
            return Err(Refusal::NotPermitted);
        }
        let (destination, class) = match destination {
            SwitchDestination::Number {
                dialled,
                label,
                confirm,
            } => {
                let number = dial::check_destination(user, &dialled)?;
                let class = match dialled {
                    Dialled::External { class, .. } => class,
                    _ => NumberClass::Other,
                };
                let confirm = confirm.unwrap_or(class == NumberClass::Mobile);
                let destination = Destination::Number {
                    number,
                    label,
                    confirm,
                };
                (destination, class)
            }
            SwitchDestination::Browser if user.config.profile.browser_allowed => {
                (Destination::Browser, NumberClass::Other)
            }
            SwitchDestination::Browser | SwitchDestination::Desk => return Err(Refusal::Unsupported),
        };
        let since = match user.mode {
            Mode::Telecommuting { since, .. } => since,
            Mode::Office | Mode::Unknown => self.cx.now,
        };
        let mode = Mode::Telecommuting {
            destination,
            since,
            until: None,
        };
        self.change_mode(id, mode, class)
    }

    fn leave(&mut self, id: &UserId) -> Result<Done, Refusal> {
        self.known_user(id)?;
        self.change_mode(id, Mode::Office, NumberClass::Other)
    }

    pub(crate) fn change_mode(
        &mut self,
        id: &UserId,
        mode: Mode,
        class: NumberClass,
    ) -> Result<Done, Refusal> {
        if self.known_user(id)?.mode != mode && !self.store_writable {
            // A mode that cannot be kept would send the user's calls to the old place after a restart.
            return Err(Refusal::StoreUnavailable);
        }
        self.set_mode(id, mode, class);
        Ok(Done::Mode)
    }

    /// Stores the mode and who is logged on where, then shows it; a mode that is the same already is left alone.
    pub(crate) fn set_mode(&mut self, id: &UserId, mode: Mode, class: NumberClass) {
        let Some(user) = self.users.get_mut(id) else {
            return;
        };
        user.destination_class = class;
        user.leaves_after_call = false;
        if user.mode == mode {
            return;
        }
        let enters = matches!(mode, Mode::Telecommuting { .. });
        let was_away = matches!(user.mode, Mode::Telecommuting { .. });
        let moves = destination_of(&user.mode) != destination_of(&mode);
        user.mode = mode.clone();
        user.desk_used = None;
        self.schedule_leave(id);
        if enters
            && let Some(device) = self.log_off(id)
            && let Some(user) = self.users.get_mut(id)
        {
            user.telephone_left = Some(device);
        }
        self.cx.push(Effect::SaveMode {
            user: id.clone(),
            mode: mode.clone(),
        });
        if was_away && !enters {
            self.give_telephone_back(id);
        }
        self.cx.push(Effect::Notify {
            user: id.clone(),
            body: EventBody::ModeChanged { mode },
        });
        if !enters {
            self.release_standing(id, EndedBy::System);
        } else if moves {
            self.move_standing(id);
        }
    }

    pub(crate) fn dial(
        &mut self,
        id: &UserId,
        new: CallId,
        typed: DialString,
        dialled: &Dialled,
        account_code: Option<&AccountCode>,
    ) -> Result<Done, Refusal> {
        let now = self.cx.now;
        let waits = |call| {
            let call: Option<&Call> = self.calls.get(&call);
            call.is_some_and(|call| matches!(call.phase, Phase::FarFailed(_)))
        };
        let user = self.known_user(id)?;
        let line = user.line.clone();
        let at_ear = line.as_ref().and_then(|line| self.second_line(line));
        let failed = line.map(|line| line.active).filter(|call| waits(*call));
        // The leg of a desk telephone is there whatever mode the user is in.
        let at_desk = at_ear
            .or(failed)
            .and_then(|call| self.calls.get(&call))
            .is_some_and(|call| matches!(call.setup.near, Near::Device { .. }));
        if !at_desk {
            dial::check_user(user)?;
        }
        let waiting = if at_ear.is_some() {
            None
        } else {
            dial::check_line(user, waits)?
        };
        let far = self.far_of(id, dialled)?;
        let known = waiting.and_then(|call| self.calls.get(&call));
        let kept = known.and_then(|call| call.account_code.as_ref());
        let booked = self.book(id, &far, account_code, kept)?;
        if !at_desk && (at_ear.is_none() || self.stands_idle(id)) {
            dial::check_telephone(self.known_user(id)?)?;
        }
        self.check_caps(id)?;
        let user = self.users.get_mut(id).ok_or(Refusal::UnknownUser)?;
        if !self.store_writable {
            return Err(Refusal::StoreUnavailable);
        }
        // A call back to a number needs two legs; nobody's telephone rings for a call that cannot be completed.
        let (near, confirm) = match at_ear.or(waiting) {
            Some(_) => (Near::None, false),
            None => match user.telephone()? {
                UserTelephone::Number { number, confirm } => (Near::Number(number.clone()), confirm),
                UserTelephone::Browser => {
                    let extension = user.config.profile.extension.clone();
                    (Near::Browser { extension }, false)
                }
            },
        };
        let near_over_trunk = waiting.is_none() && matches!(near, Near::Number(_));
        let far_over_trunk = matches!(far, Far::Number(_));
        let legs = u32::from(near_over_trunk) + u32::from(far_over_trunk);
        if legs > 0 && !self.cx.trunks.any_up() {
            return Err(Refusal::NoTrunk);
        }
        if self.cx.trunks.capacity() < legs {
            return Err(Refusal::CapReached);
        }
        if let Some(call) = waiting {
            let known = self.calls.get_mut(&call).ok_or(Refusal::Internal)?;
            if !known.may_add_leg() {
                return Err(Refusal::CapReached);
            }
            user.count_dial(now);
            known.account_code = booked;
            known.dial_again(&mut self.cx, typed, far);
            return Ok(Done::Call(call));
        }
        if self.calls.contains_key(&new) {
            return Err(Refusal::DuplicateId);
        }
        if let (Near::Number(number), true) = (&near, confirm)
            && !user.may_attempt(number, now)
        {
            return Err(Refusal::Unconfirmed);
        }
        if at_ear.is_some() {
            user.count_dial(now);
            self.dial_second(id, new, typed, far, booked);
            return Ok(Done::Call(new));
        }
        let setup = Setup {
            id: new,
            user: id.clone(),
            direction: Direction::Outgoing,
            dialled: typed,
            near,
            far,
            caller_id: Some(user.config.profile.caller_id.clone()),
            confirm,
            user_no_answer_ms: user.config.user_no_answer_ms,
            voicemail: false,
            forwarded: crate::forward::Forwarded::default(),
            code: None,
        };
        if let (Near::Number(number), true) = (&setup.near, setup.confirm) {
            user.count_attempt(number, now);
        }
        user.count_dial(now);
        user.calls.push(new);
        user.line = Some(Line::of(new));
        let mut call = Call::new(&self.cx, setup, Phase::CallingUser);
        call.account_code = booked;
        call.call_user(&mut self.cx);
        self.calls.insert(new, call);
        Ok(Done::Call(new))
    }

    /// A call of this user; another's is as unknown as one that does not exist.
    fn own_call(
        &mut self,
        user: &UserId,
        call: CallId,
    ) -> Result<(&mut crate::context::Context, &mut Call), Refusal> {
        self.known_user(user)?;
        match self.calls.get_mut(&call) {
            Some(known) if known.setup.user == *user && known.is_shown() => Ok((&mut self.cx, known)),
            _ => Err(Refusal::UnknownCall),
        }
    }

    /// As [`Self::own_call`]; also the call whose leg stays up.
    fn own_or_standing(
        &mut self,
        user: &UserId,
        call: CallId,
    ) -> Result<(&mut crate::context::Context, &mut Call), Refusal> {
        if self.known_user(user)?.standing.call != Some(call) {
            return self.own_call(user, call);
        }
        let known = self.calls.get_mut(&call).ok_or(Refusal::UnknownCall)?;
        Ok((&mut self.cx, known))
    }
}

/// What an accepted command touched.
pub(crate) enum Done {
    Call(CallId),
    Mode,
    /// A call that portals are not shown.
    Unseen(CallId),
}

fn destination_of(mode: &Mode) -> Option<&Destination> {
    match mode {
        Mode::Telecommuting { destination, .. } => Some(destination),
        Mode::Office | Mode::Unknown => None,
    }
}

fn check_digits(digits: &str) -> Result<(), Refusal> {
    let valid = |b: u8| b.is_ascii_digit() || b"*#ABCD".contains(&b);
    if digits.is_empty() || digits.len() > DTMF_MAX || !digits.bytes().all(valid) {
        return Err(Refusal::Malformed {
            detail: "digits: 1 to 32 out of 0-9 * # A-D".to_owned(),
        });
    }
    Ok(())
}
