//! `OpenLDAP`'s server on loopback, with a directory of the test's own. `cargo xtask setup` unpacks it; it is not installed.

use std::fmt::Write as _;
use std::fs::File;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

pub const BASE: &str = "dc=example,dc=com";
pub const NAME: &str = "cn=ponte,dc=example,dc=com";
pub const SECRET: &str = "directory-secret";

/// A server that can be ended and started again.
pub struct Slapd {
    folder: TempDir,
    server: Option<Child>,
    port: u16,
    scheme: &'static str,
}

/// An authority, and what it says of the server.
pub struct Certificates {
    /// In PEM.
    pub authority: String,
    certificate: String,
    key: String,
}

impl Certificates {
    /// For a server at 127.0.0.1.
    pub fn new() -> Self {
        let authority_key = rcgen::KeyPair::generate().unwrap();
        let mut params = rcgen::CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        params.key_usages = vec![rcgen::KeyUsagePurpose::KeyCertSign];
        let authority = params.self_signed(&authority_key).unwrap();
        let issuer = rcgen::Issuer::new(params, authority_key);
        let key = rcgen::KeyPair::generate().unwrap();
        let server = rcgen::CertificateParams::new(vec!["127.0.0.1".into()]).unwrap();
        let certificate = server.signed_by(&key, &issuer).unwrap();
        Self {
            authority: authority.pem(),
            certificate: certificate.pem(),
            key: key.serialize_pem(),
        }
    }
}

/// Somebody in the directory: attributes and their values.
pub type Person<'a> = &'a [(&'a str, &'a str)];

impl Slapd {
    /// A server with these people, whom only [`NAME`] with [`SECRET`] may see. `ldaps` is encrypted from the beginning; another
    /// one with certificates can turn to TLS.
    ///
    /// # Panics
    /// Where it is not unpacked: the test must not pass without it.
    pub fn start(people: &[Person<'_>], certificates: Option<&Certificates>, ldaps: bool) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path();
        let root = root();
        let schema = root.join("etc/ldap/schema");
        let mut config = String::new();
        for name in ["core", "cosine", "inetorgperson"] {
            writeln!(
                config,
                "include {}",
                schema.join(format!("{name}.schema")).display()
            )
            .unwrap();
        }
        if let Some(certificates) = certificates {
            for (setting, name, text) in [
                ("TLSCACertificateFile", "ca.pem", &certificates.authority),
                ("TLSCertificateFile", "server.pem", &certificates.certificate),
                ("TLSCertificateKeyFile", "key.pem", &certificates.key),
            ] {
                let file = at.join(name);
                std::fs::write(&file, text).unwrap();
                writeln!(config, "{setting} {}", file.display()).unwrap();
            }
        }
        let data = at.join("data");
        std::fs::create_dir(&data).unwrap();
        write!(
            config,
            "pidfile {at}/pid\ndatabase ldif\nsuffix \"{BASE}\"\nrootdn \"{NAME}\"\nrootpw {SECRET}\n\
             directory {at}/data\naccess to * by anonymous auth\n",
            at = at.display()
        )
        .unwrap();
        std::fs::write(at.join("slapd.conf"), config).unwrap();
        std::fs::write(at.join("people.ldif"), ldif(people)).unwrap();
        let added = slapd(&root)
            .args(["-T", "add", "-f"])
            .arg(at.join("slapd.conf"))
            .arg("-l")
            .arg(at.join("people.ldif"))
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&added.stderr).into_owned();
        assert!(
            added.status.success(),
            "the directory could not be filled: {said}"
        );
        let mut server = Self {
            folder,
            server: None,
            port: super::free_port(),
            scheme: if ldaps { "ldaps" } else { "ldap" },
        };
        server.serve();
        server
    }

    pub fn url(&self) -> String {
        format!("{}://127.0.0.1:{}", self.scheme, self.port)
    }

    /// Starts it again where it was.
    pub fn serve(&mut self) {
        let at = self.folder.path();
        let log = File::options()
            .create(true)
            .append(true)
            .open(at.join("log"))
            .unwrap();
        let server = slapd(&root())
            .args(["-h", &self.url(), "-d", "stats", "-f"])
            .arg(at.join("slapd.conf"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        self.server = Some(server);
        let until = Instant::now() + super::PATIENCE;
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            assert!(Instant::now() < until, "slapd does not serve: {}", self.log());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    pub fn kill(&mut self) {
        if let Some(mut server) = self.server.take() {
            server.kill().unwrap();
            server.wait().unwrap();
        }
    }

    /// What it was asked.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// How often somebody has proven who they are.
    pub fn binds(&self) -> usize {
        self.log().matches("mech=SIMPLE").count()
    }
}

impl Drop for Slapd {
    fn drop(&mut self) {
        self.kill();
    }
}

fn root() -> PathBuf {
    let unpacked = std::env::var_os("PONTE_UNPACKED").map_or_else(
        || {
            let cache = std::env::var_os("PONTE_CACHE").map(PathBuf::from);
            let cache = cache.unwrap_or_else(|| {
                PathBuf::from(std::env::var_os("HOME").expect("HOME is not set")).join(".cache/ponte")
            });
            cache.join("unpacked")
        },
        PathBuf::from,
    );
    let root = unpacked.join("slapd");
    let program = root.join("usr/sbin/slapd");
    assert!(
        program.exists(),
        "{} is missing: `cargo xtask setup` unpacks it",
        program.display()
    );
    root
}

fn slapd(root: &Path) -> Command {
    let libraries = root.join("usr/lib");
    // Debian keeps them by architecture.
    let own = std::fs::read_dir(&libraries)
        .unwrap()
        .flatten()
        .map(|entry| entry.path());
    let folders = own.filter(|path| path.is_dir()).chain([libraries.clone()]);
    let mut command = Command::new(root.join("usr/sbin/slapd"));
    command.env("LD_LIBRARY_PATH", std::env::join_paths(folders).unwrap());
    command
}

fn ldif(people: &[Person<'_>]) -> String {
    let mut text =
        format!("dn: {BASE}\nobjectClass: dcObject\nobjectClass: organization\ndc: example\no: Example\n");
    for (number, person) in people.iter().enumerate() {
        write!(
            text,
            "\ndn: uid={number},{BASE}\nobjectClass: inetOrgPerson\nuid: {number}\n"
        )
        .unwrap();
        for (attribute, value) in *person {
            writeln!(text, "{attribute}: {value}").unwrap();
        }
    }
    text
}
