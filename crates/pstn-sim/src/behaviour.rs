//! What a telephone does when it is called, as configuration and the control API spell it.

use serde::{Deserialize, Serialize};

/// A G.711 law (RFC 3551).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Codec {
    /// A-law, payload type 8.
    #[serde(rename = "PCMA")]
    Pcma,
    /// µ-law, payload type 0.
    #[serde(rename = "PCMU")]
    Pcmu,
}

impl Codec {
    /// The static payload type of RFC 3551.
    pub const fn payload_type(self) -> u8 {
        match self {
            Self::Pcma => 8,
            Self::Pcmu => 0,
        }
    }

    /// The encoding name used in `a=rtpmap`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pcma => "PCMA",
            Self::Pcmu => "PCMU",
        }
    }
}

/// Digits that a telephone sends by RFC 4733, or in the voice where that was not agreed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Press {
    /// `0`–`9`, `*`, `#`, `A`–`D`, in order.
    pub digits: String,
    /// When the first one starts, in milliseconds after the 200.
    #[serde(default)]
    pub at_ms: u64,
}

/// How a telephone answers. Every field has a default.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Answer {
    /// How long it rings, in milliseconds. 0 answers without a 180.
    pub after_ms: u64,
    /// The tone it sends, in hertz. Without one, a tone that belongs to its number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tone_hz: Option<f64>,
    /// Codecs it takes, the preferred one first.
    pub codecs: Vec<Codec>,
    /// When it hangs up, in milliseconds after the 200. Without it, never.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hang_up_after_ms: Option<u64>,
    /// Its network loses it then: the Q.850 cause that the BYE names, 1 to 127. Without one, somebody hung up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lost_with: Option<u8>,
    /// Digits it presses.
    pub press: Vec<Press>,
    /// Whether it knows RFC 4733. One that does not presses its digits as tones in the voice.
    pub telephone_events: bool,
    /// Whether what it hears is kept, the first minute of it, for `GET /calls/{id}/audio`.
    pub record: bool,
}

impl Default for Answer {
    fn default() -> Self {
        Self {
            after_ms: 2000,
            tone_hz: None,
            codecs: vec![Codec::Pcma, Codec::Pcmu],
            hang_up_after_ms: None,
            lost_with: None,
            press: Vec::new(),
            telephone_events: true,
            record: false,
        }
    }
}

/// A mailbox that greets, beeps, then records in silence. It never presses a key.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Voicemail {
    /// How long it rings, in milliseconds.
    pub after_ms: u64,
    /// Length of the greeting before the beep, in milliseconds.
    pub greeting_ms: u64,
    /// How long it records after the beep before it hangs up, in milliseconds.
    pub record_ms: u64,
}

impl Default for Voicemail {
    fn default() -> Self {
        Self {
            after_ms: 4000,
            greeting_ms: 4000,
            record_ms: 60_000,
        }
    }
}

/// What follows the announcement of [`EarlyMedia`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AfterAnnouncement {
    /// The call is answered so.
    Answer(Answer),
    /// The call is refused with this final status, 300 to 699.
    Refuse(u16),
}

/// 183 with SDP and a tone, then an answer or a refusal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EarlyMedia {
    /// The announcement's frequency in hertz.
    #[serde(default = "announcement_hz")]
    pub announcement_hz: f64,
    /// How long the announcement plays, in milliseconds.
    #[serde(default = "announcement_ms")]
    pub announcement_ms: u64,
    /// What comes then.
    pub then: AfterAnnouncement,
}

fn announcement_hz() -> f64 {
    1130.0
}

fn announcement_ms() -> u64 {
    3000
}

/// A network that says 100 at once and 180 late.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Slow {
    /// How long only the 100 is out, in milliseconds.
    pub ringing_after_ms: u64,
    /// What follows the 180.
    pub answer: Answer,
}

impl Default for Slow {
    fn default() -> Self {
        Self {
            ringing_after_ms: 6000,
            answer: Answer::default(),
        }
    }
}

/// What a re-INVITE from the telephone asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReinviteMode {
    /// An offer with `a=sendonly`, and after two seconds one with `a=sendrecv` (RFC 3264 §8.4).
    Hold,
    /// No offer: the other side must make one, the ACK answers it (RFC 3261 §14.1).
    Offerless,
}

/// An answered call in which the telephone sends a re-INVITE.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reinvite {
    /// How it answers.
    #[serde(default)]
    pub answer: Answer,
    /// When it sends the re-INVITE, in milliseconds after the 200.
    #[serde(default = "reinvite_at_ms")]
    pub at_ms: u64,
    /// What it asks for.
    pub mode: ReinviteMode,
}

fn reinvite_at_ms() -> u64 {
    2000
}

/// Which side refreshes the session (RFC 4028 §7.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Refresher {
    /// The caller, here the gateway. The telephone ends the call when no refresh comes in time.
    Uac,
    /// The called telephone, by re-INVITE at half the interval.
    Uas,
}

/// An answered call with a session timer (RFC 4028).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SessionTimer {
    /// How it answers.
    #[serde(default)]
    pub answer: Answer,
    /// `Session-Expires`, in seconds. Below 90 it breaks RFC 4028 §4 on purpose, for tests that cannot wait.
    #[serde(default = "interval_s")]
    pub interval_s: u32,
    /// Who refreshes.
    #[serde(default = "refresher")]
    pub refresher: Refresher,
}

fn interval_s() -> u32 {
    90
}

fn refresher() -> Refresher {
    Refresher::Uas
}

/// A final refusal with a status of choice.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Refuse {
    /// Final status, 300 to 699.
    pub status: u16,
    /// How long it rings before, in milliseconds. 0 refuses at once.
    #[serde(default)]
    pub after_ms: u64,
}

/// What happens when a number is called.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Behaviour {
    /// Rings, answers, sends its tone.
    Answer(Answer),
    /// Rings until the caller gives up.
    RingOut,
    /// 486 with cause 17.
    Busy,
    /// 603 with cause 21.
    Decline,
    /// Answers as a mailbox does.
    Voicemail(Voicemail),
    /// 404 with cause 1.
    NoSuchNumber,
    /// 480 with cause 20.
    Unavailable,
    /// Announces before it answers or refuses.
    EarlyMedia(EarlyMedia),
    /// Only 100 for a while.
    Slow(Slow),
    /// 503.
    ServiceUnavailable,
    /// 500.
    ServerError,
    /// Any other final status.
    Refuse(Refuse),
    /// Not one answer to the INVITE.
    Silent,
    /// Answers, then sends no RTP.
    NoRtp(Answer),
    /// 183 that must be acknowledged by PRACK (RFC 3262) before the 200; 421 to callers without `100rel`.
    #[serde(rename = "require_100rel")]
    Require100Rel(Answer),
    /// Answers and hangs up, after one second where `hang_up_after_ms` is not given.
    AnswersThenHangsUp(Answer),
    /// Sends a re-INVITE in the call.
    Reinvite(Reinvite),
    /// Demands a session timer.
    SessionTimer(SessionTimer),
}

/// Why a behaviour cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BehaviourError {
    /// A tone outside what G.711 carries.
    #[error("tone of {0} Hz: use 100 to 3600 Hz")]
    Tone(String),
    /// No codec to answer with.
    #[error("`codecs` is empty: name PCMA, PCMU or both")]
    NoCodec,
    /// A digit that RFC 4733 does not know.
    #[error("`{0}` is no DTMF digit: use 0-9, *, #, A-D")]
    Digit(char),
    /// More digits than a call can hold.
    #[error("more than 64 digits in one `press`")]
    TooManyDigits,
    /// Not a final, refusing status.
    #[error("status {0}: use 300 to 699")]
    Status(u16),
    /// A session timer without an interval.
    #[error("`interval_s` must be 2 to 7200")]
    Interval,
}

impl Behaviour {
    /// The name of its kind, as TOML and JSON spell it.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Answer(_) => "answer",
            Self::RingOut => "ring_out",
            Self::Busy => "busy",
            Self::Decline => "decline",
            Self::Voicemail(_) => "voicemail",
            Self::NoSuchNumber => "no_such_number",
            Self::Unavailable => "unavailable",
            Self::EarlyMedia(_) => "early_media",
            Self::Slow(_) => "slow",
            Self::ServiceUnavailable => "service_unavailable",
            Self::ServerError => "server_error",
            Self::Refuse(_) => "refuse",
            Self::Silent => "silent",
            Self::NoRtp(_) => "no_rtp",
            Self::Require100Rel(_) => "require_100rel",
            Self::AnswersThenHangsUp(_) => "answers_then_hangs_up",
            Self::Reinvite(_) => "reinvite",
            Self::SessionTimer(_) => "session_timer",
        }
    }

    /// How it answers, for the kinds that do.
    pub const fn answer(&self) -> Option<&Answer> {
        match self {
            Self::Answer(answer)
            | Self::NoRtp(answer)
            | Self::Require100Rel(answer)
            | Self::AnswersThenHangsUp(answer) => Some(answer),
            Self::Slow(slow) => Some(&slow.answer),
            Self::Reinvite(reinvite) => Some(&reinvite.answer),
            Self::SessionTimer(timer) => Some(&timer.answer),
            Self::EarlyMedia(early) => match &early.then {
                AfterAnnouncement::Answer(answer) => Some(answer),
                AfterAnnouncement::Refuse(_) => None,
            },
            _ => None,
        }
    }

    /// Checks what serde cannot.
    pub fn check(&self) -> Result<(), BehaviourError> {
        if let Some(answer) = self.answer() {
            answer.check()?;
        }
        match self {
            Self::EarlyMedia(early) => {
                check_tone(early.announcement_hz)?;
                if let AfterAnnouncement::Refuse(status) = early.then {
                    check_status(status)?;
                }
                Ok(())
            }
            Self::Refuse(refuse) => check_status(refuse.status),
            Self::SessionTimer(timer) if !(2..=7200).contains(&timer.interval_s) => {
                Err(BehaviourError::Interval)
            }
            _ => Ok(()),
        }
    }
}

impl Answer {
    fn check(&self) -> Result<(), BehaviourError> {
        if self.codecs.is_empty() {
            return Err(BehaviourError::NoCodec);
        }
        if let Some(hz) = self.tone_hz {
            check_tone(hz)?;
        }
        self.press
            .iter()
            .try_for_each(|press| check_digits(&press.digits))
    }
}

/// Checks a string of DTMF digits.
pub(crate) fn check_digits(digits: &str) -> Result<(), BehaviourError> {
    if digits.len() > 64 {
        return Err(BehaviourError::TooManyDigits);
    }
    match digits
        .chars()
        .find(|digit| crate::dtmf::event_of(*digit).is_none())
    {
        Some(digit) => Err(BehaviourError::Digit(digit)),
        None => Ok(()),
    }
}

fn check_tone(hz: f64) -> Result<(), BehaviourError> {
    if (100.0..=3600.0).contains(&hz) {
        Ok(())
    } else {
        Err(BehaviourError::Tone(hz.to_string()))
    }
}

fn check_status(status: u16) -> Result<(), BehaviourError> {
    if (300..700).contains(&status) {
        Ok(())
    } else {
        Err(BehaviourError::Status(status))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(toml: &str) -> Result<Behaviour, toml::de::Error> {
        toml::from_str(toml)
    }

    #[test]
    fn a_mobile_that_presses_one_reads_from_toml() {
        let behaviour =
            read("kind = \"answer\"\nafter_ms = 300\ntone_hz = 587\ncodecs = [\"PCMU\"]\npress = [{ digits = \"1\", at_ms = 800 }]")
                .unwrap();
        let answer = behaviour.answer().unwrap();
        assert_eq!(answer.codecs, [Codec::Pcmu]);
        assert_eq!(answer.press[0].at_ms, 800);
        behaviour.check().unwrap();
    }

    #[test]
    fn an_unknown_field_is_an_error() {
        assert!(read("kind = \"answer\"\nafter = 300").is_err());
        assert!(read("kind = \"sings\"").is_err());
    }

    #[test]
    fn nonsense_is_named() {
        let checked = |toml: &str| read(toml).unwrap().check();
        assert_eq!(
            checked("kind = \"answer\"\ntone_hz = 20"),
            Err(BehaviourError::Tone("20".into()))
        );
        assert_eq!(
            checked("kind = \"answer\"\ncodecs = []"),
            Err(BehaviourError::NoCodec)
        );
        assert_eq!(
            checked("kind = \"answer\"\npress = [{ digits = \"1x\" }]"),
            Err(BehaviourError::Digit('x'))
        );
        assert_eq!(
            checked("kind = \"refuse\"\nstatus = 200"),
            Err(BehaviourError::Status(200))
        );
    }

    #[test]
    fn json_and_back_is_the_same() {
        let behaviour = Behaviour::EarlyMedia(EarlyMedia {
            announcement_hz: 1130.0,
            announcement_ms: 500,
            then: AfterAnnouncement::Refuse(404),
        });
        let json = serde_json::to_string(&behaviour).unwrap();
        assert_eq!(serde_json::from_str::<Behaviour>(&json).unwrap(), behaviour);
        assert_eq!(
            serde_json::from_str::<Behaviour>("{\"kind\":\"busy\"}").unwrap(),
            Behaviour::Busy
        );
    }
}
