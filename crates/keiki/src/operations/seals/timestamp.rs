//! Time stamps of an outside authority: what it is asked, and whether its answer is one.
//!
//! *Source*: RFC 3161 (time-stamp protocol), RFC 5652 (CMS) section 5, RFC 5280 section 6 in the part that a chain of
//! certificates without revocation lists needs.

use aws_lc_rs::signature::{self, UnparsedPublicKey, VerificationAlgorithm};
use cms::cert::CertificateChoices;
use cms::signed_data::{SignedData, SignerIdentifier, SignerInfo};
use der::asn1::{ObjectIdentifier, OctetString};
use der::{Any, Decode, Encode};
use jiff::Timestamp;
use keiki_model::text::Text;
use sha2::{Digest, Sha256, Sha384, Sha512};
use x509_cert::Certificate;
use x509_cert::ext::pkix::ExtendedKeyUsage;
use x509_cert::spki::AlgorithmIdentifierOwned;
use x509_tsp::{MessageImprint, TimeStampReq, TimeStampResp, TspVersion, TstInfo};

use crate::error::{Error, Result};

const SHA_256: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.1");
const SHA_384: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.2");
const SHA_512: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.3");
const SIGNED_DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.2");
const TST_INFO: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.1.4");
const MESSAGE_DIGEST: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.4");
const TIME_STAMPING: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.8");
const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
const EC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
const P_256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
const P_384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.34");

/// Signature algorithms that name their hash, with it.
const SIGNATURES: [(ObjectIdentifier, ObjectIdentifier); 6] = [
    (
        ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.11"),
        SHA_256,
    ),
    (
        ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.12"),
        SHA_384,
    ),
    (
        ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.13"),
        SHA_512,
    ),
    (ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.2"), SHA_256),
    (ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.3"), SHA_384),
    (ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.4"), SHA_512),
];

/// The most certificates from the authority's to a trusted one.
const CHAIN_LENGTH: usize = 8;

/// A time stamp that fits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stamp {
    /// The instant that the authority states.
    pub at: Timestamp,
    /// The authority, as its certificate names it.
    pub authority: String,
}

type Outcome<T> = std::result::Result<T, String>;

/// The request for a text, as DER.
pub(super) fn request(text: &str) -> Result<Vec<u8>> {
    let broken = |error: der::Error| {
        Error::stopped(Text::new(
            format!("要求を書き込めません: {error}"),
            format!("a request cannot be written: {error}"),
        ))
    };
    let request = TimeStampReq {
        version: TspVersion::V1,
        message_imprint: MessageImprint {
            hash_algorithm: AlgorithmIdentifierOwned {
                oid: SHA_256,
                parameters: Some(Any::null()),
            },
            hashed_message: OctetString::new(Sha256::digest(text).to_vec()).map_err(broken)?,
        },
        req_policy: None,
        nonce: None,
        cert_req: true,
        extensions: None,
    };
    request.to_der().map_err(broken)
}

/// The token in an authority's answer, as DER.
pub(super) fn token_of(answer: &[u8]) -> Outcome<Vec<u8>> {
    let answer = TimeStampResp::from_der(answer).map_err(|error| error.to_string())?;
    let token = answer.time_stamp_token.ok_or("the authority refused it")?;
    token.to_der().map_err(|error| error.to_string())
}

/// Checks a token: that it is over the text, that the authority signed it, and that its certificate leads to a trusted one.
pub(super) fn check(token: &[u8], text: &str, trusted: &str) -> Outcome<Stamp> {
    let broken = |error: der::Error| format!("the token cannot be read: {error}");
    let content = cms::content_info::ContentInfo::from_der(token).map_err(broken)?;
    if content.content_type != SIGNED_DATA {
        return Err("the token is no signed data".to_owned());
    }
    let data: SignedData = content.content.decode_as().map_err(broken)?;
    if data.encap_content_info.econtent_type != TST_INFO {
        return Err("the token holds no time stamp".to_owned());
    }
    let inner = data.encap_content_info.econtent.as_ref();
    let inner = inner.ok_or("the token holds no time stamp")?.value();
    let stamp = TstInfo::from_der(inner).map_err(broken)?;
    let imprint = &stamp.message_imprint;
    let expected = digest(imprint.hash_algorithm.oid, text.as_bytes());
    if expected.as_deref() != Some(imprint.hashed_message.as_bytes()) {
        return Err("the time stamp is over something else".to_owned());
    }
    let signer = data.signer_infos.0.iter().next();
    let signer = signer.ok_or("nobody signed the time stamp")?;
    let certificates = certificates(&data);
    let own = certificates.iter().find(|one| is_of(one, signer));
    let own = own.ok_or("the certificate of the authority is not in the token")?;
    is_signed(signer, inner, own)?;
    let seconds = stamp.gen_time.to_unix_duration().as_secs();
    is_for_time_stamps(own)?;
    let trusted = Certificate::load_pem_chain(trusted.as_bytes());
    let trusted = trusted.map_err(|_| "the trusted certificate cannot be read")?;
    leads_to(own, &certificates, &trusted, seconds)?;
    let at = i64::try_from(seconds).ok();
    let at = at.and_then(|at| Timestamp::from_second(at).ok());
    Ok(Stamp {
        at: at.ok_or("the time stamp has no usable time")?,
        authority: own.tbs_certificate.subject.to_string(),
    })
}

fn certificates(data: &SignedData) -> Vec<Certificate> {
    let all = data.certificates.iter().flat_map(|set| set.0.iter());
    all.filter_map(|choice| match choice {
        CertificateChoices::Certificate(certificate) => Some(certificate.clone()),
        CertificateChoices::Other(_) => None,
    })
    .collect()
}

fn is_of(certificate: &Certificate, signer: &SignerInfo) -> bool {
    let of = &certificate.tbs_certificate;
    match &signer.sid {
        SignerIdentifier::IssuerAndSerialNumber(id) => {
            id.issuer == of.issuer && id.serial_number == of.serial_number
        }
        SignerIdentifier::SubjectKeyIdentifier(_) => false,
    }
}

/// The signature is over the attributes, which hold the hash of the time stamp.
fn is_signed(signer: &SignerInfo, inner: &[u8], own: &Certificate) -> Outcome<()> {
    let attributes = signer.signed_attrs.as_ref();
    let attributes = attributes.ok_or("the token has no signed attributes")?;
    let stated = attributes.iter().find(|one| one.oid == MESSAGE_DIGEST);
    let stated = stated.and_then(|one| one.values.iter().next());
    let stated = stated.and_then(|value| value.decode_as::<OctetString>().ok());
    let expected = digest(signer.digest_alg.oid, inner);
    if expected.is_none() || stated.as_ref().map(OctetString::as_bytes) != expected.as_deref() {
        return Err("the time stamp is not what was signed".to_owned());
    }
    let signed = attributes.to_der().map_err(|error| error.to_string())?;
    let hash = hash_of(&signer.signature_algorithm, Some(signer.digest_alg.oid));
    is_signature(own, hash, &signed, signer.signature.as_bytes())
        .map_err(|why| format!("the time stamp is not signed by its authority: {why}"))
}

fn is_for_time_stamps(own: &Certificate) -> Outcome<()> {
    let usage = own.tbs_certificate.get::<ExtendedKeyUsage>();
    let usage = usage.map_err(|error| error.to_string())?;
    let is_right = usage.is_some_and(|(_, usage)| usage.0.contains(&TIME_STAMPING));
    is_right
        .then_some(())
        .ok_or_else(|| "the certificate is not one for time stamps".to_owned())
}

/// Follows the issuers from a certificate to a trusted one; each is to hold at the instant.
fn leads_to(
    own: &Certificate,
    others: &[Certificate],
    trusted: &[Certificate],
    seconds: u64,
) -> Outcome<()> {
    let mut at = own;
    for _ in 0..CHAIN_LENGTH {
        let validity = &at.tbs_certificate.validity;
        let from = validity.not_before.to_unix_duration().as_secs();
        let until = validity.not_after.to_unix_duration().as_secs();
        if !(from..=until).contains(&seconds) {
            return Err("a certificate did not hold at that time".to_owned());
        }
        if trusted.contains(at) {
            return Ok(());
        }
        let issuer = trusted
            .iter()
            .chain(others)
            .find(|one| one.tbs_certificate.subject == at.tbs_certificate.issuer && *one != at);
        let issuer = issuer.ok_or("the authority's certificate does not lead to a trusted one")?;
        let signed = at
            .tbs_certificate
            .to_der()
            .map_err(|error| error.to_string())?;
        let signature = at.signature.as_bytes().unwrap_or_default();
        let hash = hash_of(&at.signature_algorithm, None);
        is_signature(issuer, hash, &signed, signature)
            .map_err(|why| format!("a certificate is not signed by its issuer: {why}"))?;
        at = issuer;
    }
    Err("the chain of certificates is too long".to_owned())
}

/// The hash of a signature: that of its algorithm, or where it names none, the one beside it.
fn hash_of(
    algorithm: &AlgorithmIdentifierOwned,
    beside: Option<ObjectIdentifier>,
) -> Option<ObjectIdentifier> {
    let named = SIGNATURES.iter().find(|(oid, _)| *oid == algorithm.oid);
    named.map(|(_, hash)| *hash).or(beside)
}

fn is_signature(
    of: &Certificate,
    hash: Option<ObjectIdentifier>,
    signed: &[u8],
    signature: &[u8],
) -> Outcome<()> {
    let info = &of.tbs_certificate.subject_public_key_info;
    let curve = info.algorithm.parameters.as_ref();
    let curve = curve.and_then(|any| any.decode_as::<ObjectIdentifier>().ok());
    let algorithm: &'static dyn VerificationAlgorithm = match (info.algorithm.oid, curve, hash) {
        (RSA, _, Some(SHA_256)) => &signature::RSA_PKCS1_2048_8192_SHA256,
        (RSA, _, Some(SHA_384)) => &signature::RSA_PKCS1_2048_8192_SHA384,
        (RSA, _, Some(SHA_512)) => &signature::RSA_PKCS1_2048_8192_SHA512,
        (EC, Some(P_256), Some(SHA_256)) => &signature::ECDSA_P256_SHA256_ASN1,
        (EC, Some(P_256), Some(SHA_384)) => &signature::ECDSA_P256_SHA384_ASN1,
        (EC, Some(P_256), Some(SHA_512)) => &signature::ECDSA_P256_SHA512_ASN1,
        (EC, Some(P_384), Some(SHA_256)) => &signature::ECDSA_P384_SHA256_ASN1,
        (EC, Some(P_384), Some(SHA_384)) => &signature::ECDSA_P384_SHA384_ASN1,
        (EC, Some(P_384), Some(SHA_512)) => &signature::ECDSA_P384_SHA512_ASN1,
        (oid, ..) => return Err(format!("no way to check a signature by {oid}")),
    };
    let key = info.subject_public_key.raw_bytes();
    let checked = UnparsedPublicKey::new(algorithm, key).verify(signed, signature);
    checked.map_err(|_| "the signature does not fit".to_owned())
}

fn digest(algorithm: ObjectIdentifier, bytes: &[u8]) -> Option<Vec<u8>> {
    match algorithm {
        SHA_256 => Some(Sha256::digest(bytes).to_vec()),
        SHA_384 => Some(Sha384::digest(bytes).to_vec()),
        SHA_512 => Some(Sha512::digest(bytes).to_vec()),
        _ => None,
    }
}
