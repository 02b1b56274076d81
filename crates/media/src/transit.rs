//! The way of an endpoint from one media thread to another, so that any two can be bridged.
//!
//! ```text
//!   control ── Arrive ──▶ new thread: commands for the endpoint wait      (told first: an endpoint is never lost)
//!   control ── Depart ──▶ old thread: takes it out of its poll ── Transit ──▶ new thread: takes it in, then the commands
//! ```

use std::sync::Arc;

use crossbeam_queue::ArrayQueue;

use crate::EndpointId;
use crate::endpoint::Endpoint;
use crate::worker::{Command, Link};

/// What the old thread says of the endpoint.
#[derive(Debug)]
pub(crate) enum LaidDown {
    Endpoint(Box<Endpoint>),
    /// It was closed before it could leave.
    Nothing,
}

/// Where the old thread lays the endpoint down. It is used once.
#[derive(Debug)]
pub(crate) struct Transit {
    laid_down: ArrayQueue<LaidDown>,
    to: Arc<Link>,
}

impl Transit {
    pub(crate) fn new(to: Arc<Link>) -> Self {
        Self {
            laid_down: ArrayQueue::new(1),
            to,
        }
    }

    /// Lays the endpoint down, or says that none comes.
    pub(crate) fn lay_down(&self, endpoint: LaidDown) {
        // It is empty: there is one old thread, and it does this once.
        let _ = self.laid_down.push(endpoint);
        if let Err(error) = self.to.waker.wake() {
            tracing::error!(%error, "a media thread cannot be woken");
        }
    }

    pub(crate) fn take(&self) -> Option<LaidDown> {
        self.laid_down.pop()
    }
}

/// An endpoint that a thread waits for.
#[derive(Debug)]
pub(crate) struct Arrival {
    pub(crate) id: EndpointId,
    pub(crate) transit: Arc<Transit>,
    /// What was asked of it meanwhile, in order.
    pub(crate) waiting: Vec<Command>,
}
