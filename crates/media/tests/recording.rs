//! Recordings: what was said is in the file, where it was said, whatever the network and the disk do.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use ponte_media::{
    Codec, EndpointId, MediaEvent, MediaPlane, PlayMode, Recording, RecordingError, Role, Source, Tone,
    Tracks, analysis,
};
use support::{Phone, call, events, plane, talk, wait_for};

/// A folder of its own that goes with it.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("ponte-recording-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn finished(plane: &MediaPlane) -> (EndpointId, Recording) {
    wait_for(plane, |event| match event {
        MediaEvent::RecordingFinished { id, recording } => Some((*id, (**recording).clone())),
        _ => None,
    })
}

fn read(path: &Path) -> Vec<i16> {
    let reader = hound::WavReader::open(path).unwrap();
    let spec = reader.spec();
    assert_eq!(
        (spec.sample_rate, spec.channels, spec.bits_per_sample),
        (8000, 1, 16)
    );
    reader.into_samples().map(Result::unwrap).collect()
}

fn phone(plane: &MediaPlane, codec: Codec) -> (EndpointId, Phone) {
    let (id, to) = plane.open(1).unwrap();
    let phone = Phone::new(codec, to);
    plane.set_remote(id, phone.remote());
    (id, phone)
}

#[test]
fn what_is_said_is_in_the_file_and_keys_are_not() {
    let folder = Folder::new("said");
    for codec in [Codec::Pcma, Codec::Pcmu] {
        let plane = plane();
        let (id, mut phone) = phone(&plane, codec);
        let path = folder.file("message.wav");
        phone.voice = vec![700.0];
        talk(&mut [&mut phone], Duration::from_millis(200));
        plane.record(id, &path, Duration::from_mins(1)).unwrap();
        let start = Instant::now();
        talk(&mut [&mut phone], Duration::from_millis(600));
        for step in 1..=5u16 {
            let [high, low] = (step * 160).to_be_bytes();
            phone.send(
                101,
                step == 1,
                &[11, if step == 5 { 0x8A } else { 10 }, high, low],
            );
        }
        phone.timestamp = phone.timestamp.wrapping_add(800);
        std::thread::sleep(Duration::from_millis(100));
        phone.voice = vec![1300.0];
        talk(&mut [&mut phone], Duration::from_millis(500));
        plane.stop_recording(id);
        let lasted = start.elapsed();
        let (of, recording) = finished(&plane);
        assert_eq!((of, recording.error.clone()), (id, None));
        assert_eq!(recording.path, path);
        assert!(
            recording.duration.abs_diff(lasted) < Duration::from_millis(60),
            "{recording:?} of {lasted:?}"
        );

        let samples = read(&path);
        assert_eq!(samples.len() as u128 * 125, recording.duration.as_micros());
        assert!(analysis::contains(&samples[400..4000], 700.0, 3.0));
        assert!((analysis::level(&samples[400..4000]) + 13.0).abs() < 0.5);
        // The key: as long as it was pressed, and silent.
        let silent = samples.iter().filter(|sample| sample.abs() <= 8).count();
        assert!((800..2000).contains(&silent), "{silent} silent samples");
        let end = samples.len() - 800;
        assert!(analysis::contains(&samples[end - 2400..end], 1300.0, 3.0));
        assert!(!recording.waveform.is_empty() && recording.waveform.len() <= 100);
        assert!(!folder.file("message.wav.part").exists());
    }
}

#[test]
fn a_key_that_comes_as_a_tone_is_cut_out_where_tones_are_listened_for() {
    let folder = Folder::new("tones");
    let plane = plane();
    let (id, mut phone) = phone(&plane, Codec::Pcma);
    let mut remote = phone.remote();
    remote.telephone_event_in = None;
    plane.set_remote(id, remote);
    let path = folder.file("a.wav");
    plane.record(id, &path, Duration::from_mins(1)).unwrap();
    phone.voice = vec![500.0];
    talk(&mut [&mut phone], Duration::from_millis(400));
    let key = ponte_media::g711::encode(Codec::Pcma, &analysis::sines(&[941.0, 1477.0], -10.0, 0.3));
    for packet in key.chunks_exact(160) {
        phone.send(8, false, packet);
        phone.timestamp = phone.timestamp.wrapping_add(160);
        std::thread::sleep(Duration::from_millis(20));
    }
    plane.stop_recording(id);
    let (_, recording) = finished(&plane);
    assert!(recording.duration >= Duration::from_millis(650), "{recording:?}");
    let samples = read(&path);
    assert!(analysis::contains(&samples[400..2800], 500.0, 4.0));
    let keyed = samples
        .chunks_exact(160)
        .filter(|frame| analysis::level_of(frame, 1477.0) > -20.0)
        .count();
    assert!(keyed <= 3, "{keyed} packets of the key");
}

#[test]
fn losses_doubles_and_late_packets_do_not_shift_what_was_said() {
    let folder = Folder::new("losses");
    let plane = plane();
    let (id, mut phone) = phone(&plane, Codec::Pcma);
    let path = folder.file("a.wav");
    phone.voice = vec![500.0];
    talk(&mut [&mut phone], Duration::from_millis(100));
    plane.record(id, &path, Duration::from_mins(1)).unwrap();
    talk(&mut [&mut phone], Duration::from_millis(500));
    // Half a second is lost; then another voice, whose packets come in pairs the wrong way round, the first twice.
    std::thread::sleep(Duration::from_millis(500));
    phone.sequence = phone.sequence.wrapping_add(25);
    phone.timestamp = phone.timestamp.wrapping_add(4000);
    let voice = ponte_media::g711::encode(Codec::Pcma, &analysis::sines(&[1500.0], -13.0, 0.8));
    let (sequence, timestamp) = (phone.sequence, phone.timestamp);
    for pair in 0..20u16 {
        for n in [pair * 2 + 1, pair * 2, pair * 2] {
            phone.sequence = sequence.wrapping_add(n);
            phone.timestamp = timestamp.wrapping_add(u32::from(n) * 160);
            let from = usize::from(n) * 160;
            phone.send(8, false, &voice[from..from + 160]);
        }
        std::thread::sleep(Duration::from_millis(40));
    }
    plane.stop_recording(id);
    let (_, recording) = finished(&plane);
    assert_eq!(recording.error, None);
    let samples = read(&path);
    let first = samples.iter().position(|s| s.abs() > 100).unwrap();
    let second = samples[first + 4000..]
        .iter()
        .position(|s| s.abs() > 100)
        .unwrap()
        + first
        + 4000;
    assert!((7990..8200).contains(&(second - first)), "{first} {second}");
    let heard = analysis::partials(&samples[second + 100..second + 6300], 3);
    assert_eq!(heard.len(), 1, "no packet is out of its place: {heard:?}");
    assert!(
        (heard[0].frequency - 1500.0).abs() < 2.0 && (heard[0].level + 13.0).abs() < 0.3,
        "{heard:?}"
    );
}

#[test]
fn a_peer_that_says_nothing_or_jumps_in_time_gives_a_file_of_true_length() {
    let folder = Folder::new("jumps");
    let plane = plane();
    let (id, mut phone) = phone(&plane, Codec::Pcma);
    let path = folder.file("a.wav");
    plane.record(id, &path, Duration::from_mins(1)).unwrap();
    let start = Instant::now();
    std::thread::sleep(Duration::from_millis(400));
    phone.voice = vec![800.0];
    for _ in 0..10 {
        talk(&mut [&mut phone], Duration::from_millis(100));
        phone.timestamp = phone.timestamp.wrapping_add(0x4000_0000);
        phone.ssrc = phone.ssrc.wrapping_add(phone.timestamp & 1);
    }
    plane.stop_recording(id);
    let lasted = start.elapsed();
    let (_, recording) = finished(&plane);
    assert!(
        recording.duration.abs_diff(lasted) < Duration::from_millis(100),
        "{:?}",
        recording.duration
    );
    let samples = read(&path);
    assert!(samples[..2400].iter().all(|&s| s == 0), "silence comes first");
    assert!(analysis::contains(&samples[4000..10_000], 800.0, 4.0));
}

#[test]
fn a_recording_is_full_after_its_longest_duration_even_without_a_packet() {
    let folder = Folder::new("full");
    let plane = plane();
    for voice in [vec![], vec![1000.0]] {
        let (id, mut phone) = phone(&plane, Codec::Pcmu);
        phone.voice = voice;
        let path = folder.file("a.wav");
        plane.record(id, &path, Duration::from_millis(700)).unwrap();
        talk(&mut [&mut phone], Duration::from_millis(900));
        let events = events(&plane);
        assert!(events.contains(&MediaEvent::RecordingFull { id }), "{events:?}");
        let told = events.iter().find_map(|event| match event {
            MediaEvent::RecordingFinished { recording, .. } => Some((**recording).clone()),
            _ => None,
        });
        let recording = told.unwrap_or_else(|| finished(&plane).1);
        assert_eq!(
            (recording.duration, recording.error),
            (Duration::from_millis(700), None)
        );
        assert_eq!(read(&path).len(), 5600);
        plane.close(id);
    }
}

#[test]
fn a_file_that_cannot_be_made_is_told_and_the_call_goes_on() {
    let folder = Folder::new("refused");
    let plane = plane();
    let mut call = call(&plane, Codec::Pcma, Codec::Pcmu);
    plane
        .record(
            call.a_id,
            folder.file("no/such/folder/a.wav"),
            Duration::from_mins(1),
        )
        .unwrap();
    call.a.voice = vec![600.0];
    talk(&mut [&mut call.a, &mut call.b], Duration::from_millis(400));
    let (id, recording) = finished(&plane);
    assert_eq!((id, recording.duration), (call.a_id, Duration::ZERO));
    assert!(
        matches!(
            recording.error,
            Some(RecordingError::Create {
                kind: std::io::ErrorKind::NotFound,
                ..
            })
        ),
        "{recording:?}"
    );
    assert!(analysis::contains(&call.b.take_audio()[800..], 600.0, 3.0));
    // The name is a folder: found only when the file is to get it.
    plane
        .record(call.a_id, &folder.0, Duration::from_mins(1))
        .unwrap();
    talk(&mut [&mut call.a, &mut call.b], Duration::from_millis(200));
    plane.stop_recording(call.a_id);
    assert!(matches!(
        finished(&plane).1.error,
        Some(RecordingError::Write { .. })
    ));
    let _ = std::fs::remove_file(format!("{}.part", folder.0.display()));
}

#[test]
fn a_crash_would_leave_a_file_that_plays() {
    let folder = Folder::new("crash");
    let plane = plane();
    let (id, mut phone) = phone(&plane, Codec::Pcma);
    phone.voice = vec![900.0];
    plane
        .record(id, folder.file("a.wav"), Duration::from_mins(1))
        .unwrap();
    talk(&mut [&mut phone], Duration::from_secs(3));
    // As the disk is at this moment.
    std::fs::copy(folder.file("a.wav.part"), folder.file("copy.wav")).unwrap();
    let samples = read(&folder.file("copy.wav"));
    assert!(samples.len() >= 8000, "{} samples", samples.len());
    assert!(analysis::contains(&samples[2000..8000], 900.0, 3.0));
    assert!(!folder.file("a.wav").exists());
}

#[test]
fn the_end_of_endpoint_or_plane_ends_the_recording() {
    let folder = Folder::new("ends");
    let plane = plane();
    let (id, mut phone) = phone(&plane, Codec::Pcma);
    phone.voice = vec![900.0];
    plane
        .record(id, folder.file("a.wav"), Duration::from_mins(1))
        .unwrap();
    talk(&mut [&mut phone], Duration::from_millis(300));
    plane.close(id);
    let (of, recording) = finished(&plane);
    assert_eq!((of, recording.error), (id, None));
    assert!(recording.duration >= Duration::from_millis(280));
    // Closed already: an end all the same.
    plane
        .record(id, folder.file("b.wav"), Duration::from_mins(1))
        .unwrap();
    assert_eq!(finished(&plane).1.duration, Duration::ZERO);

    let (id, to) = plane.open(1).unwrap();
    phone.to = to;
    plane.set_remote(id, phone.remote());
    plane
        .record(id, folder.file("c.wav"), Duration::from_mins(1))
        .unwrap();
    talk(&mut [&mut phone], Duration::from_millis(300));
    drop(plane);
    assert!(read(&folder.file("c.wav")).len() >= 2200);
}

#[test]
fn a_second_recording_takes_the_place_of_the_first() {
    let folder = Folder::new("second");
    let plane = plane();
    let (id, mut phone) = phone(&plane, Codec::Pcma);
    phone.voice = vec![900.0];
    // What the peer hears is not recorded.
    plane.play(id, Source::Tone(Tone::Busy), PlayMode::Loop);
    for name in ["a.wav", "b.wav"] {
        plane
            .record(id, folder.file(name), Duration::from_mins(1))
            .unwrap();
        talk(&mut [&mut phone], Duration::from_millis(300));
    }
    plane.stop_recording(id);
    for name in ["a.wav", "b.wav"] {
        let (_, recording) = finished(&plane);
        assert_eq!(recording.path, folder.file(name));
        let samples = read(&recording.path);
        assert!(samples.len() >= 2200);
        let found = analysis::partials(&samples[400..2000], 3);
        assert_eq!(found.len(), 1, "{found:?}");
    }
}

/// Where the two tracks of a stereo file sound.
fn read_stereo(path: &Path) -> [Vec<i16>; 2] {
    let reader = hound::WavReader::open(path).unwrap();
    assert_eq!((reader.spec().sample_rate, reader.spec().channels), (8000, 2));
    let samples: Vec<i16> = reader.into_samples().map(Result::unwrap).collect();
    [0, 1].map(|side| samples.iter().skip(side).step_by(2).copied().collect())
}

#[test]
fn a_conversation_is_recorded_from_both_sides_in_one_channel_or_in_two() {
    let folder = Folder::new("both");
    for tracks in [Tracks::Mixed, Tracks::Stereo] {
        let plane = plane();
        let mut call = call(&plane, Codec::Pcma, Codec::Pcmu);
        (call.a.voice, call.b.voice) = (vec![500.0], vec![1700.0]);
        talk(&mut [&mut call.a, &mut call.b], Duration::from_millis(200));
        let file = folder.file("call.wav");
        plane
            .record_tracks(call.a_id, &file, Duration::from_mins(1), tracks)
            .unwrap();
        talk(&mut [&mut call.a, &mut call.b], Duration::from_millis(800));
        plane.stop_recording(call.a_id);
        let (id, recording) = finished(&plane);
        assert_eq!((id, recording.error), (call.a_id, None));
        let middle = |audio: &[i16]| audio[1600..4800].to_vec();
        if tracks == Tracks::Stereo {
            let [said, heard] = read_stereo(&file).map(|track| middle(&track));
            assert!(analysis::contains(&said, 500.0, 4.0) && !analysis::contains(&said, 1700.0, 20.0));
            assert!(analysis::contains(&heard, 1700.0, 4.0) && !analysis::contains(&heard, 500.0, 20.0));
        } else {
            let both = middle(&read(&file));
            assert!(analysis::contains(&both, 500.0, 4.0) && analysis::contains(&both, 1700.0, 4.0));
        }
    }
}

#[test]
fn a_recording_of_a_conversation_goes_on_through_hold_and_conference() {
    let folder = Folder::new("through");
    let file = folder.file("call.wav");
    let plane = plane();
    let mut call = call(&plane, Codec::Pcma, Codec::Pcma);
    (call.a.voice, call.b.voice) = (vec![500.0], vec![1700.0]);
    let (c_id, mut c) = phone(&plane, Codec::Pcmu);
    c.voice = vec![2500.0];
    talk(
        &mut [&mut call.a, &mut call.b, &mut c],
        Duration::from_millis(200),
    );
    plane
        .record_tracks(call.a_id, &file, Duration::from_mins(1), Tracks::Stereo)
        .unwrap();
    talk(
        &mut [&mut call.a, &mut call.b, &mut c],
        Duration::from_millis(600),
    );
    // The user is told something while the other party is held.
    plane.unbridge(call.a_id);
    plane.play(call.a_id, Source::Tone(Tone::RecordBeep), PlayMode::Loop);
    talk(
        &mut [&mut call.a, &mut call.b, &mut c],
        Duration::from_millis(600),
    );
    plane.stop(call.a_id);
    let room = plane.create_room(1, false).unwrap();
    for id in [call.a_id, call.b_id, c_id] {
        plane.join(room, id, Role::Speaker).unwrap();
    }
    talk(
        &mut [&mut call.a, &mut call.b, &mut c],
        Duration::from_millis(800),
    );
    plane.stop_recording(call.a_id);
    let (_, recording) = finished(&plane);
    let milliseconds = recording.duration.as_millis();
    assert!((1900..2600).contains(&milliseconds), "{milliseconds} ms");
    let [said, heard] = read_stereo(&file);
    let part = |from_ms: usize, to_ms: usize| &heard[from_ms * 8..to_ms * 8];
    assert!(analysis::contains(&said[1600..], 500.0, 4.0));
    assert!(analysis::contains(part(100, 500), 1700.0, 4.0));
    let held = part(750, 1100);
    assert!(analysis::contains(held, 1000.0, 4.0) && !analysis::contains(held, 1700.0, 20.0));
    let together = part(1550, 1900);
    for frequency in [1700.0, 2500.0] {
        assert!(analysis::contains(together, frequency, 4.0), "{frequency}");
    }
    assert!(!analysis::contains(together, 500.0, 20.0));
}

#[test]
fn an_announcement_is_heard_to_its_end_before_the_recording_begins() {
    let folder = Folder::new("announced");
    let file = folder.file("call.wav");
    let plane = plane();
    let mut call = call(&plane, Codec::Pcma, Codec::Pcma);
    (call.a.voice, call.b.voice) = (vec![500.0], vec![1700.0]);
    talk(&mut [&mut call.a, &mut call.b], Duration::from_millis(200));
    let beep = || Source::Tone(Tone::RecordBeep);
    plane.whisper(call.a_id, beep(), None);
    plane.whisper(call.b_id, beep(), Some(5));
    talk(&mut [&mut call.a, &mut call.b], Duration::from_millis(500));
    wait_for(&plane, |event| match event {
        MediaEvent::PlayFinished { id, token: 5 } if *id == call.b_id => Some(()),
        _ => None,
    });
    for phone in [&mut call.a, &mut call.b] {
        assert!(analysis::contains(&phone.take_audio(), 1000.0, 5.0));
    }
    plane
        .record_tracks(call.a_id, &file, Duration::from_mins(1), Tracks::Mixed)
        .unwrap();
    talk(&mut [&mut call.a, &mut call.b], Duration::from_millis(500));
    plane.stop_recording(call.a_id);
    finished(&plane);
    assert!(!analysis::contains(&read(&file), 1000.0, 10.0));
}
