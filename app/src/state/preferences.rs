//! What a user sets for this browser alone.

use crate::browser;
use leptos::prelude::*;

const RING_KEY: &str = "ponte.ring";
const NOTIFY_KEY: &str = "ponte.notify";

/// The settings of this browser, for every component; kept for the next visit.
#[derive(Clone, Copy)]
pub struct Preferences {
    ring: RwSignal<bool>,
    notify: RwSignal<bool>,
    /// Whether the offer of notifications was answered here.
    asked: RwSignal<bool>,
    permission: RwSignal<browser::notify::Permission>,
}

impl Preferences {
    /// What was chosen before in this browser, as the context's.
    pub fn provide() -> Self {
        let kept = |key| browser::storage_get(key);
        let preferences = Self {
            ring: RwSignal::new(kept(RING_KEY).as_deref() != Some("off")),
            notify: RwSignal::new(kept(NOTIFY_KEY).as_deref() == Some("on")),
            asked: RwSignal::new(kept(NOTIFY_KEY).is_some()),
            permission: RwSignal::new(browser::notify::permission()),
        };
        provide_context(preferences);
        preferences
    }

    /// The context's settings.
    pub fn expect() -> Self {
        expect_context()
    }

    /// Whether an incoming call sounds here, tracked.
    pub fn ring(self) -> bool {
        self.ring.get()
    }

    /// Switches the sound.
    pub fn set_ring(self, on: bool) {
        browser::storage_set(RING_KEY, if on { "on" } else { "off" });
        self.ring.set(on);
    }

    /// Whether an incoming call is told by the system, tracked.
    pub fn notify(self) -> bool {
        self.notify.get() && self.permission.get() == browser::notify::Permission::Granted
    }

    /// What the browser says of notifications, tracked.
    pub fn permission(self) -> browser::notify::Permission {
        self.permission.get()
    }

    /// Whether notifications can be offered: not answered here, and the browser would ask; tracked.
    pub fn may_offer(self) -> bool {
        !self.asked.get() && self.permission.get() == browser::notify::Permission::Unasked
    }

    /// Switches notifications; the browser asks its user where it has not yet. To be called from a click.
    pub fn set_notify(self, on: bool) {
        browser::storage_set(NOTIFY_KEY, if on { "on" } else { "off" });
        self.asked.set(true);
        self.notify.set(on);
        if on && self.permission.get_untracked() == browser::notify::Permission::Unasked {
            leptos::task::spawn_local(async move {
                self.permission.set(browser::notify::ask().await);
            });
        }
    }
}
