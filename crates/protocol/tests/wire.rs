//! The wire format itself: what a program in another language sees.
#![allow(clippy::unwrap_used)]

use ponte_protocol::*;
use serde_json::json;

fn round_trip<T: serde::Serialize + serde::de::DeserializeOwned + PartialEq + std::fmt::Debug>(
    wire: &serde_json::Value,
) -> T {
    let value: T = serde_json::from_value(wire.clone()).unwrap();
    assert_eq!(serde_json::to_value(&value).unwrap(), *wire);
    value
}

#[test]
fn a_dial_command_reads_as_documented() {
    let wire = json!({
        "type": "command",
        "command": {
            "id": "0192f0c1-7c1e-7a30-8b2e-0a4b5c6d7e8f",
            "issued_at": 1_790_000_000_000_u64,
            "expires_at": 1_790_000_010_000_u64,
            "body": { "type": "dial", "number": "+390212345678" }
        }
    });
    let frame: ClientFrame = round_trip(&wire);
    let ClientFrame::Command { command } = frame else {
        panic!("a command was read as {frame:?}")
    };
    assert_eq!(
        command.body,
        CommandBody::Dial {
            number: "+39 02 12345678".parse().unwrap(),
            account_code: None,
        }
    );
}

#[test]
fn an_unknown_event_is_passed_over_not_an_error() {
    let wire = json!({"type":"event","event":{"seq":7,"at":1,"body":{"type":"weather_changed","rain":true}}});
    let frame: ServerFrame = serde_json::from_value(wire).unwrap();
    assert_eq!(
        frame,
        ServerFrame::Event {
            event: Event {
                seq: 7,
                at: UnixMillis(1),
                body: EventBody::Unknown
            }
        }
    );
}

#[test]
fn an_unknown_command_is_unsupported_not_malformed() {
    let body: CommandBody = serde_json::from_value(json!({"type":"teleport","to":"moon"})).unwrap();
    assert_eq!(body.validate(), Err(Refusal::Unsupported));
}

#[test]
fn extra_fields_of_a_newer_version_are_ignored() {
    let frame: EdgeFrame = serde_json::from_value(json!({"type":"ping","n":4,"mood":"fine"})).unwrap();
    assert_eq!(frame, EdgeFrame::Ping { n: 4 });
}

#[test]
fn a_bad_number_is_refused_at_the_boundary() {
    let read: Result<CommandBody, _> =
        serde_json::from_value(json!({"type":"dial","number":"sip:evil@host"}));
    assert!(
        read.unwrap_err()
            .to_string()
            .contains("does not belong in a telephone number")
    );
}

#[test]
fn limits_of_commands_are_checked() {
    let call = CallId(uuid::Uuid::nil());
    for digits in ["", "12x", &"1".repeat(33)] {
        let body = CommandBody::SendDtmf {
            call,
            digits: digits.to_owned(),
        };
        assert!(
            matches!(body.validate(), Err(Refusal::Malformed { .. })),
            "{digits:?}"
        );
    }
    assert_eq!(
        CommandBody::SendDtmf {
            call,
            digits: "12*#D".into()
        }
        .validate(),
        Ok(())
    );
    assert!(
        CommandBody::FetchLog {
            before: None,
            limit: 0
        }
        .validate()
        .is_err()
    );
    assert!(
        CommandBody::FetchLog {
            before: None,
            limit: 101
        }
        .validate()
        .is_err()
    );
}

#[test]
fn refusals_and_outcomes_read_as_documented() {
    let reply: Reply = round_trip(&json!({
        "id": "0192f0c1-7c1e-7a30-8b2e-0a4b5c6d7e8f",
        "outcome": {"type":"refused","refusal":{"type":"restricted","rule":"+4419"}}
    }));
    assert_eq!(
        reply.outcome,
        Outcome::Refused {
            refusal: Refusal::Restricted { rule: "+4419".into() }
        }
    );
}

#[test]
fn the_proofs_of_the_two_sides_differ() {
    use ponte_protocol::link::{ProofBy, proof_text};
    let site: SiteId = "milano".parse().unwrap();
    assert_ne!(
        proof_text(ProofBy::Gateway, &site, "a", "b"),
        proof_text(ProofBy::Edge, &site, "a", "b")
    );
}
