//! The microphone, asked for when it is needed.

use super::Problem;
use js_sys::{Object, Reflect};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{MediaStream, MediaStreamConstraints, MediaStreamTrack};

/// Opens the microphone. The browser asks the user, unless it was allowed before.
pub(crate) async fn open() -> Result<MediaStream, Problem> {
    let window = web_sys::window().ok_or(Problem::NoMicrophone)?;
    // A page that is not loaded over TLS has none.
    let devices = window
        .navigator()
        .media_devices()
        .ok()
        .filter(|devices| !devices.is_undefined())
        .ok_or(Problem::NotAllowed)?;
    let voice = Object::new();
    for what in ["echoCancellation", "noiseSuppression", "autoGainControl"] {
        let _ = Reflect::set(&voice, &what.into(), &JsValue::TRUE);
    }
    let wanted = MediaStreamConstraints::new();
    wanted.set_audio(&voice);
    let asked = devices
        .get_user_media_with_constraints(&wanted)
        .map_err(|_| Problem::NoMicrophone)?;
    let stream = JsFuture::from(asked).await.map_err(|error| why(&error))?;
    stream.dyn_into().map_err(|_| Problem::NoMicrophone)
}

fn why(error: &JsValue) -> Problem {
    let name = Reflect::get(error, &"name".into())
        .ok()
        .and_then(|name| name.as_string());
    match name.as_deref() {
        Some("NotAllowedError" | "SecurityError") => Problem::NotAllowed,
        _ => Problem::NoMicrophone,
    }
}

/// Lets go of it.
pub(crate) fn close(stream: &MediaStream) {
    for track in stream.get_tracks() {
        if let Ok(track) = track.dyn_into::<MediaStreamTrack>() {
            track.stop();
        }
    }
}
