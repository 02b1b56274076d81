//! What is now: the trunks, and who works elsewhere.

use crate::components::loaded::Loaded;
use crate::i18n::{I18n, text};
use crate::site::{List, Site};
use leptos::prelude::*;
use ponte_app::browser;
use ponte_app::browser::listen::every;
use ponte_app::design::{Card, Row, Tag};
use ponte_app::live::live;
use ponte_app::words;
use ponte_protocol::Mode;
use ponte_protocol::admin::{TrunkOverview, UserOverview};

/// How often it is asked for again, in milliseconds.
const EVERY_MS: u64 = 5_000;

/// The page.
#[component]
pub fn NowPage() -> impl IntoView {
    let i18n = I18n::expect();
    let site = Site::expect();
    every(EVERY_MS, move || {
        if site.connected() && browser::is_visible() {
            site.refresh(&[List::Users, List::Trunks]);
        }
    });
    let away = Memo::new(move |_| {
        site.users.with(|users| {
            let users = users.value.iter().flatten();
            users
                .filter(|user| matches!(user.mode, Mode::Telecommuting { .. }))
                .cloned()
                .collect::<Vec<_>>()
        })
    });
    let nobody = move || {
        let told = site.users.with(|users| users.value.is_some());
        (told && away.with(Vec::is_empty))
            .then(|| view! { <p class="empty" role="status">{i18n.t(text::now::nobody)}</p> })
    };
    view! {
        <Card id="trunks" title=text::now::trunks>
            <Loaded part=site.trunks empty=Vec::is_empty words_empty=text::now::no_trunks />
            <ul class="rows">
                {live(move || site.trunks.with(|trunks| trunks.value.clone().unwrap_or_default()).into_iter()
                    .map(|trunk| view! { <TrunkRow trunk /> }).collect_view())}
            </ul>
        </Card>
        <Card id="away" title=text::now::telecommuting>
            {live(nobody)}
            <ul class="rows">
                {live(move || away.get().into_iter().map(|user| view! { <AwayRow user /> }).collect_view())}
            </ul>
        </Card>
    }
}

#[component]
fn TrunkRow(trunk: TrunkOverview) -> impl IntoView {
    let i18n = I18n::expect();
    let TrunkOverview {
        name,
        up,
        since,
        legs,
        max_legs,
    } = trunk;
    let line = move || {
        let locale = i18n.locale();
        let since = text::now::since(locale, browser::date_time(&i18n.region(), since));
        let legs = match max_legs {
            Some(most) => text::now::legs_of(locale, legs, most),
            None => text::now::legs(locale, legs),
        };
        format!("{since} · {legs}")
    };
    view! {
        <Row testid="trunk-row" attr:data-up=up.to_string()
            name=move || view! { {name} }
            line=move || view! { {live(line)} }
        >
            <div class="row-tags">
                <Tag on=up>{live(move || {
                    let locale = i18n.locale();
                    if up { text::now::up(locale) } else { text::now::down(locale) }
                })}</Tag>
            </div>
        </Row>
    }
}

#[component]
fn AwayRow(user: UserOverview) -> impl IntoView {
    let i18n = I18n::expect();
    let on_call = user.presence.on_call;
    let mode = user.mode;
    let line = move || match &mode {
        Mode::Telecommuting {
            destination, since, ..
        } => {
            let locale = i18n.locale();
            let to = words::destination(locale, destination);
            let since = text::now::since(locale, browser::date_time(&i18n.region(), *since));
            format!("→ {to} · {since}")
        }
        Mode::Office | Mode::Unknown => String::new(),
    };
    view! {
        <Row testid="away-row"
            name=move || view! { {user.settings.display_name} " · " {user.settings.extension.as_str().to_owned()} }
            line=move || view! { {live(line)} }
        >
            <div class="row-tags">
                {on_call.then(|| view! { <Tag on=true>{i18n.t(text::now::on_call)}</Tag> })}
            </div>
        </Row>
    }
}
