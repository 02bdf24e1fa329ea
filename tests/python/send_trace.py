"""Sends one trace by the official X-Ray SDK: a request that fails, a subsegment with an exception, and
a call of DynamoDB. Prints the trace id."""

import json

from aws_xray_sdk.core import xray_recorder

xray_recorder.configure(service="shop", sampling=False, context_missing="RUNTIME_ERROR")
segment = xray_recorder.begin_segment("shop")
segment.put_http_meta("url", "https://shop.example/items/7")
segment.put_http_meta("method", "GET")
segment.put_http_meta("status", 500)
segment.put_annotation("item", 7)
try:
    with xray_recorder.in_subsegment("price"):
        1 / 0
except ZeroDivisionError:
    pass
with xray_recorder.in_subsegment("dynamodb", namespace="aws") as call:
    call.set_aws({"operation": "GetItem", "region": "eu-west-1", "table_name": "carts"})
xray_recorder.end_segment()
print(json.dumps({"trace_id": segment.trace_id}))
