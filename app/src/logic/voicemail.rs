//! How voicemail is shown: the order of messages, and the picture of a recording.

use ponte_protocol::{MessageId, VoiceMessage};
use std::fmt::Write;

/// The height that [`bars`] draws in.
pub const WAVE_HEIGHT: u32 = 32;

/// Messages to be listened to first, each group newest first; those in the bin apart. What was begun in this visit keeps its
/// place among the first, so that a message does not run away while it plays.
pub fn order(messages: &[VoiceMessage], begun: &[MessageId]) -> (Vec<MessageId>, Vec<MessageId>) {
    let (bin, kept): (Vec<_>, Vec<_>) = messages
        .iter()
        .partition(|message| message.deleted_until.is_some());
    let (fresh, heard): (Vec<_>, Vec<_>) = kept
        .into_iter()
        .partition(|message| !message.heard || begun.contains(&message.id));
    let ids = |messages: &[&VoiceMessage]| messages.iter().map(|message| message.id).collect::<Vec<_>>();
    ([ids(&fresh), ids(&heard)].concat(), ids(&bin))
}

/// The path of an SVG, [`WAVE_HEIGHT`] high and one wide for each value: a bar for each, around the middle.
pub fn bars(waveform: &[u8]) -> String {
    // In tenths: to write any number with a fraction takes ten kilobytes of code.
    let middle = WAVE_HEIGHT * 10 / 2;
    let mut path = String::with_capacity(waveform.len() * 16);
    for (place, loudness) in waveform.iter().enumerate() {
        let half = (u32::from(*loudness) * (middle - 10) / 255).max(10);
        let (top, bottom) = (middle - half, middle + half);
        // A string takes everything.
        let _ = write!(
            path,
            "M{place}.5 {}.{}V{}.{}",
            top / 10,
            top % 10,
            bottom / 10,
            bottom % 10
        );
    }
    path
}

/// How many of `bars` were played at a position.
pub fn played(bars: usize, position_ms: u64, duration_ms: u64) -> usize {
    let share = position_ms.min(duration_ms) as f64 / duration_ms.max(1) as f64;
    (share * bars as f64).round() as usize
}

/// Whether the caller left nothing to listen to: not a moment, or silence alone.
pub fn says_nothing(message: &VoiceMessage) -> bool {
    let wave = &message.waveform;
    message.duration_ms == 0 || !wave.is_empty() && wave.iter().all(|loudness| *loudness == 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::sample::message;
    use ponte_protocol::UnixMillis;

    fn heard(n: u64) -> VoiceMessage {
        VoiceMessage {
            heard: true,
            ..message(n)
        }
    }

    #[test]
    fn t09_messages_to_be_listened_to_come_first_and_the_bin_last() {
        let deleted = VoiceMessage {
            deleted_until: Some(UnixMillis(9)),
            ..message(5)
        };
        let all = [heard(6), deleted, message(4), heard(3), message(2)];
        let ids = |messages: &[u64]| messages.iter().map(|n| message(*n).id).collect::<Vec<_>>();
        assert_eq!(order(&all, &[]), (ids(&[4, 2, 6, 3]), ids(&[5])));
        assert_eq!(order(&all, &ids(&[3])).0, ids(&[4, 3, 2, 6]));
    }

    #[test]
    fn silence_is_a_line_and_loudness_fills_the_height() {
        assert_eq!(bars(&[0, 255]), "M0.5 15.0V17.0M1.5 1.0V31.0");
        assert_eq!(bars(&[]), "");
    }

    #[test]
    fn the_part_played_stays_within_the_message() {
        assert_eq!(played(100, 0, 4_000), 0);
        assert_eq!(played(100, 1_000, 4_000), 25);
        assert_eq!(played(100, 9_000, 4_000), 100);
        assert_eq!(played(100, 9_000, 0), 0);
    }

    #[test]
    fn t09_a_message_without_a_sound_says_nothing_and_one_whose_sound_is_unknown_may() {
        let mut message = message(1);
        assert!(!says_nothing(&message));
        message.waveform = vec![0, 0, 3];
        assert!(!says_nothing(&message));
        message.waveform = vec![0; 60];
        assert!(says_nothing(&message));
        message.waveform.clear();
        message.duration_ms = 0;
        assert!(says_nothing(&message));
    }
}
