//! The microphone of a call: another takes its place when it is lost, and when the user chooses one or it is back.

use super::devices::{self, Role};
use super::{Problem, microphone};
use leptos::task::spawn_local;
use std::cell::{Cell, RefCell};
use std::rc::{Rc, Weak};
use wasm_bindgen::JsCast;
use wasm_bindgen::prelude::Closure;
use wasm_bindgen_futures::JsFuture;
use web_sys::{MediaStream, MediaStreamTrack, MediaStreamTrackState, RtcRtpSender};

/// What a call sends. It is let go when the call is over.
pub(super) struct Voice {
    stream: RefCell<MediaStream>,
    sender: RtcRtpSender,
    /// Told when there is no microphone, and when there is one again.
    trouble: Box<dyn Fn(Option<Problem>)>,
    renewing: Cell<bool>,
    /// What the browser calls when the microphone is lost.
    on_ended: Closure<dyn FnMut()>,
}

/// The track that carries the voice.
pub(super) fn track(stream: &MediaStream) -> Option<MediaStreamTrack> {
    stream.get_audio_tracks().get(0).dyn_into().ok()
}

impl Voice {
    pub(super) fn new(
        stream: MediaStream,
        sender: RtcRtpSender,
        trouble: impl Fn(Option<Problem>) + 'static,
    ) -> Rc<Self> {
        let voice = Rc::new_cyclic(|own: &Weak<Self>| {
            let own = own.clone();
            let lost = move || {
                if let Some(voice) = own.upgrade() {
                    spawn_local(renew(voice));
                }
            };
            Self {
                stream: RefCell::new(stream),
                sender,
                trouble: Box::new(trouble),
                renewing: Cell::new(false),
                on_ended: Closure::new(lost),
            }
        });
        voice.watch();
        voice
    }

    fn watch(&self) {
        if let Some(track) = track(&self.stream.borrow()) {
            track.set_onended(Some(self.on_ended.as_ref().unchecked_ref()));
        }
    }

    /// The device that is heard now; `None` where it is lost.
    fn heard(&self) -> Option<String> {
        let track = track(&self.stream.borrow())?;
        let live = track.ready_state() == MediaStreamTrackState::Live;
        live.then(|| track.get_settings().get_device_id().unwrap_or_default())
    }
}

impl Drop for Voice {
    fn drop(&mut self) {
        let stream = self.stream.borrow();
        if let Some(track) = track(&stream) {
            track.set_onended(None);
        }
        microphone::close(&stream);
    }
}

/// Devices came or went, or another was chosen.
pub(super) async fn devices_changed(voice: Rc<Voice>) {
    let wanted = devices::chosen(Role::Microphone);
    if let Some(heard) = voice.heard() {
        let Some(wanted) = wanted.filter(|wanted| *wanted != heard) else {
            return;
        };
        let there = devices::list(Role::Microphone).await;
        if !there.iter().any(|device| device.id == wanted) {
            return;
        }
    }
    renew(voice).await;
}

/// Opens the microphone anew, and has the call send that.
pub(super) async fn renew(voice: Rc<Voice>) {
    if voice.renewing.replace(true) {
        return;
    }
    let opened = microphone::open().await;
    voice.renewing.set(false);
    let replaced = match opened {
        Ok(stream) => match track(&stream) {
            Some(track) => JsFuture::from(voice.sender.replace_track(Some(&track)))
                .await
                .map(|_| stream.clone())
                .map_err(|_| {
                    microphone::close(&stream);
                    Problem::Connection
                }),
            None => Err(Problem::NoMicrophone),
        },
        Err(problem) => Err(problem),
    };
    match replaced {
        Ok(stream) => {
            let before = voice.stream.replace(stream);
            if let Some(track) = track(&before) {
                track.set_onended(None);
            }
            microphone::close(&before);
            voice.watch();
            (voice.trouble)(None);
        }
        // Whoever is heard still is not troubled.
        Err(problem) if voice.heard().is_none() => (voice.trouble)(Some(problem)),
        Err(_) => {}
    }
}
