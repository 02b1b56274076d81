//! The microphone, asked for when it is needed.

use super::Problem;
use super::devices::{self, Role};
use js_sys::{Object, Reflect};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{MediaStream, MediaStreamConstraints, MediaStreamTrack};

/// Opens the microphone. The browser asks the user, unless it was allowed before.
pub(crate) async fn open() -> Result<MediaStream, Problem> {
    let devices = devices::all().ok_or(Problem::NotAllowed)?;
    let voice = Object::new();
    for what in ["echoCancellation", "noiseSuppression", "autoGainControl"] {
        let _ = Reflect::set(&voice, &what.into(), &JsValue::TRUE);
    }
    if let Some(id) = devices::chosen(Role::Microphone) {
        // An ideal, not a demand: another is better than none.
        let _ = Reflect::set(&voice, &"deviceId".into(), &id.into());
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
