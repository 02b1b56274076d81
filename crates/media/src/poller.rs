//! Waits for sockets, level-triggered.
//!
//! Each packet of a call comes alone: one read takes it, and a level-triggered epoll needs no second one that finds
//! nothing. `mio` is edge-triggered only, so that each packet costs that second read: a tenth of the CPU time of a
//! relay, as `examples/relay_bench.rs` measured it.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::time::{Duration, Instant};

use rustix::buffer::spare_capacity;
use rustix::event::{EventfdFlags, Timespec, epoll, eventfd};

/// Stands for the waker.
const WAKER: u64 = u64::MAX;
/// Sockets told in one round.
const ROUND: usize = 1024;

#[derive(Debug)]
pub(crate) struct Poller {
    epoll: OwnedFd,
    waker: OwnedFd,
}

/// The sockets of one round.
pub(crate) struct Ready(Vec<epoll::Event>);

impl Ready {
    pub(crate) fn new() -> Self {
        Self(Vec::with_capacity(ROUND))
    }

    /// The tokens of the sockets that have something to read.
    pub(crate) fn tokens(&self) -> impl Iterator<Item = u64> {
        self.0
            .iter()
            .map(|event| event.data.u64())
            .filter(|&token| token != WAKER)
    }
}

/// Ends a wait from another thread.
#[derive(Debug)]
pub(crate) struct Waker(OwnedFd);

impl Waker {
    pub(crate) fn wake(&self) -> io::Result<()> {
        match rustix::io::write(&self.0, &1u64.to_ne_bytes()) {
            // A counter that is full wakes all the same.
            Ok(_) | Err(rustix::io::Errno::AGAIN) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

/// Where sockets are put under watch, apart from the sockets that are ready now.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Registry<'a>(&'a OwnedFd);

impl Registry<'_> {
    /// Watches a socket until it is closed.
    pub(crate) fn watch(self, socket: impl AsFd, token: u64) -> io::Result<()> {
        let data = epoll::EventData::new_u64(token);
        Ok(epoll::add(self.0, socket, data, epoll::EventFlags::IN)?)
    }

    /// Watches a socket no longer.
    pub(crate) fn forget(self, socket: impl AsFd) {
        if let Err(error) = epoll::delete(self.0, socket) {
            tracing::debug!(%error, "a socket was not watched");
        }
    }
}

impl Poller {
    pub(crate) fn new() -> io::Result<(Self, Waker)> {
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        let waker = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
        let poller = Self { epoll, waker };
        poller.registry().watch(&poller.waker, WAKER)?;
        let waker = Waker(poller.waker.try_clone()?);
        Ok((poller, waker))
    }

    pub(crate) fn registry(&self) -> Registry<'_> {
        Registry(&self.epoll)
    }

    /// Waits for a socket, the waker or the time, and fills `ready`.
    pub(crate) fn wait(&self, ready: &mut Ready, until: Option<Instant>, now: Instant) -> io::Result<()> {
        ready.0.clear();
        let timeout = until.map(|until| {
            let left = until.saturating_duration_since(now).min(Duration::from_hours(1));
            Timespec {
                tv_sec: left.as_secs().cast_signed(),
                tv_nsec: left.subsec_nanos().into(),
            }
        });
        match epoll::wait(&self.epoll, spare_capacity(&mut ready.0), timeout.as_ref()) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        if ready.0.iter().any(|event| event.data.u64() == WAKER) {
            // The counter goes back to zero; its value says nothing.
            let _ = rustix::io::read(&self.waker, &mut [0u8; 8]);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::net::UdpSocket;

    use super::*;

    #[test]
    fn an_unread_socket_is_told_again_and_a_waker_once() {
        let (poller, waker) = Poller::new().unwrap();
        let mut ready = Ready::new();
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        poller.registry().watch(&socket, 7).unwrap();
        socket.send_to(b"x", socket.local_addr().unwrap()).unwrap();
        for _ in 0..2 {
            poller.wait(&mut ready, None, Instant::now()).unwrap();
            assert_eq!(ready.tokens().collect::<Vec<_>>(), [7]);
        }
        drop(socket);
        waker.wake().unwrap();
        waker.wake().unwrap();
        poller.wait(&mut ready, None, Instant::now()).unwrap();
        assert_eq!((ready.0.len(), ready.tokens().count()), (1, 0));
        let now = Instant::now();
        poller
            .wait(&mut ready, Some(now + Duration::from_millis(5)), now)
            .unwrap();
        assert!(ready.0.is_empty());
        assert!(now.elapsed() >= Duration::from_millis(5));
    }
}
