//! Words that stand out of a page.

use leptos::prelude::*;

/// What a notice says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tone {
    /// Something to know.
    #[default]
    Plain,
    /// Something to decide on, said at once to who hears the page.
    Question,
    /// Something went wrong; said at once too.
    Error,
}

impl Tone {
    const fn class(self) -> &'static str {
        match self {
            Self::Plain | Self::Question => "notice stack",
            Self::Error => "notice stack error",
        }
    }

    const fn role(self) -> &'static str {
        match self {
            Self::Plain => "status",
            Self::Question | Self::Error => "alert",
        }
    }
}

/// A notice among the content of a page.
#[component]
pub fn Notice(
    #[prop(optional)] tone: Tone,
    #[prop(optional)] testid: Option<&'static str>,
    children: Children,
) -> impl IntoView {
    view! { <div class=tone.class() role=tone.role() data-testid=testid>{children()}</div> }
}
