//! The focus, which keyboards and screen readers are never to lose.
//!
//! A control that cannot be used at this moment is `aria-disabled` and not `disabled`: a browser takes the focus from what is
//! disabled, and gives it back to nobody. A control that is taken away while it has the focus leaves it to what it stood in.

use js_sys::Reflect;
use std::cell::RefCell;
use std::rc::Rc;
use wasm_bindgen::prelude::Closure;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{Document, Element, Event, EventTarget, MutationObserver, MutationObserverInit};

/// What may take the focus of a control in it: never a control, which a key that is pressed twice would press as well.
const PLACES: &str = "[role=group], [role=region], article, section, dialog, main";

/// Begins to keep presses from what is `aria-disabled`, and the focus on the page, until the page is left.
pub fn keep(document: &Document) {
    listen(document, "click", |event| {
        let pressed = element(event.target());
        if pressed.is_some_and(|pressed| matches!(pressed.closest("[aria-disabled=true]"), Ok(Some(_)))) {
            // Also keeps the Return key in a field from submitting its form by this button.
            event.prevent_default();
            event.stop_immediate_propagation();
        }
    });

    // The control that has the focus, and what it stands in, from the inside out.
    let path: Rc<RefCell<Vec<Element>>> = Rc::default();
    let seen = path.clone();
    listen(document, "focusin", move |event| {
        let focused = element(event.target());
        let mut path = vec![];
        let mut around = focused.clone();
        while let Some(place) = around.and_then(|inner| inner.parent_element()?.closest(PLACES).ok()?) {
            path.push(place.clone());
            around = Some(place);
        }
        path.splice(0..0, focused);
        seen.replace(path);
    });
    let left = path.clone();
    listen(document, "pointerdown", move |event| {
        // Whoever presses elsewhere has left it.
        let mut path = left.borrow_mut();
        let pressed = element(event.target());
        if !path
            .first()
            .is_some_and(|focused| focused.contains(pressed.as_deref()))
        {
            path.clear();
        }
    });

    let watched = document.clone();
    let changed = Closure::<dyn FnMut()>::new(move || {
        let nowhere = watched
            .active_element()
            .is_none_or(|active| active.tag_name() == "BODY");
        if nowhere
            && path
                .borrow()
                .first()
                .is_some_and(|focused| !focused.is_connected())
        {
            let path = path.take();
            if let Some(place) = path.iter().find(|place| place.is_connected()) {
                take_focus(place);
            }
        }
    });
    if let (Ok(observer), Some(body)) = (
        MutationObserver::new(changed.as_ref().unchecked_ref()),
        document.body(),
    ) {
        let what = MutationObserverInit::new();
        what.set_child_list(true);
        what.set_subtree(true);
        let _ = observer.observe_with_options(&body, &what);
        changed.forget();
    }
}

fn listen(document: &Document, kind: &str, heard: impl FnMut(Event) + 'static) {
    let heard = Closure::<dyn FnMut(Event)>::new(heard);
    let _ = document.add_event_listener_with_callback_and_bool(kind, heard.as_ref().unchecked_ref(), true);
    heard.forget();
}

/// These events happen to elements, and to the document.
fn element(target: Option<EventTarget>) -> Option<Element> {
    target?.dyn_into().ok()
}

/// Puts the focus on a part of the page, where what is seen stays in view.
fn take_focus(place: &Element) {
    if !place.has_attribute("tabindex") {
        let _ = place.set_attribute("tabindex", "-1");
    }
    let still = js_sys::Object::new();
    let _ = Reflect::set(&still, &"preventScroll".into(), &JsValue::TRUE);
    let _ = super::call(place, "focus", &js_sys::Array::of1(&still));
}
