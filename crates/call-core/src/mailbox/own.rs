//! Greeting and name, in the user's own voice: listened to, recorded, kept or deleted by key.
//!
//! What is recorded is a draft until the user keeps it: callers hear the one before.

use super::{BoxWords, OwnRecording, Stage, words};
use crate::{Announcement, Effect, LegId, Playback, Switch};

/// The longest greeting and the longest name, in milliseconds.
const GREETING_MAX_MS: u64 = 60_000;
const NAME_MAX_MS: u64 = 10_000;
/// How much later than that the host may tell of its end, in milliseconds.
const GRACE_MS: u64 = 5_000;

fn longest(which: OwnRecording) -> u64 {
    match which {
        OwnRecording::Greeting => GREETING_MAX_MS,
        OwnRecording::Name => NAME_MAX_MS,
    }
}

impl Switch {
    pub(super) fn own_menu(&mut self, leg: LegId, which: OwnRecording, mut before: Vec<Announcement>) {
        self.set_stage(leg, Stage::Own(which));
        before.extend(words(&[BoxWords::RecordingMenu]));
        self.say_in_box(leg, before);
    }

    pub(super) fn own_key(&mut self, leg: LegId, which: OwnRecording, digit: char) {
        let Some(user) = self.visits.get(&leg).map(|visit| visit.user.clone()) else {
            return;
        };
        match digit {
            '1' => {
                self.play_once(leg, GREETING_MAX_MS + GRACE_MS, |token| Playback::Own {
                    user,
                    which,
                    token,
                });
                self.then_say(leg, words(&[BoxWords::RecordingMenu]));
            }
            '2' if self.store_writable => self.prompt_to_speak(leg, which),
            '2' => self.say_in_box(leg, vec![Announcement::Unavailable]),
            '3' => {
                self.cx.push(Effect::RemoveOwn { user, which });
                self.own_menu(leg, which, words(&[BoxWords::Deleted]));
            }
            '*' => self.main_menu(leg, vec![]),
            _ => self.own_menu(leg, which, vec![]),
        }
    }

    fn then_say(&mut self, leg: LegId, next: Vec<Announcement>) {
        if let Some(visit) = self.visits.get_mut(&leg) {
            visit.next_words = next;
        }
    }

    fn prompt_to_speak(&mut self, leg: LegId, which: OwnRecording) {
        self.set_stage(leg, Stage::Prompting(which));
        let mut say = words(&[BoxWords::RecordAfterTone]);
        say.push(Announcement::RecordBeep);
        self.say_in_box(leg, say);
    }

    pub(super) fn start_speaking(&mut self, leg: LegId, which: OwnRecording) {
        self.set_stage(leg, Stage::Speaking(which));
        let max_ms = longest(which);
        self.cx.push(Effect::RecordDraft { leg, max_ms });
        self.wait(leg, max_ms + GRACE_MS);
    }

    pub(super) fn stop_speaking(&mut self, leg: LegId, which: OwnRecording) {
        let for_good = false;
        self.set_stage(leg, Stage::Storing { which, for_good });
        self.cx.push(Effect::StopRecording { leg });
        self.tick(leg);
        self.wait_patiently(leg);
    }

    /// The host has what was said, or has not.
    pub(crate) fn draft_stored(&mut self, leg: LegId, stored: bool) {
        if !self.visit_lives(leg) {
            return;
        }
        let Some(visit) = self.visits.get(&leg) else {
            return;
        };
        match visit.stage {
            Stage::Speaking(which) | Stage::Storing { which, .. } if !stored => self.not_recorded(leg, which),
            Stage::Speaking(which)
            | Stage::Storing {
                which,
                for_good: false,
            } => self.review(leg, which),
            Stage::Storing { which, .. } => self.own_menu(leg, which, words(&[BoxWords::Kept])),
            _ => {}
        }
    }

    pub(super) fn not_recorded(&mut self, leg: LegId, which: OwnRecording) {
        self.cx.push(Effect::DropDraft { leg });
        self.own_menu(leg, which, words(&[BoxWords::NotRecorded]));
    }

    fn review(&mut self, leg: LegId, which: OwnRecording) {
        self.set_stage(leg, Stage::Review(which));
        self.play_once(leg, longest(which) + GRACE_MS, |token| Playback::Draft { token });
        self.then_say(leg, words(&[BoxWords::ReviewMenu]));
    }

    pub(super) fn review_key(&mut self, leg: LegId, which: OwnRecording, digit: char) {
        match digit {
            '1' => {
                let Some(user) = self.visits.get(&leg).map(|visit| visit.user.clone()) else {
                    return;
                };
                let for_good = true;
                self.set_stage(leg, Stage::Storing { which, for_good });
                self.tick(leg);
                self.cx.push(Effect::KeepDraft { leg, user, which });
                self.wait_patiently(leg);
            }
            '2' => self.prompt_to_speak(leg, which),
            '3' | '*' => {
                self.cx.push(Effect::DropDraft { leg });
                self.own_menu(leg, which, words(&[BoxWords::Deleted]));
            }
            _ => self.review(leg, which),
        }
    }
}
