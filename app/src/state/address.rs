//! The address of the page, as far as the portal reads it: a path, and what stands behind `#`.
//!
//! Four flat pages need no router (docs/adr/0014).

use crate::browser;
use crate::browser::listen::on_window;
use leptos::ev;
use leptos::prelude::*;
use wasm_bindgen::JsCast;

/// The address, for every component.
#[derive(Clone, Copy)]
pub struct Address {
    path: RwSignal<String>,
    fragment: RwSignal<String>,
}

impl Address {
    /// The address shown, as the context's. Links within the portal lead from page to page without loading anything.
    pub fn provide() -> Self {
        let address = Self {
            path: RwSignal::new(browser::path()),
            fragment: RwSignal::new(browser::fragment()),
        };
        on_window(ev::popstate, move |_| address.read());
        on_window(ev::click, move |event| {
            if let Some(to) = followed_link(&event) {
                event.prevent_default();
                address.go(&to);
            }
        });
        provide_context(address);
        address
    }

    /// The context's address.
    pub fn expect() -> Self {
        expect_context()
    }

    /// The path, tracked.
    pub fn path(self) -> String {
        self.path.get()
    }

    /// What stands behind `#`, tracked.
    pub fn fragment(self) -> String {
        self.fragment.get()
    }

    /// Goes to a page, from which the way back leads here.
    pub fn go(self, to: &str) {
        browser::push_address(to);
        browser::scroll_to_top();
        self.read();
    }

    /// Shows another page in the place of this one.
    pub fn replace(self, to: &str) {
        browser::replace_address(to);
        self.read();
    }

    fn read(self) {
        self.path.set(browser::path());
        self.fragment.set(browser::fragment());
    }
}

/// The page of the portal that a click asks for; `None` for what the browser does better: other windows, downloads, places
/// within the page.
fn followed_link(event: &ev::MouseEvent) -> Option<String> {
    let elsewhere = event.ctrl_key() || event.meta_key() || event.shift_key() || event.alt_key();
    if event.default_prevented() || event.button() != 0 || elsewhere {
        return None;
    }
    let target = event.target()?.dyn_into::<web_sys::Element>().ok()?;
    let link = target.closest("a[href]").ok()??;
    if link.has_attribute("download") || link.has_attribute("target") {
        return None;
    }
    link.get_attribute("href").filter(|href| leads_to_page(href))
}

fn leads_to_page(href: &str) -> bool {
    href.starts_with('/') && !href.starts_with("//") && !href.starts_with("/api/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_paths_of_the_portal_are_followed_within_the_page() {
        for page in ["/", "/log", "/messages#0192f0c1"] {
            assert!(leads_to_page(page), "{page}");
        }
        for other in [
            "#dial-input",
            "tel:112",
            "//example.org",
            "https://example.org/",
            "/api/messages/1/audio",
        ] {
            assert!(!leads_to_page(other), "{other}");
        }
    }
}
