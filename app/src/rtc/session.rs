//! The audio of one call: microphone, peer connection, loudspeaker.

use super::devices::{self, Changes};
use super::stall::{self, Finding, Stall};
use super::voice::{self, Voice};
use super::{Problem, microphone};
use crate::browser;
use gloo_timers::callback::Interval;
use js_sys::{Array, Function, Reflect};
use leptos::task::spawn_local;
use ponte_protocol::{CallId, Relay, Sdp};
use std::cell::RefCell;
use std::future::Future;
use std::rc::Rc;
use wasm_bindgen::prelude::Closure;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    HtmlAudioElement, MediaStream, RtcConfiguration, RtcIceServer, RtcOfferOptions, RtcPeerConnection,
    RtcPeerConnectionState, RtcSdpType, RtcSessionDescriptionInit, RtcSignalingState, RtcTrackEvent,
};

/// Ends with the value: the microphone is let go, the connection closed, and the screen may lock again.
pub(super) struct Session {
    call: CallId,
    connection: RtcPeerConnection,
    voice: Rc<Voice>,
    loudspeaker: HtmlAudioElement,
    stall: Rc<RefCell<Stall>>,
    /// What the connection calls as long as it is there.
    _on_track: Closure<dyn FnMut(RtcTrackEvent)>,
    _on_state: Closure<dyn FnMut()>,
    _on_devices: Changes,
    _looks: Interval,
}

impl Session {
    /// Opens the microphone and a connection; the offer that goes to the gateway. `restart` gets a later offer, when the
    /// network has changed; `doubt` is called when it may have.
    pub(super) async fn open(
        call: CallId,
        relays: &[Relay],
        restart: impl Fn(String) + Clone + 'static,
        doubt: impl Fn() + 'static,
        trouble: impl Fn(Option<Problem>) + 'static,
    ) -> Result<(Self, String), Problem> {
        let microphone = microphone::open().await?;
        let opened = connect(relays)
            .and_then(|connection| Self::with(call, connection, microphone.clone(), restart, doubt, trouble));
        let offered = match opened {
            Ok(session) => offer(session.connection.clone(), false)
                .await
                .map(|offer| (session, offer)),
            Err(error) => Err(error),
        };
        offered.map_err(|_| {
            microphone::close(&microphone);
            Problem::Connection
        })
    }

    fn with(
        call: CallId,
        connection: RtcPeerConnection,
        microphone: MediaStream,
        restart: impl Fn(String) + Clone + 'static,
        doubt: impl Fn() + 'static,
        trouble: impl Fn(Option<Problem>) + 'static,
    ) -> Result<Self, JsValue> {
        let track = voice::track(&microphone).ok_or(JsValue::NULL)?;
        let sender = connection.add_track_0(&track, &microphone);
        let voice = Voice::new(microphone, sender, trouble);
        let loudspeaker = HtmlAudioElement::new()?;
        loudspeaker.set_autoplay(true);
        devices::play_where_chosen(&loudspeaker);
        let speaker = loudspeaker.clone();
        let on_track = Closure::<dyn FnMut(RtcTrackEvent)>::new(move |event: RtcTrackEvent| {
            if let Ok(stream) = event.streams().get(0).dyn_into::<MediaStream>() {
                speaker.set_src_object(Some(&stream));
            }
        });
        connection.set_ontrack(Some(on_track.as_ref().unchecked_ref()));
        let (watched, on_failure) = (connection.clone(), restart.clone());
        let on_state = Closure::<dyn FnMut()>::new(move || {
            // `failed` comes some fifteen seconds after `disconnected`, and a restart that was not needed costs nothing.
            if !matches!(
                watched.connection_state(),
                RtcPeerConnectionState::Disconnected | RtcPeerConnectionState::Failed
            ) {
                return;
            }
            look_for_another_path(&watched, &on_failure);
        });
        connection.set_onconnectionstatechange(Some(on_state.as_ref().unchecked_ref()));
        let stall = Rc::new(RefCell::new(Stall::new()));
        let (listened, looking) = (connection.clone(), stall.clone());
        let looks = Interval::new(stall::LOOK_MS, move || {
            let found = looking.borrow_mut().look(last_packet(&listened), browser::now());
            match found {
                Finding::Fine => {}
                Finding::Doubt => doubt(),
                Finding::Silent => look_for_another_path(&listened, &restart),
            }
        });
        let (sent, heard) = (Rc::downgrade(&voice), loudspeaker.clone());
        let on_devices = Changes::follow(move || {
            if let Some(voice) = sent.upgrade() {
                take_devices(&heard, voice);
            }
        });
        Ok(Self {
            call,
            connection,
            voice,
            loudspeaker,
            stall,
            _on_track: on_track,
            _on_state: on_state,
            _on_devices: on_devices,
            _looks: looks,
        })
    }

    pub(super) fn call(&self) -> CallId {
        self.call
    }

    /// Takes what was chosen since, and what is there.
    pub(super) fn devices_changed(&self) {
        take_devices(&self.loudspeaker, self.voice.clone());
    }

    /// The telephone system is within reach again.
    pub(super) fn linked(&self) {
        self.stall.borrow_mut().linked(browser::now());
    }

    /// Takes the gateway's answer; `None` for one to an offer that is answered already.
    pub(super) fn answer(&self, sdp: &Sdp) -> Option<impl Future<Output = Result<JsValue, JsValue>> + use<>> {
        if self.connection.signaling_state() != RtcSignalingState::HaveLocalOffer {
            return None;
        }
        let description = RtcSessionDescriptionInit::new(RtcSdpType::Answer);
        description.set_sdp(&sdp.0);
        Some(JsFuture::from(
            self.connection.set_remote_description(&description),
        ))
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.connection.set_ontrack(None);
        self.connection.set_onconnectionstatechange(None);
        self.connection.close();
        self.loudspeaker.set_src_object(None);
    }
}

/// Has a call go on at the devices that are chosen, as far as they are there.
fn take_devices(loudspeaker: &HtmlAudioElement, voice: Rc<Voice>) {
    devices::play_where_chosen(loudspeaker);
    spawn_local(voice::devices_changed(voice));
}

/// A connection that may go by the relays.
fn connect(relays: &[Relay]) -> Result<RtcPeerConnection, JsValue> {
    let servers = Array::new();
    for relay in relays {
        let server = RtcIceServer::new();
        let urls: Array = relay.urls.iter().map(JsValue::from).collect();
        server.set_urls(&urls);
        server.set_username(&relay.username);
        server.set_credential(&relay.credential);
        servers.push(&server);
    }
    let configuration = RtcConfiguration::new();
    configuration.set_ice_servers(&servers);
    RtcPeerConnection::new_with_configuration(&configuration)
}

/// Offers the connection anew, with all addresses that the browser has now.
fn look_for_another_path(connection: &RtcPeerConnection, restart: &(impl Fn(String) + Clone + 'static)) {
    let (connection, restart) = (connection.clone(), restart.clone());
    spawn_local(async move {
        if let Ok(sdp) = offer(connection, true).await {
            restart(sdp);
        }
    });
}

/// When the last packet of sound came, by a clock of the browser's own (`getSynchronizationSources` of the W3C's WebRTC);
/// `None` also after some seconds without one.
fn last_packet(connection: &RtcPeerConnection) -> Option<f64> {
    let receiver = connection.get_receivers().get(0);
    let sources: Function = Reflect::get(&receiver, &"getSynchronizationSources".into())
        .ok()?
        .dyn_into()
        .ok()?;
    let source = sources.call0(&receiver).ok()?.dyn_into::<Array>().ok()?.get(0);
    Reflect::get(&source, &"timestamp".into()).ok()?.as_f64()
}

/// An offer of audio, made the connection's own; with new ICE credentials where `restart` is set.
async fn offer(connection: RtcPeerConnection, restart: bool) -> Result<String, JsValue> {
    let options = RtcOfferOptions::new();
    options.set_ice_restart(restart);
    let made = JsFuture::from(connection.create_offer_with_rtc_offer_options(&options)).await?;
    let sdp = Reflect::get(&made, &"sdp".into())?
        .as_string()
        .ok_or(JsValue::NULL)?;
    let description = RtcSessionDescriptionInit::new(RtcSdpType::Offer);
    description.set_sdp(&sdp);
    JsFuture::from(connection.set_local_description(&description)).await?;
    Ok(sdp)
}
