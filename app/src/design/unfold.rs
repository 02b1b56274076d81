//! An item of a list with more about it than a line.

use crate::components::shown::Shown;
use crate::live::{derived, live};
use leptos::prelude::*;

/// What it is and a line about it, as a button that shows `more` below them; before it stands `lead`, and as its content what
/// can be done at once.
#[component]
pub fn Unfold(
    testid: &'static str,
    /// Of the button.
    open_testid: &'static str,
    #[prop(into)] name: Signal<String>,
    #[prop(into)] line: Signal<String>,
    #[prop(optional, into)] lead: Option<ViewFnOnce>,
    #[prop(into)] more: ViewFn,
    #[prop(optional)] children: Option<Children>,
) -> impl IntoView {
    let open = RwSignal::new(false);
    view! {
        <li class="person" data-testid=testid>
            {lead.map(ViewFnOnce::run)}
            <button type="button" class="person-open" data-testid=open_testid aria-expanded=live(move || open.get().to_string())
                on:click=move |_| open.update(|open| *open = !*open)>
                <span class="person-name">{live(move || name.get())}</span>
                <span class="person-state">{live(move || line.get())}</span>
            </button>
            {children.map(|children| children())}
            <Shown when=derived(move || open.get())>
                <div class="person-details">{more.run()}</div>
            </Shown>
        </li>
    }
}
