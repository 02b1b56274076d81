//! Notices that nothing is heard any more, long before the browser says so.
//!
//! A browser whose address changed keeps to the path it has until that has failed for long: with Chromium, the other party is
//! not heard for seven seconds. New candidates and credentials (ICE restart, RFC 8445 section 9) take a tenth of one.

use ponte_protocol::UnixMillis;

/// Nothing heard for so long casts doubt on the way to the telephone system, in milliseconds; added to the last pause between
/// packets, for Opus sends every 400 ms where nobody speaks.
const DOUBT_MS: u64 = 250;
/// Nothing heard for so long asks for another path, in milliseconds; added likewise.
const SILENT_MS: u64 = 500;
/// The first wait for what a restart brings, in milliseconds; each further one is twice as long. Chromium on Linux knows of a
/// new address after two seconds, and adds it to a restart that is under way.
const PATIENCE_MS: u64 = 3_000;
/// The longest, in milliseconds: nobody may be sending, and then no path helps.
const PATIENCE_MOST_MS: u64 = 24_000;
/// How often to look, in milliseconds.
pub(super) const LOOK_MS: u32 = 50;
/// A look so much later than the last one means that the page slept, in milliseconds.
const SLEPT_MS: u64 = 600;

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Finding {
    Fine,
    /// The portal's link should show whether it lives: it goes the same way, and another path is agreed on over it.
    Doubt,
    /// Another path is to be looked for.
    Silent,
}

/// Watches what one connection hears.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stall {
    /// The browser's time of the last packet, whatever it counts from.
    last: Option<f64>,
    heard_at: UnixMillis,
    /// Between the last two packets, in milliseconds.
    pause_ms: u64,
    looked_at: UnixMillis,
    due: UnixMillis,
    doubted: bool,
    patience_ms: u64,
}

impl Stall {
    pub(super) const fn new() -> Self {
        Self {
            last: None,
            heard_at: UnixMillis(0),
            pause_ms: 0,
            looked_at: UnixMillis(0),
            due: UnixMillis(0),
            doubted: false,
            patience_ms: PATIENCE_MS,
        }
    }

    /// A look at `now`, with the time of the last packet.
    pub(super) fn look(&mut self, packet: Option<f64>, now: UnixMillis) -> Finding {
        let slept = now.since(self.looked_at) > SLEPT_MS;
        self.looked_at = now;
        if packet.is_some() && packet != self.last {
            let first = self.last.is_none();
            self.last = packet;
            let pause_ms = now.since(self.heard_at);
            self.pause_ms = if first || slept { 0 } else { pause_ms.min(SLEPT_MS) };
            self.begin(now);
            self.patience_ms = PATIENCE_MS;
            return Finding::Fine;
        }
        if slept {
            self.begin(now);
        }
        if self.last.is_none() {
            Finding::Fine
        } else if now >= self.due {
            self.due = now.plus(self.patience_ms);
            self.patience_ms = (2 * self.patience_ms).min(PATIENCE_MOST_MS);
            Finding::Silent
        } else if !self.doubted && now.since(self.heard_at) >= self.pause_ms + DOUBT_MS {
            self.doubted = true;
            Finding::Doubt
        } else {
            Finding::Fine
        }
    }

    fn begin(&mut self, now: UnixMillis) {
        self.heard_at = now;
        self.due = now.plus(self.pause_ms + SILENT_MS);
        self.doubted = false;
    }

    /// There is a way to the telephone system again: what was asked before may not have arrived.
    pub(super) fn linked(&mut self, now: UnixMillis) {
        if self.doubted {
            self.patience_ms = PATIENCE_MS;
            self.due = self.due.min(now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Looks every 50 ms; packets come until `heard`. What was found, and when, in milliseconds.
    fn found(stall: &mut Stall, from: u64, to: u64, heard: u64) -> Vec<(u64, Finding)> {
        (from..to)
            .step_by(50)
            .map(|now| (now, stall.look(Some(now.min(heard) as f64), UnixMillis(now))))
            .filter(|(_, finding)| *finding != Finding::Fine)
            .collect()
    }

    /// When another path was asked for.
    fn asked(stall: &mut Stall, from: u64, to: u64, heard: u64) -> Vec<u64> {
        let silent = |(at, finding)| (finding == Finding::Silent).then_some(at);
        found(stall, from, to, heard)
            .into_iter()
            .filter_map(silent)
            .collect()
    }

    #[test]
    fn t13_a_path_that_died_is_doubted_at_once_and_left_within_a_second() {
        let found = found(&mut Stall::new(), 10_000, 12_000, 11_000);
        assert_eq!(found, [(11_300, Finding::Doubt), (11_550, Finding::Silent)]);
    }

    #[test]
    fn the_pauses_of_a_silent_line_are_not_doubted_but_for_the_first() {
        let mut stall = Stall::new();
        let found: Vec<_> = (10_000..20_000)
            .step_by(50)
            .map(|now| stall.look(Some((now / 400) as f64), UnixMillis(now)))
            .filter(|finding| *finding != Finding::Fine)
            .collect();
        assert_eq!(found, [Finding::Doubt]);
    }

    #[test]
    fn where_nobody_sends_it_is_asked_ever_less() {
        let all = asked(&mut Stall::new(), 10_000, 100_000, 11_000);
        assert_eq!(all, [11_550, 14_550, 20_550, 32_550, 56_550, 80_550]);
    }

    #[test]
    fn what_is_heard_again_begins_anew() {
        let mut stall = Stall::new();
        asked(&mut stall, 10_000, 20_000, 11_000);
        let found = found(&mut stall, 20_000, 23_000, 22_000);
        assert_eq!(found, [(22_300, Finding::Doubt), (22_550, Finding::Silent)]);
    }

    #[test]
    fn nothing_is_asked_before_anything_was_heard() {
        let mut stall = Stall::new();
        assert!(
            (10_000..20_000)
                .step_by(50)
                .all(|now| stall.look(None, UnixMillis(now)) == Finding::Fine)
        );
    }

    #[test]
    fn a_browser_that_forgot_its_last_packet_has_heard_nothing_since() {
        let mut stall = Stall::new();
        asked(&mut stall, 10_000, 11_000, 11_000);
        assert!(
            (11_000..15_000)
                .step_by(50)
                .any(|now| stall.look(None, UnixMillis(now)) == Finding::Silent)
        );
    }

    #[test]
    fn a_page_that_slept_listens_first() {
        let mut stall = Stall::new();
        asked(&mut stall, 10_000, 11_000, 11_000);
        let found: Vec<_> = [60_000, 60_200, 60_300, 60_600]
            .map(|now| stall.look(Some(10_950.0), UnixMillis(now)))
            .into();
        assert_eq!(
            found,
            [Finding::Fine, Finding::Fine, Finding::Doubt, Finding::Silent]
        );
    }

    #[test]
    fn t13_with_the_link_back_it_asks_at_once_where_nothing_is_heard() {
        let mut stall = Stall::new();
        asked(&mut stall, 10_000, 11_350, 11_000);
        stall.linked(UnixMillis(11_350));
        assert_eq!(asked(&mut stall, 11_350, 15_000, 11_000), [11_350, 14_350]);
        let mut hears = Stall::new();
        asked(&mut hears, 10_000, 11_000, 11_000);
        hears.linked(UnixMillis(11_000));
        assert!(asked(&mut hears, 11_000, 11_500, 11_000).is_empty());
    }
}
