//! A browser and a telephone, bridged, for the tests of the media plane: sound told by its frequency.
#![allow(dead_code, unreachable_pub)]

use std::net::{IpAddr, Ipv4Addr};
use std::time::{Duration, Instant};

use ponte_media::{Codec, EndpointId, MediaConfig, MediaEvent, MediaPlane, WebRtcConfig, analysis};

use crate::browser::{Browser, Speaks};
use crate::support::{self, Phone};

pub const BROWSER_TONE: f64 = 440.0;
pub const PHONE_TONE: f64 = 1_000.0;

pub fn plane() -> MediaPlane {
    plane_at(Ipv4Addr::LOCALHOST.into())
}

pub fn plane_at(ip: IpAddr) -> MediaPlane {
    plane_with(|webrtc| {
        webrtc.listen = vec![(ip, 0).into()];
        webrtc.listen_tcp = vec![(ip, 0).into()];
    })
}

pub fn plane_with(change: impl FnOnce(&mut WebRtcConfig)) -> MediaPlane {
    let mut webrtc = WebRtcConfig {
        listen: vec![(Ipv4Addr::LOCALHOST, 0).into()],
        listen_tcp: vec![(Ipv4Addr::LOCALHOST, 0).into()],
        advertised: Vec::new(),
        dtx: true,
        threads: 1,
    };
    change(&mut webrtc);
    let config = MediaConfig {
        webrtc: Some(webrtc),
        threads: 2,
        no_rtp_after: [Duration::from_secs(20), Duration::from_secs(40)],
        ..support::config()
    };
    MediaPlane::start(config, || {}).unwrap()
}

/// A telephone and a browser, bridged and connected.
pub struct Call {
    pub plane: MediaPlane,
    pub browser: Browser,
    pub phone: Phone,
    pub browser_id: EndpointId,
    pub phone_id: EndpointId,
    pub events: Vec<MediaEvent>,
}

pub fn call(speaks: Speaks, codec: Codec) -> Call {
    call_of(Browser::new(speaks), codec)
}

pub fn call_of(browser: Browser, codec: Codec) -> Call {
    call_at(plane(), browser, codec)
}

pub fn call_at(plane: MediaPlane, mut browser: Browser, codec: Codec) -> Call {
    let browser_id = plane.open_browser(7).unwrap();
    let (phone_id, to) = plane.open(8).unwrap();
    let answer = plane
        .answer_browser(browser_id, &browser.offer())
        .unwrap()
        .unwrap();
    assert!(answer.contains("a=ice-lite"), "{answer}");
    browser.answer(&answer);
    let phone = Phone::new(codec, to);
    plane.set_remote(phone_id, phone.remote());
    plane.bridge(browser_id, phone_id).unwrap();
    let mut call = Call {
        plane,
        browser,
        phone,
        browser_id,
        phone_id,
        events: Vec::new(),
    };
    call.until("connected", |call| {
        let id = call.browser_id;
        call.browser.connected && call.events.contains(&MediaEvent::BrowserConnected { id })
    });
    call
}

impl Call {
    pub fn step(&mut self) {
        if !self.browser.voice.is_empty() {
            self.browser.speak();
        }
        if !self.phone.voice.is_empty() {
            self.phone.speak();
        }
        self.browser.live(Duration::from_millis(20));
        self.phone.listen();
        self.events.extend(support::events(&self.plane));
    }

    pub fn until(&mut self, what: &str, done: impl Fn(&Self) -> bool) {
        let start = Instant::now();
        while !done(self) {
            assert!(start.elapsed() < Duration::from_secs(30), "not {what} in time");
            self.step();
        }
    }

    pub fn talk(&mut self, duration: Duration) {
        let start = Instant::now();
        while start.elapsed() < duration {
            self.step();
        }
    }

    /// The browser's network changes in the call, and ICE is restarted (RFC 8445 section 9).
    pub fn move_to_another_network(&mut self) {
        let offer = self.browser.move_to_another_network();
        let id = self.browser_id;
        let before = self.events.len();
        assert_eq!(self.plane.answer_browser(id, &offer).unwrap(), None);
        let answer_of = |event: &MediaEvent| match event {
            MediaEvent::BrowserAnswer { id: of, answer } if *of == id => Some(answer.clone().unwrap()),
            _ => None,
        };
        let answered = |call: &Self| call.events[before..].iter().find_map(answer_of);
        self.until("answered again", |call| answered(call).is_some());
        let answer = answered(self).unwrap();
        self.browser.answer(&answer);
        self.talk(Duration::from_millis(500));
    }

    /// Talks until both have heard a second of the other, and judges it.
    pub fn hear_each_other(&mut self) {
        self.browser.voice = vec![BROWSER_TONE];
        self.phone.voice = vec![PHONE_TONE];
        self.talk(Duration::from_millis(500));
        self.browser.heard.clear();
        self.phone.take_audio();
        let (mut at_phone, mut at_browser) = (Vec::new(), Vec::new());
        let start = Instant::now();
        while at_phone.len() < 8_000 || at_browser.len() < 8_000 {
            let heard = [at_phone.len(), at_browser.len()];
            assert!(
                start.elapsed() < Duration::from_secs(30),
                "telephone and browser heard {heard:?} samples"
            );
            self.step();
            at_phone.extend(self.phone.take_audio());
            at_browser.append(&mut self.browser.heard);
        }
        judge(&at_phone, BROWSER_TONE, PHONE_TONE);
        judge(&at_browser, PHONE_TONE, BROWSER_TONE);
    }
}

/// One tone is there at its level, the other is not.
pub fn judge(heard: &[i16], there: f64, absent: f64) {
    let (loud, soft) = (
        analysis::level_of(heard, there),
        analysis::level_of(heard, absent),
    );
    assert!(loud > -18.0, "{there} Hz came with {loud} dB");
    assert!(
        soft < loud - 20.0,
        "{absent} Hz came with {soft} dB beside {loud}"
    );
}
