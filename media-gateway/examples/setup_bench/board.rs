//! What became of each call back, written down by whoever sees it.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard};
use std::time::{Duration, Instant};

#[derive(Clone, Debug)]
struct Attempt {
    sent: Instant,
    connected: Option<Instant>,
    over: bool,
    refusal: Option<String>,
}

#[derive(Debug)]
struct Kept {
    attempts: Vec<Attempt>,
    /// The last attempt of each user.
    last: Vec<Option<usize>>,
}

/// Every attempt, in the order of dialling.
#[derive(Debug)]
pub struct Board(Mutex<Kept>);

/// The attempts of one step.
pub struct Step(Vec<Attempt>);

impl Board {
    pub fn new(users: usize) -> Self {
        Self(Mutex::new(Kept {
            attempts: Vec::new(),
            last: vec![None; users],
        }))
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap()
    }

    fn change(&self, user: usize, change: impl FnOnce(&mut Attempt)) {
        let mut kept = self.kept();
        if let Some(index) = kept.last[user] {
            change(&mut kept.attempts[index]);
        }
    }

    /// A user's call back is asked for now.
    pub fn dialled(&self, user: usize) {
        let mut kept = self.kept();
        kept.last[user] = Some(kept.attempts.len());
        kept.attempts.push(Attempt {
            sent: Instant::now(),
            connected: None,
            over: false,
            refusal: None,
        });
    }

    pub fn refused(&self, user: usize, why: String) {
        self.change(user, |attempt| attempt.refusal = Some(why));
    }

    /// Both telephones have the ACK of their 200.
    pub fn connected(&self, user: usize, at: Instant) {
        self.change(user, |attempt| attempt.connected = Some(at));
    }

    /// Both telephones are free again.
    pub fn over(&self, user: usize) {
        self.change(user, |attempt| attempt.over = true);
    }

    /// Where the next step begins.
    pub fn begin(&self) -> usize {
        self.kept().attempts.len()
    }

    pub fn step(&self, first: usize) -> Step {
        Step(self.kept().attempts[first..].to_vec())
    }

    /// Waits until all calls of a step were dialled and are over, or are given up.
    pub fn settle(&self, first: usize, calls: usize, rate: u32, patience: Duration) {
        let deadline = Instant::now() + Duration::from_secs_f64(calls as f64 / f64::from(rate)) + patience;
        while Instant::now() < deadline {
            let settled = {
                let kept = self.kept();
                let attempts = &kept.attempts[first..];
                attempts.len() == calls
                    && attempts
                        .iter()
                        .all(|attempt| attempt.over || attempt.refusal.is_some())
            };
            if settled {
                return;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Step {
    pub fn connected(&self) -> usize {
        self.0
            .iter()
            .filter(|attempt| attempt.connected.is_some())
            .count()
    }

    pub fn over(&self) -> usize {
        self.0.iter().filter(|attempt| attempt.over).count()
    }

    /// Set-up times of what was connected, sorted.
    pub fn times(&self) -> Vec<Duration> {
        let mut times: Vec<Duration> = self
            .0
            .iter()
            .filter_map(|attempt| Some(attempt.connected?.duration_since(attempt.sent)))
            .collect();
        times.sort_unstable();
        times
    }

    /// Attempts a second, as they were made.
    pub fn rate(&self) -> f64 {
        match self.0.as_slice() {
            [first, .., last] => {
                (self.0.len() - 1) as f64 / last.sent.duration_since(first.sent).as_secs_f64()
            }
            _ => f64::NAN,
        }
    }

    /// Calls that were not both set up and torn down, in percent.
    pub fn failed_percent(&self) -> f64 {
        let good = self
            .0
            .iter()
            .filter(|attempt| attempt.connected.is_some() && attempt.over)
            .count();
        100.0 * (self.0.len() - good) as f64 / self.0.len() as f64
    }

    pub fn refusals(&self) -> BTreeMap<&str, usize> {
        let mut counts = BTreeMap::new();
        for why in self.0.iter().filter_map(|attempt| attempt.refusal.as_deref()) {
            *counts.entry(why).or_default() += 1;
        }
        counts
    }
}
