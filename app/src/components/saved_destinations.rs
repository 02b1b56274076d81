//! The telephones a user keeps.

use crate::components::icon::Icon;
use crate::format;
use crate::i18n::{I18n, text};
use crate::state::Portal;
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
        <Show when=move || !portal.destinations().with(Vec::is_empty)>
            <fieldset class="saved">
                <legend>{i18n.t(text::reach::saved)}</legend>
                <For each=move || portal.destinations().get() key=identity let:saved>
                    <SavedRow saved selected on_choose />
                </For>
            </fieldset>
        </Show>
    }
}

/// Changes with everything that a row shows.
fn identity(saved: &SavedDestination) -> (DestinationId, String, String, bool) {
    (
        saved.id,
        saved.label.clone(),
        saved.number.as_str().to_owned(),
        saved.confirm,
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
    let confirm = saved.confirm;
    view! {
        <div class="saved-row" data-testid="saved-destination">
            <label class="saved-choice">
                <input
                    type="radio" name="saved-destination"
                    prop:checked=move || selected.get() == Some(id)
                    on:change=move |_| on_choose.run(id)
                />
                <span class="saved-words">
                    <span class="saved-label">{label}</span>
                    <span class="saved-number">{number}</span>
                </span>
                {confirm.then(|| view! { <span class="tag" title=i18n.t(text::reach::asks_for_key)>"1"</span> })}
            </label>
            <button
                type="button" class="button icon-only quiet" data-testid="destination-delete"
                aria-label=move || text::reach::delete(i18n.locale(), &spoken)
                on:click=move |_| portal.delete_destination(&saved)
            >
                <Icon name="trash" />
            </button>
        </div>
    }
}
