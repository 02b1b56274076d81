//! Which addresses the edge sends push messages to. Whoever is signed in names one, so it must lead to a public HTTPS
//! service and nowhere else.

use serde::Serialize;
use url::{Host, Url};

/// The longest address, in bytes.
pub const ENDPOINT_MAX: usize = 1024;
/// Names that lead into private networks, or nowhere: RFC 2606, RFC 6761, RFC 6762, RFC 8375, RFC 9476, and what home and
/// office routers hand out.
const PRIVATE_SUFFIXES: [&str; 17] = [
    "alt",
    "arpa",
    "corp",
    "example",
    "home",
    "internal",
    "intranet",
    "invalid",
    "lan",
    "local",
    "localdomain",
    "localhost",
    "onion",
    "private",
    "router",
    "test",
    "workgroup",
];

/// Why an address is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum EndpointFault {
    /// No address, or one that names a user, a password or a part of a page.
    Malformed,
    TooLong,
    NotHttps,
    /// Push services listen on 443 (RFC 8030 section 8.1 knows `https` only); another port is for scanning.
    Port,
    /// An IP address, a name without a public ending, or the edge itself.
    NotPublic,
}

/// Reads the address of a push service. `own_host` is the portal's. What begins with `exempt`, an origin that a test
/// names, is held to no rule but its length.
///
/// # Errors
/// [`EndpointFault`].
pub fn check(text: &str, own_host: Option<&str>, exempt: Option<&str>) -> Result<Url, EndpointFault> {
    if text.len() > ENDPOINT_MAX {
        return Err(EndpointFault::TooLong);
    }
    let url = Url::parse(text).map_err(|_| EndpointFault::Malformed)?;
    let origin = url.origin();
    if origin.is_tuple() && exempt.is_some_and(|exempt| origin.ascii_serialization() == exempt) {
        return Ok(url);
    }
    if url.scheme() != "https" {
        return Err(EndpointFault::NotHttps);
    }
    if !url.username().is_empty() || url.password().is_some() || url.fragment().is_some() {
        return Err(EndpointFault::Malformed);
    }
    if url.port().is_some() {
        return Err(EndpointFault::Port);
    }
    // The parser has made an IP address of every way to write one (WHATWG URL, host parsing).
    let Some(Host::Domain(host)) = url.host() else {
        return Err(EndpointFault::NotPublic);
    };
    if is_public(host) && Some(host) != own_host {
        Ok(url)
    } else {
        Err(EndpointFault::NotPublic)
    }
}

fn is_public(host: &str) -> bool {
    let host = host.strip_suffix('.').unwrap_or(host);
    let Some((above, last)) = host.rsplit_once('.') else {
        return false;
    };
    !above.split('.').any(str::is_empty) && !last.is_empty() && !PRIVATE_SUFFIXES.contains(&last)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn fault(text: &str) -> Option<EndpointFault> {
        check(text, Some("ponte.example.org"), None).err()
    }

    #[test]
    fn the_services_of_the_browsers_are_taken() {
        for good in [
            "https://fcm.googleapis.com/fcm/send/dJ3:APA91bH",
            "https://updates.push.services.mozilla.com/wpush/v2/gAAAAAB",
            "https://web.push.apple.com/QGuQyavXutnMH",
            "https://wns2-par02p.notify.windows.com/w/?token=BQYAAAD",
            "https://push.example.org:443/x",
            "https://bücher.org/x",
        ] {
            assert_eq!(fault(good), None, "{good}");
        }
    }

    #[test]
    fn what_is_no_public_https_service_is_refused() {
        use EndpointFault::{Malformed, NotHttps, NotPublic, Port, TooLong};
        for (bad, why) in [
            ("", Malformed),
            ("push", Malformed),
            ("https://", Malformed),
            ("https://user@push.example.org/x", Malformed),
            ("https://:word@push.example.org/x", Malformed),
            ("https://push.example.org/x#y", Malformed),
            ("http://push.example.org/x", NotHttps),
            ("ftp://push.example.org/x", NotHttps),
            ("data:text/plain,x", NotHttps),
            ("file:///etc/passwd", NotHttps),
            ("https://push.example.org:8443/x", Port),
            ("https://push.example.org:22/x", Port),
            ("https://127.0.0.1/x", NotPublic),
            ("https://127.1/x", NotPublic),
            ("https://2130706433/x", NotPublic),
            ("https://0x7f.0.0.1/x", NotPublic),
            ("https://0177.0.0.1/x", NotPublic),
            ("https://127.0.0.1./x", NotPublic),
            ("https://10.1.2.3/x", NotPublic),
            ("https://8.8.8.8/x", NotPublic),
            ("https://169.254.169.254/latest", NotPublic),
            ("https://[::1]/x", NotPublic),
            ("https://[::ffff:10.0.0.1]/x", NotPublic),
            ("https://[2001:db8::1]/x", NotPublic),
            ("https://１２７.0.0.1/x", NotPublic),
            ("https://localhost/x", NotPublic),
            ("https://LOCALHOST/x", NotPublic),
            ("https://localhost./x", NotPublic),
            ("https://a.localhost/x", NotPublic),
            ("https://intranet/x", NotPublic),
            ("https://printer.local/x", NotPublic),
            ("https://printer.LOCAL./x", NotPublic),
            ("https://db.internal/x", NotPublic),
            ("https://nas.home.arpa/x", NotPublic),
            ("https://1.0.0.10.in-addr.arpa/x", NotPublic),
            ("https://x.test/x", NotPublic),
            ("https://push..org/x", NotPublic),
            ("https://ponte.example.org/api/push", NotPublic),
        ] {
            assert_eq!(fault(bad), Some(why), "{bad}");
        }
        let long = format!("https://push.example.org/{}", "x".repeat(ENDPOINT_MAX));
        assert_eq!(fault(&long), Some(TooLong));
    }

    #[test]
    fn a_test_exempts_one_origin_and_no_other() {
        let exempt = Some("http://127.0.0.1:4000");
        assert!(check("http://127.0.0.1:4000/x", None, exempt).is_ok());
        for other in [
            "http://127.0.0.1:4001/x",
            "https://127.0.0.1:4000/x",
            "http://127.0.0.1:4000.example.org/x",
            "http://localhost:4000/x",
        ] {
            assert!(check(other, None, exempt).is_err(), "{other}");
        }
        assert!(check("http://127.0.0.1:4000/x", None, None).is_err());
        // Every opaque origin is written like this.
        assert!(check("data:,x", None, Some("null")).is_err());
    }

    proptest! {
        #[test]
        fn nothing_taken_leads_to_an_ip_address_or_another_scheme(
            scheme in "(https?|wss?)://", host in "[0-9a-fx.:\\[\\]]{1,24}", path in "[ -~]{0,12}",
        ) {
            if let Ok(url) = check(&format!("{scheme}{host}/{path}"), None, None) {
                prop_assert_eq!(url.scheme(), "https");
                prop_assert!(matches!(url.host(), Some(Host::Domain(_))));
                prop_assert_eq!(url.port_or_known_default(), Some(443));
            }
        }
    }
}
