//! Commands: checked, claimed in the ledger, carried out once, answered.

use super::{Driver, UserEntry};
use crate::admin::DESTINATIONS_MAX;
use crate::link::ToLink;
use crate::store::{Claim, Recordings, StoreError};
use futures_util::stream::FuturesOrdered;
use ponte_call_core::{Dialled, Event, NumberClass, Secret, SwitchCommand, SwitchDestination};
use ponte_protocol::{
    Command, CommandBody, CommandId, DestinationChoice, DestinationId, DialString, EventBody, Outcome,
    Refusal, Reply, SavedDestination, UserId,
};
use sha2::{Digest, Sha256};
use std::collections::{HashMap, VecDeque};
use std::future::Future;
use std::pin::Pin;

/// The edge tells a command's end by its own clock; this much the two clocks may differ, in milliseconds.
const CLOCK_TOLERANCE_MS: u64 = 5_000;
/// Claims on their way; more are refused.
const CLAIMS_MAX: usize = 10_000;

/// A command and what the store says of its id.
pub(super) struct Claimed {
    pub user: UserId,
    pub command: Command,
    pub claim: Result<Claim, StoreError>,
}

/// The newest replies, which the store may not have yet.
#[derive(Debug, Default)]
pub(super) struct Answered {
    replies: HashMap<CommandId, Reply>,
    order: VecDeque<CommandId>,
}

impl Answered {
    /// More than there can be claims on their way.
    const MAX: usize = CLAIMS_MAX + 1;

    fn keep(&mut self, reply: &Reply) {
        if self.order.len() == Self::MAX
            && let Some(oldest) = self.order.pop_front()
        {
            self.replies.remove(&oldest);
        }
        if self.replies.insert(reply.id, reply.clone()).is_none() {
            self.order.push_back(reply.id);
        }
    }

    fn get(&self, id: CommandId) -> Option<Reply> {
        self.replies.get(&id).cloned()
    }
}

/// Claims on their way to the store, in the order of the commands.
pub(super) type Ledger = FuturesOrdered<Pin<Box<dyn Future<Output = Claimed> + Send>>>;

impl Driver {
    /// A command came over the link.
    pub(super) fn command(&mut self, user: UserId, command: Command) {
        metrics::counter!("ponte_commands_total").increment(1);
        let now = self.clock.now();
        let refusal = if let Err(refusal) = command.body.validate() {
            Some(refusal)
        } else if now > command.expires_at.plus(CLOCK_TOLERANCE_MS) {
            Some(Refusal::Expired)
        } else if !self.users.contains_key(&user) {
            Some(Refusal::UnknownUser)
        } else if self.ledger.len() >= CLAIMS_MAX {
            Some(Refusal::TooFast {
                retry_after_ms: 1_000,
            })
        } else {
            None
        };
        if let Some(refusal) = refusal {
            return self.answer(&user, Reply::refused(command.id, refusal));
        }
        match command.body {
            CommandBody::FetchLog { before, limit } => {
                return self.fetch_log(user, command.id, before, limit);
            }
            CommandBody::FetchMessages { before, limit } => {
                return self.fetch_messages(user, command.id, before, limit);
            }
            CommandBody::FindAccountCodes { find } => {
                return self.find_account_codes(&user, command.id, &find);
            }
            CommandBody::Explain { number } => return self.explain(&user, command.id, &number),
            CommandBody::FetchContacts { after, limit } => {
                return self.fetch_contacts(user, command.id, after, limit);
            }
            CommandBody::ReadContacts {
                import,
                part,
                last,
                text,
            } => return self.read_contacts(&user, command.id, import, (part, last), &text),
            CommandBody::ExportContacts { format, after } => {
                return self.export_contacts(user, command.id, format, after);
            }
            CommandBody::SearchExternal { find } => return self.search_external(user, command.id, find),
            CommandBody::AdminQuery { query } => return self.admin_query(&user, command.id, query),
            _ => {}
        }
        let digest = digest(&command.body);
        let claim = self.store.claim_command(user.clone(), command.id, digest, now);
        self.ledger.push_back(Box::pin(async move {
            Claimed {
                user,
                command,
                claim: claim.await,
            }
        }));
    }

    /// The store has said whether the command is new.
    pub(super) fn claimed(&mut self, claimed: Claimed) {
        let Claimed { user, command, claim } = claimed;
        match claim {
            Ok(Claim::New) => self.carry_out(user, command),
            Ok(Claim::Known { reply: Some(reply) }) => self.send_reply(&user, reply),
            Ok(Claim::Known { reply: None }) => {
                // The reply is on its way to the store, or it never was given: the gateway that claimed the command
                // stopped, and now is too late.
                let reply = self.answered.get(command.id);
                let reply = reply.unwrap_or_else(|| Reply::refused(command.id, Refusal::Expired));
                self.send_reply(&user, reply);
            }
            Ok(Claim::OtherContent) => {
                self.send_reply(&user, Reply::refused(command.id, Refusal::DuplicateId));
            }
            Err(error) => {
                tracing::error!(%error, "a command could not be claimed");
                self.without_ledger(user, command);
            }
        }
    }

    /// The store cannot be written. What costs nothing and takes nothing up goes on; the rest is refused.
    fn without_ledger(&mut self, user: UserId, command: Command) {
        match command.body {
            CommandBody::HangUp { .. }
            | CommandBody::Accept { .. }
            | CommandBody::Reject { .. }
            | CommandBody::Hold { .. }
            | CommandBody::Retrieve { .. }
            | CommandBody::TransferTo { .. }
            | CommandBody::StopMove { .. }
            | CommandBody::Merge { .. }
            | CommandBody::LeaveConference { .. }
            | CommandBody::EndConference { .. }
            | CommandBody::MuteMember { .. }
            | CommandBody::MuteMembers { .. }
            | CommandBody::Mute { .. }
            | CommandBody::SetPersistentLeg { on: false }
            | CommandBody::SendDtmf { .. } => {
                self.carry_out(user, command);
            }
            _ => self.send_reply(&user, Reply::refused(command.id, Refusal::StoreUnavailable)),
        }
    }

    fn carry_out(&mut self, user: UserId, command: Command) {
        let id = command.id;
        let switch_command = match command.body {
            CommandBody::EnterTelecommuter { destination } => match self.destination(&user, destination) {
                Ok(destination) => SwitchCommand::EnterTelecommuter { destination },
                Err(refusal) => return self.answer(&user, Reply::refused(id, refusal)),
            },
            CommandBody::LeaveTelecommuter => SwitchCommand::LeaveTelecommuter,
            CommandBody::Dial { number, account_code } => {
                // What is keyed at a telephone may be pasted into the portal.
                let (typed, dialled, before) = self.plan.read_booked(number);
                SwitchCommand::Dial {
                    typed,
                    dialled,
                    account_code: account_code.or(before),
                }
            }
            CommandBody::SetAccountCode { call, account_code } => {
                return self.set_account_code(user, id, call, account_code);
            }
            CommandBody::HangUp { call } => SwitchCommand::HangUp { call },
            CommandBody::Accept { call } => SwitchCommand::Accept { call },
            CommandBody::SendDtmf { call, digits } => SwitchCommand::SendDtmf {
                call,
                digits: Secret(digits),
            },
            CommandBody::SaveDestination {
                label,
                number,
                confirm,
            } => {
                let outcome = self.save_destination(&user, id.0, label.trim(), &number, confirm);
                return self.answer(&user, Reply { id, outcome });
            }
            CommandBody::DeleteDestination { destination } => {
                let outcome = self.delete_destination(&user, destination);
                return self.answer(&user, Reply { id, outcome });
            }
            CommandBody::Reject { call } => SwitchCommand::Reject { call },
            CommandBody::Hold { call } => SwitchCommand::Hold { call },
            CommandBody::Retrieve { call } => SwitchCommand::Retrieve { call },
            CommandBody::Transfer { call, to } => match self.transfer_target(to) {
                Ok(to) => SwitchCommand::Transfer { call, to },
                Err(refusal) => return self.answer(&user, Reply::refused(id, refusal)),
            },
            CommandBody::TransferTo { call, with } => SwitchCommand::TransferTo { call, with },
            CommandBody::Move { call, to } => match self.destination(&user, to) {
                Ok(to) => SwitchCommand::Move { call, to },
                Err(refusal) => return self.answer(&user, Reply::refused(id, refusal)),
            },
            CommandBody::StopMove { call } => SwitchCommand::StopMove { call },
            CommandBody::Merge { call, with } => SwitchCommand::Merge { call, with },
            CommandBody::LeaveConference { call } => SwitchCommand::LeaveConference { call },
            CommandBody::EndConference { call } => SwitchCommand::EndConference { call },
            CommandBody::MuteMember { call, muted } => SwitchCommand::MuteMember { call, muted },
            CommandBody::MuteMembers { call, muted } => SwitchCommand::MuteMembers { call, muted },
            CommandBody::Mute { call, muted } => SwitchCommand::Mute { call, muted },
            CommandBody::Park { call } => SwitchCommand::Park { call },
            CommandBody::Record { call, on } => {
                if on && !self.has_room(&user) {
                    return self.answer(&user, Reply::refused(id, Refusal::CapReached));
                }
                SwitchCommand::Record { call, on }
            }
            CommandBody::Fetch { slot } => SwitchCommand::Fetch { slot },
            CommandBody::PickUp { extension } => SwitchCommand::PickUp { extension },
            CommandBody::LogOn { device } => SwitchCommand::LogOn { device },
            CommandBody::LogOff => SwitchCommand::LogOff,
            CommandBody::Stay => SwitchCommand::Stay,
            CommandBody::VerifyDestination { destination } => {
                return self.verify_destination(user, id, destination);
            }
            CommandBody::ConfirmDestination { destination, code } => {
                return self.confirm_destination(&user, id, destination, &code);
            }
            CommandBody::SetPresence {
                availability,
                status,
                status_until,
            } => {
                let outcome = self.set_presence(&user, availability, &status, status_until);
                return self.answer(&user, Reply { id, outcome });
            }
            CommandBody::SetCallSettings { settings } => {
                let outcome = self.set_call_settings(&user, settings);
                return self.answer(&user, Reply { id, outcome });
            }
            CommandBody::SetCallRules { rules } => {
                let outcome = self.set_call_rules(&user, rules);
                return self.answer(&user, Reply { id, outcome });
            }
            CommandBody::SaveProfile { profile } => {
                let outcome = self.save_profile(&user, *profile);
                return self.answer(&user, Reply { id, outcome });
            }
            CommandBody::DeleteProfile { name } => {
                let outcome = self.delete_profile(&user, &name);
                return self.answer(&user, Reply { id, outcome });
            }
            CommandBody::SetSchedule { schedule } => {
                let outcome = self.set_schedule(&user, schedule);
                return self.answer(&user, Reply { id, outcome });
            }
            CommandBody::SwitchProfile { name } => return self.switch_profile(&user, id, &name),
            CommandBody::LeaveAt { at } => SwitchCommand::LeaveAt { at },
            CommandBody::SetPersistentLeg { on } => SwitchCommand::SetPersistentLeg { on },
            CommandBody::MarkMessage { message, heard } => {
                let written = self.store.mark_message(user.clone(), message, heard);
                return self.change_message(&user, id, written);
            }
            CommandBody::DeleteMessage { message } => {
                let now = self.clock.now();
                let written = self.store.delete_message(user.clone(), message, now);
                return self.change_message(&user, id, written);
            }
            CommandBody::RestoreMessage { message } => {
                let written = self.store.restore_message(user.clone(), message);
                return self.change_message(&user, id, written);
            }
            CommandBody::RemoveOwnSound { sound } => {
                return self.change_own_sound(&user, id, sound, Recordings::remove_own);
            }
            CommandBody::RestoreOwnSound { sound } => {
                return self.change_own_sound(&user, id, sound, Recordings::restore_own);
            }
            CommandBody::SaveContact { contact } => return self.save_contact(user, id, *contact),
            CommandBody::DeleteContact { contact } => return self.delete_contact(user, id, contact),
            CommandBody::ImportContacts { import } => return self.import_contacts(user, id, import),
            CommandBody::AdminChange { change } => return self.admin_change(&user, id, change),
            CommandBody::FetchLog { .. }
            | CommandBody::FindAccountCodes { .. }
            | CommandBody::FetchMessages { .. }
            | CommandBody::FetchContacts { .. }
            | CommandBody::ReadContacts { .. }
            | CommandBody::ExportContacts { .. }
            | CommandBody::SearchExternal { .. }
            | CommandBody::Explain { .. }
            | CommandBody::AdminQuery { .. }
            | CommandBody::Unknown => {
                return self.answer(&user, Reply::refused(id, Refusal::Unsupported));
            }
        };
        self.tell(Event::Command {
            user,
            id,
            command: switch_command,
        });
    }

    pub(super) fn destination(
        &self,
        user: &UserId,
        choice: DestinationChoice,
    ) -> Result<SwitchDestination, Refusal> {
        match choice {
            DestinationChoice::Saved { destination } => {
                let saved = self
                    .users
                    .get(user)
                    .and_then(|entry| entry.destinations.iter().find(|saved| saved.id == destination))
                    .ok_or(Refusal::UnknownDestination)?;
                if self.config.telecommuting.verify_destinations && !saved.verified {
                    return Err(Refusal::NotVerified);
                }
                let number: DialString = saved
                    .number
                    .as_str()
                    .parse()
                    .map_err(|_| Refusal::InvalidNumber)?;
                Ok(SwitchDestination::Number {
                    dialled: self.plan.read(&number),
                    label: Some(saved.label.clone()),
                    confirm: Some(saved.confirm),
                })
            }
            DestinationChoice::Number { number, confirm } => {
                let dialled = self.plan.read(&number);
                // What may not be called at all is refused for that reason, by the switch.
                if let Dialled::External { number, .. } = &dialled
                    && self.switch.check_destination(user, &dialled).is_ok()
                    && !self.is_proven(user, number)
                {
                    return Err(Refusal::NotVerified);
                }
                Ok(SwitchDestination::Number {
                    dialled,
                    label: None,
                    confirm: confirm.or_else(|| self.users.get(user).and_then(|entry| entry.row.confirm)),
                })
            }
            DestinationChoice::Browser => Ok(SwitchDestination::Browser),
            DestinationChoice::Desk => Ok(SwitchDestination::Desk),
            DestinationChoice::Unknown => Err(Refusal::Unsupported),
        }
    }

    fn save_destination(
        &mut self,
        user: &UserId,
        id: uuid::Uuid,
        label: &str,
        number: &DialString,
        confirm: Option<bool>,
    ) -> Outcome {
        let dialled = self.plan.read(number);
        let refused = |refusal| Outcome::Refused { refusal };
        if let Err(refusal) = self.switch.check_destination(user, &dialled) {
            return refused(refusal);
        }
        let Dialled::External { number, class } = dialled else {
            return refused(Refusal::InvalidNumber);
        };
        let proven = self.is_proven(user, &number);
        let Some(entry) = self.users.get_mut(user) else {
            return refused(Refusal::UnknownUser);
        };
        if entry.destinations.len() >= DESTINATIONS_MAX {
            return refused(Refusal::CapReached);
        }
        let confirm = confirm
            .or(entry.row.confirm)
            .unwrap_or(class == NumberClass::Mobile);
        let saved = SavedDestination {
            id: DestinationId(id),
            label: label.to_owned(),
            number,
            confirm,
            verified: proven,
        };
        entry.destinations.push(saved.clone());
        drop(self.store.save_destination(user.clone(), saved));
        self.notify_destinations(user);
        Outcome::Accepted { call: None }
    }

    fn delete_destination(&mut self, user: &UserId, destination: DestinationId) -> Outcome {
        let entry = self.users.get_mut(user);
        let place = entry.and_then(|entry| {
            let place = entry
                .destinations
                .iter()
                .position(|saved| saved.id == destination)?;
            Some(entry.destinations.remove(place))
        });
        if place.is_none() {
            return Outcome::Refused {
                refusal: Refusal::UnknownDestination,
            };
        }
        drop(self.store.delete_destination(user.clone(), destination));
        self.notify_destinations(user);
        Outcome::Accepted { call: None }
    }

    fn notify_destinations(&mut self, user: &UserId) {
        let destinations = self
            .users
            .get(user)
            .map(|entry: &UserEntry| entry.destinations.clone());
        if let Some(destinations) = destinations {
            self.send_event(user.clone(), EventBody::DestinationsChanged { destinations });
        }
    }

    /// The rules as call control reads them; nothing is kept of the question.
    fn explain(&mut self, user: &UserId, id: CommandId, number: &DialString) {
        let Some(entry) = self.users.get(user) else { return };
        let dialled = self.plan.read(number);
        let explanation = crate::numbers::explain(&entry.row, &self.config.site, &dialled, self.clock.now());
        let outcome = Outcome::Explained(explanation);
        self.send_reply(user, Reply { id, outcome });
    }

    fn fetch_log(&self, user: UserId, id: CommandId, before: Option<ponte_protocol::UnixMillis>, limit: u16) {
        let (store, link) = (self.store.clone(), self.link.clone());
        tokio::spawn(async move {
            let outcome = match store.records(&user, before, limit).await {
                Ok(page) => Outcome::Log(page),
                Err(error) => {
                    tracing::error!(%error, "the call log could not be read");
                    Outcome::Refused {
                        refusal: Refusal::StoreUnavailable,
                    }
                }
            };
            if let Some(link) = link {
                link.send(ToLink::Reply {
                    user,
                    reply: Reply { id, outcome },
                });
            }
        });
    }

    /// Answers a command for good: the same id is answered the same from now on.
    pub(super) fn answer(&mut self, user: &UserId, reply: Reply) {
        if self.timetable.answered(user, &reply) {
            return;
        }
        self.answer_once(user, reply.clone(), reply);
    }

    /// Answers a command, and whoever sends it again with what is `kept`.
    pub(super) fn answer_once(&mut self, user: &UserId, reply: Reply, kept: Reply) {
        self.answered.keep(&kept);
        drop(self.store.store_reply(kept));
        self.send_reply(user, reply);
    }

    pub(super) fn send_reply(&mut self, user: &UserId, reply: Reply) {
        let Some(reply) = self.writes.hold_reply(user, reply) else {
            return;
        };
        if let Outcome::Refused { refusal } = &reply.outcome {
            metrics::counter!("ponte_commands_refused_total").increment(1);
            tracing::info!(%user, command = %reply.id, %refusal, "a command was refused");
        }
        if let Some(link) = &self.link {
            link.send(ToLink::Reply {
                user: user.clone(),
                reply,
            });
        }
    }
}

/// What tells two commands with one id apart.
fn digest(body: &CommandBody) -> [u8; 32] {
    let json = serde_json::to_vec(body).unwrap_or_default();
    Sha256::digest(json).into()
}
