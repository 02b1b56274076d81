//! Which of the site's numbers reach which extension.

use crate::store::DidRow;
use ponte_call_core::TrunkId;
use ponte_protocol::{E164, Extension};
use std::collections::HashMap;

#[derive(Clone, Debug)]
struct Did {
    extension: Extension,
    trunk: Option<TrunkId>,
}

/// The numbers that reach an extension.
#[derive(Clone, Debug, Default)]
pub(super) struct Dids(HashMap<E164, Did>);

impl Dids {
    /// Of two rows for one number the later holds.
    pub(super) fn new(rows: &[DidRow]) -> Self {
        let did = |row: &DidRow| {
            let did = Did {
                extension: row.extension.clone(),
                trunk: row.trunk.clone(),
            };
            (row.number.clone(), did)
        };
        Self(rows.iter().map(did).collect())
    }

    pub(super) fn contains(&self, number: &E164) -> bool {
        self.0.contains_key(number)
    }

    /// What the number reaches; for a call that comes in on a trunk, only if the number may come in there.
    pub(super) fn extension(&self, number: &E164, trunk: Option<&TrunkId>) -> Option<Extension> {
        let did = self.0.get(number)?;
        let elsewhere = trunk.is_some_and(|trunk| did.trunk.as_ref().is_some_and(|only| only != trunk));
        (!elsewhere).then(|| did.extension.clone())
    }
}
