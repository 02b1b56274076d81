//! The call log.

use crate::browser;
use crate::browser::listen::{a_task_later, next_task};
use crate::components::icon::Icon;
use crate::components::log_row::LogRow;
use crate::design::{Empty, Paged, Pages};
use crate::i18n::{I18n, Locale, text};
use crate::live::{live, memo};
use crate::logic::directory::Query;
use crate::logic::paging::{Page, cut};
use crate::logic::search;
use crate::socket::Badge;
use crate::state::Portal;
use leptos::prelude::*;
use ponte_protocol::{CallRecord, CommandBody, UnixMillis};

/// How many records a further page asks for.
const FETCHED: u16 = 100;

/// From when on all calls are shown.
const NEWEST: UnixMillis = UnixMillis(u64::MAX);

/// What of the log is looked for, and where in it one is.
#[derive(Clone, Copy)]
struct Place {
    sought: RwSignal<String>,
    missed: RwSignal<bool>,
    /// The page begins with the first call that is not after this moment: calls that come do not move what is being read.
    first: RwSignal<UnixMillis>,
    /// The page after this one is shown when it is here.
    wanted: RwSignal<bool>,
}

impl Place {
    /// What fits among these records, tracked.
    fn fitting(self, locale: Locale, records: &[CallRecord]) -> Vec<&CallRecord> {
        let missed = self.missed.get();
        let query = self.sought.with(|sought| Query::new(sought));
        let fits =
            |record: &&CallRecord| (!missed || record.is_missed()) && search::matches(locale, record, &query);
        records.iter().filter(fits).collect()
    }

    /// Begins the page at one of those that fit.
    fn turn(self, to: usize, fitting: &[&CallRecord]) {
        // Who reads the newest calls sees those that come.
        let first = fitting.get(to).filter(|_| to > 0);
        let first = first.map_or(NEWEST, |record| record.started_at);
        self.wanted.set(false);
        // Or the whole log would be looked through twice.
        if first != self.first.get_untracked() {
            self.first.set(first);
        }
    }
}

/// The log with its search.
#[component]
pub fn CallLogCard() -> impl IntoView {
    let i18n = I18n::expect();
    let portal = Portal::expect();
    let (typed, missed) = (RwSignal::new(String::new()), RwSignal::new(false));
    let place = Place {
        sought: a_task_later(typed),
        missed,
        first: RwSignal::new(NEWEST),
        wanted: RwSignal::new(false),
    };
    // What is looked for anew is shown from its beginning.
    Effect::new(move || {
        place.sought.track();
        place.missed.track();
        place.turn(0, &[]);
    });
    let loading = portal.awaits(|body| matches!(body, CommandBody::FetchLog { .. }));
    let found = memo(move || {
        let locale = i18n.locale();
        portal.records().with(|records| {
            let fitting = place.fitting(locale, records);
            let first = place.first.get();
            let from = fitting.partition_point(|record| record.started_at > first);
            let (found, page) = cut(fitting.into_iter(), from);
            (by_day(found.into_iter().cloned()), page)
        })
    });
    let days = memo(move || found.with(|(days, _)| days.clone()));
    let page = move || Page {
        open: portal.more_records().get(),
        waits: loading.get() || portal.badge().get() != Badge::Connected,
        ..found.with(|(_, page)| *page)
    };
    let turn = move |to: usize| {
        let locale = i18n.locale_now();
        portal
            .records()
            .with_untracked(|records| untrack(|| place.turn(to, &place.fitting(locale, records))));
    };
    // Older calls that were asked for are shown when they are here.
    Effect::new(move || {
        let page = page();
        if place.wanted.get_untracked() && !loading.get() {
            place.wanted.set(false);
            if page.until < page.total {
                turn(page.until);
            }
        }
    });
    let pages = Pages::new(page, move |to| {
        let page = untrack(page);
        if to < page.total {
            return turn(to);
        }
        let before = portal.oldest_record();
        portal.ask(CommandBody::FetchLog {
            before,
            limit: FETCHED,
        });
        // A page that is not full is filled up first.
        place.wanted.set(page.is_full());
    });
    let empty = move || {
        let locale = i18n.locale();
        match (
            portal.records().with(|records| records.is_empty()),
            days.with(Vec::is_empty),
        ) {
            (true, _) => Some(text::log::empty(locale)),
            (false, true) => Some(text::log::nothing_found(locale)),
            (false, false) => None,
        }
    };
    view! {
        <section class="card log" aria-labelledby="log-title">
            <div class="log-head">
                <h2 id="log-title">{i18n.t(text::log::title)}</h2>
                <button type="button" class="button small" data-testid="log-missed"
                    aria-pressed=live(move || missed.get().to_string()) on:click=move |_| next_task(move || missed.update(|on| *on = !*on))>
                    <Icon name="missed" />{i18n.t(text::log::missed)}
                </button>
                <div class="search">
                    <Icon name="search" />
                    <input
                        class="input" type="search" data-testid="log-search" autocomplete="off"
                        aria-label=i18n.t(text::log::search) placeholder=i18n.t(text::log::search)
                        bind:value=typed
                    />
                </div>
            </div>
            <Empty words=Signal::derive(empty) />
            <Paged id="log" pages next=text::log::more>
                <For
                    each=move || days.get()
                    key=|(day, _)| *day
                    children=move |(day, records)| view! { <Day day first=records.first().cloned() days /> }
                />
                // Where it is narrow, the page of calls shows the newest day alone.
                <a class="button log-all" href="/log">{i18n.t(text::log::all)}</a>
            </Paged>
        </section>
    }
}

type Days = Vec<(i64, Vec<CallRecord>)>;

/// Records, newest first, as groups of one local day each.
fn by_day(records: impl Iterator<Item = CallRecord>) -> Days {
    let mut days: Days = Vec::new();
    for record in records {
        let day = browser::local_day(record.started_at);
        match days.last_mut() {
            Some((last, group)) if *last == day => group.push(record),
            _ => days.push((day, vec![record])),
        }
    }
    days
}

#[component]
fn Day(day: i64, first: Option<CallRecord>, days: Memo<Days>) -> impl IntoView {
    let i18n = I18n::expect();
    let records = move || {
        days.with(|days| {
            days.iter()
                .find(|(known, _)| *known == day)
                .map(|(_, records)| records.clone())
        })
        .unwrap_or_default()
    };
    let started_at = first.map(|record| record.started_at).unwrap_or_default();
    view! {
        <section class="log-group">
        <h3 class="log-day">{live(move || day_name(i18n.locale(), day, &browser::long_day(&i18n.region(), started_at)))}</h3>
        <ul class="log-list">
            <For each=records key=|record| (record.id, record.account_code.clone()) let:record>
                <LogRow record />
            </For>
        </ul>
        </section>
    }
}

fn day_name(locale: Locale, day: i64, written: &str) -> String {
    match browser::local_day(browser::now()) - day {
        0 => text::log::today(locale).to_owned(),
        1 => text::log::yesterday(locale).to_owned(),
        _ => written.to_owned(),
    }
}
