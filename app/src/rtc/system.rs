//! A call as the system around the browser sees it: the keys of a headset control it, and the screen does not lock.
//!
//! Not every browser has the one or the other (Media Session and Screen Wake Lock of the W3C): there, nothing happens.

use js_sys::{Function, Promise, Reflect};
use leptos::task::spawn_local;
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use wasm_bindgen::prelude::Closure;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;

/// What a headset can ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Key {
    HangUp,
    Mute,
}

const KEYS: [(Key, &str); 2] = [(Key::HangUp, "hangup"), (Key::Mute, "togglemicrophone")];

/// A call that the system knows of, as long as the value is there.
pub(super) struct Announced {
    _pressed: Vec<Closure<dyn FnMut()>>,
    awake: Rc<Awake>,
}

/// The lock that keeps the screen on.
#[derive(Default)]
struct Awake {
    over: Cell<bool>,
    lock: RefCell<Option<JsValue>>,
}

fn of_navigator(name: &str) -> Option<JsValue> {
    let navigator = web_sys::window()?.navigator();
    let found = Reflect::get(&navigator, &name.into()).ok()?;
    found.is_object().then_some(found)
}

fn method(of: &JsValue, name: &str) -> Option<Function> {
    Reflect::get(of, &name.into()).ok()?.dyn_into().ok()
}

/// A browser that does not know the action throws, and has no such key.
fn handle(action: &str, handler: &JsValue) {
    if let Some(session) = of_navigator("mediaSession")
        && let Some(set) = method(&session, "setActionHandler")
    {
        let _ = set.call2(&session, &action.into(), handler);
    }
}

impl Announced {
    pub(super) fn new(pressed: impl Fn(Key) + Clone + 'static) -> Self {
        let keys = KEYS.map(|(key, action)| {
            let pressed = pressed.clone();
            let closure = Closure::<dyn FnMut()>::new(move || pressed(key));
            handle(action, closure.as_ref());
            closure
        });
        let awake = Rc::new(Awake::default());
        spawn_local(stay_awake(awake.clone()));
        Self {
            _pressed: keys.into(),
            awake,
        }
    }

    /// The page can be seen again: while it could not, the browser had taken the lock back.
    pub(super) fn seen_again(&self) {
        spawn_local(stay_awake(self.awake.clone()));
    }
}

impl Drop for Announced {
    fn drop(&mut self) {
        for (_, action) in KEYS {
            handle(action, &JsValue::NULL);
        }
        self.awake.over.set(true);
        if let Some(lock) = self.awake.lock.take() {
            release(&lock);
        }
    }
}

fn release(lock: &JsValue) {
    if let Some(release) = method(lock, "release") {
        let _ = release.call0(lock);
    }
}

async fn stay_awake(awake: Rc<Awake>) {
    let asked = of_navigator("wakeLock").and_then(|locks| {
        let request = method(&locks, "request")?;
        request.call1(&locks, &"screen".into()).ok()
    });
    let Some(Ok(asked)) = asked.map(JsCast::dyn_into::<Promise>) else {
        return;
    };
    // A battery that is low, or a page that is hidden, has none.
    let Ok(lock) = JsFuture::from(asked).await else {
        return;
    };
    if awake.over.get() {
        release(&lock);
    } else if let Some(before) = awake.lock.replace(Some(lock)) {
        release(&before);
    }
}
