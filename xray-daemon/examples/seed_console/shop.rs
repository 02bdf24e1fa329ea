//! Traces of a shop: what a visitor does, and what three services, a queue and two stores make of it.
//!
//! In: when a request began, and a random source. Out: the documents of its trace. From a given
//! moment on, one version of a service fails now and then and is asked twice.

use fastrand::Rng;
use xray_tracing::document::{
    AnnotationValue, Aws, Cause, CauseDetail, Entity, Exception, Http, HttpRequest, HttpResponse,
    Kind, Object, Service, Sql, StackFrame,
};
use xray_tracing::{SegmentId, TraceId};

/// One visit.
pub(crate) struct Visit<'a> {
    pub(crate) start_s: f64,
    /// When faults begin.
    pub(crate) faults_from_s: f64,
    pub(crate) rng: &'a mut Rng,
}

/// What the visitor asks for.
#[derive(Clone, Copy, PartialEq)]
enum Request {
    List,
    Show,
    Add,
    Change,
    Gone,
    Probe,
}

impl Visit<'_> {
    /// The documents of the trace, in the order in which they would be sent.
    pub(crate) fn documents(mut self) -> Vec<Entity> {
        let request = match self.rng.u8(0..100) {
            0..52 => Request::List,
            52..80 => Request::Show,
            80..88 => Request::Add,
            88..92 => Request::Change,
            92 => Request::Gone,
            _ => Request::Probe,
        };
        if request == Request::Probe {
            return vec![self.probe()];
        }
        self.shop(request)
    }

    fn probe(&mut self) -> Entity {
        let trace_id = self.trace_id();
        let mut probe = self.segment(trace_id, None, "Frontend", 0.0, 1.2);
        probe.http = http("GET", "http://10.0.0.12:9000/healthz", Some(200));
        if let Some(http) = &mut probe.http {
            http.request.user_agent = Some("kube-probe/1.36".to_owned());
        }
        probe
    }

    fn shop(mut self, request: Request) -> Vec<Entity> {
        let trace_id = self.trace_id();
        let product = self.rng.u32(1..15);
        let (method, path) = match request {
            Request::List => ("GET", "/".to_owned()),
            Request::Show => ("GET", format!("/products/{product}")),
            Request::Add => ("POST", format!("/products/{product}")),
            Request::Change => ("PUT", format!("/products/{product}")),
            Request::Gone | Request::Probe => ("DELETE", "/products/99".to_owned()),
        };
        let broken = self.start_s >= self.faults_from_s && self.rng.u8(0..100) < 13;
        let second_version = self.rng.u8(0..10) == 0;
        let slow_ms = self.time_ms(3.0, 9.0);
        let writes = matches!(request, Request::Add | Request::Change);

        // Work in the order in which it happens, in milliseconds from the start.
        let mut now_ms = slow_ms;
        let catalog_from = now_ms;
        now_ms += self.time_ms(1.0, 3.0);
        let mut catalog_work = Vec::new();
        let mut others = Vec::new();

        let statement = if writes { INSERT } else { SELECT };
        let took = self.time_ms(0.6, if writes { 9.0 } else { 3.0 });
        let mut query = self.subsegment("products@products.db", "remote", now_ms, now_ms + took);
        query.sql = Some(sqlite(statement));
        if writes {
            let took = took + self.time_ms(0.5, 2.0);
            let mut insert = self.subsegment("insert_product", "", now_ms - 0.4, now_ms + took);
            insert.namespace = None;
            insert.subsegments.push(query);
            now_ms += took;
            catalog_work.push(insert);
        } else {
            now_ms += took;
            catalog_work.push(query);
        }
        if writes {
            let took = self.time_ms(4.0, 12.0);
            let mut send = self.subsegment("SQS", "aws", now_ms, now_ms + took);
            send.aws = Some(Aws {
                operation: Some("SendMessage".to_owned()),
                queue_url: Some(QUEUE.to_owned()),
                region: Some("us-east-1".to_owned()),
                request_id: Some(format!("{:032x}", self.rng.u128(..))),
                ..Aws::default()
            });
            send.http = http("POST", "", Some(200));
            others.extend(self.worker(trace_id, send.id, now_ms + took + 30.0, product));
            now_ms += took + 2.0;
            catalog_work.push(send);
        }
        let tries = if broken { 2 } else { 1 };
        for attempt in 0..tries {
            let took = if broken { self.time_ms(120.0, 170.0) } else { self.time_ms(5.0, 22.0) };
            let name =
                if second_version && !broken { "Product-Detail-V2" } else { "Product-Detail" };
            let mut call = self.subsegment(name, "remote", now_ms, now_ms + took);
            let status = if broken { 500 } else { 200 };
            call.fault = broken;
            call.http = http("GET", "http://localhost:3000/catalogDetail", Some(status));
            others.push(self.detail(trace_id, &call, name, now_ms, took, broken, product));
            catalog_work.push(call);
            now_ms += took + if attempt + 1 < tries { self.time_ms(10.0, 20.0) } else { 0.0 };
        }
        let catalog_to = now_ms + self.time_ms(0.6, 3.0);

        let (status, catalog_status) = match request {
            _ if broken => (502, 500),
            Request::Gone => (404, 404),
            Request::Add | Request::Change => (303, 200),
            _ => (200, 200),
        };
        let mut call = self.subsegment("Product-Catalog", "remote", catalog_from, catalog_to + 1.5);
        let inner_path = if path == "/" { "/products".to_owned() } else { path.clone() };
        let inner_url = format!("http://localhost:5000{inner_path}");
        call.http = http(method, &inner_url, Some(catalog_status));
        flag(&mut call, catalog_status);
        let mut catalog =
            self.segment(trace_id, call.id, "Product-Catalog", catalog_from + 0.7, catalog_to);
        catalog.http = http(method, &inner_url, Some(catalog_status));
        flag(&mut catalog, catalog_status);
        catalog
            .annotations
            .push(("product_id".to_owned(), AnnotationValue::Number(product.into())));
        catalog.subsegments = catalog_work;

        let end_ms = catalog_to + 1.5 + self.time_ms(1.0, 5.0);
        let mut front = self.segment(trace_id, None, "Frontend", 0.0, end_ms);
        front.http = http(method, &format!("http://localhost:9000{path}"), Some(status));
        front.user = Some(format!("workshop-{:02}", self.rng.u8(1..13)));
        flag(&mut front, status);
        annotate(&mut front, request, product);
        let mut validate = self.subsegment("validate", "", 0.5, slow_ms - 0.5);
        validate.namespace = None;
        front.subsegments = if writes { vec![validate, call] } else { vec![call] };

        let mut documents = vec![front, catalog];
        documents.extend(others);
        documents
    }

    #[expect(clippy::too_many_arguments, reason = "one place calls it")]
    fn detail(
        &mut self,
        trace_id: TraceId,
        call: &Entity,
        name: &str,
        from_ms: f64,
        took_ms: f64,
        broken: bool,
        product: u32,
    ) -> Entity {
        let mut detail =
            self.segment(trace_id, call.id, name, from_ms + 1.0, from_ms + took_ms - 1.0);
        let status = if broken { 500 } else { 200 };
        detail.http = http("GET", "http://localhost:3000/catalogDetail", Some(status));
        detail.fault = broken;
        detail.annotations.push((
            "version".to_owned(),
            AnnotationValue::String(if name.ends_with("V2") { "2" } else { "1" }.to_owned()),
        ));
        let mut load = self.subsegment("load_vendors", "", from_ms + 2.0, from_ms + took_ms - 1.6);
        load.namespace = None;
        load.fault = broken;
        load.annotations.push(("product_id".to_owned(), AnnotationValue::Number(product.into())));
        if broken {
            load.annotations.push(("injected".to_owned(), AnnotationValue::Bool(true)));
            load.cause = Some(injected_fault(self.rng));
        }
        load.metadata = metadata();
        detail.subsegments.push(load);
        detail
    }

    /// The worker that takes the message: it runs on after the response.
    fn worker(
        &mut self,
        trace_id: TraceId,
        parent: Option<SegmentId>,
        from_ms: f64,
        product: u32,
    ) -> Vec<Entity> {
        let took = self.time_ms(40.0, 140.0);
        let mut worker = self.segment(trace_id, parent, "Restock-Worker", from_ms, from_ms + took);
        worker.service = Some(runtime("CPython", "3.13"));
        let throttled = self.rng.u8(0..100) < 6;
        let mut now_ms = from_ms + 4.0;
        for attempt in 0..if throttled { 2 } else { 1 } {
            let took = self.time_ms(3.0, 12.0);
            let refused = throttled && attempt == 0;
            let mut update = self.subsegment("DynamoDB", "aws", now_ms, now_ms + took);
            update.aws = Some(Aws {
                operation: Some("UpdateItem".to_owned()),
                table_name: Some("stock".to_owned()),
                region: Some("us-east-1".to_owned()),
                request_id: Some(format!("{:026X}", self.rng.u128(..))),
                retries: Some(attempt),
                ..Aws::default()
            });
            update.http = http("POST", "", Some(if refused { 400 } else { 200 }));
            update.throttle = refused;
            update.error = refused;
            worker.subsegments.push(update);
            now_ms += took + 3.0;
        }
        let missing = self.rng.u8(0..100) < 4;
        let mut ask =
            self.subsegment("vendors.example.com", "remote", now_ms, from_ms + took - 3.0);
        let url = format!("https://vendors.example.com/stock/{product}");
        ask.http = http("GET", &url, Some(if missing { 404 } else { 200 }));
        ask.error = missing;
        worker.subsegments.push(ask);
        // Some work is never heard of again.
        if self.rng.u8(0..40) == 0 {
            worker.end_time_s = None;
            worker.in_progress = true;
        }
        vec![worker]
    }

    fn segment(
        &mut self,
        trace_id: TraceId,
        parent: Option<SegmentId>,
        name: &str,
        from_ms: f64,
        to_ms: f64,
    ) -> Entity {
        let mut ec2 = Object::new();
        ec2.insert("instance_id".to_owned(), "i-0a1b2c3d4e5f60718".into());
        ec2.insert("availability_zone".to_owned(), "us-east-1b".into());
        let mut eks = Object::new();
        eks.insert("cluster_name".to_owned(), "workshop".into());
        eks.insert("pod".to_owned(), format!("{}-5d9f7c-x2kqv", name.to_lowercase()).into());
        let mut xray = Object::new();
        xray.insert("sdk".to_owned(), "xray-tracing".into());
        xray.insert("sdk_version".to_owned(), "0.1.0".into());
        xray.insert("sampling_rule_name".to_owned(), "Default".into());
        let mut extra = Object::new();
        extra.insert("ec2".to_owned(), ec2.into());
        extra.insert("eks".to_owned(), eks.into());
        extra.insert("xray".to_owned(), xray.into());
        Entity {
            trace_id: Some(trace_id),
            parent_id: parent,
            origin: Some("AWS::EKS::Container".to_owned()),
            aws: Some(Aws { extra, ..Aws::default() }),
            service: Some(runtime("rustc", "1.95")),
            ..self.entity(Kind::Segment, name, from_ms, to_ms)
        }
    }

    fn subsegment(&mut self, name: &str, namespace: &str, from_ms: f64, to_ms: f64) -> Entity {
        let entity = self.entity(Kind::Subsegment, name, from_ms, to_ms);
        Entity { namespace: Some(namespace.to_owned()), ..entity }
    }

    fn entity(&mut self, kind: Kind, name: &str, from_ms: f64, to_ms: f64) -> Entity {
        Entity {
            kind,
            name: name.to_owned(),
            id: Some(SegmentId::from_u64(self.rng.u64(1..))),
            start_time_s: Some(self.start_s + from_ms / 1e3),
            end_time_s: Some(self.start_s + to_ms.max(from_ms) / 1e3),
            ..Entity::default()
        }
    }

    fn trace_id(&mut self) -> TraceId {
        let mut bytes = self.rng.u128(..).to_be_bytes();
        bytes[..4].copy_from_slice(&(self.start_s as u32).to_be_bytes());
        TraceId::from_bytes(bytes)
    }

    /// Mostly near the lower bound, seldom far above the upper one.
    fn time_ms(&mut self, from_ms: f64, to_ms: f64) -> f64 {
        let rare = if self.rng.u8(0..60) == 0 { 3.0 } else { 1.0 };
        from_ms + (to_ms - from_ms) * self.rng.f64().powf(1.7) * rare
    }
}

const QUEUE: &str = "https://sqs.us-east-1.amazonaws.com/111122223333/restock";
const SELECT: &str = "SELECT id, name FROM products WHERE id = ?1";
const INSERT: &str = "INSERT INTO products (id, name) VALUES (?1, ?2)\n\
                      ON CONFLICT (id) DO UPDATE SET name = excluded.name";

fn annotate(front: &mut Entity, request: Request, product: u32) {
    let (key, value) = match request {
        Request::List => ("service", AnnotationValue::String("prodcatalog-request".to_owned())),
        _ => ("product_id", AnnotationValue::Number(product.into())),
    };
    front.annotations.push((key.to_owned(), value));
}

fn http(method: &str, url: &str, status: Option<u16>) -> Option<Http> {
    let text = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    Some(Http {
        request: HttpRequest {
            method: text(method),
            url: text(url),
            user_agent: Some("Mozilla/5.0 (X11; Linux x86_64) Firefox/145.0".to_owned()),
            client_ip: Some("198.51.100.7".to_owned()),
            ..HttpRequest::default()
        },
        response: HttpResponse { status, content_length: Some(1_832), ..HttpResponse::default() },
        extra: Object::new(),
    })
}

fn flag(entity: &mut Entity, status: u16) {
    entity.fault = status >= 500;
    entity.error = (400..500).contains(&status);
}

fn sqlite(statement: &str) -> Sql {
    Sql {
        url: Some("sqlite://products.db".to_owned()),
        sanitized_query: Some(statement.to_owned()),
        database_type: Some("SQLite".to_owned()),
        database_version: Some("3.51".to_owned()),
        driver_version: Some("sqlx 0.9".to_owned()),
        preparation: Some("statement".to_owned()),
        ..Sql::default()
    }
}

fn runtime(name: &str, version: &str) -> Service {
    let mut extra = Object::new();
    extra.insert("runtime".to_owned(), name.into());
    extra.insert("runtime_version".to_owned(), version.into());
    Service { version: Some("1.4.0".to_owned()), extra }
}

fn metadata() -> Object {
    let value = serde_json::json!({
        "default": {
            "vendors_wanted": ["ABC.com", "XYZ.com"],
            "cache": { "hit": false, "age_s": 61 }
        }
    });
    value.as_object().cloned().unwrap_or_default()
}

fn injected_fault(rng: &mut Rng) -> Cause {
    let frame = |label: &str, path: &str, line| StackFrame {
        path: Some(path.to_owned()),
        line: Some(line),
        label: Some(label.to_owned()),
        extra: Object::new(),
    };
    let (outer, inner) = (format!("{:016x}", rng.u64(..)), format!("{:016x}", rng.u64(..)));
    let fault = Exception {
        id: Some(outer),
        message: Some("vendor lookup failed: fault injection is on".to_owned()),
        exception_type: Some("InjectedFault".to_owned()),
        cause: Some(inner.clone()),
        stack: vec![
            frame("proddetail::vendors::load", "src/proddetail/vendors.rs", 41),
            frame("proddetail::catalog_detail", "src/proddetail/main.rs", 88),
            frame(
                "tower::service::Service::call",
                "/.cargo/registry/src/tower-0.5.3/src/util/oneshot.rs",
                97,
            ),
        ],
        ..Exception::default()
    };
    let reset = Exception {
        id: Some(inner),
        message: Some("connection reset by peer".to_owned()),
        exception_type: Some("io::Error".to_owned()),
        ..Exception::default()
    };
    Cause::Detail(CauseDetail {
        working_directory: Some("/srv/shop".to_owned()),
        exceptions: vec![fault, reset],
        ..CauseDetail::default()
    })
}
