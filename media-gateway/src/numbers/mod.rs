//! How dialled numbers are read: emergency numbers first, then feature codes, the site's own numbers, and at last
//! the national and international plans.

mod rules;

pub use rules::{RuleError, parse_rule, rule_text};

use crate::config::SiteConfig;
use ponte_call_core::Dialled;
use ponte_protocol::DialString;

/// The numbering plan of a site.
#[derive(Clone, Debug)]
pub struct NumberingPlan {}

impl NumberingPlan {
    pub fn new(_site: &SiteConfig) -> Self {
        Self {}
    }

    /// Reads what a person dialled.
    pub fn read(&self, _dialled: &DialString) -> Dialled {
        Dialled::Invalid
    }
}
