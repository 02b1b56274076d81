//! Sounds of the page.

use web_sys::HtmlAudioElement;

/// A sound that repeats until this is dropped.
pub struct Looped(HtmlAudioElement);

impl Looped {
    /// Plays a file again and again. A browser that wants a click first plays nothing.
    pub fn play(address: &str) -> Option<Self> {
        let audio = HtmlAudioElement::new_with_src(address).ok()?;
        audio.set_loop(true);
        let started = audio.play().ok()?;
        leptos::task::spawn_local(async move {
            // A refusal is no fault: the telephone itself rings.
            let _ = wasm_bindgen_futures::JsFuture::from(started).await;
        });
        Some(Self(audio))
    }
}

impl Drop for Looped {
    fn drop(&mut self) {
        let _ = self.0.pause();
        self.0.set_src("");
    }
}
