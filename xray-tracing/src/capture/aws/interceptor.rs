//! The hooks: where a call begins, is sent, and ends.

use std::sync::{Mutex, PoisonError};

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::{
    BeforeSerializationInterceptorContextRef, BeforeTransmitInterceptorContextMut,
    BeforeTransmitInterceptorContextRef, Error, FinalizerInterceptorContextRef,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, Metadata, OrchestratorError};
use aws_smithy_runtime_api::client::retries::RequestAttempts;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::{ConfigBag, Storable, StoreReplace};
use aws_types::region::Region;

use super::super::subsegment::Subsegment;
use super::parameters::{self, Sent};
use super::reply::Reply;
use crate::SegmentId;
use crate::layer::current;
use crate::layer::errors;
use crate::layer::record::{Flags, Key, Value};
use crate::layer::scratch::Scratch;

/// Makes a subsegment of each call of a client it is given to.
///
/// ```ignore
/// let config = aws_config::load_from_env().await;
/// let builder = aws_sdk_s3::config::Builder::from(&config);
/// let s3 = aws_sdk_s3::Client::from_conf(
///     builder.interceptor(xray_tracing::aws::Interceptor::new()).build(),
/// );
/// ```
///
/// The same in one line: `xray_tracing::aws::client!(aws_sdk_s3, &config)`.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct Interceptor {}

impl Interceptor {
    /// Records every call, but those to X-Ray itself.
    pub fn new() -> Self {
        Self {}
    }
}

/// The call under way, kept in its configuration: it is dropped with the call.
#[derive(Debug)]
struct Call {
    subsegment: Mutex<Option<Subsegment>>,
    /// What was read off the request, once it was written.
    sent: Mutex<Option<Sent>>,
}

impl Storable for Call {
    type Storer = StoreReplace<Self>;
}

impl Intercept for Interceptor {
    fn name(&self) -> &'static str {
        "xray-tracing"
    }

    fn read_before_execution(
        &self,
        _: &BeforeSerializationInterceptorContextRef<'_>,
        cfg: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        begin(cfg);
        Ok(())
    }

    fn modify_before_signing(
        &self,
        context: &mut BeforeTransmitInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        cfg: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        add_headers(context.request_mut(), cfg);
        Ok(())
    }

    fn read_before_transmit(
        &self,
        context: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        cfg: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        read_request(context.request(), cfg);
        Ok(())
    }

    fn read_after_execution(
        &self,
        context: &FinalizerInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        cfg: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        end(context, cfg);
        Ok(())
    }
}

pub(super) fn begin(cfg: &mut ConfigBag) {
    let Some(metadata) = cfg.load::<Metadata>() else { return };
    let begun = current::with_current(|tracer, _, place| {
        let service = metadata.service();
        if is_xray(service) {
            return None;
        }
        Subsegment::begin(tracer, place?, service, Flags::AWS, |scratch| {
            scratch.add_text(Key::Aws("operation"), metadata.name());
            if let Some(region) = cfg.load::<Region>() {
                scratch.add_text(Key::Aws("region"), region.as_ref());
            }
        })
    });
    if let Some(subsegment) = begun.flatten().flatten() {
        let call = Call { subsegment: Mutex::new(Some(subsegment)), sent: Mutex::default() };
        cfg.interceptor_state().store_put(call);
    }
}

pub(super) fn add_headers(request: &mut HttpRequest, cfg: &ConfigBag) {
    if cfg.load::<Metadata>().is_some_and(|metadata| is_xray(metadata.service())) {
        return;
    }
    let own = cfg.load::<Call>().and_then(Call::id);
    let headers = current::with_current(|tracer, root, place| {
        let place = place.map_or(root.segment_id, |place| SegmentId::from_u64(place.id));
        root.outgoing_headers(tracer, own.unwrap_or(place))
    });
    for (name, value) in headers.flatten().unwrap_or_default() {
        // What cannot be a header is not sent; the call goes on.
        drop(request.headers_mut().try_insert(name, value));
    }
}

pub(super) fn read_request(request: &HttpRequest, cfg: &ConfigBag) {
    if let (Some(call), Some(metadata)) = (cfg.load::<Call>(), cfg.load::<Metadata>()) {
        let sent = Sent::read(metadata.service(), metadata.name(), request);
        *lock(&call.sent) = Some(sent);
    }
}

pub(super) fn end(context: &FinalizerInterceptorContextRef<'_>, cfg: &ConfigBag) {
    let Some(call) = cfg.load::<Call>() else { return };
    let Some(subsegment) = lock(&call.subsegment).take() else { return };
    let reply = context.response().map(Reply::read);
    let error = context.output_or_error().and_then(Result::err);
    let flags = match &reply {
        Some(reply) => reply.flags(error.is_some()),
        None if error.is_some() => Flags::FAULT,
        None => Flags::default(),
    };
    let attempts = cfg.load::<RequestAttempts>().map_or(1, RequestAttempts::attempts);
    let operation = cfg.load::<Metadata>().map(|metadata| (metadata.service(), metadata.name()));
    subsegment.end(flags, |scratch| {
        if attempts > 1 {
            let retries = Value::Unsigned(u64::from(attempts) - 1);
            scratch.add(Key::Aws("retries"), retries);
        }
        if let Some(sent) = &*lock(&call.sent) {
            sent.write(scratch);
        }
        if let Some(reply) = &reply {
            reply.write(scratch);
            if let Some((service, operation)) = operation {
                parameters::write_reply(service, operation, reply, scratch);
            }
        }
        if let Some(error) = error {
            write_error(error, reply.as_ref(), scratch);
        }
    });
}

impl Call {
    fn id(&self) -> Option<SegmentId> {
        lock(&self.subsegment).as_ref().map(Subsegment::id)
    }
}

/// The service's own error where it is one, told as from elsewhere.
fn write_error(error: &OrchestratorError<Error>, reply: Option<&Reply>, scratch: &mut Scratch) {
    match error.as_operation_error() {
        Some(error) => errors::add_chain(scratch, error),
        None => errors::add_chain(scratch, error),
    }
    if let Some(code) = reply.and_then(Reply::error_code) {
        errors::name_remote(scratch, code);
    }
}

/// Asking X-Ray for its rules is no work of the service.
fn is_xray(service: &str) -> bool {
    service.eq_ignore_ascii_case("xray")
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    // Nothing that holds it panics; were it to, the value is still whole.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
