//! A list that may be long, one page of it at a time (docs/adr/0042).

use super::Icon;
use crate::browser;
use crate::browser::listen::next_task;
use crate::components::shown::Shown;
use crate::i18n::{I18n, Locale, text};
use crate::live::{barred, derived, live};
use crate::logic::paging::Page;
use leptos::prelude::*;
use std::sync::Arc;

/// Which page of a list is shown, and how it is turned. Closures and no signals: each type of signal weighs a kilobyte.
#[derive(Clone)]
pub struct Pages {
    page: Arc<dyn Fn() -> Page + Send + Sync>,
    turn: Arc<dyn Fn(usize) + Send + Sync>,
}

impl Pages {
    /// `page` is the one that is shown, tracked; `turn` shows the one that begins at a row. Of a page that is open it is asked
    /// for what lies behind the end, too.
    pub fn new(
        page: impl Fn() -> Page + Send + Sync + 'static,
        turn: impl Fn(usize) + Send + Sync + 'static,
    ) -> Self {
        let (turn, owner) = (Arc::new(turn), Owner::current());
        Self {
            page: Arc::new(page),
            // The rows are drawn after the button that was pressed.
            turn: Arc::new(move |to| {
                let turn = Arc::clone(&turn);
                if let Some(owner) = &owner {
                    owner.with(|| next_task(move || turn(to)));
                }
            }),
        }
    }
}

/// The row that the page of a list begins with. What is looked for anew, which is told by what this tracks, is shown from
/// its beginning.
pub fn first_row(sought: impl Fn() + 'static) -> RwSignal<usize> {
    let from = RwSignal::new(0);
    Effect::new(move || {
        sought();
        if from.get_untracked() > 0 {
            from.set(0);
        }
    });
    from
}

/// How a page is turned: the pictogram and its name, the words, and where the other page begins.
type Step = (
    &'static str,
    fn(Locale) -> &'static str,
    fn(Page) -> Option<usize>,
);

const STEPS: [Step; 4] = [
    ("first", text::pager::first, Page::first),
    ("previous", text::pager::previous, Page::previous),
    ("next", text::pager::next, Page::next),
    ("last", text::pager::last, Page::last),
];

/// A list, which is the content, with what turns its pages; these are there only where it has more than one. `id` names it
/// among those of the page, `next` is what the button below it says.
///
/// The buttons above the list keep the keyboard, so that it can be turned again and again; the one below takes it to the
/// beginning of what it brings.
#[component]
pub fn Paged(
    id: &'static str,
    pages: Pages,
    #[prop(default = text::pager::next)] next: fn(Locale) -> &'static str,
    children: Children,
) -> impl IntoView {
    let i18n = I18n::expect();
    let list = format!("{id}-list");
    let many = {
        let page = Arc::clone(&pages.page);
        derived(move || page().from > 0 || page().goes_on())
    };
    let goes_on = {
        let page = Arc::clone(&pages.page);
        derived(move || page().goes_on())
    };
    let bar = {
        let pages = pages.clone();
        move || {
            let step = |(name, label, to): Step| {
                let (shown, pages) = (Arc::clone(&pages.page), pages.clone());
                view! {
                    <button type="button" class="button icon-only quiet" data-testid=format!("{id}-{name}")
                        aria-label=i18n.t(label) title=i18n.t(label)
                        aria-disabled=barred(move || to(shown()).is_none())
                        on:click=move |_| if let Some(to) = to(untrack(|| (pages.page)())) { (pages.turn)(to) }>
                        <Icon name />
                    </button>
                }
            };
            let page = Arc::clone(&pages.page);
            let said = live(move || {
                let Page {
                    from,
                    until,
                    total,
                    open,
                    ..
                } = page();
                let first = from + usize::from(until > from);
                if open {
                    format!("{first}–{until}")
                } else {
                    text::pager::range(i18n.locale(), first, total, until)
                }
            });
            view! {
                <div class="pager" role="group" aria-label=i18n.t(text::pager::pages)>
                    <p class="pager-range" data-testid=format!("{id}-range") role="status">{said}</p>
                    {STEPS.map(step).into_iter().collect_view()}
                </div>
            }
            .into_any()
        }
    };
    let more = {
        let list = list.clone();
        move || {
            let (shown, said, pages, list) = (
                Arc::clone(&pages.page),
                Arc::clone(&pages.page),
                pages.clone(),
                list.clone(),
            );
            let turn = move |_| {
                let page = untrack(|| (pages.page)());
                if let Some(to) = page.next() {
                    (pages.turn)(to);
                    // One that is not full is filled up first.
                    if page.is_full() {
                        browser::show_start(&list);
                    }
                }
            };
            view! {
                <button type="button" class="button paged-more" data-testid=format!("{id}-more")
                    aria-disabled=barred(move || shown().next().is_none())
                    on:click=turn>
                    {live(move || {
                        let loads = said().next().is_none();
                        (if loads { text::page::loading } else { next })(i18n.locale())
                    })}
                </button>
            }
            .into_any()
        }
    };
    view! {
        <Shown when=many>{bar()}</Shown>
        <div class="paged" id=list tabindex="-1">{children()}</div>
        <Shown when=goes_on>{more()}</Shown>
    }
    .into_any()
}
