//! Sampling rules and targets.

use super::*;

fn rule(name: &str, more: Value) -> Value {
    let mut rule = json!({
        "RuleName": name, "ResourceARN": "*", "Priority": 10, "FixedRate": 0.5,
        "ReservoirSize": 10, "ServiceName": "*", "ServiceType": "*", "Host": "*",
        "HTTPMethod": "*", "URLPath": "*", "Version": 1,
    });
    more.as_object().unwrap().iter().for_each(|(key, value)| rule[key] = value.clone());
    rule
}

async fn create(api: &Api, name: &str) -> Value {
    let input = json!({ "SamplingRule": rule(name, json!({})) });
    api.call("/CreateSamplingRule", input).await["SamplingRuleRecord"].clone()
}

async fn names(api: &Api) -> Vec<String> {
    let answer = api.call("/GetSamplingRules", json!({})).await;
    let records = answer["SamplingRuleRecords"].as_array().unwrap().clone();
    let name = |record: &Value| record["SamplingRule"]["RuleName"].as_str().unwrap().to_owned();
    records.iter().map(name).collect()
}

#[tokio::test]
async fn the_default_rule_is_always_there_and_last() {
    let api = Api::new().await;
    create(&api, "zebra").await;
    create(&api, "ant").await;
    assert_eq!(names(&api).await, ["ant", "zebra", "Default"]);
    let answer = api.call("/GetSamplingRules", json!({})).await;
    let default = &answer["SamplingRuleRecords"][2];
    assert_eq!((&default["CreatedAt"], &default["ModifiedAt"]), (&json!(0.0), &json!(0.0)));
    assert_eq!(
        default["SamplingRule"],
        json!({
            "RuleName": "Default",
            "RuleARN": "arn:aws:xray:us-east-1:000000000000:sampling-rule/Default",
            "ResourceARN": "*", "Priority": 10000, "FixedRate": 0.05, "ReservoirSize": 1,
            "ServiceName": "*", "ServiceType": "*", "Host": "*", "HTTPMethod": "*",
            "URLPath": "*", "Version": 1, "Attributes": {}, "SamplingRateBoost": null,
        })
    );
}

#[tokio::test]
async fn rules_are_made_changed_and_removed() {
    let api = Api::new().await;
    let made = create(&api, "cart").await;
    assert_eq!(made["CreatedAt"], made["ModifiedAt"]);
    let arn = made["SamplingRule"]["RuleARN"].as_str().unwrap();
    assert!(arn.ends_with(":sampling-rule/cart"));

    let boost = json!({ "MaxRate": 0.5, "CooldownWindowMinutes": 10 });
    let update = json!({ "RuleARN": arn, "Host": "shop.*", "SamplingRateBoost": boost });
    let updated = api.call("/UpdateSamplingRule", json!({ "SamplingRuleUpdate": update })).await;
    let updated = &updated["SamplingRuleRecord"];
    assert_eq!(updated["SamplingRule"]["Host"], "shop.*");
    assert_eq!(updated["SamplingRule"]["ReservoirSize"], 10);
    assert_eq!(updated["SamplingRule"]["SamplingRateBoost"], boost);
    assert!(updated["ModifiedAt"].as_f64() > made["ModifiedAt"].as_f64());

    let removed = api.call("/DeleteSamplingRule", json!({ "RuleName": "cart" })).await;
    assert_eq!(removed["SamplingRuleRecord"]["SamplingRule"]["Host"], "shop.*");
    assert_eq!(names(&api).await, ["Default"]);
}

#[tokio::test]
async fn rules_are_refused_in_the_words_of_the_service() {
    let api = Api::new().await;
    create(&api, "cart").await;
    let new = |more: Value| json!({ "SamplingRule": rule("new", more) });
    assert_eq!(
        api.refuse("/CreateSamplingRule", new(json!({ "Priority": 0 }))).await,
        refused(
            400,
            "ValidationException",
            "1 validation error detected: Value '0' at 'samplingRule.priority' failed to satisfy \
             constraint: Member must have value greater than or equal to 1"
        )
    );
    assert_eq!(
        api.refuse("/CreateSamplingRule", new(json!({ "Version": 2 }))).await,
        invalid("Sampling rule version must be 1")
    );
    assert_eq!(
        api.refuse("/CreateSamplingRule", new(json!({ "RuleName": "cart" }))).await,
        invalid("Sampling rule already exists")
    );
    assert_eq!(
        api.refuse("/DeleteSamplingRule", json!({ "RuleName": "none" })).await,
        invalid("Sampling rule does not exist")
    );
    assert_eq!(
        api.refuse("/DeleteSamplingRule", json!({ "RuleName": "Default" })).await,
        invalid("The default sampling rule cannot be deleted")
    );
    let narrow = json!({ "SamplingRuleUpdate": { "RuleName": "Default", "Host": "x" } });
    assert_eq!(
        api.refuse("/UpdateSamplingRule", narrow).await,
        invalid("Invalid update request for sampling rule")
    );
    let slower = json!({ "SamplingRuleUpdate": { "RuleName": "Default", "FixedRate": 0.01 } });
    let updated = api.call("/UpdateSamplingRule", slower).await;
    assert_eq!(updated["SamplingRuleRecord"]["SamplingRule"]["FixedRate"], json!(0.01));
}

#[tokio::test]
async fn the_26th_rule_is_one_too_many() {
    let api = Api::new().await;
    for number in 0..25 {
        create(&api, &format!("rule-{number}")).await;
    }
    let input = json!({ "SamplingRule": rule("last", json!({})) });
    let refused = api.refuse("/CreateSamplingRule", input).await;
    assert_eq!((refused.status, refused.code.as_str()), (400, "RuleLimitExceededException"));
}

#[tokio::test]
async fn a_first_report_brings_the_rate_and_unknown_rules_are_named() {
    let api = Api::new().await;
    let made = create(&api, "cart").await;
    let report = |rule: &str| {
        json!({ "RuleName": rule, "ClientID": "0123456789abcdef01234567", "Timestamp": 1,
            "RequestCount": 20, "SampledCount": 2, "BorrowCount": 1 })
    };
    let input = json!({ "SamplingStatisticsDocuments": [report("cart"), report("none")] });
    let answer = api.call("/SamplingTargets", input).await;
    assert_eq!(
        answer,
        json!({
            "SamplingTargetDocuments": [{
                "RuleName": "cart", "FixedRate": 0.5, "ReservoirQuota": null,
                "ReservoirQuotaTTL": null, "Interval": null, "SamplingBoost": null,
            }],
            "LastRuleModification": made["ModifiedAt"],
            "UnprocessedStatistics": [
                { "RuleName": "none", "ErrorCode": "400", "Message": "Unknown rule" }
            ],
            "UnprocessedBoostStatistics": [],
        })
    );
    let removed = api.call("/DeleteSamplingRule", json!({ "RuleName": "cart" })).await;
    assert_eq!(removed["SamplingRuleRecord"]["ModifiedAt"], made["ModifiedAt"]);
    let after = api.call("/SamplingTargets", json!({ "SamplingStatisticsDocuments": [] })).await;
    assert!(
        after["LastRuleModification"].as_f64() > made["ModifiedAt"].as_f64(),
        "clients must learn of removals too"
    );
}

#[tokio::test]
async fn anomalies_boost_the_rate() {
    let api = Api::new().await;
    let boost = json!({ "MaxRate": 0.9, "CooldownWindowMinutes": 1 });
    let boosted = rule("cart", json!({ "SamplingRateBoost": boost }));
    api.call("/CreateSamplingRule", json!({ "SamplingRule": boosted })).await;
    let anomalies = |rule: &str| {
        json!({ "RuleName": rule, "ServiceName": "shop", "Timestamp": 1, "AnomalyCount": 6,
            "TotalCount": 10, "SampledAnomalyCount": 1 })
    };
    let answer = api
        .call(
            "/SamplingTargets",
            json!({ "SamplingStatisticsDocuments": [],
                "SamplingBoostStatisticsDocuments": [anomalies("cart"), anomalies("Default")] }),
        )
        .await;
    assert_eq!(answer["SamplingTargetDocuments"][0]["SamplingBoost"]["BoostRate"], json!(0.5));
    assert_eq!(answer["UnprocessedBoostStatistics"][0]["RuleName"], "Default");
}
