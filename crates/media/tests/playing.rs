//! What is played: tones by frequency and cadence as they arrive, prompts, and how they end.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::time::Duration;

use ponte_media::{
    Codec, Country, Direction, Language, MediaConfig, MediaEvent, MediaPlane, PlayMode, Prompt, Source, Tone,
    analysis, cadence,
};
use support::{Phone, config, events, plane, talk, wait_for};

fn finished(event: &MediaEvent) -> Option<u64> {
    match event {
        MediaEvent::PlayFinished { token, .. } => Some(*token),
        _ => None,
    }
}

#[test]
fn tones_of_each_country_arrive_with_their_frequencies_and_cadence() {
    let tones = [Tone::Ringback, Tone::Busy, Tone::Congestion, Tone::Sit];
    for country in [Country::It, Country::Us, Country::Uk, Country::De] {
        let plane = MediaPlane::start(
            MediaConfig {
                tone_country: country,
                ..config()
            },
            || {},
        )
        .unwrap();
        let mut phones = Vec::new();
        for tone in tones {
            let (id, to) = plane.open(1).unwrap();
            let phone = Phone::new(Codec::Pcma, to);
            plane.set_remote(id, phone.remote());
            plane.play(id, Source::Tone(tone), PlayMode::Loop);
            phones.push(phone);
        }
        talk(
            &mut phones.iter_mut().collect::<Vec<_>>(),
            Duration::from_millis(1500),
        );

        for (tone, phone) in tones.into_iter().zip(&mut phones) {
            let audio = phone.take_audio();
            assert!(audio.len() >= 11_000, "{} samples", audio.len());
            let mut start = 0;
            let period: Vec<_> = cadence(country, tone).to_vec();
            for segment in period.iter().cycle() {
                let end = start + usize::from(segment.milliseconds) * 8;
                if end > audio.len().min(12_000) {
                    break;
                }
                if segment.milliseconds >= 100 {
                    let heard = analysis::partials(&audio[start + 40..(end - 40).min(start + 3000)], 4);
                    assert_eq!(
                        heard.len(),
                        segment.frequencies.len(),
                        "{country:?} {tone:?} at {start}: {heard:?}"
                    );
                    for frequency in segment.frequencies {
                        assert!(
                            heard.iter().any(|p| (p.frequency - frequency).abs() < 4.0
                                && (p.level - segment.level).abs() < 1.0),
                            "{country:?} {tone:?}: no {frequency} in {heard:?}"
                        );
                    }
                }
                start = end;
            }
        }
    }
}

#[test]
fn packets_leave_every_20_ms_without_drift() {
    let plane = plane();
    let (id, to) = plane.open(1).unwrap();
    let mut phone = Phone::new(Codec::Pcma, to);
    plane.set_remote(id, phone.remote());
    plane.play(id, Source::Silence, PlayMode::Loop);
    talk(&mut [&mut phone], Duration::from_secs(3));
    let count = phone.heard.len();
    assert!((146..=151).contains(&count), "{count} packets in 3 s");
    assert!(phone.take_audio().iter().all(|sample| sample.abs() <= 8));
}

#[test]
fn other_packet_times_are_served() {
    for (ptime, samples) in [(10, 80), (30, 240), (40, 320), (60, 480), (0, 160), (200, 160)] {
        let plane = plane();
        let (id, to) = plane.open(1).unwrap();
        let mut phone = Phone::new(Codec::Pcma, to);
        let mut remote = phone.remote();
        remote.ptime = ptime;
        plane.set_remote(id, remote);
        plane.play(id, Source::Tone(Tone::Busy), PlayMode::Loop);
        talk(&mut [&mut phone], Duration::from_millis(300));
        assert!(
            phone.heard.iter().all(|packet| packet.payload.len() == samples),
            "{ptime}"
        );
        for pair in phone.heard.windows(2) {
            assert_eq!(pair[1].timestamp.wrapping_sub(pair[0].timestamp), samples as u32);
        }
        let audio = phone.take_audio();
        assert!(
            audio.len() >= 1900 && analysis::contains(&audio[100..], 425.0, 4.0),
            "{ptime}"
        );
    }
}

#[test]
fn a_prompt_is_spoken_to_its_end_and_told() {
    let plane = plane();
    let (id, to) = plane.open(1).unwrap();
    let mut phone = Phone::new(Codec::Pcmu, to);
    plane.set_remote(id, phone.remote());
    plane.play(
        id,
        Source::Prompt(Language::En, vec![Prompt::Goodbye, Prompt::Goodbye]),
        PlayMode::Once(42),
    );
    talk(&mut [&mut phone], Duration::from_millis(1800));
    assert_eq!(wait_for(&plane, finished), 42);
    let audio = phone.take_audio();
    // Twice 0.65 s with 150 ms after each.
    let seconds = audio.len() as f64 / 8000.0;
    assert!((1.55..1.65).contains(&seconds), "{seconds} s");
    assert!(analysis::level(&audio[800..4800]) > -20.0);
    // The second one is the first one again.
    let period = 646 * 8 + 1 + 1200;
    let difference: f64 = (1000..4000)
        .map(|n| f64::from((audio[n] - audio[n + period]).abs()))
        .sum();
    assert!(
        difference / 3000.0 < 1.0,
        "mean difference {}",
        difference / 3000.0
    );
}

#[test]
fn once_ends_on_hold_without_remote_and_for_nothing_but_not_when_replaced() {
    let plane = plane();
    let (id, to) = plane.open(1).unwrap();
    let mut phone = Phone::new(Codec::Pcma, to);
    plane.play(id, Source::Tone(Tone::ConfirmBeep), PlayMode::Once(1));
    assert_eq!(wait_for(&plane, finished), 1);

    let mut remote = phone.remote();
    remote.direction = Direction::RecvOnly;
    plane.set_remote(id, remote);
    plane.play(id, Source::Tone(Tone::ConfirmBeep), PlayMode::Once(2));
    assert_eq!(wait_for(&plane, finished), 2);
    phone.listen();
    assert!(phone.heard.is_empty());

    plane.play(id, Source::Prompt(Language::It, vec![]), PlayMode::Once(3));
    assert_eq!(wait_for(&plane, finished), 3);

    plane.play(id, Source::Silence, PlayMode::Once(4));
    plane.play(id, Source::Silence, PlayMode::Once(5));
    assert_eq!(wait_for(&plane, finished), 5);
    plane.play(id, Source::Silence, PlayMode::Once(6));
    plane.stop(id);
    std::thread::sleep(Duration::from_millis(1200));
    assert!(events(&plane).iter().all(|event| finished(event).is_none()));
}

#[test]
fn keys_interrupt_what_plays_and_it_goes_on_after_them() {
    let plane = plane();
    let (id, to) = plane.open(1).unwrap();
    let mut phone = Phone::new(Codec::Pcma, to);
    plane.set_remote(id, phone.remote());
    plane.play(id, Source::Silence, PlayMode::Loop);
    talk(&mut [&mut phone], Duration::from_millis(100));
    plane.send_dtmf(id, "5");
    talk(&mut [&mut phone], Duration::from_millis(400));
    let order: Vec<u8> = phone.heard.iter().map(|packet| packet.payload_type).collect();
    let first = order.iter().position(|&t| t == 101).unwrap();
    assert_eq!(order.iter().rposition(|&t| t == 101), Some(first + 6));
    assert!(order[first..first + 7].iter().all(|&t| t == 101));
    assert_eq!(order.last(), Some(&8));
    let events = &phone.heard[first..first + 7];
    assert!(
        events
            .iter()
            .all(|packet| packet.timestamp == events[0].timestamp)
    );
    for pair in phone.heard.windows(2) {
        assert_eq!(pair[1].sequence, pair[0].sequence.wrapping_add(1));
        assert!(pair[1].timestamp.wrapping_sub(pair[0].timestamp) < 3000);
    }
    let after = phone.heard[first + 7].timestamp.wrapping_sub(events[0].timestamp);
    assert!(
        after >= 800,
        "audio goes on after the event, not inside it: {after}"
    );
}

#[test]
fn every_thread_tells_whether_it_is_preferred_and_how_late_it_was() {
    for (preferred, limit) in [(false, 0), (true, 3)] {
        let plane = MediaPlane::start(
            MediaConfig {
                threads: 3,
                preferred,
                ..config()
            },
            || {},
        )
        .unwrap();
        let (id, _) = plane.open(1).unwrap();
        plane.play(id, Source::Silence, PlayMode::Once(1));
        wait_for(&plane, finished);
        let stats = plane.stats();
        // All or none: the system grants it to a process.
        assert!([0, limit].contains(&stats.preferred_threads), "{stats:?}");
        assert!(
            stats.longest_lateness > Duration::ZERO,
            "no thread wakes up at once"
        );
    }
}
