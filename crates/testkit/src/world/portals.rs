//! What people do: in a portal, and with a telephone in the hand.

use super::World;
use crate::phone::Act;
use crate::plan;
use ponte_call_core::{Effect, Event, LegId, SwitchCommand, SwitchDestination};
use ponte_protocol::{CallId, CommandId, LegRole, Outcome, UserId};

impl World {
    /// Gives a command to the switch now; its outcome.
    pub fn command(&mut self, user: &str, command: SwitchCommand) -> Outcome {
        self.commands += 1;
        let id = CommandId(uuid::Uuid::from_u128(self.commands));
        let user: UserId = user.parse().expect("a user's name");
        let before = self.trace.len();
        self.event(Event::Command { user, id, command });
        self.trace[before..]
            .iter()
            .find_map(|(_, effect)| match effect {
                Effect::Reply { reply, .. } if reply.id == id => Some(reply.outcome.clone()),
                _ => None,
            })
            .expect("a reply")
    }

    /// Enters telecommuter mode; confirmation as the kind of number has it.
    pub fn enter(&mut self, user: &str, number: &str) -> Outcome {
        self.enter_with(user, number, None)
    }

    pub fn enter_with(&mut self, user: &str, number: &str, confirm: Option<bool>) -> Outcome {
        let destination = SwitchDestination::Number {
            dialled: plan::read(number),
            label: None,
            confirm,
        };
        self.command(user, SwitchCommand::EnterTelecommuter { destination })
    }

    pub fn try_dial(&mut self, user: &str, number: &str) -> Outcome {
        self.try_dial_booked(user, number, None)
    }

    /// Dials with an account code.
    pub fn try_dial_booked(&mut self, user: &str, number: &str, code: Option<&str>) -> Outcome {
        let command = SwitchCommand::Dial {
            typed: number.parse().expect("a dial string"),
            dialled: plan::read(number),
            account_code: code.map(|code| code.parse().expect("an account code")),
        };
        self.command(user, command)
    }

    /// Dials, which must be accepted; the call.
    pub fn dial(&mut self, user: &str, number: &str) -> CallId {
        match self.try_dial(user, number) {
            Outcome::Accepted { call: Some(call) } => call,
            outcome => panic!("the dial was not accepted: {outcome:?}"),
        }
    }

    /// Books a call to an account code, or to none.
    pub fn book(&mut self, user: &str, call: CallId, code: Option<&str>) -> Outcome {
        let account_code = code.map(|code| code.parse().expect("an account code"));
        self.command(user, SwitchCommand::SetAccountCode { call, account_code })
    }

    pub fn hang_up(&mut self, user: &str, call: CallId) -> Outcome {
        self.command(user, SwitchCommand::HangUp { call })
    }

    pub fn accept(&mut self, user: &str, call: CallId) -> Outcome {
        self.command(user, SwitchCommand::Accept { call })
    }

    pub fn reject(&mut self, user: &str, call: CallId) -> Outcome {
        self.command(user, SwitchCommand::Reject { call })
    }

    pub fn leave(&mut self, user: &str) -> Outcome {
        self.command(user, SwitchCommand::LeaveTelecommuter)
    }

    pub fn log_on(&mut self, user: &str, device: &str) -> Outcome {
        let device = device.parse().expect("a telephone's name");
        self.command(user, SwitchCommand::LogOn { device })
    }

    /// Asks that one leg stays up, or no longer.
    pub fn stay(&mut self, user: &str, on: bool) -> Outcome {
        self.command(user, SwitchCommand::SetPersistentLeg { on })
    }

    /// The telephone does this now.
    pub fn phone_act(&mut self, leg: LegId, act: Act) {
        self.phone_does(leg, act);
    }

    /// The telephone of the call's latest leg of a role hangs up, now.
    pub fn phone_hangs_up(&mut self, call: CallId, role: LegRole) {
        let leg = self.latest_leg(call, role).expect("a leg");
        self.phone_does(leg, Act::HangUp { q850: None });
    }

    /// The telephone of this leg hangs up, now.
    pub fn leg_hangs_up(&mut self, leg: LegId) {
        self.phone_does(leg, Act::HangUp { q850: None });
    }

    /// A key is pressed on the telephone of this leg, now.
    pub fn leg_presses(&mut self, leg: LegId, key: char) {
        self.phone_does(leg, Act::Press(key));
    }

    /// A key is pressed on the call's latest leg of a role, now.
    pub fn phone_presses(&mut self, call: CallId, role: LegRole, key: char) {
        let leg = self.latest_leg(call, role).expect("a leg");
        self.phone_does(leg, Act::Press(key));
    }
}
