"""Prints what Prometheus' own parser reads at a URL: `parse_metrics.py URL`."""

import json
import sys
import urllib.request

from prometheus_client.parser import text_string_to_metric_families

text = urllib.request.urlopen(sys.argv[1]).read().decode()
families = {}
for family in text_string_to_metric_families(text):
    if family.name in families:
        sys.exit(f"{family.name} stands twice")
    samples = [
        {"name": sample.name, "labels": sample.labels, "value": sample.value}
        for sample in family.samples
    ]
    families[family.name] = {
        "type": family.type, "help": family.documentation, "samples": samples
    }
json.dump(families, sys.stdout)
