//! Proving that a saved number is the user's: a call that speaks a code, and the code typed here (rule T2).

use ponte_protocol::{CommandBody, DestinationId, Refusal, SavedDestination};

/// How far a proof has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stage {
    /// The number is being saved.
    Saving,
    /// To be called.
    Ready,
    /// The call was asked for; the code it speaks is awaited.
    Called,
    /// The code was not the one spoken.
    WrongCode { tries_left: u8 },
    /// There is no code any more: expired, or tried too often.
    NoCode,
    /// The call was refused.
    Refused(Refusal),
}

/// What became of a proof by what the gateway tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    Open,
    Proven,
    /// The number is no longer kept.
    Gone,
}

/// One proof.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verification {
    pub destination: DestinationId,
    /// Whether calls are to go to the number as soon as it is proven.
    pub enter: bool,
    pub stage: Stage,
}

impl Verification {
    /// Of a number that is being saved by a command with the destination's identifier.
    pub fn saving(destination: DestinationId, enter: bool) -> Self {
        Self {
            destination,
            enter,
            stage: Stage::Saving,
        }
    }

    /// Of a number that is saved already.
    pub fn of(destination: DestinationId) -> Self {
        Self {
            destination,
            enter: false,
            stage: Stage::Ready,
        }
    }

    /// Whether a code can be typed.
    pub fn takes_code(&self) -> bool {
        !matches!(self.stage, Stage::Saving | Stage::NoCode)
    }

    /// Takes the answer to a command about this number; `refusal` is `None` where it was accepted.
    pub fn answer(&mut self, body: &CommandBody, refusal: Option<&Refusal>) {
        let stage = match (body, refusal) {
            (CommandBody::VerifyDestination { destination }, refusal) if *destination == self.destination => {
                refusal.map_or(Stage::Called, |refusal| Stage::Refused(refusal.clone()))
            }
            (CommandBody::ConfirmDestination { destination, .. }, Some(refusal))
                if *destination == self.destination =>
            {
                match refusal {
                    Refusal::WrongCode { tries_left: 0 } | Refusal::NoCode => Stage::NoCode,
                    Refusal::WrongCode { tries_left } => Stage::WrongCode {
                        tries_left: *tries_left,
                    },
                    // A fault on the way says nothing of the code.
                    _ => return,
                }
            }
            _ => return,
        };
        self.stage = stage;
    }

    /// Takes what the gateway tells of the saved numbers.
    pub fn hear(&mut self, destinations: &[SavedDestination]) -> Progress {
        match destinations.iter().find(|saved| saved.id == self.destination) {
            Some(saved) if saved.verified => Progress::Proven,
            Some(_) => {
                if self.stage == Stage::Saving {
                    self.stage = Stage::Ready;
                }
                Progress::Open
            }
            None if self.stage == Stage::Saving => Progress::Open,
            None => Progress::Gone,
        }
    }
}

/// The digits of a code as it was typed or pasted, e.g. `123 456` or `Your code: 123456`; at most six.
pub fn code_digits(typed: &str) -> String {
    typed
        .chars()
        .filter(char::is_ascii_digit)
        .take(ponte_protocol::command::VERIFICATION_DIGITS)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn id(n: u128) -> DestinationId {
        DestinationId(Uuid::from_u128(n))
    }

    fn saved(n: u128, verified: bool) -> SavedDestination {
        SavedDestination {
            id: id(n),
            label: "Home".into(),
            number: "+390212345601".parse().unwrap(),
            confirm: false,
            verified,
        }
    }

    fn confirm(n: u128) -> CommandBody {
        CommandBody::ConfirmDestination {
            destination: id(n),
            code: "123456".into(),
        }
    }

    #[test]
    fn t02_a_number_is_saved_called_and_proven_by_its_code() {
        let mut proof = Verification::saving(id(1), true);
        assert!(!proof.takes_code());
        assert_eq!(proof.hear(&[]), Progress::Open);
        assert_eq!(proof.hear(&[saved(1, false)]), Progress::Open);
        assert_eq!(proof.stage, Stage::Ready);
        proof.answer(&CommandBody::VerifyDestination { destination: id(1) }, None);
        assert_eq!(proof.stage, Stage::Called);
        proof.answer(&confirm(1), Some(&Refusal::WrongCode { tries_left: 4 }));
        assert_eq!(proof.stage, Stage::WrongCode { tries_left: 4 });
        proof.answer(&confirm(1), Some(&Refusal::Expired));
        assert_eq!(proof.stage, Stage::WrongCode { tries_left: 4 });
        assert!(proof.takes_code());
        proof.answer(&confirm(1), None);
        assert_eq!(proof.hear(&[saved(1, false)]), Progress::Open);
        assert_eq!(proof.hear(&[saved(1, true)]), Progress::Proven);
    }

    #[test]
    fn t02_without_a_code_only_a_new_call_helps() {
        for refusal in [Refusal::NoCode, Refusal::WrongCode { tries_left: 0 }] {
            let mut proof = Verification::of(id(1));
            proof.answer(&confirm(1), Some(&refusal));
            assert_eq!(proof.stage, Stage::NoCode);
            assert!(!proof.takes_code());
            proof.answer(&CommandBody::VerifyDestination { destination: id(1) }, None);
            assert!(proof.takes_code());
        }
        let mut proof = Verification::of(id(1));
        proof.answer(
            &CommandBody::VerifyDestination { destination: id(1) },
            Some(&Refusal::CapReached),
        );
        assert_eq!(proof.stage, Stage::Refused(Refusal::CapReached));
    }

    #[test]
    fn answers_about_another_number_change_nothing_and_a_deleted_one_ends_it() {
        let mut proof = Verification::of(id(1));
        proof.answer(&CommandBody::VerifyDestination { destination: id(2) }, None);
        proof.answer(&confirm(2), Some(&Refusal::NoCode));
        assert_eq!(proof.stage, Stage::Ready);
        assert_eq!(proof.hear(&[saved(2, false)]), Progress::Gone);
    }

    #[test]
    fn a_code_is_read_however_it_is_pasted() {
        for (typed, digits) in [
            ("123456", "123456"),
            (" 123 456 ", "123456"),
            ("Code: 12-34-56.", "123456"),
            ("1234567", "123456"),
            ("12a", "12"),
        ] {
            assert_eq!(code_digits(typed), digits);
        }
    }
}
