//! The letter about one message, in the user's language.

use crate::store::EmailAddress;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use lettre::Message;
use lettre::address::AddressError;
use lettre::message::header::ContentType;
use lettre::message::{Attachment, Mailbox, MultiPart, SinglePart};
use ponte_protocol::VoiceMessage;

/// The largest sound that is attached, in bytes: many servers take 10 MB with what encoding adds.
const ATTACHED_MAX: usize = 7_000_000;

/// Why a letter cannot be written.
#[derive(Debug, thiserror::Error)]
pub(super) enum LetterError {
    #[error("the user's address is none that mail can be sent to")]
    Address(#[from] AddressError),
    #[error("the letter cannot be put together: {0}")]
    Message(#[from] lettre::error::Error),
    #[error("the sound has no type: {0}")]
    Type(#[from] lettre::message::header::ContentTypeErr),
}

pub(super) struct Letter<'a> {
    pub from: &'a Mailbox,
    pub to: &'a EmailAddress,
    /// `it`, or English.
    pub language: &'a str,
    pub portal: Option<&'a str>,
    pub message: &'a VoiceMessage,
    /// By whose clock it says when the message came.
    pub time_zone: &'a TimeZone,
}

impl Letter<'_> {
    /// Puts it together, with the sound where there is one and it is not too large.
    pub fn write(&self, sound: Option<Vec<u8>>) -> Result<Message, LetterError> {
        let to = Mailbox::new(None, self.to.as_str().parse()?);
        let headers = Message::builder()
            .from(self.from.clone())
            .to(to)
            .subject(self.subject())
            .message_id(None);
        let text = SinglePart::plain(self.text());
        let sound = sound.filter(|sound| sound.len() <= ATTACHED_MAX);
        Ok(match sound {
            None => headers.singlepart(text)?,
            Some(sound) => {
                let name = format!("voicemail-{}.wav", self.message.id);
                let sound = Attachment::new(name).body(sound, ContentType::parse("audio/wav")?);
                headers.multipart(MultiPart::mixed().singlepart(text).singlepart(sound))?
            }
        })
    }

    fn is_italian(&self) -> bool {
        self.language == "it"
    }

    fn caller(&self) -> String {
        // A name comes from outside: no line of a header ends in it.
        let clean = |text: &str| text.chars().filter(|c| !c.is_control()).collect::<String>();
        match (&self.message.name, self.message.number.as_str()) {
            (Some(name), "") => clean(name),
            (Some(name), number) => format!("{} ({number})", clean(name)),
            (None, "") if self.is_italian() => "numero sconosciuto".to_owned(),
            (None, "") => "an unknown number".to_owned(),
            (None, number) => number.to_owned(),
        }
    }

    fn duration(&self) -> String {
        let seconds = self.message.duration_ms.div_ceil(1000);
        format!("{}:{:02}", seconds / 60, seconds % 60)
    }

    fn subject(&self) -> String {
        let (caller, duration) = (self.caller(), self.duration());
        if self.is_italian() {
            format!("Messaggio vocale da {caller}, {duration}")
        } else {
            format!("Voicemail from {caller}, {duration}")
        }
    }

    fn text(&self) -> String {
        let at = Timestamp::from_millisecond(self.message.received_at.0.cast_signed())
            .map(|at| {
                at.to_zoned(self.time_zone.clone())
                    .strftime("%Y-%m-%d %H:%M %Z")
                    .to_string()
            })
            .unwrap_or_default();
        let (caller, duration) = (self.caller(), self.duration());
        let mut text = if self.is_italian() {
            format!("{caller} ha lasciato un messaggio vocale.\n\nRicevuto: {at}\nDurata: {duration}\n")
        } else {
            format!("{caller} left a voicemail message.\n\nReceived: {at}\nLength: {duration}\n")
        };
        if let Some(portal) = self.portal {
            text += "\n";
            text += portal;
            text += "\n";
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ponte_protocol::{MessageId, UnixMillis};

    #[test]
    fn a_letter_names_caller_and_length_and_no_name_makes_a_header() {
        let message = VoiceMessage {
            id: MessageId(uuid::Uuid::from_u128(7)),
            number: "+390298765401".to_owned(),
            name: Some("Eve\r\nBcc: all@example.org".to_owned()),
            received_at: UnixMillis(1_795_476_600_000),
            duration_ms: 61_500,
            heard: false,
            deleted_until: None,
            call: None,
            waveform: Vec::new(),
        };
        let from: Mailbox = "Ponte <voicemail@example.org>".parse().unwrap();
        let to: EmailAddress = "anna@example.org".parse().unwrap();
        let letter = |language, time_zone| Letter {
            from: &from,
            to: &to,
            language,
            portal: Some("https://ponte.example.org"),
            message: &message,
            time_zone,
        };
        let rome = TimeZone::get("Europe/Rome").unwrap();
        let text = |language, sound| {
            let written = letter(language, &rome).write(sound).unwrap().formatted();
            String::from_utf8(written).unwrap()
        };
        let plain = text("en", None);
        assert!(
            plain.contains("1:02") && plain.contains("https://ponte.example.org"),
            "{plain}"
        );
        assert!(!plain.lines().any(|line| line.starts_with("Bcc")), "{plain}");
        assert!(!plain.contains("audio/wav"));
        let whole = text("it", Some(vec![7; 1000]));
        assert!(
            whole.contains("Messaggio vocale") && whole.contains("audio/wav"),
            "{whole}"
        );
        assert!(plain.contains("Received: 2026-11-24 00:30 CET"), "{plain}");
        let far = TimeZone::get("America/New_York").unwrap();
        let far = letter("en", &far).text();
        assert!(far.contains("Received: 2026-11-23 18:30 EST"), "{far}");
        let too_large = text("en", Some(vec![7; ATTACHED_MAX + 1]));
        assert!(!too_large.contains("audio/wav"));
    }
}
