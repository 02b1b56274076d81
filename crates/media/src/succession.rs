//! One endpoint takes the place of another in a bridge, and whoever is at its other side hears no gap.
//!
//! ```text
//!   asked          the first audio of N               E is closed
//!   E ══ F ──▶ N   E ◀── F ══ N                       F ══ N
//! ```
//!
//! Until then F hears E, and N hears F already; afterwards E listens on. The numbering towards F goes on as at any change of
//! its source ([`crate::outgoing`]). An endpoint that is closed or taken elsewhere meanwhile leaves the others bridged.

use std::time::Instant;

use slab::Slab;

use crate::Codec;
use crate::endpoint::Endpoint;
use crate::outgoing::{Header, Incoming};
use crate::stats::Counters;

/// More than 60 ms of audio with its header; a longer packet is heard by the partner alone.
const LONGEST: usize = 512;

/// `new` is to take the place of `of`. `false`: that has no partner.
pub(crate) fn announce(endpoints: &mut Slab<Endpoint>, new: usize, of: usize) -> bool {
    let Some(far) = endpoints[of].partner else {
        return false;
    };
    listen(endpoints, new, far);
    endpoints[new].succeeds = Some(of);
    true
}

/// `new` takes the place that was announced.
pub(crate) fn succeed(endpoints: &mut Slab<Endpoint>, new: usize) {
    let Some(of) = endpoints.get_mut(new).and_then(|new| new.succeeds.take()) else {
        return;
    };
    let Some(far) = endpoints.get_mut(of).and_then(|of| of.partner.take()) else {
        return;
    };
    endpoints[new].listens_to = None;
    endpoints[new].partner = Some(far);
    endpoints[far].partner = Some(new);
    endpoints[far].out.cut();
    listen(endpoints, of, far);
}

/// Whatever this endpoint has to do with a succession is settled: the new one has its place, nobody listens on.
pub(crate) fn settle(endpoints: &mut Slab<Endpoint>, slot: usize) {
    let far = endpoints[slot].listens_to.or(endpoints[slot].partner);
    for other in [Some(slot), far].into_iter().flatten() {
        if let Some(listener) = endpoints.get(other).and_then(|endpoint| endpoint.listener) {
            succeed(endpoints, listener);
        }
        let Some(listener) = endpoints
            .get_mut(other)
            .and_then(|endpoint| endpoint.listener.take())
        else {
            continue;
        };
        if let Some(listener) = endpoints.get_mut(listener) {
            listener.listens_to = None;
            listener.out.cut();
        }
    }
}

fn listen(endpoints: &mut Slab<Endpoint>, slot: usize, to: usize) {
    endpoints[to].listener = Some(slot);
    endpoints[slot].listens_to = Some(to);
}

/// The listener hears what the partner hears.
pub(crate) fn overhear(
    endpoints: &mut Slab<Endpoint>,
    listener: usize,
    codec: Codec,
    incoming: Incoming,
    payload: &[u8],
    now: Instant,
    counters: &mut Counters,
) {
    let mut packet = [0; LONGEST];
    let length = Header::LEN + payload.len();
    let (Some(packet), Some(listener)) = (packet.get_mut(..length), endpoints.get_mut(listener)) else {
        return;
    };
    packet[Header::LEN..].copy_from_slice(payload);
    listener.relay_audio(codec, incoming, packet, now, counters);
}
