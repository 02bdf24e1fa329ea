//! Groups and tags.

use super::*;

async fn create(api: &Api, name: &str, expression: &str) -> Value {
    let input = json!({ "GroupName": name, "FilterExpression": expression });
    api.call("/CreateGroup", input).await["Group"].clone()
}

#[tokio::test]
async fn the_default_group_is_first_and_has_no_expression() {
    let api = Api::new().await;
    create(&api, "Abc", "fault").await;
    let groups = api.call("/Groups", json!({})).await;
    assert_eq!(
        groups["Groups"][0],
        json!({
            "GroupName": "Default",
            "GroupARN": "arn:aws:xray:us-east-1:000000000000:group/Default",
            "FilterExpression": null,
            "InsightsConfiguration": { "InsightsEnabled": false, "NotificationsEnabled": false },
        })
    );
    assert_eq!(groups["Groups"][1]["GroupName"], "Abc");
}

#[tokio::test]
async fn each_member_is_updated_by_itself() {
    let api = Api::new().await;
    let made = create(&api, "slow", "duration > 2").await;
    let update = json!({ "GroupARN": made["GroupARN"],
        "InsightsConfiguration": { "InsightsEnabled": true } });
    let updated = api.call("/UpdateGroup", update).await["Group"].clone();
    assert_eq!(updated["FilterExpression"], "duration > 2");
    assert_eq!(updated["InsightsConfiguration"]["InsightsEnabled"], json!(true));
    let update = json!({ "GroupName": "slow", "FilterExpression": "duration > 3" });
    let updated = api.call("/UpdateGroup", update).await["Group"].clone();
    assert_eq!(updated["FilterExpression"], "duration > 3");
    assert_eq!(updated["InsightsConfiguration"]["InsightsEnabled"], json!(true));
    assert_eq!(api.call("/GetGroup", json!({ "GroupName": "slow" })).await["Group"], updated);

    assert_eq!(api.call("/DeleteGroup", json!({ "GroupName": "slow" })).await, json!({}));
    assert_eq!(
        api.refuse("/GetGroup", json!({ "GroupName": "slow" })).await,
        invalid("Group not found")
    );
}

#[tokio::test]
async fn groups_are_refused_with_the_reason() {
    let api = Api::new().await;
    create(&api, "slow", "duration > 2").await;
    let new =
        |name: &str, expression: &str| json!({ "GroupName": name, "FilterExpression": expression });
    assert_eq!(
        api.refuse("/CreateGroup", new("slow", "ok")).await,
        invalid("Group already exists")
    );
    assert_eq!(
        api.refuse("/CreateGroup", new("empty", "")).await,
        invalid("Filter Expression is empty")
    );
    assert_eq!(api.refuse("/CreateGroup", new("a b", "ok")).await.status, 400);
    let refused = api.refuse("/CreateGroup", new("odd", "maybe = 1")).await;
    assert_eq!(refused, invalid("Error Location: line 1, position 1 : Invalid input symbol: 'ma'"));
    for path in ["/DeleteGroup", "/UpdateGroup"] {
        let default = new("Default", "ok");
        assert_eq!(api.refuse(path, default).await.code, "InvalidRequestException");
    }
    for number in 0..23 {
        create(&api, &format!("group-{number}"), "ok").await;
    }
    assert_eq!(api.refuse("/CreateGroup", new("last", "ok")).await.status, 400);
}

#[tokio::test]
async fn a_group_filters_the_graph_as_it_is_now() {
    let api = Api::new().await;
    api.put(&[
        segment(1, 1, "fast", (10.0, 11.0), json!({})),
        segment(2, 2, "slow", (10.0, 14.0), json!({})),
    ])
    .await;
    let graph = async |name: &str| {
        let input = json!({ "StartTime": 0, "EndTime": 9e9, "GroupName": name });
        let services = api.call("/ServiceGraph", input).await["Services"].clone();
        let names = services.as_array().unwrap().iter();
        let mut names: Vec<_> =
            names.map(|service| service["Name"].as_str().unwrap().to_owned()).collect();
        names.dedup();
        names
    };
    create(&api, "g", "duration > 2").await;
    assert_eq!(graph("g").await, ["slow"]);
    assert_eq!(graph("Default").await, ["fast", "slow"]);
    let update = json!({ "GroupName": "g", "FilterExpression": "duration < 2" });
    api.call("/UpdateGroup", update).await;
    assert_eq!(graph("g").await, ["fast"]);
    // And by name in other filters.
    let found = api.summaries(r#"group.name = "g""#).await;
    assert_eq!(found.len(), 1);
    assert_eq!(found[0]["Id"], json!(trace(1)));
}

#[tokio::test]
async fn groups_and_rules_have_tags() {
    let api = Api::new().await;
    let tags = json!([{ "Key": "team", "Value": "shop" }]);
    let input = json!({ "GroupName": "slow", "FilterExpression": "ok", "Tags": tags });
    let arn = api.call("/CreateGroup", input).await["Group"]["GroupARN"].clone();
    let of = async |arn: &Value| {
        api.call("/ListTagsForResource", json!({ "ResourceARN": arn })).await["Tags"].clone()
    };
    assert_eq!(of(&arn).await, tags);
    let more = json!({ "ResourceARN": arn, "Tags": [{ "Key": "stage", "Value": "" }] });
    assert_eq!(api.call("/TagResource", more).await, json!({}));
    let fewer = json!({ "ResourceARN": arn, "TagKeys": ["team", "none"] });
    assert_eq!(api.call("/UntagResource", fewer).await, json!({}));
    assert_eq!(of(&arn).await, json!([{ "Key": "stage", "Value": "" }]));

    let rule = json!("arn:aws:xray:us-east-1:000000000000:sampling-rule/Default");
    assert_eq!(of(&rule).await, json!([]));
    let unknown = api.refuse("/ListTagsForResource", json!({ "ResourceARN": "arn:x" })).await;
    assert_eq!(unknown, refused(404, "ResourceNotFoundException", "Resource arn:x not found"));
    let many: Vec<_> =
        (0..50).map(|number| json!({ "Key": format!("k{number}"), "Value": "" })).collect();
    let too_many = json!({ "ResourceARN": arn, "Tags": many });
    assert_eq!(api.refuse("/TagResource", too_many).await.code, "TooManyTagsException");
}
