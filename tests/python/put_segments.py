"""Sends documents as boto3 does: `put_segments.py ENDPOINT AUTHORITY_FILE DOCUMENT...`."""

import json
import sys

import boto3

endpoint, authority_file, *documents = sys.argv[1:]
xray = boto3.client("xray", endpoint_url=endpoint, verify=authority_file)
answer = xray.put_trace_segments(TraceSegmentDocuments=documents)
json.dump(answer["UnprocessedTraceSegments"], sys.stdout)
