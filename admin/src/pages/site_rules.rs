//! The rules of the whole site, in a dialog; everything else that holds for the site stays as it is.

use crate::components::rules_editor::{RulesDraft, RulesEditor};
use crate::i18n::{I18n, text};
use crate::logic::form::{read_rules, rule_texts};
use crate::site::{List, Site};
use leptos::prelude::*;
use ponte_app::design::{Button, Dialog, Look};
use ponte_protocol::admin::{AdminChange, Problem, SiteSettings};

/// The editor. `settings`: as they were when it was opened.
#[component]
pub fn SiteRulesEditor(settings: SiteSettings, close: Callback<()>) -> impl IntoView {
    let i18n = I18n::expect();
    let site = Site::expect();
    let rules = RulesDraft::new(rule_texts(&settings.rules));
    let problems = RwSignal::new(Vec::<Problem>::new());
    let submit = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        let mut found = Vec::new();
        let read = read_rules(&rules.read(), &mut found);
        let ready = found.is_empty();
        problems.set(found);
        if ready {
            let settings = Box::new(SiteSettings {
                rules: read,
                ..settings.clone()
            });
            let done = text::group::site_saved(i18n.locale_now()).to_owned();
            site.carry_out(AdminChange::PutSite { settings }, vec![List::Groups], done);
            close.run(());
        }
    };
    let title = Signal::derive(move || text::group::site(i18n.locale()).to_owned());
    view! {
        <Dialog testid="site-rules-editor" title close>
            <form class="admin-form" novalidate on:submit=submit>
                <RulesEditor rules problems />
                <div class="button-row">
                    <button type="submit" class="button primary" data-testid="site-rules-save">{i18n.t(text::action::save)}</button>
                    <Button label=text::action::cancel look=Look::Quiet
                        press=Callback::new(move |()| close.run(())) />
                </div>
            </form>
        </Dialog>
    }
}
