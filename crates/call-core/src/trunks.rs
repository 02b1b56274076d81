//! The ways to the telephone network, and how many legs each carries.

use crate::{TrunkConfig, TrunkId};
use std::collections::BTreeMap;

#[derive(Debug)]
struct Trunk {
    config: TrunkConfig,
    up: bool,
}

#[derive(Debug, Default)]
pub(crate) struct Trunks {
    /// In the order in which they are tried.
    list: Vec<Trunk>,
    /// Kept beside the list, because a trunk may be taken out of the configuration while it carries legs.
    legs: BTreeMap<TrunkId, u32>,
}

impl Trunks {
    pub(crate) fn configure(&mut self, configs: Vec<TrunkConfig>) {
        let before = std::mem::take(&mut self.list);
        let was_up = |id: &TrunkId| {
            before
                .iter()
                .find(|trunk| trunk.config.id == *id)
                .is_none_or(|trunk| trunk.up)
        };
        self.list = configs
            .into_iter()
            .map(|config| Trunk {
                up: was_up(&config.id),
                config,
            })
            .collect();
    }

    pub(crate) fn set_up(&mut self, id: &TrunkId, up: bool) {
        if let Some(trunk) = self.list.iter_mut().find(|trunk| trunk.config.id == *id) {
            trunk.up = up;
        }
    }

    fn free(&self, trunk: &Trunk) -> u32 {
        let used = self.legs.get(&trunk.config.id).copied().unwrap_or(0);
        trunk
            .config
            .max_legs
            .map_or(u32::MAX, |max| max.saturating_sub(used))
    }

    pub(crate) fn any_up(&self) -> bool {
        self.list.iter().any(|trunk| trunk.up)
    }

    /// How many more legs all trunks that are up could carry.
    pub(crate) fn capacity(&self) -> u32 {
        self.list
            .iter()
            .filter(|trunk| trunk.up)
            .fold(0, |sum, trunk| sum.saturating_add(self.free(trunk)))
    }

    /// The first trunk that is up, has room, and is not `excluded`.
    pub(crate) fn pick(&self, excluded: impl Fn(&TrunkId) -> bool) -> Option<TrunkId> {
        self.list
            .iter()
            .find(|trunk| trunk.up && self.free(trunk) > 0 && !excluded(&trunk.config.id))
            .map(|trunk| trunk.config.id.clone())
    }

    /// For an emergency call (rule T17), where none is up with room: one that is not `excluded`, whatever is known of it.
    pub(crate) fn pick_any(&self, excluded: impl Fn(&TrunkId) -> bool) -> Option<TrunkId> {
        self.list
            .iter()
            .find(|trunk| !excluded(&trunk.config.id))
            .map(|trunk| trunk.config.id.clone())
    }

    /// Whether the trunk lets the real caller be shown on a redirected call (rule T16).
    pub(crate) fn passes_caller_id(&self, id: &TrunkId) -> bool {
        self.list
            .iter()
            .any(|trunk| trunk.config.id == *id && trunk.config.passes_caller_id)
    }

    pub(crate) fn take(&mut self, id: &TrunkId) {
        *self.legs.entry(id.clone()).or_insert(0) += 1;
    }

    pub(crate) fn release(&mut self, id: &TrunkId) {
        if let Some(used) = self.legs.get_mut(id) {
            *used = used.saturating_sub(1);
            if *used == 0 {
                self.legs.remove(id);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trunk(id: &str, max_legs: Option<u32>) -> TrunkConfig {
        TrunkConfig {
            id: TrunkId(id.to_owned()),
            max_legs,
            passes_caller_id: true,
        }
    }

    #[test]
    fn the_first_trunk_that_is_up_and_has_room_is_picked() {
        let mut trunks = Trunks::default();
        trunks.configure(vec![trunk("a", Some(1)), trunk("b", None)]);
        let a = TrunkId("a".into());
        let b = TrunkId("b".into());
        assert_eq!(trunks.pick(|_| false), Some(a.clone()));
        trunks.take(&a);
        assert_eq!(trunks.pick(|_| false), Some(b.clone()));
        trunks.set_up(&b, false);
        assert_eq!(trunks.pick(|_| false), None);
        assert_eq!((trunks.any_up(), trunks.capacity()), (true, 0));
        trunks.release(&a);
        assert_eq!(trunks.pick(|_| false), Some(a.clone()));
        assert_eq!(trunks.pick(|id| *id == a), None);
    }

    #[test]
    fn a_new_configuration_keeps_state_and_load() {
        let mut trunks = Trunks::default();
        trunks.configure(vec![trunk("a", Some(1)), trunk("b", None)]);
        trunks.set_up(&TrunkId("b".into()), false);
        trunks.take(&TrunkId("a".into()));
        trunks.configure(vec![trunk("b", None), trunk("a", Some(1)), trunk("c", None)]);
        assert_eq!(trunks.pick(|_| false), Some(TrunkId("c".into())));
    }
}
