//! Holds `docs/protocol.md` to its word: every example on the page is a frame, and everything in the crate is named there.
#![allow(clippy::unwrap_used)]

use ponte_protocol::{ClientFrame, EdgeFrame, GatewayFrame, ServerFrame};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use support::{PAGE, examples};

mod support;

/// Where the example says something that does not come back: a field that is not there, or a type nobody knows.
fn lost(example: &Value, read: &Value, path: &str) -> Option<String> {
    match (example, read) {
        (Value::Object(example), Value::Object(read)) => example.iter().find_map(|(name, value)| {
            let path = format!("{path}.{name}");
            match read.get(name) {
                Some(read) => lost(value, read, &path),
                // Left out where it has no value.
                None if value == "" => None,
                None => Some(path),
            }
        }),
        (Value::Array(example), Value::Array(read)) if example.len() == read.len() => example
            .iter()
            .zip(read)
            .find_map(|(value, read)| lost(value, read, path)),
        _ => (example != read).then(|| path.to_owned()),
    }
}

fn as_frame<T: Serialize + DeserializeOwned>(example: &Value) -> Result<(), String> {
    let frame: T = serde_json::from_value(example.clone()).map_err(|error| error.to_string())?;
    let read = serde_json::to_value(&frame).unwrap();
    lost(example, &read, "").map_or(Ok(()), Err)
}

#[test]
fn every_example_on_the_page_is_a_frame() {
    let examples = examples();
    assert!(examples.len() > 30, "{} examples", examples.len());
    for (line, example) in examples {
        let attempts = [
            as_frame::<ClientFrame>(&example),
            as_frame::<ServerFrame>(&example),
            as_frame::<GatewayFrame>(&example),
            as_frame::<EdgeFrame>(&example),
        ];
        assert!(
            attempts.iter().any(Result::is_ok),
            "in the block at line {line}, this is no frame: {example}\n{attempts:?}"
        );
    }
}

#[test]
fn every_command_on_the_page_is_valid() {
    let mut commands = 0;
    for (line, example) in examples() {
        if let Ok(ClientFrame::Command { command }) = serde_json::from_value(example) {
            assert_eq!(command.body.validate(), Ok(()), "in the block at line {line}");
            commands += 1;
        }
    }
    assert!(commands >= 10, "{commands} commands");
}

fn snake_case(name: &str) -> String {
    name.char_indices().fold(String::new(), |mut text, (at, c)| {
        if c.is_ascii_uppercase() && at > 0 {
            text.push('_');
        }
        text.push(c.to_ascii_lowercase());
        text
    })
}

/// The names of an enum's variants or a struct's fields, as they stand on the wire.
fn names(source: &str, item: &str) -> Vec<String> {
    let start = source
        .find(&format!("pub {item} {{"))
        .unwrap_or_else(|| panic!("{item} is not there"));
    let is_enum = item.starts_with("enum");
    source[start..]
        .lines()
        .skip(1)
        .take_while(|line| *line != "}")
        .filter_map(|line| line.strip_prefix("    "))
        .filter_map(|line| {
            if is_enum {
                let name: String = line.chars().take_while(char::is_ascii_alphanumeric).collect();
                let variant = name.starts_with(|c: char| c.is_ascii_uppercase());
                (variant && !matches!(name.as_str(), "Unknown" | "Other")).then(|| snake_case(&name))
            } else {
                let field = line.strip_prefix("pub ")?.split_once(':')?.0;
                Some(field.to_owned())
            }
        })
        .collect()
}

#[test]
fn the_page_names_all_there_is() {
    const CALL: &str = include_str!("../src/call.rs");
    const COLLEAGUE: &str = include_str!("../src/colleague.rs");
    const CONTACT: &str = include_str!("../src/contact.rs");
    const COMMAND: &str = include_str!("../src/command.rs");
    const EVENT: &str = include_str!("../src/event.rs");
    const FRAMES: &str = include_str!("../src/frames.rs");
    const LINK: &str = include_str!("../src/link.rs");
    const MESSAGE: &str = include_str!("../src/message.rs");
    const PRESENCE: &str = include_str!("../src/presence.rs");
    const PROFILE: &str = include_str!("../src/profile.rs");
    const RECORD: &str = include_str!("../src/record.rs");
    const UPLOAD: &str = include_str!("../src/upload.rs");
    const ADMIN: &str = concat!(
        include_str!("../src/admin.rs"),
        include_str!("../src/admin/settings.rs")
    );
    let items = [
        (COMMAND, "enum CommandBody"),
        (COMMAND, "enum DestinationChoice"),
        (COMMAND, "enum TransferTarget"),
        (COMMAND, "enum Outcome"),
        (COMMAND, "struct Command"),
        (COMMAND, "struct Explanation"),
        (COMMAND, "struct LogPage"),
        (include_str!("../src/refusal.rs"), "enum Refusal"),
        (EVENT, "enum EventBody"),
        (EVENT, "struct Event"),
        (EVENT, "struct Snapshot"),
        (FRAMES, "enum ClientFrame"),
        (FRAMES, "enum ServerFrame"),
        (FRAMES, "enum SocketError"),
        (LINK, "enum GatewayFrame"),
        (LINK, "enum EdgeFrame"),
        (LINK, "enum AudioPart"),
        (LINK, "enum LinkError"),
        (UPLOAD, "struct UploadPiece"),
        (UPLOAD, "enum Taken"),
        (CALL, "enum CallPhase"),
        (CALL, "enum CauseReason"),
        (CALL, "enum EndedBy"),
        (CALL, "enum FailureClass"),
        (CALL, "enum LegState"),
        (CALL, "enum Direction"),
        (CALL, "struct CallView"),
        (CALL, "struct LegView"),
        (CALL, "struct ConferenceView"),
        (CALL, "struct MemberView"),
        (CALL, "struct ParkedCall"),
        (RECORD, "struct CallRecord"),
        (RECORD, "struct LegRecord"),
        (PRESENCE, "enum Availability"),
        (PRESENCE, "struct Presence"),
        (CONTACT, "struct Contact"),
        (CONTACT, "struct ContactNumber"),
        (CONTACT, "struct ContactBook"),
        (CONTACT, "struct ContactPage"),
        (CONTACT, "enum ContactFormat"),
        (CONTACT, "struct ImportPreview"),
        (CONTACT, "struct ImportProblem"),
        (CONTACT, "enum ImportProblemKind"),
        (COLLEAGUE, "enum LineState"),
        (COLLEAGUE, "struct Colleague"),
        (MESSAGE, "struct VoiceMessage"),
        (MESSAGE, "struct Mailbox"),
        (MESSAGE, "struct MessagePage"),
        (MESSAGE, "enum OwnSound"),
        (MESSAGE, "struct OwnSoundState"),
        (PROFILE, "struct UserProfile"),
        (PROFILE, "struct SavedDestination"),
        (PROFILE, "enum Destination"),
        (include_str!("../src/state.rs"), "struct UserState"),
        (include_str!("../src/station.rs"), "struct StationView"),
        (include_str!("../src/settings.rs"), "struct CallSettings"),
        (ADMIN, "enum AdminQuery"),
        (ADMIN, "enum AdminChange"),
        (ADMIN, "enum AdminAnswer"),
        (ADMIN, "enum ProblemKind"),
        (ADMIN, "struct UserSettings"),
        (ADMIN, "struct UserOverview"),
        (ADMIN, "struct DeviceSettings"),
        (ADMIN, "struct DeviceOverview"),
        (ADMIN, "struct TrunkOverview"),
        (ADMIN, "struct AuditEntry"),
    ];
    let mut missing = Vec::new();
    for (source, item) in items {
        let names = names(source, item);
        assert!(!names.is_empty(), "{item} has no names");
        for name in names {
            // In a table with its `?` or its fields, or as a word of an example.
            let shown = [
                format!("`{name}`"),
                format!("`{name}?`"),
                format!("\"{name}\""),
                format!("`{name} "),
            ];
            if !shown.iter().any(|shown| PAGE.contains(shown)) {
                missing.push(format!("{item}: {name}"));
            }
        }
    }
    assert!(missing.is_empty(), "the page does not name {missing:#?}");
}
