use super::*;
use crate::analysis;
use opus::{Application, Encoder};
use std::time::Duration;

fn speech(packets: usize) -> Vec<Packet> {
    let mut encoder = Encoder::new(8_000, Channels::Mono, Application::Voip).unwrap();
    encoder.set_inband_fec(true).unwrap();
    encoder.set_packet_loss_perc(20).unwrap();
    let audio = analysis::sines(&[440.0], -10.0, packets as f64 / 50.0);
    let at = Instant::now();
    audio
        .chunks(STEP)
        .enumerate()
        .map(|(n, piece)| Packet {
            sequence: 65_530 + n as u64,
            time: 9_600 + n as u64 * 960,
            marker: n == 0,
            kind: Kind::Opus,
            payload: encoder.encode_vec(piece, 400).unwrap().into(),
            at: at + Duration::from_millis(20 * n as u64),
        })
        .collect()
}

fn heard(packets: Vec<Packet>) -> (Vec<(u16, u32)>, Vec<i16>, Uplink) {
    let mut uplink = Uplink::new().unwrap();
    let (mut stamps, mut audio) = (Vec::new(), Vec::new());
    for packet in packets {
        uplink.take(packet, &mut |frame: Frame| {
            let bytes = frame.bytes();
            let sequence = u16::from_be_bytes([bytes[2], bytes[3]]);
            let timestamp = u32::from_be_bytes([bytes[4], bytes[5], bytes[6], bytes[7]]);
            stamps.push((sequence, timestamp));
            audio.extend(g711::decode(Codec::Pcma, &bytes[12..]));
        });
    }
    (stamps, audio, uplink)
}

fn is_whole(stamps: &[(u16, u32)]) -> bool {
    stamps
        .windows(2)
        .all(|pair| pair[1].0 == pair[0].0.wrapping_add(1) && pair[1].1 == pair[0].1 + 160)
}

#[test]
fn order_is_restored() {
    let mut packets = speech(50);
    packets.swap(10, 11);
    packets.swap(20, 22);
    let (stamps, audio, uplink) = heard(packets);
    assert_eq!((stamps.len(), uplink.lost), (50, 0));
    assert!(is_whole(&stamps));
    assert!(analysis::level_of(&audio[1600..], 440.0) > -16.0);
}

#[test]
fn lost_packets_are_concealed_and_the_tone_goes_on() {
    let mut packets = speech(100);
    let mut n = 0;
    packets.retain(|_| {
        n += 1;
        n % 10 != 5
    });
    let (stamps, audio, uplink) = heard(packets);
    assert_eq!((stamps.len(), uplink.lost), (100, 10));
    assert!(is_whole(&stamps));
    for window in audio[1600..].chunks_exact(800) {
        // What is made up may be out of phase with what follows, which costs some decibels in a window of both.
        assert!(analysis::level_of(window, 440.0) > -26.0);
    }
}

#[test]
fn a_duplicate_and_a_late_packet_are_left_out() {
    let mut packets = speech(10);
    let copy = |packet: &Packet, at: Instant| Packet {
        payload: packet.payload.clone(),
        at,
        ..*packet
    };
    let late = copy(&packets[2], packets[9].at);
    let twice = copy(&packets[9], packets[9].at);
    packets.extend([late, twice]);
    assert_eq!(heard(packets).0.len(), 10);
}

/// Seconds of a tone and of a quiet room in turn, as a browser sends them that pauses: with how many packets were not sent.
fn with_pauses(seconds: &[(f64, bool)]) -> (Vec<Packet>, usize) {
    spoken(seconds, true)
}

fn spoken(seconds: &[(f64, bool)], dtx: bool) -> (Vec<Packet>, usize) {
    let mut encoder = Encoder::new(8_000, Channels::Mono, Application::Voip).unwrap();
    encoder.set_inband_fec(true).unwrap();
    encoder.set_packet_loss_perc(10).unwrap();
    encoder.set_dtx(dtx).unwrap();
    let mut audio = Vec::new();
    for &(seconds, speaks) in seconds {
        let level = if speaks { -10.0 } else { -75.0 };
        let steady = analysis::sines(&[440.0], level, seconds);
        // A tone that is steady is noise to libopus: its loudness goes up and down as a voice does.
        let wave = |n: usize| {
            if speaks {
                0.6 + 0.4 * (n as f64 / 400.0).cos()
            } else {
                1.0
            }
        };
        audio.extend(
            steady
                .iter()
                .enumerate()
                .map(|(n, &sample)| (f64::from(sample) * wave(n)) as i16),
        );
    }
    let at = Instant::now();
    let (mut packets, mut unsent, mut pauses) = (Vec::new(), 0, false);
    for (n, piece) in audio.chunks_exact(STEP).enumerate() {
        let payload = encoder.encode_vec(piece, 400).unwrap();
        if payload.len() <= NO_FRAME && pauses {
            unsent += 1;
            continue;
        }
        pauses = payload.len() <= NO_FRAME;
        packets.push(Packet {
            sequence: 70_000 + packets.len() as u64,
            time: 9_600 + n as u64 * 960,
            marker: false,
            kind: Kind::Opus,
            payload: payload.into(),
            at: at + Duration::from_millis(20 * n as u64),
        });
    }
    (packets, unsent)
}

struct Out {
    uplink: Uplink,
    stamps: Vec<(u16, u32)>,
    audio: Vec<i16>,
    /// When each frame was given, after the first packet was sent.
    times: Vec<Duration>,
}

impl Out {
    /// Where the tone begins and ends, by frames of 20 ms.
    fn edges(&self) -> Vec<(usize, bool)> {
        let loud = self
            .audio
            .chunks(STEP)
            .map(|frame| analysis::level(frame) > -30.0);
        let mut edges = Vec::new();
        let mut before = false;
        for (n, loud) in loud.enumerate() {
            if loud != before {
                edges.push((n, loud));
            }
            before = loud;
        }
        edges
    }
}

/// Lets the packets come with this delay in milliseconds, by their number, and looks at the clock for so long after the last.
fn lived(packets: Vec<Packet>, delay: impl Fn(usize) -> u64, after: Duration) -> Out {
    let begun = packets[0].at;
    let last = packets.last().unwrap().at + after;
    let mut coming: Vec<Packet> = packets
        .into_iter()
        .enumerate()
        .map(|(n, packet)| Packet {
            at: packet.at + Duration::from_millis(delay(n)),
            ..packet
        })
        .collect();
    coming.sort_by_key(|packet| packet.at);
    let mut coming = coming.into_iter().peekable();
    let mut out = Out {
        uplink: Uplink::new().unwrap(),
        stamps: Vec::new(),
        audio: Vec::new(),
        times: Vec::new(),
    };
    let Out {
        uplink,
        stamps,
        audio,
        times,
    } = &mut out;
    let mut now = begun;
    while now < last {
        let mut give = |frame: Frame| {
            let bytes = frame.bytes();
            let timestamp = u32::from_be_bytes([bytes[4], bytes[5], bytes[6], bytes[7]]);
            stamps.push((u16::from_be_bytes([bytes[2], bytes[3]]), timestamp));
            audio.extend(g711::decode(Codec::Pcma, &bytes[12..]));
            times.push(now - begun);
        };
        while let Some(packet) = coming.next_if(|packet| packet.at <= now) {
            uplink.take(packet, &mut give);
        }
        uplink.release(now, &mut give);
        now += Duration::from_millis(5);
    }
    out
}

#[test]
fn a_pause_is_quiet_and_no_loss_and_the_word_after_it_is_whole() {
    let (packets, unsent) = with_pauses(&[(1.0, true), (3.0, false), (1.0, true)]);
    assert!(unsent > 100, "{unsent} packets were not sent");
    let all = packets.len() + unsent;
    let (unpaused, _) = spoken(&[(1.0, true), (3.0, false), (1.0, true)], false);
    let whole = lived(unpaused, |_| 0, Duration::from_secs(1)).audio;
    for jitter in [0, 15, 30] {
        let (packets, _) = with_pauses(&[(1.0, true), (3.0, false), (1.0, true)]);
        let out = lived(packets, |n| n as u64 * 7 % (jitter + 1), Duration::from_secs(1));
        assert_eq!(out.uplink.lost, 0);
        assert!(is_whole(&out.stamps));
        assert_eq!(out.stamps.len(), all, "jitter {jitter}");
        // The tone ends and begins where it was said, but for what libopus looks ahead.
        let [(0 | 1, true), (end @ 50..=52, false), (begin @ 199..=201, true)] = out.edges()[..] else {
            panic!("{:?}", out.edges());
        };
        let pause = &out.audio[(end + 2) * STEP..(begin - 1) * STEP];
        assert!(analysis::level(pause) < -60.0, "{} dB", analysis::level(pause));
        // No click: what is added at an edge is not louder than the tone.
        let word = &out.audio[begin * STEP..(begin + 2) * STEP];
        let level = analysis::level_of(word, 440.0);
        let of_whole = analysis::level_of(&whole[begin * STEP..(begin + 2) * STEP], 440.0);
        assert!(
            level > of_whole - 1.0,
            "{level} dB in the first 40 ms, without pauses {of_whole}"
        );
        assert!(out.audio.iter().all(|sample| sample.unsigned_abs() < 16_000));
        // The endpoint has a packet every 20 ms, with what the network and the patience with it add.
        let longest = out
            .times
            .windows(2)
            .map(|pair| pair[1].saturating_sub(pair[0]))
            .max()
            .unwrap();
        assert!(
            longest <= Duration::from_millis(100),
            "{longest:?} without a packet"
        );
    }
}

#[test]
fn a_word_that_comes_late_after_a_pause_is_put_off_until_the_next() {
    let said = [(1.0, true), (2.0, false), (1.0, true), (2.0, false), (1.0, true)];
    let (packets, _) = with_pauses(&said);
    let begun = packets[0].at;
    let word = |n: usize| {
        let at = (packets[n].at - begun).as_millis();
        (2_980..4_400).contains(&at)
    };
    let late: Vec<bool> = (0..packets.len()).map(word).collect();
    let out = lived(packets, |n| if late[n] { 110 } else { 0 }, Duration::from_secs(1));
    assert_eq!(out.uplink.lost, 0);
    assert!(is_whole(&out.stamps));
    let edges: Vec<usize> = out.edges().into_iter().map(|(n, _)| n).collect();
    let [_, _, second, over, third, ..] = edges[..] else {
        panic!("{edges:?}")
    };
    assert!((152..=156).contains(&second), "{edges:?}");
    assert!(
        (50..=52).contains(&(over - second)),
        "the word is whole: {edges:?}"
    );
    assert!((299..=301).contains(&third), "{edges:?}");
}

#[test]
fn a_pause_without_a_sign_of_life_ends() {
    let (mut packets, _) = with_pauses(&[(1.0, true), (1.0, false)]);
    let first = packets
        .iter()
        .position(|packet| packet.payload.len() <= NO_FRAME)
        .unwrap();
    packets.truncate(first + 1);
    let before = packets[first].time as usize / 960 - 10;
    let out = lived(packets, |_| 0, Duration::from_secs(5));
    assert_eq!(out.stamps.len(), before + 1 + (PAUSE as usize / STEP));
}

#[test]
fn a_loss_in_a_pause_is_one() {
    let (mut packets, _) = with_pauses(&[(1.0, true), (2.0, false), (1.0, true)]);
    let word = packets
        .iter()
        .rposition(|packet| packet.payload.len() <= NO_FRAME)
        .unwrap()
        + 1;
    packets.remove(word);
    let out = lived(packets, |_| 0, Duration::from_secs(1));
    assert_eq!((out.uplink.lost, is_whole(&out.stamps)), (1, true));
    assert_eq!(out.stamps.len(), 200);
}
