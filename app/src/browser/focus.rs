//! The focus, which keyboards and screen readers are never to lose.
//!
//! A control that cannot be used at this moment is `aria-disabled` and not `disabled`: a browser takes the focus from what is
//! disabled, and gives it back to nobody. A control that is taken away while it has the focus leaves it to what it stood in.

use js_sys::{Array, Function, Reflect};
use std::cell::RefCell;
use wasm_bindgen::prelude::Closure;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{Document, Element, Event, MutationObserver, MutationObserverInit};

/// What may take the focus of a control in it: never a control, which a key that is pressed twice would press as well.
const PLACES: &str = "[role=group], [role=region], article, section, dialog, main";

thread_local! {
    /// The control that has the focus, and what it stands in, from the inside out.
    static PATH: RefCell<Vec<Element>> = const { RefCell::new(Vec::new()) };
}

/// Begins to keep presses from what is `aria-disabled`, and the focus on the page, until the page is left.
pub fn keep(document: &Document) {
    let heard = function(|event| {
        let event: Event = event.unchecked_into();
        // These events may also happen to the document itself.
        if let Some(element) = event
            .target()
            .and_then(|target| target.dyn_into::<Element>().ok())
        {
            hear(&event, element);
        }
    });
    for kind in ["click", "focusin", "pointerdown"] {
        let _ = document.add_event_listener_with_callback_and_bool(kind, &heard, true);
    }
    let observer = MutationObserver::new(&function(|_| leave_to_its_place()));
    if let (Ok(observer), Some(body)) = (observer, document.body()) {
        let what = MutationObserverInit::new();
        what.set_child_list(true);
        what.set_subtree(true);
        let _ = observer.observe_with_options(&body, &what);
    }
}

fn hear(event: &Event, element: Element) {
    match event.type_().as_str() {
        "click" => {
            if matches!(element.closest("[aria-disabled=true]"), Ok(Some(_))) {
                // Also keeps the Return key in a field from submitting its form by this button.
                event.prevent_default();
                event.stop_immediate_propagation();
            }
        }
        "focusin" => {
            let mut path = vec![element];
            while let Some(inner) = path.last()
                && let Some(Ok(Some(place))) = inner.parent_element().map(|around| around.closest(PLACES))
            {
                path.push(place);
            }
            PATH.set(path);
        }
        // Whoever presses elsewhere has left it.
        _ => PATH.with_borrow_mut(|path| {
            if !path
                .first()
                .is_some_and(|focused| focused.contains(Some(&element)))
            {
                path.clear();
            }
        }),
    }
}

/// Gives the focus of a control that is gone to what it stood in, where nothing else has it.
fn leave_to_its_place() {
    let nowhere = super::document()
        .and_then(|document| document.active_element())
        .is_none_or(|active| active.tag_name() == "BODY");
    let place = PATH.with_borrow(|path| {
        let gone = nowhere && path.first().is_some_and(|focused| !focused.is_connected());
        let place = || path.iter().find(|place| place.is_connected()).cloned();
        gone.then(place).flatten()
    });
    if let Some(place) = place {
        if !place.has_attribute("tabindex") {
            let _ = place.set_attribute("tabindex", "-1");
        }
        // What is seen stays in view.
        let still = js_sys::Object::new();
        let _ = Reflect::set(&still, &"preventScroll".into(), &JsValue::TRUE);
        let _ = super::call(&place, "focus", &Array::of1(&still));
    }
}

/// A function that lives as long as the page.
fn function(run: impl FnMut(JsValue) + 'static) -> Function {
    Closure::<dyn FnMut(JsValue)>::new(run)
        .into_js_value()
        .unchecked_into()
}
