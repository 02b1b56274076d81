//! What callers hear of the user's own before the beep (rule T9): the greeting, or the name.

use crate::api::{ApiError, put_sound};
use crate::browser;
use crate::browser::recorder::{Draft, Recorder, Unusable};
use crate::components::shown::Shown;
use crate::design::{Button, Card, Look};
use crate::format;
use crate::i18n::{I18n, Locale, text};
use crate::live::{barred, derived, live, memo};
use crate::rtc::Problem;
use crate::state::Portal;
use crate::state::toasts::{ToastKind, Toasts};
use leptos::prelude::*;
use leptos::task::spawn_local;
use ponte_protocol::upload::OWN_SOUND_MAX_MS;
use ponte_protocol::{CommandBody, OwnSound, UnixMillis};
use wasm_bindgen::JsCast;

/// The card; empty for a user without voicemail.
#[component]
pub fn OwnSoundsCard() -> impl IntoView {
    let portal = Portal::expect();
    let allowed = derived(move || {
        portal
            .profile()
            .with(|profile| profile.as_ref().is_some_and(|profile| profile.voicemail_allowed))
    });
    view! {
        <Shown when=allowed>
            <Card id="own-sounds" title=text::greeting::title class="card settings">
                <OwnSoundRow sound=OwnSound::Greeting name="greeting" />
                <OwnSoundRow sound=OwnSound::Name name="name" />
            </Card>
        </Shown>
    }
}

/// What is being made of a sound.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Making {
    Nothing,
    /// The browser is asked for something.
    Waiting,
    Recording(UnixMillis),
    /// There is a draft to listen to.
    Draft,
    Sending,
}

fn problem(locale: Locale, problem: Problem) -> &'static str {
    match problem {
        Problem::NotAllowed => text::here::not_allowed(locale),
        _ => text::here::no_microphone(locale),
    }
}

fn refused(locale: Locale, error: ApiError) -> &'static str {
    match error {
        ApiError::Unexpected { status: 413 | 422 } => text::greeting::no_sound(locale),
        ApiError::Unexpected { status: 507 } => text::greeting::disk_full(locale),
        _ => text::greeting::failed(locale),
    }
}

/// One of the two. `name` stands in its address and in its elements' names.
#[component]
fn OwnSoundRow(sound: OwnSound, name: &'static str) -> impl IntoView {
    let i18n = I18n::expect();
    let portal = Portal::expect();
    let state = memo(move || {
        let [greeting, name] = portal.own_sounds().get();
        if sound == OwnSound::Greeting {
            greeting
        } else {
            name
        }
    });
    let toasts: Toasts = expect_context();
    let making = RwSignal::new(Making::Nothing);
    let error = RwSignal::new(None::<&'static str>);
    let recorder = StoredValue::new_local(None::<Recorder>);
    let draft = StoredValue::new_local(None::<Draft>);

    let drop_draft = move || {
        if let Some(Some(draft)) = draft.try_update_value(Option::take) {
            draft.forget();
        }
    };
    let take = move |blob: web_sys::Blob| async move {
        match Draft::read(&blob).await {
            Ok(read) => {
                drop_draft();
                draft.set_value(Some(read));
                making.set(Making::Draft);
            }
            Err(why) => {
                let locale = i18n.locale_now();
                error.set(Some(match why {
                    Unusable::NoSound => text::greeting::no_sound(locale),
                    Unusable::TooLong => text::greeting::too_long(locale),
                }));
                making.set(Making::Nothing);
            }
        }
    };
    let begin = move || {
        error.set(None);
        making.set(Making::Waiting);
        spawn_local(async move {
            match Recorder::start().await {
                Ok(started) => {
                    if let Some(late) = recorder.try_set_value(Some(started)).flatten() {
                        // The page was left meanwhile.
                        late.stop().await;
                        return;
                    }
                    making.set(Making::Recording(browser::now()));
                }
                Err(why) => {
                    error.try_set(Some(problem(i18n.locale_now(), why)));
                    making.try_set(Making::Nothing);
                }
            }
        });
    };
    let end = move || {
        let Some(Some(recorder)) = recorder.try_update_value(Option::take) else {
            return;
        };
        making.try_set(Making::Waiting);
        spawn_local(async move {
            match recorder.stop().await {
                Some(blob) => take(blob).await,
                None => drop(making.try_set(Making::Nothing)),
            }
        });
    };
    on_cleanup(move || {
        if let Some(Some(recorder)) = recorder.try_update_value(Option::take) {
            spawn_local(async move { drop(recorder.stop().await) });
        }
        drop_draft();
    });
    let elapsed = move || match making.get() {
        Making::Recording(since) => portal.local_now().since(since),
        _ => 0,
    };
    Effect::new(move || {
        if elapsed() >= OWN_SOUND_MAX_MS {
            end();
        }
    });
    let choose = move |files: Option<web_sys::FileList>| {
        let Some(file) = files.and_then(|files| files.get(0)) else {
            return;
        };
        error.set(None);
        making.set(Making::Waiting);
        spawn_local(take(file.unchecked_into()));
    };
    let send = move || {
        let Some(bytes) = draft.with_value(|draft| draft.as_ref().map(|draft| draft.bytes.clone())) else {
            return;
        };
        making.set(Making::Sending);
        error.set(None);
        spawn_local(async move {
            let sent = put_sound(name, &bytes).await;
            let locale = i18n.locale_now();
            match sent {
                Ok(()) => {
                    drop_draft();
                    making.try_set(Making::Nothing);
                    let undo = CommandBody::RestoreOwnSound { sound };
                    let had_one = state
                        .try_get_untracked()
                        .is_some_and(|state| state.duration_ms > 0);
                    if had_one {
                        toasts.show_with_undo(text::greeting::kept(locale), undo);
                    } else {
                        toasts.show(ToastKind::Success, text::greeting::kept(locale));
                    }
                }
                Err(why) => {
                    error.try_set(Some(refused(locale, why)));
                    making.try_set(Making::Draft);
                }
            }
        });
    };
    let is = move |wanted: fn(Making) -> bool| derived(move || wanted(making.get()));
    let idle = is(|making| making == Making::Nothing);
    let there = derived(move || idle.get() && state.get().duration_ms > 0);
    let title = match sound {
        OwnSound::Name => text::greeting::name,
        _ => text::greeting::greeting,
    };
    let hint = move || {
        let locale = i18n.locale();
        match (sound, state.get().duration_ms) {
            (OwnSound::Name, 0) => text::greeting::no_name(locale).to_owned(),
            (_, 0) => text::greeting::no_greeting(locale).to_owned(),
            (_, length) => text::greeting::length(locale, format::duration(length)),
        }
    };
    let address = move || format!("/api/voicemail/{name}?v={}", state.get().changed_at.0);
    let file_id = format!("own-{name}-file");
    view! {
        <div class="setting own-sound" role="group" aria-labelledby=format!("own-{name}") data-testid=format!("own-{name}")
            data-length=live(move || state.get().duration_ms.to_string())>
            <h3 id=format!("own-{name}")>{i18n.t(title)}</h3>
            <p class="hint">{live(hint)}</p>
            <Shown when=there>
                <audio controls preload="none" src=live(address) aria-label=i18n.t(title) data-testid="own-listen"></audio>
            </Shown>
            <Shown when=is(|making| matches!(making, Making::Draft | Making::Sending))>
                <audio controls aria-label=i18n.t(text::greeting::draft) data-testid="own-draft"
                    src=draft.with_value(|draft| draft.as_ref().map(|draft| draft.address.clone()))></audio>
                <div class="message-actions">
                    <button type="button" class="button small primary" data-testid="own-save"
                        aria-disabled=barred(move || making.get() == Making::Sending) on:click=move |_| send()>
                        {i18n.t(text::greeting::use_it)}
                    </button>
                    <Button label=text::greeting::discard look=Look::SmallQuiet testid="own-discard" disabled=derived(move || making.get() == Making::Sending)
                        press=Callback::new(move |()| { drop_draft(); making.set(Making::Nothing); }) />
                </div>
            </Shown>
            <Shown when=is(|making| matches!(making, Making::Recording(_)))>
                <div class="message-actions">
                    <button type="button" class="button small primary" data-testid="own-stop" on:click=move |_| end()>
                        {i18n.t(text::greeting::stop)}
                    </button>
                    <span class="setting-value" role="timer">{live(move || format::duration(elapsed()))}</span>
                </div>
            </Shown>
            <Shown when=is(|making| matches!(making, Making::Nothing | Making::Waiting))>
                <div class="message-actions">
                    <Button label=text::greeting::record look=Look::Small testid="own-record" disabled=derived(move || !idle.get())
                        press=Callback::new(move |()| begin()) />
                    <input type="file" id=file_id.clone() class="visually-hidden" accept="audio/*" data-testid="own-file"
                        on:change:target=move |event| { choose(event.target().files()); event.target().set_value(""); } />
                    <label class="button small" for=file_id.clone()>{i18n.t(text::greeting::upload)}</label>
                    <Shown when=there>
                        <Button label=text::message::delete look=Look::SmallQuiet icon="trash" testid="own-remove"
                            press=Callback::new(move |()| { portal.ask(CommandBody::RemoveOwnSound { sound }); }) />
                    </Shown>
                </div>
            </Shown>
            <p class="field-error" role="alert" data-testid="own-error">{live(move || error.get())}</p>
        </div>
    }
}
