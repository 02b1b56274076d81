//! Which microphone and loudspeaker calls use, chosen for this browser alone.
//!
//! A device that was chosen and is not there now is no failure: the system's own takes its place until it is back.

use crate::browser;
use js_sys::{Array, Function, Promise, Reflect};
use wasm_bindgen::prelude::Closure;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{HtmlAudioElement, MediaDeviceInfo, MediaDeviceKind, MediaDevices};

/// What can be chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    Microphone,
    Loudspeaker,
}

impl Role {
    const fn key(self) -> &'static str {
        match self {
            Self::Microphone => "ponte.input",
            Self::Loudspeaker => "ponte.output",
        }
    }

    const fn kind(self) -> MediaDeviceKind {
        match self {
            Self::Microphone => MediaDeviceKind::Audioinput,
            Self::Loudspeaker => MediaDeviceKind::Audiooutput,
        }
    }
}

/// A device as the browser calls it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Device {
    pub id: String,
    pub label: String,
}

/// The browser's devices; a page that is not loaded over TLS has none.
pub(super) fn all() -> Option<MediaDevices> {
    let devices = web_sys::window()?.navigator().media_devices().ok()?;
    (!devices.is_undefined()).then_some(devices)
}

/// The devices that can be chosen. Their names are told only once the microphone was allowed.
pub async fn list(role: Role) -> Vec<Device> {
    let Some(Ok(asked)) = all().map(|devices| devices.enumerate_devices()) else {
        return Vec::new();
    };
    let Ok(found) = JsFuture::from(asked).await else {
        return Vec::new();
    };
    let found = found.unchecked_into::<Array>();
    let fits = found.iter().filter_map(|device| {
        let device: MediaDeviceInfo = device.unchecked_into();
        let (id, label) = (device.device_id(), device.label());
        (device.kind() == role.kind() && !id.is_empty() && !label.is_empty()).then_some(Device { id, label })
    });
    fits.collect()
}

/// The device that was chosen; `None` for the system's own.
pub fn chosen(role: Role) -> Option<String> {
    browser::storage_get(role.key()).filter(|id| !id.is_empty())
}

/// Chooses a device, or with an empty `id` the system's own.
pub fn choose(role: Role, id: &str) {
    browser::storage_set(role.key(), id);
}

/// How loudspeakers are chosen, where the browser can do that.
fn set_sink(of: &JsValue) -> Option<Function> {
    Reflect::get(of, &"setSinkId".into()).ok()?.dyn_into().ok()
}

/// Whether the browser lets a page choose the loudspeaker.
pub fn has_choice_of_loudspeakers() -> bool {
    HtmlAudioElement::new().is_ok_and(|element| set_sink(&element).is_some())
}

/// Has the element play at the loudspeaker that was chosen.
pub fn play_where_chosen(element: &HtmlAudioElement) {
    let id = chosen(Role::Loudspeaker).unwrap_or_default();
    let set = set_sink(element).and_then(|set| set.call1(element, &id.into()).ok());
    if let Some(promise) = set.and_then(|set| set.dyn_into::<Promise>().ok()) {
        // A loudspeaker that is not there leaves the sound where it is.
        leptos::task::spawn_local(async move { drop(JsFuture::from(promise).await) });
    }
}

/// Calls as long as it stands, whenever a device comes or goes.
pub struct Changes {
    devices: Option<MediaDevices>,
    heard: Closure<dyn FnMut()>,
}

const CHANGE: &str = "devicechange";

impl Changes {
    pub fn follow(run: impl FnMut() + 'static) -> Self {
        let (devices, heard) = (all(), Closure::new(run));
        if let Some(devices) = &devices {
            let _ = devices.add_event_listener_with_callback(CHANGE, heard.as_ref().unchecked_ref());
        }
        Self { devices, heard }
    }
}

impl Drop for Changes {
    fn drop(&mut self) {
        if let Some(devices) = &self.devices {
            let _ = devices.remove_event_listener_with_callback(CHANGE, self.heard.as_ref().unchecked_ref());
        }
    }
}
