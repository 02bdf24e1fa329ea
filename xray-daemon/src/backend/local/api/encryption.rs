//! Encryption configuration: kept and answered, without effect.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::input::{Checks, Input};
use super::output::{Answer, Output};
use super::sampling_rules::Ignored;
use super::{ApiError, ApiState};
use crate::backend::local::store::SettingKind;

/// Name of the setting.
const NAME: &str = "encryption";

#[derive(Clone, Debug, Default, Deserialize, Serialize)]
struct Encryption {
    /// Of a key, where one is used.
    key_id: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Request {
    r#type: Option<String>,
    key_id: Option<String>,
}

/// `GetEncryptionConfig`.
pub(super) async fn get_encryption_config(
    State(state): State<ApiState>,
    Input(_): Input<Ignored>,
) -> Answer {
    let known: Option<Encryption> =
        state.store.read_settings(|settings| settings.get(SettingKind::Encryption, NAME)).await?;
    Ok(answer(&known.unwrap_or_default()))
}

/// `PutEncryptionConfig`: active at once.
pub(super) async fn put_encryption_config(
    State(state): State<ApiState>,
    Input(request): Input<Request>,
) -> Answer {
    state.may_change()?;
    let mut checks = Checks::default();
    let kind = checks.required("type", request.r#type).unwrap_or_default();
    let key_id = checks.length("keyId", request.key_id, 1, 3_000);
    if !kind.is_empty() && kind != "NONE" && kind != "KMS" {
        let shown = format!("'{}'", super::input::excerpt(&kind));
        checks.fail("type", &shown, "must satisfy enum value set: [KMS, NONE]");
    }
    checks.done()?;
    let encryption = match (kind.as_str(), key_id) {
        ("KMS", Some(key_id)) => Encryption { key_id: Some(key_id) },
        ("KMS", None) => return Err(ApiError::invalid("KeyId is required for type KMS")),
        (_, None) => Encryption::default(),
        (_, Some(_)) => return Err(ApiError::invalid("KeyId is only for type KMS")),
    };
    let answer = answer(&encryption);
    state
        .store
        .change_settings(move |settings| settings.put(SettingKind::Encryption, NAME, &encryption))
        .await?;
    Ok(answer)
}

fn answer(encryption: &Encryption) -> Output {
    let kind = if encryption.key_id.is_some() { "KMS" } else { "NONE" };
    let config: Value = json!({ "KeyId": encryption.key_id, "Status": "ACTIVE", "Type": kind });
    Output(json!({ "EncryptionConfig": config }))
}
