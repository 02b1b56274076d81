//! How far a call has come before it came here, so that one that goes in a circle ends: Max-Forwards (RFC 3261 section
//! 16.3; RFC 7332 for those who end one dialog and begin another), Diversion (RFC 5806) and History-Info (RFC 7044).

use super::Driver;
use super::incoming::dialled_number;
use crate::config::ForwardedBy;
use crate::numbers::NumberingPlan;
use ponte_call_core::{Dialled, ForwardReason, LegId, TrunkId};
use ponte_protocol::{DialString, E164};
use ponte_sip::OutgoingCall;
use ponte_sip::message::{HeaderName, Message, NameAddr};

/// The most entries of a header that are kept: nobody forwards a call that often.
const ENTRIES_MAX: usize = 20;

/// What a call brought with it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Hops {
    /// Max-Forwards; `None`: the call begins here.
    left: Option<u8>,
    /// Diversion, the most recent first.
    diversions: Vec<String>,
    /// History-Info, the most recent last.
    history: Vec<String>,
}

impl Hops {
    pub fn of(message: &Message) -> Self {
        let left = message
            .header_text(HeaderName::MaxForwards)
            .and_then(|text| text.trim().parse::<u16>().ok())
            .map_or(OutgoingCall::MAX_FORWARDS, |left| {
                u8::try_from(left).unwrap_or(u8::MAX)
            });
        Self {
            left: Some(left.min(OutgoingCall::MAX_FORWARDS)),
            diversions: entries(message, HeaderName::Diversion),
            history: entries(message, HeaderName::HistoryInfo),
        }
    }

    /// Max-Forwards of a leg for which the call goes on.
    pub fn max_forwards(&self) -> u8 {
        self.left
            .map_or(OutgoingCall::MAX_FORWARDS, |left| left.saturating_sub(1))
    }

    /// How often the call was forwarded, as its headers tell: a carrier may write either, or both.
    pub fn forwarded(&self) -> u32 {
        let diverted = self
            .diversions
            .iter()
            .map(|entry| counter(entry))
            .fold(0, u32::saturating_add);
        let retargeted = u32::try_from(self.history.len().saturating_sub(1)).unwrap_or(u32::MAX);
        diverted.max(retargeted)
    }

    /// The numbers that have forwarded the call.
    fn forwarders(&self) -> impl Iterator<Item = DialString> {
        // The last of the history is whom the call is for now.
        let before = self.history.len().saturating_sub(1);
        self.diversions
            .iter()
            .chain(&self.history[..before])
            .filter_map(|entry| {
                let uri = NameAddr::parse(entry.as_bytes())?.uri;
                dialled_number(std::str::from_utf8(uri).ok()?)
            })
    }

    /// Headers that tell of one more forwarding.
    ///
    /// `from` and `to` are addresses, without brackets.
    pub fn told(
        &self,
        by: ForwardedBy,
        reason: ForwardReason,
        from: &str,
        to: &str,
    ) -> Vec<(String, String)> {
        let mut headers = Vec::new();
        if matches!(by, ForwardedBy::Diversion | ForwardedBy::Both) {
            let word = match reason {
                ForwardReason::Unconditional => "unconditional",
                ForwardReason::Busy => "user-busy",
                ForwardReason::NoAnswer => "no-answer",
            };
            let own = format!("<{from}>;reason={word};counter=1");
            let all = std::iter::once(&own).chain(&self.diversions);
            headers.extend(all.map(|entry| ("Diversion".to_owned(), entry.clone())));
        }
        if matches!(by, ForwardedBy::HistoryInfo | ForwardedBy::Both) {
            // RFC 4458 section 3.1: why the call goes to its target.
            let cause = match reason {
                ForwardReason::Unconditional => 302,
                ForwardReason::Busy => 486,
                ForwardReason::NoAnswer => 408,
            };
            let mut entries = self.history.clone();
            let last = entries.last().and_then(|entry| index(entry));
            let index = last.unwrap_or_else(|| {
                entries = vec![format!("<{from}>;index=1")];
                "1".to_owned()
            });
            entries.push(format!("<{to};cause={cause}>;index={index}.1;mp={index}"));
            headers.extend(
                entries
                    .into_iter()
                    .map(|entry| ("History-Info".to_owned(), entry)),
            );
        }
        headers
    }
}

/// The values of a header that can be sent on as they are.
fn entries(message: &Message, name: HeaderName) -> Vec<String> {
    message
        .values(name)
        .filter(|value| value.iter().all(|byte| (0x20..0x7f).contains(byte)))
        .filter_map(|value| String::from_utf8(value.to_vec()).ok())
        .take(ENTRIES_MAX)
        .collect()
}

/// How many forwardings an entry stands for (RFC 5806 section 4).
fn counter(entry: &str) -> u32 {
    NameAddr::parse(entry.as_bytes())
        .and_then(|entry| std::str::from_utf8(entry.param("counter")?).ok()?.parse().ok())
        .unwrap_or(1)
}

/// Where in the tree of targets an entry stands (RFC 7044 section 5.1): numbers between dots.
fn index(entry: &str) -> Option<String> {
    let index = NameAddr::parse(entry.as_bytes())?.param("index")?;
    let valid = !index.is_empty()
        && index.len() <= 64
        && index.iter().all(|byte| byte.is_ascii_digit() || *byte == b'.');
    valid.then(|| String::from_utf8_lossy(index).into_owned())
}

impl Driver {
    /// What the call brought with it for which this leg is opened.
    pub(super) fn hops_to(&self, leg: LegId) -> Hops {
        let caller = self.switch.caller_of(leg).and_then(|leg| self.legs.get(leg));
        caller.map_or_else(Hops::default, |leg| leg.hops.clone())
    }

    /// Whether a call from outside has been here before: the number that it is for has forwarded it, or a telephone that
    /// rings for us now has.
    pub(super) fn has_come_back(&self, hops: &Hops, dialled: &Dialled, trunk: &TrunkId) -> bool {
        hops.forwarders()
            .any(|number| match self.plan.read_incoming(&number, trunk) {
                Dialled::Own {
                    extension: Some(extension),
                } => matches!(dialled, Dialled::Own { extension: Some(called) } if *called == extension),
                _ => outside(&self.plan, &number).is_some_and(|number| self.legs.is_ringing(number.as_str())),
            })
    }
}

/// A number outside, however a carrier writes it.
fn outside(plan: &NumberingPlan, typed: &DialString) -> Option<E164> {
    match super::incoming::number_outside(plan, typed)? {
        ponte_call_core::CallerNumber::E164(number) => Some(number),
        ponte_call_core::CallerNumber::Extension(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hops(headers: &str) -> Hops {
        let text = format!(
            "INVITE sip:201@gw SIP/2.0\r\nVia: SIP/2.0/UDP a;branch=z9hG4bK1\r\nFrom: <sip:a@a>;tag=1\r\nTo: <sip:b@b>\r\n\
             Call-ID: 1\r\nCSeq: 1 INVITE\r\n{headers}Content-Length: 0\r\n\r\n"
        );
        Hops::of(&Message::parse(text.as_bytes()).unwrap())
    }

    fn forwarders(hops: &Hops) -> Vec<String> {
        hops.forwarders()
            .map(|number| number.as_str().to_owned())
            .collect()
    }

    #[test]
    fn each_call_that_goes_on_has_one_hop_less() {
        assert_eq!(hops("Max-Forwards: 12\r\n").max_forwards(), 11);
        assert_eq!(hops("Max-Forwards: 1\r\n").max_forwards(), 0);
        assert_eq!(hops("Max-Forwards: 255\r\n").max_forwards(), 69);
        assert_eq!(hops("").max_forwards(), 69);
        assert_eq!(Hops::default().max_forwards(), 70);
    }

    #[test]
    fn forwardings_are_counted_by_either_header() {
        let diverted = hops(
            "Diversion: <sip:+390211111111@x>;reason=no-answer;counter=3, <sip:+390222222222@x>\r\nDiversion: <tel:+390233333333>;counter=x\r\n",
        );
        assert_eq!(diverted.forwarded(), 5);
        assert_eq!(
            forwarders(&diverted),
            ["+390211111111", "+390222222222", "+390233333333"]
        );
        let history = hops(
            "History-Info: <sip:+390211111111@x>;index=1\r\nHistory-Info: <sip:+390222222222@x;cause=302>;index=1.1\r\n",
        );
        assert_eq!(history.forwarded(), 1);
        assert_eq!(
            forwarders(&history),
            ["+390211111111"],
            "the last is whom it is for"
        );
        assert_eq!(hops("").forwarded(), 0);
    }

    #[test]
    fn what_is_told_goes_before_what_was_told() {
        let (from, to) = ("sip:+390266600201@ponte", "sip:+390298765401@carrier;user=phone");
        let none = Hops::default();
        assert_eq!(none.told(ForwardedBy::Nothing, ForwardReason::Busy, from, to), []);
        let told = |hops: &Hops, by| {
            hops.told(by, ForwardReason::NoAnswer, from, to)
                .into_iter()
                .map(|(name, value)| format!("{name}: {value}"))
                .collect::<Vec<_>>()
        };
        let before = hops(
            "Diversion: <sip:1@x>;counter=2\r\nHistory-Info: <sip:1@x>;index=1\r\nHistory-Info: <sip:2@x>;index=1.1\r\n",
        );
        assert_eq!(
            told(&before, ForwardedBy::Both),
            [
                "Diversion: <sip:+390266600201@ponte>;reason=no-answer;counter=1",
                "Diversion: <sip:1@x>;counter=2",
                "History-Info: <sip:1@x>;index=1",
                "History-Info: <sip:2@x>;index=1.1",
                "History-Info: <sip:+390298765401@carrier;user=phone;cause=408>;index=1.1.1;mp=1.1",
            ]
        );
        assert_eq!(
            told(&none, ForwardedBy::HistoryInfo),
            [
                "History-Info: <sip:+390266600201@ponte>;index=1",
                "History-Info: <sip:+390298765401@carrier;user=phone;cause=408>;index=1.1;mp=1",
            ]
        );
    }

    #[test]
    fn what_cannot_be_sent_on_is_left_out() {
        let odd =
            hops("Diversion: \"Zo\u{eb}\" <sip:1@x>, <sip:2@x>\r\nHistory-Info: <sip:1@x>;index=1<2\r\n");
        assert_eq!(odd.diversions, ["<sip:2@x>"]);
        let told = odd.told(
            ForwardedBy::HistoryInfo,
            ForwardReason::Unconditional,
            "sip:3@x",
            "sip:4@x",
        );
        assert_eq!(told[0].1, "<sip:3@x>;index=1");
        assert_eq!(told.len(), 2);
    }
}
