//! Events that a newer gateway sends and this version cannot read.

use ponte_protocol::UserId;
use ponte_protocol::link::StreamPosition;

/// The position of an event whose content cannot be read, and its user. Without the position the event could not be
/// acknowledged, and the gateway would send it again for ever.
pub fn event(text: &str) -> Option<(StreamPosition, Option<UserId>)> {
    let value: serde_json::Value = serde_json::from_str(text).ok()?;
    if value.get("type")?.as_str()? != "event" {
        return None;
    }
    let event = value.get("event")?;
    let position = serde_json::from_value(event.get("position")?.clone()).ok()?;
    let user = event
        .get("user")
        .and_then(|user| serde_json::from_value(user.clone()).ok());
    Some((position, user))
}

#[cfg(test)]
mod tests {
    use super::*;

    const EPOCH: &str = "0192f0c1-7c1e-7a30-8b2e-0a4b5c6d7e8f";

    #[test]
    fn the_position_of_an_event_is_found_whatever_else_it_holds() {
        for (user, expected) in [("\"anna\"", Some("anna")), ("\"no name\"", None), ("7", None)] {
            let text = format!(
                r#"{{"type":"event","event":{{"position":{{"epoch":"{EPOCH}","seq":9}},"user":{user},"body":[]}}}}"#
            );
            let (position, user) = event(&text).unwrap();
            assert_eq!(position.seq, 9);
            assert_eq!(user.as_ref().map(UserId::as_str), expected);
        }
    }

    #[test]
    fn anything_else_is_malformed() {
        for text in [
            "",
            "[]",
            r#"{"type":"event"}"#,
            r#"{"type":"event","event":{"position":{"seq":9}}}"#,
            r#"{"type":"reply","event":{"position":{}}}"#,
        ] {
            assert_eq!(event(text), None, "{text}");
        }
    }
}
