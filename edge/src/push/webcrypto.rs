//! P-256 and AES-GCM, by the runtime's own Web Crypto: this much code would weigh more than the rest of the worker, and
//! the runtime's needs the same time for every key.

use super::message::{self, SALT_BYTES};
use super::subscription::{Keys, PUBLIC_KEY_BYTES};
use super::vapid::{self, VapidKey};
use crate::crypto;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use js_sys::{Array, JSON, Object, Promise, Reflect, Uint8Array};
use ponte_protocol::UnixMillis;
use wasm_bindgen::{JsCast as _, JsValue};
use web_sys::{CryptoKey, SubtleCrypto};
use worker::wasm_bindgen_futures::JsFuture;
use worker::{Error, Result};

fn subtle() -> Result<SubtleCrypto> {
    let crypto = Reflect::get(&js_sys::global(), &"crypto".into())?;
    Ok(crypto.unchecked_into::<web_sys::Crypto>().subtle())
}

fn object(fields: &[(&str, JsValue)]) -> Result<Object> {
    let object = Object::new();
    for (name, value) in fields {
        Reflect::set(&object, &(*name).into(), value)?;
    }
    Ok(object)
}

fn curve(algorithm: &str) -> Result<Object> {
    object(&[("name", algorithm.into()), ("namedCurve", "P-256".into())])
}

fn usages(names: &[&str]) -> Array {
    names.iter().map(|name| JsValue::from_str(name)).collect()
}

async fn settled(promise: std::result::Result<Promise, JsValue>) -> Result<JsValue> {
    Ok(JsFuture::from(promise?).await?)
}

async fn settled_bytes(promise: std::result::Result<Promise, JsValue>) -> Result<Vec<u8>> {
    Ok(Uint8Array::new(&settled(promise).await?).to_vec())
}

fn wrong_length() -> Error {
    Error::RustError("a key or a secret has the wrong length".to_owned())
}

/// Makes a pair of keys: the private and the public one.
async fn pair(algorithm: &str, uses: &[&str]) -> Result<(CryptoKey, CryptoKey)> {
    let made = subtle()?.generate_key_with_object(&curve(algorithm)?, true, &usages(uses));
    let pair = settled(made).await?;
    let key = |name: &str| Reflect::get(&pair, &name.into()).map(JsValue::unchecked_into);
    Ok((key("privateKey")?, key("publicKey")?))
}

async fn public_bytes(key: &CryptoKey) -> Result<[u8; PUBLIC_KEY_BYTES]> {
    let bytes = settled_bytes(subtle()?.export_key("raw", key)).await?;
    bytes.try_into().map_err(|_| wrong_length())
}

/// Makes the site's key.
pub(crate) async fn make_vapid_key() -> Result<VapidKey> {
    let (private, public) = pair("ECDSA", &["sign", "verify"]).await?;
    let jwk = settled(subtle()?.export_key("jwk", &private)).await?;
    Ok(VapidKey {
        jwk: JSON::stringify(&jwk)?.into(),
        public: URL_SAFE_NO_PAD.encode(public_bytes(&public).await?),
    })
}

/// The `Authorization` header of a message to a push service of this origin.
pub(crate) async fn authorization(
    key: &VapidKey,
    audience: &str,
    contact: &str,
    now: UnixMillis,
) -> Result<String> {
    let jwk: Object = JSON::parse(&key.jwk)?.unchecked_into();
    let imported = subtle()?.import_key_with_object("jwk", &jwk, &curve("ECDSA")?, false, &usages(&["sign"]));
    let private: CryptoKey = settled(imported).await?.unchecked_into();
    let input = vapid::signing_input(audience, contact, now);
    let how = object(&[("name", "ECDSA".into()), ("hash", "SHA-256".into())])?;
    let signed = subtle()?.sign_with_object_and_u8_array(&how, &private, input.as_bytes());
    Ok(vapid::authorization(
        &input,
        &settled_bytes(signed).await?,
        &key.public,
    ))
}

async fn import_browser_key(point: &[u8; PUBLIC_KEY_BYTES]) -> Result<CryptoKey> {
    let imported = subtle()?.import_key_with_object(
        "raw",
        &Uint8Array::from(point.as_slice()).into(),
        &curve("ECDH")?,
        false,
        &Array::new(),
    );
    Ok(settled(imported).await?.unchecked_into())
}

/// Whether messages can be encrypted for these keys: they are as long as they must be, and the point is on the curve.
pub(crate) async fn are_usable(keys: &Keys) -> bool {
    match (keys.public(), keys.secret()) {
        (Some(point), Some(_)) => import_browser_key(&point).await.is_ok(),
        _ => false,
    }
}

/// Encrypts a text for a browser (RFC 8291).
pub(crate) async fn encrypt(keys: &Keys, text: &str) -> Result<Vec<u8>> {
    let (browser, auth) = keys.public().zip(keys.secret()).ok_or_else(wrong_length)?;
    let record = message::record(text).ok_or_else(wrong_length)?;
    let browser_key = import_browser_key(&browser).await?;
    let (private, public) = pair("ECDH", &["deriveBits"]).await?;
    let sender = public_bytes(&public).await?;
    let with = object(&[("name", "ECDH".into()), ("public", browser_key.into())])?;
    let shared = settled_bytes(subtle()?.derive_bits_with_object(&with, &private, 256)).await?;

    let random = crypto::random_bytes().map_err(|error| Error::RustError(error.to_string()))?;
    let salt: [u8; SALT_BYTES] = *random.first_chunk().ok_or_else(wrong_length)?;
    let content = message::content_keys(&shared, &auth, &browser, &sender, &salt).ok_or_else(wrong_length)?;
    let imported = subtle()?.import_key_with_str(
        "raw",
        &Uint8Array::from(content.key.as_slice()).into(),
        "AES-GCM",
        false,
        &usages(&["encrypt"]),
    );
    let key: CryptoKey = settled(imported).await?.unchecked_into();
    let nonce = Uint8Array::from(content.nonce.as_slice());
    let how = object(&[("name", "AES-GCM".into()), ("iv", nonce.into())])?;
    let encrypted = subtle()?.encrypt_with_object_and_u8_array(&how, &key, &record);
    Ok(message::body(&salt, &sender, &settled_bytes(encrypted).await?))
}
