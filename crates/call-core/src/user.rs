//! A user: rights, mode, the one line, and what was used of the caps.

use crate::{NumberClass, UserConfig};
use ponte_protocol::{CallId, Destination, E164, Mode, Refusal, UnixMillis};
use std::collections::VecDeque;

const HOUR_MS: u64 = 60 * 60 * 1_000;
const DAY_MS: u64 = 24 * HOUR_MS;

#[derive(Debug)]
pub(crate) struct User {
    pub(crate) config: UserConfig,
    pub(crate) mode: Mode,
    /// What the numbering plan said of the destination when it was entered.
    pub(crate) destination_class: NumberClass,
    /// The call that holds the user's telephone (rule T8).
    pub(crate) line: Option<CallId>,
    /// Calls that are not over, oldest first.
    pub(crate) calls: Vec<CallId>,
    /// Taken out of the configuration; kept until the calls are over.
    pub(crate) removed: bool,
    usage: Usage,
}

/// Where the user's own telephone is.
pub(crate) struct UserTelephone<'a> {
    pub(crate) number: &'a E164,
    pub(crate) confirm: bool,
}

impl User {
    pub(crate) fn new(config: UserConfig) -> Self {
        Self {
            config,
            mode: Mode::Office,
            destination_class: NumberClass::Other,
            line: None,
            calls: Vec::new(),
            removed: false,
            usage: Usage::default(),
        }
    }

    /// The telephone that a call back rings.
    pub(crate) fn telephone(&self) -> Result<UserTelephone<'_>, Refusal> {
        match &self.mode {
            Mode::Telecommuting {
                destination: Destination::Number { number, confirm, .. },
                ..
            } => Ok(UserTelephone {
                number,
                confirm: *confirm,
            }),
            Mode::Telecommuting { .. } => Err(Refusal::Unsupported),
            Mode::Office | Mode::Unknown => Err(Refusal::NotInTelecommuterMode),
        }
    }

    /// Rights on whose caps a `Dial` counts.
    pub(crate) fn check_caps(&mut self, now: UnixMillis) -> Result<(), Refusal> {
        self.usage.forget(now);
        let caps = &self.config.caps;
        let dials = u32::try_from(self.usage.dials.len()).unwrap_or(u32::MAX);
        let day_ms = u64::from(caps.minutes_per_day) * 60_000;
        if dials >= caps.dials_per_hour || self.usage.talk_ms(now) >= day_ms {
            return Err(Refusal::CapReached);
        }
        Ok(())
    }

    pub(crate) fn count_dial(&mut self, now: UnixMillis) {
        self.usage.dials.push_back(now);
    }

    pub(crate) fn count_talk(&mut self, from: UnixMillis, to: UnixMillis) {
        self.usage.talks.push_back((from, to));
    }

    /// What was used before a restart, instead of what is counted so far.
    pub(crate) fn restore_usage(
        &mut self,
        mut dials: Vec<UnixMillis>,
        mut talks: Vec<(UnixMillis, UnixMillis)>,
    ) {
        dials.sort_unstable();
        talks.sort_unstable_by_key(|&(_, to)| to);
        self.usage = Usage {
            dials: dials.into(),
            talks: talks.into(),
        };
    }
}

/// What counts towards the caps, oldest first.
#[derive(Debug, Default)]
struct Usage {
    dials: VecDeque<UnixMillis>,
    talks: VecDeque<(UnixMillis, UnixMillis)>,
}

impl Usage {
    fn forget(&mut self, now: UnixMillis) {
        while self.dials.front().is_some_and(|&at| now.since(at) >= HOUR_MS) {
            self.dials.pop_front();
        }
        while self.talks.front().is_some_and(|&(_, to)| now.since(to) >= DAY_MS) {
            self.talks.pop_front();
        }
    }

    fn talk_ms(&self, now: UnixMillis) -> u64 {
        let day_ago = UnixMillis(now.0.saturating_sub(DAY_MS));
        self.talks
            .iter()
            .map(|&(from, to)| to.since(from.max(day_ago)))
            .fold(0, u64::saturating_add)
    }
}
