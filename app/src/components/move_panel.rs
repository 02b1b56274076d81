//! Going on with a call at another telephone of one's own.

use crate::components::accept_banner::AcceptBanner;
use crate::components::later::{Later, Part};
use crate::components::shown::Shown;
use crate::design::{Button, Look};
use crate::i18n::{I18n, text};
use crate::live::{derived, live, memo};
use crate::logic::call;
use crate::state::Portal;
use crate::words;
use leptos::prelude::*;
use ponte_protocol::{CallId, CallView, CommandBody, LegRole, LegState};

/// The call that may be moved, for the form that asks where to.
#[derive(Clone, Copy)]
pub struct Moving {
    pub call: Memo<Option<CallView>>,
    pub id: CallId,
    /// Whether it is being moved already, or given away.
    pub locked: Memo<bool>,
}

/// The form, which is loaded later.
#[component]
pub fn MovePlace(moving: Moving) -> impl IntoView {
    provide_context(moving);
    view! { <Later part=Part::Move /> }
}

/// Where the call moves to, and how far that is; or why it stayed where it was.
#[component]
pub fn MoveState(call: Memo<Option<CallView>>, id: CallId) -> impl IntoView {
    let i18n = I18n::expect();
    let portal = Portal::expect();
    let moving = memo(move || call.with(|call| call.as_ref().and_then(|call| call.moving.clone())));
    let under_way = memo(move || call.with(|call| call.as_ref().is_some_and(call::is_moving)));
    let stopping = portal.awaits(|body| matches!(body, CommandBody::StopMove { .. }));
    let words = move || {
        let locale = i18n.locale();
        let leg = moving.get()?.leg;
        let why = leg
            .cause
            .map(|ended| words::cause(locale, LegRole::User, ended.reason));
        if let (LegState::Terminated, Some(why)) = (leg.state, why) {
            return Some(text::control::move_failed(locale, why));
        }
        let place = if leg.browser {
            text::here::choose(locale).to_owned()
        } else {
            leg.name
                .clone()
                .unwrap_or_else(|| crate::format::number(&leg.number))
        };
        Some(text::control::moving(
            locale,
            place,
            words::leg_state(locale, Some(leg.state)),
        ))
    };
    let until = move || moving.get()?.until;
    view! {
        <div class="button-row" role="status">
            <p class="hint" data-testid="call-moving" data-moving=live(move || under_way.get().to_string())>{live(words)}</p>
            <Shown when=derived(move || under_way.get())>
                <Button label=text::control::move_stop look=Look::Small icon="home-phone" testid="move-stop" disabled=stopping
                    press=Callback::new(move |()| { portal.ask(CommandBody::StopMove { call: id }); }) />
            </Shown>
        </div>
        {live(move || until().map(|until| view! { <AcceptBanner call=id until /> }))}
    }
}
