//! What must become of a command.

use super::{Call, Expected, Reference};
use ponte_call_core::{Dialled, NumberClass, SwitchCommand, SwitchDestination, UserConfig};
use ponte_protocol::{
    CallId, CommandId, Destination, E164, LegRole, Mode, Outcome, Refusal, UnixMillis, UserId,
};

const HOUR_MS: u64 = 3_600_000;
const DAY_MS: u64 = 24 * HOUR_MS;

impl Reference {
    pub(super) fn foretell_command(
        &mut self,
        now: UnixMillis,
        user: &UserId,
        id: CommandId,
        command: &SwitchCommand,
    ) -> Expected {
        let (result, expected) = match self.decide(now, user, id, command) {
            Ok((call, expected)) => (Outcome::Accepted { call }, expected),
            Err(refusal) => (Outcome::Refused { refusal }, Expected::default()),
        };
        self.outcome = Some((id, result));
        expected
    }

    fn decide(
        &mut self,
        now: UnixMillis,
        id: &UserId,
        command_id: CommandId,
        command: &SwitchCommand,
    ) -> Result<(Option<CallId>, Expected), Refusal> {
        let user = self
            .users
            .get(id)
            .filter(|user| !user.removed)
            .ok_or(Refusal::UnknownUser)?;
        let own = |call: &CallId| {
            self.calls
                .iter()
                .find(|known| known.id == *call && known.user == *id)
                .ok_or(Refusal::UnknownCall)
        };
        match command {
            // One call a user is all that the reference knows.
            SwitchCommand::Hold { .. }
            | SwitchCommand::Retrieve { .. }
            | SwitchCommand::Transfer { .. }
            | SwitchCommand::TransferTo { .. }
            | SwitchCommand::Move { .. }
            | SwitchCommand::StopMove { .. }
            | SwitchCommand::Merge { .. }
            | SwitchCommand::LeaveConference { .. }
            | SwitchCommand::EndConference { .. }
            | SwitchCommand::MuteMember { .. }
            | SwitchCommand::MuteMembers { .. }
            | SwitchCommand::Mute { .. }
            | SwitchCommand::SetAccountCode { .. }
            | SwitchCommand::Park { .. }
            | SwitchCommand::Record { .. }
            | SwitchCommand::Fetch { .. }
            | SwitchCommand::PickUp { .. }
            | SwitchCommand::Reject { .. }
            | SwitchCommand::LeaveAt { .. }
            | SwitchCommand::SetPersistentLeg { .. }
            | SwitchCommand::Stay
            | SwitchCommand::Verify { .. }
            | SwitchCommand::LogOn { .. }
            | SwitchCommand::LogOff => Err(Refusal::Unsupported),
            SwitchCommand::EnterTelecommuter { destination } => {
                if !user.config.profile.telecommuter_allowed {
                    return Err(Refusal::NotPermitted);
                }
                let SwitchDestination::Number { dialled, confirm, .. } = destination else {
                    return Err(Refusal::Unsupported);
                };
                let (number, class) = check_number(&user.config, dialled)?;
                let confirm = confirm.unwrap_or(class == NumberClass::Mobile);
                let same = matches!(&user.mode, Mode::Telecommuting { destination: Destination::Number { number: n, confirm: c, .. }, .. } if *n == number && *c == confirm);
                if !same && !self.writable {
                    return Err(Refusal::StoreUnavailable);
                }
                let user = self.users.get_mut(id).ok_or(Refusal::Internal)?;
                user.class = class;
                user.mode = Mode::Telecommuting {
                    destination: Destination::Number {
                        number,
                        label: None,
                        confirm,
                    },
                    since: now,
                    until: None,
                };
                Ok((None, Expected::default()))
            }
            SwitchCommand::LeaveTelecommuter => {
                if user.mode != Mode::Office && !self.writable {
                    return Err(Refusal::StoreUnavailable);
                }
                if let Some(user) = self.users.get_mut(id) {
                    user.mode = Mode::Office;
                }
                Ok((None, Expected::default()))
            }
            SwitchCommand::Dial { dialled, .. } => self.decide_dial(now, id, command_id, dialled),
            SwitchCommand::HangUp { call } => {
                own(call)?;
                Ok((Some(*call), self.close_all(now, *call)))
            }
            SwitchCommand::Accept { call } => match own(call)?.phase() {
                "calling user" | "ending" => Err(Refusal::WrongState),
                "confirming" => Ok((Some(*call), self.confirm(*call))),
                _ => Ok((Some(*call), Expected::default())),
            },
            SwitchCommand::SendDtmf { call, digits } => {
                let known = own(call)?;
                if digits.0.is_empty() || digits.0.len() > 32 {
                    return Err(Refusal::Malformed {
                        detail: "digits: 1 to 32 out of 0-9 * # A-D".to_owned(),
                    });
                }
                let heard = known
                    .active(LegRole::Far)
                    .is_some_and(|far| far.early_media || far.answered_at.is_some());
                if known.active(LegRole::User).is_none() || !heard {
                    return Err(Refusal::WrongState);
                }
                Ok((Some(*call), Expected::default()))
            }
        }
    }

    fn decide_dial(
        &mut self,
        now: UnixMillis,
        id: &UserId,
        command: CommandId,
        dialled: &Dialled,
    ) -> Result<(Option<CallId>, Expected), Refusal> {
        let user = &self.users[id];
        if !user.config.profile.telecommuter_allowed {
            return Err(Refusal::NotPermitted);
        }
        let Mode::Telecommuting {
            destination:
                Destination::Number {
                    number: home,
                    confirm,
                    ..
                },
            ..
        } = &user.mode
        else {
            return Err(Refusal::NotInTelecommuterMode);
        };
        let line = self
            .calls
            .iter()
            .find(|call| call.user == *id && call.holds_line());
        let again = match line {
            None => None,
            Some(call) if call.phase() == "far failed" => Some(call.id),
            Some(_) => return Err(Refusal::LineBusy),
        };
        check_number(&user.config, dialled)?;
        restricted(&user.config, home, user.class)?;
        let dials = user.dials.iter().filter(|at| now.since(**at) < HOUR_MS).count();
        let day_ago = UnixMillis(now.0.saturating_sub(DAY_MS));
        let talked: u64 = user
            .talks
            .iter()
            .map(|(from, to)| to.since((*from).max(day_ago)))
            .sum();
        let caps = user.config.caps;
        if dials >= caps.dials_per_hour as usize || talked >= u64::from(caps.minutes_per_day) * 60_000 {
            return Err(Refusal::CapReached);
        }
        if !self.writable {
            return Err(Refusal::StoreUnavailable);
        }
        if !self.any_trunk() {
            return Err(Refusal::NoTrunk);
        }
        let (confirm, user_patience_ms) = (*confirm, user.config.user_no_answer_ms);
        if let Some(user) = self.users.get_mut(id) {
            user.dials.push(now);
        }
        if let Some(call) = again {
            return Ok((Some(call), self.far_opens(call)));
        }
        let call = CallId(command.0);
        self.calls.push(Call {
            id: call,
            user: id.clone(),
            confirm,
            confirmed: false,
            user_patience_ms,
            legs: Vec::new(),
            connected_at: None,
            ending_at: None,
            failed_at: None,
            speaking: None,
            bridged: false,
            sounding: false,
            counted: false,
        });
        let opens = vec![(call, LegRole::User)];
        let closes = Vec::new();
        Ok((Some(call), Expected { opens, closes }))
    }
}

fn check_number(config: &UserConfig, dialled: &Dialled) -> Result<(E164, NumberClass), Refusal> {
    match dialled {
        Dialled::Emergency => Err(Refusal::EmergencyNumber),
        Dialled::Own { .. } => Err(Refusal::OwnNumber),
        Dialled::FeatureCode(_) | Dialled::Invalid => Err(Refusal::InvalidNumber),
        Dialled::External { number, class } => {
            restricted(config, number, *class)?;
            Ok((number.clone(), *class))
        }
    }
}

/// Country codes of two digits only, as the tests use them.
fn restricted(config: &UserConfig, number: &E164, class: NumberClass) -> Result<(), Refusal> {
    for rule in &config.restrictions {
        let broad = rule.prefix.len() <= "+39".len();
        if number.as_str().starts_with(&rule.prefix)
            && !(class == NumberClass::Premium && rule.allow && broad)
        {
            return if rule.allow {
                Ok(())
            } else {
                Err(Refusal::Restricted {
                    rule: rule.prefix.clone(),
                })
            };
        }
    }
    Err(Refusal::Restricted { rule: String::new() })
}
