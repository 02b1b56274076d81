//! New voicemail messages by e-mail, to users who have an address.
//!
//! ```text
//!  driver ── Postman::send ──▶ queue (a file each) ──▶ one task ──▶ SMTP server
//!                                  ▲   fails for now: later │
//!                                  └────────────────────────┘
//! ```
//!
//! Nothing here is waited for by a call. What could not be sent stays in the queue, also over a restart, and is tried
//! again with growing pauses for three days.

mod letter;
mod queue;

use crate::config::{EmailConfig, EmailSecurity, SiteConfig, time_zone};
use crate::store::{EmailAddress, Store, StoreError};
use jiff::tz::TimeZone;
use lettre::transport::smtp::authentication::Credentials;
use lettre::{AsyncSmtpTransport, AsyncTransport, Tokio1Executor};
use ponte_protocol::{MessageId, Pii, UserId, VoiceMessage};
use queue::{Queue, Waiting};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;

/// How long a server may take for one step.
const STEP: Duration = Duration::from_secs(30);
/// How long one letter may take altogether.
const WHOLE: Duration = Duration::from_mins(5);
/// Letters that are handed over and not yet on the disk.
const HANDED_OVER: usize = 256;

/// Takes messages to be sent.
#[derive(Clone, Debug)]
pub struct Postman {
    folder: Arc<Path>,
    queue: mpsc::Sender<Waiting>,
}

impl Postman {
    /// Begins with what an earlier run has left in `folder`, which is made where it does not exist.
    ///
    /// # Errors
    /// The folder cannot be made.
    pub async fn start(
        config: &EmailConfig,
        site: &SiteConfig,
        portal: Option<String>,
        store: Store,
        folder: &Path,
    ) -> Result<Self, StoreError> {
        let folder = folder.join("mail");
        let queue = Queue::open(folder.clone()).await?;
        let (sender, receiver) = mpsc::channel(HANDED_OVER);
        let round = Round {
            transport: transport(config),
            config: config.clone(),
            language: site.language.clone(),
            time_zone: site.time_zone.clone(),
            portal,
            store,
        };
        tokio::spawn(round.run(queue, receiver));
        let folder = folder.into();
        Ok(Self {
            folder,
            queue: sender,
        })
    }

    /// Sends a message to its user some time; it waits until that is written down.
    pub async fn send(&self, user: UserId, message: MessageId) {
        let waiting = Waiting::new(user, message);
        queue::keep(&self.folder, &waiting).await;
        if self.queue.try_send(waiting).is_err() {
            tracing::warn!(%message, "a message is sent by e-mail after the next start: too many wait");
        }
    }
}

fn transport(config: &EmailConfig) -> AsyncSmtpTransport<Tokio1Executor> {
    type Smtp = AsyncSmtpTransport<Tokio1Executor>;
    let plain = || Smtp::builder_dangerous(&config.host);
    let builder = match config.security {
        EmailSecurity::None => Ok(plain()),
        EmailSecurity::StartTls => Smtp::starttls_relay(&config.host),
        EmailSecurity::Tls => Smtp::relay(&config.host),
    };
    // The host was checked with the configuration; a name that TLS cannot take is refused at each letter.
    let builder = builder.unwrap_or_else(|error| {
        tracing::error!(%error, "the server of [email] cannot be used with TLS");
        plain()
    });
    let builder = builder.port(config.port).timeout(Some(STEP));
    match &config.credentials {
        Some((username, password)) => builder
            .credentials(Credentials::new(username.clone(), password.clone()))
            .build(),
        None => builder.build(),
    }
}

/// What became of a letter.
enum Sent {
    Yes,
    /// Nobody wants it any more: the message or the address is gone.
    NotWanted,
    Later(String),
    Never(String),
}

struct Round {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    config: EmailConfig,
    language: String,
    /// Where administrators have set none.
    time_zone: TimeZone,
    portal: Option<String>,
    store: Store,
}

/// What a letter is written from.
struct Wanted {
    address: EmailAddress,
    language: String,
    time_zone: TimeZone,
    message: VoiceMessage,
}

impl Round {
    /// Runs until nobody can hand over letters.
    async fn run(self, mut queue: Queue, mut handed_over: mpsc::Receiver<Waiting>) {
        loop {
            let pause = queue.pause();
            tokio::select! {
                new = handed_over.recv() => match new {
                    Some(waiting) => queue.add(waiting),
                    None => return,
                },
                () = tokio::time::sleep(pause) => {}
            }
            while let Some(waiting) = queue.take_due() {
                match self.send(&waiting).await {
                    Sent::Yes => {
                        metrics::counter!("ponte_emails_sent_total").increment(1);
                        tracing::debug!(message = %waiting.message, "a message was sent by e-mail");
                        queue.done(&waiting).await;
                    }
                    Sent::NotWanted => queue.done(&waiting).await,
                    Sent::Never(reason) => self.lose(&mut queue, &waiting, &reason).await,
                    Sent::Later(reason) => {
                        metrics::counter!("ponte_email_failures_total").increment(1);
                        tracing::warn!(
                            message = %waiting.message, user = %waiting.user, attempt = waiting.attempts + 1, reason,
                            "a message could not be sent by e-mail now"
                        );
                        if !queue.later(waiting.clone()).await {
                            self.lose(&mut queue, &waiting, &reason).await;
                        }
                    }
                }
                // What is new must not wait for a server that takes its time with each.
                while let Ok(waiting) = handed_over.try_recv() {
                    queue.add(waiting);
                }
            }
        }
    }

    async fn lose(&self, queue: &mut Queue, waiting: &Waiting, reason: &str) {
        metrics::counter!("ponte_emails_lost_total").increment(1);
        tracing::error!(
            message = %waiting.message, user = %waiting.user, reason,
            "a message is not sent by e-mail; it is in the box all the same"
        );
        queue.done(waiting).await;
    }

    async fn send(&self, waiting: &Waiting) -> Sent {
        let Wanted {
            address,
            language,
            time_zone,
            message,
        } = match self.wanted(waiting).await {
            Ok(Some(found)) => found,
            Ok(None) => return Sent::NotWanted,
            Err(error) => return Sent::Later(error.to_string()),
        };
        let sound = if self.config.attach {
            match tokio::fs::read(self.store.recordings().message(waiting.message)).await {
                Ok(sound) => Some(sound),
                Err(error) => {
                    tracing::warn!(message = %waiting.message, %error, "a message is sent without its sound");
                    None
                }
            }
        } else {
            None
        };
        let letter = letter::Letter {
            from: &self.config.from,
            to: &address,
            language: &language,
            portal: self.portal.as_deref(),
            message: &message,
            time_zone: &time_zone,
        };
        let written = match letter.write(sound) {
            Ok(written) => written,
            Err(error) => return Sent::Never(error.to_string()),
        };
        match tokio::time::timeout(WHOLE, self.transport.send(written)).await {
            Ok(Ok(_)) => Sent::Yes,
            Ok(Err(error)) if error.is_permanent() => Sent::Never(told(&error, &address)),
            Ok(Err(error)) => Sent::Later(told(&error, &address)),
            Err(_) => Sent::Later("the server takes too long".to_owned()),
        }
    }

    async fn wanted(&self, waiting: &Waiting) -> Result<Option<Wanted>, StoreError> {
        let Some(user) = self.store.user(&waiting.user).await? else {
            return Ok(None);
        };
        let message = self.store.message(&waiting.user, waiting.message).await?;
        let message = message.filter(|message| message.deleted_until.is_none());
        let (Some(address), Some(message)) = (user.email, message) else {
            return Ok(None);
        };
        let set = self.store.site().await?.time_zone;
        let set = set.and_then(|name| time_zone(&name).ok());
        Ok(Some(Wanted {
            address,
            language: user.language.unwrap_or_else(|| self.language.clone()),
            time_zone: set.unwrap_or_else(|| self.time_zone.clone()),
            message,
        }))
    }
}

/// What the server said, without the address that it may have repeated.
fn told(error: &lettre::transport::smtp::Error, address: &EmailAddress) -> String {
    let said = error.to_string();
    said.replace(address.as_str(), &Pii(address.as_str()).to_string())
}
