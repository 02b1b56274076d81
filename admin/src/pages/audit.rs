//! Who changed what.

use super::AUDIT_PAGE;
use crate::components::loaded::Loaded;
use crate::i18n::{I18n, text};
use crate::site::Site;
use crate::words;
use leptos::prelude::*;
use leptos::task::spawn_local;
use ponte_app::browser;
use ponte_app::components::shown::Shown;
use ponte_app::design::Row;
use ponte_app::live::{barred, live};
use ponte_protocol::admin::AuditEntry;

/// The page.
#[component]
pub fn AuditPage() -> impl IntoView {
    let i18n = I18n::expect();
    let site = Site::expect();
    let busy = RwSignal::new(false);
    let more = Signal::derive(move || {
        site.audit
            .with(|part| part.value.as_ref().is_some_and(|audit| audit.more))
    });
    let older = move |_| {
        busy.set(true);
        spawn_local(async move {
            site.older_audit(AUDIT_PAGE).await;
            busy.try_set(false);
        });
    };
    let entries = move || {
        site.audit.with(|part| {
            part.value
                .as_ref()
                .map(|audit| audit.entries.clone())
                .unwrap_or_default()
        })
    };
    view! {
        <section class="card" aria-labelledby="page-title">
            <Loaded part=site.audit empty=|audit| audit.entries.is_empty() words_empty=text::audit::empty />
            <ol class="rows">
                <For each=entries key=|entry| entry.id let:entry><Entry entry /></For>
            </ol>
            <Shown when=more>
                <button type="button" class="button log-more" data-testid="audit-more"
                    aria-disabled=barred(move || busy.get() || !site.connected()) on:click=older>
                    {i18n.t(text::audit::more)}
                </button>
            </Shown>
        </section>
    }
}

#[component]
fn Entry(entry: AuditEntry) -> impl IntoView {
    let i18n = I18n::expect();
    let site = Site::expect();
    let AuditEntry {
        at,
        by,
        action,
        subject,
        fields,
        ..
    } = entry;
    let who = move || match &by {
        Some(user) => site.user_name(user.as_str()),
        None => text::audit::command_line(i18n.locale()).to_owned(),
    };
    let what = move || words::audited(i18n.locale(), &action, &subject);
    let changed = move || {
        let locale = i18n.locale();
        fields
            .iter()
            .map(|field| words::field(locale, field))
            .collect::<Vec<_>>()
            .join(", ")
    };
    view! {
        <Row testid="audit-row"
            name=move || view! { {live(what)} }
            line=move || view! { {live(who)} " · " {live(move || browser::date_time(&i18n.region(), at))} }
            more=move || view! { <p class="hint">{live(changed)}</p> } />
    }
}
