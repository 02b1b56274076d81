//! What a recording is called, to caches and to people.

use ponte_protocol::MessageId;
use uuid::Uuid;

/// The message that a path names: the usual text form of a UUID and nothing else.
pub fn message_id(text: &str) -> Option<MessageId> {
    let hyphenated = text.len() == 36;
    Uuid::try_parse(text).ok().filter(|_| hyphenated).map(MessageId)
}

/// The strong validator of a recording, which never changes.
pub fn etag(message: MessageId, total: u64) -> String {
    format!("\"{message}-{total}\"")
}

/// Whether a `Range` is to be heeded: `If-Range` is missing or names this very recording. A date names none.
pub fn range_holds(if_range: Option<&str>, etag: &str) -> bool {
    if_range.is_none_or(|given| given.trim() == etag)
}

/// Whether `If-None-Match` says that the client has this recording.
pub fn is_held(if_none_match: Option<&str>, etag: &str) -> bool {
    if_none_match.is_some_and(|given| {
        given.trim() == "*"
            || given
                .split(',')
                .map(str::trim)
                .any(|one| one.strip_prefix("W/").unwrap_or(one) == etag)
    })
}

/// `Content-Disposition` of a download. The name is made of the identifier alone, so nothing that anybody chose stands
/// in the header.
pub fn disposition(message: MessageId) -> String {
    format!("attachment; filename=\"voicemail-{message}.wav\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "0192f0c1-7c1e-7a30-8b2e-0a4b5c6d7e8f";

    #[test]
    fn only_the_usual_form_names_a_message() {
        assert_eq!(message_id(ID).unwrap().to_string(), ID);
        assert_eq!(message_id(&ID.to_uppercase()).unwrap().to_string(), ID);
        for bad in [
            "",
            "7",
            "..",
            &ID.replace('-', ""),
            &format!("{{{ID}}}"),
            &format!("urn:uuid:{ID}"),
            &format!("{}é", &ID[..34]),
            &format!("{ID} "),
            "%2e%2e",
        ] {
            assert_eq!(message_id(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_range_of_another_recording_is_not_heeded() {
        let tag = etag(message_id(ID).unwrap(), 44);
        assert!(range_holds(None, &tag));
        assert!(range_holds(Some(&tag), &tag));
        for other in ["\"x\"", "Wed, 21 Oct 2015 07:28:00 GMT", &format!("W/{tag}"), ""] {
            assert!(!range_holds(Some(other), &tag), "{other}");
        }
    }

    #[test]
    fn a_held_recording_is_known_by_its_tag() {
        let tag = etag(message_id(ID).unwrap(), 44);
        for held in [tag.clone(), format!("\"a\", W/{tag}"), "*".to_owned()] {
            assert!(is_held(Some(&held), &tag), "{held}");
        }
        assert!(!is_held(None, &tag));
        assert!(!is_held(Some("\"a\", \"b\""), &tag));
    }

    #[test]
    fn a_file_is_named_by_harmless_characters() {
        let header = disposition(message_id(ID).unwrap());
        let name = header
            .strip_prefix("attachment; filename=\"")
            .and_then(|rest| rest.strip_suffix('"'))
            .unwrap();
        assert!(
            name.bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'.')
        );
        assert_eq!(name.rsplit_once('.').unwrap().1, "wav");
    }
}
