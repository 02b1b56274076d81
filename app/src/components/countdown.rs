//! Time that runs out.

use crate::live::live;
use crate::state::Portal;
use leptos::prelude::*;
use ponte_protocol::UnixMillis;

/// A bar that shrinks until `until` by the server's clock. Its full length is what was left when it was first shown.
#[component]
pub fn CountdownBar(until: UnixMillis) -> impl IntoView {
    let portal = Portal::expect();
    let whole = until.since(untrack(move || portal.server_now())).max(1);
    view! {
        <progress class="countdown" aria-hidden="true" max=whole prop:value=live(move || {
            until.since(portal.server_now()) as f64
        })></progress>
    }
}
