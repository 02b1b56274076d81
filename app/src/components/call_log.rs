//! The call log.

use crate::browser;
use crate::components::icon::Icon;
use crate::components::log_row::LogRow;
use crate::design::{Empty, Paged, Pages};
use crate::i18n::{I18n, Locale, text};
use crate::live::{derived, live, memo};
use crate::logic::directory::Query;
use crate::logic::paging::{Page, cut};
use crate::logic::search;
use crate::socket::Badge;
use crate::state::Portal;
use leptos::prelude::*;
use ponte_protocol::{CallId, CallRecord, CommandBody};

/// How many records a further page asks for.
const FETCHED: u16 = 100;

/// What of the log is looked for, and where in it one is.
#[derive(Clone, Copy)]
struct Place {
    query: Memo<Query>,
    missed: RwSignal<bool>,
    /// The call that stands first, and its place for when it is not there. New calls do not move what is read.
    first: RwSignal<(usize, Option<CallId>)>,
    /// Shown when it is here.
    wanted: RwSignal<Option<usize>>,
}

impl Place {
    /// What fits among these records, tracked.
    fn fitting(self, locale: Locale, records: &[CallRecord]) -> Vec<&CallRecord> {
        let missed = self.missed.get();
        self.query.with(|query| {
            let fits = |record: &&CallRecord| {
                (!missed || record.is_missed()) && search::matches(locale, record, query)
            };
            records.iter().filter(fits).collect()
        })
    }

    /// Where the page begins, tracked.
    fn begin(self, fitting: &[&CallRecord]) -> usize {
        let (from, call) = self.first.get();
        let place = call.and_then(|call| fitting.iter().position(|record| record.id == call));
        place.unwrap_or(from)
    }

    /// Begins the page at one of those that fit.
    fn turn(self, from: usize, fitting: &[&CallRecord]) {
        // Who reads the newest calls sees those that come.
        let call = fitting.get(from).filter(|_| from > 0).map(|record| record.id);
        self.first.set((from, call));
        self.wanted.set(None);
    }
}

/// The log with its search.
#[component]
pub fn CallLogCard() -> impl IntoView {
    let i18n = I18n::expect();
    let portal = Portal::expect();
    let typed = RwSignal::new(String::new());
    let missed = RwSignal::new(false);
    let place = Place {
        query: memo(move || typed.with(|typed| Query::new(typed))),
        missed,
        first: RwSignal::new((0, None)),
        wanted: RwSignal::new(None),
    };
    // What is looked for anew is shown from its beginning.
    Effect::new(move || {
        place.query.track();
        missed.track();
        place.turn(0, &[]);
    });
    let loading = portal.awaits(|body| matches!(body, CommandBody::FetchLog { .. }));
    let found = memo(move || {
        let locale = i18n.locale();
        portal.records().with(|records| {
            let fitting = place.fitting(locale, records);
            let from = place.begin(&fitting);
            let (found, page) = cut(fitting.into_iter(), from);
            (by_day(found.into_iter().cloned()), page)
        })
    });
    let days = memo(move || found.with(|(days, _)| days.clone()));
    let page = derived(move || found.with(|(_, page)| *page));
    let turn = move |from: usize| {
        let locale = i18n.locale_now();
        portal
            .records()
            .with_untracked(|records| untrack(|| place.turn(from, &place.fitting(locale, records))));
    };
    // Older calls that were asked for are shown when they are here.
    Effect::new(move || {
        let (total, loading) = (page.get().total, loading.get());
        match place.wanted.get_untracked() {
            Some(wanted) if wanted < total => turn(wanted),
            Some(_) if !loading => place.wanted.set(None),
            _ => {}
        }
    });
    let pages = Pages {
        page,
        open: derived(move || portal.more_records().get()),
        waits: derived(move || loading.get() || portal.badge().get() != Badge::Connected),
        turn: Callback::new(move |from| {
            let page: Page = page.get_untracked();
            if from < page.total {
                return turn(from);
            }
            let before = portal.oldest_record();
            portal.ask(CommandBody::FetchLog {
                before,
                limit: FETCHED,
            });
            // A page that is not full is filled up first.
            place.wanted.set(page.is_full().then_some(from));
        }),
    };
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
                    aria-pressed=live(move || missed.get().to_string()) on:click=move |_| missed.update(|on| *on = !*on)>
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
