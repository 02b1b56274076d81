//! Whom the gateway believes to be the directory's server.

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use std::sync::Arc;

/// The certificates of a text in PEM, as those that a server's must lead to.
///
/// # Errors
/// In words, where there is none, or one that cannot be read.
pub fn roots(pem: &str) -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
        let certificate = certificate.map_err(|error| format!("a certificate cannot be read: {error}"))?;
        roots
            .add(certificate)
            .map_err(|error| format!("a certificate is of no use: {error}"))?;
    }
    if roots.is_empty() {
        return Err(
            "there is no certificate in PEM, which begins with -----BEGIN CERTIFICATE-----".to_owned(),
        );
    }
    Ok(roots)
}

/// Those that the system trusts.
fn of_the_system() -> RootCertStore {
    let mut roots = RootCertStore::empty();
    // Some systems keep certificates that are of no use any more.
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    roots
}

/// How a server is told from another; `ca` is empty where the system's certificates decide. Reads files in that case.
pub(super) fn config(ca: &str) -> Result<Arc<ClientConfig>, String> {
    let roots = if ca.is_empty() {
        of_the_system()
    } else {
        roots(ca)?
    };
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(config))
}
