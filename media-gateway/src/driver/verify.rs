//! The proof that a number is the user's (rule T2): a call speaks a code, and the portal gives it back.

use super::Driver;
use super::work::Done;
use crate::store::{CODE_LIFETIME_MS, CodeOutcome, StoreError, code_hash};
use ponte_call_core::{Dialled, Event, Secret, SwitchCommand};
use ponte_protocol::command::VERIFICATION_DIGITS;
use ponte_protocol::{
    CommandId, DestinationId, DialString, E164, EventBody, Outcome, Refusal, Reply, UserId,
};
use rand::Rng;

impl Driver {
    /// Whether the user may be called at the number: it was proven, or the administrator asks for no proof.
    pub(super) fn is_proven(&self, user: &UserId, number: &E164) -> bool {
        !self.config.telecommuting.verify_destinations
            || self.users.get(user).is_some_and(|entry| {
                entry
                    .destinations
                    .iter()
                    .any(|saved| saved.verified && saved.number == *number)
            })
    }

    /// Makes a code and calls the number once the code is kept.
    pub(super) fn verify_destination(&mut self, user: UserId, id: CommandId, destination: DestinationId) {
        let number = self.users.get(&user).and_then(|entry| {
            let saved = entry.destinations.iter().find(|saved| saved.id == destination)?;
            saved.number.as_str().parse::<DialString>().ok()
        });
        let Some(number) = number else {
            return self.answer(&user, Reply::refused(id, Refusal::UnknownDestination));
        };
        let dialled = self.plan.read(&number);
        // Each digit out of ten, by the system's generator.
        let mut random = rand::rng();
        let code: Vec<u8> = (0..VERIFICATION_DIGITS)
            .map(|_| random.random_range(0..10))
            .collect();
        let text: String = code.iter().map(|digit| char::from(b'0' + digit)).collect();
        let expires_at = self.clock.now().plus(CODE_LIFETIME_MS);
        let hash = code_hash(destination, &text);
        let written = self.store.save_code(user.clone(), destination, hash, expires_at);
        self.work.push(async move {
            Done::CodeSaved {
                found: written.await,
                user,
                id,
                dialled,
                code,
            }
        });
    }

    pub(super) fn code_saved(
        &mut self,
        user: UserId,
        id: CommandId,
        dialled: Dialled,
        code: Vec<u8>,
        found: Result<bool, StoreError>,
    ) {
        match found {
            Ok(true) => {
                let command = SwitchCommand::Verify {
                    dialled,
                    code: Secret(code),
                };
                self.tell(Event::Command { user, id, command });
            }
            Ok(false) => self.answer(&user, Reply::refused(id, Refusal::UnknownDestination)),
            Err(error) => {
                tracing::error!(%user, %error, "a verification code could not be kept");
                self.answer(&user, Reply::refused(id, Refusal::StoreUnavailable));
            }
        }
    }

    /// Tries the code that the user heard.
    pub(super) fn confirm_destination(
        &mut self,
        user: &UserId,
        id: CommandId,
        destination: DestinationId,
        code: &str,
    ) {
        let user = user.clone();
        let hash = code_hash(destination, code);
        let written = self
            .store
            .try_code(user.clone(), destination, hash, self.clock.now());
        self.work.push(async move {
            Done::CodeTried {
                outcome: written.await,
                user,
                id,
                destination,
            }
        });
    }

    pub(super) fn code_tried(
        &mut self,
        user: &UserId,
        id: CommandId,
        destination: DestinationId,
        outcome: Result<CodeOutcome, StoreError>,
    ) {
        let refusal = match outcome {
            Ok(CodeOutcome::Verified) => {
                self.destination_verified(user, destination);
                self.tell(Event::NumberVerified { user: user.clone() });
                None
            }
            Ok(CodeOutcome::Wrong { tries_left }) => Some(Refusal::WrongCode { tries_left }),
            Ok(CodeOutcome::NoCode) => Some(Refusal::NoCode),
            Ok(CodeOutcome::UnknownDestination) => Some(Refusal::UnknownDestination),
            Err(error) => {
                tracing::error!(%user, %error, "a verification code could not be tried");
                Some(Refusal::StoreUnavailable)
            }
        };
        let outcome = refusal.map_or(Outcome::Accepted { call: None }, |refusal| Outcome::Refused {
            refusal,
        });
        self.answer(user, Reply { id, outcome });
    }

    fn destination_verified(&mut self, user: &UserId, destination: DestinationId) {
        let Some(entry) = self.users.get_mut(user) else {
            return;
        };
        for saved in &mut entry.destinations {
            saved.verified |= saved.id == destination;
        }
        let destinations = entry.destinations.clone();
        self.send_event(user.clone(), EventBody::DestinationsChanged { destinations });
        self.configure_user(user);
    }
}
