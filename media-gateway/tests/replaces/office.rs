//! An office of telephones made by hand, and what they make of what a lamp tells.

use crate::support::wire::{Call, Wire, body, field, status};
use crate::support::{ANNA, COMPANY, FAR, Options, World};
use ponte_protocol::{CallRecord, EventBody, LinkEvent};
use ponte_pstn_sim::{Answer, PlaceCall};

pub const BRUNO: &str = "bruno";
pub const CARLA: &str = "carla";
pub const CALLER_HZ: f64 = 1130.0;
pub const TAKER_HZ: f64 = 1910.0;
pub const OTHER_HZ: f64 = 1520.0;

/// Everybody's telephone on the desk, registered, and made by hand.
pub struct Office {
    pub world: World,
    pub anna: Wire,
    pub bruno: Wire,
    pub carla: Wire,
    /// A trunk that is none of the carrier's.
    pub trunk: Wire,
}

impl Office {
    pub async fn open() -> Self {
        let mut trunk = Wire::new().await;
        let world = World::with(Options {
            extra: trunk.trunk("wire", ""),
            ..Options::default()
        })
        .await;
        trunk.speaks_to(world.sip);
        world.change_user(ANNA, |row| row.voicemail_allowed = false).await;
        world.add_user(BRUNO, true).await;
        world.add_user_at(CARLA, "203").await;
        let mut telephones = Vec::new();
        for (user, device) in [(ANNA, "desk-201"), (BRUNO, "desk-202"), (CARLA, "desk-203")] {
            world
                .until("the user is known", |world| world.edge.state(user).is_some())
                .await;
            world.add_device(device, Some(user), false).await;
            world.station(user, device, |station| station.logged_on).await;
            telephones.push(registered(&world, device).await);
            world.station(user, device, |station| station.registered).await;
        }
        let [anna, bruno, carla] = telephones.try_into().ok().unwrap();
        Self {
            world,
            anna,
            bruno,
            carla,
            trunk,
        }
    }

    /// Somebody outside calls Anna, whose telephone rings. The carrier's number of the call, and the INVITE.
    pub async fn rings_for_anna(&self) -> (u64, String) {
        self.rings_for_anna_until(None).await
    }

    /// … and gives up after so many milliseconds.
    pub async fn rings_for_anna_until(&self, give_up_after_ms: Option<u64>) -> (u64, String) {
        let placed = self.world.place(PlaceCall {
            give_up_after_ms,
            telephone: Answer {
                tone_hz: Some(CALLER_HZ),
                ..Answer::default()
            },
            ..PlaceCall::new(FAR, COMPANY)
        });
        let invite = self.anna.next("INVITE").await;
        self.anna.replies(&invite, 180, "", "").await;
        self.world
            .until("the caller hears ringing", |world| {
                world.call(placed).ringing_at.is_some()
            })
            .await;
        (placed, invite)
    }

    /// Anna's telephone stops ringing, and shows no missed call.
    pub async fn anna_stops_ringing(&self, invite: &str) {
        let cancel = self.anna.next("CANCEL").await;
        assert_eq!(
            field(&cancel, "Reason"),
            "SIP;cause=200;text=\"Call completed elsewhere\"",
            "{cancel}"
        );
        self.anna.replies(&cancel, 200, "", "").await;
        self.anna.replies(invite, 487, "", "").await;
        self.anna.next("ACK").await;
    }

    pub async fn caller_hears(&self, placed: u64, hz: f64) {
        self.world
            .until(&format!("the caller hears {hz} Hz"), |world| {
                world.call(placed).media.has_heard(hz, 600)
            })
            .await;
    }

    pub async fn records(&self, user: &str) -> Vec<CallRecord> {
        self.world
            .until("a record", |world| !records(world, user).is_empty())
            .await;
        records(&self.world, user)
    }

    pub async fn nobody_talks(&self) {
        self.world
            .until("every call is over", |world| world.carrier.active_calls() == 0)
            .await;
    }
}

pub fn records(world: &World, user: &str) -> Vec<CallRecord> {
    let of_user = |event: LinkEvent| match event.body {
        EventBody::CallEnded { record, .. } if event.user.as_str() == user => Some(record),
        _ => None,
    };
    world.edge.events().into_iter().filter_map(of_user).collect()
}

pub async fn registered(world: &World, device: &str) -> Wire {
    let telephone = Wire::telephone(device, world.sip).await;
    registers(&telephone, world, device).await;
    telephone
}

pub async fn registers(telephone: &Wire, world: &World, device: &str) {
    let mut register = Call::new(format!("sip:{device}@{}", world.sip));
    let answer = telephone
        .asks(&mut register, "REGISTER", "Expires: 600\r\n", "")
        .await;
    assert_eq!(status(&answer), 200, "{answer}");
    assert!(field(&answer, "Supported").contains("replaces"), "{answer}");
}

/// Watches the calls of an extension; the subscription.
pub async fn watches(telephone: &Wire, world: &World, extension: &str) -> Call {
    let mut watch = Call::new(format!("sip:{extension}@{}", world.sip));
    let headers = "Event: dialog\r\nAccept: application/dialog-info+xml\r\nExpires: 600\r\n";
    let granted = telephone.asks(&mut watch, "SUBSCRIBE", headers, "").await;
    assert_eq!(status(&granted), 200, "{granted}");
    watch
}

/// The next NOTIFY of a subscription for which this holds; all are answered.
pub async fn notified(telephone: &Wire, watch: &Call, wanted: impl Fn(&str) -> bool) -> String {
    loop {
        let notify = telephone
            .hears("a NOTIFY", |text| {
                text.starts_with("NOTIFY") && field(text, "Call-ID") == watch.id
            })
            .await;
        telephone.replies(&notify, 200, "", "").await;
        if wanted(body(&notify)) {
            return body(&notify).to_owned();
        }
    }
}

/// Waits until the telephone was told that nothing rings and nobody talks.
pub async fn idle(telephone: &Wire, watch: &Call) {
    notified(telephone, watch, |text| {
        !text.contains("early") && !text.contains("confirmed")
    })
    .await;
}

/// What a telephone makes of a dialog that it was told of: whom it calls, and the Replaces. As RFC 5359 section 2.11 does it,
/// the tag of the remote side is that of whom the INVITE goes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taking {
    pub target: String,
    pub replaces: String,
}

impl Taking {
    /// `None` where the document names no such dialog.
    pub fn of(document: &str, state: &str, early_only: bool) -> Option<Self> {
        let document = roxmltree::Document::parse(document).unwrap();
        let dialog = document.root_element().children().find(|dialog| {
            let mut children = dialog.children();
            children.any(|child| child.has_tag_name("state") && child.text() == Some(state))
        })?;
        let named = ["call-id", "remote-tag", "local-tag"].map(|name| dialog.attribute(name));
        let [Some(call_id), Some(remote), Some(local)] = named else {
            return None;
        };
        let side = dialog.children().find(|child| child.has_tag_name("remote"))?;
        let target = side.children().find(|child| child.has_tag_name("target"))?;
        let early_only = if early_only { ";early-only" } else { "" };
        Some(Self {
            target: target.attribute("uri")?.to_owned(),
            replaces: format!(
                "Replaces: {call_id};to-tag={remote};from-tag={local}{early_only}\r\nRequire: replaces\r\n"
            ),
        })
    }

    pub async fn by(&self, telephone: &Wire, description: &str) -> (Call, String) {
        let mut call = Call::new(self.target.clone());
        let answer = telephone.calls(&mut call, &self.replaces, description).await;
        (call, answer)
    }
}
