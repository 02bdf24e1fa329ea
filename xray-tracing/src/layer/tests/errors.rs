//! What fails inside spans: error events and panics.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};

use tracing::{error, info_span, instrument, warn};

use super::only;
use crate::document::{Cause, CauseDetail, Entity};
use crate::layer::errors;
use crate::testing::capture;

fn detail(entity: &Entity) -> &CauseDetail {
    match &entity.cause {
        Some(Cause::Detail(detail)) => detail,
        other => panic!("no exceptions but {other:?}"),
    }
}

#[derive(Debug, thiserror::Error)]
#[error("cart 7 cannot be loaded")]
struct LoadCart {
    #[source]
    source: io::Error,
}

fn load_cart() -> LoadCart {
    LoadCart { source: io::Error::other("connection reset") }
}

#[test]
fn an_error_event_is_an_exception_and_a_fault_on_its_span() {
    let segment = only(capture(|| {
        let _root = info_span!("root").entered();
        let _child = info_span!("load").entered();
        let error = load_cart();
        error!(error = &error as &dyn std::error::Error, "checkout failed");
    }));
    assert!(!segment.fault && segment.cause.is_none());
    let load = &segment.subsegments[0];
    assert!(load.fault);
    let cause = detail(load);
    assert_eq!(cause.extra["message"], "checkout failed");
    assert!(cause.working_directory.is_some());
    let [outer, inner] = &cause.exceptions[..] else { panic!("{:?}", cause.exceptions) };
    assert_eq!(outer.message.as_deref(), Some("cart 7 cannot be loaded"));
    assert_eq!(outer.exception_type.as_deref(), Some("LoadCart"));
    assert_eq!(outer.cause, inner.id);
    assert_eq!(inner.message.as_deref(), Some("connection reset"));
    assert_eq!(inner.cause, None);
    assert!(outer.stack[0].path.as_deref().unwrap().ends_with("layer/tests/errors.rs"));
    assert!(outer.stack[0].line.is_some());
}

#[test]
fn instrument_err_is_an_exception() {
    #[instrument(err)]
    fn checkout() -> Result<(), LoadCart> {
        Err(load_cart())
    }
    let segment = only(capture(|| {
        info_span!("root").in_scope(|| checkout().unwrap_err());
    }));
    let checkout = &segment.subsegments[0];
    assert!(checkout.fault);
    let exception = &detail(checkout).exceptions[0];
    assert_eq!(exception.message.as_deref(), Some("cart 7 cannot be loaded"));
    assert_eq!(exception.exception_type.as_deref(), Some("Error"));
}

#[test]
fn an_exception_field_counts_as_well() {
    let segment = only(capture(|| {
        info_span!("root").in_scope(|| error!(exception = "out of stock"));
    }));
    assert!(segment.fault);
    assert_eq!(detail(&segment).exceptions[0].message.as_deref(), Some("out of stock"));
}

#[test]
fn a_message_alone_or_a_lower_level_is_no_exception() {
    let segment = only(capture(|| {
        let _root = info_span!("root").entered();
        error!("something is odd");
        error!(code = 7, "something is odd");
        let error = load_cart();
        warn!(error = &error as &dyn std::error::Error, "retrying");
    }));
    assert!(!segment.fault && !segment.error && segment.cause.is_none());
}

#[test]
fn a_panic_is_told_by_the_innermost_span_and_referred_to_by_the_others() {
    crate::panics::install_hook();
    let segment = only(capture(|| {
        let caught = catch_unwind(|| {
            let _root = info_span!("root").entered();
            let _child = info_span!("child").entered();
            info_span!("innermost").in_scope(|| panic!("the shelf is empty"));
        });
        assert!(caught.is_err());
    }));
    let child = &segment.subsegments[0];
    let innermost = &child.subsegments[0];
    let exception = &detail(innermost).exceptions[0];
    assert_eq!(exception.message.as_deref(), Some("the shelf is empty"));
    assert_eq!(exception.exception_type.as_deref(), Some("panic"));
    assert!(exception.stack[0].path.as_deref().unwrap().ends_with("layer/tests/errors.rs"));
    let referred = Some(Cause::ExceptionId(exception.id.clone().unwrap()));
    for entity in [&segment, child] {
        assert!(entity.fault);
        assert_eq!(entity.cause, referred);
    }
}

#[test]
fn each_panic_that_was_caught_is_told_on_its_own() {
    crate::panics::install_hook();
    let segment = only(capture(|| {
        let _root = info_span!("root").entered();
        for name in ["first", "second"] {
            let span = info_span!("attempt", name);
            let caught = catch_unwind(AssertUnwindSafe(|| span.in_scope(|| panic!("{name}"))));
            assert!(caught.is_err());
        }
    }));
    assert!(!segment.fault);
    let messages: Vec<_> = segment
        .subsegments
        .iter()
        .map(|attempt| detail(attempt).exceptions[0].message.clone().unwrap())
        .collect();
    assert_eq!(messages, ["first", "second"]);
}

#[test]
fn the_number_of_a_panic_is_its_own() {
    crate::panics::install_hook();
    let number = || {
        catch_unwind(|| panic!("counted")).unwrap_err();
        errors::panic_number()
    };
    assert_ne!(number(), number());
}
