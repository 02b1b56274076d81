//! SIP over TLS, the server's side (RFC 3261 section 26.2.1, RFC 5922).
//!
//! Telephones connect to it, check our certificate, and prove themselves by digest; none is asked for a certificate of
//! its own. No connection is opened from here: a telephone is reached over the one that it keeps.

use super::stream::{self, Connections, Slot};
use super::{InboundSender, Listen, advertised};
use bytes::Bytes;
use ponte_sip::{Flow, Transport};
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
/// How often the files are looked at for a certificate that was renewed.
const RENEWAL_CHECK: Duration = Duration::from_mins(1);

/// Why certificate and key cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    #[error("{} cannot be read: {source}", .path.display())]
    Read {
        path: PathBuf,
        source: rustls::pki_types::pem::Error,
    },
    #[error("{} holds no certificate in PEM, which begins with -----BEGIN CERTIFICATE-----", .path.display())]
    NoCertificate { path: PathBuf },
    #[error("the key does not belong to the certificate, or one of them is of no use: {0}")]
    Unusable(#[from] rustls::Error),
}

/// A certificate with the chain above it, and its key, both in PEM files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFiles {
    pub certificate: PathBuf,
    pub key: PathBuf,
}

impl TlsFiles {
    /// Reads both and checks that they belong together.
    ///
    /// # Errors
    /// [`TlsError`] names the file.
    pub fn load(&self) -> Result<Arc<ServerConfig>, TlsError> {
        let read = |path: &Path| {
            let path = path.to_owned();
            move |source| TlsError::Read { path, source }
        };
        let chain = CertificateDer::pem_file_iter(&self.certificate)
            .map_err(read(&self.certificate))?
            .collect::<Result<Vec<_>, _>>()
            .map_err(read(&self.certificate))?;
        if chain.is_empty() {
            return Err(TlsError::NoCertificate {
                path: self.certificate.clone(),
            });
        }
        let key = PrivateKeyDer::from_pem_file(&self.key).map_err(read(&self.key))?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(chain, key)?;
        Ok(Arc::new(config))
    }

    fn changed_at(&self) -> Option<(SystemTime, SystemTime)> {
        let modified = |path: &Path| std::fs::metadata(path).ok()?.modified().ok();
        Some((modified(&self.certificate)?, modified(&self.key)?))
    }
}

/// What new connections are shown; renewed files are taken over without a restart.
#[derive(Debug)]
struct Identity {
    files: TlsFiles,
    current: Mutex<Current>,
}

#[derive(Debug)]
struct Current {
    config: Arc<ServerConfig>,
    checked: Instant,
    changed_at: Option<(SystemTime, SystemTime)>,
}

impl Identity {
    fn load(files: TlsFiles) -> Result<Self, TlsError> {
        let current = Mutex::new(Current {
            changed_at: files.changed_at(),
            config: files.load()?,
            checked: Instant::now(),
        });
        Ok(Self { files, current })
    }

    fn acceptor(&self) -> TlsAcceptor {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        if current.checked.elapsed() >= RENEWAL_CHECK {
            current.checked = Instant::now();
            let changed_at = self.files.changed_at();
            if changed_at.is_some() && changed_at != current.changed_at {
                match self.files.load() {
                    Ok(config) => {
                        tracing::info!("the renewed certificate of sip.tls_certificate is in use");
                        current.config = config;
                        current.changed_at = changed_at;
                    }
                    // Perhaps only one of the two was written so far: the old pair serves until both fit.
                    Err(error) => tracing::warn!(%error, "the renewed certificate cannot be used yet"),
                }
            }
        }
        TlsAcceptor::from(Arc::clone(&current.config))
    }
}

#[derive(Debug)]
pub(super) struct TlsSockets {
    local: Option<SocketAddr>,
    connections: Connections,
}

impl TlsSockets {
    pub(super) fn new(inbound: InboundSender) -> Self {
        Self {
            local: None,
            connections: Connections::new(Transport::Tls, "tls", inbound),
        }
    }

    pub(super) async fn listen(&mut self, listen: Listen, files: TlsFiles) -> std::io::Result<()> {
        let identity = Identity::load(files)
            .map_err(|error| std::io::Error::new(std::io::ErrorKind::InvalidData, error))?;
        let listener = TcpListener::bind(listen.bind).await?;
        let local = advertised(listen, listener.local_addr()?);
        self.local.get_or_insert(local);
        tokio::spawn(stream::accept(
            listener,
            local,
            self.connections.clone(),
            move |stream, slot| {
                tokio::spawn(handshake(identity.acceptor(), stream, slot));
            },
        ));
        Ok(())
    }

    pub(super) fn local(&self) -> Option<SocketAddr> {
        self.local
    }

    pub(super) fn send(&self, flow: Flow, bytes: Bytes) {
        self.connections.send(flow, bytes, None::<fn(Slot)>);
    }
}

async fn handshake(acceptor: TlsAcceptor, stream: TcpStream, slot: Slot) {
    match tokio::time::timeout(HANDSHAKE_TIMEOUT, acceptor.accept(stream)).await {
        Ok(Ok(stream)) => slot.serve(stream, true).await,
        failed => {
            metrics::counter!("ponte_sip_tls_handshakes_failed_total").increment(1);
            tracing::debug!(
                remote = %slot.remote(),
                error = failed.ok().and_then(Result::err).map(tracing::field::display),
                "a TLS handshake failed"
            );
            slot.end().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(files: &TlsFiles) {
        let key = rcgen::KeyPair::generate().unwrap();
        let certificate = rcgen::CertificateParams::new(vec!["localhost".into()])
            .unwrap()
            .self_signed(&key)
            .unwrap();
        std::fs::write(&files.certificate, certificate.pem()).unwrap();
        std::fs::write(&files.key, key.serialize_pem()).unwrap();
    }

    #[test]
    fn a_renewed_certificate_is_taken_over_and_half_of_one_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let files = TlsFiles {
            certificate: folder.path().join("crt"),
            key: folder.path().join("key"),
        };
        write(&files);
        let identity = Identity::load(files.clone()).unwrap();
        let first = Arc::clone(&identity.current.lock().unwrap().config);
        let look_again = || {
            let long_ago = Instant::now().checked_sub(RENEWAL_CHECK * 2).unwrap();
            identity.current.lock().unwrap().checked = long_ago;
            identity.acceptor();
            Arc::clone(&identity.current.lock().unwrap().config)
        };
        assert!(Arc::ptr_eq(&first, &look_again()), "nothing changed");
        let key = std::fs::read(&files.key).unwrap();
        write(&files);
        let renewed_key = std::fs::read(&files.key).unwrap();
        std::fs::write(&files.key, key).unwrap();
        assert!(Arc::ptr_eq(&first, &look_again()), "the key is still the old one");
        std::fs::write(&files.key, renewed_key).unwrap();
        assert!(!Arc::ptr_eq(&first, &look_again()));
    }
}
