//! Proof of the site's key, without the key ever travelling.

use hmac::{Hmac, Mac};
use ponte_protocol::SiteId;
use ponte_protocol::link::{ProofBy, proof_text};
use sha2::Sha256;

/// The key that the site shares with the edge.
#[derive(Clone)]
pub struct LinkKey([u8; 32]);

impl LinkKey {
    /// The key of 32 bytes.
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

impl std::fmt::Debug for LinkKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("LinkKey(…)")
    }
}

/// The two random values of one handshake.
#[derive(Clone, Copy, Debug)]
pub struct Nonces<'a> {
    pub edge: &'a str,
    pub gateway: &'a str,
}

impl LinkKey {
    fn mac(&self, by: ProofBy, site: &SiteId, nonces: Nonces<'_>) -> Option<Hmac<Sha256>> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).ok()?;
        mac.update(proof_text(by, site, nonces.edge, nonces.gateway).as_bytes());
        Some(mac)
    }

    /// The gateway's proof, lower-case hexadecimal.
    pub fn prove(&self, site: &SiteId, nonces: Nonces<'_>) -> String {
        let mac = self.mac(ProofBy::Gateway, site, nonces);
        mac.map(|mac| hex::encode(mac.finalize().into_bytes()))
            .unwrap_or_default()
    }

    /// Whether the edge proved that it has the key too; in constant time.
    pub fn verify_edge(&self, site: &SiteId, nonces: Nonces<'_>, proof: &str) -> bool {
        let Ok(proof) = hex::decode(proof) else {
            return false;
        };
        self.mac(ProofBy::Edge, site, nonces)
            .is_some_and(|mac| mac.verify_slice(&proof).is_ok())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proof_of_the_gateway_is_none_of_the_edge() {
        let key = LinkKey::new([0x11; 32]);
        let site = "milano".parse().unwrap();
        let nonces = Nonces {
            edge: "aa",
            gateway: "bb",
        };
        let reflected = key.prove(&site, nonces);
        assert!(!key.verify_edge(&site, nonces, &reflected));
        let of_edge = key
            .mac(ProofBy::Edge, &site, nonces)
            .unwrap()
            .finalize()
            .into_bytes();
        assert!(key.verify_edge(&site, nonces, &hex::encode(of_edge)));
        assert!(!key.verify_edge(&site, Nonces { edge: "ab", ..nonces }, &hex::encode(of_edge)));
        assert!(!key.verify_edge(&site, nonces, "zz"));
    }

    #[test]
    fn the_test_vector_of_the_protocol_holds() {
        let (key, site) = (LinkKey::new([0; 32]), "demo".parse().unwrap());
        let (edge, gateway) = ("aa".repeat(32), "bb".repeat(32));
        let nonces = Nonces {
            edge: &edge,
            gateway: &gateway,
        };
        assert_eq!(
            key.prove(&site, nonces),
            "babc5b7d66d43f1537586d64e1da6674c6cf9089134f82140d5fc07d42a64f02"
        );
        assert!(key.verify_edge(
            &site,
            nonces,
            "1584890c2c099fce7a99916c37cc793e5f6c5f5dfc755fc38ea3eca053d3b9b2"
        ));
    }

    #[test]
    fn a_key_does_not_print() {
        assert_eq!(format!("{:?}", LinkKey::new([0xAB; 32])), "LinkKey(…)");
    }
}
