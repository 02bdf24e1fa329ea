//! Groups: filters with a name.

use axum::extract::State;
use serde::Deserialize;
use serde_json::{Value, json};

use super::input::{Checks, Input, required};
use super::output::{Answer, Output};
use super::tags::{self, Tag};
use super::{ApiError, ApiState};
use crate::backend::local::arn;
use crate::backend::local::filter::Filter;
use crate::backend::local::sampling::DEFAULT_NAME;
use crate::backend::local::store::{Group, SettingKind, Settings, StoreError};

/// Most groups, `Default` included (a third party's constant; the quota of the service is its own).
const MAX_GROUPS: usize = 25;

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct GroupInput {
    group_name: Option<String>,
    #[serde(rename = "GroupARN")]
    group_arn: Option<String>,
    filter_expression: Option<String>,
    insights_configuration: Option<InsightsInput>,
    tags: Option<Vec<Tag>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct InsightsInput {
    insights_enabled: Option<bool>,
    notifications_enabled: Option<bool>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct GroupsInput {
    next_token: Option<String>,
}

/// `GetGroups`: `Default` first, in one page.
pub(super) async fn get_groups(
    State(state): State<ApiState>,
    Input(request): Input<GroupsInput>,
) -> Answer {
    if request.next_token.is_some() {
        return Err(ApiError::invalid("Next Token not supported"));
    }
    let groups = state.store.read_settings(all).await?;
    let groups: Vec<_> = groups.iter().map(group_json).collect();
    Ok(Output(json!({ "Groups": groups, "NextToken": null })))
}

/// `GetGroup`.
pub(super) async fn get_group(
    State(state): State<ApiState>,
    Input(request): Input<GroupInput>,
) -> Answer {
    let wanted = Wanted::of(request.group_name, request.group_arn)?;
    let wanted = wanted.ok_or_else(neither)?;
    let group = state.store.read_settings(move |settings| wanted.find(settings)).await?;
    let group = group.ok_or_else(|| ApiError::invalid("Group not found"))?;
    Ok(Output(json!({ "Group": group_json(&group) })))
}

/// `CreateGroup`.
pub(super) async fn create_group(
    State(state): State<ApiState>,
    Input(request): Input<GroupInput>,
) -> Answer {
    state.may_change()?;
    let name = required("groupName", request.group_name)?;
    check_name(&name)?;
    let expression = checked_expression(request.filter_expression.unwrap_or_default())?;
    let tags = tags::checked(request.tags.unwrap_or_default())?;
    let insights = request.insights_configuration.unwrap_or_default();
    let group = Group {
        arn: arn::group(&name),
        name,
        expression,
        insights_enabled: insights.insights_enabled.unwrap_or_default(),
        notifications_enabled: insights.notifications_enabled.unwrap_or_default(),
    };
    let made = state.store.change_groups(move |settings| create(settings, group)).await??;
    tags::put(&state, made.arn.clone(), tags).await?;
    Ok(Output(json!({ "Group": group_json(&made) })))
}

fn create(settings: &Settings<'_>, group: Group) -> Result<Result<Group, ApiError>, StoreError> {
    let groups = all(settings)?;
    if groups.iter().any(|known| known.name == group.name) {
        return Ok(Err(ApiError::invalid("Group already exists")));
    }
    if groups.len() >= MAX_GROUPS {
        let message = format!("Up to {MAX_GROUPS} groups are supported");
        return Ok(Err(ApiError::InvalidRequest(message)));
    }
    settings.put(SettingKind::Group, &group.name, &group)?;
    Ok(Ok(group))
}

/// `UpdateGroup`: each member by itself.
pub(super) async fn update_group(
    State(state): State<ApiState>,
    Input(request): Input<GroupInput>,
) -> Answer {
    state.may_change()?;
    let wanted = Wanted::of(request.group_name, request.group_arn)?.ok_or_else(neither)?;
    let expression = request.filter_expression.map(checked_expression).transpose()?;
    let insights = request.insights_configuration.unwrap_or_default();
    let updated = state
        .store
        .change_groups(move |settings| {
            let Some(mut group) = wanted.find(settings)? else {
                return Ok(Err(ApiError::invalid("Group not found")));
            };
            if group.name == DEFAULT_NAME && expression.is_some() {
                return Ok(Err(ApiError::invalid("The default group has no filter expression")));
            }
            if let Some(expression) = expression {
                group.expression = expression;
            }
            let InsightsInput { insights_enabled, notifications_enabled } = insights;
            group.insights_enabled = insights_enabled.unwrap_or(group.insights_enabled);
            group.notifications_enabled =
                notifications_enabled.unwrap_or(group.notifications_enabled);
            settings.put(SettingKind::Group, &group.name, &group)?;
            Ok(Ok(group))
        })
        .await??;
    Ok(Output(json!({ "Group": group_json(&updated) })))
}

/// `DeleteGroup`.
pub(super) async fn delete_group(
    State(state): State<ApiState>,
    Input(request): Input<GroupInput>,
) -> Answer {
    state.may_change()?;
    let wanted = Wanted::of(request.group_name, request.group_arn)?.ok_or_else(neither)?;
    state
        .store
        .change_groups(move |settings| {
            let Some(group) = wanted.find(settings)? else {
                return Ok(Err(ApiError::invalid("Group not found")));
            };
            if group.name == DEFAULT_NAME {
                return Ok(Err(ApiError::invalid("The default group cannot be deleted")));
            }
            settings.remove(SettingKind::Group, &group.name)?;
            settings.remove(SettingKind::Tags, &group.arn)?;
            Ok(Ok(()))
        })
        .await??;
    Ok(Output(json!({})))
}

/// The filter of the group that a question names; the one that lets all through where it names none.
pub(super) async fn filter_of(
    state: &ApiState,
    name: Option<String>,
    arn: Option<String>,
) -> Result<Filter, ApiError> {
    let Some(wanted) = Wanted::of(name, arn)? else { return Ok(Filter::parse("")?) };
    let group = state.store.read_settings(move |settings| wanted.find(settings)).await?;
    let group = group.ok_or_else(|| ApiError::invalid("Group not found."))?;
    Ok(Filter::parse(&group.expression)?)
}

/// Which group is meant.
#[derive(Clone, Debug, PartialEq)]
enum Wanted {
    Name(String),
    Arn(String),
}

impl Wanted {
    fn of(name: Option<String>, arn: Option<String>) -> Result<Option<Self>, ApiError> {
        match (name, arn) {
            (Some(_), Some(_)) => {
                Err(ApiError::invalid("Request cannot contain both group name and group ARN"))
            }
            (Some(name), None) => Ok(Some(Self::Name(name))),
            (None, Some(arn)) => Ok(Some(Self::Arn(arn))),
            (None, None) => Ok(None),
        }
    }

    fn find(&self, settings: &Settings<'_>) -> Result<Option<Group>, StoreError> {
        let mut groups = all(settings)?.into_iter();
        Ok(groups.find(|group| match self {
            Self::Name(name) => group.name == *name,
            Self::Arn(arn) => group.arn == *arn,
        }))
    }
}

fn neither() -> ApiError {
    ApiError::invalid("Request must contain either group name or group ARN")
}

/// All groups, `Default` first.
pub(super) fn all(settings: &Settings<'_>) -> Result<Vec<Group>, StoreError> {
    let mut groups: Vec<Group> = settings.list(SettingKind::Group)?;
    if !groups.iter().any(|group| group.name == DEFAULT_NAME) {
        groups.push(Group {
            name: DEFAULT_NAME.to_owned(),
            arn: arn::group(DEFAULT_NAME),
            expression: String::new(),
            insights_enabled: false,
            notifications_enabled: false,
        });
    }
    groups.sort_by_key(|group| (group.name != DEFAULT_NAME, group.name.clone()));
    Ok(groups)
}

fn check_name(name: &str) -> Result<(), ApiError> {
    let mut checks = Checks::default();
    checks.count("groupName", name.chars().count(), name, 1, 32);
    checks.done()?;
    if !name.bytes().all(|sign| sign.is_ascii_alphanumeric() || sign == b'-') {
        return Err(ApiError::invalid("Group name may have letters, digits and hyphens"));
    }
    Ok(())
}

/// An expression that a group may have: valid, not empty, and not about groups without end.
fn checked_expression(expression: String) -> Result<String, ApiError> {
    let filter = Filter::parse(&expression)?;
    if filter.is_empty() {
        return Err(ApiError::invalid("Filter Expression is empty"));
    }
    Ok(expression)
}

fn group_json(group: &Group) -> Value {
    let is_default = group.name == DEFAULT_NAME;
    json!({
        "GroupName": group.name,
        "GroupARN": group.arn,
        "FilterExpression": (!is_default).then_some(&group.expression),
        "InsightsConfiguration": {
            "InsightsEnabled": group.insights_enabled,
            "NotificationsEnabled": group.notifications_enabled,
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_up_to_32_letters_digits_and_hyphens() {
        assert!(check_name("slow-Requests-2").is_ok());
        for name in ["", "a b", "ü", &"x".repeat(33)] {
            assert!(check_name(name).is_err(), "{name:?}");
        }
    }

    #[test]
    fn a_group_needs_an_expression() {
        assert_eq!(
            checked_expression("  ".to_owned()),
            Err(ApiError::invalid("Filter Expression is empty"))
        );
    }
}
