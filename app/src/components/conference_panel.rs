//! Who is in a conference, and what its host can do.

use crate::components::icon::Icon;
use crate::components::later::{Later, Part};
use crate::components::shown::Shown;
use crate::design::{Button, Look};
use crate::i18n::{I18n, text};
use crate::live::{derived, live, memo};
use crate::state::Portal;
use crate::words;
use leptos::prelude::*;
use ponte_protocol::{CallId, CallView, CommandBody, ConferenceView, MemberView};

/// The conference that a call is in, for what shows its members.
#[derive(Clone, Copy)]
struct Conference(Memo<Option<ConferenceView>>);

/// The conference that the call is in, which is loaded later; nothing for a call that is in none.
#[component]
pub fn ConferencePlace(call: Memo<Option<CallView>>) -> impl IntoView {
    let conference = memo(move || call.with(|call| call.as_ref().and_then(|call| call.conference.clone())));
    provide_context(Conference(conference));
    view! {
        <Shown when=derived(move || conference.with(Option::is_some))>
            <Later part=Part::Conference />
        </Shown>
    }
}

/// The members of the conference which is the context's.
#[component]
pub fn ConferencePanel() -> impl IntoView {
    let i18n = I18n::expect();
    let portal = Portal::expect();
    let Conference(conference) = expect_context();
    live(move || {
        let ConferenceView { id, members, host } = conference.get()?;
        let muted = members.iter().any(|member| !member.muted);
        let mute_all = if muted {
            text::control::mute_all
        } else {
            text::control::unmute_all
        };
        let rows = members
            .into_iter()
            .map(|member| view! { <Member member /> })
            .collect_view();
        Some(
            view! {
                <section class="conference" data-testid="conference" aria-label=i18n.t(text::control::conference)>
                    <h3>{i18n.t(text::control::conference)}</h3>
                    {(!host).then(|| view! { <p class="hint">{i18n.t(text::control::without_you)}</p> })}
                    <ul class="members">{rows}</ul>
                    <div class="button-row">
                        <Button label=mute_all look=Look::Small testid="conference-mute"
                            press=Callback::new(move |()| { portal.ask(CommandBody::MuteMembers { call: id, muted }); }) />
                        <Button label=text::control::leave look=Look::Small testid="conference-leave"
                            press=Callback::new(move |()| { portal.ask(CommandBody::LeaveConference { call: id }); }) />
                        <button type="button" class="button small hang-up" data-testid="conference-end"
                            on:click=move |_| { portal.ask(CommandBody::EndConference { call: id }); }>
                            {i18n.t(text::control::end)}
                        </button>
                    </div>
                </section>
            }
            .into_any(),
        )
    })
}

#[component]
fn Member(member: MemberView) -> impl IntoView {
    let i18n = I18n::expect();
    let portal = Portal::expect();
    let MemberView {
        call,
        number,
        name,
        muted,
    } = member;
    let name = name.unwrap_or_else(|| words::caller(i18n.locale_now(), &number));
    let label = name.clone();
    let drop_label = name.clone();
    let ask = move |body: fn(CallId, bool) -> CommandBody| {
        portal.ask(body(call, !muted));
    };
    view! {
        <li class="member" data-testid="member" data-muted=muted.to_string()>
            <span class="member-name">{name}</span>
            <button type="button" class="button icon-only small" data-testid="member-mute" aria-pressed=muted.to_string()
                aria-label=live(move || text::control::mute(i18n.locale(), &label))
                on:click=move |_| ask(|call, muted| CommandBody::MuteMember { call, muted })>
                <Icon name="no-audio" />
            </button>
            <button type="button" class="button icon-only small" data-testid="member-drop"
                aria-label=live(move || text::control::drop(i18n.locale(), &drop_label))
                on:click=move |_| ask(|call, _| CommandBody::HangUp { call })>
                <Icon name="hang-up" />
            </button>
        </li>
    }
}
