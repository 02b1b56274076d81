//! What notifications say: RFC 4235, RFC 3842 and RFC 3863 documents.

use std::fmt::Write;

use super::{DialogName, ResourceState, WatchedCall, WatchedPhase};

/// The document for a state of `entity`. `version` counts the documents of one subscription; `told` are the calls that
/// the document before named: those that are over are named once more as terminated (RFC 4235 3.7.1). `shows`: whether the
/// subscriber is told by which name a call could be taken over.
pub(super) fn write(
    state: &ResourceState,
    told: &[WatchedCall],
    entity: &str,
    version: u32,
    shows: impl Fn(&DialogName) -> bool,
) -> String {
    match state {
        ResourceState::Dialog(calls) => dialog_info(calls, told, entity, version, shows),
        ResourceState::MessageSummary { new, old } => message_summary(*new, *old, entity),
        ResourceState::Presence { open, note } => presence(*open, note.as_deref(), entity),
    }
}

fn dialog_info(
    calls: &[WatchedCall],
    told: &[WatchedCall],
    entity: &str,
    version: u32,
    shows: impl Fn(&DialogName) -> bool,
) -> String {
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
        let name = call
            .name
            .as_ref()
            .filter(|name| phase != "terminated" && shows(name));
        let tags = name.map(|name| {
            format!(
                " call-id=\"{}\" local-tag=\"{}\" remote-tag=\"{}\"",
                escaped(&name.call_id),
                escaped(&name.local_tag),
                escaped(&name.remote_tag)
            )
        });
        let tags = tags.unwrap_or_default();
        // Writing to a String cannot fail.
        let _ = write!(
            text,
            "<dialog id=\"{id}\"{tags} direction=\"{direction}\">\n<state>{phase}</state>\n\
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
        } else if name.is_some() {
            // Telephones send the INVITE to the remote target, and take no call over that has none: it is the extension,
            // which says nothing of who calls.
            let _ = writeln!(
                text,
                "<remote><identity>{entity}</identity><target uri=\"{entity}\"/></remote>"
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
            name: Some(DialogName {
                call_id: evil.into(),
                local_tag: evil.into(),
                remote_tag: evil.into(),
                for_colleagues: true,
            }),
        }]);
        let text = write(&state, &[], evil, 3, |_| true);
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
        let dialog = document.root_element().first_element_child().unwrap();
        for name in ["call-id", "local-tag", "remote-tag"] {
            assert_eq!(dialog.attribute(name), Some(read));
        }
        let state = ResourceState::Presence {
            open: false,
            note: Some(evil.into()),
        };
        let text = write(&state, &[], "sip:201@h", 0, |_| true);
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
            name: None,
        }]);
        let text = write(&state, &[], "sip:201@h", 41, |_| true);
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
    fn the_name_of_a_call_is_told_to_those_it_is_shown_to_and_no_longer_when_it_is_over() {
        let call = WatchedCall {
            id: "7".into(),
            outgoing: false,
            phase: WatchedPhase::Early,
            remote: None,
            name: Some(DialogName {
                call_id: "a@b".into(),
                local_tag: "l".into(),
                remote_tag: "r".into(),
                for_colleagues: true,
            }),
        };
        let state = ResourceState::Dialog(vec![call.clone()]);
        let text = write(&state, &[], "sip:201@h", 0, |_| true);
        let document = roxmltree::Document::parse(&text).unwrap();
        let dialog = document.root_element().first_element_child().unwrap();
        let read =
            ["id", "call-id", "local-tag", "remote-tag", "direction"].map(|name| dialog.attribute(name));
        assert_eq!(
            read,
            [Some("7"), Some("a@b"), Some("l"), Some("r"), Some("recipient")]
        );
        for side in ["local", "remote"] {
            let mut children = dialog.children();
            let side = children.find(|child| child.has_tag_name(side)).unwrap();
            let text = side.first_element_child().and_then(|identity| identity.text());
            assert_eq!(text, Some("sip:201@h"));
            let target = side.last_element_child().unwrap();
            assert_eq!(target.attribute("uri"), Some("sip:201@h"));
        }
        let hidden = write(&state, &[], "sip:201@h", 0, |_| false);
        assert!(
            !hidden.contains("-tag") && !hidden.contains("<remote>"),
            "{hidden}"
        );
        let over = write(
            &ResourceState::Dialog(Vec::new()),
            &[call],
            "sip:201@h",
            1,
            |_| true,
        );
        assert!(over.contains("terminated") && !over.contains("-tag"), "{over}");
    }

    #[test]
    fn a_message_summary_is_lines() {
        let text = write(
            &ResourceState::MessageSummary { new: 2, old: 5 },
            &[],
            "sip:201@h",
            0,
            |_| true,
        );
        assert_eq!(
            text,
            "Messages-Waiting: yes\r\nMessage-Account: sip:201@h\r\nVoice-Message: 2/5 (0/0)\r\n"
        );
    }
}
