//! What can be done with a call: the buttons of its card.

use crate::components::icon::Icon;
use crate::components::shown::Shown;
use crate::i18n::{I18n, Locale, text};
use crate::live::{barred, derived, live, memo};
use crate::logic::call::{self, Accept};
use crate::state::Portal;
use leptos::prelude::*;
use ponte_protocol::{CallPhase, CallView, CommandBody};

/// The buttons that the phase of the call allows.
#[component]
pub fn CallActions(call: Memo<Option<CallView>>, keypad: RwSignal<bool>) -> impl IntoView {
    let i18n = I18n::expect();
    let portal = Portal::expect();
    let Some(id) = call.with_untracked(|call| call.as_ref().map(|call| call.id)) else {
        return ().into_any();
    };
    let actions = memo(move || call.with(|call| call.as_ref().map(call::actions)));
    let phase_is = move |phase: fn(&CallPhase) -> bool| {
        memo(move || call.with(|call| call.as_ref().is_some_and(|call| phase(&call.phase))))
    };
    let connected = phase_is(|phase| matches!(phase, CallPhase::Connected { .. }));
    let muted = memo(move || call.with(|call| call.as_ref().is_some_and(|call| call.muted)));
    let muting = portal.awaits(|body| matches!(body, CommandBody::Mute { .. }));
    let mute = move |_| {
        let muted = !muted.get_untracked();
        portal.ask(CommandBody::Mute { call: id, muted });
    };
    let ending = phase_is(|phase| matches!(phase, CallPhase::Ending));
    let accepting =
        portal.awaits(|body| matches!(body, CommandBody::Accept { .. } | CommandBody::Retrieve { .. }));
    let hanging_up = portal.hanging_up(id);
    let busy = derived(move || hanging_up.get() || ending.get());
    let ask = move |body: CommandBody| {
        Callback::new(move |()| {
            portal.ask(body.clone());
        })
    };
    let reject_words = move || {
        let locale = i18n.locale();
        if portal.has_voicemail() {
            text::call::to_voicemail(locale)
        } else {
            text::call::reject(locale)
        }
    };
    view! {
        <p class="call-hint call-muted" role="status" data-testid="call-muted">
            {live(move || (connected.get() && muted.get()).then(|| text::control::muted(i18n.locale())))}
        </p>
        <div class="button-row call-actions">
            <Shown when=derived(move || connected.get())>
                <button type="button" class="button" data-testid="call-mute" aria-pressed=live(move || muted.get().to_string())
                    aria-disabled=barred(move || muting.get()) on:click=mute>
                    <Icon name="no-audio" />
                    {i18n.t(text::control::mute_me)}
                </button>
                <button
                    type="button" class="button" data-testid="dtmf-open" aria-expanded=live(move || keypad.get().to_string())
                    on:click=move |_| keypad.update(|open| *open = !*open)
                >
                    <Icon name="keypad" />
                    {i18n.t(text::call::keypad)}
                </button>
            </Shown>
            {live(move || {
                let actions = actions.get()?;
                let label = |words: fn(Locale) -> &'static str| Signal::derive(i18n.t(words));
                let accept = ask(match actions.accept {
                    Some(Accept::Return) => CommandBody::Retrieve { call: id },
                    _ => CommandBody::Accept { call: id },
                });
                let take = match actions.accept {
                    Some(Accept::TakeWaiting) => Some(Look {
                        class: "button call",
                        testid: "call-accept",
                        icon: "phone",
                        label: label(text::call::take_waiting),
                    }),
                    Some(Accept::Return) => Some(Look {
                        class: "button call",
                        testid: "call-return",
                        icon: "phone",
                        label: label(text::call::go_back),
                    }),
                    Some(Accept::Confirm) | None => None,
                };
                let reject = actions.reject.then(|| Look {
                    class: "button hang-up",
                    testid: "call-reject",
                    icon: "hang-up",
                    label: Signal::derive(reject_words),
                });
                let hang_up = actions.hang_up.then(|| Look {
                    class: "button hang-up",
                    testid: "call-hangup",
                    icon: "hang-up",
                    label: label(text::call::hang_up),
                });
                Some(
                    [
                        take.map(|look| button(look, accepting.into(), accept)),
                        reject.map(|look| button(look, busy, ask(CommandBody::Reject { call: id }))),
                        hang_up.map(|look| button(look, busy, ask(CommandBody::HangUp { call: id }))),
                    ]
                    .into_iter()
                    .flatten()
                    .collect_view(),
                )
            })}
        </div>
    }
    .into_any()
}

struct Look {
    class: &'static str,
    testid: &'static str,
    icon: &'static str,
    label: Signal<&'static str>,
}

fn button(look: Look, disabled: Signal<bool>, press: Callback<()>) -> AnyView {
    let Look {
        class,
        testid,
        icon,
        label,
    } = look;
    view! {
        <button type="button" class=class data-testid=testid aria-disabled=barred(move || disabled.get()) on:click=move |_| press.run(())>
            <Icon name=icon />
            {live(move || label.get())}
        </button>
    }
    .into_any()
}
