use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crossbeam_queue::ArrayQueue;

use crate::audio::{Library, Piece, Playlist, ToLoad};
use crate::events::EventSender;
use crate::loader::{Loader, Wanted};
use crate::mix::Seat;
use crate::ports::PortPool;
use crate::recording::{Job, Tape, Writer};
use crate::rtc::Browsers;
use crate::transit::{LaidDown, Transit};
use crate::worker::{Command, Link, Shared, Worker};
use crate::{
    EndpointId, HoldMusic, MediaConfig, MediaError, MediaEvent, PlayMode, RemoteMedia, Role, Source,
    StatsSnapshot, Tone, Tracks, WebRtcError, rtc,
};

mod rooms;

/// A day: a longer WAV file at this rate would still be one, but nobody talks that long.
const LONGEST_RECORDING: Duration = Duration::from_hours(24);

/// The media threads, seen from the control side. Every method returns at once; dropping it ends the threads.
///
/// A command to an endpoint that is closed already has no effect: the two sides race, and that is normal.
#[derive(Debug)]
pub struct MediaPlane {
    config: MediaConfig,
    library: Arc<Library>,
    ports: PortPool,
    browsers: Option<Browsers>,
    events: Arc<ArrayQueue<MediaEvent>>,
    threads: Vec<Thread>,
    files: Option<Files>,
    next_id: AtomicU64,
    /// Endpoints that have left the thread they were opened on, and where they are.
    moved: Mutex<HashMap<EndpointId, usize>>,
    commands_dropped: AtomicU64,
}

#[derive(Debug)]
struct Thread {
    link: Arc<Link>,
    handle: Option<JoinHandle<()>>,
}

/// The threads that wait for the disk.
#[derive(Debug)]
struct Files {
    recordings: Sender<Job>,
    wanted: Sender<Wanted>,
    handles: [JoinHandle<()>; 2],
}

impl Files {
    fn start(library: Arc<Library>, hold_music: HoldMusic, events: EventSender) -> Result<Self, MediaError> {
        let (recordings, jobs) = channel();
        let writer = Writer {
            jobs,
            events: events.clone(),
        };
        let (wanted, wanted_here) = channel();
        let loader = Loader {
            wanted: wanted_here,
            library,
            hold_music,
            events,
        };
        let writer = std::thread::Builder::new()
            .name("ponte-recorder".to_owned())
            .spawn(move || writer.run())
            .map_err(MediaError::Start)?;
        let loader = std::thread::Builder::new()
            .name("ponte-loader".to_owned())
            .spawn(move || loader.run())
            .map_err(MediaError::Start)?;
        Ok(Self {
            recordings,
            wanted,
            handles: [writer, loader],
        })
    }
}

impl MediaPlane {
    /// Starts the threads. `wake` is called on a media thread after it queued events, and must not block:
    /// let it notify a task that then drains [`MediaPlane::next_event`].
    pub fn start(config: MediaConfig, wake: impl Fn() + Send + Sync + 'static) -> Result<Self, MediaError> {
        let count = match config.threads {
            0 => std::thread::available_parallelism().map_or(1, usize::from),
            count => count,
        };
        let ports = PortPool::new(config.bind_ip, config.ports, config.port_hold)?;
        let library = Arc::new(Library::new(config.tone_country, &config.hold_music)?);
        let events = Arc::new(ArrayQueue::new(config.queue_capacity.max(16)));
        let sender = EventSender {
            queue: events.clone(),
            wake: Arc::new(wake),
        };
        let shared = Shared {
            events: sender.clone(),
            library: library.clone(),
            freed: ports.freed(),
            no_rtp_after: config.no_rtp_after,
            rtcp_interval: config.rtcp_interval,
            preferred: config.preferred,
        };
        let hold_music = config.hold_music.clone();
        let mut plane = Self {
            config,
            browsers: None,
            files: Some(Files::start(library.clone(), hold_music, sender.clone())?),
            library,
            ports,
            events,
            threads: Vec::with_capacity(count),
            next_id: AtomicU64::new(0),
            moved: Mutex::default(),
            commands_dropped: AtomicU64::new(0),
        };
        for index in 0..count {
            // If a later one fails, dropping the plane ends those that run.
            let (worker, link) =
                Worker::new(plane.config.queue_capacity, shared.clone()).map_err(MediaError::Start)?;
            let handle = std::thread::Builder::new()
                .name(format!("ponte-media-{index}"))
                .spawn(move || worker.run())
                .map_err(MediaError::Start)?;
            plane.threads.push(Thread {
                link,
                handle: Some(handle),
            });
        }
        if let Some(webrtc) = &plane.config.webrtc {
            plane.browsers = Some(Browsers::start(webrtc, &sender, plane.config.preferred)?);
        }
        Ok(plane)
    }

    /// Binds an RTP and an RTCP port, on the thread of `group` (legs that will hear each other share one, which
    /// spares a move).
    /// Returns the address for SDP; RTCP is on the next port.
    pub fn open(&self, group: u64) -> Result<(EndpointId, SocketAddr), MediaError> {
        let id = EndpointId(self.new_id(group));
        let (port, (rtp, rtcp)) = self.ports.bind(Instant::now())?;
        if !self.send(id, Command::Open { id, port, rtp, rtcp }) {
            self.ports.give_back(port);
            return Err(MediaError::Overloaded);
        }
        Ok((id, SocketAddr::new(self.config.advertised_ip, port)))
    }

    /// Opens an endpoint whose peer will be a browser. It is used like any other once
    /// [`answer_browser`](Self::answer_browser) has taken the browser's offer; it needs no
    /// [`set_remote`](Self::set_remote), and can be bridged, played to and recorded from the start.
    pub fn open_browser(&self, group: u64) -> Result<EndpointId, MediaError> {
        let browsers = self.browsers.as_ref().ok_or(WebRtcError::NotConfigured)?;
        let id = EndpointId(self.new_id(group));
        let line = browsers.line(id)?;
        if !self.send(id, Command::OpenLine(id, line)) {
            browsers.close(id);
            return Err(MediaError::Overloaded);
        }
        Ok(id)
    }

    /// Takes a browser's offer (SDP) and gives the answer. [`MediaEvent::BrowserConnected`] tells when audio can flow,
    /// [`MediaEvent::BrowserLost`] that it cannot, at once or later. The answer to a later offer (an ICE restart) comes as
    /// [`MediaEvent::BrowserAnswer`], and this gives `None`.
    pub fn answer_browser(&self, id: EndpointId, offer: &str) -> Result<Option<String>, WebRtcError> {
        let browsers = self.browsers.as_ref().ok_or(WebRtcError::NotConfigured)?;
        let answer = browsers.answer(id, offer)?;
        if answer.is_some() {
            self.set_remote(id, rtc::line_media());
        }
        Ok(answer)
    }

    /// The UDP addresses that browsers are told; empty where none can be called.
    pub fn browser_addresses(&self) -> Vec<SocketAddr> {
        self.browsers.as_ref().map_or_else(Vec::new, Browsers::addresses)
    }

    /// The TCP addresses that browsers are told; empty where there are none.
    pub fn browser_tcp_addresses(&self) -> Vec<SocketAddr> {
        self.browsers
            .as_ref()
            .map_or_else(Vec::new, Browsers::tcp_addresses)
    }

    /// Says what was agreed with the peer; again after each re-negotiation. A peer at another address than before has to
    /// be heard anew.
    pub fn set_remote(&self, id: EndpointId, remote: RemoteMedia) {
        self.send(id, Command::SetRemote(id, remote));
    }

    /// Relays audio and DTMF both ways between two endpoints, until [`unbridge`](Self::unbridge). Replaces the bridges that
    /// either was in. Endpoints of different groups may be on different threads: then `b` moves to that of `a`, and what it
    /// plays and records goes on there.
    pub fn bridge(&self, a: EndpointId, b: EndpointId) -> Result<(), MediaError> {
        let (home, from) = (self.thread_of(a), self.thread_of(b));
        if home != from && !self.relocate(b, from, home) {
            return Err(MediaError::Overloaded);
        }
        if self.send(a, Command::Bridge(a, b)) {
            Ok(())
        } else {
            Err(MediaError::Overloaded)
        }
    }

    /// Lets `new` take the place of `of`, in the bridge or the room that this is in, so that nobody there hears a gap: `of` is
    /// heard until the first audio of `new` arrives, `new` hears the others at once, and `of` listens on until it is closed.
    /// In a room both are heard until then, and no tone tells of it. Where `of` is in neither, nothing happens.
    pub fn take_place(&self, new: EndpointId, of: EndpointId) -> Result<(), MediaError> {
        let (home, from) = (self.thread_of(of), self.thread_of(new));
        if home != from && !self.relocate(new, from, home) {
            return Err(MediaError::Overloaded);
        }
        if self.send(of, Command::TakePlace(new, of, Seat::new(Role::Speaker))) {
            Ok(())
        } else {
            Err(MediaError::Overloaded)
        }
    }

    /// Takes an endpoint, and so its partner, out of their bridge.
    pub fn unbridge(&self, a: EndpointId) {
        self.send(a, Command::Unbridge(a));
    }

    /// Plays towards the peer of `id`, in place of what plays now. Bridged audio towards it is muted meanwhile.
    /// Time goes on while the direction forbids sending, so that [`PlayMode::Once`] always ends.
    pub fn play(&self, id: EndpointId, source: Source, mode: PlayMode) {
        let playlist = self
            .library
            .playlist(&source, &mut |wanted| self.load(Some(id), wanted));
        self.send(id, Command::Play(id, playlist, mode));
    }

    /// Has something loaded; it is played when it is there.
    fn load(&self, endpoint: Option<EndpointId>, wanted: ToLoad<'_>) -> Playlist {
        let loaded = Arc::new(OnceLock::new());
        let (wanted, playlist): (_, Playlist) = match wanted {
            ToLoad::HoldMusic => (Wanted::HoldMusic, Box::default()),
            ToLoad::File(file) => (
                Wanted::File {
                    endpoint,
                    source: file.clone(),
                    loaded: loaded.clone(),
                },
                Box::new([Piece::File(loaded)]),
            ),
        };
        // Only a thread that panicked takes nothing, and a player must not wait for it.
        match self.files.as_ref().map(|files| files.wanted.send(wanted)) {
            Some(Ok(())) => playlist,
            _ => Box::default(),
        }
    }

    /// Stops what plays; bridged audio is heard again.
    pub fn stop(&self, id: EndpointId) {
        self.send(id, Command::Stop(id));
    }

    /// Lays one cadence of a tone over what the peer of `id` hears, be it bridged, mixed or played; what it hears goes on. In
    /// place of what is still laid over, unless the end of that is to be told. [`Tone::CallWaiting`] and [`Tone::Attached`] are made for it.
    pub fn beep(&self, id: EndpointId, tone: Tone) {
        self.whisper(id, Source::Tone(tone), None);
    }

    /// Lays any source over what the peer of `id` hears, once, in place of what is still laid over. With a token,
    /// [`MediaEvent::PlayFinished`] tells its end, and nothing without one cuts it short. Nobody else hears it.
    pub fn whisper(&self, id: EndpointId, source: Source, token: Option<u64>) {
        let playlist = self
            .library
            .playlist(&source, &mut |wanted| self.load(Some(id), wanted));
        self.send(id, Command::Overlay(id, playlist, token));
    }

    /// Records what is received from the peer of `id` from this moment on, in place of a recording of it that goes on
    /// already. What it hears is not recorded, nor are keys: RFC 4733 events not at all, of a tone the first 40 ms or so.
    ///
    /// What does not come is silence, so that the length is true. It ends with [`stop_recording`](Self::stop_recording), the
    /// end of the endpoint, or after `max` (24 h at most), which [`MediaEvent::RecordingFull`] tells. In each case
    /// [`MediaEvent::RecordingFinished`] follows, and also where the file cannot be written: the call goes on.
    ///
    /// The file is 8 kHz, mono, 16 bit, readable for its owner only. It grows as `path` with `.part` after its name, which
    /// plays too after a crash, and replaces what had the name.
    pub fn record(&self, id: EndpointId, path: impl Into<PathBuf>, max: Duration) -> Result<(), MediaError> {
        self.record_tracks(id, path, max, Tracks::Said)
    }

    /// Records like [`record`](Self::record), and with [`Tracks::Mixed`] or [`Tracks::Stereo`] also what is sent to the peer of
    /// `id`: whoever it talks to, the conference it is in, tones and announcements. So it goes on through hold, transfer
    /// and conference.
    ///
    /// Nobody is told that it is recorded: play or [`whisper`](Self::whisper) that to whom the law wants it told, and begin
    /// when [`MediaEvent::PlayFinished`] says that it was.
    pub fn record_tracks(
        &self,
        id: EndpointId,
        path: impl Into<PathBuf>,
        max: Duration,
        tracks: Tracks,
    ) -> Result<(), MediaError> {
        let tape = Arc::new(Tape::new(tracks));
        let job = Job {
            endpoint: id,
            path: path.into(),
            tape: tape.clone(),
            tracks,
        };
        let max = max.min(LONGEST_RECORDING);
        if !self.send(id, Command::Record(id, tape, tracks, max)) {
            return Err(MediaError::Overloaded);
        }
        let given = self.files.as_ref().map(|files| files.recordings.send(job));
        if matches!(given, Some(Ok(()))) {
            Ok(())
        } else {
            self.stop_recording(id);
            Err(MediaError::Overloaded)
        }
    }

    /// Ends a recording.
    pub fn stop_recording(&self, id: EndpointId) {
        self.send(id, Command::StopRecording(id));
    }

    /// Whether keys that the peer of `id` presses reach the other side of its bridge; they do at first. They are told as
    /// [`MediaEvent::Dtmf`] in either case. Of a key that comes as a tone, the first 40 ms or so pass all the same.
    pub fn set_dtmf_relay(&self, id: EndpointId, relay: bool) {
        self.send(id, Command::RelayKeys(id, relay));
    }

    /// Whether what the peer of `id` says is replaced by silence wherever it would be heard or recorded; it is not at first.
    /// Its packets and its keys count all the same.
    pub fn set_muted(&self, id: EndpointId, muted: bool) {
        self.send(id, Command::Silence(id, muted));
    }

    /// Sends keys (`0`–`9`, `*`, `#`, `A`–`D`, `,` for a pause of half a second; others are left out) after those still
    /// being sent: RFC 4733 events, or tones where the peer takes no events. At most 64 wait.
    pub fn send_dtmf(&self, id: EndpointId, digits: &str) {
        self.send(id, Command::SendDtmf(id, digits.into()));
    }

    /// Says RTCP BYE and frees the ports. [`MediaEvent::Closed`] follows.
    pub fn close(&self, id: EndpointId) {
        let thread = &self.threads[self.thread_of(id)];
        self.moved().remove(&id);
        if thread.link.commands.push(Command::Close(id)).is_err() {
            thread.link.late_closes.push(id);
        }
        wake(&thread.link);
        if let Some(browsers) = &self.browsers {
            browsers.close(id);
        }
    }

    /// The oldest event not yet taken.
    pub fn next_event(&self) -> Option<MediaEvent> {
        self.events.pop()
    }

    /// Counters for metrics, as they were after each thread's last round.
    pub fn stats(&self) -> StatsSnapshot {
        let mut total = StatsSnapshot {
            commands_dropped: self.commands_dropped.load(Relaxed),
            ..StatsSnapshot::default()
        };
        for thread in &self.threads {
            thread.link.counters.add_to(&mut total);
        }
        if let Some(browsers) = &self.browsers {
            browsers.add_to(&mut total);
        }
        total
    }

    /// A number of its own whose remainder is the thread of `group`.
    fn new_id(&self, group: u64) -> u64 {
        // Groups are often numbered in order or by time: their hash spreads them over the threads.
        let spread = group.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32;
        let threads = self.threads.len() as u64;
        self.next_id.fetch_add(1, Relaxed) * threads + spread % threads
    }

    fn thread_of(&self, id: EndpointId) -> usize {
        let opened_on = (id.0 % self.threads.len() as u64) as usize;
        self.moved().get(&id).copied().unwrap_or(opened_on)
    }

    fn moved(&self) -> MutexGuard<'_, HashMap<EndpointId, usize>> {
        // A panic while it was held cannot have left the map half changed.
        self.moved.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Moves an endpoint to another thread; `false` if a queue is full.
    fn relocate(&self, id: EndpointId, from: usize, to: usize) -> bool {
        let link = &self.threads[to].link;
        let transit = Arc::new(Transit::new(link.clone()));
        if link.commands.push(Command::Arrive(id, transit.clone())).is_err() {
            self.commands_dropped.fetch_add(1, Relaxed);
            return false;
        }
        if !self.send(id, Command::Depart(id, transit.clone())) {
            // It stays where it is, and the other thread need not wait for it.
            transit.lay_down(LaidDown::Nothing);
            return false;
        }
        tracing::trace!(?id, from, to, "an endpoint moves");
        self.moved().insert(id, to);
        wake(link);
        true
    }

    /// Queues a command for an endpoint; `false` and counted if the queue is full.
    fn send(&self, id: EndpointId, command: Command) -> bool {
        self.send_to(self.thread_of(id), command)
    }

    fn send_to(&self, thread: usize, command: Command) -> bool {
        let link = &self.threads[thread].link;
        let queued = link.commands.push(command).is_ok();
        if !queued {
            self.commands_dropped.fetch_add(1, Relaxed);
        }
        wake(link);
        queued
    }
}

fn wake(link: &Link) {
    if let Err(error) = link.waker.wake() {
        tracing::error!(%error, "a media thread cannot be woken");
    }
}

impl Drop for MediaPlane {
    fn drop(&mut self) {
        // Before the media threads, which their lines lead to.
        drop(self.browsers.take());
        for thread in &self.threads {
            thread.link.shutdown.store(true, Ordering::Release);
            wake(&thread.link);
        }
        for thread in &mut self.threads {
            if let Some(handle) = thread.handle.take()
                && handle.join().is_err()
            {
                tracing::error!("a media thread had panicked");
            }
        }
        // With the media threads every recording has ended; now its file does.
        if let Some(files) = self.files.take() {
            drop((files.recordings, files.wanted));
            for handle in files.handles {
                if handle.join().is_err() {
                    tracing::error!("a thread for files had panicked");
                }
            }
        }
    }
}
