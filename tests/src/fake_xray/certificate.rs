//! A certificate for 127.0.0.1, `localhost` and other names, and the authority that vouches for it.
//!
//! Out: what TLS needs on the server, and a PEM file with the authority for the client.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

/// A TLS set-up for HTTP/1.1 whose authority is written to `authority_file`; `more_names` stand in
/// its certificate too.
pub(crate) fn server_config(authority_file: &Path, more_names: &[&str]) -> Arc<ServerConfig> {
    let authority = authority();
    fs::write(authority_file, authority.pem()).unwrap();
    let names = ["localhost", "127.0.0.1"].iter().chain(more_names);
    let names: Vec<_> = names.map(|name| (*name).to_owned()).collect();
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(names).unwrap().signed_by(&key, &authority).unwrap();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    // Named, not the process default: two TLS libraries are linked into the tests.
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key)
        .unwrap();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Arc::new(config)
}

fn authority() -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.distinguished_name.push(DnType::CommonName, "end-to-end tests");
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}
