//! Reads what a portal sent, whatever it sent.

use ponte_protocol::frames::{CLIENT_FRAME_MAX, SocketError};
use ponte_protocol::{ClientFrame, CommandId, Refusal, Reply};

/// What a frame turned out to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Read {
    Frame(ClientFrame),
    /// A command whose content cannot be read but whose id can: it gets an answer like any other.
    Refused(Reply),
    Error(SocketError),
}

/// Reads a text frame.
pub fn read(text: &str) -> Read {
    if text.len() > CLIENT_FRAME_MAX {
        return Read::Error(SocketError::TooLarge {
            max_bytes: CLIENT_FRAME_MAX,
        });
    }
    match serde_json::from_str::<ClientFrame>(text) {
        Ok(frame) => Read::Frame(frame),
        Err(error) => {
            let detail = describe(&error);
            match command_id(text) {
                Some(id) => Read::Refused(Reply::refused(id, Refusal::Malformed { detail })),
                None => Read::Error(SocketError::Malformed { detail }),
            }
        }
    }
}

/// The answer to a frame that is not text.
pub fn not_text() -> Read {
    Read::Error(SocketError::Malformed {
        detail: "frames are text".to_owned(),
    })
}

fn command_id(text: &str) -> Option<CommandId> {
    let value: serde_json::Value = serde_json::from_str(text).ok()?;
    if value.get("type")?.as_str()? != "command" {
        return None;
    }
    serde_json::from_value(value.get("command")?.get("id")?.clone()).ok()
}

/// The parser's words, bounded: they may repeat what was sent.
fn describe(error: &serde_json::Error) -> String {
    error.to_string().chars().take(120).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use uuid::Uuid;

    #[test]
    fn a_frame_is_read() {
        assert_eq!(
            read(r#"{"type":"ping","n":7}"#),
            Read::Frame(ClientFrame::Ping { n: 7 })
        );
    }

    #[test]
    fn a_command_that_cannot_be_read_is_answered_under_its_id() {
        let id = Uuid::from_u128(5);
        let text = format!(
            r#"{{"type":"command","command":{{"id":"{id}","issued_at":1,"expires_at":2,"body":{{"type":"dial","number":"sip:x@y"}}}}}}"#
        );
        let Read::Refused(reply) = read(&text) else {
            panic!("{:?}", read(&text))
        };
        assert_eq!(reply.id, CommandId(id));
    }

    #[test]
    fn what_is_no_frame_gets_a_typed_error() {
        for bad in [
            "",
            "{",
            "[]",
            "null",
            "7",
            r#"{"type":"teleport"}"#,
            r#"{"type":"command"}"#,
            "\u{0}",
            "{\"type\":\"ping\",\"n\":-1}",
        ] {
            assert!(
                matches!(read(bad), Read::Error(SocketError::Malformed { .. })),
                "{bad:?}"
            );
        }
        let deep = "[".repeat(CLIENT_FRAME_MAX);
        assert!(matches!(read(&deep), Read::Error(SocketError::Malformed { .. })));
        let large = " ".repeat(CLIENT_FRAME_MAX + 1);
        assert_eq!(
            read(&large),
            Read::Error(SocketError::TooLarge {
                max_bytes: CLIENT_FRAME_MAX
            })
        );
    }

    proptest! {
        #[test]
        fn nothing_makes_it_panic(text in "\\PC{0,300}") {
            let _ = read(&text);
        }

        #[test]
        fn no_mutation_of_a_frame_makes_it_panic(at in 0_usize..120, byte in any::<u8>()) {
            let id = Uuid::from_u128(5);
            let mut bytes = format!(
                r#"{{"type":"command","command":{{"id":"{id}","issued_at":1,"expires_at":2,"body":{{"type":"dial","number":"201"}}}}}}"#
            ).into_bytes();
            bytes[at] = byte;
            let _ = read(&String::from_utf8_lossy(&bytes));
        }
    }
}
