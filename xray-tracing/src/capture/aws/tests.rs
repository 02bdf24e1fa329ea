//! The hooks as the SDK calls them, with requests and replies as services write them.

use aws_smithy_runtime_api::client::interceptors::context::{
    Error, FinalizerInterceptorContextRef, Input, InterceptorContext, Output,
};
use aws_smithy_runtime_api::client::orchestrator::{
    HttpRequest, HttpResponse, Metadata, OrchestratorError,
};
use aws_smithy_runtime_api::client::retries::RequestAttempts;
use aws_smithy_runtime_api::http::StatusCode;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::config_bag::{ConfigBag, Layer};
use aws_types::region::Region;
use serde_json::{Value, json};

use super::parameters::snake_case;
use super::*;
use crate::TraceHeader;
use crate::document::{Cause, Entity};
use crate::testing::capture;

type Headers = &'static [(&'static str, &'static str)];

struct Exchange {
    service: &'static str,
    operation: &'static str,
    url: &'static str,
    headers: Headers,
    body: &'static str,
    attempts: u32,
    /// Status, headers, body.
    reply: Option<(u16, Headers, &'static str)>,
    error: Option<&'static str>,
}

const PUT_ITEM: Exchange = Exchange {
    service: "DynamoDB",
    operation: "PutItem",
    url: "https://dynamodb.eu-west-1.amazonaws.com/",
    headers: &[("content-type", "application/x-amz-json-1.0")],
    body: r#"{"TableName":"carts","Item":{"card":{"S":"secret"}}}"#,
    attempts: 1,
    reply: Some((200, &[("x-amzn-requestid", "R1")], r#"{"ConsumedCapacity":{"Units":1.5}}"#)),
    error: None,
};

#[derive(Debug)]
struct ServiceError(&'static str);

impl std::fmt::Display for ServiceError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for ServiceError {}

/// Does what the hooks do, in the SDK's order; returns the trace header of the last attempt.
fn run(exchange: &Exchange) -> Option<String> {
    let mut layer = Layer::new("operation");
    layer.store_put(Metadata::new(exchange.operation, exchange.service));
    layer.store_put(Region::new("eu-west-1"));
    layer.store_put(RequestAttempts::new(exchange.attempts));
    let mut cfg = ConfigBag::of_layers(vec![layer]);
    let mut context = InterceptorContext::<Input, Output, Error>::new(Input::erase(()));
    interceptor::begin(&mut cfg);
    context.enter_serialization_phase();
    drop(context.take_input());
    let mut request = HttpRequest::new(SdkBody::from(exchange.body));
    request.set_uri(exchange.url).unwrap();
    for (name, value) in exchange.headers {
        request.headers_mut().insert(*name, *value);
    }
    interceptor::add_headers(&mut request, &cfg);
    interceptor::read_request(&request, &cfg);
    let header = request.headers().get(TraceHeader::NAME).map(str::to_owned);
    context.set_request(request);
    context.enter_before_transmit_phase();
    context.enter_transmit_phase();
    drop(context.take_request());
    if let Some((status, headers, body)) = exchange.reply {
        let status = StatusCode::try_from(status).unwrap();
        let mut response = HttpResponse::new(status, SdkBody::from(body));
        for (name, value) in headers {
            response.headers_mut().insert(*name, *value);
        }
        context.set_response(response);
        context.enter_before_deserialization_phase();
        context.enter_deserialization_phase();
        context.set_output_or_error(match exchange.error {
            Some(error) => Err(OrchestratorError::operation(Error::erase(ServiceError(error)))),
            None => Ok(Output::erase(())),
        });
        context.enter_after_deserialization_phase();
    } else if let Some(error) = exchange.error {
        context.fail(OrchestratorError::other(ServiceError(error)));
    }
    interceptor::end(&FinalizerInterceptorContextRef::from(&context), &cfg);
    header
}

/// The subsegment that an exchange makes, and the header it was sent with.
fn subsegment(exchange: &Exchange) -> (Entity, TraceHeader) {
    let mut header = None;
    let mut documents = capture(|| {
        tracing::info_span!("root").in_scope(|| header = run(exchange));
    });
    let call = documents.remove(0).subsegments.remove(0);
    (call, TraceHeader::parse(&header.unwrap()))
}

/// Its `aws` block.
fn aws(exchange: &Exchange) -> Value {
    let (call, _) = subsegment(exchange);
    let document: Value = serde_json::from_str(&call.to_json()).unwrap();
    document["aws"].clone()
}

#[test]
fn a_call_says_what_it_was_and_carries_its_header() {
    let (call, header) = subsegment(&PUT_ITEM);
    assert_eq!((&*call.name, call.namespace.as_deref()), ("DynamoDB", Some("aws")));
    assert_eq!(header.parent, call.id);
    assert!(!call.to_json().contains("secret"), "{}", call.to_json());
    let http = call.http.as_ref().unwrap();
    assert_eq!((http.response.status, http.response.content_length), (Some(200), Some(34)));
    assert!(!call.fault && !call.error);
    let expected = json!({
        "operation": "PutItem", "region": "eu-west-1", "request_id": "R1", "table_name": "carts",
        "resource_names": ["carts"], "consumed_capacity": { "Units": 1.5 },
    });
    assert_eq!(aws(&PUT_ITEM), expected);
}

#[test]
fn retries_and_errors_are_told() {
    let (call, _) = subsegment(&Exchange {
        attempts: 3,
        reply: Some((
            400,
            &[("x-amzn-requestid", "R1")],
            r#"{"__type":"com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException"}"#,
        )),
        error: Some("too fast"),
        ..PUT_ITEM
    });
    assert_eq!(call.aws.as_ref().unwrap().retries, Some(2));
    assert!(call.error && call.throttle && !call.fault);
    let Some(Cause::Detail(cause)) = &call.cause else { panic!("{call:?}") };
    let exception = &cause.exceptions[0];
    assert_eq!(exception.message.as_deref(), Some("too fast"));
    let kind = "ProvisionedThroughputExceededException";
    assert_eq!(exception.exception_type.as_deref(), Some(kind));
    assert!(exception.remote);
}

#[test]
fn a_call_without_reply_is_a_fault() {
    let (call, _) = subsegment(&Exchange { reply: None, error: Some("timed out"), ..PUT_ITEM });
    assert!(call.fault && !call.error);
    let Some(Cause::Detail(cause)) = &call.cause else { panic!("{call:?}") };
    assert!(!cause.exceptions[0].remote);
}

#[test]
fn each_protocol_says_where_its_resource_stands() {
    let sqs = Exchange {
        service: "SQS",
        operation: "SendMessageBatch",
        body: r#"{"QueueUrl":"https://sqs/1/orders","Entries":[{"Id":"1"},{"Id":"2"}]}"#,
        reply: Some((200, &[], r#"{"Failed":[{"Id":"2"}]}"#)),
        ..PUT_ITEM
    };
    let found = aws(&sqs);
    assert_eq!(found["queue_url"], "https://sqs/1/orders");
    assert_eq!((&found["message_count"], &found["failed_count"]), (&json!(2), &json!(1)));
    assert_eq!(found["resource_names"], json!(["orders"]));

    let sns = Exchange {
        service: "SNS",
        operation: "Publish",
        headers: &[("content-type", "application/x-www-form-urlencoded")],
        body: "Action=Publish&TopicArn=arn%3Aaws%3Asns%3Aeu-west-1%3A1%3Anews&Message=secret",
        reply: Some((200, &[], "<PublishResponse/>")),
        ..PUT_ITEM
    };
    assert_eq!(aws(&sns)["topic_arn"], "arn:aws:sns:eu-west-1:1:news");

    for url in [
        "https://pictures.s3.eu-west-1.amazonaws.com/cats/a%20b.png?versionId=7",
        "http://127.0.0.1:5000/pictures/cats/a%20b.png?x-id=GetObject&versionId=7",
    ] {
        let s3 = Exchange {
            service: "S3",
            operation: "GetObject",
            url,
            body: "",
            reply: Some((200, &[("x-amz-request-id", "R2"), ("x-amz-id-2", "two")], "")),
            ..PUT_ITEM
        };
        let expected = json!({
            "operation": "GetObject", "region": "eu-west-1", "request_id": "R2", "id_2": "two",
            "bucket_name": "pictures", "key": "cats/a b.png", "version_id": "7",
            "resource_names": ["pictures"],
        });
        assert_eq!(aws(&s3), expected, "{url}");
    }

    let lambda = Exchange {
        service: "Lambda",
        operation: "Invoke",
        url: "https://lambda.x/2015-03-31/functions/charge/invocations?Qualifier=prod",
        headers: &[("x-amz-invocation-type", "Event")],
        ..PUT_ITEM
    };
    let found = aws(&lambda);
    assert_eq!((&found["function_name"], &found["qualifier"]), (&json!("charge"), &json!("prod")));
    assert_eq!(found["invocation_type"], "Event");

    let batch = Exchange {
        operation: "BatchGetItem",
        body: r#"{"RequestItems":{"carts":{"Keys":[]},"users":{"Keys":[]}}}"#,
        ..PUT_ITEM
    };
    assert_eq!(aws(&batch)["table_names"], json!(["carts", "users"]));
}

#[test]
fn an_xml_error_has_its_code() {
    let (call, _) = subsegment(&Exchange {
        service: "S3",
        operation: "GetObject",
        url: "https://s3.eu-west-1.amazonaws.com/none/x",
        body: "",
        reply: Some((404, &[], "<Error><Code>NoSuchBucket</Code><Message>no</Message></Error>")),
        error: Some("no such bucket"),
        ..PUT_ITEM
    });
    assert!(call.error && !call.fault && !call.throttle);
    let Some(Cause::Detail(cause)) = &call.cause else { panic!("{call:?}") };
    assert_eq!(cause.exceptions[0].exception_type.as_deref(), Some("NoSuchBucket"));
}

#[test]
fn asking_x_ray_is_neither_recorded_nor_traced() {
    let documents = capture(|| {
        tracing::info_span!("root").in_scope(|| {
            let call = Exchange { service: "XRay", operation: "GetSamplingRules", ..PUT_ITEM };
            assert_eq!(run(&call), None);
        });
    });
    assert!(documents[0].subsegments.is_empty());
}

#[test]
fn outside_any_trace_the_call_goes_on_as_it_is() {
    assert_eq!(run(&PUT_ITEM), None);
}

#[test]
fn names_become_snake_case() {
    for (name, expected) in [
        ("TableName", "table_name"),
        ("QueueOwnerAWSAccountId", "queue_owner_aws_account_id"),
        ("StreamARN", "stream_arn"),
        ("stateMachineArn", "state_machine_arn"),
        ("Limit", "limit"),
    ] {
        assert_eq!(snake_case(name), expected);
    }
}
