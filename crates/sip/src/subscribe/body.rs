//! What notifications say: RFC 4235, RFC 3842 and RFC 3863 documents.

use std::fmt::Write;

use super::{ResourceState, WatchedCall, WatchedPhase};

/// The document for a state of `entity`. `version` counts the documents of one subscription; `told` are the calls that
/// the document before named: those that are over are named once more as terminated (RFC 4235 3.7.1).
pub(super) fn write(state: &ResourceState, told: &[WatchedCall], entity: &str, version: u32) -> String {
    match state {
        ResourceState::Dialog(calls) => dialog_info(calls, told, entity, version),
        ResourceState::MessageSummary { new, old } => message_summary(*new, *old, entity),
        ResourceState::Presence { open, note } => presence(*open, note.as_deref(), entity),
    }
}

fn dialog_info(calls: &[WatchedCall], told: &[WatchedCall], entity: &str, version: u32) -> String {
    let entity = escaped(entity);
    let mut text = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <dialog-info xmlns=\"urn:ietf:params:xml:ns:dialog-info\" version=\"{version}\" state=\"full\" \
         entity=\"{entity}\">\n"
    );
    let over = told
        .iter()
        .filter(|known| calls.iter().all(|call| call.id != known.id));
    let named = calls.iter().map(|call| (call, phase_name(call.phase)));
    for (call, phase) in named.chain(over.map(|call| (call, "terminated"))) {
        let direction = if call.outgoing { "initiator" } else { "recipient" };
        let id = escaped(&call.id);
        // Writing to a String cannot fail.
        let _ = write!(
            text,
            "<dialog id=\"{id}\" direction=\"{direction}\">\n<state>{phase}</state>\n\
             <local><identity>{entity}</identity><target uri=\"{entity}\"/></local>\n"
        );
        if let Some(remote) = &call.remote {
            let uri = escaped(&remote.uri);
            let display = remote
                .display
                .as_ref()
                .map(|display| format!(" display=\"{}\"", escaped(display)))
                .unwrap_or_default();
            let _ = writeln!(
                text,
                "<remote><identity{display}>{uri}</identity><target uri=\"{uri}\"/></remote>"
            );
        }
        text.push_str("</dialog>\n");
    }
    text.push_str("</dialog-info>\n");
    text
}

const fn phase_name(phase: WatchedPhase) -> &'static str {
    match phase {
        WatchedPhase::Trying => "trying",
        WatchedPhase::Early => "early",
        WatchedPhase::Confirmed => "confirmed",
    }
}

fn message_summary(new: u32, old: u32, entity: &str) -> String {
    let waiting = if new > 0 { "yes" } else { "no" };
    format!(
        "Messages-Waiting: {waiting}\r\nMessage-Account: {entity}\r\nVoice-Message: {new}/{old} (0/0)\r\n"
    )
}

fn presence(open: bool, note: Option<&str>, entity: &str) -> String {
    let basic = if open { "open" } else { "closed" };
    let note = note
        .filter(|note| !note.is_empty())
        .map(|note| format!("<note>{}</note>", escaped(note)))
        .unwrap_or_default();
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <presence xmlns=\"urn:ietf:params:xml:ns:pidf\" entity=\"{}\">\n\
         <tuple id=\"ponte\"><status><basic>{basic}</basic></status>{note}</tuple>\n</presence>\n",
        escaped(entity)
    )
}

/// Text as it may stand in an element or a quoted attribute. What XML 1.0 cannot hold at all is left out.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&apos;"),
            '\t' | '\n' | '\r' => out.push(' '),
            '\u{0}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => {}
            _ => out.push(letter),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::Party;

    #[test]
    fn hostile_text_stays_text() {
        let evil = "\"><x a='&\u{0}\u{ffff}\n";
        let state = ResourceState::Dialog(vec![WatchedCall {
            id: evil.into(),
            outgoing: true,
            phase: WatchedPhase::Confirmed,
            remote: Some(Party {
                uri: evil.into(),
                display: Some(evil.into()),
            }),
        }]);
        let text = write(&state, &[], evil, 3);
        let document = roxmltree::Document::parse(&text).unwrap();
        let read = "\"><x a='& ";
        assert_eq!(document.root_element().attribute("entity"), Some(read));
        let identity = document
            .descendants()
            .find(|node| node.attribute("display").is_some())
            .unwrap();
        assert_eq!(
            (identity.attribute("display"), identity.text()),
            (Some(read), Some(read))
        );
        let state = ResourceState::Presence {
            open: false,
            note: Some(evil.into()),
        };
        let text = write(&state, &[], "sip:201@h", 0);
        let document = roxmltree::Document::parse(&text).unwrap();
        assert_eq!(
            document
                .descendants()
                .find(|node| node.has_tag_name("note"))
                .and_then(|note| note.text()),
            Some(read)
        );
    }

    #[test]
    fn a_dialog_document_has_version_state_and_direction() {
        let state = ResourceState::Dialog(vec![WatchedCall {
            id: "7".into(),
            outgoing: false,
            phase: WatchedPhase::Early,
            remote: None,
        }]);
        let text = write(&state, &[], "sip:201@h", 41);
        let document = roxmltree::Document::parse(&text).unwrap();
        let root = document.root_element();
        assert_eq!(
            root.tag_name().namespace(),
            Some("urn:ietf:params:xml:ns:dialog-info")
        );
        assert_eq!(
            (root.attribute("version"), root.attribute("state")),
            (Some("41"), Some("full"))
        );
        let dialog = root.first_element_child().unwrap();
        assert_eq!(dialog.attribute("direction"), Some("recipient"));
        assert_eq!(dialog.first_element_child().unwrap().text(), Some("early"));
        assert!(!text.contains("<remote>"));
    }

    #[test]
    fn a_message_summary_is_lines() {
        let text = write(
            &ResourceState::MessageSummary { new: 2, old: 5 },
            &[],
            "sip:201@h",
            0,
        );
        assert_eq!(
            text,
            "Messages-Waiting: yes\r\nMessage-Account: sip:201@h\r\nVoice-Message: 2/5 (0/0)\r\n"
        );
    }
}
