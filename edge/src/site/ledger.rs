//! What to do with a command: the ledger makes it happen once however often it arrives.

use crate::crypto;
use ponte_protocol::{Command, CommandBody, Outcome, Refusal, UnixMillis, UserId};

/// How long the ledger remembers a command after it expired, in milliseconds.
pub const KEPT_MS: u64 = 24 * 3_600_000;
/// How long after its expiry a command that a gateway was given may still be answered, in milliseconds: the gateway may
/// have carried it out while its answer was on the way.
pub const GRACE_MS: u64 = 5_000;

/// What the ledger holds of a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub user: UserId,
    pub digest: String,
    pub outcome: Option<Outcome>,
}

/// What the ledger says of a command that arrives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Known {
    /// Never seen.
    New,
    /// Seen, and still to be answered.
    Waiting,
    /// Answered before; the same answer again.
    Answered(Outcome),
    /// Its id belongs to another command.
    Different,
}

/// Compares a command with what the ledger holds under its id.
pub fn compare(entry: Option<Entry>, user: &UserId, digest: &str) -> Known {
    match entry {
        None => Known::New,
        Some(entry) if entry.user != *user || entry.digest != digest => Known::Different,
        Some(Entry {
            outcome: Some(outcome),
            ..
        }) => Known::Answered(outcome),
        Some(_) => Known::Waiting,
    }
}

/// What makes two commands the same: what they ask for. The client's clock is no part of it.
///
/// # Errors
/// When the body has no JSON form, which no body lacks.
pub fn digest(body: &CommandBody) -> Result<String, serde_json::Error> {
    serde_json::to_vec(body).map(|json| crypto::sha256_hex(&json))
}

/// Takes a new command in: its expiry becomes the edge's own.
///
/// # Errors
/// [`Refusal::Expired`] for one that came too late.
pub fn admit(command: &Command, now: UnixMillis) -> Result<Command, Refusal> {
    if command.expires_at <= now {
        return Err(Refusal::Expired);
    }
    let latest = now.plus(command.body.lifetime_ms());
    Ok(Command {
        expires_at: command.expires_at.min(latest),
        ..command.clone()
    })
}

/// How a new command goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// To the gateway, now.
    Forward,
    /// It waits for the gateway until it expires.
    Wait,
    /// There is no gateway, and nobody wants this one later.
    RefuseOffline,
}

/// Decides how a command goes on.
pub fn deliver(body: &CommandBody, gateway_connected: bool) -> Delivery {
    if gateway_connected {
        Delivery::Forward
    } else if body.makes_ring() || body.is_query() {
        Delivery::RefuseOffline
    } else {
        Delivery::Wait
    }
}

/// What the ledger keeps of an answer. A secret is told once and written down nowhere: whoever asks again learns only
/// that it was done.
pub fn kept(outcome: &Outcome) -> Outcome {
    match outcome {
        Outcome::Admin { answer } => Outcome::Admin {
            answer: answer.without_secrets(),
        },
        other => other.clone(),
    }
}

/// When a command without an answer is answered with [`Refusal::Expired`].
pub fn given_up_at(expires_at: UnixMillis, forwarded: bool) -> UnixMillis {
    if forwarded {
        expires_at.plus(GRACE_MS)
    } else {
        expires_at
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ponte_protocol::admin::AdminAnswer;
    use ponte_protocol::command::{COMMAND_LIFETIME_MS, DIAL_LIFETIME_MS};
    use ponte_protocol::{CallId, CommandId};
    use uuid::Uuid;

    fn user() -> UserId {
        "anna".parse().unwrap()
    }

    fn dial(number: &str) -> CommandBody {
        CommandBody::Dial {
            number: number.parse().unwrap(),
            account_code: None,
        }
    }

    fn command(body: CommandBody, expires_at: u64) -> Command {
        Command {
            id: CommandId(Uuid::nil()),
            issued_at: UnixMillis(0),
            expires_at: UnixMillis(expires_at),
            body,
        }
    }

    fn entry(outcome: Option<Outcome>) -> Entry {
        Entry {
            user: user(),
            digest: digest(&dial("201")).unwrap(),
            outcome,
        }
    }

    #[test]
    fn the_same_command_gets_the_same_answer() {
        let same = digest(&dial("2 0 1")).unwrap();
        let accepted = Outcome::Accepted { call: None };
        assert_eq!(compare(None, &user(), &same), Known::New);
        assert_eq!(compare(Some(entry(None)), &user(), &same), Known::Waiting);
        assert_eq!(
            compare(Some(entry(Some(accepted.clone()))), &user(), &same),
            Known::Answered(accepted)
        );
    }

    #[test]
    fn an_id_is_not_used_for_two_commands_nor_by_two_users() {
        let other = digest(&dial("202")).unwrap();
        assert_eq!(compare(Some(entry(None)), &user(), &other), Known::Different);
        let same = digest(&dial("201")).unwrap();
        assert_eq!(
            compare(Some(entry(None)), &"bert".parse().unwrap(), &same),
            Known::Different
        );
    }

    #[test]
    fn nobodys_telephone_rings_for_an_old_click() {
        let now = UnixMillis(100_000);
        assert_eq!(admit(&command(dial("201"), 100_000), now), Err(Refusal::Expired));
        assert_eq!(admit(&command(dial("201"), 0), now), Err(Refusal::Expired));
        let long = admit(&command(dial("201"), u64::MAX), now).unwrap();
        assert_eq!(long.expires_at, now.plus(DIAL_LIFETIME_MS));
        let short = admit(&command(dial("201"), 100_500), now).unwrap();
        assert_eq!(short.expires_at, UnixMillis(100_500));
        let leave = admit(&command(CommandBody::LeaveTelecommuter, u64::MAX), now).unwrap();
        assert_eq!(leave.expires_at, now.plus(COMMAND_LIFETIME_MS));
    }

    #[test]
    fn without_a_gateway_a_dial_is_refused_and_a_hang_up_waits() {
        let hang_up = CommandBody::HangUp {
            call: CallId(Uuid::nil()),
        };
        assert_eq!(deliver(&dial("201"), true), Delivery::Forward);
        assert_eq!(deliver(&dial("201"), false), Delivery::RefuseOffline);
        assert_eq!(
            deliver(
                &CommandBody::FetchLog {
                    before: None,
                    limit: 5
                },
                false
            ),
            Delivery::RefuseOffline
        );
        assert_eq!(deliver(&hang_up, false), Delivery::Wait);
    }

    #[test]
    fn a_secret_is_not_written_down() {
        let told = |answer| Outcome::Admin { answer };
        for secret in [
            AdminAnswer::DevicePassword {
                password: "correct horse".to_owned(),
            },
            AdminAnswer::Invitation {
                link: "https://ponte.example/invite#token".to_owned(),
                expires_at: UnixMillis(1),
            },
            AdminAnswer::Pin {
                pin: "2580".to_owned(),
            },
        ] {
            assert_eq!(kept(&told(secret)), told(AdminAnswer::Done));
        }
        let harmless = told(AdminAnswer::Dids {
            dids: vec![],
            more: false,
        });
        assert_eq!(kept(&harmless), harmless);
        let accepted = Outcome::Accepted { call: None };
        assert_eq!(kept(&accepted), accepted);
    }

    #[test]
    fn a_command_on_its_way_gets_time_to_be_answered() {
        assert_eq!(given_up_at(UnixMillis(10), false), UnixMillis(10));
        assert_eq!(given_up_at(UnixMillis(10), true), UnixMillis(5_010));
    }
}
