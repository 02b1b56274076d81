//! The call log.

use crate::browser;
use crate::components::icon::Icon;
use crate::components::log_row::LogRow;
use crate::components::shown::Shown;
use crate::design::Empty;
use crate::i18n::{I18n, Locale, text};
use crate::live::{derived, live, memo};
use crate::logic::directory::{Query, first_fits};
use crate::logic::search;
use crate::socket::Badge;
use crate::state::Portal;
use leptos::prelude::*;
use ponte_protocol::{CallRecord, CommandBody};

/// How many records a further page asks for.
const PAGE: u16 = 100;
/// How many calls are shown at first, and how many more each time.
const STEP: usize = 100;
/// The most calls shown at once: with thousands in the page, each key would take the browser longer than a tenth of a second.
const WINDOW: usize = 300;

/// The log with its search.
#[component]
pub fn CallLogCard() -> impl IntoView {
    let i18n = I18n::expect();
    let portal = Portal::expect();
    let query = RwSignal::new(String::new());
    let missed = RwSignal::new(false);
    let limit = RwSignal::new(STEP);
    // How many that fit are newer than those shown.
    let newer = RwSignal::new(0);
    // What is looked for anew is shown from its beginning.
    Effect::new(move || {
        query.track();
        missed.track();
        limit.set(STEP);
        newer.set(0);
    });
    let loading = portal.awaits(|body| matches!(body, CommandBody::FetchLog { .. }));
    let found = memo(move || {
        let (locale, missed) = (i18n.locale(), missed.get());
        let query = query.with(|typed| Query::new(typed));
        portal.records().with(|records| {
            let fits = |record: &CallRecord| {
                (!missed || record.is_missed()) && search::matches(locale, record, &query)
            };
            let fitting = records.iter().filter(|record| fits(record)).skip(newer.get());
            let (found, more) = first_fits(fitting, limit.get(), |_| true);
            (by_day(found.into_iter().cloned()), more)
        })
    });
    let days = memo(move || found.with(|(days, _)| days.clone()));
    let more_here = memo(move || found.with(|(_, more)| *more));
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
                        bind:value=query
                    />
                </div>
            </div>
            <Empty words=Signal::derive(empty) />
            <Shown when=derived(move || newer.get() > 0)>
                <button type="button" class="button log-more" data-testid="log-newer"
                    on:click=move |_| newer.update(|newer| *newer = newer.saturating_sub(STEP))>
                    {i18n.t(text::log::newer)}
                </button>
            </Shown>
            <For
                each=move || days.get()
                key=|(day, _)| *day
                children=move |(day, records)| view! { <Day day first=records.first().cloned() days /> }
            />
            // Where it is narrow, the page of calls shows the newest day alone.
            <a class="button log-all" href="/log">{i18n.t(text::log::all)}</a>
            <Shown when=derived(move || more_here.get() || portal.more_records().get())>
                <button
                    type="button" class="button log-more" data-testid="log-more"
                    disabled=live(move || !more_here.get() && (loading.get() || portal.badge().get() != Badge::Connected))
                    on:click=move |_| {
                        let shown = if limit.get_untracked() < WINDOW { limit } else { newer };
                        shown.update(|shown| *shown += STEP);
                        if !more_here.get_untracked() {
                            portal.ask(CommandBody::FetchLog { before: portal.oldest_record(), limit: PAGE });
                        }
                    }
                >
                    {live(move || {
                        let locale = i18n.locale();
                        if loading.get() { text::log::loading(locale) } else { text::log::more(locale) }
                    })}
                </button>
            </Shown>
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
