//! Conferences: who hears whom, and how loud.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::time::{Duration, Instant};

use ponte_media::{
    Codec, EndpointId, MediaConfig, MediaEvent, MediaPlane, PlayMode, Role, RoomId, Source, Tone, analysis,
};
use support::{Phone, config, events, plane, talk, wait_for};

/// Of a phone that speaks with one frequency.
const VOICE: f64 = -13.0;
const FREQUENCIES: [f64; 5] = [400.0, 700.0, 1100.0, 1600.0, 2300.0];

struct Member {
    id: EndpointId,
    phone: Phone,
}

/// A phone at an endpoint of its own, in no room yet.
fn phone(plane: &MediaPlane, group: u64, codec: Codec, voice: &[f64]) -> Member {
    let (id, to) = plane.open(group).unwrap();
    let mut phone = Phone::new(codec, to);
    plane.set_remote(id, phone.remote());
    phone.voice = voice.to_vec();
    Member { id, phone }
}

/// A room with a phone for each frequency, of both laws in turns.
fn conference(plane: &MediaPlane, frequencies: &[f64]) -> (RoomId, Vec<Member>) {
    let room = plane.create_room(1, false).unwrap();
    let members = frequencies
        .iter()
        .enumerate()
        .map(|(n, &frequency)| {
            let codec = [Codec::Pcma, Codec::Pcmu][n % 2];
            let member = phone(plane, 1, codec, &[frequency]);
            plane.join(room, member.id, Role::Speaker).unwrap();
            member
        })
        .collect();
    (room, members)
}

fn all_talk(members: &mut [Member], milliseconds: u64) {
    let mut phones: Vec<&mut Phone> = members.iter_mut().map(|member| &mut member.phone).collect();
    talk(&mut phones, Duration::from_millis(milliseconds));
}

/// What each hears in so long, without what was heard before.
fn heard(members: &mut [Member], milliseconds: u64) -> Vec<Vec<i16>> {
    for member in members.iter_mut() {
        member.phone.take_audio();
    }
    all_talk(members, milliseconds);
    members
        .iter_mut()
        .map(|member| member.phone.take_audio())
        .collect()
}

/// The level of one 20 ms after the other, of which half are louder: a machine that stalls for a moment does not decide.
fn typical_level(audio: &[i16], frequency: f64) -> f64 {
    let mut levels: Vec<f64> = audio
        .chunks_exact(400)
        .map(|piece| analysis::level_of(piece, frequency))
        .collect();
    levels.sort_by(f64::total_cmp);
    assert!(!levels.is_empty(), "nothing was heard");
    levels[levels.len() / 2]
}

fn assert_heard(audio: &[i16], frequency: f64, what: &str) {
    let level = typical_level(audio, frequency);
    assert!(
        (level - VOICE).abs() < 1.5,
        "{what}: {frequency} Hz is at {level} dBm0"
    );
}

fn assert_unheard(audio: &[i16], frequency: f64, what: &str) {
    let level = typical_level(audio, frequency);
    assert!(level < -40.0, "{what}: {frequency} Hz is at {level} dBm0");
}

#[test]
fn each_of_five_hears_the_four_others_and_not_itself() {
    let plane = plane();
    let (_, mut members) = conference(&plane, &FREQUENCIES);
    all_talk(&mut members, 300);
    let heard = heard(&mut members, 1000);
    for (listener, audio) in heard.iter().enumerate() {
        assert!(audio.len() > 6400, "{} samples in a second", audio.len());
        for (speaker, &frequency) in FREQUENCIES.iter().enumerate() {
            let what = format!("{listener} listens");
            if listener == speaker {
                assert_unheard(audio, frequency, &what);
            } else {
                assert_heard(audio, frequency, &what);
            }
        }
    }
}

#[test]
fn what_is_sent_is_one_unbroken_stream_of_the_agreed_packet_length() {
    for (ptime, samples) in [(10, 80), (20, 160), (30, 240), (60, 480)] {
        let plane = plane();
        let (_, mut members) = conference(&plane, &[400.0, 700.0]);
        let mut remote = members[0].phone.remote();
        remote.ptime = ptime;
        plane.set_remote(members[0].id, remote);
        all_talk(&mut members, 200);
        members[0].phone.listen();
        members[0].phone.heard.clear();
        all_talk(&mut members, 400);
        let heard = std::mem::take(&mut members[0].phone.heard);
        assert!(heard.len() > 3);
        for pair in heard.windows(2) {
            assert_eq!(pair[1].payload.len(), samples);
            assert_eq!(pair[1].sequence, pair[0].sequence.wrapping_add(1));
            assert_eq!(pair[1].timestamp, pair[0].timestamp.wrapping_add(samples as u32));
            assert_eq!(pair[1].ssrc, pair[0].ssrc);
        }
    }
}

#[test]
fn a_muted_member_and_a_listener_hear_and_are_not_heard() {
    let plane = plane();
    let (room, mut members) = conference(&plane, &[400.0, 700.0]);
    let listener = phone(&plane, 1, Codec::Pcma, &[1600.0]);
    plane.join(room, listener.id, Role::Listener).unwrap();
    members.push(listener);
    plane.mute(members[0].id, true);
    all_talk(&mut members, 300);
    let during = heard(&mut members, 600);
    assert_unheard(&during[1], 400.0, "muted");
    assert_unheard(&during[1], 1600.0, "a listener");
    assert_unheard(&during[0], 1600.0, "a listener");
    assert_heard(&during[0], 700.0, "the muted one hears");
    assert_heard(&during[2], 700.0, "the listener hears");
    plane.mute(members[0].id, false);
    all_talk(&mut members, 200);
    let after = heard(&mut members, 600);
    assert_heard(&after[1], 400.0, "no longer muted");
    assert_heard(&after[2], 400.0, "no longer muted");
}

#[test]
fn who_leaves_or_hangs_up_is_gone_at_once_and_the_others_go_on() {
    let plane = plane();
    let (room, mut members) = conference(&plane, &FREQUENCIES);
    all_talk(&mut members, 300);
    // In the middle of a packet.
    members[0].phone.speak();
    plane.leave(members[0].id);
    plane.close(members[1].id);
    all_talk(&mut members, 200);
    let after = heard(&mut members, 600);
    assert!(after[0].is_empty() && after[1].is_empty());
    let staying = &FREQUENCIES[2..];
    for (listener, audio) in after[2..].iter().enumerate() {
        assert_unheard(audio, 400.0, "who left");
        assert_unheard(audio, 700.0, "who hung up");
        for (speaker, &frequency) in staying.iter().enumerate() {
            if speaker != listener {
                assert_heard(audio, frequency, "who stays");
            }
        }
    }
    // And back again.
    plane.join(room, members[0].id, Role::Speaker).unwrap();
    all_talk(&mut members, 300);
    let again = heard(&mut members, 600);
    assert_heard(&again[0], 1100.0, "who came back");
    assert_heard(&again[2], 400.0, "who came back");
    plane.destroy_room(room);
    all_talk(&mut members, 200);
    assert!(heard(&mut members, 200).iter().all(Vec::is_empty));
}

#[test]
fn sixteen_hear_each_other_and_a_seventeenth_finds_no_place() {
    let plane = MediaPlane::start(
        MediaConfig {
            ports: ponte_media::PortRange {
                first: 41_000,
                last: 41_099,
            },
            ..config()
        },
        || {},
    )
    .unwrap();
    let frequencies: Vec<f64> = (0..16).map(|n| 300.0 + 200.0 * f64::from(n)).collect();
    let (room, mut members) = conference(&plane, &frequencies);
    let one_more = phone(&plane, 1, Codec::Pcma, &[]);
    plane.join(room, one_more.id, Role::Speaker).unwrap();
    let refused = wait_for(&plane, |event| match event {
        MediaEvent::NotJoined { room, id } => Some((*room, *id)),
        _ => None,
    });
    assert_eq!(refused, (room, one_more.id));
    // Three speak; all sixteen at full voice would be turned down.
    for member in &mut members[3..] {
        member.phone.voice = vec![0.0];
    }
    all_talk(&mut members, 300);
    let heard = heard(&mut members, 800);
    for (listener, audio) in heard.iter().enumerate() {
        for (speaker, &frequency) in frequencies[..3].iter().enumerate() {
            if speaker == listener {
                assert_unheard(audio, frequency, "itself");
            } else {
                assert_heard(audio, frequency, "one of sixteen");
            }
        }
    }
}

#[test]
fn a_sum_that_is_too_loud_is_turned_down_and_not_cut() {
    let plane = plane();
    let (room, mut members) = conference(&plane, &[1000.0; 9]);
    let listener = phone(&plane, 1, Codec::Pcmu, &[]);
    plane.join(room, listener.id, Role::Listener).unwrap();
    members.push(listener);
    all_talk(&mut members, 500);
    let heard = heard(&mut members, 600);
    let audio = &heard[9];
    // Nine times the same: 19 dB more than one, were they in step; in any case more than fits.
    let voice = typical_level(audio, 1000.0);
    let third = typical_level(audio, 3000.0);
    assert!((-8.0..3.2).contains(&voice), "{voice} dBm0");
    assert!(third < voice - 30.0, "harmonics at {third} under {voice}");
}

#[test]
fn one_packet_in_ten_lost_is_concealed() {
    let plane = plane();
    let (_, mut members) = conference(&plane, &[400.0, 700.0]);
    all_talk(&mut members, 300);
    members[1].phone.take_audio();
    let start = Instant::now();
    for packet in 0..100u64 {
        for (n, member) in members.iter_mut().enumerate() {
            if n == 0 && packet % 10 == 6 {
                // The next one tells by its numbers that this one is missing.
                member.phone.lose();
            } else {
                member.phone.speak();
            }
            member.phone.listen();
        }
        let due = start + Duration::from_millis(20 * (packet + 1));
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
    }
    let audio = members[1].phone.take_audio();
    let levels: Vec<f64> = audio
        .chunks_exact(160)
        .map(|frame| analysis::level_of(frame, 400.0))
        .collect();
    let weak = levels
        .iter()
        .filter(|&&level| (level - VOICE).abs() > 3.0)
        .count();
    assert!(
        weak * 20 <= levels.len(),
        "{weak} of {} frames: {levels:?}",
        levels.len()
    );
}

#[test]
fn coming_and_going_is_heard_by_all_and_a_whisper_by_one() {
    let plane = plane();
    let room = plane.create_room(1, true).unwrap();
    let mut members: Vec<Member> = [400.0, 2300.0]
        .iter()
        .map(|&voice| phone(&plane, 1, Codec::Pcma, &[voice]))
        .collect();
    for member in &members {
        plane.join(room, member.id, Role::Speaker).unwrap();
    }
    all_talk(&mut members, 600);
    let sounds = |audio: &[i16], frequency: f64| {
        let frames = audio.chunks_exact(160);
        frames
            .filter(|frame| analysis::level_of(frame, frequency) > -27.0)
            .count()
    };
    let quiet = heard(&mut members, 200);
    assert_eq!((sounds(&quiet[0], 880.0), sounds(&quiet[1], 880.0)), (0, 0));
    let third = phone(&plane, 1, Codec::Pcmu, &[]);
    plane.join(room, third.id, Role::Speaker).unwrap();
    for audio in heard(&mut members, 500) {
        assert!(
            (6..=11).contains(&sounds(&audio, 880.0)),
            "{}",
            sounds(&audio, 880.0)
        );
    }
    plane.leave(third.id);
    for audio in heard(&mut members, 500) {
        assert!(
            (6..=11).contains(&sounds(&audio, 660.0)),
            "{}",
            sounds(&audio, 660.0)
        );
    }
    plane.join(room, third.id, Role::Listener).unwrap();
    for audio in heard(&mut members, 500) {
        assert_eq!(sounds(&audio, 880.0), 0, "a listener comes unnoticed");
    }

    plane.whisper(members[0].id, Source::Tone(Tone::Attached), Some(77));
    let whispered = heard(&mut members, 500);
    assert!(
        (8..=13).contains(&sounds(&whispered[0], 740.0)),
        "{}",
        sounds(&whispered[0], 740.0)
    );
    assert_heard(&whispered[0], 2300.0, "under the whisper");
    assert_eq!(sounds(&whispered[1], 740.0), 0);
    let token = wait_for(&plane, |event| match event {
        MediaEvent::PlayFinished { id, token } if *id == members[0].id => Some(*token),
        _ => None,
    });
    assert_eq!(token, 77);
}

#[test]
fn a_room_hears_what_is_played_to_it_and_who_plays_alone_does_not_hear_the_room() {
    let plane = plane();
    let (room, mut members) = conference(&plane, &[700.0, 2300.0]);
    all_talk(&mut members, 200);
    plane.play_to_room(room, Source::Tone(Tone::RecordBeep), PlayMode::Loop);
    all_talk(&mut members, 100);
    for audio in heard(&mut members, 400) {
        assert!(analysis::contains(&audio, 1000.0, 5.0));
    }
    plane.stop_room(room);
    plane.play(members[0].id, Source::Tone(Tone::RecordBeep), PlayMode::Loop);
    all_talk(&mut members, 100);
    let alone = heard(&mut members, 400);
    assert_unheard(&alone[0], 2300.0, "who is played to");
    assert_heard(&alone[1], 700.0, "who is played to is heard all the same");
    assert_unheard(&alone[1], 1000.0, "the room");
    plane.stop(members[0].id);
    all_talk(&mut members, 100);
    assert_heard(&heard(&mut members, 400)[0], 2300.0, "the room again");
}

#[test]
fn members_from_other_threads_move_to_the_room_and_can_be_bridged_again() {
    let plane = MediaPlane::start(
        MediaConfig {
            threads: 3,
            ..config()
        },
        || {},
    )
    .unwrap();
    let room = plane.create_room(1, false).unwrap();
    let mut members: Vec<Member> = FREQUENCIES
        .iter()
        .enumerate()
        .map(|(n, &voice)| phone(&plane, n as u64, Codec::Pcma, &[voice]))
        .collect();
    // A call between two of them, on some thread, becomes a conference of five.
    plane.bridge(members[3].id, members[4].id).unwrap();
    all_talk(&mut members, 200);
    for member in &members {
        plane.join(room, member.id, Role::Speaker).unwrap();
    }
    all_talk(&mut members, 400);
    let together = heard(&mut members, 600);
    for (listener, audio) in together.iter().enumerate() {
        for (speaker, &frequency) in FREQUENCIES.iter().enumerate() {
            if speaker == listener {
                assert_unheard(audio, frequency, "itself");
            } else {
                assert_heard(audio, frequency, "from another thread");
            }
        }
    }
    plane.bridge(members[0].id, members[1].id).unwrap();
    all_talk(&mut members, 300);
    let apart = heard(&mut members, 600);
    assert_heard(&apart[0], 700.0, "bridged");
    assert_unheard(&apart[0], 1600.0, "the room it left");
    assert_heard(&apart[2], 1600.0, "in the room");
    assert_unheard(&apart[2], 400.0, "who left the room");
}

#[test]
fn who_speaks_is_told() {
    let plane = plane();
    let (room, mut members) = conference(&plane, &[400.0, 700.0]);
    members[1].phone.voice = vec![0.0];
    all_talk(&mut members, 500);
    members[0].phone.voice = vec![0.0];
    all_talk(&mut members, 1200);
    let told: Vec<_> = events(&plane)
        .into_iter()
        .filter_map(|event| match event {
            MediaEvent::Speaking { room, id, speaking } => Some((room, id, speaking)),
            _ => None,
        })
        .collect();
    assert_eq!(told, [(room, members[0].id, true), (room, members[0].id, false)]);
}

#[test]
fn keys_of_a_member_are_told_and_nobody_hears_them() {
    let plane = plane();
    let (_, mut members) = conference(&plane, &[400.0, 700.0]);
    all_talk(&mut members, 200);
    members[1].phone.listen();
    members[1].phone.heard.clear();
    for step in 1..=7u16 {
        let [high, low] = (step.min(5) * 160).to_be_bytes();
        let end = if step >= 5 { 0x8A } else { 10 };
        members[0].phone.send(101, step == 1, &[5, end, high, low]);
    }
    let digit = wait_for(&plane, |event| match event {
        MediaEvent::Dtmf { id, digit } if *id == members[0].id => Some(*digit),
        _ => None,
    });
    assert_eq!(digit, '5');
    all_talk(&mut members, 200);
    assert!(
        members[1]
            .phone
            .heard
            .iter()
            .all(|packet| packet.payload_type == 0)
    );
}
