//! Service graphs: the worked examples, over the API.

use super::*;

/// A graph in one line a node: `#0 front/null/active root 1/0/0/0 2.0 →#2 1/0/0/0 1.0`.
fn lines(services: &Value) -> Vec<String> {
    let numbers = |statistics: &Value| {
        let error = &statistics["ErrorStatistics"];
        assert_eq!(
            error["TotalCount"].as_u64().unwrap(),
            error["ThrottleCount"].as_u64().unwrap() + error["OtherCount"].as_u64().unwrap()
        );
        format!(
            "{}/{}/{}/{} {}",
            statistics["OkCount"],
            error["OtherCount"],
            error["ThrottleCount"],
            statistics["FaultStatistics"]["TotalCount"],
            statistics["TotalResponseTime"]
        )
    };
    let kind = |value: &Value| value.as_str().unwrap_or("null").to_owned();
    services
        .as_array()
        .unwrap()
        .iter()
        .map(|service| {
            let mut line = format!(
                "#{} {}/{}/{}",
                service["ReferenceId"],
                service["Name"].as_str().unwrap(),
                kind(&service["Type"]),
                service["State"].as_str().unwrap()
            );
            assert_eq!(service["Names"], json!([service["Name"]]));
            if service["Root"] == json!(true) {
                line.push_str(" root");
            }
            if service["SummaryStatistics"] != Value::Null {
                line.push_str(&format!(" {}", numbers(&service["SummaryStatistics"])));
            }
            for edge in service["Edges"].as_array().unwrap() {
                line.push_str(&format!(" →#{}", edge["ReferenceId"]));
                if edge["EdgeType"] == json!("link") {
                    let age = &edge["ReceivedEventAgeHistogram"][0];
                    line.push_str(&format!(" link {}×{}", age["Value"], age["Count"]));
                    assert_eq!(edge["SummaryStatistics"], Value::Null);
                    continue;
                }
                line.push_str(&format!(" {}", numbers(&edge["SummaryStatistics"])));
                for alias in edge["Aliases"].as_array().unwrap() {
                    line.push_str(&format!(
                        " [{},{}]",
                        alias["Name"].as_str().unwrap(),
                        kind(&alias["Type"])
                    ));
                }
            }
            line
        })
        .collect()
}

async fn trace_graph(api: &Api, traces: &[u32]) -> Vec<String> {
    let ids: Vec<_> = traces.iter().map(|number| trace(*number)).collect();
    lines(&api.call("/TraceGraph", json!({ "TraceIds": ids })).await["Services"])
}

async fn service_graph(api: &Api) -> Vec<String> {
    let answer = api.call("/ServiceGraph", json!({ "StartTime": 0, "EndTime": 9e9 })).await;
    assert_eq!(answer["ContainsOldGroupVersions"], json!(false));
    lines(&answer["Services"])
}

#[tokio::test]
async fn e1_a_single_segment() {
    let api = Api::new().await;
    let more = json!({ "origin": "AWS::EC2::Instance", "http": status(200) });
    api.put(&[segment(1, 1, "front", (1000.0, 1002.0), more)]).await;
    let expected = [
        "#0 front/AWS::EC2::Instance/active root 1/0/0/0 2.0",
        "#1 front/client/unknown →#0 1/0/0/0 2.0",
    ];
    assert_eq!(trace_graph(&api, &[1]).await, expected);
    assert_eq!(service_graph(&api).await, expected);
    let answer = api.call("/ServiceGraph", json!({ "StartTime": 999, "EndTime": 1003 })).await;
    assert_eq!((&answer["StartTime"], &answer["EndTime"]), (&json!(1000), &json!(1001)));
    let front = &answer["Services"][0];
    assert_eq!(front["ResponseTimeHistogram"], json!([{ "Value": 2.0, "Count": 1 }]));
    assert_eq!(front["DurationHistogram"], json!([{ "Value": 2.0, "Count": 1 }]));
    // Lists on a client too, for Grafana.
    assert_eq!(answer["Services"][1]["ResponseTimeHistogram"], json!([]));
    assert_eq!(
        answer["Services"][1]["Edges"][0]["ResponseTimeHistogram"],
        json!([{ "Value": 2.0, "Count": 1 }])
    );
}

#[tokio::test]
async fn e2_and_e3_a_broken_call_and_its_callee() {
    let api = Api::new().await;
    let call = json!({ "namespace": "remote", "http": status(200) });
    let call = subsegment(2, "worker", (1000.5, 1001.5), call);
    let front = segment(1, 1, "front", (1000.0, 1002.0), json!({ "subsegments": [call] }));
    api.put(&[front]).await;
    let expected = [
        "#0 front/null/active root 1/0/0/0 2.0 →#2 1/0/0/0 1.0",
        "#1 front/client/unknown →#0 1/0/0/0 2.0",
        "#2 worker/remote/passive 1/0/0/0 1.0",
    ];
    assert_eq!(trace_graph(&api, &[1]).await, expected);
    assert_eq!(service_graph(&api).await, expected);

    let more = json!({ "parent_id": id(2), "fault": true, "http": status(503) });
    api.put(&[segment(1, 3, "worker", (1000.6, 1001.4), more)]).await;
    let expected = [
        "#0 front/null/active root 1/0/0/0 2.0 →#2 1/0/0/0 1.0 [worker,remote]",
        "#1 front/client/unknown →#0 1/0/0/0 2.0",
        "#2 worker/null/active 0/0/0/1 0.8",
    ];
    assert_eq!(trace_graph(&api, &[1]).await, expected);
    assert_eq!(service_graph(&api).await, expected);
}

#[tokio::test]
async fn e4_calls_to_aws_and_a_database() {
    let api = Api::new().await;
    let topic = "arn:aws:sns:eu-west-1:111122223333:done";
    let calls = [
        subsegment(
            2,
            "DynamoDB",
            (0.1, 0.3),
            json!({ "namespace": "aws", "throttle": true, "error": true, "http": status(400),
                "aws": { "operation": "PutItem", "table_name": "orders" } }),
        ),
        subsegment(
            3,
            "SNS",
            (0.4, 0.5),
            json!({ "namespace": "aws", "aws": { "operation": "Publish", "topic_arn": topic } }),
        ),
        subsegment(4, "STS", (0.6, 0.7), json!({ "namespace": "aws" })),
        subsegment(
            5,
            "shop@db:5432",
            (0.8, 0.9),
            json!({ "namespace": "remote", "fault": true,
                "sql": { "sanitized_query": "SELECT 1" } }),
        ),
    ];
    api.put(&[segment(1, 1, "front", (0.0, 1.0), json!({ "subsegments": calls }))]).await;
    let expected = [
        "#0 STS/AWS::STS/unknown 1/0/0/0 0.1".to_owned(),
        format!("#1 {topic}/AWS::SNS/unknown 1/0/0/0 0.1"),
        "#2 front/null/active root 1/0/0/0 1.0 →#0 1/0/0/0 0.1 →#1 1/0/0/0 0.1 →#4 0/0/1/0 0.2 \
         →#5 0/0/0/1 0.1"
            .to_owned(),
        "#3 front/client/unknown →#2 1/0/0/0 1.0".to_owned(),
        "#4 orders/AWS::DynamoDB::Table/unknown 0/0/1/0 0.2".to_owned(),
        "#5 shop@db:5432/Database::SQL/unknown 0/0/0/1 0.1".to_owned(),
    ];
    assert_eq!(trace_graph(&api, &[1]).await, expected);
    assert_eq!(service_graph(&api).await, expected);
}

/// Five traces: fine, 400, 429, 500, and one that still runs.
async fn five() -> Api {
    let api = Api::new().await;
    let throttled = json!({ "http": status(429), "error": true, "throttle": true });
    let mut running = segment(5, 5, "front", (50.0, 0.0), json!({ "in_progress": true }));
    running.as_object_mut().unwrap().remove("end_time");
    api.put(&[
        segment(1, 1, "front", (10.0, 11.25), json!({ "http": status(200) })),
        segment(2, 2, "front", (20.0, 22.5), json!({ "http": status(400), "error": true })),
        segment(3, 3, "front", (30.0, 30.4), throttled),
        segment(4, 4, "front", (40.0, 41.0), json!({ "http": status(500), "fault": true })),
        running,
    ])
    .await;
    api
}

#[tokio::test]
async fn e5_four_traces_and_one_that_still_runs() {
    let api = five().await;
    assert_eq!(
        service_graph(&api).await,
        ["#0 front/null/active root 1/1/1/1 5.15", "#1 front/client/unknown →#0 1/1/1/1 5.15",]
    );
}

#[tokio::test]
async fn e6_a_local_child_and_a_link() {
    let api = Api::new().await;
    let work = subsegment(2, "work", (1.0, 3.0), json!({}));
    let link = json!({ "links": [{ "trace_id": trace(1), "id": id(1) }] });
    api.put(&[
        segment(1, 1, "api", (0.0, 4.0), json!({ "subsegments": [work] })),
        segment(1, 3, "jobs", (1.2, 3.2), json!({ "parent_id": id(2) })),
    ])
    .await;
    api.put(&[segment(2, 4, "mail", (10.0, 11.0), link)]).await;
    let expected = [
        "#0 api/null/active root 1/0/0/0 4.0 →#2 1/0/0/0 2.0 →#3 link 6.0×1".to_owned(),
        "#1 api/client/unknown →#0 1/0/0/0 4.0".to_owned(),
        "#2 jobs/null/active 1/0/0/0 2.0".to_owned(),
        "#3 mail/null/active root 1/0/0/0 1.0".to_owned(),
        "#4 mail/client/unknown →#3 1/0/0/0 1.0".to_owned(),
    ];
    assert_eq!(service_graph(&api).await, expected);
    assert_eq!(trace_graph(&api, &[1, 2]).await, expected);
    assert_eq!(
        trace_graph(&api, &[2]).await,
        ["#0 mail/null/active root 1/0/0/0 1.0", "#1 mail/client/unknown →#0 1/0/0/0 1.0"]
    );
}

#[tokio::test]
async fn an_empty_graph_has_no_bounds() {
    let api = Api::new().await;
    let answer = api.call("/ServiceGraph", json!({ "StartTime": 0, "EndTime": 9e9 })).await;
    assert_eq!(
        answer,
        json!({ "StartTime": null, "EndTime": null, "Services": [],
            "ContainsOldGroupVersions": false, "NextToken": null })
    );
}

#[tokio::test]
async fn series_count_the_requests_from_outside_by_default() {
    let api = five().await;
    let series = async |more: Value| {
        let mut input = json!({ "StartTime": 0, "EndTime": 9e9 });
        more.as_object().unwrap().iter().for_each(|(key, value)| input[key] = value.clone());
        let answer = api.call("/TimeSeriesServiceStatistics", input).await;
        answer["TimeSeriesServiceStatistics"].as_array().unwrap().clone()
    };
    // A minute may end between two of the documents.
    let points = series(json!({})).await;
    let sum = |member: &str| -> u64 {
        let of = |point: &Value| point["EdgeSummaryStatistics"][member].as_u64().unwrap();
        points.iter().map(of).sum()
    };
    assert_eq!((sum("TotalCount"), sum("OkCount")), (4, 1));
    assert!(points.iter().all(|point| point["ServiceSummaryStatistics"] == Value::Null));
    assert!(points[0]["Timestamp"].as_u64().unwrap().is_multiple_of(60));
    assert_eq!(points[0]["ServiceForecastStatistics"], json!({}));

    let of_service =
        series(json!({ "EntitySelectorExpression": r#"service("front")"#, "Period": 300 })).await;
    assert_eq!(of_service[0]["EdgeSummaryStatistics"], Value::Null);
    assert!(of_service[0]["ServiceSummaryStatistics"]["TotalCount"].as_u64().unwrap() > 0);
    let of_edge = series(json!({ "EntitySelectorExpression": r#"edge("front", "back")"# })).await;
    assert_eq!(of_edge.len(), 0);
}
