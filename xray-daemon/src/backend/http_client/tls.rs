//! Whose certificates are believed, and which one is shown.
//!
//! In: settings. Out: a TLS set-up. Owns nothing. The system's authorities are believed
//! (`SSL_CERT_FILE` is honoured), or those of a file instead.

use std::path::Path;
use std::sync::Arc;

use hyper_rustls::ConfigBuilderExt;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use tracing::warn;

use super::{ClientSettings, HttpClientError};

/// The TLS set-up of a client; clones share the authorities in memory.
pub(crate) fn tls(settings: &ClientSettings<'_>) -> Result<ClientConfig, HttpClientError> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(HttpClientError::Tls)?;
    let builder = if settings.no_verify {
        warn!("NoVerifySSL is set: whoever answers in the name of AWS is believed");
        let verifier = Arc::new(Unchecked { provider });
        builder.dangerous().with_custom_certificate_verifier(verifier)
    } else if let Some(path) = settings.authorities {
        builder.with_root_certificates(authorities(path)?)
    } else {
        builder.with_native_roots().map_err(HttpClientError::Roots)?
    };
    let Some((certificate, key)) = settings.identity else {
        return Ok(builder.with_no_client_auth());
    };
    let chain = certificates(certificate)?;
    let read = PrivateKeyDer::from_pem_file(key)
        .map_err(|source| unusable(key, "a private key", source.into()))?;
    let config = builder.with_client_auth_cert(chain, read);
    config.map_err(|source| unusable(key, "the key of the client's certificate", source.into()))
}

/// A set-up that believes nobody: calls to `https://` fail.
#[cfg(feature = "aws")]
pub(crate) fn believing_nobody() -> Result<ClientConfig, HttpClientError> {
    let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(HttpClientError::Tls)?;
    Ok(builder.with_root_certificates(RootCertStore::empty()).with_no_client_auth())
}

fn authorities(path: &Path) -> Result<RootCertStore, HttpClientError> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(path)? {
        let added = roots.add(certificate);
        added.map_err(|source| unusable(path, "certificates of authorities", source.into()))?;
    }
    Ok(roots)
}

/// All certificates of a file, at least one.
fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, HttpClientError> {
    let wanted = "certificates";
    let read = CertificateDer::pem_file_iter(path).and_then(Iterator::collect);
    let read: Vec<_> = read.map_err(|source| unusable(path, wanted, source.into()))?;
    if read.is_empty() { Err(unusable(path, wanted, "there is none".into())) } else { Ok(read) }
}

fn unusable(
    path: &Path,
    wanted: &'static str,
    source: Box<dyn std::error::Error + Send + Sync>,
) -> HttpClientError {
    HttpClientError::File { path: path.to_owned(), wanted, source }
}

/// Believes every certificate; signatures are still checked.
#[derive(Debug)]
struct Unchecked {
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Unchecked {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, cert, dss, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, cert, dss, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_without_certificates_is_named() {
        let file = tempfile::NamedTempFile::new().unwrap();
        for (path, reason) in
            [(file.path(), "there is none"), (Path::new("/nowhere/ca.pem"), "No such file")]
        {
            let settings = ClientSettings { authorities: Some(path), ..Default::default() };
            let error = tls(&settings).unwrap_err();
            let text = format!("{path:?} cannot be used for TLS; it must hold certificates in PEM");
            assert_eq!(error.to_string(), text);
            let source = std::error::Error::source(&error).unwrap().to_string();
            assert!(source.contains(reason), "{source}");
        }
    }
}
