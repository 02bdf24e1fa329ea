//! Resource policies: kept and answered, without effect.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::input::{Checks, Input};
use super::output::{Answer, Output};
use super::{ApiError, ApiState};
use crate::backend::local::store::SettingKind;

/// Most policies.
const MAX_POLICIES: usize = 5;
/// Most bytes of a policy.
const MAX_POLICY_BYTES: usize = 5 * 1024;

#[derive(Clone, Debug, Deserialize, Serialize)]
struct Policy {
    name: String,
    document: String,
    revision: u64,
    updated_at: f64,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Request {
    policy_name: Option<String>,
    policy_document: Option<String>,
    policy_revision_id: Option<String>,
}

/// `ListResourcePolicies`.
pub(super) async fn list_resource_policies(
    State(state): State<ApiState>,
    Input(_): Input<super::sampling_rules::Ignored>,
) -> Answer {
    let policies: Vec<Policy> =
        state.store.read_settings(|settings| settings.list(SettingKind::ResourcePolicy)).await?;
    let policies: Vec<_> = policies.iter().map(policy_json).collect();
    Ok(Output(json!({ "ResourcePolicies": policies, "NextToken": null })))
}

/// `PutResourcePolicy`: revision `0` only makes, another only replaces that revision.
pub(super) async fn put_resource_policy(
    State(state): State<ApiState>,
    Input(request): Input<Request>,
) -> Answer {
    state.may_change()?;
    let mut checks = Checks::default();
    let name = checked_name(&mut checks, request.policy_name);
    let document = checks.required("policyDocument", request.policy_document).unwrap_or_default();
    checks.done()?;
    check_document(&document)?;
    let expected = request.policy_revision_id;
    let now_s = super::telemetry::now_s();
    let policy = state
        .store
        .change_settings(move |settings| {
            let known: Option<Policy> = settings.get(SettingKind::ResourcePolicy, &name)?;
            let revision = known.as_ref().map_or(0, |policy| policy.revision);
            if expected.is_some_and(|expected| expected != revision.to_string()) {
                return Ok(Err(changed_meanwhile(&name)));
            }
            let count = settings.list::<Policy>(SettingKind::ResourcePolicy)?.len();
            if known.is_none() && count >= MAX_POLICIES {
                return Ok(Err(ApiError::Modelled {
                    code: "PolicyCountLimitExceededException",
                    message: format!("Up to {MAX_POLICIES} resource policies are supported"),
                }));
            }
            let policy =
                Policy { name: name.clone(), document, revision: revision + 1, updated_at: now_s };
            settings.put(SettingKind::ResourcePolicy, &name, &policy)?;
            Ok(Ok(policy))
        })
        .await??;
    Ok(Output(json!({ "ResourcePolicy": policy_json(&policy) })))
}

/// `DeleteResourcePolicy`.
pub(super) async fn delete_resource_policy(
    State(state): State<ApiState>,
    Input(request): Input<Request>,
) -> Answer {
    state.may_change()?;
    let mut checks = Checks::default();
    let name = checked_name(&mut checks, request.policy_name);
    checks.done()?;
    let expected = request.policy_revision_id;
    state
        .store
        .change_settings(move |settings| {
            let Some(policy) = settings.get::<Policy>(SettingKind::ResourcePolicy, &name)? else {
                let message = format!("The resource policy {name} does not exist.");
                return Ok(Err(ApiError::InvalidRequest(message)));
            };
            if expected.is_some_and(|expected| expected != policy.revision.to_string()) {
                return Ok(Err(changed_meanwhile(&name)));
            }
            settings.remove(SettingKind::ResourcePolicy, &name)?;
            Ok(Ok(()))
        })
        .await??;
    Ok(Output(json!({})))
}

fn checked_name(checks: &mut Checks, name: Option<String>) -> String {
    let name = checks.required("policyName", name);
    let name = checks.length("policyName", name, 1, 128).unwrap_or_default();
    let is_known = |sign: char| sign.is_ascii_alphanumeric() || "_+=,.@-".contains(sign);
    if !name.chars().all(is_known) {
        let rule = "must satisfy regular expression pattern: [\\w+=,.@-]+";
        checks.fail("policyName", &format!("'{}'", super::input::excerpt(&name)), rule);
    }
    name
}

fn check_document(document: &str) -> Result<(), ApiError> {
    if document.len() > MAX_POLICY_BYTES {
        return Err(ApiError::Modelled {
            code: "PolicySizeLimitExceededException",
            message: format!("A resource policy has up to {MAX_POLICY_BYTES} bytes"),
        });
    }
    match serde_json::from_str::<Value>(document) {
        Ok(Value::Object(_)) => Ok(()),
        _ => Err(ApiError::Modelled {
            code: "MalformedPolicyDocumentException",
            message: "The resource policy is not a JSON object".to_owned(),
        }),
    }
}

fn changed_meanwhile(name: &str) -> ApiError {
    ApiError::Modelled {
        code: "InvalidPolicyRevisionIdException",
        message: format!("Another concurrent request has modified the resource policy {name}"),
    }
}

fn policy_json(policy: &Policy) -> Value {
    json!({
        "PolicyName": policy.name,
        "PolicyDocument": policy.document,
        "PolicyRevisionId": policy.revision.to_string(),
        "LastUpdatedTime": policy.updated_at,
    })
}
