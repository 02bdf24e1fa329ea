"""A provider's schema, read out of the TypeScript classes that cdktn generates from it.

Usage: provider_schema.py WHEEL > schema.json. Out: for each resource and data source its arguments (required,
type), blocks and attributes. What the classes do not say (defaults, validators) is not there.
"""

import io
import json
import re
import sys
import tarfile
import zipfile

# A documented member of a generated interface: comment, optional mark, type.
MEMBER = re.compile(r"/\*\*((?:(?!\*/).)*?)\*/\s*readonly \w+(\?)?: (\{[^}]*\}[^;]*|[^;]+);", re.S)
INTERFACE = re.compile(r"export (?:declare )?interface (\w+)(?: extends [\w.]+)? \{\n(.*?)\n\}", re.S)
TYPE_NAME = re.compile(r"\b[A-Z]\w+\b")
READ = re.compile(r"get\w+Attribute\('(\w+)'\)|new [\w.]+\(this, [\"'](\w+)[\"']")


def attributes_of(code, name):
    """What can be read of the block that an interface describes."""
    begin = code.find(f"class {name}OutputReference ")
    if begin < 0:
        return []
    end = code.find("\nclass ", begin + 1)
    return sorted({one or other for one, other in READ.findall(code[begin:end if end > 0 else None])})


def members(interfaces, code, name, above=()):
    """Arguments and blocks of an interface, blocks within blocks included."""
    arguments, blocks = {}, {}
    for comment, optional, written in MEMBER.findall(interfaces.get(name, "")):
        terraform = re.search(r"#([a-z0-9_]+) \w+#", comment)
        if terraform is None:
            continue
        own = (found for found in TYPE_NAME.findall(written) if found in interfaces and found not in above)
        inner = next(own, None)
        if inner and re.search(r"\* \w+ block\b", comment):
            inner_arguments, inner_blocks = members(interfaces, code, inner, (*above, inner))
            blocks[terraform[1]] = {
                "required": not optional, "many": "[]" in written,
                "args": inner_arguments, "blocks": inner_blocks, "attrs": attributes_of(code, inner),
            }
        else:
            kind = " ".join(written.replace("cdktn.", "").split())
            arguments[terraform[1]] = {"required": not optional, "type": kind}
    return arguments, blocks


def resource(files):
    """Name and schema of the resource that a folder of classes stands for, or None."""
    types = "\n".join(text for name, text in files.items() if name.endswith(".d.ts"))
    code = files.get("index.js", "")
    named = re.search(r"terraformResourceType: '(\w+)'", code)
    if named is None:
        return None
    interfaces = dict(INTERFACE.findall(types))
    is_config = lambda name: name.endswith("ProviderConfig") or (
        name.endswith("Config") and f"interface {name} extends" in types
    )
    config = next(filter(is_config, interfaces), None)
    arguments, blocks = members(interfaces, code, config)
    own_class = code[code.rfind("class ", 0, named.start()):]
    attributes = {one or other for one, other in READ.findall(own_class)} | set(arguments)
    prefix = "data." if "TerraformDataSource" in types else ""
    return prefix + named[1], {"args": arguments, "blocks": blocks, "attrs": sorted(attributes)}


def main(wheel):
    """Reads the package within the wheel and prints the schema."""
    with zipfile.ZipFile(wheel) as outer:
        package = outer.read(next(name for name in outer.namelist() if name.endswith(".jsii.tgz")))
    folders, about = {}, {}
    with tarfile.open(fileobj=io.BytesIO(package)) as files:
        for member in files:
            part = member.name.split("/")
            if member.name == "package/package.json":
                about = json.load(files.extractfile(member))["cdktn"]["provider"]
            elif part[1] == "lib" and len(part) > 3 and member.name.endswith((".js", ".d.ts")):
                text = files.extractfile(member).read().decode()
                folders.setdefault(part[2], {})["/".join(part[3:])] = text
    resources = dict(filter(None, map(resource, folders.values())))
    json.dump({**about, "resources": resources}, sys.stdout)


main(sys.argv[1])
