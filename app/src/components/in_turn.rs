//! Parts that are drawn after the others, in a task of their own.
//!
//! A browser paints and answers keys between tasks only. What is drawn for the first time is compiled while it is drawn, so
//! that a whole page at once holds a slow telephone up for a third of a second.

use crate::browser::listen::next_task;
use crate::components::shown::Shown;
use leptos::prelude::*;

/// What is here from the next task on: parts come in the order in which they stand.
#[component]
pub fn InTurn(children: ChildrenFn) -> impl IntoView {
    let due = RwSignal::new(false);
    next_task(move || due.set(true));
    view! { <Shown when=due.into() children /> }
}
