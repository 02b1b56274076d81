//! The home page: how the user is reached, the dial pad, the calls and their log.

use crate::api::SignedIn;
use crate::browser;
use crate::components::announcer::Announcer;
use crate::components::call_card::CallCard;
use crate::components::call_log::CallLogCard;
use crate::components::dial_pad::DialPad;
use crate::components::ended_card::EndedCard;
use crate::components::reach_card::ReachCard;
use crate::components::shortcuts::Shortcuts;
use crate::components::top_bar::TopBar;
use crate::i18n::{I18n, text};
use crate::logic::dial;
use crate::socket::{Input, Link, driver};
use crate::state::{Portal, Session, SessionContext, Toasts};
use futures_channel::mpsc;
use leptos::ev;
use leptos::prelude::*;
use leptos::task::spawn_local;
use leptos_use::{use_document, use_event_listener, use_interval_fn, use_window};

/// How often clocks and countdowns move, in milliseconds.
const TICK_MS: u64 = 250;

/// The home page of a signed-in user.
#[component]
pub fn Home(api: SignedIn) -> impl IntoView {
    let i18n = I18n::expect();
    let session = SessionContext::expect();
    let (outbox, inbox) = mpsc::unbounded();
    let stop = outbox.clone();
    let portal = Portal::provide(outbox, expect_context::<Toasts>());

    listen_to_the_browser(portal);
    use_interval_fn(move || portal.tick(), TICK_MS);
    on_cleanup(move || {
        // A socket that ended by itself does not hear.
        let _ = stop.unbounded_send(Input::Stop);
    });
    spawn_local({
        let api = api.clone();
        async move {
            match driver::run(portal, api, inbox).await {
                driver::Ending::Stopped => {}
                driver::Ending::SignedOut => {
                    // A sign-out of one's own has set the session already.
                    if session
                        .0
                        .with_untracked(|session| matches!(session, Session::SignedIn(_)))
                    {
                        session.set(Session::Guest { ended: true });
                    }
                }
                driver::Ending::Outdated => portal.set_link(Link::Outdated),
            }
        }
    });
    if let Some(number) = dial::from_query(&browser::query(), browser::percent_decode) {
        portal.dial_text().set(number);
        // A reload must not fill the same number in again.
        browser::replace_address("/");
    }

    view! {
        <a class="skip-link" href="#dial-input">{i18n.t(text::home::skip_to_dial)}</a>
        <TopBar api />
        <main class="home">
            <h1 class="visually-hidden">{i18n.t(text::home::title)}</h1>
            <div class="column calls-column">
                <section class="calls" aria-label=i18n.t(text::home::calls)>
                    <For each=move || portal.calls().get() key=|id| *id let:id>
                        <CallCard id />
                    </For>
                    <EndedCard />
                </section>
            </div>
            <div class="column side-column">
                <ReachCard />
                <DialPad />
            </div>
            <div class="column log-column">
                <CallLogCard />
            </div>
        </main>
        <Announcer />
        <Shortcuts />
    }
}

fn listen_to_the_browser(portal: Portal) {
    use_event_listener_on_window(portal);
    let _ = use_event_listener(use_document(), ev::visibilitychange, move |_| {
        if browser::is_visible() {
            portal.tell(Input::Visible);
        }
    });
}

fn use_event_listener_on_window(portal: Portal) {
    let _ = use_event_listener(use_window(), ev::online, move |_| portal.tell(Input::Online));
    let _ = use_event_listener(use_window(), ev::offline, move |_| portal.tell(Input::Offline));
    let _ = use_event_listener(use_window(), ev::pageshow, move |_| portal.tell(Input::Visible));
}
