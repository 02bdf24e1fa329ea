//! Where our documents differ from those of the Collector's exporter, each difference with its
//! reason. A difference is a change of the Collector's document into ours, so that nothing beside it
//! may differ.

use serde_json::{Value as Json, json};

/// A deliberate difference.
pub(super) struct Difference {
    /// The vectors that show it.
    ids: &'static [&'static str],
    /// Why.
    #[expect(dead_code, reason = "for people: no difference stands here without one")]
    reason: &'static str,
    /// Makes our documents of the Collector's.
    pub(super) change: fn(&mut Json),
}

/// The differences that the vector `id` shows.
pub(super) fn of(id: &str) -> impl Iterator<Item = &'static Difference> + '_ {
    ALL.iter().filter(move |difference| difference.ids.contains(&id))
}

/// All vectors that are named.
pub(super) fn ids() -> impl Iterator<Item = &'static str> {
    ALL.iter().flat_map(|difference| difference.ids.iter().copied())
}

/// The differences that all documents have:
/// - flags that are false, empty texts and `null` are left out: they say nothing;
/// - `content_length` is left out where nobody knows it, and so is line 0 of a frame;
/// - `remote: false` is left out;
/// - times are the nearest double, where the Collector's are up to 0.2 µs beside it;
/// - an `aws` block with nothing but the resource's part, and `service`, stand on segments only: on a
///   subsegment `account_id` and `region` are the callee's, and `service` is not allowed.
pub(super) fn rewrite_all(mut documents: Json) -> Json {
    for document in documents.as_array_mut().unwrap() {
        if document["type"] == "subsegment" {
            without_resource(document);
        }
        for exception in exceptions(document) {
            for frame in exception["stack"].as_array_mut().into_iter().flatten() {
                if frame["line"] == 0 {
                    remove(frame, "line");
                }
            }
        }
        if document.pointer("/http/response/content_length") == Some(&json!(0)) {
            remove(document.pointer_mut("/http/response").unwrap(), "content_length");
        }
        for time in ["start_time", "end_time"] {
            if let Some(seconds) = document[time].as_f64() {
                document[time] = nearest(seconds);
            }
        }
        clean(document);
    }
    documents
}

/// The vectors' spans begin and end at one of these times, in nanoseconds.
fn nearest(seconds: f64) -> Json {
    const TIMES: [f64; 2] = [1_705_095_875.123_456_7, 1_705_095_875.373_456_7];
    match TIMES.into_iter().find(|time| (time - seconds).abs() < 1e-6) {
        Some(time) => time.into(),
        None => (seconds.round() as u64).into(),
    }
}

/// Takes away what is of the resource.
fn without_resource(document: &mut Json) {
    remove(document, "service");
    let aws = &mut document["aws"];
    remove(aws, "xray");
    if aws["account_id"] == "123456789" {
        remove(aws, "account_id");
    }
}

fn exceptions(document: &mut Json) -> impl Iterator<Item = &mut Json> {
    let list = document.pointer_mut("/cause/exceptions").and_then(Json::as_array_mut);
    list.into_iter().flatten()
}

/// Leaves out what says nothing: false flags, empty texts, nulls and objects without members. In
/// metadata and annotations everything counts.
pub(super) fn clean(value: &mut Json) {
    let Json::Object(members) = value else { return };
    members.retain(|key, value| {
        let is_flag = ["fault", "error", "throttle", "remote"].contains(&key.as_str());
        !(value.is_null() || *value == json!("") || (is_flag && *value == json!(false)))
    });
    for (key, value) in members.iter_mut() {
        match key.as_str() {
            "metadata" => {
                value.as_object_mut().unwrap().retain(|_, namespace| *namespace != json!({}));
            }
            "annotations" => {}
            "exceptions" => value.as_array_mut().unwrap().iter_mut().for_each(clean),
            _ => clean(value),
        }
    }
    members.retain(|_, value| *value != json!({}));
}

/// Removes `key` of the object at `pointer`, if there is one.
pub(super) fn remove_at(value: &mut Json, pointer: &str, key: &str) {
    if let Some(value) = value.pointer_mut(pointer) {
        remove(value, key);
    }
}

fn remove(value: &mut Json, key: &str) {
    if let Some(object) = value.as_object_mut() {
        object.shift_remove(key);
    }
}

/// Replaces what stands at `pointer`, or adds it.
fn set(documents: &mut Json, pointer: &str, value: Json) {
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    let mut parents = documents.pointer_mut(parent);
    if parents.is_none() {
        set(documents, parent, json!({}));
        parents = documents.pointer_mut(parent);
    }
    parents.unwrap()[key] = value;
}

fn take(documents: &mut Json, pointer: &str) {
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    remove(documents.pointer_mut(parent).unwrap(), key);
    documents.as_array_mut().unwrap().iter_mut().for_each(clean);
}

const METADATA: &str = "/0/metadata/default";
const STACK: &str = "/0/cause/exceptions/0/stack";

/// The attributes of the vectors' resource, as metadata.
fn resource_metadata() -> Json {
    json!({
        "otel.resource.service.name": "signup_aggregator", "otel.resource.service.version": "1.1.12",
        "otel.resource.cloud.provider": "aws", "otel.resource.cloud.account.id": "123456789",
        "otel.resource.cloud.availability_zone": "us-east-1c",
        "otel.resource.telemetry.sdk.name": "opentelemetry",
        "otel.resource.telemetry.sdk.language": "java", "otel.resource.telemetry.sdk.version": "1.2.3",
    })
}

static ALL: &[Difference] = &[
    Difference {
        ids: &["type-internal-root"],
        reason: "a segment is named after its service, so that the map has one node for it",
        change: |documents| set(documents, "/0/name", json!("signup_aggregator")),
    },
    Difference {
        ids: &["type-producer-root"],
        reason: "E30: a segment cannot have a namespace and does not show as a call; the call gets \
                 a segment of its service above it, as with aws.span.kind LOCAL_ROOT",
        change: |documents| {
            let mut call = documents[0].clone();
            let mut service = call.clone();
            call["type"] = json!("subsegment");
            call["parent_id"] = json!("$GEN1");
            without_resource(&mut call);
            remove(&mut call, "metadata");
            clean(&mut call);
            service["id"] = json!("$GEN1");
            service["name"] = json!("signup_aggregator");
            remove(&mut service, "namespace");
            *documents = json!([call, service]);
        },
    },
    Difference {
        ids: &["scope-and-state"],
        reason: "E25: scope and trace state are kept",
        change: |documents| {
            let scope = json!({"name": "my.lib", "version": "9", "attributes": {"s": "1"}});
            let tracing = json!({"trace_state": "a=b", "scope": scope});
            set(documents, "/0/metadata/tracing", tracing);
        },
    },
    Difference {
        ids: &["name-db-noconn"],
        reason: "url is the database's, not the span's name; nobody said localhost",
        change: |documents| {
            take(documents, "/0/sql/url");
            take(documents, "/0/sql/connection_string");
            set(documents, "/0/metadata/default/db.name", json!("customers"));
        },
    },
    Difference {
        ids: &["name-db-new-semconv"],
        reason: "E20: the new conventions are understood like the old",
        change: |documents| {
            set(documents, "/0/name", json!("shop@pg.example.com"));
            let sql = json!({
                "url": "postgresql://pg.example.com:5432/shop", "sanitized_query": "SELECT 1",
                "database_type": "postgresql",
            });
            set(documents, "/0/sql", sql);
            take(documents, "/0/metadata");
        },
    },
    Difference {
        ids: &["name-rpc-service"],
        reason: "E18: an address that the URL does not say is kept",
        change: |documents| set(documents, "/0/metadata/default/net.peer.name", json!("bar.com")),
    },
    Difference {
        ids: &["name-stable-client"],
        reason: "E18: server.address names the callee as net.peer.name does",
        change: |documents| set(documents, "/0/name", json!("api.example.com")),
    },
    Difference {
        ids: &["name-span-invalid-chars"],
        reason: "E17: a backslash is allowed in names",
        change: |documents| set(documents, "/0/name", json!("subDomain.example.com\\")),
    },
    Difference {
        ids: &["name-span-unicode"],
        reason: "E17: digits of any script and white space are allowed in names",
        change: |documents| {
            set(documents, "/0/name", json!("d\u{f6}main \u{663} \u{65e5}\u{672c} N9"))
        },
    },
    Difference {
        ids: &["http-client-ip-not-ip"],
        reason: "E19: a client's address that is no IP address is kept",
        change: |documents| {
            set(documents, "/0/metadata/default/client.address", json!("unix-socket"))
        },
    },
    Difference {
        ids: &["http-none-attrs-lost"],
        reason: "E18: addresses stay where there is no http block; a gRPC call is no AWS operation",
        change: |documents| {
            let kept = json!({
                "rpc.system": "grpc", "rpc.service": "pkg.S", "rpc.method": "M", "server.address": "h",
                "server.port": 50051, "net.peer.ip": "10.0.0.9", "host.name": "me",
                "network.peer.address": "10.0.0.9", "network.peer.port": 50051, "x": "kept",
            });
            set(documents, METADATA, kept);
            take(documents, "/0/aws");
        },
    },
    Difference {
        ids: &["http-content-length-event", "http-content-length-sent"],
        reason: "E25: events that are no exceptions are kept",
        change: |documents| {
            let size = documents[0].pointer("/http/response/content_length");
            let message = if size.is_some() { "RECEIVED" } else { "SENT" };
            let attributes = json!({
                "message.type": message, "messaging.message_payload_size_bytes": 7480,
            });
            let event = json!({"name": "message", "time": 1_705_095_875.123_457_7, "attributes": attributes});
            set(documents, "/0/metadata/tracing", json!({"events": [event]}));
        },
    },
    Difference {
        ids: &["http-response-body-size"],
        reason: "E28: the size of the body has a place",
        change: |documents| {
            set(documents, "/0/http/response", json!({"content_length": 123}));
            take(documents, "/0/metadata/default/http.response.body.size");
        },
    },
    Difference {
        ids: &["http-status-string"],
        reason: "a status in quotes is one",
        change: |documents| {
            set(documents, "/0/fault", json!(true));
            set(documents, "/0/http/response", json!({"status": 500}));
        },
    },
    Difference {
        ids: &["cause-java"],
        reason: "suppressed exceptions are kept, lines of a message stay lines, frames that Java \
                 left out are counted",
        change: |documents| {
            let list =
                documents.pointer_mut("/0/cause/exceptions").unwrap().as_array_mut().unwrap();
            list[2]["id"] = json!("$EXC4");
            list[1]["id"] = json!("$EXC3");
            list[1]["cause"] = json!("$EXC4");
            list[1]["message"] = json!("bad argument\nsecond line");
            list[1]["truncated"] = json!(3);
            list[0]["cause"] = json!("$EXC3");
            let frame = json!({"path": "Resource.java", "line": 26, "label": "Resource.close"});
            let suppressed = json!({
                "id": "$EXC2", "type": "Resource$CloseFailException", "message": "Resource ID = 2",
                "stack": [frame],
            });
            list.insert(1, suppressed);
        },
    },
    Difference {
        ids: &["cause-python-direct"],
        reason: "E27: a direct cause is a cause",
        change: |documents| {
            let frame = documents.pointer_mut(STACK).unwrap().as_array_mut().unwrap().pop();
            let list =
                documents.pointer_mut("/0/cause/exceptions").unwrap().as_array_mut().unwrap();
            list[0]["cause"] = json!("$EXC2");
            let cause = json!({
                "id": "$EXC2", "type": "x.RemoteError", "message": "root\nmore root", "stack": [frame],
            });
            list.push(cause);
        },
    },
    Difference {
        ids: &["cause-js-nodejs"],
        reason: "E27: paths have colons; labels have no blank behind them",
        change: |documents| {
            for frame in documents.pointer_mut(STACK).unwrap().as_array_mut().unwrap() {
                match frame["label"].as_str().unwrap().trim() {
                    "" => remove(frame, "label"),
                    label => frame["label"] = json!(label.to_owned()),
                }
            }
            let last = documents.pointer_mut(STACK).unwrap().as_array_mut().unwrap().last_mut();
            let last = last.unwrap();
            last["path"] = json!("file:///app/a.mjs");
            last["line"] = json!(1);
        },
    },
    Difference {
        ids: &["cause-rust"],
        reason: "E27: back-traces of Rust are read",
        change: |documents| {
            let frame = json!({"path": "/rustc/x.rs", "line": 1, "label": "std::backtrace"});
            set(documents, STACK, json!([frame]));
        },
    },
    Difference {
        ids: &["aws-lambda"],
        reason: "E26: Lambda has an origin and an ARN",
        change: |documents| {
            let arn = json!("arn:aws:lambda:us-east-1:1:function:f");
            set(documents, "/0/origin", json!("AWS::Lambda::Function"));
            set(documents, "/0/resource_arn", arn.clone());
            set(documents, "/0/aws/function_arn", arn);
        },
    },
    Difference {
        ids: &["aws-gcp"],
        reason: "a service elsewhere calls AWS too; the call's details are kept",
        change: |documents| set(documents, "/0/aws", json!({"operation": "Op", "region": "x"})),
    },
    Difference {
        ids: &["aws-ddb-one"],
        reason: "what the aws block says is not said again in metadata",
        change: |documents| take(documents, "/0/metadata"),
    },
    Difference {
        ids: &["aws-ddb-many"],
        reason: "what the aws block says is not said again in metadata; what it does not say is",
        change: |documents| set(documents, METADATA, json!({"aws.table_name": "x"})),
    },
    Difference {
        ids: &["service-container-tags"],
        reason: "E29: the list of tags is today's container.image.tag",
        change: |documents| set(documents, "/0/service", json!({"version": "v7"})),
    },
    Difference {
        ids: &["sql-hive", "sql-mariadb", "sql-other_sql"],
        reason: "url is the database's, not the span's name",
        change: |documents| set(documents, "/0/sql/url", json!("x://h:1/n")),
    },
    Difference {
        ids: &["sql-cockroachdb", "sql-microsoft.sql_server"],
        reason: "E20: these databases speak SQL",
        change: |documents| {
            let system = documents[0].pointer("/metadata/default/db.system").unwrap().clone();
            let sql = json!({
                "connection_string": "x://h:1/n", "url": "x://h:1/n", "sanitized_query": "S",
                "database_type": system, "user": "u",
            });
            set(documents, "/0/sql", sql);
            take(documents, "/0/metadata");
        },
    },
    Difference {
        ids: &["anno-all-child"],
        reason: "E24: what cannot be an annotation stays metadata",
        change: |documents| {
            set(documents, METADATA, json!({"arr": ["a", "b"], "map": {"k": 1}, "bin": "AAE="}));
        },
    },
    Difference {
        ids: &["anno-special"],
        reason: "aws.operation is of subsegments only; an indexed user is searchable like the others",
        change: |documents| {
            take(documents, "/0/aws/operation");
            set(documents, "/0/annotations/enduser.id", json!("me"));
        },
    },
    Difference {
        ids: &["meta-null"],
        reason: "an attribute without value says its key",
        change: |documents| set(documents, "/0/metadata/default/nul", Json::Null),
    },
    Difference {
        ids: &["user-stable"],
        reason: "E29: user.id is today's enduser.id",
        change: |documents| {
            set(documents, "/0/user", json!("u"));
            take(documents, "/0/metadata/default/user.id");
        },
    },
    Difference {
        ids: &["id-random-w3c-checked"],
        reason: "X-Ray takes W3C trace ids: there is no such check to switch on",
        change: |documents| {
            let resource = json!({"sdk": "opentelemetry for java", "sdk_version": "1.2.3",
                                  "auto_instrumentation": false});
            *documents = json!([{
                "id": "1a2b3c4d5e6f7081", "name": "signup_aggregator",
                "trace_id": "1-0af76519-16cd43dd8448eb211c80319c",
                "start_time": 1_705_095_875.123_456_7, "end_time": 1_705_095_875.373_456_7,
                "aws": {"account_id": "123456789", "xray": resource},
                "service": {"version": "1.1.12"}, "metadata": {"default": resource_metadata()},
            }]);
        },
    },
    Difference {
        ids: &[
            "localroot-client-indexed",
            "localroot-producer",
            "localroot-producer-indexed",
            "localroot-consumer",
            "localroot-consumer-indexed",
            "localroot-unspec",
        ],
        reason: "the resource is the service segment's, account included, whatever the span's kind",
        change: |documents| {
            let call = documents.pointer_mut(METADATA).unwrap().as_object_mut().unwrap();
            call.retain(|key, _| !key.starts_with("otel.resource."));
            set(documents, "/1/metadata/default", resource_metadata());
            set(documents, "/1/aws/account_id", json!("123456789"));
        },
    },
    Difference {
        ids: &["localroot-producer", "localroot-consumer", "localroot-unspec"],
        reason: "the segment names the exception that its subsegment describes, as X-Ray's SDKs do",
        change: |documents| set(documents, "/1/cause", json!("$EXC1")),
    },
];
