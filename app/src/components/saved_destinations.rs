//! The telephones a user keeps.

use crate::components::icon::Icon;
use crate::components::shown::Shown;
use crate::design::{Button, Look};
use crate::format;
use crate::i18n::{I18n, text};
use crate::live::{derived, live};
use crate::state::Portal;
use crate::state::verification::Verification;
use leptos::prelude::*;
use ponte_protocol::{DestinationId, SavedDestination};

/// The saved telephones to choose from; nothing where there is none.
#[component]
pub fn SavedDestinations(
    selected: RwSignal<Option<DestinationId>>,
    on_choose: Callback<DestinationId>,
) -> impl IntoView {
    let i18n = I18n::expect();
    let portal = Portal::expect();
    view! {
        <Shown when=derived(move || !portal.destinations().with(Vec::is_empty))>
            <fieldset class="saved">
                <legend>{i18n.t(text::reach::saved)}</legend>
                <For each=move || portal.destinations().get() key=identity let:saved>
                    <SavedRow saved selected on_choose />
                </For>
            </fieldset>
        </Shown>
    }
}

/// Changes with everything that a row shows.
fn identity(saved: &SavedDestination) -> (DestinationId, String, String, bool, bool) {
    (
        saved.id,
        saved.label.clone(),
        saved.number.as_str().to_owned(),
        saved.confirm,
        saved.verified,
    )
}

#[component]
fn SavedRow(
    saved: SavedDestination,
    selected: RwSignal<Option<DestinationId>>,
    on_choose: Callback<DestinationId>,
) -> impl IntoView {
    let i18n = I18n::expect();
    let portal = Portal::expect();
    let id = saved.id;
    let label = saved.label.clone();
    let spoken = label.clone();
    let number = format::number(saved.number.as_str());
    let (confirm, verified) = (saved.confirm, saved.verified);
    view! {
        <div class="saved-row" data-testid="saved-destination" data-verified=verified.to_string()>
            <label class="saved-choice">
                <input
                    type="radio" name="saved-destination" disabled=!verified
                    prop:checked=live(move || selected.get() == Some(id))
                    on:change=move |_| on_choose.run(id)
                />
                <span class="saved-words">
                    <span class="saved-label">{label}</span>
                    <span class="saved-number">{number}</span>
                    {(!verified).then(|| view! { <span class="saved-unproven">{i18n.t(text::verify::unproven)}</span> })}
                </span>
                {(confirm && verified).then(|| view! { <span class="tag" title=i18n.t(text::reach::asks_for_key)>"1"</span> })}
            </label>
            {(!verified).then(|| view! {
                <Button label=text::verify::start look=Look::Small testid="destination-verify"
                    press=Callback::new(move |()| portal.set_verification(Some(Verification::of(id)))) />
            })}
            <button
                type="button" class="button icon-only quiet" data-testid="destination-delete"
                aria-label=live(move || text::reach::delete(i18n.locale(), &spoken))
                on:click=move |_| portal.delete_destination(&saved)
            >
                <Icon name="trash" />
            </button>
        </div>
    }
}
