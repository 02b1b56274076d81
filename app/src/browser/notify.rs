//! Notifications of the system.

use wasm_bindgen::JsCast;
use wasm_bindgen::closure::Closure;
use wasm_bindgen_futures::JsFuture;
use web_sys::{Notification, NotificationOptions, NotificationPermission};

/// What the browser's user allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Permission {
    Unasked,
    Granted,
    Denied,
    /// This browser has no notifications for pages.
    Missing,
}

/// What was allowed so far.
pub fn permission() -> Permission {
    // Reading the property of a class that is not there would throw.
    let present = web_sys::window()
        .and_then(|window| js_sys::Reflect::has(&window, &"Notification".into()).ok())
        .unwrap_or(false);
    if present {
        read(Notification::permission())
    } else {
        Permission::Missing
    }
}

fn read(permission: NotificationPermission) -> Permission {
    match permission {
        NotificationPermission::Granted => Permission::Granted,
        NotificationPermission::Denied => Permission::Denied,
        _ => Permission::Unasked,
    }
}

/// Asks the browser's user; what holds after the answer.
pub async fn ask() -> Permission {
    if let Ok(asked) = Notification::request_permission() {
        // The answer is read below; a refusal is no error.
        let _ = JsFuture::from(asked).await;
    }
    permission()
}

/// A notification that is shown; it goes when this is dropped.
pub struct Shown {
    notification: Notification,
    _click: Closure<dyn Fn()>,
}

impl Shown {
    /// Shows a notification that leads back to the page. `None` where the browser does not let pages show any, as on
    /// Android.
    pub fn new(title: &str, body: &str, tag: &str) -> Option<Self> {
        let options = NotificationOptions::new();
        options.set_body(body);
        options.set_tag(tag);
        options.set_icon("/icon-192.png");
        options.set_require_interaction(true);
        let notification = Notification::new_with_options(title, &options).ok()?;
        let click = Closure::<dyn Fn()>::new(|| {
            if let Some(window) = web_sys::window() {
                let _ = window.focus();
            }
        });
        notification.set_onclick(Some(click.as_ref().unchecked_ref()));
        Some(Self {
            notification,
            _click: click,
        })
    }
}

impl Drop for Shown {
    fn drop(&mut self) {
        self.notification.close();
    }
}
