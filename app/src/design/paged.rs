//! A list that may be long, one page of it at a time (docs/adr/0042).

use super::Icon;
use crate::browser;
use crate::components::shown::Shown;
use crate::i18n::{I18n, Locale, text};
use crate::live::{derived, live};
use crate::logic::paging::Page;
use leptos::prelude::*;

/// Which page of a list is shown, and how it is turned.
#[derive(Clone, Copy)]
pub struct Pages {
    pub page: Signal<Page>,
    /// Whether more may follow than is known yet; `turn` is then asked for what lies behind the end, too.
    pub open: Signal<bool>,
    /// Whether what follows is on its way.
    pub waits: Signal<bool>,
    /// Shows the page that begins at this row.
    pub turn: Callback<usize>,
}

impl Pages {
    /// Of a list that is here as a whole, whose page begins at `from`; once more at its beginning whenever `sought` changes, what
    /// is looked for in it.
    pub fn of_whole(page: Signal<Page>, from: RwSignal<usize>, sought: Signal<()>) -> Self {
        Effect::new(move || {
            sought.get();
            from.set(0);
        });
        let never = Signal::stored(false);
        Self {
            page,
            open: never,
            waits: never,
            turn: Callback::new(move |to| from.set(to)),
        }
    }

    /// Where the page after this one begins, tracked.
    fn next(self) -> Option<usize> {
        let page = self.page.get();
        page.next()
            .or_else(|| (self.open.get() && !self.waits.get()).then_some(page.until))
    }
}

/// A list, which is the content, with what turns its pages; these are there only where it has more than one. `id` names it
/// among those of the page, `next` is what the button below it says.
///
/// The buttons above the list keep the keyboard, so that it can be turned again and again; the one below takes it to the
/// beginning of what it brought.
#[component]
pub fn Paged(
    id: &'static str,
    pages: Pages,
    #[prop(default = text::pager::next)] next: fn(Locale) -> &'static str,
    children: Children,
) -> impl IntoView {
    let i18n = I18n::expect();
    let Pages {
        page, open, waits, ..
    } = pages;
    let goes_on = derived(move || open.get() || page.get().next().is_some());
    let many = derived(move || page.get().from > 0 || goes_on.get());
    let (list, range) = (format!("{id}-list"), format!("{id}-range"));
    let follows = StoredValue::new(false);
    let shown = list.clone();
    Effect::new(move |before: Option<usize>| {
        let (from, goes_on) = (page.get().from, goes_on.get());
        let turned = before.is_some_and(|before| before != from);
        if follows.get_value() && (turned || !goes_on) {
            follows.set_value(false);
            browser::show_start(&shown);
        }
        from
    });
    let turn = move |to: Option<usize>, follow: bool| {
        if let Some(to) = to {
            follows.set_value(follow);
            pages.turn.run(to);
        }
    };
    let first = derived(move || page.get().first());
    let previous = derived(move || page.get().previous());
    let after = derived(move || pages.next());
    // Behind what is known nobody can jump.
    let last = derived(move || page.get().last().filter(|_| !open.get()));
    let step = move |icon: &'static str, label: fn(Locale) -> &'static str, to: Signal<Option<usize>>| {
        view! {
            <button type="button" class="button icon-only quiet" data-testid=format!("{id}-{icon}")
                aria-label=i18n.t(label) title=i18n.t(label)
                // One that is disabled would lose the focus.
                aria-disabled=live(move || to.get().is_none().then_some("true"))
                on:click=move |_| turn(to.get_untracked(), false)>
                <Icon name=icon />
            </button>
        }
    };
    let said = move || {
        let Page { from, until, total } = page.get();
        let first = from + usize::from(total > 0);
        if open.get() {
            format!("{first}–{until}")
        } else {
            text::pager::range(i18n.locale(), first, until, total)
        }
    };
    let bar = {
        let range = range.clone();
        move || {
            view! {
                <div class="pager" role="group" aria-label=i18n.t(text::pager::pages)>
                    <p class="pager-range" id=range.clone() data-testid=range.clone() role="status">{live(said)}</p>
                    {step("first", text::pager::first, first)}
                    {step("previous", text::pager::previous, previous)}
                    {step("next", text::pager::next, after)}
                    {step("last", text::pager::last, last)}
                </div>
            }
            .into_any()
        }
    };
    view! {
        <Shown when=many>{bar()}</Shown>
        <div class="paged" id=list tabindex="-1" role=live(move || many.get().then_some("group"))
            aria-labelledby=live(move || many.get().then(|| range.clone()))>
            {children()}
        </div>
        <Shown when=goes_on>
            <button type="button" class="button paged-more" data-testid=format!("{id}-more")
                aria-disabled=live(move || after.get().is_none().then_some("true"))
                on:click=move |_| turn(after.get_untracked(), true)>
                {live(move || {
                    let words = if after.get().is_none() && waits.get() { text::page::loading } else { next };
                    words(i18n.locale())
                })}
            </button>
        </Shown>
    }
    .into_any()
}
