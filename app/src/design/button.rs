//! Something to press.

use super::Icon;
use crate::i18n::{I18n, Locale};
use crate::live::barred;
use leptos::prelude::*;

/// How much a button draws the eye, and what to expect of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Look {
    #[default]
    Plain,
    /// What most will want; one in a group.
    Primary,
    /// Begins a call.
    Call,
    /// Ends or removes something.
    Danger,
    /// Leaves all as it is.
    Quiet,
    /// Beside a line of text.
    Small,
    /// The same, of little weight.
    SmallQuiet,
    /// The one button of a form.
    Submit,
}

impl Look {
    const fn class(self) -> &'static str {
        match self {
            Self::Plain => "button",
            Self::Primary => "button primary",
            Self::Call => "button call",
            Self::Danger => "button danger",
            Self::Quiet => "button quiet",
            Self::Small => "button small",
            Self::SmallQuiet => "button small quiet",
            Self::Submit => "button primary large",
        }
    }
}

/// A button with words, and a pictogram before them where one says more. Of [`Look::Submit`], or with `submit`, it submits its
/// form.
#[component]
pub fn Button(
    label: fn(Locale) -> &'static str,
    #[prop(optional)] look: Look,
    #[prop(optional)] icon: Option<&'static str>,
    #[prop(optional)] testid: Option<&'static str>,
    #[prop(optional, into)] disabled: Signal<bool>,
    #[prop(optional)] submit: bool,
    #[prop(optional)] press: Option<Callback<()>>,
) -> impl IntoView {
    let i18n = I18n::expect();
    let kind = if submit || look == Look::Submit {
        "submit"
    } else {
        "button"
    };
    view! {
        <button type=kind class=look.class() data-testid=testid aria-disabled=barred(move || disabled.get())
            on:click=move |_| if let Some(press) = press { press.run(()) }>
            {icon.map(|name| view! { <Icon name /> })}
            {i18n.t(label)}
        </button>
    }
}
