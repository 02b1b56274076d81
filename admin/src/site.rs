//! What the gateway told of the site, and the way to change it. Nothing here is guessed: after a change, what it touched
//! is asked for again.

use crate::i18n::I18n;
use crate::pages::AUDIT_PAGE;
use crate::words;
use gloo_timers::future::TimeoutFuture;
use leptos::prelude::*;
use leptos::task::spawn_local;
use ponte_app::socket::Badge;
use ponte_app::state::toasts::ToastKind;
use ponte_app::state::{Portal, Toasts};
use ponte_protocol::admin::{
    AccountCodeSettings, AdminAnswer, AdminChange, AdminQuery, AuditEntry, DeviceOverview, DidSettings,
    GroupSettings, Problem, Rule, SiteSettings, TrunkOverview, UserOverview,
};
use ponte_protocol::external::DirectorySettings;
use ponte_protocol::{CommandBody, ExternalPage, Outcome, Refusal, SearchText};

/// How often a request that came too fast is sent again before it is given up.
const ATTEMPTS: u32 = 20;

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    #[error(transparent)]
    Refused(#[from] Refusal),
    #[error("no answer in time")]
    Unanswered,
    /// An answer that this build does not know.
    #[error("unknown answer")]
    Unknown,
    #[error("the settings cannot be taken")]
    Invalid(Vec<Problem>),
}

/// What pages show. Lists come in pages, which are put together here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum List {
    Users,
    Devices,
    Dids,
    Groups,
    /// Account codes.
    Codes,
    Trunks,
    /// What holds for all of it.
    Settings,
    /// How the external directory is asked.
    Directory,
    /// Its newest page.
    Audit,
}

/// A part of the site as far as it is known.
#[derive(Clone, Debug, PartialEq)]
pub struct Part<T> {
    /// Kept while it is asked for again.
    pub value: Option<T>,
    pub fault: Option<Fault>,
}

impl<T> Default for Part<T> {
    fn default() -> Self {
        Self {
            value: None,
            fault: None,
        }
    }
}

/// Restrictions that users share.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Restrictions {
    pub groups: Vec<GroupSettings>,
    pub site: Vec<Rule>,
}

/// What holds for the whole site.
#[derive(Clone, Debug, PartialEq)]
pub struct WholeSite {
    pub settings: SiteSettings,
    /// What may be chosen as hold music.
    pub hold_music: Vec<String>,
}

/// How the external directory is asked.
#[derive(Clone, Debug, PartialEq)]
pub struct Directory {
    /// `None`: there is none.
    pub settings: Option<DirectorySettings>,
    pub has_password: bool,
}

/// The newest part of the audit log.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Audit {
    pub entries: Vec<AuditEntry>,
    pub more: bool,
}

/// The site, for every component.
#[derive(Clone, Copy)]
pub struct Site {
    portal: Portal,
    toasts: Toasts,
    i18n: I18n,
    pub users: RwSignal<Part<Vec<UserOverview>>>,
    pub devices: RwSignal<Part<Vec<DeviceOverview>>>,
    pub dids: RwSignal<Part<Vec<DidSettings>>>,
    pub restrictions: RwSignal<Part<Restrictions>>,
    pub codes: RwSignal<Part<Vec<AccountCodeSettings>>>,
    pub trunks: RwSignal<Part<Vec<TrunkOverview>>>,
    pub settings: RwSignal<Part<WholeSite>>,
    pub directory: RwSignal<Part<Directory>>,
    pub audit: RwSignal<Part<Audit>>,
}

impl Site {
    /// An empty site, as the context's.
    pub fn provide(portal: Portal) -> Self {
        let site = Self {
            portal,
            toasts: expect_context(),
            i18n: I18n::expect(),
            users: RwSignal::default(),
            devices: RwSignal::default(),
            dids: RwSignal::default(),
            restrictions: RwSignal::default(),
            codes: RwSignal::default(),
            trunks: RwSignal::default(),
            settings: RwSignal::default(),
            directory: RwSignal::default(),
            audit: RwSignal::default(),
        };
        provide_context(site);
        site
    }

    /// The context's site.
    pub fn expect() -> Self {
        expect_context()
    }

    /// Whether something can be asked for now, tracked.
    pub fn connected(self) -> bool {
        self.portal.badge().get() == Badge::Connected
    }

    /// Asks for what a page shows; the answers come into the signals.
    pub fn refresh(self, lists: &[List]) {
        for list in lists.iter().copied() {
            spawn_local(async move { self.load(list).await });
        }
    }

    /// Asks for a further page of the audit log.
    pub async fn older_audit(self, limit: u16) {
        let before = self
            .audit
            .with_untracked(|audit| audit.value.as_ref()?.entries.last().map(|entry| entry.id));
        let answer = self.query(AdminQuery::Audit { before, limit }).await;
        self.audit.update(|audit| match answer {
            Ok(AdminAnswer::Audit { entries, more }) => {
                let value = audit.value.get_or_insert_default();
                let known = value.entries.last().map(|entry| entry.id);
                value.entries.extend(
                    entries
                        .into_iter()
                        .filter(|entry| known.is_none_or(|id| entry.id < id)),
                );
                value.more = more;
                audit.fault = None;
            }
            Ok(_) => audit.fault = Some(Fault::Unknown),
            Err(fault) => audit.fault = Some(fault),
        });
    }

    async fn load(self, list: List) {
        match list {
            List::Users => self.load_users().await,
            List::Devices => self.load_devices().await,
            List::Dids => self.load_dids().await,
            List::Groups => self.load_groups().await,
            List::Codes => self.load_codes().await,
            List::Trunks => match self.query(AdminQuery::Trunks).await {
                Ok(AdminAnswer::Trunks { trunks }) => take(self.trunks, trunks),
                answer => blame(self.trunks, answer),
            },
            List::Settings => match self.query(AdminQuery::Site).await {
                Ok(AdminAnswer::Site { settings, hold_music }) => {
                    let settings = *settings;
                    take(self.settings, WholeSite { settings, hold_music });
                }
                answer => blame(self.settings, answer),
            },
            List::Directory => match self.query(AdminQuery::Directory).await {
                Ok(AdminAnswer::Directory {
                    settings,
                    has_password,
                }) => {
                    let settings = settings.map(|settings| *settings);
                    take(
                        self.directory,
                        Directory {
                            settings,
                            has_password,
                        },
                    );
                }
                answer => blame(self.directory, answer),
            },
            List::Audit => {
                let query = AdminQuery::Audit {
                    before: None,
                    limit: AUDIT_PAGE,
                };
                match self.query(query).await {
                    Ok(AdminAnswer::Audit { entries, more }) => take(self.audit, Audit { entries, more }),
                    answer => blame(self.audit, answer),
                }
            }
        }
    }

    async fn load_users(self) {
        let mut all: Vec<UserOverview> = Vec::new();
        loop {
            let query = AdminQuery::Users {
                after: all.last().map(|user| user.settings.user.clone()),
                find: String::new(),
                telecommuting: false,
            };
            match self.query(query).await {
                Ok(AdminAnswer::Users { users, more }) => {
                    let done = !more || users.is_empty();
                    all.extend(users);
                    if done {
                        return take(self.users, all);
                    }
                }
                answer => return blame(self.users, answer),
            }
        }
    }

    async fn load_devices(self) {
        let mut all: Vec<DeviceOverview> = Vec::new();
        loop {
            let after = all.last().map(|device| device.settings.device.clone());
            match self.query(AdminQuery::Devices { after }).await {
                Ok(AdminAnswer::Devices { devices, more }) => {
                    let done = !more || devices.is_empty();
                    all.extend(devices);
                    if done {
                        return take(self.devices, all);
                    }
                }
                answer => return blame(self.devices, answer),
            }
        }
    }

    async fn load_dids(self) {
        let mut all: Vec<DidSettings> = Vec::new();
        loop {
            let after = all.last().map(|did| did.number.clone());
            match self.query(AdminQuery::Dids { after }).await {
                Ok(AdminAnswer::Dids { dids, more }) => {
                    let done = !more || dids.is_empty();
                    all.extend(dids);
                    if done {
                        return take(self.dids, all);
                    }
                }
                answer => return blame(self.dids, answer),
            }
        }
    }

    async fn load_groups(self) {
        let mut all: Vec<GroupSettings> = Vec::new();
        loop {
            let after = all.last().map(|group| group.name.clone());
            match self.query(AdminQuery::Groups { after }).await {
                Ok(AdminAnswer::Groups { groups, site, more }) => {
                    let done = !more || groups.is_empty();
                    all.extend(groups);
                    if done {
                        return take(self.restrictions, Restrictions { groups: all, site });
                    }
                }
                answer => return blame(self.restrictions, answer),
            }
        }
    }

    async fn load_codes(self) {
        let mut all: Vec<AccountCodeSettings> = Vec::new();
        loop {
            let query = AdminQuery::AccountCodes {
                after: all.last().map(|known| known.code.clone()),
                find: String::new(),
            };
            match self.query(query).await {
                Ok(AdminAnswer::AccountCodes { codes, more }) => {
                    let done = !more || codes.is_empty();
                    all.extend(codes);
                    if done {
                        return take(self.codes, all);
                    }
                }
                answer => return blame(self.codes, answer),
            }
        }
    }

    /// The users as they are now.
    ///
    /// # Errors
    /// [`Fault`].
    pub async fn users_now(self) -> Result<Vec<UserOverview>, Fault> {
        self.load_users().await;
        self.users
            .with_untracked(|part| match (&part.fault, &part.value) {
                (None, Some(users)) => Ok(users.clone()),
                (fault, _) => Err(fault.clone().unwrap_or(Fault::Unanswered)),
            })
    }

    /// Asks for something.
    ///
    /// # Errors
    /// [`Fault`].
    pub async fn query(self, query: AdminQuery) -> Result<AdminAnswer, Fault> {
        self.ask(CommandBody::AdminQuery { query }).await
    }

    /// Looks for people in the external directory, as the users' portals do.
    ///
    /// # Errors
    /// [`Fault`].
    pub async fn look_up(self, find: String) -> Result<ExternalPage, Fault> {
        let find = SearchText(find);
        match self.portal.ask_for(CommandBody::SearchExternal { find }).await {
            None => Err(Fault::Unanswered),
            Some(Outcome::External(page)) => Ok(page),
            Some(Outcome::Refused { refusal }) => Err(Fault::Refused(refusal)),
            Some(_) => Err(Fault::Unknown),
        }
    }

    /// Changes something.
    ///
    /// # Errors
    /// [`Fault`]; nothing was changed, except where no answer came in time.
    pub async fn change(self, change: AdminChange) -> Result<AdminAnswer, Fault> {
        match self.ask(CommandBody::AdminChange { change }).await? {
            AdminAnswer::Invalid { problems } => Err(Fault::Invalid(problems)),
            AdminAnswer::Unknown => Err(Fault::Unknown),
            answer => Ok(answer),
        }
    }

    async fn ask(self, body: CommandBody) -> Result<AdminAnswer, Fault> {
        for _ in 0..ATTEMPTS {
            match self.portal.ask_for(body.clone()).await {
                None => return Err(Fault::Unanswered),
                Some(Outcome::Admin { answer }) => return Ok(answer),
                Some(Outcome::Refused {
                    refusal: Refusal::TooFast { retry_after_ms },
                }) => {
                    TimeoutFuture::new(u32::try_from(retry_after_ms).unwrap_or(1_000).clamp(50, 5_000)).await;
                }
                Some(Outcome::Refused { refusal }) => return Err(Fault::Refused(refusal)),
                Some(_) => return Err(Fault::Unknown),
            }
        }
        Err(Fault::Unanswered)
    }

    /// Changes something, tells how it came out, and asks again for what it touched. `done` is told where it worked.
    pub fn carry_out(self, change: AdminChange, touched: Vec<List>, done: String) {
        spawn_local(async move {
            match self.change(change).await {
                Ok(_) => self.toasts.show(ToastKind::Success, done),
                Err(fault) => self.tell(&fault),
            }
            self.refresh(&touched);
        });
    }

    /// Tells of a fault at the edge of the window.
    pub fn tell(self, fault: &Fault) {
        self.toasts
            .show(ToastKind::Error, words::fault(self.i18n.locale_now(), fault));
    }

    /// Tells that something worked.
    pub fn tell_done(self, words: impl Into<String>) {
        self.toasts.show(ToastKind::Success, words);
    }

    /// The name a user is shown by, tracked; the sign-in name where the users are not known.
    pub fn user_name(self, user: &str) -> String {
        self.users.with(|users| {
            users
                .value
                .iter()
                .flatten()
                .find(|known| known.settings.user.as_str() == user)
                .map_or_else(|| user.to_owned(), |known| known.settings.display_name.clone())
        })
    }
}

/// Shows what was told.
pub fn take<T: Send + Sync + 'static>(part: RwSignal<Part<T>>, value: T) {
    // The page may have gone.
    part.try_set(Part {
        value: Some(value),
        fault: None,
    });
}

/// Shows why nothing was told; what was known stays.
pub fn blame<T: Send + Sync + 'static>(part: RwSignal<Part<T>>, answer: Result<AdminAnswer, Fault>) {
    let fault = answer.err().unwrap_or(Fault::Unknown);
    part.try_update(|part| part.fault = Some(fault));
}
