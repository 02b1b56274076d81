//! Plays voicemail: one recording at a time.

use crate::state::Portal;
use leptos::html;
use leptos::prelude::*;
use ponte_protocol::{CommandBody, MessageId};

/// The speeds by what is shown of them, in the order in which they are offered. A table: to read any
/// number with a fraction takes ten kilobytes of constants, which do not compress.
pub const SPEEDS: [(&str, f64); 3] = [("1", 1.0), ("1.5", 1.5), ("2", 2.0)];

/// Where a recording is to be had.
pub fn address(message: MessageId) -> String {
    format!("/api/messages/{message}/audio")
}

/// What plays, for the messages of the page.
#[derive(Clone, Copy)]
pub struct Player {
    audio: NodeRef<html::Audio>,
    /// The message that was opened last.
    current: RwSignal<Option<MessageId>>,
    playing: RwSignal<bool>,
    position_ms: RwSignal<u64>,
    failed: RwSignal<bool>,
    speed: RwSignal<f64>,
    /// Messages not listened to before that were begun in this visit.
    begun: RwSignal<Vec<MessageId>>,
    /// Where to go on once the recording is there, in seconds.
    start: StoredValue<f64>,
}

impl Player {
    /// Nothing plays, as the context's.
    pub fn provide() -> Self {
        let player = Self {
            audio: NodeRef::new(),
            current: RwSignal::new(None),
            playing: RwSignal::new(false),
            position_ms: RwSignal::new(0),
            failed: RwSignal::new(false),
            speed: RwSignal::new(1.0),
            begun: RwSignal::new(Vec::new()),
            start: StoredValue::new(0.0),
        };
        provide_context(player);
        player
    }

    /// The context's player.
    pub fn expect() -> Self {
        expect_context()
    }

    /// The message opened last, tracked.
    pub fn current(self) -> Option<MessageId> {
        self.current.get()
    }

    /// Whether this message plays, tracked.
    pub fn plays(self, message: MessageId) -> bool {
        self.playing.get() && self.current.get() == Some(message)
    }

    /// Whether this message could not be played, tracked.
    pub fn failed(self, message: MessageId) -> bool {
        self.failed.get() && self.current.get() == Some(message)
    }

    /// How far this message was played, in milliseconds, tracked.
    pub fn position_ms(self, message: MessageId) -> u64 {
        if self.current.get() == Some(message) {
            self.position_ms.get()
        } else {
            0
        }
    }

    /// Messages that keep their place among those to be listened to, tracked.
    pub fn begun(self) -> Vec<MessageId> {
        self.begun.get()
    }

    /// Plays faster or slower.
    pub fn set_speed(self, shown: &str) {
        let speed = SPEEDS
            .iter()
            .find(|(known, _)| *known == shown)
            .map_or(1.0, |(_, speed)| *speed);
        self.speed.set(speed);
        if let Some(audio) = self.audio.get_untracked() {
            audio.set_playback_rate(speed);
        }
    }

    /// Plays a message, or pauses it. `unheard`: it was not listened to yet, and is from here on.
    pub fn toggle(self, portal: Portal, message: MessageId, unheard: bool) {
        let Some(audio) = self.audio.get_untracked() else {
            return;
        };
        self.open(&audio, message);
        if !audio.paused() {
            let _ = audio.pause();
            return;
        }
        if unheard && !self.begun.with_untracked(|begun| begun.contains(&message)) {
            self.begun.update(|begun| begun.push(message));
            portal.ask(CommandBody::MarkMessage { message, heard: true });
        }
        if let Ok(started) = audio.play() {
            leptos::task::spawn_local(async move {
                // A recording that cannot be had is told by the element's own event.
                let _ = wasm_bindgen_futures::JsFuture::from(started).await;
            });
        }
    }

    /// Goes to a place in a message.
    pub fn seek(self, message: MessageId, to_ms: u64) {
        let Some(audio) = self.audio.get_untracked() else {
            return;
        };
        self.open(&audio, message);
        let seconds = to_ms as f64 / 1_000.0;
        self.position_ms.set(to_ms);
        // Before anything of it is there, the element would forget the place.
        if audio.ready_state() == 0 {
            self.start.set_value(seconds);
            audio.load();
        } else {
            audio.set_current_time(seconds);
        }
    }

    fn open(self, audio: &web_sys::HtmlAudioElement, message: MessageId) {
        if self.current.get_untracked() == Some(message) && !self.failed.get_untracked() {
            return;
        }
        self.current.set(Some(message));
        self.position_ms.set(0);
        self.failed.set(false);
        self.start.set_value(0.0);
        audio.set_src(&address(message));
        audio.set_default_playback_rate(self.speed.get_untracked());
        audio.set_playback_rate(self.speed.get_untracked());
    }
}

/// The element that sounds; it has no look of its own.
#[component]
pub fn PlayerAudio() -> impl IntoView {
    let player = Player::expect();
    let audio = player.audio;
    let heard = move |_| {
        if let Some(audio) = audio.get_untracked() {
            player.position_ms.set((audio.current_time() * 1_000.0) as u64);
        }
    };
    let loaded = move |_| {
        let start = player.start.get_value();
        if let Some(audio) = audio.get_untracked().filter(|_| start > 0.0) {
            player.start.set_value(0.0);
            audio.set_current_time(start);
        }
    };
    view! {
        <audio
            node_ref=audio preload="none" on:timeupdate=heard on:loadedmetadata=loaded
            on:playing=move |_| player.playing.set(true) on:pause=move |_| player.playing.set(false)
            on:ended=move |_| { player.playing.set(false); player.position_ms.set(0); }
            on:error=move |_| { player.playing.set(false); player.failed.set(true); }
        ></audio>
    }
}
