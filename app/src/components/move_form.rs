//! Where a call is to go on: the form that asks.

use crate::components::move_panel::Moving;
use crate::components::shown::Shown;
use crate::design::Button;
use crate::i18n::{I18n, text};
use crate::live::{barred, derived, live};
use crate::logic::dial::Entry;
use crate::state::Portal;
use leptos::prelude::*;
use ponte_protocol::{CommandBody, DestinationChoice, LegRole};

/// Where the call may be moved to: this browser, the telephone on the desk and the saved ones, but for the one that it is on.
#[component]
pub fn MoveForm() -> impl IntoView {
    let i18n = I18n::expect();
    let Moving { call, id, locked } = expect_context();
    let portal = Portal::expect();
    let telephone = portal.telephone();
    let allowed = portal.browser_allowed();
    let here = move || allowed.get() && !telephone.has(id);
    let now = move || {
        call.with(|call| {
            let leg = call.as_ref().and_then(|call| call.leg(LegRole::User));
            leg.map(|leg| leg.number.clone()).unwrap_or_default()
        })
    };
    let saved = move || {
        let now = now();
        portal.destinations().with(|all| {
            all.iter()
                .filter(|saved| saved.verified && saved.number.as_str() != now)
                .map(|saved| (saved.id, saved.label.clone()))
                .collect::<Vec<_>>()
        })
    };
    let typed = RwSignal::new(String::new());
    let entry = portal.reads(typed);
    let go = move || {
        if let (Entry::Number(number), false) = (entry.get_untracked(), locked.get_untracked()) {
            let to = DestinationChoice::Number {
                number,
                confirm: None,
            };
            portal.ask(CommandBody::Move { call: id, to });
        }
    };
    // As the telephone system chooses it.
    let desk = move || {
        let on = call.with(|call| {
            let leg = call.as_ref().and_then(|call| call.leg(LegRole::User));
            leg.and_then(|leg| leg.device.clone())
        });
        portal.stations().with(|all| {
            let mine = all.iter().filter(|station| station.logged_on || station.own);
            mine.max_by_key(|station| station.logged_on)
                .filter(|station| station.registered && Some(&station.device) != on.as_ref())
                .map(|station| station.name.clone())
        })
    };
    view! {
        <div class="stack give" data-testid="move-form">
            <p class="hint">{i18n.t(text::control::move_hint)}</p>
            <div class="button-row">
                <Shown when=Signal::derive(here)>
                    <Button label=text::here::choose testid="move-here" disabled=derived(move || locked.get() || telephone.is_busy())
                        press=Callback::new(move |()| telephone.move_here(portal, id)) />
                </Shown>
                {live(move || {
                    desk().map(|name| view! {
                        <button type="button" class="button" data-testid="move-desk" aria-disabled=barred(move || locked.get())
                            on:click=move |_| {
                                let to = DestinationChoice::Desk;
                                portal.ask(CommandBody::Move { call: id, to });
                            }>
                            {name}
                        </button>
                    })
                })}
                {live(move || {
                    saved()
                        .into_iter()
                        .map(|(destination, label)| view! {
                            <button type="button" class="button" data-testid="move-saved" aria-disabled=barred(move || locked.get())
                                on:click=move |_| {
                                    let to = DestinationChoice::Saved { destination };
                                    portal.ask(CommandBody::Move { call: id, to });
                                }>
                                {label}
                            </button>
                        })
                        .collect_view()
                })}
            </div>
            <form class="input-group" novalidate on:submit=move |event| { event.prevent_default(); go(); }>
                <input class="input number" type="tel" inputmode="tel" autocomplete="off" data-testid="move-number"
                    aria-label=i18n.t(text::reach::other_number) placeholder=i18n.t(text::reach::other_number)
                    prop:value=live(move || typed.get())
                    on:input:target=move |event| typed.set(event.target().value()) />
                <button type="submit" class="button" data-testid="move-typed"
                    aria-disabled=barred(move || locked.get() || !matches!(entry.get(), Entry::Number(_)))>
                    {i18n.t(text::control::move_go)}
                </button>
            </form>
        </div>
    }
}
