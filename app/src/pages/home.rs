//! The page of calls: how the user is reached, the dial pad, the calls that are up and the log.

use crate::components::alerts_offer::AlertsOffer;
use crate::components::call_log::CallLogCard;
use crate::components::calls_now::CallsNow;
use crate::components::desk_used_card::DeskUsedCard;
use crate::components::dial_pad::DialPad;
use crate::components::in_turn::InTurn;
use crate::components::profile_card::ProfileCard;
use crate::components::reach_card::ReachCard;
use crate::i18n::{I18n, text};
use leptos::prelude::*;

/// The page.
#[component]
pub fn Home() -> impl IntoView {
    let i18n = I18n::expect();
    view! {
        <main class="home">
            <h1 class="visually-hidden" id="page-title" tabindex="-1">{i18n.t(text::home::title)}</h1>
            <div class="column calls-column"><CallsNow /></div>
            <div class="column side-column">
                <DeskUsedCard />
                <ReachCard />
                <DialPad />
                <ProfileCard />
                <AlertsOffer />
            </div>
            <div class="column log-column"><InTurn><CallLogCard /></InTurn></div>
        </main>
    }
}
