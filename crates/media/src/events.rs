//! The way of an event from a plane's threads to the control side.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crossbeam_queue::ArrayQueue;

use crate::MediaEvent;

/// Tries of a thread that may wait, 10 ms each.
const TRIES: usize = 500;

#[derive(Clone)]
pub(crate) struct EventSender {
    pub(crate) queue: Arc<ArrayQueue<MediaEvent>>,
    pub(crate) wake: Arc<dyn Fn() + Send + Sync>,
}

impl fmt::Debug for EventSender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventSender").finish_non_exhaustive()
    }
}

impl EventSender {
    /// Queues an event, and waits for room if there is none. Not for media threads.
    pub(crate) fn send(&self, event: MediaEvent) {
        let mut event = Some(event);
        for _ in 0..TRIES {
            let Some(waiting) = event.take() else { break };
            match self.queue.push(waiting) {
                Ok(()) => {}
                Err(back) => {
                    event = Some(back);
                    std::thread::sleep(Duration::from_millis(10));
                }
            }
        }
        if event.is_some() {
            tracing::error!("an event was lost: nobody takes them");
        }
        (self.wake)();
    }
}
