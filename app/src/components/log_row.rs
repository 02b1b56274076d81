//! One call of the log: how it came out; why, on demand, is told by `log_details.rs` (rule T18).

use crate::browser;
use crate::components::dial_pad::call_again;
use crate::components::icon::Icon;
use crate::components::later::{Later, Part};
use crate::components::shown::Shown;
use crate::format;
use crate::i18n::{I18n, text};
use crate::live::{derived, live};
use crate::logic::account;
use crate::names;
use crate::state::Portal;
use crate::words;
use leptos::prelude::*;
use ponte_protocol::{CallRecord, Direction};

/// The call of a line, for what tells more of it.
#[derive(Clone, Copy)]
pub struct Told(pub StoredValue<CallRecord>);

/// One line of the log.
#[component]
pub fn LogRow(record: CallRecord) -> impl IntoView {
    let i18n = I18n::expect();
    let portal = Portal::expect();
    let (open, set_open) = signal(false);
    let number = words::number_to_call(&record).to_owned();
    let (call, message) = (record.id, record.message);
    let account = record.account_code.as_ref().map(|booked| booked.code.to_string());
    let recordings = record.recordings.clone();
    let outcome = names::outcome(&record);
    let icon = match (outcome, record.direction) {
        ("answered", Direction::Outgoing) => "outgoing",
        ("answered", Direction::Incoming) => "incoming",
        ("missed", _) => "missed",
        ("unanswered", _) => "outgoing-missed",
        _ => "failed",
    };
    let record = StoredValue::new(record);
    provide_context(Told(record));
    let party = move || record.with_value(|record| words::record_party(i18n.locale(), record));
    let started_at = record.with_value(|record| record.started_at);
    let summary = move || {
        let locale = i18n.locale();
        record.with_value(|record| {
            let said = record.connected_at.map_or_else(
                || words::record_cause(locale, record).to_owned(),
                |_| format::duration(record.talk_millis()),
            );
            match &record.account_code {
                Some(booked) => format!("{said} · {}", account::shown(booked)),
                None => said,
            }
        })
    };
    view! {
            <li class="log-row" data-testid="log-row" data-outcome=outcome
                data-reason=record.with_value(|record| names::reason(record.cause.reason))>
                <div class="log-line">
                    <button type="button" class="log-open" id=format!("log-{call}") aria-expanded=live(move || open.get().to_string())
                        on:click=move |_| set_open.update(|open| *open = !*open)>
                        <span class="log-icon"><Icon name=icon /></span>
                        <span class="visually-hidden">
                            {live(move || record.with_value(|record| words::outcome(i18n.locale(), record)))} ", "
                        </span>
                        <span class="log-words">
                            <span class="log-party">{live(party)}</span>
                            <span class="log-summary">{live(summary)}</span>
                        </span>
                        <time class="log-time">{live(move || browser::clock_time(&i18n.region(), started_at))}</time>
                    </button>
                    {message.map(|message| view! {
                        <a class="button small" data-testid="log-message" href=format!("/messages#{message}")>
                            <Icon name="voicemail" />
                            <span class="log-message-word">{i18n.t(text::log::voicemail)}</span>
                        </a>
                    })}
                    {recordings.into_iter().map(|recording| view! {
                        <a class="button small" data-testid="log-recording" href=format!("/messages#{recording}")>
                            <Icon name="play" />
                            <span class="log-message-word">{i18n.t(text::message::recording)}</span>
                        </a>
                    }).collect_view()}
                    {(!number.is_empty()).then(|| view! { <button
                        type="button" class="button icon-only quiet" data-testid="log-call-again"
                        aria-label=live(move || {
     let locale = i18n.locale();
     if outcome == "missed" { text::log::call_back(locale, party()) } else { text::log::call_again(locale, party()) }
    })
                        title=i18n.t(text::call::again)
                        on:click=move |_| {
                            // The same matter, until something else is chosen.
                            if let Some(account) = &account {
                                portal.account_text().set(account.clone());
                            }
                            call_again(portal, &number);
                        }
                    >
                        <Icon name="phone" />
                    </button> })}
                </div>
                <Shown when=derived(move || open.get())>
                    <Later part=Part::CallDetails />
                </Shown>
            </li>
        }
}
