"""Waits until the demo's service map is there: `wait_for_map.py PROCESS_ID SECONDS`.

Ends with 1 when the process is gone or the time is over.
"""

import datetime
import sys
import time

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

ENDPOINT = "http://127.0.0.1:2002"
CHAIN = {("client", "Frontend"), ("Frontend", "Product-Catalog"), ("Product-Catalog", "Product-Detail")}

process_id, longest_s = int(sys.argv[1]), float(sys.argv[2])
xray = boto3.client(
    "xray",
    endpoint_url=ENDPOINT,
    region_name="local",
    aws_access_key_id="local",
    aws_secret_access_key="local",
    config=Config(retries={"total_max_attempts": 1}, connect_timeout=2, read_timeout=5),
)


def edges():
    now = datetime.datetime.now(datetime.timezone.utc)
    begin, end = now - datetime.timedelta(minutes=30), now + datetime.timedelta(minutes=1)
    services = xray.get_service_graph(StartTime=begin, EndTime=end)["Services"]
    names = {
        service["ReferenceId"]: "client" if service.get("Type") == "client" else service["Name"]
        for service in services
    }
    databases = {service["Name"] for service in services if "Database" in (service.get("Type") or "")}
    found = {
        (names[service["ReferenceId"]], names[edge["ReferenceId"]])
        for service in services
        for edge in service["Edges"]
    }
    return found, databases


def running():
    """False for a process that ended, also while nobody has asked for its status."""
    try:
        with open(f"/proc/{process_id}/stat") as stat:
            return stat.read().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


deadline = time.monotonic() + longest_s
last = "no answer yet"
while time.monotonic() < deadline:
    if not running():
        sys.exit("the demo ended before its map was there")
    try:
        found, databases = edges()
        last = f"edges {sorted(found)}, databases {sorted(databases)}"
        if CHAIN <= found and any(callee in databases for _, callee in found):
            print("map:", ", ".join(f"{caller} -> {callee}" for caller, callee in sorted(found)))
            sys.exit(0)
    except (BotoCoreError, ClientError) as error:
        last = str(error)
    time.sleep(1)
sys.exit(f"no map within {longest_s:.0f} s: {last}")
