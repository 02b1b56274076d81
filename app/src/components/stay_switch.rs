//! "Stay on the line all day" (rule T15).

use crate::components::accept_banner::AcceptBanner;
use crate::components::switch::Switch;
use crate::i18n::{I18n, text};
use crate::live::{derived, live};
use crate::logic::call;
use crate::names;
use crate::socket::Badge;
use crate::state::Portal;
use crate::words;
use leptos::prelude::*;
use ponte_protocol::{CauseReason, CommandBody, LegRole, PersistentLeg};

/// The switch, for a user who telecommutes. It shows where the leg stands, not what was asked for.
#[component]
pub fn StaySwitch() -> impl IntoView {
    let i18n = I18n::expect();
    let portal = Portal::expect();
    let leg = portal.persistent_leg();
    let asking = portal.awaits(|body| matches!(body, CommandBody::SetPersistentLeg { .. }));
    let hint = derived(move || {
        let locale = i18n.locale();
        match leg.get() {
            PersistentLeg::Off | PersistentLeg::Unknown => text::reach::stay_hint(locale),
            PersistentLeg::Calling { .. } => text::reach::stay_calling(locale),
            PersistentLeg::Confirming { .. } => text::reach::stay_confirming(locale),
            PersistentLeg::Up { .. } => text::reach::stay_up(locale),
            PersistentLeg::Recalling { .. } => text::reach::stay_recalling(locale),
            PersistentLeg::Down { cause } if cause.reason == CauseReason::NormalClearing => {
                text::reach::stay_ended(locale)
            }
            PersistentLeg::Down { .. } => text::reach::stay_down(locale),
        }
    });
    // Who hung up knows why.
    let why = move || match leg.get() {
        PersistentLeg::Down { cause } if cause.reason != CauseReason::NormalClearing => {
            Some(words::cause(i18n.locale(), LegRole::User, cause.reason))
        }
        _ => None,
    };
    view! {
        <div data-testid="stay" data-state=live(move || names::persistent_leg(&leg.get()))>
            <Switch
                testid="stay-on-line" label=text::reach::stay hint
                on=derived(move || call::is_kept_up(&leg.get()))
                disabled=derived(move || asking.get() || portal.badge().get() != Badge::Connected)
                ask=Callback::new(move |on| {
                    portal.ask(CommandBody::SetPersistentLeg { on });
                })
            />
            <p class="hint" role="status" data-testid="stay-why">{live(why)}</p>
            {live(move || match leg.get() {
                PersistentLeg::Confirming { call, until } => {
                    view! { <AcceptBanner call until /> }.into_any()
                }
                _ => ().into_any(),
            })}
        </div>
    }
}
