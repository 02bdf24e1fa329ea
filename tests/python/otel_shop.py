"""One request of a shop, traced by the OpenTelemetry SDK and exported by OTLP.

Takes the protocol, `http` or `grpc`; where to and how packed is for the SDK's own variables
(OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_EXPORTER_OTLP_COMPRESSION). Prints as JSON the trace's id, the
span of the request, and whether everything was exported.
"""

import json
import sys

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode, TraceFlags


def exporter(protocol):
    if protocol == "grpc":
        from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter

        return OTLPSpanExporter(insecure=True)
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

    return OTLPSpanExporter()


def discount():
    try:
        1 / 0
    except ZeroDivisionError as error:
        raise ValueError("no discount") from error


# What a request has by the conventions of today.
REQUEST = {
    "http.request.method": "GET",
    "url.scheme": "http",
    "server.address": "shop.example",
    "server.port": 8080,
    "url.path": "/cart/7",
    "http.route": "/cart/{id}",
    "client.address": "203.0.113.9",
    "user_agent.original": "curl/8",
    "user.id": "ada",
    "cart.items": 3,
    "aws.xray.annotations": ["cart.items"],
}
# A call by those of yesterday.
CALL = {
    "http.method": "GET",
    "http.url": "http://stock.example/items/7",
    "http.status_code": 429,
    "peer.service": "stock",
}
QUERY = {
    "db.system.name": "postgresql",
    "db.namespace": "shop",
    "db.query.text": "SELECT * FROM carts WHERE id = $1",
    "server.address": "db.example",
}


def main():
    resource = Resource.create({"service.name": "shop", "service.version": "1.2"})
    provider = TracerProvider(resource=resource)
    provider.add_span_processor(BatchSpanProcessor(exporter(sys.argv[1])))
    tracer = provider.get_tracer("shop.instrumentation", "0.9")
    other = SpanContext(0x5F29AB21D4EBF299219A65BD5C31D6DA, 0x70DE5B6F19FF9A0A, True, TraceFlags(1))
    links = [Link(other, {"why": "batch"})]
    with tracer.start_as_current_span(
        "GET /cart/{id}", kind=SpanKind.SERVER, attributes=REQUEST, links=links
    ) as request:
        request.add_event("cache miss", {"key": "cart-7"})
        with tracer.start_as_current_span("SELECT carts", kind=SpanKind.CLIENT, attributes=QUERY):
            pass
        with tracer.start_as_current_span("GET", kind=SpanKind.CLIENT, attributes=CALL):
            pass
        try:
            with tracer.start_as_current_span("discount"):
                discount()
        except ValueError:
            request.set_attribute("http.response.status_code", 500)
            request.set_status(Status(StatusCode.ERROR, "no discount"))
    trace = f"{request.context.trace_id:032x}"
    exported = provider.force_flush()
    provider.shutdown()
    print(
        json.dumps(
            {
                "trace_id": f"1-{trace[:8]}-{trace[8:]}",
                "span_id": f"{request.context.span_id:016x}",
                "exported": exported,
            }
        )
    )


main()
