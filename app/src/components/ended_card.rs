//! The call that ended last: its cause stays in view until it is put away or the next call comes.

use crate::components::dial_pad::call_again;
use crate::components::icon::Icon;
use crate::design::{Button, Look};
use crate::format;
use crate::i18n::{I18n, text};
use crate::live::live;
use crate::names;
use crate::state::Portal;
use crate::words;
use leptos::prelude::*;

/// The card; nothing while a call is up or none has ended.
#[component]
pub fn EndedCard() -> impl IntoView {
    let i18n = I18n::expect();
    let portal = Portal::expect();
    let record = move || {
        portal
            .ended()
            .get()
            .filter(|_| portal.calls().with(Vec::is_empty))
    };
    move || {
        record().map(|record| {
            let number = words::number_to_call(&record).to_owned();
            let callable = !number.is_empty();
            let account = record.account_code.as_ref().map(|booked| booked.code.to_string());
            let shown = StoredValue::new(record.clone());
            let talk = record.connected_at.map(|_| format::duration(record.talk_millis()));
            view! {
                <article class="card ended-card" data-testid="ended-card" data-outcome=names::outcome(&record)>
                    <div class="ended-words">
                        <p class="call-direction">{live(move || {
                            let locale = i18n.locale();
                            shown.with_value(|record| {
                                if record.is_missed() { text::outcome::missed(locale) } else { text::call::ended(locale) }
                            })
                        })}</p>
                        <h2 class="call-party">
                            {live(move || shown.with_value(|record| words::record_party(i18n.locale(), record)))}
                        </h2>
                        <p data-testid="cause" data-reason=names::reason(record.cause.reason)>
                            {live(move || shown.with_value(|record| words::record_cause(i18n.locale(), record)))}
                            {talk.map(|talk| format!(" · {talk}"))}
                        </p>
                    </div>
                    <div class="button-row">
                        {record.message.map(|message| view! {
                            <a class="button" href=format!("/messages#{message}") data-testid="ended-message">
                                <Icon name="voicemail" />
                                {i18n.t(text::log::listen)}
                            </a>
                        })}
                        {callable.then(|| view! {
                            <Button label=text::call::again icon="phone"
                                press=Callback::new(move |()| {
                                    if let Some(account) = &account {
                                        portal.account_text().set(account.clone());
                                    }
                                    call_again(portal, &number);
                                }) />
                        })}
                        <Button label=text::call::dismiss look=Look::Quiet testid="ended-dismiss"
                            press=Callback::new(move |()| portal.dismiss_ended()) />
                    </div>
                </article>
            }
        })
    }
}
