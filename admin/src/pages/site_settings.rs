//! What holds for the whole site, apart from its rules, which stand with the other restrictions.

use crate::components::field::{ChoiceField, SwitchField, TextField};
use crate::components::loaded::Loaded;
use crate::i18n::{I18n, text};
use crate::logic::form::{QUOTA_S, count, filled};
use crate::pages::external_directory::ExternalDirectoryCard;
use crate::site::{Fault, List, Site, WholeSite};
use leptos::prelude::*;
use leptos::task::spawn_local;
use ponte_app::design::Card;
use ponte_app::live::{barred, live};
use ponte_protocol::AccountCodePolicy;
use ponte_protocol::admin::{AdminChange, CallRecording, Problem, SiteSettings};

/// The page.
#[component]
pub fn SiteSettingsPage() -> impl IntoView {
    let i18n = I18n::expect();
    let site = Site::expect();
    // What somebody typed stays while the same settings are told again.
    let known = Memo::new(move |_| site.settings.with(|part| part.value.clone()));
    view! {
        <section class="card" aria-labelledby="page-title">
            <p class="hint">{i18n.t(text::site::hint)}</p>
            <Loaded part=site.settings empty=|_| false words_empty=text::page::loading />
            {live(move || known.get().map(|known| view! { <Form known /> }))}
        </section>
        <ExternalDirectoryCard />
        <Card id="whole" title=text::site::whole>
            <p>{i18n.t(text::site::whole_hint)}</p>
            <pre class="commands"><code>"ponte-gateway export all.toml\nponte-gateway import all.toml --dry-run\nponte-gateway import all.toml"</code></pre>
        </Card>
    }
}

#[component]
fn Form(known: WholeSite) -> impl IntoView {
    let i18n = I18n::expect();
    let site = Site::expect();
    let WholeSite { settings, hold_music } = known;
    let no_answer = RwSignal::new((settings.no_answer_ms / 1_000).to_string());
    let call_waiting = RwSignal::new(settings.call_waiting);
    let music = RwSignal::new(settings.hold_music.clone().unwrap_or_default());
    let message = RwSignal::new(settings.voicemail_message_s.to_string());
    let quota = RwSignal::new(settings.voicemail_quota_s.to_string());
    let recording = RwSignal::new(recording_value(settings.call_recording).to_owned());
    let booking = RwSignal::new(booking_value(settings.account_codes).to_owned());
    let time_zone = RwSignal::new(settings.time_zone.clone().unwrap_or_default());
    let problems = RwSignal::new(Vec::<Problem>::new());
    let busy = RwSignal::new(false);
    let submit = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        if busy.get_untracked() {
            return;
        }
        let mut found = Vec::new();
        let no_answer_s: u32 = count("no_answer_ms", &no_answer.get_untracked(), 5..=120, &mut found);
        let voicemail_message_s = count(
            "voicemail_message_s",
            &message.get_untracked(),
            5..=3_600,
            &mut found,
        );
        let voicemail_quota_s = count("voicemail_quota_s", &quota.get_untracked(), QUOTA_S, &mut found);
        let ready = found.is_empty();
        problems.set(found);
        if !ready {
            return;
        }
        let settings = Box::new(SiteSettings {
            no_answer_ms: u64::from(no_answer_s) * 1_000,
            call_waiting: call_waiting.get_untracked(),
            hold_music: filled(&music.get_untracked()),
            voicemail_message_s,
            voicemail_quota_s,
            call_recording: recording_of(&recording.get_untracked()),
            account_codes: Some(booking_of(&booking.get_untracked())),
            time_zone: Some(time_zone.get_untracked().trim().to_owned()),
            ..settings.clone()
        });
        busy.set(true);
        spawn_local(async move {
            match site.change(AdminChange::PutSite { settings }).await {
                Ok(_) => site.tell_done(text::site::saved(i18n.locale_now())),
                Err(Fault::Invalid(found)) => {
                    site.tell(&Fault::Invalid(found.clone()));
                    problems.try_set(found);
                }
                Err(fault) => site.tell(&fault),
            }
            busy.try_set(false);
            site.refresh(&[List::Settings]);
        });
    };
    let pieces = (!hold_music.is_empty()).then(|| {
        let options = Signal::derive(move || {
            let configured = (String::new(), text::site::configured(i18n.locale()).to_owned());
            std::iter::once(configured)
                .chain(hold_music.iter().map(|name| (name.clone(), name.clone())))
                .collect()
        });
        view! { <ChoiceField name="hold_music" label=text::field::hold_music value=music problems options /> }
    });
    let recordings = Signal::derive(move || {
        let locale = i18n.locale();
        [
            (CallRecording::Never, text::site::recording_never(locale)),
            (CallRecording::Permitted, text::site::recording_permitted(locale)),
            (CallRecording::Everyone, text::site::recording_everyone(locale)),
        ]
        .map(|(value, words)| (recording_value(value).to_owned(), words.to_owned()))
        .to_vec()
    });
    let bookings = Signal::derive(move || {
        let locale = i18n.locale();
        [
            (AccountCodePolicy::Off, text::site::account_codes_off(locale)),
            (
                AccountCodePolicy::Optional,
                text::site::account_codes_optional(locale),
            ),
            (
                AccountCodePolicy::Required,
                text::site::account_codes_required(locale),
            ),
        ]
        .map(|(value, words)| (booking_value(Some(value)).to_owned(), words.to_owned()))
        .to_vec()
    });
    view! {
        <form class="admin-form" novalidate on:submit=submit>
            <div class="fields">
                <TextField name="no_answer_ms" label=text::site::no_answer hint=text::site::no_answer_hint value=no_answer
                    problems kind="number" />
                <TextField name="voicemail_message_s" label=text::site::message hint=text::site::message_hint value=message
                    problems kind="number" />
                <TextField name="voicemail_quota_s" label=text::site::quota hint=text::site::quota_hint value=quota
                    problems kind="number" />
                <TextField name="time_zone" label=text::site::time_zone hint=text::site::time_zone_hint value=time_zone
                    problems />
                {pieces}
                <ChoiceField name="call_recording" label=text::site::recording value=recording problems options=recordings />
                <ChoiceField name="account_codes" label=text::site::account_codes value=booking problems options=bookings />
            </div>
            <p class="hint">{i18n.t(text::site::recording_hint)}</p>
            <SwitchField name="call_waiting" label=text::field::call_waiting hint=text::site::call_waiting_hint
                value=call_waiting problems />
            <div class="button-row">
                <button type="submit" class="button primary" data-testid="site-save" aria-disabled=barred(move || busy.get())>
                    {i18n.t(text::action::save)}
                </button>
            </div>
        </form>
    }
}

fn recording_value(who: CallRecording) -> &'static str {
    match who {
        CallRecording::Never => "never",
        CallRecording::Permitted => "permitted",
        CallRecording::Everyone => "everyone",
    }
}

fn booking_value(policy: Option<AccountCodePolicy>) -> &'static str {
    match policy {
        Some(AccountCodePolicy::Optional) => "optional",
        Some(AccountCodePolicy::Required) => "required",
        Some(AccountCodePolicy::Off) | None => "off",
    }
}

/// The policy by the value of the field; off where it is none.
fn booking_of(value: &str) -> AccountCodePolicy {
    match value {
        "optional" => AccountCodePolicy::Optional,
        "required" => AccountCodePolicy::Required,
        _ => AccountCodePolicy::Off,
    }
}

/// Whoever may record calls by the value of the field; nobody where it is none.
fn recording_of(value: &str) -> CallRecording {
    match value {
        "permitted" => CallRecording::Permitted,
        "everyone" => CallRecording::Everyone,
        _ => CallRecording::Never,
    }
}
