//! The wire between an endpoint and its browser's session: two bounded queues of RTP packets.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crossbeam_queue::ArrayQueue;
use rustix::event::{EventfdFlags, eventfd};

use super::LINE_PEER;
use crate::EndpointId;
use crate::poller::Waker;

/// Header and 120 ms of G.711.
const FRAME: usize = 12 + 960;
/// Packets that may wait: 320 ms of speech.
const WAITING: usize = 16;

/// One RTP packet.
#[derive(Clone, Copy)]
pub(super) struct Frame {
    length: usize,
    bytes: [u8; FRAME],
}

impl Frame {
    pub(super) fn new() -> Self {
        Self {
            length: 0,
            bytes: [0; FRAME],
        }
    }

    /// `None` for a packet that is too long.
    pub(super) fn copy_of(packet: &[u8]) -> Option<Self> {
        let mut frame = Self::new();
        frame.bytes.get_mut(..packet.len())?.copy_from_slice(packet);
        frame.length = packet.len();
        Some(frame)
    }

    /// Room for a payload of this length after the header; shorter if there is less.
    pub(super) fn payload_mut(&mut self, length: usize) -> &mut [u8] {
        self.length = (12 + length).min(FRAME);
        &mut self.bytes[12..self.length]
    }

    pub(super) fn header_mut(&mut self) -> &mut [u8] {
        &mut self.bytes[..12]
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes[..self.length]
    }
}

/// Tells an rtc thread which lines carry something for it.
pub(super) struct Doorbell {
    pub(super) rung: ArrayQueue<EndpointId>,
    pub(super) waker: Waker,
}

/// See the module's documentation. Neither side waits for the other: what finds its queue full is lost.
pub(crate) struct Line {
    id: EndpointId,
    to_endpoint: ArrayQueue<Frame>,
    /// Counts the packets in `to_endpoint`: readable for the media thread's poll like a socket that holds as many.
    told: OwnedFd,
    to_browser: ArrayQueue<Frame>,
    /// Whether the doorbell was rung for what is in `to_browser`.
    ringing: AtomicBool,
    doorbell: Arc<Doorbell>,
}

impl fmt::Debug for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Line")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

impl Line {
    pub(super) fn new(id: EndpointId, doorbell: Arc<Doorbell>) -> io::Result<Self> {
        let flags = EventfdFlags::SEMAPHORE | EventfdFlags::NONBLOCK | EventfdFlags::CLOEXEC;
        Ok(Self {
            id,
            to_endpoint: ArrayQueue::new(WAITING),
            told: eventfd(0, flags)?,
            to_browser: ArrayQueue::new(WAITING),
            ringing: AtomicBool::new(false),
            doorbell,
        })
    }

    /// What a poll watches in a socket's place.
    pub(crate) fn watched(&self) -> BorrowedFd<'_> {
        self.told.as_fd()
    }

    /// The media thread's side: the next packet, as a socket would give it.
    pub(crate) fn receive(&self, buffer: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        // One less to read; where nothing was counted there is no packet either.
        rustix::io::read(&self.told, &mut [0u8; 8])?;
        let frame = self.to_endpoint.pop().ok_or(io::ErrorKind::WouldBlock)?;
        let packet = frame.bytes();
        let room = buffer
            .get_mut(..packet.len())
            .ok_or(io::ErrorKind::InvalidInput)?;
        room.copy_from_slice(packet);
        Ok((packet.len(), LINE_PEER))
    }

    /// The media thread's side: sends a packet.
    pub(crate) fn send(&self, packet: &[u8]) -> io::Result<usize> {
        let frame = Frame::copy_of(packet).ok_or(io::ErrorKind::InvalidInput)?;
        if self.to_browser.push(frame).is_err() {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        if !self.ringing.swap(true, Ordering::AcqRel) {
            if self.doorbell.rung.push(self.id).is_err() {
                self.ringing.store(false, Ordering::Release);
                return Err(io::ErrorKind::WouldBlock.into());
            }
            self.doorbell.waker.wake()?;
        }
        Ok(packet.len())
    }

    /// The rtc thread's side: gives a packet to the endpoint; `false` if it does not keep up.
    #[allow(clippy::large_types_passed_by_value)] // The queue takes it whole.
    pub(super) fn give(&self, frame: Frame) -> bool {
        self.to_endpoint.push(frame).is_ok() && rustix::io::write(&self.told, &1u64.to_ne_bytes()).is_ok()
    }

    /// The rtc thread's side, after the doorbell: from here on a packet rings again.
    pub(super) fn answer_doorbell(&self) {
        self.ringing.store(false, Ordering::Release);
    }

    /// The rtc thread's side: the endpoint's next packet.
    pub(super) fn take(&self) -> Option<Frame> {
        self.to_browser.pop()
    }
}
