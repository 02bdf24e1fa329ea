//! gRPC over tower, without a gRPC library: what counts is on the wire.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body::{Body, Frame};
use tower::{ServiceBuilder, ServiceExt, service_fn};
use tracing::instrument::WithSubscriber;

use super::{documents, traced};
use crate::document::{Cause, Entity};
use crate::testing::Capture;
use crate::tower::{ClientLayer, ServerLayer};

/// A message, then trailers with this status.
struct Message {
    frames: Vec<Frame<Bytes>>,
}

impl Message {
    fn with_status(status: &'static str) -> Self {
        let mut trailers = HeaderMap::new();
        trailers.insert("grpc-status", status.parse().unwrap());
        Self { frames: vec![Frame::trailers(trailers), Frame::data(Bytes::from_static(b"hi"))] }
    }
}

impl Body for Message {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.frames.pop().map(Ok))
    }
}

fn answer(status: &'static str) -> Response<Message> {
    let response = Response::builder().header("content-type", "application/grpc");
    response.body(Message::with_status(status)).unwrap()
}

async fn read(mut body: impl Body<Data = Bytes> + Unpin) -> usize {
    let mut frames = 0;
    while let Some(frame) = std::future::poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await {
        frames += usize::from(frame.is_ok());
    }
    frames
}

async fn served(status: &'static str) -> Entity {
    let capture = Capture::new();
    let service = ServiceBuilder::new().layer(ServerLayer::new());
    let handler = move |_: Request<String>| async move { Ok::<_, Infallible>(answer(status)) };
    let request = Request::post("/shop.Cart/Add").header("host", "shop").body(String::new());
    let call = async {
        let response = service.service(service_fn(handler)).oneshot(request.unwrap()).await;
        read(response.unwrap().into_body()).await
    };
    assert_eq!(call.with_subscriber(capture.subscriber().clone()).await, 2);
    documents(&capture, 1).await.remove(0)
}

async fn called(status: &'static str) -> Entity {
    let capture = Capture::new();
    let client = ServiceBuilder::new().layer(ClientLayer::new());
    let server = move |request: Request<String>| async move {
        assert!(request.headers().contains_key("x-amzn-trace-id"));
        Ok::<_, Infallible>(answer(status))
    };
    let request = Request::post("http://user:pass@cart.example:50051/shop.Cart/Add?x=secret");
    let request = request.body(String::new()).unwrap();
    let call = async {
        let response = client.service(service_fn(server)).oneshot(request).await;
        read(response.unwrap().into_body()).await
    };
    assert_eq!(traced(&capture, call).await, 2);
    documents(&capture, 1).await.remove(0).subsegments.remove(0)
}

#[tokio::test]
async fn trailers_say_how_a_call_went_on_both_sides() {
    for (status, flags) in [
        ("0", (false, false, false)),
        ("5", (false, true, false)),
        ("8", (false, true, true)),
        ("14", (true, false, false)),
    ] {
        for entity in [served(status).await, called(status).await] {
            assert_eq!((entity.fault, entity.error, entity.throttle), flags, "{entity:?}");
            let code: u64 = status.parse().unwrap();
            assert_eq!(entity.metadata["default"]["grpc_status"], code);
            assert_eq!(entity.http.as_ref().unwrap().response.status, Some(200));
        }
    }
}

#[tokio::test]
async fn a_call_is_named_after_its_host_and_shows_no_secrets() {
    let call = called("0").await;
    assert_eq!((&*call.name, call.namespace.as_deref()), ("cart.example", Some("remote")));
    let url = call.http.as_ref().unwrap().request.url.clone().unwrap();
    assert_eq!(url, "http://cart.example:50051/shop.Cart/Add");
}

#[tokio::test]
async fn a_call_that_fails_says_why_and_may_have_a_name() {
    let capture = Capture::new();
    let client = ServiceBuilder::new().layer(ClientLayer::new().remote_name("stock"));
    let broken = |_: Request<String>| async {
        Err::<Response<Message>, _>(std::io::Error::other("connection refused"))
    };
    let request = Request::get("/7").body(String::new()).unwrap();
    let call = client.service(service_fn(broken)).oneshot(request);
    assert!(traced(&capture, call).await.is_err());
    let call = documents(&capture, 1).await.remove(0).subsegments.remove(0);
    assert_eq!((&*call.name, call.fault), ("stock", true));
    let Some(Cause::Detail(cause)) = &call.cause else { panic!("{call:?}") };
    assert_eq!(cause.exceptions[0].message.as_deref(), Some("connection refused"));
}
