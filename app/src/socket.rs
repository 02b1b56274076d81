//! The socket: it connects, resumes, notices a dead link, and connects again.

pub mod backoff;
pub mod driver;
pub mod loss;
mod spare;
pub mod watchdog;
mod wire;

use ponte_protocol::{Command, RtcRequest, UnixMillis};

/// What the page tells the socket.
#[derive(Clone, Debug)]
pub enum Input {
    /// A new command; it is sent now if there is a link, else with the others after the next connect.
    Send(Command),
    /// About calls in this browser; without a link it is left out, and asked anew after the next connect.
    Rtc(RtcRequest),
    /// The page looks at the users of the site; without a link it is asked after the next connect.
    WatchCompany,
    /// The user does not want to wait.
    RetryNow,
    /// Nothing is heard in a call of this browser: the link, which goes the same way, may be dead.
    Doubt,
    /// The browser says that it has a network again.
    Online,
    /// The browser says that it has no network.
    Offline,
    /// The page can be seen again: timers may have slept.
    Visible,
    /// The page goes away.
    Stop,
}

/// How the link stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Link {
    /// On its way for the first time, or again.
    #[default]
    Connecting,
    Connected,
    /// Between two attempts.
    Waiting {
        /// By the local clock.
        retry_at: UnixMillis,
    },
    /// No network; the browser will say when there is one.
    Offline,
    /// This build does not fit the edge; a reload brings the right one.
    Outdated,
}

/// What the connection badge says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Badge {
    Connected,
    Reconnecting,
    Offline,
    GatewayOffline,
}

impl Badge {
    /// What the link and the edge's word on its telephone system come to.
    pub const fn of(link: Link, gateway_connected: bool) -> Self {
        match link {
            Link::Connected if gateway_connected => Self::Connected,
            Link::Connected => Self::GatewayOffline,
            Link::Offline => Self::Offline,
            Link::Connecting | Link::Waiting { .. } | Link::Outdated => Self::Reconnecting,
        }
    }

    /// For attributes.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Connected => "connected",
            Self::Reconnecting => "reconnecting",
            Self::Offline => "offline",
            Self::GatewayOffline => "gateway-offline",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn t13_the_badge_never_says_connected_without_link_and_gateway() {
        let waiting = Link::Waiting {
            retry_at: UnixMillis(1),
        };
        for link in [
            Link::Connecting,
            Link::Connected,
            waiting,
            Link::Offline,
            Link::Outdated,
        ] {
            for gateway in [true, false] {
                let connected = Badge::of(link, gateway) == Badge::Connected;
                assert_eq!(connected, link == Link::Connected && gateway);
            }
        }
    }
}
