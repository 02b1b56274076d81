//! How well a call is heard: in plain words, and on demand in numbers with a graph of the last minutes.

use crate::components::icon::Icon;
use crate::i18n::{I18n, Locale, text};
use crate::live::{live, memo};
use crate::logic::quality::{self, Grade, MOS_MAX, MOS_MIN};
use crate::state::Portal;
use leptos::prelude::*;
use ponte_protocol::{
    CallId, CallPhase, CallQuality, CallView, CommandBody, DestinationChoice, LegQuality, LegRole, Quality,
};

/// How many scores the graph goes back; one comes every five seconds at most.
const GRAPH: usize = 60;

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
                    <summary>
                        <span class="quality-dot" aria-hidden="true"></span>
                        <span>{text::quality::title(locale)} ": " {said(locale, grade)} {whose}</span>
                    </summary>
                    {live(move || numbers(i18n.locale(), known.get()))}
                    {live(move || scores.with(|scores| graph(i18n.locale(), scores)))}
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

/// What the gateway measured, leg by leg and way by way.
fn numbers(locale: Locale, known: Option<CallQuality>) -> AnyView {
    let row = |name: String, quality: Quality| {
        let loss = format!(
            "{}.{} %",
            quality.loss_per_mille / 10,
            quality.loss_per_mille % 10
        );
        let score = format!("{}.{}", quality.mos_tenths / 10, quality.mos_tenths % 10);
        view! {
            <tr>
                <th scope="row">{name}</th>
                <td>{loss}</td>
                <td>{format!("{} ms", quality.jitter_ms)}</td>
                <td>{score}</td>
            </tr>
        }
        .into_any()
    };
    let of_leg = |leg: LegQuality| {
        let whose = match leg.role {
            LegRole::User => text::leg::user(locale),
            LegRole::Far => text::quality::far(locale),
        };
        let from = leg
            .from_telephone
            .map(|quality| row(text::quality::spoken(locale, whose), quality));
        let to = leg
            .to_telephone
            .map(|quality| row(text::quality::heard(locale, whose), quality));
        [from, to]
    };
    let rows = known
        .into_iter()
        .flat_map(|known| known.legs)
        .flat_map(of_leg)
        .flatten();
    view! {
        <table class="quality-numbers" data-testid="quality-numbers">
            <thead>
                <tr>
                    <th scope="col">{text::quality::way(locale)}</th>
                    <th scope="col">{text::quality::loss(locale)}</th>
                    <th scope="col">{text::quality::jitter(locale)}</th>
                    <th scope="col">{text::quality::mos(locale)}</th>
                </tr>
            </thead>
            <tbody>{rows.collect_view()}</tbody>
        </table>
    }
    .into_any()
}

/// The worst score over time.
fn graph(locale: Locale, scores: &[u8]) -> Option<AnyView> {
    let (points, last) = (quality::points(scores, GRAPH), scores.last()?);
    let label = text::quality::graph(locale, format!("{}.{}", last / 10, last % 10));
    Some(
        view! {
            <svg class="quality-graph" viewBox=format!("0 0 {GRAPH} {}", MOS_MAX - MOS_MIN) preserveAspectRatio="none"
                role="img" aria-label=label>
                <polyline points=points />
            </svg>
        }
        .into_any(),
    )
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
