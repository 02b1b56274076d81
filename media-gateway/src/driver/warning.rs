//! Why a session description cannot be answered, as a peer is told it (RFC 3261 section 20.43).

use ponte_media::sdp::SdpError;

/// A Warning: its code, and what it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Warning(u16, &'static str);

impl Warning {
    pub fn of(error: &SdpError) -> Self {
        match error {
            SdpError::BadAddress => Self(301, "No usable connection address"),
            SdpError::Transport => Self(302, "Only RTP/AVP and RTP/AVPF"),
            SdpError::NoAudio | SdpError::Rejected => Self(304, "No audio"),
            SdpError::NoCommonCodec => Self(305, "Only PCMA and PCMU"),
            SdpError::Malformed(_) => Self(399, "Not a session description"),
        }
    }

    /// Name and value of the header. The agent is a pseudonym: peers need not know our addresses.
    pub fn header(self) -> (String, String) {
        ("Warning".to_owned(), format!("{} ponte \"{}\"", self.0, self.1))
    }
}
