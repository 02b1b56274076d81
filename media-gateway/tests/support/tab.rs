//! A tab of the user's portal that takes calls, with str0m as its browser. It needs `mod browser` of the media plane's tests beside
//! it.

#![allow(dead_code)] // Not every test needs all of it.
use super::browser::{Browser, Speaks};
use super::support::{ANNA, PATIENCE, World};
use ponte_protocol::{CallId, EdgeFrame, RtcRequest, RtcSignal, Sdp};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use uuid::Uuid;

pub const BROWSER_HZ: f64 = 440.0;

/// A tab of Anna's portal, as the edge shows it to the gateway.
#[derive(Clone, Copy)]
pub struct Tab {
    pub tab: Uuid,
    pub portal: Uuid,
}

impl Tab {
    pub fn new() -> Self {
        Self {
            tab: Uuid::now_v7(),
            portal: Uuid::now_v7(),
        }
    }

    pub fn ask(self, world: &World, request: RtcRequest) {
        let (user, portal) = (ANNA.parse().unwrap(), self.portal);
        world.edge.send(EdgeFrame::Rtc {
            user,
            portal,
            request,
        });
    }

    pub fn take_calls(self, world: &World, take_over: bool) {
        let tab = self.tab;
        self.ask(world, RtcRequest::TakeCalls { tab, take_over });
    }

    pub async fn told(self, world: &World, wanted: impl Fn(&RtcSignal) -> bool) -> RtcSignal {
        world.edge.signal(self.portal, wanted).await
    }

    pub async fn is_here(self, world: &World) {
        let tab = self.tab;
        self.told(world, |signal| *signal == RtcSignal::Here { tab })
            .await;
    }

    pub async fn rings(self, world: &World) -> CallId {
        match self
            .told(world, |signal| matches!(signal, RtcSignal::Ring { .. }))
            .await
        {
            RtcSignal::Ring { call, .. } => call,
            other => panic!("{other:?}"),
        }
    }

    /// Takes the call that rings.
    pub async fn accept(self, world: &World, call: CallId) -> Browser {
        let mut browser = Browser::new(Speaks::Opus);
        let sdp = Sdp(browser.offer());
        self.ask(world, RtcRequest::Offer { call, sdp });
        let answer = self
            .told(
                world,
                |signal| matches!(signal, RtcSignal::Answer { call: of, .. } if *of == call),
            )
            .await;
        let RtcSignal::Answer { sdp, .. } = answer else {
            panic!("{answer:?}")
        };
        browser.answer(&sdp.0);
        browser.voice = vec![BROWSER_HZ];
        live(&mut browser, "connected", |browser| browser.connected);
        browser
    }
}

/// Talks until something holds.
pub fn live(browser: &mut Browser, what: &str, holds: impl Fn(&Browser) -> bool) {
    let start = Instant::now();
    while !holds(browser) {
        assert!(start.elapsed() < PATIENCE * 2, "the browser is not {what}");
        if browser.connected {
            browser.speak();
        }
        tokio::task::block_in_place(|| browser.live(Duration::from_millis(20)));
    }
}

/// A browser that talks on while the test waits for something else.
pub struct Talking {
    ends: Arc<AtomicBool>,
    closed: Arc<AtomicBool>,
    thread: JoinHandle<Browser>,
    heard: Arc<Mutex<Vec<i16>>>,
}

impl Talking {
    pub fn start(mut browser: Browser) -> Self {
        let ends = Arc::new(AtomicBool::new(false));
        let heard = Arc::new(Mutex::new(Vec::new()));
        let closed = Arc::new(AtomicBool::new(false));
        let (told, ear, gone) = (ends.clone(), heard.clone(), closed.clone());
        let thread = std::thread::spawn(move || {
            let mut due = Instant::now();
            while !told.load(Ordering::Relaxed) {
                browser.speak();
                // As a clock goes: what speaking itself takes must not put it behind.
                due += Duration::from_millis(20);
                let left = due.saturating_duration_since(Instant::now());
                browser.live(left.max(Duration::from_millis(1)));
                ear.lock().unwrap().append(&mut browser.heard);
                gone.store(browser.closed, Ordering::Relaxed);
            }
            browser
        });
        Self {
            ends,
            closed,
            thread,
            heard,
        }
    }

    pub fn stop(self) -> Browser {
        self.ends.store(true, Ordering::Relaxed);
        self.thread.join().unwrap()
    }

    /// Whether the gateway has closed the connection.
    pub fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Relaxed)
    }

    /// All that it has heard, 8000 samples a second.
    pub fn heard(&self) -> Vec<i16> {
        self.heard.lock().unwrap().clone()
    }
}
