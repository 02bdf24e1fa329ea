"""Prints the service graph of the last hour as boto3 reads it: `service_graph.py ENDPOINT`."""

import datetime
import json
import sys

import boto3

now = datetime.datetime.now(datetime.timezone.utc)
xray = boto3.client("xray", endpoint_url=sys.argv[1])
pages = xray.get_paginator("get_service_graph").paginate(
    StartTime=now - datetime.timedelta(hours=1), EndTime=now + datetime.timedelta(minutes=1)
)
services = [service for page in pages for service in page["Services"]]
json.dump(services, sys.stdout, default=lambda time: time.timestamp())
