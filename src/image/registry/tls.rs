//! Certificates: the system's, those that the user keeps for a registry, and the one place that names a TLS provider.
//!
//! Directories: containers-certs.d(5). In one for a registry, `*.crt` are authorities to trust besides the system's, and
//! `NAME.cert` with `NAME.key` is the client's own certificate.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::pki_types::PrivateKeyDer;
use rustls::{ClientConfig, RootCertStore};
use ureq::tls::{Certificate, ClientCert, PemItem, PrivateKey, RootCerts, TlsConfig, TlsProvider, parse_pem};

use crate::error::{Context, Error, Result};

/// Makes the TLS configuration for a registry. `verify` off trusts anybody.
pub fn config(registry: &str, verify: bool, cert_dir: Option<&Path>, config_home: Option<&Path>) -> Result<TlsConfig> {
    let mut builder = TlsConfig::builder()
        .provider(TlsProvider::Rustls)
        .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .disable_verification(!verify);
    let dirs = match cert_dir {
        Some(dir) => vec![dir.to_owned()],
        None => default_dirs(registry, config_home),
    };
    let (mut roots, client) = user_certificates(&dirs, cert_dir.is_some())?;
    if verify {
        let system = rustls_native_certs::load_native_certs();
        roots.extend(system.certs.iter().map(|der| Certificate::from_der(der).to_owned()));
        if roots.is_empty() {
            return Err(Error::new("no trusted certificate authorities were found on this system")
                .hint("install the package ca-certificates"));
        }
    }
    builder = builder.root_certs(RootCerts::from(roots));
    Ok(builder.client_cert(client).build())
}

fn default_dirs(registry: &str, config_home: Option<&Path>) -> Vec<PathBuf> {
    // A registry is a host with a port, never a path; `..` cannot be one, but nothing here should depend on that.
    if registry.contains('/') || registry.starts_with('.') {
        return Vec::new();
    }
    let homes = config_home.map(|home| home.join("containers/certs.d"));
    let system = ["/etc/containers/certs.d", "/etc/docker/certs.d"].map(PathBuf::from);
    homes.into_iter().chain(system).map(|dir| dir.join(registry)).filter(|dir| dir.is_dir()).take(1).collect()
}

fn user_certificates(dirs: &[PathBuf], required: bool) -> Result<(Vec<Certificate<'static>>, Option<ClientCert>)> {
    let mut roots = Vec::new();
    let mut client = None;
    for dir in dirs {
        let entries = match std::fs::read_dir(dir) {
            Ok(entries) => entries,
            Err(_) if !required => continue,
            Err(e) => return Err(Error::from(e).wrap(format!("reading certificates in `{}`", dir.display()))),
        };
        for entry in entries.flatten() {
            let path = entry.path();
            match path.extension().and_then(|e| e.to_str()) {
                Some("crt") => roots.extend(certificates(&path)?),
                Some("cert") => client = Some(client_certificate(&path)?),
                _ => {}
            }
        }
    }
    Ok((roots, client))
}

fn client_certificate(path: &Path) -> Result<ClientCert> {
    let (chain, key) = (certificates(path)?, key(path)?);
    // The HTTP library takes for granted that TLS can use it.
    let usable = || -> Result<(), rustls::Error> {
        let chain = chain.iter().map(|certificate| certificate.der().to_vec().into()).collect();
        let key = PrivateKeyDer::try_from(key.der().to_vec()).map_err(|e| rustls::Error::General(e.to_owned()))?;
        ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_root_certificates(RootCertStore::empty())
            .with_client_auth_cert(chain, key)
            .map(|_| ())
    };
    usable().map_err(|e| Error::new(e.to_string()).wrap(format!("using client certificate `{}`", path.display())))?;
    Ok(ClientCert::new_with_certs(&chain, key))
}

fn certificates(path: &Path) -> Result<Vec<Certificate<'static>>> {
    let pem = crate::storage::fs::read(path)?;
    let mut found = Vec::new();
    for item in parse_pem(&pem) {
        match item {
            Ok(PemItem::Certificate(certificate)) => found.push(certificate),
            Ok(_) => {}
            Err(e) => return Err(Error::new(e.to_string()).wrap(format!("reading certificate `{}`", path.display()))),
        }
    }
    Ok(found)
}

fn key(certificate: &Path) -> Result<PrivateKey<'static>> {
    let path = certificate.with_extension("key");
    let pem = crate::storage::fs::read(&path)
        .with_context(|| format!("client certificate `{}` needs its key", certificate.display()))?;
    PrivateKey::from_pem(&pem)
        .map_err(|e| Error::new(e.to_string()).wrap(format!("reading private key `{}`", path.display())))
}
