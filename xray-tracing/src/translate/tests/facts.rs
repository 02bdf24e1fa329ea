//! What we know of spans: each with the document it makes.
//!
//! Spans stand in OTLP's JSON, attributes as plain JSON. Of documents everything but ids and times
//! is compared.

use serde_json::{Value as Json, json};

use super::otlp_json::each_span;
use crate::document::validate;
use crate::translate::{Options, to_documents};

const SERVER: u8 = 2;
const CLIENT: u8 = 3;
const PRODUCER: u8 = 4;
const CONSUMER: u8 = 5;
const INTERNAL: u8 = 1;

/// A span in the making.
struct Span {
    json: Json,
    resource: Json,
    options: Options,
}

/// A span of `kind` below another one, with these attributes, of the service `shop`.
fn span(kind: u8, attributes: Json) -> Span {
    let json = json!({
        "traceId": "65f1c0de0102030405060708090a0b0c", "spanId": "00000000000000a1", "kind": kind,
        "parentSpanId": "00000000000000b2", "name": "op", "attributes": otlp(&attributes),
        "startTimeUnixNano": "1710342366250000000", "endTimeUnixNano": "1710342366500000000",
    });
    Span { json, resource: json!({"service.name": "shop"}), options: Options::default() }
}

impl Span {
    fn root(mut self) -> Self {
        self.json["parentSpanId"] = Json::Null;
        self
    }

    fn with(mut self, member: &str, value: Json) -> Self {
        self.json[member] = value;
        self
    }

    fn failed(self, message: &str) -> Self {
        self.with("status", json!({"code": 2, "message": message}))
    }

    fn event(mut self, name: &str, attributes: Json) -> Self {
        let event = json!({
            "name": name, "timeUnixNano": "1710342366300000000", "attributes": otlp(&attributes)
        });
        match self.json["events"].as_array_mut() {
            Some(events) => events.push(event),
            None => self.json["events"] = json!([event]),
        }
        self
    }

    fn on(mut self, resource: Json) -> Self {
        self.resource = resource;
        self
    }

    fn indexed(mut self, keys: &[&str]) -> Self {
        self.options.indexed = keys.iter().map(|key| (*key).to_owned()).collect();
        self
    }

    fn documents(&self) -> Vec<Json> {
        let request = json!({"resourceSpans": [{
            "resource": {"attributes": otlp(&self.resource)},
            "scopeSpans": [{"scope": {}, "spans": [self.json]}],
        }]});
        let mut documents = Vec::new();
        each_span(&request, &self.options, |span, resource| {
            for document in to_documents(span, resource) {
                assert_eq!(validate(&document, 0), []);
                documents.push(serde_json::from_str(&document.to_json()).unwrap());
            }
        });
        documents
    }

    /// The one document, less what all have.
    fn document(&self) -> Json {
        let mut documents = self.documents();
        assert_eq!(documents.len(), 1, "{documents:?}");
        let mut document = documents.remove(0);
        for key in ["id", "trace_id", "parent_id", "start_time", "end_time"] {
            document.as_object_mut().unwrap().shift_remove(key);
        }
        document
    }
}

/// Plain JSON as OTLP's attributes.
fn otlp(object: &Json) -> Json {
    let attribute =
        |(key, value): (&String, &Json)| json!({"key": key, "value": otlp_value(value)});
    object.as_object().unwrap().iter().map(attribute).collect()
}

fn otlp_value(value: &Json) -> Json {
    match value {
        Json::Null => Json::Null,
        Json::Bool(_) => json!({"boolValue": value}),
        Json::Number(number) if number.is_i64() => json!({"intValue": number.to_string()}),
        Json::Number(_) => json!({"doubleValue": value}),
        Json::String(_) => json!({"stringValue": value}),
        Json::Array(values) => {
            json!({"arrayValue": {"values": values.iter().map(otlp_value).collect::<Json>()}})
        }
        Json::Object(_) => json!({"kvlistValue": {"values": otlp(value)}}),
    }
}

/// What the tests' resource adds to a segment whose span is called `op`.
fn segment(mut members: Json) -> Json {
    members["name"] = json!("shop");
    members["aws"] = json!({"xray": {"auto_instrumentation": false}});
    members["metadata"]["default"]["otel.resource.service.name"] = json!("shop");
    members["metadata"]["tracing"]["span"] = json!("op");
    members
}

/// A subsegment whose span is called `op`.
fn call(name: &str, mut members: Json) -> Json {
    members["name"] = json!(name);
    members["type"] = json!("subsegment");
    if name != "op" {
        members["metadata"]["tracing"]["span"] = json!("op");
    }
    members
}

#[test]
fn kinds_and_parents_say_what_is_a_segment() {
    let kinds = |span: Span| -> Vec<String> {
        let kind = |document: &Json| match document["type"].as_str() {
            Some(_) => format!("{} below {}", document["name"], document["parent_id"]),
            None => format!("{} is a segment", document["name"]),
        };
        span.documents().iter().map(|document| kind(document).replace('"', "")).collect()
    };
    let below = "op below 00000000000000b2";
    assert_eq!(kinds(span(SERVER, json!({}))), ["shop is a segment"]);
    assert_eq!(kinds(span(CONSUMER, json!({}))), ["shop is a segment"]);
    assert_eq!(kinds(span(INTERNAL, json!({}))), [below]);
    assert_eq!(kinds(span(CLIENT, json!({}))), [below]);
    assert_eq!(kinds(span(PRODUCER, json!({}))), [below]);
    assert_eq!(kinds(span(INTERNAL, json!({})).root()), ["shop is a segment"]);
    // The flags of OTLP say where the parent is.
    let remote = |span: Span| span.with("flags", json!(0x301));
    let local = |span: Span| span.with("flags", json!(0x101));
    assert_eq!(kinds(remote(span(INTERNAL, json!({})))), ["shop is a segment"]);
    assert_eq!(kinds(local(span(CONSUMER, json!({})))), [below]);
    assert_eq!(kinds(local(span(CLIENT, json!({})))), [below]);
    // A call that is the first of its service gets a segment above it.
    for first in [span(CLIENT, json!({})).root(), remote(span(PRODUCER, json!({})))] {
        let documents = first.documents();
        let service_id = documents[1]["id"].as_str().unwrap();
        assert_eq!(kinds(first), [format!("op below {service_id}"), "shop is a segment".into()]);
    }
}

#[test]
fn a_call_that_begins_its_service_has_two_documents() {
    let span = span(
        CLIENT,
        json!({"aws.span.kind": "LOCAL_ROOT", "aws.local.service": "Local", "aws.remote.service": "Far",
               "aws.remote.operation": "Op", "http.request.method": "GET", "x": 1, "enduser.id": "ada"}),
    );
    let span = span.failed("bad").indexed(&["aws.remote.service", "x"]);
    let documents = span.documents();
    let [call, service] = documents.as_slice() else { panic!("{documents:?}") };
    assert_eq!((&call["id"], &call["parent_id"]), (&json!("00000000000000a1"), &service["id"]));
    assert_eq!(service["parent_id"], "00000000000000b2");
    assert_eq!((&call["name"], &service["name"]), (&json!("Far"), &json!("Local")));
    assert_eq!((&call["namespace"], &call["fault"]), (&json!("remote"), &json!(true)));
    assert_eq!(call["http"], json!({"request": {"method": "GET"}}));
    assert_eq!(call["annotations"], json!({"aws.remote.service": "Far", "x": 1}));
    assert_eq!(service["annotations"], json!({"x": 1}));
    assert_eq!((&service["user"], &service["fault"]), (&json!("ada"), &json!(true)));
    assert_eq!(service["cause"], call["cause"]["exceptions"][0]["id"]);
    assert_eq!(service["metadata"], json!({"default": {"otel.resource.service.name": "shop"}}));
}

#[test]
fn names_come_from_the_first_that_says_one() {
    let name = |kind, attributes| span(kind, attributes).document()["name"].clone();
    assert_eq!(name(SERVER, json!({"aws.local.service": "local", "peer.service": "p"})), "local");
    assert_eq!(name(SERVER, json!({"peer.service": "caller", "db.name": "d"})), "shop");
    assert_eq!(
        name(CLIENT, json!({"aws.remote.service": "AWS.SDK.S3", "rpc.system": "aws-api"})),
        "S3"
    );
    assert_eq!(
        name(CLIENT, json!({"aws.remote.service": "AWS::S3", "rpc.system": "aws-api"})),
        "S3"
    );
    assert_eq!(name(CLIENT, json!({"aws.remote.service": "AWS.SDK.S3"})), "AWS.SDK.S3");
    assert_eq!(name(CLIENT, json!({"service.peer.name": "stock", "rpc.service": "r"})), "stock");
    assert_eq!(name(CLIENT, json!({"db.namespace": "d|public", "server.address": "pg"})), "d@pg");
    assert_eq!(
        name(CLIENT, json!({"db.name": "d", "db.connection_string": "jdbc:mysql://h:1/d"})),
        "d@h"
    );
    assert_eq!(
        name(CLIENT, json!({"db.namespace": "0", "server.address": "redis.local"})),
        "redis.local"
    );
    assert_eq!(
        name(CLIENT, json!({"rpc.method": "pkg.Stock/Get", "server.address": "h"})),
        "pkg.Stock"
    );
    let queue = json!({"messaging.system": "kafka", "messaging.destination.name": "orders", "server.address": "b"});
    assert_eq!(name(PRODUCER, queue), "orders");
    assert_eq!(name(CLIENT, json!({"url.full": "https://api.example/x"})), "api.example");
    assert_eq!(name(CLIENT, json!({"peer.service": "a<b>\"c\""})), "abc");
    assert_eq!(name(CLIENT, json!({"peer.service": "ü".repeat(300)})), "ü".repeat(200));
}

#[test]
fn a_request_that_is_served_has_its_http_block() {
    let stable = json!({
        "http.request.method": "GET", "url.scheme": "https", "url.path": "/cart", "url.query": "id=1",
        "server.address": "shop.example", "server.port": 8443, "user_agent.original": "curl/8",
        "client.address": "203.0.113.9", "network.peer.address": "10.0.0.1", "http.route": "/cart",
        "http.response.status_code": 429, "http.response.body.size": 17,
    });
    let http = json!({
        "request": {"method": "GET", "url": "https://shop.example:8443/cart?id=1", "user_agent": "curl/8",
                    "client_ip": "203.0.113.9", "x_forwarded_for": true},
        "response": {"status": 429, "content_length": 17},
    });
    let kept = json!({"http.route": "/cart", "network.peer.address": "10.0.0.1"});
    let expected =
        json!({"error": true, "throttle": true, "http": http, "metadata": {"default": kept}});
    assert_eq!(span(SERVER, stable).document(), segment(expected));
    let old = json!({
        "http.method": "GET", "http.scheme": "http", "http.host": "shop.example:81", "http.target": "/c?x=1",
        "http.status_code": 200, "net.peer.ip": "10.0.0.1", "http.user_agent": "curl/8",
        "http.response_content_length": 5, "net.host.port": 81,
    });
    let http = json!({
        "request": {"method": "GET", "url": "http://shop.example:81/c?x=1", "user_agent": "curl/8",
                    "client_ip": "10.0.0.1"},
        "response": {"status": 200, "content_length": 5},
    });
    assert_eq!(span(SERVER, old).document(), segment(json!({"http": http, "metadata": {}})));
}

#[test]
fn urls_lose_their_credentials_and_what_they_say_is_not_said_again() {
    let attributes = json!({
        "http.request.method": "GET", "url.full": "https://ada:pw@api.example/v1?q=1", "url.scheme": "https",
        "server.address": "api.example", "server.port": 443, "network.peer.address": "192.0.2.1",
    });
    let http = json!({"request": {"method": "GET", "url": "https://api.example/v1?q=1"}});
    let kept = json!({"default": {"network.peer.address": "192.0.2.1"}});
    let expected = json!({"namespace": "remote", "http": http, "metadata": kept});
    assert_eq!(span(CLIENT, attributes).document(), call("api.example", expected));
    let long = format!("https://h/{}", "x".repeat(300));
    let document = span(CLIENT, json!({"url.full": long})).document();
    assert_eq!(document["http"]["request"]["url"].as_str().unwrap().len(), 250);
    assert_eq!(document["metadata"]["default"], json!({"url.full": long}));
}

#[test]
fn only_a_path_is_a_url_too() {
    let document = span(SERVER, json!({"url.path": "/cart", "client.address": "::1"})).document();
    assert_eq!(
        document["http"]["request"],
        json!({"url": "/cart", "client_ip": "::1", "x_forwarded_for": true})
    );
    let document = span(CLIENT, json!({"http.method": "GET", "net.peer.name": "::1"})).document();
    assert_eq!(document["http"]["request"]["url"], "http://[::1]/");
}

#[test]
fn status_and_flags() {
    let flags = |attributes, failed: bool| {
        let span = span(CLIENT, attributes);
        let document = if failed { span.failed("").document() } else { span.document() };
        ["fault", "error", "throttle"].map(|flag| document[flag] == json!(true))
    };
    let code = |code: i64| json!({"http.response.status_code": code});
    assert_eq!(flags(code(200), false), [false, false, false]);
    assert_eq!(flags(code(200), true), [true, false, false]);
    assert_eq!(flags(code(404), true), [false, true, false]);
    assert_eq!(flags(code(429), false), [false, true, true]);
    assert_eq!(flags(code(503), false), [true, false, false]);
    assert_eq!(flags(code(600), false), [false, false, false]);
    assert_eq!(flags(json!({"http.status_code": "500"}), false), [true, false, false]);
    assert_eq!(flags(json!({}), true), [true, false, false]);
}

#[test]
fn sql_of_both_conventions() {
    let stable = json!({
        "db.system.name": "postgresql", "db.namespace": "orders", "db.query.text": "SELECT 1",
        "server.address": "pg.example", "server.port": 5432, "db.operation.name": "SELECT",
    });
    let sql = json!({
        "url": "postgresql://pg.example:5432/orders", "sanitized_query": "SELECT 1",
        "database_type": "postgresql",
    });
    let kept = json!({"default": {"db.operation.name": "SELECT"}});
    let expected = json!({"namespace": "remote", "sql": sql, "metadata": kept});
    assert_eq!(span(CLIENT, stable).document(), call("orders@pg.example", expected));
    let old = json!({
        "db.system": "mysql", "db.name": "orders", "db.statement": "SELECT ?", "db.user": "app",
        "db.connection_string": "mysql://app:secret@db.example:3306",
    });
    let sql = json!({
        "connection_string": "mysql://db.example:3306/orders", "url": "mysql://db.example:3306/orders",
        "sanitized_query": "SELECT ?", "database_type": "mysql", "user": "app",
    });
    let expected = json!({"namespace": "remote", "sql": sql});
    assert_eq!(span(CLIENT, old).document(), call("orders@db.example", expected));
    let redis = json!({"db.system": "redis", "db.statement": "GET k", "net.peer.name": "cache"});
    let expected = json!({"namespace": "remote", "metadata": {"default": redis}});
    assert_eq!(span(CLIENT, redis.clone()).document(), call("cache", expected));
    assert_eq!(span(SERVER, json!({"db.system": "mysql"})).document()["sql"], Json::Null);
}

#[test]
fn aws_calls_say_what_they_called() {
    let attributes = json!({
        "rpc.system": "aws-api", "rpc.service": "DynamoDB", "rpc.method": "GetItem", "aws.region": "eu-west-1",
        "aws.request_id": "R1", "aws.dynamodb.table_names": ["carts"], "http.status_code": 200,
        "http.request.resend_count": 2,
    });
    let aws = json!({"operation": "GetItem", "region": "eu-west-1", "request_id": "R1",
                     "table_name": "carts", "retries": 2});
    let kept = json!({"default": {"rpc.system": "aws-api", "rpc.service": "DynamoDB"}});
    let http = json!({"response": {"status": 200}});
    let expected = json!({"namespace": "aws", "aws": aws, "http": http, "metadata": kept});
    assert_eq!(span(CLIENT, attributes).document(), call("DynamoDB", expected));
    let today = json!({"rpc.system.name": "aws-api", "rpc.method": "S3/PutObject", "aws.s3.bucket": "b",
                       "aws.s3.key": "k", "aws.extended_request_id": "x"});
    let document = span(CLIENT, today).document();
    assert_eq!(document["name"], "S3");
    assert_eq!(
        document["aws"],
        json!({"operation": "PutObject", "bucket_name": "b", "key": "k", "id_2": "x"})
    );
    let queue = json!({"messaging.url": "https://sqs.eu-west-1.amazonaws.com/1/q"});
    let document = span(PRODUCER, queue).document();
    assert_eq!(document["aws"], json!({"queue_url": "https://sqs.eu-west-1.amazonaws.com/1/q"}));
    let rabbit = span(PRODUCER, json!({"messaging.url": "amqp://h"})).document();
    assert_eq!(rabbit["aws"], Json::Null);
}

#[test]
fn resources_say_where_a_segment_ran() {
    let on = |resource: Json| span(SERVER, json!({})).on(resource).document();
    let eks = on(json!({
        "service.name": "shop", "service.version": "3", "cloud.provider": "aws", "cloud.platform": "aws_eks",
        "cloud.account.id": "111122223333", "k8s.cluster.name": "c1", "k8s.pod.name": "shop-7d",
        "container.id": "ab12", "telemetry.sdk.name": "opentelemetry", "telemetry.sdk.language": "rust",
        "telemetry.sdk.version": "0.33", "process.runtime.name": "rustc", "host.id": "4c4c4544",
        "aws.log.group.names": ["/shop", "/all"], "aws.log.group.arns": "arn:aws:logs:r:1:log-group:/shop:*",
    }));
    assert_eq!(eks["origin"], "AWS::EKS::Container");
    assert_eq!(eks["service"], json!({"version": "3", "runtime": "rustc"}));
    assert_eq!(
        eks["aws"],
        json!({
            "account_id": "111122223333",
            "eks": {"cluster_name": "c1", "pod": "shop-7d", "container_id": "ab12"},
            "xray": {"sdk": "opentelemetry for rust", "sdk_version": "0.33", "auto_instrumentation": false},
            "cloudwatch_logs": [{"log_group": "/shop", "arn": "arn:aws:logs:r:1:log-group:/shop:*"}],
        })
    );
    assert_eq!(eks["metadata"]["default"]["otel.resource.host.id"], "4c4c4544");
    let ecs =
        on(json!({"cloud.platform": "aws_ecs", "aws.ecs.launchtype": "FARGATE", "host.id": "i-1",
                        "aws.ecs.task.family": "f", "telemetry.distro.version": "1"}));
    assert_eq!(ecs["origin"], "AWS::ECS::Fargate");
    assert_eq!(
        ecs["aws"],
        json!({"ec2": {"instance_id": "i-1"}, "ecs": {"task_family": "f", "launch_type": "FARGATE"},
               "xray": {"auto_instrumentation": true}})
    );
    let beanstalk =
        on(json!({"cloud.platform": "aws_elastic_beanstalk", "service.instance.id": "32",
                              "service.namespace": "prod", "service.version": "v7"}));
    assert_eq!(
        beanstalk["aws"]["elastic_beanstalk"],
        json!({"environment_name": "prod", "deployment_id": 32, "version_label": "v7"})
    );
    let lambda =
        on(json!({"cloud.platform": "aws_lambda", "faas.id": "arn:aws:lambda:r:1:function:f"}));
    assert_eq!(lambda["resource_arn"], "arn:aws:lambda:r:1:function:f");
    let elsewhere = on(json!({"cloud.provider": "gcp", "cloud.platform": "aws_ec2"}));
    assert_eq!((&elsewhere["aws"], &elsewhere["origin"]), (&Json::Null, &Json::Null));
    assert_eq!(
        on(json!({"container.image.tags": ["v7", "latest"]}))["service"],
        json!({"version": "v7"})
    );
    // Nobody is told that a subsegment ran there.
    let child =
        span(INTERNAL, json!({})).on(json!({"cloud.account.id": "1", "service.version": "3"}));
    assert_eq!(child.document(), call("op", json!({})));
}

#[test]
fn exceptions_become_causes() {
    let event = json!({
        "exception.type": "shop.Empty", "exception.message": "no cart", "exception.escaped": "False",
        "exception.stacktrace": "Traceback (most recent call last):\n  File \"a.py\", line 7, in f\nshop.Empty: no cart",
    });
    let document =
        span(SERVER, json!({})).failed("Empty: no cart").event("exception", event).document();
    let exception = &document["cause"]["exceptions"][0];
    assert_eq!(
        (&exception["type"], &exception["message"]),
        (&json!("shop.Empty"), &json!("no cart"))
    );
    assert_eq!(exception["stack"], json!([{"path": "a.py", "line": 7, "label": "f"}]));
    assert_eq!(document["cause"]["message"], "Empty: no cart");
    assert_eq!(document["metadata"]["tracing"]["events"], Json::Null, "all of it is said");
    // The same by another way: text of the status, attempts of the AWS SDK, a list of sources.
    let status = span(CLIENT, json!({})).failed("gone").document();
    assert_eq!(status["cause"]["exceptions"][0]["message"], "gone");
    let attempt = json!({"http.response.status_code": 503, "aws.http.error_message": "busy"});
    let attempts =
        span(CLIENT, json!({"rpc.system": "aws-api"})).event("HTTP request failure", attempt);
    let exception = attempts.document()["cause"]["exceptions"][0].clone();
    assert_eq!(exception["message"], "503@1710342366.300000@busy");
    assert_eq!(
        (&exception["type"], &exception["remote"]),
        (&json!("aws.http.error.event"), &json!(true))
    );
    let sources = json!({"exception.message": "outer", "exception.stacktrace": ["middle", "root"]});
    let chain = span(INTERNAL, json!({})).event("exception", sources).document();
    let exceptions = chain["cause"]["exceptions"].as_array().unwrap();
    let messages: Vec<_> = exceptions.iter().map(|it| it["message"].as_str().unwrap()).collect();
    assert_eq!(messages, ["outer", "middle", "root"]);
    assert_eq!(exceptions[0]["cause"], exceptions[1]["id"]);
}

#[test]
fn what_no_parser_reads_stays_an_event() {
    let event =
        json!({"exception.type": "E", "exception.stacktrace": "(elixir) lib/x.ex:12: X.f/1"});
    let span = span(INTERNAL, json!({})).on(json!({"telemetry.sdk.language": "erlang"}));
    let document = span.event("exception", event.clone()).document();
    assert_eq!(document["cause"]["exceptions"][0]["type"], "E");
    assert_eq!(document["metadata"]["tracing"]["events"][0]["attributes"], event);
}

#[test]
fn what_a_document_has_no_place_for_is_metadata() {
    let span = span(CONSUMER, json!({"nothing": null, "list": [1, {"a": true}]}))
        .with("traceState", json!("a=b"))
        .with("droppedAttributesCount", json!(3))
        .with("status", json!({"code": 1}))
        .event("cache miss", json!({"key": "k"}));
    let tracing = json!({
        "span": "op", "kind": "consumer", "status": "ok", "trace_state": "a=b",
        "events": [{"name": "cache miss", "time": 1_710_342_366.3, "attributes": {"key": "k"}}],
        "dropped": {"attributes": 3},
    });
    let kept = json!({"nothing": null, "list": [1, {"a": true}]});
    let expected = segment(json!({"metadata": {"default": kept, "tracing": tracing}}));
    assert_eq!(span.document(), expected);
}

#[test]
fn an_end_before_the_start_is_put_right_and_kept() {
    let span = span(INTERNAL, json!({})).with("endTimeUnixNano", json!("1710342366000000000"));
    let document = &span.documents()[0];
    assert_eq!(document["end_time"], document["start_time"]);
    assert_eq!(document["metadata"]["tracing"]["end_time"], 1_710_342_366.0);
    let open = self::span(INTERNAL, json!({"aws.xray.inprogress": true}));
    let document = &open.documents()[0];
    assert_eq!((&document["in_progress"], &document["end_time"]), (&json!(true), &Json::Null));
}

#[test]
fn annotations_keep_x_rays_rules() {
    let attributes = json!({"a-b": "x", "a_b": "second", "n": 9_007_199_254_740_993_i64, "list": [1],
                            "long": "é".repeat(1_001), "own": true, "aws.xray.annotations": ["own"]});
    let span = span(INTERNAL, attributes).indexed(&["a-b", "a_b", "n", "list", "long"]);
    let document = span.document();
    assert_eq!(
        document["annotations"],
        json!({"a_b": "x", "n": 9_007_199_254_740_992_i64, "long": "é".repeat(1_000), "own": true})
    );
    assert_eq!(
        document["metadata"]["default"],
        json!({"a_b": "second", "n": 9_007_199_254_740_993_i64, "list": [1], "long": "é".repeat(1_001)})
    );
    let many: Json =
        (0..60).map(|n| (format!("k{n}"), json!(n))).collect::<serde_json::Map<_, _>>().into();
    let agent = json!({"aws.xray.exporter.config.index_all_attributes": true});
    let document = self::span(INTERNAL, many).on(agent).document();
    assert_eq!(document["annotations"].as_object().unwrap().len(), 50);
    assert_eq!(document["metadata"]["default"].as_object().unwrap().len(), 10);
}

#[test]
fn metadata_may_name_its_namespace() {
    let attributes = json!({"aws.xray.metadata.ns": "{\"a\":[1]}", "aws.xray.metadata.Default": "{\"d\":1}",
                            "aws.xray.metadata.AWS.x": "{}", "aws.xray.metadata.bad": "{oops"});
    assert_eq!(
        span(INTERNAL, attributes).document()["metadata"],
        json!({"ns": {"a": [1]}, "default": {"d": 1, "aws.xray.metadata.AWS.x": "{}",
                                             "aws.xray.metadata.bad": "{oops"}})
    );
}

#[test]
fn links_beyond_twenty_are_metadata() {
    let link = |n: usize| {
        json!({"traceId": format!("{:032x}", n + 1), "spanId": "00000000000000c3",
                                 "attributes": otlp(&json!({"n": n}))})
    };
    let span = span(INTERNAL, json!({})).with("links", (0..22).map(link).collect());
    let document = span.document();
    let links = document["links"].as_array().unwrap();
    assert_eq!(links.len(), 20);
    assert_eq!(
        links[0],
        json!({"trace_id": "1-00000000-000000000000000000000001", "id": "00000000000000c3",
               "attributes": {"n": 0}})
    );
    assert_eq!(document["metadata"]["tracing"]["links"][1]["attributes"], json!({"n": 21}));
}

#[test]
fn users_are_of_segments() {
    let user = |kind| span(kind, json!({"user.id": "ada"})).document();
    assert_eq!(user(SERVER)["user"], "ada");
    assert_eq!(user(INTERNAL)["metadata"]["default"], json!({"user.id": "ada"}));
}
