//! What an ID token has to be before anybody is signed in by it. *Source*: `OpenID` Connect Core 1.0, section 3.1.3.7; RFC 8725.

use std::fmt;

use jsonwebtoken::jwk::{Jwk, JwkSet, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde_json::{Map, Value};

/// The algorithms that are taken: those by which only the holder of a private key can sign.
const ALGORITHMS: [Algorithm; 9] = [
    Algorithm::RS256,
    Algorithm::RS384,
    Algorithm::RS512,
    Algorithm::PS256,
    Algorithm::PS384,
    Algorithm::PS512,
    Algorithm::ES256,
    Algorithm::ES384,
    Algorithm::EdDSA,
];
/// How far apart two clocks may be. *Units*: seconds.
const SKEW_SECONDS: i64 = 60;
/// The longest token. *Units*: bytes.
const LENGTH_MOST: usize = 64 << 10;
/// The longest name of a subject. *Units*: bytes. *Source*: `OpenID` Connect Core 1.0, section 2.
const SUBJECT_LENGTH_MOST: usize = 255;

/// What is wrong with an ID token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flaw {
    /// It is no token.
    Form,
    /// It is signed in a way that is not taken.
    Algorithm,
    /// Its key is none of the provider's.
    Key,
    /// The signature is not of it.
    Signature,
    /// Somebody else says so.
    Issuer,
    /// It is for somebody else.
    Audience,
    /// It has ended.
    Expired,
    /// It does not hold yet.
    NotYet,
    /// It answers another question.
    Nonce,
    /// It names nobody.
    Subject,
}

/// A word for the log; readers are told nothing of it.
impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Form => "form",
            Self::Algorithm => "algorithm",
            Self::Key => "key",
            Self::Signature => "signature",
            Self::Issuer => "issuer",
            Self::Audience => "audience",
            Self::Expired => "expired",
            Self::NotYet => "not yet",
            Self::Nonce => "nonce",
            Self::Subject => "subject",
        })
    }
}

/// What a token has to say.
#[derive(Debug, Clone, Copy)]
pub(super) struct Expected<'e> {
    pub(super) issuer: &'e str,
    pub(super) client_id: &'e str,
    pub(super) nonce: &'e str,
    pub(super) now_seconds: i64,
}

/// What a token says that holds.
#[derive(Debug, Clone)]
pub(super) struct Claims {
    /// Whom it names.
    pub(super) subject: String,
    /// All of it.
    pub(super) all: Map<String, Value>,
}

/// Checks a token.
///
/// # Errors
/// What is wrong with it.
pub(super) fn check(text: &str, keys: &JwkSet, expected: &Expected<'_>) -> Result<Claims, Flaw> {
    if text.len() > LENGTH_MOST {
        return Err(Flaw::Form);
    }
    let header = jsonwebtoken::decode_header(text).map_err(|_| Flaw::Form)?;
    let algorithm = header.alg;
    if !ALGORITHMS.contains(&algorithm) {
        return Err(Flaw::Algorithm);
    }
    let key = key(keys, header.kid.as_deref()).ok_or(Flaw::Key)?;
    let said = key.common.key_algorithm;
    if said.is_some_and(|said| said.to_string() != format!("{algorithm:?}")) {
        return Err(Flaw::Algorithm);
    }
    let key = DecodingKey::from_jwk(key).map_err(|_| Flaw::Key)?;
    let mut validation = Validation::new(algorithm);
    // What it says is held against the clock of the whole program, below.
    validation.required_spec_claims.clear();
    validation.validate_exp = false;
    validation.validate_aud = false;
    let decoded = jsonwebtoken::decode::<Map<String, Value>>(text, &key, &validation);
    let all = decoded.map_err(|_| Flaw::Signature)?.claims;
    says(&all, expected)?;
    let subject = all.get("sub").and_then(Value::as_str);
    let subject = subject.filter(|sub| !sub.is_empty() && sub.len() <= SUBJECT_LENGTH_MOST);
    let subject = subject.ok_or(Flaw::Subject)?.to_owned();
    Ok(Claims { subject, all })
}

/// The key of a name; where none is named, the only one.
fn key<'k>(keys: &'k JwkSet, name: Option<&str>) -> Option<&'k Jwk> {
    let signs = |key: &&Jwk| {
        let purpose = key.common.public_key_use.as_ref();
        purpose.is_none_or(|purpose| *purpose == PublicKeyUse::Signature)
    };
    let mut found = keys.keys.iter().filter(signs).filter(|key| {
        let of = key.common.key_id.as_deref();
        name.is_none() || of == name
    });
    let first = found.next()?;
    (name.is_some() || found.next().is_none()).then_some(first)
}

fn says(all: &Map<String, Value>, expected: &Expected<'_>) -> Result<(), Flaw> {
    let text = |name: &str| all.get(name).and_then(Value::as_str);
    if text("iss") != Some(expected.issuer) {
        return Err(Flaw::Issuer);
    }
    let is_for_us = match all.get("aud") {
        Some(Value::String(one)) => one == expected.client_id,
        Some(Value::Array(many)) => {
            let is_ours = many
                .iter()
                .any(|one| one.as_str() == Some(expected.client_id));
            // Of several, one asked for it, and it says which.
            is_ours && (many.len() == 1 || all.contains_key("azp"))
        }
        _ => false,
    };
    let asked = all.get("azp").map(Value::as_str);
    if !is_for_us || asked.is_some_and(|asked| asked != Some(expected.client_id)) {
        return Err(Flaw::Audience);
    }
    let number = |name: &str| {
        all.get(name)
            .map(|value| value.as_f64().unwrap_or(f64::NAN))
    };
    #[expect(
        clippy::cast_precision_loss,
        reason = "seconds since 1970 fit, and providers write them as JSON numbers"
    )]
    let (now, skew) = (expected.now_seconds as f64, SKEW_SECONDS as f64);
    // What is no number compares with nothing, and so never holds.
    if !number("exp").is_some_and(|until| now < until + skew) {
        return Err(Flaw::Expired);
    }
    let begins = ["nbf", "iat"].into_iter().filter_map(number);
    for begins in begins {
        if begins.is_nan() || begins > now + skew {
            return Err(Flaw::NotYet);
        }
    }
    if text("nonce") != Some(expected.nonce) {
        return Err(Flaw::Nonce);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::rand::SystemRandom;
    use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
    use jsonwebtoken::{EncodingKey, Header};
    use serde_json::json;

    use super::*;

    const EXPECTED: Expected<'_> = Expected {
        issuer: "https://login.example.jp",
        client_id: "keiki",
        nonce: "n",
        now_seconds: 1_800_000_000,
    };

    fn pair() -> (EncodingKey, JwkSet) {
        let random = SystemRandom::new();
        let bytes = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random);
        let bytes = bytes.expect("a key can be made");
        let key = EncodingKey::from_ec_der(bytes.as_ref());
        let mut jwk = Jwk::from_encoding_key(&key, Algorithm::ES256).expect("it has a public part");
        jwk.common.key_id = Some("k".to_owned());
        (key, JwkSet { keys: vec![jwk] })
    }

    fn good() -> Value {
        json!({
            "iss": EXPECTED.issuer, "aud": "keiki", "sub": "s", "nonce": "n",
            "exp": EXPECTED.now_seconds + 300, "iat": EXPECTED.now_seconds,
        })
    }

    fn signed(key: &EncodingKey, claims: &Value) -> String {
        let mut header = Header::new(Algorithm::ES256);
        header.kid = Some("k".to_owned());
        jsonwebtoken::encode(&header, claims, key).expect("it can be signed")
    }

    #[test]
    fn a_token_holds_only_if_all_of_it_fits() {
        let (key, keys) = pair();
        let of = |change: Value| {
            let mut claims = good();
            let fields = claims.as_object_mut().expect("it is an object");
            for (name, value) in change.as_object().expect("it is an object") {
                if value.is_null() {
                    fields.remove(name);
                } else {
                    fields.insert(name.clone(), value.clone());
                }
            }
            check(&signed(&key, &claims), &keys, &EXPECTED).map(|claims| claims.subject)
        };
        let now = EXPECTED.now_seconds;
        assert_eq!(of(json!({})), Ok("s".to_owned()));
        assert!(of(json!({ "aud": ["keiki"] })).is_ok());
        assert!(of(json!({ "aud": ["keiki", "other"], "azp": "keiki" })).is_ok());
        assert!(of(json!({ "exp": now - 30, "nbf": now + 30 })).is_ok());
        for (change, flaw) in [
            (json!({ "iss": "https://login.example.jp/" }), Flaw::Issuer),
            (json!({ "iss": null }), Flaw::Issuer),
            (json!({ "aud": "other" }), Flaw::Audience),
            (json!({ "aud": ["keiki", "other"] }), Flaw::Audience),
            (json!({ "azp": "other" }), Flaw::Audience),
            (json!({ "azp": 1 }), Flaw::Audience),
            (json!({ "aud": null }), Flaw::Audience),
            (json!({ "exp": now - 61 }), Flaw::Expired),
            (json!({ "exp": null }), Flaw::Expired),
            (json!({ "exp": "never" }), Flaw::Expired),
            (json!({ "nbf": now + 61 }), Flaw::NotYet),
            (json!({ "iat": now + 61 }), Flaw::NotYet),
            (json!({ "nonce": "m" }), Flaw::Nonce),
            (json!({ "nonce": null }), Flaw::Nonce),
            (json!({ "sub": null }), Flaw::Subject),
            (json!({ "sub": "" }), Flaw::Subject),
        ] {
            assert_eq!(of(change.clone()), Err(flaw), "{change}");
        }
    }

    #[test]
    fn only_the_providers_own_key_signs() {
        let (key, keys) = pair();
        let (other, _) = pair();
        assert_eq!(
            check(&signed(&other, &good()), &keys, &EXPECTED).err(),
            Some(Flaw::Signature)
        );
        let mut header = Header::new(Algorithm::ES256);
        header.kid = Some("unknown".to_owned());
        let unknown = jsonwebtoken::encode(&header, &good(), &key).expect("it can be signed");
        assert_eq!(check(&unknown, &keys, &EXPECTED).err(), Some(Flaw::Key));
        // Whoever knows the public key could sign with it as if it were a shared secret.
        let mut header = Header::new(Algorithm::HS256);
        header.kid = Some("k".to_owned());
        let public = serde_json::to_vec(&keys.keys[0]).expect("it can be written");
        let shared = EncodingKey::from_secret(&public);
        let shared = jsonwebtoken::encode(&header, &good(), &shared).expect("it can be signed");
        assert_eq!(
            check(&shared, &keys, &EXPECTED).err(),
            Some(Flaw::Algorithm)
        );
        let none = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJzIn0.";
        assert_eq!(check(none, &keys, &EXPECTED).err(), Some(Flaw::Form));
        assert_eq!(check("a.b", &keys, &EXPECTED).err(), Some(Flaw::Form));
    }
}
