//! Many users at once, out of a list: every line is checked by the gateway before anything is changed.

use crate::i18n::{I18n, text};
use crate::logic::preview::{self, Line};
use crate::site::{Fault, List, Site};
use crate::words;
use leptos::prelude::*;
use leptos::task::spawn_local;
use ponte_app::components::shown::Shown;
use ponte_app::design::{Field, Row, Tag};
use ponte_app::live::live;
use ponte_protocol::admin::{AdminChange, UserSettings};
use wasm_bindgen_futures::JsFuture;

/// How far an import is.
#[derive(Clone, PartialEq)]
enum Stage {
    Nothing,
    Unreadable,
    TooLarge,
    Checking {
        done: usize,
        of: usize,
    },
    Checked(Vec<Line>),
    /// The gateway could not say whether the lines can be taken.
    Unchecked(Fault),
    Importing {
        done: usize,
        of: usize,
    },
    Done {
        done: usize,
        fault: Option<(u64, Fault)>,
    },
}

/// The page.
#[component]
pub fn ImportPage() -> impl IntoView {
    let i18n = I18n::expect();
    let site = Site::expect();
    let stage = RwSignal::new(Stage::Nothing);
    let busy = move || matches!(stage.get(), Stage::Checking { .. } | Stage::Importing { .. });
    let choose = move |event: leptos::ev::Targeted<leptos::ev::Event, web_sys::HtmlInputElement>| {
        let Some(file) = event.target().files().and_then(|files| files.get(0)) else {
            return;
        };
        spawn_local(async move {
            if file.size() > ponte_roster::FILE_MAX as f64 {
                return stage.set(Stage::TooLarge);
            }
            let text = JsFuture::from(file.text()).await.ok();
            // What is no UTF-8 the browser reads as this mark.
            match text.and_then(|text| text.as_string()) {
                Some(text) if !text.contains('\u{fffd}') => check(site, stage, &text).await,
                _ => stage.set(Stage::Unreadable),
            }
        });
    };
    let bad = move || match stage.get() {
        Stage::Checked(lines) => lines.iter().filter(|line| line.settings.is_err()).count(),
        _ => 0,
    };
    let ready = Signal::derive(move || {
        matches!(stage.get(), Stage::Checked(lines) if !lines.is_empty()) && bad() == 0
    });
    let carry_out = move |_| {
        if let Stage::Checked(lines) = stage.get_untracked() {
            let settings: Vec<(u64, UserSettings)> = lines
                .into_iter()
                .filter_map(|line| line.settings.ok().map(|settings| (line.number, settings)))
                .collect();
            spawn_local(async move { put(site, stage, settings).await });
        }
    };
    let said = move || {
        let locale = i18n.locale();
        match stage.get() {
            Stage::Nothing => String::new(),
            Stage::Unreadable => text::import::unreadable(locale).to_owned(),
            Stage::TooLarge => text::import::too_large(locale).to_owned(),
            Stage::Unchecked(fault) => words::fault(locale, &fault),
            Stage::Checking { done, of } => text::import::checking(locale, done, of),
            Stage::Importing { done, of } => text::import::importing(locale, done, of),
            Stage::Checked(lines) if lines.is_empty() => text::import::empty(locale).to_owned(),
            Stage::Checked(lines) if bad() == 0 => text::import::good(locale, lines.len() as u64),
            Stage::Checked(_) => text::import::bad(locale, bad() as u64),
            Stage::Done { done, fault: None } => text::import::done(locale, done as u64),
            Stage::Done {
                done,
                fault: Some((line, fault)),
            } => text::import::stopped(locale, done, line, words::fault(locale, &fault)),
        }
    };
    let lines = move || match stage.get() {
        Stage::Checked(lines) => lines,
        _ => Vec::new(),
    };
    view! {
        <section class="card settings" aria-labelledby="page-title">
            <p>{i18n.t(text::import::how)}</p>
            <p class="hint">{i18n.t(text::import::columns)} " " <code class="columns">{ponte_roster::COLUMNS.join(", ")}</code></p>
            <Field id="import-file" label=text::import::file>
                <input id="import-file" class="input" type="file" accept=".csv,text/csv,text/plain" data-testid="import-file"
                    disabled=live(busy) on:change:target=choose />
            </Field>
            <p role="status" data-testid="import-said">{live(said)}</p>
            <Shown when=ready>
                <button type="button" class="button primary" data-testid="import-go" on:click=carry_out>
                    {i18n.t(text::import::go)}
                </button>
            </Shown>
            <ol class="rows">
                {live(move || lines().into_iter().map(|line| view! { <LineRow line /> }).collect_view())}
            </ol>
        </section>
    }
}

/// Reads the file and lets the gateway check each line that reads well.
async fn check(site: Site, stage: RwSignal<Stage>, text: &str) {
    stage.try_set(Stage::Checking { done: 0, of: 0 });
    // A user who is not known would be taken for a new one.
    let known: Vec<UserSettings> = match site.users_now().await {
        Ok(users) => users.into_iter().map(|user| user.settings).collect(),
        Err(fault) => {
            stage.try_set(Stage::Unchecked(fault));
            return;
        }
    };
    let mut lines = preview::read(text, &known);
    let of = lines.len();
    for (done, line) in lines.iter_mut().enumerate() {
        if stage.try_set(Stage::Checking { done, of }).is_some() {
            // The page has gone.
            return;
        }
        let Ok(settings) = &line.settings else { continue };
        let change = AdminChange::PutUser {
            settings: Box::new(settings.clone()),
            dry_run: true,
        };
        match site.change(change).await {
            Ok(_) => {}
            Err(Fault::Invalid(problems)) => line.settings = Err(problems),
            Err(fault) => {
                stage.try_set(Stage::Unchecked(fault));
                return;
            }
        }
    }
    stage.try_set(Stage::Checked(lines));
}

/// Takes line after line, and stops at the first that is not taken.
async fn put(site: Site, stage: RwSignal<Stage>, settings: Vec<(u64, UserSettings)>) {
    let of = settings.len();
    for (done, (line, settings)) in settings.into_iter().enumerate() {
        stage.try_set(Stage::Importing { done, of });
        let change = AdminChange::PutUser {
            settings: Box::new(settings),
            dry_run: false,
        };
        if let Err(fault) = site.change(change).await {
            stage.try_set(Stage::Done {
                done,
                fault: Some((line, fault)),
            });
            return site.refresh(&[List::Users]);
        }
    }
    stage.try_set(Stage::Done {
        done: of,
        fault: None,
    });
    site.refresh(&[List::Users]);
}

#[component]
fn LineRow(line: Line) -> impl IntoView {
    let i18n = I18n::expect();
    let good = line.settings.is_ok();
    let shown = match &line.settings {
        Ok(settings) => format!("{} · {}", settings.display_name, settings.extension.as_str()),
        Err(_) => line.excerpt,
    };
    let problems = line.settings.err().unwrap_or_default();
    view! {
        <Row testid="import-line" attr:data-good=good.to_string()
            name=move || view! { {live(move || text::import::line(i18n.locale(), line.number))} }
            line=move || view! { {shown} }
            more=move || view! { <p class="field-error">{live(move || words::problems(i18n.locale(), &problems))}</p> }
        >
            <div class="row-tags">
                <Tag on=good>{live(move || {
                    let locale = i18n.locale();
                    if good { text::import::line_good(locale) } else { text::import::line_bad(locale) }
                })}</Tag>
            </div>
        </Row>
    }
}
