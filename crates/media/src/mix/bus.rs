//! The sum of all voices of a room, at the two rates that members have.
//!
//! Changing the rate of a sum is the sum of changed rates: so a room converts twice in 20 ms however many members it
//! has, and not at all while all of them have the same rate. A telephone loses nothing to the conversion.

use super::half_band::{Doubler, Halver};
use super::{Frame, NARROW, WIDE, WideFrame};

#[derive(Debug)]
pub(super) struct Bus {
    narrow: Frame,
    wide: WideFrame,
    /// Where there is a wideband member.
    bridge: Option<Box<Bridge>>,
}

#[derive(Debug)]
struct Bridge {
    doubler: Doubler,
    halver: Halver,
}

impl Bus {
    pub(super) fn new() -> Self {
        Self {
            narrow: [0.0; NARROW],
            wide: [0.0; WIDE],
            bridge: None,
        }
    }

    /// Says whether there is a wideband member; allocates, so not for a tick.
    #[cfg_attr(
        not(test),
        expect(dead_code, reason = "all endpoints of today are telephones")
    )]
    pub(super) fn set_wide(&mut self, wide: bool) {
        if wide != self.bridge.is_some() {
            self.bridge = wide.then(|| {
                Box::new(Bridge {
                    doubler: Doubler::new(),
                    halver: Halver::new(),
                })
            });
        }
    }

    /// Begins 20 ms.
    pub(super) fn clear(&mut self) {
        self.narrow = [0.0; NARROW];
        if self.bridge.is_some() {
            self.wide = [0.0; WIDE];
        }
    }

    pub(super) fn add(&mut self, voice: &Frame) {
        for (sum, sample) in self.narrow.iter_mut().zip(voice) {
            *sum += sample;
        }
    }

    #[cfg_attr(
        not(test),
        expect(dead_code, reason = "all endpoints of today are telephones")
    )]
    pub(super) fn add_wide(&mut self, voice: &WideFrame) {
        for (sum, sample) in self.wide.iter_mut().zip(voice) {
            *sum += sample;
        }
    }

    /// All voices are in: each rate hears the other.
    pub(super) fn join(&mut self) {
        let Some(bridge) = &mut self.bridge else { return };
        let mut doubled = [0.0; WIDE];
        let mut halved = [0.0; NARROW];
        bridge.doubler.process(&self.narrow, &mut doubled);
        bridge.halver.process(&self.wide, &mut halved);
        for (sum, sample) in self.narrow.iter_mut().zip(halved) {
            *sum += sample;
        }
        for (sum, sample) in self.wide.iter_mut().zip(doubled) {
            *sum += sample;
        }
    }

    /// What a telephone hears that said `own`.
    pub(super) fn without(&self, own: Option<&Frame>) -> Frame {
        match own {
            Some(own) => std::array::from_fn(|n| self.narrow[n] - own[n]),
            None => self.narrow,
        }
    }

    /// What a wideband member hears that said `own`.
    #[cfg_attr(
        not(test),
        expect(dead_code, reason = "all endpoints of today are telephones")
    )]
    pub(super) fn wide_without(&self, own: Option<&WideFrame>) -> WideFrame {
        match own {
            Some(own) => std::array::from_fn(|n| self.wide[n] - own[n]),
            None => self.wide,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis;

    fn narrow(frequency: f32, frame: usize) -> Frame {
        std::array::from_fn(|n| {
            let t = (frame * NARROW + n) as f32 / 8000.0;
            3000.0 * (std::f32::consts::TAU * frequency * t).sin()
        })
    }

    fn wide(frequency: f32, frame: usize) -> WideFrame {
        std::array::from_fn(|n| {
            let t = (frame * WIDE + n) as f32 / 16_000.0;
            3000.0 * (std::f32::consts::TAU * frequency * t).sin()
        })
    }

    #[test]
    fn telephones_and_wideband_members_hear_each_other_and_nobody_itself() {
        let mut bus = Bus::new();
        bus.set_wide(true);
        let mut heard: [Vec<i16>; 4] = Default::default();
        for frame in 0..50 {
            let telephones = [narrow(500.0, frame), narrow(900.0, frame)];
            let browsers = [wide(1300.0, frame), wide(1700.0, frame)];
            bus.clear();
            for voice in &telephones {
                bus.add(voice);
            }
            for voice in &browsers {
                bus.add_wide(voice);
            }
            bus.join();
            for (n, own) in telephones.iter().enumerate() {
                heard[n].extend(bus.without(Some(own)).map(|sample| sample as i16));
            }
            for (n, own) in browsers.iter().enumerate() {
                // Every second sample: the frequencies are low enough for it.
                let all = bus.wide_without(Some(own));
                heard[2 + n].extend(all.iter().step_by(2).map(|&sample| sample as i16));
            }
        }
        let frequencies = [500.0, 900.0, 1300.0, 1700.0];
        let level = analysis::level_of(&analysis::sines(&[500.0], 0.0, 0.5), 500.0)
            + 20.0 * (3000.0 / analysis::amplitude_of(0.0)).log10();
        for (member, heard) in heard.iter().enumerate() {
            for (voice, &frequency) in frequencies.iter().enumerate() {
                let found = analysis::level_of(&heard[800..], frequency);
                if member == voice {
                    assert!(found < level - 50.0, "{member} hears itself at {found}");
                } else {
                    assert!((found - level).abs() < 0.3, "{member} hears {voice} at {found}");
                }
            }
        }
    }
}
