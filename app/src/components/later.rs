//! What is loaded when it is first shown: what most visits do not open (docs/adr/0030).

use crate::browser;
use crate::components::account_chooser::AccountChooser;
use crate::components::conference_panel::ConferencePanel;
use crate::components::log_details::LogDetails;
use crate::components::move_form::MoveForm;
use crate::components::palette::Field;
use crate::components::presence_panel::PresencePanel;
use crate::components::quality_numbers::QualityNumbers;
use crate::design::{Button, Look, Notice, Tone};
use crate::i18n::{I18n, text};
use crate::live::live;
use crate::pages::directory::DirectoryPage;
use crate::pages::invite::InvitePage;
use crate::pages::messages::MessagesPage;
use crate::pages::settings::SettingsPage;
use futures_util::task::noop_waker_ref;
use gloo_timers::future::TimeoutFuture;
use leptos::prelude::*;
use leptos::task::spawn_local;
use std::future::Future;
use std::task::{Context, Poll};

/// How long after the start, in milliseconds.
const AHEAD_MS: u32 = 5_000;

/// Something that is not among what is loaded at the start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    Directory,
    Messages,
    Settings,
    Invitation,
    Palette,
    Account,
    Quality,
    Conference,
    CallDetails,
    Move,
    Presence,
}

/// Makes what is shown of a part.
type Maker = fn() -> AnyView;

/// A part that could not be loaded.
#[derive(Clone, Copy, Debug)]
struct Unloaded;

/// Only what is reached through here, and from nowhere else, is loaded later.
fn maker(part: Part) -> Maker {
    match part {
        Part::Directory => || view! { <DirectoryPage /> }.into_any(),
        Part::Messages => || view! { <MessagesPage /> }.into_any(),
        Part::Settings => || view! { <SettingsPage /> }.into_any(),
        Part::Invitation => || view! { <InvitePage /> }.into_any(),
        Part::Palette => || view! { <Field /> }.into_any(),
        Part::Account => || view! { <AccountChooser /> }.into_any(),
        Part::Move => || view! { <MoveForm /> }.into_any(),
        Part::Presence => || view! { <PresencePanel /> }.into_any(),
        Part::CallDetails => || view! { <LogDetails /> }.into_any(),
        Part::Conference => || view! { <ConferencePanel /> }.into_any(),
        Part::Quality => || view! { <QualityNumbers /> }.into_any(),
    }
}

#[cfg(feature = "split")]
mod apart {
    use super::{Maker, Part, Unloaded};

    impl From<wasm_split_helpers::SplitLoaderError> for Unloaded {
        fn from(_: wasm_split_helpers::SplitLoaderError) -> Self {
            Self
        }
    }

    // Only loading can fail.
    #[allow(clippy::unnecessary_wraps)]
    #[wasm_split_helpers::wasm_split(later, fallible)]
    pub(super) fn load(part: Part) -> Result<Maker, Unloaded> {
        Ok(super::maker(part))
    }
}

#[cfg(not(feature = "split"))]
mod apart {
    use super::{Maker, Part, Unloaded};
    use std::future::{Ready, ready};

    pub(super) fn load(part: Part) -> Ready<Result<Maker, Unloaded>> {
        ready(Ok(super::maker(part)))
    }
}

/// Loads what is loaded later some time after the start, which shall not wait for it. Whoever opens it then does not wait
/// either, and a page that stays open for days still finds it when the server has a newer one.
pub fn load_ahead() {
    spawn_local(async {
        TimeoutFuture::new(AHEAD_MS).await;
        // Who needs it tries again, and is told.
        let _ = apart::load(Part::Settings).await;
    });
}

#[derive(Clone, Copy)]
enum State {
    Loading,
    Failed,
    Here(Maker),
}

impl From<Result<Maker, Unloaded>> for State {
    fn from(loaded: Result<Maker, Unloaded>) -> Self {
        loaded.map_or(Self::Failed, Self::Here)
    }
}

/// Shows a part; until it is there, that it is being loaded, or that it could not be, with a way to try again.
#[component]
pub fn Later(part: Part) -> impl IntoView {
    let i18n = I18n::expect();
    let state = RwSignal::new(State::Loading);
    let load = move || {
        state.set(State::Loading);
        let mut loading = Box::pin(apart::load(part));
        // What was loaded before is shown without a moment in between.
        if let Poll::Ready(loaded) = loading.as_mut().poll(&mut Context::from_waker(noop_waker_ref())) {
            state.set(loaded.into());
            return;
        }
        spawn_local(async move {
            let loaded = loading.await;
            // Something else may be shown by then.
            let _ = state.try_set(loaded.into());
        });
    };
    load();
    live(move || match state.get() {
        State::Here(make) => make(),
        State::Loading => {
            view! { <p class="hint" role="status">{i18n.t(text::page::loading)}</p> }.into_any()
        }
        State::Failed => view! {
            <Notice tone=Tone::Error testid="not-loaded">
                <p>{i18n.t(text::page::not_loaded)} " " {i18n.t(text::session::unreachable_hint)}</p>
                <div class="button-row">
                    <Button label=text::session::try_again press=Callback::new(move |()| load()) />
                    // After a new version was put in place the server has this one's parts no longer.
                    <Button label=text::badge::reload look=Look::Quiet
                        press=Callback::new(move |()| browser::reload()) />
                </div>
            </Notice>
        }
        .into_any(),
    })
}
