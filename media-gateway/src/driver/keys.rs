//! Keys of a leg come by two ways: in its audio (RFC 4733 events, or tones), and by SIP INFO. Some telephones send each press
//! by both.

use ponte_call_core::Secret;
use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// How far apart the two tidings of one press may be: some send the INFO when a key is let go.
const APART: Duration = Duration::from_secs(2);
/// Presses that are remembered.
const MOST: usize = 16;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    Audio,
    Info,
}

/// Tells presses from their repetitions by the other way.
#[derive(Debug, Default)]
pub(super) struct Keys {
    /// Presses that came by one way so far.
    open: VecDeque<(Instant, Way, Secret<char>)>,
    /// Some came by both.
    pub doubles: bool,
}

impl Keys {
    /// A key came; whether it is a press of its own.
    pub fn is_press(&mut self, now: Instant, way: Way, key: char) -> bool {
        self.open
            .retain(|(at, ..)| now.saturating_duration_since(*at) < APART);
        let told = |(_, by, known): &(Instant, Way, Secret<char>)| *by != way && known.0 == key;
        if let Some(place) = self.open.iter().position(told) {
            self.open.remove(place);
            self.doubles = true;
            return false;
        }
        if self.open.len() == MOST {
            self.open.pop_front();
        }
        self.open.push_back((now, way, Secret(key)));
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is taken of keys that come at these milliseconds.
    fn taken(keys: &[(u64, Way, char)]) -> String {
        let (start, mut known) = (Instant::now(), Keys::default());
        let is_press = |(ms, way, key): &&(u64, Way, char)| {
            known.is_press(start + Duration::from_millis(*ms), *way, *key)
        };
        keys.iter().filter(is_press).map(|(_, _, key)| *key).collect()
    }

    #[test]
    fn each_press_counts_once_by_whichever_way_it_comes_first() {
        use Way::{Audio, Info};
        for (first, second) in [(Audio, Info), (Info, Audio)] {
            assert_eq!(
                taken(&[
                    (0, first, '*'),
                    (90, second, '*'),
                    (150, first, '*'),
                    (240, second, '*'),
                    (300, first, '5'),
                    (310, first, '5'),
                    (320, second, '5'),
                    (330, second, '5'),
                ]),
                "**55"
            );
        }
    }

    #[test]
    fn who_uses_one_way_presses_as_fast_as_it_can() {
        for way in [Way::Audio, Way::Info] {
            let keys: Vec<_> = (0..40).map(|n| (n * 10, way, '1')).collect();
            assert_eq!(taken(&keys), "1".repeat(40));
        }
    }

    #[test]
    fn the_same_key_later_is_a_press_whatever_its_way() {
        assert_eq!(taken(&[(0, Way::Audio, '1'), (2_500, Way::Info, '1')]), "11");
        assert_eq!(taken(&[(0, Way::Audio, '1'), (100, Way::Info, '2')]), "12");
    }
}
