//! A file's text in parts that fit a frame of the socket.

/// The most bytes of a part as JSON writes it; the rest of a frame is the command around it.
const PART: usize = 6_500;

/// The text without pictures, in parts; at least one.
pub fn parts(text: &str) -> Vec<String> {
    let text = without_pictures(text);
    let mut parts = vec![String::new()];
    let mut room = PART;
    for c in text.chars() {
        let size = match c {
            '"' | '\\' | '\n' | '\r' | '\t' => 2,
            c if c.is_control() => 6,
            c => c.len_utf8(),
        };
        if size > room {
            parts.push(String::new());
            room = PART;
        }
        room -= size;
        if let Some(part) = parts.last_mut() {
            part.push(c);
        }
    }
    parts
}

/// Photographs are most of many a file of vCards, and nobody looks at them here. A line that starts with a blank goes on
/// with the one before (RFC 6350 section 3.2).
fn without_pictures(text: &str) -> String {
    let head = text.trim_start_matches('\u{FEFF}').trim_start();
    if !head
        .get(..11)
        .is_some_and(|start| start.eq_ignore_ascii_case("BEGIN:VCARD"))
    {
        return text.to_owned();
    }
    let mut kept = String::with_capacity(text.len().min(1 << 20));
    let mut in_picture = false;
    for line in text.split_inclusive('\n') {
        if !line.starts_with([' ', '\t']) {
            let name = line.split([':', ';']).next().unwrap_or_default();
            let name = name.rsplit('.').next().unwrap_or_default();
            in_picture = ["PHOTO", "LOGO", "SOUND", "KEY"]
                .iter()
                .any(|picture| name.eq_ignore_ascii_case(picture));
        }
        if !in_picture {
            kept.push_str(line);
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;
    use ponte_protocol::frames::CLIENT_FRAME_MAX;

    #[test]
    fn parts_are_the_whole_and_fit_a_frame() {
        for text in [
            "a,b\r\n\"c\",d\r\n".repeat(3_000),
            "\u{1F4DE}è\\\t\u{1}".repeat(2_000),
        ] {
            let parts = parts(&text);
            assert!(parts.len() > 2);
            assert_eq!(parts.concat(), text);
            for part in parts {
                let json = serde_json::to_string(&part).unwrap();
                assert!(json.len() + 600 < CLIENT_FRAME_MAX, "{}", json.len());
            }
        }
        assert_eq!(parts(""), [""]);
    }

    #[test]
    fn pictures_stay_at_home() {
        let card = "BEGIN:VCARD\r\nFN:Nadia\r\n Neri\r\nitem1.PHOTO;ENCODING=b:QUJD\r\n QUJD\r\nTEL:201\r\nEND:VCARD\r\n";
        let kept = parts(card).concat();
        assert_eq!(
            kept,
            "BEGIN:VCARD\r\nFN:Nadia\r\n Neri\r\nTEL:201\r\nEND:VCARD\r\n"
        );
        let table = "name,phone\nPHOTO;x,201\n";
        assert_eq!(parts(table).concat(), table);
    }
}
