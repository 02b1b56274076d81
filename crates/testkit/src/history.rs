//! Random histories: how one is run, comes to its end, and is found again by its seed.

use crate::{Rng, Supervised, TellSeed};
use ponte_call_core::{Event, LegEnd, LegEndKind, LegId};
use ponte_protocol::{CallId, UnixMillis};

/// Steps of one history.
const STEPS: usize = 200;
/// How much closer to the bound each round brings that ends calls which no timer ends.
const ROUND: usize = 1_000;

/// A random history; the same seed gives the same one.
pub trait RandomHistory: Sized {
    /// How often it may be woken after its last step before it counts as never coming to rest.
    const WAKES_MAX: usize;

    fn new(seed: u64) -> Self;
    /// Something happens.
    fn step(&mut self);
    fn event(&mut self, event: Event);
    /// Lets the switch do what is due.
    fn timeout(&mut self);

    fn rng(&mut self) -> &mut Rng;
    fn now(&mut self) -> &mut UnixMillis;
    fn switch(&self) -> &Supervised;
    /// Every leg that there was, the newest last.
    fn legs(&self) -> &[LegId];

    /// The whole history of a seed, which is told if it fails.
    fn run(seed: u64) -> Self {
        let tell = TellSeed(seed);
        let mut history = Self::new(seed);
        for _ in 0..STEPS {
            history.step();
        }
        history.end();
        drop(tell);
        history
    }

    /// Mostly one of the `newest`; now and then any, or one that never was.
    fn any_leg(&mut self, newest: usize) -> LegId {
        let strange = LegId {
            call: CallId(uuid::Uuid::from_u128(u128::from(self.rng().below(9)))),
            index: u16::try_from(self.rng().below(4)).unwrap_or(0),
        };
        let count = self.legs().len();
        if count == 0 || self.rng().chance(3) {
            return strange;
        }
        let among = if self.rng().chance(90) {
            count.min(newest)
        } else {
            count
        };
        let back = usize::try_from(self.rng().below(among as u64)).unwrap_or(0);
        self.legs()[count - 1 - back]
    }

    /// Every telephone hangs up, or never says so; time passes; nothing must be left.
    ///
    /// # Panics
    /// Where something is.
    fn end(&mut self) {
        let hung_up = self.rng().chance(50);
        for leg in self.legs().to_vec() {
            if hung_up || self.rng().chance(50) {
                self.event(ended(leg, LegEndKind::Remote));
            } else {
                self.event(silent(leg));
            }
        }
        let mut wakes = 0;
        loop {
            while let Some((at, _)) = self.switch().switch().poll_timeout() {
                let now = self.now();
                *now = at.max(*now);
                self.timeout();
                wakes += 1;
                assert!(wakes < Self::WAKES_MAX, "it never comes to rest");
            }
            if self.switch().switch().call_count() == 0 {
                break;
            }
            // Whoever still speaks falls silent. A telephone that was held may: its session timer finds out (RFC 4028).
            for leg in self.legs().to_vec() {
                self.event(silent(leg));
                if wakes >= 3 * ROUND {
                    self.event(ended(leg, LegEndKind::Timeout));
                }
            }
            wakes += ROUND;
            assert!(wakes < Self::WAKES_MAX, "calls are left that nothing ends");
        }
        self.switch().assert_idle();
    }
}

fn ended(leg: LegId, kind: LegEndKind) -> Event {
    let end = LegEnd {
        kind,
        sip: None,
        q850: None,
    };
    Event::LegEnded { leg, end }
}

fn silent(leg: LegId) -> Event {
    let since_ms = 3_600_000;
    Event::AudioMissing { leg, since_ms }
}
