//! A user: rights, mode, the one line, and what was used of the caps.

use crate::codes::Keyed;
use crate::line::Line;
use crate::persistent::Standing;
use crate::{NumberClass, UserConfig};
use ponte_protocol::{CallId, DeskUse, Destination, DeviceId, E164, Mode, Refusal, UnixMillis};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

const HOUR_MS: u64 = 60 * 60 * 1_000;
const DAY_MS: u64 = 24 * HOUR_MS;
/// Calls in any 60 minutes to a telephone at which nobody has ever said "it is me": it may be a stranger's.
const UNCONFIRMED_PER_HOUR: usize = 5;
/// Verification calls a user may ask for in any 60 minutes: a stranger's telephone must not be made to ring for long.
const VERIFICATIONS_PER_HOUR: usize = 3;

#[derive(Debug)]
pub(crate) struct User {
    pub(crate) config: UserConfig,
    pub(crate) mode: Mode,
    /// What the numbering plan said of the destination when it was entered.
    pub(crate) destination_class: NumberClass,
    /// The telephone that was the user's before telecommuter mode was entered (rule T10).
    pub(crate) telephone_left: Option<DeviceId>,
    /// A telephone of the user's was tried since telecommuter mode was entered, and the user has not answered to that.
    pub(crate) desk_used: Option<DeskUse>,
    /// The one leg at the user's ear and its calls (rule T8).
    pub(crate) line: Option<Line>,
    /// Calls that are not over, oldest first.
    pub(crate) calls: Vec<CallId>,
    /// Taken out of the configuration; kept until the calls are over.
    pub(crate) removed: bool,
    /// Portals that are connected (rule T13).
    pub(crate) portals: u32,
    pub(crate) keyed: Keyed,
    /// Telecommuter mode ends with the calls that are up.
    pub(crate) leaves_after_call: bool,
    /// The leg that stays up (rule T15).
    pub(crate) standing: Standing,
    usage: Usage,
    /// When telephones were called that must confirm, and never have, oldest first.
    attempts: BTreeMap<E164, VecDeque<UnixMillis>>,
    /// Numbers at which somebody has confirmed.
    confirmed: BTreeSet<E164>,
    /// When verification calls were made, oldest first (rule T2).
    verifications: VecDeque<UnixMillis>,
}

/// Where the user's own telephone is.
pub(crate) enum UserTelephone<'a> {
    Number { number: &'a E164, confirm: bool },
    Browser,
}

impl User {
    pub(crate) fn new(config: UserConfig) -> Self {
        Self {
            config,
            mode: Mode::Office,
            destination_class: NumberClass::Other,
            telephone_left: None,
            desk_used: None,
            line: None,
            calls: Vec::new(),
            removed: false,
            portals: 0,
            keyed: Keyed::default(),
            leaves_after_call: false,
            standing: Standing::default(),
            usage: Usage::default(),
            attempts: BTreeMap::new(),
            confirmed: BTreeSet::new(),
            verifications: VecDeque::new(),
        }
    }

    /// Whether a telephone at which nobody has ever confirmed may be called once more in this hour.
    pub(crate) fn may_attempt(&self, number: &E164, now: UnixMillis) -> bool {
        if self.confirmed.contains(number) || self.config.proven.contains(number) {
            return true;
        }
        let recent = |at: &&UnixMillis| now.since(**at) < HOUR_MS;
        self.attempts
            .get(number)
            .is_none_or(|attempts| attempts.iter().filter(recent).count() < UNCONFIRMED_PER_HOUR)
    }

    pub(crate) fn count_attempt(&mut self, number: &E164, at: UnixMillis) {
        let attempts = self.attempts.entry(number.clone()).or_default();
        attempts.push_back(at);
        while attempts.len() > UNCONFIRMED_PER_HOUR {
            attempts.pop_front();
        }
    }

    pub(crate) fn has_confirmed(&mut self, number: &E164) {
        self.attempts.remove(number);
        self.confirmed.insert(number.clone());
    }

    /// What was known of the user's telephones before a restart.
    pub(crate) fn restore_attempts(&mut self, confirmed: Vec<E164>, attempts: Vec<(E164, UnixMillis)>) {
        for (number, at) in attempts {
            self.count_attempt(&number, at);
        }
        for number in confirmed {
            self.has_confirmed(&number);
        }
    }

    /// The telephone that a call back rings.
    pub(crate) fn telephone(&self) -> Result<UserTelephone<'_>, Refusal> {
        match &self.mode {
            Mode::Telecommuting {
                destination: Destination::Number { number, confirm, .. },
                ..
            } => Ok(UserTelephone::Number {
                number,
                confirm: *confirm,
            }),
            Mode::Telecommuting {
                destination: Destination::Browser,
                ..
            } if self.config.profile.browser_allowed => Ok(UserTelephone::Browser),
            Mode::Telecommuting { .. } => Err(Refusal::Unsupported),
            Mode::Office | Mode::Unknown => Err(Refusal::NotInTelecommuterMode),
        }
    }

    /// Rights on whose caps a `Dial` counts; `up_ms`: how long the calls that are up have been.
    pub(crate) fn check_caps(&mut self, now: UnixMillis, up_ms: u64) -> Result<(), Refusal> {
        self.usage.forget(now);
        let caps = &self.config.caps;
        let dials = u32::try_from(self.usage.dials.len()).unwrap_or(u32::MAX);
        let day_ms = u64::from(caps.minutes_per_day) * 60_000;
        if dials >= caps.dials_per_hour || self.usage.talk_ms(now).saturating_add(up_ms) >= day_ms {
            return Err(Refusal::CapReached);
        }
        Ok(())
    }

    /// What the cap on minutes leaves of the day, in milliseconds.
    pub(crate) fn talk_left_ms(&self, now: UnixMillis) -> u64 {
        let day_ms = u64::from(self.config.caps.minutes_per_day) * 60_000;
        day_ms.saturating_sub(self.usage.talk_ms(now))
    }

    /// Whether one more verification call may be made in this hour.
    pub(crate) fn may_verify(&mut self, now: UnixMillis) -> bool {
        while self
            .verifications
            .front()
            .is_some_and(|&at| now.since(at) >= HOUR_MS)
        {
            self.verifications.pop_front();
        }
        self.verifications.len() < VERIFICATIONS_PER_HOUR
    }

    pub(crate) fn count_verification(&mut self, now: UnixMillis) {
        self.verifications.push_back(now);
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
