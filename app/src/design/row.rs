//! An item of a list.

use leptos::prelude::*;

/// What it is, a line about it, and as its content what stands beside that: tags, buttons. `more` stands below them.
#[component]
pub fn Row(
    testid: &'static str,
    #[prop(into)] name: ViewFnOnce,
    #[prop(optional, into)] line: Option<ViewFnOnce>,
    #[prop(optional, into)] more: Option<ViewFnOnce>,
    #[prop(optional)] children: Option<Children>,
) -> impl IntoView {
    view! {
        <li class="row" data-testid=testid>
            <div class="row-words">
                <p class="row-name">{name.run()}</p>
                {line.map(|line| view! { <p class="row-line">{line.run()}</p> })}
                {more.map(ViewFnOnce::run)}
            </div>
            {children.map(|children| children())}
        </li>
    }
}
