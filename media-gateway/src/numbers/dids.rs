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
pub(super) struct Dids(HashMap<E164, Vec<Did>>);

impl Dids {
    /// Of the rows that hold for one trunk the latest decides; a row without trunk holds for all of them.
    pub(super) fn new(rows: &[DidRow]) -> Self {
        let mut dids: HashMap<E164, Vec<Did>> = HashMap::new();
        for row in rows {
            let did = Did {
                extension: row.extension.clone(),
                trunk: row.trunk.clone(),
            };
            dids.entry(row.number.clone()).or_default().push(did);
        }
        Self(dids)
    }

    pub(super) fn contains(&self, number: &E164) -> bool {
        self.0.contains_key(number)
    }

    /// What the number reaches; for a call that comes in on a trunk, only if the number may come in there.
    pub(super) fn extension(&self, number: &E164, trunk: Option<&TrunkId>) -> Option<Extension> {
        let may_come_in = |did: &&Did| trunk.is_none() || did.trunk.is_none() || did.trunk.as_ref() == trunk;
        let did = self.0.get(number)?.iter().rev().find(may_come_in)?;
        Some(did.extension.clone())
    }
}
