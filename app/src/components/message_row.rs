//! One voicemail message: who, when, how long, and the recording itself.

use crate::browser;
use crate::components::dial_pad::call_again;
use crate::components::icon::Icon;
use crate::components::player::{Player, address};
use crate::components::shown::Shown;
use crate::design::{Button, Look};
use crate::format;
use crate::i18n::{I18n, text};
use crate::live::{derived, live, memo};
use crate::logic::voicemail::{self, WAVE_HEIGHT};
use crate::state::{Address, Portal};
use crate::words;
use leptos::html;
use leptos::prelude::*;
use ponte_protocol::{CommandBody, MessageId, VoiceMessage};

/// The message, as long as it is there.
#[component]
pub fn MessageRow(id: MessageId) -> impl IntoView {
    let i18n = I18n::expect();
    let portal = Portal::expect();
    let message = memo(move || {
        portal
            .messages()
            .with(|messages| messages.iter().find(|message| message.id == id).cloned())
    });
    let field = move |read: fn(&VoiceMessage) -> bool| {
        memo(move || message.with(|message| message.as_ref().is_some_and(read)))
    };
    let heard = field(|message| message.heard);
    let deleted = field(|message| message.deleted_until.is_some());
    let recording = field(|message| message.call.is_some());
    let caller = memo(move || {
        let locale = i18n.locale();
        let message = message.get()?;
        let number = words::caller(locale, &message.number);
        Some(match message.name {
            Some(name) => (name, number),
            None => (number, String::new()),
        })
    });
    let when = move || {
        let at = message.get()?.received_at;
        let region = i18n.region();
        let time = browser::clock_time(&region, at);
        Some(
            match browser::local_day(browser::now()) - browser::local_day(at) {
                0 => time,
                1 => format!("{}, {time}", text::log::yesterday(i18n.locale())),
                _ => format!("{}, {time}", browser::long_day(&region, at)),
            },
        )
    };
    let row: NodeRef<html::Li> = NodeRef::new();
    // A link of the log leads to its message.
    let address = Address::expect();
    let is_target = move || address.fragment() == id.to_string();
    row.on_load(move |row| {
        if untrack(is_target) {
            browser::bring_into_view(&row);
        }
    });
    view! {
        <li class="message" node_ref=row data-testid="message" data-heard=live(move || heard.get().to_string())
            data-target=live(move || is_target().to_string())>
            <div class="message-head">
                <p class="message-who">
                    <Shown when=derived(move || !heard.get() && !deleted.get())>
                        <span class="message-new" aria-hidden="true"></span>
                        <span class="visually-hidden">{i18n.t(text::message::unheard)} ": "</span>
                    </Shown>
                    {live(move || recording.get().then(|| format!("{}: ", text::message::recording(i18n.locale()))))}
                    {live(move || caller.get().map(|(name, _)| name))}
                </p>
                <p class="message-number">{live(move || caller.get().map(|(_, number)| number))}</p>
                <time class="message-time">{live(when)}</time>
            </div>
            <Show when=move || !deleted.get() fallback=move || view! { <Restore id message /> }>
                <Recording id message heard />
                <Actions id message heard />
            </Show>
        </li>
    }
}

#[component]
fn Restore(id: MessageId, message: Memo<Option<VoiceMessage>>) -> impl IntoView {
    let i18n = I18n::expect();
    let portal = Portal::expect();
    let until = move || {
        let at = message.get()?.deleted_until?;
        Some(text::message::deleted_until(
            i18n.locale(),
            browser::clock_time(&i18n.region(), at),
        ))
    };
    view! {
        <div class="message-actions">
            <p class="hint">{live(until)}</p>
            <Button label=text::message::restore look=Look::Small testid="message-restore"
                press=Callback::new(move |()| { portal.ask(CommandBody::RestoreMessage { message: id }); }) />
        </div>
    }
}

/// Play, pause, and a waveform to go to any place by click or key.
#[component]
fn Recording(id: MessageId, message: Memo<Option<VoiceMessage>>, heard: Memo<bool>) -> impl IntoView {
    let i18n = I18n::expect();
    let portal = Portal::expect();
    let player = Player::expect();
    let length = move || message.with(|message| message.as_ref().map_or(0, |message| message.duration_ms));
    let wave = memo(move || {
        let wave = message.get().map(|message| message.waveform).unwrap_or_default();
        if wave.is_empty() { vec![0; 60] } else { wave }
    });
    let silent = memo(move || message.with(|message| message.as_ref().is_some_and(voicemail::says_nothing)));
    let played = move || {
        wave.with(|wave| {
            let share = voicemail::played(wave.len(), player.position_ms(id), length());
            voicemail::bars(&wave[..share])
        })
    };
    let place = move || {
        let (position, length) = (player.position_ms(id), length());
        format!("{} / {}", format::duration(position), format::duration(length))
    };
    let action = move || {
        let locale = i18n.locale();
        if player.plays(id) {
            text::message::pause(locale)
        } else {
            text::message::play(locale)
        }
    };
    view! {
        <div class="message-player">
            <button type="button" class="button icon-only" data-testid="message-play" aria-label=live(action) title=live(action)
                on:click=move |_| player.toggle(portal, id, !heard.get_untracked())>
                {live(move || view! { <Icon name=if player.plays(id) { "pause" } else { "play" } /> })}
            </button>
            <div class="wave">
                <svg viewBox=live(move || format!("0 0 {} {WAVE_HEIGHT}", wave.with(Vec::len))) preserveAspectRatio="none"
                    aria-hidden="true" focusable="false">
                    <path class="wave-all" d=live(move || wave.with(|wave| voicemail::bars(wave))) />
                    <path class="wave-played" d=live(played) />
                </svg>
                {live(move || silent.get().then(|| view! {
                    <span class="wave-silent">{i18n.t(text::message::nothing)}</span>
                }))}
                <input
                    type="range" class="wave-seek" data-testid="message-seek" min="0" max=live(length) step="1000"
                    aria-label=i18n.t(text::message::position) aria-valuetext=live(place)
                    prop:value=live(move || player.position_ms(id).to_string())
                    on:input:target=move |event| {
                        if let Ok(to) = event.target().value().parse() {
                            player.seek(id, to);
                        }
                    }
                />
            </div>
            <span class="message-place" data-testid="message-place">{live(place)}</span>
        </div>
        <p class="field-error" role="alert" data-testid="message-error">
            {live(move || player.failed(id).then(|| text::message::failed(i18n.locale())))}
        </p>
    }
}

#[component]
fn Actions(id: MessageId, message: Memo<Option<VoiceMessage>>, heard: Memo<bool>) -> impl IntoView {
    let i18n = I18n::expect();
    let portal = Portal::expect();
    let number = message.with_untracked(|message| message.as_ref().map(|message| message.number.clone()));
    let number = number.filter(|number| !number.is_empty());
    let file = number
        .as_deref()
        .unwrap_or("voicemail")
        .trim_start_matches('+')
        .to_owned();
    view! {
        <div class="message-actions">
            {number.map(|number| view! {
                <Button label=text::message::call_back look=Look::SmallQuiet icon="phone" testid="message-call"
                    press=Callback::new(move |()| call_again(portal, &number)) />
            })}
            <a class="button small quiet" data-testid="message-download" href=address(id)
                download=format!("{file}.wav")>
                <Icon name="download" />{i18n.t(text::message::download)}
            </a>
            <button type="button" class="button small quiet" data-testid="message-mark"
                on:click=move |_| {
                    portal.ask(CommandBody::MarkMessage { message: id, heard: !heard.get_untracked() });
                }>
                <Icon name="check" />
                {live(move || {
                    let locale = i18n.locale();
                    if heard.get() { text::message::mark_unheard(locale) } else { text::message::mark_heard(locale) }
                })}
            </button>
            <Button label=text::message::delete look=Look::SmallQuiet icon="trash" testid="message-delete"
                press=Callback::new(move |()| { portal.ask(CommandBody::DeleteMessage { message: id }); }) />
        </div>
    }
}
