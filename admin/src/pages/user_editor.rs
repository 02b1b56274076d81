//! The form of one user.

use crate::components::field::{ChoiceField, SwitchField, TextField};
use crate::components::rules_editor::{RulesDraft, RulesEditor};
use crate::i18n::{I18n, text};
use crate::logic::form::UserForm;
use crate::site::{Fault, List, Site};
use crate::words;
use leptos::prelude::*;
use leptos::task::spawn_local;
use ponte_app::design::{Button, Dialog, Look};
use ponte_app::live::{barred, live};
use ponte_protocol::admin::{AdminChange, Problem, UserSettings};

/// The form, of a new user where `known` is `None`. `saved` is told what was saved.
#[component]
pub fn UserEditor(
    known: Option<UserSettings>,
    close: Callback<()>,
    saved: Callback<UserSettings>,
) -> impl IntoView {
    let i18n = I18n::expect();
    let site = Site::expect();
    let is_new = known.is_none();
    let form = known.as_ref().map_or_else(UserForm::default, UserForm::from);
    let user = RwSignal::new(form.user);
    let display_name = RwSignal::new(form.display_name);
    let extension = RwSignal::new(form.extension);
    let caller_number = RwSignal::new(form.caller_number);
    let caller_name = RwSignal::new(form.caller_name);
    let language = RwSignal::new(form.language);
    let group = RwSignal::new(form.group);
    let telecommuter = RwSignal::new(form.telecommuter);
    let call_waiting = RwSignal::new(form.call_waiting);
    let voicemail = RwSignal::new(form.voicemail);
    let pick_up = RwSignal::new(form.pick_up);
    let administrator = RwSignal::new(form.administrator);
    let rules = RulesDraft::new(form.rules);
    let dials_per_hour = RwSignal::new(form.dials_per_hour);
    let minutes_per_day = RwSignal::new(form.minutes_per_day);
    let email = RwSignal::new(form.email);
    let confirm = RwSignal::new(form.confirm);
    let no_answer = RwSignal::new(form.no_answer);
    let quota = RwSignal::new(form.quota);
    let recording = RwSignal::new(form.recording);
    let problems = RwSignal::new(Vec::<Problem>::new());
    let error = RwSignal::new(None::<Fault>);
    let busy = RwSignal::new(false);

    let submit = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        if busy.get_untracked() {
            return;
        }
        let form = UserForm {
            user: user.get_untracked(),
            display_name: display_name.get_untracked(),
            extension: extension.get_untracked(),
            caller_number: caller_number.get_untracked(),
            caller_name: caller_name.get_untracked(),
            language: language.get_untracked(),
            group: group.get_untracked(),
            telecommuter: telecommuter.get_untracked(),
            call_waiting: call_waiting.get_untracked(),
            voicemail: voicemail.get_untracked(),
            pick_up: pick_up.get_untracked(),
            administrator: administrator.get_untracked(),
            rules: rules.read(),
            dials_per_hour: dials_per_hour.get_untracked(),
            minutes_per_day: minutes_per_day.get_untracked(),
            email: email.get_untracked(),
            confirm: confirm.get_untracked(),
            no_answer: no_answer.get_untracked(),
            quota: quota.get_untracked(),
            recording: recording.get_untracked(),
        };
        error.set(None);
        let settings = match form.read() {
            Ok(settings) => settings,
            Err(found) => return problems.set(found),
        };
        problems.set(Vec::new());
        let taken = is_new
            && site.users.with_untracked(|users| {
                users
                    .value
                    .iter()
                    .flatten()
                    .any(|known| known.settings.user == settings.user)
            });
        if taken {
            return problems.set(vec![Problem {
                field: "user".to_owned(),
                kind: ponte_protocol::admin::ProblemKind::Taken,
            }]);
        }
        busy.set(true);
        spawn_local(async move {
            let change = AdminChange::PutUser {
                settings: Box::new(settings.clone()),
                dry_run: false,
            };
            let outcome = site.change(change).await;
            busy.try_set(false);
            match outcome {
                Ok(_) => {
                    site.tell_done(text::user::saved(i18n.locale_now(), &settings.display_name));
                    site.refresh(&[List::Users]);
                    close.run(());
                    saved.run(settings);
                }
                Err(Fault::Invalid(found)) => {
                    error.try_set(Some(Fault::Invalid(found.clone())));
                    problems.try_set(found);
                }
                Err(fault) => {
                    error.try_set(Some(fault));
                }
            }
        });
    };
    let name = known.map(|known| known.display_name);
    let title = Signal::derive(move || {
        let locale = i18n.locale();
        name.as_ref().map_or_else(
            || text::user::new(locale).to_owned(),
            |name| text::user::edit(locale, name),
        )
    });
    let groups = Signal::derive(move || {
        let none = (String::new(), text::field::no_group(i18n.locale()).to_owned());
        let names = site.restrictions.with(|known| {
            let groups = known.value.as_ref().map(|known| known.groups.clone());
            groups.unwrap_or_default()
        });
        std::iter::once(none)
            .chain(names.into_iter().map(|group| (group.name.clone(), group.name)))
            .collect()
    });
    let languages = Signal::derive(move || {
        vec![
            (
                String::new(),
                text::field::site_language(i18n.locale()).to_owned(),
            ),
            ("en".to_owned(), "English".to_owned()),
            ("it".to_owned(), "Italiano".to_owned()),
        ]
    });
    let confirmations = Signal::derive(move || {
        let locale = i18n.locale();
        [
            ("", text::field::confirm_mobiles(locale)),
            ("on", text::field::confirm_on(locale)),
            ("off", text::field::confirm_off(locale)),
        ]
        .map(|(value, words)| (value.to_owned(), words.to_owned()))
        .to_vec()
    });
    view! {
        <Dialog testid="user-editor" title close>
            <form class="admin-form" novalidate on:submit=submit>
                <div class="fields">
                    <TextField name="display_name" label=text::field::display_name value=display_name problems />
                    <TextField name="user" label=text::field::user value=user problems readonly=!is_new
                        hint=text::field::user_hint />
                    <TextField name="extension" label=text::field::extension value=extension problems kind="tel" />
                    <TextField name="caller_id" label=text::field::caller_number value=caller_number problems kind="tel"
                        hint=text::field::number_hint />
                    <TextField name="email" label=text::field::email value=email problems kind="email" />
                    <TextField name="caller_name" label=text::field::caller_name value=caller_name problems />
                    <ChoiceField name="language" label=text::field::language value=language problems options=languages />
                    <ChoiceField name="group" label=text::field::group value=group problems options=groups />
                </div>
                <fieldset class="rights">
                    <legend>{i18n.t(text::user::rights)}</legend>
                    <SwitchField name="telecommuter" label=text::field::telecommuter hint=text::field::telecommuter_hint
                        value=telecommuter problems />
                    <SwitchField name="call_waiting" label=text::field::call_waiting hint=text::field::call_waiting_hint
                        value=call_waiting problems />
                    <SwitchField name="voicemail" label=text::field::voicemail hint=text::field::voicemail_hint
                        value=voicemail problems />
                    <SwitchField name="pick_up" label=text::field::pick_up hint=text::field::pick_up_hint
                        value=pick_up problems />
                    <SwitchField name="recording" label=text::field::recording hint=text::field::recording_hint
                        value=recording problems />
                    <SwitchField name="administrator" label=text::field::administrator hint=text::field::administrator_hint
                        value=administrator problems />
                </fieldset>
                <RulesEditor rules problems />
                <div class="fields">
                    <TextField name="dials_per_hour" label=text::field::dials_per_hour value=dials_per_hour problems kind="number" />
                    <TextField name="minutes_per_day" label=text::field::minutes_per_day value=minutes_per_day problems kind="number" />
                    <ChoiceField name="confirm" label=text::field::confirm value=confirm problems options=confirmations />
                    <TextField name="no_answer_ms" label=text::field::rings value=no_answer problems kind="number"
                        hint=text::field::rings_hint />
                    <TextField name="voicemail_quota_s" label=text::field::quota value=quota problems kind="number"
                        hint=text::field::quota_hint />
                </div>
                <p class="field-error" role="alert" data-testid="user-error">
                    {live(move || error.get().map(|fault| words::fault(i18n.locale(), &fault)))}
                </p>
                <div class="button-row">
                    <button type="submit" class="button primary" data-testid="user-save" aria-disabled=barred(move || busy.get())>
                        {i18n.t(text::action::save)}
                    </button>
                    <Button label=text::action::cancel look=Look::Quiet
                        press=Callback::new(move |()| close.run(())) />
                </div>
            </form>
        </Dialog>
    }
}
