//! The driver's start, its loop, its end.

use super::changes::Watcher;
use super::contacts::load_address_book;
use super::portal::{Changes, DAY_MS, SavedState};
use super::telephones::SavedTelephones;
use super::trunks::Trunks;
use super::{Driver, Parts};
use crate::config::Config;
use crate::contacts::AddressBook;
use crate::link::FromLink;
use crate::sip::Inbound;
use crate::store::{Store, StoreError};
use futures_util::StreamExt;
use futures_util::stream::FuturesOrdered;
use ponte_call_core::{Event, Switch};
use ponte_protocol::command::LOG_PAGE_MAX;
use ponte_protocol::state::STATE_LOG_MAX;
use ponte_protocol::{CallRecord, Mailbox, UnixMillis, UserId};
use ponte_sip::{Reason, UaConfig, UserAgent};
use std::collections::{BTreeMap, BTreeSet, BinaryHeap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime};
use tokio::sync::{Notify, mpsc, watch};

/// Administrators' changes that may wait; more are refused.
const ADMIN_JOBS: usize = 1_000;
/// How often metrics are brought up to date.
const PUBLISH_EVERY: Duration = Duration::from_secs(1);
/// How long calls may take to end when the gateway stops.
const STOP_PATIENCE: Duration = Duration::from_secs(3);
/// Messages taken from one queue before the others have their turn.
const BATCH: usize = 64;

/// What wakes the driver beside its timers.
struct Inputs {
    sip: mpsc::Receiver<Inbound>,
    link: Option<mpsc::Receiver<FromLink>>,
    media: Arc<Notify>,
    changes: mpsc::Receiver<Changes>,
    writable: watch::Receiver<bool>,
    stop: watch::Receiver<bool>,
    healthy: Arc<AtomicBool>,
}

impl Driver {
    /// A driver that is ready to run: users and trunks are known, and what an earlier run left up is ended.
    ///
    /// # Errors
    /// What an administrator has to mend: a trunk that cannot be resolved, a store that cannot be read.
    pub async fn run(parts: Parts) -> anyhow::Result<()> {
        let Parts {
            config: base,
            store,
            sockets,
            sip_inbound,
            media,
            media_wake,
            link,
            postman,
            stop,
            healthy,
        } = parts;
        let seen = store.versions().await?;
        let directory = store.directory().await?.map(Box::new);
        let row = store.site().await?;
        let config = Arc::new(base.with_site(&row).with_directory(directory.as_deref()));
        let now = unix_now();
        let trunks = Trunks::resolve(&config.trunks, &sockets, now).await?;
        let agent_config = UaConfig {
            user_agent: config.sip.user_agent.clone(),
            session_expires: config.sip.session_expires,
            ..UaConfig::default()
        };
        let (link, from_link) = link.unzip();
        let (admin_jobs, jobs) = mpsc::channel(ADMIN_JOBS);
        let watcher = Watcher {
            store: store.clone(),
            base: Arc::clone(&base),
            seen,
            known: store.users().await?.into_iter().map(|row| row.user).collect(),
            jobs,
        };
        let changes = watcher.start();
        let inputs = Inputs {
            sip: sip_inbound,
            link: from_link,
            media: media_wake,
            changes,
            writable: store.writable(),
            stop,
            healthy,
        };
        let mut driver = Self {
            plan: Arc::new(config.numbering_plan(&store.dids().await?)),
            clock: super::Clock::start(),
            base,
            switch: Switch::new(config.timeouts),
            agent: UserAgent::new(agent_config, rand::random()),
            store: store.clone(),
            config,
            sockets,
            media,
            link,
            postman,
            legs: super::LegTable::default(),
            names_of_calls: super::replaces::CallNames::default(),
            rooms: std::collections::HashMap::new(),
            holds: super::holding::Holds::default(),
            trunks,
            telephones: super::Telephones::default(),
            tabs: super::browser::Tabs::default(),
            company: super::company::Company::default(),
            qualities: super::quality::Qualities::default(),
            imports: super::contacts::Imports::default(),
            external: super::external::External::default(),
            users: BTreeMap::new(),
            status_end: None,
            portals: HashMap::new(),
            account_codes: Vec::new(),
            admin_jobs,
            ledger: FuturesOrdered::new(),
            answered: super::Answered::default(),
            shown: HashMap::new(),
            later: BinaryHeap::new(),
            writes: super::Writes::default(),
            work: super::Work::default(),
            takings: super::Takings::default(),
            drafts: HashMap::new(),
            uploads: HashMap::new(),
            guesses: super::Guesses::default(),
            timetable: super::Timetable::default(),
            audio_reads: super::mailbox::reads(),
            stopping: false,
            instance: hex::encode(rand::random::<[u8; 16]>()),
        };
        driver.external.set(directory);
        driver.agent.set_trusted(driver.trunks.addresses());
        driver.end_abandoned_calls(&store).await?;
        // After that: their logs hold the records of what a crash ended.
        let users = load_users(&store, &driver.config, &BTreeSet::new()).await?;
        driver.configure_trunks();
        driver.account_codes_changed(store.account_codes().await?);
        for saved in users {
            driver.load_user(saved);
        }
        driver.load_telephones(SavedTelephones::load(&store, unix_now()).await?);
        driver.drain();
        inputs.healthy.store(true, Ordering::Relaxed);
        tracing::info!(
            users = driver.users.len(),
            trunks = driver.trunks.iter().count(),
            "the gateway is ready"
        );
        driver.serve(inputs).await;
        Ok(())
    }

    async fn serve(mut self, mut inputs: Inputs) {
        let mut stopping: Option<Instant> = None;
        let mut published = Instant::now();
        loop {
            let wake = self.next_wake(stopping);
            tokio::select! {
                Some(inbound) = inputs.sip.recv() => {
                    self.sip_inbound(&inbound);
                    for _ in 1..BATCH {
                        let Ok(inbound) = inputs.sip.try_recv() else { break };
                        self.sip_inbound(&inbound);
                    }
                }
                Some(message) = receive(&mut inputs.link) => {
                    self.hear_link(message);
                    for _ in 1..BATCH {
                        let Some(Ok(message)) = inputs.link.as_mut().map(mpsc::Receiver::try_recv) else { break };
                        self.hear_link(message);
                    }
                }
                Some(claimed) = self.ledger.next(), if !self.ledger.is_empty() => self.claimed(claimed),
                Some(saved) = self.writes.next(), if !self.writes.is_empty() => self.saved(saved),
                Some(done) = self.work.next(), if !self.work.is_empty() => self.done(done),
                () = inputs.media.notified() => {}
                Some(changes) = inputs.changes.recv() => self.store_changed(changes),
                Ok(()) = inputs.writable.changed() => {
                    let writable = *inputs.writable.borrow_and_update();
                    tracing::warn!(writable, "the store changed its state");
                    self.tell(Event::StoreState { writable });
                }
                Ok(()) = inputs.stop.changed(), if stopping.is_none() => {
                    tracing::info!(legs = self.legs.len(), "the gateway is stopping");
                    inputs.healthy.store(false, Ordering::Relaxed);
                    stopping = Some(Instant::now() + STOP_PATIENCE);
                    self.end_everything();
                }
                () = tokio::time::sleep_until(wake.into()) => {}
            }
            self.drain();
            if published.elapsed() >= PUBLISH_EVERY {
                published = Instant::now();
                self.publish_metrics();
            }
            // A message that is being written down is kept.
            let idle = self.switch.call_count() == 0 && self.takings.is_empty() && self.work.is_empty();
            if stopping.is_some_and(|until| idle || Instant::now() >= until) {
                break;
            }
        }
        // The BYEs that are on their way may have to be repeated once.
        self.drain();
        drop(self.link);
        let lost = self.store.close(STOP_PATIENCE).await;
        if lost > 0 {
            tracing::error!(lost, "writes were lost because the store could not be written");
        }
    }

    /// Lets everything that follows from the last input happen.
    fn drain(&mut self) {
        let now = self.clock.sip_now();
        if self.agent.poll_timeout().is_some_and(|at| at <= now) {
            self.agent.handle_timeout(now);
        }
        let now = self.clock.now();
        if self.switch.poll_timeout().is_some_and(|(at, _)| at <= now) {
            self.switch.handle_timeout(now);
        }
        self.later_steps();
        self.holds_due();
        self.follow_timetable();
        let passed = |at: Option<Instant>| at.is_some_and(|at| at <= Instant::now());
        if passed(self.next_status_end()) {
            self.end_statuses();
        }
        if passed(self.telephones.show_at()) {
            self.show_stations();
        }
        if passed(self.company.show_at()) {
            self.show_company();
        }
        if self.trunks.next_due().is_some_and(|at| at <= Instant::now()) {
            self.trunk_timers();
        }
        self.drain_media();
        if passed(self.qualities.show_at()) {
            self.show_quality();
        }
        // Effects make the SIP layer speak, and what it says makes effects.
        loop {
            self.drain_agent();
            if !self.drain_effects() {
                return;
            }
        }
    }

    fn next_wake(&self, stopping: Option<Instant>) -> Instant {
        let agent = self.agent.poll_timeout().map(|at| self.clock.sip_instant(at));
        let switch = self.switch.poll_timeout().map(|(at, _)| self.clock.instant(at));
        let later = self.later.peek().map(|step| step.0.0);
        let publish = Instant::now() + PUBLISH_EVERY;
        let due = [
            agent,
            switch,
            later,
            self.holds.next_due(),
            self.trunks.next_due(),
            self.next_status_end(),
            self.telephones.show_at(),
            self.company.show_at(),
            self.qualities.show_at(),
            self.timetable.due().map(|at| self.clock.instant(at)),
            stopping,
        ];
        due.into_iter().flatten().fold(publish, Instant::min)
    }

    fn publish_metrics(&self) {
        let media = self.media.stats();
        metrics::gauge!("ponte_calls").set(self.switch.call_count() as f64);
        metrics::gauge!("ponte_media_endpoints").set(media.active_endpoints as f64);
        metrics::gauge!("ponte_media_tcp_connections").set(media.tcp_connections as f64);
        metrics::gauge!("ponte_media_longest_lateness_seconds").set(media.longest_lateness.as_secs_f64());
        metrics::gauge!("ponte_media_preferred_threads").set(media.preferred_threads as f64);
        for (name, value) in [
            ("ponte_media_packets_in_total", media.packets_in),
            ("ponte_media_packets_out_total", media.packets_out),
            ("ponte_media_strangers_total", media.dropped_stranger),
            ("ponte_media_tcp_refused_total", media.tcp_refused),
            ("ponte_media_malformed_total", media.dropped_malformed),
            ("ponte_media_send_errors_total", media.send_errors),
            ("ponte_media_events_dropped_total", media.events_dropped),
            ("ponte_media_commands_dropped_total", media.commands_dropped),
            ("ponte_media_late_wakeups_total", media.late_wakeups),
        ] {
            metrics::counter!(name).absolute(value);
        }
    }

    /// Ends every call, with its record, before the gateway stops.
    fn end_everything(&mut self) {
        self.stopping = true;
        let users: Vec<_> = self.users.keys().cloned().collect();
        for user in users {
            self.tell(Event::UserRemoved { user });
        }
        self.agent.end_subscriptions(self.clock.sip_now());
        self.drain();
        for leg in self.legs.ids() {
            let dialogs = self.legs.get(leg).map(super::legs::Leg::dialogs);
            for dialog in dialogs.unwrap_or_default() {
                let reason = Reason::q850(41, "Gateway stopped");
                drop(self.agent.hang_up(self.clock.sip_now(), dialog, Some(reason)));
            }
        }
    }
}

async fn receive(link: &mut Option<mpsc::Receiver<FromLink>>) -> Option<FromLink> {
    match link {
        Some(link) => link.recv().await,
        None => std::future::pending().await,
    }
}

/// All users. Of those that are known already, what only the driver changes is left out.
pub(super) async fn load_users(
    store: &Store,
    config: &Config,
    known: &BTreeSet<UserId>,
) -> Result<Vec<SavedState>, StoreError> {
    // First, so that what is read afterwards is at least as new.
    let versions = store.treatment_versions().await?;
    let site_default = config.site.call_settings();
    let mut modes: BTreeMap<_, _> = store.modes().await?.into_iter().collect();
    let mut settings: BTreeMap<_, _> = store.call_settings().await?.into_iter().collect();
    let mut rules: BTreeMap<_, _> = store.call_rules().await?.into_iter().collect();
    let mut profiles = store.profiles().await?;
    let mut schedules = store.schedules().await?;
    let mut presences: BTreeMap<_, _> = store.presences().await?.into_iter().collect();
    let mut users = Vec::new();
    for row in store.users().await? {
        let destinations = store.destinations(&row.user).await?;
        let (log, mailbox, contacts) = if known.contains(&row.user) {
            (Vec::new(), Mailbox::default(), AddressBook::default())
        } else {
            let mailbox = store.mailbox(&row.user, config.voicemail.quota_s).await?;
            let contacts = load_address_book(store, &row.user).await?;
            (recent_records(store, &row.user).await?, mailbox, contacts)
        };
        let mode = modes.remove(&row.user);
        users.push(SavedState {
            mode,
            destinations,
            log,
            settings: settings.remove(&row.user).unwrap_or_else(|| site_default.clone()),
            rules: rules.remove(&row.user).unwrap_or_default(),
            profiles: profiles.remove(&row.user).unwrap_or_default(),
            schedule: schedules.remove(&row.user),
            treatment_version: versions.get(&row.user).copied().unwrap_or_default(),
            presence: presences.remove(&row.user).unwrap_or_default(),
            mailbox,
            contacts,
            row,
        });
    }
    Ok(users)
}

/// As many records as a state carries, and all of the last day, which count towards the caps.
async fn recent_records(store: &Store, user: &UserId) -> Result<Vec<CallRecord>, StoreError> {
    let day_ago = unix_now().0.saturating_sub(DAY_MS);
    let mut log: Vec<CallRecord> = Vec::new();
    loop {
        let page = store
            .records(user, log.last().map(|record| record.started_at), LOG_PAGE_MAX)
            .await?;
        log.extend(page.records);
        let enough = log.len() >= STATE_LOG_MAX && log.last().is_some_and(|last| last.started_at.0 < day_ago);
        if !page.more || enough {
            return Ok(log);
        }
    }
}

pub(super) fn unix_now() -> UnixMillis {
    let since_epoch = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    UnixMillis(since_epoch.as_millis() as u64)
}
