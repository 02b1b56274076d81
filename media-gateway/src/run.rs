//! The gateway as one process: everything opened in order, each failure with what to do about it, and closed in order.

use crate::config::Config;
use crate::driver::{Driver, Parts};
use crate::link::{self, LinkConfig, LinkKey};
use crate::mail::Postman;
use crate::sip::{Listen, SipSockets};
use crate::store::{Store, StoreOptions, StoreUse};
use anyhow::Context;
use ponte_media::{MediaConfig, MediaPlane};
use ponte_sip::Transport;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;
use tokio::sync::{Notify, mpsc, watch};

/// How often old records and command ids are taken away.
const PRUNE_EVERY: Duration = Duration::from_hours(1);
/// What the link may hold for the driver.
const FROM_LINK_QUEUE: usize = 4096;

/// Runs until SIGINT or SIGTERM, then ends the calls that are up and closes the store.
///
/// # Errors
/// What keeps the gateway from starting, in words that say what to do.
pub async fn run(config: Config) -> anyhow::Result<()> {
    let (stop, stopped) = watch::channel(false);
    tokio::spawn(async move {
        signal().await;
        stop.send_replace(true);
    });
    Box::pin(run_until(config, stopped)).await
}

/// As [`run`], until `stop` turns true.
///
/// # Errors
/// As [`run`].
pub async fn run_until(config: Config, stop: watch::Receiver<bool>) -> anyhow::Result<()> {
    let config = Arc::new(config);
    raise_file_limit(&config);
    let healthy = Arc::new(AtomicBool::new(false));
    if let Some(metrics) = &config.metrics {
        crate::metrics::serve(metrics, Arc::clone(&healthy)).await?;
    }
    let store = Store::open(StoreOptions {
        recordings: config.voicemail.folder.clone(),
        ..StoreOptions::new(&config.store.data_folder, StoreUse::Gateway)
    })
    .await?;
    let tls_files = config.sip.tls.as_ref().map(|tls| &tls.files);
    let (sockets, sip_inbound) = SipSockets::open(&listens(&config)?, tls_files).await?;
    let media_wake = Arc::new(Notify::new());
    let wake = Arc::clone(&media_wake);
    let media = MediaPlane::start(media_config(&config), move || wake.notify_one())
        .context("the media plane cannot start; check the section media")?;
    let link = match &config.edge {
        None => None,
        Some(edge) => {
            let (to_driver, from_link) = mpsc::channel(FROM_LINK_QUEUE);
            let link_config = LinkConfig {
                url: edge.url.clone(),
                site: config.site.name.clone(),
                key: LinkKey::new(*edge.key.as_bytes()),
            };
            Some((link::start(link_config, to_driver)?, from_link))
        }
    };
    let postman = match &config.email {
        None => None,
        Some(email) => {
            let portal = config.edge.as_ref().map(|edge| edge.portal_url.clone());
            let folder = &config.store.data_folder;
            Some(Postman::start(email, &config.site, portal, store.clone(), folder).await?)
        }
    };
    for rescued in store.rescued().await? {
        // One that was sent just before the crash is sent twice; none is forgotten.
        if let Some(postman) = postman.as_ref().filter(|_| !rescued.is_recording) {
            postman.send(rescued.user, rescued.message).await;
        }
        store.recordings().forget_note(rescued.message);
    }
    tokio::spawn(prune(store.clone(), config.store.record_days));
    // Large: it holds the state of all calls.
    Box::pin(Driver::run(Parts {
        config,
        store,
        sockets,
        sip_inbound,
        media,
        media_wake,
        link,
        postman,
        stop,
        healthy,
    }))
    .await
}

fn listens(config: &Config) -> anyhow::Result<Vec<Listen>> {
    let sip = &config.sip;
    let udp = sip.udp.iter().map(|bind| (Transport::Udp, *bind));
    let tcp = sip.tcp.iter().map(|bind| (Transport::Tcp, *bind));
    let tls = sip.tls.iter().map(|tls| (Transport::Tls, tls.bind));
    udp.chain(tcp)
        .chain(tls)
        .map(|(transport, bind)| {
            let ip = advertised_ip(bind, sip.advertised_ip)?;
            Ok(Listen {
                transport,
                bind,
                advertised: SocketAddr::new(ip, bind.port()),
            })
        })
        .collect()
}

fn advertised_ip(bind: SocketAddr, advertised: Option<IpAddr>) -> anyhow::Result<IpAddr> {
    match advertised.filter(|ip| ip.is_ipv4() == bind.is_ipv4()) {
        Some(ip) => Ok(ip),
        None if bind.ip().is_unspecified() => anyhow::bail!(
            "sip listens on {bind}, which is every address: set sip.advertised_ip to the one that peers reach"
        ),
        None => Ok(bind.ip()),
    }
}

fn media_config(config: &Config) -> MediaConfig {
    let media = &config.media;
    let millis = Duration::from_millis;
    MediaConfig {
        threads: media.threads,
        bind_ip: media.bind_ip,
        advertised_ip: media.advertised_ip,
        ports: media.ports,
        tone_country: config.site.tone_country,
        hold_music: media.hold_music.clone(),
        no_rtp_after: [
            millis(config.timeouts.no_audio_warning),
            millis(config.timeouts.no_audio_end),
        ],
        webrtc: config.webrtc.clone(),
        ..MediaConfig::default()
    }
}

/// A call takes six file descriptors; the usual limit of 1024 would end at some 170 calls.
fn raise_file_limit(config: &Config) {
    let ports = config.media.ports;
    let browsers = config.webrtc.as_ref().map_or(0, |webrtc| webrtc.threads.max(1));
    // Browsers may come by TCP, and so may others until they have proven to be none.
    let wanted = u64::from(ports.last - ports.first) * 3 / 2 + 256 + 512 * browsers as u64;
    match rlimit::increase_nofile_limit(wanted) {
        Ok(limit) if limit < wanted => {
            tracing::warn!(
                limit,
                wanted,
                "the system allows fewer open files than media.ports and webrtc could use"
            );
        }
        Ok(_) => {}
        Err(error) => tracing::warn!(%error, "the limit of open files could not be raised"),
    }
}

async fn prune(store: Store, record_days: u32) {
    let mut tick = tokio::time::interval(PRUNE_EVERY);
    loop {
        tick.tick().await;
        let since_epoch = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .unwrap_or_default();
        let now = ponte_protocol::UnixMillis(since_epoch.as_millis() as u64);
        match store.prune(now, record_days).await {
            Ok(pruned) => tracing::debug!(?pruned, "old entries were taken away"),
            Err(crate::store::StoreError::Closed) => return,
            Err(error) => tracing::warn!(%error, "old entries could not be taken away"),
        }
    }
}

/// SIGINT or SIGTERM.
async fn signal() {
    use tokio::signal::unix::{SignalKind, signal};
    let terminate = async {
        match signal(SignalKind::terminate()) {
            Ok(mut terminate) => drop(terminate.recv().await),
            Err(_) => std::future::pending().await,
        }
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        () = terminate => {}
    }
}
