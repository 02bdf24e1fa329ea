"""A Terraform provider that has a schema (schema.json beside it) and nothing else.

`terraform validate`, and `test` with mocks, run against it as against the real one. Needs tf==1.2.0.
"""

import json
import os

import tf.provider as base
import tf.runner
from tf.gen import tfplugin_pb2 as pb

SCALARS = {"string": "string", "number": "number", "boolean": "bool"}
NESTING = pb.Schema.NestedBlock.NestingMode
HERE = os.path.dirname(os.path.realpath(__file__))


def terraform_type(written):
    """Terraform's type for a TypeScript one; dynamic where it is an object."""
    written = written.replace(" | IResolvable", "").strip()
    if written.startswith("{ [key: string]: "):
        return ["map", SCALARS.get(written[17:].strip("}; ()"), "dynamic")]
    if written.endswith("[]") and written[:-2] in SCALARS:
        return ["list", SCALARS[written[:-2]]]
    return SCALARS.get(written, "dynamic")


def nested(name, found):
    """One kind of block within another."""
    timeouts = name == "timeouts"
    return pb.Schema.NestedBlock(
        type_name=name,
        block=block(found, top=False),
        nesting=NESTING.SINGLE if timeouts else NESTING.LIST,
        min_items=int(found["required"]),
        max_items=0 if found["many"] or timeouts else 1,
    )


def block(schema, top=True):
    """A resource, or a block within."""
    attributes = [
        pb.Schema.Attribute(
            name=name,
            type=json.dumps(terraform_type(argument["type"])).encode(),
            required=argument["required"],
            optional=not argument["required"],
            computed=top and not argument["required"],
        )
        for name, argument in schema["args"].items()
    ]
    known = set(schema["args"]) | set(schema["blocks"])
    attributes += [
        pb.Schema.Attribute(name=name, type=b'"dynamic"', computed=True)
        for name in schema.get("attrs", [])
        if name not in known
    ]
    blocks = [nested(name, found) for name, found in schema["blocks"].items()]
    return pb.Schema.Block(attributes=attributes, block_types=blocks)


class SchemaOnly(base.ProviderServicer):
    """Answers what a schema is, and that every configuration is fine."""

    def __init__(self, _provider):
        with open(os.path.join(HERE, "schema.json"), encoding="utf-8") as file:
            self.all = json.load(file)

    def GetProviderSchema(self, request, context):
        resources = dict(self.all["resources"])
        own = resources.pop(self.all["name"].split("/")[-1], {"args": {}, "blocks": {}})
        own = {"args": {n: a for n, a in own["args"].items() if n != "alias"}, "blocks": own["blocks"]}
        is_data = lambda name: name.startswith("data.")
        return pb.GetProviderSchema.Response(
            provider=pb.Schema(block=block(own, top=False)),
            resource_schemas={n: pb.Schema(block=block(s)) for n, s in resources.items() if not is_data(n)},
            data_source_schemas={n[5:]: pb.Schema(block=block(s)) for n, s in resources.items() if is_data(n)},
        )

    def ValidateProviderConfig(self, request, context):
        return pb.ValidateProviderConfig.Response()

    def ValidateResourceConfig(self, request, context):
        return pb.ValidateResourceConfig.Response()

    def ValidateDataResourceConfig(self, request, context):
        return pb.ValidateDataResourceConfig.Response()


base.ProviderServicer = SchemaOnly
tf.runner.run_provider(None)
