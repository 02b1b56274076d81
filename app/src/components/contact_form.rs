//! A contact being typed.

use crate::browser;
use crate::components::icon::Icon;
use crate::components::person_row::label_words;
use crate::components::shown::Shown;
use crate::design::{Button, Look};
use crate::i18n::{I18n, text};
use crate::live::{barred, derived, live, memo};
use crate::logic::directory::{Draft, DraftError};
use crate::socket::Badge;
use crate::state::Portal;
use crate::words;
use leptos::prelude::*;
use ponte_protocol::CommandBody;
use ponte_protocol::contact::{CONTACT_LABEL_MAX, CONTACT_NAME_MAX, CONTACT_NOTES_MAX};

/// The labels that are offered; any other can be typed.
const LABELS: [&str; 3] = ["mobile", "work", "home"];

/// The form. `close` is told when the contact is kept, or given up.
#[component]
pub fn ContactForm(begin: Draft, close: Callback<()>) -> impl IntoView {
    let i18n = I18n::expect();
    let portal = Portal::expect();
    let id = begin.id;
    let draft = RwSignal::new(begin);
    let (touched, set_touched) = signal(false);
    let saving = portal.awaits(|body| matches!(body, CommandBody::SaveContact { .. }));
    let contacts = portal.contacts();
    // It closes with the answer, and stays with what was typed where that was a refusal.
    Effect::new(move |was: Option<bool>| {
        let is = saving.get();
        let kept = || {
            let draft = draft.get_untracked();
            contacts.with_untracked(|all| {
                all.iter().any(|one| {
                    one.id == id && one.name == draft.name.trim() && one.notes == draft.notes.trim()
                })
            })
        };
        if was == Some(true) && !is && kept() {
            close.run(());
        }
        is
    });
    let error = move || {
        let locale = i18n.locale();
        let error = draft.with(Draft::read).err()?;
        match error {
            DraftError::Number(error) => Some(words::number_error(locale, error)),
            DraftError::NoName if touched.get() => Some(text::directory::no_name(locale).to_owned()),
            DraftError::NoNumber if touched.get() => Some(text::directory::no_number(locale).to_owned()),
            DraftError::NoName | DraftError::NoNumber => None,
        }
    };
    let save = move || match draft.with_untracked(Draft::read) {
        Ok(contact) if !saving.get_untracked() => {
            portal.ask(CommandBody::SaveContact {
                contact: Box::new(contact),
            });
        }
        Ok(_) => {}
        Err(error) => {
            set_touched.set(true);
            browser::focus(match error {
                DraftError::NoName => "contact-name",
                DraftError::NoNumber | DraftError::Number(_) => "contact-number-0",
            });
        }
    };
    let field: NodeRef<leptos::html::Input> = NodeRef::new();
    field.on_load(|field| {
        let _ = field.focus();
    });
    let count = memo(move || draft.with(|draft| draft.numbers.len()));
    let locked = move || saving.get() || portal.badge().get() != Badge::Connected;
    view! {
        <form class="contact-form" novalidate data-testid="contact-form"
            on:submit=move |event| { event.prevent_default(); save(); }
            on:keydown=move |event| if event.key() == "Escape" { close.run(()) }>
            <label class="field">
                <span>{i18n.t(text::directory::name)}</span>
                <input id="contact-name" class="input" data-testid="contact-name" autocomplete="off" maxlength=CONTACT_NAME_MAX
                    node_ref=field aria-describedby="contact-error" prop:value=live(move || draft.get().name)
                    on:input:target=move |event| draft.update(|draft| draft.name = event.target().value()) />
            </label>
            <label class="field">
                <span>{i18n.t(text::directory::organisation)}</span>
                <input class="input" data-testid="contact-organisation" autocomplete="off" maxlength=CONTACT_NAME_MAX
                    prop:value=live(move || draft.get().organisation)
                    on:input:target=move |event| draft.update(|draft| draft.organisation = event.target().value()) />
            </label>
            <fieldset class="contact-numbers">
                <legend>{i18n.t(text::directory::numbers)}</legend>
                {live(move || (0..count.get()).map(|at| view! { <NumberFields draft at /> }).collect_view())}
                <Shown when=derived(move || draft.with(Draft::has_room))>
                    <Button label=text::directory::add_number look=Look::SmallQuiet testid="contact-add-number"
                        press=Callback::new(move |()| {
                            draft.update(|draft| draft.numbers.push(("work".to_owned(), String::new())));
                        }) />
                </Shown>
            </fieldset>
            <label class="field">
                <span>{i18n.t(text::directory::notes)}</span>
                <textarea class="input" rows="3" data-testid="contact-notes-field" maxlength=CONTACT_NOTES_MAX
                    prop:value=live(move || draft.get().notes)
                    on:input:target=move |event| draft.update(|draft| draft.notes = event.target().value())></textarea>
            </label>
            <p class="field-error" id="contact-error" data-testid="contact-error" role="alert">{live(error)}</p>
            <div class="button-row">
                <button type="submit" class="button primary" data-testid="contact-save" aria-disabled=barred(locked)>
                    {i18n.t(text::reach::save)}
                </button>
                <Button label=text::reach::cancel testid="contact-cancel"
                    press=Callback::new(move |()| close.run(())) />
            </div>
        </form>
    }
    .into_any()
}

#[component]
fn NumberFields(draft: RwSignal<Draft>, at: usize) -> impl IntoView {
    let i18n = I18n::expect();
    let pair = move || {
        draft
            .with(|draft| draft.numbers.get(at).cloned())
            .unwrap_or_default()
    };
    let change = move |change: fn(&mut (String, String), String), value: String| {
        draft.update(|draft| {
            if let Some(pair) = draft.numbers.get_mut(at) {
                change(pair, value);
            }
        });
    };
    // What is typed in the words of the page is kept in the words of the protocol.
    let label_of = move |typed: String| {
        let locale = i18n.locale_now();
        let known = LABELS
            .into_iter()
            .find(|label| label_words(locale, label).eq_ignore_ascii_case(typed.trim()));
        known.map_or(typed, str::to_owned)
    };
    view! {
        <div class="contact-number">
            <input class="input" list="contact-labels" autocomplete="off" maxlength=CONTACT_LABEL_MAX data-testid="contact-label"
                aria-label=i18n.t(text::directory::label)
                prop:value=live(move || label_words(i18n.locale(), &pair().0))
                on:change:target=move |event| change(|pair, value| pair.0 = value, label_of(event.target().value())) />
            <input id=format!("contact-number-{at}") class="input number" type="tel" inputmode="tel" autocomplete="off"
                data-testid="contact-number" aria-label=i18n.t(text::directory::number) aria-describedby="contact-error"
                placeholder=i18n.t(text::reach::number_example) prop:value=live(move || pair().1)
                on:input:target=move |event| change(|pair, value| pair.1 = value, event.target().value()) />
            <button type="button" class="button icon-only quiet" aria-label=i18n.t(text::directory::remove_number)
                on:click=move |_| draft.update(|draft| if at < draft.numbers.len() { draft.numbers.remove(at); })>
                <Icon name="close" />
            </button>
            {(at == 0).then(|| view! {
                <datalist id="contact-labels">
                    {LABELS.map(|label| view! { <option value=live(move || label_words(i18n.locale(), label))></option> }).collect_view()}
                </datalist>
            })}
        </div>
    }
    .into_any()
}
