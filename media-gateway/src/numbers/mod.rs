//! How dialled numbers are read: emergency numbers first, then feature codes, the site's own numbers, and at last
//! the national and international plans.

mod defaults;
mod dids;
mod emergency;
mod explain;
mod plan;
mod rules;

pub use defaults::{default_rules, is_country};
pub use explain::{Verdict, decide, explain};
pub use plan::NumberingPlan;
pub use rules::{RuleError, TimedRule, as_rules, parse_rule, read_rule, rule_text};
