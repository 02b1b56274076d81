//! The handshake of a link as the edge sees it: one challenge, one answer, good or bad.

use crate::crypto::{self, SECRET_BYTES};
use ponte_protocol::link::{LinkError, ProofBy, proof_text};
use ponte_protocol::version::VersionRange;
use ponte_protocol::{GatewayFrame, SiteId};

/// What a gateway proved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authenticated {
    /// The version to speak.
    pub version: u16,
    /// The edge's own proof.
    pub proof: String,
}

/// Judges the gateway's answer to the challenge `edge_nonce`. A site without a key goes the same way as a wrong key.
///
/// # Errors
/// What to tell the gateway before its socket is closed.
pub fn judge(
    frame: &GatewayFrame,
    asked_site: &SiteId,
    edge_nonce: &str,
    key: Option<&[u8; SECRET_BYTES]>,
) -> Result<Authenticated, LinkError> {
    let GatewayFrame::Authenticate {
        site,
        versions,
        nonce,
        proof,
    } = frame
    else {
        return Err(LinkError::NotAuthentic);
    };
    let text = proof_text(ProofBy::Gateway, asked_site, edge_nonce, nonce);
    let matched = crypto::hmac_matches(key.unwrap_or(&[0; SECRET_BYTES]), &text, proof);
    let well_formed = site == asked_site && crypto::is_hex32(nonce);
    let Some(key) = key.filter(|_| matched && well_formed) else {
        return Err(LinkError::NotAuthentic);
    };
    let version = VersionRange::OURS
        .common(*versions)
        .ok_or(LinkError::UnsupportedVersion)?;
    let proof = crypto::hmac_hex(key, &proof_text(ProofBy::Edge, asked_site, edge_nonce, nonce));
    Ok(Authenticated { version, proof })
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: [u8; 32] = [7; 32];

    fn site() -> SiteId {
        "milano".parse().unwrap()
    }

    fn nonce(fill: char) -> String {
        fill.to_string().repeat(64)
    }

    fn answer(key: &[u8; 32], by: ProofBy, edge_nonce: &str, gateway_nonce: &str) -> GatewayFrame {
        GatewayFrame::Authenticate {
            site: site(),
            versions: VersionRange::OURS,
            nonce: gateway_nonce.to_owned(),
            proof: crypto::hmac_hex(key, &proof_text(by, &site(), edge_nonce, gateway_nonce)),
        }
    }

    #[test]
    fn the_right_key_is_welcome_and_gets_a_proof_back() {
        let frame = answer(&KEY, ProofBy::Gateway, &nonce('a'), &nonce('b'));
        let welcome = judge(&frame, &site(), &nonce('a'), Some(&KEY)).unwrap();
        assert_eq!(welcome.version, 1);
        let expected = crypto::hmac_hex(
            &KEY,
            &proof_text(ProofBy::Edge, &site(), &nonce('a'), &nonce('b')),
        );
        assert_eq!(welcome.proof, expected);
    }

    #[test]
    fn the_proofs_are_those_of_the_protocols_page() {
        let (key, demo) = ([0; 32], "demo".parse().unwrap());
        let (edge_nonce, gateway_nonce) = ("aa".repeat(32), "bb".repeat(32));
        let proof = |by| crypto::hmac_hex(&key, &proof_text(by, &demo, &edge_nonce, &gateway_nonce));
        let page = include_str!("../../../docs/protocol.md");
        assert!(page.contains(&format!("gateway {}", proof(ProofBy::Gateway))));
        assert!(page.contains(&format!("edge    {}", proof(ProofBy::Edge))));
    }

    #[test]
    fn wrong_key_unknown_site_replay_and_reflection_look_alike() {
        let good = answer(&KEY, ProofBy::Gateway, &nonce('a'), &nonce('b'));
        let wrong_key = answer(&[8; 32], ProofBy::Gateway, &nonce('a'), &nonce('b'));
        let reflected = answer(&KEY, ProofBy::Edge, &nonce('a'), &nonce('b'));
        let odd_nonce = answer(&KEY, ProofBy::Gateway, &nonce('a'), "x\nmilano");
        let zero_key = answer(&[0; 32], ProofBy::Gateway, &nonce('a'), &nonce('b'));
        let refused = Err(LinkError::NotAuthentic);
        assert_eq!(judge(&wrong_key, &site(), &nonce('a'), Some(&KEY)), refused);
        assert_eq!(judge(&good, &site(), &nonce('c'), Some(&KEY)), refused);
        assert_eq!(judge(&reflected, &site(), &nonce('a'), Some(&KEY)), refused);
        assert_eq!(judge(&odd_nonce, &site(), &nonce('a'), Some(&KEY)), refused);
        assert_eq!(
            judge(&good, &"roma".parse().unwrap(), &nonce('a'), Some(&KEY)),
            refused
        );
        assert_eq!(judge(&zero_key, &site(), &nonce('a'), None), refused);
        assert_eq!(
            judge(&GatewayFrame::Ping { n: 1 }, &site(), &nonce('a'), Some(&KEY)),
            refused
        );
    }

    #[test]
    fn a_version_we_do_not_speak_is_told_only_to_who_has_the_key() {
        let mut frame = answer(&KEY, ProofBy::Gateway, &nonce('a'), &nonce('b'));
        if let GatewayFrame::Authenticate { versions, .. } = &mut frame {
            *versions = VersionRange {
                oldest: 90,
                newest: 99,
            };
        }
        assert_eq!(
            judge(&frame, &site(), &nonce('a'), Some(&KEY)),
            Err(LinkError::UnsupportedVersion)
        );
        assert_eq!(
            judge(&frame, &site(), &nonce('a'), None),
            Err(LinkError::NotAuthentic)
        );
    }
}
