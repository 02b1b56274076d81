//! What a random history gave to the switch and what came of it, so that it can be replayed and found again.

use ponte_call_core::{Effect, Event, Switch, Timeouts};
use ponte_protocol::UnixMillis;

/// Something given to the switch.
#[derive(Debug)]
pub enum Input {
    Event(Event),
    Timeout,
}

/// The inputs of a history with their times, and the effects of each.
#[derive(Debug, Default)]
pub struct Trace {
    inputs: Vec<(UnixMillis, Input, Vec<Effect>)>,
}

impl Trace {
    pub fn push(&mut self, now: UnixMillis, input: Input, effects: Vec<Effect>) {
        self.inputs.push((now, input, effects));
    }

    /// The same inputs at the same times give the same effects.
    ///
    /// # Panics
    /// Where they do not.
    pub fn replay(&self, timeouts: Timeouts) {
        let mut switch = Switch::new(timeouts);
        for (now, input, effects) in &self.inputs {
            match input {
                Input::Event(event) => switch.handle_event(*now, event.clone()),
                Input::Timeout => switch.handle_timeout(*now),
            }
            let again: Vec<Effect> = std::iter::from_fn(|| switch.poll_effect()).collect();
            assert_eq!(again, *effects, "the replay differs");
        }
    }
}

/// Prints the seed when the history that it stands beside fails.
#[derive(Debug)]
pub struct TellSeed(pub u64);

impl Drop for TellSeed {
    #[allow(clippy::print_stderr)]
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("to see this history again: PONTE_SEED={}", self.0);
        }
    }
}

/// The one history that `PONTE_SEED` asks for.
pub fn wanted_seed() -> Option<u64> {
    number("PONTE_SEED")
}

/// How many histories a test runs: `PONTE_MODEL_HISTORIES`, 2,000 otherwise.
pub fn histories() -> u64 {
    number("PONTE_MODEL_HISTORIES").unwrap_or(2_000)
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}
