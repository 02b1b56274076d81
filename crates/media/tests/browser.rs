//! A browser and a telephone, bridged: real sockets, a real handshake, sound told by its frequency.
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "support/browser.rs"]
mod browser;
#[path = "support/browser_call.rs"]
mod browser_call;
mod support;

use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use browser::{Browser, Speaks};
use browser_call::{BROWSER_TONE, Call, PHONE_TONE, call, plane};
use ponte_media::{Codec, MediaEvent, PlayMode, Source, Tone, analysis};
use support::keys;

#[test]
fn opus_and_g711_hear_each_other() {
    call(Speaks::Opus, Codec::Pcma).hear_each_other();
    call(Speaks::Opus, Codec::Pcmu).hear_each_other();
}

#[test]
fn g711_browsers_are_heard_too() {
    call(Speaks::G711(Codec::Pcmu), Codec::Pcma).hear_each_other();
    call(Speaks::G711(Codec::Pcma), Codec::Pcma).hear_each_other();
}

#[test]
fn g722_browsers_are_heard_too() {
    call(Speaks::G722, Codec::Pcma).hear_each_other();
    call(Speaks::G722, Codec::Pcmu).hear_each_other();
}

#[test]
fn a_tenth_of_the_packets_is_lost_and_the_tone_goes_on() {
    let mut call = call(Speaks::Opus, Codec::Pcma);
    call.browser.loses = Some(10);
    call.hear_each_other();
    call.phone.take_audio();
    let mut heard = Vec::new();
    while heard.len() < 12_000 {
        call.step();
        heard.extend(call.phone.take_audio());
    }
    // Speech codecs bend a tone that they make up, but there is no hole and it comes back at once.
    for window in heard.chunks_exact(160) {
        assert!(analysis::level(window) > -40.0);
    }
    for (n, window) in heard.chunks_exact(1_600).enumerate() {
        let level = analysis::level_of(window, BROWSER_TONE);
        assert!(level > -26.0, "the tone falls to {level} dB after {} ms", n * 200);
    }
}

#[test]
fn keys_go_both_ways() {
    for speaks in [Speaks::Opus, Speaks::G722, Speaks::G711(Codec::Pcmu)] {
        let mut call = call(speaks, Codec::Pcma);
        call.browser.voice = vec![BROWSER_TONE];
        call.phone.voice = vec![PHONE_TONE];
        call.talk(Duration::from_millis(300));
        call.browser.press(5);
        call.until("told of the key", |call| {
            keys(&call.events, call.browser_id) == "5"
        });
        let event = call.phone.remote().telephone_event.unwrap();
        call.until("heard at the telephone", |call| {
            let packets = call.phone.heard.iter();
            packets
                .filter(|packet| packet.payload_type == event)
                .any(|packet| packet.payload[..] == [5, 0x80 | 0x0A, 0x03, 0x20])
        });

        call.plane.send_dtmf(call.browser_id, "9#");
        let clock = if speaks == Speaks::Opus { 6 } else { 1 };
        call.until("heard at the browser", |call| {
            [9, 11]
                .iter()
                .all(|event| call.browser.keys.contains(&(*event, true, 800 * clock)))
        });
        call.phone.take_audio();
        call.hear_each_other();
    }
}

#[test]
fn what_is_played_is_heard_in_the_browser() {
    let mut call = call(Speaks::Opus, Codec::Pcma);
    call.plane
        .play(call.browser_id, Source::Tone(Tone::Ringback), PlayMode::Loop);
    call.browser.heard.clear();
    call.until("a second was heard", |call| call.browser.heard.len() > 8_000);
    let heard = std::mem::take(&mut call.browser.heard);
    // The Italian ringback tone.
    let start = heard.iter().position(|sample| sample.abs() > 500).unwrap();
    let level = analysis::level_of(&heard[start..(start + 4_000).min(heard.len())], 425.0);
    assert!(level > -30.0, "{level} dB");
}

#[test]
fn another_fingerprint_than_the_negotiated_is_refused() {
    let plane = plane();
    let id = plane.open_browser(7).unwrap();
    let mut browser = Browser::new(Speaks::Opus);
    let offer = browser.offer();
    let at = offer.find("a=fingerprint:sha-256 ").unwrap() + "a=fingerprint:sha-256 ".len();
    let other = if &offer[at..=at] == "0" { "1" } else { "0" };
    let forged = format!("{}{other}{}", &offer[..at], &offer[at + 1..]);
    let answer = plane.answer_browser(id, &forged).unwrap().unwrap();
    browser.answer(&answer);
    browser.voice = vec![BROWSER_TONE];
    let start = Instant::now();
    let lost = MediaEvent::BrowserLost { id, closed: false };
    let mut events = Vec::new();
    while !events.contains(&lost) {
        assert!(
            start.elapsed() < Duration::from_secs(40),
            "the session is still up"
        );
        browser.live(Duration::from_millis(20));
        events.extend(support::events(&plane));
    }
    assert!(
        !events.contains(&MediaEvent::BrowserConnected { id }),
        "{events:?}"
    );
}

#[test]
fn what_is_no_offer_is_refused() {
    let plane = plane();
    let id = plane.open_browser(7).unwrap();
    for bad in [
        "",
        "v=0\r\n",
        "\u{0}",
        "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n",
    ] {
        assert!(plane.answer_browser(id, bad).is_err(), "{bad:?}");
    }
    assert!(plane.answer_browser(id, &"a=x\r\n".repeat(10_000)).is_err());
    let mut browser = Browser::new(Speaks::Opus);
    assert!(plane.answer_browser(id, &browser.offer()).unwrap().is_some());
}

#[test]
fn a_flood_of_garbage_does_not_disturb_the_call() {
    let mut call = call(Speaks::Opus, Codec::Pcma);
    let to: SocketAddr = call.plane.browser_addresses()[0];
    let stop = Arc::new(AtomicBool::new(false));
    let flood = std::thread::spawn({
        let stop = stop.clone();
        move || {
            let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
            let mut sent = 0u64;
            while !stop.load(Ordering::Relaxed) {
                for _ in 0..20 {
                    let mut junk: [u8; 200] = std::array::from_fn(|_| rand::random());
                    // Every kind that the port tells apart: STUN, DTLS, RTP, nothing.
                    junk[0] = [0, 22, 128, junk[0]][(sent % 4) as usize];
                    if sent.is_multiple_of(8) {
                        junk[4..8].copy_from_slice(&0x2112_A442u32.to_be_bytes());
                    }
                    drop(socket.send_to(&junk[..rand::random_range(1..200)], to));
                    sent += 1;
                }
                std::thread::sleep(Duration::from_millis(2));
            }
            sent
        }
    });
    call.hear_each_other();
    call.talk(Duration::from_secs(2));
    stop.store(true, Ordering::Relaxed);
    let sent = flood.join().unwrap();
    call.hear_each_other();
    let stats = call.plane.stats();
    assert!(
        stats.dropped_stranger + stats.dropped_malformed > sent / 10,
        "{sent} sent, {stats:?}"
    );
}

#[test]
fn packets_of_the_call_under_other_keys_do_not_disturb_it() {
    let mut call = call(Speaks::G711(Codec::Pcmu), Codec::Pcmu);
    call.hear_each_other();
    let to: SocketAddr = call.plane.browser_addresses()[0];
    let (ssrc, stranger) = (
        call.browser.ssrc(),
        UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap(),
    );
    call.phone.take_audio();
    let mut heard = Vec::new();
    let mut sent = 0u32;
    while heard.len() < 16_000 {
        for n in 0..200u16 {
            // Of the live stream, near its newest packet or anywhere, from the browser's own address or another.
            let near = call.browser.next_sequence().wrapping_add(n % 50);
            let sequence = if n % 3 == 0 { rand::random() } else { near };
            let mut packet = vec![0x80, 0];
            packet.extend(sequence.to_be_bytes());
            packet.extend(rand::random::<[u8; 4]>());
            packet.extend(ssrc.to_be_bytes());
            packet.extend(rand::random::<[u8; 32]>());
            let socket = if n % 2 == 0 {
                &stranger
            } else {
                &call.browser.socket
            };
            sent += u32::from(socket.send_to(&packet, to).is_ok());
        }
        call.step();
        heard.extend(call.phone.take_audio());
    }
    assert!(sent > 10_000, "{sent} sent");
    let whole = heard
        .chunks_exact(160)
        .filter(|window| analysis::level_of(window, BROWSER_TONE) > -19.0);
    assert!(whole.count() >= 98, "the tone has holes");
    call.hear_each_other();
}

#[test]
fn a_browser_whose_nat_forgot_it_is_heard_again_at_once() {
    let mut call = call(Speaks::Opus, Codec::Pcma);
    call.hear_each_other();
    for _ in 0..3 {
        call.browser.rebind();
        call.browser.heard.clear();
        call.phone.take_audio();
        call.phone.heard.clear();
        let begun = Instant::now();
        call.until("heard again", |call| {
            call.phone.heard.len() > 10 && call.browser.heard.len() > 1_600
        });
        // Without a look at the audio itself it would be the 15 s after which the old way counts as dead.
        assert!(begun.elapsed() < Duration::from_secs(8), "{:?}", begun.elapsed());
        call.hear_each_other();
    }
    let id = call.browser_id;
    let lost = |event: &MediaEvent| matches!(event, MediaEvent::BrowserLost { id: of, .. } if *of == id);
    assert!(!call.events.iter().any(lost));
}

#[test]
fn what_is_lost_is_told_as_quality() {
    let mut call = call(Speaks::Opus, Codec::Pcma);
    call.browser.voice = vec![BROWSER_TONE];
    call.phone.voice = vec![PHONE_TONE];
    let inbound = |call: &Call| {
        let id = call.browser_id;
        call.events.iter().rev().find_map(|event| match event {
            MediaEvent::Quality { id: of, inbound, .. } if *of == id => *inbound,
            _ => None,
        })
    };
    call.until("told that all is well", |call| {
        inbound(call).is_some_and(|quality| quality.loss_per_mille < 20 && quality.mos_tenths >= 40)
    });
    call.browser.loses = Some(10);
    call.until("told of the loss", |call| {
        inbound(call).is_some_and(|quality| (70..=130).contains(&quality.loss_per_mille))
    });
    assert!(inbound(&call).unwrap().mos_tenths < 36);
    // What the browser reports of what it hears, and the telephone's leg.
    let (browser, phone) = (call.browser_id, call.phone_id);
    call.until("told of the other ways", |call| {
        let mut told = call.events.iter();
        let mut phones = call.events.iter();
        told.any(|event| matches!(event, MediaEvent::Quality { id, outbound: Some(_), .. } if *id == browser))
            && phones.any(
                |event| matches!(event, MediaEvent::Quality { id, inbound: Some(_), .. } if *id == phone),
            )
    });
}

#[test]
fn a_browser_that_closes_is_lost_at_once_and_one_that_moves_is_not() {
    let mut call = call(Speaks::Opus, Codec::Pcma);
    call.hear_each_other();

    call.move_to_another_network();
    call.hear_each_other();

    let id = call.browser_id;
    call.browser.rtc.close().unwrap();
    let lost = MediaEvent::BrowserLost { id, closed: true };
    assert!(!call.events.contains(&lost));
    call.browser.voice.clear();
    call.until("told as lost", |call| call.events.contains(&lost));
    call.plane.close(id);
    let phone = call.phone_id;
    call.plane.close(phone);
    call.until("closed", |call| {
        let closed = |of| {
            let is = |event: &&MediaEvent| matches!(event, MediaEvent::Closed { id, .. } if *id == of);
            call.events.iter().find(is).is_some()
        };
        closed(id) && closed(phone)
    });
}

#[test]
fn without_configuration_no_browser_can_be_called() {
    let plane = support::plane();
    assert!(plane.open_browser(1).is_err());
    assert!(plane.browser_addresses().is_empty());
}
