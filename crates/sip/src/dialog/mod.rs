//! Dialogs.

use serde::{Deserialize, Serialize};

use crate::types::Flow;

/// A confirmed dialog, as it can be stored and taken back after a crash.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DialogSnapshot {
    pub call_id: String,
    pub local_tag: String,
    pub remote_tag: String,
    /// From/To value of our side, without tag.
    pub local_party: String,
    pub remote_party: String,
    pub remote_target: String,
    pub route_set: Vec<String>,
    pub local_cseq: u32,
    pub remote_cseq: Option<u32>,
    pub contact_user: String,
    pub flow: Flow,
}
