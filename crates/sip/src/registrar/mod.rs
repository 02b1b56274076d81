//! The registrar: which telephone can be reached where (RFC 3261 10.3, parts of RFC 5626).
//!
//! A binding is tied to the flow that its REGISTER came over, and requests to the telephone go over that flow
//! whatever its Contact says: that is what passes a NAT. A Path (RFC 3327) is therefore not needed, and
//! ignored. A binding over TCP or TLS ends with its connection.

mod request;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::accounts::AccountsConfig;
use crate::message::{HeaderName, Message};
use crate::timers::TimerId;
use crate::types::{Flow, Timestamp, Transport};
pub(crate) use request::is_outbound;
use request::{Wish, Wishes, same_contact};

/// One place where a telephone can be reached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Binding {
    /// URI of the Contact: the Request-URI of requests to this telephone.
    pub contact: String,
    /// Where the REGISTER came from, and requests go to.
    pub flow: Flow,
    pub call_id: String,
    pub cseq: u32,
    /// Preference in thousandths, 0 to 1000.
    pub q: u16,
    /// `+sip.instance`: the same telephone, whatever its Contact (RFC 5626 4.1).
    pub instance: Option<String>,
    /// `reg-id`: one of several flows of an instance.
    pub reg_id: Option<u32>,
    pub user_agent: Option<String>,
    /// In the user agent's time, which another run of the host does not share: store the time of day beside
    /// it, and set it anew before [`crate::UserAgent::restore_bindings`].
    #[serde(skip)]
    pub expires_at: Timestamp,
}

impl Binding {
    fn is_of(&self, wish: &Wish<'_>) -> bool {
        match (&self.instance, wish.instance) {
            (Some(ours), Some(theirs)) => ours == theirs && self.reg_id == wish.reg_id,
            (None, None) => same_contact(&self.contact, wish.uri),
            _ => false,
        }
    }
}

/// Why a REGISTER is refused.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) status: u16,
    pub(crate) reason: &'static str,
    pub(crate) min_expires: Option<u32>,
}

impl Refusal {
    const fn new(status: u16, reason: &'static str) -> Self {
        Self {
            status,
            reason,
            min_expires: None,
        }
    }
}

/// What a change of bindings means for the host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Change {
    pub(crate) changed: bool,
    pub(crate) was_registered: bool,
    pub(crate) is_registered: bool,
}

/// The bindings of one account.
struct Registered {
    bindings: Vec<Binding>,
    /// Number of the account in the timer queue.
    number: u64,
    timer: Option<TimerId>,
}

/// See the module's documentation.
pub(crate) struct Registrar {
    min_expires: u32,
    max_expires: u32,
    max_bindings: usize,
    accounts: HashMap<Arc<str>, Registered>,
    numbers: HashMap<u64, Arc<str>>,
    /// Who is behind each flow.
    flows: HashMap<(Transport, SocketAddr), Vec<Arc<str>>>,
    next_number: u64,
}

impl Registrar {
    pub(crate) fn new(config: &AccountsConfig) -> Self {
        Self {
            min_expires: config.min_expires,
            max_expires: config.max_expires.max(config.min_expires),
            max_bindings: config.max_bindings.max(1),
            accounts: HashMap::new(),
            numbers: HashMap::new(),
            flows: HashMap::new(),
            next_number: 0,
        }
    }

    /// Takes a REGISTER whose sender has proven to be `account`. Nothing is changed where it is refused. Also
    /// returned are the flows that telephones have left for this one.
    pub(crate) fn register(
        &mut self,
        now: Timestamp,
        account: &Arc<str>,
        flow: Flow,
        request: &Message,
    ) -> Result<(Change, Vec<Flow>), Refusal> {
        let wishes = request::read(request, self.min_expires, self.max_expires)?;
        let call_id = String::from_utf8_lossy(request.call_id()).into_owned();
        let cseq = request.cseq().map_or(0, |(cseq, _)| cseq);
        let mut left = Vec::new();
        let mut bindings: Vec<Binding> = self.bindings(account).to_vec();
        bindings.retain(|binding| binding.expires_at > now);
        let in_order = |binding: &Binding| binding.call_id != call_id || binding.cseq < cseq;
        let late = Refusal::new(500, "Out of Order");
        match wishes {
            Wishes::Query => {}
            Wishes::RemoveAll => {
                if !bindings.iter().all(in_order) {
                    return Err(late);
                }
                bindings.clear();
            }
            Wishes::Contacts(wishes) => {
                if wishes.iter().filter(|wish| wish.expires > 0).count() > self.max_bindings {
                    return Err(Refusal::new(403, "Too Many Contacts"));
                }
                for wish in &wishes {
                    let present = bindings.iter().position(|binding| binding.is_of(wish));
                    if present.is_some_and(|at| !in_order(&bindings[at])) {
                        return Err(late);
                    }
                    if let Some(at) = present {
                        left.push(bindings.remove(at).flow);
                    }
                    if wish.expires > 0 {
                        bindings.push(Binding {
                            contact: wish.uri.to_owned(),
                            flow,
                            call_id: call_id.clone(),
                            cseq,
                            q: wish.q,
                            instance: wish.instance.map(str::to_owned),
                            reg_id: wish.reg_id,
                            user_agent: request
                                .header_text(HeaderName::UserAgent)
                                .map(|text| text.chars().take(128).collect()),
                            expires_at: now + Duration::from_secs(wish.expires.into()),
                        });
                    }
                }
                // The one refreshed longest ago stands first.
                let surplus = bindings.len().saturating_sub(self.max_bindings);
                bindings.drain(..surplus);
            }
        }
        left.retain(|old| *old != flow);
        Ok((self.commit(account, bindings), left))
    }

    /// The bindings of an account, the one refreshed last at the end.
    pub(crate) fn bindings(&self, account: &str) -> &[Binding] {
        self.accounts
            .get(account)
            .map_or(&[], |registered| registered.bindings.as_slice())
    }

    /// Accounts with a binding over this flow.
    pub(crate) fn on_flow(&self, flow: &Flow) -> Vec<Arc<str>> {
        self.flows
            .get(&(flow.transport, flow.remote))
            .cloned()
            .unwrap_or_default()
    }

    /// Keeps only the bindings that `keep` wants.
    pub(crate) fn retain(&mut self, account: &Arc<str>, keep: impl Fn(&Binding) -> bool) -> Change {
        let mut bindings = self.bindings(account).to_vec();
        bindings.retain(|binding| keep(binding));
        self.commit(account, bindings)
    }

    /// Replaces the bindings of an account.
    pub(crate) fn commit(&mut self, account: &Arc<str>, bindings: Vec<Binding>) -> Change {
        let registered = self.accounts.entry(Arc::clone(account)).or_insert_with(|| {
            self.next_number += 1;
            self.numbers.insert(self.next_number, Arc::clone(account));
            Registered {
                bindings: Vec::new(),
                number: self.next_number,
                timer: None,
            }
        });
        let change = Change {
            changed: registered.bindings != bindings,
            was_registered: !registered.bindings.is_empty(),
            is_registered: !bindings.is_empty(),
        };
        for binding in &registered.bindings {
            let key = (binding.flow.transport, binding.flow.remote);
            if let Some(accounts) = self.flows.get_mut(&key) {
                accounts.retain(|name| name != account);
                if accounts.is_empty() {
                    self.flows.remove(&key);
                }
            }
        }
        for binding in &bindings {
            let key = (binding.flow.transport, binding.flow.remote);
            let accounts = self.flows.entry(key).or_default();
            if !accounts.contains(account) {
                accounts.push(Arc::clone(account));
            }
        }
        registered.bindings = bindings;
        change
    }

    /// The account's timer, its number there, and when its next binding runs out.
    pub(crate) fn timer(&mut self, account: &str) -> Option<(&mut Option<TimerId>, u64, Option<Timestamp>)> {
        let registered = self.accounts.get_mut(account)?;
        let next = registered.bindings.iter().map(|binding| binding.expires_at).min();
        Some((&mut registered.timer, registered.number, next))
    }

    /// The account with this number in the timer queue.
    pub(crate) fn account_of(&self, number: u64) -> Option<Arc<str>> {
        self.numbers.get(&number).cloned()
    }

    /// Forgets an account without bindings.
    pub(crate) fn forget(&mut self, account: &str) {
        if let Some(registered) = self.accounts.remove(account) {
            self.numbers.remove(&registered.number);
        }
    }
}
