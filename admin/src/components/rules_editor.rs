//! An ordered list of restrictions: the first whose prefix a number starts with decides.

use crate::i18n::{I18n, text};
use crate::logic::form::RuleText;
use crate::words;
use leptos::prelude::*;
use ponte_app::components::icon::Icon;
use ponte_app::design::{Button, Look};
use ponte_app::live::{derived, live};
use ponte_protocol::admin::{Problem, RULES_MAX};

/// A rule in the list; the key lasts while its place changes.
type Keyed = (u64, RwSignal<RuleText>);

/// The rules of a form.
#[derive(Clone, Copy)]
pub struct RulesDraft {
    rows: RwSignal<Vec<Keyed>>,
    next: StoredValue<u64>,
}

impl RulesDraft {
    /// The rules as they are.
    pub fn new(rules: Vec<RuleText>) -> Self {
        let draft = Self {
            rows: RwSignal::new(Vec::new()),
            next: StoredValue::new(0),
        };
        for rule in rules {
            draft.push(rule);
        }
        draft
    }

    /// What stands in the fields now.
    pub fn read(self) -> Vec<RuleText> {
        self.rows
            .with_untracked(|rows| rows.iter().map(|(_, rule)| rule.get_untracked()).collect())
    }

    fn push(self, rule: RuleText) {
        let key = self.next.get_value();
        self.next.set_value(key + 1);
        self.rows.update(|rows| rows.push((key, RwSignal::new(rule))));
    }

    fn remove(self, key: u64) {
        self.rows.update(|rows| rows.retain(|(known, _)| *known != key));
    }

    /// One place towards the start, where it is decided earlier.
    fn raise(self, key: u64) {
        self.rows.update(|rows| {
            if let Some(place) = rows.iter().position(|(known, _)| *known == key)
                && place > 0
            {
                rows.swap(place - 1, place);
            }
        });
    }
}

/// The editor.
#[component]
pub fn RulesEditor(rules: RulesDraft, problems: RwSignal<Vec<Problem>>) -> impl IntoView {
    let i18n = I18n::expect();
    let error = move || {
        let locale = i18n.locale();
        problems.with(|problems| {
            problems
                .iter()
                .find(|problem| problem.field.split('.').next() == Some("rules"))
                .map(|problem| words::problem_kind(locale, problem.kind))
        })
    };
    view! {
        <fieldset class="rules">
            <legend>{i18n.t(text::field::rules)}</legend>
            <p class="hint">{i18n.t(text::rules::hint)}</p>
            <ol class="rules-list">
                <For each=move || rules.rows.get() key=|(key, _)| *key let:row>
                    <RuleRow rules key=row.0 rule=row.1 />
                </For>
            </ol>
            <p class="field-error" role="alert">{live(error)}</p>
            <Button label=text::rules::add look=Look::Small testid="rule-add" disabled=derived(move || rules.rows.with(Vec::len) >= RULES_MAX)
                press=Callback::new(move |()| rules.push(RuleText { allow: true, prefix: "+".to_owned(), hours: String::new() })) />
        </fieldset>
    }
}

#[component]
fn RuleRow(rules: RulesDraft, key: u64, rule: RwSignal<RuleText>) -> impl IntoView {
    let i18n = I18n::expect();
    let allow = rule.with_untracked(|rule| rule.allow);
    let prefix = rule.with_untracked(|rule| rule.prefix.clone());
    let hours = rule.with_untracked(|rule| rule.hours.clone());
    view! {
        <li class="rule" data-testid="rule">
            <select class="input" aria-label=i18n.t(text::rules::effect)
                on:change:target=move |event| {
                    let allow = event.target().value() == "allow";
                    rule.update(|rule| rule.allow = allow);
                }>
                <option value="allow" selected=allow>{i18n.t(text::rules::allow)}</option>
                <option value="deny" selected=!allow>{i18n.t(text::rules::deny)}</option>
            </select>
            <input class="input number" type="tel" data-testid="rule-prefix" aria-label=i18n.t(text::rules::prefix)
                prop:value=prefix
                on:input:target=move |event| {
                    let prefix = event.target().value();
                    rule.update(|rule| rule.prefix = prefix);
                } />
            <input class="input rule-hours" type="text" data-testid="rule-hours" aria-label=i18n.t(text::rules::hours)
                placeholder=i18n.t(text::rules::always) maxlength="60" prop:value=hours
                on:input:target=move |event| {
                    let hours = event.target().value();
                    rule.update(|rule| rule.hours = hours);
                } />
            <button type="button" class="button icon-only quiet" aria-label=i18n.t(text::rules::raise)
                title=i18n.t(text::rules::raise) on:click=move |_| rules.raise(key)>
                <span aria-hidden="true">"↑"</span>
            </button>
            <button type="button" class="button icon-only quiet" aria-label=i18n.t(text::rules::remove)
                title=i18n.t(text::rules::remove) on:click=move |_| rules.remove(key)>
                <Icon name="trash" />
            </button>
        </li>
    }
}
