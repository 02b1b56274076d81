//! Why a call of the log came out as it did, telephone by telephone (rule T18).

use crate::components::account::AccountLine;
use crate::components::log_row::Told;
use crate::format;
use crate::i18n::{I18n, text};
use crate::live::live;
use crate::words;
use leptos::prelude::*;
use ponte_protocol::{LegRecord, LegRole};

/// What else there is to say of the call whose line is the context's.
#[component]
pub fn LogDetails() -> impl IntoView {
    let i18n = I18n::expect();
    let Told(record) = expect_context();
    let (call, legs) = record.with_value(|record| (record.id, record.legs.clone()));
    let booked = record.with_value(|record| record.account_code.clone());
    let cause = move || record.with_value(|record| words::record_cause(i18n.locale(), record));
    let number = record.with_value(|record| {
        if record.name.is_some() {
            format::number(&record.number)
        } else {
            String::new()
        }
    });
    view! {
        <div class="log-details">
            <p class="log-cause" data-testid="log-cause">{live(cause)}</p>
            <p class="hint">{number}</p>
            <AccountLine call booked=Signal::stored(booked) />
            <ol class="log-legs">
                {legs.into_iter().map(|leg| view! { <LegLine leg /> }).collect_view()}
            </ol>
        </div>
    }
}

#[component]
fn LegLine(leg: LegRecord) -> impl IntoView {
    let i18n = I18n::expect();
    let codes = words::cause_codes(&leg.cause);
    let technical = [leg.trunk.clone(), codes]
        .into_iter()
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>()
        .join(" · ");
    let (role, reason, number) = (leg.role, leg.cause.reason, format::number(&leg.number));
    let times = move || {
        let locale = i18n.locale();
        match leg.answered_at {
            Some(answered) => {
                text::log::answered_after(locale, format::seconds_left(answered.since(leg.started_at)))
            }
            None => text::log::tried_for(locale, format::seconds_left(leg.ended_at.since(leg.started_at))),
        }
    };
    view! {
        <li class="log-leg" data-testid="log-leg">
            <p>
                <span class="leg-name">{live(move || {
                    let locale = i18n.locale();
                    match role {
                        LegRole::User => text::leg::user(locale),
                        LegRole::Far => text::leg::far(locale),
                    }
                })}</span>
                " " <span class="log-number">{number}</span>
            </p>
            <p>{live(move || words::cause(i18n.locale(), role, reason))} " " {live(times)}</p>
            <p class="hint">{technical}</p>
        </li>
    }
}
