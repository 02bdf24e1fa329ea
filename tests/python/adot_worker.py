"""A worker under the AWS distribution of OpenTelemetry, set up as its auto-instrumentation does it.

Where spans go, and by what, is for the distribution's own variables: with AWS_LAMBDA_FUNCTION_NAME
it sends datagrams to AWS_XRAY_DAEMON_ADDRESS, else OTLP. Prints the trace's id as JSON.
"""

import json
import os

os.environ.setdefault("OTEL_PYTHON_DISTRO", "aws_distro")
os.environ.setdefault("OTEL_PYTHON_CONFIGURATOR", "aws_configurator")

from opentelemetry.instrumentation.auto_instrumentation import initialize  # noqa: E402

initialize()

from opentelemetry import trace  # noqa: E402
from opentelemetry.trace import SpanKind  # noqa: E402

tracer = trace.get_tracer("worker")
# A message comes in, a call goes out: both are the first of their service.
with tracer.start_as_current_span("orders process", kind=SpanKind.CONSUMER) as message:
    message.set_attribute("messaging.system", "aws_sqs")
    with tracer.start_as_current_span("GET", kind=SpanKind.CLIENT) as call:
        call.set_attribute("http.request.method", "GET")
        call.set_attribute("url.full", "https://stock.example/items/7")
        call.set_attribute("http.response.status_code", 200)
context = message.get_span_context()
trace.get_tracer_provider().force_flush()
trace.get_tracer_provider().shutdown()
text = f"{context.trace_id:032x}"
print(json.dumps({"trace_id": f"1-{text[:8]}-{text[8:]}", "span_id": f"{context.span_id:016x}"}))
