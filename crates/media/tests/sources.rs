//! Whose packets are heard: strangers, races, NAT, silence. On real sockets.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::net::{SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

use ponte_media::{Codec, MediaEvent, analysis};
use support::{Call, Phone, call, events, plane, talk, wait_for};

/// A socket on another address of the loopback network.
fn elsewhere(phone: &mut Phone, ip: &str) {
    phone.rtp = UdpSocket::bind((ip, 0)).unwrap();
    phone.rtp.set_nonblocking(true).unwrap();
}

fn only(audio: &[i16], frequency: f64) {
    for stretch in audio.chunks_exact(1600) {
        let found = analysis::partials(stretch, 4);
        assert!(
            found
                .iter()
                .all(|p| (p.frequency - frequency).abs() < 10.0 || p.level < -30.0),
            "{found:?} where only {frequency} Hz should be"
        );
    }
}

#[test]
fn a_stranger_is_not_heard_beside_the_peer_and_is_counted() {
    for ip in ["127.0.0.1", "127.0.0.9"] {
        let plane = plane();
        let Call {
            mut a, mut b, a_id, ..
        } = call(&plane, Codec::Pcma, Codec::Pcma);
        let mut stranger = Phone::new(Codec::Pcma, a.to);
        elsewhere(&mut stranger, ip);
        (a.voice, stranger.voice) = (vec![700.0], vec![1500.0]);
        talk(&mut [&mut a, &mut b, &mut stranger], Duration::from_secs(1));
        let audio = b.take_audio();
        assert!(audio.len() > 7000);
        only(&audio, 700.0);
        assert!(plane.stats().dropped_stranger >= 48);
        assert!(stranger.heard.is_empty());
        plane.close(a_id);
        let strangers = wait_for(&plane, |event| match event {
            MediaEvent::Closed { id, stats } if *id == a_id => Some(stats.strangers),
            _ => None,
        });
        assert!(strangers >= 48);
    }
}

#[test]
fn a_stranger_that_was_first_loses_the_stream_to_the_true_peer() {
    for ip in ["127.0.0.1", "127.0.0.9"] {
        let plane = plane();
        let Call { mut a, mut b, .. } = call(&plane, Codec::Pcma, Codec::Pcma);
        let mut stranger = Phone::new(Codec::Pcma, a.to);
        elsewhere(&mut stranger, ip);
        (stranger.voice, b.voice) = (vec![1500.0], vec![1100.0]);
        talk(&mut [&mut stranger, &mut b], Duration::from_millis(400));
        a.voice = vec![700.0];
        talk(&mut [&mut a, &mut stranger, &mut b], Duration::from_millis(160));
        b.take_audio();
        a.heard.clear();
        stranger.listen();
        stranger.heard.clear();
        talk(&mut [&mut a, &mut stranger, &mut b], Duration::from_millis(800));
        only(&b.take_audio(), 700.0);
        assert!(
            stranger.heard.is_empty(),
            "{} packets went to the stranger",
            stranger.heard.len()
        );
        assert!(a.heard.len() > 35);
    }
}

#[test]
fn a_flood_of_forged_packets_takes_nothing() {
    let plane = plane();
    let Call { mut a, mut b, .. } = call(&plane, Codec::Pcma, Codec::Pcma);
    let mut stranger = Phone::new(Codec::Pcma, a.to);
    stranger.voice = vec![1500.0];
    a.voice = vec![700.0];
    talk(&mut [&mut a, &mut b], Duration::from_millis(100));
    // The SSRC is known to the attacker, the sequence is guessed at random.
    stranger.ssrc = a.ssrc;
    for _ in 0..25 {
        for _ in 0..40 {
            stranger.sequence = rand::random();
            stranger.speak();
        }
        talk(&mut [&mut a, &mut b], Duration::from_millis(20));
    }
    let audio = b.take_audio();
    assert!(audio.len() > 28 * 160, "{} samples", audio.len());
    only(&audio, 700.0);
    assert!(plane.stats().dropped_stranger > 900);
}

#[test]
fn a_peer_behind_a_nat_is_learned_and_answered_where_it_is() {
    let plane = plane();
    let Call {
        mut a, mut b, a_id, ..
    } = call(&plane, Codec::Pcma, Codec::Pcma);
    // What SDP says is not where the packets come from.
    let mut remote = a.remote();
    remote.rtp = "127.0.0.77:9".parse().unwrap();
    plane.set_remote(a_id, remote);
    (a.voice, b.voice) = (vec![700.0], vec![1100.0]);
    talk(&mut [&mut a, &mut b], Duration::from_millis(600));
    assert!(events(&plane).contains(&MediaEvent::FirstPacket { id: a_id }));
    assert!(a.heard.len() > 20, "{}", a.heard.len());
    assert!(analysis::contains(&b.take_audio()[800..2400], 700.0, 3.0));
}

#[test]
fn a_nat_that_forgot_is_followed_in_under_two_seconds() {
    let plane = plane();
    let Call { mut a, mut b, .. } = call(&plane, Codec::Pcma, Codec::Pcma);
    (a.voice, b.voice) = (vec![700.0], vec![1100.0]);
    talk(&mut [&mut a, &mut b], Duration::from_millis(400));
    elsewhere(&mut a, "127.0.0.1");
    let mut stranger = Phone::new(Codec::Pcma, a.to);
    stranger.voice = vec![1500.0];
    b.take_audio();
    a.heard.clear();
    let moved = Instant::now();
    let mut back: Option<SocketAddr> = None;
    while back.is_none() && moved.elapsed() < Duration::from_secs(2) {
        talk(&mut [&mut a, &mut b, &mut stranger], Duration::from_millis(20));
        back = a.heard.first().map(|packet| packet.from);
    }
    assert!(back.is_some(), "no audio 2 s after the address changed");
    talk(&mut [&mut a, &mut b, &mut stranger], Duration::from_millis(400));
    only(&b.take_audio(), 700.0);
    assert!(stranger.heard.is_empty());
}

#[test]
fn silence_is_told_twice_and_its_end() {
    let plane = plane();
    let Call {
        mut a, mut b, a_id, ..
    } = call(&plane, Codec::Pcma, Codec::Pcma);
    (a.voice, b.voice) = (vec![700.0], vec![700.0]);
    talk(&mut [&mut a, &mut b], Duration::from_millis(100));
    a.voice.clear();
    talk(&mut [&mut a, &mut b], Duration::from_millis(1300));
    let silences: Vec<Duration> = events(&plane)
        .into_iter()
        .filter_map(|event| match event {
            MediaEvent::NoRtp { id, silent_for } if id == a_id => Some(silent_for),
            MediaEvent::NoRtp { .. } => panic!("the one that speaks is told silent"),
            _ => None,
        })
        .collect();
    assert_eq!(silences.len(), 2, "{silences:?}");
    assert!(silences[0] >= Duration::from_millis(500) && silences[0] < Duration::from_millis(800));
    assert!(silences[1] >= Duration::from_secs(1));
    a.voice = vec![700.0];
    talk(&mut [&mut a, &mut b], Duration::from_millis(60));
    assert!(events(&plane).contains(&MediaEvent::RtpResumed { id: a_id }));
}

#[test]
fn nobody_is_told_silent_on_hold() {
    let plane = plane();
    let Call {
        mut a,
        mut b,
        a_id,
        b_id,
    } = call(&plane, Codec::Pcma, Codec::Pcma);
    for (id, phone) in [(a_id, &a), (b_id, &b)] {
        let mut remote = phone.remote();
        remote.direction = ponte_media::Direction::SendOnly;
        plane.set_remote(id, remote);
    }
    talk(&mut [&mut a, &mut b], Duration::from_millis(800));
    assert_eq!(events(&plane), []);
}

#[test]
fn extension_csrc_and_padding_are_taken_off_before_the_relay() {
    let plane = plane();
    let Call { mut a, mut b, .. } = call(&plane, Codec::Pcma, Codec::Pcmu);
    let mut packet = vec![0xB2, 8, 0, 1, 0, 0, 0, 5, 0, 0, 0, 9];
    packet.extend([0, 0, 0, 1, 0, 0, 0, 2]);
    packet.extend([0xBE, 0xDE, 0, 1, 0x10, 0xFF, 0, 0]);
    packet.extend([0xD5; 160]);
    packet.extend([0, 0, 0, 4]);
    a.rtp.send_to(&packet, a.to).unwrap();
    talk(&mut [&mut a, &mut b], Duration::from_millis(60));
    assert_eq!(b.heard.len(), 1);
    assert_eq!(b.heard[0].payload.len(), 160);
    assert_eq!(b.heard[0].payload_type, 0);
    assert_ne!(b.heard[0].ssrc, 9);
}
