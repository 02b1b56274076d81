//! The parts of the design system in all their states, light and dark (docs/adr/0035): `/admin/#gallery`.
//!
//! For those who build pages, so its words are in English alone.

use leptos::prelude::*;
use ponte_app::components::switches::ThemeSwitch;
use ponte_app::design::{
    Button, Card, Dialog, Empty, Field, Icon, Look, Meter, Notice, Paged, Pages, Row, Switch, Tag, Tone,
    Unfold,
};
use ponte_app::i18n::Locale;
use ponte_app::logic::paging::{PAGE, Page};

type Words = fn(Locale) -> &'static str;

const LOOKS: [(Look, Words); 7] = [
    (Look::Plain, |_| "Plain"),
    (Look::Primary, |_| "Primary"),
    (Look::Call, |_| "Call"),
    (Look::Danger, |_| "Danger"),
    (Look::Quiet, |_| "Quiet"),
    (Look::Small, |_| "Small"),
    (Look::SmallQuiet, |_| "Small and quiet"),
];

const COLOURS: [&str; 18] = [
    "paper",
    "surface",
    "surface-sunk",
    "surface-raised",
    "line",
    "line-strong",
    "ink",
    "ink-soft",
    "accent",
    "accent-strong",
    "accent-wash",
    "go",
    "go-strong",
    "go-wash",
    "stop",
    "stop-wash",
    "warn",
    "warn-wash",
];

const ICONS: [&str; 12] = [
    "phone",
    "hang-up",
    "keypad",
    "pause",
    "play",
    "voicemail",
    "desk-phone",
    "home-phone",
    "bell",
    "check",
    "info",
    "trash",
];

/// What differs between the two halves of the page, whose elements must have names of their own.
#[derive(Clone, Copy)]
struct Half {
    theme: &'static str,
    title: &'static str,
    id: &'static str,
    /// Of a field that is right, and of one that is not.
    fields: [&'static str; 3],
    switches: [&'static str; 3],
    card: &'static str,
    card_title: Words,
    dialog: &'static str,
    paged: &'static str,
}

macro_rules! half {
    ($theme:literal, $title:literal, $card:literal) => {
        Half {
            theme: $theme,
            title: $title,
            id: $theme,
            fields: [
                concat!($theme, "-name"),
                concat!($theme, "-number"),
                concat!($theme, "-choice"),
            ],
            switches: [
                concat!($theme, "-on"),
                concat!($theme, "-off"),
                concat!($theme, "-barred"),
            ],
            card: concat!($theme, "-card"),
            card_title: |_| $card,
            dialog: concat!($theme, "-dialog"),
            paged: concat!($theme, "-paged"),
        }
    };
}

const LIGHT: Half = half!("light", "Light", "A card by day");
const DARK: Half = half!("dark", "Dark", "A card by night");

/// The page. It needs nobody who is signed in.
#[component]
pub fn GalleryPage() -> impl IntoView {
    view! {
        <main class="gallery" lang="en" data-testid="gallery">
            <header class="gallery-head">
                <h1>"The parts of Ponte’s pages"</h1>
                <ThemeSwitch />
            </header>
            <p class="hint">
                "Each part is a component of ponte_app::design; colours, sizes and times are the tokens of tokens.css."
            </p>
            <div class="gallery-halves">
                <Specimens half=LIGHT />
                <Specimens half=DARK />
            </div>
        </main>
    }
}

#[component]
fn Specimens(half: Half) -> impl IntoView {
    view! {
        <section class="gallery-half" data-theme=half.theme aria-labelledby=half.id>
            <h2 id=half.id>{half.title}</h2>
            <Colours />
            <h3>"Icon"</h3>
            <div class="button-row">{ICONS.map(|name| view! { <Icon name /> }).into_iter().collect_view()}</div>
            <Buttons />
            <Fields half />
            <Switches half />
            <h3>"Card"</h3>
            <Card id=half.card title=half.card_title class="card settings">
                <p>"A part of a page, with a title of its own."</p>
                <p class="hint">"What explains is smaller."</p>
            </Card>
            <Notices />
            <Lists half />
            <Dialogs half />
        </section>
    }
}

#[component]
fn Colours() -> impl IntoView {
    let swatch = |name: &'static str| {
        view! {
            <li class="swatch">
                <span class="swatch-colour" style:background-color=format!("var(--{name})")></span>
                {name}
            </li>
        }
    };
    view! {
        <h3>"Colours"</h3>
        <ul class="swatches">{COLOURS.map(swatch).into_iter().collect_view()}</ul>
    }
}

#[component]
fn Buttons() -> impl IntoView {
    view! {
        <h3>"Button"</h3>
        <div class="button-row">
            {LOOKS.map(|(look, label)| view! { <Button label look /> }).into_iter().collect_view()}
        </div>
        <p class="hint">"With a pictogram; and while it cannot be pressed."</p>
        <div class="button-row">
            <Button label=|_| "Call" look=Look::Call icon="phone" />
            {LOOKS.map(|(look, label)| view! { <Button label look disabled=true /> }).into_iter().collect_view()}
        </div>
    }
}

#[component]
fn Fields(half: Half) -> impl IntoView {
    let [name, number, choice] = half.fields;
    let wrong = Signal::stored(Some("This is no telephone number.".to_owned()));
    view! {
        <h3>"Field"</h3>
        <div class="stack">
            <Field id=name label=|_| "Name" hint=|_| "As others see it.">
                <input id=name class="input" type="text" autocomplete="off" value="Anna Bianchi"
                    aria-describedby=format!("{name}-hint") />
            </Field>
            <Field id=number label=|_| "Number" error=wrong>
                <input id=number class="input number" type="tel" autocomplete="off" value="0212x" aria-invalid="true"
                    aria-describedby=format!("{number}-error") />
            </Field>
            <Field id=choice label=|_| "Telephone">
                <select id=choice class="input"><option>"Home"</option><option>"Mobile"</option></select>
            </Field>
        </div>
    }
}

#[component]
fn Switches(half: Half) -> impl IntoView {
    let [on, off, barred] = half.switches;
    let (first, second) = (RwSignal::new(true), RwSignal::new(false));
    let never = Signal::stored(false);
    view! {
        <h3>"Switch"</h3>
        <div class="stack">
            <Switch testid=on label=|_| "On" hint=Signal::stored("What it does while it is on.") on=first.into()
                disabled=never ask=Callback::new(move |wanted| first.set(wanted)) />
            <Switch testid=off label=|_| "Off" hint=Signal::stored("What it would do.") on=second.into()
                disabled=never ask=Callback::new(move |wanted| second.set(wanted)) />
            <Switch testid=barred label=|_| "Not allowed" hint=Signal::stored("Why it cannot be switched.") on=never
                disabled=Signal::stored(true) ask=Callback::new(|_| ()) />
        </div>
    }
}

#[component]
fn Notices() -> impl IntoView {
    view! {
        <h3>"Notice"</h3>
        <div class="stack">
            <Notice>"Something to know."</Notice>
            <Notice tone=Tone::Question>
                <p>"Something to decide on: it will log Marco off."</p>
                <div class="button-row">
                    <Button label=|_| "Log on" look=Look::Primary />
                    <Button label=|_| "Cancel" look=Look::Quiet />
                </div>
            </Notice>
            <Notice tone=Tone::Error>"Something went wrong."</Notice>
        </div>
        <h3>"Meter"</h3>
        <div class="stack">
            {[0.0, 0.4, 1.0].map(|level| view! { <Meter label=|_| "Level" level=Signal::stored(level) /> }).into_iter().collect_view()}
        </div>
    }
}

#[component]
fn Lists(half: Half) -> impl IntoView {
    let from = RwSignal::new(0);
    let page = move || Page::at(from.get(), 4 * PAGE + 12);
    let pages = Pages::new(page, move |to| from.set(to));
    view! {
        <h3>"Row and Tag"</h3>
        <ul class="rows">
            <Row testid="specimen" name=|| "Anna Bianchi" line=|| "201 · anna">
                <div class="row-tags"><Tag>"Sales"</Tag> <Tag on=true>"Online"</Tag> <Tag on=false>"Not proven"</Tag></div>
                <div class="row-actions"><Button label=|_| "Change" look=Look::Small /></div>
            </Row>
            <Row testid="specimen" name=|| "A row of its name alone" />
        </ul>
        <h3>"Unfold"</h3>
        <ul class="rows">
            <Unfold testid="specimen" open_testid="specimen-unfold" name="Nadia Neri" line="Studio Neri · Mobile · 333 123 4567"
                more=|| view! { <p class="hint">"What else there is to say."</p> }>
                <Button label=|_| "Call" look=Look::Small icon="phone" />
            </Unfold>
        </ul>
        <h3>"Paged"</h3>
        <div class="specimen-paged">
            <Paged id=half.paged pages>
                <p class="hint">"The rows of the page stand here."</p>
            </Paged>
        </div>
        <h3>"Empty"</h3>
        <Empty words=Signal::stored(Some("Nothing to list yet.")) />
    }
}

#[component]
fn Dialogs(half: Half) -> impl IntoView {
    let open = RwSignal::new(false);
    let close = Callback::new(move |()| open.set(false));
    view! {
        <h3>"Dialog"</h3>
        <div class="button-row">
            <Button label=|_| "Open" testid="specimen-open" press=Callback::new(move |()| open.set(true)) />
        </div>
        <Show when=move || open.get()>
            <Dialog testid=half.dialog title=Signal::stored("Remove Anna Bianchi?".to_owned()) close>
                <p>"The number stops working at once."</p>
                <div class="button-row">
                    <Button label=|_| "Cancel" press=close />
                    <Button label=|_| "Remove" look=Look::Danger press=close />
                </div>
            </Dialog>
        </Show>
    }
}
