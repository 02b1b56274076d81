//! The network an attempt comes from.

use std::net::IpAddr;

/// The network of an address as the back-off counts it: /24 of IPv4, /64 of IPv6, which is what one subscriber gets.
/// Anything that is no address counts as one network.
pub fn network_of(address: Option<&str>) -> String {
    match address
        .and_then(|text| text.trim().parse::<IpAddr>().ok())
        .map(|ip| ip.to_canonical())
    {
        Some(IpAddr::V4(ip)) => {
            let [a, b, c, _] = ip.octets();
            format!("{a}.{b}.{c}.0/24")
        }
        Some(IpAddr::V6(ip)) => {
            let [a, b, c, d, ..] = ip.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
        }
        None => "unknown".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_one_subscriber_are_one_network() {
        assert_eq!(network_of(Some("192.0.2.7")), network_of(Some("192.0.2.250")));
        assert_ne!(network_of(Some("192.0.2.7")), network_of(Some("192.0.3.7")));
        assert_eq!(
            network_of(Some("2001:db8::1")),
            network_of(Some("2001:db8::ffff:1:2:3"))
        );
        assert_ne!(
            network_of(Some("2001:db8:0:1::1")),
            network_of(Some("2001:db8:0:2::1"))
        );
        assert_eq!(
            network_of(Some("::ffff:192.0.2.7")),
            network_of(Some("192.0.2.9"))
        );
        assert_eq!(network_of(Some("no address")), network_of(None));
    }
}
