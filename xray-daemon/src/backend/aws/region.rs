//! Which region segments go to.
//!
//! In: flag and file, environment, metadata of the machine. Out: a region. Owns the order, which is
//! that of the reference daemon: flag, file, `AWS_REGION`, ECS metadata file, EC2 metadata; in
//! local mode the machine is not asked, and the SDK's own places (`AWS_DEFAULT_REGION`, profile)
//! are looked at. Here these are looked at last in the other mode too, rather than to give up.

use std::fs;
use std::path::Path;

use aws_config::environment::EnvironmentVariableRegionProvider;
use aws_config::meta::region::ProvideRegion;
use aws_config::profile::ProfileFileRegionProvider;
use serde::Deserialize;

use super::error::AwsError;
use super::metadata::Metadata;
use crate::config::AwsSettings;

/// Longest metadata file that is read.
const MAX_FILE_BYTES: u64 = 1 << 20;

/// A region, and where it was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Region {
    pub(super) name: String,
    pub(super) found_in: RegionSource,
}

/// Where a region was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RegionSource {
    Settings,
    Environment,
    EcsFile,
    Ec2,
    Sdk,
}

impl RegionSource {
    /// For people.
    pub(super) fn label(self) -> &'static str {
        match self {
            Self::Settings => "--region or configuration file",
            Self::Environment => "AWS_REGION",
            Self::EcsFile => "ECS metadata file",
            Self::Ec2 => "EC2 metadata",
            Self::Sdk => "AWS_DEFAULT_REGION or profile",
        }
    }
}

/// Finds the region.
pub(super) async fn find(settings: &AwsSettings, metadata: &Metadata) -> Result<Region, AwsError> {
    let (name, found_in) = look_for(settings, metadata).await.ok_or(AwsError::NoRegion)?;
    // It becomes part of a host name.
    let valid = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    if valid && name.len() <= 64 {
        Ok(Region { name, found_in })
    } else {
        Err(AwsError::Region(name))
    }
}

async fn look_for(settings: &AwsSettings, metadata: &Metadata) -> Option<(String, RegionSource)> {
    let set = |value: &String| !value.is_empty();
    if let Some(region) = settings.region.clone().filter(set) {
        return Some((region, RegionSource::Settings));
    }
    if let Some(region) = std::env::var("AWS_REGION").ok().filter(set) {
        return Some((region, RegionSource::Environment));
    }
    if !settings.local_mode {
        if let Some(region) = of_this_task(|name| std::env::var(name).ok()) {
            return Some((region, RegionSource::EcsFile));
        }
        if let Some(region) = of_this_instance(metadata).await {
            return Some((region, RegionSource::Ec2));
        }
    }
    of_the_sdk().await.map(|region| (region, RegionSource::Sdk))
}

/// `AWS_DEFAULT_REGION` and the profile, without the machine's metadata.
async fn of_the_sdk() -> Option<String> {
    if let Some(region) = EnvironmentVariableRegionProvider::new().region().await {
        return Some(region.to_string());
    }
    ProfileFileRegionProvider::new().region().await.map(|region| region.to_string())
}

/// Field 3 of the task's ARN in the metadata file of ECS.
fn of_this_task(variable: impl Fn(&str) -> Option<String>) -> Option<String> {
    #[derive(Deserialize)]
    struct Metadata {
        #[serde(rename = "TaskARN")]
        task_arn: String,
    }
    let enabled = variable("ECS_ENABLE_CONTAINER_METADATA")?.eq_ignore_ascii_case("true");
    let path = variable("ECS_CONTAINER_METADATA_FILE").filter(|_| enabled)?;
    let path = Path::new(&path);
    if fs::metadata(path).ok()?.len() > MAX_FILE_BYTES {
        return None;
    }
    let metadata: Metadata = serde_json::from_str(&fs::read_to_string(path).ok()?).ok()?;
    let region = metadata.task_arn.split(':').nth(3).filter(|region| !region.is_empty());
    region.map(str::to_owned)
}

/// The region in the identity document of an EC2 instance.
async fn of_this_instance(metadata: &Metadata) -> Option<String> {
    #[derive(Deserialize)]
    struct Identity {
        region: String,
    }
    let document = metadata.get("/latest/dynamic/instance-identity/document").await?;
    serde_json::from_str(&document).ok().map(|identity: Identity| identity.region)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::aws::clients::Clients;

    fn of_task(enabled: &str, file: &str) -> Option<String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("metadata.json");
        fs::write(&path, file).unwrap();
        of_this_task(|name| match name {
            "ECS_ENABLE_CONTAINER_METADATA" => Some(enabled.to_owned()),
            "ECS_CONTAINER_METADATA_FILE" => Some(path.to_string_lossy().into_owned()),
            _ => None,
        })
    }

    #[test]
    fn the_region_of_an_ecs_task_is_in_its_arn() {
        let file = r#"{"Cluster":"c","TaskARN":"arn:aws:ecs:us-west-2:012345678910:task/x"}"#;
        assert_eq!(of_task("TRUE", file).as_deref(), Some("us-west-2"));
        assert_eq!(of_task("no", file), None);
    }

    #[test]
    fn a_metadata_file_that_says_nothing_is_passed_over() {
        for file in ["", "{}", r#"{"TaskARN":""}"#, r#"{"TaskARN":"arn:aws:ecs"}"#, "[]"] {
            assert_eq!(of_task("true", file), None, "{file}");
        }
        assert_eq!(of_this_task(|_| None), None);
    }

    #[tokio::test]
    async fn a_region_that_is_no_part_of_a_host_name_is_refused() {
        let settings = |region: &str| AwsSettings {
            region: Some(region.to_owned()),
            ..AwsSettings::default()
        };
        let http = Clients::new(&AwsSettings { no_verify_ssl: true, ..AwsSettings::default() });
        let metadata = Metadata::new(&http.unwrap().sdk);
        let found = find(&settings("eu-west-1"), &metadata).await.unwrap();
        assert_eq!((found.name.as_str(), found.found_in), ("eu-west-1", RegionSource::Settings));
        for region in ["evil.example/", "a b", &"x".repeat(65)] {
            let error = find(&settings(region), &metadata).await.unwrap_err();
            assert!(matches!(error, AwsError::Region(_)), "{error}");
        }
    }
}
