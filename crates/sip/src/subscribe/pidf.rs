//! Presence as telephones publish it (RFC 3863).

use roxmltree::{Document, ParsingOptions};

/// Largest document read, in bytes, and the most elements and attributes in it.
const MAX_DOCUMENT: usize = 16 * 1024;
const MAX_NODES: u32 = 500;
/// Characters of a note that are kept.
const MAX_NOTE: usize = 500;
const MAX_ACTIVITIES: usize = 8;

/// What a telephone says of its user.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PublishedPresence {
    /// Whether any of the tuples is open.
    pub open: bool,
    pub note: Option<String>,
    /// Names of RFC 4480 activities, such as `busy`, `away`, `on-the-phone`; in the order of the document.
    pub activities: Vec<String>,
}

/// Reads a document; `None` where it is none.
pub(crate) fn read(body: &[u8]) -> Option<PublishedPresence> {
    if body.len() > MAX_DOCUMENT {
        return None;
    }
    let options = ParsingOptions {
        allow_dtd: false,
        nodes_limit: MAX_NODES,
        ..ParsingOptions::default()
    };
    let document = Document::parse_with_options(std::str::from_utf8(body).ok()?, options).ok()?;
    let root = document.root_element();
    if root.tag_name().name() != "presence" {
        return None;
    }
    let named = |name: &'static str| {
        root.descendants()
            .filter(move |node| node.is_element() && node.tag_name().name() == name)
    };
    let open = named("basic").any(|basic| {
        basic
            .text()
            .is_some_and(|text| text.trim().eq_ignore_ascii_case("open"))
    });
    let note = named("note")
        .filter_map(|note| note.text())
        .map(str::trim)
        .find(|note| !note.is_empty())
        .map(|note| note.chars().take(MAX_NOTE).collect());
    let activities = named("activities")
        .flat_map(|activities| activities.children())
        .filter(|child| child.is_element() && child.tag_name().name() != "note")
        .map(|child| child.tag_name().name().to_owned())
        .take(MAX_ACTIVITIES)
        .collect();
    Some(PublishedPresence {
        open,
        note,
        activities,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn status_note_and_activities_are_read() {
        let text = r#"<?xml version="1.0"?>
            <p:presence xmlns:p="urn:ietf:params:xml:ns:pidf" xmlns:r="urn:ietf:params:xml:ns:pidf:rpid"
              xmlns:dm="urn:ietf:params:xml:ns:pidf:data-model" entity="sip:201@h">
              <p:tuple id="a"><p:status><p:basic> open </p:basic></p:status><p:note>Back at &lt;5&gt;</p:note></p:tuple>
              <dm:person id="b"><r:activities><r:busy/><r:note>x</r:note></r:activities></dm:person>
            </p:presence>"#;
        assert_eq!(
            read(text.as_bytes()),
            Some(PublishedPresence {
                open: true,
                note: Some("Back at <5>".into()),
                activities: vec!["busy".into()],
            })
        );
    }

    #[test]
    fn what_is_no_presence_document_is_refused() {
        let bomb = "<!DOCTYPE p [<!ENTITY a \"aaaa\">]><presence>&a;</presence>";
        let wide = format!("<presence>{}</presence>", "<a/>".repeat(600));
        let large = format!("<presence>{}</presence>", "a".repeat(MAX_DOCUMENT));
        for text in ["", "<presence>", "<other/>", bomb, &wide, &large] {
            assert_eq!(read(text.as_bytes()), None, "{}", &text[..text.len().min(60)]);
        }
        assert_eq!(read(b"<presence>\xff</presence>"), None);
    }
}
