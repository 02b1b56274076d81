//! What holds the pages of a signed-in user together: the connection, the bars, and the page that the address names.

use crate::api::SignedIn;
use crate::browser;
use crate::browser::listen::{every, on_window};
use crate::components::alerts::Alerts;
use crate::components::announcer::Announcer;
use crate::components::call_log::CallLogCard;
use crate::components::calls_now::CallsNow;
use crate::components::in_turn::InTurn;
use crate::components::later::{self, Later, Part};
use crate::components::navigation::{BottomBar, Page};
use crate::components::palette::{Palette, PaletteOpen};
use crate::components::shortcuts::{Keys, Shortcuts};
use crate::components::top_bar::TopBar;
use crate::i18n::{I18n, text};
use crate::live::{derived, live, memo};
use crate::logic::dial;
use crate::pages::home::Home;
use crate::socket::{Input, Link, driver};
use crate::state::{Address, Portal, Preferences, Session, SessionContext, Toasts};
use futures_channel::mpsc;
use leptos::ev;
use leptos::prelude::*;
use leptos::task::spawn_local;

/// How often clocks and countdowns move, in milliseconds.
const TICK_MS: u64 = 250;

/// All pages of a signed-in user; the connection lasts from one to the next.
#[component]
pub fn Shell(api: SignedIn) -> impl IntoView {
    let i18n = I18n::expect();
    let portal = connect(api.clone());
    Preferences::provide();
    PaletteOpen::provide();
    Keys::provide();
    later::load_ahead();
    let address = Address::expect();
    let page = memo(move || Page::at(&address.path()));
    let title = derived(move || page.get().unwrap_or(Page::Calls).name(i18n.locale()));

    if let Some(number) = dial::from_query(&browser::query(), browser::percent_decode) {
        portal.dial_text().set(number);
        // A reload must not fill the same number in again.
        address.replace("/");
    }
    Effect::new(move |before: Option<Option<Page>>| {
        let page = page.get();
        if page.is_none() {
            address.replace(Page::Calls.path());
        }
        // Those who hear the page are taken to its start.
        if before.is_some_and(|before| before != page) {
            browser::focus("page-title");
        }
        page
    });

    let skip = move || -> (&str, fn(_) -> &'static str) {
        match page.get() {
            Some(Page::Calls) | None => ("#dial-input", text::home::skip_to_dial),
            Some(_) => ("#page-title", text::page::skip_to_content),
        }
    };
    Effect::new(move || {
        if portal.wants_pad().get() {
            portal.wants_pad().set(false);
            address.go(Page::Calls.path());
        }
    });

    view! {
        <header>
            <a class="skip-link" href=live(move || skip().0)>{live(move || skip().1(i18n.locale()))}</a>
            <TopBar api page />
        </header>
        {live(move || match page.get() {
            Some(Page::Calls) => view! { <Home /> }.into_any(),
            Some(page) => view! {
                <main class="page">
                    <h1 id="page-title" tabindex="-1">{live(move || page.name(i18n.locale()))}</h1>
                    <CallsNow />
                    <InTurn>{under_its_title(page)}</InTurn>
                </main>
            }
            .into_any(),
            None => ().into_any(),
        })}
        <BottomBar page />
        <Announcer page=title />
        <Alerts />
        <Shortcuts />
        <Palette />
    }
}

fn under_its_title(page: Page) -> AnyView {
    let part = match page {
        Page::Calls | Page::Log => return view! { <CallLogCard /> }.into_any(),
        Page::Directory => Part::Directory,
        Page::Messages => Part::Messages,
        Page::Settings => Part::Settings,
    };
    view! { <Later part /> }.into_any()
}

/// Keeps the socket open as long as the pages stand; its portal is the context's.
pub fn connect(api: SignedIn) -> Portal {
    let session = SessionContext::expect();
    let (outbox, inbox) = mpsc::unbounded();
    let stop = outbox.clone();
    let portal = Portal::provide(outbox, expect_context::<Toasts>());
    listen_to_the_browser(portal);
    every(TICK_MS, move || portal.tick());
    on_cleanup(move || {
        // A socket that ended by itself does not hear.
        let _ = stop.unbounded_send(Input::Stop);
    });
    spawn_local(async move {
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
    });
    portal
}

fn listen_to_the_browser(portal: Portal) {
    on_window(ev::online, move |_| portal.tell(Input::Online));
    on_window(ev::offline, move |_| portal.tell(Input::Offline));
    on_window(ev::pageshow, move |_| portal.tell(Input::Visible));
    on_window(ev::visibilitychange, move |_| {
        if browser::is_visible() {
            portal.tell(Input::Visible);
            portal.telephone().seen_again();
        }
    });
}
