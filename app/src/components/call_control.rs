//! What can be done with a call that is up: hold it, give it away, park it, join it with another.

use crate::components::icon::Icon;
use crate::components::move_panel::{MovePlace, MoveState, Moving};
use crate::components::shown::Shown;
use crate::design::{Button, Look};
use crate::i18n::{I18n, text};
use crate::live::{barred, derived, live, memo};
use crate::logic::call::{self, Controls};
use crate::logic::dial::Entry;
use crate::state::Portal;
use crate::state::toasts::{ToastKind, Toasts};
use crate::words;
use leptos::prelude::*;
use ponte_protocol::{CallId, CallView, CommandBody, Extension, TransferTarget};

/// The buttons, and the field that asks to whom the call is given.
#[component]
pub fn CallControl(call: Memo<Option<CallView>>) -> impl IntoView {
    let i18n = I18n::expect();
    let portal = Portal::expect();
    let Some(id) = call.with_untracked(|call| call.as_ref().map(|call| call.id)) else {
        return ().into_any();
    };
    let controls = memo(move || {
        portal
            .call_views()
            .with(|all| call.with(|call| call.as_ref().map(|call| call::controls(call, all))))
            .unwrap_or_default()
    });
    let giving = RwSignal::new(false);
    let going = RwSignal::new(false);
    Effect::new(move || {
        if !controls.get().give {
            giving.set(false);
        }
        if !controls.get().go {
            going.set(false);
        }
    });
    let locked = portal.awaits(|body| {
        matches!(
            body,
            CommandBody::Hold { .. }
                | CommandBody::Transfer { .. }
                | CommandBody::TransferTo { .. }
                | CommandBody::Merge { .. }
                | CommandBody::Move { .. }
                | CommandBody::Park { .. }
        )
    });
    let wanted = move |choose: fn(&Controls) -> bool| derived(move || choose(&controls.get()));
    let partner = move || controls.get().partner;
    let partner_name = move || {
        let locale = i18n.locale();
        partner()
            .and_then(|id| portal.call_now(id))
            .map(|call| words::far_party(locale, &call))
            .unwrap_or_default()
    };
    let recorded =
        memo(move || call.with(|call| call.as_ref().is_some_and(|call| call.recorded_since.is_some())));
    // Also where nobody here has ended it: the box is full, the right is gone, the parties were parted.
    let toasts: Toasts = expect_context();
    Effect::new(move |before: Option<bool>| {
        let recorded = recorded.get();
        if before == Some(true) && !recorded && call.with_untracked(Option::is_some) {
            toasts.show(ToastKind::Info, text::control::record_over(i18n.locale_now()));
        }
        recorded
    });
    let may_record = derived(move || {
        let allowed = || {
            portal
                .profile()
                .with(|profile| profile.as_ref().is_some_and(|profile| profile.recording_allowed))
        };
        recorded.get() || call.with(|call| call.as_ref().is_some_and(call::may_be_recorded)) && allowed()
    });
    let ask = move |body: CommandBody| {
        portal.ask(body);
    };
    let ask_with = move |body: fn(CallId, CallId) -> CommandBody| {
        if let Some(with) = controls.get_untracked().partner {
            ask(body(id, with));
        }
    };
    view! {
        <div class="button-row call-control" role="group" aria-label=i18n.t(text::control::title)>
            <Shown when=wanted(|controls| controls.hold)>
                <Button label=text::control::hold look=Look::Small icon="pause" testid="call-hold" disabled=locked
                    press=Callback::new(move |()| ask(CommandBody::Hold { call: id })) />
            </Shown>
            <Shown when=wanted(|controls| controls.give)>
                <button type="button" class="button small" data-testid="call-give" aria-expanded=live(move || giving.get().to_string())
                    on:click=move |_| giving.update(|open| *open = !*open)>
                    <Icon name="outgoing" />
                    {i18n.t(text::control::give)}
                </button>
                <Button label=text::control::park look=Look::Small testid="call-park" disabled=locked
                    press=Callback::new(move |()| ask(CommandBody::Park { call: id })) />
            </Shown>
            <Shown when=may_record>
                <button type="button" class="button small" data-testid="call-record"
                    on:click=move |_| ask(CommandBody::Record { call: id, on: !recorded.get_untracked() })>
                    {live(move || {
                        let locale = i18n.locale();
                        if recorded.get() { text::control::record_stop(locale) } else { text::control::record(locale) }
                    })}
                </button>
            </Shown>
            <Shown when=wanted(|controls| controls.go)>
                <button type="button" class="button small" data-testid="call-move" aria-expanded=live(move || going.get().to_string())
                    on:click=move |_| going.update(|open| *open = !*open)>
                    <Icon name="home-phone" />
                    {i18n.t(text::control::move_to)}
                </button>
            </Shown>
            <Shown when=wanted(|controls| controls.partner.is_some())>
                <button type="button" class="button small" data-testid="call-connect" aria-disabled=barred(move || locked.get())
                    on:click=move |_| ask_with(|call, with| CommandBody::TransferTo { call, with })>
                    {live(move || text::control::connect(i18n.locale(), partner_name()))}
                </button>
                <button type="button" class="button small" data-testid="call-merge" aria-disabled=barred(move || locked.get())
                    on:click=move |_| ask_with(|call, with| CommandBody::Merge { call, with })>
                    {live(move || text::control::merge(i18n.locale(), partner_name()))}
                </button>
            </Shown>
        </div>
        <p class="recorded" role="status" data-testid="call-recorded">
            {live(move || recorded.get().then(|| text::control::recorded(i18n.locale())))}
        </p>
        <Shown when=derived(move || giving.get())>
            <GiveForm call=id locked />
        </Shown>
        <Shown when=derived(move || going.get())>
            <MovePlace moving=Moving { call, id, locked } />
        </Shown>
        <MoveState call id />
    }
    .into_any()
}

/// To whom the call is given, without asking them first.
#[component]
fn GiveForm(call: CallId, locked: Memo<bool>) -> impl IntoView {
    let i18n = I18n::expect();
    let portal = Portal::expect();
    let typed = RwSignal::new(String::new());
    let field: NodeRef<leptos::html::Input> = NodeRef::new();
    field.on_load(|field| {
        let _ = field.focus();
    });
    let entry = portal.reads(typed);
    let extension = move || typed.with(|typed| typed.trim().parse::<Extension>().ok());
    let error = move || match entry.get() {
        Entry::Invalid(error) => Some(words::number_error(i18n.locale(), error)),
        Entry::Emergency(_) => Some(text::control::no_emergency(i18n.locale()).to_owned()),
        Entry::Empty | Entry::Number(_) => None,
    };
    let give = move || {
        if let Entry::Number(number) = entry.get_untracked() {
            let to = TransferTarget::Number { number };
            portal.ask(CommandBody::Transfer { call, to });
        }
    };
    let to_voicemail = move |_| {
        if let Some(extension) = extension() {
            let to = TransferTarget::Voicemail { extension };
            portal.ask(CommandBody::Transfer { call, to });
        }
    };
    let can_give = move || matches!(entry.get(), Entry::Number(_)) && !locked.get();
    view! {
        <form class="give" novalidate on:submit=move |event| { event.prevent_default(); give(); }>
            <label class="field">
                <span>{i18n.t(text::control::give_to)}</span>
                <input class="input number" data-testid="give-number" type="tel" inputmode="tel" autocomplete="off" node_ref=field
                    aria-describedby="give-hint" aria-invalid=live(move || error().is_some().then_some("true"))
                    prop:value=live(move || typed.get())
                    on:input:target=move |event| typed.set(event.target().value()) />
            </label>
            <p id="give-hint" class="hint" aria-live="polite">
                {live(move || error().unwrap_or_else(|| text::control::give_hint(i18n.locale()).to_owned()))}
            </p>
            <div class="button-row">
                <button type="submit" class="button primary" data-testid="give-submit" aria-disabled=barred(move || !can_give())>
                    {i18n.t(text::control::give_now)}
                </button>
                <button type="button" class="button" data-testid="give-voicemail"
                    aria-disabled=barred(move || locked.get() || extension().is_none()) on:click=to_voicemail>
                    {i18n.t(text::control::give_voicemail)}
                </button>
            </div>
        </form>
    }
}
