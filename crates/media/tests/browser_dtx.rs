//! Opus that pauses where nobody speaks (DTX), both ways between a browser and a telephone.
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "support/browser.rs"]
mod browser;
#[path = "support/browser_call.rs"]
mod browser_call;
mod support;

use std::time::{Duration, Instant};

use browser::{Browser, Speaks};
use browser_call::{BROWSER_TONE, Call, PHONE_TONE, call, call_at, call_of, plane, plane_with};
use ponte_media::{Codec, MediaEvent, analysis};
use support::Phone;

/// Packets of a word and of the pause after it.
const WORD: usize = 30;
const PAUSE: usize = 75;
const WORDS: usize = 4;
/// What 20 ms of a word have at least, and 20 ms of a pause at most.
const LOUD: f64 = -30.0;
const QUIET: f64 = -55.0;

/// Packets that the browser sent or heard in the pauses.
#[derive(Default)]
struct Counted {
    sent: usize,
    heard: usize,
}

impl Call {
    /// Both say words and pause between them, by the clock: the browser first, the telephone while the browser pauses.
    fn say_words(&mut self) -> Counted {
        let mut counted = Counted::default();
        let mut due = Instant::now();
        for n in 0..WORDS * (WORD + PAUSE) {
            let in_turn = n % (WORD + PAUSE);
            let speaks = in_turn < WORD;
            let answers = (WORD + 5..2 * WORD + 5).contains(&in_turn);
            self.browser.voice = if speaks { vec![BROWSER_TONE] } else { Vec::new() };
            self.phone.voice = if answers { vec![PHONE_TONE] } else { Vec::new() };
            let before = (self.browser.sent, self.browser.packets.len());
            self.browser.speak();
            self.phone.speak();
            due += Duration::from_millis(20);
            self.browser.live(due.saturating_duration_since(Instant::now()));
            self.phone.listen();
            self.events.extend(support::events(&self.plane));
            // Libopus waits 200 ms before it believes a pause.
            if in_turn > WORD + 15 {
                counted.sent += self.browser.sent - before.0;
            }
            if !(WORD..2 * WORD + 20).contains(&in_turn) {
                counted.heard += self.browser.packets.len() - before.1;
            }
        }
        counted
    }
}

/// The lengths of the words in 20 ms, of frames in their order.
fn words<'a>(frames: impl Iterator<Item = &'a [i16]>) -> Vec<usize> {
    let mut words = Vec::new();
    let mut before = false;
    for frame in frames {
        let loud = analysis::level(frame) > LOUD;
        match (before, loud) {
            (false, true) => words.push(1),
            (true, true) => *words.last_mut().unwrap() += 1,
            (_, false) => {}
        }
        before = loud;
    }
    words
}

#[test]
fn a_browser_that_pauses_is_a_whole_stream_for_the_telephone() {
    for codec in [Codec::Pcma, Codec::Pcmu] {
        let mut call = call_of(Browser::with_pauses(), codec);
        let first = call.say_words();
        assert!(first.sent > 0, "a sign of life");
        call.phone.heard.clear();
        let counted = call.say_words();
        let quiet = WORDS * (PAUSE - 15);
        assert!(
            counted.sent < quiet / 4,
            "{} of {quiet} packets were sent",
            counted.sent
        );

        let heard = std::mem::take(&mut call.phone.heard);
        for pair in heard.windows(2) {
            assert_eq!(pair[1].sequence, pair[0].sequence.wrapping_add(1));
            assert_eq!(pair[1].timestamp, pair[0].timestamp.wrapping_add(160));
            assert!(!pair[1].marker);
        }
        let audio = Phone::audio_of(codec, &heard);
        let frames: Vec<&[i16]> = audio.chunks(160).collect();
        for word in words(frames.iter().copied()).iter().skip(1) {
            assert!((WORD..=WORD + 2).contains(word), "a word of {word} packets");
        }
        let edge = |n: usize| {
            frames[n.saturating_sub(2)..(n + 3).min(frames.len())]
                .iter()
                .any(|near| analysis::level(near) > LOUD)
        };
        for (n, frame) in frames.iter().enumerate().filter(|(n, _)| !edge(*n)) {
            let level = analysis::level(frame);
            assert!(level < QUIET, "{level} dB in a pause, packet {n}");
        }
        // No click: nothing is louder than the tone itself.
        assert!(audio.iter().all(|sample| sample.unsigned_abs() < 12_000));
        let lost = |event: &MediaEvent| match event {
            MediaEvent::Quality {
                inbound: Some(quality),
                ..
            } => quality.loss_per_mille > 0,
            event => matches!(event, MediaEvent::NoRtp { .. } | MediaEvent::BrowserLost { .. }),
        };
        let lost: Vec<_> = call.events.iter().filter(|event| lost(event)).collect();
        assert!(lost.is_empty(), "{lost:?}");
    }
}

#[test]
fn a_browser_that_asks_for_pauses_is_sent_little_in_them_and_every_word() {
    let mut call = call_of(Browser::with_pauses(), Codec::Pcma);
    call.say_words();
    call.browser.packets.clear();
    let counted = call.say_words();
    let quiet = WORDS * (PAUSE - 20);
    assert!(
        counted.heard < quiet / 2,
        "{} of {quiet} packets came",
        counted.heard
    );
    let packets = &call.browser.packets;
    let words = words(
        packets
            .iter()
            .map(|(_, audio)| &audio[..])
            .filter(|audio| !audio.is_empty()),
    );
    assert!(words.len() >= WORDS);
    for word in &words {
        assert!((WORD..=WORD + 2).contains(word), "a word of {word} packets");
    }
    // In a word there is no gap of time, and the clock went on in the pauses.
    for pair in packets.windows(2) {
        let step = pair[1].0.wrapping_sub(pair[0].0);
        assert!(step.is_multiple_of(960) && step <= 25 * 960, "a step of {step}");
        assert!(
            step == 960 || pair[0].1.is_empty(),
            "a gap of {step} after a packet with sound"
        );
    }
}

#[test]
fn a_browser_that_does_not_ask_hears_every_packet() {
    let mut call = call(Speaks::Opus, Codec::Pcma);
    call.say_words();
    call.browser.packets.clear();
    call.say_words();
    let all = WORDS * (WORD + PAUSE);
    assert!(
        call.browser.packets.len() > all * 3 / 4,
        "{} of {all}",
        call.browser.packets.len()
    );
}

#[test]
fn pauses_can_be_switched_off() {
    let mut browser = Browser::with_pauses();
    let on = plane();
    let id = on.open_browser(7).unwrap();
    let answer = on.answer_browser(id, &browser.offer()).unwrap().unwrap();
    assert!(answer.contains("usedtx=1"), "{answer}");

    let off = plane_with(|webrtc| webrtc.dtx = false);
    let mut call = call_at(off, Browser::with_pauses(), Codec::Pcma);
    call.say_words();
    call.browser.packets.clear();
    let before = call.browser.sent;
    call.say_words();
    let all = WORDS * (WORD + PAUSE);
    assert_eq!(call.browser.sent - before, all);
    assert!(
        call.browser.packets.len() > all * 3 / 4,
        "{} of {all}",
        call.browser.packets.len()
    );
}
