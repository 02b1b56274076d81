//! How well a call is heard: in plain words, and on demand in numbers with a graph of the last minutes.

use crate::components::icon::Icon;
use crate::components::later::{Later, Part};
use crate::components::shown::Shown;
use crate::i18n::{I18n, Locale, text};
use crate::live::{derived, live, memo};
use crate::logic::quality::{self, Grade};
use crate::state::Portal;
use leptos::prelude::*;
use ponte_protocol::{
    CallId, CallPhase, CallQuality, CallView, CommandBody, DestinationChoice, LegRole, Quality,
};

/// How many scores the graph goes back; one comes every five seconds at most.
pub const GRAPH: usize = 60;

/// What is known of how a call is heard, for what shows it in numbers.
#[derive(Clone, Copy)]
pub struct Heard {
    pub known: Memo<Option<CallQuality>>,
    /// Scores times ten, the latest last.
    pub scores: RwSignal<Vec<u8>>,
}

fn said(locale: Locale, grade: Grade) -> &'static str {
    match grade {
        Grade::Good => text::quality::good(locale),
        Grade::Fair => text::quality::fair(locale),
        Grade::Poor => text::quality::poor(locale),
    }
}

/// The line, what it opens, and the offer to go on at a telephone where the browser's network is bad.
#[component]
pub fn QualityPanel(call: Memo<Option<CallView>>) -> impl IntoView {
    let i18n = I18n::expect();
    let portal = Portal::expect();
    let Some(id) = call.with_untracked(|call| call.as_ref().map(|call| call.id)) else {
        return ().into_any();
    };
    let known = memo(move || portal.quality(id));
    let talking = move || {
        call.with(|call| {
            matches!(
                call.as_ref().map(|call| call.phase),
                Some(CallPhase::Connected { .. })
            )
        })
    };
    let worst = memo(move || known.with(|known| quality::worst(known.as_ref()?)));
    // What was told since the card is there.
    let scores = RwSignal::new(Vec::<u8>::new());
    Effect::new(move || {
        let score =
            known.with(|known| quality::worst(known.as_ref()?).map(|(_, quality)| quality.mos_tenths));
        if let Some(score) = score {
            scores.update(|scores| {
                scores.push(score);
                if scores.len() > GRAPH {
                    scores.remove(0);
                }
            });
        }
    });
    provide_context(Heard { known, scores });
    let opened = RwSignal::new(false);
    let line = move || {
        let (role, quality) = worst.get().filter(|_| talking())?;
        let locale = i18n.locale();
        let grade = Grade::of(&quality);
        let whose = match (grade, role) {
            (Grade::Good, _) => String::new(),
            (_, LegRole::User) => format!(" · {}", text::leg::user(locale)),
            (_, LegRole::Far) => format!(" · {}", text::quality::far(locale)),
        };
        Some(
            view! {
                <details class="quality" data-testid="quality" data-grade=grade.name()>
                    <summary on:click=move |_| opened.set(true)>
                        <span class="quality-dot" aria-hidden="true"></span>
                        <span>{text::quality::title(locale)} ": " {said(locale, grade)} {whose}</span>
                    </summary>
                    <Shown when=derived(move || opened.get())><Later part=Part::Quality /></Shown>
                </details>
            }
            .into_any(),
        )
    };
    view! {
        {live(line)}
        {live(move || offer(portal, i18n.locale(), id, call.get().as_ref(), worst.get()))}
    }
    .into_any()
}

/// The user speaks in a browser whose network is bad, and has a telephone.
fn offer(
    portal: Portal,
    locale: Locale,
    call: CallId,
    view: Option<&CallView>,
    worst: Option<(LegRole, Quality)>,
) -> Option<AnyView> {
    let (role, quality) = worst?;
    let here = view?.leg(LegRole::User).is_some_and(|leg| leg.browser);
    let asked = Grade::of(&quality) == Grade::Poor && role == LegRole::User && here;
    if !asked || !crate::logic::call::controls(view?, &[]).go {
        return None;
    }
    let saved = portal
        .destinations()
        .get()
        .into_iter()
        .filter(|saved| saved.verified);
    let buttons: Vec<_> = saved
        .map(|saved| {
            let go = move |_| {
                let to = DestinationChoice::Saved {
                    destination: saved.id,
                };
                portal.ask(CommandBody::Move { call, to });
            };
            view! {
                <button type="button" class="button small" data-testid="quality-move" on:click=go>
                    <Icon name="home-phone" />{text::quality::go(locale, &saved.label)}
                </button>
            }
            .into_any()
        })
        .collect();
    (!buttons.is_empty()).then(|| {
        view! {
            <div class="quality-offer" role="status">
                <p>{text::quality::offer(locale)}</p>
                <div class="button-row">{buttons}</div>
            </div>
        }
        .into_any()
    })
}
