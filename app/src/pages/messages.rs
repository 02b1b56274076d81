//! The page of voicemail.

use crate::components::message_row::MessageRow;
use crate::components::player::{Player, PlayerAudio, SPEEDS};
use crate::components::shown::Shown;
use crate::design::Empty;
use crate::format;
use crate::i18n::{I18n, text};
use crate::live::{barred, derived, live, memo};
use crate::logic::voicemail;
use crate::socket::Badge;
use crate::state::Portal;
use leptos::prelude::*;
use ponte_protocol::CommandBody;

/// How many messages a further page asks for.
const PAGE: u16 = 50;

/// The page.
#[component]
pub fn MessagesPage() -> impl IntoView {
    let i18n = I18n::expect();
    let portal = Portal::expect();
    let player = Player::provide();
    let order = memo(move || {
        let begun = player.begun();
        portal
            .messages()
            .with(|messages| voicemail::order(messages, &begun))
    });
    let bin = memo(move || order.with(|(_, bin)| bin.clone()));
    let loading = portal.awaits(|body| matches!(body, CommandBody::FetchMessages { .. }));
    let empty = move || {
        let locale = i18n.locale();
        let voicemail = portal
            .profile()
            .with(|profile| profile.as_ref().is_none_or(|profile| profile.voicemail_allowed));
        match order.with(|(inbox, _)| inbox.is_empty()) {
            false => None,
            true if voicemail => Some(text::message::empty(locale)),
            true => Some(text::settings::voicemail_missing(locale)),
        }
    };
    let quota = move || {
        text::message::quota_left(
            i18n.locale(),
            format::duration(u64::from(portal.quota_left_s().get()) * 1_000),
        )
    };
    view! {
        <section class="card messages" aria-labelledby="page-title">
            <div class="messages-head">
                <p class="hint" data-testid="quota">{live(quota)}</p>
                <label class="speed">
                    <span>{i18n.t(text::message::speed)}</span>
                    <select class="input" data-testid="message-speed"
                        on:change:target=move |event| player.set_speed(&event.target().value())>
                        {SPEEDS.map(|(speed, _)| view! { <option value=speed>{speed} "×"</option> }).collect_view()}
                    </select>
                </label>
            </div>
            <Empty words=Signal::derive(empty) />
            <ul class="message-list">
                <For each=move || order.with(|(inbox, _)| inbox.clone()) key=|id| *id let:id>
                    <MessageRow id />
                </For>
            </ul>
            <Shown when=derived(move || portal.more_messages().get())>
                <button
                    type="button" class="button log-more" data-testid="messages-more"
                    aria-disabled=barred(move || loading.get() || portal.badge().get() != Badge::Connected)
                    on:click=move |_| {
                        portal.ask(CommandBody::FetchMessages { before: portal.oldest_message(), limit: PAGE });
                    }
                >
                    {i18n.t(text::message::more)}
                </button>
            </Shown>
            <Shown when=derived(move || !bin.with(Vec::is_empty))>
                <details class="bin" data-testid="bin">
                    <summary>{live(move || text::message::bin(i18n.locale(), bin.with(Vec::len)))}</summary>
                    <ul class="message-list">
                        <For each=move || bin.get() key=|id| *id let:id>
                            <MessageRow id />
                        </For>
                    </ul>
                </details>
            </Shown>
        </section>
        <PlayerAudio />
    }
}
