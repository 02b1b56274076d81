//! The rtc threads, seen from the control side.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use crossbeam_queue::{ArrayQueue, SegQueue};

use super::line::{Doorbell, Line};
use super::listen;
use super::negotiate::{Addresses, Negotiator};
use super::worker::{Command, Doors, Link, NewSession, Worker};
use super::{WebRtcConfig, WebRtcError};
use crate::events::EventSender;
use crate::poller::Poller;
use crate::stats::SharedCounters;
use crate::{EndpointId, MediaError, StatsSnapshot};

/// Lines that may ring at once on one thread: more than it can carry.
const DOORBELL: usize = 4_096;
/// Commands that may wait for one thread.
const COMMANDS: usize = 1_024;

/// See the module's documentation.
#[derive(Debug)]
pub(crate) struct Browsers {
    negotiator: Negotiator,
    threads: Vec<Thread>,
    lines: Mutex<HashMap<EndpointId, Known>>,
}

#[derive(Debug)]
struct Thread {
    link: Arc<Link>,
    addresses: Addresses,
    handle: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Known {
    line: Arc<Line>,
    thread: usize,
    answered: bool,
}

impl Browsers {
    pub(crate) fn start(
        config: &WebRtcConfig,
        events: &EventSender,
        preferred: bool,
    ) -> Result<Self, MediaError> {
        let mut browsers = Self {
            negotiator: Negotiator::new(config.dtx)?,
            threads: Vec::new(),
            lines: Mutex::default(),
        };
        for index in 0..config.threads.max(1) {
            let listeners = listen::open(config, index)?;
            let entrances = listen::open_tcp(config, index)?;
            let addresses = Addresses {
                udp: listeners.iter().map(|listener| listener.advertised).collect(),
                tcp: entrances.iter().map(|entrance| entrance.advertised).collect(),
            };
            let (poller, waker) = Poller::new().map_err(MediaError::Start)?;
            let link = Arc::new(Link {
                commands: ArrayQueue::new(COMMANDS),
                late_closes: SegQueue::new(),
                doorbell: Arc::new(Doorbell {
                    rung: ArrayQueue::new(DOORBELL),
                    waker,
                }),
                counters: SharedCounters::default(),
                shutdown: AtomicBool::new(false),
            });
            let doors = Doors { listeners, entrances };
            let worker = Worker::new(poller, link.clone(), doors, events.clone(), preferred)
                .map_err(MediaError::Start)?;
            let handle = std::thread::Builder::new()
                .name(format!("ponte-rtc-{index}"))
                .spawn(move || worker.run())
                .map_err(MediaError::Start)?;
            browsers.threads.push(Thread {
                link,
                addresses,
                handle: Some(handle),
            });
        }
        Ok(browsers)
    }

    /// The addresses that browsers are told, of every thread.
    pub(crate) fn addresses(&self) -> Vec<SocketAddr> {
        let all = self.threads.iter().flat_map(|thread| &thread.addresses.udp);
        all.copied().collect()
    }

    /// The same for TCP.
    pub(crate) fn tcp_addresses(&self) -> Vec<SocketAddr> {
        let all = self.threads.iter().flat_map(|thread| &thread.addresses.tcp);
        all.copied().collect()
    }

    /// A line for a new endpoint.
    pub(crate) fn line(&self, id: EndpointId) -> Result<Arc<Line>, MediaError> {
        let mut lines = self.lines();
        let mut load = vec![0usize; self.threads.len()];
        for known in lines.values() {
            load[known.thread] += 1;
        }
        let thread = (0..load.len()).min_by_key(|&index| load[index]).unwrap_or(0);
        let line = Line::new(id, self.threads[thread].link.doorbell.clone()).map_err(MediaError::Start)?;
        let line = Arc::new(line);
        let known = Known {
            line: line.clone(),
            thread,
            answered: false,
        };
        lines.insert(id, known);
        Ok(line)
    }

    /// See [`MediaPlane::answer_browser`](crate::MediaPlane::answer_browser).
    pub(crate) fn answer(&self, id: EndpointId, offer: &str) -> Result<Option<String>, WebRtcError> {
        let mut lines = self.lines();
        let known = lines.get_mut(&id).ok_or(WebRtcError::NoSession)?;
        let thread = &self.threads[known.thread];
        if known.answered {
            return thread.send(Command::Restart(id, offer.into())).map(|()| None);
        }
        let mut negotiated = self.negotiator.answer(offer, &thread.addresses)?;
        let answer = std::mem::take(&mut negotiated.answer);
        let new = NewSession {
            id,
            line: known.line.clone(),
            negotiated,
        };
        thread.send(Command::Start(Box::new(new)))?;
        known.answered = true;
        Ok(Some(answer))
    }

    /// Ends the session of an endpoint, if it is a browser's.
    pub(crate) fn close(&self, id: EndpointId) {
        let Some(known) = self.lines().remove(&id) else {
            return;
        };
        let thread = &self.threads[known.thread];
        if thread.send(Command::Close(id)).is_err() {
            thread.link.late_closes.push(id);
        }
    }

    pub(crate) fn add_to(&self, total: &mut StatsSnapshot) {
        for thread in &self.threads {
            thread.link.counters.add_to(total);
        }
    }

    fn lines(&self) -> MutexGuard<'_, HashMap<EndpointId, Known>> {
        // A panic while it was held cannot have left the map half changed.
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Thread {
    fn send(&self, command: Command) -> Result<(), WebRtcError> {
        let queued = self.link.commands.push(command).is_ok();
        self.wake();
        if queued {
            Ok(())
        } else {
            Err(WebRtcError::Overloaded)
        }
    }

    fn wake(&self) {
        if let Err(error) = self.link.doorbell.waker.wake() {
            tracing::error!(%error, "an rtc thread cannot be woken");
        }
    }
}

impl Drop for Browsers {
    fn drop(&mut self) {
        for thread in &self.threads {
            thread.link.shutdown.store(true, Ordering::Release);
            thread.wake();
        }
        for thread in &mut self.threads {
            if let Some(handle) = thread.handle.take()
                && handle.join().is_err()
            {
                tracing::error!("an rtc thread had panicked");
            }
        }
    }
}
