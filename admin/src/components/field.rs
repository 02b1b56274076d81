//! Fields of forms, each with its label and what is wrong with it.

use crate::i18n::{I18n, Locale};
use crate::words;
use leptos::prelude::*;
use ponte_app::live::live;
use ponte_protocol::admin::Problem;

/// The words of the problems of one field, tracked.
pub fn told(i18n: I18n, problems: RwSignal<Vec<Problem>>, name: &'static str) -> Option<String> {
    let locale = i18n.locale();
    let words = problems.with(|problems| {
        problems
            .iter()
            .filter(|problem| problem.field == name)
            .map(|problem| words::problem_kind(locale, problem.kind))
            .collect::<Vec<_>>()
            .join(" ")
    });
    (!words.is_empty()).then_some(words)
}

/// A line of text. `name` is the one that the gateway uses for it.
#[component]
pub fn TextField(
    name: &'static str,
    label: fn(Locale) -> &'static str,
    value: RwSignal<String>,
    problems: RwSignal<Vec<Problem>>,
    #[prop(optional)] hint: Option<fn(Locale) -> &'static str>,
    #[prop(optional)] readonly: bool,
    #[prop(default = "text")] kind: &'static str,
) -> impl IntoView {
    let i18n = I18n::expect();
    let id = format!("field-{name}");
    let described = format!("{id}-hint {id}-error");
    view! {
        <div class="field">
            <label for=id.clone()>{i18n.t(label)}</label>
            <input id=id.clone() class="input" data-testid=id.clone() type=kind autocomplete="off" readonly=readonly
                aria-describedby=described
                aria-invalid=live(move || told(i18n, problems, name).map(|_| "true"))
                bind:value=value />
            <p class="hint" id=format!("{id}-hint")>{hint.map(|hint| i18n.t(hint))}</p>
            <p class="field-error" id=format!("{id}-error")>{live(move || told(i18n, problems, name))}</p>
        </div>
    }
}

/// A choice out of a list of values and their words.
#[component]
pub fn ChoiceField(
    name: &'static str,
    label: fn(Locale) -> &'static str,
    value: RwSignal<String>,
    problems: RwSignal<Vec<Problem>>,
    options: Signal<Vec<(String, String)>>,
) -> impl IntoView {
    let i18n = I18n::expect();
    let id = format!("field-{name}");
    view! {
        <div class="field">
            <label for=id.clone()>{i18n.t(label)}</label>
            <select id=id.clone() class="input" data-testid=id.clone() aria-describedby=format!("{id}-error")
                aria-invalid=live(move || told(i18n, problems, name).map(|_| "true"))
                on:change:target=move |event| value.set(event.target().value())>
                {live(move || options.get().into_iter().map(|(option, words)| {
                    let chosen = option.clone();
                    view! {
                        <option value=option selected=live(move || value.with(|value| *value == chosen))>{words}</option>
                    }
                }).collect_view())}
            </select>
            <p class="field-error" id=format!("{id}-error")>{live(move || told(i18n, problems, name))}</p>
        </div>
    }
}

/// A right or a property that is on or off.
#[component]
pub fn SwitchField(
    name: &'static str,
    label: fn(Locale) -> &'static str,
    hint: fn(Locale) -> &'static str,
    value: RwSignal<bool>,
    problems: RwSignal<Vec<Problem>>,
) -> impl IntoView {
    let i18n = I18n::expect();
    let id = format!("field-{name}");
    view! {
        <div class="setting">
            <label class="switch">
                <span class="switch-words">{i18n.t(label)}</span>
                <input type="checkbox" role="switch" data-testid=id.clone() aria-describedby=format!("{id}-hint {id}-error")
                    bind:checked=value />
            </label>
            <p class="hint" id=format!("{id}-hint")>{i18n.t(hint)}</p>
            <p class="field-error" id=format!("{id}-error")>{live(move || told(i18n, problems, name))}</p>
        </div>
    }
}
