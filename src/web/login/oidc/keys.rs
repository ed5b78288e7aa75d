//! The provider's public keys (RFC 7517), and the signatures that they verify (RFC 7515). Only signatures by a private key
//! of the provider are accepted: neither `none` nor one by a shared secret.

use data_encoding::BASE64URL_NOPAD;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256,
    RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512, RSA_PSS_2048_8192_SHA256,
    RSA_PSS_2048_8192_SHA384, RSA_PSS_2048_8192_SHA512, RsaParameters, RsaPublicKeyComponents,
    UnparsedPublicKey, VerificationAlgorithm,
};
use serde::Deserialize;

/// The keys of a provider.
#[derive(Debug, Clone, Default)]
pub(super) struct KeySet(Vec<Key>);

/// A key as the provider writes it. Parts that it does not know are ignored, as the RFC demands.
#[derive(Debug, Clone, Deserialize)]
struct Key {
    kty: String,
    kid: Option<String>,
    alg: Option<String>,
    #[serde(rename = "use")]
    purpose: Option<String>,
    n: Option<String>,
    e: Option<String>,
    crv: Option<String>,
    x: Option<String>,
    y: Option<String>,
}

/// How an algorithm verifies.
enum Algorithm {
    Rsa(&'static RsaParameters),
    /// The curve.
    Curve(&'static str, &'static dyn VerificationAlgorithm),
}

/// A signature cannot be accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(in crate::web::login) enum SignatureError {
    /// The algorithm is not known, or is not one of private keys.
    #[error("it is signed in a way that is not accepted")]
    Algorithm,
    /// No key of the provider fits.
    #[error("it is signed with a key that the provider does not publish")]
    NoKey,
    /// No key verifies it.
    #[error("its signature is wrong")]
    Wrong,
}

impl KeySet {
    /// The keys of a document. One that cannot be read is left out: providers publish keys of other purposes as well.
    pub(super) fn of_json(json: &[u8]) -> Result<KeySet, serde_json::Error> {
        #[derive(Deserialize)]
        struct Written {
            keys: Vec<serde_json::Value>,
        }
        let written: Written = serde_json::from_slice(json)?;
        let keys = written.keys.into_iter();
        let keys = keys.filter_map(|key| serde_json::from_value(key).ok());
        Ok(KeySet(keys.collect()))
    }

    /// Whether a key of the provider has signed these bytes.
    pub(super) fn verify(
        &self,
        (algorithm, id): (&str, Option<&str>),
        signed: &[u8],
        signature: &[u8],
    ) -> Result<(), SignatureError> {
        let how = Algorithm::of_name(algorithm).ok_or(SignatureError::Algorithm)?;
        let fits = |key: &&Key| {
            let is_of = |of: &Option<String>, name: &str| of.as_deref().is_none_or(|of| of == name);
            let is_named = id.is_none_or(|id| key.kid.as_deref() == Some(id));
            is_named && is_of(&key.alg, algorithm) && is_of(&key.purpose, "sig") && how.fits(key)
        };
        let mut error = SignatureError::NoKey;
        for key in self.0.iter().filter(fits) {
            match how.verify(key, signed, signature) {
                Some(()) => return Ok(()),
                None => error = SignatureError::Wrong,
            }
        }
        Err(error)
    }
}

impl Algorithm {
    fn of_name(name: &str) -> Option<Algorithm> {
        let algorithm = match name {
            "RS256" => Algorithm::Rsa(&RSA_PKCS1_2048_8192_SHA256),
            "RS384" => Algorithm::Rsa(&RSA_PKCS1_2048_8192_SHA384),
            "RS512" => Algorithm::Rsa(&RSA_PKCS1_2048_8192_SHA512),
            "PS256" => Algorithm::Rsa(&RSA_PSS_2048_8192_SHA256),
            "PS384" => Algorithm::Rsa(&RSA_PSS_2048_8192_SHA384),
            "PS512" => Algorithm::Rsa(&RSA_PSS_2048_8192_SHA512),
            "ES256" => Algorithm::Curve("P-256", &ECDSA_P256_SHA256_FIXED),
            "ES384" => Algorithm::Curve("P-384", &ECDSA_P384_SHA384_FIXED),
            "EdDSA" | "Ed25519" => Algorithm::Curve("Ed25519", &ED25519),
            _ => return None,
        };
        Some(algorithm)
    }

    fn fits(&self, key: &Key) -> bool {
        match self {
            Algorithm::Rsa(_) => key.kty == "RSA",
            Algorithm::Curve(curve, _) => {
                let kind = if *curve == "Ed25519" { "OKP" } else { "EC" };
                key.kty == kind && key.crv.as_deref() == Some(curve)
            }
        }
    }

    fn verify(&self, key: &Key, signed: &[u8], signature: &[u8]) -> Option<()> {
        let part = |part: &Option<String>| BASE64URL_NOPAD.decode(part.as_deref()?.as_bytes()).ok();
        let verified = match self {
            Algorithm::Rsa(parameters) => {
                let (n, e) = (part(&key.n)?, part(&key.e)?);
                let key = RsaPublicKeyComponents { n: &n, e: &e };
                key.verify(parameters, signed, signature)
            }
            Algorithm::Curve(curve, algorithm) => {
                let point = match *curve {
                    "Ed25519" => part(&key.x)?,
                    // An uncompressed point (SEC 1, 2.3.3).
                    _ => [vec![4], part(&key.x)?, part(&key.y)?].concat(),
                };
                UnparsedPublicKey::new(*algorithm, point).verify(signed, signature)
            }
        };
        verified.ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Made with openssl genrsa and openssl dgst -sha256 -sign, of the bytes `signed`.
    const MODULUS: &str = "0ISqntG66-tMTbbyVRK_n2mjtQ6RRCynG_uFSMJI1hZ_2Kz1rj3_MO_6GVNW1HhSuQrvzuL8KRC4Im_yxIZX2HmjRF\
        8n_ktVywtgZD8ys3e1R__J4uSnWvFA7B05VrQYABuy-Bngrm_7kWABRPRg7DHhjghRVth47ScyiKSpCP7SQFL7aqTJ\
        6NuOH5ZytZyFhzEPkRtPcztxwk33LcMBbFsFWp3EyV-b0_y9v8Lpq3YoSIWM4Jvv8nCvUB2-lQQAtNSH_4newqnuwj\
        3PkJ0RPr5ZzpKmU4TSogs2aqH05jxqFPa66dqrsngN4Zez_wKI5JpgkUCJHG_WaYuUZvEtVw";
    const RS256: &str = "dLGr36bI3PRrNlbOzVPoQ7yd9Gs66F1ZFFPzZ4TRH9y-ru_Y09IghNSgKu7aibCSsb1ZZkjXwn2JqKLtsKdqxZShAd\
        xu94Bbw-FU0eRqHtSEtMjE3tvtlKqrzXN4Y9vMVui6ASncS0NyGA6Kyvo7T-p3Qqj11R4IS4VpTTOHDj3vkUtSLxay\
        BastTrk9evGc5Hw7cbcOD2RhnIacyNzMpJl2dps69JnC4L-vdmPHSzsLSxwJSC7gO7sWwqkfWFgEEXZgMFC3cpAh09\
        xG32nlZI0uprmuqK4R1QTjLFk3WdglWUQAdPU7yn_S6bFe_gmkFh596pqjXfqwzgdlp9r3GA";
    const PS256: &str = "keL5XbHtxEdxAGyyiecZnxp7MBbzGkHSQr8Y38hULZWv2BXhGR0PFa2p0u9IqnnEiD2SJfxBnMp2C2sQOcwIzubg_6\
        UL3U8NF7MbwfC5snnCatAXobameTsLXhQQK5aZf_-q04BvMLYc5jK2hB98yPZl4B_C_8bMQdiraOTsgmk--GhJe8qg\
        wQnS1WVdZiWeGQ4AkYlKvTp8tSAw3O7f8aGhefMvaigxiZs1lIZ03027DU4wKpsDfw5RlwPbTFDv4MzisWY25L0FOm\
        nkt7jFvOTjgN2MnGQXEZe_L_WT4etApdBaLr2YYWiYdRicrt7J0evduiKlqDteb7xrl9Si1Q";

    fn keys(more: &str) -> KeySet {
        let json = format!(
            r#"{{"keys":[{{"kty":"oct","k":"AAAA"}},{{"odd":1}},{{"kty":"RSA","e":"AQAB","n":"{MODULUS}"{more}}}]}}"#
        );
        KeySet::of_json(json.as_bytes()).unwrap()
    }

    fn verify(
        keys: &KeySet,
        by: (&str, Option<&str>),
        signature: &str,
    ) -> Result<(), SignatureError> {
        let signature = BASE64URL_NOPAD.decode(signature.as_bytes()).unwrap();
        keys.verify(by, b"signed", &signature)
    }

    #[test]
    fn a_signature_of_openssl_is_verified_and_no_other() {
        let keys = keys("");
        assert_eq!(verify(&keys, ("RS256", None), RS256), Ok(()));
        assert_eq!(verify(&keys, ("PS256", None), PS256), Ok(()));
        for (algorithm, signature) in [
            ("RS256", PS256),
            ("PS256", RS256),
            ("RS512", RS256),
            ("RS256", ""),
        ] {
            let verified = verify(&keys, (algorithm, None), signature);
            assert_eq!(verified, Err(SignatureError::Wrong), "{algorithm}");
        }
        let signature = BASE64URL_NOPAD.decode(RS256.as_bytes()).unwrap();
        let other = keys.verify(("RS256", None), b"Signed", &signature);
        assert_eq!(other, Err(SignatureError::Wrong));
    }

    #[test]
    fn neither_no_signature_nor_one_by_a_shared_secret_is_accepted() {
        for algorithm in ["none", "None", "HS256", "HS512", "rs256", ""] {
            let verified = verify(&keys(""), (algorithm, None), RS256);
            assert_eq!(verified, Err(SignatureError::Algorithm), "{algorithm}");
        }
        assert_eq!(
            verify(&keys(""), ("ES256", None), RS256),
            Err(SignatureError::NoKey)
        );
    }

    #[test]
    fn a_key_is_used_as_the_provider_says() {
        let named = keys(r#","kid":"a","alg":"RS256","use":"sig""#);
        assert_eq!(verify(&named, ("RS256", Some("a")), RS256), Ok(()));
        assert_eq!(verify(&named, ("RS256", None), RS256), Ok(()));
        for by in [("RS256", Some("b")), ("PS256", Some("a"))] {
            assert_eq!(
                verify(&named, by, RS256),
                Err(SignatureError::NoKey),
                "{by:?}"
            );
        }
        let of_encryption = keys(r#","use":"enc""#);
        assert_eq!(
            verify(&of_encryption, ("RS256", None), RS256),
            Err(SignatureError::NoKey)
        );
        assert_eq!(
            verify(&keys(""), ("RS256", Some("a")), RS256),
            Err(SignatureError::NoKey)
        );
    }
}
