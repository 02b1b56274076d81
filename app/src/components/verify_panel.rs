//! Proving that a number is the user's: a call speaks a code, which is typed here (rule T2).

use crate::components::icon::Icon;
use crate::design::{Button, Field, Look};
use crate::format;
use crate::i18n::{I18n, text};
use crate::live::{barred, live};
use crate::socket::Badge;
use crate::state::Portal;
use crate::state::verification::{Stage, Verification, code_digits};
use crate::words;
use leptos::prelude::*;
use ponte_protocol::CommandBody;
use ponte_protocol::command::VERIFICATION_DIGITS;

/// The panel, for the proof under way.
#[component]
pub fn VerifyPanel() -> impl IntoView {
    let i18n = I18n::expect();
    let portal = Portal::expect();
    let code = RwSignal::new(String::new());
    let proof = portal.verification();
    let stage = move || proof.get().map(|proof| proof.stage);
    let number = move || {
        let destination = proof.get()?.destination;
        portal.destinations().with(|saved| {
            let saved = saved.iter().find(|saved| saved.id == destination)?;
            Some(format::number(saved.number.as_str()))
        })
    };
    let calling = portal.awaits(|body| matches!(body, CommandBody::VerifyDestination { .. }));
    let confirming = portal.awaits(|body| matches!(body, CommandBody::ConfirmDestination { .. }));
    let reachable = move || portal.badge().get() == Badge::Connected;
    let ask = move |body: fn(&Verification, String) -> CommandBody| {
        if let Some(proof) = proof.get_untracked() {
            portal.ask(body(&proof, code.get_untracked()));
        }
    };
    let call = move |_| {
        code.set(String::new());
        ask(|proof, _| CommandBody::VerifyDestination {
            destination: proof.destination,
        });
        crate::browser::focus("verify-code");
    };
    let can_confirm = move || {
        let open = proof.get().is_some_and(|proof| proof.takes_code());
        let whole = code.with(|code| code.len() == VERIFICATION_DIGITS);
        open && whole && reachable() && !confirming.get()
    };
    let confirm = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        if untrack(can_confirm) {
            ask(|proof, code| CommandBody::ConfirmDestination {
                destination: proof.destination,
                code,
            });
            code.set(String::new());
        }
    };
    let called = move || {
        (stage() == Some(Stage::Called))
            .then(|| text::verify::called(i18n.locale(), number().unwrap_or_default()))
    };
    let error = move || {
        let locale = i18n.locale();
        match stage()? {
            Stage::WrongCode { tries_left } => Some(text::refusal::wrong_code(locale, tries_left)),
            Stage::NoCode => Some(text::refusal::no_code(locale).to_owned()),
            Stage::Refused(refusal) => Some(words::refusal(locale, &refusal)),
            Stage::Saving | Stage::Ready | Stage::Called => None,
        }
    };
    view! {
        <form class="stack verify" data-testid="verify" novalidate on:submit=confirm>
            <h3>{live(move || text::verify::title(i18n.locale(), number().unwrap_or_default()))}</h3>
            <p>{i18n.t(text::verify::how)}</p>
            <button type="button" class="button" data-testid="verify-call"
                aria-disabled=barred(move || calling.get() || !reachable()) on:click=call>
                <Icon name="phone" />
                {live(move || {
                    let locale = i18n.locale();
                    if stage() == Some(Stage::Ready) { text::verify::call(locale) } else { text::verify::call_again(locale) }
                })}
            </button>
            <p class="hint" role="status">{live(called)}</p>
            <Field id="verify-code" label=text::verify::code>
                <div class="input-group">
                    <input
                        id="verify-code" class="input number code" data-testid="verify-code" type="text" inputmode="numeric"
                        autocomplete="one-time-code" aria-describedby="verify-error"
                        aria-invalid=live(move || error().is_some().then_some("true"))
                        prop:value=live(move || code.get())
                        on:input:target=move |event| {
                            let digits = code_digits(&event.target().value());
                            event.target().set_value(&digits);
                            code.set(digits);
                        }
                    />
                    <button type="submit" class="button primary" data-testid="verify-confirm" aria-disabled=barred(move || !can_confirm())>
                        {i18n.t(text::verify::confirm)}
                    </button>
                </div>
                <p class="field-error" id="verify-error" data-testid="verify-error" role="alert">{live(error)}</p>
            </Field>
            <Button label=text::verify::later look=Look::Quiet testid="verify-later"
                press=Callback::new(move |()| portal.set_verification(None)) />
        </form>
    }
}
