//! Calls told while no page of the portal is open. `public/push.js` does it, and is loaded when it is asked.

use js_sys::{Array, Promise, Reflect};
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::JsFuture;

/// What holds in this browser.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Push {
    On,
    Off,
    /// The browser's user does not allow it.
    Denied,
    /// The browser has no such thing.
    Missing,
    /// The browser, its maker's service or the edge did not do it.
    Failed,
}

/// Whether somebody has switched it on here.
pub fn was_wanted() -> bool {
    super::storage_get("ponte.push").is_some()
}

/// Asks for `"on"`, `"off"`, or `"keep"`: what this user switched on here before goes on. `"on"` is to be asked within a
/// click. Gives what holds then.
pub async fn ask(wish: &str, user: &str, language: &str) -> Push {
    match answer(wish, user, language).await.as_deref() {
        Some("on") => Push::On,
        Some("off") => Push::Off,
        Some("denied") => Push::Denied,
        Some("missing") => Push::Missing,
        _ => Push::Failed,
    }
}

async fn answer(wish: &str, user: &str, language: &str) -> Option<String> {
    let scripts = Reflect::get(&js_sys::global(), &"ponte".into()).ok()?;
    let arguments = Array::of3(&wish.into(), &user.into(), &language.into());
    let asked: Promise = super::call(&scripts, "push", &arguments)?.dyn_into().ok()?;
    JsFuture::from(asked).await.ok()?.as_string()
}
