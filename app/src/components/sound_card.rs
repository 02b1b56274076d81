//! The microphone and the loudspeaker of this browser: chosen, and tried by hearing oneself.

use crate::browser::recorder::Recorder;
use crate::components::icon::Icon;
use crate::design::{Card, Meter};
use crate::i18n::{I18n, Locale, text};
use crate::live::{barred, live, memo};
use crate::rtc::Problem;
use crate::rtc::devices::{self, Changes, Device, Role};
use crate::state::Portal;
use gloo_timers::future::TimeoutFuture;
use leptos::prelude::*;
use leptos::task::spawn_local;
use web_sys::{HtmlAudioElement, Url};

/// How long one speaks, in milliseconds.
const SPOKEN_MS: u32 = 3_000;
/// How often the level is read meanwhile, in milliseconds.
const READ_MS: u32 = 100;
/// A level that speech exceeds and a microphone that is off does not.
const AUDIBLE: f64 = 0.02;

/// How far the test is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Idle,
    Speaking,
    Listening,
    /// Nothing was heard.
    Silent,
    Failed(Problem),
}

fn said(locale: Locale, stage: Stage) -> &'static str {
    match stage {
        Stage::Idle => text::audio::hint(locale),
        Stage::Speaking => text::audio::speak(locale),
        Stage::Listening => text::audio::listen(locale),
        Stage::Silent => text::audio::silent(locale),
        Stage::Failed(Problem::NotAllowed) => text::here::not_allowed(locale),
        Stage::Failed(_) => text::here::no_microphone(locale),
    }
}

/// The card.
#[component]
pub fn SoundCard() -> impl IntoView {
    let i18n = I18n::expect();
    let portal = Portal::expect();
    let microphones = RwSignal::new(Vec::new());
    let loudspeakers = RwSignal::new(Vec::new());
    let refresh = move || {
        spawn_local(async move {
            let _ = microphones.try_set(devices::list(Role::Microphone).await);
            let _ = loudspeakers.try_set(devices::list(Role::Loudspeaker).await);
        });
    };
    refresh();
    let changes = StoredValue::new_local(Some(Changes::follow(refresh)));
    on_cleanup(move || changes.set_value(None));

    let stage = RwSignal::new(Stage::Idle);
    let level = RwSignal::new(0.0);
    let recorder = StoredValue::new_local(None::<Recorder>);
    on_cleanup(move || recorder.set_value(None));
    let busy = memo(move || matches!(stage.get(), Stage::Speaking | Stage::Listening));
    let try_it = move |_| {
        stage.set(Stage::Speaking);
        spawn_local(async move {
            let after = listen_to_oneself(recorder, stage, level).await;
            let _ = stage.try_set(after);
            refresh();
        });
    };
    let choice = move |role: Role, label: fn(Locale) -> &'static str, found: RwSignal<Vec<Device>>| {
        let testid = match role {
            Role::Microphone => "sound-microphone",
            Role::Loudspeaker => "sound-loudspeaker",
        };
        let choose = move |id: String| {
            devices::choose(role, &id);
            portal.telephone().devices_changed();
        };
        let options = move || {
            let chosen = devices::chosen(role);
            let option = move |device: Device| {
                let selected = chosen.as_ref() == Some(&device.id);
                view! { <option value=device.id selected=selected>{device.label}</option> }.into_any()
            };
            found.get().into_iter().map(option).collect_view()
        };
        view! {
            <label class="field">
                <span>{i18n.t(label)}</span>
                <select class="input" data-testid=testid on:change:target=move |event| choose(event.target().value())>
                    <option value="">{i18n.t(text::audio::standard)}</option>
                    {live(options)}
                </select>
            </label>
        }
        .into_any()
    };
    view! {
        <Card id="sound" title=text::audio::title class="card settings">
            {choice(Role::Microphone, text::audio::microphone, microphones)}
            {devices::has_choice_of_loudspeakers()
                .then(|| choice(Role::Loudspeaker, text::audio::loudspeaker, loudspeakers))}
            <div class="setting">
                <div class="button-row">
                    <button type="button" class="button" data-testid="sound-try" aria-disabled=barred(move || busy.get()) on:click=try_it>
                        <Icon name="phone" />
                        {i18n.t(text::audio::try_it)}
                    </button>
                    <Meter testid="sound-level" label=text::audio::level level />
                </div>
                <p class="hint" role="status" data-testid="sound-stage">{live(move || said(i18n.locale(), stage.get()))}</p>
            </div>
        </Card>
    }
}

/// Records what is said for a while and plays it at the loudspeaker of calls; what there is to say after it.
async fn listen_to_oneself(
    recorder: StoredValue<Option<Recorder>, LocalStorage>,
    stage: RwSignal<Stage>,
    level: RwSignal<f64>,
) -> Stage {
    match Recorder::start().await {
        // A page that was left meanwhile drops it here.
        Ok(started) => drop(recorder.try_update_value(|kept| *kept = Some(started))),
        Err(problem) => return Stage::Failed(problem),
    }
    let mut loudest = 0.0_f64;
    for _ in 0..SPOKEN_MS / READ_MS {
        TimeoutFuture::new(READ_MS).await;
        let heard = recorder.try_with_value(|recorder| recorder.as_ref().map_or(0.0, Recorder::level));
        loudest = loudest.max(heard.unwrap_or_default());
        let _ = heard.and_then(|heard| level.try_set(heard));
    }
    let _ = level.try_set(0.0);
    let Some(recording) = recorder.try_update_value(Option::take).flatten() else {
        return Stage::Idle;
    };
    let Some(blob) = recording.stop().await else {
        return Stage::Failed(Problem::NoMicrophone);
    };
    if loudest <= AUDIBLE {
        return Stage::Silent;
    }
    let Ok(address) = Url::create_object_url_with_blob(&blob) else {
        return Stage::Idle;
    };
    if let Ok(loudspeaker) = HtmlAudioElement::new_with_src(&address) {
        devices::play_where_chosen(&loudspeaker);
        let _ = stage.try_set(Stage::Listening);
        if loudspeaker.play().is_ok() {
            TimeoutFuture::new(SPOKEN_MS).await;
        }
        let _ = loudspeaker.pause();
    }
    let _ = Url::revoke_object_url(&address);
    Stage::Idle
}
