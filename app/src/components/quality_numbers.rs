//! How well a call is heard in numbers, with a graph of the last minutes.

use crate::components::quality_panel::{GRAPH, Heard};
use crate::i18n::{I18n, Locale, text};
use crate::live::live;
use crate::logic::quality::{self, MOS_MAX, MOS_MIN};
use leptos::prelude::*;
use ponte_protocol::{CallQuality, LegQuality, LegRole, Quality};

/// Numbers and graph of the call whose [`Heard`] is the context's.
#[component]
pub fn QualityNumbers() -> impl IntoView {
    let i18n = I18n::expect();
    let Heard { known, scores } = expect_context();
    view! {
        {live(move || numbers(i18n.locale(), known.get()))}
        {live(move || scores.with(|scores| graph(i18n.locale(), scores)))}
    }
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
