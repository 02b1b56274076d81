//! Accounts served: the proof that requests bring, REGISTER, and the bindings that come of it.

use std::collections::{HashMap, HashSet};
use std::net::SocketAddr;
use std::sync::Arc;

use super::UserAgent;
use super::subscriptions::Pending;
use crate::accounts::{Account, Accounts, AccountsConfig, Check};
use crate::dialog::tag_text;
use crate::message::{HeaderName, Message, Method, NameAddr, Uri, Writer};
use crate::registrar::{Binding, Change, Refusal, Registrar, is_outbound};
use crate::subscribe::{Notifier, Takes, Termination};
use crate::transaction::{TimerKey, reply_flow};
use crate::types::{Event, Flow, SipError, Timestamp, Transport};

/// How often a telephone that uses RFC 5626 is to send a keep-alive, in seconds.
const FLOW_TIMER: u64 = 120;

/// What serving telephones takes.
pub(super) struct Telephones {
    accounts: Accounts,
    registrar: Registrar,
    pub(super) notifier: Notifier,
    /// SUBSCRIBEs that wait for the host.
    pub(super) pending: HashMap<u64, Box<Pending>>,
    pub(super) min_expires: u32,
    pub(super) max_subscription: u32,
    pub(super) max_subscriptions: usize,
}

/// Addresses whose requests need no proof. Port 0 stands for every port.
#[derive(Default)]
pub(crate) struct Trusted(HashSet<SocketAddr>);

impl Trusted {
    pub(crate) fn contains(&self, address: SocketAddr) -> bool {
        let ip = address.ip().to_canonical();
        [address.port(), 0]
            .into_iter()
            .any(|port| self.0.contains(&SocketAddr::new(ip, port)))
    }
}

/// The request was answered, or is met with silence.
pub(super) struct Settled;

impl UserAgent {
    /// Serves telephones from here on: REGISTER is taken, and INVITE, SUBSCRIBE, PUBLISH, MESSAGE and REFER
    /// outside a dialog must prove an account, unless they come from a trusted address. Nobody is registered
    /// until [`Self::set_account`] and [`Self::restore_bindings`] say so.
    pub fn serve_accounts(&mut self, config: &AccountsConfig) {
        self.core.serves = true;
        self.telephones = Some(Box::new(Telephones {
            accounts: Accounts::new(config),
            registrar: Registrar::new(config),
            notifier: Notifier::default(),
            pending: HashMap::new(),
            min_expires: config.min_expires,
            max_subscription: config.max_subscription.max(config.min_expires),
            max_subscriptions: config.max_subscriptions,
        }));
    }

    /// The addresses of trunks: what comes from them is not challenged, and is of no account. Port 0 stands
    /// for every port of an address. Replaces those given before.
    pub fn set_trusted(&mut self, addresses: impl IntoIterator<Item = SocketAddr>) {
        self.core.trusted = Trusted(
            addresses
                .into_iter()
                .map(|address| SocketAddr::new(address.ip().to_canonical(), address.port()))
                .collect(),
        );
    }

    /// Adds an account, or changes its password: a change ends its bindings, for another telephone may know
    /// the old one.
    pub fn set_account(&mut self, now: Timestamp, account: Account) -> Result<(), SipError> {
        let telephones = self.telephones.as_deref_mut().ok_or(SipError::UnknownAccount)?;
        let name = account.name.clone();
        let replaced = telephones.accounts.set(account.clone());
        if replaced.is_some_and(|replaced| replaced != account) {
            self.end_subscriptions_of(now, &name, Termination::Deactivated);
            self.drop_bindings(&name, |_| false);
        }
        Ok(())
    }

    /// Removes an account with its bindings, subscriptions and publications. Calls that are up go on.
    pub fn remove_account(&mut self, now: Timestamp, name: &str) -> Result<(), SipError> {
        self.end_subscriptions_of(now, name, Termination::Rejected);
        self.forget_publications(name);
        self.set_takes(now, name, Takes::default());
        self.drop_bindings(name, |_| false);
        let telephones = self.telephones.as_deref_mut().ok_or(SipError::UnknownAccount)?;
        telephones.registrar.forget(name);
        if telephones.accounts.remove(name) {
            Ok(())
        } else {
            Err(SipError::UnknownAccount)
        }
    }

    /// Where the telephones of an account can be reached, the preferred first (`q`, then the one refreshed
    /// last). To ring one, give its `flow` and `contact` to [`crate::OutgoingCall`].
    pub fn bindings(&self, account: &str) -> Vec<Binding> {
        let mut bindings: Vec<Binding> = self
            .telephones
            .as_deref()
            .map(|telephones| telephones.registrar.bindings(account).to_vec())
            .unwrap_or_default();
        bindings.reverse();
        bindings.sort_by_key(|binding| std::cmp::Reverse(binding.q));
        bindings
    }

    /// Takes stored bindings back after a restart, and tells [`Event::Registration`]. Those over UDP can be
    /// called at once. Those over TCP and TLS ended with their connections and are dropped: such a telephone
    /// connects and registers again by itself.
    pub fn restore_bindings(
        &mut self,
        now: Timestamp,
        account: &str,
        mut bindings: Vec<Binding>,
    ) -> Result<(), SipError> {
        let telephones = self.telephones.as_deref_mut().ok_or(SipError::UnknownAccount)?;
        let account = telephones
            .accounts
            .name(account)
            .ok_or(SipError::UnknownAccount)?;
        let stored = bindings.len();
        bindings.retain(|binding| {
            let usable = Uri::parse(binding.contact.as_bytes()).is_some();
            usable && !binding.flow.transport.is_stream() && binding.expires_at > now
        });
        let dropped = bindings.len() < stored;
        let mut change = telephones.registrar.commit(&account, bindings);
        change.changed = dropped;
        self.bindings_changed(&account, change);
        Ok(())
    }

    /// Checks who sent a request outside a dialog. `None`: nobody has to prove anything.
    pub(super) fn authenticate(
        &mut self,
        now: Timestamp,
        flow: Flow,
        request: &Message,
    ) -> Result<Option<Arc<str>>, Settled> {
        let needs_proof = matches!(
            request.method(),
            Some(
                Method::Invite
                    | Method::Register
                    | Method::Subscribe
                    | Method::Publish
                    | Method::Message
                    | Method::Refer
            )
        );
        let Some(telephones) = self.telephones.as_deref_mut() else {
            return Ok(None);
        };
        if !needs_proof || self.core.trusted.contains(flow.remote) {
            return Ok(None);
        }
        let stale = match telephones.accounts.check(now, flow.remote, request) {
            Check::Proven(account) => return Ok(Some(account)),
            Check::Silence => return Err(Settled),
            Check::Challenge { stale } => stale,
        };
        let named = request
            .from()
            .and_then(|from| Uri::parse(from.uri))
            .and_then(|from| telephones.accounts.name(&from.user()?));
        let claimed = named.or_else(|| telephones.registrar.on_flow(&flow).pop());
        let challenges = telephones.accounts.challenge(now, stale, claimed.as_deref());
        let headers: Vec<_> = challenges
            .iter()
            .map(|challenge| (HeaderName::WwwAuthenticate, challenge.as_str()))
            .collect();
        self.core.reply(flow, request, 401, "", &headers);
        Err(Settled)
    }

    /// A REGISTER (RFC 3261 10.3).
    pub(super) fn handle_register(&mut self, now: Timestamp, flow: Flow, request: Message) {
        let account = match self.authenticate(now, flow, &request) {
            Ok(Some(account)) => account,
            Ok(None) => {
                self.core.reply(flow, &request, 403, "", &[]);
                return;
            }
            Err(Settled) => return,
        };
        if !is_of(&account, request.to()) || !is_of(&account, request.from()) {
            self.core.reply(flow, &request, 403, "", &[]);
            return;
        }
        let Some(telephones) = self.telephones.as_deref_mut() else {
            return;
        };
        let reached = reply_flow(flow, &request);
        match telephones.registrar.register(now, &account, reached, &request) {
            Ok((change, left)) => {
                self.bindings_changed(&account, change);
                self.answer_register(now, flow, request, &account);
                self.calls_follow(now, &account, reached, &left);
                self.subscriptions_follow(now, &account, reached, &left);
            }
            Err(Refusal {
                status,
                reason,
                min_expires,
            }) => {
                let min_expires = min_expires.map(|seconds| seconds.to_string());
                let headers: Vec<_> = min_expires
                    .iter()
                    .map(|seconds| (HeaderName::MinExpires, seconds.as_str()))
                    .collect();
                self.core.reply(flow, &request, status, reason, &headers);
            }
        }
    }

    /// 200 with every binding of the account.
    fn answer_register(&mut self, now: Timestamp, flow: Flow, request: Message, account: &str) {
        let outbound = is_outbound(&request);
        let Some(transaction) = self.core.start_server(now, flow, request) else {
            return;
        };
        let tag = tag_text(self.core.random());
        let Some(mut writer) = self.core.response(transaction, 200, "", Some(&tag)) else {
            return;
        };
        let bindings = self
            .telephones
            .as_deref()
            .map(|telephones| telephones.registrar.bindings(account))
            .unwrap_or_default();
        for binding in bindings {
            write_binding(&mut writer, now, binding);
        }
        writer.header(HeaderName::Supported, self.core.supported(&flow).as_bytes());
        if outbound {
            writer.header(HeaderName::Require, b"outbound");
            if flow.transport != Transport::Udp {
                writer.other("Flow-Timer", &FLOW_TIMER.to_string());
            }
        }
        let bytes = writer.finish(None);
        self.core.server_respond(now, transaction, 200, bytes);
    }

    /// Bindings of the account with this number run out.
    pub(super) fn bindings_expire(&mut self, now: Timestamp, number: u64) {
        let account = self
            .telephones
            .as_deref()
            .and_then(|telephones| telephones.registrar.account_of(number));
        if let Some(account) = account {
            self.drop_bindings(&account, |binding| binding.expires_at > now);
        }
    }

    /// A connection is gone, and with it whoever was registered over it.
    pub(super) fn bindings_cut_off(&mut self, flow: &Flow) {
        if !flow.transport.is_stream() {
            return;
        }
        let accounts = self
            .telephones
            .as_deref()
            .map(|telephones| telephones.registrar.on_flow(flow))
            .unwrap_or_default();
        for account in accounts {
            self.drop_bindings(&account, |binding| {
                binding.flow.transport != flow.transport || binding.flow.remote != flow.remote
            });
        }
    }

    /// The accounts that are registered over this flow: what concerns such a telephone stays there.
    pub(super) fn accounts_on(&self, flow: &Flow) -> Vec<Arc<str>> {
        let telephones = self.telephones.as_deref();
        telephones.map_or_else(Vec::new, |telephones| telephones.registrar.on_flow(flow))
    }

    fn drop_bindings(&mut self, account: &str, keep: impl Fn(&Binding) -> bool) {
        let Some(telephones) = self.telephones.as_deref_mut() else {
            return;
        };
        let Some(account) = telephones.accounts.name(account) else {
            return;
        };
        let change = telephones.registrar.retain(&account, keep);
        self.bindings_changed(&account, change);
    }

    /// Sets the account's timer anew, and tells the host.
    fn bindings_changed(&mut self, account: &Arc<str>, change: Change) {
        let Some(telephones) = self.telephones.as_deref_mut() else {
            return;
        };
        if let Some((slot, number, next)) = telephones.registrar.timer(account) {
            match next {
                Some(at) => self.core.timers.reset(slot, at, TimerKey::Binding(number)),
                None => self.core.timers.clear(slot),
            }
        }
        if change.changed {
            self.core.emit(Event::Bindings {
                account: account.as_ref().to_owned(),
                bindings: telephones.registrar.bindings(account).to_vec(),
            });
        }
        if change.was_registered != change.is_registered {
            self.core.emit(Event::Registration {
                account: account.as_ref().to_owned(),
                registered: change.is_registered,
            });
        }
    }
}

/// Whether an address of record is that of an account.
pub(super) fn is_of(account: &str, party: Option<NameAddr<'_>>) -> bool {
    party
        .and_then(|party| Uri::parse(party.uri))
        .and_then(|uri| uri.user())
        .is_some_and(|user| user == *account)
}

/// A Contact with what is left of its time, rounded up so that it is never 0.
fn write_binding(writer: &mut Writer, now: Timestamp, binding: &Binding) {
    let left = binding.expires_at.since(now).as_millis().div_ceil(1000);
    writer
        .name(HeaderName::Contact)
        .put(b"<")
        .put(binding.contact.as_bytes())
        .put(b">");
    if let Some(instance) = &binding.instance {
        writer
            .put(b";+sip.instance=\"")
            .put(instance.as_bytes())
            .put(b"\"");
    }
    if let Some(reg_id) = binding.reg_id {
        writer.put(b";reg-id=").number(reg_id.into());
    }
    if binding.q < 1000 {
        writer.put(format!(";q=0.{:03}", binding.q).as_bytes());
    }
    writer
        .put(b";expires=")
        .number(u64::try_from(left).unwrap_or(u64::MAX))
        .end();
}
