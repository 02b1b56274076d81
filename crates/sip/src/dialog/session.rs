//! Session timers (RFC 4028): what was agreed, and when to act on it.

use std::time::Duration;

use crate::message::{HeaderName, Message, Refresher, parse_session_expires};
use crate::types::UaConfig;

/// The session interval in force.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct SessionTimer {
    /// Seconds; `None` while no session timer runs.
    pub(crate) interval: Option<u32>,
    /// Whether the refresh falls to us.
    pub(crate) ours: bool,
    /// The interval was raised after a 422 and not agreed yet.
    pub(crate) raised: bool,
}

/// What to put into a 2xx, and what it means for us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Agreement {
    None,
    Agreed {
        interval: u32,
        refresher: Refresher,
    },
    /// 422 with this Min-SE.
    TooSmall(u32),
}

impl SessionTimer {
    /// When the refresher refreshes: half-way.
    pub(crate) fn refresh_after(self) -> Option<Duration> {
        self.interval
            .filter(|_| self.ours)
            .map(|seconds| Duration::from_secs(u64::from(seconds) / 2))
    }

    /// When the session counts as dead. The side that does not refresh leaves a little earlier, so that its
    /// BYE still finds the peer (RFC 4028 10).
    pub(crate) fn expire_after(self) -> Option<Duration> {
        self.interval.map(|seconds| {
            let margin = if self.ours { 0 } else { (seconds / 3).min(32) };
            Duration::from_secs(u64::from(seconds - margin))
        })
    }

    /// What a 2xx to our INVITE or UPDATE agreed to.
    pub(crate) fn from_response(response: &Message) -> Self {
        let agreed = response
            .header(HeaderName::SessionExpires)
            .and_then(parse_session_expires);
        match agreed {
            Some((interval, refresher)) if interval > 0 => Self {
                interval: Some(interval.max(SHORTEST_FOLLOWED)),
                ours: refresher != Some(Refresher::Uas),
                raised: false,
            },
            _ => Self::default(),
        }
    }
}

/// RFC 4028 5 allows none shorter, in seconds.
const MIN_INTERVAL: u32 = 90;

/// A peer that breaks the rule and answers with less ends the call when it is not followed; below this it would make us
/// send without pause.
const SHORTEST_FOLLOWED: u32 = 4;

/// Judges the session timer headers of an INVITE or UPDATE that came in (RFC 4028 9).
pub(crate) fn agree(config: &UaConfig, request: &Message) -> Agreement {
    let supported =
        request.has_token(HeaderName::Supported, "timer") || request.has_token(HeaderName::Require, "timer");
    let asked = request
        .header(HeaderName::SessionExpires)
        .and_then(parse_session_expires);
    let our_min = seconds(config.min_se).max(MIN_INTERVAL);
    let their_min = request
        .header(HeaderName::MinSe)
        .and_then(crate::message::leading_number)
        .unwrap_or(0);
    if let Some((interval, refresher)) = asked {
        if interval < our_min {
            // A peer without the extension could not make sense of a 422.
            return if supported {
                Agreement::TooSmall(our_min)
            } else {
                Agreement::None
            };
        }
        let wanted = config
            .session_expires
            .map_or(interval, |ours| seconds(ours).min(interval));
        let interval = wanted.max(our_min).max(their_min).min(interval);
        let fallback = if supported { Refresher::Uac } else { Refresher::Uas };
        let refresher = if supported {
            refresher.unwrap_or(fallback)
        } else {
            Refresher::Uas
        };
        return Agreement::Agreed { interval, refresher };
    }
    match config.session_expires {
        Some(ours) if supported => Agreement::Agreed {
            interval: seconds(ours).max(our_min).max(their_min),
            refresher: Refresher::Uac,
        },
        _ => Agreement::None,
    }
}

pub(crate) fn seconds(duration: Duration) -> u32 {
    u32::try_from(duration.as_secs()).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn invite(headers: &str) -> Message {
        let text = format!(
            "INVITE sip:b@h SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\nFrom: <sip:a@h>;tag=1\r\n\
             To: <sip:b@h>\r\nCall-ID: c\r\nCSeq: 1 INVITE\r\n{headers}Content-Length: 0\r\n\r\n"
        );
        Message::parse(text.as_bytes()).unwrap()
    }

    #[test]
    fn what_is_agreed_for_each_proposal() {
        use Agreement::{Agreed, None, TooSmall};
        let config = UaConfig::default();
        let agreed = |interval, refresher| Agreed { interval, refresher };
        for (headers, expected) in [
            ("", None),
            ("Supported: timer\r\n", agreed(1800, Refresher::Uac)),
            ("k: timer\r\nx: 120\r\n", agreed(120, Refresher::Uac)),
            (
                "k: timer\r\nx: 120;refresher=uas\r\n",
                agreed(120, Refresher::Uas),
            ),
            (
                "k: timer\r\nx: 3600\r\nMin-SE: 2000\r\n",
                agreed(2000, Refresher::Uac),
            ),
            ("k: timer\r\nx: 60\r\n", TooSmall(90)),
            ("x: 60\r\n", None),
            ("x: 600\r\n", agreed(600, Refresher::Uas)),
        ] {
            assert_eq!(agree(&config, &invite(headers)), expected, "{headers}");
        }
    }

    #[test]
    fn the_refresher_acts_half_way_and_the_other_leaves_early() {
        let ours = SessionTimer {
            interval: Some(1800),
            ours: true,
            raised: false,
        };
        assert_eq!(ours.refresh_after(), Some(Duration::from_mins(15)));
        assert_eq!(ours.expire_after(), Some(Duration::from_mins(30)));
        let theirs = SessionTimer {
            interval: Some(90),
            ours: false,
            raised: false,
        };
        assert_eq!(
            (theirs.refresh_after(), theirs.expire_after()),
            (None, Some(Duration::from_mins(1)))
        );
    }
}
