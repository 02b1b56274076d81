//! The page of settings.

use crate::components::browser_settings::BrowserSettingsCard;
use crate::components::call_settings::CallSettingsCard;
use crate::components::dial_tokens_card::DialTokensCard;
use crate::components::forwarding_card::ForwardingCard;
use crate::components::own_sounds::OwnSoundsCard;
use crate::components::schedule_card::ScheduleCard;
use crate::components::shown::Shown;
use crate::components::sound_card::SoundCard;
use crate::components::stations_card::StationsCard;
use crate::design::Card;
use crate::i18n::{I18n, text};
use crate::state::Portal;
use leptos::prelude::*;

/// The page.
#[component]
pub fn SettingsPage() -> impl IntoView {
    let i18n = I18n::expect();
    let portal = Portal::expect();
    view! {
        <CallSettingsCard />
        <ForwardingCard />
        <OwnSoundsCard />
        <ScheduleCard />
        <StationsCard />
        <Shown when=portal.browser_allowed()>
            <SoundCard />
        </Shown>
        <BrowserSettingsCard />
        <DialTokensCard />
        <Shown when=portal.is_administrator()>
            <Card id="admin" title=text::page::administration class="card settings">
                <p class="hint">{i18n.t(text::settings::administration_hint)}</p>
                <a class="button" href="/admin/" target="_self" data-testid="settings-admin">
                    {i18n.t(text::settings::administration_open)}
                </a>
            </Card>
        </Shown>
    }
}
