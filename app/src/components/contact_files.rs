//! Contacts from a file and into a file. A file is shown as what it would bring before anything of it is kept.

use crate::browser;
use crate::i18n::{I18n, Locale, text};
use crate::live::{barred, live};
use crate::socket::Badge;
use crate::state::Portal;
use crate::state::directory::{FileExport, FileImport};
use crate::words;
use leptos::prelude::*;
use leptos::task::spawn_local;
use ponte_protocol::{CommandBody, ContactFormat, ImportPreview, ImportProblem, ImportProblemKind};

/// The most bytes of a file that is opened at all: with photographs, which stay here.
const FILE_MAX: f64 = 64.0 * 1024.0 * 1024.0;

/// The buttons, and what a file holds.
#[component]
pub fn ContactFiles() -> impl IntoView {
    let i18n = I18n::expect();
    let portal = Portal::expect();
    let too_large = RwSignal::new(false);
    let import = portal.import();
    let exported = portal.exported();
    Effect::new(move || {
        if exported.get()
            && let Some(FileExport { format, text, .. }) = portal.take_export()
        {
            let (name, kind) = match format {
                ContactFormat::Csv => ("contacts.csv", "text/csv"),
                _ => ("contacts.vcf", "text/vcard"),
            };
            // Where the browser does not let it, it says so itself.
            let _ = browser::save_file(name, kind, &text);
        }
    });
    let chosen = move |field: &web_sys::Element| {
        let Some(file) = browser::chosen_file(field) else {
            return;
        };
        too_large.set(browser::file_size(&file) > FILE_MAX);
        if too_large.get_untracked() {
            return;
        }
        spawn_local(async move {
            if let Some(text) = browser::file_text(&file).await {
                portal.read_file(&text);
            }
        });
    };
    let offline = move || portal.badge().get() != Badge::Connected;
    let export = move |testid: &'static str, label: fn(Locale) -> &'static str, format| {
        view! {
            <button type="button" class="button small" data-testid=testid aria-disabled=barred(offline)
                on:click=move |_| portal.export_contacts(format)>{i18n.t(label)}</button>
        }
    };
    view! {
        <details class="contact-files" data-testid="contact-files">
            <summary>{i18n.t(text::directory::files)}</summary>
            <div class="stack">
                <label class="field">
                    <span>{i18n.t(text::directory::import)}</span>
                    <input class="input" type="file" accept=".vcf,.csv,text/vcard,text/csv" data-testid="contact-file"
                        disabled=live(offline) on:change:target=move |event| chosen(&event.target()) />
                </label>
                <p class="field-error" role="alert">
                    {live(move || too_large.get().then(|| text::directory::too_large(i18n.locale())))}
                </p>
                <div class="button-row">
                    {export("contact-export-vcard", text::directory::export_vcard, ContactFormat::Vcard)}
                    {export("contact-export-csv", text::directory::export_csv, ContactFormat::Csv)}
                </div>
            </div>
        </details>
        {live(move || import.get().map(|import| view! { <Preview import /> }))}
    }
    .into_any()
}

/// What a file would bring.
#[component]
fn Preview(import: FileImport) -> impl IntoView {
    let i18n = I18n::expect();
    let portal = Portal::expect();
    let adding = portal.awaits(|body| matches!(body, CommandBody::ImportContacts { .. }));
    let FileImport { preview, failed, .. } = import;
    let reading = preview.is_none() && failed.is_none();
    let added = preview.as_ref().map_or(0, |preview| preview.added);
    let sample = preview
        .as_ref()
        .map(|preview| preview.sample.join(", "))
        .unwrap_or_default();
    let problems = preview
        .as_ref()
        .map(|preview| preview.problems.clone())
        .unwrap_or_default();
    let more = preview.as_ref().map_or(0, |preview| {
        u64::from(preview.faults).saturating_sub(preview.problems.len() as u64)
    });
    let summary = move || {
        let locale = i18n.locale();
        match (&preview, &failed) {
            (Some(preview), None) => summary(locale, preview),
            (_, Some(refusal)) => words::refusal(locale, refusal),
            (None, None) => text::directory::reading(locale).to_owned(),
        }
    };
    let problem = move |problem: ImportProblem| {
        let problem = StoredValue::new(problem);
        view! {
            <li data-testid="import-problem">
                {live(move || problem.with_value(|problem| problem_words(i18n.locale(), problem)))}
            </li>
        }
    };
    view! {
        <section class="notice import" aria-labelledby="import-title" data-testid="import-preview">
            <h3 id="import-title">{i18n.t(text::directory::file_holds)}</h3>
            <p role="status" data-testid="import-summary">{live(summary)}</p>
            <p class="hint">{sample}</p>
            <ul class="import-problems">{problems.into_iter().map(problem).collect_view()}</ul>
            {(more > 0).then(|| view! { <p class="hint">{live(move || text::directory::more_problems(i18n.locale(), more))}</p> })}
            <div class="button-row">
                {(added > 0).then(|| view! {
                    <button type="button" class="button primary" data-testid="import-add" aria-disabled=barred(move || adding.get())
                        on:click=move |_| portal.add_import()>
                        {live(move || text::directory::add_them(i18n.locale(), u64::from(added)))}
                    </button>
                })}
                <button type="button" class="button" data-testid="import-cancel" on:click=move |_| portal.drop_import()>
                    {live(move || if reading || added > 0 {
                        text::reach::cancel(i18n.locale())
                    } else {
                        text::shortcuts::close(i18n.locale())
                    })}
                </button>
            </div>
        </section>
    }
    .into_any()
}

fn summary(locale: Locale, preview: &ImportPreview) -> String {
    let mut said = vec![text::directory::would_add(locale, u64::from(preview.added))];
    if preview.known > 0 {
        said.push(text::directory::are_known(locale, u64::from(preview.known)));
    }
    if preview.faults > 0 {
        said.push(text::directory::problems(locale, u64::from(preview.faults)));
    }
    said.join(" ")
}

fn problem_words(locale: Locale, problem: &ImportProblem) -> String {
    let what = match problem.kind {
        ImportProblemKind::Format => return text::directory::bad_format(locale).to_owned(),
        ImportProblemKind::Unreadable => text::directory::bad_entry(locale).to_owned(),
        ImportProblemKind::NoName => text::directory::entry_no_name(locale).to_owned(),
        ImportProblemKind::NoNumber => text::directory::entry_no_number(locale).to_owned(),
        ImportProblemKind::BadNumber => text::directory::bad_number(locale, &problem.text),
        ImportProblemKind::TooManyNumbers => text::directory::too_many_numbers(locale).to_owned(),
        ImportProblemKind::TooLong => text::directory::too_long(locale).to_owned(),
        ImportProblemKind::Full => text::directory::no_room(locale).to_owned(),
        ImportProblemKind::Other => text::directory::other_problem(locale).to_owned(),
    };
    let entry = text::directory::entry(locale, problem.entry);
    if problem.name.is_empty() {
        format!("{entry}: {what}")
    } else {
        format!("{entry}, {}: {what}", problem.name)
    }
}
