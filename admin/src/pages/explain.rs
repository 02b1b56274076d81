//! Whether a user may dial a number, and which rule says so: the gateway's own answer.

use super::groups::effect;
use crate::i18n::{I18n, text};
use crate::site::{Fault, Site};
use crate::words;
use leptos::prelude::*;
use leptos::task::spawn_local;
use ponte_app::design::{Card, Field};
use ponte_app::format;
use ponte_app::live::{barred, live};
use ponte_protocol::admin::{AdminAnswer, AdminQuery};
use ponte_protocol::{DialString, Explanation, UserId};

/// A user, a number, and what the gateway says of the two.
#[component]
pub fn Explain() -> impl IntoView {
    let i18n = I18n::expect();
    let site = Site::expect();
    let user = RwSignal::new(String::new());
    let number = RwSignal::new(String::new());
    let said = RwSignal::new(None::<Result<Explanation, Fault>>);
    let asked = Memo::new(move |_| {
        let user: UserId = user.with(|user| user.parse().ok())?;
        let number: DialString = number.with(|number| number.parse().ok())?;
        Some((user, number))
    });
    Effect::new(move || {
        asked.track();
        said.set(None);
    });
    let submit = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        let Some(question) = asked.get_untracked() else {
            return;
        };
        spawn_local(async move {
            let (user, number) = question.clone();
            let answer = match site.query(AdminQuery::Explain { user, number }).await {
                Ok(AdminAnswer::Explained { explanation }) => Ok(explanation),
                Ok(AdminAnswer::Invalid { problems }) => Err(Fault::Invalid(problems)),
                Ok(_) => Err(Fault::Unknown),
                Err(fault) => Err(fault),
            };
            // The question may have been changed meanwhile.
            if asked.try_get_untracked() == Some(Some(question)) {
                said.try_set(Some(answer));
            }
        });
    };
    let verdict = move || {
        let locale = i18n.locale();
        Some(match said.get()? {
            Ok(explanation) => in_words(i18n, &explanation),
            Err(fault) => words::fault(locale, &fault),
        })
    };
    view! {
        <Card id="explain" title=text::explain::title>
            <form class="admin-form" novalidate on:submit=submit>
                <div class="fields">
                    <Field id="explain-user" label=text::explain::user>
                        <select id="explain-user" class="input" data-testid="explain-user"
                            on:change:target=move |event| user.set(event.target().value())>
                            <option value="">"–"</option>
                            {live(move || site.users.with(|users| users.value.clone().unwrap_or_default()).into_iter().map(|known| view! {
                                <option value=known.settings.user.to_string()>{known.settings.display_name}</option>
                            }).collect_view())}
                        </select>
                    </Field>
                    <Field id="explain-number" label=text::explain::number>
                        <input id="explain-number" class="input number" type="tel" data-testid="explain-number" autocomplete="off"
                            bind:value=number />
                    </Field>
                </div>
                <div class="button-row">
                    <button type="submit" class="button" data-testid="explain-check"
                        aria-disabled=barred(move || asked.with(Option::is_none))>
                        {i18n.t(text::explain::check)}
                    </button>
                </div>
            </form>
            <p class="explain-verdict" role="status" data-testid="explain-verdict">{live(verdict)}</p>
        </Card>
    }
}

fn in_words(i18n: I18n, explanation: &Explanation) -> String {
    let locale = i18n.locale();
    let number = explanation.number.as_ref();
    let number = number.map(|number| format!("{}: ", format::number(number.as_str())));
    let verdict = match &explanation.refusal {
        None => text::explain::allowed(locale).to_owned(),
        Some(refusal) => ponte_app::words::refusal(locale, refusal),
    };
    let allowed = explanation.refusal.is_none();
    let why = match words::whose(locale, &explanation.from) {
        Some(whose) => {
            let hours = explanation.hours.as_ref();
            let hours = hours.map_or_else(String::new, |hours| format!(", {hours}"));
            format!(
                " {whose} ({}{hours}).",
                effect(locale, allowed, &explanation.rule)
            )
        }
        None if allowed => String::new(),
        None => format!(" {}", text::explain::nobody(locale)),
    };
    format!("{}{verdict}{why}", number.unwrap_or_default())
}
