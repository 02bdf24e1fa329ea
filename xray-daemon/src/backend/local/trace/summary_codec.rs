//! A summary as bytes, for its row in the store.
//!
//! In: a [`Summary`]. Out: bytes, and the same again. Owns nothing. The first byte is the version:
//! what an older daemon wrote reads as none, and is made anew from the documents.

use std::collections::BTreeMap;

use xray_tracing::TraceId;
use xray_tracing::document::AnnotationValue;

use super::codec::{Reader, Writer};
use super::{
    AnnotationSummary, Cause, CauseEntity, CauseException, CauseService, ServiceId, Status,
    Summary, SummaryHttp, UserSummary,
};

const VERSION: u64 = 1;

impl Summary {
    /// The summary as bytes, without its id, which the row has.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(512);
        let out = &mut Writer::new(&mut bytes);
        out.number(VERSION);
        out.float(self.start_time_s);
        out.option(self.duration_s, Writer::float);
        out.option(self.response_time_s, Writer::float);
        let flags =
            [self.has_fault, self.has_error, self.has_throttle, self.is_partial, self.has_inferred];
        out.number(flags.iter().rev().fold(0, |bits, flag| bits << 1 | u64::from(*flag)));
        write_http(out, &self.http);
        out.list(self.annotations.iter(), |out, (key, values)| {
            out.text(key);
            out.list(values.iter(), write_annotation);
        });
        out.list(self.users.iter(), |out, user| {
            out.text(&user.name);
            out.list(user.service_ids.iter(), write_service);
        });
        out.list(self.service_ids.iter(), write_service);
        out.option(self.entry_point.as_ref(), write_service);
        for texts in [&self.resource_arns, &self.instance_ids, &self.availability_zones] {
            out.list(texts.iter(), |out, text| out.text(text));
        }
        for causes in
            [&self.fault_root_causes, &self.error_root_causes, &self.response_time_root_causes]
        {
            out.list(causes.iter(), write_cause);
        }
        out.number(self.revision);
        out.text(&self.title);
        out.number(status_number(self.worst));
        for count in [self.segments, self.subsegments, self.orphans] {
            out.number(count as u64);
        }
        out.float(self.updated_at_s);
        bytes
    }

    /// Reads what [`encode`](Self::encode) wrote of trace `id`; none if it is damaged or of
    /// another version.
    pub fn decode(id: TraceId, bytes: &[u8]) -> Option<Self> {
        let from = &mut Reader::new(bytes);
        if from.number()? != VERSION {
            return None;
        }
        let (start_time_s, duration_s) = (from.float()?, from.option(Reader::float)?);
        let response_time_s = from.option(Reader::float)?;
        let bits = from.number()?;
        let flag = |place: u32| bits >> place & 1 == 1;
        let http = read_http(from)?;
        let annotations = from.list(|from| Some((from.text()?, from.list(read_annotation)?)))?;
        let users = from.list(|from| {
            Some(UserSummary { name: from.text()?, service_ids: from.list(read_service)? })
        })?;
        let service_ids = from.list(read_service)?;
        let entry_point = from.option(read_service)?;
        let mut texts = || from.list(Reader::text);
        let (resource_arns, instance_ids, availability_zones) = (texts()?, texts()?, texts()?);
        let mut causes = || from.list(read_cause);
        let (faults, errors, times) = (causes()?, causes()?, causes()?);
        let (revision, title) = (from.number()?, from.text()?);
        let worst = status_of(from.number()?)?;
        let mut count = || from.number().and_then(|count| usize::try_from(count).ok());
        let (segments, subsegments, orphans) = (count()?, count()?, count()?);
        let updated_at_s = from.float()?;
        from.is_done().then_some(())?;
        Some(Self {
            id,
            start_time_s,
            duration_s,
            response_time_s,
            has_fault: flag(0),
            has_error: flag(1),
            has_throttle: flag(2),
            is_partial: flag(3),
            has_inferred: flag(4),
            http,
            annotations: BTreeMap::from_iter(annotations),
            users,
            service_ids,
            entry_point,
            resource_arns,
            instance_ids,
            availability_zones,
            fault_root_causes: faults,
            error_root_causes: errors,
            response_time_root_causes: times,
            revision,
            title,
            worst,
            segments,
            subsegments,
            orphans,
            updated_at_s,
        })
    }
}

fn write_http(out: &mut Writer<'_>, http: &SummaryHttp) {
    let text = |out: &mut Writer<'_>, text: &Option<String>| {
        out.option(text.as_deref(), Writer::text);
    };
    text(out, &http.url);
    text(out, &http.method);
    text(out, &http.user_agent);
    text(out, &http.client_ip);
    out.option(http.status, |out, status| out.number(u64::from(status)));
}

fn read_http(from: &mut Reader<'_>) -> Option<SummaryHttp> {
    let mut text = || from.option(Reader::text);
    let (url, method, user_agent, client_ip) = (text()?, text()?, text()?, text()?);
    let status = from.option(|from| u16::try_from(from.number()?).ok())?;
    Some(SummaryHttp { url, status, method, user_agent, client_ip })
}

fn write_annotation(out: &mut Writer<'_>, annotation: &AnnotationSummary) {
    match &annotation.value {
        AnnotationValue::String(text) => {
            out.number(0);
            out.text(text);
        }
        AnnotationValue::Number(number) => {
            out.number(1);
            out.float(*number);
        }
        AnnotationValue::Bool(bool) => out.number(2 + u64::from(*bool)),
    }
    out.list(annotation.service_ids.iter(), write_service);
}

fn read_annotation(from: &mut Reader<'_>) -> Option<AnnotationSummary> {
    let value = match from.number()? {
        0 => AnnotationValue::String(from.text()?),
        1 => AnnotationValue::Number(from.float()?),
        kind @ (2 | 3) => AnnotationValue::Bool(kind == 3),
        _ => return None,
    };
    Some(AnnotationSummary { value, service_ids: from.list(read_service)? })
}

pub(in crate::backend::local) fn write_service(out: &mut Writer<'_>, service: &ServiceId) {
    out.text(&service.name);
    out.option(service.service_type.as_deref(), Writer::text);
    out.option(service.account_id.as_deref(), Writer::text);
}

pub(in crate::backend::local) fn read_service(from: &mut Reader<'_>) -> Option<ServiceId> {
    let name = from.text()?;
    let (service_type, account_id) = (from.option(Reader::text)?, from.option(Reader::text)?);
    Some(ServiceId { name, service_type, account_id })
}

fn write_cause(out: &mut Writer<'_>, cause: &Cause) {
    out.number(u64::from(cause.client_impacting));
    out.list(cause.services.iter(), |out, service| {
        out.text(&service.name);
        out.text(&service.service_type);
        out.option(service.account_id.as_deref(), Writer::text);
        out.number(u64::from(service.inferred));
        out.list(service.entity_path.iter(), |out, entity| {
            out.text(&entity.name);
            out.list(entity.exceptions.iter(), |out, exception| {
                out.text(&exception.name);
                out.text(&exception.message);
            });
            out.option(entity.coverage, Writer::float);
            out.number(u64::from(entity.remote));
        });
    });
}

fn read_cause(from: &mut Reader<'_>) -> Option<Cause> {
    Some(Cause {
        client_impacting: from.number()? != 0,
        services: from.list(|from| {
            Some(CauseService {
                name: from.text()?,
                service_type: from.text()?,
                account_id: from.option(Reader::text)?,
                inferred: from.number()? != 0,
                entity_path: from.list(read_cause_entity)?,
            })
        })?,
    })
}

fn read_cause_entity(from: &mut Reader<'_>) -> Option<CauseEntity> {
    Some(CauseEntity {
        name: from.text()?,
        exceptions: from
            .list(|from| Some(CauseException { name: from.text()?, message: from.text()? }))?,
        coverage: from.option(Reader::float)?,
        remote: from.number()? != 0,
    })
}

fn status_number(status: Status) -> u64 {
    match status {
        Status::Ok => 0,
        Status::InProgress => 1,
        Status::Throttle => 2,
        Status::Error => 3,
        Status::Fault => 4,
    }
}

fn status_of(number: u64) -> Option<Status> {
    let all = [Status::Ok, Status::InProgress, Status::Throttle, Status::Error, Status::Fault];
    all.into_iter().find(|status| status_number(*status) == number)
}
