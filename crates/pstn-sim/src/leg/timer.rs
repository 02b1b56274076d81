//! Session timers (RFC 4028) from the telephone's side.

use std::time::Duration;

use rsipstack::sip::prelude::HeadersExt;
use rsipstack::sip::{Header, Response};
use tokio::time::Instant;

use crate::behaviour::Refresher;

/// A session timer (RFC 4028).
pub(super) struct Timer {
    pub(super) interval: Duration,
    pub(super) refresher: Refresher,
    pub(super) due: Instant,
}

impl Timer {
    pub(super) fn start(interval_s: u32, refresher: Refresher) -> Self {
        let mut timer = Self {
            interval: Duration::from_secs(u64::from(interval_s)),
            refresher,
            due: Instant::now(),
        };
        timer.restart();
        timer
    }

    pub(super) fn restart(&mut self) {
        let wait = match self.refresher {
            Refresher::Uas => self.interval / 2,
            // RFC 4028 §10: a third of the interval, at most 32 s, before the end.
            Refresher::Uac => self
                .interval
                .saturating_sub((self.interval / 3).min(Duration::from_secs(32))),
        };
        self.due = Instant::now() + wait;
    }
}

/// The timer that a 200 asks of the caller. One that the other side refreshes is left to it.
pub(super) fn asked_of_caller(response: &Response) -> Option<Timer> {
    let value = response.header_value("Session-Expires")?;
    let (seconds, parameters) = value.split_once(';')?;
    let ours = parameters
        .split(';')
        .any(|parameter| parameter.trim().eq_ignore_ascii_case("refresher=uac"));
    // Here the refreshing side is ours, whatever it is called in a dialog where ours was called.
    ours.then(|| seconds.trim().parse().ok())?
        .map(|interval_s| Timer::start(interval_s, Refresher::Uas))
}

/// What a 200 says about the session timer; a caller that must refresh must understand it (RFC 4028 §9).
pub(super) fn headers(interval_s: u32, refresher: Refresher) -> Vec<Header> {
    match refresher {
        Refresher::Uac => vec![
            Header::SessionExpires(format!("{interval_s};refresher=uac").into()),
            Header::Require("timer".into()),
        ],
        Refresher::Uas => vec![Header::SessionExpires(
            format!("{interval_s};refresher=uas").into(),
        )],
    }
}
