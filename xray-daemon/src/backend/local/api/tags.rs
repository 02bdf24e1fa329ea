//! Tags of groups and sampling rules.

use std::collections::BTreeMap;

use axum::extract::State;
use serde::Deserialize;
use serde_json::json;

use super::input::{Checks, Input, required};
use super::output::{Answer, Output};
use super::{ApiError, ApiState, groups};
use crate::backend::local::store::{SettingKind, Settings, StoreError};

/// Most tags of a resource.
const MAX_TAGS: usize = 50;
/// Most tags in one call.
const MAX_CALL: usize = 200;
/// Begins keys that only the service itself may set.
const SYSTEM_PREFIX: &str = "aws:";

/// A tag as it is sent.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Tag {
    key: Option<String>,
    value: Option<String>,
}

/// Tags by key.
pub(super) type Tags = BTreeMap<String, String>;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Request {
    #[serde(rename = "ResourceARN")]
    resource_arn: Option<String>,
    tags: Option<Vec<Tag>>,
    tag_keys: Option<Vec<String>>,
}

/// Tags of a call, within their ranges.
pub(super) fn checked(tags: Vec<Tag>) -> Result<Tags, ApiError> {
    let mut checks = Checks::default();
    let tags = checks.members("tags", Some(tags), 0, MAX_CALL).unwrap_or_default();
    let mut by_key = Tags::new();
    let mut repeated = false;
    for (tag, number) in tags.into_iter().zip(1..) {
        let at = |member: &str| format!("tags.{number}.member.{member}");
        let key = checks.required(&at("key"), tag.key);
        let key = checks.length(&at("key"), key, 1, 128).unwrap_or_default();
        let value = checks.required(&at("value"), tag.value);
        let value = checks.length(&at("value"), value, 0, 256).unwrap_or_default();
        repeated |= by_key.insert(key, value).is_some();
    }
    checks.done()?;
    if repeated {
        return Err(ApiError::invalid("A tag key may be given once"));
    }
    check_not_system(by_key.keys())?;
    Ok(by_key)
}

fn check_not_system<'a>(mut keys: impl Iterator<Item = &'a String>) -> Result<(), ApiError> {
    let is_system = |key: &String| {
        let start = key.get(..SYSTEM_PREFIX.len());
        start.is_some_and(|start| start.eq_ignore_ascii_case(SYSTEM_PREFIX))
    };
    if keys.any(is_system) {
        return Err(ApiError::invalid(
            "Caller is an end user and not allowed to mutate system tags",
        ));
    }
    Ok(())
}

/// Gives a new resource its tags.
pub(super) async fn put(state: &ApiState, arn: String, tags: Tags) -> Result<(), ApiError> {
    if tags.is_empty() {
        return Ok(());
    }
    state
        .store
        .change_settings(move |settings| settings.put(SettingKind::Tags, &arn, &tags))
        .await?;
    Ok(())
}

/// `ListTagsForResource`.
pub(super) async fn list_tags_for_resource(
    State(state): State<ApiState>,
    Input(request): Input<Request>,
) -> Answer {
    let arn = arn_of(request.resource_arn)?;
    let rules = state.sampling.rules();
    let is_rule = rules.records.iter().any(|record| record.sampling_rule.rule_arn == arn);
    let tags = state.store.read_settings(move |settings| tags_of(settings, arn, is_rule)).await??;
    let tags: Vec<_> =
        tags.into_iter().map(|(key, value)| json!({ "Key": key, "Value": value })).collect();
    Ok(Output(json!({ "Tags": tags, "NextToken": null })))
}

/// `TagResource`.
pub(super) async fn tag_resource(
    State(state): State<ApiState>,
    Input(request): Input<Request>,
) -> Answer {
    let tags = checked(required("tags", request.tags)?)?;
    change(&state, request.resource_arn, move |known| known.extend(tags)).await
}

/// `UntagResource`: keys that are not there are no mistake.
pub(super) async fn untag_resource(
    State(state): State<ApiState>,
    Input(request): Input<Request>,
) -> Answer {
    let mut checks = Checks::default();
    let keys = checks.required("tagKeys", request.tag_keys);
    let keys = checks.members("tagKeys", keys, 0, MAX_CALL).unwrap_or_default();
    checks.done()?;
    check_not_system(keys.iter())?;
    change(&state, request.resource_arn, move |known| {
        known.retain(|key, _| !keys.contains(key));
    })
    .await
}

async fn change(
    state: &ApiState,
    arn: Option<String>,
    change: impl FnOnce(&mut Tags) + Send + 'static,
) -> Answer {
    state.may_change()?;
    let arn = arn_of(arn)?;
    let rules = state.sampling.rules();
    let is_rule = rules.records.iter().any(|record| record.sampling_rule.rule_arn == arn);
    state
        .store
        .change_settings(move |settings| {
            let mut tags = match tags_of(settings, arn.clone(), is_rule)? {
                Ok(tags) => tags,
                Err(unknown) => return Ok(Err(unknown)),
            };
            change(&mut tags);
            if tags.len() > MAX_TAGS {
                return Ok(Err(ApiError::TooManyTags { resource: arn }));
            }
            settings.put(SettingKind::Tags, &arn, &tags)?;
            Ok(Ok(()))
        })
        .await??;
    Ok(Output(json!({})))
}

fn arn_of(arn: Option<String>) -> Result<String, ApiError> {
    let mut checks = Checks::default();
    let arn = checks.required("resourceARN", arn);
    let arn = checks.length("resourceARN", arn, 1, 1_011).unwrap_or_default();
    checks.done()?;
    Ok(arn)
}

/// The tags of a resource that is there.
fn tags_of(
    settings: &Settings<'_>,
    arn: String,
    is_rule: bool,
) -> Result<Result<Tags, ApiError>, StoreError> {
    if !is_rule && !groups::all(settings)?.iter().any(|group| group.arn == arn) {
        let message = format!("Resource {} not found", super::input::excerpt(&arn));
        return Ok(Err(ApiError::NotFound { message, resource: arn }));
    }
    Ok(Ok(settings.get(SettingKind::Tags, &arn)?.unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tag(key: &str, value: &str) -> Tag {
        Tag { key: Some(key.to_owned()), value: Some(value.to_owned()) }
    }

    #[test]
    fn tags_are_refused_when_repeated_reserved_or_too_long() {
        assert!(checked(vec![tag("team", "shop"), tag("stage", "")]).is_ok());
        assert!(checked(vec![tag("team", "a"), tag("team", "b")]).is_err());
        assert_eq!(
            checked(vec![tag("AWS:x", "a")]),
            Err(ApiError::invalid("Caller is an end user and not allowed to mutate system tags"))
        );
        assert!(checked(vec![tag("", "a")]).is_err());
        assert!(checked(vec![tag("k", &"v".repeat(257))]).is_err());
        assert!(checked(vec![Tag { key: Some("k".into()), value: None }]).is_err());
    }
}
