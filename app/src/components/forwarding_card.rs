//! Where calls go that the user does not take, and who gets through nevertheless.

use crate::design::Card;
use crate::i18n::{I18n, text};
use crate::live::{barred, live, memo};
use crate::logic::profiles::Draft;
use crate::socket::Badge;
use crate::state::Portal;
use crate::words;
use leptos::prelude::*;
use ponte_protocol::CommandBody;

/// The card: fields that are saved together.
#[component]
pub fn ForwardingCard() -> impl IntoView {
    let i18n = I18n::expect();
    let portal = Portal::expect();
    let told = memo(move || Draft::of(&portal.rules().get()));
    let draft = RwSignal::new(told.get_untracked());
    // What another client changed is shown, as long as nothing is being typed here.
    Effect::new(move |before: Option<Draft>| {
        let told = told.get();
        if before.is_none_or(|before| before == draft.get_untracked()) {
            draft.set(told.clone());
        }
        told
    });
    let saving = portal.awaits(|body| matches!(body, CommandBody::SetCallRules { .. }));
    let changed = move || draft.get() != told.get();
    let error = move || draft.with(Draft::read).err();
    let save = move || {
        if let Ok(rules) = draft.with_untracked(Draft::read) {
            portal.ask(CommandBody::SetCallRules { rules });
        }
    };
    let locked =
        move || saving.get() || portal.badge().get() != Badge::Connected || !changed() || error().is_some();
    let field = move |testid: &'static str,
                      label: fn(_) -> &'static str,
                      place: fn(&mut Draft) -> &mut String| {
        let shown = move || place(&mut draft.get()).clone();
        view! {
            <label class="field">
                <span>{i18n.t(label)}</span>
                <input class="input number" type="tel" inputmode="tel" autocomplete="off" data-testid=testid
                    aria-describedby="forwarding-hint" placeholder=i18n.t(text::forwarding::nobody)
                    prop:value=live(shown)
                    on:input:target=move |event| draft.update(|draft| *place(draft) = event.target().value()) />
            </label>
        }
    };
    view! {
        <Card id="forwarding" title=text::forwarding::title class="card settings">
            <form class="forwarding" novalidate aria-busy=live(move || saving.get().to_string()) on:submit=move |event| { event.prevent_default(); save(); }>
                {field("forward-always", text::forwarding::always, |draft| &mut draft.always)}
                {field("forward-busy", text::forwarding::busy, |draft| &mut draft.busy)}
                {field("forward-no-answer", text::forwarding::no_answer, |draft| &mut draft.no_answer)}
                {field("forward-exceptions", text::forwarding::exceptions, |draft| &mut draft.exceptions)}
                <p id="forwarding-hint" class="hint" aria-live="polite">
                    {live(move || {
                        let locale = i18n.locale();
                        error().map_or_else(
                            || text::forwarding::hint(locale).to_owned(),
                            |error| words::number_error(locale, error),
                        )
                    })}
                </p>
                <button type="submit" class="button primary" data-testid="forwarding-save" aria-disabled=barred(locked)>
                    {i18n.t(text::reach::save)}
                </button>
            </form>
        </Card>
    }
}
