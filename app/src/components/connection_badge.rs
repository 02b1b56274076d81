//! Whether what the page shows is true now.

use crate::browser;
use crate::components::shown::Shown;
use crate::design::{Button, Look};
use crate::format;
use crate::i18n::{I18n, text};
use crate::live::{derived, live};
use crate::socket::{Badge, Input, Link};
use crate::state::Portal;
use leptos::prelude::*;

/// The badge; while the link waits, a button that does not.
#[component]
pub fn ConnectionBadge() -> impl IntoView {
    let i18n = I18n::expect();
    let portal = Portal::expect();
    let words = move || {
        let locale = i18n.locale();
        match (portal.badge().get(), portal.link()) {
            (Badge::Connected, _) => text::badge::connected(locale).to_owned(),
            (Badge::GatewayOffline, _) => text::badge::gateway_offline(locale).to_owned(),
            (Badge::Offline, _) => text::badge::offline(locale).to_owned(),
            (Badge::Reconnecting, Link::Waiting { retry_at }) => {
                let left = format::seconds_left(retry_at.since(portal.local_now()));
                text::badge::retry_in(locale, left)
            }
            (Badge::Reconnecting, Link::Outdated) => text::badge::outdated(locale).to_owned(),
            (Badge::Reconnecting, _) => text::badge::connecting(locale).to_owned(),
        }
    };
    let retry = move || matches!(portal.link(), Link::Waiting { .. } | Link::Offline);
    view! {
        <div class="badge" data-testid="badge" data-state=live(move || portal.badge().get().name())>
            <span class="badge-dot" aria-hidden="true"></span>
            // Only the state is read out, not each second of the countdown.
            <span class="badge-words">{live(words)}</span>
            <Shown when=Signal::derive(retry)>
                <Button label=text::badge::retry_now look=Look::Small testid="retry-now"
                    press=Callback::new(move |()| portal.tell(Input::RetryNow)) />
            </Shown>
            <Shown when=derived(move || portal.link() == Link::Outdated)>
                <Button label=text::badge::reload look=Look::Small press=Callback::new(move |()| browser::reload()) />
            </Shown>
        </div>
    }
}
